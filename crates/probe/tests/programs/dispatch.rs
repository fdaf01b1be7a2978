//! The two dispatchers: who is traced, which slot a call belongs to, what is written without a jump.

use probe::dispatch::{self, FAILED, MARKED, SLOT_COMPAT, SLOT_REREAD, SLOT_UNKNOWN, SLOTS};
use probe::generate::plain_entry_word;
use probe::insn::MapRef;
use probe::interpret::Outcome;
use schema::layout::{Layout, Point};
use schema::lower::{Plan, lower};
use schema::{Abi, Catalog};

use crate::scene::{NATIVE, STATUS, Scene, TASK, TID, record};

/// `TS_COMPAT`
const COMPAT: u32 = 2;

fn entry(scene: &Scene, nr: i64) -> Outcome {
    scene.enter(NATIVE, nr, &[]);
    scene.run(&dispatch::entry(&scene.facts).unwrap())
}

fn exit(scene: &Scene, nr: i64) -> Outcome {
    scene.enter(NATIVE, nr, &[]);
    scene.leave(0);
    scene.run(&dispatch::exit(&scene.facts, false).unwrap())
}

#[test]
fn only_threads_of_the_set_go_on() {
    let scene = Scene::new();
    for (everybody, byte, traced) in [
        (0, 0, false),
        (0, MARKED, true),
        (MARKED, 0, true),
        (MARKED, MARKED, false),
        // The second bit says nothing about who is traced.
        (0, FAILED, false),
        (MARKED, MARKED | FAILED, false),
    ] {
        scene.set_task_byte(0, everybody);
        scene.set_task_byte(TID, byte);
        let (on_entry, on_exit) = (entry(&scene, 39), exit(&scene, 39));
        if traced {
            assert_eq!(on_entry, Outcome::TailCall(MapRef::EntrySlots, 39));
            assert_eq!(on_exit, Outcome::TailCall(MapRef::ExitSlots, 39));
        } else {
            assert_eq!((on_entry, on_exit), (Outcome::Exit(0), Outcome::Exit(0)));
        }
        assert_eq!(scene.task_byte(TID), byte);
    }
}

#[test]
fn a_number_has_a_slot_by_its_convention() {
    let scene = Scene::new();
    scene.set_task_byte(TID, MARKED);
    for (status, nr, slot) in [
        (0, 0, 0),
        (0, 511, 511),
        (0, 512, SLOT_UNKNOWN),
        (0, 0x4000_0000, SLOT_UNKNOWN),
        (0, -1, SLOT_UNKNOWN),
        (COMPAT, 0, SLOT_COMPAT),
        (COMPAT, 511, SLOT_COMPAT + 511),
        (COMPAT, 512, SLOT_UNKNOWN + 1),
        (COMPAT, -1, SLOT_UNKNOWN + 1),
        // Other bits of the status are other matters.
        (!COMPAT, 7, 7),
        (u32::MAX, 7, SLOT_COMPAT + 7),
    ] {
        scene.set(TASK + STATUS, status);
        assert_eq!(entry(&scene, nr), Outcome::TailCall(MapRef::EntrySlots, slot), "{status} {nr}");
        assert_eq!(exit(&scene, nr), Outcome::TailCall(MapRef::ExitSlots, slot), "{status} {nr}");
        assert!(slot < SLOTS);
    }
}

