//! One entry point for everything a contributor runs: `cargo xtask COMMAND`.

#![forbid(unsafe_code)]

mod bench;
mod checks;
mod headers;
mod ioctl;
mod layouts;
mod load;
mod programs;
mod score;
mod selectors;
mod sets;
mod tables;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test           install what the tests need (Debian, as root), build, run every test
  ci             format check, clippy without warnings, then `test`
  bench [--quick] [--rounds N] [--workload NAME] [--no-write]
                 measure against an empty program pair, strace, trace-cmd and perf trace; write docs/bench.md and the
                 table of README.md (--quick: a tenth of the work, for a look; writes nothing)
  load           measure how long it takes to read the tables, and what the running kernel adds to them
  layouts        write where the members of objects lie, from the type information of the running kernel
  score [--call NAME] [--show less|wrong|more] [-- PROG ARGS...]
                 compare with strace, argument by argument, over one run of nearly every call; write docs/coverage.md
                 (with PROG: over a run of that, and write nothing)
  tables         write the tables of system call numbers, of ioctl commands and of names for numbers, from the installed
                 headers, the running kernel and crates";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    match arguments.split_first().map(|(command, rest)| (command.as_str(), rest)) {
        Some(("test", [])) => checks::test(),
        Some(("ci", [])) => checks::ci(),
        Some(("layouts", [])) => layouts::run(),
        Some(("load", [])) => load::run(),
        Some(("load", [once])) if once == "--once" => load::once(),
        Some(("tables", [])) => tables::run(),
        Some(("score", rest)) => score::score(&score::Settings::parse(rest)?),
        Some(("bench", rest)) => bench::bench(&bench::Settings::parse(rest)?),
        _ => bail!("no such command\n{USAGE}"),
    }
}
