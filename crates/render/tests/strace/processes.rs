//! Programs, threads, signals.

use ctf::{Event, Value};
use render::{Options, PidPrefix};

use crate::events::{Events, comm, s, text, u};
use crate::scene::{TABLE, check, lines, object, ret};

fn execve() -> [(&'static str, Value); 10] {
    [
        ("filename_ptr", u(1)),
        ("filename_state", u(0)),
        ("filename", text("/bin/ls")),
        ("argv_ptr", u(2)),
        ("argv_state", u(0)),
        ("argv_count", u(2)),
        ("argv", Value::List(vec![text("ls"), text("a \"long\" argument of more than 32 letters")])),
        ("envp_ptr", u(0x7ffe_0000)),
        ("envp_state", u(0)),
        ("envp_count", u(1)),
    ]
}

#[test]
fn programs() {
    check(
        "execve",
        &execve(),
        &ret(0),
        r#"execve("/bin/ls", ["ls", "a \"long\" argument of more than 3"...], 0x7ffe0000 /* 1 var */) = 0"#,
    );
    let mut cut = execve();
    cut[4].1 = u(1);
    cut[8].1 = u(1);
    cut[1].1 = u(1);
    check(
        "execve",
        &cut,
        &ret(-7),
        r#"execve("/bin/ls"..., ["ls", "a \"long\" argument of more than 3"..., ...], 0x7ffe0000 /* 1+ vars */) = -1 E2BIG (Argument list too long)"#,
    );
}

#[test]
fn clone_shows_the_arguments_that_its_flags_ask_for() {
    let clone = |flags, stack| {
        [
            ("clone_flags", u(flags)),
            ("newsp", u(stack)),
            ("parent_tidptr", u(0x1000)),
            ("child_tidptr", u(0x7f5d)),
            ("tls", u(0x2000)),
        ]
    };
    let exit = |state| {
        [
            ("ret", s(10136)),
            ("parent_tidptr_state", u(state)),
            ("parent_tidptr_data", object(4, &[(0, 10136)])),
        ]
    };
    check(
        "clone",
        &clone(0x120_0011, 0),
        &exit(2),
        "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f5d) = 10136",
    );
    check(
        "clone",
        &clone(0x38_0100, 0x7f00),
        &exit(0),
        "clone(child_stack=0x7f00, flags=CLONE_VM|CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, \
         parent_tid=[10136], tls=0x2000, child_tidptr=0x7f5d) = 10136",
    );
}

fn end(e: &Events, time: u64, tid: i32, code: i64) -> Event {
    e.event(
        time,
        tid,
        "sched_process_exit",
        &[("pid", s(tid.into())), ("exit_code", s(code)), ("comm", comm("x"))],
    )
}

#[test]
fn threads_end_after_their_last_call() {
    let e = Events::new(TABLE);
    let exit_group = e.event(1, 7, "syscall_entry_exit_group", &[("error_code", s(3))]);
    assert_eq!(
        lines(&e, Options::default(), vec![exit_group, end(&e, 2, 7, 0x300)]),
        "exit_group(3)                           = ?\n+++ exited with 3 +++\n"
    );
    assert_eq!(
        lines(&e, Options::default(), vec![end(&e, 2, 7, 0x8b)]),
        "+++ killed by SIGSEGV (core dumped) +++\n"
    );
    assert_eq!(lines(&e, Options::default(), vec![end(&e, 2, 7, 9)]), "+++ killed by SIGKILL +++\n");
}

fn signal(e: &Events, time: u64, tid: i32, sig: i64, code: i64, info: [u64; 4]) -> Event {
    let mut fields = vec![("sig", s(sig)), ("errno", s(0)), ("code", s(code))];
    fields.extend(["si0", "si1", "si2", "si3"].into_iter().zip(info.map(u)));
    e.event(time, tid, "signal_deliver", &fields)
}

#[test]
fn signals() {
    let e = Events::new(TABLE);
    let list =
        vec![signal(&e, 1, 7, 17, 1, [10136, 3, 0, 0]), signal(&e, 2, 7, 9, 0, [0; 4]), end(&e, 3, 7, 9)];
    assert_eq!(
        lines(&e, Options::default(), list),
        "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=10136, si_uid=0, si_status=3, si_utime=0, \
         si_stime=0} ---\n+++ killed by SIGKILL +++\n"
    );
}

fn fork(e: &Events, time: u64, parent: i32, child: i32, child_pid: i32) -> Event {
    let fields = [
        ("parent_tid", s(parent.into())),
        ("parent_pid", s(parent.into())),
        ("child_tid", s(child.into())),
        ("child_pid", s(child_pid.into())),
        ("child_comm", comm("sh")),
    ];
    e.event(time, parent, "sched_process_fork", &fields)
}

#[test]
fn the_prefix_comes_and_goes_with_the_second_thread() {
    let e = Events::new(TABLE);
    let umask = |time, tid| {
        vec![
            e.event(time, tid, "syscall_entry_umask", &[("mask", u(0))]),
            e.event(time, tid, "syscall_exit_umask", &ret(0)),
        ]
    };
    let list = [
        umask(1, 7),
        vec![fork(&e, 2, 7, 10136, 10136)],
        umask(3, 10136),
        umask(4, 7),
        vec![end(&e, 5, 10136, 0)],
        umask(6, 7),
    ];
    let show = |pid| lines(&e, Options { pid, ..Options::default() }, list.concat());
    assert_eq!(
        show(PidPrefix::Several),
        "umask(000)                              = 000
[pid 10136] umask(000)                  = 000
[pid     7] umask(000)                  = 000
[pid 10136] +++ exited with 0 +++
umask(000)                              = 000
"
    );
    assert_eq!(
        show(PidPrefix::Always),
        "7     umask(000)                        = 000
10136 umask(000)                        = 000
7     umask(000)                        = 000
10136 +++ exited with 0 +++
7     umask(000)                        = 000
"
    );
    assert!(!show(PidPrefix::Never).contains("10136"));
}

#[test]
fn an_execve_of_another_thread_replaces_the_leader() {
    let e = Events::new(TABLE);
    let exec = e.event(
        13,
        7,
        "sched_process_exec",
        &[
            ("old_tid", s(8)),
            ("pid", s(7)),
            ("comm", comm("ls")),
            ("filename_state", u(0)),
            ("filename", text("/bin/ls")),
            ("argv_state", u(0)),
            ("argv_len", u(3)),
            ("argv_data", Value::Bytes(b"ls\0".to_vec())),
        ],
    );
    let list = vec![
        fork(&e, 1, 7, 8, 7),
        e.event(2, 7, "syscall_entry_pause", &[]),
        e.event(10, 8, "syscall_entry_execve", &execve()),
        end(&e, 12, 7, 0),
        exec,
        e.event(14, 7, "syscall_exit_execve", &ret(0)),
    ];
    assert_eq!(
        lines(&e, Options { limit: 4, ..Options::default() }, list),
        "[pid     7] pause()                     = ?
[pid     7] +++ superseded by execve in pid 8 +++
execve(\"/bin/ls\", [\"ls\", \"a \\\"l\"...], 0x7ffe0000 /* 1 var */) = 0
"
    );
}

#[test]
fn a_change_of_the_convention_is_said_first() {
    let e = Events::new(TABLE);
    let list = vec![
        e.event(1, 7, "compat_syscall_entry_getpid", &[]),
        e.event(2, 7, "compat_syscall_exit_getpid", &ret(7)),
    ];
    assert_eq!(
        lines(&e, Options::default(), list),
        "[ Process PID=7 runs in 32 bit mode. ]\ngetpid()                                = 7\n"
    );
}

#[test]
fn an_i386_call_shows_the_halves_of_an_argument_as_one_and_returns_32_bits() {
    let e = Events::new(TABLE);
    let halves = [("path", u(0x1000)), ("length_low", s(5)), ("length_high", s(1))];
    let list = vec![
        e.event(1, 7, "compat_syscall_entry_truncate64", &halves),
        e.event(2, 7, "compat_syscall_exit_truncate64", &ret(0xffff_fffe)),
        e.event(3, 7, "compat_syscall_entry_old_mmap", &[("arg", u(0))]),
        e.event(4, 7, "compat_syscall_exit_old_mmap", &ret(0x55_f7f2_0000)),
    ];
    assert_eq!(
        lines(&e, Options::default(), list),
        "[ Process PID=7 runs in 32 bit mode. ]\n\
         truncate64(0x1000, 4294967301)          = -1 ENOENT (No such file or directory)\n\
         old_mmap(NULL)                          = 0xf7f20000\n"
    );
}
