//! The set of traced threads: one byte per thread id, shared with the probes. Meaning of the bits: [`probe::dispatch`].

use std::sync::atomic::Ordering;

use probe::dispatch::{MARKED, TASKS};

use crate::bpf::Map;
use crate::mapping::Mapping;
use crate::refusal::Error;

/// The table.
#[derive(Debug)]
pub struct Tasks {
    mapping: Mapping,
}

impl Tasks {
    /// Makes the table, empty: nobody is traced.
    pub fn create() -> Result<(Map, Tasks), Error> {
        let map = Map::mapped_array("tasks", TASKS, 1)?;
        let mapping = Mapping::new(&map, TASKS as usize)?;
        Ok((map, Tasks { mapping }))
    }

    fn byte(tid: i32) -> usize {
        (tid as u32 & (TASKS - 1)) as usize
    }

    /// Marks a thread; its children will be marked by the kernel. One plain store, so a child process may do it between
    /// `fork` and `execve`.
    pub fn mark(&self, tid: i32) {
        self.mapping.byte(Tasks::byte(tid)).fetch_or(MARKED, Ordering::SeqCst);
    }

    /// Takes the mark away.
    pub fn unmark(&self, tid: i32) {
        self.mapping.byte(Tasks::byte(tid)).fetch_and(!MARKED, Ordering::SeqCst);
    }

    /// True when the thread is marked.
    pub fn is_marked(&self, tid: i32) -> bool {
        self.mapping.byte(Tasks::byte(tid)).load(Ordering::SeqCst) & MARKED != 0
    }

    /// From now on all threads are traced except the marked ones.
    pub fn trace_all_but_marked(&self) {
        self.mapping.byte(0).store(MARKED, Ordering::SeqCst);
    }

    /// True when no thread is marked.
    pub fn is_empty(&self) -> bool {
        self.mapping.first_nonzero(1, TASKS as usize - 1).is_none()
    }

    /// Takes all marks away: no thread writes a record any more.
    pub fn clear(&self) {
        self.mapping.byte(0).store(0, Ordering::SeqCst);
        let mut from = 1;
        while let Some(at) = self.mapping.first_nonzero(from, TASKS as usize - from) {
            self.mapping.byte(at).store(0, Ordering::SeqCst);
            from = at + 1;
            if from >= TASKS as usize {
                break;
            }
        }
    }
}
