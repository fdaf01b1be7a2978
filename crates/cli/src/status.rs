//! Exit statuses, in one place (`syscribe --help` lists them).

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 0
    Success,
    /// 1: could not do what was asked, or the trace is damaged.
    Failure,
    /// 3: sound, but something was lost.
    Loss,
    /// What the traced program's parent would have seen.
    Program(ExitStatus),
    /// Ended by a signal that this tool was sent.
    Signal(i32),
}

impl Status {
    /// The status for the end of `main`. A death by signal is repeated: this process does not return then.
    pub fn exit(self) -> ExitCode {
        match self {
            Status::Success => ExitCode::SUCCESS,
            Status::Failure => ExitCode::from(1),
            Status::Loss => ExitCode::from(3),
            Status::Program(status) => match (status.code(), status.signal()) {
                (Some(code), _) => ExitCode::from(code as u8),
                (None, Some(signal)) => Status::Signal(signal).exit(),
                (None, None) => ExitCode::from(1),
            },
            Status::Signal(signal) => {
                kernel::signals::die_of(signal);
                ExitCode::from(128_u8.wrapping_add(signal as u8))
            }
        }
    }
}
