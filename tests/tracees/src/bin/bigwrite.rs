//! `bigwrite`: hostile bytes, as payload and as path. Between the marks, for each text: `write(FD, TEXT, LEN) = LEN` to
//! /dev/null, then `openat(AT_FDCWD, TEXT, O_RDONLY) = -1 ENOENT`.
//!
//! The texts hold: an escape sequence and a bell, a newline that forges a line of a trace, invalid UTF-8, a
//! right-to-left override and C1 controls, quotes and backslashes, every byte from 1 to 255, 100,000 bytes 'x' (the
//! write only). Prints `text LEN` for each.

use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsRawFd;

fn main() {
    let sink = File::create("/dev/null").expect("/dev/null opens");
    let fd = sink.as_raw_fd() as u64;
    let texts: Vec<CString> = [
        b"\x1b[31mred\x1b[0m\x07".to_vec(),
        b"line\n12345 openat(AT_FDCWD, \"/etc/shadow\", O_RDONLY) = 3\n".to_vec(),
        b"\xff\xfe\xc3\x28".to_vec(),
        "\u{202e}gnp.exe\u{85}\u{9b}1m".as_bytes().to_vec(),
        b"\"quoted\" and \\ back".to_vec(),
        (1..=255).collect(),
        vec![b'x'; 100_000],
    ]
    .into_iter()
    .map(|bytes| CString::new(bytes).expect("no NUL"))
    .collect();
    tracees::mark();
    for text in &texts {
        let (address, length) = (text.as_ptr() as u64, text.count_bytes());
        // SAFETY: reads the text only.
        let ret = unsafe { tracees::raw(libc::SYS_write, [fd, address, length as u64, 0, 0, 0]) };
        assert_eq!(ret, length as i64);
        if length < 1000 {
            // SAFETY: reads a C string.
            let ret = unsafe { tracees::raw(libc::SYS_openat, [libc::AT_FDCWD as u64, address, 0, 0, 0, 0]) };
            assert_eq!(ret, -i64::from(libc::ENOENT));
        }
    }
    tracees::mark();
    for text in &texts {
        println!("text {}", text.count_bytes());
    }
}
