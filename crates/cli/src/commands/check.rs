//! `syscribe check DIR`: is the trace sound, and is it complete?

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use ctf::merge::Item;

use crate::status::Status;
use crate::trace_dir::Trace;

/// What a trace holds, counted.
#[derive(Debug, Default)]
struct Found {
    events: u64,
    calls: u64,
    lost: BTreeMap<String, u64>,
    missing_packets: u64,
    damages: Vec<String>,
    first: Option<u64>,
    last: u64,
    /// A call counts by its exit, where it has no other record.
    by_exits: bool,
}

/// Runs the command: every packet and every record is read.
pub fn run(path: &Path) -> Result<Status> {
    let trace = Trace::open(path)?;
    let entries = trace.types.events.iter().any(|event| is_call(&event.name, "entry"));
    let mut found = Found { by_exits: !entries, ..Found::default() };
    for item in trace.items()? {
        found.count(item);
    }
    let mut out = io::stdout().lock();
    let seconds = (found.last - found.first.unwrap_or(found.last)) as f64 / 1e9;
    writeln!(
        out,
        "{}: {} streams, {} events, {} calls, {seconds:.3} s",
        path.display(),
        trace.streams.len(),
        found.events,
        found.calls
    )?;
    for (stream, count) in &found.lost {
        writeln!(out, "lost: {count} records in {stream}")?;
    }
    if found.missing_packets > 0 {
        writeln!(out, "lost: {} whole packets were never written", found.missing_packets)?;
    }
    for damage in &found.damages {
        writeln!(out, "damaged: {damage}")?;
    }
    if trace.streams.is_empty() {
        writeln!(out, "no stream files: nothing was recorded")?;
    }
    let status = found.status();
    let verdict = match status {
        Status::Failure => "damaged",
        Status::Loss => "sound, with loss",
        _ => "sound and complete",
    };
    writeln!(out, "{verdict}")?;
    Ok(status)
}

impl Found {
    fn count(&mut self, item: Item<io::Error>) {
        match item {
            Item::Event(event) => {
                self.events += 1;
                let side = if self.by_exits { "exit" } else { "entry" };
                self.calls += u64::from(is_call(event.name(), side));
                if event.time < self.last {
                    self.damages.push(format!("clock goes back from {} to {}", self.last, event.time));
                }
                self.first.get_or_insert(event.time);
                self.last = self.last.max(event.time);
            }
            Item::Loss(loss) => {
                *self.lost.entry(loss.stream.to_string()).or_default() += loss.count;
                self.missing_packets += loss.packets;
            }
            Item::Damage(damage) => self.damages.push(format!("{}: {}", damage.stream, damage.cause)),
        }
    }

    fn status(&self) -> Status {
        if !self.damages.is_empty() {
            Status::Failure
        } else if self.missing_packets > 0 || self.lost.values().any(|count| *count > 0) {
            Status::Loss
        } else {
            Status::Success
        }
    }
}

fn is_call(name: &str, side: &str) -> bool {
    let plain = name.strip_prefix("compat_").unwrap_or(name);
    plain
        .strip_prefix("syscall_")
        .and_then(|rest| rest.strip_prefix(side))
        .is_some_and(|rest| rest.starts_with('_'))
}
