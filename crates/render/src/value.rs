//! One value by its type.

use schema::ast::{Render, Stored, TypeLine};
use schema::{Abi, Catalog, Class};

use crate::token::Line;
use crate::{composed, flags, form, signal};

/// `AT_FDCWD` of `openat(2)`.
const AT_FDCWD: i32 = -100;
/// Kind of a file in `st_mode` (`S_IFMT`), with its names.
const S_IFMT: u64 = 0o170000;
const KINDS: [(u64, &str); 7] = [
    (0o010000, "S_IFIFO"),
    (0o020000, "S_IFCHR"),
    (0o040000, "S_IFDIR"),
    (0o060000, "S_IFBLK"),
    (0o100000, "S_IFREG"),
    (0o120000, "S_IFLNK"),
    (0o140000, "S_IFSOCK"),
];
/// Permission bits that have names.
const SPECIAL: [(u64, &str); 3] = [(0o4000, "S_ISUID"), (0o2000, "S_ISGID"), (0o1000, "S_ISVTX")];

/// A number and what is said of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    /// Name of the type in the language of the tables.
    pub(crate) ty: &'a str,
    /// `as RENDER`.
    pub(crate) render: Option<&'a str>,
    /// Type code.
    pub(crate) class: Class,
    /// Sign- or zero-extended.
    pub(crate) bits: u64,
    /// Width and sign that were recorded.
    pub(crate) stored: Stored,
}

