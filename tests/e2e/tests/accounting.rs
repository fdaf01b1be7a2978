//! Every call is recorded, or counted as lost: the sum is what the program made.

use std::path::Path;
use std::process::Command;

use e2e::babeltrace;
use e2e::run::{self, Running, Scratch, syscribe, tracee, wait_until};

const CALLS: u64 = 2_000_000;

/// What a flood of getppid on CPU 1 left, with the collector on CPU 0.
struct Flood {
    /// Lines of `show --style json` that are entries and exits of getppid.
    records: [u64; 2],
    /// The same counted by babeltrace2, and what it said on stderr; `None` where it is not installed.
    babeltrace: Option<([u64; 2], String)>,
    /// Records that `check` calls lost.
    lost: u64,
    /// The line at the end of `record`.
    line: String,
}

/// Runs a command that prints one event a line. Returns how many lines contain each of the texts, and stderr.
#[track_caller]
fn count(command: &mut Command, texts: [&str; 2]) -> ([u64; 2], String) {
    let mut counts = [0; 2];
    let ran = run::each_line(command, |line| {
        let line = String::from_utf8_lossy(line);
        for (count, text) in counts.iter_mut().zip(texts) {
            *count += u64::from(line.contains(text));
        }
    });
    assert!(ran.status.success() || ran.code() == 3, "{command:?}: {}", ran.err());
    (counts, ran.err())
}

/// Entries and exits of getppid in our own reader's JSON.
fn records(trace: &Path) -> [u64; 2] {
    count(
        syscribe(["show", "--style", "json"]).arg(trace),
        ["syscall_entry_getppid\"", "syscall_exit_getppid\""],
    )
    .0
}

/// The sum of the lines `lost: N records in STREAM`.
fn lost(check: &str) -> u64 {
    let counts = check.lines().filter_map(|line| line.strip_prefix("lost: ")?.split_once(" records in "));
    counts.map(|(count, _)| count.parse::<u64>().expect("a number")).sum()
}

/// Stops the collector as soon as it has written something, until the flood is over: whatever the machine does meanwhile, the
/// ring is full and stays so.
fn stop_collector(collector: &Running, trace: &Path) {
    let written = || std::fs::metadata(trace.join("syscalls_1")).is_ok_and(|file| file.len() > 0);
    wait_until("the collector has written something", written);
    collector.signal("STOP");
    let children = format!("/proc/{0}/task/{0}/children", collector.pid());
    let ended = || {
        let child = std::fs::read_to_string(&children).unwrap_or_default();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
        stat.contains(") Z ")
    };
    wait_until("the flood is over", ended);
    collector.signal("CONT");
}

#[track_caller]
fn flood(trace: &Path, options: &[&str], meanwhile: impl FnOnce(&Running, &Path)) -> Flood {
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(run::binaries().join("syscribe"));
    command.args(["record", "-e", "trace=getppid", "-o"]).arg(trace).args(options);
    command.arg(tracee("flood")).args([&CALLS.to_string(), "1"]);
    let collector = Running::start(&mut command);
    meanwhile(&collector, trace);
    let ran = collector.wait().ok();
    assert!(ran.out().starts_with(&format!("calls {CALLS} ")), "{}", ran.out());
    let check = run::run(syscribe(["check"]).arg(trace));
    let lost = lost(&check.out());
    assert_eq!(check.code(), if lost == 0 { 0 } else { 3 }, "{}{}", check.out(), check.err());
    let records = records(trace);
    let babeltrace = run::have("babeltrace2")
        .then(|| count(&mut babeltrace::command(trace), ["syscall_entry_getppid:", "syscall_exit_getppid:"]));
    Flood { records, babeltrace, lost, line: ran.err() }
}

#[test]
fn a_flood_of_2_000_000_calls_is_recorded_without_loss() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("flood");
    let flood = flood(&scratch.join("trace"), &[], |_, _| {});
    assert_eq!(flood.lost, 0, "{}", flood.line);
    assert_eq!(flood.records, [CALLS, CALLS]);
    assert!(flood.line.contains(&format!("{CALLS} calls recorded")), "{}", flood.line);
    assert!(flood.line.contains(" 0 records lost"), "{}", flood.line);
    if let Some((records, err)) = flood.babeltrace {
        assert_eq!((records, err.as_str()), ([CALLS, CALLS], ""));
    }
}

#[test]
fn a_flood_through_a_tiny_buffer_loses_records_and_counts_each() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("tiny");
    let flood = flood(&scratch.join("trace"), &["--buffer-size", "16K"], stop_collector);
    let [entries, exits] = flood.records;
    assert!(flood.lost > 0, "nothing was lost: this buffer tests nothing");
    assert_eq!(
        entries + exits + flood.lost,
        2 * CALLS,
        "{} + {} recorded, {} lost",
        entries,
        exits,
        flood.lost
    );
    assert!(flood.line.contains(&format!(" {} records lost", flood.lost)), "{}", flood.line);
    if let Some((records, err)) = flood.babeltrace {
        assert_eq!(records, flood.records);
        assert!(err.contains("discarded"), "babeltrace2 does not hear of the loss:\n{}", run::tail(&err));
    }
}

#[test]
fn two_floods_at_once_add_up_too() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("two");
    let trace = scratch.join("trace");
    let flood = tracee("flood");
    let script = format!("{0} 500000 0 & {0} 500000 1 & wait", flood.display());
    run::run(syscribe(["record", "-e", "trace=getppid", "-o"]).arg(&trace).args(["sh", "-c", &script])).ok();
    let lost = lost(&run::run(syscribe(["check"]).arg(&trace)).out());
    let events: u64 = records(&trace).iter().sum();
    // The shell itself calls getppid once as it starts.
    let shells = 2 * u64::from(count_of_getppid_by_a_shell());
    assert_eq!(events + lost, 2_000_000 + shells, "{events} recorded, {lost} lost");
}

/// How many times a shell that only starts and ends calls getppid.
fn count_of_getppid_by_a_shell() -> u32 {
    let text = run::run(&mut syscribe(["-e", "trace=getppid", "sh", "-c", ": & wait"])).ok().err();
    text.lines().filter(|line| line.contains("getppid()")).count() as u32
}
