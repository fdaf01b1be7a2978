//! Many streams to one sequence in the order of time.
//!
//! Each stream is read one packet at a time, so memory is bounded by one packet a stream.
//! Losses and damage stand in the sequence where they belong.
//!
//! Order: by time; items of equal time by stream, in the order in which the streams were added;
//! within a stream as they are in the stream.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::convert::Infallible;
use std::sync::Arc;

use thiserror::Error;

use crate::error::{Fault, ReadError};
use crate::event::Event;
use crate::packet::PacketHeader;
use crate::read::{Decoder, Packets, Position, Spare};

/// Where the packets of one stream come from: a file, memory, a running session.
pub trait PacketSource {
    /// Why the next packet can not be had.
    type Error;

    /// Replaces the content of `packet` by the next packet; `false` after the last one. A packet
    /// that is cut (the file ends) is handed over as far as it goes. Not called again after an
    /// error.
    ///
    /// # Errors
    /// The source's own. They end this stream, not the merge.
    fn next_packet(&mut self, packet: &mut Vec<u8>) -> Result<bool, Self::Error>;
}

/// The packets of a stream that is in memory. A bad packet header is handed to the merge, which
/// reports it.
impl PacketSource for Packets<'_> {
    type Error = Infallible;

    fn next_packet(&mut self, packet: &mut Vec<u8>) -> Result<bool, Infallible> {
        packet.clear();
        match self.next() {
            Some(Ok(next)) => packet.extend_from_slice(next.bytes),
            Some(Err(_)) => packet.extend_from_slice(self.rest().bytes),
            None => return Ok(false),
        }
        Ok(true)
    }
}

/// An element of the merged sequence.
#[derive(Clone, Debug)]
pub enum Item<E> {
    /// A record.
    Event(Event),
    /// Records are missing.
    Loss(Loss),
    /// Something can not be read.
    Damage(Damage<E>),
}

/// Records that were not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Name of the stream.
    pub stream: Arc<str>,
    /// Stream type.
    pub stream_id: u64,
    /// CPU of the stream; 0 when packets do not tell.
    pub cpu: u32,
    /// Records lost, by the difference of `events_discarded`. It stands at the end of the packet
    /// whose counter rose: a full ring drops after its last record.
    pub count: u64,
    /// Whole packets missing, by a gap of `packet_seq_num`. They stand before the packet that
    /// follows the gap, in an item of their own with `count` 0.
    pub packets: u64,
    /// The loss is after this clock value ...
    pub from: u64,
    /// ... and not after this one.
    pub to: u64,
}

/// A place that can not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage<E> {
    /// Name of the stream.
    pub stream: Arc<str>,
    /// CPU of the stream, when a packet of it has told.
    pub cpu: Option<u32>,
    /// Clock value up to which the stream was read.
    pub time: u64,
    /// What is wrong.
    pub cause: DamageCause<E>,
}

/// What is wrong with a stream.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DamageCause<E> {
    /// A packet is damaged; the next one is read. The offset counts from the beginning of the stream.
    #[error(transparent)]
    Packet(ReadError),
    /// `events_discarded` fell, so how many records were lost is unknown.
    #[error("byte {offset}: the count of discarded events falls from {before} to {now}")]
    CountFell {
        /// Byte offset of the packet in the stream.
        offset: u64,
        /// Count of the packet before.
        before: u64,
        /// Count of this packet.
        now: u64,
    },
    /// The source failed; this stream ends.
    #[error("{0}")]
    Source(E),
}

/// Iterator over the items of all streams.
pub struct Merge<S: PacketSource> {
    decoder: Arc<Decoder>,
    spare: Spare,
    streams: Vec<Stream<S>>,
    /// Time of the next item of each stream that has one, and the stream's index.
    heads: BinaryHeap<Reverse<(u64, usize)>>,
    started: bool,
}

/// One stream: where it comes from, its current packet, its next item.
struct Stream<S: PacketSource> {
    name: Arc<str>,
    source: S,
    packet: Vec<u8>,
    /// Byte offset of the packet in the stream.
    offset: u64,
    /// Position in the packet, while there is one.
    position: Option<Position>,
    header: PacketHeader,
    before: Option<Before>,
    /// Clock value up to which the stream was read.
    time: u64,
    /// Lost at the end of the current packet.
    lost: u64,
    /// Found at the beginning of the current packet, to be given before its records.
    first: Option<Item<S::Error>>,
    head: Option<Item<S::Error>>,
    ended: bool,
}

/// What must be known of the packet before.
#[derive(Clone, Copy, Debug)]
struct Before {
    seq: Option<u64>,
    discarded: u64,
    /// Time of its last record, or of its beginning without records.
    last: u64,
    /// Its end.
    end: u64,
}

impl<S: PacketSource> Merge<S> {
    /// Merges streams, each with the name that losses and damage are reported under.
    pub fn new(decoder: Arc<Decoder>, streams: impl IntoIterator<Item = (Arc<str>, S)>) -> Self {
        let streams: Vec<_> = streams.into_iter().map(|(name, source)| Stream::new(name, source)).collect();
        let heads = BinaryHeap::with_capacity(streams.len());
        Merge { decoder, spare: Spare::default(), streams, heads, started: false }
    }
}

