//! Words of the language and of C that name a kind of number.

use std::sync::LazyLock;

use foldhash::HashMap;

use super::Catalog;
use crate::abi::Abi;
use crate::ast::Stored;
use crate::class::Class;

/// Width and sign of a value, in both conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) class: Class,
    stored: Stored,
    /// In an i386 call, when the C type is narrower there (`long`, `size_t`, pointers).
    stored_i386: Option<Stored>,
}

impl Value {
    /// Width and sign in a register of that convention.
    pub(super) fn on(self, abi: Abi) -> Stored {
        match (abi, self.stored_i386) {
            (Abi::I386, Some(stored)) => stored,
            _ => self.stored,
        }
    }
}

const U8: Stored = Stored::new(1, false);
const U16: Stored = Stored::new(2, false);
const U32: Stored = Stored::new(4, false);
const U64: Stored = Stored::new(8, false);
const S8: Stored = Stored::new(1, true);
const S16: Stored = Stored::new(2, true);
const S32: Stored = Stored::new(4, true);
const S64: Stored = Stored::new(8, true);

/// Built-in words in alphabetical order, with the width that counts when no prototype is known.
const WORDS: [(&str, Class, Stored, Option<Stored>); 30] = [
    ("addr", Class::Addr, U64, Some(U32)),
    ("atfd", Class::AtFd, S32, None),
    ("bytes", Class::Bytes, U8, None),
    ("count", Class::Size, U64, Some(U32)),
    ("fd", Class::Fd, S32, None),
    ("hex", Class::Sub, U64, Some(U32)),
    ("id", Class::Id, U32, None),
    ("int", Class::Int, S32, None),
    ("ioc", Class::Ioc, U64, Some(U32)),
    ("long", Class::Int, S64, Some(S32)),
    ("mode", Class::Mode, U16, None),
    ("off", Class::Off, S64, None),
    ("path", Class::Path, U8, None),
    ("pid", Class::Pid, S32, None),
    ("s16", Class::Int, S16, None),
    ("s32", Class::Int, S32, None),
    ("s64", Class::Int, S64, None),
    ("s8", Class::Int, S8, None),
    ("signo", Class::Signal, S32, None),
    ("sigset", Class::Int, U64, None),
    ("size", Class::Size, U64, Some(U32)),
    ("str", Class::Str, U8, None),
    ("u16", Class::Int, U16, None),
    ("u32", Class::Int, U32, None),
    ("u64", Class::Int, U64, None),
    ("u8", Class::Int, U8, None),
    ("uint", Class::Int, U32, None),
    ("ulong", Class::Int, U64, Some(U32)),
    ("void", Class::Void, U64, Some(U32)),
    ("zero", Class::Zero, U64, Some(U32)),
];

/// What a word of the language is; asked for every value that is shown.
fn word(name: &str) -> Option<Value> {
    static BY_NAME: LazyLock<HashMap<&str, Value>> = LazyLock::new(|| {
        let words = WORDS.iter();
        words
            .map(|&(name, class, stored, stored_i386)| (name, Value { class, stored, stored_i386 }))
            .collect()
    });
    BY_NAME.get(name).copied()
}

impl Catalog {
    /// Width and sign of a value of that type in memory, when it is a number.
    pub fn stored_of(&self, abi: Abi, name: &str) -> Option<Stored> {
        self.value_type(name).map(|value| value.on(abi))
    }

    /// What a value of that type of the language is.
    pub(super) fn value_type(&self, name: &str) -> Option<Value> {
        if let Some(set) = self.sets.get(name) {
            let class = if set.flags { Class::Flags } else { Class::Enum };
            return Some(Value { class, stored: set.stored.unwrap_or(U32), stored_i386: None });
        }
        if let Some(line) = self.types.get(name) {
            return Some(Value { class: Class::Int, stored: line.stored, stored_i386: None });
        }
        if let Some(line) = self.bits.get(name) {
            return Some(Value { class: Class::Flags, stored: line.stored, stored_i386: None });
        }
        word(name)
    }

    /// Width, sign and class of a C type, and the word of the language for it.
    pub(super) fn c_type(&self, ctype: &str) -> Option<(Value, &'static str)> {
        if ctype.contains('*') {
            return Some((Value { class: Class::Addr, stored: U64, stored_i386: Some(U32) }, "addr"));
        }
        let words: Vec<&str> = ctype
            .split_whitespace()
            .filter(|word| !matches!(*word, "const" | "volatile" | "__user"))
            .collect();
        if let Some((value, word)) = arithmetic(&words) {
            return Some((value, word));
        }
        if words.first() == Some(&"enum") {
            return Some((Value { class: Class::Int, stored: U32, stored_i386: None }, "u32"));
        }
        let [name] = words.as_slice() else { return None };
        let line = self.ctypes.get(name)?;
        let (class, word) = match *name {
            "pid_t" => (Class::Pid, "pid"),
            "uid_t" | "gid_t" | "qid_t" => (Class::Id, "id"),
            "umode_t" => (Class::Mode, "mode"),
            "size_t" => (Class::Size, "size"),
            "loff_t" | "off_t" => (Class::Off, "off"),
            "mqd_t" => (Class::Fd, "fd"),
            _ => (Class::Int, stored_word(line.stored)),
        };
        Some((Value { class, stored: line.stored, stored_i386: line.stored_i386 }, word))
    }
}

/// The word for a plain number of that width.
fn stored_word(stored: Stored) -> &'static str {
    match (stored.bytes, stored.signed) {
        (1, false) => "u8",
        (2, false) => "u16",
        (4, false) => "u32",
        (_, false) => "u64",
        (1, true) => "s8",
        (2, true) => "s16",
        (4, true) => "s32",
        (_, true) => "s64",
    }
}

/// The arithmetic types of C, in the data model of Linux.
fn arithmetic(words: &[&str]) -> Option<(Value, &'static str)> {
    let (mut unsigned, mut longs, mut base) = (false, 0, None);
    for &word in words {
        match word {
            "unsigned" => unsigned = true,
            "signed" => {}
            "long" => longs += 1,
            "char" | "short" => base = Some(word),
            "int" => base = base.or(Some("int")),
            _ => return None,
        }
    }
    let signed = !unsigned;
    let (bytes, narrow, word) = match (base, longs) {
        (Some("char"), 0) => (1, None, if signed { "s8" } else { "u8" }),
        (Some("short"), 0) => (2, None, if signed { "s16" } else { "u16" }),
        (_, 0) if words.is_empty() => return None,
        (_, 0) => (4, None, if signed { "int" } else { "uint" }),
        (_, 1) => (8, Some(Stored::new(4, signed)), if signed { "long" } else { "ulong" }),
        _ => (8, None, if signed { "s64" } else { "u64" }),
    };
    Some((Value { class: Class::Int, stored: Stored::new(bytes, signed), stored_i386: narrow }, word))
}

/// A C spelling for a value that has no prototype.
pub(super) fn c_spelling(class: Class, stored: Stored) -> &'static str {
    match class {
        Class::Str | Class::Path => return "const char *",
        Class::Strings => return "const char *const *",
        _ if class.is_pointer() => return "void *",
        Class::Mode => return "umode_t",
        _ => {}
    }
    match (stored.bytes, stored.signed) {
        (1, false) => "unsigned char",
        (2, false) => "unsigned short",
        (4, false) => "unsigned int",
        (_, false) => "unsigned long",
        (1, true) => "signed char",
        (2, true) => "short",
        (4, true) => "int",
        (_, true) => "long",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_the_order_in_which_they_are_looked_up() {
        assert!(WORDS.is_sorted_by_key(|word| word.0));
    }
}
