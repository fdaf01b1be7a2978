//! Two tracers watched the same run: did they see the same calls?
//!
//! Calls of one thread are compared in order, by name and result. The order between threads is not compared: two tracers
//! hear of two threads at different moments.

use std::collections::BTreeMap;
use std::fmt;

use crate::strace_line::{Line, Outcome, parse};

/// One call as both tracers tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `openat`
    pub name: String,
    /// What came back.
    pub outcome: Outcome,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Value(value) => write!(f, "{} = {value:#x}", self.name),
            Outcome::Error(error) => write!(f, "{} = {error}", self.name),
            Outcome::Never => write!(f, "{} = ?", self.name),
        }
    }
}

/// What one tracer saw: the calls of each thread, in order.
#[derive(Debug, Default)]
pub struct Log {
    /// The thread of the first line: under `strace PROG` the thread that becomes PROG.
    pub first: Option<u32>,
    /// By thread.
    pub calls: BTreeMap<u32, Vec<Call>>,
    /// Lines that are no lines of a trace.
    pub strange: Vec<String>,
}

impl Log {
    /// Reads text in strace's style. The two parts of an interrupted call become one; a call without a second part is
    /// one that never came back. An execve by a thread that is not the leader is told by strace at its beginning under the
    /// thread, at its end under the leader: it counts for the leader.
    pub fn read(text: &str) -> Self {
        let mut log = Self::default();
        let mut open = BTreeMap::<u32, usize>::new();
        for line in text.lines() {
            let Some((tid, line)) = parse(line) else {
                log.strange.push(line.to_owned());
                continue;
            };
            log.first.get_or_insert(tid);
            let calls = log.calls.entry(tid).or_default();
            match line {
                Line::Call { name, outcome } => calls.push(Call { name: name.to_owned(), outcome }),
                Line::Begun { name } => {
                    open.insert(tid, calls.len());
                    calls.push(Call { name: name.to_owned(), outcome: Outcome::Never });
                }
                Line::Resumed { name, outcome } => match open.remove(&tid).and_then(|at| calls.get_mut(at)) {
                    Some(call) if call.name == name => call.outcome = outcome,
                    _ => calls.push(Call { name: name.to_owned(), outcome }),
                },
                Line::Superseded { by } => {
                    if let Some(at) = open.remove(&by) {
                        log.calls.entry(by).or_default().truncate(at);
                    }
                }
                Line::Signal { .. } | Line::Mode | Line::Ended { .. } => {}
            }
        }
        log
    }

    /// The number of calls of all threads.
    pub fn len(&self) -> usize {
        self.calls.values().map(Vec::len).sum()
    }

    /// True when there is no call at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// True when both tell the same call number `i` of a thread.
///
/// Strace does not hear how a call of a thread ends that is killed: its tracee does not stop any more, and it writes `= ?`. The
/// kernel's tracepoint tells. Inside a call the thread leaves it with `ERESTARTSYS` or one of its kin (more calls may follow
/// under its number when an `execve` of another thread killed it). Between the call's end and the stop that strace waited
/// for, the result may be any, but then nothing follows, or the `execve` of the other thread that took over the number. A call that never comes back by its nature has none in ours either.
fn agree(theirs: &[Call], seen: &[Call], i: usize) -> bool {
    let (Some(strace), Some(ours)) = (theirs.get(i), seen.get(i)) else { return false };
    let returns = !matches!(strace.name.as_str(), "exit" | "exit_group");
    let killed_inside = matches!(&ours.outcome, Outcome::Error(error) if error.starts_with("ERESTART"));
    let last = theirs.get(i + 1).is_none_or(|next| next.name == "execve");
    let unheard = returns && strace.outcome == Outcome::Never && (killed_inside || last);
    strace.name == ours.name && (unheard || strace.outcome == ours.outcome)
}

/// Ours without a last call that never began: a thread that is killed while strace holds it before a call does not enter it, but
/// the kernel tells its end, `ENOSYS`.
fn without_cancelled<'a>(theirs: &[Call], seen: &'a [Call]) -> &'a [Call] {
    let one_more = seen.len() == theirs.len() + 1;
    match seen.split_last() {
        Some((last, before)) if one_more && last.outcome == Outcome::Error("ENOSYS".to_owned()) => before,
        _ => seen,
    }
}

