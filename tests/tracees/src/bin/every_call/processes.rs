//! Birth and death, identity, scheduling, limits, control of processes, filters.

use crate::arguments::{Argument, bend, call, make, make_bent};

/// A process that cannot be: greater than the greatest `pid_max`.
const NOBODY: i32 = 0x3fff_ffff;

/// Makes a call that returns twice; the child ends at once, the parent waits for it.
fn twice(make: impl FnOnce() -> i64) {
    let pid = make();
    if pid == 0 {
        call!(SYS_exit_group, 7);
    }
    let mut status = 0_i32;
    let mut usage = [0_u64; 18];
    call!(SYS_wait4, pid, &mut status, libc::__WALL, &mut usage);
}

pub(crate) fn births() {
    let (mut parent, mut child) = (0_i32, 0_i32);
    twice(|| call!(SYS_fork));
    twice(|| call!(SYS_clone, libc::SIGCHLD, 0, 0, 0, 0));
    let flags =
        libc::CLONE_PARENT_SETTID | libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD;
    twice(|| call!(SYS_clone, flags, 0, &mut parent, &mut child, 0));
    twice(|| call!(SYS_clone, libc::CLONE_PIDFD | libc::CLONE_FILES | libc::SIGWINCH, 0, &mut parent, 0, 0));
    call!(SYS_clone, libc::CLONE_THREAD | libc::SIGCHLD, 0, 0, 0, 0);
    let mut arguments = [0_u64; 11];
    arguments[4] = libc::SIGCHLD as u64;
    twice(|| call!(SYS_clone3, &arguments, 88_usize));
    arguments[0] = (libc::CLONE_PIDFD | libc::CLONE_PARENT_SETTID | libc::CLONE_FS) as u64;
    arguments[1] = std::ptr::from_mut(&mut child) as u64;
    arguments[3] = std::ptr::from_mut(&mut parent) as u64;
    twice(|| call!(SYS_clone3, &arguments, 64_usize));
    for bad in [[1_u64 << 40, 1], [libc::CLONE_THREAD as u64, 9]] {
        arguments[0] = bad[0];
        arguments[5] = bad[1];
        bend!(SYS_clone3, &arguments, 64_usize);
    }
    let words = [c"first".as_ptr() as u64, c"second \"word\"".as_ptr() as u64, 0];
    let path = c"/no/such/program";
    bend!(SYS_execve, path, &words, &words);
    bend!(SYS_execveat, libc::AT_FDCWD, path, &words, &words, libc::AT_SYMLINK_NOFOLLOW);
    call!(SYS_execveat, -1, c"", &words, 0, libc::AT_EMPTY_PATH | 0x4000);
    let cut = [words[0], 8, 0];
    call!(SYS_execve, path, &cut, &cut);
    let (true_words, variables) = ([c"true".as_ptr() as u64, words[0], 0], [c"A=b".as_ptr() as u64, 0]);
    let _ = crate::in_child(|| {
        call!(SYS_execve, c"/bin/true", &true_words, &variables);
    });
    let program = call!(SYS_open, c"/bin/true", libc::O_PATH);
    let _ = crate::in_child(|| {
        call!(SYS_execveat, program, c"", &true_words, &variables, libc::AT_EMPTY_PATH);
    });
    let mut status = 0_i32;
    let mut usage = [0_u64; 18];
    let mut information = [0_u64; 16];
    bend!(SYS_wait4, -1, &mut status, libc::WNOHANG, &mut usage);
    call!(SYS_wait4, NOBODY, &mut status, 0x10, 0);
    bend!(SYS_waitid, libc::P_ALL as i32, 0, &mut information, libc::WEXITED | libc::WNOHANG, &mut usage);
    call!(SYS_waitid, 9, 0, &mut information, 0x1000_0001, 0);
    for _ in 0..3 {
        let pid = call!(SYS_fork);
        if pid == 0 {
            call!(SYS_exit, 3);
        }
        call!(
            SYS_waitid,
            libc::P_PID as i32,
            pid,
            &mut information,
            libc::WEXITED | libc::WNOWAIT,
            &mut usage
        );
        call!(SYS_wait4, pid, &mut status, 0, &mut usage);
    }
    let pid = call!(SYS_fork);
    if pid == 0 {
        call!(SYS_kill, call!(SYS_getpid), libc::SIGTERM);
    }
    call!(SYS_wait4, pid, &mut status, libc::WUNTRACED | libc::WCONTINUED, 0);
    twice(|| tracees::children::child(tracees::children::Birth::Vfork, 7));
}

