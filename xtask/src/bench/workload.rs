//! The work that is traced, and what it costs by itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::WORK_CPU;
use crate::programs::{find, release_directory};

/// A program that makes many calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Workload {
    /// The cheapest call in a loop.
    Getppid,
    /// One-byte reads of /dev/zero.
    Read,
    /// open, fstat, close of one file.
    Open,
    /// A process a round, by raw clone.
    Fork,
    /// find(1) over a tree, one stat a file.
    Find,
}

/// How much of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    Full,
    /// A tenth, for a look in between.
    Quick,
    /// A twentieth of Full, for slow tools.
    Slow,
    /// A twentieth of Quick.
    QuickSlow,
}

impl Size {
    pub(super) fn a_twentieth(self) -> Self {
        match self {
            Self::Full | Self::Slow => Self::Slow,
            Self::Quick | Self::QuickSlow => Self::QuickSlow,
        }
    }

    fn divisor(self) -> u64 {
        match self {
            Self::Full => 1,
            Self::Quick => 10,
            Self::Slow => 20,
            Self::QuickSlow => 200,
        }
    }
}

impl Workload {
    pub(super) const ALL: [Self; 5] = [Self::Getppid, Self::Read, Self::Open, Self::Fork, Self::Find];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Getppid => "getppid",
            Self::Read => "read",
            Self::Open => "open",
            Self::Fork => "fork",
            Self::Find => "find",
        }
    }

    /// What it does, in words.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Getppid => "getppid loop",
            Self::Read => "1-byte read loop",
            Self::Open => "open/fstat/close loop",
            Self::Fork => "fork storm",
            Self::Find => "find over /usr",
        }
    }

    /// The command line; each pins itself to [`WORK_CPU`].
    pub(super) fn program(self, size: Size) -> Vec<PathBuf> {
        let (tracee, rounds) = match self {
            Self::Getppid => ("flood", 1_000_000),
            Self::Read => ("reads", 1_000_000),
            Self::Open => ("opens", 100_000),
            Self::Fork => ("forks", 1_000),
            Self::Find => {
                let tree = if size == Size::Full { "/usr" } else { "/usr/include" };
                let cost = release_directory().join("cost");
                return [cost.as_path(), Path::new(WORK_CPU), Path::new("find"), Path::new(tree)]
                    .into_iter()
                    .chain(["-size", "+1000000k"].map(Path::new))
                    .map(Path::to_owned)
                    .collect();
            }
        };
        let rounds = (rounds / size.divisor()).max(5).to_string();
        vec![release_directory().join(tracee), rounds.into(), WORK_CPU.into()]
    }

    /// How many calls the measured part makes: the program knows, except find(1), whose calls strace counts once.
    pub(super) fn calls(self, size: Size, scratch: &Path) -> Result<u64> {
        let program = self.program(size);
        if self != Self::Find {
            return Ok(Cost::read(Command::new(&program[0]).args(&program[1..]))?.calls);
        }
        ensure!(find("strace").is_some(), "strace has to count find's calls; it is not installed");
        let file = scratch.join("count");
        let mut command = Command::new("strace");
        command.arg("-o").arg(&file).args(&program[2..]).stdout(Stdio::null());
        ensure!(command.status()?.success(), "strace of find fails");
        let text = fs::read(&file)?;
        fs::remove_file(&file)?;
        let calls =
            text.split(|&b| b == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"+++")).count();
        Ok(calls as u64)
    }
}

/// What a run of the work cost, as the work itself says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) calls: u64,
    /// CPU time of its thread and children, ns.
    pub(super) cpu_ns: u64,
    /// Wall time, ns.
    pub(super) wall_ns: u64,
}

impl Cost {
    /// Runs a command that contains the work; `calls` is the number of calls where the work does not know it.
    pub(super) fn of(command: &mut Command, calls: u64) -> Result<Self> {
        let cost = Self::read(command)?;
        Ok(Self { calls, ..cost })
    }

    fn read(command: &mut Command) -> Result<Self> {
        let output = command.output().with_context(|| format!("{command:?}"))?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{command:?}: {}\n{err}", output.status);
        for line in out.lines() {
            if let ["calls", calls, "thread_ns", cpu, "wall_ns", wall] =
                line.split(' ').collect::<Vec<_>>().as_slice()
            {
                return Ok(Self { calls: calls.parse()?, cpu_ns: cpu.parse()?, wall_ns: wall.parse()? });
            }
        }
        bail!("{command:?} does not say what it cost:\n{out}\n{err}")
    }

    /// The mean of two runs of the same work.
    pub(super) fn mean(&self, other: &Self) -> Self {
        Self {
            calls: self.calls,
            cpu_ns: self.cpu_ns.midpoint(other.cpu_ns),
            wall_ns: self.wall_ns.midpoint(other.wall_ns),
        }
    }

    pub(super) fn cpu_per_call(&self) -> f64 {
        self.cpu_ns as f64 / self.calls as f64
    }

    pub(super) fn wall_per_call(&self) -> f64 {
        self.wall_ns as f64 / self.calls as f64
    }
}
