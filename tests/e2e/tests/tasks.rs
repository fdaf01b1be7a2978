//! Who is traced, from when, and how: children from their first instruction, threads, execs, 32-bit calls, pointers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use e2e::run::{self, Scratch, syscribe, tracee};
use e2e::same_run::{Call, Log};
use e2e::strace_line::Outcome;

/// A tracee traced into text: what it said on stdout, and the text.
struct Traced {
    said: String,
    text: String,
    log: Log,
}

#[track_caller]
fn trace(program: &str, words: &[&str]) -> Traced {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new(program);
    let file: PathBuf = scratch.join("text");
    let ran = run::run(syscribe(["-f", "-s", "64", "-o"]).arg(&file).arg(tracee(program)).args(words));
    assert!([0, 77].contains(&ran.code()), "status {}: {}{}", ran.code(), ran.out(), ran.err());
    let text = String::from_utf8(std::fs::read(&file).expect("the text")).expect("text of a tracer is UTF-8");
    let log = Log::read(&text);
    assert!(
        log.strange.is_empty(),
        "lines that are none: {:?}",
        log.strange.iter().take(20).collect::<Vec<_>>()
    );
    Traced { said: ran.out(), text, log }
}

/// The numbers behind a word, of all lines that begin with it.
fn numbers(text: &str, word: &str) -> Vec<u32> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(word)?.split_whitespace().next());
    lines.map(|number| number.parse().expect("a number")).collect()
}

/// A mark: `close(-1000) = -1 EBADF`.
fn is_mark(call: &Call) -> bool {
    call.name == "close" && call.outcome == Outcome::Error("EBADF".to_owned())
}

/// The calls between the two marks of a thread.
#[track_caller]
fn marked(calls: &[Call]) -> &[Call] {
    let marks: Vec<usize> = (0..calls.len()).filter(|&i| is_mark(&calls[i])).collect();
    assert_eq!(marks.len(), 2, "marks at {marks:?}");
    &calls[marks[0] + 1..marks[1]]
}

fn told(calls: &[Call]) -> Vec<String> {
    calls.iter().map(ToString::to_string).collect()
}

#[test]
fn the_first_instruction_of_each_of_500_children_is_seen() {
    let traced = trace("forks", &["500"]);
    let children = numbers(&traced.said, "child ");
    assert_eq!(children.len(), 500);
    let parent = traced.log.first.expect("a first line");
    for child in &children {
        let calls = traced.log.calls.get(child).map(|calls| told(calls)).unwrap_or_default();
        assert_eq!(calls, [format!("getppid = {parent:#x}"), "exit_group = ?".to_owned()], "child {child}");
    }
    assert_eq!(traced.log.calls.len(), 501, "threads that nobody has made");
    let parents = marked(&traced.log.calls[&parent]);
    let expected: Vec<String> = children
        .iter()
        .flat_map(|child| [format!("clone = {child:#x}"), format!("wait4 = {child:#x}")])
        .collect();
    assert_eq!(told(parents), expected);
}

#[test]
fn a_vfork_and_its_child_are_seen() {
    let traced = trace("vfork", &["20"]);
    for child in numbers(&traced.said, "child ") {
        assert_eq!(told(&traced.log.calls[&child])[1..], ["exit_group = ?"], "child {child}");
    }
    assert_eq!(traced.log.calls.len(), 21);
}

#[test]
fn each_thread_has_all_its_calls_in_order() {
    let traced = trace("threads", &["8", "1000"]);
    let threads = numbers(&traced.said, "thread ");
    assert_eq!(threads.len(), 8);
    for thread in threads {
        let calls = marked(&traced.log.calls[&thread]);
        assert_eq!(calls.len(), 2000);
        for pair in calls.chunks(2) {
            assert_eq!(pair[0].name, "getppid");
            assert_eq!(pair[1].to_string(), "lseek = EBADF");
        }
    }
    // The offsets count up: no call is doubled, none is out of place.
    let mut offsets = BTreeMap::<&str, u64>::new();
    for line in traced.text.lines() {
        if let Some((thread, call)) = line.split_once(' ')
            && let Some(arguments) = call.trim_start().strip_prefix("lseek(-1, ")
        {
            let next = offsets.entry(thread).or_default();
            assert!(arguments.starts_with(&format!("{next}, SEEK_CUR)")), "expected {next}: {line}");
            *next += 1;
        }
    }
    assert_eq!(offsets.into_values().collect::<Vec<_>>(), [1000; 8]);
}

#[test]
fn an_exec_from_a_thread_that_is_not_the_leader_goes_on_under_the_leaders_number() {
    let traced = trace("exec_thread", &[]);
    let pid = numbers(&traced.said, "after ")[0];
    let execs = traced.text.lines().filter(|line| line.contains("execve(\"/proc/self/exe\""));
    assert_eq!(execs.count(), 1, "one execve, on one line");
    assert_eq!(told(marked(&traced.log.calls[&pid])).len(), 3, "the new program's getppid");
}

