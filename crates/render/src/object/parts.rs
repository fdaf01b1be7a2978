//! What pointers inside a pointee led to.

use calls::{Content, Part, Pointee};

/// What pointers inside a pointee led to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Parts<'a> {
    /// As recorded.
    pub(crate) list: &'a [Part],
    /// The kernel has answered: what was there at exit counts.
    pub(crate) answered: bool,
    /// Of a row of objects, the one at hand.
    pub(crate) index: Option<usize>,
}

impl<'a> Parts<'a> {
    /// What the member of that name led to.
    pub(super) fn get(self, name: &str) -> Option<&'a Pointee> {
        let part = self.part(name)?;
        let after = part.after.as_ref().filter(|_| self.answered);
        after.into_iter().chain(&part.before).find(|pointee| pointee.is_readable())
    }

    /// The number that a member led to, or what it led to begins with.
    pub(super) fn number(self, name: &str) -> Option<i128> {
        match &self.get(name)?.content {
            Content::Bytes(bytes) => calls::leading_integer(bytes),
            _ => None,
        }
    }

    fn part(self, name: &str) -> Option<&'a Part> {
        let is = |part: &&Part| match self.index {
            None => &*part.name == name,
            Some(index) => {
                let own = part.name.split_once('_');
                own.is_some_and(|(row, member)| member == name && row.parse() == Ok(index))
            }
        };
        self.list.iter().find(is)
    }

    /// What the kernel left where a member leads.
    pub(super) fn left(self, name: &str) -> Option<&'a Pointee> {
        self.part(name)?.after.as_ref().filter(|pointee| pointee.is_readable())
    }

    /// What the elements of a row lead to; the row is the member of that name, or the argument itself.
    pub(super) fn load(self, row: Option<&str>) -> Option<&'a Pointee> {
        let part = match row {
            Some(row) => self.part(&format!("{row}_load")),
            None => self.part("load"),
        };
        // The row itself is what the caller made it: what it leads to is known on one side only.
        let part = part?;
        part.after.iter().chain(&part.before).find(|pointee| pointee.is_readable())
    }
}
