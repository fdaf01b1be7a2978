//! The language by example.

use super::*;
use crate::ast::{BinaryOp, Direction, Expr, Extent};

fn one(text: &str) -> Line {
    let mut lines = parse(text, "example.tt").unwrap_or_else(|error| panic!("{}", error.render()));
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}

fn call(text: &str) -> Call {
    match one(text) {
        Line::Call(call) => call,
        other => panic!("{other:?}"),
    }
}

fn error(text: &str) -> String {
    parse(text, "my.tt").unwrap_err().to_string()
}

#[test]
fn a_call_reads_like_its_declaration() {
    let open = call("openat(atfd dfd, path filename, open_flags flags, mode mode if flags & O_CREAT) = fd");
    assert_eq!(
        open.params.iter().map(|p| p.ty.name.as_str()).collect::<Vec<_>>(),
        ["atfd", "path", "open_flags", "mode"]
    );
    let both = [Expr::Name("flags".into()), Expr::Name("O_CREAT".into())].map(Box::new);
    let [flags, create] = both;
    assert_eq!(open.params[3].condition, Some(Expr::Binary(BinaryOp::BitAnd, flags, create)));
    assert_eq!(open.returns.unwrap().ty.name, "fd");
}

#[test]
fn directions_and_extents() {
    let read = call("read(fd fd, out bytes buf[ret], size count) = size");
    assert_eq!(read.params[1].direction, Some(Direction::Out));
    assert_eq!(read.params[1].extent, Some(Extent::Count(Expr::Ret, None)));
    let mmsg = call("recvmmsg(inout mmsghdr mmsg[vlen; ret] of out[.msg_len])");
    assert_eq!(mmsg.params[0].load.as_ref().unwrap().direction, Some(Direction::Out));
    assert!(matches!(mmsg.params[0].extent, Some(Extent::Count(_, Some(Expr::Ret)))));
    let how = call("openat2(in open_how how[:usize])");
    assert!(matches!(how.params[0].extent, Some(Extent::Bytes(_, None))));
    let argv = call("execve(in str argv[null])");
    assert_eq!(argv.params[0].extent, Some(Extent::Null));
}

#[test]
fn pass_is_a_direction_and_a_type() {
    let Line::Struct(iovec) = one("struct iovec { pass iov_base[:iov_len]; size iov_len; }") else {
        panic!()
    };
    assert_eq!((iovec.members[0].direction, iovec.members[0].ty.name.as_str()), (None, "pass"));
    let Line::Struct(msghdr) = one("struct msghdr = user_msghdr { pass cmsghdr msg_control[:len]; }") else {
        panic!()
    };
    assert_eq!(msghdr.members[0].direction, Some(Direction::Pass));
    assert_eq!(msghdr.layout.as_deref(), Some("user_msghdr"));
}

#[test]
fn every_kind_of_line_prints_as_it_was_written() {
    for text in [
        "getpid() = pid",
        "clone@i386(clone_flags clone_flags, addr newsp) = pid",
        "accept(out sockaddr a[:min(old *len, *len)], inout int len) = fd<socket>",
        "io(in args argp[:argsz] if flags & EXT else in sigset argp, size argsz as hex)",
        "getsockopt(int level, int optname) switch level, optname",
        "getsockopt.SOL_SOCKET/*(so_opt optname)",
        "fcntl.F_SETLK,F_SETLKW(in flock arg)",
        "syslog.3..5,-1(void bufp) = int",
        "ioctl.KVM_CREATE_VM(int arg) = fd<kvm-vm> on \"/dev/kvm\"",
        "seccomp.FILTER(in sock_fprog uargs) = fd if flags & NEW_LISTENER",
        "bpf.BPF_PROG_LOAD(in bpf_attr{prog_type} uattr[:size])",
        "flags open_flags = O_RDONLY 0x0/0x3, O_WRONLY 0x1/0x3, O_CREAT 0x40",
        "enum signal : s32 dec += SIGHUP 1, NONE -1",
        "bits rw : u8 hex = WRITE, RAHEAD, _, META",
        "type ms = s32 dec \"%d ms\"",
        "type key = s32 enum keyring_spec else dec",
        "union sockaddr switch sa_family : u16 { AF_UNIX: sockaddr_un; *: bytes; }",
        "struct open_how { open_flags flags; mode mode; }",
        "object timespec 16 i386 8",
        "ctype size_t u64 i386 u32",
        "number x86_64 257 openat",
        "proto execve(const char * filename, const char *const * argv)",
    ] {
        assert_eq!(one(text).to_string(), text);
    }
}

#[test]
fn operators_bind_as_in_c() {
    for (text, printed) in [
        ("1 + 2 * 3", "1 + 2 * 3"),
        ("(1 + 2) * 3", "(1 + 2) * 3"),
        ("a - (b - c)", "a - (b - c)"),
        ("a - b - c", "a - b - c"),
        ("(a & b) == c", "(a & b) == c"),
        ("!(flags & MAP_ANONYMOUS)", "!(flags & MAP_ANONYMOUS)"),
        ("((a)) || b && c", "a || b && c"),
        ("old *len + -1", "old *len + -1"),
    ] {
        assert_eq!(
            call(&format!("f(int a if {text})")).params[0].condition.as_ref().unwrap().to_string(),
            printed
        );
    }
}

#[test]
fn lines_continue_after_a_comma_or_a_brace() {
    let text = "f(int a, # first\n\n  int b)\n# nothing\nunion u switch k {\n  1: int;\n  *: bytes;\n}\ng()";
    assert_eq!(parse(text, "t").unwrap().len(), 3);
}

#[test]
fn errors_say_where_what_and_what_instead() {
    assert_eq!(error("close(fd)"), "my.tt:1:9: expected the name of the argument, found ')'");
    assert_eq!(
        error("\n  close"),
        "my.tt:2:8: expected '(' or '.' after the name of a call, found end of text"
    );
    assert_eq!(error("f() g()"), "my.tt:1:5: expected end of line, found 'g'");
    assert_eq!(error("number arm 1 f"), "my.tt:1:8: expected x86_64 or i386, found 'arm'");
    assert_eq!(
        error("type t = int"),
        "my.tt:1:10: expected a stored type: u8 u16 u32 u64 s8 s16 s32 s64, found 'int'"
    );
    assert_eq!(error("enum e = A 0x"), "my.tt:1:12: expected a decimal, 0x or 0o number, found '0x'");
    assert_eq!(error("object o 4294967296"), "my.tt:1:10: the number 4294967296 is not in 0..=4294967295");
    assert_eq!(error("f(int ä)"), "my.tt:1:7: expected a name, a number or a sign, found 'ä'");
    assert_eq!(error("f() on \"x"), "my.tt:1:5: expected end of line, found 'on'");
    assert_eq!(error("proto f(int)"), "my.tt:1:9: expected C-TYPE NAME, found 'int'");
    assert_eq!(error("flags f from AT_*"), "my.tt:1:9: a selector (from ...) is not supported here");
    assert_eq!(error("enum e = A 1 {arm64 2}"), "my.tt:1:14: a value per architecture is not supported here");
    let bytes = parse_bytes(b"close(fd fd)\nx\xff", "my.tt").unwrap_err();
    assert_eq!(bytes.to_string(), "my.tt:2:2: the byte 0xff is not UTF-8");
}
