//! Text as strace writes it, one line a call.
//!
//! Differences, on purpose: a call is shown once, when it is over (no `<unfinished ...>`); calls that were never seen to end
//! say so; lost records are a line of their own.

use std::collections::HashSet;
use std::sync::Arc;

use calls::{Call, Damage, Descriptors, Happening, Mode, Signal, Superseded, ThreadExit};
use ctf::merge::Loss;
use schema::lower::Limits;
use schema::{Abi, Catalog};

use crate::argument::Show;
use crate::object::Structures;
use crate::outcome;
use crate::signal;
use crate::stamp::{self, Stamp, WallClock};
use crate::token::Line;
use crate::variant::meaning;

/// When a line begins with the number of its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PidPrefix {
    /// Never.
    Never,
    /// `[pid  9972] `, while there is more than one thread: as strace writes to a terminal.
    Several,
    /// `9972  `, on every line: as `strace -f -o` writes to a file.
    Always,
}

/// Choices of the style; the default is what strace does without options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Numbers of threads.
    pub pid: PidPrefix,
    /// `-t`, `-tt`, `-ttt`.
    pub stamp: Option<Stamp>,
    /// `-r`: time since the line before.
    pub relative: bool,
    /// `-T`: time in the call.
    pub duration: bool,
    /// Column of the result (`-a`).
    pub column: usize,
    /// Most bytes of a string (`-s`).
    pub limit: usize,
    /// `name=` before each argument (`-N`).
    pub names: bool,
    /// All members of structures (`-v`).
    pub verbose: bool,
    /// Paths behind descriptors (`-y`).
    pub paths: bool,
    /// For stamps.
    pub clock: WallClock,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            pid: PidPrefix::Several,
            stamp: None,
            relative: false,
            duration: false,
            column: 40,
            limit: 32,
            names: false,
            verbose: false,
            paths: false,
            clock: WallClock::default(),
        }
    }
}

/// Writes happenings as lines.
#[derive(Debug)]
pub struct Strace {
    catalog: Arc<Catalog>,
    structures: Structures,
    options: Options,
    limits: Limits,
    descriptors: Descriptors,
    line: Line,
    /// Threads seen and not ended.
    alive: HashSet<i32>,
    /// Clock value of the line before.
    before: Option<u64>,
}

impl Strace {
    /// The style, with the names of a catalog.
    pub fn new(catalog: Option<Arc<Catalog>>, options: Options) -> Self {
        Strace {
            catalog: catalog.unwrap_or_default(),
            structures: Structures::default(),
            options,
            limits: Limits::default(),
            descriptors: Descriptors::new(),
            line: Line::new(),
            alive: HashSet::new(),
            before: None,
        }
    }