impl Value<'_> {
    /// The value without the extension.
    fn narrow(&self) -> u64 {
        match self.width() {
            64 => self.bits,
            width => self.bits & ((1 << width) - 1),
        }
    }

    fn width(&self) -> u32 {
        u32::from(self.stored.bytes.clamp(1, 8)) * 8
    }

    fn decimal(&self, line: &mut Line) {
        if self.stored.signed { line.signed(self.bits as i64) } else { line.unsigned(self.narrow()) }
    }

    /// The value as wide as its type, when the register or the member is wider: the kernel looks at no more of it.
    fn as_type(self, catalog: &Catalog) -> Self {
        let says = catalog.set(self.ty).is_none_or(|set| set.stored.is_some()) && self.class != Class::Mode;
        // Words that are narrower in i386 calls are as wide as a register in both.
        let own = catalog.stored_of(Abi::X86_64, self.ty).filter(|own| says && own.bytes < self.stored.bytes);
        let Some(stored) = own else { return self };
        let unused = 64 - u32::from(stored.bytes.clamp(1, 8)) * 8;
        let bits = self.bits << unused;
        let bits = if stored.signed { (bits as i64 >> unused) as u64 } else { bits >> unused };
        Value { bits, stored, ..self }
    }

    /// Shows it.
    pub(crate) fn show(&self, line: &mut Line, catalog: &Catalog) {
        self.as_type(catalog).show_narrow(line, catalog);
    }

    fn show_narrow(&self, line: &mut Line, catalog: &Catalog) {
        if let Some(word) = self.render
            && self.word(line, catalog, word)
        {
            return;
        }
        if composed::show(line, catalog, self.ty, self.narrow()) {
            return;
        }
        if let Some(set) = catalog.set(self.ty) {
            let show = if set.flags { flags::flags } else { flags::one_of };
            return show(line, set, self.bits, self.width());
        }
        if let Some(bits) = catalog.bits(self.ty) {
            return self.by_bit(line, &bits.slots);
        }
        if let Some(type_line) = catalog.type_line(self.ty) {
            return self.by_type(line, catalog, type_line);
        }
        match self.class {
            Class::AtFd if self.bits as i32 == AT_FDCWD => line.word("AT_FDCWD"),
            Class::Fd | Class::AtFd | Class::Pid => line.signed((self.bits as i32).into()),
            // -1 stands for "leave as it is".
            Class::Id if self.bits as u32 == u32::MAX => line.signed(-1),
            // As wide as the kernel's umode_t, whatever the register holds.
            Class::Mode => line.octal(self.narrow() & 0xffff),
            Class::Off => line.signed(self.bits as i64),
            Class::Signal => signal::number(line, self.bits as i32),
            Class::Int if self.ty == "sigset" => signal::set(line, self.bits),
            Class::Int | Class::Size | Class::Id | Class::Void => self.decimal(line),
            Class::Flags | Class::Enum | Class::Sub | Class::Zero | Class::Ioc => line.hex(self.narrow()),
            _ => address(line, self.narrow()),
        }
    }

    /// Shows it as a word says; false when the word is not a way of showing a number.
    fn word(&self, line: &mut Line, catalog: &Catalog, word: &str) -> bool {
        match word {
            "dec" => self.decimal(line),
            "hex" => line.hex(self.narrow()),
            "oct" => line.octal(self.narrow()),
            "bool" if self.bits <= 1 => line.word(if self.bits == 1 { "true" } else { "false" }),
            "bool" => self.decimal(line),
            "chr" => line.string(&[self.bits as u8], false),
            "file_mode" => mode(line, self.narrow()),
            _ => match catalog.set(word) {
                Some(set) if set.flags => flags::flags(line, set, self.bits, self.width()),
                Some(set) => flags::one_of(line, set, self.bits, self.width()),
                None => return form::number(line, catalog, word, self.narrow(), self.stored.bytes, self.ty),
            },
        }
        true
    }

    fn by_bit(&self, line: &mut Line, slots: &[Option<String>]) {
        let mut rest = self.narrow();
        line.flags();
        for (bit, name) in slots.iter().enumerate().take(64) {
            if let Some(name) = name
                && rest >> bit & 1 == 1
            {
                line.flag();
                line.word(name);
                rest &= !(1 << bit);
            }
        }
        if rest != 0 || self.narrow() == 0 {
            line.flag();
            line.hex(rest);
        }
    }

    /// The first render that has a name for the value wins; then `else`, then the last plain word.
    fn by_type(&self, line: &mut Line, catalog: &Catalog, type_line: &TypeLine) {
        let named = type_line.renders.iter().filter_map(|render| match render {
            Render::Word(word) => catalog.set(word),
            Render::Format(_) => None,
        });
        for set in named {
            let decoded = set.decode(self.bits, self.width());
            if !decoded.names.is_empty() && decoded.rest == 0 {
                return flags::flags(line, set, self.bits, self.width());
            }
        }
        for render in type_line.otherwise.iter().chain(&type_line.renders) {
            match render {
                Render::Word(word) if self.word(line, catalog, word) => return,
                Render::Format(format) => return self.format(line, format),
                Render::Word(_) => {}
            }
        }
        self.decimal(line);
    }

    /// Text with one conversion, `%d`, `%u`, `%x` or `%o`.
    fn format(&self, line: &mut Line, format: &str) {
        let Some((before, after)) = format.split_once('%') else { return line.word(format) };
        line.word(before);
        let kind = after.trim_start_matches(|c: char| c.is_ascii_digit() || "#lhz-+".contains(c));
        match kind.chars().next() {
            Some('x' | 'X') => line.hex(self.narrow()),
            Some('o') => line.octal(self.narrow()),
            _ => self.decimal(line),
        }
        line.word(kind.get(1..).unwrap_or_default());
    }
}

/// Shows an address: `NULL` or `0x7f00`.
pub(crate) fn address(line: &mut Line, value: u64) {
    if value == 0 { line.word("NULL") } else { line.hex(value) }
}

/// Shows permissions, with the kind of the file when there is one: `0644`, `S_ISUID|0755`, `S_IFREG|S_ISUID|0755`.
pub(crate) fn mode(line: &mut Line, mode: u64) {
    let kind = KINDS.iter().find(|kind| kind.0 == mode & S_IFMT);
    let mut rest = mode;
    line.flags();
    match kind {
        Some((kind, name)) => {
            line.flag();
            line.word(name);
            rest &= !kind;
        }
        None if mode & S_IFMT != 0 => return line.octal(mode),
        None => {}
    }
    for (bit, name) in SPECIAL {
        if rest & bit != 0 {
            line.flag();
            line.word(name);
            rest &= !bit;
        }
    }
    line.flag();
    line.octal(rest);
}

