//! Clock values as people read them.

use std::fmt::Write;

use crate::token::Line;

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400;

/// From the clock of the trace to that of the wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WallClock {
    /// Nanoseconds from the Unix epoch to clock value 0 of the trace.
    pub epoch: i64,
    /// Seconds that local time is ahead of UTC.
    pub ahead: i32,
}

/// How the time of a line is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// `04:14:30` (`strace -t`).
    Seconds,
    /// `04:14:30.399553` (`strace -tt`).
    Micros,
    /// `1795580643.625191` (`strace -ttt`).
    Epoch,
}

/// Shows a clock value.
pub(crate) fn absolute(line: &mut Line, stamp: Stamp, clock: WallClock, time: u64) {
    let ns = i128::from(time) + i128::from(clock.epoch);
    if stamp == Stamp::Epoch {
        return seconds(line, ns, 1);
    }
    let local = (ns.div_euclid(SECOND) + i128::from(clock.ahead)).rem_euclid(DAY);
    let (h, m, s) = (local / 3600, local / 60 % 60, local % 60);
    let _ = write!(line, "{h:02}:{m:02}:{s:02}");
    if stamp == Stamp::Micros {
        let _ = write!(line, ".{:06}", ns.rem_euclid(SECOND) / 1000);
    }
}

/// Shows nanoseconds as `12.345678`, the seconds at least `width` characters wide.
pub(crate) fn seconds(line: &mut Line, ns: i128, width: usize) {
    let (whole, micros) = (ns.abs() / SECOND, ns.abs() % SECOND / 1000);
    let whole = if ns < 0 { format!("-{whole}") } else { whole.to_string() };
    let _ = write!(line, "{whole:>width$}.{micros:06}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(stamp: Stamp, time: u64) -> String {
        let mut line = Line::new();
        absolute(&mut line, stamp, WallClock { epoch: 1_795_580_000_000_000_000, ahead: 3600 }, time);
        line.as_str().to_owned()
    }

    #[test]
    fn each_stamp_shows_the_same_moment() {
        // 643.625191 s after 2026-11-25 04:13:20 UTC, one hour east of Greenwich.
        let time = 643_625_191_000;
        assert_eq!(show(Stamp::Epoch, time), "1795580643.625191");
        assert_eq!(show(Stamp::Seconds, time), "05:24:03");
        assert_eq!(show(Stamp::Micros, time), "05:24:03.625191");
    }

    #[test]
    fn differences_may_be_negative() {
        let mut line = Line::new();
        seconds(&mut line, 77_000, 6);
        line.word("|");
        seconds(&mut line, -1_500_000, 6);
        assert_eq!(line.as_str(), "     0.000077|    -0.001500");
    }
}