    /// With limits of single arguments, which count more than that of the options.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Strace { limits, ..self }
    }

    /// The line for a happening, with its newline; empty when this style does not show it.
    pub fn line(&mut self, happening: &Happening) -> &str {
        self.line.clear();
        match happening {
            Happening::Call(call) => self.call(call, happening),
            Happening::Signal(signal) => self.signal(signal),
            Happening::Exit(exit) => self.exit(exit),
            Happening::Superseded(superseded) => self.superseded(superseded),
            Happening::Mode(mode) => self.mode(mode),
            Happening::Loss(loss) => self.loss(loss),
            Happening::Damage(damage) => self.damage(damage),
            Happening::Fork(fork) => {
                self.alive.extend([fork.parent_tid, fork.child_tid]);
            }
            Happening::Exec(_) => {}
        }
        if !matches!(happening, Happening::Call(_)) {
            self.descriptors.learn(happening);
        }
        if !self.line.is_empty() {
            self.line.end();
        }
        self.line.as_str()
    }

    /// Number of the thread and time.
    fn begin(&mut self, tid: i32, time: u64) {
        self.alive.insert(tid);
        match self.options.pid {
            PidPrefix::Always => {
                self.line.signed(tid.into());
                self.line.pad(6);
            }
            PidPrefix::Several if self.alive.len() > 1 => self.line.word(&format!("[pid {tid:>5}] ")),
            PidPrefix::Several | PidPrefix::Never => {}
        }
        let gap = i128::from(time) - i128::from(self.before.unwrap_or(time));
        self.before = Some(time);
        let (line, options) = (&mut self.line, &self.options);
        if let Some(stamp) = options.stamp {
            stamp::absolute(line, stamp, options.clock, time);
            line.word(" ");
        }
        if options.relative {
            line.word(if options.stamp.is_some() { "(+" } else { "" });
            stamp::seconds(line, gap, 6);
            line.word(if options.stamp.is_some() { ") " } else { " " });
        }
    }

    fn call(&mut self, call: &Call, happening: &Happening) {
        self.begin(call.tid, call.entry_time.or(call.exit_time).unwrap_or(0));
        let fd = call.arg("fd").and_then(|fd| fd.raw);
        let file = fd.and_then(|fd| self.descriptors.path(call, fd as i32));
        let meaning = meaning(call, &self.catalog, file);
        let line = &mut self.line;
        line.word(&call.name);
        let (limit, names) = (self.options.limit, self.options.names);
        let nothing = Descriptors::new();
        let show = Show {
            catalog: &self.catalog,
            structures: &self.structures,
            limit,
            limits: &self.limits,
            names,
            verbose: self.options.verbose,
            descriptors: &nothing,
            paths: self.options.paths,
        };
        let before = Show { descriptors: &self.descriptors, ..show };
        before.arguments(line, call, meaning.as_ref());
        line.pad(self.options.column);
        line.word("= ");
        // Arguments are what they were before the call, its result is what it made.
        self.descriptors.learn(happening);
        let after = Show { descriptors: &self.descriptors, ..show };
        outcome::show(line, call, meaning.as_ref(), after);
        if call.across_loss && call.ret().is_some() {
            line.note("records lost meanwhile");
        }
        if self.options.duration
            && let Some(ns) = call.duration()
        {
            line.note(&format!("{}.{:06}", ns / 1_000_000_000, ns / 1000 % 1_000_000));
        }
    }

    fn signal(&mut self, signal: &Signal) {
        // A thread that SIGKILL ends never sees it: the line that tells its end says enough.
        if signal.sig == 9 {
            return;
        }
        self.begin(signal.tid, signal.time);
        self.line.word("--- ");
        signal::number(&mut self.line, signal.sig);
        self.line.word(" ");
        signal::info(&mut self.line, signal, &self.catalog, &self.structures);
        self.line.word(" ---");
    }

    fn exit(&mut self, exit: &ThreadExit) {
        self.begin(exit.tid, exit.time);
        self.alive.remove(&exit.tid);
        let line = &mut self.line;
        match exit.code & 0x7f {
            0 => {
                line.word("+++ exited with ");
                line.signed((exit.code >> 8 & 0xff).into());
            }
            sig => {
                line.word("+++ killed by ");
                signal::number(line, sig);
                if exit.code & 0x80 != 0 {
                    line.remark("core dumped");
                }
            }
        }
        line.word(" +++");
    }

    fn superseded(&mut self, superseded: &Superseded) {
        self.begin(superseded.tid, superseded.time);
        // The other thread goes on under the leader's number.
        self.alive.remove(&superseded.by);
        self.line.word(&format!("+++ superseded by execve in pid {} +++", superseded.by));
    }

    fn mode(&mut self, mode: &Mode) {
        self.begin(mode.tid, mode.time);
        let bits = if mode.abi == Abi::I386 { 32 } else { 64 };
        self.line.word(&format!("[ Process PID={} runs in {bits} bit mode. ]", mode.tid));
    }

    fn loss(&mut self, loss: &Loss) {
        let (what, count) = if loss.count > 0 { ("record", loss.count) } else { ("packet", loss.packets) };
        let line = &mut self.line;
        line.word(&format!("*** {count} "));
        if loss.stream_id == schema::tracepoint::LIFECYCLE {
            line.word("lifecycle ");
        }
        line.word(&format!("{what}{} lost on cpu {} between ", if count == 1 { "" } else { "s" }, loss.cpu));
        self.moment(loss.from);
        self.line.word(" and ");
        self.moment(loss.to);
        self.line.word(" ***");
    }

    fn damage(&mut self, damage: &Damage) {
        self.line.word("*** stream ");
        self.line.word(&damage.stream);
        self.line.word(" cannot be read after ");
        self.moment(damage.time);
        self.line.word(": ");
        self.line.word(&damage.cause);
        self.line.word(" ***");
    }

    /// A time inside a line: in the form of the stamps, else seconds of the trace's clock.
    fn moment(&mut self, time: u64) {
        match self.options.stamp {
            Some(stamp) => {
                let stamp = if stamp == Stamp::Seconds { Stamp::Micros } else { stamp };
                stamp::absolute(&mut self.line, stamp, self.options.clock, time);
            }
            None => stamp::seconds(&mut self.line, time.into(), 1),
        }
    }
}
