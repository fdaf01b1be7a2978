//! Fork, exec, exit and signals: the records, and the set of traced threads that is kept true by them.

use probe::dispatch::{FAILED, MARKED};
use probe::insn::MapRef;
use probe::interpret::Kind;
use schema::layout::Layout;
use schema::tracepoint::lifecycle;

use crate::scene::{
    ARG_END, ARG_START, COMM, CONTEXT, ENV_END, EXIT_CODE, MM, MM_OF_TASK, OTHER_TASK, PID, SIGINFO, Scene,
    TASK, TGID, TID, facts, record,
};

const CHILD: i32 = 5000;

fn event(name: &str) -> Layout {
    lifecycle().into_iter().find(|layout| layout.event.name == name).unwrap()
}

fn id(name: &str) -> u16 {
    event(name).event.id as u16
}

/// A thread that is about to fork, exec, or exit; marked.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.set(TASK + TGID, 4700_u32);
    scene.set(TASK + COMM, u64::from_le_bytes(*b"parent\0\0"));
    scene.set(OTHER_TASK + PID, CHILD as u32);
    scene.set(OTHER_TASK + TGID, CHILD as u32);
    scene.set(OTHER_TASK + COMM, u64::from_le_bytes(*b"child\0\0\0"));
    scene.set(CONTEXT, TASK);
    scene.set(CONTEXT + 8, OTHER_TASK);
    scene.set_task_byte(TID, MARKED);
    scene
}

#[test]
fn a_child_is_traced_as_its_parent_is() {
    let mut scene = scene();
    let fork = event("sched_process_fork");
    let comm = [&b"child"[..], &[0; 11]].concat();
    let want = record(
        id("sched_process_fork"),
        &[&TID.to_le_bytes(), &4700_i32.to_le_bytes(), &CHILD.to_le_bytes(), &CHILD.to_le_bytes(), &comm],
    );
    // That a pointee of the parent's open call could not be read is no matter of the child's.
    scene.set_task_byte(TID, MARKED | FAILED);
    assert_eq!(scene.record(&fork), want);
    assert_eq!((scene.task_byte(TID), scene.task_byte(CHILD)), (MARKED | FAILED, MARKED));
    // The child of a thread that nobody traces; its number was used before.
    scene.set_task_byte(TID, 0);
    assert_eq!(scene.record(&fork), []);
    assert_eq!(scene.task_byte(CHILD), 0);
    // All but the marked threads are traced.
    scene.set_task_byte(0, MARKED);
    assert_eq!(scene.record(&fork), want);
    assert_eq!(scene.task_byte(CHILD), 0);
    scene.set_task_byte(TID, MARKED);
    assert_eq!(scene.record(&fork), []);
    assert_eq!(scene.task_byte(CHILD), MARKED);
}

/// The memory of a new program: its path, and its arguments.
fn execs(scene: &Scene, path: &[u8], arguments: &[u8]) {
    let (path_at, arguments_at) = (0x7fff_f000_u64, 0x7fff_0000_u64);
    scene.set(TASK + MM_OF_TASK, MM);
    scene.set(MM + ENV_END, path_at);
    scene.user(path_at, path);
    scene.set(MM + ARG_START, arguments_at);
    scene.set(MM + ARG_END, arguments_at + arguments.len() as u64);
    scene.user(arguments_at, arguments);
}

#[test]
fn exec_has_path_and_arguments_that_the_kernel_left_in_the_new_memory() {
    let mut scene = scene();
    scene.set(CONTEXT + 8, TID as u64);
    let comm = [&b"parent"[..], &[0; 10]].concat();
    let want = |state: u8, len: u16, arguments: &[u8]| {
        let tid = TID.to_le_bytes();
        let head = [&tid[..], &4700_i32.to_le_bytes(), &comm, &[0, state], &len.to_le_bytes()].concat();
        record(id("sched_process_exec"), &[&head, b"/bin/echo\0", arguments])
    };
    execs(&scene, b"/bin/echo\0", b"echo\0a\0");
    assert_eq!(scene.record(&event("sched_process_exec")), want(0, 7, b"echo\0a\0"));
    assert_eq!(scene.task_byte(TID), MARKED);
    execs(&scene, b"/bin/echo\0", &[b'x'; 5000]);
    assert_eq!(scene.record(&event("sched_process_exec")), want(1, 4096, &[b'x'; 4096]));
    // A program without arguments; and bounds that make no sense.
    execs(&scene, b"/bin/echo\0", b"");
    assert_eq!(scene.record(&event("sched_process_exec")), want(0, 0, b""));
    scene.set(MM + ARG_END, 0x1000_u64);
    assert_eq!(scene.record(&event("sched_process_exec")), want(2, 0, b""));
}

