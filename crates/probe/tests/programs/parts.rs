//! What is reached through what a pointer leads to: the memory of an `iovec` row, members that are pointers.

use schema::layout::{Layout, State};
use schema::lower::Plan;

use crate::scene::{NATIVE, Scene, first, layouts};

const CALLS: &str = "\
number x86_64 20 writev
number x86_64 19 readv
number x86_64 46 sendmsg
number x86_64 47 recvmsg
number x86_64 307 sendmmsg
number x86_64 317 seccomp
layout iovec 16 { 0 addr iov_base; 8 u64 iov_len; }
layout msghdr 56 { 0 addr msg_name; 8 s32 msg_namelen; 16 addr msg_iov; 24 u64 msg_iovlen; 32 addr msg_control; 40 u64 msg_controllen; 48 u32 msg_flags; }
layout mmsghdr 64 { 0 msghdr msg_hdr; 56 u32 msg_len; }
layout cmsghdr 16 { 0 u64 cmsg_len; 8 s32 cmsg_level; 12 s32 cmsg_type; }
struct msghdr { pass sockaddr msg_name[:msg_namelen]; int msg_namelen; in iovec msg_iov[msg_iovlen] of pass; ulong msg_iovlen; pass cmsghdr msg_control[:msg_controllen]; ulong msg_controllen; u32 msg_flags; }
struct mmsghdr { msghdr msg_hdr; u32 msg_len; }
object sockaddr 0
layout sock_fprog 16 { 0 u16 len; 8 addr filter; }
struct sock_fprog { u16 len; in u64 filter[len]; }
seccomp(u32 op, u32 flags, addr uargs) switch op = int
seccomp.1(in sock_fprog uargs)
seccomp.2(in u32 uargs)
writev(u32 fd, in iovec vec[vlen] of in, count vlen) = size
readv(u32 fd, in iovec vec[vlen] of out[ret], count vlen) = size
sendmsg(u32 fd, in msghdr msg of in) = size
recvmsg(u32 fd, inout msghdr msg of out[ret]) = size
sendmmsg(u32 fd, inout mmsghdr mmsg[vlen; ret] of in, u32 vlen) = count
";
const HOLE: u64 = 0x6000;
const VECTOR: u64 = 0x7000;
const TEXT: u64 = 0x8000;
const MESSAGE: u64 = 0x9000;
const NAME: u64 = 0xa000;
const CONTROL: u64 = 0xb000;

fn plan() -> Plan {
    Plan { data: 4, ..Plan::default() }
}

fn all() -> Vec<Layout> {
    layouts(CALLS, &plan())
}

fn vector(pieces: &[(u64, u64)]) -> Vec<u8> {
    pieces.iter().flat_map(|(base, len)| [base.to_le_bytes(), len.to_le_bytes()].concat()).collect()
}

fn scene(pieces: &[(u64, u64)]) -> Scene {
    let scene = Scene::new();
    scene.user(TEXT, b"abcdefghijklmnop");
    scene.user(VECTOR, &vector(pieces));
    scene
}

/// Fields of a record by name: the decoded event.
fn fields(scene: &mut Scene, layout: &Layout) -> impl Fn(&str) -> ctf::Value + use<> {
    let event = crate::decode::one(scene, layout);
    move |name| event.field(name).unwrap_or_else(|| panic!("no {name}")).clone()
}

fn state(state: State) -> ctf::Value {
    ctf::Value::Unsigned(state as u64)
}

fn bytes(bytes: &[u8]) -> ctf::Value {
    ctf::Value::Bytes(bytes.to_vec())
}

/// State and pieces of a `writev` of this row.
fn written(pieces: &[(u64, u64)]) -> (ctf::Value, ctf::Value) {
    let mut scene = scene(pieces);
    scene.enter(NATIVE, 20, &[1, VECTOR, pieces.len() as u64]);
    let field = fields(&mut scene, &first(&all(), "syscall_entry_writev"));
    (field("vec_load_state"), field("vec_load_data"))
}

#[test]
fn each_piece_stands_behind_its_number_of_bytes() {
    let ok = |data: &[u8]| (state(State::Ok), bytes(data));
    assert_eq!(written(&[]), ok(b""));
    assert_eq!(written(&[(TEXT, 2)]), ok(b"\x02\0ab"));
    assert_eq!(written(&[(TEXT, 2), (TEXT + 5, 3)]), ok(b"\x02\0ab\x03\0fgh"));
    assert_eq!(written(&[(0, 0), (TEXT, 1)]), ok(b"\0\0\x01\0a"), "an empty piece may point anywhere");
    assert_eq!(
        written(&[(TEXT, 9)]),
        ok(b"\x04\0abcd"),
        "no more than the plan allows: the row tells the length"
    );
    assert_eq!(written(&[(TEXT, 2), (HOLE, 1)]), (state(State::Fault), bytes(b"")));
    assert_eq!(written(&[(TEXT, 1); 33]).0, state(State::Cut), "32 pieces");
    assert_eq!(written(&[(TEXT, 1); 33]).1, bytes(&[1, 0, b'a'].repeat(32)));
}

#[test]
fn a_row_that_is_not_there_leads_nowhere() {
    for (pointer, want) in [(0, State::Null), (HOLE, State::Fault)] {
        let mut scene = scene(&[]);
        scene.enter(NATIVE, 20, &[1, pointer, 2]);
        let field = fields(&mut scene, &first(&all(), "syscall_entry_writev"));
        assert_eq!((field("vec_load_state"), field("vec_load_data")), (state(want), bytes(b"")));
    }
}

