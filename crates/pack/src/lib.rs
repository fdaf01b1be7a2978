//! Packets of a stream to compressed frames, and back to the same bytes.
//!
//! ```text
//! whole packets --Packer::frame--> frame: head, body --Unpacker::packets--> the same packets
//!                  records to columns, then zstd
//! ```
//!
//! A frame holds some packets of one stream and needs no other frame to be read. Its head says which bytes of the stream it
//! holds and what time they cover, so a reader finds a place without unpacking what is before it. Layout: `docs/format.md`.
//!
//! Nothing here does I/O. Every number in a frame is a claim: see [`Head::parse`] for the bounds.
#![forbid(unsafe_code)]

mod columns;
mod error;
mod frame;
mod plan;
#[cfg(test)]
#[path = "../tests/sample/mod.rs"]
mod sample;

pub use error::Error;
pub use frame::{FRAME, HEAD_LEN, Head, LONGEST, Packer, Unpacker, Whole};
