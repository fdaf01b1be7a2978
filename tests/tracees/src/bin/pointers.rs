//! `pointers`: strings and argument vectors in every state that a tracer has to tell apart.
//!
//! Between the marks, in this order, one `openat(AT_FDCWD, PATH, O_RDONLY)` a case, then the `execve`s. Prints
//! `CASE ADDRESS RESULT` for each; ADDRESS is the pointer passed, in hex.
//!
//! | case | PATH | the kernel answers |
//! |---|---|---|
//! | `null` | NULL | EFAULT |
//! | `low` | 0x1 | EFAULT |
//! | `unmapped` | a page with PROT_NONE | EFAULT |
//! | `noncanonical` | 0xdead000000000000 | EFAULT |
//! | `empty` | "" | ENOENT |
//! | `edge` | "/x", its NUL is the last byte before a page with PROT_NONE | ENOENT |
//! | `unterminated` | as edge, without NUL | EFAULT |
//! | `cold` | "/cold/page", in a page of a file that is not mapped in at this moment | ENOENT |
//! | `short` | "/etc/no-such-file" | ENOENT |
//! | `max` | 4095 bytes "/a/a...": the longest legal path | ENOENT |
//! | `toolong` | 4096 bytes | ENAMETOOLONG |
//!
//! Then `execve(PATH, ARGV, [])` of "/no/such/program": `exec_null` with ARGV NULL, `exec_bad` with ARGV 0x1, `exec_long`
//! with 300 arguments "argument-000" ... "argument-299".

use std::ffi::CString;
use std::io::Write;
use std::os::fd::AsRawFd;

const PAGE: usize = 4096;

fn openat(path: u64) -> i64 {
    // SAFETY: openat reads the path only; a pointer that cannot be read is an error, not a crash.
    unsafe { tracees::raw(libc::SYS_openat, [libc::AT_FDCWD as u64, path, libc::O_RDONLY as u64, 0, 0, 0]) }
}

fn execve(argv: u64) -> i64 {
    let no_environment = [0_u64];
    let path = c"/no/such/program".as_ptr() as u64;
    // SAFETY: the program does not exist, so this one stays; the vectors are only read.
    unsafe { tracees::raw(libc::SYS_execve, [path, argv, no_environment.as_ptr() as u64, 0, 0, 0]) }
}

/// Two pages; the second may not be touched. Returns the address of the first.
fn page_before_a_hole() -> *mut u8 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new private mapping.
    let pages = unsafe {
        libc::mmap(std::ptr::null_mut(), 2 * PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
    };
    assert_ne!(pages, libc::MAP_FAILED);
    let second = pages.cast::<u8>().wrapping_add(PAGE);
    // SAFETY: the second page of the mapping above.
    let ret = unsafe { libc::mprotect(second.cast(), PAGE, libc::PROT_NONE) };
    assert_eq!(ret, 0);
    pages.cast()
}

/// A C string in a page of a file; the page is thrown out of this process' page table before each use, so that the
/// first to touch it takes a fault.
fn cold_page() -> *mut libc::c_void {
    let name = std::env::temp_dir().join(format!("tracees-cold-{}", std::process::id()));
    let mut file = std::fs::File::options()
        .create_new(true)
        .read(true)
        .write(true)
        .open(&name)
        .expect("a file in the temporary directory");
    std::fs::remove_file(&name).expect("our own file");
    let mut text = b"/cold/page".to_vec();
    text.resize(PAGE, 0);
    file.write_all(&text).expect("one page");
    // SAFETY: a new private mapping of our own file.
    let page = unsafe {
        libc::mmap(std::ptr::null_mut(), PAGE, libc::PROT_READ, libc::MAP_PRIVATE, file.as_raw_fd(), 0)
    };
    assert_ne!(page, libc::MAP_FAILED);
    for advice in [libc::MADV_RANDOM, libc::MADV_DONTNEED] {
        // SAFETY: the mapping above; its content comes back from the file.
        let ret = unsafe { libc::madvise(page, PAGE, advice) };
        assert_eq!(ret, 0);
    }
    page
}

fn main() {
    let hole = page_before_a_hole();
    // SAFETY: the last three bytes of the first page.
    let edge = unsafe { hole.add(PAGE - 3) };
    // SAFETY: as above.
    unsafe { std::ptr::copy_nonoverlapping(c"/x".as_ptr().cast(), edge, 3) };
    let bare = page_before_a_hole();
    // SAFETY: the last two bytes of the first page.
    let unterminated = unsafe { bare.add(PAGE - 2) };
    // SAFETY: as above.
    unsafe { std::ptr::copy_nonoverlapping(b"/x".as_ptr(), unterminated, 2) };
    let max = CString::new(format!("/{}", "a/".repeat(2047))).expect("no NUL");
    let toolong = CString::new(format!("/{}a", "a/".repeat(2047))).expect("no NUL");
    assert_eq!((max.count_bytes(), toolong.count_bytes()), (4095, 4096));
    let words: Vec<_> = (0..300).map(|i| CString::new(format!("argument-{i:03}")).expect("no NUL")).collect();
    let mut vector: Vec<u64> = words.iter().map(|w| w.as_ptr() as u64).collect();
    vector.push(0);

    let paths = [
        ("null", 0),
        ("low", 1),
        ("unmapped", hole as u64 + PAGE as u64),
        ("noncanonical", 0xdead_0000_0000_0000),
        ("empty", c"".as_ptr() as u64),
        ("edge", edge as u64),
        ("unterminated", unterminated as u64),
        ("cold", cold_page() as u64),
        ("short", c"/etc/no-such-file".as_ptr() as u64),
        ("max", max.as_ptr() as u64),
        ("toolong", toolong.as_ptr() as u64),
    ];
    let vectors = [("exec_null", 0), ("exec_bad", 1), ("exec_long", vector.as_ptr() as u64)];
    tracees::mark();
    let opened = paths.map(|(case, path)| (case, path, openat(path)));
    let executed = vectors.map(|(case, argv)| (case, argv, execve(argv)));
    tracees::mark();
    for (case, address, ret) in opened.into_iter().chain(executed) {
        println!("{case} {address:#x} {}", tracees::result(ret));
    }
}
