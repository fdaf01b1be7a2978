//! `forks [N] [CPU]`: makes N children by raw clone(SIGCHLD); the first instruction that a child executes makes
//! its first system call.
//!
//! Each child calls `getppid()` and `exit_group(0)`, nothing else. The parent waits for each child before the next.
//! Prints one line a child, `child PID`, then `calls N thread_ns N wall_ns N` with N counting the four calls of each
//! round: clone and wait4 in the parent, getppid and exit_group in the child.

use tracees::children::{Birth, child, reap};

fn main() {
    let count: usize = tracees::argument(1, 500);
    if let Some(cpu) = std::env::args().nth(2) {
        tracees::pin(cpu.parse().expect("a cpu number"));
    }
    let mut children = Vec::with_capacity(count);
    tracees::timed(4 * count as u64, || {
        for _ in 0..count {
            let pid = child(Birth::Clone, 0);
            children.push(pid);
            reap(pid, 0);
        }
    });
    for pid in children {
        println!("child {pid}");
    }
}
