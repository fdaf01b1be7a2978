//! Packets: opened, closed, numbered, bounded in time; losses counted by their cause.

use probe::facts::Facts;
use probe::generate;
use probe::insn::{Cond, Insn, MapRef, Operand, Reg};
use probe::program::Error;
use probe::protocol::{HeaderWord, Memory, Reader, Word};
use probe::ring::{Geometry, HEADER};
use schema::layout::Layout;
use schema::lower::Plan;

use crate::scene::{NATIVE, NOW, Scene, facts, first, layouts};

const CALLS: &str = "\
number x86_64 110 getppid
number x86_64 80 chdir
getppid() = pid
chdir(path filename)
";

fn getppid() -> Layout {
    first(&layouts(CALLS, &Plan::default()), "syscall_entry_getppid")
}

/// A scene with two sub-buffers of 4096 bytes.
fn small() -> Scene {
    Scene::with(Facts { syscalls: Geometry::new(8192, 4096).unwrap(), ..facts() })
}

/// Records of 10 bytes that fit a packet: a record never ends at the sub-buffer's last byte.
const FIT: u64 = (4096 - HEADER as u64 - 1) / 10;

fn header(scene: &Scene, at: usize) -> [u64; 7] {
    HeaderWord::ALL.map(|word| scene.ring(MapRef::Syscalls).header(at, word))
}

