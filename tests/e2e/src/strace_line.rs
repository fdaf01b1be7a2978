//! Lines as strace writes them, cut into what two tracers can be compared by: thread, name, result.

/// What a call returned, as far as text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A number: `= 3`, `= 0x7f0000000000`, `= 022`.
    Value(i64),
    /// An error by name: `= -1 ENOENT (...)`, `= ? ERESTARTSYS (...)`. Without a name, `errno N`.
    Error(String),
    /// The call never came back: `= ?`, or it was open when the text ended.
    Never,
}

/// The part of a line behind the thread's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A whole call on one line.
    Call {
        /// `openat`
        name: &'a str,
        /// What came back.
        outcome: Outcome,
    },
    /// A call that another thread's line interrupts: `read(3,  <unfinished ...>`, or one that has no result at all.
    Begun {
        /// `read`
        name: &'a str,
    },
    /// `<... read resumed>"x", 1) = 1`
    Resumed {
        /// `read`
        name: &'a str,
        /// What came back.
        outcome: Outcome,
    },
    /// `+++ superseded by execve in pid 17 +++`: this thread, the leader, is gone; thread 17 has called execve and goes
    /// on under the leader's number.
    Superseded {
        /// The thread that called execve.
        by: u32,
    },
    /// `--- SIGCHLD {...} ---`
    Signal {
        /// `SIGCHLD`
        name: &'a str,
    },
    /// `[ Process PID=17 runs in 32 bit mode. ]`: the next call is of another table.
    Mode,
    /// `+++ exited with 0 +++`, `+++ killed by SIGKILL +++`
    Ended {
        /// The text between the crosses.
        how: &'a str,
    },
}

/// Cuts one line. The thread's number is 0 where the line has none (one process, no `-f`).
///
/// Returns `None` for text that is no line of a trace.
pub fn parse(line: &str) -> Option<(u32, Line<'_>)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (tid, rest) = match line.get(digits..) {
        Some(rest) if digits > 0 && rest.starts_with(' ') => {
            (line[..digits].parse().ok()?, rest.trim_start())
        }
        _ => (0, line),
    };
    if let Some(text) = rest.strip_prefix("+++ ") {
        let how = text.strip_suffix(" +++")?;
        let line = match how.strip_prefix("superseded by execve in pid ") {
            Some(by) => Line::Superseded { by: by.parse().ok()? },
            None => Line::Ended { how },
        };
        return Some((tid, line));
    }
    if let Some(text) = rest.strip_prefix("--- ") {
        let end = text.find([' ', '{']).unwrap_or(text.len());
        return Some((tid, Line::Signal { name: &text[..end] }));
    }
    if rest.starts_with("[ Process PID=") && rest.ends_with(" mode. ]") {
        return Some((tid, Line::Mode));
    }
    if let Some(text) = rest.strip_prefix("<... ") {
        let (name, text) = text.split_once(" resumed>")?;
        let outcome = outcome(after_equals(text, 1)?)?;
        return Some((tid, Line::Resumed { name, outcome }));
    }
    let end = rest.find('(')?;
    let name = &rest[..end];
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None;
    }
    let line = match after_equals(&rest[end..], 0) {
        Some(text) => Line::Call { name, outcome: outcome(text)? },
        None => Line::Begun { name },
    };
    Some((tid, line))
}

/// The text behind the `) = ` that closes the argument list: not one inside a string, not one of a nested call such as
/// `makedev(0x1, 0x3)`. `depth` is the number of parentheses already open.
fn after_equals(text: &str, mut depth: i32) -> Option<&str> {
    let bytes = text.as_bytes();
    let (mut i, mut quoted) = (0, false);
    while i < bytes.len() {
        match bytes[i] {
            b'\\' if quoted => i += 1,
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => {
                depth -= 1;
                if depth == 0
                    && let Some(found) = text.get(i + 1..)?.trim_start_matches(' ').strip_prefix("= ")
                {
                    return Some(found);
                }
            }
            _ => {}
        }
        i += 1;
    }
    None
}

