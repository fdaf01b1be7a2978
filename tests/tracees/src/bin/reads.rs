//! `reads [CALLS] [CPU]`: reads one byte of /dev/zero at a time.
//!
//! Prints `calls N thread_ns N wall_ns N`. Between the marks: exactly CALLS times `read(FD, "\0", 1) = 1`.

use std::fs::File;
use std::os::fd::AsRawFd;

fn main() {
    let calls: u64 = tracees::argument(1, 1_000_000);
    if let Some(cpu) = std::env::args().nth(2) {
        tracees::pin(cpu.parse().expect("a cpu number"));
    }
    let zero = File::open("/dev/zero").expect("/dev/zero opens");
    let (fd, mut byte) = (zero.as_raw_fd() as u64, 0_u8);
    tracees::timed(calls, || {
        for _ in 0..calls {
            // SAFETY: the kernel writes one byte, and `byte` is one.
            let ret = unsafe { tracees::raw(libc::SYS_read, [fd, &raw mut byte as u64, 1, 0, 0, 0]) };
            assert_eq!(ret, 1);
        }
    });
}
