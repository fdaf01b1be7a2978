//! Clocks: the one that records carry, and what is needed to show its values as wall-clock time.

use std::mem::MaybeUninit;

/// `CLOCK_MONOTONIC` in nanoseconds: the clock of every record.
pub fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds since the Unix epoch at monotonic time 0, for now: steps of the wall clock change it.
pub fn epoch_offset() -> i64 {
    // The shortest of a few tries: a pre-emption between the two readings would be part of the answer.
    (0..5)
        .map(|_| {
            let before = monotonic();
            let wall = read(libc::CLOCK_REALTIME);
            let after = monotonic();
            (after - before, wall as i64 - ((before + after) / 2) as i64)
        })
        .min()
        .map_or(0, |(_, offset)| offset)
}

/// Seconds that local time is ahead of UTC at a moment, in seconds since the epoch.
pub fn utc_offset(epoch_seconds: i64) -> i64 {
    local(epoch_seconds).map_or(0, |tm| tm.tm_gmtoff)
}

/// Local time now as `20261125-041500`, for names of files.
pub fn name_of_now() -> String {
    let seconds = read(libc::CLOCK_REALTIME) / 1_000_000_000;
    match local(seconds as i64) {
        Some(tm) => format!(
            "{:04}{:02}{:02}-{:02}{:02}{:02}",
            tm.tm_year + 1900,
            tm.tm_mon + 1,
            tm.tm_mday,
            tm.tm_hour,
            tm.tm_min,
            tm.tm_sec
        ),
        None => seconds.to_string(),
    }
}

fn local(epoch_seconds: i64) -> Option<libc::tm> {
    let mut tm = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are to live objects; localtime_r writes a whole `tm` when it succeeds.
    let filled = unsafe { libc::localtime_r(&raw const epoch_seconds, tm.as_mut_ptr()) };
    // SAFETY: localtime_r returned success, so the structure is filled.
    (!filled.is_null()).then(|| unsafe { tm.assume_init() })
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live timespec; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
