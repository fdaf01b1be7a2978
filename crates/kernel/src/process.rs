//! Processes that run already: their threads, and what `/proc` says about them.

use std::fs;
use std::io;

use crate::refusal::Error;
use crate::tasks::Tasks;

/// One thread as `/proc` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Thread id.
    pub tid: i32,
    /// Thread group.
    pub pid: i32,
    /// Parent of the group.
    pub ppid: i32,
    /// Command name, at most 15 bytes.
    pub name: Vec<u8>,
}

/// Rounds of looking for threads that were made while the others were being marked.
const ROUNDS: usize = 100;

/// Thread id in the initial pid namespace has this inode (`PROC_PID_INIT_INO` of the kernel).
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

/// True when thread ids mean the same here and in the kernel.
pub fn in_initial_pid_namespace() -> bool {
    fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == INITIAL_PID_NAMESPACE)
}

/// The calling thread's id.
pub fn this_thread() -> i32 {
    // SAFETY: takes nothing, always succeeds.
    unsafe { libc::gettid() }
}

/// The effective user.
pub fn effective_user() -> u32 {
    // SAFETY: takes nothing, always succeeds.
    unsafe { libc::geteuid() }
}

/// The thread with that id.
pub fn thread(tid: i32) -> io::Result<Thread> {
    let stat = fs::read(format!("/proc/{tid}/stat"))?;
    let status = fs::read_to_string(format!("/proc/{tid}/status"))?;
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or_default()
    };
    // The name stands in parentheses and may hold any byte, parentheses included.
    let open = stat.iter().position(|b| *b == b'(').map_or(0, |at| at + 1);
    let close = stat.iter().rposition(|b| *b == b')').unwrap_or(open);
    let name = stat.get(open..close).unwrap_or_default().to_vec();
    Ok(Thread { tid, pid: field("Tgid:"), ppid: field("PPid:"), name })
}

/// Ids of all threads of a process.
pub fn threads(pid: i32) -> io::Result<Vec<i32>> {
    let mut tids = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        tids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(tids)
}

/// Ids of all processes.
pub fn processes() -> io::Result<Vec<i32>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(pids)
}

/// Marks a running process with all its threads, those included that are being made meanwhile: a thread is either found
/// here or marked by the kernel because its maker was. Returns the threads.
pub fn attach(tasks: &Tasks, pid: i32) -> Result<Vec<Thread>, Error> {
    let failed = |source| Error::Process { pid, source };
    let mut marked = Vec::new();
    for _ in 0..ROUNDS {
        let fresh: Vec<i32> =
            threads(pid).map_err(failed)?.into_iter().filter(|tid| !tasks.is_marked(*tid)).collect();
        if fresh.is_empty() {
            break;
        }
        for tid in fresh {
            tasks.mark(tid);
            marked.push(tid);
        }
    }
    Ok(marked.into_iter().filter_map(|tid| thread(tid).ok()).collect())
}
