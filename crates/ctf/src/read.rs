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
use crate::types::{EventType, StructType, TraceType};
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
    /// Which values of the header are clock values, and their bits.
    clocks: Vec<(usize, u32)>,
    /// Which value of the header is the event id. Without it the only event type is meant.
    id_at: Option<usize>,
    context: StructPlan,
    context_names: Arc<[String]>,
    /// Sorted by event id.
    events: Vec<EventPlan>,
    /// Index into `events` by event id, for small ids.
    by_id: Vec<Option<u32>>,
}

/// Ids up to this one are looked up in a list.
const SMALL_ID: u64 = 0xffff;

impl StreamPlan {
    #[inline]
    fn event(&self, id: u64) -> Option<&EventPlan> {
        let at = if id <= SMALL_ID {
            (*self.by_id.get(id as usize)?)? as usize
        } else {
            self.events.binary_search_by_key(&id, |event| event.event_type.id).ok()?
        };
        self.events.get(at)
    }
}

/// For each small id the place of its event.
fn by_id(events: &[EventPlan]) -> Vec<Option<u32>> {
    let mut by_id = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let id = event.event_type.id;
        if id > SMALL_ID {
            break;
        }
        by_id.resize(id as usize + 1, None);
        if let Some(slot) = by_id.last_mut() {
            *slot = u32::try_from(at).ok();
        }
    }
    by_id
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

/// Events that nobody needs any more, whose memory serves for others.
#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Event>);

/// Events that are kept.
const MOST_SPARE: usize = 64;

impl Spare {
    pub(crate) fn put(&mut self, event: Event) {
        if self.0.len() < MOST_SPARE {
            self.0.push(event);
        }
    }

    /// An event without values. Counting references costs more than reading a short record, so what is right already stays.
    fn take(&mut self, event_type: &Arc<EventType>, context_names: &Arc<[String]>) -> Event {
        let Some(mut event) = self.0.pop() else {
            return Event {
                time: 0,
                cpu: 0,
                event_type: Arc::clone(event_type),
                context_names: Arc::clone(context_names),
                context: Vec::new(),
                fields: Vec::new(),
            };
        };
        if !Arc::ptr_eq(&event.event_type, event_type) {
            event.event_type = Arc::clone(event_type);
        }
        if !Arc::ptr_eq(&event.context_names, context_names) {
            event.context_names = Arc::clone(context_names);
        }
        event.context.clear();
        event.fields.clear();
        event
    }
}

/// Iterator over the records of a packet. Ends after the first error.
#[derive(Debug)]
pub struct Events<'a> {
    decoder: &'a Decoder,
    bytes: &'a [u8],
    position: Position,
    spare: Spare,
}

impl Decoder {
    /// Compiles the types of a trace.
    ///
    /// # Errors
    /// What [`TraceType::check`] finds.
    pub fn new(trace: Arc<TraceType>) -> Result<Self, TypeError> {
        Decoder::with(trace, StructPlan::new)
    }

    /// A decoder that reads over the content of strings, arrays and structures in the fields of events: 0 stands in their place.
    /// For counting, where nobody looks at it.
    ///
    /// # Errors
    /// What [`TraceType::check`] finds.
    pub fn brief(trace: Arc<TraceType>) -> Result<Self, TypeError> {
        Decoder::with(trace, StructPlan::brief)
    }

