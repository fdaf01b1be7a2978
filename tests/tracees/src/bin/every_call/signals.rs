//! Signals and the waiting for them.

use crate::arguments::{Argument, bend, call, hole, make, make_bent, straight};

pub(crate) fn signals() {
    let set = [1_u64 << (libc::SIGUSR1 - 1) | 1 << (libc::SIGCHLD - 1) | 1 << 34];
    let mut old = [0_u64; 1];
    for how in [libc::SIG_BLOCK, libc::SIG_UNBLOCK, libc::SIG_SETMASK, 9] {
        bend!(SYS_rt_sigprocmask, how, &set, &mut old, 8_usize);
    }
    call!(SYS_rt_sigprocmask, libc::SIG_BLOCK, &[u64::MAX], &mut old, 8_usize);
    call!(SYS_rt_sigprocmask, libc::SIG_SETMASK, &[!(set[0])], 0, 8_usize);
    call!(SYS_rt_sigprocmask, libc::SIG_SETMASK, &set, 0, 16_usize);
    // From here on what is sent stays pending until it is waited for.
    call!(SYS_rt_sigprocmask, libc::SIG_SETMASK, &set, 0, 8_usize);
    let action = [1_u64, (libc::SA_RESTART | 0x0400_0000) as u64, 0x1234, set[0]];
    let mut previous = [0_u64; 4];
    bend!(SYS_rt_sigaction, libc::SIGUSR2, &action, &mut previous, 8_usize);
    call!(SYS_rt_sigaction, libc::SIGUSR2, &[0_u64; 4], &mut previous, 8_usize);
    call!(SYS_rt_sigaction, 77, &action, 0, 8_usize);
    call!(SYS_rt_sigaction, 35, &[0x1234_u64, 0x4800_0004, 0, 0], 0, 8_usize);
    call!(SYS_rt_sigaction, 35, &[1_u64, 0, 0, 0], 0, 8_usize);
    let pid = call!(SYS_getpid);
    call!(SYS_kill, pid, libc::SIGUSR1);
    call!(SYS_tkill, pid, libc::SIGCHLD);
    call!(SYS_tgkill, pid, pid, 35);
    bend!(SYS_rt_sigpending, &mut old, 8_usize);
    let mut information = [0_u64; 16];
    bend!(SYS_rt_sigtimedwait, &set, &mut information, straight(&[0_i64, 5]), 8_usize);
    for odd in [1, hole(), hole() - 8] {
        call!(SYS_rt_sigtimedwait, &set, &mut information, odd, 8_usize);
    }
    call!(SYS_rt_sigtimedwait, &set, &mut information, &[0_i64, 5_000_000_000], 8_usize);
    let mut queued = [0_u64; 16];
    queued[0] = libc::SIGUSR1 as u64;
    queued[1] = u64::from(u32::MAX);
    queued[2] = pid as u64;
    queued[3] = 0x1234;
    bend!(SYS_rt_sigqueueinfo, pid, libc::SIGUSR1, &queued);
    bend!(SYS_rt_tgsigqueueinfo, pid, pid, libc::SIGUSR1, &queued);
    call!(SYS_rt_sigtimedwait, &set, &mut information, &[0_i64, 5], 8_usize);
    let stack = [0_u64; 3];
    let mut stacks = [0_u64; 3];
    bend!(SYS_sigaltstack, 0, &mut stacks);
    bend!(SYS_sigaltstack, &[crate::arguments::hole() - 8192, 0, 8192], &mut stacks);
    call!(SYS_sigaltstack, &[0_u64, 2, 0], &stack);
    call!(SYS_sigaltstack, &[0_u64, 0x77, 4], 0);
    let fd = bend!(SYS_signalfd, -1, &set, 8_usize);
    bend!(SYS_signalfd4, -1, &set, 8_usize, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
    call!(SYS_signalfd4, fd, &set, 8_usize, 0x77);
    call!(SYS_rt_sigsuspend, &set, 4_usize);
    call!(SYS_rt_sigsuspend, 1, 8_usize);
}

/// Waits that end at once: by what they wait for, or by a time of zero.
pub(crate) fn waits() {
    let mut word = [5_u32, 0];
    let now = [0_i64, 1000];
    bend!(SYS_futex, &mut word, libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, 4, &now, 0, 0);
    call!(SYS_futex, &mut word, libc::FUTEX_WAIT, 5, &now, 0, 0);
    let mut other = [0_u32; 2];
    for operation in [
        libc::FUTEX_WAKE,
        libc::FUTEX_REQUEUE,
        libc::FUTEX_CMP_REQUEUE | libc::FUTEX_PRIVATE_FLAG,
        libc::FUTEX_WAKE_OP,
        libc::FUTEX_LOCK_PI2,
        libc::FUTEX_UNLOCK_PI,
        libc::FUTEX_TRYLOCK_PI,
        libc::FUTEX_WAKE_BITSET,
        77,
        0x4000_0001,
    ] {
        call!(SYS_futex, &mut word, operation, 1, 1, &mut other, 0x1003_2004);
    }
    let bitset = libc::FUTEX_WAIT_BITSET | libc::FUTEX_CLOCK_REALTIME;
    bend!(SYS_futex, &mut word, bitset, 5, straight(&now), 0, u32::MAX);
    let waiters = [4_u64, std::ptr::from_mut(&mut word) as u64, 2];
    bend!(SYS_futex_waitv, &waiters, 1, 0, 0, 1);
    bend!(SYS_futex_waitv, &waiters, 1, 0, &now, 77);
    make(454, &[(&mut word).word(), u64::MAX.word(), 1.word(), 2.word()]);
    make(454, &[(&mut word).word(), 0xffff_ffff_u64.word(), 1.word(), 0x82.word()]);
    make_bent(455, &[(&mut word).word(), 4_u64.word(), u64::MAX.word(), 2.word(), (&now).word(), 1.word()]);
    let pair = [waiters, waiters];
    make_bent(456, &[(&pair).word(), 0.word(), 1.word(), 1.word()]);
    let (second, expected) = (std::ptr::from_mut(&mut other) as u64, u64::from(word[0]));
    let pair = [[expected, waiters[1], 2], [0, second, 2]];
    make_bent(456, &[(&pair).word(), 0.word(), 1.word(), 1.word()]);
}
