//! `vfork [N]`: N times vfork; the child calls `getppid()` and `exit_group(7)` while the parent is suspended.
//!
//! Prints `child PID` for each. In the parent, between the marks, N times: `vfork() = PID`,
//! `wait4(PID, [{WIFEXITED(s) && WEXITSTATUS(s) == 7}], 0, NULL) = PID`.

fn main() {
    let count: usize = tracees::argument(1, 10);
    let mut children = Vec::with_capacity(count);
    tracees::mark();
    for _ in 0..count {
        let pid = tracees::vfork_child();
        assert!(pid > 0, "vfork: {pid}");
        children.push(pid);
        let mut status = 0_i32;
        // SAFETY: the kernel fills one int.
        let ret = unsafe { tracees::raw(libc::SYS_wait4, [pid as u64, &raw mut status as u64, 0, 0, 0, 0]) };
        assert_eq!((ret, status), (pid, 7 << 8));
    }
    tracees::mark();
    for pid in children {
        println!("child {pid}");
    }
}
