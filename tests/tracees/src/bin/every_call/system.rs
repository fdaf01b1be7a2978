//! Readiness, asynchronous input and output, the machine, and calls that the kernel refuses.

use crate::arguments::{Argument, bend, call, make, make_bent};
use crate::files::file;

pub(crate) fn poll() {
    let fd = file(c"polled");
    let mut pair = [0_i32; 2];
    call!(SYS_pipe, &mut pair);
    let one = |fd: i64, events: u64| u64::from(fd as u32) | events << 32;
    let mut fds = [one(fd, 5), one(i64::from(pair[0]), 1), one(77, 0x2001), one(-1, 0)];
    bend!(SYS_poll, &mut fds, 4, 0);
    call!(SYS_poll, &mut fds, 0, 0);
    call!(SYS_poll, &mut fds, 4, 1);
    let (set, zero) = ([1_u64 << 9], [0_i64; 2]);
    bend!(SYS_ppoll, &mut fds, 4, &[0_i64, 100], &set, 8_usize);
    let (mut read, mut write, mut error) = ([0x7f_u64, 0], [1_u64 << fd, 0], [0_u64; 2]);
    let mut time = [0_i64, 100];
    bend!(SYS_select, 12, &mut read, &mut write, &mut error, &zero);
    read = [1 << pair[0], 0];
    call!(SYS_select, 12, &mut read, 0, 0, &mut time);
    let mask = [set.as_ptr() as u64, 8];
    write = [1 << fd, 0];
    bend!(SYS_pselect6, 12, &mut read, &mut write, 0, &zero, &mask);
    let queue = call!(SYS_epoll_create, 5);
    call!(SYS_epoll_create1, libc::EPOLL_CLOEXEC);
    call!(SYS_epoll_create1, 0x33);
    let event = [1_u32 | 4 | 1 << 31, 0x1234, 0];
    bend!(SYS_epoll_ctl, queue, 1, pair[1], &event);
    bend!(SYS_epoll_ctl, queue, 3, pair[1], &[0x2001_0004_u32, 7, 8]);
    let mut events = [0_u32; 12];
    bend!(SYS_epoll_wait, queue, &mut events, 4, 0);
    bend!(SYS_epoll_pwait, queue, &mut events, 4, 0, &set, 8_usize);
    bend!(SYS_epoll_pwait2, queue, &mut events, 4, &zero, &set, 8_usize);
    call!(SYS_epoll_ctl, queue, 2, pair[1], 0);
    call!(SYS_epoll_ctl, queue, 9, pair[1], &event);
}

pub(crate) fn rings() {
    let fd = file(c"asynchronous");
    let mut context = 0_u64;
    bend!(SYS_io_setup, 8, &mut context);
    let mut buffer = [0_u8; 32];
    let mut control = [0_u64; 8];
    control[0] = 0x77;
    control[2] = (fd as u64) << 32;
    control[3] = std::ptr::from_mut(&mut buffer) as u64;
    control[4] = 16;
    let controls = [std::ptr::from_mut(&mut control) as u64];
    bend!(SYS_io_submit, context, 1_i64, &controls);
    let mut events = [0_u64; 16];
    bend!(SYS_io_getevents, context, 0_i64, 4_i64, &mut events, &[0_i64, 0]);
    make_bent(
        333,
        &[
            context.word(),
            0_i64.word(),
            4_i64.word(),
            (&mut events).word(),
            (&[0_i64, 0]).word(),
            (&[0_u64, 8]).word(),
        ],
    );
    bend!(SYS_io_cancel, context, &control, &mut events);
    call!(SYS_io_destroy, context);
    let mut parameters = [0_u32; 30];
    parameters[2] = 0x10 | 0x8;
    let ring = bend!(SYS_io_uring_setup, 4, &mut parameters);
    parameters = [0; 30];
    let good = call!(SYS_io_uring_setup, 4, &mut parameters);
    call!(SYS_io_uring_enter, good, 0, 0, 1, 0, 0);
    bend!(SYS_io_uring_enter, ring, 0, 0, 1 | 8, &[0_u64; 3], 24_usize);
    bend!(SYS_io_uring_register, good, 4, &[0_i32], 1);
    bend!(SYS_io_uring_register, good, 4, &[call!(SYS_eventfd2, 0, 0) as i32], 1);
    call!(SYS_io_uring_register, good, 5, 0, 0);
    let parts = [crate::files::iovec(&mut buffer, 32)];
    bend!(SYS_io_uring_register, good, 0, &parts, 1);
    bend!(SYS_io_uring_register, good, 2, &[fd as i32, -1], 2);
    call!(SYS_io_uring_register, good, 99, 0, 0);
}

pub(crate) fn machine() {
    let (mut names, mut information) = ([0_u8; 390], [0_u64; 14]);
    bend!(SYS_uname, &mut names);
    bend!(SYS_sysinfo, &mut information);
    bend!(SYS_sethostname, c"machine", 7);
    bend!(SYS_setdomainname, c"domain", 6);
    bend!(SYS_getrandom, &mut names, 20_usize, libc::GRND_NONBLOCK);
    call!(SYS_getrandom, &mut names, 8_usize, 0x17);
    call!(SYS_syslog, 10, 0, 0);
    bend!(SYS_syslog, 3, &mut names, 40);
    call!(SYS_syslog, 77, 0, 0);
    call!(SYS_sysfs, 3);
    bend!(SYS_sysfs, 1, c"proc");
    bend!(SYS_uselib, c"/no/such/library");
    for number in [181, 182, 183, 184, 185, 205, 211, 214, 215, 236, 174, 177, 178, 180] {
        make(number, &[1.word(), 2.word(), 3.word(), 4.word(), 5.word()]);
    }
    let pid = call!(SYS_getpid);
    make_bent(470, &[(&[32_u64, 0, 0, 0]).word(), (&mut information).word(), 4_usize.word(), 0.word()]);
    make(471, &[]);
    call!(SYS_kcmp, pid, pid, 2, 0, 0);
}

/// Calls that could change the machine, with arguments that cannot.
pub(crate) fn refused() {
    call!(SYS_reboot, 0x1111_1111, 0x2812_1969, 0x0123_4567, 0);
    call!(SYS_reboot, 0, 672_274_793, 0x1, c"restart");
    bend!(SYS_init_module, &b"no module"[..], 9_usize, c"option=1");
    bend!(SYS_finit_module, -1, c"option=1", 3);
    bend!(SYS_delete_module, c"no-such-module", libc::O_NONBLOCK | libc::O_TRUNC);
    call!(SYS_kexec_load, 0x1234, 1000_usize, 1, 0x80_003e_0000_u64);
    call!(SYS_kexec_file_load, -1, -1, 5_usize, c"init", 0xf0_u64);
    call!(SYS_swapon, c"/no/such/device", 0x1_8005);
    call!(SYS_swapoff, c"/no/such/device");
    call!(SYS_acct, c"/no/such/file");
    call!(SYS_settimeofday, 1, 1);
    call!(SYS_clock_settime, 77, &[0_i64, 0]);
}
