//! Clocks, sleeps, timers.

use crate::arguments::{bend, call};

pub(crate) fn clocks() {
    let (mut time, mut zone, mut seconds) = ([0_i64; 2], [0_i32; 2], 0_i64);
    bend!(SYS_time, &mut seconds);
    bend!(SYS_gettimeofday, &mut time, &mut zone);
    for clock in [0, 1, 2, 3, 4, 7, 11, 55, -6, -3] {
        call!(SYS_clock_gettime, clock, &mut time);
        call!(SYS_clock_getres, clock, &mut time);
    }
    bend!(SYS_clock_gettime, 1, &mut time);
    bend!(SYS_clock_getres, 1, &mut time);
    bend!(SYS_clock_settime, 1, &[-1_i64, 5_000_000_000]);
    bend!(SYS_settimeofday, &[-1_i64, 5_000_000], 0);
    let mut timex = [0_u64; 26];
    bend!(SYS_adjtimex, &mut timex);
    bend!(SYS_clock_adjtime, 0, &mut timex);
    let mut rest = [0_i64; 2];
    bend!(SYS_nanosleep, &[0_i64, 10], &mut rest);
    call!(SYS_nanosleep, &[0_i64, -1], &mut rest);
    bend!(SYS_clock_nanosleep, 1, 0, &[0_i64, 10], &mut rest);
    call!(SYS_clock_nanosleep, 1, 1, &[0_i64, 10], &mut rest);
    call!(SYS_clock_nanosleep, 1, 0x10, &[-1_i64, 10], 0);
}

pub(crate) fn timers() {
    let mut old = [0_i64; 4];
    call!(SYS_rt_sigprocmask, libc::SIG_BLOCK, &[u64::MAX], 0, 8_usize);
    for which in [0, 1, 2, 7] {
        call!(SYS_getitimer, which, &mut old);
    }
    bend!(SYS_getitimer, 0, &mut old);
    bend!(SYS_setitimer, 1, &[0_i64, 0, 100, 5], &mut old);
    call!(SYS_setitimer, 1, &[0_i64, 0, 100, 2_000_000], &mut old);
    call!(SYS_alarm, 100);
    let mut event = [0_u64; 8];
    event[1] = libc::SIGUSR1 as u64;
    let mut timer = 0_i32;
    bend!(SYS_timer_create, 1, &event, &mut timer);
    event[1] |= 1 << 32;
    call!(SYS_timer_create, 0, &event, &mut timer);
    event[1] |= 4 << 32;
    call!(SYS_timer_create, 77, &event, &mut timer);
    call!(SYS_timer_create, 1, 0, &mut timer);
    bend!(SYS_timer_settime, timer, 1, &[0_i64, 1, 100, 5], &mut old);
    call!(SYS_timer_settime, timer, 0x10, &[0_i64, -1, 100, 5], 0);
    bend!(SYS_timer_gettime, timer, &mut old);
    call!(SYS_timer_getoverrun, timer);
    call!(SYS_timer_delete, timer);
    let fd = call!(SYS_timerfd_create, 1, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK);
    call!(SYS_timerfd_create, 77, 0x33);
    bend!(SYS_timerfd_settime, fd, 1, &[0_i64, 1, 100, 5], &mut old);
    call!(SYS_timerfd_settime, fd, 0x12, &[0_i64, 1, 100, 5], &mut old);
    bend!(SYS_timerfd_gettime, fd, &mut old);
}