    fn with(trace: Arc<TraceType>, plan: impl Fn(&StructType) -> StructPlan) -> Result<Self, TypeError> {
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
                        fields: plan(&event.fields),
                    })
                    .collect();
                events.sort_by_key(|event| event.event_type.id);
                let header = StructPlan::new(&stream.event_header);
                let clocks = header.steps.iter().enumerate().filter_map(|(at, step)| match step {
                    Step::Int(int) if int.clock => Some((at, int.bits)),
                    _ => None,
                });
                StreamPlan {
                    id: stream.id,
                    clocks: clocks.collect(),
                    header,
                    id_at: stream.event_header.position("id"),
                    context: StructPlan::new(&stream.event_context),
                    context_names: stream.event_context.fields.iter().map(|f| f.name.clone()).collect(),
                    by_id: by_id(&events),
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
    /// packet header that has neither strings nor sequences nor padding. 88 for our own traces; at
    /// most 64 KiB.
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
        Ok((header, Events { decoder: self, bytes, position, spare: Spare::default() }))
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
        Ok(Events { decoder: self, bytes: records, position, spare: Spare::default() })
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

    pub(crate) fn next(
        &self,
        bytes: &[u8],
        position: &mut Position,
        spare: &mut Spare,
    ) -> Option<Result<Event, ReadError>> {
        if position.ended {
            return None;
        }
        if position.bit < position.end {
            let mut cursor = Cursor::new(bytes, position.bit, position.end);
            match self.event(&mut cursor, position, spare) {
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
    fn event(
        &self,
        cursor: &mut Cursor<'_>,
        position: &mut Position,
        spare: &mut Spare,
    ) -> Result<Event, ReadError> {
        let begin = cursor.bit();
        let unknown =
            |id, stream_id| ReadError { offset: begin / 8, fault: Fault::UnknownEvent { id, stream_id } };
        let stream = self.streams.get(position.stream).ok_or(unknown(0, 0))?;
        position.header.clear();
        stream.header.read(cursor, &mut position.header)?;
        for (at, bits) in &stream.clocks {
            if let Some(Value::Unsigned(low)) = position.header.get(*at) {
                position.time = extend(position.time, *low, *bits);
            }
        }
        let id = stream.id_at.and_then(|at| position.header.get(at)).and_then(Value::bits);
        let plan = match id {
            Some(id) => stream.event(id).ok_or(unknown(id, stream.id))?,
            None => stream.events.first().ok_or(unknown(0, stream.id))?,
        };
        let mut event = spare.take(&plan.event_type, &stream.context_names);
        (event.time, event.cpu) = (position.time, position.cpu);
        stream.context.read(cursor, &mut event.context)?;
        plan.fields.read(cursor, &mut event.fields)?;
        if cursor.bit() == begin {
            return Err(cursor.error(Fault::EmptyRecord));
        }
        Ok(event)
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
    /// event this is where the next piece begins, after an error where the record begins that can
    /// not be read.
    pub fn offset(&self) -> usize {
        self.position.bit.div_ceil(8) as usize
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Event, ReadError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.decoder.next(self.bytes, &mut self.position, &mut self.spare)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata;

    /// Packets of 12 bytes of header; records are `id: u8, timestamp: u8, payload`.
    const TEXT: &str = "/* CTF 1.8 */
        typealias integer { size = 8; } := u8;
        typealias integer { size = 16; } := u16;
        trace {
            major = 1; minor = 8; byte_order = le;
            packet.header := struct { integer { size = 32; } magic; u8 stream_id; };
        };
        clock { name = c; };
        stream {
            id = 7;
            packet.context := struct {
                u16 packet_size; u16 content_size; u16 timestamp_begin; u8 cpu_id;
            };
            event.header := struct { u8 id; integer { size = 8; map = clock.c.value; } timestamp; };
        };
        event { stream_id = 7; id = 1; name = one; fields := struct { u16 _n; }; };
        event { stream_id = 7; id = 2; name = text; fields := struct { string _s; }; };
        event { stream_id = 7; id = 3; name = list; fields := struct { u8 _n; u16 _l[_n]; u8 _b[_n]; }; };
        event { stream_id = 7; id = 4; name = none; };";

    fn decoder(text: &str) -> Decoder {
        Decoder::new(Arc::new(metadata::parse(text).unwrap())).unwrap()
    }

    /// A packet that begins at clock value 0x12f0, on CPU 5.
    fn packet(records: &[u8]) -> Vec<u8> {
        let bits = ((12 + records.len()) * 8) as u16;
        let [low, high] = bits.to_le_bytes();
        let mut packet = vec![
            0xc1, 0x1f, 0xfc, 0xc1, // magic
            7,    // stream_id
            low, high, // packet_size
            low, high, // content_size
            0xf0, 0x12, // timestamp_begin
            5,    // cpu_id
        ];
        packet.extend_from_slice(records);
        packet
    }

    /// What happens when a packet with these records is read: event names and the error.
    fn outcome(decoder: &Decoder, packet: &[u8]) -> (Vec<String>, Option<ReadError>) {
        let mut events = match decoder.packet(packet) {
            Ok((_, events)) => events,
            Err(error) => return (vec![], Some(error)),
        };
        let mut names = Vec::new();
        let error = events.by_ref().find_map(|event| event.map(|e| names.push(e.name().to_owned())).err());
        assert!(events.next().is_none(), "an iterator that has ended stays so");
        (names, error)
    }

    #[test]
    fn records_become_events() {
        let decoder = decoder(TEXT);
        let bytes = packet(&[
            1, 0xf1, 0x34, 0x12, // one: n = 0x1234
            2, 0xf1, b'h', b'i', 0, // text: "hi"
            3, 0xff, 2, 1, 0, 2, 0, 9, 8, // list: n = 2, l = [1, 2], b = [9, 8]
            4, 0x00, // none; the clock's low byte has wrapped
        ]);
        let (header, events) = decoder.packet(&bytes).unwrap();
        assert_eq!((header.stream_id, header.begin, header.cpu), (7, 0x12f0, Some(5)));
        assert_eq!((header.header_len, header.content_bits), (12, 256));
        let events: Vec<Event> = events.map(Result::unwrap).collect();
        let found: Vec<_> = events.iter().map(|e| (e.name(), e.time, e.cpu, e.fields.clone())).collect();
        let list = Value::List(vec![Value::Unsigned(1), Value::Unsigned(2)]);
        assert_eq!(
            found,
            [
                ("one", 0x12f1, 5, vec![Value::Unsigned(0x1234)]),
                ("text", 0x12f1, 5, vec![Value::Str(b"hi".to_vec())]),
                ("list", 0x12ff, 5, vec![Value::Unsigned(2), list, Value::Bytes(vec![9, 8])]),
                ("none", 0x1300, 5, vec![]),
            ]
        );
        assert_eq!(events[0].field("n"), Some(&Value::Unsigned(0x1234)));
        assert_eq!(events[0].field("m"), None);
    }

    #[test]
    fn a_brief_reading_finds_the_same_records_without_their_content() {
        let whole = decoder(TEXT);
        let brief = Decoder::brief(Arc::clone(whole.trace())).unwrap();
        let bytes = packet(&[
            2, 0xf1, b'h', b'i', 0, // text: "hi"
            3, 0xff, 2, 1, 0, 2, 0, 9, 8, // list: n = 2, l = [1, 2], b = [9, 8]
            1, 0xff, 0x34, 0x12, // one: n = 0x1234
        ]);
        let fields = |decoder: &Decoder| -> Vec<_> {
            let events = decoder.packet(&bytes).unwrap().1.map(Result::unwrap);
            events.map(|event| (event.name().to_owned(), event.time, event.fields)).collect()
        };
        let zero = Value::Unsigned(0);
        assert_eq!(
            fields(&brief),
            [
                ("text".to_owned(), 0x12f1, vec![zero.clone()]),
                ("list".to_owned(), 0x12ff, vec![Value::Unsigned(2), zero.clone(), zero]),
                ("one".to_owned(), 0x12ff, vec![Value::Unsigned(0x1234)]),
            ]
        );
        // Damage is found all the same.
        let cut = packet(&[2, 0xf1, b'h', b'i']);
        assert_eq!(outcome(&brief, &cut), outcome(&whole, &cut));
        let long = packet(&[3, 0xff, 200, 1, 0]);
        assert_eq!(outcome(&brief, &long), outcome(&whole, &long));
    }

    #[test]
    fn a_narrow_clock_value_is_the_next_one_that_ends_so() {
        assert_eq!(extend(0x12f0, 0xf0, 8), 0x12f0);
        assert_eq!(extend(0x12f0, 0xff, 8), 0x12ff);
        assert_eq!(extend(0x12f0, 0xef, 8), 0x13ef);
        assert_eq!(extend(0x12f0, 5, 64), 5);
        assert_eq!(extend(u64::MAX, 0, 32), 0);
    }

    #[test]
    fn an_open_packet_is_read_piece_by_piece() {
        let decoder = decoder(TEXT);
        let header = PacketHeader { stream_id: 7, begin: 0x12f0, cpu: Some(5), ..Default::default() };
        let records = [4, 0xf1, 4, 0xf2, 4, 0xf3];
        let mut times = Vec::new();
        for piece in [&records[..4], &records[4..]] {
            let mut events = decoder.events_in(&header, piece).unwrap();
            times.extend(events.by_ref().map(|event| event.unwrap().time));
            assert_eq!(events.offset(), piece.len());
        }
        assert_eq!(times, [0x12f1, 0x12f2, 0x12f3]);

        let cut = decoder.events_in(&header, &records[..3]).unwrap().last().unwrap().unwrap_err();
        assert_eq!(cut, ReadError { offset: 3, fault: Fault::PastEnd { need: 8, left: 0 } });
        let other = PacketHeader { stream_id: 8, ..header };
        let fault = Fault::UnknownStream { id: 8 };
        assert_eq!(decoder.events_in(&other, &[]).unwrap_err(), ReadError { offset: 0, fault });
    }

    #[test]
    fn faults_end_the_packet_and_tell_the_byte() {
        let decoder = decoder(TEXT);
        for (records, names, offset, fault) in [
            (&[4, 0, 9, 0][..], 1, 14, Fault::UnknownEvent { id: 9, stream_id: 7 }),
            (&[1, 0, 5], 0, 14, Fault::PastEnd { need: 16, left: 8 }),
            (&[4, 0, 2, 0, b'h'], 1, 16, Fault::UnterminatedString),
            (&[3, 0, 255, 1], 0, 15, Fault::TooLong { count: 255, left: 8 }),
            (&[3, 0, 2, 1, 0, 2, 0, 9], 0, 19, Fault::TooLong { count: 2, left: 8 }),
        ] {
            let (found, error) = outcome(&decoder, &packet(records));
            assert_eq!((found.len(), error), (names, Some(ReadError { offset, fault })));
        }
    }

    #[test]
    fn faults_of_packet_headers() {
        let decoder = decoder(TEXT);
        let good = packet(&[4, 0]);
        let with = |at: usize, value: u8| {
            let mut bad = good.clone();
            bad[at] = value;
            outcome(&decoder, &bad)
        };
        let error = |offset, fault| (vec![], Some(ReadError { offset, fault }));
        assert_eq!(with(0, 0), error(0, Fault::Magic { found: 0xc1fc1f00 }));
        assert_eq!(with(4, 8), error(0, Fault::UnknownStream { id: 8 }));
        let size =
            |packet_bits, content_bits| Fault::PacketSize { packet_bits, content_bits, header_bits: 96 };
        assert_eq!(with(5, 111), error(0, size(111, 112)));
        assert_eq!(with(5, 113), error(0, size(113, 112)));
        assert_eq!(with(7, 8), error(0, size(112, 8)));
        assert_eq!(outcome(&decoder, &good[..3]), error(0, Fault::PastEnd { need: 32, left: 24 }));
    }

    #[test]
    fn padding_behind_the_content_is_not_read() {
        let decoder = decoder(TEXT);
        let mut bytes = packet(&[4, 0, 0xff, 0xff]);
        bytes[7] -= 16;
        assert_eq!(outcome(&decoder, &bytes), (vec!["none".to_owned()], None));
    }

    #[test]
    fn a_cut_packet_gives_what_is_there_and_then_an_error() {
        let decoder = decoder(TEXT);
        let whole = packet(&[4, 0, 1, 0, 5, 0]);
        for have in [14, 15, 17] {
            let fault = Fault::Truncated { need: 18, have };
            let error = ReadError { offset: have, fault };
            assert_eq!(outcome(&decoder, &whole[..have as usize]), (vec!["none".to_owned()], Some(error)));
        }
    }

    #[test]
    fn a_stream_is_cut_into_packets() {
        let decoder = decoder(TEXT);
        let (first, second) = (packet(&[4, 0]), packet(&[]));
        let stream = [&first[..], &second].concat();
        let found: Vec<_> = Packets::new(&decoder, &stream).map(Result::unwrap).collect();
        assert_eq!(
            found,
            [PacketBytes { offset: 0, bytes: &first }, PacketBytes { offset: 14, bytes: &second }]
        );
        assert_eq!(Packets::new(&decoder, &[]).next(), None);

        let mut cut = Packets::new(&decoder, &stream[..20]);
        assert!(cut.next().unwrap().is_ok());
        let fault = Fault::PastEnd { need: 16, left: 8 };
        assert_eq!(cut.next(), Some(Err(ReadError { offset: 19, fault })));
        assert_eq!(cut.next(), None);

        let mut cut = Packets::new(&decoder, &first[..13]);
        let fault = Fault::Truncated { need: 14, have: 13 };
        assert_eq!(cut.next(), Some(Err(ReadError { offset: 0, fault })));
        assert_eq!(cut.rest(), PacketBytes { offset: 0, bytes: &first[..13] });
        assert_eq!(cut.next(), None);
    }

    #[test]
    fn a_file_is_read_one_packet_at_a_time() {
        let decoder = decoder(TEXT);
        assert_eq!(decoder.header_len(), 12);
        let bytes = packet(&[4, 0]);
        assert_eq!(decoder.size(&bytes[..12]), Ok(14));
        assert!(decoder.size(&bytes[..11]).is_err());
        assert_eq!(decoder.header(&bytes).unwrap().begin, 0x12f0);
    }

    #[test]
    fn without_sizes_the_stream_is_one_packet() {
        let decoder = decoder(
            "/* CTF 1.8 */ trace { major = 1; minor = 8; byte_order = le; };
             stream { }; event { name = e; fields := struct { integer { size = 8; } _n; }; };",
        );
        assert_eq!(decoder.size(&[1]), Err(ReadError { offset: 0, fault: Fault::Unsized }));
        let packets: Vec<_> = Packets::new(&decoder, &[1, 2, 3]).map(Result::unwrap).collect();
        assert_eq!(packets.len(), 1);
        assert_eq!(outcome(&decoder, packets[0].bytes).0, ["e", "e", "e"]);
    }

    #[test]
    fn a_record_without_bits_does_not_repeat_forever() {
        let decoder = decoder(
            "/* CTF 1.8 */ trace { major = 1; minor = 8; byte_order = le; };
             stream { }; event { name = e; };",
        );
        let error = ReadError { offset: 0, fault: Fault::EmptyRecord };
        assert_eq!(outcome(&decoder, &[1]), (vec![], Some(error)));
    }

    #[test]
    fn a_packet_of_another_trace_is_refused() {
        let decoder = decoder(
            "/* CTF 1.8 */ trace { major = 1; minor = 8; byte_order = le;
               uuid = \"01010101-0101-0101-0101-010101010101\";
               packet.header := struct { integer { size = 8; } uuid[16]; }; };
             stream { };",
        );
        assert!(decoder.packet(&[1; 16]).is_ok());
        let error = ReadError { offset: 0, fault: Fault::Uuid };
        assert_eq!(decoder.packet(&[2; 16]).unwrap_err(), error);
    }
}
