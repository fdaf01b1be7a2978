//! `opens [ROUNDS] [CPU]`: opens, stats and closes /etc/passwd, over and over.
//!
//! Prints `calls N thread_ns N wall_ns N` with N = 3 * ROUNDS. Between the marks, ROUNDS times:
//! `openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = FD`, `fstat(FD, ...) = 0`, `close(FD) = 0`.

use std::mem::MaybeUninit;

fn main() {
    let rounds: u64 = tracees::argument(1, 200_000);
    if let Some(cpu) = std::env::args().nth(2) {
        tracees::pin(cpu.parse().expect("a cpu number"));
    }
    let path = c"/etc/passwd".as_ptr() as u64;
    let flags = (libc::O_RDONLY | libc::O_CLOEXEC) as u64;
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    tracees::timed(3 * rounds, || {
        for _ in 0..rounds {
            // SAFETY: the path is a C string.
            let fd = unsafe { tracees::raw(libc::SYS_openat, [libc::AT_FDCWD as u64, path, flags, 0, 0, 0]) };
            assert!(fd >= 0, "/etc/passwd: {fd}");
            // SAFETY: the kernel fills a struct stat, and `stat` is one.
            let ret =
                unsafe { tracees::raw(libc::SYS_fstat, [fd as u64, stat.as_mut_ptr() as u64, 0, 0, 0, 0]) };
            assert_eq!(ret, 0);
            // SAFETY: the descriptor is ours.
            let ret = unsafe { tracees::raw(libc::SYS_close, [fd as u64, 0, 0, 0, 0, 0]) };
            assert_eq!(ret, 0);
        }
    });
}
