//! `every_number COUNT`: one child for each number from 0 to COUNT - 1, which makes the call of that number with six times -1.
//!
//! Begins when stdin ends, so that a tracer can be set on it before. Nothing that these calls do can last: no pointer is valid, no
//! descriptor and no process exists, the children have no privilege and System V objects of their own, and who is still there
//! after 150 ms is killed. No number is left out. Needs root, to give it up. Prints one line for each: `NUMBER PID`.

use std::arch::asm;
use std::io::Read as _;

/// Nobody.
const UID: u64 = 65_534;

/// Milliseconds that a call may take: some wait for ever.
const PATIENCE: i32 = 150;

fn main() {
    let count: u64 = tracees::argument(1, 480);
    give_up_privileges();
    std::io::stdin().read_to_end(&mut Vec::new()).expect("stdin");
    for number in 0..count {
        println!("{number} {}", child(number));
    }
}

/// No privilege, and nothing shared but files: msgget(2) with all flags makes a queue.
fn give_up_privileges() {
    let calls: [(i64, [u64; 3]); 4] = [
        (libc::SYS_unshare, [libc::CLONE_NEWIPC as u64, 0, 0]),
        (libc::SYS_setgroups, [0; 3]),
        (libc::SYS_setresgid, [UID; 3]),
        (libc::SYS_setresuid, [UID; 3]),
    ];
    for (number, [a, b, c]) in calls {
        // SAFETY: these calls change ids and namespaces of the only thread there is; they touch no memory.
        let ret = unsafe { tracees::raw(number, [a, b, c, 0, 0, 0]) };
        assert_eq!(ret, 0, "call {number}: root is needed");
    }
}

/// Makes a child, lets it make its call, and waits for its end.
fn child(number: u64) -> i32 {
    // SAFETY: there is one thread; the child executes nothing of this program but the instructions of `call`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "{}", std::io::Error::last_os_error());
    if pid == 0 {
        call(number);
    }
    // SAFETY: a new descriptor, closed below.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) } as i32;
    assert!(fd >= 0, "{}", std::io::Error::last_os_error());
    let mut ended = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one pollfd. A child that has ended can be read.
    if unsafe { libc::poll(&raw mut ended, 1, PATIENCE) } == 0 {
        // SAFETY: the child has not been waited for, so that the number is its own.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
    // SAFETY: no status is asked for.
    let waited = unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    assert_eq!(waited, pid);
    // SAFETY: the descriptor is ours.
    unsafe { libc::close(fd) };
    pid
}

/// The call, then `exit_group(0)`. No stack is used: `fork` and `vfork` come back twice, perhaps to the same memory.
fn call(number: u64) -> ! {
    // SAFETY: nothing follows in this process; a call that changes its memory or never comes back does no harm.
    unsafe {
        asm!(
            "syscall",
            "mov eax, {exit_group}",
            "xor edi, edi",
            "syscall",
            "ud2",
            exit_group = const libc::SYS_exit_group,
            in("rax") number,
            in("rdi") u64::MAX,
            in("rsi") u64::MAX,
            in("rdx") u64::MAX,
            in("r10") u64::MAX,
            in("r8") u64::MAX,
            in("r9") u64::MAX,
            options(noreturn, nostack),
        );
    }
}
