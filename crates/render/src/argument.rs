//! The arguments of a call.

use calls::{ArgValue, Call, Content, Pointee, evaluate};
use schema::ast::{Direction, Param, Stored, Ty};
use schema::layout::State;
use schema::lower::{Limit, Limits};
use schema::{Abi, Catalog, Class};

use crate::errno;
use crate::object;
use crate::sockaddr;
use crate::token::{Line, List};
use crate::value::{Value, address, is_device, mode};
use crate::variant::Meaning;

/// Arguments of `clone(2)`: name, name that strace gives them, flags of which one must be set (`linux/sched.h`).
const CLONE: [(&str, &str, u64); 5] = [
    ("newsp", "child_stack", 0),
    ("clone_flags", "flags", 0),
    // CLONE_PARENT_SETTID, CLONE_PIDFD
    ("parent_tidptr", "parent_tid", 0x10_1000),
    // CLONE_SETTLS
    ("tls", "tls", 0x8_0000),
    // CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID
    ("child_tidptr", "child_tidptr", 0x120_0000),
];

/// How much is shown, and by which names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Show<'a> {
    /// Names of constants and types.
    pub(crate) catalog: &'a Catalog,
    /// Most bytes of a string that is not a path, and most elements of a vector.
    pub(crate) limit: usize,
    /// Arguments with a limit of their own.
    pub(crate) limits: &'a Limits,
    /// `name=` before each argument.
    pub(crate) names: bool,
}

