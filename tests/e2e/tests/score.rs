//! Strace and syscribe watch one run of nearly every call: argument by argument, ours says at least what strace's says.
//!
//! `cargo xtask score` prints the same comparison call by call, and what is behind each number.

use e2e::run::{self, Scratch, tracee};
use score::{Class, Tally, report};

/// Different calls that are to be compared.
const CALLS: usize = 300;

/// Of a hundred arguments, at least so many say as much as strace's or more.
const PERCENT: f64 = 98.0;

/// At most so many arguments contradict strace.
const WRONG: usize = 8;

#[test]
fn our_text_of_nearly_every_call_says_what_straces_does() {
    let _alone = run::alone();
    run::needs_root();
    if !run::have("strace") {
        return;
    }
    tracee("every_call");
    let scratch = Scratch::new("score");
    let ran = run::run(&mut score::run::command(run::binaries(), scratch.path())).ok();
    let read =
        |name| String::from_utf8_lossy(&std::fs::read(scratch.join(name)).expect("a log")).into_owned();
    let tally = Tally::new(&read("strace"), &read("ours"));
    assert!(ran.out().contains("group sweep"), "the tracee came to its end");
    assert_eq!(tally.unpaired, [""; 0], "both saw the same calls");
    assert!(tally.calls.len() >= CALLS, "{} calls", tally.calls.len());
    let total = tally.total();
    assert!(total.of(Class::Wrong) <= WRONG, "{}", report::findings(&tally, Class::Wrong));
    assert!(
        total.percent() >= PERCENT,
        "{:.2} %\n{}",
        total.percent(),
        report::findings(&tally, Class::Less)
    );
}
