//! `vfork [N]`: N times vfork; the child calls `getppid()` and `exit_group(7)` while the parent is suspended.
//!
//! Prints `child PID` for each. In the parent, between the marks, N times: `vfork() = PID`,
//! `wait4(PID, [{WIFEXITED(s) && WEXITSTATUS(s) == 7}], 0, NULL) = PID`.

use std::arch::asm;

/// vfork(); in the child getppid() and exit_group(7). Returns the child's pid.
fn vfork_child() -> i64 {
    let ret: i64;
    // SAFETY: the child shares the stack of its parent, and touches no memory at all.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov eax, {getppid}",
            "syscall",
            "mov eax, {exit_group}",
            "mov edi, 7",
            "syscall",
            "ud2",
            "2:",
            getppid = const libc::SYS_getppid,
            exit_group = const libc::SYS_exit_group,
            inlateout("rax") libc::SYS_vfork => ret,
            lateout("rdi") _,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    ret
}

fn main() {
    let count: usize = tracees::argument(1, 10);
    let mut children = Vec::with_capacity(count);
    tracees::mark();
    for _ in 0..count {
        let pid = vfork_child();
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