/// Compares what strace saw of a program with what `ours` says of strace and all its children.
///
/// Of ours only the threads that strace's text names count, and of the first of them only what comes from its first
/// execve on: before that it was strace's own child, getting ready.
///
/// # Errors
///
/// A readable account of the differences.
pub fn compare(strace: &Log, ours: &Log) -> Result<(), String> {
    let mut report = String::new();
    for (tid, theirs) in &strace.calls {
        let mut seen = ours.calls.get(tid).map_or(&[][..], Vec::as_slice);
        if strace.first == Some(*tid) {
            let start = seen.iter().position(|c| c.name == "execve").unwrap_or(seen.len());
            seen = &seen[start..];
        }
        seen = without_cancelled(theirs, seen);
        if theirs.len() != seen.len() || !(0..theirs.len()).all(|i| agree(theirs, seen, i)) {
            report.push_str(&difference(*tid, theirs, seen));
        }
    }
    if strace.is_empty() {
        report.push_str("strace saw no call at all: nothing was compared\n");
    }
    if report.is_empty() { Ok(()) } else { Err(report) }
}

/// How many calls before and after the first difference the report shows.
const CONTEXT: usize = 4;

fn difference(tid: u32, theirs: &[Call], seen: &[Call]) -> String {
    let both = theirs.len().min(seen.len());
    let first = (0..both).find(|i| !agree(theirs, seen, *i)).unwrap_or(both);
    let mut text = format!(
        "thread {tid}: strace saw {} calls, we {}; the first difference is at call {first}\n",
        theirs.len(),
        seen.len()
    );
    let show = |calls: &[Call], i: usize| calls.get(i).map_or("-".to_owned(), Call::to_string);
    for i in first.saturating_sub(CONTEXT)..first + CONTEXT {
        let (left, right) = (show(theirs, i), show(seen, i));
        let same = agree(theirs, seen, i) || left == right;
        let mark = if same { ' ' } else { '!' };
        text.push_str(&format!("  {mark} {i:6}  strace: {left:40}  ours: {right}\n"));
    }
    let mut balance = BTreeMap::<&str, i64>::new();
    theirs.iter().for_each(|c| *balance.entry(&c.name).or_default() -= 1);
    seen.iter().for_each(|c| *balance.entry(&c.name).or_default() += 1);
    for (name, count) in balance.into_iter().filter(|(_, count)| *count != 0) {
        let what = if count < 0 { "missing" } else { "invented" };
        text.push_str(&format!("    {what}: {} x {name}\n", count.abs()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRACE: &str = "\
10 execve(\"/bin/sh\", [\"sh\"], 0x7ffe /* 3 vars */) = 0
10 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>
11 getppid( <unfinished ...>
10 <... clone resumed>) = 11
11 <... getppid resumed>) = 10
11 exit_group(0) = ?
11 +++ exited with 0 +++
10 --- SIGCHLD {si_signo=SIGCHLD} ---
10 exit_group(0) = ?
10 +++ exited with 0 +++
";

    #[test]
    fn the_same_calls_told_in_another_order_between_threads_are_the_same() {
        let ours = Log::read(
            "9 wait4(-1, ...) = 10\n10 ptrace(PTRACE_TRACEME) = 0\n10 execve(\"/bin/sh\", [\"sh\"], []) = 0\n\
             11 getppid() = 10\n11 exit_group(0) = ?\n10 clone(SIGCHLD) = 11\n10 exit_group(0) = ?\n",
        );
        assert_eq!(compare(&Log::read(STRACE), &ours), Ok(()));
    }

    #[test]
    fn a_missing_call_an_invented_one_and_a_wrong_result_are_told() {
        let base =
            "10 execve(\"/bin/sh\") = 0\n10 clone(SIGCHLD) = 11\n11 getppid() = 10\n11 exit_group(0) = ?\n";
        let missing = compare(&Log::read(STRACE), &Log::read(base)).unwrap_err();
        assert!(missing.contains("missing: 1 x exit_group"), "{missing}");
        let ours = format!("{base}10 getpid() = 10\n10 exit_group(0) = ?\n");
        let invented = compare(&Log::read(STRACE), &Log::read(&ours)).unwrap_err();
        assert!(invented.contains("invented: 1 x getpid"), "{invented}");
        let ours = format!("{base}10 exit_group(0) = ?\n").replace("= 10", "= 99");
        let wrong = compare(&Log::read(STRACE), &Log::read(&ours)).unwrap_err();
        assert!(wrong.contains("getppid = 0xa") && wrong.contains("getppid = 0x63"), "{wrong}");
    }

    #[test]
    fn a_call_in_which_a_thread_was_killed_may_have_its_last_result() {
        let theirs =
            Log::read("10 execve() = 0\n10 futex(0x7f00 <unfinished ...>\n10 +++ exited with 0 +++\n");
        let ours = |result: &str| Log::read(&format!("10 execve() = 0\n10 futex(0x7f00) = {result}\n"));
        assert_eq!(compare(&theirs, &ours("? ERESTARTSYS (To be restarted)")), Ok(()));
        assert_eq!(compare(&theirs, &ours("?")), Ok(()));
        assert_eq!(compare(&theirs, &ours("0")), Ok(()));
    }

    #[test]
    fn only_the_last_call_of_a_thread_may_have_a_result_that_strace_did_not_hear() {
        let log = |futex: &str, exit: &str| {
            Log::read(&format!("10 execve() = 0\n10 futex(0x7f00) = {futex}\n10 exit_group(0) = {exit}\n"))
        };
        assert_eq!(compare(&log("?", "?"), &log("?", "?")), Ok(()));
        assert!(compare(&log("?", "?"), &log("0", "?")).is_err());
        assert!(compare(&log("?", "?"), &log("?", "0")).is_err());
        let taken_over =
            |result: &str| Log::read(&format!("10 execve() = 0\n10 clone3() = {result}\n10 execve() = 0\n"));
        assert_eq!(compare(&taken_over("?"), &taken_over("11")), Ok(()), "by another thread's execve");
        assert!(compare(&taken_over("11"), &taken_over("?")).is_err());
    }

    #[test]
    fn a_call_that_was_cancelled_before_it_began_may_end_a_thread() {
        let theirs = Log::read("10 execve() = 0\n10 getppid() = 10\n10 +++ exited with 0 +++\n");
        let ours = |more: &str| Log::read(&format!("10 execve() = 0\n10 getppid() = 10\n{more}"));
        let cancelled = "10 mprotect(?, ?, ?) = -1 ENOSYS (Function not implemented)\n";
        assert_eq!(compare(&theirs, &ours(cancelled)), Ok(()));
        assert!(compare(&theirs, &ours(&cancelled.repeat(2))).is_err());
        assert!(compare(&theirs, &ours("10 mprotect(?, ?, ?) = 0\n")).is_err());
        assert!(compare(&theirs, &ours(&format!("{cancelled}10 getpid() = 10\n"))).is_err());
    }

    #[test]
    fn nothing_compared_with_nothing_is_a_failure() {
        assert!(compare(&Log::default(), &Log::default()).is_err());
    }

    #[test]
    fn an_execve_from_a_thread_counts_for_the_leader() {
        let log = Log::read(
            "10 futex(0x7f00, FUTEX_WAIT, 11, NULL <unfinished ...>\n\
             11 execve(\"/proc/self/exe\", [\"x\"], [] <unfinished ...>\n\
             10 <... futex resumed>) = ?\n\
             10 +++ superseded by execve in pid 11 +++\n\
             10 <... execve resumed>) = 0\n\
             10 getppid() = 9\n",
        );
        let names: Vec<_> = log.calls[&10].iter().map(ToString::to_string).collect();
        assert_eq!(names, ["futex = ?", "execve = 0x0", "getppid = 0x9"]);
        assert!(log.calls[&11].is_empty());
    }
}
