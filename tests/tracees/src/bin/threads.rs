//! `threads [T] [N]`: T threads at once; each makes, between two marks, N times `getppid()` and then
//! `lseek(-1, I, SEEK_CUR) = -1 EBADF`, I counting from 0.
//!
//! Prints one line a thread: `thread TID calls N`, N counting the calls between the marks.

use std::sync::{Arc, Barrier};

fn work(rounds: u64, start: &Barrier) -> i64 {
    start.wait();
    let tid = tracees::gettid();
    tracees::mark();
    for i in 0..rounds {
        tracees::getppid();
        // SAFETY: no pointer is passed.
        let ret = unsafe { tracees::raw(libc::SYS_lseek, [u64::MAX, i, libc::SEEK_CUR as u64, 0, 0, 0]) };
        assert_eq!(ret, -i64::from(libc::EBADF));
    }
    tracees::mark();
    tid
}

fn main() {
    let (threads, rounds): (usize, u64) = (tracees::argument(1, 8), tracees::argument(2, 1000));
    let start = Arc::new(Barrier::new(threads));
    let running: Vec<_> = (0..threads)
        .map(|_| {
            let start = Arc::clone(&start);
            std::thread::spawn(move || work(rounds, &start))
        })
        .collect();
    for thread in running {
        let tid = thread.join().expect("a thread that ends");
        println!("thread {tid} calls {}", 2 * rounds);
    }
}
