//! Objects in memory, by what the table says of their members.
//!
//! Where members lie is a `layout` line, what they mean a `struct` line; this file knows no structure by name. What cannot
//! be said in a table is a word behind `as` (`form.rs`).

mod parts;
mod rows;
mod structures;
mod union;
mod vector;
mod written;

use calls::{Content, Pointee};
use schema::ast::{Direction, Expr, Extent, Param, Stored, Ty};
use schema::layout::State;
use schema::{Abi, Catalog, Class, Member, MemberType, Structure};

use crate::form;
use crate::netlink;
use crate::token::{Line, List};
use crate::value::{Value, address};

pub(crate) use parts::Parts;
pub(crate) use structures::Structures;
pub(crate) use vector::Loads;

/// What objects are shown by, besides their bytes.
#[derive(Clone, Copy)]
pub(crate) struct Objects<'a> {
    /// Names of constants and types.
    pub(crate) catalog: &'a Catalog,
    /// Structures put together so far.
    pub(crate) structures: &'a Structures,
    /// Convention of the call.
    pub(crate) abi: Abi,
    /// Most bytes of a string, and most elements of a row.
    pub(crate) limit: usize,
    /// All members, also those that a brief text leaves out.
    pub(crate) verbose: bool,
    /// Values of what an expression names outside the object: arguments, the result, constants.
    pub(crate) outer: &'a dyn Fn(&Expr) -> Option<i128>,
    /// What pointers among the members led to.
    pub(crate) parts: Parts<'a>,
    /// Members stand without their names, as arguments do.
    pub(crate) unnamed: bool,
    /// Bytes behind the vectors of the argument, when it says so.
    pub(crate) total: Option<&'a Expr>,
    /// Protocol of the netlink socket that the call is about.
    pub(crate) netlink: Option<i32>,
}

/// The bytes of an object, and what comes with them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Object<'a> {
    /// As far as they were kept.
    pub(crate) bytes: &'a [u8],
    /// There is more of it.
    pub(crate) cut: bool,
    /// What was there before the call.
    pub(crate) old: Option<&'a [u8]>,
    /// The caller says how long it is: what lies behind the known members is of a newer form of it.
    pub(crate) sized: bool,
    /// What its pointer with direction `pass` leads to, and whether there is more of that.
    pub(crate) load: Option<(&'a [u8], bool)>,
}

impl<'a> Objects<'a> {
    /// The structure or the union of that name is known.
    pub(crate) fn is_structure(self, ty: &str) -> bool {
        self.catalog.union(ty).is_some() || self.structures.get(self.catalog, self.abi, ty).is_some()
    }

    /// Shows one object; false when its type says nothing about such bytes.
    pub(crate) fn show(self, line: &mut Line, ty: &Ty, object: Object<'_>) -> bool {
        if let Some(union) = self.catalog.union(&ty.name) {
            return self.union(line, union, object);
        }
        if let Some(structure) = self.structures.get(self.catalog, self.abi, &ty.name) {
            if object.bytes.is_empty() {
                return false;
            }
            line.open(List::Members);
            let shown = self.members(line, &structure, object);
            if object.sized {
                beyond(line, &structure, object.bytes);
            }
            line.close();
            return shown || object.bytes.len() >= structure.size as usize;
        }
        let Some(value) = self.value(ty, None, object.bytes) else { return false };
        value.show(line, self.catalog);
        true
    }

    /// Shows the members of an object as if they were arguments of the call; false when its type is no structure.
    pub(crate) fn arguments(self, line: &mut Line, ty: &Ty, bytes: &[u8]) -> bool {
        let structure = self.structures.get(self.catalog, self.abi, &ty.name);
        structure
            .is_some_and(|structure| self.members(line, &structure, Object { bytes, ..Object::default() }))
    }

    /// A number in memory; `None` when the type is none, or one of another width.
    pub(crate) fn value<'t>(self, ty: &'t Ty, render: Option<&'t str>, bytes: &[u8]) -> Option<Value<'t>> {
        let stored = self.catalog.stored_of(self.abi, &ty.name)?;
        if usize::from(stored.bytes) != bytes.len() || matches!(ty.name.as_str(), "bytes" | "str" | "path") {
            return None;
        }
        let class = self.class(ty);
        let raw = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let unused = 64 - u32::from(stored.bytes.clamp(1, 8)) * 8;
        let bits = if stored.signed { ((raw << unused) as i64 >> unused) as u64 } else { raw };
        Some(Value { ty: &ty.name, render, class, bits, stored })
    }

    fn class(self, ty: &Ty) -> Class {
        self.catalog.value_class(&ty.name)
    }

