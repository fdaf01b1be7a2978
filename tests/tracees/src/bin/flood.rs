//! `flood [CALLS] [CPU]`: calls getppid in a tight loop, on one CPU if told which.
//!
//! Prints `calls N thread_ns N wall_ns N`. Between the marks: exactly CALLS times getppid.

fn main() {
    let calls: u64 = tracees::argument(1, 2_000_000);
    if let Some(cpu) = std::env::args().nth(2) {
        tracees::pin(cpu.parse().expect("a cpu number"));
    }
    tracees::timed(calls, || {
        for _ in 0..calls {
            tracees::getppid();
        }
    });
}
