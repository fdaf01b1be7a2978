//! Objects in memory: where their members lie and what they mean.
//!
//! Where members lie comes from a `layout` line (frozen, or what the running kernel says); what they mean comes from a
//! `struct` line. Either may be missing: a structure without layout is laid out by the rules of C, and a layout without
//! description is shown as plain numbers.

use crate::abi::Abi;
use crate::ast::{Expr, Extent, Holds, Layout, LayoutMember, Param, Stored, Struct};
use crate::catalog::Catalog;

/// Structures inside structures that are followed; tables nest four deep.
const DEPTH: u32 = 8;

/// An object of one type in one calling convention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// The type's name.
    pub name: String,
    /// Bytes of one object.
    pub size: u32,
    /// Bytes that its address is a multiple of, by the rules of C.
    pub align: u32,
    /// Members in the order in which they are shown: that of the `struct` line, or all of the layout.
    pub members: Vec<Member>,
    /// How many of them a brief text shows, when not all.
    pub brief: Option<usize>,
    /// Members of the layout that are not shown; expressions may speak of them.
    pub hidden: Vec<Member>,
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name, as the kernel spells it.
    pub name: String,
    /// Bytes from the start of the object.
    pub offset: u32,
    /// What it, or each of its elements, is.
    pub ty: MemberType,
    /// Bytes of it, or of each of its elements.
    pub size: u32,
    /// Number of elements of an array; 0 for one that reaches to the end of the object.
    pub count: Option<u32>,
    /// First bit and number of bits of a bit field.
    pub bits: Option<(u8, u8)>,
    /// What the `struct` line says of it.
    pub param: Option<Param>,
    /// It stands behind an `else`: it is there only when the member before it is not.
    pub otherwise: bool,
}

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberType {
    /// A number, shown by the type that [`Member::param`] names.
    Number(Stored),
    /// An address.
    Address(Stored),
    /// An object: a structure or a union of that name.
    Object(String),
}

impl Member {
    /// Bytes of the whole member; 0 when it reaches to the end of the object.
    pub fn bytes(&self) -> u32 {
        self.size.saturating_mul(self.count.unwrap_or(1))
    }

    /// When it is there.
    pub fn condition(&self) -> Option<&Expr> {
        self.param.as_ref()?.condition.as_ref()
    }

    /// The number that the member is in an object's bytes, sign- or zero-extended; `None` when it is none or lies outside.
    pub fn number(&self, object: &[u8]) -> Option<u64> {
        let (MemberType::Number(stored) | MemberType::Address(stored)) = self.ty else { return None };
        let start = self.offset as usize;
        let bytes = object.get(start..start.checked_add(usize::from(stored.bytes))?)?;
        let raw = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let (first, width) = self.bits.unwrap_or((0, stored.bytes.saturating_mul(8)));
        let width = u32::from(width).clamp(1, 64);
        let unused = 64 - width;
        let raw = raw.checked_shr(u32::from(first))? << unused;
        Some(if stored.signed { ((raw as i64) >> unused) as u64 } else { raw >> unused })
    }
}

impl Structure {
    /// A member by name, one that is not shown included.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().chain(&self.hidden).find(|member| member.name == name)
    }

    /// The value of an expression over the members (`.m`) of an object, where `outer` knows everything else.
    pub fn evaluate(
        &self,
        expr: &Expr,
        object: &[u8],
        outer: &dyn Fn(&Expr) -> Option<i128>,
    ) -> Option<i128> {
        let number = |name: &str| {
            let member = self.member(name)?;
            let signed = match member.ty {
                MemberType::Number(stored) => stored.signed,
                _ => false,
            };
            let bits = member.number(object)?;
            Some(if signed { i128::from(bits as i64) } else { i128::from(bits) })
        };
        expr.value(&|leaf| match leaf {
            // Inside a `struct` line a plain name is a member first; a structure inside another sees that one's members.
            Expr::Member(name) | Expr::Name(name) => number(name).or_else(|| outer(leaf)),
            _ => outer(leaf),
        })
    }
}