#[test]
fn a_signal_handler_and_its_return_are_seen() {
    let traced = trace("signals", &["handle", "10", "3"]);
    let pid = traced.log.first.expect("a first line");
    let names: Vec<&str> = marked(&traced.log.calls[&pid]).iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["getpid", "gettid", "tgkill", "rt_sigreturn"].repeat(3));
    assert_eq!(traced.text.matches("--- SIGUSR1 ").count(), 3, "a line for each signal");
    assert!(traced.text.contains("+++ exited with 0 +++"));
}

/// Traces `int80`. Returns the text, or `None` where the kernel has no 32-bit calls.
#[track_caller]
fn compat(delay: &str) -> Option<String> {
    let traced = trace("int80", &[delay]);
    if traced.said.is_empty() {
        eprintln!("SKIPPED: this kernel has no 32-bit calls (CONFIG_IA32_EMULATION)");
        return None;
    }
    let pid = traced.log.first.expect("a first line");
    let calls = marked(&traced.log.calls[&pid]);
    let getpid = format!("getpid = {pid:#x}");
    assert_eq!(told(calls), [&getpid, "open = 0x3", "read = 0x4", "close = 0x0", "lseek = EBADF"]);
    let label = traced.text.lines().position(|line| line.ends_with("runs in 32 bit mode. ]"));
    let first = traced.text.lines().position(|line| line.contains("getpid()"));
    assert!(
        label.is_some() && label < first,
        "the first 32-bit call has no label before it:\n{}",
        traced.text
    );
    Some(traced.text)
}

#[test]
fn a_32_bit_call_is_labelled_and_named_by_its_own_table_at_once() {
    compat("0");
}

#[test]
fn a_32_bit_call_has_its_arguments_once_its_programs_are_loaded() {
    // They are loaded while the traced program runs already; three seconds are far more than that takes.
    if let Some(text) = compat("3000") {
        assert!(text.contains("open(\"/etc/passwd\", O_RDONLY)"), "the path below 4 GiB:\n{text}");
        assert!(text.contains("lseek(-1, -1, SEEK_SET)"), "registers are 32 bits wide:\n{text}");
    }
}

#[test]
fn calls_without_a_name_are_shown_by_number() {
    let traced = trace("unknown", &[]);
    let pid = traced.log.first.expect("a first line");
    let names: Vec<&str> = marked(&traced.log.calls[&pid]).iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["syscall_0x1f4", "syscall_0xffffffffffffffff", "syscall_0x3b9aca00"]);
    assert!(traced.text.contains("syscall_0x1f4(0x1, 0x2, 0x3, 0x4, 0x5, 0x6)"), "all six registers");
}

#[test]
fn a_pointer_that_cannot_be_read_a_null_and_an_empty_string_look_different() {
    let traced = trace("pointers", &[]);
    let line = |what: &str| {
        let found: Vec<&str> = traced.text.lines().filter(|line| line.contains(what)).collect();
        assert_eq!(found.len(), 1, "lines with {what}: {found:?}");
    };
    let address = |case: &str| {
        let line = traced.said.lines().find(|line| line.split(' ').next() == Some(case)).expect("a case");
        line.split(' ').nth(1).expect("an address").to_owned()
    };
    line("openat(AT_FDCWD, NULL, O_RDONLY) ");
    for case in ["low", "unmapped", "noncanonical", "unterminated"] {
        line(&format!("openat(AT_FDCWD, {}, O_RDONLY) ", address(case)));
    }
    line("openat(AT_FDCWD, \"\", O_RDONLY) ");
    line("openat(AT_FDCWD, \"/x\", O_RDONLY) ");
    // Not in memory at entry: read again at exit, when the kernel itself has brought it in.
    line("openat(AT_FDCWD, \"/cold/page\", O_RDONLY) ");
    line("openat(AT_FDCWD, \"/etc/no-such-file\", O_RDONLY) ");
    let long =
        traced.text.lines().filter(|line| line.contains("openat(AT_FDCWD, \"/a/a/a/a/")).collect::<Vec<_>>();
    assert_eq!(long.len(), 2, "{long:?}");
    assert!(long[1].contains("ENAMETOOLONG"), "{}", long[1]);
    line("execve(\"/no/such/program\", NULL, ");
    line("execve(\"/no/such/program\", 0x1, ");
    let vector =
        traced.text.lines().find(|line| line.contains("[\"argument-000\", ")).expect("the long vector");
    assert!(vector.contains("...]"), "a cut vector says so: {vector}");
}

#[test]
fn hostile_bytes_reach_no_terminal() {
    let traced = trace("bigwrite", &[]);
    let bad =
        traced.text.chars().find(|c| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c));
    assert_eq!(bad, None, "a raw control character in the text");
    let forged = traced.text.lines().filter(|line| line.starts_with("12345 openat"));
    assert_eq!(forged.count(), 0, "a path has made a line of its own");
    assert!(traced.text.contains(r#"openat(AT_FDCWD, "\33[31mred\33[0m\7", O_RDONLY)"#), "as strace escapes");
    assert!(traced.text.contains("= 100000"), "the long write");
}
