//! `bpf(2)`: maps, programs, links. Each object owns its descriptor; closing it undoes everything, so nothing stays when
//! this process dies.

use std::ffi::c_long;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use probe::insn::MapRef;
use probe::program::Program;

use crate::refusal::{Command, Error};

const BPF_MAP_CREATE: c_long = 0;
const BPF_MAP_UPDATE_ELEM: c_long = 2;
const BPF_MAP_DELETE_ELEM: c_long = 3;
const BPF_PROG_LOAD: c_long = 5;
const BPF_OBJ_GET_INFO_BY_FD: c_long = 15;
const BPF_RAW_TRACEPOINT_OPEN: c_long = 17;

const BPF_MAP_TYPE_ARRAY: u32 = 2;
const BPF_MAP_TYPE_PROG_ARRAY: u32 = 3;
const BPF_F_MMAPABLE: u32 = 1 << 10;
const BPF_PROG_TYPE_TRACING: u32 = 26;
const BPF_TRACE_RAW_TP: u32 = 23;

/// The licence that the kernel is told; the helpers for reading user memory ask for a GPL-compatible one.
const LICENSE: &[u8] = b"Dual MIT/GPL\0";
const LOG_LEN: usize = 1 << 20;

/// `union bpf_attr` of `BPF_MAP_CREATE` (`include/uapi/linux/bpf.h`).
#[repr(C)]
#[derive(Default)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
    map_name: [u8; 16],
}

/// `union bpf_attr` of the `BPF_MAP_*_ELEM` commands.
#[repr(C)]
#[derive(Default)]
struct MapElem {
    map_fd: u32,
    _pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// `union bpf_attr` of `BPF_PROG_LOAD`, up to `attach_btf_id`.
#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
}

/// `union bpf_attr` of `BPF_RAW_TRACEPOINT_OPEN`.
#[repr(C)]
#[derive(Default)]
struct RawTracepointOpen {
    name: u64,
    prog_fd: u32,
    _pad: u32,
}

/// `union bpf_attr` of `BPF_OBJ_GET_INFO_BY_FD`.
#[repr(C)]
#[derive(Default)]
struct GetInfo {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

fn bpf<T>(command: c_long, attr: &mut T) -> io::Result<c_long> {
    let size = size_of::<T>();
    // SAFETY: `attr` is a live, exclusively borrowed `repr(C)` structure of the size given; every address in it points to
    // memory that the caller keeps alive across this call.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_mut(attr), size) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(fd: c_long) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd as RawFd) }
}

/// First 15 characters, NUL padded; characters that the kernel does not take become `_`.
fn object_name(name: &str) -> [u8; 16] {
    let mut out = [0; 16];
    for (to, from) in out.iter_mut().take(15).zip(name.bytes()) {
        *to = if from.is_ascii_alphanumeric() || from == b'_' { from } else { b'_' };
    }
    out
}

/// A map.
#[derive(Debug)]
pub struct Map {
    fd: OwnedFd,
    name: String,
}

impl Map {
    fn create(name: &str, mut attr: MapCreate) -> Result<Map, Error> {
        attr.map_name = object_name(name);
        let fd = bpf(BPF_MAP_CREATE, &mut attr).map_err(|source| Error::Bpf {
            command: Command::MapCreate,
            object: format!("map {name}"),
            source,
            log: String::new(),
        })?;
        Ok(Map { fd: owned(fd), name: name.to_owned() })
    }

    /// An array that user space can map: `entries` values of `value_size` bytes (a multiple of the page size).
    pub fn mapped_array(name: &str, value_size: u32, entries: u32) -> Result<Map, Error> {
        Map::create(
            name,
            MapCreate {
                map_type: BPF_MAP_TYPE_ARRAY,
                key_size: 4,
                value_size,
                max_entries: entries,
                map_flags: BPF_F_MMAPABLE,
                ..MapCreate::default()
            },
        )
    }

