//! `vfork [N]`: N times vfork; the child calls `getppid()` and `exit_group(7)` while the parent is suspended.
//!
//! Prints `child PID` for each. In the parent, between the marks, N times: `vfork() = PID`,
//! `wait4(PID, [{WIFEXITED(s) && WEXITSTATUS(s) == 7}], 0, NULL) = PID`.

use tracees::children::{Birth, child, reap};

fn main() {
    let count: usize = tracees::argument(1, 10);
    let mut children = Vec::with_capacity(count);
    tracees::mark();
    for _ in 0..count {
        let pid = child(Birth::Vfork, 7);
        children.push(pid);
        reap(pid, 7);
    }
    tracees::mark();
    for pid in children {
        println!("child {pid}");
    }
}
