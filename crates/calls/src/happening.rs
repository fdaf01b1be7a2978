//! What a reader of a trace is told, one at a time.

use std::sync::Arc;

use ctf::merge::Loss;

use crate::call::{Call, Pointee};
use crate::thread::Comm;
use schema::Abi;

/// One thing that happened, in the order in which it is shown: a call when it is over.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A call, over or not (see its `outcome`).
    Call(Call),
    /// A signal is delivered.
    Signal(Signal),
    /// A thread ends.
    Exit(ThreadExit),
    /// The leader of a process vanishes because another thread of it calls `execve`.
    Superseded(Superseded),
    /// A thread or process begins.
    Fork(Fork),
    /// A process runs a new program.
    Exec(Exec),
    /// A thread makes its calls in another convention than before.
    Mode(Mode),
    /// Records are missing here.
    Loss(Loss),
    /// Something cannot be read here.
    Damage(Damage),
}

/// Delivery of a signal (`signal:signal_deliver`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Clock value.
    pub time: u64,
    /// CPU.
    pub cpu: u32,
    /// The thread that gets it.
    pub tid: i32,
    /// Its process, when known.
    pub pid: Option<i32>,
    /// Its command name, when known.
    pub comm: Option<Comm>,
    /// Number.
    pub sig: i32,
    /// `si_errno`.
    pub errno: i32,
    /// `si_code`.
    pub code: i32,
    /// The first 32 bytes of the union of `siginfo`, little endian.
    pub info: [u64; 4],
}

/// End of a thread (`sched:sched_process_exit`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadExit {
    /// Clock value.
    pub time: u64,
    /// CPU.
    pub cpu: u32,
    /// The thread.
    pub tid: i32,
    /// Its process, when known.
    pub pid: Option<i32>,
    /// Its command name, when known.
    pub comm: Option<Comm>,
    /// As the kernel has it: low 7 bits signal, 0x80 core dumped, status << 8.
    pub code: i32,
}

/// A thread's identity was taken over by another thread of its process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superseded {
    /// Clock value.
    pub time: u64,
    /// CPU.
    pub cpu: u32,
    /// The leader that vanished; the other thread goes on under this number.
    pub tid: i32,
    /// Number that the other thread had until now.
    pub by: i32,
}

/// A new thread or process (`sched:sched_process_fork`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Clock value.
    pub time: u64,
    /// The thread that made it.
    pub parent_tid: i32,
    /// Process of that thread.
    pub parent_pid: Option<i32>,
    /// The new thread.
    pub child_tid: i32,
    /// Its process: another one than the parent's unless it is a thread.
    pub child_pid: Option<i32>,
}

/// A new program (`sched:sched_process_exec`).
#[derive(Clone, Debug, PartialEq)]
pub struct Exec {
    /// Clock value.
    pub time: u64,
    /// The thread, as it is numbered from now on.
    pub tid: i32,
    /// Its number before.
    pub old_tid: i32,
    /// New command name.
    pub comm: Option<Comm>,
    /// Path of the program, from the kernel's own copy.
    pub filename: Option<Pointee>,
    /// Its arguments, from its new memory.
    pub argv: Option<Pointee>,
}

/// Change of the calling convention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Clock value of the first call in the new convention.
    pub time: u64,
    /// The thread.
    pub tid: i32,
    /// Its process, when known.
    pub pid: Option<i32>,
    /// The new convention.
    pub abi: Abi,
}

/// A place that cannot be read (`ctf::merge::Damage`, its cause in words).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Name of the stream.
    pub stream: Arc<str>,
    /// CPU of the stream, when a packet of it has told.
    pub cpu: Option<u32>,
    /// Clock value up to which the stream was read.
    pub time: u64,
    /// What is wrong.
    pub cause: String,
}
