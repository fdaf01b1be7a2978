//! The calls, by subject. Numbers are those of `asm/unistd_32.h`.

use crate::low::{Word, bend, hole, make, place, text};

/// Name and calls of each group.
pub(crate) const GROUPS: [(&str, fn()); 7] = [
    ("files", files),
    ("vectors", vectors),
    ("signals", signals),
    ("time", time),
    ("processes", processes),
    ("sockets", sockets),
    ("sweep", sweep),
];

/// Room for an answer of so many words.
fn room(words: usize) -> Word {
    place(&vec![0_u32; words])
}

fn open(name: &std::ffi::CStr, flags: i32) -> Word {
    make(5, &[text(name), flags.into(), 0o644.into()]).into()
}

fn files() {
    let fd = open(c"plain", libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC);
    // write, lseek, read, pread64 with a position in two registers, _llseek
    bend(4, &[fd, place(b"some bytes\n\x01"), 12.into()]);
    make(19, &[fd, 0.into(), 0.into()]);
    bend(3, &[fd, room(4), 16.into()]);
    bend(180, &[fd, room(4), 8.into(), 2.into(), 0.into()]);
    bend(140, &[fd, 0.into(), 5.into(), room(2), 0.into()]);
    // stat, lstat, fstat, stat64, lstat64, fstat64, fstatat64, statx, statfs, statfs64, fstatfs64
    for number in [106, 107, 195, 196] {
        bend(number, &[text(c"plain"), room(24)]);
    }
    bend(108, &[fd, room(24)]);
    bend(197, &[fd, room(24)]);
    bend(300, &[libc::AT_FDCWD.into(), text(c"plain"), room(24), 0.into()]);
    bend(383, &[libc::AT_FDCWD.into(), text(c"plain"), 0.into(), 0x7ff.into(), room(64)]);
    bend(99, &[text(c"/proc"), room(16)]);
    bend(268, &[text(c"/proc"), 84.into(), room(21)]);
    bend(269, &[fd, 84.into(), room(21)]);
    // fcntl64 with struct flock and struct flock64
    for (command, object) in [(5, place(&[1_u32, 0, 0, 0])), (12, place(&[1_u32, 0, 0, 0, 0, 0]))] {
        bend(221, &[fd, command.into(), object]);
    }
    make(221, &[fd, libc::F_GETFL.into(), 0.into()]);
    // ioctl FIONREAD, TCGETS
    bend(54, &[fd, 0x541b.into(), room(1)]);
    bend(54, &[open(c"/dev/ptmx", libc::O_RDWR), 0x5401.into(), room(9)]);
    // truncate64, ftruncate64, fallocate, fadvise64_64: lengths in two registers
    make(193, &[text(c"plain"), 77.into(), 0.into()]);
    make(194, &[fd, 77.into(), 0.into()]);
    make(324, &[fd, 0.into(), 0.into(), 0.into(), 4096.into(), 0.into()]);
    make(272, &[fd, 0.into(), 0.into(), 4096.into(), 0.into(), 1.into()]);
    // mkdir, readlink, getdents, getdents64, utimes, utimensat, access, chmod, chown32, umask
    bend(39, &[text(c"directory"), 0o755.into()]);
    bend(85, &[text(c"/proc/self/exe"), room(20), 80.into()]);
    let directory = open(c".", libc::O_RDONLY | libc::O_DIRECTORY);
    bend(141, &[directory, room(100), 400.into()]);
    make(19, &[directory, 0.into(), 0.into()]);
    bend(220, &[directory, room(100), 400.into()]);
    bend(271, &[text(c"plain"), place(&[1_000_000_000_u32, 5, 1_100_000_000, 6])]);
    bend(
        320,
        &[libc::AT_FDCWD.into(), text(c"plain"), place(&[1_000_000_000_u32, 5, 1_100_000_000, 6]), 0.into()],
    );
    bend(33, &[text(c"plain"), 4.into()]);
    bend(15, &[text(c"plain"), 0o4711.into()]);
    bend(212, &[text(c"plain"), 1.into(), 2.into()]);
    make(60, &[0o22.into()]);
    // mmap with a struct, mmap2, munmap, mprotect
    bend(90, &[place(&[0_u32, 4096, 3, 0x22, u32::MAX, 0])]);
    let page = make(192, &[0.into(), 4096.into(), 3.into(), 0x62.into(), (-1).into(), 1.into()]);
    make(125, &[page.into(), 4096.into(), 1.into()]);
    make(91, &[page.into(), 4096.into()]);
}

