//! What a command in another argument says of a pointer.

use schema::layout::{Layout, State};
use schema::lower::Plan;

use crate::scene::{NATIVE, Scene, first, last, layouts};

const CALLS: &str = "\
number x86_64 72 fcntl
number x86_64 157 prctl
number x86_64 16 ioctl
number x86_64 23 select
number x86_64 35 nanosleep
number x86_64 202 futex
number x86_64 304 open_by_handle_at
object pair 16
object large 600
enum command = A 1, B 2, C 3, D 0x80000004, E 5, RANGE_FIRST 10, RANGE_LAST 20, NEGATIVE -7
fcntl(u32 fd, command cmd, hex arg) switch cmd & 0x8fffffff = int
fcntl.A,RANGE_FIRST .. RANGE_LAST(in pair arg)
fcntl.B(out pair arg)
fcntl.C(in str arg)
fcntl.D(inout u32 arg)
fcntl.E(in bytes arg[:fd])
prctl(command option, hex arg2, hex arg3) switch option = int
prctl.A(in str arg2, size arg3)
prctl.B(out bytes arg2[min(ret, arg3)], size arg3)
prctl.C(in u32 arg2[arg3], count arg3)
ioctl(u32 fd, command cmd, ioc arg) switch cmd = int
ioctl.A(in pair arg)
ioctl.B(out large arg)
ioctl.E(in pair arg) on \"/dev/one\"
ioctl.E(in u32 arg) on \"/dev/other\"
select(int n, inout bytes inp[:(n + 63) / 64 * 8]) = count
enum futex_op = FUTEX_WAIT 0, FUTEX_WAKE 1
enum futex_mask = FUTEX_CMD_MASK -385
futex(futex_op op, addr utime) switch op & FUTEX_CMD_MASK = int
futex.FUTEX_WAIT(in pair utime)
open_by_handle_at(in pair handle[:8 + *handle])
nanosleep(in pair rqtp, out pair rmtp if interrupted)
";
const HOLE: u64 = 0x6000;
const THERE: u64 = 0x7000;

fn plan() -> Plan {
    Plan { string: 8, data: 20, ..Plan::default() }
}

/// State and bytes of the chosen pointee, which are the last of the fixed and all of the variable part.
fn kept(bytes: &[u8], state_at: usize) -> (State, Vec<u8>) {
    let state = match bytes[state_at] {
        0 => State::Ok,
        1 => State::Cut,
        2 => State::Fault,
        3 => State::Null,
        _ => State::Off,
    };
    let len = usize::from(u16::from_le_bytes([bytes[state_at + 1], bytes[state_at + 2]]));
    (state, bytes[bytes.len() - len..].to_vec())
}

struct Fixture {
    scene: Scene,
    all: Vec<Layout>,
}

impl Fixture {
    fn new() -> Fixture {
        let scene = Scene::new();
        scene.user(THERE, &(1..=200).collect::<Vec<u8>>());
        // The range of a set is written with numbers.
        let text = CALLS.replace("RANGE_FIRST .. RANGE_LAST(", "10..20(");
        Fixture { scene, all: layouts(&text, &plan()) }
    }

    /// The record of an entry with these arguments.
    fn enter(&mut self, name: &str, nr: i64, arguments: &[u64]) -> Vec<u8> {
        self.scene.enter(NATIVE, nr, arguments);
        self.scene.record(&first(&self.all, &format!("syscall_entry_{name}")))
    }

    /// The record of its exit.
    fn leave(&mut self, name: &str, ret: i64) -> Vec<u8> {
        self.scene.leave(ret);
        self.scene.record(&first(&self.all, &format!("syscall_exit_{name}")))
    }

    /// What is kept at entry of an `fcntl`: behind number, command and pointer.
    fn fcntl(&mut self, command: u64, pointer: u64) -> (State, Vec<u8>) {
        kept(&self.enter("fcntl", 72, &[5, command, pointer]), 10 + 4 + 4 + 8)
    }
}