pub(crate) fn identity() {
    for number in [
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_getppid,
        libc::SYS_getpgrp,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_setsid,
        libc::SYS_vhangup,
    ] {
        make(number, &[]);
    }
    call!(SYS_getpgid, 0);
    call!(SYS_setpgid, 0, 0);
    call!(SYS_setpgid, -1, 0);
    call!(SYS_getsid, 1);
    let (mut a, mut b, mut c) = (0_i32, 0_i32, 0_i32);
    bend!(SYS_getresuid, &mut a, &mut b, &mut c);
    bend!(SYS_getresgid, &mut a, &mut b, &mut c);
    let mut groups = [10_u32, 20, 30, 40];
    bend!(SYS_setgroups, 4, &groups);
    bend!(SYS_getgroups, 4, &mut groups);
    call!(SYS_getgroups, 0, 0);
    call!(SYS_setgroups, 0x7fff_ffff, &groups);
    let mut header = [0x2008_0522_u32, 0];
    let mut data = [0_u32; 6];
    bend!(SYS_capget, &mut header, &mut data);
    bend!(SYS_capset, &mut header, &data);
    header[0] = 1;
    call!(SYS_capget, &mut header, &mut data);
    call!(SYS_setfsuid, 5);
    call!(SYS_setfsgid, 5);
    call!(SYS_setregid, -1, -1);
    call!(SYS_setreuid, -1, -1);
    call!(SYS_setresgid, 5, -1, 5);
    call!(SYS_setresuid, 5, -1, 0);
    call!(SYS_setgid, 5);
    call!(SYS_setuid, 5);
}

pub(crate) fn scheduling() {
    let mut parameter = [0_i32; 1];
    bend!(SYS_sched_getparam, 0, &mut parameter);
    bend!(SYS_sched_setparam, 0, &parameter);
    bend!(SYS_sched_setscheduler, 0, libc::SCHED_BATCH, &parameter);
    call!(SYS_sched_setscheduler, 0, libc::SCHED_FIFO | 0x4000_0000, &parameter);
    call!(SYS_sched_setscheduler, 0, 77, &parameter);
    call!(SYS_sched_getscheduler, 0);
    call!(SYS_sched_get_priority_max, libc::SCHED_RR);
    call!(SYS_sched_get_priority_min, 88);
    let mut interval = [0_i64; 2];
    bend!(SYS_sched_rr_get_interval, 0, &mut interval);
    let mut attributes = [48_u64, 0, 0, 0, 0, 0, 0];
    bend!(SYS_sched_getattr, 0, &mut attributes, 56, 0);
    bend!(SYS_sched_setattr, 0, &attributes, 0);
    attributes = [48 | 6 << 32, 1, 0, 1 << 20, 1 << 30, 1 << 30, 0];
    call!(SYS_sched_setattr, NOBODY, &attributes, 0);
    let mut cpus = [1_u64, 0];
    bend!(SYS_sched_getaffinity, 0, 16_usize, &mut cpus);
    bend!(SYS_sched_setaffinity, 0, 8_usize, &cpus);
    call!(SYS_sched_yield);
    call!(SYS_getpriority, 0, 0);
    call!(SYS_setpriority, 0, 0, 5);
    call!(SYS_setpriority, 5, 0, -5);
    call!(SYS_ioprio_get, 1, 0);
    call!(SYS_ioprio_set, 1, 0, 2 << 13 | 4);
    call!(SYS_ioprio_set, 7, 0, 7 << 13 | 9);
    let (mut cpu, mut node) = (0_u32, 0_u32);
    bend!(SYS_getcpu, &mut cpu, &mut node, 0);
}

