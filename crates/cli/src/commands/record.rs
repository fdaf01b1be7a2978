//! `syscribe record`: packets to a trace directory, no text.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kernel::ring::Ring;
use kernel::signals;
use schema::lower::{Plan, Records};

use crate::args::{Record, Target};
use crate::collector::{Collector, Written};
use crate::pace::Pace;
use crate::recording::{Prepared, Recording, Wanted};
use crate::state::{missed_packet, state_packet};
use crate::status::Status;
use crate::targets::Targets;
use crate::trace_dir::NewTrace;

/// Longest time between two looks at idle rings.
const LONGEST: Duration = Duration::from_millis(20);
/// How old records may grow in a ring before they are asked for.
const FLUSH: Duration = Duration::from_secs(1);

/// Runs the command.
pub fn run(record: &Record) -> Result<Status> {
    let command = Targets::find(&record.target)?;
    let path = record.output.clone().unwrap_or_else(default_path);
    let prepared =
        Prepared::new(&Wanted { select: &record.select, plan: plan(record), buffer: record.buffer })?;
    // From here on a signal to stop means: undo, then stop.
    signals::catch_stop();
    let mut trace = NewTrace::create(&path)?;
    let notes = prepared.notes.clone();
    let compat = Targets::expect_compat(&record.target, command.as_ref());
    let mut recording = prepared.start(compat, |types, catalog| trace.describe(types, catalog))?;
    if !record.quiet {
        notes.iter().for_each(|note| eprintln!("syscribe: {note}"));
    }
    let mut collector = Collector::new(&trace, &mut recording.session)?;
    let (mut targets, threads) = Targets::start(&recording, &record.target, command)?;
    let state = state_packet(&recording.types, &threads, kernel::clock::monotonic())?;
    let mut state_file = trace.file("state")?;
    let cannot = || format!("cannot write {}/state", path.display());
    state_file.write_all(&state).with_context(cannot)?;
    if let Some(signal) = signals::asked_to_stop() {
        return Ok(Status::Signal(signal));
    }
    targets.release()?;
    trace.keep();
    collect(&mut recording, &mut targets, &mut collector);
    let tally = stop(&mut recording, &mut collector);
    if tally.missed > 0 {
        let packet = missed_packet(&recording.types, tally.missed, kernel::clock::monotonic())?;
        state_file.write_all(&packet).with_context(cannot)?;
    }
    let written = collector.finish(&trace);
    report(record, &tally, &written, &path);
    Ok(status(&mut targets, &tally, &written))
}

/// What is kept of pointees: payload only of what the user points at, none of the whole machine's.
fn plan(record: &Record) -> Plan {
    let data = match (record.string, &record.target) {
        (Some(bytes), _) => bytes,
        (None, Target { all: true, .. }) => 0,
        (None, _) => Plan::default().data,
    };
    let records = if record.fast { Records::One } else { Records::Two };
    Plan { data, records, ..Plan::default() }
}

fn default_path() -> PathBuf {
    PathBuf::from(format!("syscribe-{}", kernel::clock::name_of_now()))
}

/// Until the program ends, nobody is left, or a signal asks to stop.
fn collect(recording: &mut Recording, targets: &mut Targets, collector: &mut Collector) {
    let mut pace = Pace::new(recording.buffer, LONGEST);
    let mut flushed = Instant::now();
    while !targets.program_ended() && signals::asked_to_stop().is_none() {
        if targets.only_attached() && targets.all_ended(&recording.session) {
            break;
        }
        let busy = collector.drain(&mut recording.session) | recording.load_more();
        if flushed.elapsed() >= FLUSH {
            recording.session.rings().for_each(|ring| ring.ask_for_switch());
            flushed = Instant::now();
        }
        pace.sleep(busy);
    }
}

/// Counts of a whole recording.
#[derive(Debug, Default)]
struct Tally {
    /// Calls recorded.
    calls: u64,
    /// Records lost in the rings.
    lost: u64,
    /// Probe runs that the kernel skipped.
    missed: u64,
}

/// Detaches and writes what is left in the rings.
fn stop(recording: &mut Recording, collector: &mut Collector) -> Tally {
    recording.session.stop();
    let end = kernel::clock::monotonic();
    collector.drain(&mut recording.session);
    recording.session.rings().for_each(|ring| ring.close(end));
    collector.drain(&mut recording.session);
    let counters: Vec<_> = recording.session.rings().map(|ring: &mut Ring| ring.counters()).collect();
    Tally {
        calls: counters.iter().map(|c| c.entries).sum(),
        lost: counters.iter().map(|c| c.lost).sum(),
        missed: recording.session.missed().unwrap_or(0),
    }
}

fn report(record: &Record, tally: &Tally, written: &Written, path: &Path) {
    if let Some((name, error)) = &written.failure {
        eprintln!(
            "syscribe: cannot write {}/{name}: {error}; {} packets are missing, the rest is sound",
            path.display(),
            written.dropped
        );
    }
    if !record.quiet {
        eprintln!(
            "syscribe: {} calls recorded, {} bytes, {} records lost, in {}",
            tally.calls,
            written.bytes,
            tally.lost + tally.missed,
            path.display()
        );
    }
}

fn status(targets: &mut Targets, tally: &Tally, written: &Written) -> Status {
    if written.failure.is_some() {
        return Status::Failure;
    }
    match targets.status() {
        Some(status) => Status::Program(status),
        None if tally.lost + tally.missed > 0 => Status::Loss,
        None => Status::Success,
    }
}
