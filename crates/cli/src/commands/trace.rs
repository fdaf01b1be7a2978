//! `syscribe PROG`: calls as text while they complete.
//!
//! Two threads: one moves records out of the rings, so that a burst of calls waits in memory and not in the rings; the other
//! makes text of them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use ctf::read::Decoder;
use kernel::signals;
use schema::lower::Plan;

use crate::args::{Style, Trace};
use crate::live::{Batch, Order};
use crate::pace::Pace;
use crate::recording::{Prepared, Recording, Wanted};
use crate::state::state_packet;
use crate::status::Status;
use crate::targets::Targets;
use crate::text::{Text, Wish};

/// Longest time between two looks at idle rings: what a user waits for a line.
const LONGEST: Duration = Duration::from_millis(10);
/// Bytes of records that may wait for the text; more stay in the rings, where what does not fit is counted as lost.
const QUEUE: usize = 1 << 30;
/// After a signal, how long the program may take to end by it before it is left alone.
const GRACE: Duration = Duration::from_millis(200);
/// `O_NOFOLLOW` of Linux on x86-64.
const O_NOFOLLOW: i32 = 0o400_000;

/// Runs the command.
pub fn run(trace: &Trace) -> Result<Status> {
    let command = Targets::find(&trace.target)?;
    let plan = Plan { data: trace.look.string.unwrap_or(Plan::default().data), ..Plan::default() };
    let prepared = Prepared::new(&Wanted { select: &trace.select, plan, buffer: trace.buffer })?;
    signals::catch_stop();
    let notes = prepared.notes.clone();
    let compat = Targets::expect_compat(&trace.target, command.as_ref());
    let mut recording = prepared.start(compat, |_, _| Ok(()))?;
    if !trace.quiet {
        notes.iter().for_each(|note| eprintln!("syscribe: {note}"));
    }
    let (mut targets, threads) = Targets::start(&recording, &trace.target, command)?;
    let output = output(trace.output.as_deref())?;
    let decoder = Arc::new(Decoder::new(Arc::clone(&recording.types))?);
    let mut order = Order::new(decoder);
    order.packet(&state_packet(&recording.types, &threads, kernel::clock::monotonic())?)?;
    let text = if trace.count {
        Text::counting()
    } else {
        Text::new(
            &Wish { style: Style::Strace, types: false, look: &trace.look, to_file: trace.output.is_some() },
            &recording.types,
            Some(Arc::clone(&recording.catalog)),
        )
    };
    if let Some(signal) = signals::asked_to_stop() {
        return Ok(Status::Signal(signal));
    }
    targets.release()?;
    if !trace.quiet {
        for pid in targets.attached() {
            eprintln!("syscribe: Process {pid} attached");
        }
    }
    follow(trace, &mut recording, &mut targets, Printer { order, text, output })
}

/// Standard error, or a file that replaces what had its name.
fn output(path: Option<&Path>) -> Result<Box<dyn Write + Send>> {
    let Some(path) = path else { return Ok(Box::new(io::stderr())) };
    let file = if path.starts_with("/dev") || path.starts_with("/proc") {
        File::options().write(true).open(path)
    } else {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(O_NOFOLLOW)
            .open(path)
    };
    Ok(Box::new(file.with_context(|| format!("cannot write {}", path.display()))?))
}

/// Drains until nobody is left to follow or a signal asks to stop.
fn follow(
    trace: &Trace,
    recording: &mut Recording,
    targets: &mut Targets,
    printer: Printer,
) -> Result<Status> {
    let queued = Arc::new(AtomicUsize::new(0));
    let (sender, receiver) = mpsc::channel();
    let printing = {
        let queued = Arc::clone(&queued);
        thread::spawn(move || printer.run(&receiver, &queued))
    };
    let mut pace = Pace::new(recording.buffer, LONGEST);
    let mut stop = Stop::new(trace.output.is_some() && !trace.target.program.is_empty());
    let mut listening = true;
    while !targets.all_ended(&recording.session) && !stop.now(targets) {
        let busy = listening && drain(recording, &sender, &queued, &mut listening);
        if !listening {
            // Nobody reads the text: the targets go on without probes.
            recording.session.stop();
        }
        pace.sleep(busy | recording.load_more());
    }
    recording.session.stop();
    // An error means that the printer has ended; its result says why.
    let _ = sender.send(Batch::last(&mut recording.session));
    drop(sender);
    printing.join().map_err(|_| anyhow!("the thread that makes the text has failed"))??;
    Ok(match (targets.status(), signals::asked_to_stop()) {
        (Some(status), _) => Status::Program(status),
        (None, Some(signal)) => {
            if !trace.quiet {
                for pid in targets.attached() {
                    eprintln!("syscribe: Process {pid} detached");
                }
            }
            Status::Signal(signal)
        }
        (None, None) => Status::Success,
    })
}

/// One look at the rings; true when something was found.
fn drain(
    recording: &mut Recording,
    sender: &Sender<Batch>,
    queued: &AtomicUsize,
    listening: &mut bool,
) -> bool {
    if queued.load(Ordering::Relaxed) > QUEUE {
        return false;
    }
    let batch = Batch::take(&mut recording.session);
    let bytes = batch.bytes();
    queued.fetch_add(bytes, Ordering::Relaxed);
    // Also without pieces: the time in it lets the printer show what waits.
    *listening = sender.send(batch).is_ok();
    bytes > 0
}

/// When a signal ends the following. With a file for the text and a program of our own the first signal is left to the
/// program, as strace does; otherwise the program gets a moment to end by the same signal.
struct Stop {
    patient: bool,
    since: Option<Instant>,
}

impl Stop {
    fn new(patient: bool) -> Stop {
        Stop { patient, since: None }
    }

    fn now(&mut self, targets: &Targets) -> bool {
        if signals::asked_to_stop().is_none() {
            return false;
        }
        if targets.only_attached() {
            return true;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.patient { signals::times_asked() > 1 } else { since.elapsed() > GRACE }
    }
}

/// The thread that makes text.
struct Printer {
    order: Order,
    text: Text,
    output: Box<dyn Write + Send>,
}

impl Printer {
    fn run(mut self, batches: &Receiver<Batch>, queued: &AtomicUsize) -> Result<()> {
        let mut out = BufWriter::with_capacity(1 << 16, &mut self.output);
        for batch in batches {
            queued.fetch_sub(batch.bytes().min(queued.load(Ordering::Relaxed)), Ordering::Relaxed);
            for mut item in self.order.take(&batch)? {
                self.text.item(&mut item, &mut out)?;
            }
            out.flush()?;
        }
        self.text.finish(kernel::clock::monotonic(), &mut out)?;
        out.flush()?;
        Ok(())
    }
}
