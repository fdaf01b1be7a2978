//! What a packet says about itself before its records begin: `packet.header` and `packet.context`.
//!
//! Members are recognised by their names (CTF 1.8, sections 5.1 and 5.2); everything else about
//! them comes from the metadata.

use crate::check::TypeError;
use crate::cursor::Cursor;
use crate::error::{Fault, ReadError};
use crate::event::Value;
use crate::read::plan::StructPlan;
use crate::types::{StructType, TraceType};

/// `magic` of every packet of a data stream (CTF 1.8, section 5.1).
pub const MAGIC: u64 = 0xC1FC_1FC1;

/// Longest header that [`Decoder::header_len`](crate::read::Decoder::header_len) tells: arrays in
/// hostile metadata may be of any length.
const MAX_HEADER_LEN: u64 = 1 << 16;

/// What is known of a packet before its first record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PacketHeader {
    /// Which stream type the records have.
    pub stream_id: u64,
    /// The trace that the packet belongs to.
    pub uuid: Option<[u8; 16]>,
    /// Clock value not after the first record; 0 when the packet does not tell.
    pub begin: u64,
    /// Clock value not before the last record; 0 when the packet does not tell.
    pub end: u64,
    /// Bits of header and records, from the beginning of the packet.
    pub content_bits: u64,
    /// Bits up to the next packet. What is behind the content is padding.
    pub packet_bits: u64,
    /// `packet_seq_num`: a number missing is a packet missing.
    pub seq: Option<u64>,
    /// `events_discarded`: records of this stream lost so far, since the beginning of the trace.
    pub discarded: Option<u64>,
    /// `cpu_id`.
    pub cpu: Option<u32>,
    /// All other members, in order.
    pub extra: Vec<(String, Value)>,
    /// Bits of packet header and packet context; the first record follows after its alignment.
    pub header_bits: u64,
    /// The same in bytes, rounded up.
    pub header_len: usize,
}

impl PacketHeader {
    /// An extra member by its name.
    pub fn extra(&self, name: &str) -> Option<&Value> {
        self.extra.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }
}

/// A structure and what its members are called.
#[derive(Debug)]
struct Named {
    plan: StructPlan,
    names: Vec<String>,
}

/// How to read the header of any packet of a trace.
#[derive(Debug)]
pub(crate) struct PacketPlan {
    uuid: Option<[u8; 16]>,
    header: Named,
    /// Stream id and packet context.
    contexts: Vec<(u64, Named)>,
    /// `packet.header` tells the stream.
    has_stream_id: bool,
    /// Longest header of which every byte is always there.
    fixed_len: usize,
}

impl Named {
    fn new(structure: &StructType) -> Self {
        Named {
            plan: StructPlan::new(structure),
            names: structure.fields.iter().map(|f| f.name.clone()).collect(),
        }
    }
}

impl PacketPlan {
    pub(crate) fn new(trace: &TraceType) -> Result<Self, TypeError> {
        trace.check()?;
        let longest = trace.streams.iter().map(|s| s.packet_context.min_bits()).max().unwrap_or(0);
        let fixed_bits = trace.packet_header.min_bits().saturating_add(longest);
        Ok(PacketPlan {
            uuid: trace.uuid,
            header: Named::new(&trace.packet_header),
            contexts: trace.streams.iter().map(|s| (s.id, Named::new(&s.packet_context))).collect(),
            has_stream_id: trace.packet_header.position("stream_id").is_some(),
            fixed_len: fixed_bits.div_ceil(8).min(MAX_HEADER_LEN) as usize,
        })
    }

    pub(crate) fn fixed_len(&self) -> usize {
        self.fixed_len
    }

    /// Reads the header; sizes are taken as they are. The second value tells whether the packet
    /// has a size at all.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<(PacketHeader, bool), ReadError> {
        let mut cursor = Cursor::new(bytes, 0, u64::MAX);
        let mut header = PacketHeader::default();
        let mut sizes = Sizes::default();

        let mut values = Vec::new();
        self.header.plan.read(&mut cursor, &mut values)?;
        let at_start = |fault| ReadError { offset: 0, fault };
        for (name, value) in self.header.names.iter().zip(values) {
            match (name.as_str(), value) {
                ("magic", value) => match value.bits() {
                    Some(MAGIC) => {}
                    found => return Err(at_start(Fault::Magic { found: found.unwrap_or(0) })),
                },
                ("uuid", Value::Bytes(uuid)) if uuid.len() == 16 => header.uuid = uuid.try_into().ok(),
                ("stream_id", Value::Unsigned(id)) => header.stream_id = id,
                (_, value) => header.extra.push((name.clone(), value)),
            }
        }
        if header.uuid.is_some() && self.uuid.is_some() && header.uuid != self.uuid {
            return Err(at_start(Fault::Uuid));
        }

        let mut contexts = self.contexts.iter();
        let context = if self.has_stream_id {
            contexts.find(|(id, _)| *id == header.stream_id)
        } else {
            contexts.next()
        };
        let Some((id, context)) = context else {
            return Err(at_start(Fault::UnknownStream { id: header.stream_id }));
        };
        header.stream_id = *id;

        let mut values = Vec::new();
        context.plan.read(&mut cursor, &mut values)?;
        for (name, value) in context.names.iter().zip(values) {
            match (name.as_str(), value) {
                ("timestamp_begin", Value::Unsigned(time)) => header.begin = time,
                ("timestamp_end", Value::Unsigned(time)) => header.end = time,
                ("content_size", Value::Unsigned(bits)) => sizes.content = Some(bits),
                ("packet_size", Value::Unsigned(bits)) => sizes.packet = Some(bits),
                ("packet_seq_num", Value::Unsigned(seq)) => header.seq = Some(seq),
                ("events_discarded", Value::Unsigned(count)) => header.discarded = Some(count),
                // Written by babeltrace2 with the underscore that other names need.
                ("cpu_id" | "_cpu_id", Value::Unsigned(cpu)) if u32::try_from(cpu).is_ok() => {
                    header.cpu = Some(cpu as u32);
                }
                (_, value) => header.extra.push((name.clone(), value)),
            }
        }
        header.header_bits = cursor.bit();
        header.header_len = cursor.bit().div_ceil(8) as usize;
        let all = (bytes.len() as u64).saturating_mul(8);
        header.content_bits = sizes.content.or(sizes.packet).unwrap_or(all);
        header.packet_bits = sizes.packet.or(sizes.content).unwrap_or(all);
        Ok((header, sizes.content.is_some() || sizes.packet.is_some()))
    }

    /// Reads the header and checks its sizes against each other.
    pub(crate) fn read_checked(&self, bytes: &[u8]) -> Result<(PacketHeader, bool), ReadError> {
        let (header, has_size) = self.read(bytes)?;
        let PacketHeader { packet_bits, content_bits, header_bits, .. } = header;
        if header_bits > content_bits
            || content_bits > packet_bits
            || packet_bits % 8 != 0
            || packet_bits == 0
        {
            let fault = Fault::PacketSize { packet_bits, content_bits, header_bits };
            return Err(ReadError { offset: 0, fault });
        }
        Ok((header, has_size))
    }
}

/// The two sizes as the packet context tells them, in bits.
#[derive(Default)]
struct Sizes {
    content: Option<u64>,
    packet: Option<u64>,
}
