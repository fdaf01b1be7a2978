//! `syscribe --explain`: the generated programs of the selected calls, readably.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};

use anyhow::Result;
use schema::lower::Plan;

use crate::args::Select;
use crate::recording::{Prepared, Wanted};
use crate::status::Status;

/// Runs the command. Nothing is loaded.
pub fn run(select: &Select) -> Result<Status> {
    let prepared = Prepared::new(&Wanted { select, plan: Plan::default(), buffer: None })?;
    let facts = prepared.facts()?;
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "{}", probe::dispatch::entry(&facts)?)?;
    writeln!(out, "{}", probe::dispatch::exit(&facts, false)?)?;
    let layouts = prepared.layouts();
    let mut shown = HashSet::new();
    for layout in &layouts {
        if shown.insert(&layout.shape) {
            let users: Vec<&str> = layouts
                .iter()
                .filter(|other| other.shape == layout.shape)
                .map(|other| other.event.name.as_str())
                .collect();
            writeln!(out, "; for {}", users.join(" "))?;
            writeln!(out, "{}", probe::generate::program(&layout.event.name, &layout.shape, &facts)?)?;
        }
    }
    out.flush()?;
    Ok(Status::Success)
}
