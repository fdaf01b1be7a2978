//! What a CTF trace is: type tree, metadata, packets, reader, writer, merge.
//!
//! This crate knows nothing of system calls and nothing of BPF. It does no I/O: metadata is text in
//! and text out, packets are byte slices.
#![forbid(unsafe_code)]

pub mod event;
pub mod types;

pub use event::{Event, Value};
