//! Objects of known layout behind a pointer.
//!
//! Which members are shown, and in which form, follows strace, so that the two can be compared. Offsets are those of the
//! kernel's structures on x86-64 (`include/uapi`); an object of another size is not shown by these.

use schema::Catalog;

use crate::token::{Line, List};
use crate::{flags, signal, value};

/// How a member is shown.
#[derive(Clone, Copy)]
enum Form {
    /// Signed decimal of so many bytes.
    Signed(usize),
    /// Unsigned decimal.
    Unsigned(usize),
    /// Hexadecimal.
    Hex(usize),
    /// An address.
    Address,
    /// `rlim_t`: `8192*1024`, `RLIM64_INFINITY`.
    Limit,
    /// `sa_handler`.
    Handler,
    /// A 64-bit set of signals.
    Signals,
    /// `epoll_data_t`, as number of 32 and of 64 bits.
    Data,
    /// Bits named by a set of the catalog.
    Named(usize, &'static str),
    /// An object of its own.
    Object(&'static str, usize),
    /// Members that follow and are not shown.
    More,
}

type Member = (&'static str, usize, Form);

/// Type, size in bytes, members.
const LAYOUTS: &[(&str, usize, &[Member])] = &[
    ("timespec", 16, &[("tv_sec", 0, Form::Signed(8)), ("tv_nsec", 8, Form::Signed(8))]),
    ("timespec64", 16, &[("tv_sec", 0, Form::Signed(8)), ("tv_nsec", 8, Form::Signed(8))]),
    ("timespec", 8, &[("tv_sec", 0, Form::Signed(4)), ("tv_nsec", 4, Form::Signed(4))]),
    ("timeval", 16, &[("tv_sec", 0, Form::Signed(8)), ("tv_usec", 8, Form::Signed(8))]),
    ("timeval", 8, &[("tv_sec", 0, Form::Signed(4)), ("tv_usec", 4, Form::Signed(4))]),
    (
        "itimerspec",
        32,
        &[("it_interval", 0, Form::Object("timespec", 16)), ("it_value", 16, Form::Object("timespec", 16))],
    ),
    (
        "itimerspec64",
        32,
        &[("it_interval", 0, Form::Object("timespec", 16)), ("it_value", 16, Form::Object("timespec", 16))],
    ),
    (
        "itimerval",
        32,
        &[("it_interval", 0, Form::Object("timeval", 16)), ("it_value", 16, Form::Object("timeval", 16))],
    ),
    ("timezone", 8, &[("tz_minuteswest", 0, Form::Signed(4)), ("tz_dsttime", 4, Form::Signed(4))]),
    ("utimbuf", 16, &[("actime", 0, Form::Signed(8)), ("modtime", 8, Form::Signed(8))]),
    ("rlimit", 16, &[("rlim_cur", 0, Form::Limit), ("rlim_max", 8, Form::Limit)]),
    ("rlimit64", 16, &[("rlim_cur", 0, Form::Limit), ("rlim_max", 8, Form::Limit)]),
    (
        "rusage",
        144,
        &[
            ("ru_utime", 0, Form::Object("timeval", 16)),
            ("ru_stime", 16, Form::Object("timeval", 16)),
            ("", 0, Form::More),
        ],
    ),
    (
        "stack_t",
        24,
        &[
            ("ss_sp", 0, Form::Address),
            ("ss_flags", 8, Form::Named(4, "ss_flags")),
            ("ss_size", 16, Form::Unsigned(8)),
        ],
    ),
    (
        "sigaction",
        32,
        &[
            ("sa_handler", 0, Form::Handler),
            ("sa_mask", 24, Form::Signals),
            ("sa_flags", 8, Form::Named(8, "sa_flags")),
        ],
    ),
    (
        "pollfd",
        8,
        &[
            ("fd", 0, Form::Signed(4)),
            ("events", 4, Form::Named(2, "poll_events")),
            ("revents", 6, Form::Named(2, "poll_events")),
        ],
    ),
    ("epoll_event", 12, &[("events", 0, Form::Named(4, "epoll_events")), ("data", 4, Form::Data)]),
    (
        "winsize",
        8,
        &[
            ("ws_row", 0, Form::Unsigned(2)),
            ("ws_col", 2, Form::Unsigned(2)),
            ("ws_xpixel", 4, Form::Unsigned(2)),
            ("ws_ypixel", 6, Form::Unsigned(2)),
        ],
    ),
    ("linger", 8, &[("l_onoff", 0, Form::Signed(4)), ("l_linger", 4, Form::Signed(4))]),
    (
        "tms",
        32,
        &[
            ("tms_utime", 0, Form::Signed(8)),
            ("tms_stime", 8, Form::Signed(8)),
            ("tms_cutime", 16, Form::Signed(8)),
            ("tms_cstime", 24, Form::Signed(8)),
        ],
    ),
    (
        "mq_attr",
        64,
        &[
            ("mq_flags", 0, Form::Hex(8)),
            ("mq_maxmsg", 8, Form::Signed(8)),
            ("mq_msgsize", 16, Form::Signed(8)),
            ("mq_curmsgs", 24, Form::Signed(8)),
        ],
    ),
    ("cap_header", 8, &[("version", 0, Form::Hex(4)), ("pid", 4, Form::Signed(4))]),
    (
        "cap_data",
        12,
        &[("effective", 0, Form::Hex(4)), ("permitted", 4, Form::Hex(4)), ("inheritable", 8, Form::Hex(4))],
    ),
    (
        "sysinfo",
        112,
        &[
            ("uptime", 0, Form::Signed(8)),
            ("totalram", 32, Form::Unsigned(8)),
            ("freeram", 40, Form::Unsigned(8)),
            ("", 0, Form::More),
        ],
    ),
    (
        "statfs",
        120,
        &[
            ("f_type", 0, Form::Hex(8)),
            ("f_bsize", 8, Form::Unsigned(8)),
            ("f_blocks", 16, Form::Unsigned(8)),
            ("f_bfree", 24, Form::Unsigned(8)),
            ("f_bavail", 32, Form::Unsigned(8)),
            ("", 0, Form::More),
        ],
    ),
];

/// `SA_RESTORER`: only then has `sa_restorer` a meaning.
const SA_RESTORER: u64 = 0x0400_0000;

/// Shows an object; false when its type has no layout here.
pub(crate) fn show(line: &mut Line, catalog: &Catalog, ty: &str, bytes: &[u8]) -> bool {
    match (ty, bytes.len()) {
        ("sigset", 8) => signal::set(line, word(bytes, 0, 8)),
        ("stat", 144) => stat(line, bytes),
        ("statx", 256) => statx(line, bytes),
        ("sched_param", 4) => line.signed((word(bytes, 0, 4) as i32).into()),
        _ => {
            let layout = LAYOUTS.iter().find(|layout| layout.0 == ty && layout.1 == bytes.len());
            let Some((_, _, members)) = layout else { return false };
            structure(line, catalog, members, bytes);
        }
    }
    true
}

/// True when [`show`] shows the type with brackets of its own.
pub(crate) fn is_structure(ty: &str, size: usize) -> bool {
    matches!((ty, size), ("sigset", 8) | ("stat", 144) | ("statx", 256))
        || LAYOUTS.iter().any(|layout| layout.0 == ty && layout.1 == size)
}

fn structure(line: &mut Line, catalog: &Catalog, members: &[Member], bytes: &[u8]) {
    line.open(List::Members);
    for &(name, at, form) in members {
        if matches!(form, Form::More) {
            line.more();
            continue;
        }
        line.member(name);
        match form {
            Form::Signed(8) => line.signed(word(bytes, at, 8) as i64),
            Form::Signed(_) => line.signed((word(bytes, at, 4) as i32).into()),
            Form::Unsigned(width) => line.unsigned(word(bytes, at, width)),
            Form::Hex(width) => line.hex(word(bytes, at, width)),
            Form::Address => value::address(line, word(bytes, at, 8)),
            Form::Limit => limit(line, word(bytes, at, 8)),
            Form::Handler => handler(line, word(bytes, at, 8)),
            Form::Signals => signal::set(line, word(bytes, at, 8)),
            Form::Data => {
                line.open(List::Members);
                line.member("u32");
                line.unsigned(word(bytes, at, 4));
                line.member("u64");
                line.unsigned(word(bytes, at, 8));
                line.close();
            }
            Form::Named(width, set) => named(line, catalog, set, word(bytes, at, width), width),
            Form::Object(ty, size) => {
                let inner = bytes.get(at..at + size).unwrap_or_default();
                show(line, catalog, ty, inner);
            }
            Form::More => {}
        }
        if name == "sa_flags" && word(bytes, at, 8) & SA_RESTORER != 0 {
            line.member("sa_restorer");
            value::address(line, word(bytes, 16, 8));
        }
    }
    line.close();
}

fn named(line: &mut Line, catalog: &Catalog, set: &str, value: u64, width: usize) {
    match catalog.set(set) {
        Some(set) => flags::flags(line, set, value, width as u32 * 8),
        None => line.hex(value),
    }
}

/// A little-endian number inside an object; missing bytes are zero.
fn word(bytes: &[u8], at: usize, width: usize) -> u64 {
    let bytes = bytes.get(at..).unwrap_or_default();
    bytes.iter().take(width.min(8)).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

fn limit(line: &mut Line, value: u64) {
    if value == u64::MAX {
        line.word("RLIM64_INFINITY");
    } else if value > 1024 && value.is_multiple_of(1024) {
        line.unsigned(value / 1024);
        line.word("*1024");
    } else {
        line.unsigned(value);
    }
}

fn handler(line: &mut Line, value: u64) {
    match value {
        0 => line.word("SIG_DFL"),
        1 => line.word("SIG_IGN"),
        _ => line.hex(value),
    }
}

/// A device number as user space passes it (`new_encode_dev`): 12 bits of major inside, the minor around them.
pub(crate) fn encoded_device(line: &mut Line, dev: u64) {
    device(line, dev >> 8 & 0xfff, dev & 0xff | dev >> 12 & 0xfff00);
}

fn device(line: &mut Line, major: u64, minor: u64) {
    line.word("makedev");
    line.open(List::Arguments);
    line.next();
    line.hex(major);
    line.next();
    line.hex(minor);
    line.close();
}

/// `struct stat`: `st_mode` at 24, `st_rdev` at 40, `st_size` at 48.
fn stat(line: &mut Line, bytes: &[u8]) {
    let mode = word(bytes, 24, 4);
    line.open(List::Members);
    line.member("st_mode");
    value::mode(line, mode);
    if value::is_device(mode) {
        line.member("st_rdev");
        encoded_device(line, word(bytes, 40, 8));
    } else {
        line.member("st_size");
        line.signed(word(bytes, 48, 8) as i64);
    }
    line.more();
    line.close();
}

/// `struct statx`: mask at 0, `stx_attributes` at 8, mode at 28, size at 40, `rdev` at 128.
fn statx(line: &mut Line, bytes: &[u8]) {
    let mode = word(bytes, 28, 2);
    line.open(List::Members);
    line.member("stx_mask");
    line.hex(word(bytes, 0, 4));
    line.member("stx_attributes");
    line.hex(word(bytes, 8, 8));
    line.member("stx_mode");
    value::mode(line, mode);
    if value::is_device(mode) {
        line.member("stx_rdev");
        device(line, word(bytes, 128, 4), word(bytes, 132, 4));
    } else {
        line.member("stx_size");
        line.unsigned(word(bytes, 40, 8));
    }
    line.more();
    line.close();
}

/// Shows the status of a child as `wait4(2)` stores it, in the words of `<sys/wait.h>`.
pub(crate) fn wait_status(line: &mut Line, status: u32) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn put(size: usize, words: &[(usize, u64)]) -> Vec<u8> {
        let mut bytes = vec![0; size];
        for (at, word) in words {
            let word = word.to_le_bytes();
            let end = (at + 8).min(size);
            bytes[*at..end].copy_from_slice(&word[..end - at]);
        }
        bytes
    }

    fn shown(ty: &str, size: usize, words: &[(usize, u64)]) -> String {
        let mut catalog = Catalog::new();
        catalog.add("flags sa_flags = SA_RESTORER 0x4000000, SA_RESTART 0x10000000", "test").unwrap();
        let mut line = Line::new();
        assert!(show(&mut line, &catalog, ty, &put(size, words)));
        line.as_str().to_owned()
    }

    #[test]
    fn objects_look_as_in_strace() {
        assert_eq!(shown("timespec", 16, &[(0, 1), (8, 500)]), "{tv_sec=1, tv_nsec=500}");
        assert_eq!(shown("timespec", 8, &[(0, 1 | 500 << 32)]), "{tv_sec=1, tv_nsec=500}");
        assert_eq!(
            shown("itimerval", 32, &[(24, 5)]),
            "{it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=0, tv_usec=5}}"
        );
        assert_eq!(
            shown("rlimit64", 16, &[(0, 8192 * 1024), (8, u64::MAX)]),
            "{rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}"
        );
        assert_eq!(
            shown("stat", 144, &[(24, 0o100644), (48, 1221)]),
            "{st_mode=S_IFREG|0644, st_size=1221, ...}"
        );
        assert_eq!(
            shown("stat", 144, &[(24, 0o020666), (40, 0x103)]),
            "{st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}"
        );
        assert_eq!(shown("sigset", 8, &[(0, 1 << 16)]), "[CHLD]");
        assert_eq!(
            shown("sigaction", 32, &[(0, 0x1000), (8, 0x1400_0000), (16, 0x2000), (24, 1 << 9)]),
            "{sa_handler=0x1000, sa_mask=[USR1], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x2000}"
        );
        assert_eq!(shown("sigaction", 32, &[]), "{sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}");
    }

    #[test]
    fn an_object_of_another_size_is_not_guessed_at() {
        assert!(!show(&mut Line::new(), &Catalog::new(), "timespec", &[0; 12]));
        assert!(!show(&mut Line::new(), &Catalog::new(), "siginfo", &[0; 128]));
    }

    #[test]
    fn a_wait_status_is_shown_by_the_macros_that_read_it() {
        let show = |status| {
            let mut line = Line::new();
            wait_status(&mut line, status);
            line.as_str().to_owned()
        };
        assert_eq!(show(0x300), "{WIFEXITED(s) && WEXITSTATUS(s) == 3}");
        assert_eq!(show(11), "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}");
        assert_eq!(show(0x8b), "{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}");
        assert_eq!(show(0x137f), "{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}");
        assert_eq!(show(0xffff), "{WIFCONTINUED(s)}");
    }
}
