//! `exec_thread`: a thread that is not the leader replaces the program, as execve(2) allows.
//!
//! The leader sleeps; thread TID calls `execve("/proc/self/exe", ["exec_thread", "after"], ...)`. The kernel ends the
//! leader and gives the thread its number, PID. The new program makes, between two marks, three times getppid.
//! Prints `before PID TID`, then, from the new program, `after PID`.

use std::ffi::CString;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("after") {
        tracees::mark();
        for _ in 0..3 {
            tracees::getppid();
        }
        tracees::mark();
        println!("after {}", tracees::gettid());
        return;
    }
    let pid = tracees::gettid();
    let thread = std::thread::spawn(move || {
        println!("before {pid} {}", tracees::gettid());
        let args = [c"exec_thread".as_ptr(), c"after".as_ptr(), std::ptr::null()];
        let path = CString::from(c"/proc/self/exe");
        // SAFETY: both vectors end with NULL, and their strings with NUL.
        let ret = unsafe {
            tracees::raw(
                libc::SYS_execve,
                [path.as_ptr() as u64, args.as_ptr() as u64, args[2..].as_ptr() as u64, 0, 0, 0],
            )
        };
        eprintln!("execve: {ret}");
        std::process::exit(1);
    });
    thread.join().expect("never reached: the thread becomes the program");
}
