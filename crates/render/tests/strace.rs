//! Lines as strace 6.1 writes them for the same calls, and the lines that strace does not have.

mod events;

use std::convert::Infallible;
use std::sync::Arc;

use calls::{Damage, Happening, Pairing};
use ctf::merge::{Item, Loss};
use ctf::{Event, Value};
use events::{Events, comm, s, text, u};
use render::{Options, PidPrefix, Stamp, Strace, WallClock};

const TABLE: &str = r#"
number x86_64 0 read
number x86_64 1 write
number x86_64 7 poll
number x86_64 8 lseek
number x86_64 9 mmap
number x86_64 13 rt_sigaction
number x86_64 14 rt_sigprocmask
number x86_64 22 pipe
number x86_64 34 pause
number x86_64 56 clone
number x86_64 59 execve
number x86_64 61 wait4
number x86_64 62 kill
number x86_64 72 fcntl
number x86_64 79 getcwd
number x86_64 95 umask
number x86_64 133 mknod
number x86_64 230 clock_nanosleep
number x86_64 233 epoll_ctl
number x86_64 231 exit_group
number x86_64 257 openat
number x86_64 302 prlimit64
number x86_64 426 io_uring_enter
number i386 20 getpid
enum whence = SEEK_SET 0, SEEK_CUR 1, SEEK_END 2
flags open_flags = O_RDONLY 0/3, O_WRONLY 1/3, O_RDWR 2/3, O_CREAT 0o100, O_NONBLOCK 0o4000, O_LARGEFILE 0o100000, O_CLOEXEC 0o2000000, __O_TMPFILE 0o20000000
flags clone_flags = CLONE_VM 0x100, CLONE_SETTLS 0x80000, CLONE_PARENT_SETTID 0x100000, CLONE_CHILD_CLEARTID 0x200000, CLONE_CHILD_SETTID 0x1000000, SIGCHLD 17/0xff
flags fd_flags = FD_CLOEXEC 1
enum fcntl_cmd = F_DUPFD 0, F_GETFD 1, F_SETFD 2, F_GETFL 3
flags prot = PROT_NONE 0, PROT_READ 1, PROT_WRITE 2
flags map_flags = MAP_PRIVATE 2, MAP_ANONYMOUS 0x20
flags wait_opts = WNOHANG 1
flags poll_events : u16 = POLLIN 1, POLLOUT 4
enum sigprocmask_how = SIG_BLOCK 0, SIG_UNBLOCK 1, SIG_SETMASK 2
enum rlimit_resource = RLIMIT_STACK 3
type dev = u32 hex
type ms = s32 dec
type wstatus = s32 hex
object sigaction 32 i386 20
object rusage 144 i386 72
object timespec 16 i386 8
object rlimit64 16
object pollfd 8
object epoll_event 12
enum epoll_op = EPOLL_CTL_ADD 1, EPOLL_CTL_DEL 2
flags epoll_events = EPOLLIN 1
epoll_ctl(fd epfd, epoll_op op, fd fd, in epoll_event event if op != EPOLL_CTL_DEL)
read(fd fd, out bytes buf[ret], size count) = size
write(fd fd, in bytes buf[count], size count) = size
poll(inout pollfd ufds[1], count nfds, ms timeout_msecs) = count
lseek(fd fd, off offset, whence whence) = off
mmap(addr addr, size len, prot prot, map_flags flags, fd fd, off off as hex) = addr
rt_sigaction(signo sig, in sigaction act, out sigaction oact, size sigsetsize)
rt_sigprocmask(sigprocmask_how how, in sigset nset, out sigset oset, size sigsetsize)
pipe(out fd fildes[2])
pause()
clone(clone_flags clone_flags, addr newsp, out int parent_tidptr if clone_flags & CLONE_PARENT_SETTID, addr child_tidptr, addr tls) = pid
io_uring_enter(fd fd, hex flags, in timespec argp if flags & 8 else in sigset argp)
execve(path filename, in str argv[null], in str envp[null])
wait4(pid upid, out wstatus stat_addr if ret > 0, wait_opts options, out rusage ru if ret > 0) = pid
kill(pid pid, signo sig)
fcntl(fd fd, fcntl_cmd cmd, hex arg) switch cmd = int
fcntl.F_GETFD(void arg) = fd_flags
fcntl.F_SETFD(fd_flags arg)
fcntl.F_GETFL(void arg) = open_flags
getcwd(out bytes buf[ret] as path, size size) = size
umask(mode mask) = mode
mknod(path filename, mode mode, dev dev)
clock_nanosleep(int which_clock, int flags, in timespec rqtp, addr rmtp)
exit_group(int error_code)
openat(atfd dfd, path filename, open_flags flags, mode mode if flags & (O_CREAT | __O_TMPFILE)) = fd
prlimit64(pid pid, rlimit_resource resource, in rlimit64 new_rlim, out rlimit64 old_rlim)
getpid() = pid
"#;

