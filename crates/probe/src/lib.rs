//! Layout + plan -> eBPF program.
//!
//! Programs are plain values, the same on every machine: what depends on the running kernel comes in as
//! [`facts::Facts`], and what the kernel makes of a program is seen only when the kernel crate loads it.
#![forbid(unsafe_code)]

pub mod dispatch;
pub mod facts;
pub mod generate;
pub mod insn;
pub mod interpret;
mod listing;
pub mod program;
pub mod protocol;
pub mod ring;
