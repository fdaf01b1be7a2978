//! Items of a trace to text, in the style asked for. The same for a live view and for a file.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;

use calls::{Happening, Pairing, Summary};
use ctf::merge::Item;
use ctf::types::{EnvValue, TraceType};
use render::{Ftrace, Json, Options, PidPrefix, Stamp, Strace, WallClock};
use schema::Catalog;
use schema::lower::Limits;

use crate::args::{Look, Style};

/// How text is wanted.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The style.
    pub style: Style,
    /// C types before arguments.
    pub types: bool,
    /// Columns and stamps.
    pub look: &'a Look,
    /// True when the text goes to a file, where every line names its thread.
    pub to_file: bool,
}

/// Makes text of items.
pub struct Text {
    maker: Maker,
}

enum Maker {
    Strace(Box<Calls>),
    Ftrace(Ftrace),
    Json(Json),
    Summary(Box<Summary>),
}

/// Events paired to calls on their way to lines.
struct Calls {
    pairing: Pairing,
    strace: Strace,
    happenings: Vec<Happening>,
}

impl Calls {
    fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        for happening in self.happenings.drain(..) {
            out.write_all(self.strace.line(&happening).as_bytes())?;
        }
        Ok(())
    }
}

impl Text {
    /// For a trace of these types and the calls of this catalog.
    pub fn new(wish: &Wish<'_>, types: &TraceType, catalog: Option<Arc<Catalog>>) -> Text {
        let maker = match wish.style {
            Style::Strace => Maker::Strace(Box::new(Calls {
                pairing: Pairing::new(catalog.clone()),
                strace: Strace::new(catalog, options(wish, wall_clock(types))).with_limits(limits(types)),
                happenings: Vec::new(),
            })),
            Style::Ftrace => Maker::Ftrace(Ftrace::new(catalog, wish.types)),
            Style::Json => Maker::Json(Json::new(catalog)),
        };
        Text { maker }
    }

    /// Counts of the calls, at the end.
    pub fn counting() -> Text {
        Text { maker: Maker::Summary(Box::default()) }
    }

    /// Writes what stands before the first line.
    pub fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match &self.maker {
            Maker::Ftrace(_) => out.write_all(render::ftrace::HEADER.as_bytes()),
            Maker::Strace(_) | Maker::Json(_) | Maker::Summary(_) => Ok(()),
        }
    }

    /// Writes what the item completes. What is left of the item can be given back to the merge.
    pub fn item<E: Display>(&mut self, item: &mut Item<E>, out: &mut dyn Write) -> io::Result<()> {
        match &mut self.maker {
            Maker::Strace(calls) => {
                calls.pairing.feed(item, &mut calls.happenings);
                calls.write(out)
            }
            Maker::Ftrace(ftrace) => out.write_all(ftrace.line(item).as_bytes()),
            Maker::Json(json) => out.write_all(json.line(item).as_bytes()),
            Maker::Summary(summary) => {
                summary.feed(item);
                Ok(())
            }
        }
    }

    /// Writes what is still open at the end.
    pub fn finish(&mut self, last_time: u64, out: &mut dyn Write) -> io::Result<()> {
        match &mut self.maker {
            Maker::Strace(calls) => {
                calls.pairing.finish(last_time, &mut calls.happenings);
                calls.write(out)
            }
            Maker::Ftrace(_) | Maker::Json(_) => Ok(()),
            Maker::Summary(summary) => out.write_all(render::summary::table(summary).as_bytes()),
        }
    }
}

fn options(wish: &Wish<'_>, clock: WallClock) -> Options {
    let look = wish.look;
    let default = Options::default();
    Options {
        pid: if wish.to_file { PidPrefix::Always } else { PidPrefix::Several },
        stamp: match look.stamp {
            0 => None,
            1 => Some(Stamp::Seconds),
            2 => Some(Stamp::Micros),
            _ => Some(Stamp::Epoch),
        },
        relative: look.relative,
        duration: look.duration,
        verbose: look.verbose,
        paths: look.paths,
        column: look.column.unwrap_or(default.column),
        limit: look.string.map_or(default.limit, usize::from),
        clock,
        ..default
    }
}

/// What the plan of the trace says of single arguments.
fn limits(types: &TraceType) -> Limits {
    let plan = types.env.iter().find(|(name, _)| name == "syscribe_plan");
    match plan {
        Some((_, EnvValue::Str(plan))) => Limits::of_plan(plan),
        _ => Limits::default(),
    }
}

/// From the clock of the records to local time.
fn wall_clock(types: &TraceType) -> WallClock {
    let Some(clock) = &types.clock else { return WallClock::default() };
    let epoch = clock.offset_s.saturating_mul(1_000_000_000).saturating_add_unsigned(clock.offset);
    let ahead = kernel::clock::utc_offset(clock.offset_s) as i32;
    WallClock { epoch, ahead }
}

/// The call that an event belongs to, by the event's name.
pub fn event_call(name: &str) -> Option<&str> {
    let native = name.strip_prefix("compat_").unwrap_or(name);
    native.strip_prefix("syscall_entry_").or_else(|| native.strip_prefix("syscall_exit_"))
}
