//! What a CTF trace is: type tree, metadata, packets, reader, writer, merge.
//!
//! This crate knows nothing of system calls and nothing of BPF. It does no I/O: metadata is text in
//! and text out, packets are byte slices.
#![forbid(unsafe_code)]

pub mod check;
pub mod cursor;
pub mod error;
pub mod event;
pub mod merge;
pub mod metadata;
pub mod packet;
pub mod read;
pub mod types;
pub mod write;

pub use event::{Event, Value};
