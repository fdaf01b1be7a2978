//! What can be wrong with the bytes of a stream.

use thiserror::Error;

/// A fault in the bytes of a packet, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("byte {offset}: {fault}")]
pub struct ReadError {
    /// Byte offset of the fault in the bytes that were given to the reader.
    pub offset: u64,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with the bytes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// A field reaches over the end of the packet's content.
    #[error("a field of {need} bits does not fit into the {left} bits that are left of the packet")]
    PastEnd {
        /// Bits that the field takes.
        need: u64,
        /// Bits that are left.
        left: u64,
    },
    /// No NUL up to the end of the packet's content.
    #[error("a string has no end in the packet")]
    UnterminatedString,
    /// The number of elements can not be right: they would not fit into the packet.
    #[error(
        "a sequence claims {count} elements, more than fit into the {left} bits that are left of the packet"
    )]
    TooLong {
        /// Claimed number of elements.
        count: u64,
        /// Bits that are left.
        left: u64,
    },
    /// Little-endian and big-endian bits share one byte, which CTF leaves undefined.
    #[error("the byte order changes within a byte")]
    ByteOrderChange,
    /// `magic` of the packet header is not 0xC1FC1FC1.
    #[error("the packet begins with magic number {found:#x}, expected 0xc1fc1fc1")]
    Magic {
        /// What is there.
        found: u64,
    },
    /// `uuid` of the packet header is not that of the metadata.
    #[error("the packet belongs to another trace (its uuid differs from that of the metadata)")]
    Uuid,
    /// `stream_id` of the packet header names no stream type.
    #[error("the metadata has no stream {id}")]
    UnknownStream {
        /// What is there.
        id: u64,
    },
    /// `id` of an event header names no event type.
    #[error("the metadata has no event {id} in stream {stream_id}")]
    UnknownEvent {
        /// What is there.
        id: u64,
        /// Stream type of the packet.
        stream_id: u64,
    },
    /// The packet's sizes contradict each other.
    #[error(
        "packet of {packet_bits} bits with {content_bits} bits of content and a header of {header_bits} bits; \
         expected header <= content <= packet, in whole bytes"
    )]
    PacketSize {
        /// `packet_size`.
        packet_bits: u64,
        /// `content_size`.
        content_bits: u64,
        /// Bits of packet header and packet context.
        header_bits: u64,
    },
    /// The bytes end before the packet does.
    #[error("the packet has {need} bytes, but only {have} are there")]
    Truncated {
        /// Bytes that the packet should have.
        need: u64,
        /// Bytes that are there.
        have: u64,
    },
    /// The packet context tells no size, so the packet reaches to the end of the stream.
    #[error("packets of this trace tell no size and can not be read one at a time")]
    Unsized,
    /// The record takes no bits: there would be endlessly many of them.
    #[error("a record takes no space")]
    EmptyRecord,
}

impl ReadError {
    /// The same error, counted from a point `base` bytes earlier (a packet's offset in its file).
    pub fn shifted(self, base: u64) -> Self {
        ReadError { offset: self.offset.saturating_add(base), ..self }
    }
}
