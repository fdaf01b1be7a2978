//! Why packets cannot be packed, or a frame cannot be read.

use thiserror::Error;

/// What is wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The first bytes are not those of a frame.
    #[error("no frame begins here: magic number {found:#x}, expected {expected:#x}")]
    Magic {
        /// What is there.
        found: u32,
        /// What should be.
        expected: u32,
    },
    /// A way of packing that this version does not know.
    #[error("the frame is packed by method {found}, which is unknown")]
    Method {
        /// What is there.
        found: u32,
    },
    /// A frame that says it holds more than a frame may.
    #[error("the frame claims {what} of {claimed} bytes; at most {limit} are possible")]
    Claim {
        /// Of what the length is.
        what: &'static str,
        /// What is there.
        claimed: u64,
        /// What may be.
        limit: u64,
    },
    /// Lengths that cannot be together.
    #[error("the frame claims {plain} bytes in a body of {body}")]
    Empty {
        /// Claimed length of the packets.
        plain: u64,
        /// Claimed length of the body.
        body: u64,
    },
    /// The body is shorter than its head says.
    #[error("the frame has a body of {need} bytes, but only {have} are there")]
    Truncated {
        /// Bytes that should be there.
        need: u64,
        /// Bytes that are there.
        have: u64,
    },
    /// The body does not lead back to the packets.
    #[error("the frame is damaged: {0}")]
    Body(&'static str),
    /// From zstd.
    #[error("the frame is damaged: {0}")]
    Zstd(#[source] std::io::Error),
    /// The bytes to be packed are not whole packets.
    #[error("the bytes are no whole packets: {0}")]
    Packet(#[from] ctf::error::ReadError),
    /// zstd cannot be set up.
    #[error("zstd: {0}")]
    Setup(#[source] std::io::Error),
}