#[test]
fn what_was_read_ends_with_the_result() {
    for (ret, want, data) in [
        (5, State::Ok, &b"\x03\0abc\x02\0fg"[..]),
        (3, State::Ok, b"\x03\0abc"),
        (0, State::Ok, b""),
        (-4, State::Off, b""),
    ] {
        let mut scene = scene(&[(TEXT, 3), (TEXT + 5, 10)]);
        scene.enter(NATIVE, 19, &[0, VECTOR, 2]);
        scene.leave(ret);
        let field = fields(&mut scene, &first(&all(), "syscall_exit_readv"));
        assert_eq!((field("vec_load_state"), field("vec_load_data")), (state(want), bytes(data)), "{ret}");
    }
}

/// A `msghdr` with a name of 3 bytes, a row of 2 and control data of 16 bytes.
fn message() -> Vec<u8> {
    let words = [NAME, 3, VECTOR, 2, CONTROL, 16, 0];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn members_that_are_pointers_are_followed() {
    let mut scene = scene(&[(TEXT, 1), (TEXT + 1, 2)]);
    scene.user(MESSAGE, &message());
    scene.user(NAME, &[1, 0, b'/']);
    scene.user(CONTROL, &[7; 16]);
    scene.enter(NATIVE, 46, &[3, MESSAGE]);
    let field = fields(&mut scene, &first(&all(), "syscall_entry_sendmsg"));
    assert_eq!(field("msg_data"), bytes(&message()));
    assert_eq!(
        (field("msg_msg_name_state"), field("msg_msg_name_data")),
        (state(State::Ok), bytes(&[1, 0, b'/']))
    );
    assert_eq!(field("msg_msg_iov_data"), bytes(&vector(&[(TEXT, 1), (TEXT + 1, 2)])));
    assert_eq!(field("msg_msg_iov_load_data"), bytes(b"\x01\0a\x02\0bc"));
    assert_eq!(field("msg_msg_control_data"), bytes(&[7; 16]));
}

#[test]
fn a_message_that_is_not_there_has_no_parts() {
    let mut scene = scene(&[]);
    scene.enter(NATIVE, 46, &[3, HOLE]);
    let field = fields(&mut scene, &first(&all(), "syscall_entry_sendmsg"));
    for part in ["msg", "msg_msg_name", "msg_msg_iov", "msg_msg_iov_load", "msg_msg_control"] {
        assert_eq!(field(&format!("{part}_state")), state(State::Fault), "{part}");
    }
}

#[test]
fn what_a_message_brought_is_kept_at_exit() {
    let mut scene = scene(&[(TEXT, 4), (TEXT + 4, 4)]);
    scene.user(MESSAGE, &message());
    scene.user(NAME, &[1, 0, b'/']);
    scene.user(CONTROL, &[7; 16]);
    scene.enter(NATIVE, 47, &[3, MESSAGE]);
    scene.leave(6);
    let field = fields(&mut scene, &first(&all(), "syscall_exit_recvmsg"));
    assert_eq!(field("msg_msg_name_data"), bytes(&[1, 0, b'/']));
    assert_eq!(field("msg_msg_iov_load_data"), bytes(b"\x04\0abcd\x02\0ef"));
    assert_eq!(field("msg_msg_control_data"), bytes(&[7; 16]));
}

#[test]
fn messages_of_a_row_are_followed_as_far_as_there_are_any() {
    let mut scene = scene(&[(TEXT, 1), (TEXT + 1, 2)]);
    let one = [message(), vec![0; 8]].concat();
    scene.user(MESSAGE, &one.repeat(2));
    scene.user(NAME, &[1, 0, b'/']);
    scene.user(CONTROL, &[7; 16]);
    scene.enter(NATIVE, 307, &[3, MESSAGE, 2]);
    let field = fields(&mut scene, &first(&all(), "syscall_entry_sendmmsg"));
    assert_eq!(field("mmsg_data"), bytes(&one.repeat(2)));
    for (index, there) in [(0, true), (1, true), (2, false), (3, false)] {
        let want = if there { &b"\x01\0a\x02\0bc"[..] } else { b"" };
        assert_eq!(field(&format!("mmsg_{index}_msg_iov_load_data")), bytes(want), "{index}");
        let want = if there { State::Ok } else { State::Off };
        assert_eq!(field(&format!("mmsg_{index}_msg_name_state")), state(want), "{index}");
    }
}

#[test]
fn a_command_may_say_that_there_are_parts() {
    let program = [2_u64.to_le_bytes(), TEXT.to_le_bytes()].concat();
    for (command, want, data) in
        [(1, State::Ok, &b"abcdefghijklmnop"[..]), (2, State::Off, b""), (0, State::Off, b"")]
    {
        let mut scene = scene(&[]);
        scene.user(MESSAGE, &program);
        scene.enter(NATIVE, 317, &[command, 0, MESSAGE]);
        let field = fields(&mut scene, &first(&all(), "syscall_entry_seccomp"));
        let filter = (field("uargs_filter_state"), field("uargs_filter_data"));
        assert_eq!(filter, (state(want), bytes(data)), "{command}");
    }
}
