//! `spin [BATCH]`: for ever, BATCH times getppid, then one line `calls N` with the sum so far. Ends with status 0 when
//! its stdin is closed or stdout no longer listened to; the first line is `pid PID`.
//!
//! A test reads the lines to know that the program goes on running, and how many calls it has made at least.

use std::io::Write;
use std::os::fd::AsRawFd;

fn main() {
    let batch: u64 = tracees::argument(1, 1000);
    let mut out = std::io::stdout().lock();
    if writeln!(out, "pid {}", std::process::id()).is_err() {
        return;
    }
    let mut stdin = libc::pollfd { fd: std::io::stdin().as_raw_fd(), events: libc::POLLIN, revents: 0 };
    for round in 1_u64.. {
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
