//! Bytes of a stream to events.
//!
//! ```text
//! TraceType --Decoder::new--> Decoder --packet--> PacketHeader, Events --next--> Event
//! stream file --Packets--> slices, one a packet
//! ```
//!
//! A [`Decoder`] is compiled once from the metadata and shared. A damaged packet ends that packet
//! only: the next one begins where the header said.

use std::sync::Arc;

use crate::check::TypeError;
use crate::cursor::Cursor;
use crate::error::{Fault, ReadError};
use crate::event::{Event, Value};
use crate::packet::{PacketHeader, PacketPlan};
use crate::types::{EventType, TraceType};
use plan::{Step, StructPlan};

pub(crate) mod plan;

/// Reads the packets of one trace.
#[derive(Debug)]
pub struct Decoder {
    trace: Arc<TraceType>,
    packet: PacketPlan,
    /// In the order of the stream types.
    streams: Vec<StreamPlan>,
}

#[derive(Debug)]
struct StreamPlan {
    id: u64,
    header: StructPlan,
    /// Which value of the header is the event id. Without it the only event type is meant.
    id_at: Option<usize>,
    context: StructPlan,
    context_names: Arc<[String]>,
    /// Sorted by event id.
    events: Vec<EventPlan>,
}

#[derive(Debug)]
struct EventPlan {
    event_type: Arc<EventType>,
    fields: StructPlan,
}

/// Where the reader stands in the records of a packet. Separate from [`Events`] so that an owner of
/// both bytes and position (the merge) needs no self-reference.
#[derive(Debug, Default)]
pub(crate) struct Position {
    /// Index into `Decoder::streams`.
    stream: usize,
    bit: u64,
    /// End of the content.
    end: u64,
    /// Latest time seen, extended to 64 bits.
    pub(crate) time: u64,
    cpu: u32,
    /// The last item has been given.
    ended: bool,
    /// Set when the bytes end before the packet does: its length in bytes.
    cut: Option<u64>,
    /// Values of the event header; kept to reuse its memory.
    header: Vec<Value>,
}

/// Iterator over the records of a packet. Ends after the first error.
#[derive(Debug)]
pub struct Events<'a> {
    decoder: &'a Decoder,
    bytes: &'a [u8],
    position: Position,
}

impl Decoder {
    /// Compiles the types of a trace.
    ///
    /// # Errors
    /// What [`TraceType::check`] finds.
    pub fn new(trace: Arc<TraceType>) -> Result<Self, TypeError> {
        let packet = PacketPlan::new(&trace)?;
        let streams = trace
            .streams
            .iter()
            .map(|stream| {
                let mut events: Vec<EventPlan> = trace
                    .events
                    .iter()
                    .filter(|event| event.stream_id == stream.id)
                    .map(|event| EventPlan {
                        event_type: Arc::new(event.clone()),
                        fields: StructPlan::new(&event.fields),
                    })
                    .collect();
                events.sort_by_key(|event| event.event_type.id);
                StreamPlan {
                    id: stream.id,
                    header: StructPlan::new(&stream.event_header),
                    id_at: stream.event_header.position("id"),
                    context: StructPlan::new(&stream.event_context),
                    context_names: stream.event_context.fields.iter().map(|f| f.name.clone()).collect(),
                    events,
                }
            })
            .collect();
        Ok(Decoder { trace, packet, streams })
    }

    /// The types that this decoder was made from.
    pub fn trace(&self) -> &Arc<TraceType> {
        &self.trace
    }

    /// Bytes to read from a file before asking for [`Decoder::size`]: the length of the longest
    /// packet header that has neither strings nor sequences. 88 for our own traces.
    pub fn header_len(&self) -> usize {
        self.packet.fixed_len()
    }

    /// Reads the header of a packet, believing its sizes: those of a packet that is still being
    /// written are not there yet.
    ///
    /// # Errors
    /// A header that is cut, has a wrong magic number or belongs to another trace.
    pub fn header(&self, bytes: &[u8]) -> Result<PacketHeader, ReadError> {
        Ok(self.packet.read(bytes)?.0)
    }