/// Kind bits of a mode: true for devices, which have a number and no size.
pub(crate) fn is_device(mode: u64) -> bool {
    matches!(mode & S_IFMT, 0o020000 | 0o060000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "
type ms = s32 dec \"%d ms\"
type key = s32 enum keyring_spec else dec
type dev = u32 device
bits rw : u8 hex = WRITE, _, SYNC
enum ioctl_cmd = TIOCGWINSZ 0x5413
enum keyring_spec : s32 = KEY_SPEC_THREAD_KEYRING -1
";

    fn show(ty: &str, render: Option<&str>, bits: u64, stored: Stored) -> String {
        let mut catalog = Catalog::new();
        catalog.add(TABLE, "test").unwrap();
        catalog.add(&format!("f({ty} x)"), "test").unwrap();
        let class = catalog.class(&catalog.call("f").unwrap().params[0]);
        let mut line = Line::new();
        Value { ty, render, class, bits, stored }.show(&mut line, &catalog);
        line.as_str().to_owned()
    }

    const S32: Stored = Stored::new(4, true);
    const U32: Stored = Stored::new(4, false);
    const U64: Stored = Stored::new(8, false);

    #[test]
    fn every_built_in_word_has_its_form() {
        assert_eq!(show("atfd", None, -100_i64 as u64, S32), "AT_FDCWD");
        assert_eq!(show("atfd", None, 5, S32), "5");
        assert_eq!(show("fd", None, -1_i64 as u64, S32), "-1");
        assert_eq!(show("fd", None, u32::MAX.into(), U32), "-1");
        assert_eq!(show("int", None, -3_i64 as u64, S32), "-3");
        assert_eq!(show("uint", None, u32::MAX.into(), U32), "4294967295");
        assert_eq!(show("size", None, u64::MAX, U64), "18446744073709551615");
        assert_eq!(show("id", None, u32::MAX.into(), U32), "-1");
        assert_eq!(show("id", None, 1000, U32), "1000");
        assert_eq!(show("addr", None, 0, U64), "NULL");
        assert_eq!(show("addr", None, 0x7f00, U64), "0x7f00");
        assert_eq!(show("hex", None, 0, U64), "0");
        assert_eq!(show("off", None, -1_i64 as u64, Stored::new(8, true)), "-1");
        assert_eq!(show("signo", None, 9, S32), "SIGKILL");
        assert_eq!(show("signo", None, 99, S32), "99");
        assert_eq!(show("sigset", None, 2, U64), "[INT]");
        assert_eq!(show("mode", None, 0o644, Stored::new(2, false)), "0644");
        assert_eq!(show("mode", None, 0o177777, Stored::new(2, false)), "0177777");
        assert_eq!(show("mode", None, 0o104755, Stored::new(2, false)), "0104755");
    }

    #[test]
    fn commands_without_name_are_taken_apart() {
        assert_eq!(show("ioctl_cmd", None, 0x1234_5678, U32), "_IOC(_IOC_NONE, 0x56, 0x78, 0x1234)");
        assert_eq!(show("ioctl_cmd", None, 0xc008_7a03, U32), "_IOC(_IOC_READ|_IOC_WRITE, 0x7a, 0x3, 0x8)");
        assert_eq!(show("ioctl_cmd", None, 0x5413, U32), "TIOCGWINSZ");
    }

    #[test]
    fn the_kind_of_a_file_has_a_name() {
        let mut line = Line::new();
        mode(&mut line, 0o104755);
        assert_eq!(line.as_str(), "S_IFREG|S_ISUID|0755");
    }

    #[test]
    fn tables_may_say_how_a_type_is_shown() {
        assert_eq!(show("off", Some("hex"), 4096, U64), "0x1000");
        assert_eq!(show("int", Some("bool"), 1, S32), "true");
        assert_eq!(show("ms", None, 1500, S32), "1500");
        assert_eq!(show("dev", None, 0x103, U32), "makedev(0x1, 0x3)");
        assert_eq!(show("key", None, -1_i64 as u64, S32), "KEY_SPEC_THREAD_KEYRING");
        assert_eq!(show("key", None, 77, S32), "77");
        // In a register that is wider than the type, what lies above does not count.
        assert_eq!(show("key", None, 0xffff_ffff, U64), "KEY_SPEC_THREAD_KEYRING");
        assert_eq!(show("int", None, 0xffff_fffe, U64), "-2");
        assert_eq!(show("ulong", None, 0xffff_fffe, U64), "4294967294");
        assert_eq!(show("rw", None, 0b1101, Stored::new(1, false)), "WRITE|SYNC|0x8");
        assert_eq!(show("rw", None, 0, Stored::new(1, false)), "0");
    }
}
