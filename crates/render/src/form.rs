//! The words behind `as` that are code: forms of values that no table can describe (`docs/type-table.md`).

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use schema::Catalog;

use crate::signal;
use crate::token::{Line, List};
use crate::value::address;

/// How bytes are described.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    /// `bytes`, `str` or `path`.
    pub(crate) ty: &'a str,
    /// `as RENDER`.
    pub(crate) render: Option<&'a str>,
    /// The member's or argument's name.
    pub(crate) name: &'a str,
}

/// True for forms that write the name of their member where it belongs.
pub(crate) fn names_itself(word: &str) -> bool {
    matches!(word, "inet_pton" | "unix_path")
}

/// Shows a number of a type and of that many bytes in the form of a word; false when the word is none for numbers.
pub(crate) fn number(
    line: &mut Line,
    catalog: &Catalog,
    word: &str,
    value: u64,
    width: u8,
    ty: &str,
) -> bool {
    // As bytes in memory: these numbers are stored in network order.
    let memory = value.to_le_bytes();
    let [a, b, c, d, ..] = memory;
    let _ = match word {
        "limit" => return limit(line, value, width),
        "htons" => {
            let port = u16::from_be_bytes([a, b]);
            let names = catalog.set(ty).map(|set| set.decode(port.into(), 16).names).unwrap_or_default();
            match names.first() {
                Some(name) => write!(line, "htons({name})"),
                None => write!(line, "htons({port})"),
            }
        }
        "htonl" => write!(line, "htonl({})", u32::from_be_bytes([a, b, c, d])),
        "inet_addr" => write!(line, "inet_addr(\"{}\")", Ipv4Addr::from([a, b, c, d])),
        // As printf's %#08x, of which nothing is left of the mark when the number is 0.
        "groups" if value == 0 => write!(line, "00000000"),
        "groups" => write!(line, "{value:#08x}"),
        "kernel_version" => {
            write!(line, "KERNEL_VERSION({}, {}, {})", value >> 16, value >> 8 & 0xff, value & 0xff)
        }
        // Four characters, the first in the lowest byte: how formats of pictures are named.
        "fourcc" if [a, b, c, d].iter().all(u8::is_ascii_alphanumeric) => {
            let [a, b, c, d] = [a, b, c, d].map(char::from);
            write!(line, "v4l2_fourcc('{a}', '{b}', '{c}', '{d}')")
        }
        "fourcc" => {
            line.hex(value);
            Ok(())
        }
        "address" => {
            address(line, value);
            Ok(())
        }
        "device" => {
            device(line, value);
            Ok(())
        }
        "wait_status" => {
            wait_status(line, value as u32);
            Ok(())
        }
        "capabilities" => return capabilities(line, catalog, value),
        _ => return false,
    };
    true
}

/// `8192*1024`, `RLIM64_INFINITY`: a limit of `getrlimit(2)`.
fn limit(line: &mut Line, value: u64, width: u8) -> bool {
    match (value, width) {
        (u64::MAX, 8) => line.word("RLIM64_INFINITY"),
        (0xffff_ffff, 4) => line.word("RLIM_INFINITY"),
        _ if value > 1024 && value.is_multiple_of(1024) => {
            line.unsigned(value / 1024);
            line.word("*1024");
        }
        _ => line.unsigned(value),
    }
    true
}

/// `1<<CAP_CHOWN|1<<CAP_KILL`: bit *n* is the capability of number *n* (`capability.h`).
fn capabilities(line: &mut Line, catalog: &Catalog, value: u64) -> bool {
    let Some(set) = catalog.set("capability") else { return false };
    let mut rest = value;
    line.flags();
    for bit in (0..64).filter(|bit| value >> bit & 1 == 1) {
        if let [name] = set.decode(bit, 64).names.as_slice() {
            line.flag();
            line.word("1<<");
            line.word(name);
            rest &= !(1 << bit);
        }
    }
    if rest != 0 || value == 0 {
        line.flag();
        line.hex(rest);
    }
    true
}

/// A device number as user space passes it (`new_encode_dev`): 12 bits of major inside, the minor around them.
fn device(line: &mut Line, dev: u64) {
    line.word("makedev");
    line.open(List::Arguments);
    line.next();
    line.hex(dev >> 8 & 0xfff);
    line.next();
    line.hex(dev & 0xff | dev >> 12 & 0xfff00);
    line.close();
}

/// Shows the status of a child as `wait4(2)` stores it, in the words of `<sys/wait.h>`.
fn wait_status(line: &mut Line, status: u32) {
    let (low, high) = (status & 0x7f, (status >> 8 & 0xff) as i32);
    line.open(List::Members);
    line.next();
    if status == 0xffff {
        line.word("WIFCONTINUED(s)");
    } else if status & 0xff == 0x7f {
        line.word("WIFSTOPPED(s) && WSTOPSIG(s) == ");
        // The top bit says that a tracer stopped it at a system call; the rest is a ptrace event.
        signal::number(line, high & 0x7f);
        if high & 0x80 != 0 {
            line.word(" | 0x80");
        }
    } else if low == 0 {
        line.word("WIFEXITED(s) && WEXITSTATUS(s) == ");
        line.signed(high.into());
    } else {
        line.word("WIFSIGNALED(s) && WTERMSIG(s) == ");
        signal::number(line, low as i32);
        if status & 0x80 != 0 {
            line.word(" && WCOREDUMP(s)");
        }
    }
    line.close();
    if status >> 16 != 0 {
        line.word(" | ");
        line.hex((status & 0xffff_0000).into());
    }
}

