//! `bpf_programs`: prints `ID TYPE NAME` for each BPF program that is loaded in the kernel at this moment, by
//! `bpf(BPF_PROG_GET_NEXT_ID)`. A test compares before and after: a program that is gone is attached to nothing.
//!
//! Ends with status 1 when bpf(2) refuses (it wants CAP_SYS_ADMIN).

use std::fs::File;
use std::os::fd::FromRawFd;

// Commands of bpf(2), include/uapi/linux/bpf.h.
const BPF_PROG_GET_NEXT_ID: u64 = 11;
const BPF_PROG_GET_FD_BY_ID: u64 = 13;
const BPF_OBJ_GET_INFO_BY_FD: u64 = 15;

/// The head of struct bpf_prog_info, up to the name.
#[repr(C)]
#[derive(Default)]
struct Info {
    kind: u32,
    id: u32,
    tag: [u8; 8],
    jited_len: u32,
    xlated_len: u32,
    jited: u64,
    xlated: u64,
    load_time: u64,
    uid: u32,
    map_ids_len: u32,
    map_ids: u64,
    name: [u8; 16],
}

fn bpf(command: u64, attributes: &mut [u32; 4]) -> i64 {
    // SAFETY: the three commands used here read and write 16 bytes of attributes, and the info they point to.
    unsafe { tracees::raw(libc::SYS_bpf, [command, attributes.as_mut_ptr() as u64, 16, 0, 0, 0]) }
}

fn main() {
    let mut last = 0_u32;
    loop {
        let mut attributes = [last, 0, 0, 0];
        match bpf(BPF_PROG_GET_NEXT_ID, &mut attributes) {
            0 => last = attributes[1],
            ret if ret == -i64::from(libc::ENOENT) => return,
            ret => {
                eprintln!("bpf(BPF_PROG_GET_NEXT_ID): {}", tracees::result(ret));
                std::process::exit(1);
            }
        }
        let fd = bpf(BPF_PROG_GET_FD_BY_ID, &mut [last, 0, 0, 0]);
        if fd < 0 {
            // The program went away between the two calls.
            continue;
        }
        // SAFETY: a new descriptor that nobody else owns; the file closes it.
        let _program = unsafe { File::from_raw_fd(fd as i32) };
        let mut info = Info::default();
        let address = &raw mut info as u64;
        let size = size_of::<Info>() as u32;
        let ret = bpf(BPF_OBJ_GET_INFO_BY_FD, &mut [fd as u32, size, address as u32, (address >> 32) as u32]);
        assert_eq!(ret, 0, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
        let name = info.name.split(|&b| b == 0).next().unwrap_or_default();
        println!("{last} {} {}", info.kind, String::from_utf8_lossy(name));
    }
}
