//! One system call, as far as it is known.

use std::sync::Arc;

use ctf::Value;
use schema::ast::Stored;
use schema::layout::State;
use schema::{Abi, Syscall};

use crate::thread::Comm;

/// A system call of one thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which thread, counted through the trace: unlike `tid`, never used twice.
    pub thread: u64,
    /// The thread's number at the end of the call (it changes when a thread that is not the leader calls `execve`).
    pub tid: i32,
    /// Its process (thread group), when known.
    pub pid: Option<i32>,
    /// Its command name, when known.
    pub comm: Option<Comm>,
    /// CPU of the last event seen of the call.
    pub cpu: u32,
    /// How it came in.
    pub abi: Abi,
    /// Its number, when known.
    pub nr: Option<i64>,
    /// Its public name; `syscall_0x1f4` when it has none.
    pub name: Arc<str>,
    /// What the catalog says of it. When present, `args` and `syscall.args` agree in order and number.
    pub syscall: Option<Arc<Syscall>>,
    /// Clock value at entry; `None` when the entry is not in the trace.
    pub entry_time: Option<u64>,
    /// Clock value at exit; `None` when there was none or it is not in the trace.
    pub exit_time: Option<u64>,
    /// Arguments in register order. Without an entry: those that the catalog names, mostly without a value.
    pub args: Vec<ArgValue>,
    /// How it ended.
    pub outcome: Outcome,
    /// Records were lost while it was open: entry and exit may belong to two calls of the same name.
    pub across_loss: bool,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned this.
    Returned(i64),
    /// The thread ended inside it: `exit`, or a fatal signal.
    NoReturn,
    /// The thread went on to another call, so it did return, but that is not in the trace.
    ExitLost,
    /// It was still open at the end of the trace, for this long (ns).
    Open(u64),
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgValue {
    /// The argument's name, as the kernel spells it.
    pub name: Arc<str>,
    /// The register: sign- or zero-extended from its stored width. `None` without an entry.
    pub raw: Option<u64>,
    /// Width and sign in the record.
    pub stored: Stored,
    /// What the pointer led to at entry (or, when that failed, a second reading at exit).
    pub before: Option<Pointee>,
    /// What the kernel wrote there, read at exit.
    pub after: Option<Pointee>,
    /// What was reached through what the pointer led to: members that are pointers themselves.
    pub parts: Vec<Part>,
}

/// What a pointer inside a pointee led to: `msg_iov` of a `msghdr`; `load`, the bytes that an `iovec` row describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The member's name; `MEMBER_load` for what the rows of a member lead to.
    pub name: Arc<str>,
    /// What was there at entry (or, when that failed, a second reading at exit).
    pub before: Option<Pointee>,
    /// What was there at exit.
    pub after: Option<Pointee>,
}

/// What was read through a pointer.
#[derive(Clone, Debug, PartialEq)]
pub struct Pointee {
    /// How the reading went.
    pub state: State,
    /// What is there. Unless `state` is `Ok` or `Cut` that is nothing, but what came before a fault in a row or vector.
    pub content: Content,
    /// When it was read.
    pub read: Read,
}

/// When a pointee was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// At entry, before the kernel looked.
    Entry,
    /// At exit, as the kernel's answer.
    Exit,
    /// At exit, because it was not readable at entry.
    Again,
    /// From the kernel's own copy that `sched_process_exec` carries.
    Exec,
}

/// Bytes behind a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing was read.
    Nothing,
    /// A string, without its NUL.
    Text(Vec<u8>),
    /// A vector of strings; of a part that is a load, its pieces.
    Texts(Vec<Vec<u8>>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Only how many elements there are.
    Count(u64),
}

impl Call {
    /// The result, when it is known.
    pub fn ret(&self) -> Option<i64> {
        match self.outcome {
            Outcome::Returned(ret) => Some(ret),
            _ => None,
        }
    }

    /// Nanoseconds from entry to exit.
    pub fn duration(&self) -> Option<u64> {
        self.exit_time?.checked_sub(self.entry_time?)
    }

    /// An argument by name.
    pub fn arg(&self, name: &str) -> Option<&ArgValue> {
        self.args.iter().find(|arg| &*arg.name == name)
    }
}

impl ArgValue {
    /// An argument of which only the register is known.
    pub fn register(name: Arc<str>, raw: Option<u64>, stored: Stored) -> ArgValue {
        ArgValue { name, raw, stored, before: None, after: None, parts: Vec::new() }
    }

    /// A part by its name.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| &*part.name == name)
    }
}

impl Pointee {
    /// True when there is something to show.
    pub fn is_readable(&self) -> bool {
        matches!(self.state, State::Ok | State::Cut)
    }
}

impl Content {
    pub(crate) fn from_value(value: Option<Value>) -> Self {
        match value {
            Some(Value::Str(text)) => Content::Text(text),
            Some(Value::Bytes(bytes)) => Content::Bytes(bytes),
            Some(Value::List(list)) => {
                let texts = list.into_iter().map(|value| match value {
                    Value::Str(text) | Value::Bytes(text) => text,
                    _ => Vec::new(),
                });
                Content::Texts(texts.collect())
            }
            _ => Content::Nothing,
        }
    }
}

/// The state with that value in a record (`docs/format.md`). An unknown value means that the content cannot be used.
pub fn state(value: u64) -> State {
    match value {
        0 => State::Ok,
        1 => State::Cut,
        2 => State::Fault,
        3 => State::Null,
        _ => State::Off,
    }
}
