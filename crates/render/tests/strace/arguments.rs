//! Arguments and results of single calls.

use ctf::Value;
use render::Options;

use crate::events::{Events, s, text, u};
use crate::scene::{TABLE, call, check, lines, ret};

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
fn paths_stand_behind_descriptors_when_wanted() {
    let e = Events::new(TABLE);
    let read = || {
        let entry = [("fd", s(5)), ("buf", u(0x1000)), ("count", u(9))];
        let data = ("buf_data", Value::Bytes(vec![]));
        let exit = [("ret", s(0)), ("buf_state", u(0)), ("buf_len", u(0)), data];
        call(&e, "read", &entry, &exit)
    };
    let open = call(&e, "openat", &openat(Some("/etc/<passwd>"), 0, 0), &ret(5));
    let options = Options { paths: true, column: 0, ..Options::default() };
    assert_eq!(
        lines(&e, options, [read(), open, read()].concat()),
        "read(5, \"\", 9) = 0\n\
         openat(AT_FDCWD, \"/etc/<passwd>\", O_RDONLY) = 5</etc/\\74passwd\\76>\n\
         read(5</etc/\\74passwd\\76>, \"\", 9) = 0\n"
    );
}
