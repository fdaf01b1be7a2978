//! `cost CPU PROG [ARGS...]`: runs PROG on one CPU, its output thrown away, and prints what it cost:
//! `calls 0 thread_ns N wall_ns N` (see `tracees::timed`; how many calls PROG makes it cannot know).
//!
//! Ends with status 1 when PROG fails.

use std::process::{Command, Stdio};

fn main() {
    tracees::pin(tracees::argument(1, 0));
    let words: Vec<_> = std::env::args_os().skip(2).collect();
    let (program, arguments) = words.split_first().expect("a program");
    tracees::timed(0, || {
        let status = Command::new(program).args(arguments).stdout(Stdio::null()).status();
        if !status.as_ref().is_ok_and(std::process::ExitStatus::success) {
            eprintln!("{}: {status:?}", program.display());
            std::process::exit(1);
        }
    });
}
