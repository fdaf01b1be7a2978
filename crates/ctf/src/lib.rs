//! What a CTF trace is: type tree, metadata, packets, reader, writer, merge.
//!
//! This crate knows nothing of system calls and nothing of BPF. It does no I/O: metadata is text in
//! and text out, packets are byte slices.
//!
//! ```
//! use std::sync::Arc;
//! use ctf::packet::PacketHeader;
//! use ctf::read::{Decoder, Packets};
//! use ctf::{Value, metadata, write};
//!
//! let trace = metadata::parse(
//!     "/* CTF 1.8 */
//!      typealias integer { size = 64; } := uint64_t;
//!      trace { major = 1; minor = 8; byte_order = le; };
//!      clock { name = monotonic; };
//!      stream {
//!          packet.context := struct { uint64_t packet_size; uint64_t timestamp_begin; };
//!          event.header := struct { integer { size = 32; map = clock.monotonic.value; } timestamp; };
//!      };
//!      event { name = open; fields := struct { string _filename; }; };",
//! )?;
//!
//! let fields = [Value::Str(b"/tmp".to_vec())];
//! let record = write::encode_event(&trace.events[0], &trace.streams[0], 5_000_000_000, &[], &fields)?;
//! let header = PacketHeader { begin: 4_999_999_999, ..PacketHeader::default() };
//! let stream = write::encode_packet(&trace, &header, &record)?;
//!
//! let decoder = Decoder::new(Arc::new(trace))?;
//! for packet in Packets::new(&decoder, &stream) {
//!     let (_, events) = decoder.packet(packet?.bytes)?;
//!     for event in events {
//!         let event = event?;
//!         assert_eq!((event.time, event.name()), (5_000_000_000, "open"));
//!         assert_eq!(event.field("filename"), Some(&fields[0]));
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