/// A parameter and what it is otherwise; true for those behind an `else`.
fn chain(first: &Param) -> impl Iterator<Item = (&Param, bool)> {
    let all = std::iter::successors(Some(first), |param| param.otherwise.as_deref());
    all.enumerate().map(|(at, param)| (param, at > 0))
}

fn ty_of(param: Option<&Param>) -> Option<&str> {
    param.map(|param| param.ty.name.as_str())
}

/// Types whose values are taken byte by byte.
fn is_text(ty: Option<&str>) -> bool {
    matches!(ty, Some("bytes" | "str" | "path"))
}

/// Width of an address.
fn address(abi: Abi) -> Stored {
    match abi {
        Abi::X86_64 => Stored::new(8, false),
        Abi::I386 => Stored::new(4, false),
    }
}

impl Catalog {
    /// The structure of that name; `None` when neither a layout nor members are known for the convention.
    ///
    /// ```
    /// use schema::{Abi, Catalog};
    ///
    /// let mut catalog = Catalog::new();
    /// catalog.add("layout t 16 { 0 s64 tv_sec; 8 s64 tv_nsec; }\nstruct pair { u8 kind; t time; }", "t.tt").unwrap();
    /// let pair = catalog.structure(Abi::X86_64, "pair").unwrap();
    /// assert_eq!((pair.size, pair.members[1].offset), (24, 8));
    /// ```
    pub fn structure(&self, abi: Abi, name: &str) -> Option<Structure> {
        self.structure_within(abi, name, DEPTH)
    }

    /// Bytes of one object of that name.
    pub(crate) fn object_size(&self, abi: Abi, name: &str) -> Option<u32> {
        let place = self.overlay(name).and_then(|overlay| overlay.layout.as_deref()).unwrap_or(name);
        match self.layout_for(abi, place, DEPTH) {
            Some(layout) => Some(layout.size),
            None => self.structure(abi, name).map(|structure| structure.size),
        }
    }

    fn structure_within(&self, abi: Abi, name: &str, depth: u32) -> Option<Structure> {
        let depth = depth.checked_sub(1)?;
        let overlay = self.overlay(name);
        let place = overlay.and_then(|overlay| overlay.layout.as_deref()).unwrap_or(name);
        match (self.layout_for(abi, place, depth), overlay) {
            (Some(layout), overlay) => Some(self.placed(abi, name, layout, overlay, depth)),
            // One that only i386 calls have is nothing else for others.
            (None, Some(overlay)) if overlay.layout.is_none() && !self.has_layout(name) => {
                self.by_c_rules(abi, overlay, depth)
            }
            (None, _) => None,
        }
    }

    /// The layout for a convention. One without i386 twin serves there too when it holds no address.
    fn layout_for(&self, abi: Abi, name: &str, depth: u32) -> Option<&Layout> {
        let own = match abi {
            Abi::X86_64 => None,
            Abi::I386 => self.layout(&format!("{name}@{}", abi.name())),
        };
        own.or_else(|| {
            let native = self.layout(name)?;
            (abi == Abi::X86_64 || self.same_everywhere(native, depth)).then_some(native)
        })
    }

    fn same_everywhere(&self, layout: &Layout, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        layout.members.iter().all(|member| match &member.holds {
            Holds::Number(_) => true,
            Holds::Address => false,
            Holds::Layout(name) => {
                self.layout(&format!("{name}@i386")).is_none()
                    && self.layout(name).is_some_and(|inner| self.same_everywhere(inner, depth))
            }
        })
    }