impl Show<'_> {
    /// Shows `(a, b, c)`.
    pub(crate) fn arguments(self, line: &mut Line, call: &Call, meaning: Option<&Meaning<'_>>) {
        line.open(List::Arguments);
        if &*call.name == "clone"
            && let Some(meaning) = meaning
            && let Some(flags) = call.arg("clone_flags").and_then(|flags| flags.raw)
        {
            self.clone_arguments(line, call, meaning, flags);
            line.close();
            return;
        }
        if call.args.is_empty() && call.entry_time.is_none() {
            line.next();
            line.word("?");
        }
        for (at, arg) in call.args.iter().enumerate() {
            let known = meaning.and_then(|meaning| meaning.params.get(at));
            if known.is_some_and(|(param, class)| self.is_absent(call, param, *class)) {
                continue;
            }
            if self.names {
                line.member(&arg.name)
            } else {
                line.next()
            }
            let limit = match self.limits.get(&call.name, &arg.name) {
                Some(Limit::Bytes(bytes)) => bytes.into(),
                _ => self.limit,
            };
            match known {
                Some((param, class)) => Show { limit, ..self }.described(line, call, arg, param, *class),
                None => self.undescribed(line, call, arg),
            }
        }
        line.close();
    }

    /// The arguments of `clone`, whose order depends on the architecture and whose meaning on the flags: by name, those that
    /// count.
    fn clone_arguments(self, line: &mut Line, call: &Call, meaning: &Meaning<'_>, flags: u64) {
        for (name, shown, needs) in CLONE {
            let at = call.args.iter().position(|arg| &*arg.name == name);
            if needs != 0 && flags & needs == 0 {
                continue;
            }
            if let Some(at) = at
                && let (Some(arg), Some((param, class))) = (call.args.get(at), meaning.params.get(at))
            {
                line.member(shown);
                self.described(line, call, arg, param, *class);
            }
        }
    }

    /// True when the call has no such argument, given the values of the others.
    fn is_absent(self, call: &Call, param: &Param, class: Class) -> bool {
        let mode = || call.arg("mode").and_then(|mode| mode.raw);
        class == Class::Void
            || (!class.is_pointer() && self.is_false(call, param))
            || (makes_node(&call.name) && param.ty.name == "dev" && !mode().is_some_and(is_device))
    }

    /// True when the condition of the parameter is known not to hold.
    fn is_false(self, call: &Call, param: &Param) -> bool {
        param.condition.as_ref().is_some_and(|condition| evaluate(condition, call, self.catalog) == Some(0))
    }

    fn described(self, line: &mut Line, call: &Call, arg: &ArgValue, param: &Param, class: Class) {
        if !class.is_pointer() {
            let Some(bits) = arg.raw else { return line.word("?") };
            if class == Class::Mode && makes_node(&call.name) {
                return mode(line, bits);
            }
            let (ty, render) = (param.ty.name.as_str(), param.render.as_deref());
            return Value { ty, render, class, bits, stored: arg.stored }.show(line, self.catalog);
        }
        let failed = call.ret().and_then(errno::of_result).is_some();
        let hidden = self.is_false(call, param) || (failed && param.condition.is_none());
        // A condition tells when the kernel reads (`in`) or writes (`out`) there; of `inout`, when it writes.
        let read = match param.direction {
            Some(Direction::Out) => false,
            Some(Direction::InOut) => true,
            _ => !self.is_false(call, param),
        };
        let before = arg.before.as_ref().filter(|p| p.is_readable() && read);
        let after = arg.after.as_ref().filter(|p| p.is_readable() && !hidden);
        let shown = |line: &mut Line, pointee: &Pointee| self.pointee(line, call, arg, param, class, pointee);
        match (before, after) {
            (Some(before), Some(after)) if before.content != after.content => {
                if self.number_changed(line, call, param, (&before.content, &after.content)) {
                    return;
                }
                shown(line, before);
                line.word(" => ");
                shown(line, after);
            }
            (_, Some(pointee)) | (Some(pointee), None) => shown(line, pointee),
            (None, None) if read && self.torn(line, call, arg, param, class) => {}
            (None, None) => {
                unread(line, arg);
                let off = |pointee: &Option<Pointee>| pointee.as_ref().is_some_and(|p| p.state == State::Off);
                if arg.raw != Some(0) && (off(&arg.before) && read || off(&arg.after) && !hidden) {
                    line.comment("not kept");
                }
            }
        }
    }

    /// `[128 => 16]`: a number behind a pointer, before and after. False when it is something else.
    fn number_changed(self, line: &mut Line, call: &Call, param: &Param, both: (&Content, &Content)) -> bool {
        let (Content::Bytes(before), Content::Bytes(after)) = both else { return false };
        let size = self.catalog.size_of(call.abi, &param.ty).unwrap_or(0) as usize;
        let one = before.len() == size && after.len() == size && !object::is_structure(&param.ty.name, size);
        let known = |bytes| self.object(&mut Line::new(), call.abi, &param.ty, bytes);
        if !one || !known(before) || !known(after) {
            return false;
        }
        line.open(List::Elements);
        line.next();
        self.object(line, call.abi, &param.ty, before);
        line.word(" => ");
        self.object(line, call.abi, &param.ty, after);
        line.close();
        true
    }

    fn pointee(
        self,
        line: &mut Line,
        call: &Call,
        arg: &ArgValue,
        param: &Param,
        class: Class,
        pointee: &Pointee,
    ) {
        let cut = pointee.state == State::Cut;
        match &pointee.content {
            Content::Nothing => unread(line, arg),
            Content::Text(text) if class == Class::Path => line.string(text, cut),
            Content::Text(text) => self.string(line, text, cut),
            Content::Count(count) => environment(line, arg, *count, cut),
            Content::Texts(texts) => self.strings(line, texts, cut),
            // An option without a description of its own is an int if it has the size of one (socket(7)).
            Content::Bytes(bytes)
                if param.name == "optval" && class == Class::Bytes && !cut && bytes.len() == 4 =>
            {
                let word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
                line.open(List::Elements);
                line.next();
                line.signed((word as i32).into());
                line.close();
            }
            Content::Bytes(bytes) if class == Class::Bytes => match param.render.as_deref() {
                Some("path" | "str") => {
                    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
                    line.string(text, cut && text.len() == bytes.len());
                }
                Some("cpumask") if !cut => cpus(line, bytes),
                Some(_) => unread(line, arg),
                None => self.string(line, bytes, cut),
            },
            Content::Bytes(text) if class == Class::Path => line.string(text, cut),
            Content::Bytes(text) if class == Class::Str => self.string(line, text, cut),
            Content::Bytes(bytes) if class == Class::Sockaddr => {
                if !sockaddr::show(line, self.catalog, bytes, cut) {
                    unread(line, arg);
                }
            }
            // A part of a row must not look like the whole.
            Content::Bytes(_) if cut => unread(line, arg),
            Content::Bytes(bytes) => {
                let size =
                    self.catalog.size_of(call.abi, &param.ty).map_or(bytes.len(), |size| size as usize);
                self.objects(line, call.abi, arg, &param.ty, class, bytes, size);
            }
        }
    }

    /// `["first", ... /* 0x7f4044bffc */]`: what was read before the memory ended, and where that was. False when there is none.
    fn torn(self, line: &mut Line, call: &Call, arg: &ArgValue, param: &Param, class: Class) -> bool {
        let (Some(Pointee { state: State::Fault, content, .. }), Some(start)) = (&arg.before, arg.raw) else {
            return false;
        };
        let end = |count: usize, size: usize| start.wrapping_add((count * size) as u64);
        let end = match content {
            Content::Texts(texts) => {
                line.open(List::Elements);
                for text in texts {
                    line.next();
                    self.string(line, text, false);
                }
                end(texts.len(), if call.abi == Abi::I386 { 4 } else { 8 })
            }
            Content::Bytes(bytes) if class == Class::Array => {
                let Some(size) = self.catalog.size_of(call.abi, &param.ty).map(|size| size as usize) else {
                    return false;
                };
                let whole = bytes.chunks_exact(size.max(1));
                let known = |one| self.object(&mut Line::new(), call.abi, &param.ty, one);
                if whole.len() == 0 || !whole.clone().all(known) {
                    return false;
                }
                line.open(List::Elements);
                let count = whole.len();
                for one in whole {
                    line.next();
                    self.object(line, call.abi, &param.ty, one);
                }
                end(count, size)
            }
            _ => return false,
        };
        line.more();
        line.comment(&format!("{end:#x}"));
        line.close();
        true
    }

    /// One object, or a row of them.
    #[expect(clippy::too_many_arguments, reason = "all of it is needed at the leaf, and only there")]
    fn objects(
        self,
        line: &mut Line,
        abi: Abi,
        arg: &ArgValue,
        ty: &Ty,
        class: Class,
        bytes: &[u8],
        size: usize,
    ) {
        if bytes.is_empty() && class == Class::Array {
            line.open(List::Elements);
            return line.close();
        }
        let one = bytes.get(..size).filter(|one| !one.is_empty() && bytes.len().is_multiple_of(size));
        if !one.is_some_and(|one| self.object(&mut Line::new(), abi, ty, one)) {
            return unread(line, arg);
        }
        // strace puts brackets around numbers and rows, not around a structure.
        let single = class != Class::Array && bytes.len() == size && object::is_structure(&ty.name, size);
        if single {
            self.object(line, abi, ty, bytes);
            return;
        }
        line.open(List::Elements);
        for one in bytes.chunks_exact(size) {
            line.next();
            self.object(line, abi, ty, one);
        }
        line.close();
    }

    fn object(self, line: &mut Line, abi: Abi, ty: &Ty, bytes: &[u8]) -> bool {
        if ty.name == "wstatus"
            && let &[a, b, c, d] = bytes
        {
            object::wait_status(line, u32::from_le_bytes([a, b, c, d]));
            return true;
        }
        if object::show(line, self.catalog, &ty.name, bytes) {
            return true;
        }
        let Some((class, stored)) = self.number_type(abi, ty, bytes.len()) else { return false };
        let raw = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let unused = 64 - u32::from(stored.bytes) * 8;
        let bits = if stored.signed { ((raw << unused) as i64 >> unused) as u64 } else { raw };
        Value { ty: &ty.name, render: None, class, bits, stored }.show(line, self.catalog);
        true
    }

    /// Class, width and sign of a number behind a pointer; `None` when the type is no number.
    fn number_type(self, abi: Abi, ty: &Ty, len: usize) -> Option<(Class, Stored)> {
        if self.catalog.size_of(abi, ty)? as usize != len || !matches!(len, 1 | 2 | 4 | 8) {
            return None;
        }
        let param = Param {
            direction: None,
            ty: ty.clone(),
            name: String::new(),
            extent: None,
            load: None,
            render: None,
            condition: None,
            otherwise: None,
        };
        let class = self.catalog.class(&param);
        if class == Class::Sub && ty.name != "hex" {
            return None;
        }
        let word = ty.name.as_str();
        let signed = match (self.catalog.set(word), self.catalog.type_line(word)) {
            (Some(set), _) => set.stored.is_some_and(|stored| stored.signed),
            (_, Some(line)) => line.stored.signed,
            _ => {
                matches!(class, Class::Fd | Class::AtFd | Class::Pid | Class::Off | Class::Signal)
                    || matches!(word, "int" | "long" | "s8" | "s16" | "s32" | "s64")
            }
        };
        Some((class, Stored::new(len as u8, signed)))
    }

    /// A string, as far as the limit allows.
    fn string(self, line: &mut Line, text: &[u8], cut: bool) {
        let shown = text.get(..self.limit).unwrap_or(text);
        line.string(shown, cut || shown.len() < text.len());
    }

    fn strings(self, line: &mut Line, texts: &[Vec<u8>], cut: bool) {
        line.open(List::Elements);
        for text in texts.iter().take(self.limit) {
            line.next();
            self.string(line, text, false);
        }
        if cut || texts.len() > self.limit {
            line.more();
        }
        line.close();
    }

    /// By what was recorded alone.
    fn undescribed(self, line: &mut Line, call: &Call, arg: &ArgValue) {
        let readable = |pointee: &&Pointee| pointee.is_readable();
        match arg.after.as_ref().filter(readable).or(arg.before.as_ref().filter(readable)) {
            Some(Pointee { content: Content::Text(text) | Content::Bytes(text), state, .. }) => {
                return self.string(line, text, *state == State::Cut);
            }
            Some(Pointee { content: Content::Texts(texts), state, .. }) => {
                return self.strings(line, texts, *state == State::Cut);
            }
            _ => {}
        }
        match arg.raw {
            Some(bits) if call.name.starts_with("syscall_0x") => line.hex(bits),
            Some(bits) if arg.stored.signed => line.signed(bits as i64),
            Some(bits) if arg.stored.bytes < 8 => line.unsigned(bits),
            _ => unread(line, arg),
        }
    }
}

