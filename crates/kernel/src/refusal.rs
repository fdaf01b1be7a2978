//! What the kernel refuses, as types: which command, which errno, and the verifier's log where there is one.

use std::io;

/// A `bpf(2)` command, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "names of bpf(2)")]
pub enum Command {
    MapCreate,
    MapUpdateElem,
    MapDeleteElem,
    ProgLoad,
    RawTracepointOpen,
    ObjGetInfoByFd,
}

/// Why something that needs the kernel did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A `bpf(2)` command failed.
    #[error("bpf {command:?} of {object}{}", verifier_line(log))]
    Bpf {
        /// The command.
        command: Command,
        /// What it was about: a map or program by name.
        object: String,
        /// The errno.
        source: io::Error,
        /// The verifier's log; empty when there is none.
        log: String,
    },
    /// A system call other than `bpf(2)` failed.
    #[error("{call}")]
    Call {
        /// The call and what it was about.
        call: String,
        /// The errno.
        source: io::Error,
    },
    /// A file of the kernel could not be read.
    #[error("{path}")]
    File {
        /// The file.
        path: String,
        /// The errno.
        source: io::Error,
    },
    /// The kernel's type information is damaged or lacks something that tracing needs.
    #[error("kernel type information (/sys/kernel/btf/vmlinux): {0}")]
    Btf(#[from] crate::btf::Error),
    /// A program could not be generated.
    #[error(transparent)]
    Program(#[from] probe::program::Error),
    /// Programs are attached, but a call made on purpose was not recorded.
    #[error("a call made for a test was not recorded ({seen} bytes arrived): events do not reach this tool")]
    Canary {
        /// Bytes that arrived in the ring.
        seen: u64,
    },
    /// Thread ids are translated by a pid namespace, so traced threads cannot be named to the kernel.
    #[error(
        "this process is in a pid namespace of its own; run in the initial one (for a container: share the host's pid namespace)"
    )]
    PidNamespace,
    /// No such process, or none that may be traced.
    #[error("process {pid}")]
    Process {
        /// The process id.
        pid: i32,
        /// The errno.
        source: io::Error,
    },
    /// The program could not be started.
    #[error("cannot run {program}")]
    Launch {
        /// The program as typed.
        program: String,
        /// The errno.
        source: io::Error,
    },
}

/// One useful line of a verifier log: the last one that is not statistics.
fn verifier_line(log: &str) -> String {
    let lines = log.lines().filter(|l| !l.is_empty());
    let mut useful =
        lines.clone().filter(|l| !l.starts_with("processed ") && !l.starts_with("verification time"));
    match useful.next_back() {
        Some(line) => format!(": {line} ({} more lines of the verifier)", lines.count().saturating_sub(1)),
        None => String::new(),
    }
}

impl Error {
    /// The last errno of a failed call.
    pub(crate) fn call(call: impl Into<String>) -> Error {
        Error::Call { call: call.into(), source: io::Error::last_os_error() }
    }

    /// The errno, where the kernel gave one.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Error::Bpf { source, .. }
            | Error::Call { source, .. }
            | Error::File { source, .. }
            | Error::Process { source, .. }
            | Error::Launch { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_program_shows_the_one_line_that_matters() {
        let error = Error::Bpf {
            command: Command::ProgLoad,
            object: "program entry".into(),
            source: io::Error::from_raw_os_error(libc::EACCES),
            log: "0: (bf) r6 = r1\nR1 unbounded memory access\nprocessed 12 insns\n".into(),
        };
        let text = error.to_string();
        assert!(text.contains("R1 unbounded memory access (2 more lines of the verifier)"), "{text}");
        assert_eq!(error.errno(), Some(libc::EACCES));
    }
}