fn vectors() {
    let fd = open(c"vectors", libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC);
    let (first, second) = (place(b"first part"), place(b"second"));
    let vector = place(&[first.value, 10, second.value, 6]);
    // writev, pwritev, lseek, readv, preadv, preadv2
    bend(146, &[fd, vector, 2.into()]);
    bend(334, &[fd, vector, 2.into(), 4.into(), 0.into()]);
    make(19, &[fd, 0.into(), 0.into()]);
    bend(145, &[fd, vector, 2.into()]);
    bend(333, &[fd, vector, 2.into(), 4.into(), 0.into()]);
    bend(378, &[fd, vector, 2.into(), 4.into(), 0.into(), 1.into()]);
    // poll, _newselect, select with a struct, epoll
    bend(168, &[place(&[fd.value, 5, u32::MAX, 1]), 2.into(), 0.into()]);
    let set = || place(&[1_u32 << fd.value, 0]);
    bend(142, &[8.into(), set(), set(), 0.into(), place(&[0_u32, 100])]);
    bend(82, &[place(&[8, set().value, set().value, 0, place(&[0_u32, 100]).value])]);
    let mut pair = [0_i32; 2];
    // SAFETY: `pair` has room for two descriptors.
    assert_eq!(unsafe { libc::pipe(pair.as_mut_ptr()) }, 0);
    let queue: Word = make(329, &[0.into()]).into();
    bend(255, &[queue, 1.into(), pair[1].into(), place(&[5_u32, 0x1234, 0])]);
    bend(256, &[queue, room(12), 4.into(), 0.into()]);
    bend(319, &[queue, room(12), 4.into(), 0.into(), place(&[1_u32, 0]), 8.into()]);
}

fn signals() {
    let set = place(&[1_u32 << 9, 4]);
    // rt_sigprocmask, rt_sigaction, sigaction, sigprocmask, rt_sigpending, sigpending, sigaltstack
    bend(175, &[0.into(), set, room(2), 8.into()]);
    bend(174, &[10.into(), place(&[1_u32, 0x1000_0000, 0, 4, 0]), room(5), 8.into()]);
    bend(67, &[10.into(), place(&[1_u32, 4, 0x1000_0000, 0]), room(4)]);
    bend(126, &[0.into(), place(&[1_u32 << 9]), room(1)]);
    bend(176, &[room(2), 8.into()]);
    bend(73, &[room(1)]);
    bend(186, &[place(&[0_u32, 2, 0]), room(3)]);
    // kill, tkill, tgkill to itself, rt_sigtimedwait of it
    let pid: Word = make(20, &[]).into();
    make(37, &[pid, 10.into()]);
    // A time of NULL would be for ever.
    let short = |time: Word| Word::from(time.value);
    bend(177, &[set, room(32), short(place(&[0_u32, 5])), 8.into()]);
    bend(178, &[pid, 10.into(), place(&[10_u32, u32::MAX, 0, 0, pid.value, 0, 0x1234])]);
    bend(421, &[set, room(32), short(place(&[0_u64, 5])), 8.into()]);
}

