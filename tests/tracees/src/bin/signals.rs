//! `signals exit N`: ends with status N.
//! `signals kill N`: kills itself with signal N (its default action restored), and is not expected to survive it.
//! `signals handle N COUNT`: handles signal N, sent to itself COUNT times by `tgkill`; prints `handled COUNT`.
//!
//! With `handle`, between the marks COUNT times: `getpid()`, `gettid()`, `tgkill(PID, TID, N) = 0`, the signal,
//! `rt_sigreturn`.

use std::sync::atomic::{AtomicU32, Ordering};

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn handler(_signal: libc::c_int) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn send(signal: i32) {
    let (pid, tid) = (u64::from(std::process::id()), tracees::gettid() as u64);
    // SAFETY: a signal to this thread, whose action is as the caller set it.
    let ret = unsafe { tracees::raw(libc::SYS_tgkill, [pid, tid, signal as u64, 0, 0, 0]) };
    assert_eq!(ret, 0);
}

fn main() {
    let mode: String = tracees::argument(1, "exit".to_owned());
    let number: i32 = tracees::argument(2, 0);
    match mode.as_str() {
        "exit" => std::process::exit(number),
        "kill" => {
            // SAFETY: the default action.
            unsafe { libc::signal(number, libc::SIG_DFL) };
            send(number);
            eprintln!("survived signal {number}");
            std::process::exit(99);
        }
        "handle" => {
            let count: u32 = tracees::argument(3, 1);
            // SAFETY: the handler only adds to an atomic.
            unsafe { libc::signal(number, handler as *const () as libc::sighandler_t) };
            tracees::mark();
            for _ in 0..count {
                send(number);
            }
            tracees::mark();
            println!("handled {}", HANDLED.load(Ordering::Relaxed));
        }
        other => {
            eprintln!("no mode {other:?}: exit, kill or handle");
            std::process::exit(2);
        }
    }
}