    fn placed(
        &self,
        abi: Abi,
        name: &str,
        layout: &Layout,
        overlay: Option<&Struct>,
        depth: u32,
    ) -> Structure {
        let plain = |member: &LayoutMember| self.member(abi, member, None, depth);
        let (mut members, mut hidden, mut brief) = (Vec::new(), Vec::new(), None);
        match overlay {
            None => members.extend(layout.members.iter().filter_map(plain)),
            Some(overlay) => {
                for (at, first) in overlay.members.iter().enumerate() {
                    if overlay.brief == Some(at) {
                        brief = Some(members.len());
                    }
                    for (param, otherwise) in chain(first) {
                        let place = layout.members.iter().find(|member| member.name == param.name);
                        let member = match place {
                            Some(member) => self.member(abi, member, Some(param), depth),
                            None => self.behind(abi, layout.size, param, depth),
                        };
                        members.extend(member.map(|member| Member { otherwise, ..member }));
                    }
                }
                if overlay.brief == Some(overlay.members.len()) {
                    brief = Some(members.len());
                }
                let shown = |member: &&LayoutMember| members.iter().any(|shown| shown.name == member.name);
                let others = layout.members.iter().filter(|member| !shown(member));
                hidden.extend(others.filter_map(plain));
            }
        }
        // A description of the other convention's object, whose members have other names.
        if members.is_empty() {
            members = std::mem::take(&mut hidden);
        }
        let mut placed =
            Structure { name: name.to_owned(), size: layout.size, align: 1, members, brief, hidden };
        placed.align = self.natural(&placed, abi, depth).min(widest(abi));
        placed
    }

    /// A member of the layout, as the `struct` line describes it.
    fn member(&self, abi: Abi, member: &LayoutMember, param: Option<&Param>, depth: u32) -> Option<Member> {
        let ty = ty_of(param);
        let pointer = param.is_some_and(|param| param.direction.is_some());
        let object = param.filter(|param| !pointer && self.is_object(&param.ty.name));
        // How many there are says the extent, when there is one.
        let flexible = !pointer && param.is_some_and(|param| param.extent.is_some());
        let declared = if flexible { Some(0) } else { member.count };
        let (mut ty, mut size, mut count) = match (&member.holds, object) {
            (Holds::Address, _) => {
                (MemberType::Address(address(abi)), u32::from(address(abi).bytes), declared)
            }
            (Holds::Number(stored), _) if pointer => {
                (MemberType::Address(*stored), u32::from(stored.bytes), declared)
            }
            // Bytes that the kernel does not tell apart, described as an object.
            (Holds::Number(_), Some(param)) => {
                let object = self.structure_within(abi, &param.ty.name, depth)?;
                (MemberType::Object(param.ty.name.clone()), object.size, None)
            }
            (Holds::Number(stored), None) => {
                let signed =
                    ty.and_then(|ty| self.stored_of(abi, ty)).map_or(stored.signed, |own| own.signed);
                (MemberType::Number(Stored { signed, ..*stored }), u32::from(stored.bytes), declared)
            }
            (Holds::Layout(name), object) => {
                let size = self.layout_for(abi, name, depth)?.size;
                let shown = object.map_or(name, |param| &param.ty.name);
                (MemberType::Object(shown.clone()), size, declared)
            }
        };
        // An array or an inner object that is described as one number, or as bytes.
        let own =
            ty_of(param).filter(|_| !pointer && object.is_none()).and_then(|ty| self.stored_of(abi, ty));
        let whole = size.checked_mul(count.unwrap_or(1))?;
        match own {
            Some(own) if is_text(ty_of(param)) => {
                (ty, size) = (MemberType::Number(own), 1);
                count = Some(if declared == Some(0) { 0 } else { whole });
            }
            Some(own)
                if u32::from(own.bytes) == whole && count.is_some()
                    || matches!(ty, MemberType::Object(_)) =>
            {
                (ty, size, count) = (MemberType::Number(own), own.bytes.into(), None);
            }
            _ => {}
        }
        let (name, offset) = (member.name.clone(), member.offset);
        Some(Member {
            name,
            offset,
            ty,
            size,
            count,
            bits: member.bits,
            param: param.cloned(),
            otherwise: false,
        })
    }

    /// A member that the layout does not have: what lies behind the object, as many bytes as its extent says.
    fn behind(&self, abi: Abi, offset: u32, param: &Param, depth: u32) -> Option<Member> {
        param.extent.as_ref().filter(|_| param.direction.is_none())?;
        let (ty, size, _) = self.c_member(abi, param, depth)?;
        let (name, param) = (param.name.clone(), Some(param.clone()));
        Some(Member { name, offset, ty, size, count: Some(0), bits: None, param, otherwise: false })
    }

