//! What programs need to know of the running kernel.

use std::collections::BTreeMap;

use crate::ring::Geometry;

/// Members whose offsets the programs use, by structure.
pub const MEMBERS: &[(&str, &str)] = &[
    ("task_struct", "pid"),
    ("task_struct", "tgid"),
    ("task_struct", "comm"),
    ("task_struct", "exit_code"),
    ("task_struct", "mm"),
    ("task_struct", "thread_info"),
    ("thread_info", "status"),
    ("mm_struct", "env_end"),
    ("mm_struct", "arg_start"),
    ("mm_struct", "arg_end"),
];

/// Facts about one kernel and one recording.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Byte offsets of [`MEMBERS`] from the start of their structure.
    pub members: BTreeMap<(String, String), u32>,
    /// BTF ids of the kernel function `bpf_rdonly_cast` and of a structure of at least 56 bytes that is all
    /// `unsigned long` (`pt_regs`), where the kernel has both. Lets a program read a union whole.
    pub cast: Option<(u32, u32)>,
    /// The ring of system calls.
    pub syscalls: Geometry,
    /// The ring of fork, exec, exit and signals.
    pub lifecycle: Geometry,
}
