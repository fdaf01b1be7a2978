//! The bytes of whole records, written out (`docs/format.md`).

use schema::lower::{Plan, Records};

use crate::scene::{COMPAT, NATIVE, Scene, first, layouts, record};

const CALLS: &str = "\
number x86_64 110 getppid
number x86_64 257 openat
number x86_64 1 write
number x86_64 0 read
number x86_64 59 execve
number x86_64 35 nanosleep
number i386 295 openat
number i386 11 execve
object pair 16
getppid() = pid
openat(atfd dfd, path filename, u32 flags, mode mode) = fd
write(fd fd, in bytes buf[count], size count) = size
read(fd fd, out bytes buf[ret], size count) = size
execve(path filename, in str argv[null], in str envp[null])
nanosleep(in pair rqtp, out pair rmtp)
";

const PATH: u64 = 0x7000;

#[test]
fn getppid_is_ten_bytes_and_eighteen() {
    let all = layouts(CALLS, &Plan::default());
    let mut scene = Scene::new();
    scene.enter(NATIVE, 110, &[]);
    assert_eq!(scene.record(&first(&all, "syscall_entry_getppid")), record(110, &[]));
    scene.leave(99);
    let exit = scene.record(&first(&all, "syscall_exit_getppid"));
    assert_eq!(exit, record(512 + 110, &[&99_i64.to_le_bytes()]));
}

#[test]
fn openat_has_its_path_behind_the_fixed_fields() {
    let all = layouts(CALLS, &Plan::default());
    let mut scene = Scene::new();
    scene.user(PATH, b"/etc/passwd\0");
    scene.enter(NATIVE, 257, &[-100_i64 as u64, PATH, 0o2000000, 0o644]);
    let openat = first(&all, "syscall_entry_openat");
    let want = record(
        257,
        &[
            &(-100_i32).to_le_bytes(),
            &PATH.to_le_bytes(),
            &[0],
            &0o2000000_u32.to_le_bytes(),
            &0o644_u16.to_le_bytes(),
            b"/etc/passwd\0",
        ],
    );
    assert_eq!(scene.record(&openat), want);
    scene.leave(-2);
    assert_eq!(
        scene.record(&first(&all, "syscall_exit_openat")),
        record(512 + 257, &[&(-2_i64).to_le_bytes()])
    );
}

#[test]
fn compat_calls_take_32_bits_of_the_other_registers() {
    let all = layouts(CALLS, &Plan::default());
    let mut scene = Scene::new();
    scene.user(PATH, b"x\0");
    let dirt = 0xdead_beef_0000_0000;
    scene.enter(COMPAT, 295, &[dirt | 0xffff_ff9c, dirt | PATH, dirt, dirt | 0o600]);
    let openat = scene.record(&first(&all, "compat_syscall_entry_openat"));
    let want = record(
        3 * 512 + 295,
        &[
            &(-100_i32).to_le_bytes(),
            &(PATH as u32).to_le_bytes(),
            &[0],
            &[0; 4],
            &0o600_u16.to_le_bytes(),
            b"x\0",
        ],
    );
    assert_eq!(openat, want);
}

#[test]
fn argument_vectors_are_counted_strings() {
    let all = layouts(CALLS, &Plan::default());
    let mut scene = Scene::new();
    scene.user(PATH, b"/bin/echo\0a\0\0");
    let argv = [PATH + 5, PATH + 10, PATH + 12, 0].map(u64::to_le_bytes).concat();
    scene.user(0x8000, &argv);
    scene.user(0x9000, &[0; 8]);
    scene.enter(NATIVE, 59, &[PATH, 0x8000, 0x9000]);
    let want = record(
        59,
        &[
            &PATH.to_le_bytes(),
            &[0],
            &0x8000_u64.to_le_bytes(),
            &[0, 3],
            &0x9000_u64.to_le_bytes(),
            &[0, 0],
            b"/bin/echo\0",
            b"echo\0a\0\0",
        ],
    );
    assert_eq!(scene.record(&first(&all, "syscall_entry_execve")), want);
}

