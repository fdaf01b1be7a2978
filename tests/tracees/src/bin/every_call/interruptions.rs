//! Handlers and their return, calls that a signal interrupts, children that stop, threads.

use crate::arguments::call;

extern "C" fn nothing(_signal: libc::c_int) {}

/// Installs a handler that does nothing. A call that it interrupts is not begun again.
fn handle(signal: libc::c_int) {
    // SAFETY: all zero is a valid sigaction.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: the handler does nothing, and `action` lives as long as the call.
    let ret = unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    assert_eq!(ret, 0);
}

/// Lets a handler, which does nothing, run for SIGALRM in `milliseconds`.
fn alarm_in(milliseconds: i64) {
    call!(SYS_setitimer, 0, &[0_i64, 0, 0, milliseconds * 1000], 0);
}

pub(crate) fn handlers() {
    for signal in [libc::SIGALRM, libc::SIGUSR1, libc::SIGUSR2] {
        handle(signal);
    }
    let pid = call!(SYS_getpid);
    call!(SYS_kill, pid, libc::SIGUSR1);
    let blocked = [1_u64 << (libc::SIGUSR2 - 1)];
    call!(SYS_rt_sigprocmask, libc::SIG_BLOCK, &blocked, 0, 8_usize);
    call!(SYS_kill, pid, libc::SIGUSR2);
    call!(SYS_rt_sigsuspend, &[0_u64], 8_usize);
    call!(SYS_rt_sigprocmask, libc::SIG_UNBLOCK, &blocked, 0, 8_usize);
    let mut rest = [0_i64; 2];
    alarm_in(20);
    call!(SYS_nanosleep, &[5_i64, 0], &mut rest);
    alarm_in(20);
    call!(SYS_clock_nanosleep, 1, 0, &[5_i64, 0], &mut rest);
    alarm_in(20);
    call!(SYS_pause);
    let mut pair = [0_i32; 2];
    call!(SYS_pipe, &mut pair);
    let mut buffer = [0_u8; 8];
    alarm_in(20);
    call!(SYS_read, pair[0], &mut buffer, 8_usize);
    let mut fds = [u64::from(pair[0] as u32) | 1 << 32];
    alarm_in(20);
    call!(SYS_poll, &mut fds, 1, 5000);
    let mut word = 5_u32;
    alarm_in(20);
    call!(SYS_futex, &mut word, libc::FUTEX_WAIT, 5, &[5_i64, 0], 0, 0);
}

pub(crate) fn stops() {
    let (mut status, mut information) = (0_i32, [0_u64; 16]);
    let pid = call!(SYS_fork);
    if pid == 0 {
        call!(SYS_kill, call!(SYS_getpid), libc::SIGSTOP);
        call!(SYS_exit_group, 3);
    }
    call!(SYS_wait4, pid, &mut status, libc::WUNTRACED, 0);
    call!(SYS_kill, pid, libc::SIGCONT);
    call!(SYS_waitid, libc::P_PID as i32, pid, &mut information, libc::WEXITED, 0);
    let pid = call!(SYS_fork);
    if pid == 0 {
        call!(SYS_prlimit64, 0, 4, &[0_u64, 0], 0);
        call!(SYS_kill, call!(SYS_getpid), libc::SIGSEGV);
    }
    call!(SYS_wait4, pid, &mut status, 0, 0);
}

pub(crate) fn threads() {
    for _ in 0..3 {
        let thread = std::thread::spawn(|| {
            call!(SYS_getppid);
            call!(SYS_gettid)
        });
        assert!(thread.join().is_ok_and(|tid| tid > 0));
    }
}
