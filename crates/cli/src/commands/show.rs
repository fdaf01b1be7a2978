//! `syscribe show DIR`: text from a trace.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use anyhow::{Context, Result};
use ctf::merge::Item;
use schema::Catalog;

use crate::args::Show;
use crate::dropins;
use crate::selection::Selection;
use crate::status::Status;
use crate::text::{Text, Wish, event_call};
use crate::trace_dir::Trace;

/// Runs the command. Damage does not end it: what can be read is shown, the damage in place, and the status says it.
pub fn run(show: &Show) -> Result<Status> {
    let trace = Trace::open(&show.trace)?;
    let builtin = || Catalog::builtin().clone();
    let mut catalog = trace.catalog.clone().unwrap_or_else(builtin);
    dropins::add_named(&mut catalog, &show.select.tables)?;
    let catalog = Arc::new(catalog);
    let selection = Selection::parse(show.select.trace.as_deref(), &catalog)?;
    let mut out: Box<dyn Write> = match &show.output {
        Some(path) => Box::new(BufWriter::new(
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?,
        )),
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let wish = Wish { style: show.style, types: show.types, look: &show.look, to_file: true };
    let mut text = Text::new(&wish, &trace.types, Some(catalog));
    text.begin(&mut out)?;
    let mut last = 0;
    let mut damaged = false;
    let mut items = trace.items()?;
    while let Some(mut item) = items.next() {
        match &item {
            Item::Event(event) => last = last.max(event.time),
            Item::Damage(_) => damaged = true,
            Item::Loss(_) => {}
        }
        if let Item::Event(event) = &item
            && event_call(event.name()).is_some_and(|call| !selection.contains(call))
        {
            items.give_back(item);
            continue;
        }
        text.item(&mut item, &mut out)?;
        items.give_back(item);
    }
    text.finish(last, &mut out)?;
    out.flush()?;
    Ok(if damaged { Status::Failure } else { Status::Success })
}
