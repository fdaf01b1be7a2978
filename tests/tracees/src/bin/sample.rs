//! `sample`: the calls of the mail that founded this (a shell putting its saved stdout back, 2009-03-23).
//!
//! Descriptor 10 is a copy of stdout, close-on-exec. Between the marks: `dup2(10, 1) = 1`, `fcntl(10, F_GETFD, 0) = 1`,
//! `close(10) = 0`. Prints `pid PID`.

fn main() {
    // SAFETY: a copy of our own stdout.
    let saved = unsafe { libc::dup3(1, 10, libc::O_CLOEXEC) };
    assert_eq!(saved, 10, "dup3");
    tracees::mark();
    // SAFETY: both descriptors are ours.
    let dup2 = unsafe { tracees::raw(libc::SYS_dup2, [10, 1, 0, 0, 0, 0]) };
    // SAFETY: reads a flag of a descriptor.
    let flags = unsafe { tracees::raw(libc::SYS_fcntl, [10, libc::F_GETFD as u64, 0, 0, 0, 0]) };
    // SAFETY: the copy is no longer needed.
    let close = unsafe { tracees::raw(libc::SYS_close, [10, 0, 0, 0, 0, 0]) };
    tracees::mark();
    assert_eq!((dup2, flags, close), (1, 1, 0));
    println!("pid {}", std::process::id());
}