    /// `name=value, ...`: the members that are there, as far as the bytes go. False when there is none.
    fn members(self, line: &mut Line, structure: &Structure, object: Object<'_>) -> bool {
        // What a pointer among the members led to may decide as well.
        let outer = |expr: &Expr| match expr {
            Expr::Deref(name) => self.parts.number(name).or_else(|| (self.outer)(expr)),
            _ => (self.outer)(expr),
        };
        let known = |expr: &Expr| structure.evaluate(expr, object.bytes, &outer);
        let inside = Objects { outer: &known, ..self };
        let (mut there, mut shown) = (false, false);
        for (at, member) in structure.members.iter().enumerate() {
            if structure.brief == Some(at) && !self.verbose {
                line.more();
                return true;
            }
            if member.otherwise && there {
                continue;
            }
            there = member.condition().is_none_or(|condition| known(condition) != Some(0));
            if !there || !inside.is_shown(member, object) {
                continue;
            }
            shown = true;
            inside.member(line, member, object);
        }
        let all = structure.brief == Some(structure.members.len());
        if all || object.cut && object.bytes.len() < structure.size as usize {
            line.more();
        }
        shown
    }

    /// Its bytes are there, and they say something.
    fn is_shown(self, member: &Member, object: Object<'_>) -> bool {
        let end = member.offset as usize + member.bytes() as usize;
        if end > object.bytes.len() {
            return false;
        }
        match &member.param {
            None => true,
            Some(param) => match self.class(&param.ty) {
                Class::Void => false,
                Class::Zero => member.number(object.bytes) != Some(0),
                _ => true,
            },
        }
    }

    fn member(self, line: &mut Line, member: &Member, object: Object<'_>) {
        let render = member.param.as_ref().and_then(|param| param.render.as_deref());
        let bytes = self.range(member, object.bytes);
        if !render.is_some_and(form::names_itself) {
            if self.unnamed { line.next() } else { line.member(&member.name) }
        }
        // What is inside a member has names again.
        let inside = Objects { unnamed: false, ..self };
        if render == Some("changed")
            && let Some(old) = object.old
            && let (Some(before), Some(now)) = (member.number(old), member.number(object.bytes))
            && before != now
        {
            inside.number(line, member, before);
            line.word(" => ");
            inside.number(line, member, now);
            return;
        }
        // A constant extent says how much there can be, another one how much there is.
        let missing = member.count == Some(0) && bytes.len() < inside.wanted(member);
        let reaches_end =
            missing && (object.cut || inside.extent(member).is_some() && !has_constant_extent(member));
        match &member.ty {
            MemberType::Number(_) if member.count.is_none() => {
                inside.number(line, member, member.number(object.bytes).unwrap_or(0));
            }
            MemberType::Number(stored) => inside.numbers(line, member, *stored, bytes, reaches_end),
            MemberType::Address(_) => inside.pointer(line, member, object),
            MemberType::Object(ty) => {
                let old = object.old.map(|old| inside.range(member, old));
                let object = Object { bytes, old, cut: reaches_end, sized: false, load: object.load };
                inside.inner(line, member, ty, object);
            }
        }
    }