/// Happenings of a list of events.
fn happenings(e: &Events, list: Vec<Event>) -> Vec<Happening> {
    let mut pairing = Pairing::new(Some(Arc::clone(&e.catalog)));
    let mut out = Vec::new();
    for event in list {
        pairing.feed::<Infallible>(Item::Event(event), &mut out);
    }
    pairing.finish(13_345_000_000, &mut out);
    out
}

fn lines(e: &Events, options: Options, list: Vec<Event>) -> String {
    let mut style = Strace::new(Some(Arc::clone(&e.catalog)), options);
    happenings(e, list).iter().map(|happening| style.line(happening).to_owned()).collect()
}

/// A call of thread 7, entered at 1 s and back 12 us later.
fn call(e: &Events, name: &str, entry: &[(&str, Value)], exit: &[(&str, Value)]) -> Vec<Event> {
    vec![
        e.event(1_000_000_000, 7, &format!("syscall_entry_{name}"), entry),
        e.event(1_000_012_345, 7, &format!("syscall_exit_{name}"), exit),
    ]
}

/// The line for one call.
#[track_caller]
fn check(name: &str, entry: &[(&str, Value)], exit: &[(&str, Value)], line: &str) {
    let e = Events::new(TABLE);
    assert_eq!(lines(&e, Options::default(), call(&e, name, entry, exit)), format!("{line}\n"));
}

fn openat<'a>(path: Option<&str>, flags: u64, mode: u64) -> [(&'a str, Value); 6] {
    [
        ("dfd", s(-100)),
        ("filename_ptr", u(0x1234)),
        ("filename_state", u(if path.is_some() { 0 } else { 2 })),
        ("filename", text(path.unwrap_or("#"))),
        ("flags", u(flags)),
        ("mode", u(mode)),
    ]
}

fn ret<'a>(ret: i64) -> [(&'a str, Value); 1] {
    [("ret", s(ret))]
}

#[test]
fn open() {
    check(
        "openat",
        &openat(Some("/etc/passwd"), 0o2000000, 0),
        &ret(5),
        "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = 5",
    );
    check(
        "openat",
        &openat(Some("/tmp/zz"), 0o102 | 0x8000_0000, 0o644),
        &ret(6),
        "openat(AT_FDCWD, \"/tmp/zz\", O_RDWR|O_CREAT|0x80000000, 0644) = 6",
    );
    check(
        "openat",
        &openat(None, 0, 0),
        &ret(-14),
        "openat(AT_FDCWD, 0x1234, O_RDONLY)      = -1 EFAULT (Bad address)",
    );
    let long = "x".repeat(100);
    check(
        "openat",
        &openat(Some(&long), 1, 0),
        &ret(-2),
        &format!("openat(AT_FDCWD, \"{long}\", O_WRONLY) = -1 ENOENT (No such file or directory)"),
    );
}

