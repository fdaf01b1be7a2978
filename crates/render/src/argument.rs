//! The arguments of a call.

use calls::{ArgValue, Call, Content, Descriptors, Pointee, evaluate};
use schema::ast::{Param, Stored};
use schema::layout::State;
use schema::lower::{Limit, Limits};
use schema::{Abi, Catalog, Class};

use crate::object::Structures;
use crate::pointee::Behind;
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
    /// Structures put together so far.
    pub(crate) structures: &'a Structures,
    /// Most bytes of a string that is not a path, and most elements of a vector.
    pub(crate) limit: usize,
    /// Arguments with a limit of their own.
    pub(crate) limits: &'a Limits,
    /// `name=` before each argument.
    pub(crate) names: bool,
    /// All members of structures.
    pub(crate) verbose: bool,
    /// Where descriptors lead to.
    pub(crate) descriptors: &'a Descriptors,
    /// Paths behind descriptors.
    pub(crate) paths: bool,
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
        if call.args.is_empty() && call.entry_time.is_none() && call.syscall.is_none() {
            line.next();
            line.word("?");
        }
        for (at, arg) in call.args.iter().enumerate() {
            let known = meaning.and_then(|meaning| meaning.params.get(at));
            if known.is_some_and(|(param, class)| self.is_absent(call, param, *class)) {
                continue;
            }
            if at > 0 && whole(call, at - 1).is_some() {
                continue;
            }
            if let Some((param, class)) = known
                && param.render.as_deref() == Some("arguments")
                && self.block(line, Behind { call, arg, param, class: *class })
            {
                continue;
            }
            let whole = whole(call, at);
            if self.names {
                line.member(whole.map_or(&arg.name, |(name, _)| name))
            } else {
                line.next()
            }
            let limit = match self.limits.get(&call.name, &arg.name) {
                Some(Limit::Bytes(bytes)) => bytes.into(),
                _ => self.limit,
            };
            match known {
                Some((param, class)) if let Some((_, bits)) = whole => {
                    // Halves are described as numbers of 32 bits.
                    let signed = matches!(param.ty.name.as_str(), "int" | "s32");
                    let (ty, stored) = (if signed { "s64" } else { "u64" }, Stored::new(8, signed));
                    let render = param.render.as_deref();
                    Value { ty, render, class: *class, bits, stored }.show(line, self.catalog);
                }
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
    pub(crate) fn is_false(self, call: &Call, param: &Param) -> bool {
        param.condition.as_ref().is_some_and(|condition| evaluate(condition, call, self.catalog) == Some(0))
    }

    fn described(self, line: &mut Line, call: &Call, arg: &ArgValue, param: &Param, class: Class) {
        if !class.is_pointer() {
            let Some(bits) = arg.raw else { return line.word("?") };
            if class == Class::Mode && makes_node(&call.name) {
                return mode(line, bits);
            }
            let (ty, render) = (param.ty.name.as_str(), param.render.as_deref());
            Value { ty, render, class, bits, stored: arg.stored }.show(line, self.catalog);
            if matches!(class, Class::Fd | Class::AtFd) {
                self.path(line, call, bits as i32);
            }
            return;
        }
        self.pointer(line, call, arg, param, class);
    }

    /// `</etc/hostname>` behind a descriptor, where it is known and wanted.
    pub(crate) fn path(self, line: &mut Line, call: &Call, fd: i32) {
        if self.paths
            && let Some(path) = self.descriptors.path(call, fd)
        {
            line.bracketed(path);
        }
    }

    /// A string, as far as the limit allows.
    pub(crate) fn string(self, line: &mut Line, text: &[u8], cut: bool) {
        let shown = text.get(..self.limit).unwrap_or(text);
        line.string(shown, cut || shown.len() < text.len());
    }

    pub(crate) fn strings(self, line: &mut Line, texts: &[Vec<u8>], cut: bool) {
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

/// The name and the value of an argument that takes two registers of an i386 call, `NAME_low` and `NAME_high` in either order, the
/// first of them at that place.
fn whole(call: &Call, at: usize) -> Option<(&str, u64)> {
    let (first, second) = (call.args.get(at)?, call.args.get(at + 1)?);
    let name = first.name.strip_suffix("_low").or_else(|| first.name.strip_suffix("_high"))?;
    let (low, high) = match (first.name.strip_prefix(name)?, second.name.strip_prefix(name)?) {
        ("_low", "_high") => (first, second),
        ("_high", "_low") => (second, first),
        _ => return None,
    };
    (call.abi == Abi::I386).then_some((name, high.raw? << 32 | low.raw? & 0xffff_ffff))
}

/// `mknod` alone takes the kind of a file along with its permissions, and a device number if it is one.
fn makes_node(name: &str) -> bool {
    matches!(name, "mknod" | "mknodat")
}

/// Nothing was read: the address, as far as it is known.
pub(crate) fn unread(line: &mut Line, arg: &ArgValue) {
    let null = |pointee: &Pointee| pointee.state == State::Null;
    match arg.raw {
        Some(raw) => address(line, raw),
        None if arg.before.iter().chain(&arg.after).any(null) => line.word("NULL"),
        None => line.word("?"),
    }
}

/// `0x7ffe... /* 58 vars */`
pub(crate) fn environment(line: &mut Line, arg: &ArgValue, count: u64, cut: bool) {
    unread(line, arg);
    let words = if count == 1 && !cut { "var" } else { "vars" };
    line.comment(&format!("{count}{} {words}", if cut { "+" } else { "" }));
}
