//! What becomes of pointers that lead nowhere, or to more than is kept; and the second look at exit.

use probe::dispatch::{FAILED, MARKED};
use schema::layout::State;
use schema::lower::Plan;

use crate::scene::{NATIVE, Scene, TID, first, last, layouts, record};

const CALLS: &str = "\
number x86_64 80 chdir
number x86_64 59 execve
number x86_64 49 bind
number x86_64 1 write
object pair 16
chdir(path filename)
execve(path filename, in str argv[null], in str envp[null])
bind(in pair name)
write(in bytes buf[count], size count) = size
";

const HOLE: u64 = 0x6000;
const PATH: u64 = 0x7000;
const VECTOR: u64 = 0x8000;

fn plan() -> Plan {
    Plan { string: 8, data: 4, vector: 3, element: 4, elements: 8, ..Plan::default() }
}

/// State and string of a `chdir` with this pointer.
fn chdir(scene: &mut Scene, pointer: u64) -> (u8, Vec<u8>) {
    scene.enter(NATIVE, 80, &[pointer]);
    let bytes = scene.record(&first(&layouts(CALLS, &plan()), "syscall_entry_chdir"));
    (bytes[18], bytes[19..].to_vec())
}

#[test]
fn a_string_is_whole_cut_null_or_unreadable() {
    let mut scene = Scene::new();
    for (text, state, kept) in [
        (&b"\0"[..], State::Ok, &b"\0"[..]),
        (b"1234567\0", State::Ok, b"1234567\0"),
        (b"12345678\0", State::Ok, b"12345678\0"),
        (b"123456789\0", State::Cut, b"12345678\0"),
        (b"1234567890\0", State::Cut, b"12345678\0"),
        // Memory ends with the string's last byte that is looked at.
        (b"123456789", State::Fault, b"#\0"),
        (b"1234567890", State::Cut, b"12345678\0"),
        (b"unended", State::Fault, b"#\0"),
    ] {
        scene.user(PATH, text);
        assert_eq!(chdir(&mut scene, PATH), (state as u8, kept.to_vec()), "{text:?}");
    }
    assert_eq!(chdir(&mut scene, 0), (State::Null as u8, b"#\0".to_vec()));
    assert_eq!(chdir(&mut scene, HOLE), (State::Fault as u8, b"#\0".to_vec()));
}

/// State, count and strings of the arguments of an `execve`; its path and environment are null.
fn vector(scene: &mut Scene, elements: &[u64]) -> (u8, u8, Vec<u8>) {
    scene.user(VECTOR, &elements.iter().flat_map(|e| e.to_le_bytes()).collect::<Vec<_>>());
    execve(scene, VECTOR, 0).0
}

/// State, count and strings of the arguments of an `execve` without a path; state and count of its environment.
fn execve(scene: &mut Scene, argv: u64, envp: u64) -> ((u8, u8, Vec<u8>), (u8, u8)) {
    scene.enter(NATIVE, 59, &[0, argv, envp]);
    let bytes = scene.record(&first(&layouts(CALLS, &plan()), "syscall_entry_execve"));
    // Fixed fields: pointer and state; twice pointer, state and count. Then the placeholder of the path.
    let path = 10 + 8 + 1;
    let fixed = path + 2 * (8 + 1 + 1);
    assert_eq!(bytes[fixed..fixed + 2], *b"#\0");
    let arguments = (bytes[path + 8], bytes[path + 9], bytes[fixed + 2..].to_vec());
    (arguments, (bytes[path + 18], bytes[path + 19]))
}