#[test]
fn a_thread_that_execs_takes_its_mark_to_its_new_number() {
    let mut scene = scene();
    let exec = event("sched_process_exec");
    execs(&scene, b"x\0", b"x\0");
    // It was thread 4720; its leader, whose number it has now, is gone.
    scene.set(CONTEXT + 8, 4720_u64);
    scene.set_task_byte(4720, MARKED);
    scene.set_task_byte(TID, 0);
    assert_eq!(scene.record(&exec)[10..14], 4720_i32.to_le_bytes());
    assert_eq!((scene.task_byte(4720), scene.task_byte(TID)), (0, MARKED));
    // The same for one that is not traced.
    scene.set_task_byte(TID, MARKED);
    assert_eq!(scene.record(&exec), []);
    assert_eq!((scene.task_byte(4720), scene.task_byte(TID)), (0, 0));
}

#[test]
fn an_exit_takes_the_mark_away() {
    let mut scene = scene();
    scene.set(TASK + EXIT_CODE, 0x300_u32);
    let exit = event("sched_process_exit");
    let comm = [&b"parent"[..], &[0; 10]].concat();
    let want = record(id("sched_process_exit"), &[&4700_i32.to_le_bytes(), &0x300_i32.to_le_bytes(), &comm]);
    assert_eq!(scene.record(&exit), want);
    assert_eq!(scene.task_byte(TID), 0);
    assert_eq!(scene.record(&exit), [], "its number belongs to nobody");
    // A thread that was left out: the next one with its number is not.
    scene.set_task_byte(0, MARKED);
    scene.set_task_byte(TID, MARKED);
    assert_eq!(scene.record(&exit), []);
    assert_eq!(scene.task_byte(TID), 0);
}

fn signal_scene() -> Scene {
    let scene = scene();
    scene.set(CONTEXT, 11_u64);
    scene.set(CONTEXT + 8, SIGINFO);
    for (offset, word) in [(0, 11_u32), (4, 22), (8, 33), (12, 44)] {
        scene.set(SIGINFO + offset, word);
    }
    for n in 0..4 {
        scene.set(SIGINFO + 16 + 8 * n, 0x0101_0101_0101_0101_u64 * (n + 1));
    }
    scene
}

#[test]
fn a_signal_comes_with_its_siginfo() {
    let mut scene = signal_scene();
    let union: Vec<u8> = (1..=4_u8).flat_map(|n| [n; 8]).collect();
    let head = [11, 22, 33_i32].map(i32::to_le_bytes).concat();
    assert_eq!(scene.record(&event("signal_deliver")), record(id("signal_deliver"), &[&head, &union]));
}

#[test]
fn without_the_cast_the_words_that_the_verifier_lets_through_are_there() {
    let mut scene = signal_scene();
    scene.facts.cast = None;
    let bytes = scene.record(&event("signal_deliver"));
    let head = [11, 22, 33_i32].map(i32::to_le_bytes).concat();
    let union = [[1; 8], [2, 2, 2, 2, 0, 0, 0, 0], [0; 8], [0; 8]].concat();
    assert_eq!(bytes, record(id("signal_deliver"), &[&head, &union]));
}

#[test]
fn sigkill_has_no_siginfo_to_look_at() {
    for cast in [None, facts().cast] {
        let mut scene = signal_scene();
        scene.facts.cast = cast;
        scene.set(CONTEXT, 9_u64);
        // What the kernel passes is no address, and the interpreter would not forgive a load.
        scene.machine.borrow_mut().remove(SIGINFO);
        let want = record(id("signal_deliver"), &[&9_i32.to_le_bytes(), &[0; 40]]);
        assert_eq!(scene.record(&event("signal_deliver")), want);
        scene.set(CONTEXT + 8, 0_u64);
        assert_eq!(scene.record(&event("signal_deliver")), want);
        scene.machine.borrow_mut().add(Kind::Kernel, SIGINFO, vec![0; 128]);
    }
}

#[test]
fn process_events_have_a_ring_of_their_own() {
    let scene = signal_scene();
    scene.run(&scene.program(&event("signal_deliver").shape));
    use probe::protocol::{Memory, Word};
    let pos = |map| scene.ring(map).load(Word::Pos, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(pos(MapRef::Syscalls), 0);
    assert_ne!(pos(MapRef::Lifecycle), 0);
}