/// Reads what stands behind `= `.
fn outcome(text: &str) -> Option<Outcome> {
    let mut words = text.split_whitespace();
    let first = words.next()?;
    let second = words.next().unwrap_or_default();
    let named =
        second.starts_with('E') && second.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    match first {
        "?" | "-1" if named => Some(Outcome::Error(second.to_owned())),
        "?" => Some(Outcome::Never),
        "-1" if second == "(errno" => {
            Some(Outcome::Error(format!("errno {}", words.next()?.trim_end_matches(')'))))
        }
        _ => number(first).map(Outcome::Value),
    }
}

/// Decimal, `0x` hexadecimal or, with a leading zero, octal; hexadecimal up to 64 bits is taken as two's complement.
fn number(text: &str) -> Option<i64> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok().map(u64::cast_signed);
    }
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => i64::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> (u32, String, Outcome) {
        match parse(line) {
            Some((tid, Line::Call { name, outcome })) => (tid, name.to_owned(), outcome),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_whole_call_has_thread_name_and_result() {
        let line = r#"5906  read(3, "558ebb2d6000"..., 1024) = 1024"#;
        assert_eq!(call(line), (5906, "read".to_owned(), Outcome::Value(1024)));
        assert_eq!(call("getppid()                         = 7").0, 0);
    }

    #[test]
    fn results_come_in_four_spellings() {
        let outcome = |line: &str| call(line).2;
        assert_eq!(
            outcome("1 mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000001000"),
            Outcome::Value(0x7f00_0000_1000)
        );
        assert_eq!(outcome("1 umask(077)  = 022"), Outcome::Value(0o22));
        assert_eq!(outcome("1 fcntl(10, F_GETFD) = 0x1 (flags FD_CLOEXEC)"), Outcome::Value(1));
        assert_eq!(
            outcome("1 close(-1) = -1 EBADF (Bad file descriptor)"),
            Outcome::Error("EBADF".to_owned())
        );
        assert_eq!(
            outcome("1 read(0, 0x7ffe, 1) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)"),
            Outcome::Error("ERESTARTSYS".to_owned())
        );
        assert_eq!(outcome("1 x(0) = -1 (errno 530)"), Outcome::Error("errno 530".to_owned()));
        assert_eq!(outcome("1 exit_group(0) = ?"), Outcome::Never);
        assert_eq!(outcome("1 lseek(3, 0, SEEK_CUR) = 0"), Outcome::Value(0));
        assert_eq!(outcome("1 poll([{fd=0, events=0}], 1, 0) = 0 (Timeout)"), Outcome::Value(0));
    }

    #[test]
    fn what_looks_like_a_result_inside_a_string_or_a_structure_is_none() {
        let line = r#"1 write(1, "x) = 3 \") = 4", 14) = 14"#;
        assert_eq!(call(line).2, Outcome::Value(14));
        let line = "1 newfstatat(1, \"\", {st_rdev=makedev(0x1, 0x3), ...}, 0) = 0";
        assert_eq!(call(line).2, Outcome::Value(0));
    }

    #[test]
    fn an_interrupted_call_comes_in_two_parts() {
        assert_eq!(parse("8  wait4(5931,  <unfinished ...>"), Some((8, Line::Begun { name: "wait4" })));
        assert_eq!(
            parse("8  <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 5931"),
            Some((8, Line::Resumed { name: "wait4", outcome: Outcome::Value(5931) }))
        );
        assert_eq!(
            parse("8 <... vfork resumed>)              = 5939"),
            Some((8, Line::Resumed { name: "vfork", outcome: Outcome::Value(5939) }))
        );
        assert_eq!(
            parse("8 <... futex resumed>) = ?"),
            Some((8, Line::Resumed { name: "futex", outcome: Outcome::Never }))
        );
    }

    #[test]
    fn signals_and_ends_are_not_calls() {
        assert_eq!(
            parse("7 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---"),
            Some((7, Line::Signal { name: "SIGCHLD" }))
        );
        assert_eq!(parse("7 +++ killed by SIGKILL +++"), Some((7, Line::Ended { how: "killed by SIGKILL" })));
        assert_eq!(parse("7 [ Process PID=7 runs in 32 bit mode. ]"), Some((7, Line::Mode)));
        assert_eq!(parse("7 +++ superseded by execve in pid 9 +++"), Some((7, Line::Superseded { by: 9 })));
    }

    #[test]
    fn other_text_is_no_line() {
        for text in ["", "strace: Process 7 attached", "hello world", "12", "7 +++ cut"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
