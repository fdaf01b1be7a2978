//! How often the rings are looked at.

use std::time::Duration;

/// How long to wait between two looks at the rings: short while much arrives, never so long that a ring of this size could
/// fill up.
#[derive(Debug)]
pub struct Pace {
    wait: Duration,
    longest: Duration,
}

const SHORTEST: Duration = Duration::from_micros(500);
/// Bytes that one CPU may write in a millisecond, with room to spare.
const BYTES_PER_MS: u32 = 200 << 10;

impl Pace {
    /// For rings of `buffer` bytes.
    pub fn new(buffer: u32, longest: Duration) -> Pace {
        let fill = Duration::from_millis(u64::from(buffer / BYTES_PER_MS));
        Pace { wait: SHORTEST, longest: fill.clamp(SHORTEST, longest) }
    }

    /// Sleeps; `busy` says whether the last look found something.
    pub fn sleep(&mut self, busy: bool) {
        self.wait = if busy { SHORTEST } else { (self.wait * 2).min(self.longest) };
        std::thread::sleep(self.wait);
    }
}