    /// True for structures and unions.
    pub(crate) fn is_object(&self, name: &str) -> bool {
        self.overlay(name).is_some() || self.union(name).is_some() || self.has_layout(name)
    }

    fn by_c_rules(&self, abi: Abi, overlay: &Struct, depth: u32) -> Option<Structure> {
        let mut members = Vec::new();
        let (mut size, mut most, mut brief) = (0_u32, 1, None);
        for (at, first) in overlay.members.iter().enumerate() {
            if overlay.brief == Some(at) {
                brief = Some(members.len());
            }
            let mut end = size;
            for (param, otherwise) in chain(first) {
                let (ty, bytes, align) = self.c_member(abi, param, depth)?;
                let count = match &param.extent {
                    _ if param.direction.is_some() => None,
                    Some(Extent::Count(Expr::Number(n), _)) => Some(u32::try_from(*n).ok()?),
                    Some(_) => Some(0),
                    None => None,
                };
                let offset = size.checked_next_multiple_of(align)?;
                end = end.max(offset.checked_add(bytes.checked_mul(count.unwrap_or(1))?)?);
                most = most.max(align);
                let (name, param) = (param.name.clone(), Some(param.clone()));
                members.push(Member { name, offset, ty, size: bytes, count, bits: None, param, otherwise });
            }
            size = end;
        }
        if overlay.brief == Some(overlay.members.len()) {
            brief = Some(members.len());
        }
        let size = size.checked_next_multiple_of(most)?;
        let name = overlay.name.clone();
        Some(Structure { name, size, align: most, members, brief, hidden: Vec::new() })
    }

    /// What a member described by its type alone is, its size and its alignment.
    fn c_member(&self, abi: Abi, param: &Param, depth: u32) -> Option<(MemberType, u32, u32)> {
        if param.direction.is_some() || param.ty.name == "addr" {
            let stored = address(abi);
            return Some((MemberType::Address(stored), u32::from(stored.bytes), stored.bytes.into()));
        }
        if let Some(stored) = self.stored_of(abi, &param.ty.name) {
            let bytes = u32::from(stored.bytes);
            return Some((MemberType::Number(stored), bytes, bytes.min(widest(abi))));
        }
        let inner = self.structure_within(abi, &param.ty.name, depth)?;
        Some((MemberType::Object(param.ty.name.clone()), inner.size, inner.align))
    }

    /// The alignment that the members of a structure of known layout ask for.
    fn natural(&self, structure: &Structure, abi: Abi, depth: u32) -> u32 {
        let all = structure.members.iter().chain(&structure.hidden);
        let aligns = all.map(|member| match &member.ty {
            MemberType::Number(stored) | MemberType::Address(stored) => u32::from(stored.bytes),
            MemberType::Object(name) => {
                self.structure_within(abi, name, depth).map_or(1, |inner| inner.align)
            }
        });
        aligns.max().unwrap_or(1)
    }
}

