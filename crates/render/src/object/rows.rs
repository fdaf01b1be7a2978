//! Objects one behind the other, also such that say themselves how long they are.

use schema::ast::{Expr, Ty};
use schema::{Class, MemberType, Structure};

use super::{Object, Objects};
use crate::form;
use crate::token::{Line, List};

impl<'a> Objects<'a> {
    /// The objects that lie in `bytes` one behind the other; what is no whole object at the end is left out, unless an
    /// object says itself how long it is.
    pub(crate) fn elements<'b>(
        self,
        ty: &Ty,
        bytes: &'b [u8],
    ) -> impl Iterator<Item = &'b [u8]> + use<'a, 'b> {
        let structure = self.structures.get(self.catalog, self.abi, &ty.name);
        let fixed = self.catalog.size_of(self.abi, ty).map_or(0, |size| size as usize);
        let mut rest = bytes;
        std::iter::from_fn(move || {
            let own = structure.as_deref().and_then(|structure| self.own_length(structure, rest));
            let (length, step) = match own {
                Some((length, align)) => {
                    (length.min(rest.len()), length.checked_next_multiple_of(align).unwrap_or(usize::MAX))
                }
                None => (fixed, fixed),
            };
            let one = rest.get(..length).filter(|one| !one.is_empty())?;
            rest = rest.get(step.max(1)..).unwrap_or_default();
            Some(one)
        })
    }

    /// The type is one whose objects are of different lengths.
    pub(crate) fn says_its_length(self, ty: &str) -> bool {
        let structure = self.structures.get(self.catalog, self.abi, ty);
        // An object that only ends in an array, such as a `file_handle`, is not one of many.
        structure.is_some_and(|structure| {
            let last = structure.members.last();
            structure.members.len() > 1 && last.is_some_and(|last| last.count == Some(0) && last.otherwise)
        })
    }

    /// How many objects lie there.
    pub(crate) fn count(self, ty: &Ty, bytes: &[u8]) -> usize {
        self.elements(ty, bytes).count()
    }

    /// Bytes of an object whose last members have extents, and to what the next one is aligned.
    fn own_length(self, structure: &Structure, bytes: &[u8]) -> Option<(usize, usize)> {
        let last = structure.members.iter().rfind(|member| member.count == Some(0))?;
        // Not even the fixed members are there.
        bytes.get(..last.offset as usize)?;
        let known = |expr: &Expr| structure.evaluate(expr, bytes, self.outer);
        let inside = Objects { outer: &known, ..self };
        let there = structure.members.iter().filter(|member| {
            let chosen =
                member.condition().is_none_or(|condition| known(condition).is_some_and(|value| value != 0));
            member.count == Some(0) && chosen
        });
        let mut there = there.peekable();
        // A length that cannot be: nothing more can be told apart.
        if there.peek().is_some_and(|member| inside.extent(member).is_some_and(|extent| extent < 0)) {
            return Some((0, 1));
        }
        let ends = there.map(|member| (member.offset as usize).saturating_add(inside.wanted(member)));
        let length = ends.max()?;
        (length < usize::MAX && length > 0).then_some((length, structure.align.max(1) as usize))
    }

    /// The value of a member that is a number, in each of the objects.
    pub(super) fn column(self, ty: &Ty, bytes: &[u8], class: Class) -> Vec<u64> {
        let Some(structure) = self.structures.get(self.catalog, self.abi, &ty.name) else {
            return Vec::new();
        };
        let member = structure.members.iter().find(|member| {
            let is = |param: &schema::ast::Param| self.class(&param.ty) == class;
            matches!(member.ty, MemberType::Number(_)) && member.param.as_ref().is_some_and(is)
        });
        let Some(member) = member else { return Vec::new() };
        self.elements(ty, bytes).filter_map(|one| member.number(one)).collect()
    }

    /// `[UTIME_NOW, {tv_sec=1, tv_nsec=5}]`: times of `utimensat(2)`, some of which are no times.
    pub(crate) fn times(self, line: &mut Line, ty: &Ty, bytes: &[u8]) {
        let structure = self.structures.get(self.catalog, self.abi, &ty.name);
        let nsec = structure.as_deref().and_then(|structure| structure.member("tv_nsec"));
        line.open(List::Elements);
        for bytes in self.elements(ty, bytes) {
            line.next();
            match nsec.and_then(|nsec| nsec.number(bytes)) {
                Some(0x3fff_ffff) => line.word("UTIME_NOW"),
                Some(0x3fff_fffe) => line.word("UTIME_OMIT"),
                _ => {
                    self.show(line, ty, Object { bytes, ..Object::default() });
                }
            }
        }
        line.close();
    }

    /// Sets of capabilities of 64 bits, which `capget(2)` passes as two objects with 32 bits of each. False when there are no
    /// two.
    pub(crate) fn capabilities(self, line: &mut Line, ty: &Ty, bytes: &[u8]) -> bool {
        let mut both = self.elements(ty, bytes);
        let (Some(low), Some(high)) = (both.next(), both.next()) else { return false };
        let Some(structure) = self.structures.get(self.catalog, self.abi, &ty.name) else { return false };
        line.open(List::Members);
        for member in &structure.members {
            let (Some(low), Some(high)) = (member.number(low), member.number(high)) else { continue };
            line.member(&member.name);
            form::number(line, self.catalog, "capabilities", high << 32 | low, 8, "");
        }
        line.close();
        true
    }
}
