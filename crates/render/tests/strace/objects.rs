//! What pointers lead to.

use crate::events::{s, u};
use crate::scene::{check, object, ret};

#[test]
fn objects() {
    check(
        "pipe",
        &[("fildes", u(0x7ffc_0000))],
        &[("ret", s(0)), ("fildes_state", u(0)), ("fildes_data", object(8, &[(0, 3 | 4 << 32)]))],
        "pipe([3, 4])                            = 0",
    );
    let wait4 = [("upid", s(-1)), ("stat_addr", u(0x7ffc_0000)), ("options", s(0)), ("ru", u(0))];
    let exit = |ret, state, status| {
        [
            ("ret", s(ret)),
            ("stat_addr_state", u(state)),
            ("stat_addr_data", object(4, &[(0, status)])),
            ("ru_state", u(3)),
            ("ru_data", object(144, &[])),
        ]
    };
    check(
        "wait4",
        &wait4,
        &exit(10136, 0, 0x300),
        "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 10136",
    );
    check(
        "wait4",
        &wait4,
        &exit(-10, 4, 0),
        "wait4(-1, 0x7ffc0000, 0, NULL)          = -1 ECHILD (No child processes)",
    );
    // Even if it was read, the status means nothing when no child was waited for.
    check("wait4", &wait4, &exit(0, 0, 0x300), "wait4(-1, 0x7ffc0000, 0, NULL)          = 0");
    check(
        "rt_sigaction",
        &[
            ("sig", s(10)),
            ("act", u(1)),
            ("act_state", u(0)),
            ("act_data", object(32, &[(0, 0x55cd)])),
            ("oact", u(2)),
            ("sigsetsize", u(8)),
        ],
        &[("ret", s(0)), ("oact_state", u(0)), ("oact_data", object(32, &[]))],
        "rt_sigaction(SIGUSR1, {sa_handler=0x55cd, sa_mask=[], sa_flags=0}, \
         {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0",
    );
    check(
        "rt_sigprocmask",
        &[
            ("how", u(2)),
            ("nset", u(1)),
            ("nset_state", u(0)),
            ("nset_data", object(8, &[(0, 1 << 16 | 1 << 33)])),
            ("oset", u(0)),
            ("sigsetsize", u(8)),
        ],
        &[("ret", s(0)), ("oset_state", u(3)), ("oset_data", object(8, &[]))],
        "rt_sigprocmask(SIG_SETMASK, [CHLD RT_2], NULL, 8) = 0",
    );
    check(
        "prlimit64",
        &[
            ("pid", s(0)),
            ("resource", u(3)),
            ("new_rlim", u(0)),
            ("new_rlim_state", u(3)),
            ("new_rlim_data", object(16, &[])),
            ("old_rlim", u(1)),
        ],
        &[
            ("ret", s(0)),
            ("old_rlim_state", u(0)),
            ("old_rlim_data", object(16, &[(0, 8 << 20), (8, u64::MAX)])),
        ],
        "prlimit64(0, RLIMIT_STACK, NULL, {rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}) = 0",
    );
}

#[test]
fn an_object_that_the_kernel_does_not_read_is_an_address() {
    let epoll_ctl = |op| {
        [
            ("epfd", s(3)),
            ("op", u(op)),
            ("fd", s(0)),
            ("event", u(0x7000)),
            ("event_state", u(0)),
            ("event_data", object(12, &[(0, 1 | 5 << 32)])),
        ]
    };
    check(
        "epoll_ctl",
        &epoll_ctl(1),
        &ret(0),
        "epoll_ctl(3, EPOLL_CTL_ADD, 0, {events=EPOLLIN, data={u32=5, u64=5}}) = 0",
    );
    check("epoll_ctl", &epoll_ctl(2), &ret(0), "epoll_ctl(3, EPOLL_CTL_DEL, 0, 0x7000)  = 0");
}