fn bytes(n: u8) -> Vec<u8> {
    (1..=n).collect()
}

#[test]
fn the_command_says_how_much_the_kernel_reads() {
    let mut f = Fixture::new();
    assert_eq!(f.fcntl(1, THERE), (State::Ok, bytes(16)));
    assert_eq!(f.fcntl(0x7000_0001, THERE), (State::Ok, bytes(16)), "the mask takes the upper bits away");
    assert_eq!(f.fcntl(0x8000_0004, THERE), (State::Ok, bytes(4)));
    assert_eq!(f.fcntl(5, THERE), (State::Ok, bytes(5)), "as many as another argument says");
    for inside in [10, 15, 20] {
        assert_eq!(f.fcntl(inside, THERE), (State::Ok, bytes(16)), "{inside}");
    }
    for other in [0, 2, 4, 6, 9, 21, 0x8000_0003, u64::MAX] {
        assert_eq!(f.fcntl(other, THERE), (State::Off, vec![]), "{other:#x}");
    }
    assert_eq!(f.fcntl(1, 0), (State::Null, vec![]));
    assert_eq!(f.fcntl(1, HOLE), (State::Fault, vec![]));
    assert_eq!(f.fcntl(2, HOLE), (State::Off, vec![]), "written, not read");
}

#[test]
fn a_string_is_kept_without_its_end() {
    let mut f = Fixture::new();
    for (text, state, want) in [
        (&b"\0"[..], State::Ok, &b""[..]),
        (b"abc\0", State::Ok, b"abc"),
        (b"12345678\0", State::Ok, b"12345678"),
        (b"123456789\0", State::Cut, b"12345678"),
        (b"abc", State::Fault, b""),
    ] {
        f.scene.user(THERE, text);
        assert_eq!(f.fcntl(3, THERE), (state, want.to_vec()), "{text:?}");
    }
}

#[test]
fn what_the_kernel_writes_is_kept_when_it_succeeds() {
    let mut f = Fixture::new();
    f.fcntl(2, THERE);
    assert_eq!(kept(&f.leave("fcntl", 0), 18), (State::Ok, bytes(16)));
    assert_eq!(kept(&f.leave("fcntl", -14), 18), (State::Off, vec![]));
    f.fcntl(1, THERE);
    assert_eq!(kept(&f.leave("fcntl", 0), 18), (State::Off, vec![]), "that was read, not written");
    f.enter("prctl", 157, &[2, THERE, 100]);
    assert_eq!(kept(&f.leave("prctl", 7), 18), (State::Ok, bytes(7)));
    assert_eq!(kept(&f.leave("prctl", 30), 18), (State::Cut, bytes(20)), "no more than the plan allows");
    assert_eq!(kept(&f.leave("prctl", 0), 18), (State::Ok, vec![]));
}

#[test]
fn rows_are_counted_by_another_argument() {
    let mut f = Fixture::new();
    let at = 10 + 4 + 8;
    assert_eq!(kept(&f.enter("prctl", 157, &[3, THERE, 2]), at), (State::Ok, bytes(8)));
    assert_eq!(kept(&f.enter("prctl", 157, &[3, THERE, u64::MAX]), at), (State::Cut, bytes(128)));
}

