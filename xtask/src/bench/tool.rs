//! The tools that are compared, and how each is run so that it keeps every call.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::workload::Cost;
use super::{TOOL_CPU, WORK_CPU};
use crate::programs::{find, release_directory};

/// A way to trace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tool {
    /// Two programs that do nothing, on sys_enter and sys_exit: what any tracer on these tracepoints has to pay.
    EmptyPair,
    /// `syscribe record`
    Record,
    /// `syscribe record --fast`
    Fast,
    /// trace-cmd, all events of `syscalls`, into an instance of its own.
    TraceCmd,
    /// perf trace to a file.
    PerfTrace,
    /// strace on the other CPU, as the scheduler places it on an idle machine.
    StraceApart,
    /// strace on the CPU of the work: each stop is then a switch and no wake-up of another CPU.
    StraceTogether,
}

/// What a run left besides its cost. `None` is: the tool does not say, or writes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kept {
    /// Events that the tool says it lost.
    pub(super) lost: Option<u64>,
    /// Bytes on disk.
    pub(super) bytes: Option<u64>,
}

/// How often trace-cmd is started again when it does not begin.
const TRIES: u32 = 10;

/// The tracefs instance that trace-cmd gets.
const INSTANCE: &str = "syscribe-bench";

impl Tool {
    pub(super) const ALL: [Self; 7] = [
        Self::EmptyPair,
        Self::Record,
        Self::Fast,
        Self::TraceCmd,
        Self::PerfTrace,
        Self::StraceApart,
        Self::StraceTogether,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::EmptyPair => "empty program pair",
            Self::Record => "syscribe record",
            Self::Fast => "syscribe record --fast",
            Self::TraceCmd => "trace-cmd record",
            Self::PerfTrace => "perf trace",
            Self::StraceApart => "strace, other CPU",
            Self::StraceTogether => "strace, same CPU",
        }
    }

    /// A tool that gets a twentieth of the work.
    pub(super) fn is_slow(self) -> bool {
        matches!(self, Self::PerfTrace | Self::StraceApart | Self::StraceTogether)
    }

    /// True where it is installed; says so where it is not.
    pub(super) fn is_here(self) -> bool {
        let program = match self {
            Self::EmptyPair | Self::Record | Self::Fast => return true,
            Self::TraceCmd => "trace-cmd",
            Self::PerfTrace => "perf",
            Self::StraceApart | Self::StraceTogether => "strace",
        };
        let here = find(program).is_some();
        if !here {
            eprintln!("xtask: {program} is not installed: no row of it");
        }
        here
    }

    /// Runs the work under the tool.
    pub(super) fn run(self, program: &[PathBuf], calls: u64, scratch: &Path) -> Result<(Cost, Kept)> {
        match self {
            Self::EmptyPair => {
                let pair = kernel::floor::EmptyPair::attach().context("the empty program pair")?;
                let cost = Cost::of(Command::new(&program[0]).args(&program[1..]), calls)?;
                drop(pair);
                Ok((cost, Kept::default()))
            }
            Self::Record => record(&[], program, calls, scratch),
            Self::Fast => record(&["--fast"], program, calls, scratch),
            Self::TraceCmd => trace_cmd(program, calls, scratch),
            Self::PerfTrace => perf_trace(program, calls, scratch),
            Self::StraceApart => {
                Ok((Cost::of(on(TOOL_CPU).args(STRACE).args(program), calls)?, Kept::default()))
            }
            Self::StraceTogether => {
                Ok((Cost::of(on(WORK_CPU).args(STRACE).args(program), calls)?, Kept::default()))
            }
        }
    }

    /// What has to happen before the tool is started, outside of any measurement.
    pub(super) fn prepare(self) {
        if self == Self::TraceCmd {
            settle();
        }
    }

    /// Runs a program of which only the end matters under the tool.
    pub(super) fn start(self, program: &[PathBuf], scratch: &Path) -> Result<()> {
        let command = match self {
            Self::EmptyPair => {
                let pair = kernel::floor::EmptyPair::attach().context("the empty program pair")?;
                let status = Command::new(&program[0]).args(&program[1..]).status()?;
                drop(pair);
                ensure!(status.success(), "{program:?}: {status}");
                return Ok(());
            }
            Self::Record => syscribe_record(&[], &scratch.join("start")),
            Self::Fast => syscribe_record(&["--fast"], &scratch.join("start")),
            Self::TraceCmd => trace_cmd_record(&scratch.join("start.dat")),
            Self::PerfTrace => perf_trace_to(&scratch.join("start")),
            Self::StraceApart => {
                let mut command = on(TOOL_CPU);
                command.args(STRACE);
                command
            }
            Self::StraceTogether => {
                let mut command = on(WORK_CPU);
                command.args(STRACE);
                command
            }
        };
        // As a user types it: start-up may use every CPU.
        let mut command = unpinned(&command);
        let output = command.args(program).output()?;
        ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        match self {
            Self::Record | Self::Fast => fs::remove_dir_all(scratch.join("start"))?,
            Self::TraceCmd => {
                sweep_instance()?;
                fs::remove_file(scratch.join("start.dat"))?;
            }
            Self::PerfTrace => fs::remove_file(scratch.join("start"))?,
            Self::EmptyPair | Self::StraceApart | Self::StraceTogether => {}
        }
        Ok(())
    }
}

const STRACE: [&str; 4] = ["strace", "-f", "-o", "/dev/null"];

/// `taskset -c CPU`, to be continued with a command line.
fn on(cpu: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cpu]);
    command
}