#[test]
fn a_vector_is_whole_cut_null_or_unreadable() {
    let mut scene = Scene::new();
    scene.user(PATH, b"ab\0abcd\0abcde\0");
    let (ab, abcd, abcde) = (PATH, PATH + 3, PATH + 8);
    let ok = State::Ok as u8;
    let cut = State::Cut as u8;
    assert_eq!(vector(&mut scene, &[0]), (ok, 0, vec![]));
    assert_eq!(vector(&mut scene, &[ab, abcd, 0]), (ok, 2, b"ab\0abcd\0".to_vec()));
    // As many as are kept.
    assert_eq!(vector(&mut scene, &[ab, ab, ab, 0]), (ok, 3, b"ab\0ab\0ab\0".to_vec()));
    assert_eq!(vector(&mut scene, &[ab, ab, ab, ab, 0]), (cut, 3, b"ab\0ab\0ab\0".to_vec()));
    // A long element is cut; more than 8 bytes of elements begin no further one.
    assert_eq!(vector(&mut scene, &[abcde, ab, 0]), (cut, 2, b"abcd\0ab\0".to_vec()));
    assert_eq!(vector(&mut scene, &[abcd, abcd, 0]), (ok, 2, b"abcd\0abcd\0".to_vec()));
    assert_eq!(vector(&mut scene, &[abcd, abcd, ab, 0]), (cut, 2, b"abcd\0abcd\0".to_vec()));
    // An element, or the rest of the vector, is not there: what comes before is kept.
    assert_eq!(vector(&mut scene, &[ab, HOLE, 0]), (State::Fault as u8, 1, b"ab\0".to_vec()));
    assert_eq!(vector(&mut scene, &[ab, abcd]), (State::Fault as u8, 2, b"ab\0abcd\0".to_vec()));
    assert_eq!(execve(&mut scene, 0, 0).0, (State::Null as u8, 0, vec![]));
    assert_eq!(execve(&mut scene, HOLE, 0).0, (State::Fault as u8, 0, vec![]));
}

#[test]
fn of_the_environment_only_its_size_is_kept() {
    let mut scene = Scene::new();
    let mut environment = |pointers: usize, end: bool| {
        let mut bytes = [HOLE.to_le_bytes()].repeat(pointers).concat();
        bytes.extend(end.then_some([0; 8]).into_iter().flatten());
        scene.user(VECTOR, &bytes);
        execve(&mut scene, 0, VECTOR).1
    };
    assert_eq!(environment(0, true), (State::Ok as u8, 0));
    assert_eq!(environment(5, true), (State::Ok as u8, 5), "what the pointers lead to is not looked at");
    assert_eq!(environment(128, true), (State::Ok as u8, 128));
    assert_eq!(environment(129, true), (State::Cut as u8, 128));
    assert_eq!(environment(5, false), (State::Fault as u8, 5));
    assert_eq!(execve(&mut scene, 0, 0).1, (State::Null as u8, 0));
}

#[test]
fn a_buffer_or_object_that_is_not_there_leaves_no_bytes() {
    let mut scene = Scene::new();
    let all = layouts(CALLS, &plan());
    for (pointer, state) in [(0, State::Null), (HOLE, State::Fault)] {
        scene.enter(NATIVE, 49, &[pointer]);
        let bind = scene.record(&first(&all, "syscall_entry_bind"));
        assert_eq!(bind, record(49, &[&pointer.to_le_bytes(), &[state as u8], &[0; 16]]));
        scene.enter(NATIVE, 1, &[pointer, 3]);
        let write = scene.record(&first(&all, "syscall_entry_write"));
        assert_eq!(write, record(1, &[&pointer.to_le_bytes(), &[state as u8, 0, 0], &3_u64.to_le_bytes()]));
    }
    // Half of it is not there.
    scene.user(PATH, &[1; 8]);
    scene.enter(NATIVE, 49, &[PATH]);
    let bind = scene.record(&first(&all, "syscall_entry_bind"));
    assert_eq!(bind[18..], [&[State::Fault as u8][..], &[0; 16]].concat());
}

