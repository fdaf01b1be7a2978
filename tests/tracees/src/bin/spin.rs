//! `spin [BATCH] [THREADS] [PAUSE]`: for ever, BATCH times getppid, one line `calls N` with the sum so far, PAUSE
//! microseconds of sleep (0). Ends with status
//! 0 when its stdin is closed or stdout no longer listened to; the first line is `pid PID`. Then THREADS other
//! threads (0) are started, which call getppid and sleep a millisecond, for ever; a line `thread TID` for each.
//!
//! A test reads the lines to know that the program goes on running, and how many calls it has made at least.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::time::Duration;

fn main() {
    let batch: u64 = tracees::argument(1, 1000);
    let mut out = std::io::stdout().lock();
    if writeln!(out, "pid {}", std::process::id()).is_err() {
        return;
    }
    for _ in 0..tracees::argument(2, 0) {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            tell.send(tracees::gettid()).expect("the main thread listens");
            loop {
                tracees::getppid();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let tid = told.recv().expect("a thread that has started");
        if writeln!(out, "thread {tid}").is_err() {
            return;
        }
    }
    let mut stdin = libc::pollfd { fd: std::io::stdin().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let pause = Duration::from_micros(tracees::argument(3, 0));
    for round in 1_u64.. {
        std::thread::sleep(pause);
        for _ in 0..batch {
            tracees::getppid();
        }
        // SAFETY: one pollfd; no waiting.
        let ended = unsafe { libc::poll(&raw mut stdin, 1, 0) } != 0;
        if ended || writeln!(out, "calls {}", round * batch).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