#[test]
fn an_ioctl_without_description_says_by_its_number_what_it_moves() {
    let mut f = Fixture::new();
    let at = 10 + 4 + 4 + 8;
    let number = |direction: u64, size: u64| direction << 30 | size << 16 | 0x7a01;
    for (direction, size, state, len) in [
        (0, 16, State::Off, 0),
        (1, 16, State::Ok, 16),
        (2, 16, State::Off, 0),
        (3, 16, State::Ok, 16),
        (1, 0, State::Ok, 0),
    ] {
        let entry = f.enter("ioctl", 16, &[0, number(direction, size), THERE]);
        assert_eq!(kept(&entry, at), (state, bytes(len)), "{direction} {size}");
    }
    for (direction, state, len) in
        [(0, State::Off, 0), (1, State::Off, 0), (2, State::Ok, 9), (3, State::Ok, 9)]
    {
        f.enter("ioctl", 16, &[0, number(direction, 9), THERE]);
        assert_eq!(kept(&f.leave("ioctl", 0), 18), (state, bytes(len)), "{direction}");
        assert_eq!(kept(&f.leave("ioctl", -25), 18), (State::Off, vec![]));
    }
    // Described ones need not have their size in their number.
    assert_eq!(kept(&f.enter("ioctl", 16, &[0, 1, THERE]), at), (State::Ok, bytes(16)));
    let either = f.enter("ioctl", 16, &[0, 5, THERE]);
    assert_eq!(kept(&either, at), (State::Ok, bytes(16)), "the larger, as the file is not known");
    f.scene.user(THERE, &[9; 600]);
    f.enter("ioctl", 16, &[0, 2, THERE]);
    assert_eq!(kept(&f.leave("ioctl", 0), 18), (State::Cut, vec![9; 512]), "the start of a large object");
}

#[test]
fn a_choice_that_failed_at_entry_is_read_again_at_exit() {
    let mut f = Fixture::new();
    assert_eq!(f.fcntl(1, THERE + 0x1000), (State::Fault, vec![]));
    f.scene.user(THERE + 0x1000, &[8; 16]);
    f.scene.leave(-11);
    let again = f.scene.record(&last(&f.all, "syscall_exit_fcntl"));
    assert_eq!(kept(&again, 18), (State::Ok, vec![8; 16]), "also when the call failed");
}

#[test]
fn a_length_may_be_computed() {
    let mut f = Fixture::new();
    for (n, len) in [(0, 0), (1, 8), (64, 8), (65, 16)] {
        let entry = f.enter("select", 23, &[n, THERE]);
        assert_eq!(kept(&entry, 10 + 4 + 8), (State::Ok, bytes(len)), "{n}");
        assert_eq!(kept(&f.leave("select", 1), 18), (State::Ok, bytes(len)));
        assert_eq!(kept(&f.leave("select", -4), 18), (State::Off, vec![]));
    }
}

#[test]
fn what_an_interrupted_call_leaves_is_kept_when_it_fails() {
    let mut f = Fixture::new();
    f.enter("nanosleep", 35, &[THERE, THERE]);
    let exit = |f: &mut Fixture, ret| f.leave("nanosleep", ret)[18..].to_vec();
    assert_eq!(exit(&mut f, -516), [&[State::Ok as u8][..], &bytes(16)].concat());
    assert_eq!(exit(&mut f, 0), [&[State::Off as u8][..], &[0; 16]].concat());
    f.enter("nanosleep", 35, &[THERE, 0]);
    assert_eq!(exit(&mut f, -4), [&[State::Null as u8][..], &[0; 16]].concat());
}

#[test]
fn a_mask_may_be_a_negative_constant() {
    let mut f = Fixture::new();
    for (op, state, len) in
        [(0, State::Ok, 16), (128, State::Ok, 16), (128 | 256, State::Ok, 16), (1, State::Off, 0)]
    {
        assert_eq!(kept(&f.enter("futex", 202, &[op, THERE]), 10 + 4 + 8), (state, bytes(len)), "{op}");
    }
}

#[test]
fn a_header_may_say_how_much_follows() {
    let mut f = Fixture::new();
    for (follows, state, len) in
        [(0_u32, State::Ok, 8), (5, State::Ok, 13), (100, State::Fault, 0), (u32::MAX, State::Fault, 0)]
    {
        let object = [follows.to_le_bytes().to_vec(), vec![9; 60]].concat();
        f.scene.user(THERE, &object);
        let entry = f.enter("open_by_handle_at", 304, &[THERE]);
        let want = if state == State::Ok { object[..len].to_vec() } else { vec![] };
        assert_eq!(kept(&entry, 10 + 8), (state, want), "{follows}");
    }
    assert_eq!(kept(&f.enter("open_by_handle_at", 304, &[HOLE]), 10 + 8), (State::Fault, vec![]));
}