pub(crate) fn limits() {
    let mut limit = [0_u64; 2];
    bend!(SYS_getrlimit, 7, &mut limit);
    for resource in [0, 3, 4, 7, 15, 20] {
        call!(SYS_getrlimit, resource, &mut limit);
    }
    bend!(SYS_setrlimit, libc::RLIMIT_CORE as i32, &[0_u64, u64::MAX]);
    bend!(SYS_prlimit64, 0, 7, &[100_u64, 4096], &mut limit);
    let mut usage = [0_u64; 18];
    bend!(SYS_getrusage, 0, &mut usage);
    call!(SYS_getrusage, -1, &mut usage);
    call!(SYS_getrusage, 55, &mut usage);
    let mut times = [0_u64; 4];
    bend!(SYS_times, &mut times);
}

pub(crate) fn control() {
    let mut name = [0_u8; 16];
    let mut signal = 0_i32;
    bend!(SYS_prctl, libc::PR_SET_NAME, c"a-name-of-more-than-fifteen");
    bend!(SYS_prctl, libc::PR_GET_NAME, &mut name);
    bend!(SYS_prctl, libc::PR_GET_PDEATHSIG, &mut signal);
    for (option, argument) in [
        (libc::PR_SET_PDEATHSIG, 0),
        (libc::PR_GET_DUMPABLE, 0),
        (libc::PR_SET_DUMPABLE, 1),
        (libc::PR_GET_KEEPCAPS, 0),
        (libc::PR_SET_KEEPCAPS, 1),
        (libc::PR_GET_SECCOMP, 0),
        (libc::PR_CAPBSET_READ, 12),
        (libc::PR_CAPBSET_DROP, 20),
        (libc::PR_GET_SECUREBITS, 0),
        (libc::PR_SET_SECUREBITS, 0x15),
        (libc::PR_SET_TIMERSLACK, 50_000),
        (libc::PR_GET_TIMERSLACK, 0),
        (libc::PR_MCE_KILL, 5),
        (libc::PR_SET_CHILD_SUBREAPER, 1),
        (libc::PR_GET_NO_NEW_PRIVS, 0),
        (libc::PR_GET_THP_DISABLE, 0),
        (libc::PR_CAP_AMBIENT, 2),
        (libc::PR_GET_SPECULATION_CTRL, 0),
        (libc::PR_GET_TIMING, 0),
        (0x1234_5678, 5),
    ] {
        call!(SYS_prctl, option, argument, 0, 0, 0);
    }
    bend!(SYS_prctl, libc::PR_GET_CHILD_SUBREAPER, &mut signal);
    bend!(SYS_prctl, libc::PR_GET_TSC, &mut signal);
    let mut base = 0_u64;
    bend!(SYS_arch_prctl, 0x1003, &mut base);
    bend!(SYS_arch_prctl, 0x1004, &mut base);
    call!(SYS_arch_prctl, 0x1011, 0);
    call!(SYS_arch_prctl, 0x9999, 5);
    call!(SYS_personality, u64::from(u32::MAX));
    call!(SYS_personality, 0x004_0000);
    call!(SYS_personality, 0x120_0008);
    call!(SYS_unshare, libc::CLONE_FILES | libc::CLONE_FS);
    call!(SYS_unshare, 0x0100_0001);
    call!(SYS_setns, 0, libc::CLONE_NEWNET);
    call!(SYS_setns, call!(SYS_open, c"/proc/self/ns/uts", libc::O_RDONLY), libc::CLONE_NEWUTS);
    call!(SYS_setns, -1, 0x11);
    let pid = call!(SYS_getpid);
    let process = call!(SYS_pidfd_open, pid, libc::O_NONBLOCK);
    call!(SYS_pidfd_open, pid, 0x17);
    call!(SYS_pidfd_getfd, process, 0, 0);
    let information = [0_u64; 16];
    bend!(SYS_pidfd_send_signal, process, 0, &information, 0);
    call!(SYS_kcmp, pid, pid, 0, 0, 1);
    call!(SYS_kcmp, pid, pid, 77, 0, 1);
    call!(SYS_ptrace, libc::PTRACE_TRACEME, 0, 0, 0);
    for request in [1_i32, 3, 7, 12, 0x4200, 0x4204, 0x4206, 0x420e, 0x9999] {
        call!(SYS_ptrace, request, NOBODY, 1, 2);
    }
    let mut head = [0_u64; 3];
    bend!(SYS_set_robust_list, &head, 24_usize);
    let mut length = 0_u64;
    bend!(SYS_get_robust_list, 0, &mut head[0], &mut length);
    let mut cleared = 0_i32;
    bend!(SYS_set_tid_address, &mut cleared);
    let mut sequences = [0_u32; 8];
    bend!(SYS_rseq, &mut sequences, 32, 0, 0x5305_3053);
    call!(SYS_rseq, &mut sequences, 32, 1, 0);
    call!(SYS_restart_syscall);
    call!(SYS_iopl, 0);
    call!(SYS_ioperm, 0x80_u64, 1_u64, 0);
    // An entry beyond the last: nothing is installed.
    let descriptor = [0xffff_u32, 0x1234, 0x5678, 0x51];
    bend!(SYS_modify_ldt, 0x11, &descriptor, 16_usize);
    call!(SYS_modify_ldt, 0, 0, 0_usize);
    call!(SYS_modify_ldt, 77, 1, 16_usize);
    call!(SYS_kill, pid, 0);
    call!(SYS_tkill, pid, 0);
    call!(SYS_tgkill, pid, pid, 0);
}

