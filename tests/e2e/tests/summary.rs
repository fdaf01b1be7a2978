//! Counts instead of lines: `-c` and `syscribe summary`.

use std::collections::BTreeMap;
use std::process::Command;

use e2e::run::{self, Scratch, syscribe, tracee};

/// Calls and errors by name, of a table as `strace -c` writes it.
fn counts(table: &str) -> BTreeMap<String, (u64, u64)> {
    let mut counts = BTreeMap::new();
    for line in table.lines().filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit())) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [numbers @ .., name] = words.as_slice() else { continue };
        // Both have calls, and errors where there are some, at the end: errors stand in columns of their own.
        let has_errors = line.len() - name.len() > 1 && !line[..line.len() - name.len() - 1].ends_with(' ');
        let number = |back: usize| numbers.len().checked_sub(back).and_then(|at| numbers[at].parse().ok());
        let (calls, errors) = if has_errors { (number(2), number(1)) } else { (number(1), Some(0)) };
        let calls = calls.unwrap_or_else(|| unreachable!("{line}"));
        let errors = errors.unwrap_or_else(|| unreachable!("{line}"));
        counts.insert((*name).to_owned(), (calls, errors));
    }
    counts
}

#[test]
fn the_counts_are_those_of_strace() {
    let _alone = run::alone();
    run::needs_root();
    if !run::have("strace") {
        return;
    }
    let scratch = Scratch::new("count");
    let (ours, theirs) = (scratch.join("ours"), scratch.join("theirs"));
    run::run(Command::new("strace").args(["-c", "-f", "-o"]).arg(&theirs).arg(tracee("opens")).arg("50"))
        .ok();
    run::run(syscribe(["-c", "-o"]).arg(&ours).arg(tracee("opens")).arg("50")).ok();
    let read = |path| counts(&std::fs::read_to_string(path).expect("a table"));
    let (ours, theirs) = (read(&ours), read(&theirs));
    assert!(theirs.get("openat").is_some_and(|(calls, _)| *calls >= 50), "{theirs:?}");
    assert_eq!(ours, theirs);
}

#[test]
fn a_trace_is_summed_up() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("summary");
    let trace = scratch.join("trace");
    let mut record = syscribe(["record", "-q", "-e", "trace=getppid", "-o"]);
    run::run(record.arg(&trace).arg(tracee("flood")).args(["1000", "1"])).ok();
    let table = run::run(syscribe(["summary"]).arg(&trace)).ok().out();
    assert_eq!(counts(&table).get("getppid"), Some(&(1000, 0)), "{table}");
    assert!(table.starts_with("% time     seconds  usecs/call"), "{table}");
}
