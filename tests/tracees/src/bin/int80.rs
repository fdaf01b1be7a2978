//! `int80 [MS]`: 32-bit calls from a 64-bit program, through `int 0x80`; their numbers mean other calls than x86_64's.
//!
//! Sleeps MS milliseconds first (0). Between the marks, all by the i386 table: `getpid()` (20, which is writev on x86_64), `open("/etc/passwd", O_RDONLY)`
//! (5, fstat), `read(FD, BUF, 4)` (3, close), `close(FD)` (6, lstat), `lseek(-1, -1, 0)` (19, readv: the registers are 32
//! bits wide). Prints `i386 NAME RESULT` for each; the memory they point to lies below 4 GiB.
//!
//! Ends with status 77 where the kernel has no 32-bit calls.

use std::sync::atomic::{AtomicBool, Ordering};

static SEGFAULT: AtomicBool = AtomicBool::new(true);

/// Makes one i386 call with three arguments.
///
/// # Safety
///
/// As for any system call: what the kernel writes to must be valid.
unsafe fn int80(number: u32, a: u32, b: u32, c: u32) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { tracees::int80(number, [a, b, c, 0, 0, 0]) }
}

/// A kernel without 32-bit calls answers the first `int 0x80` with SIGSEGV.
extern "C" fn no_compat(_signal: libc::c_int) {
    let status = if SEGFAULT.load(Ordering::Relaxed) { 77 } else { 1 };
    // SAFETY: _exit may be called from a signal handler.
    unsafe { libc::_exit(status) }
}

fn main() {
    // SAFETY: the handler only calls _exit.
    unsafe { libc::signal(libc::SIGSEGV, no_compat as *const () as libc::sighandler_t) };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
    // SAFETY: a new private mapping.
    let low =
        unsafe { libc::mmap(std::ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    assert_ne!(low, libc::MAP_FAILED);
    let (path, low) = (b"/etc/passwd\0", low.cast::<u8>());
    // SAFETY: the mapping is 4096 bytes of ours.
    unsafe { std::ptr::copy_nonoverlapping(path.as_ptr(), low, path.len()) };
    let low = low as usize as u32;

    std::thread::sleep(std::time::Duration::from_millis(tracees::argument(1, 0)));
    tracees::mark();
    // SAFETY: getpid writes nothing.
    let pid = unsafe { int80(20, 0, 0, 0) };
    SEGFAULT.store(false, Ordering::Relaxed);
    // SAFETY: a C string below 4 GiB.
    let fd = unsafe { int80(5, low, libc::O_RDONLY as u32, 0) };
    // SAFETY: the mapping has room for 4 bytes at offset 64.
    let read = unsafe { int80(3, fd as u32, low + 64, 4) };
    // SAFETY: the descriptor is ours.
    let close = unsafe { int80(6, fd as u32, 0, 0) };
    // SAFETY: no pointer is passed.
    let lseek = unsafe { int80(19, u32::MAX, u32::MAX, 0) };
    tracees::mark();

    for (name, ret) in [("getpid", pid), ("open", fd), ("read", read), ("close", close), ("lseek", lseek)] {
        println!("i386 {name} {}", tracees::result(i64::from(ret)));
    }
}