fn write(data: &[u8], state: u64, count: u64) -> [(&'static str, Value); 6] {
    [
        ("fd", u(1000)),
        ("buf", u(if state == 3 { 0 } else { 0x1234 })),
        ("buf_state", u(state)),
        ("buf_len", u(data.len() as u64)),
        ("count", u(count)),
        ("buf_data", Value::Bytes(data.to_vec())),
    ]
}

#[test]
fn data() {
    let bad = "= -1 EBADF (Bad file descriptor)";
    let letters = b"abcdefghijklmnopqrstuvwxyzabcdefgh";
    let check =
        |entry: [(&str, Value); 6], line: &str| check("write", &entry, &ret(-9), &format!("{line}{bad}"));
    check(write(&letters[..32], 1, 100), "write(1000, \"abcdefghijklmnopqrstuvwxyzabcdef\"..., 100) ");
    check(write(&letters[..32], 0, 32), "write(1000, \"abcdefghijklmnopqrstuvwxyzabcdef\", 32) ");
    check(write(&letters[..34], 0, 34), "write(1000, \"abcdefghijklmnopqrstuvwxyzabcdef\"..., 34) ");
    check(write(b"", 3, 5), "write(1000, NULL, 5)                    ");
    check(write(b"", 0, 0), "write(1000, \"\", 0)                      ");
    check(write(b"", 2, 5), "write(1000, 0x1234, 5)                  ");
}

#[test]
fn data_that_the_kernel_wrote() {
    let entry = [("fd", u(8)), ("buf", u(0x7fff_0000)), ("count", u(10))];
    let exit = |ret, state, data: &[u8]| {
        [
            ("ret", s(ret)),
            ("buf_state", u(state)),
            ("buf_len", u(data.len() as u64)),
            ("buf_data", Value::Bytes(data.to_vec())),
        ]
    };
    check("read", &entry, &exit(10, 0, b"root:x:0:0"), "read(8, \"root:x:0:0\", 10)               = 10");
    check("read", &entry, &exit(0, 0, b""), "read(8, \"\", 10)                         = 0");
    check(
        "read",
        &entry,
        &exit(-9, 4, b""),
        "read(8, 0x7fff0000, 10)                 = -1 EBADF (Bad file descriptor)",
    );
    let entry = [("buf", u(0x7fff_0000)), ("size", u(40))];
    check("getcwd", &entry, &exit(5, 0, b"/tmp\0"), "getcwd(\"/tmp\", 40)                      = 5");
}

#[test]
fn numbers_and_names() {
    let lseek = |offset, whence| [("fd", u(0)), ("offset", s(offset)), ("whence", u(whence))];
    check(
        "lseek",
        &lseek(-1, 77),
        &ret(-22),
        "lseek(0, -1, 0x4d /* SEEK_??? */)       = -1 EINVAL (Invalid argument)",
    );
    check(
        "lseek",
        &lseek(100, 1),
        &ret(-29),
        "lseek(0, 100, SEEK_CUR)                 = -1 ESPIPE (Illegal seek)",
    );
    let mmap = |addr, prot, fd, off| {
        [
            ("addr", u(addr)),
            ("len", u(4096)),
            ("prot", u(prot)),
            ("flags", u(0x22)),
            ("fd", s(fd)),
            ("off", u(off)),
        ]
    };
    check(
        "mmap",
        &mmap(0, 3, -1, 0),
        &ret(0x7f5d_903e_e000),
        "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f5d903ee000",
    );
    check(
        "mmap",
        &mmap(0x1000, 0, 77, 4096),
        &ret(-9),
        "mmap(0x1000, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, 77, 0x1000) = -1 EBADF (Bad file descriptor)",
    );
    check("umask", &[("mask", u(0o22))], &ret(0o22), "umask(022)                              = 022");
    check(
        "mknod",
        &[
            ("filename_ptr", u(1)),
            ("filename_state", u(0)),
            ("filename", text("/f")),
            ("mode", u(0o010644)),
            ("dev", u(0)),
        ],
        &ret(-17),
        "mknod(\"/f\", S_IFIFO|0644)               = -1 EEXIST (File exists)",
    );
    check(
        "kill",
        &[("pid", s(-1)), ("sig", s(34))],
        &ret(-3),
        "kill(-1, SIGRT_2)                       = -1 ESRCH (No such process)",
    );
}

#[test]
fn commands_choose_what_the_others_mean() {
    let fcntl = |cmd, arg| [("fd", u(0)), ("cmd", u(cmd)), ("arg", u(arg))];
    check(
        "fcntl",
        &fcntl(3, 0),
        &ret(0x8000),
        "fcntl(0, F_GETFL)                       = 0x8000 (flags O_RDONLY|O_LARGEFILE)",
    );
    check("fcntl", &fcntl(1, 0), &ret(0), "fcntl(0, F_GETFD)                       = 0");
    check("fcntl", &fcntl(1, 0), &ret(1), "fcntl(0, F_GETFD)                       = 0x1 (flags FD_CLOEXEC)");
    check("fcntl", &fcntl(2, 1), &ret(0), "fcntl(0, F_SETFD, FD_CLOEXEC)           = 0");
    check(
        "fcntl",
        &fcntl(9999, 5),
        &ret(-22),
        "fcntl(0, 0x270f /* F_??? */, 0x5)       = -1 EINVAL (Invalid argument)",
    );
}

/// An object of some bytes, with these 64-bit words at these places.
fn object(size: usize, words: &[(usize, u64)]) -> Value {
    let mut bytes = vec![0; size];
    for (at, word) in words {
        for (byte, value) in bytes[*at..].iter_mut().zip(word.to_le_bytes()) {
            *byte = value;
        }
    }
    Value::Bytes(bytes)
}

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
fn objects_that_the_kernel_changes_are_shown_before_and_after() {
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
        "poll([{fd=3, events=POLLIN, revents=0}] => [{fd=3, events=POLLIN, revents=POLLIN}], 1, -1) = 1",
    );
    check("poll", &entry, &exit(0, 0), "poll([{fd=3, events=POLLIN, revents=0}], 1, -1) = 0 (Timeout)");
}

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
fn restarts_and_errors_without_name() {
    check(
        "pause",
        &[],
        &ret(-514),
        "pause()                                 = ? ERESTARTNOHAND (To be restarted if no handler)",
    );
    check(
        "pause",
        &[],
        &ret(-512),
        "pause()                                 = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
    );
    check("pause", &[], &ret(-4000), "pause()                                 = -1 (errno 4000)");
}