/// Shows bytes. Strings end at their NUL; everything but a path is shown up to `limit` bytes.
pub(crate) fn bytes(line: &mut Line, text: Text<'_>, bytes: &[u8], cut: bool, limit: usize) {
    match text.render {
        Some("inet_pton") => {
            let address = <[u8; 16]>::try_from(bytes).unwrap_or_default();
            line.next();
            let _ = write!(line, "inet_pton(AF_INET6, \"{}\", &{})", Ipv6Addr::from(address), text.name);
        }
        Some("unix_path") => unix_path(line, text.name, bytes, cut),
        Some("hexstring") => {
            line.word("\"");
            for byte in bytes.iter().take(limit) {
                let _ = write!(line, "\\x{byte:02x}");
            }
            line.word(if cut || bytes.len() > limit { "\"..." } else { "\"" });
        }
        Some("mac") => {
            for (at, byte) in bytes.iter().enumerate() {
                let _ = write!(line, "{}{byte:02x}", if at == 0 { "" } else { ":" });
            }
        }
        Some("cpumask") => numbers_of_bits(line, bytes, u64::MAX),
        render => {
            let is = |word| text.ty == word || render == Some(word);
            let end = if is("str") || is("path") { bytes.iter().position(|byte| *byte == 0) } else { None };
            let whole = end.and_then(|end| bytes.get(..end)).unwrap_or(bytes);
            let shown = if is("path") { whole } else { whole.get(..limit).unwrap_or(whole) };
            line.string(shown, shown.len() < whole.len() || cut && end.is_none());
        }
    }
}

/// `sun_path="/run/x"`, `sun_path=@"abstract"`; of a socket without a name, nothing.
fn unix_path(line: &mut Line, name: &str, bytes: &[u8], cut: bool) {
    match bytes.split_first() {
        None => {}
        // A name that begins with a NUL is not in the file system, and its length is all that ends it.
        Some((0, abstract_name)) => {
            line.member(name);
            line.word("@");
            line.string(abstract_name, cut);
        }
        Some(_) => {
            line.member(name);
            let path = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            line.string(path, cut && path.len() == bytes.len());
        }
    }
}

/// `[0 3]`: the numbers of the bits that are set, such as CPUs of a mask or descriptors of an `fd_set`; those below `most`.
pub(crate) fn numbers_of_bits(line: &mut Line, bytes: &[u8], most: u64) {
    line.open(List::Elements);
    for (at, byte) in bytes.iter().enumerate() {
        let numbers = (0..8).filter(|bit| byte >> bit & 1 == 1).map(|bit| at as u64 * 8 + bit);
        for number in numbers.filter(|number| *number < most) {
            line.next_in_set();
            line.unsigned(number);
        }
    }
    line.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(word: &str, value: u64) -> String {
        let mut line = Line::new();
        assert!(number(&mut line, Catalog::builtin(), word, value, 4, "u32"));
        line.as_str().to_owned()
    }

    #[test]
    fn a_format_of_pictures_has_four_characters() {
        assert_eq!(form("fourcc", 0x5659_5559), "v4l2_fourcc('Y', 'U', 'Y', 'V')");
        assert_eq!(form("fourcc", 7), "0x7");
    }

    #[test]
    fn a_hardware_address_is_shown_by_its_bytes() {
        let mut line = Line::new();
        let text = Text { ty: "bytes", render: Some("mac"), name: "sa_data" };
        bytes(&mut line, text, &[2, 0, 0xac, 0x11, 0, 3], false, 32);
        assert_eq!(line.as_str(), "02:00:ac:11:00:03");
    }

    #[test]
    fn a_wait_status_is_shown_by_the_macros_that_read_it() {
        assert_eq!(form("wait_status", 0x300), "{WIFEXITED(s) && WEXITSTATUS(s) == 3}");
        assert_eq!(form("wait_status", 11), "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}");
        assert_eq!(form("wait_status", 0x8b), "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}");
        assert_eq!(form("wait_status", 0x137f), "{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}");
        assert_eq!(form("wait_status", 0xffff), "{WIFCONTINUED(s)}");
    }

    #[test]
    fn numbers_in_network_order_are_turned_round() {
        assert_eq!(form("htons", 0x5000), "htons(80)");
        assert_eq!(form("inet_addr", 0x0100_007f), "inet_addr(\"127.0.0.1\")");
        assert_eq!((form("groups", 0), form("groups", 3)), ("00000000".to_owned(), "0x000003".to_owned()));
    }

    #[test]
    fn sets_are_shown_as_far_as_they_count() {
        let mut line = Line::new();
        numbers_of_bits(&mut line, &[0b1001, 1], 9);
        numbers_of_bits(&mut line, &[0b1001, 1], 3);
        assert_eq!(line.as_str(), "[0 3 8][0]");
    }

    #[test]
    fn bits_are_capabilities_by_number() {
        assert_eq!(form("capabilities", 1 | 1 << 5), "1<<CAP_CHOWN|1<<CAP_KILL");
        assert_eq!(form("capabilities", 0), "0");
    }

    #[test]
    fn strings_end_at_their_nul_and_bytes_do_not() {
        let shown = |ty, bytes_of: &[u8], cut| {
            let mut line = Line::new();
            bytes(&mut line, Text { ty, render: None, name: "x" }, bytes_of, cut, 4);
            line.as_str().to_owned()
        };
        assert_eq!(shown("str", b"ab\0cd", false), "\"ab\"");
        assert_eq!(shown("bytes", b"ab\0", false), "\"ab\\0\"");
        assert_eq!(shown("bytes", b"abcdef", false), "\"abcd\"...");
        assert_eq!(shown("path", b"abcdef", false), "\"abcdef\"");
        assert_eq!(shown("str", b"ab", true), "\"ab\"...");
    }
}