/// The same command line without `taskset -c CPU`.
fn unpinned(command: &Command) -> Command {
    let mut words = command.get_args().skip(2);
    let mut unpinned = Command::new(words.next().unwrap_or_default());
    unpinned.args(words);
    unpinned
}

fn syscribe_record(options: &[&str], directory: &Path) -> Command {
    let mut command = on(TOOL_CPU);
    command.arg(release_directory().join("syscribe")).arg("record").args(options).arg("-o").arg(directory);
    command
}

fn record(options: &[&str], program: &[PathBuf], calls: u64, scratch: &Path) -> Result<(Cost, Kept)> {
    let directory = scratch.join("trace");
    let cost = Cost::of(syscribe_record(options, &directory).args(program), calls)?;
    let mut bytes = 0;
    for entry in fs::read_dir(&directory)? {
        let entry = entry?;
        // The schema directory holds tables and is the same for every trace.
        if entry.file_type()?.is_file() {
            bytes += entry.metadata()?.len();
        }
    }
    let check = Command::new(release_directory().join("syscribe")).arg("check").arg(&directory).output()?;
    let text = String::from_utf8_lossy(&check.stdout);
    let lost = match check.status.code() {
        Some(0) => 0,
        Some(3) => lost_by(&text).with_context(|| format!("check says loss, but not how much: {text}"))?,
        _ => bail!(
            "check of our own trace: {}\n{text}{}",
            check.status,
            String::from_utf8_lossy(&check.stderr)
        ),
    };
    fs::remove_dir_all(&directory)?;
    Ok((cost, Kept { lost: Some(lost), bytes: Some(bytes) }))
}

/// The sum of the lines `lost: N records ...` of `syscribe check`.
fn lost_by(text: &str) -> Option<u64> {
    let counts = text.lines().filter_map(|line| line.strip_prefix("lost: ")?.split(' ').next());
    counts.map(|count| count.parse::<u64>().ok()).sum::<Option<u64>>().filter(|sum| *sum > 0)
}

/// `-d -k`: leave the function tracer's files alone, which a locked-down kernel refuses; `-B`: an instance of its own.
fn trace_cmd_record(file: &Path) -> Command {
    let mut command = on(TOOL_CPU);
    command.args(["trace-cmd", "record", "-q", "-d", "-k", "-B", INSTANCE, "-e", "syscalls", "-o"]).arg(file);
    command
}

fn trace_cmd(program: &[PathBuf], calls: u64, scratch: &Path) -> Result<(Cost, Kept)> {
    let file = scratch.join("trace.dat");
    let mut tries = 0;
    let cost = loop {
        settle();
        match Cost::of(trace_cmd_record(&file).args(program), calls) {
            Ok(cost) => break cost,
            // Somebody else's programs came or went while it read the list of symbols.
            Err(_) if tries < TRIES => {
                tries += 1;
                sweep_instance()?;
            }
            Err(error) => return Err(error),
        }
    };
    let lost = sweep_instance()?;
    let bytes = fs::metadata(&file)?.len();
    fs::remove_file(&file)?;
    Ok((cost, Kept { lost: Some(lost), bytes: Some(bytes) }))
}

/// Waits until the kernel has freed the programs of the tool that ran before: trace-cmd reads the list of symbols twice and
/// gives up when it has changed meanwhile.
fn settle() {
    let size = || fs::read("/proc/kallsyms").map_or(0, |text| text.len());
    let mut before = size();
    for _ in 0..40 {
        thread::sleep(Duration::from_millis(250));
        let now = size();
        if now == before {
            return;
        }
        before = now;
    }
}

/// Removes the instance that trace-cmd leaves behind, and turns the global buffer on again, which it turned off. Returns
/// what the kernel says was lost in the instance.
fn sweep_instance() -> Result<u64> {
    let tracing = Path::new("/sys/kernel/tracing");
    let instance = tracing.join("instances").join(INSTANCE);
    let mut lost = 0;
    for cpu in fs::read_dir(instance.join("per_cpu"))? {
        let stats = fs::read_to_string(cpu?.path().join("stats"))?;
        for line in stats.lines() {
            if let Some((name, value)) = line.split_once(": ")
                && ["overrun", "commit overrun", "dropped events"].contains(&name)
            {
                lost += value.trim().parse::<u64>().context("a counter of tracefs")?;
            }
        }
    }
    fs::remove_dir(&instance).with_context(|| instance.display().to_string())?;
    fs::write(tracing.join("tracing_on"), "1")?;
    Ok(lost)
}

fn perf_trace_to(file: &Path) -> Command {
    let mut command = on(TOOL_CPU);
    command.args(["perf", "trace", "-o"]).arg(file);
    command
}

fn perf_trace(program: &[PathBuf], calls: u64, scratch: &Path) -> Result<(Cost, Kept)> {
    let file = scratch.join("perf");
    let cost = Cost::of(perf_trace_to(&file).args(program), calls)?;
    let text = fs::read(&file)?;
    fs::remove_file(&file)?;
    // "LOST 25310 events!"
    let lost = String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| line.split_once("LOST ")?.1.split(' ').next()?.parse::<u64>().ok())
        .sum();
    Ok((cost, Kept { lost: Some(lost), bytes: Some(text.len() as u64) }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn losses_of_all_streams_are_added() {
        let text = "trace: 2 streams, 9 events\nlost: 7 records in syscalls_0: the ring was full\nlost: 5 records in syscalls_1\n";
        assert_eq!(super::lost_by(text), Some(12));
        assert_eq!(super::lost_by("sound and complete\n"), None);
    }
}