#[test]
fn calls_without_name() {
    let mut entry = vec![("nr", s(500))];
    entry.extend(["arg0", "arg1", "arg2", "arg3", "arg4", "arg5"].into_iter().zip((0..6).map(u)));
    check(
        "unknown",
        &entry,
        &[("ret", s(-38)), ("nr", s(500))],
        "syscall_0x1f4(0, 0x1, 0x2, 0x3, 0x4, 0x5) = -1 ENOSYS (Function not implemented)",
    );
}

#[test]
fn half_calls_say_what_is_missing() {
    let e = Events::new(TABLE);
    let show = |list| lines(&e, Options::default(), list);
    let exit =
        [("ret", s(2)), ("buf_state", u(0)), ("buf_len", u(2)), ("buf_data", Value::Bytes(b"ab".to_vec()))];
    assert_eq!(
        show(vec![e.event(1, 7, "syscall_exit_read", &exit)]),
        "read(?, \"ab\", ?)                        = 2\n"
    );
    assert_eq!(
        show(vec![e.event(1, 7, "syscall_exit_unknown", &[("ret", s(0)), ("nr", s(-1))])]),
        "rt_sigreturn(?)                         = 0\n"
    );
    let entry = || e.event(1_000_000_000, 7, "syscall_entry_pause", &[]);
    assert_eq!(
        show(vec![entry()]),
        "pause()                                 = ? <still open after 12.345 s>\n"
    );
    assert_eq!(
        show(vec![entry(), entry()]).lines().next().unwrap(),
        "pause()                                 = ? <exit lost>"
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
fn stamps() {
    let e = Events::new(TABLE);
    let list = || call(&e, "umask", &[("mask", u(0))], &ret(0));
    // The trace's clock began at 04:14:29.399553 UTC.
    let clock = WallClock { epoch: 1_795_580_069_399_553_000, ahead: 0 };
    let show = |options| lines(&e, Options { clock, ..options }, list());
    let with = |stamp| Options { stamp: Some(stamp), ..Options::default() };
    assert_eq!(show(with(Stamp::Seconds)), "04:14:30 umask(000)                     = 000\n");
    assert_eq!(show(with(Stamp::Micros)), "04:14:30.399553 umask(000)              = 000\n");
    assert_eq!(show(with(Stamp::Epoch)), "1795580070.399553 umask(000)            = 000\n");
    let relative = Options { relative: true, ..Options::default() };
    assert_eq!(show(relative), "     0.000000 umask(000)                = 000\n");
    assert_eq!(
        show(Options { relative: true, duration: true, ..with(Stamp::Micros) }),
        "04:14:30.399553 (+     0.000000) umask(000) = 000 <0.000012>\n"
    );
    let twice = [list(), list()].concat();
    assert_eq!(lines(&e, relative, twice).lines().count(), 2);
    assert_eq!(
        show(Options { names: true, column: 20, ..Options::default() }),
        "umask(mask=000)     = 000\n"
    );
}

#[test]
fn holes() {
    let mut style = Strace::new(None, Options::default());
    let loss = Loss {
        stream: "syscalls_1".into(),
        stream_id: 0,
        cpu: 1,
        count: 4838,
        packets: 0,
        from: 12_345_678_000,
        to: 12_400_000_000,
    };
    assert_eq!(
        style.line(&Happening::Loss(loss.clone())),
        "*** 4838 records lost on cpu 1 between 12.345678 and 12.400000 ***\n"
    );
    let packet = Loss { count: 0, packets: 1, stream_id: 1, ..loss };
    assert_eq!(
        style.line(&Happening::Loss(packet)),
        "*** 1 lifecycle packet lost on cpu 1 between 12.345678 and 12.400000 ***\n"
    );
    let damage = Damage { stream: "x\u{1b}".into(), cpu: None, time: 5_000, cause: "byte 7: bad".into() };
    assert_eq!(
        style.line(&Happening::Damage(damage)),
        "*** stream x\\u{1b} cannot be read after 0.000005: byte 7: bad ***\n"
    );
}

#[test]
fn a_call_that_was_open_while_records_were_lost_is_marked() {
    let e = Events::new(TABLE);
    let mut pairing = Pairing::new(Some(Arc::clone(&e.catalog)));
    let mut out = Vec::new();
    let mut events = call(&e, "umask", &[("mask", u(0))], &ret(0)).into_iter();
    let loss = Loss { stream: "s".into(), stream_id: 0, cpu: 0, count: 1, packets: 0, from: 0, to: 1 };
    pairing.feed::<Infallible>(Item::Event(events.next().unwrap()), &mut out);
    pairing.feed::<Infallible>(Item::Loss(loss), &mut out);
    pairing.feed::<Infallible>(Item::Event(events.next().unwrap()), &mut out);
    let mut style = Strace::new(Some(Arc::clone(&e.catalog)), Options::default());
    assert_eq!(
        style.line(&out[1]),
        "umask(000)                              = 000 <records lost meanwhile>\n"
    );
}