    /// Length in bytes of the packet that begins with `first_bytes`, which must hold its header.
    /// So a file is read one packet at a time. The length is a claim of the file: compare it
    /// with the file's length before memory is reserved.
    ///
    /// # Errors
    /// A bad header, sizes that contradict each other, or [`Fault::Unsized`]: then the whole
    /// file is one packet.
    pub fn size(&self, first_bytes: &[u8]) -> Result<usize, ReadError> {
        let (header, has_size) = self.packet.read_checked(first_bytes)?;
        if !has_size {
            return Err(ReadError { offset: 0, fault: Fault::Unsized });
        }
        usize::try_from(header.packet_bits / 8).map_err(|_| ReadError {
            offset: 0,
            fault: Fault::Truncated { need: header.packet_bits / 8, have: first_bytes.len() as u64 },
        })
    }

    /// Reads a packet. Bytes behind its end are not looked at. When `bytes` end earlier than the
    /// packet, what is there is read and the last item is [`Fault::Truncated`].
    ///
    /// # Errors
    /// A bad header or sizes that contradict each other. Offsets count from the packet.
    pub fn packet<'a>(&'a self, bytes: &'a [u8]) -> Result<(PacketHeader, Events<'a>), ReadError> {
        let (header, position) = self.begin(bytes)?;
        Ok((header, Events { decoder: self, bytes, position }))
    }

    /// Reads records of a packet that is still being written: whole records, without the packet's
    /// header. Call it again for each further piece; times are extended from `header.begin` anew,
    /// which is right as long as all records of a packet share the high part of that time.
    /// `header` needs only `stream_id`, `begin` and `cpu`. A piece must begin at a multiple of the
    /// largest alignment in the trace (always so when everything is byte aligned).
    ///
    /// # Errors
    /// [`Fault::UnknownStream`]. Offsets count from the piece.
    pub fn events_in<'a>(
        &'a self,
        header: &PacketHeader,
        records: &'a [u8],
    ) -> Result<Events<'a>, ReadError> {
        let position = Position {
            stream: self.stream(header.stream_id)?,
            end: (records.len() as u64).saturating_mul(8),
            time: header.begin,
            cpu: header.cpu.unwrap_or(0),
            ..Position::default()
        };
        Ok(Events { decoder: self, bytes: records, position })
    }

    fn stream(&self, id: u64) -> Result<usize, ReadError> {
        let fault = Fault::UnknownStream { id };
        self.streams.iter().position(|s| s.id == id).ok_or(ReadError { offset: 0, fault })
    }

    pub(crate) fn begin(&self, bytes: &[u8]) -> Result<(PacketHeader, Position), ReadError> {
        let (header, _) = self.packet.read_checked(bytes)?;
        let have = (bytes.len() as u64).saturating_mul(8);
        let position = Position {
            stream: self.stream(header.stream_id)?,
            bit: header.header_bits,
            end: header.content_bits.min(have),
            time: header.begin,
            cpu: header.cpu.unwrap_or(0),
            cut: (have < header.packet_bits).then_some(header.packet_bits / 8),
            ..Position::default()
        };
        Ok((header, position))
    }

    pub(crate) fn next(&self, bytes: &[u8], position: &mut Position) -> Option<Result<Event, ReadError>> {
        if position.ended {
            return None;
        }
        if position.bit < position.end {
            let mut cursor = Cursor::new(bytes, position.bit, position.end);
            match self.event(&mut cursor, position) {
                Ok(event) => {
                    position.bit = cursor.bit();
                    return Some(Ok(event));
                }
                // The record is cut because the packet is: that is the thing to tell.
                Err(_) if position.cut.is_some() => {}
                Err(error) => {
                    position.ended = true;
                    return Some(Err(error));
                }
            }
        }
        position.ended = true;
        let need = position.cut?;
        let have = bytes.len() as u64;
        Some(Err(ReadError { offset: have, fault: Fault::Truncated { need, have } }))
    }

    #[inline]
    fn event(&self, cursor: &mut Cursor<'_>, position: &mut Position) -> Result<Event, ReadError> {
        let begin = cursor.bit();
        let unknown =
            |id, stream_id| ReadError { offset: begin / 8, fault: Fault::UnknownEvent { id, stream_id } };
        let stream = self.streams.get(position.stream).ok_or(unknown(0, 0))?;
        position.header.clear();
        stream.header.read(cursor, &mut position.header)?;
        for (step, value) in stream.header.steps.iter().zip(&position.header) {
            if let (Step::Int(int), Value::Unsigned(low)) = (step, value)
                && int.clock
            {
                position.time = extend(position.time, *low, int.bits);
            }
        }
        let id = stream.id_at.and_then(|at| position.header.get(at)).and_then(Value::bits);
        let plan = match id {
            Some(id) => {
                let at = stream.events.binary_search_by_key(&id, |e| e.event_type.id);
                at.ok().and_then(|at| stream.events.get(at)).ok_or(unknown(id, stream.id))?
            }
            None => stream.events.first().ok_or(unknown(0, stream.id))?,
        };
        let mut context = Vec::new();
        stream.context.read(cursor, &mut context)?;
        let mut fields = Vec::new();
        plan.fields.read(cursor, &mut fields)?;
        if cursor.bit() == begin {
            return Err(cursor.error(Fault::EmptyRecord));
        }
        Ok(Event {
            time: position.time,
            cpu: position.cpu,
            event_type: Arc::clone(&plan.event_type),
            context_names: Arc::clone(&stream.context_names),
            context,
            fields,
        })
    }
}