/// `mknod` alone takes the kind of a file along with its permissions, and a device number if it is one.
fn makes_node(name: &str) -> bool {
    matches!(name, "mknod" | "mknodat")
}

/// Nothing was read: the address, as far as it is known.
fn unread(line: &mut Line, arg: &ArgValue) {
    let null = |pointee: &Pointee| pointee.state == State::Null;
    match arg.raw {
        Some(raw) => address(line, raw),
        None if arg.before.iter().chain(&arg.after).any(null) => line.word("NULL"),
        None => line.word("?"),
    }
}

/// `0x7ffe... /* 58 vars */`
fn environment(line: &mut Line, arg: &ArgValue, count: u64, cut: bool) {
    unread(line, arg);
    let words = if count == 1 && !cut { "var" } else { "vars" };
    line.comment(&format!("{count}{} {words}", if cut { "+" } else { "" }));
}

/// `[0 3]`: the CPUs of a mask.
fn cpus(line: &mut Line, bytes: &[u8]) {
    line.open(List::Elements);
    for (at, byte) in bytes.iter().enumerate() {
        for bit in (0..8).filter(|bit| byte >> bit & 1 == 1) {
            line.next_in_set();
            line.unsigned(at as u64 * 8 + bit);
        }
    }
    line.close();
}
