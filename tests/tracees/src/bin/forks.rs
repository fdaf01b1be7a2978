//! `forks [N] [CPU]`: makes N children by raw clone(SIGCHLD); the first instruction that a child executes makes
//! its first system call.
//!
//! Each child calls `getppid()` and `exit_group(0)`, nothing else. The parent waits for each child before the next.
//! Prints one line a child, `child PID`, then `calls N thread_ns N wall_ns N` with N counting the four calls of each
//! round: clone and wait4 in the parent, getppid and exit_group in the child.

use std::arch::asm;

/// clone(SIGCHLD); in the child getppid() and exit_group(0). Returns the child's pid.
fn clone_child() -> i64 {
    let ret: i64;
    // SAFETY: a copy of the address space: what the child does on it, and it touches no memory, the parent
    // never sees.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov eax, {getppid}",
            "syscall",
            "mov eax, {exit_group}",
            "xor edi, edi",
            "syscall",
            "ud2",
            "2:",
            getppid = const libc::SYS_getppid,
            exit_group = const libc::SYS_exit_group,
            inlateout("rax") libc::SYS_clone => ret,
            inlateout("rdi") libc::SIGCHLD as u64 => _,
            in("rsi") 0_u64,
            in("rdx") 0_u64,
            in("r10") 0_u64,
            in("r8") 0_u64,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    ret
}

fn main() {
    let count: usize = tracees::argument(1, 500);
    if let Some(cpu) = std::env::args().nth(2) {
        tracees::pin(cpu.parse().expect("a cpu number"));
    }
    let mut children = Vec::with_capacity(count);
    tracees::timed(4 * count as u64, || {
        for _ in 0..count {
            let pid = clone_child();
            assert!(pid > 0, "clone: {pid}");
            children.push(pid);
            let mut status = 0_i32;
            // SAFETY: the kernel fills one int.
            let ret =
                unsafe { tracees::raw(libc::SYS_wait4, [pid as u64, &raw mut status as u64, 0, 0, 0, 0]) };
            assert_eq!((ret, status), (pid, 0));
        }
    });
    for pid in children {
        println!("child {pid}");
    }
}
