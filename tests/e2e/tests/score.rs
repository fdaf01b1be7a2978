//! Strace and syscribe watch one run of nearly every call: argument by argument, ours says at least what strace's says.
//!
//! `cargo xtask score` prints the same comparison call by call, and what is behind each number.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use e2e::run::{self, Scratch, tracee};
use score::{Class, Tally, report};

/// Different calls that are to be compared, of each convention.
const CALLS: usize = 300;

/// Of a hundred arguments, at least so many say as much as strace's or more.
const PERCENT: f64 = 99.7;

fn compare(name: &str, command: impl FnOnce(&Path) -> Command) -> Option<Tally> {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new(name);
    let ran = run::run(&mut command(scratch.path()));
    if ran.code() == score::run::NO_COMPAT {
        eprintln!("SKIPPED: this kernel has no i386 calls");
        return None;
    }
    let ran = ran.ok();
    let read =
        |name| String::from_utf8_lossy(&std::fs::read(scratch.join(name)).expect("a log")).into_owned();
    let tally = Tally::new(&read("strace"), &read("ours"));
    assert_eq!(tally.unpaired, [""; 0], "both saw the same calls; stderr:\n{}", run::tail(&ran.err()));
    let total = tally.total();
    eprintln!(
        "{name}: {} calls, {} arguments, {:.2} %",
        tally.calls.len(),
        total.arguments(),
        total.percent()
    );
    Some(tally)
}

#[test]
fn our_text_of_nearly_every_call_says_what_straces_does() {
    every_call_of("every_call");
}

#[test]
fn our_text_of_nearly_every_i386_call_says_what_straces_does() {
    every_call_of("compat_calls");
}

fn every_call_of(program: &str) {
    if !run::have("strace") {
        return;
    }
    tracee(program);
    let tally = compare(program, |scratch| score::run::command(run::binaries(), scratch, program));
    let Some(tally) = tally else { return };
    assert!(tally.calls.len() >= CALLS, "{} calls", tally.calls.len());
    let total = tally.total();
    assert_eq!(total.of(Class::Wrong), 0, "{}", report::findings(&tally, Class::Wrong));
    assert!(
        total.percent() >= PERCENT,
        "{:.2} %\n{}",
        total.percent(),
        report::findings(&tally, Class::Less)
    );
}

#[test]
fn our_text_of_programs_that_people_run_says_what_straces_does() {
    let programs: [&[&str]; 4] = [
        &["ls", "-l", "/etc"],
        &["python3", "-c", "import json, subprocess; subprocess.run(['/bin/true'])"],
        &["sh", "-c", "for i in 1 2 3; do echo $i | cat; done; kill -0 $$; df / | sort"],
        &["git", "init", "--quiet", "a-repository"],
    ];
    for program in programs.into_iter().filter(|program| run::have(program[0]) && run::have("strace")) {
        let words: Vec<OsString> = program.iter().map(OsString::from).collect();
        let tally = compare(program[0], |scratch| {
            let mut command = score::run::command_of(run::binaries(), scratch, &words);
            command.current_dir(scratch);
            command
        });
        let Some(tally) = tally else { continue };
        let total = tally.total();
        assert_eq!(total.of(Class::Wrong), 0, "{}", report::findings(&tally, Class::Wrong));
        assert!(
            total.percent() >= 95.0,
            "{:.2} %\n{}",
            total.percent(),
            report::findings(&tally, Class::Less)
        );
    }
}