/// The widest alignment: the i386 convention aligns numbers of eight bytes to four.
fn widest(abi: Abi) -> u32 {
    if abi == Abi::I386 { 4 } else { 8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(text: &str) -> Catalog {
        let mut catalog = Catalog::new();
        catalog.add(text, "test.tt").unwrap();
        catalog
    }

    fn offsets(structure: &Structure) -> Vec<(&str, u32)> {
        structure.members.iter().map(|member| (member.name.as_str(), member.offset)).collect()
    }

    #[test]
    fn a_description_without_layout_is_laid_out_as_c_does() {
        let all = catalog("struct frob { u8 a; u64 b; u16 c[3]; in str name; }");
        let native = all.structure(Abi::X86_64, "frob").unwrap();
        assert_eq!(offsets(&native), [("a", 0), ("b", 8), ("c", 16), ("name", 24)]);
        assert_eq!(native.size, 32);
        let compat = all.structure(Abi::I386, "frob").unwrap();
        assert_eq!(offsets(&compat), [("a", 0), ("b", 4), ("c", 12), ("name", 20)]);
        assert_eq!(compat.size, 24);
    }

    #[test]
    fn the_description_orders_the_members_of_a_layout() {
        let all = catalog(
            "layout s = kernel_s 16 { 0 s32 x; 4 s32 y; 8 addr p; }\nstruct s { int y; ...; int x; }\n\
             layout s@i386 12 { 0 s32 x; 4 s32 y; 8 addr p; }",
        );
        let s = all.structure(Abi::X86_64, "s").unwrap();
        assert_eq!((offsets(&s), s.brief), (vec![("y", 4), ("x", 0)], Some(1)));
        assert_eq!(all.structure(Abi::I386, "s").unwrap().size, 12);
    }

    #[test]
    fn a_layout_with_addresses_does_not_serve_the_other_convention() {
        let all = catalog("layout p 8 { 0 addr p; }\nlayout n 8 { 0 u64 n; }");
        assert_eq!(all.structure(Abi::I386, "p"), None);
        assert!(all.structure(Abi::I386, "n").is_some());
    }

    #[test]
    fn numbers_are_taken_out_by_place_and_bits() {
        let all = catalog("layout s 8 { 0 s16 n; 2 u8 low : 0 3; 2 u8 high : 3 5; 4 u32 m; }");
        let s = all.structure(Abi::X86_64, "s").unwrap();
        let bytes = [0xff, 0xff, 0b1010_1101, 0, 1, 0, 0, 0];
        let number = |name: &str| s.member(name).unwrap().number(&bytes);
        assert_eq!((number("n"), number("m")), (Some(u64::MAX), Some(1)));
        assert_eq!((number("low"), number("high")), (Some(0b101), Some(0b10101)));
        assert_eq!(s.member("m").unwrap().number(&bytes[..6]), None);
    }

    #[test]
    fn what_is_otherwise_there_is_a_member_of_its_own() {
        let all = catalog(
            "layout s 16 { 0 u32 kind; 8 u64 dev; 8 s64 size; }\nstruct s { hex dev if kind == 1 else off size; }",
        );
        let s = all.structure(Abi::X86_64, "s").unwrap();
        assert_eq!(offsets(&s), [("dev", 8), ("size", 8)]);
        assert_eq!((s.members[0].otherwise, s.members[1].otherwise), (false, true));
        assert_eq!(s.member("kind").map(|kind| kind.offset), Some(0));
    }

    #[test]
    fn arrays_may_be_described_as_one_number_or_as_bytes() {
        let all = catalog(
            "layout set 8 { 0 u32[2] sig; }\nlayout s 24 { 0 set mask; 8 u8[8] name; 16 u8[0] rest; }\n\
             struct s { sigset mask; str name; bytes rest[:4]; bytes more[:2]; }",
        );
        let s = all.structure(Abi::X86_64, "s").unwrap();
        let shape = |at: usize| (&s.members[at].ty, s.members[at].offset, s.members[at].count);
        assert_eq!(shape(0), (&MemberType::Number(Stored::new(8, false)), 0, None));
        assert_eq!(shape(1), (&MemberType::Number(Stored::new(1, false)), 8, Some(8)));
        assert_eq!(shape(2), (&MemberType::Number(Stored::new(1, false)), 16, Some(0)));
        // Not in the layout: behind it.
        assert_eq!(shape(3), (&MemberType::Number(Stored::new(1, false)), 24, Some(0)));
    }

    #[test]
    fn a_structure_that_contains_itself_has_no_size() {
        assert_eq!(catalog("struct a { a inner; }").structure(Abi::X86_64, "a"), None);
    }

    #[test]
    fn conditions_see_the_members() {
        let all =
            catalog("layout s 8 { 0 u32 mode; 4 s32 n; }\nf(int x if (.mode & 0xf0) == 0x20 && .n < 0)");
        let s = all.structure(Abi::X86_64, "s").unwrap();
        let condition = all.call("f").unwrap().params[0].condition.clone().unwrap();
        let value = |bytes: &[u8]| s.evaluate(&condition, bytes, &|_| None);
        assert_eq!(value(&[0x2f, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), Some(1));
        assert_eq!(value(&[0x2f, 0, 0, 0, 1, 0, 0, 0]), Some(0));
        assert_eq!(value(&[]), None);
    }
}
