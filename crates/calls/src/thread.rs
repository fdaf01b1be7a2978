//! Who a thread is.

use std::sync::Arc;

use ctf::Event;
use foldhash::HashMap;

use crate::lifecycle::Lifecycle;

/// A command name (`task_struct.comm`): up to 15 bytes, any but NUL.
pub type Comm = Arc<[u8]>;

/// What is known of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Counted through the trace; never used twice, unlike a tid.
    pub key: u64,
    /// Its process (thread group).
    pub pid: Option<i32>,
    /// Its command name.
    pub comm: Option<Comm>,
}

/// All threads that are alive at one point of a trace.
#[derive(Clone, Debug, Default)]
pub struct Threads {
    alive: HashMap<i32, Thread>,
    next: u64,
    /// Has ended with the last event followed; it keeps its name until the next event.
    ended: Option<i32>,
}

impl Threads {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Threads::default()
    }

    /// A thread by its number.
    pub fn get(&self, tid: i32) -> Option<&Thread> {
        self.alive.get(&tid)
    }

    /// Learns from an event. The thread of a `sched_process_exit` is known until the next event is followed.
    pub fn follow(&mut self, event: &Event) {
        let lifecycle = Lifecycle::of(event);
        self.learn(lifecycle.as_ref());
    }

    /// The same with an event that is already taken apart.
    pub(crate) fn learn(&mut self, lifecycle: Option<&Lifecycle>) {
        if let Some(tid) = self.ended.take() {
            self.alive.remove(&tid);
        }
        match lifecycle {
            Some(Lifecycle::State { tid, pid, comm }) => {
                let thread = self.enter(*tid);
                thread.pid = thread.pid.or(*pid);
                if thread.comm.is_none() {
                    thread.comm.clone_from(comm);
                }
            }
            Some(Lifecycle::Fork(fork, comm)) => {
                // A number that begins again is another thread, even when the end of the old one was lost.
                self.alive.remove(&fork.child_tid);
                let parent = self.enter(fork.parent_tid);
                parent.pid = parent.pid.or(fork.parent_pid);
                let inherited = parent.comm.clone();
                let child = self.enter(fork.child_tid);
                child.pid = fork.child_pid;
                child.comm = comm.clone().or(inherited);
            }
            Some(Lifecycle::Exec(exec, pid)) => {
                if exec.old_tid != exec.tid
                    && let Some(thread) = self.alive.remove(&exec.old_tid)
                {
                    self.alive.insert(exec.tid, thread);
                }
                let thread = self.enter(exec.tid);
                thread.pid = pid.or(thread.pid);
                thread.comm.clone_from(&exec.comm);
            }
            Some(Lifecycle::Exit(exit)) => {
                let thread = self.enter(exit.tid);
                thread.pid = exit.pid.or(thread.pid);
                if exit.comm.is_some() {
                    thread.comm.clone_from(&exit.comm);
                }
                self.ended = Some(exit.tid);
            }
            Some(Lifecycle::Signal(_)) | None => {}
        }
    }

    /// The thread of that number, made known if it was not.
    pub(crate) fn enter(&mut self, tid: i32) -> &mut Thread {
        let next = &mut self.next;
        self.alive.entry(tid).or_insert_with(|| {
            *next += 1;
            Thread { key: *next, pid: None, comm: None }
        })
    }
}