#[test]
fn the_first_record_opens_a_packet() {
    let scene = small();
    scene.run(&scene.program(&getppid().shape));
    assert_eq!(scene.word(Word::Pos), u64::from(HEADER) + 10);
    assert_eq!(scene.word(Word::Limit), 4096);
    assert_eq!(scene.word(Word::TimeLimit), 0x13_0000_0000, "the high half of the time changes");
    assert_eq!(scene.word(Word::Entries), 1);
    assert_eq!(header(&scene, 0), [NOW, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_full_packet_is_closed_and_the_next_one_opened() {
    let scene = small();
    let program = scene.program(&getppid().shape);
    for _ in 0..FIT {
        scene.run(&program);
    }
    assert_eq!(scene.word(Word::Pos), u64::from(HEADER) + FIT * 10);
    scene.advance(50);
    scene.run(&program);
    let bits = (u64::from(HEADER) + FIT * 10) * 8;
    assert_eq!(header(&scene, 0), [NOW, NOW + 50, bits, bits, 0, 0, 0]);
    assert_eq!(header(&scene, 4096), [NOW + 50, 0, 0, 0, 1, 0, 0]);
    assert_eq!(scene.word(Word::Pos), 4096 + u64::from(HEADER) + 10);
}

#[test]
fn records_without_a_free_sub_buffer_are_counted_and_told_in_the_header() {
    let mut scene = small();
    let program = scene.program(&getppid().shape);
    for _ in 0..2 * FIT + 3 {
        scene.run(&program);
    }
    assert_eq!((scene.word(Word::Entries), scene.word(Word::Lost)), (2 * FIT, 3));
    // Give the first packet back: the next record closes the second one, which tells of the loss.
    let pieces = scene.tail(MapRef::Syscalls);
    assert_eq!(pieces.iter().map(|piece| piece.closed).collect::<Vec<_>>(), [true, false]);
    scene.run(&program);
    assert_eq!((scene.word(Word::Entries), scene.word(Word::Lost)), (2 * FIT + 1, 3));
    assert_eq!(header(&scene, 0)[4..], [2, 0, 0]);
    assert_eq!(header(&scene, 4096)[4..], [1, 3, 0]);
}

#[test]
fn records_of_a_packet_share_the_high_half_of_their_time() {
    let scene = small();
    let program = scene.program(&getppid().shape);
    let to_the_end = 0x1_0000_0000 - (NOW & 0xffff_ffff);
    scene.run(&program);
    scene.advance(to_the_end - 1);
    scene.run(&program);
    assert_eq!(scene.word(Word::Limit), 4096);
    scene.advance(1);
    scene.run(&program);
    assert_eq!(scene.word(Word::Limit), 8192);
    assert_eq!(header(&scene, 4096)[0], 0x13_0000_0000);
}

#[test]
fn a_request_closes_a_packet_that_is_not_full() {
    let mut scene = small();
    let program = scene.program(&getppid().shape);
    let ask = |scene: &Scene| scene.syscalls.ask_for_switch(&scene.ring(MapRef::Syscalls));
    ask(&scene);
    scene.run(&program);
    ask(&scene);
    assert_eq!(scene.syscalls.complete(&scene.ring(MapRef::Syscalls)), None);
    scene.run(&program);
    let packet = scene.syscalls.complete(&scene.ring(MapRef::Syscalls)).unwrap();
    assert_eq!(packet.len, HEADER as usize + 10);
    // While a packet waits there is nothing to ask for, and with both sub-buffers in use it would cost a record.
    ask(&scene);
    scene.run(&program);
    assert_eq!(scene.word(Word::Lost), 0);
    assert_eq!(scene.tail(MapRef::Syscalls).len(), 2);
}

#[test]
fn user_space_closes_the_last_packet() {
    let scene = small();
    let ring = scene.ring(MapRef::Syscalls);
    let mut reader = Reader::new(scene.facts.syscalls, 0);
    reader.close(&ring, NOW);
    assert_eq!(reader.complete(&ring), None, "an idle CPU has no packet");
    scene.run(&scene.program(&getppid().shape));
    reader.close(&ring, NOW + 9);
    let bits = (u64::from(HEADER) + 10) * 8;
    assert_eq!(header(&scene, 0), [NOW, NOW + 9, bits, bits, 0, 0, 0]);
    assert_eq!(reader.complete(&ring).unwrap().len, HEADER as usize + 10);
    // Once is enough.
    reader.close(&ring, NOW + 10);
    assert_eq!(header(&scene, 0)[1], NOW + 9);
    assert_eq!(header(&scene, 4096), [0; 7]);
}

#[test]
fn a_record_that_leaves_its_bounds_is_a_loss_of_its_own_kind() {
    // No record does: the bound is the sum of what its parts can take. So lower the bound.
    let scene = small();
    let mut program = scene.program(
        &first(&layouts(CALLS, &Plan { string: 8, ..Plan::default() }), "syscall_entry_chdir").shape,
    );
    let bound = program.insns.iter_mut().find_map(|insn| match insn {
        Insn::JumpIf(Cond::Gt, Reg::R9, Operand::Imm(bound), _) => Some(bound),
        _ => None,
    });
    let bound = bound.unwrap();
    assert_eq!(*bound, 10 + 8 + 1 + 9);
    *bound = 10 + 8 + 1 + 4;
    scene.user(0x7000, b"1234\0");
    scene.enter(NATIVE, 80, &[0x7000]);
    scene.run(&program);
    let words = [Word::Pos, Word::Entries, Word::Lost, Word::Oversize].map(|word| scene.word(word));
    assert_eq!(words, [u64::from(HEADER), 0, 1, 1]);
    scene.user(0x7000, b"123\0");
    scene.run(&program);
    let words = [Word::Pos, Word::Entries, Word::Lost, Word::Oversize].map(|word| scene.word(word));
    assert_eq!(words, [u64::from(HEADER) + 23, 1, 1, 1]);
}

#[test]
fn a_shape_that_does_not_fit_a_sub_buffer_is_refused() {
    let longest = |string| {
        let plan = Plan { string, ..Plan::default() };
        first(&layouts(CALLS, &plan), "syscall_entry_chdir").shape
    };
    let facts = Facts { syscalls: Geometry::new(8192, 4096).unwrap(), ..facts() };
    let room = 4096 - HEADER as u16;
    // 19 bytes of fixed fields and the NUL; one byte stays free at the end.
    let fits = longest(room - 20 - 1);
    assert_eq!(fits.longest(), u32::from(room) - 1);
    assert!(generate::program("fits", &fits, &facts).is_ok());
    assert_eq!(
        generate::program("too_long", &longest(room - 20), &facts),
        Err(Error::RecordTooLong { program: "too_long".into(), longest: u32::from(room), sub_buffer: 4096 })
    );
    // However large the ring: the bytes behind it must hold a record that begins in its last byte.
    let facts = Facts { syscalls: Geometry::new(1 << 20, 1 << 19).unwrap(), ..facts };
    let mut slack = longest(100);
    slack.fixed_len = u16::MAX;
    assert!(matches!(generate::program("slack", &slack, &facts), Err(Error::RecordTooLong { .. })));
}

#[test]
fn a_kernel_without_a_member_is_named() {
    let mut facts = facts();
    facts.members.remove(&("task_struct".to_owned(), "pid".to_owned()));
    assert_eq!(
        generate::program("getppid", &getppid().shape, &facts).unwrap_err().to_string(),
        "program getppid: this kernel has no task_struct.pid"
    );
}