    /// A table of programs to jump to.
    pub fn program_array(name: &str, entries: u32) -> Result<Map, Error> {
        Map::create(
            name,
            MapCreate {
                map_type: BPF_MAP_TYPE_PROG_ARRAY,
                key_size: 4,
                value_size: 4,
                max_entries: entries,
                ..MapCreate::default()
            },
        )
    }

    /// Puts a program into slot `slot` of a program array.
    pub fn set_program(&self, slot: u32, program: &Loaded) -> Result<(), Error> {
        let fd = program.fd.as_raw_fd() as u32;
        let mut attr = MapElem {
            map_fd: self.fd.as_raw_fd() as u32,
            key: std::ptr::from_ref(&slot) as u64,
            value: std::ptr::from_ref(&fd) as u64,
            ..MapElem::default()
        };
        bpf(BPF_MAP_UPDATE_ELEM, &mut attr).map(|_| ()).map_err(|source| Error::Bpf {
            command: Command::MapUpdateElem,
            object: format!("map {} slot {slot}", self.name),
            source,
            log: String::new(),
        })
    }

    /// Empties slot `slot` of a program array.
    pub fn clear_program(&self, slot: u32) -> Result<(), Error> {
        let mut attr = MapElem {
            map_fd: self.fd.as_raw_fd() as u32,
            key: std::ptr::from_ref(&slot) as u64,
            ..MapElem::default()
        };
        bpf(BPF_MAP_DELETE_ELEM, &mut attr).map(|_| ()).map_err(|source| Error::Bpf {
            command: Command::MapDeleteElem,
            object: format!("map {} slot {slot}", self.name),
            source,
            log: String::new(),
        })
    }

    /// The map's descriptor, as programs name it when they are loaded.
    pub fn fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// A program that the verifier accepted.
#[derive(Debug)]
pub struct Loaded {
    fd: OwnedFd,
    name: String,
}

impl Loaded {
    /// Loads a program of type tracing for the BTF tracepoint whose `btf_trace_*` typedef has the id `attach_id`.
    ///
    /// The verifier's log is asked for only after a refusal: making it costs more than the check itself.
    pub fn load(program: &Program, attach_id: u32, fd: &dyn Fn(MapRef) -> RawFd) -> Result<Loaded, Error> {
        let insns = program.encode(fd);
        match Loaded::try_load(program, &insns, attach_id, &mut []) {
            Ok(loaded) => Ok(loaded),
            Err(first) => {
                let mut log = vec![0; LOG_LEN];
                match Loaded::try_load(program, &insns, attach_id, &mut log) {
                    Ok(loaded) => Ok(loaded),
                    Err(_) => {
                        let end = log.iter().position(|b| *b == 0).unwrap_or(log.len());
                        log.truncate(end);
                        Err(Error::Bpf {
                            command: Command::ProgLoad,
                            object: format!("program {}", program.name),
                            source: first,
                            log: String::from_utf8_lossy(&log).into_owned(),
                        })
                    }
                }
            }
        }
    }

    fn try_load(program: &Program, insns: &[u64], attach_id: u32, log: &mut [u8]) -> io::Result<Loaded> {
        let mut attr = ProgLoad {
            prog_type: BPF_PROG_TYPE_TRACING,
            insn_cnt: insns.len() as u32,
            insns: insns.as_ptr() as u64,
            license: LICENSE.as_ptr() as u64,
            log_level: u32::from(!log.is_empty()),
            log_size: log.len() as u32,
            log_buf: if log.is_empty() { 0 } else { log.as_mut_ptr() as u64 },
            prog_name: object_name(&program.name),
            expected_attach_type: BPF_TRACE_RAW_TP,
            attach_btf_id: attach_id,
            ..ProgLoad::default()
        };
        let fd = bpf(BPF_PROG_LOAD, &mut attr)?;
        Ok(Loaded { fd: owned(fd), name: program.name.clone() })
    }

