//! `hang`: prints `pid PID fd FD` and then blocks for ever in `read(FD, ..., 1)` on a pipe that nobody writes to.

use std::io::Write;

fn main() {
    let mut ends = [0_i32; 2];
    // SAFETY: room for two descriptors.
    let ret = unsafe { libc::pipe(ends.as_mut_ptr()) };
    assert_eq!(ret, 0);
    println!("pid {} fd {}", std::process::id(), ends[0]);
    std::io::stdout().flush().expect("stdout");
    let mut byte = 0_u8;
    // SAFETY: the kernel writes one byte at most, and `byte` is one.
    let ret = unsafe { tracees::raw(libc::SYS_read, [ends[0] as u64, &raw mut byte as u64, 1, 0, 0, 0]) };
    eprintln!("the read came back: {ret}");
    std::process::exit(1);
}