    /// The bytes of a member; of one that reaches to the end, as many as its extent says.
    fn range<'b>(self, member: &Member, bytes: &'b [u8]) -> &'b [u8] {
        let rest = bytes.get(member.offset as usize..).unwrap_or_default();
        let wanted = match member.count {
            Some(0) => self.wanted(member),
            _ => member.bytes() as usize,
        };
        rest.get(..wanted).unwrap_or(rest)
    }

    /// Bytes that the extent of a member asks for; more than there can be when it does not say.
    fn wanted(self, member: &Member) -> usize {
        self.extent(member).and_then(|bytes| usize::try_from(bytes.max(0)).ok()).unwrap_or(usize::MAX)
    }

    /// What the extent of a member says, in bytes.
    fn extent(self, member: &Member) -> Option<i128> {
        match member.param.as_ref()?.extent.as_ref()? {
            Extent::Bytes(expr, _) => expr.value(self.outer),
            Extent::Count(expr, _) => expr.value(self.outer)?.checked_mul(member.size.into()),
            Extent::Null => None,
        }
    }

    fn number(self, line: &mut Line, member: &Member, bits: u64) {
        let (MemberType::Number(stored) | MemberType::Address(stored)) = member.ty else { return };
        match &member.param {
            Some(param) => {
                let (ty, render) = (param.ty.name.as_str(), param.render.as_deref());
                let value = Value { ty, render, class: self.class(&param.ty), bits, stored };
                value.show(line, self.catalog);
            }
            None if matches!(member.ty, MemberType::Address(_)) => address(line, bits),
            None if stored.signed => line.signed(bits as i64),
            None => line.unsigned(bits),
        }
    }

    /// Numbers one behind the other; bytes as a string.
    fn numbers(self, line: &mut Line, member: &Member, stored: Stored, bytes: &[u8], cut: bool) {
        let ty = member.param.as_ref().map_or("", |param| param.ty.name.as_str());
        let render = member.param.as_ref().and_then(|param| param.render.as_deref());
        if matches!(ty, "bytes" | "str" | "path") {
            return form::bytes(line, form::Text { ty, render, name: &member.name }, bytes, cut, self.limit);
        }
        let size = usize::from(stored.bytes).max(1);
        line.open(List::Elements);
        for (at, one) in bytes.chunks_exact(size).enumerate() {
            if at == self.limit {
                line.more();
                break;
            }
            line.next();
            let raw = one.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
            let unused = 64 - u32::from(stored.bytes.clamp(1, 8)) * 8;
            self.number(
                line,
                member,
                if stored.signed { ((raw << unused) as i64 >> unused) as u64 } else { raw },
            );
        }
        if cut {
            line.more();
        }
        line.close();
    }

    /// An object inside the object, or a row of them.
    fn inner(self, line: &mut Line, member: &Member, name: &str, object: Object<'_>) {
        let ty = Ty::named(name);
        let extent = member.param.as_ref().and_then(|param| param.extent.as_ref());
        if member.count.is_none() || matches!(extent, Some(Extent::Bytes(..))) {
            if !self.show(line, &ty, object) {
                line.string(object.bytes, object.cut);
            }
            return;
        }
        self.row(line, &ty, object, Loads::default());
    }

    /// `[{...}, {...}]`
    pub(crate) fn row(self, line: &mut Line, ty: &Ty, object: Object<'_>, loads: Loads<'_>) {
        line.open(List::Elements);
        let mut olds = object.old.map(|old| self.elements(ty, old));
        for (at, bytes) in self.elements(ty, object.bytes).enumerate() {
            if at == self.limit {
                line.more();
                break;
            }
            let old = olds.as_mut().and_then(Iterator::next);
            let one = Object { bytes, cut: false, old, sized: false, load: loads.get(at) };
            let parts = Parts { index: Some(at), ..self.parts };
            let before = line.mark();
            line.next();
            // An element of which nothing is to be said is left out.
            if !(Objects { parts, ..self }).show(line, ty, one)
                || matches!(line.since(&before), "{}" | ", {}")
            {
                line.back_to(before);
            }
        }
        if object.cut {
            line.more();
        }
        line.close();
    }

    /// The pointer, or what it led to.
    fn pointer(self, line: &mut Line, member: &Member, object: Object<'_>) {
        let number = member.number(object.bytes).unwrap_or(0);
        let Some(param) = member.param.as_ref().filter(|param| param.direction.is_some()) else {
            return self.number(line, member, number);
        };
        let load = object.load.filter(|_| param.direction == Some(Direction::Pass) && number != 0);
        if let Some((load, cut)) = load {
            let messages = self.netlink.is_some() || param.render.as_deref() == Some("netlink");
            let before = line.mark();
            if messages && netlink::show(line, self, load, cut) {
                return;
            }
            line.back_to(before);
            let shown = load.get(..self.limit).unwrap_or(load);
            return line.string(shown, cut || shown.len() < load.len());
        }
        let pointee = self.parts.get(&member.name).filter(|_| number != 0);
        let Some(Pointee { state, content: Content::Bytes(bytes) | Content::Text(bytes), .. }) = pointee
        else {
            return address(line, number);
        };
        let cut = *state == State::Cut;
        let before = line.mark();
        if !self.behind(line, param, bytes, cut, &member.name) {
            line.back_to(before);
            address(line, number);
        }
    }

    /// What a pointer led to; false when nothing can be said of it.
    fn behind(self, line: &mut Line, param: &Param, bytes: &[u8], cut: bool, name: &str) -> bool {
        let (ty, render) = (param.ty.name.as_str(), param.render.as_deref());
        match self.catalog.class(param) {
            Class::Str | Class::Path | Class::Bytes => {
                form::bytes(line, form::Text { ty, render, name }, bytes, cut, self.limit);
                true
            }
            class => {
                self.argument(line, param, class, Object { bytes, cut, ..Object::default() }, Some(name))
            }
        }
    }
}

fn has_constant_extent(member: &Member) -> bool {
    let extent = member.param.as_ref().and_then(|param| param.extent.as_ref());
    matches!(extent, Some(Extent::Bytes(Expr::Number(_), _) | Extent::Count(Expr::Number(_), _)))
}

/// `/* bytes 24..39 */ "\x07"`: what is not 0 behind the known members.
fn beyond(line: &mut Line, structure: &Structure, bytes: &[u8]) {
    let start = structure.size as usize;
    let flexible = structure.members.iter().any(|member| member.count == Some(0));
    let Some(rest) = bytes.get(start..).filter(|rest| !flexible && rest.iter().any(|byte| *byte != 0)) else {
        return;
    };
    line.next();
    line.word(&format!("/* bytes {start}..{} */ ", bytes.len() - 1));
    let text = form::Text { ty: "bytes", render: Some("hexstring"), name: "" };
    form::bytes(line, text, rest, false, rest.len());
}

#[cfg(test)]
mod tests;
