//! Frames: a head that says what is in it, a body of zstd.

use std::fmt;
use std::sync::Arc;

use ctf::read::Decoder;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use crate::columns::{Joiner, Splitter};
use crate::error::Error;
use crate::plan::Plan;

/// Bytes of packets that are packed together, unless one packet has more: with less of them the columns are too short to be
/// alike, with more a reader unpacks much for one record.
pub const FRAME: usize = 2 << 20;
/// Most bytes of packets in a frame.
pub const LONGEST: usize = 16 << 20;
/// Bytes of a head.
pub const HEAD_LEN: usize = 48;

/// `SYSP`.
const MAGIC: u32 = u32::from_le_bytes(*b"SYSP");
/// Most bytes of columns and of a body: somewhat more than the packets, when they cannot be made smaller.
const MOST: u64 = 2 * LONGEST as u64;
/// Twice the time of level 3 makes a twelfth less; the levels above take more than they give.
const LEVEL: i32 = 6;

/// What zstd has packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// The packets as they are: records that are not as the types say.
    Packets = 0,
    /// Columns.
    Columns = 1,
}

/// What a frame says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    method: Method,
    /// Place of the first packet in the stream, in bytes.
    pub offset: u64,
    /// Clock value at the beginning of the first packet.
    pub begin: u64,
    /// Latest clock value at the end of a packet.
    pub end: u64,
    /// Bytes of the packets, at most [`LONGEST`].
    pub plain: usize,
    /// Bytes that zstd gives.
    inner: usize,
    /// Bytes behind the head.
    pub body: usize,
}

impl Head {
    /// Reads a head.
    ///
    /// # Errors
    /// What does not begin as a frame, is damaged, or claims more than a frame may have.
    pub fn parse(bytes: &[u8; HEAD_LEN]) -> Result<Head, Error> {
        let four = |at: usize| {
            let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        let eight = |at: usize| u64::from(four(at)) | u64::from(four(at + 4)) << 32;
        if four(0) != MAGIC {
            return Err(Error::Magic { found: four(0), expected: MAGIC });
        }
        if four(44) != check(bytes) {
            return Err(Error::Body("its head has another check sum"));
        }
        let method = match four(4) {
            0 => Method::Packets,
            1 => Method::Columns,
            found => return Err(Error::Method { found }),
        };
        let length = |at: usize, what, limit: u64| {
            let claimed = u64::from(four(at));
            if claimed > limit { Err(Error::Claim { what, claimed, limit }) } else { Ok(claimed as usize) }
        };
        let (plain, body) = (length(32, "packets", LONGEST as u64)?, length(40, "a body", MOST)?);
        if plain == 0 || body == 0 {
            return Err(Error::Empty { plain: plain as u64, body: body as u64 });
        }
        let inner = length(36, "columns", MOST)?;
        Ok(Head { method, offset: eight(8), begin: eight(16), end: eight(24), plain, inner, body })
    }

    /// The bytes of the head. Lengths are not longer than [`MOST`].
    fn bytes(&self) -> [u8; HEAD_LEN] {
        let mut bytes = [0; HEAD_LEN];
        let mut put = |at: usize, value: &[u8]| {
            if let Some(place) = bytes.get_mut(at..at + value.len()) {
                place.copy_from_slice(value);
            }
        };
        put(0, &MAGIC.to_le_bytes());
        put(4, &(self.method as u32).to_le_bytes());
        put(8, &self.offset.to_le_bytes());
        put(16, &self.begin.to_le_bytes());
        put(24, &self.end.to_le_bytes());
        put(32, &(self.plain as u32).to_le_bytes());
        put(36, &(self.inner as u32).to_le_bytes());
        put(40, &(self.body as u32).to_le_bytes());
        let sum = check(&bytes);
        if let Some(place) = bytes.get_mut(44..) {
            place.copy_from_slice(&sum.to_le_bytes());
        }
        bytes
    }
}

/// FNV-1a of the head without its last four bytes.
fn check(head: &[u8; HEAD_LEN]) -> u32 {
    head.iter().take(44).fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Packs the packets of one trace.
pub struct Packer {
    decoder: Arc<Decoder>,
    /// `None` when the records of the trace cannot be taken apart.
    split: Option<(Plan, Splitter)>,
    zstd: Compressor<'static>,
    columns: Vec<u8>,
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer").field("split", &self.split).finish_non_exhaustive()
    }
}

impl Packer {
    /// For the packets that `decoder` reads.
    ///
    /// # Errors
    /// [`Error::Setup`].
    pub fn new(decoder: Arc<Decoder>) -> Result<Packer, Error> {
        let split = Plan::new(decoder.trace()).map(|plan| {
            let splitter = Splitter::new(&plan);
            (plan, splitter)
        });
        let mut zstd = Compressor::new(LEVEL).map_err(Error::Setup)?;
        zstd.set_parameter(CParameter::ChecksumFlag(true)).map_err(Error::Setup)?;
        Ok(Packer { decoder, split, zstd, columns: Vec::new() })
    }

