//! Children whose every system call is known: they execute nothing but `getppid()` and `exit_group(STATUS)`.

use std::arch::asm;

/// How a child comes into being.
#[derive(Clone, Copy, Debug)]
pub enum Birth {
    /// `clone(SIGCHLD)`: the child has a copy of the memory.
    Clone,
    /// `vfork()`: the child has the memory of its parent, which waits until the child has ended.
    Vfork,
}

/// Makes a child by that one raw call; the first instruction that the child executes makes its first system call. Returns its
/// pid.
pub fn child(birth: Birth, status: u64) -> i64 {
    let (number, flags) = match birth {
        Birth::Clone => (libc::SYS_clone, libc::SIGCHLD as u64),
        Birth::Vfork => (libc::SYS_vfork, 0),
    };
    let ret: i64;
    // SAFETY: the child touches no memory at all, so it does not matter whose it has.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov eax, {getppid}",
            "syscall",
            "mov eax, {exit_group}",
            "mov rdi, r12",
            "syscall",
            "ud2",
            "2:",
            getppid = const libc::SYS_getppid,
            exit_group = const libc::SYS_exit_group,
            inlateout("rax") number => ret,
            inlateout("rdi") flags => _,
            in("rsi") 0_u64,
            in("rdx") 0_u64,
            in("r10") 0_u64,
            in("r8") 0_u64,
            in("r12") status,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    assert!(ret > 0, "{birth:?}: {ret}");
    ret
}

/// `wait4(PID, &status, 0, NULL)` for a child that exits with this status.
pub fn reap(pid: i64, status: u64) {
    let mut found = 0_i32;
    // SAFETY: the kernel fills one int.
    let ret = unsafe { crate::raw(libc::SYS_wait4, [pid as u64, &raw mut found as u64, 0, 0, 0, 0]) };
    assert_eq!((ret, found), (pid, (status as i32) << 8));
}
