//! The table of these tests, and the way from a call to its line.

use std::convert::Infallible;
use std::sync::Arc;

use calls::{Happening, Pairing};
use ctf::merge::Item;
use ctf::{Event, Value};
use render::{Options, Strace};

use crate::events::{Events, s};

pub(crate) const TABLE: &str = r#"
number x86_64 0 read
number x86_64 1 write
number x86_64 7 poll
number x86_64 8 lseek
number x86_64 9 mmap
number x86_64 13 rt_sigaction
number x86_64 14 rt_sigprocmask
number x86_64 22 pipe
number x86_64 23 select
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
number x86_64 435 clone3
number i386 20 getpid
number i386 90 old_mmap
number i386 193 truncate64
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
type dev = u32 device
type ms = s32 dec
type wstatus = s32 wait_status
layout sigaction 32 { 0 addr sa_handler; 8 u64 sa_flags; 16 addr sa_restorer; 24 u64[1] sa_mask; }
type sa_handler = u64 enum sig_handler else hex
enum sig_handler = SIG_DFL 0, SIG_IGN 1
struct sigaction { sa_handler sa_handler; sigset sa_mask; u64 sa_flags; addr sa_restorer if sa_flags & 0x4000000; }
struct rusage { timeval ru_utime; timeval ru_stime; ...; long ru_maxrss[14]; }
struct timeval { long tv_sec; long tv_usec; }
struct timespec { long tv_sec; long tv_nsec; }
struct rlimit64 { u64 rlim_cur as limit; u64 rlim_max as limit; }
layout pollfd 8 { 0 s32 fd; 4 s16 events; 6 s16 revents; }
struct pollfd { fd fd; poll_events events; }
struct polled = pollfd { fd fd if revents; poll_events revents if revents; }
layout epoll_event 12 { 0 u32 events; 4 u64 data; }
struct epoll_event { epoll_events events; epoll_data data; }
layout epoll_data 8 { 0 u32 u32; 0 u64 u64; }
struct epoll_data { u32 u32; u64 u64; }
enum epoll_op = EPOLL_CTL_ADD 1, EPOLL_CTL_DEL 2
flags epoll_events = EPOLLIN 1
epoll_ctl(fd epfd, epoll_op op, fd fd, in epoll_event event if op != EPOLL_CTL_DEL)
read(fd fd, out bytes buf[ret], size count) = size
write(fd fd, in bytes buf[count], size count) = size
poll(inout pollfd ufds[1] as polled, count nfds, ms timeout_msecs) = count
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
object fdset 8
select(int n, inout fdset inp[:8] as fds, inout fdset outp[:8] as fds, inout timeval tvp as left) = count
struct clone_args { u64 flags as hex; out fd pidfd if flags & 0x1000; }
clone3(in clone_args uargs[:size], size size) = pid
old_mmap(addr arg) = addr
truncate64(addr path, s32 length_low, s32 length_high)
"#;

/// Happenings of a list of events.
pub(crate) fn happenings(e: &Events, list: Vec<Event>) -> Vec<Happening> {
    let mut pairing = Pairing::new(Some(Arc::clone(&e.catalog)));
    let mut out = Vec::new();
    for event in list {
        pairing.feed::<Infallible>(&mut Item::Event(event), &mut out);
    }
    pairing.finish(13_345_000_000, &mut out);
    out
}

pub(crate) fn lines(e: &Events, options: Options, list: Vec<Event>) -> String {
    let mut style = Strace::new(Some(Arc::clone(&e.catalog)), options);
    happenings(e, list).iter().map(|happening| style.line(happening).to_owned()).collect()
}

/// A call of thread 7, entered at 1 s and back 12 us later.
pub(crate) fn call(e: &Events, name: &str, entry: &[(&str, Value)], exit: &[(&str, Value)]) -> Vec<Event> {
    vec![
        e.event(1_000_000_000, 7, &format!("syscall_entry_{name}"), entry),
        e.event(1_000_012_345, 7, &format!("syscall_exit_{name}"), exit),
    ]
}

/// The line for one call.
#[track_caller]
pub(crate) fn check(name: &str, entry: &[(&str, Value)], exit: &[(&str, Value)], line: &str) {
    let e = Events::new(TABLE);
    assert_eq!(lines(&e, Options::default(), call(&e, name, entry, exit)), format!("{line}\n"));
}

pub(crate) fn ret<'a>(ret: i64) -> [(&'a str, Value); 1] {
    [("ret", s(ret))]
}

/// An object of some bytes, with these 64-bit words at these places.
pub(crate) fn object(size: usize, words: &[(usize, u64)]) -> Value {
    let mut bytes = vec![0; size];
    for (at, word) in words {
        for (byte, value) in bytes[*at..].iter_mut().zip(word.to_le_bytes()) {
            *byte = value;
        }
    }
    Value::Bytes(bytes)
}