impl<S: PacketSource> Merge<S> {
    /// Takes back what nobody needs any more: its memory serves for the next events.
    pub fn give_back(&mut self, item: Item<S::Error>) {
        if let Item::Event(event) = item {
            self.spare.put(event);
        }
    }
}

impl<S: PacketSource> Iterator for Merge<S> {
    type Item = Item<S::Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.started {
            self.started = true;
            for (at, stream) in self.streams.iter_mut().enumerate() {
                if let Some(time) = stream.advance(&self.decoder, &mut self.spare) {
                    self.heads.push(Reverse((time, at)));
                }
            }
        }
        let mut first = self.heads.peek_mut()?;
        let stream = self.streams.get_mut(first.0.1)?;
        let item = stream.head.take();
        match stream.advance(&self.decoder, &mut self.spare) {
            Some(time) => first.0.0 = time,
            None => drop(PeekMut::pop(first)),
        }
        item
    }
}

impl<S: PacketSource> Stream<S> {
    fn new(name: Arc<str>, source: S) -> Self {
        Stream {
            name,
            source,
            packet: Vec::new(),
            offset: 0,
            position: None,
            header: PacketHeader::default(),
            before: None,
            time: 0,
            lost: 0,
            first: None,
            head: None,
            ended: false,
        }
    }

    /// Fills `head` with the next item and gives its time.
    fn advance(&mut self, decoder: &Decoder, spare: &mut Spare) -> Option<u64> {
        loop {
            self.head = self.first.take();
            if self.head.is_some() {
                return Some(self.time);
            }
            if let Some(position) = &mut self.position {
                match decoder.next(&self.packet, position, spare) {
                    Some(Ok(event)) => {
                        self.time = event.time;
                        self.head = Some(Item::Event(event));
                    }
                    Some(Err(error)) => self.head = Some(self.damaged(error)),
                    None => {
                        self.position = None;
                        self.head = self.finish_packet();
                    }
                }
            } else if self.ended {
                return None;
            } else {
                self.begin_packet(decoder);
            }
            if self.head.is_some() {
                return Some(self.time);
            }
        }
    }

    fn damaged(&self, error: ReadError) -> Item<S::Error> {
        self.damage(DamageCause::Packet(error.shifted(self.offset)))
    }

    fn damage(&self, cause: DamageCause<S::Error>) -> Item<S::Error> {
        let cpu = self.header.cpu;
        Item::Damage(Damage { stream: Arc::clone(&self.name), cpu, time: self.time, cause })
    }

    fn loss(&self, count: u64, packets: u64, from: u64, to: u64) -> Item<S::Error> {
        Item::Loss(Loss {
            stream: Arc::clone(&self.name),
            stream_id: self.header.stream_id,
            cpu: self.header.cpu.unwrap_or(0),
            count,
            packets,
            from,
            to,
        })
    }

    /// Takes the next packet. What is to be told before its records goes to `head` or `first`.
    fn begin_packet(&mut self, decoder: &Decoder) {
        self.offset += self.packet.len() as u64;
        self.packet.clear();
        match self.source.next_packet(&mut self.packet) {
            Ok(true) => {}
            Ok(false) => {
                self.ended = true;
                return;
            }
            Err(error) => {
                self.ended = true;
                self.head = Some(self.damage(DamageCause::Source(error)));
                return;
            }
        }
        let (header, position) = match decoder.begin(&self.packet) {
            Ok(packet) => packet,
            Err(error) => {
                self.head = Some(self.damaged(error));
                return;
            }
        };
        self.header = header;
        self.position = Some(position);
        self.time = self.header.begin.max(self.time);

        // The counter begins with 0, so a first packet may already tell of a loss.
        let before = self.before.map_or(0, |b| b.discarded);
        let now = self.header.discarded.unwrap_or(before);
        if now < before {
            let offset = self.offset;
            self.first = Some(self.damage(DamageCause::CountFell { offset, before, now }));
        }
        self.lost = now.saturating_sub(before);

        // A flight recorder begins with any number, so a first packet has no gap before it.
        let gap = match (self.before, self.header.seq) {
            (Some(Before { seq: Some(before), .. }), Some(now)) => {
                now.saturating_sub(before).saturating_sub(1)
            }
            _ => 0,
        };
        if gap > 0 {
            let from = self.before.map_or(0, |b| b.end);
            self.head = Some(self.loss(0, gap, from, self.time));
        }
    }

    /// Ends the current packet; gives what was lost in it.
    fn finish_packet(&mut self) -> Option<Item<S::Error>> {
        let PacketHeader { begin, end, seq, discarded, .. } = self.header;
        let last = self.time;
        let end = end.max(last);
        let from = self.before.map_or(begin, |b| b.last);
        let discarded = discarded.or(self.before.map(|b| b.discarded)).unwrap_or(0);
        self.before = Some(Before { seq, discarded, last, end });
        self.time = end;
        let count = std::mem::take(&mut self.lost);
        (count > 0).then(|| self.loss(count, 0, from, end))
    }
}

impl<E> Damage<E> {
    /// True when the stream ends before its packet does, as after a crash of the writer.
    pub fn is_truncation(&self) -> bool {
        matches!(&self.cause, DamageCause::Packet(ReadError { fault: Fault::Truncated { .. }, .. }))
    }
}