/// The smallest value that is not before `last` and whose low `bits` bits are `low` (CTF 1.8,
/// section 8: a clock value narrower than 64 bits wraps at most once between two records).
#[inline]
fn extend(last: u64, low: u64, bits: u32) -> u64 {
    if bits >= 64 {
        return low;
    }
    let wrap = 1u64 << bits;
    let time = (last & !(wrap - 1)) | low;
    if time < last { time.wrapping_add(wrap) } else { time }
}

impl Events<'_> {
    /// Bytes read so far (from the beginning of the packet or piece), rounded up. After the last
    /// event this is where the next piece begins.
    pub fn offset(&self) -> usize {
        self.position.bit.div_ceil(8) as usize
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Event, ReadError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.decoder.next(self.bytes, &mut self.position)
    }
}

impl std::iter::FusedIterator for Events<'_> {}

/// The bytes of one packet and where they are in their stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketBytes<'a> {
    /// Byte offset in the stream.
    pub offset: u64,
    /// The packet with its padding.
    pub bytes: &'a [u8],
}

/// Cuts the bytes of a stream into packets. Ends after the first error, because where the next
/// packet begins is then unknown.
#[derive(Debug)]
pub struct Packets<'a> {
    decoder: &'a Decoder,
    rest: &'a [u8],
    offset: u64,
    failed: bool,
}

impl<'a> Packets<'a> {
    /// All packets of `stream`, the whole content of a stream file.
    pub fn new(decoder: &'a Decoder, stream: &'a [u8]) -> Self {
        Packets { decoder, rest: stream, offset: 0, failed: false }
    }

    /// What has not been handed out. After [`Fault::Truncated`] this is the beginning of the cut
    /// packet, and [`Decoder::packet`] reads the records that are in it.
    pub fn rest(&self) -> PacketBytes<'a> {
        PacketBytes { offset: self.offset, bytes: self.rest }
    }

    fn cut(&self) -> Result<usize, ReadError> {
        match self.decoder.size(self.rest) {
            Ok(size) if size > self.rest.len() => {
                let have = self.rest.len() as u64;
                Err(ReadError { offset: 0, fault: Fault::Truncated { need: size as u64, have } })
            }
            Err(ReadError { fault: Fault::Unsized, .. }) => Ok(self.rest.len()),
            size => size,
        }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<PacketBytes<'a>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.is_empty() {
            return None;
        }
        match self.cut() {
            Ok(size) => {
                let (bytes, rest) = self.rest.split_at_checked(size)?;
                let packet = PacketBytes { offset: self.offset, bytes };
                self.rest = rest;
                self.offset += size as u64;
                Some(Ok(packet))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error.shifted(self.offset)))
            }
        }
    }
}

impl std::iter::FusedIterator for Packets<'_> {}
