//! `record --fast`: one record a call, at its exit.

use e2e::run::{self, Scratch, syscribe, tracee};
use e2e::same_run::{self, Log};
use e2e::strace_line::Outcome;

const CALLS: u64 = 200_000;

#[test]
fn each_call_is_one_record() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("fast");
    let trace = scratch.join("trace");
    let mut record = syscribe(["record", "--fast", "-e", "trace=getppid", "-o"]);
    let ran = run::run(record.arg(&trace).arg(tracee("flood")).args([&CALLS.to_string(), "1"])).ok();
    assert!(ran.err().contains(&format!("{CALLS} calls recorded")), "{}", ran.err());
    assert!(ran.err().contains(" 0 records lost"), "{}", ran.err());
    let checked = run::run(syscribe(["check"]).arg(&trace)).ok().out();
    assert!(checked.contains(&format!(" {CALLS} calls")), "{checked}");
    let bytes: u64 = std::fs::read_dir(&trace)
        .expect("the trace")
        .flatten()
        .filter(|file| file.file_name().to_string_lossy().starts_with("syscalls_"))
        .map(|file| file.metadata().expect("a file").len())
        .sum();
    assert!(bytes < CALLS * 19, "{bytes} bytes: 18 a call, and packet headers");
}

/// Without calls that never come back, which have no exit.
fn that_returned(text: &str) -> Log {
    let mut log = Log::read(text);
    for calls in log.calls.values_mut() {
        calls.retain(|call| call.outcome != Outcome::Never);
    }
    log
}

#[test]
fn the_text_is_that_of_strace_but_for_calls_that_never_return() {
    let _alone = run::alone();
    run::needs_root();
    if !run::have("strace") {
        return;
    }
    let scratch = Scratch::new("fast-text");
    let (trace, theirs) = (scratch.join("trace"), scratch.join("strace"));
    let mut record = syscribe(["record", "-q", "--fast", "-o"]);
    record.arg(&trace).args(["strace", "-f", "-o"]).arg(&theirs);
    run::run(record.args(["sh", "-c", "ls -l /; cat /etc/hostname"])).ok();
    let shown = run::run(syscribe(["show"]).arg(&trace)).ok().out();
    let theirs = std::fs::read_to_string(&theirs).expect("strace's text");
    let compared = same_run::compare(&that_returned(&theirs), &that_returned(&shown));
    assert_eq!(compared, Ok(()));
    // What was known at entry is known at exit too.
    for part in ["execve(\"", "openat(AT_FDCWD, \"/etc/hostname\", O_RDONLY", "read(3, \""] {
        assert!(shown.contains(part), "{part}\n{}", run::tail(&shown));
    }
}