    /// Bytes of whole packets at the beginning of `bytes`, and those that must be there for the next one.
    ///
    /// # Errors
    /// When not even the first packet tells its length, or has more than [`LONGEST`] bytes.
    pub fn whole(&self, bytes: &[u8]) -> Result<Whole, Error> {
        let mut len = 0;
        loop {
            let rest = bytes.get(len..).unwrap_or_default();
            if rest.len() < self.decoder.header_len() || rest.is_empty() {
                return Ok(Whole { len, next: self.decoder.header_len() });
            }
            let size = match self.decoder.size(rest) {
                Ok(size) if size <= LONGEST => size,
                _ if len > 0 => return Ok(Whole { len, next: usize::MAX }),
                Ok(size) => {
                    let (claimed, limit) = (size as u64, LONGEST as u64);
                    return Err(Error::Claim { what: "a packet", claimed, limit });
                }
                Err(error) => return Err(error.into()),
            };
            if size > rest.len() {
                return Ok(Whole { len, next: size });
            }
            len += size;
        }
    }

    /// A frame of `packets`, which are whole and stand at `offset` in their stream. Not more than [`LONGEST`] bytes.
    ///
    /// # Errors
    /// [`Error::Packet`], and what zstd says.
    pub fn frame(&mut self, offset: u64, packets: &[u8]) -> Result<Vec<u8>, Error> {
        let (begin, end) = self.times(packets)?;
        let split = self
            .split
            .as_mut()
            .and_then(|(plan, splitter)| splitter.split(plan, &self.decoder, packets, &mut self.columns));
        let fits = split.is_some() && self.columns.len() as u64 <= MOST;
        let (method, inner) =
            if fits { (Method::Columns, self.columns.as_slice()) } else { (Method::Packets, packets) };
        let body = self.zstd.compress(inner).map_err(Error::Zstd)?;
        let (plain, inner) = (packets.len(), inner.len());
        if plain > LONGEST || body.len() as u64 > MOST {
            let (claimed, limit) = (plain as u64, LONGEST as u64);
            return Err(Error::Claim { what: "packets", claimed, limit });
        }
        let head = Head { method, offset, begin, end, plain, inner, body: body.len() };
        let mut frame = head.bytes().to_vec();
        frame.extend_from_slice(&body);
        Ok(frame)
    }

    /// When the first packet begins, when the last ends.
    fn times(&self, packets: &[u8]) -> Result<(u64, u64), Error> {
        let mut times: Option<(u64, u64)> = None;
        let mut rest = packets;
        while !rest.is_empty() {
            let header = self.decoder.header(rest)?;
            let (begin, end) = times.unwrap_or((header.begin, 0));
            times = Some((begin, end.max(header.end)));
            rest = rest.get(self.decoder.size(rest)?.max(1)..).unwrap_or_default();
        }
        Ok(times.unwrap_or_default())
    }
}

/// How far bytes are whole packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Bytes of whole packets.
    pub len: usize,
    /// Bytes behind them that must be there for one more; `usize::MAX` when there cannot be one.
    pub next: usize,
}

/// Unpacks the frames of one trace.
pub struct Unpacker {
    decoder: Arc<Decoder>,
    plan: Option<Plan>,
    joiner: Joiner,
    zstd: Decompressor<'static>,
    inner: Vec<u8>,
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unpacker").finish_non_exhaustive()
    }
}

impl Unpacker {
    /// For the frames of the trace that `decoder` reads.
    ///
    /// # Errors
    /// [`Error::Setup`].
    pub fn new(decoder: Arc<Decoder>) -> Result<Unpacker, Error> {
        let plan = Plan::new(decoder.trace());
        let zstd = Decompressor::new().map_err(Error::Setup)?;
        Ok(Unpacker { decoder, plan, joiner: Joiner::default(), zstd, inner: Vec::new() })
    }

    /// The packets of a frame, which replace what is in `packets`.
    ///
    /// # Errors
    /// A body that is damaged or is not what its head says.
    pub fn packets(&mut self, head: &Head, body: &[u8], packets: &mut Vec<u8>) -> Result<(), Error> {
        packets.clear();
        if body.len() != head.body {
            return Err(Error::Truncated { need: head.body as u64, have: body.len() as u64 });
        }
        match head.method {
            Method::Packets => expand(&mut self.zstd, body, head.plain, packets),
            Method::Columns => {
                expand(&mut self.zstd, body, head.inner, &mut self.inner)?;
                let plan =
                    self.plan.as_ref().ok_or(Error::Body("its columns are not those of this trace"))?;
                packets.reserve_exact(head.plain);
                self.joiner.join(plan, &self.decoder, &self.inner, head.plain, packets)
            }
        }
    }
}

/// What zstd makes of `body`: `len` bytes, and no memory for more.
fn expand(zstd: &mut Decompressor<'static>, body: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    out.clear();
    out.reserve_exact(len);
    zstd.decompress_to_buffer(body, out).map_err(Error::Zstd)?;
    if out.len() == len { Ok(()) } else { Err(Error::Body("it has other bytes than it claims")) }
}
