//! Events of the lifecycle stream, taken apart.

use ctf::{Event, Value};
use schema::layout::State;

use crate::call::{Content, Pointee, Read, state};
use crate::happening::{Exec, Fork, Signal, ThreadExit};
use crate::thread::Comm;

/// An event about a thread or process (`docs/format.md`, stream 1).
#[derive(Clone, Debug, PartialEq)]
pub enum Lifecycle {
    /// `lttng_statedump_process_state`: a thread that ran before tracing began.
    State {
        /// The thread.
        tid: i32,
        /// Its process.
        pid: Option<i32>,
        /// Its command name.
        comm: Option<Comm>,
    },
    /// `sched_process_fork`, with the child's command name.
    Fork(Fork, Option<Comm>),
    /// `sched_process_exec`, with the process.
    Exec(Exec, Option<i32>),
    /// `sched_process_exit`.
    Exit(ThreadExit),
    /// `signal_deliver`. Its `pid` and `comm` are not in the event.
    Signal(Signal),
}

impl Lifecycle {
    /// The event as one of these; `None` for other events and for those without the fields that matter.
    pub fn of(event: &Event) -> Option<Lifecycle> {
        match event.name() {
            "lttng_statedump_process_state" => Some(Lifecycle::State {
                tid: number(event, "tid")?,
                pid: number(event, "pid"),
                comm: comm(event.field("name")),
            }),
            "sched_process_fork" => {
                let fork = Fork {
                    time: event.time,
                    parent_tid: number(event, "parent_tid").or_else(|| tid(event))?,
                    parent_pid: number(event, "parent_pid"),
                    child_tid: number(event, "child_tid")?,
                    child_pid: number(event, "child_pid"),
                };
                Some(Lifecycle::Fork(fork, comm(event.field("child_comm"))))
            }
            "sched_process_exec" => {
                let new = tid(event)?;
                let exec = Exec {
                    time: event.time,
                    tid: new,
                    old_tid: number(event, "old_tid").unwrap_or(new),
                    comm: comm(event.field("comm")),
                    filename: filename(event),
                    argv: argv(event),
                };
                Some(Lifecycle::Exec(exec, number(event, "pid")))
            }
            "sched_process_exit" => Some(Lifecycle::Exit(ThreadExit {
                time: event.time,
                cpu: event.cpu,
                tid: tid(event)?,
                pid: number(event, "pid"),
                comm: comm(event.field("comm")),
                code: number(event, "exit_code").unwrap_or(0),
            })),
            "signal_deliver" => {
                let word = |name| event.field(name).and_then(Value::bits).unwrap_or(0);
                Some(Lifecycle::Signal(Signal {
                    time: event.time,
                    cpu: event.cpu,
                    tid: tid(event)?,
                    pid: None,
                    comm: None,
                    sig: number(event, "sig")?,
                    errno: number(event, "errno").unwrap_or(0),
                    code: number(event, "code").unwrap_or(0),
                    info: [word("si0"), word("si1"), word("si2"), word("si3")],
                }))
            }
            _ => None,
        }
    }
}

/// The thread that an event belongs to (`tid` of `event.context`).
pub fn tid(event: &Event) -> Option<i32> {
    event.context_field("tid").and_then(Value::bits).map(|bits| bits as i32)
}

fn number(event: &Event, name: &str) -> Option<i32> {
    event.field(name).and_then(Value::bits).map(|bits| bits as i32)
}

/// Text of a fixed-size array, up to its NUL.
fn comm(value: Option<&Value>) -> Option<Comm> {
    let (Value::Str(bytes) | Value::Bytes(bytes)) = value? else { return None };
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    (!text.is_empty()).then(|| text.into())
}

/// The arguments, which the kernel keeps one behind the other, each with its NUL.
fn argv(event: &Event) -> Option<Pointee> {
    let state = event.field("argv_state").and_then(Value::bits).map(state)?;
    let Some(Value::Bytes(bytes)) = event.field("argv_data") else { return None };
    let texts = bytes.strip_suffix(&[0]).unwrap_or(bytes).split(|byte| *byte == 0);
    let content = Content::Texts(texts.map(<[u8]>::to_vec).collect());
    matches!(state, State::Ok | State::Cut).then_some(Pointee { state, content, read: Read::Exec })
}

fn filename(event: &Event) -> Option<Pointee> {
    let state = event.field("filename_state").and_then(Value::bits).map_or(State::Ok, state);
    let Some(Value::Str(text)) = event.field("filename") else { return None };
    let readable = matches!(state, State::Ok | State::Cut);
    readable.then(|| Pointee { state, content: Content::Text(text.clone()), read: Read::Exec })
}
