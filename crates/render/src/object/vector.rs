//! What the elements of an `iovec` lead to, element by element.

use calls::{Content, Pointee};
use schema::Class;
use schema::ast::Ty;

use super::Objects;

/// What each element of a row leads to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loads<'a> {
    each: Vec<(&'a [u8], bool)>,
}

impl<'a> Loads<'a> {
    /// What the element at that place leads to, and whether there is more of it.
    pub(crate) fn get(&self, at: usize) -> Option<(&'a [u8], bool)> {
        self.each.get(at).copied()
    }

    /// `pieces` is what was kept, `lengths` how long the elements are, `total` how many bytes count in all: what lies behind
    /// them the kernel has not written.
    fn new(lengths: &[u64], pieces: &'a [Vec<u8>], total: Option<u64>) -> Loads<'a> {
        let mut left = total.unwrap_or(u64::MAX);
        let each = lengths.iter().enumerate().map_while(|(at, length)| {
            let none = (left == 0).then_some(&[][..]);
            let piece = pieces.get(at).map(Vec::as_slice).or(none)?;
            let counts = (*length).min(left);
            left -= counts;
            let shown = usize::try_from(counts).ok().and_then(|counts| piece.get(..counts)).unwrap_or(piece);
            Some((shown, (shown.len() as u64) < counts))
        });
        Loads { each: each.collect() }
    }
}

impl<'a> Objects<'a> {
    /// What the elements of a row lead to; the row is the member `name`, or the argument itself.
    pub(crate) fn loads(self, ty: &Ty, row: &[u8], name: Option<&str>) -> Loads<'a> {
        let Some(Pointee { content: Content::Texts(pieces), .. }) = self.parts.load(name) else {
            return Loads::default();
        };
        let total = self.total.and_then(|total| u64::try_from(total.value(self.outer)?).ok());
        Loads::new(&self.column(ty, row, Class::Size), pieces, total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lengths: &[u64], pieces: &[&str], total: Option<u64>) -> Vec<(String, bool)> {
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
        let loads = Loads::new(lengths, &pieces, total);
        loads.each.iter().map(|(bytes, cut)| (String::from_utf8_lossy(bytes).into_owned(), *cut)).collect()
    }

    fn expected(all: &[(&str, bool)]) -> Vec<(String, bool)> {
        all.iter().map(|(text, cut)| ((*text).to_owned(), *cut)).collect()
    }

    #[test]
    fn what_was_not_kept_is_told() {
        assert_eq!(shown(&[5, 9], &["hello", "wor"], None), expected(&[("hello", false), ("wor", true)]));
    }

    #[test]
    fn only_what_the_kernel_wrote_counts() {
        assert_eq!(shown(&[4, 4], &["abcd", "efgh"], Some(6)), expected(&[("abcd", false), ("ef", false)]));
        assert_eq!(shown(&[4, 4], &["abcd"], Some(4)), expected(&[("abcd", false), ("", false)]));
        assert_eq!(shown(&[4, 4], &["abcd"], None), expected(&[("abcd", false)]));
    }
}
