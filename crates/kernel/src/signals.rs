//! Signals of this process: asking it to stop, and dying of a signal on purpose.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

static ASKED: AtomicI32 = AtomicI32::new(0);
static TIMES: AtomicU32 = AtomicU32::new(0);

extern "C" fn remember(signal: libc::c_int) {
    ASKED.store(signal, Ordering::Relaxed);
    TIMES.fetch_add(1, Ordering::Relaxed);
}

/// From now on SIGINT, SIGTERM and SIGHUP are only remembered; whoever loops looks at [`asked_to_stop`].
///
/// What is ignored stays so: a program started under `nohup` expects it, and its children inherit it.
pub fn catch_stop() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        if handle(signal, remember as *const () as libc::sighandler_t) == libc::SIG_IGN {
            handle(signal, libc::SIG_IGN);
        }
    }
}

/// The stop signal that arrived, if any.
pub fn asked_to_stop() -> Option<i32> {
    Some(ASKED.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
}

/// How many stop signals have arrived.
pub fn times_asked() -> u32 {
    TIMES.load(Ordering::Relaxed)
}

/// Sets what a signal does; returns what it did before.
fn handle(signal: i32, handler: libc::sighandler_t) -> libc::sighandler_t {
    // SAFETY: the handler is a constant or a function that only stores to an atomic, which is safe in a signal handler.
    unsafe { libc::signal(signal, handler) }
}

/// Ends this process by a signal, without a core file of its own: the caller's parent sees what the traced program's
/// parent would have seen. Returns when the signal does not kill.
pub fn die_of(signal: i32) {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live structure.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
    handle(signal, libc::SIG_DFL);
    // SAFETY: takes numbers only.
    unsafe { libc::raise(signal) };
}
