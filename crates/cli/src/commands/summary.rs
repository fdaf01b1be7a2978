//! `syscribe summary DIR`: how often each call was made, how long it took.

use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use calls::Summary;
use ctf::merge::Item;

use crate::status::Status;
use crate::trace_dir::Trace;

/// Runs the command. What can be read counts; damage is told by the status.
pub fn run(path: &Path) -> Result<Status> {
    let trace = Trace::open(path)?;
    let mut summary = Summary::new();
    let mut damaged = false;
    let mut items = trace.brief_items()?;
    while let Some(item) = items.next() {
        damaged |= matches!(item, Item::Damage(_));
        summary.feed(&item);
        items.give_back(item);
    }
    io::stdout().lock().write_all(render::summary::table(&summary).as_bytes())?;
    if damaged {
        eprintln!("syscribe: parts of the trace cannot be read; see syscribe check");
        return Ok(Status::Failure);
    }
    Ok(Status::Success)
}