#[test]
fn a_fault_at_entry_leads_to_the_exit_that_reads_again_once() {
    let scene = Scene::new();
    for (everybody, status, nr, slot) in [
        (0, 0, 257, SLOT_REREAD + 257),
        (0, COMPAT, 295, SLOT_REREAD + SLOT_COMPAT + 295),
        (MARKED, 0, 257, SLOT_REREAD + 257),
        // A call without a name has nothing to read again.
        (0, 0, 512, SLOT_UNKNOWN),
        (0, COMPAT, 9999, SLOT_UNKNOWN + 1),
    ] {
        let byte = everybody ^ MARKED;
        scene.set(TASK + STATUS, status);
        scene.set_task_byte(0, everybody);
        scene.set_task_byte(TID, byte | FAILED);
        assert_eq!(exit(&scene, nr), Outcome::TailCall(MapRef::ExitSlots, slot));
        assert_eq!(scene.task_byte(TID), byte, "the bit is taken away, the mark stays");
    }
    // The entry side leaves it alone: the exit has not come yet.
    scene.set_task_byte(0, 0);
    scene.set(TASK + STATUS, 0_u32);
    scene.set_task_byte(TID, MARKED | FAILED);
    assert_eq!(entry(&scene, 257), Outcome::TailCall(MapRef::EntrySlots, 257));
    assert_eq!(scene.task_byte(TID), MARKED | FAILED);
}

#[test]
fn an_exit_with_nothing_but_a_result_is_written_at_once() {
    let mut scene = Scene::new();
    scene.set_task_byte(TID, MARKED);
    let program = dispatch::exit(&scene.facts, false).unwrap();
    for (status, nr, slot, id) in
        [(0, 110, 110, 512 + 110), (COMPAT, 64, SLOT_COMPAT + 64, 4 * 512 + 64), (0, 511, 511, 1023)]
    {
        scene.set(TASK + STATUS, status);
        scene.set_plain(slot);
        scene.enter(NATIVE, nr, &[]);
        scene.leave(-7);
        assert_eq!(scene.run(&program), Outcome::Exit(0));
        let records: Vec<u8> =
            scene.tail(MapRef::Syscalls).into_iter().flat_map(|piece| piece.records).collect();
        assert_eq!(records, record(id, &[&(-7_i64).to_le_bytes()]));
    }
    // One that has something to read again goes its own way.
    scene.set(TASK + STATUS, 0_u32);
    scene.set_task_byte(TID, MARKED | FAILED);
    assert_eq!(exit(&scene, 110), Outcome::TailCall(MapRef::ExitSlots, SLOT_REREAD + 110));
}

#[test]
fn an_entry_with_nothing_but_registers_is_written_at_once_as_its_own_program_would() {
    let mut scene = Scene::new();
    scene.set_task_byte(TID, MARKED);
    let dispatcher = dispatch::entry(&scene.facts).unwrap();
    let layouts = lower(Catalog::builtin(), &Plan::default(), |abi, _| abi == Abi::X86_64);
    let entry = |layout: &&Layout| layout.shape.point == Point::Entry;
    let plain =
        layouts.iter().filter(entry).filter_map(|layout| Some((layout, plain_entry_word(&layout.shape)?)));
    let mut seen = 0;
    for (layout, word) in plain {
        let nr = layout.event.id as u32;
        scene.enter(NATIVE, nr.into(), &[0x1111_2222_3333_4444, u64::MAX, 0x80, 7, 0x5555_6666_7777_8888, 9]);
        let expected = scene.record(layout);
        scene.set_plain_entry(nr, word);
        assert_eq!(scene.run(&dispatcher), Outcome::Exit(0), "{}", layout.event.name);
        let pieces = scene.tail(MapRef::Syscalls);
        let records: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.records).collect();
        assert_eq!(records, expected, "{}", layout.event.name);
        seen += 1;
    }
    assert!(seen > 150, "{seen} of the calls");
}

#[test]
fn what_has_more_than_registers_in_their_order_has_no_word() {
    let layouts = lower(Catalog::builtin(), &Plan::default(), |_, _| true);
    let word = |name: &str| {
        let layout = layouts.iter().find(|layout| layout.event.name == name).unwrap();
        plain_entry_word(&layout.shape)
    };
    assert_eq!(word("syscall_entry_getppid"), Some(10 << 24));
    assert_eq!(word("syscall_entry_close"), Some(14 << 24 | 0x4));
    assert_eq!(word("syscall_entry_openat"), None, "a path");
    assert_eq!(word("syscall_exit_close"), None, "an exit");
    assert_eq!(word("compat_syscall_entry_close"), None, "registers of another convention");
}
