//! A text of calls, by thread.

use std::collections::BTreeMap;

use crate::parse;
use crate::value::{Item, Value};

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A number.
    Value(i128),
    /// `ENOENT`; `errno 530` where there is no name.
    Error(String),
    /// `?`: it never came back.
    Never,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// `openat`, `syscall_0x1c3`
    pub name: String,
    /// In order.
    pub arguments: Vec<Item>,
    /// Behind `=`.
    pub outcome: Outcome,
    /// What the result is called, or what came out beside it: `flags FD_CLOEXEC`, `in [5], left {...}`. Not the text of an
    /// error.
    pub remarks: Vec<Item>,
    /// The line, or its two parts joined.
    pub text: String,
}

/// What one tracer saw.
#[derive(Debug, Default)]
pub struct Log {
    /// The thread of the first line.
    pub first: Option<u32>,
    /// By thread, each in order.
    pub calls: BTreeMap<u32, Vec<Call>>,
}

impl Log {
    /// Reads text in strace's style, each line with its thread's number in front. Lines that are no calls are left out.
    pub fn read(text: &str) -> Self {
        let mut log = Self::default();
        let mut open = BTreeMap::<u32, String>::new();
        for line in text.lines() {
            let Some((tid, rest)) = line.split_once(' ') else { continue };
            let Ok(tid) = tid.parse::<u32>() else { continue };
            let rest = rest.trim_start();
            log.first.get_or_insert(tid);
            let calls = log.calls.entry(tid).or_default();
            if rest.starts_with("+++ ") || rest.starts_with("--- ") || rest.starts_with('[') {
                continue;
            }
            if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
                open.insert(tid, begun.to_owned());
                continue;
            }
            let text = match rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
                Some((_, end)) => open.remove(&tid).unwrap_or_default() + end,
                None => rest.to_owned(),
            };
            calls.extend(call(&text));
        }
        for (tid, text) in open {
            let whole = format!("{text}) = ?");
            log.calls.entry(tid).or_default().extend(call(&whole));
        }
        log
    }
}

/// Reads `NAME(ARGUMENTS) = RESULT REMARKS`.
pub(crate) fn call(text: &str) -> Option<Call> {
    let open = text.find('(')?;
    let name = &text[..open];
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None;
    }
    let close = open + closing(&text[open..])?;
    let result = text[close + 1..].trim_start().strip_prefix("= ")?;
    let (arguments, _) = parse::items(&text[open + 1..close]);
    let (outcome, remarks) = outcome(result)?;
    Some(Call { name: name.to_owned(), arguments, outcome, remarks, text: text.to_owned() })
}

/// The place of the parenthesis that closes the one at the beginning.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut quoted) = (0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            b'/' if !quoted && bytes.get(at + 1) == Some(&b'*') => {
                at += text[at..].find("*/")? + 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn outcome(text: &str) -> Option<(Outcome, Vec<Item>)> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    let error = rest.split(' ').next().filter(|word| word.starts_with('E'));
    match (first, error) {
        ("-1" | "?", Some(error)) => return Some((Outcome::Error(error.to_owned()), Vec::new())),
        ("?", None) => return Some((Outcome::Never, Vec::new())),
        ("-1", None) if rest.starts_with("(errno ") => {
            let number = rest.trim_start_matches("(errno ").trim_end_matches(')');
            return Some((Outcome::Error(format!("errno {number}")), Vec::new()));
        }
        _ => {}
    }
    let Value::Number { value, .. } = parse::value(first) else { return None };
    let remarks = rest.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    Some((Outcome::Value(value), remarks.map(parse::remarks).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_call_is_put_together() {
        let log = Log::read(
            "8 wait4(9,  <unfinished ...>\n9 exit_group(7) = ?\n9 +++ exited with 7 +++\n\
             8 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 7}], 0, NULL) = 9\n",
        );
        assert_eq!(log.calls[&8].len(), 1);
        assert_eq!(log.calls[&8][0].arguments.len(), 4);
        assert_eq!(log.calls[&9][0].outcome, Outcome::Never);
    }

    #[test]
    fn a_call_that_is_open_at_the_end_never_came_back() {
        let log = Log::read("8 pause( <unfinished ...>\n8 +++ killed by SIGKILL +++\n");
        assert_eq!(log.calls[&8][0].outcome, Outcome::Never);
    }

    #[test]
    fn results_are_numbers_errors_or_nothing() {
        let outcome = |text| call(text).unwrap().outcome;
        assert_eq!(outcome("umask(022) = 022"), Outcome::Value(0o22));
        assert_eq!(outcome("brk(NULL) = 0x7f0000"), Outcome::Value(0x7f_0000));
        assert_eq!(outcome("close(-1) = -1 EBADF (Bad file descriptor)"), Outcome::Error("EBADF".into()));
        assert_eq!(outcome("x() = -1 (errno 530)"), Outcome::Error("errno 530".into()));
        assert_eq!(outcome("pause() = ? ERESTARTNOHAND (To be)"), Outcome::Error("ERESTARTNOHAND".into()));
        assert_eq!(outcome("getpriority(0, 0) = 20"), Outcome::Value(20));
    }

    #[test]
    fn what_came_out_beside_the_result_is_read_and_the_text_of_an_error_is_not() {
        let line =
            "select(6, [4 5], NULL, NULL, {tv_sec=0, tv_usec=9}) = 1 (in [5], left {tv_sec=0, tv_usec=8})";
        let call = call(line).unwrap();
        assert_eq!((call.arguments.len(), call.remarks.len()), (5, 2));
        let failed = super::call("close(9) = -1 EBADF (Bad file descriptor)").unwrap();
        assert!(failed.remarks.is_empty());
    }

    #[test]
    fn a_parenthesis_in_a_string_or_a_comment_ends_nothing() {
        let call = call(r#"ioctl(3, 0x5 /* ) */, ")\"") = 0"#).unwrap();
        assert_eq!(call.arguments.len(), 3);
    }
}