    /// Attaches the program; it runs until the link is dropped.
    pub fn attach(&self) -> Result<Link, Error> {
        let mut attr =
            RawTracepointOpen { prog_fd: self.fd.as_raw_fd() as u32, ..RawTracepointOpen::default() };
        let fd = bpf(BPF_RAW_TRACEPOINT_OPEN, &mut attr).map_err(|source| Error::Bpf {
            command: Command::RawTracepointOpen,
            object: format!("program {}", self.name),
            source,
            log: String::new(),
        })?;
        Ok(Link { _fd: owned(fd) })
    }

    /// Runs that the kernel skipped because the program was already active on that CPU.
    pub fn missed(&self) -> Result<u64, Error> {
        Ok(self.info()?.recursion_misses)
    }

    /// Instructions that the verifier walked; 0 where the kernel does not say (before 5.16).
    pub fn verified(&self) -> Result<u32, Error> {
        Ok(self.info()?.verified_insns)
    }

    fn info(&self) -> Result<ProgInfo, Error> {
        let mut info = ProgInfo::default();
        let mut attr = GetInfo {
            bpf_fd: self.fd.as_raw_fd() as u32,
            info_len: size_of::<ProgInfo>() as u32,
            info: std::ptr::from_mut(&mut info) as u64,
        };
        bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr).map_err(|source| Error::Bpf {
            command: Command::ObjGetInfoByFd,
            object: format!("program {}", self.name),
            source,
            log: String::new(),
        })?;
        Ok(info)
    }
}

/// The part of `struct bpf_prog_info` up to `verified_insns`.
#[repr(C)]
#[derive(Default)]
struct ProgInfo {
    kind: u32,
    id: u32,
    tag: u64,
    jited_prog_len: u32,
    xlated_prog_len: u32,
    jited_prog_insns: u64,
    xlated_prog_insns: u64,
    load_time: u64,
    created_by_uid: u32,
    nr_map_ids: u32,
    map_ids: u64,
    name: [u8; 16],
    ifindex: u32,
    flags: u32,
    netns_dev: u64,
    netns_ino: u64,
    nr_jited_ksyms: u32,
    nr_jited_func_lens: u32,
    jited_ksyms: u64,
    jited_func_lens: u64,
    btf_id: u32,
    func_info_rec_size: u32,
    func_info: u64,
    nr_func_info: u32,
    nr_line_info: u32,
    line_info: u64,
    jited_line_info: u64,
    nr_jited_line_info: u32,
    line_info_rec_size: u32,
    jited_line_info_rec_size: u32,
    nr_prog_tags: u32,
    prog_tags: u64,
    run_time_ns: u64,
    run_cnt: u64,
    recursion_misses: u64,
    verified_insns: u32,
    attach_btf_obj_id: u32,
    attach_btf_id: u32,
    /// The kernel refuses bytes behind its own structure that are not zero, and padding would be just any bytes.
    zero: u32,
}

/// An attached program. Dropping it detaches.
#[derive(Debug)]
pub struct Link {
    _fd: OwnedFd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_agree_with_the_kernel_header() {
        // Offsets of `union bpf_attr` and `struct bpf_prog_info` in include/uapi/linux/bpf.h.
        assert_eq!(std::mem::offset_of!(MapCreate, map_name), 28);
        assert_eq!(std::mem::offset_of!(ProgLoad, prog_name), 48);
        assert_eq!(std::mem::offset_of!(ProgLoad, expected_attach_type), 68);
        assert_eq!(std::mem::offset_of!(ProgLoad, attach_btf_id), 108);
        assert_eq!(std::mem::offset_of!(ProgInfo, name), 64);
        assert_eq!(std::mem::offset_of!(ProgInfo, recursion_misses), 208);
        assert_eq!(std::mem::offset_of!(ProgInfo, verified_insns), 216);
    }

    #[test]
    fn names_keep_to_what_the_kernel_takes() {
        assert_eq!(&object_name("dispatch_entry"), b"dispatch_entry\0\0");
        assert_eq!(&object_name("a-very long name!"), b"a_very_long_nam\0");
    }
}