pub(crate) fn filters() {
    let program = [[6_u64 | 0x7fff_0000 << 32]; 1];
    let filter = [1_u64, std::ptr::from_ref(&program) as u64];
    call!(SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    let action = 0x7fff_0000_u32;
    bend!(SYS_seccomp, 2, 0, &action);
    let mut sizes = [0_u16; 3];
    bend!(SYS_seccomp, 3, 0, &mut sizes);
    call!(SYS_seccomp, 77, 0x1000, 0);
    let rules = [1_u64, 0, 0];
    let ruleset = make_bent(444, &[(&rules).word(), 8_usize.word(), 0.word()]);
    make(444, &[0.word(), 0.word(), 1.word()]);
    make_bent(445, &[ruleset.word(), 1.word(), (&[1_u64, 5]).word(), 0.word()]);
    // struct landlock_path_beneath_attr is packed: 8 bytes of rights, 4 of a descriptor.
    let here = call!(SYS_open, c".", libc::O_PATH) as u32;
    make_bent(445, &[ruleset.word(), 1.word(), (&[1_u32, 0, here]).word(), 0.word()]);
    make(446, &[ruleset.word(), 0.word()]);
    make(446, &[ruleset.word(), 0x33.word()]);
    let (mut modules, mut size) = ([0_u64; 8], 64_u32);
    make_bent(461, &[(&mut modules).word(), (&mut size).word(), 0.word()]);
    make_bent(459, &[100.word(), (&mut modules).word(), (&mut size).word(), 0.word()]);
    make_bent(460, &[100.word(), (&modules).word(), 32.word(), 0.word()]);
    let mut attributes = [0_u32; 32];
    for command in [0, 1, 2, 3, 5, 11, 15, 19, 99] {
        call!(SYS_bpf, command, &mut attributes, 72);
    }
    attributes[..5].copy_from_slice(&[2, 4, 8, 1, 0]);
    bend!(SYS_bpf, 0, &mut attributes, 72);
    call!(SYS_bpf, 0, &mut attributes, 0x7fff_ffff);
    let mut events = [0_u64; 16];
    events[0] = 1 | 128 << 32;
    bend!(SYS_perf_event_open, &events, 0, -1, -1, 8_u64);
    call!(SYS_perf_event_open, &events, -1, -1, -1, 0x1f_u64);
    bend!(SYS_seccomp, 1, 2, &filter);
}