#[test]
fn what_the_kernel_answers_in_the_same_place_stands_with_the_result() {
    let pollfd = |revents: u64| object(8, &[(0, 3 | 1 << 32 | revents << 48)]);
    let entry = [
        ("ufds", u(1)),
        ("ufds_state", u(0)),
        ("ufds_data", pollfd(0)),
        ("nfds", u(1)),
        ("timeout_msecs", s(-1)),
    ];
    let exit = |ret, revents| [("ret", s(ret)), ("ufds_state", u(0)), ("ufds_data", pollfd(revents))];
    check(
        "poll",
        &entry,
        &exit(1, 1),
        "poll([{fd=3, events=POLLIN}], 1, -1)    = 1 ([{fd=3, revents=POLLIN}])",
    );
    check("poll", &entry, &exit(0, 0), "poll([{fd=3, events=POLLIN}], 1, -1)    = 0 (Timeout)");
}

#[test]
fn a_parameter_may_have_another_meaning_otherwise() {
    let enter = |flags, argp: u64| {
        [
            ("fd", s(3)),
            ("flags", u(flags)),
            ("argp", u(1)),
            ("argp_state", u(0)),
            ("argp_data", object(16, &[(0, argp), (8, 5)])),
        ]
    };
    check("io_uring_enter", &enter(8, 1), &ret(0), "io_uring_enter(3, 0x8, {tv_sec=1, tv_nsec=5}) = 0");
    // Sixteen bytes are two sets: the record was made for the other meaning.
    check("io_uring_enter", &enter(0, 2), &ret(0), "io_uring_enter(3, 0, [[INT], [HUP QUIT]]) = 0");
}

#[test]
fn what_the_kernel_writes_where_members_lead_stands_behind_the_object() {
    let entry = |flags| {
        [
            ("uargs", u(0x7000)),
            ("uargs_state", u(0)),
            ("uargs_len", u(16)),
            ("uargs_data", object(16, &[(0, flags), (8, 0x7100)])),
            ("size", u(16)),
        ]
    };
    let exit = |ret, state| {
        [("ret", s(ret)), ("uargs_pidfd_state", u(state)), ("uargs_pidfd_data", object(4, &[(0, 5)]))]
    };
    check(
        "clone3",
        &entry(0x1000),
        &exit(77, 0),
        "clone3({flags=0x1000, pidfd=0x7100} => {pidfd=[5]}, 16) = 77",
    );
    check(
        "clone3",
        &entry(0x1000),
        &exit(-22, 4),
        "clone3({flags=0x1000, pidfd=0x7100}, 16) = -1 EINVAL (Invalid argument)",
    );
    check("clone3", &entry(0), &exit(77, 4), "clone3({flags=0}, 16)                   = 77");
}

#[test]
fn sets_of_descriptors_are_told_by_their_place() {
    let set = |bits: u64| object(8, &[(0, bits)]);
    let entry = [
        ("n", s(6)),
        ("inp", u(0)),
        ("inp_state", u(3)),
        ("inp_len", u(0)),
        ("inp_data", object(0, &[])),
        ("outp", u(0x7000)),
        ("outp_state", u(0)),
        ("outp_len", u(8)),
        // Descriptor 40 is beyond those that the call looks at.
        ("outp_data", set(1 << 3 | 1 << 5 | 1 << 40)),
        ("tvp", u(0x7100)),
        ("tvp_state", u(0)),
        ("tvp_data", object(16, &[(0, 1)])),
    ];
    let exit = |ret, left| {
        [
            ("ret", s(ret)),
            ("inp_state", u(3)),
            ("inp_len", u(0)),
            ("inp_data", object(0, &[])),
            ("outp_state", u(0)),
            ("outp_len", u(8)),
            ("outp_data", set(left)),
            ("tvp_state", u(0)),
            ("tvp_data", object(16, &[(8, 7)])),
        ]
    };
    check(
        "select",
        &entry,
        &exit(1, 1 << 5),
        "select(6, NULL, [3 5], {tv_sec=1, tv_usec=0}) = 1 (out [5], left {tv_sec=0, tv_usec=7})",
    );
    check("select", &entry, &exit(0, 0), "select(6, NULL, [3 5], {tv_sec=1, tv_usec=0}) = 0 (Timeout)");
}
