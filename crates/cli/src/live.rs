//! A live view: what the rings publish, as the same items in the same order that a reader of the finished trace would get.
//!
//! Order across CPUs: before the rings are looked at, the clock is read. A record before that time was published before
//! its ring was looked at, unless a probe was running at that very moment; so items up to the time are given out in order
//! and the rest waits for the next look. A thread that moves from one CPU to another publishes on the first before it can
//! run on the second, so its own records are never turned round.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use ctf::error::ReadError;
use ctf::merge::{Item, Loss};
use ctf::read::Decoder;
use kernel::ring::{Piece, Ring};
use kernel::session::Session;

/// What one look at all rings found.
#[derive(Debug, Default)]
pub struct Batch {
    /// Everything before this time is in this batch or an earlier one.
    pub until: u64,
    /// What was found.
    pub pieces: Vec<Piece>,
}

impl Batch {
    /// Looks at all rings.
    pub fn take(session: &mut Session) -> Batch {
        let until = kernel::clock::monotonic();
        Batch { until, pieces: session.rings().flat_map(Ring::tail).collect() }
    }

    /// The last one: all that is left, to be shown whatever its time.
    pub fn last(session: &mut Session) -> Batch {
        let pieces = session.rings().flat_map(|ring| {
            // The end of a packet is not before its last record: every record was made before now.
            ring.close(kernel::clock::monotonic());
            ring.tail()
        });
        Batch { pieces: pieces.collect(), until: u64::MAX }
    }

    /// Bytes of records in it.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.records.len()).sum()
    }
}

/// Puts batches in order.
#[derive(Debug)]
pub struct Order {
    decoder: Arc<Decoder>,
    /// Not yet given out, in order of arrival.
    waiting: Vec<(u64, Item<Infallible>)>,
    streams: HashMap<(u64, u32), Stream>,
}

/// What is remembered of a stream.
#[derive(Debug, Default)]
struct Stream {
    discarded: u64,
    last: u64,
}

impl Order {
    /// For records of these types.
    pub fn new(decoder: Arc<Decoder>) -> Order {
        Order { decoder, waiting: Vec::new(), streams: HashMap::new() }
    }

    /// A packet that did not come from a ring, such as the state dump.
    pub fn packet(&mut self, packet: &[u8]) -> Result<(), ReadError> {
        let decoder = Arc::clone(&self.decoder);
        let (_, events) = decoder.packet(packet)?;
        for event in events {
            let event = event?;
            self.waiting.push((event.time, Item::Event(event)));
        }
        Ok(())
    }

    /// Takes a batch and gives out what is ready, in the order of time.
    pub fn take(&mut self, batch: &Batch) -> Result<Vec<Item<Infallible>>, ReadError> {
        for piece in &batch.pieces {
            self.piece(piece)?;
        }
        // Stable: items of equal time keep the order of their ring.
        self.waiting.sort_by_key(|(time, _)| *time);
        let ready = self.waiting.partition_point(|(time, _)| *time <= batch.until);
        Ok(self.waiting.drain(..ready).map(|(_, item)| item).collect())
    }

    fn piece(&mut self, piece: &Piece) -> Result<(), ReadError> {
        let decoder = Arc::clone(&self.decoder);
        let header = decoder.header(&piece.header)?;
        let stream = self.streams.entry((header.stream_id, piece.cpu)).or_default();
        stream.last = stream.last.max(header.begin);
        for event in decoder.events_in(&header, &piece.records)? {
            let event = event?;
            stream.last = event.time;
            self.waiting.push((event.time, Item::Event(event)));
        }
        if piece.closed {
            let discarded = header.discarded.unwrap_or(0);
            let count = discarded.saturating_sub(stream.discarded);
            stream.discarded = discarded;
            if count > 0 {
                let loss = Loss {
                    stream: format!("{}/{}", header.stream_id, piece.cpu).into(),
                    stream_id: header.stream_id,
                    cpu: piece.cpu,
                    count,
                    packets: 0,
                    from: stream.last,
                    to: header.end,
                };
                self.waiting.push((header.end, Item::Loss(loss)));
            }
        }
        Ok(())
    }
}