#[test]
fn a_row_has_whole_objects_of_a_count_that_cannot_overflow() {
    let mut scene = Scene::new();
    let all = layouts(
        "number x86_64 7 poll\nobject pollfd 8\npoll(inout pollfd ufds[nfds], count nfds) = count\n",
        &plan(),
    );
    scene.user(PATH, &[7; 400]);
    for (count, state, len) in [
        (0, State::Ok, 0),
        (3, State::Ok, 24),
        (32, State::Ok, 256),
        (33, State::Cut, 256),
        // Times 8 this is 0.
        (1 << 61, State::Cut, 256),
        (u64::MAX, State::Cut, 256),
    ] {
        scene.enter(NATIVE, 7, &[PATH, count]);
        let entry = scene.record(&first(&all, "syscall_entry_poll"));
        assert_eq!((entry[18], entry[19..21].to_vec()), (state as u8, (len as u16).to_le_bytes().to_vec()));
        assert_eq!(entry[29..], vec![7; len], "{count}");
    }
    scene.enter(NATIVE, 7, &[PATH, 2]);
    let exit = first(&all, "syscall_exit_poll");
    scene.leave(1);
    assert_eq!(scene.record(&exit), record(512 + 7, &[&1_u64.to_le_bytes(), &[0, 16, 0], &[7; 16]]));
    scene.leave(-4);
    assert_eq!(scene.record(&exit), record(512 + 7, &[&(-4_i64).to_le_bytes(), &[State::Off as u8, 0, 0]]));
    scene.enter(NATIVE, 7, &[HOLE, 2]);
    let entry = scene.record(&first(&all, "syscall_entry_poll"));
    assert_eq!(entry[18..21], [State::Fault as u8, 0, 0]);
    // The memory ends with the page: what is in it is kept, also half an object.
    scene.user(PATH + 0x1000 - 12, &[5; 12]);
    scene.enter(NATIVE, 7, &[PATH + 0x1000 - 12, 2]);
    let entry = scene.record(&first(&all, "syscall_entry_poll"));
    assert_eq!((entry[18], entry[19], entry[29..].to_vec()), (State::Fault as u8, 12, vec![5; 12]));
}

#[test]
fn a_fault_at_entry_is_remembered_and_read_again_at_exit() {
    let mut scene = Scene::new();
    let all = layouts(CALLS, &plan());
    scene.set_task_byte(TID, MARKED);
    assert_eq!(chdir(&mut scene, 0).0, State::Null as u8);
    assert_eq!(scene.task_byte(TID), MARKED, "a null pointer stays null");
    assert_eq!(chdir(&mut scene, PATH).0, State::Fault as u8);
    assert_eq!(scene.task_byte(TID), MARKED | FAILED);
    // The kernel has brought the page in meanwhile.
    scene.user(PATH, b"/tmp\0");
    scene.leave(0);
    let again = scene.record(&last(&all, "syscall_exit_chdir"));
    assert_eq!(again, record(1024 + 80, &[&[0; 8], &[0], b"/tmp\0"]));
    // A pointer that is still bad does not set the bit again: nobody would take it away before the next call.
    scene.set_task_byte(TID, MARKED);
    scene.enter(NATIVE, 80, &[HOLE]);
    let again = scene.record(&last(&all, "syscall_exit_chdir"));
    assert_eq!(again, record(1024 + 80, &[&[0; 8], &[State::Fault as u8], b"#\0"]));
    assert_eq!(scene.task_byte(TID), MARKED);
}

#[test]
fn after_an_execve_the_registers_say_nothing() {
    let mut scene = Scene::new();
    let all = layouts(CALLS, &plan());
    let again = last(&all, "syscall_exit_execve");
    assert_eq!(again.event.id, 1024 + 59);
    scene.user(PATH, b"prog\0");
    scene.user(VECTOR, &[PATH.to_le_bytes(), [0; 8]].concat());
    scene.enter(NATIVE, 59, &[PATH, VECTOR, VECTOR]);
    scene.leave(-2);
    let failed = scene.record(&again);
    let ret = (-2_i64).to_le_bytes();
    assert_eq!(failed, record(1024 + 59, &[&ret, &[0, 0, 1, 0, 1], b"prog\0prog\0"]));
    // Registers that happen to point somewhere are not followed.
    scene.leave(0);
    let fault = State::Fault as u8;
    let worked = scene.record(&again);
    assert_eq!(worked, record(1024 + 59, &[&[0; 8], &[fault, fault, 0, fault, 0], b"#\0"]));
}
