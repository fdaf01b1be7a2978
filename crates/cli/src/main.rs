//! The `syscribe` binary: arguments -> settings -> one file per command.
#![forbid(unsafe_code)]
#![expect(unreachable_pub, reason = "in a binary, pub marks what a module offers to the others")]

mod args;
mod collector;
mod commands;
mod dropins;
mod help;
mod late;
mod live;
mod metadata;
mod pace;
mod recording;
mod selection;
mod state;
mod status;
mod targets;
mod text;
mod trace_dir;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;

use crate::args::Command;
use crate::status::Status;

fn main() -> ExitCode {
    let outcome = args::parse(std::env::args_os().skip(1)).map_err(anyhow::Error::new).and_then(run);
    match outcome {
        Ok(status) => status.exit(),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, whatever the error was made of.
            let line = format!("{error:#}").replace('\n', " ");
            let _ = writeln!(io::stderr(), "syscribe: {line}");
            Status::Failure.exit()
        }
    }
}

fn run(command: Command) -> Result<Status> {
    match command {
        Command::Trace(trace) => commands::trace::run(&trace),
        Command::Record(record) => commands::record::run(&record),
        Command::Show(show) => commands::show::run(&show),
        Command::List(list) => commands::list::run(&list),
        Command::Check(path) => commands::check::run(&path),
        Command::Summary(path) => commands::summary::run(&path),
        Command::Doctor => commands::doctor::run(),
        Command::Explain(select) => commands::explain::run(&select),
        Command::Print(text) => {
            io::stdout().write_all(text.as_bytes())?;
            Ok(Status::Success)
        }
    }
}

/// A reader that went away is not our failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    kinds.into_iter().any(|kind| kind == io::ErrorKind::BrokenPipe)
}