fn time() {
    // time, gettimeofday, clock_gettime, clock_gettime64, clock_getres, times
    bend(13, &[room(1)]);
    bend(78, &[room(2), room(2)]);
    bend(265, &[1.into(), room(2)]);
    bend(403, &[1.into(), room(4)]);
    bend(266, &[1.into(), room(2)]);
    bend(43, &[room(4)]);
    // nanosleep, clock_nanosleep, setitimer, getitimer, timer_create, timer_settime, timerfd_settime
    bend(162, &[place(&[0_u32, 10]), room(2)]);
    bend(267, &[1.into(), 0.into(), place(&[0_u32, 10]), room(2)]);
    bend(104, &[1.into(), place(&[0_u32, 0, 100, 5]), room(4)]);
    bend(105, &[1.into(), room(4)]);
    let (event, timer) = (place(&[0_u32, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), room(1));
    bend(259, &[1.into(), event, timer]);
    bend(260, &[0.into(), 0.into(), place(&[0_u32, 0, 100, 5]), room(4)]);
    bend(261, &[0.into(), room(4)]);
    let fd: Word = make(322, &[1.into(), 0.into()]).into();
    bend(325, &[fd, 0.into(), place(&[0_u32, 0, 100, 5]), room(4)]);
    bend(411, &[fd, 0.into(), place(&[0_u64, 0, 100, 5]), room(8)]);
    bend(326, &[fd, room(4)]);
    // futex, futex_time64, adjtimex
    bend(240, &[place(&[5_u32]), 0.into(), 4.into(), place(&[0_u32, 1000]), 0.into(), 0.into()]);
    bend(422, &[place(&[5_u32]), 0.into(), 4.into(), place(&[0_u64, 1000]), 0.into(), 0.into()]);
    bend(124, &[room(32)]);
}

fn processes() {
    for number in [20, 24, 47, 49, 50, 64, 65, 66, 199, 200, 201, 202, 224] {
        make(number, &[]);
    }
    // getrlimit, setrlimit, prlimit64, getrusage, sysinfo, uname, getgroups32, getresuid32, sched_getaffinity, sched_getparam
    bend(191, &[7.into(), room(2)]);
    bend(75, &[4.into(), place(&[0_u32, u32::MAX])]);
    bend(340, &[0.into(), 7.into(), 0.into(), room(4)]);
    bend(77, &[0.into(), room(18)]);
    bend(116, &[room(16)]);
    bend(122, &[room(98)]);
    bend(205, &[8.into(), room(8)]);
    bend(209, &[room(1), room(1), room(1)]);
    bend(242, &[0.into(), 8.into(), room(2)]);
    bend(155, &[0.into(), room(1)]);
    // prctl PR_SET_NAME, capget, personality, getcpu
    bend(172, &[15.into(), text(c"a-name")]);
    bend(184, &[place(&[0x2008_0522_u32, 0]), room(6)]);
    make(136, &[(-1).into()]);
    bend(318, &[room(1), room(1), 0.into()]);
    // execve of what is not there, waitpid, wait4, waitid
    let words = place(&[text(c"first").value, text(c"second").value, 0]);
    bend(11, &[text(c"/no/such/program"), words, words]);
    for number in [7, 114] {
        let pid = make(2, &[]);
        if pid == 0 {
            make(252, &[3.into()]);
        }
        make(number, &[pid.into(), room(1), 0.into(), room(18)]);
    }
    bend(284, &[0.into(), 0.into(), room(32), 5.into(), room(18)]);
    // semget, semctl, msgget, shmget under numbers of their own
    make(393, &[0.into(), 2.into(), 0o1600.into()]);
    make(394, &[0.into(), 0.into(), 12.into(), 0.into()]);
    make(399, &[0.into(), 0o1600.into()]);
    make(395, &[0.into(), 4096.into(), 0o1600.into()]);
}

fn sockets() {
    let address = place(&[2_u16, 4321_u16.to_be(), 127, 0x0100, 0, 0, 0, 0]);
    let udp: Word = make(359, &[2.into(), 2.into(), 0.into()]).into();
    bend(361, &[udp, address, 16.into()]);
    bend(367, &[udp, room(4), place(&[16_u32])]);
    bend(365, &[udp, 1.into(), 3.into(), room(1), place(&[4_u32])]);
    bend(366, &[udp, 1.into(), 20.into(), place(&[3_u32, 5]), 8.into()]);
    let pair = room(2);
    make(360, &[1.into(), (2 | libc::SOCK_NONBLOCK).into(), 0.into(), pair]);
    // SAFETY: two words of our own memory, which the kernel has filled.
    let [one, other] = unsafe { *(pair.value as usize as *const [i32; 2]) };
    bend(369, &[one.into(), place(b"hello"), 5.into(), 0.into(), 0.into(), 0.into()]);
    let part = place(b"a part");
    let vector = place(&[part.value, 6]);
    let message = place(&[0_u32, 0, vector.value, 1, 0, 0, 0]);
    bend(370, &[one.into(), message, 0.into()]);
    bend(372, &[other.into(), message, libc::MSG_DONTWAIT.into()]);
    bend(371, &[other.into(), room(16), 64.into(), libc::MSG_DONTWAIT.into(), room(8), place(&[32_u32])]);
}

/// Calls that must not be made with nonsense: they never come back, or do more than fail. By number: restart_syscall, exit,
/// fork, stime, pause, nice, acct, ssetmask, sigsuspend, settimeofday, select, swapon, reboot, vhangup, idle, swapoff,
/// sigreturn, clone, adjtimex, _newselect, nanosleep, rt_sigreturn, vfork, exit_group, clock_settime, kexec_load, pselect6,
/// ppoll, clock_adjtime, seccomp, msgrcv, clock_settime64, clock_adjtime64, pselect6_time64, ppoll_time64. And two that strace
/// calls by what they are asked to do: socketcall, ipc. And fchmod, of descriptors 0 and 1, often /dev/null, which others need too.
const NOT: [u32; 38] = [
    0, 1, 2, 25, 29, 34, 51, 69, 72, 79, 82, 87, 88, 94, 102, 111, 112, 115, 117, 119, 120, 124, 142, 162,
    173, 190, 252, 264, 283, 308, 309, 343, 354, 401, 404, 405, 413, 414,
];

fn sweep() {
    for number in (3..472).filter(|number| !NOT.contains(number)) {
        // How such a child ends does not matter: some calls may kill it.
        let _ = crate::in_child(5, || nonsense(number));
    }
}

fn nonsense(number: u32) {
    let edge = place(b"quux\0\0\0\0");
    bend(number, &[edge]);
    for value in [u32::MAX, hole() + 0x3a4, 0x7fff_ffff, 1 << 30 | 0x604] {
        make(number, &[Word::from(value); 6]);
    }
    make(number, &[Word::from(0); 6]);
}