#[test]
fn compat_vectors_have_elements_of_four_bytes() {
    let all = layouts(CALLS, &Plan::default());
    let mut scene = Scene::new();
    scene.user(PATH, b"one\0two\0");
    scene.user(0x8000, &[PATH as u32, PATH as u32 + 4, 0].map(u32::to_le_bytes).concat());
    scene.enter(COMPAT, 11, &[PATH, 0x8000, 0]);
    let bytes = scene.record(&first(&all, "compat_syscall_entry_execve"));
    assert!(bytes.ends_with(b"one\0one\0two\0"), "{bytes:?}");
}

#[test]
fn buffers_keep_as_much_as_the_plan_says() {
    let all = layouts(CALLS, &Plan { data: 4, ..Plan::default() });
    let mut scene = Scene::new();
    scene.user(PATH, b"abcdefgh");
    let write = first(&all, "syscall_entry_write");
    for (count, state, data) in
        [(0_u64, 0, &b""[..]), (3, 0, b"abc"), (4, 0, b"abcd"), (5, 1, b"abcd"), (u64::MAX, 1, b"abcd")]
    {
        scene.enter(NATIVE, 1, &[1, PATH, count]);
        let len = (data.len() as u16).to_le_bytes();
        let want = record(
            1,
            &[&1_u32.to_le_bytes(), &PATH.to_le_bytes(), &[state], &len, &count.to_le_bytes(), data],
        );
        assert_eq!(scene.record(&write), want, "{count}");
    }
    let read = first(&all, "syscall_exit_read");
    scene.enter(NATIVE, 0, &[0, PATH, 100]);
    for (ret, state, data) in [(0_i64, 0, &b""[..]), (3, 0, b"abc"), (8, 1, b"abcd"), (-11, 4, b"")] {
        scene.leave(ret);
        let len = (data.len() as u16).to_le_bytes();
        assert_eq!(scene.record(&read), record(512, &[&ret.to_le_bytes(), &[state], &len, data]), "{ret}");
    }
}

#[test]
fn objects_are_fixed_fields() {
    let all = layouts(CALLS, &Plan::default());
    let mut scene = Scene::new();
    let object: Vec<u8> = (1..=16).collect();
    scene.user(PATH, &object);
    scene.enter(NATIVE, 35, &[PATH, PATH]);
    let entry = first(&all, "syscall_entry_nanosleep");
    let pointer = PATH.to_le_bytes();
    assert_eq!(scene.record(&entry), record(35, &[&pointer, &[0], &object, &pointer]));
    let exit = first(&all, "syscall_exit_nanosleep");
    scene.leave(0);
    assert_eq!(scene.record(&exit), record(512 + 35, &[&[0; 8], &[0], &object]));
    // A failed call has not filled it in.
    scene.leave(-22);
    assert_eq!(scene.record(&exit), record(512 + 35, &[&(-22_i64).to_le_bytes(), &[4], &[0; 16]]));
}

#[test]
fn a_call_without_a_name_has_its_number_and_six_registers() {
    let [entry, exit, _, compat_exit] = schema::tracepoint::unknown_calls(Records::Two);
    let mut scene = Scene::new();
    scene.enter(NATIVE, 500, &[1, 2, 3, 4, 5, 6]);
    let words: Vec<u8> = [500, 1, 2, 3, 4, 5, 6_u64].map(u64::to_le_bytes).concat();
    assert_eq!(scene.record(&entry), record(6 * 512, &[&words]));
    // rt_sigreturn leaves no number.
    scene.enter(NATIVE, -1, &[]);
    scene.leave(7);
    let words: Vec<u8> = [7, -1_i64].map(i64::to_le_bytes).concat();
    assert_eq!(scene.record(&exit), record(6 * 512 + 1, &[&words]));
    assert_eq!(scene.record(&compat_exit), record(6 * 512 + 3, &[&words]));
}
