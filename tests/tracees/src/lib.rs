//! What the tracees have in common: exact system calls, and the printing of the truth about them.
//!
//! A tracee makes calls whose number, order, arguments and results it knows, and says so on stdout. The tests compare
//! that with what a tracer wrote down. The C library and the Rust runtime make calls of their own (at start, at exit, to
//! print), so the calls that count stand between two marks: see [`mark`].

pub mod children;

use std::arch::asm;
use std::mem::MaybeUninit;
use std::str::FromStr;

/// The file descriptor that nobody has: `close(MARK)` fails with `EBADF`, and is what [`mark`] calls.
pub const MARK: i32 = -1000;

/// Makes one x86_64 system call, with all six registers, and returns what the kernel left in `rax`:
/// a result, or an error as a negative number (`-libc::ENOENT`).
///
/// # Safety
///
/// The call must not break what Rust relies on: pointers that the kernel writes through must be valid for it.
pub unsafe fn raw(number: i64, args: [u64; 6]) -> i64 {
    let ret: i64;
    // SAFETY: the instruction clobbers rcx, r11 and rax only; what the call does is the caller's promise.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => ret,
            in("rdi") args[0],
            in("rsi") args[1],
            in("rdx") args[2],
            in("r10") args[3],
            in("r8") args[4],
            in("r9") args[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    ret
}

/// Makes one i386 system call from this 64-bit program, with all six registers, and returns what the kernel left in `eax`. A
/// kernel without 32-bit calls answers with SIGSEGV.
///
/// # Safety
///
/// As for [`raw`].
pub unsafe fn int80(number: u32, args: [u32; 6]) -> i32 {
    let ret: u64;
    // SAFETY: rbx and rbp, which the compiler reserves, are put back; the kernel clobbers r8 to r11 at most. What the call
    // does is the caller's promise.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "mov ebx, [r12]",
            "mov ecx, [r12 + 4]",
            "mov edx, [r12 + 8]",
            "mov esi, [r12 + 12]",
            "mov edi, [r12 + 16]",
            "mov ebp, [r12 + 20]",
            "int 0x80",
            "pop rbp",
            "pop rbx",
            in("r12") args.as_ptr(),
            inlateout("rax") u64::from(number) => ret,
            lateout("rcx") _, lateout("rdx") _, lateout("rsi") _, lateout("rdi") _,
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _,
        );
    }
    ret as u32 as i32
}

/// `getppid()`: the cheapest call that always enters the kernel and never fails.
pub fn getppid() -> i64 {
    // SAFETY: getppid takes no argument and writes nothing.
    unsafe { raw(libc::SYS_getppid, [0; 6]) }
}

/// `gettid()`, from the kernel and not from a cache.
pub fn gettid() -> i64 {
    // SAFETY: gettid takes no argument and writes nothing.
    unsafe { raw(libc::SYS_gettid, [0; 6]) }
}

/// Marks a place in the sequence of calls: `close(-1000) = -1 EBADF`. The calls between two marks of one thread
/// are exactly those that the tracee's documentation lists.
pub fn mark() {
    // SAFETY: closing a descriptor that does not exist changes nothing.
    let ret = unsafe { raw(libc::SYS_close, [MARK as u64, 0, 0, 0, 0, 0]) };
    assert_eq!(ret, -i64::from(libc::EBADF));
}

/// The CPU time of the calling thread so far, in nanoseconds (`CLOCK_THREAD_CPUTIME_ID`).
pub fn thread_cpu_ns() -> u64 {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// `CLOCK_MONOTONIC` in nanoseconds.
pub fn monotonic_ns() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

fn clock(id: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec.
    let ret = unsafe { libc::clock_gettime(id, &raw mut now) };
    assert_eq!(ret, 0, "clock {id}");
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Keeps the calling thread on one CPU.
pub fn pin(cpu: usize) {
    let mut set = [0_u64; 16];
    set[cpu / 64] = 1 << (cpu % 64);
    // SAFETY: the mask is 128 bytes, as said.
    let ret = unsafe { raw(libc::SYS_sched_setaffinity, [0, 128, set.as_ptr() as u64, 0, 0, 0]) };
    assert_eq!(ret, 0, "cannot run on cpu {cpu}");
}

/// Command line argument `index` (1 is the first), or `default` where there is none.
///
/// Ends the program with status 2 when the argument does not parse.
pub fn argument<T: FromStr>(index: usize, default: T) -> T {
    match std::env::args().nth(index) {
        None => default,
        Some(text) => text.parse().unwrap_or_else(|_| {
            eprintln!("argument {index}: cannot read {text:?}");
            std::process::exit(2)
        }),
    }
}

/// Runs `work`, which makes `calls` system calls between two marks, and prints one line:
/// `calls N thread_ns N wall_ns N`, the cost of the work alone. `thread_ns` is the CPU time of this thread and of all
/// children that it has waited for.
pub fn timed(calls: u64, work: impl FnOnce()) {
    let (cpu, wall) = (thread_cpu_ns() + children_cpu_ns(), monotonic_ns());
    mark();
    work();
    mark();
    let (cpu, wall) = (thread_cpu_ns() + children_cpu_ns() - cpu, monotonic_ns() - wall);
    println!("calls {calls} thread_ns {cpu} wall_ns {wall}");
}

/// The CPU time of the children that have ended and were waited for, in nanoseconds (the kernel counts microseconds).
pub fn children_cpu_ns() -> u64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the kernel fills a struct rusage, and `usage` is one.
    let ret = unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr()) };
    assert_eq!(ret, 0, "getrusage");
    // SAFETY: all zero is a valid rusage, and the kernel has filled it.
    let usage = unsafe { usage.assume_init() };
    let ns = |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1000;
    ns(usage.ru_utime) + ns(usage.ru_stime)
}

/// The name of an error as `errno(3)` has it, for the few that tracees provoke.
fn error_name(errno: i64) -> Option<&'static str> {
    Some(match errno as i32 {
        libc::ENOENT => "ENOENT",
        libc::EBADF => "EBADF",
        libc::EFAULT => "EFAULT",
        libc::EINVAL => "EINVAL",
        libc::ENAMETOOLONG => "ENAMETOOLONG",
        libc::ENOSYS => "ENOSYS",
        libc::E2BIG => "E2BIG",
        libc::EPERM => "EPERM",
        libc::EACCES => "EACCES",
        _ => return None,
    })
}

/// A result as the tests compare it: `3`, or `-ENOENT`, or the bare negative number of a rarer error.
pub fn result(ret: i64) -> String {
    match error_name(-ret) {
        Some(name) if ret < 0 => format!("-{name}"),
        _ => ret.to_string(),
    }
}
