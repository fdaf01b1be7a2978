//! Both sides of the ring, run through every interleaving of one writer and one reader that the memory model allows (up to a bound
//! of forced switches), by the model checker `loom`.
//!
//! Two sub-buffers, two records in each. Words that both sides use at the same time are atomics; everything else, headers and
//! records included, is a cell that loom watches: an access that is not ordered after the other side's is an error. So a torn
//! read shows itself even when the bytes happen to be right.
//!
//! The second half seeds bugs, one at a time, and demands that the checker finds each of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::cell::Cell;
use loom::sync::atomic::AtomicU64;
use loom::thread;
use probe::protocol::{HeaderWord, Memory, Packet, Piece, Reader, Word, Writer};
use probe::ring::{Geometry, HEADER};

const SUB_BUFFER: usize = 4096;
/// Three records of this length fill a sub-buffer to its last byte. Two are kept: the third would end at the limit.
const RECORD: usize = (SUB_BUFFER - HEADER as usize) / 3;
const SLOTS: usize = 3;
/// The time of all records: time plays no part here, except that `ask_for_switch` resets its limit.
const NOW: u64 = 5;

/// A mistake in the code around the protocol or in the protocol itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// `pos` moves on with no ordering.
    RelaxedPublish,
    /// `consumed` moves on with no ordering.
    RelaxedHandBack,
    /// `pos` moves on before the words of the header are stored.
    PublishBeforeHeader,
    /// `pos` moves on before the record is stored.
    PublishBeforeRecord,
    /// `consumed` moves on before the packet is read.
    HandBackBeforeRead,
    /// A record may end at the limit, in the last byte of the sub-buffer.
    EndAtLimit,
    /// The writer does not wait for the reader.
    IgnoreConsumed,
    /// A loss is not counted.
    SilentLoss,
}

/// The ring in loom's memory.
struct Modelled {
    pos: AtomicU64,
    /// The last value of `pos` that the writer stored, which is what it reads. Loom tracks only the last access to an atomic:
    /// a load by the writer right before its store would hide the reader's load from the search.
    own_pos: Cell<u64>,
    time_limit: AtomicU64,
    consumed: AtomicU64,
    /// Words that only one side uses while both run.
    limit: Cell<u64>,
    lost: Cell<u64>,
    oversize: Cell<u64>,
    entries: Cell<u64>,
    headers: [[Cell<u64>; 7]; 2],
    /// What a record is: one number for all its bytes.
    records: [[Cell<u64>; SLOTS]; 2],
    bug: Option<Bug>,
    /// Header words kept back until `pos` has moved.
    kept: std::cell::RefCell<Vec<(usize, HeaderWord, u64)>>,
}

impl Modelled {
    fn new(bug: Option<Bug>) -> Modelled {
        let cell = |_| Cell::new(0);
        Modelled {
            pos: AtomicU64::new(0),
            own_pos: Cell::new(0),
            time_limit: AtomicU64::new(0),
            consumed: AtomicU64::new(0),
            limit: Cell::new(0),
            lost: Cell::new(0),
            oversize: Cell::new(0),
            entries: Cell::new(0),
            headers: std::array::from_fn(|_| std::array::from_fn(cell)),
            records: std::array::from_fn(|_| std::array::from_fn(cell)),
            bug,
            kept: Default::default(),
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn header_cell(&self, at: usize, word: HeaderWord) -> &Cell<u64> {
        &self.headers[at / SUB_BUFFER][word as usize]
    }

    fn record_cell(&self, at: usize) -> &Cell<u64> {
        let slot = (at % SUB_BUFFER - HEADER as usize) / RECORD;
        &self.records[at / SUB_BUFFER][slot]
    }
}

impl Memory for Modelled {
    fn load(&self, word: Word, ordering: Ordering) -> u64 {
        match word {
            // Only the reader acquires.
            Word::Pos if ordering == Ordering::Relaxed => self.own_pos.get(),
            Word::Pos => self.pos.load(ordering),
            Word::TimeLimit => self.time_limit.load(ordering),
            Word::Consumed if self.has(Bug::IgnoreConsumed) => self.limit.get(),
            Word::Consumed => self.consumed.load(ordering),
            Word::Limit => self.limit.get(),
            Word::Lost => self.lost.get(),
            Word::Oversize => self.oversize.get(),
            Word::Entries => self.entries.get(),
        }
    }

    fn store(&self, word: Word, value: u64, ordering: Ordering) {
        match word {
            Word::Pos => {
                self.own_pos.set(value);
                let ordering = if self.has(Bug::RelaxedPublish) { Ordering::Relaxed } else { ordering };
                self.pos.store(value, ordering);
            }
            Word::TimeLimit => self.time_limit.store(value, ordering),
            Word::Consumed if self.has(Bug::RelaxedHandBack) => self.consumed.store(value, Ordering::Relaxed),
            Word::Consumed => self.consumed.store(value, ordering),
            Word::Limit => self.limit.set(value),
            Word::Lost if self.has(Bug::SilentLoss) => {}
            Word::Lost => self.lost.set(value),
            Word::Oversize => self.oversize.set(value),
            Word::Entries => self.entries.set(value),
        }
        if word == Word::Pos {
            for (at, word, value) in self.kept.take() {
                self.header_cell(at, word).set(value);
            }
        }
    }

    fn header(&self, at: usize, word: HeaderWord) -> u64 {
        self.header_cell(at, word).get()
    }

    fn set_header(&self, at: usize, word: HeaderWord, value: u64) {
        if self.has(Bug::PublishBeforeHeader) {
            self.kept.borrow_mut().push((at, word, value));
        } else {
            self.header_cell(at, word).set(value);
        }
    }

    fn read(&self, at: usize, len: usize, out: &mut Vec<u8>) {
        if at.is_multiple_of(SUB_BUFFER) {
            // Constants of the header, which nobody writes while the two sides run.
            out.resize(out.len() + len, 0);
            return;
        }
        assert_eq!(len % RECORD, 0, "part of a record");
        for record in 0..len / RECORD {
            let value = self.record_cell(at + record * RECORD).get();
            out.push(value as u8);
        }
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        self.record_cell(at).set(u64::from(bytes[0]));
    }
}

fn geometry() -> Geometry {
    Geometry::new(2 * SUB_BUFFER as u32, SUB_BUFFER as u32).expect("two sub-buffers")
}

/// Writes the records 1, 2, ... `records`; gives back which of them were written.
fn write_all(memory: &Modelled, records: u8) -> Vec<u8> {
    let writer = Writer::new(geometry());
    let longest = RECORD as u32 - u32::from(memory.has(Bug::EndAtLimit));
    let mut written = Vec::new();
    for number in 1..=records {
        let record = [number; RECORD];
        let done = if memory.has(Bug::PublishBeforeRecord) {
            let pos = writer.reserve(memory, longest, NOW);
            pos.is_some_and(|pos| {
                writer.publish(memory, RECORD, true);
                memory.write(geometry().offset(pos), &record);
                true
            })
        } else {
            writer.record(memory, longest, NOW, &record, true)
        };
        if done {
            written.push(number);
        }
    }
    written
}

/// What a reader has got hold of.
#[derive(Default)]
struct Got {
    records: Vec<u8>,
    sequence: Vec<u64>,
    discarded: Vec<u64>,
}

impl Got {
    /// Reads a whole packet.
    fn packet(&mut self, memory: &Modelled, packet: Packet) {
        assert_eq!(
            memory.header(packet.at, HeaderWord::Packet),
            packet.len as u64 * 8,
            "header of another packet"
        );
        assert_eq!(memory.header(packet.at, HeaderWord::Begin), NOW);
        assert_eq!(memory.header(packet.at, HeaderWord::End), NOW);
        self.sequence.push(memory.header(packet.at, HeaderWord::Sequence));
        self.discarded.push(memory.header(packet.at, HeaderWord::Discarded));
        memory.read(packet.at + HEADER as usize, packet.len - HEADER as usize, &mut self.records);
    }

    /// Takes a piece of the live reader.
    fn piece(&mut self, piece: Piece) {
        let word = |word: HeaderWord| {
            let bytes = piece.header[word.offset()..].first_chunk().expect("eight bytes");
            u64::from_le_bytes(*bytes)
        };
        assert_eq!(word(HeaderWord::Begin), NOW);
        self.records.extend(&piece.records);
        if piece.closed {
            self.sequence.push(word(HeaderWord::Sequence));
            self.discarded.push(word(HeaderWord::Discarded));
        }
    }

    /// Everything that must hold once writer and reader are done: no record twice, none torn, none in the wrong place, all losses
    /// counted and told in the headers.
    fn check(&self, memory: &Modelled, written: &[u8], attempted: u8) {
        assert_eq!(self.records, written);
        let lost = memory.lost.get();
        assert_eq!(written.len() as u64 + lost, u64::from(attempted));
        assert_eq!(memory.entries.get(), written.len() as u64);
        let numbers: Vec<u64> = (0..self.sequence.len() as u64).collect();
        assert_eq!(self.sequence, numbers);
        assert!(self.discarded.is_sorted(), "{:?}", self.discarded);
        if let Some(last) = self.discarded.last() {
            assert_eq!(*last, lost);
        }
    }
}

/// How the reader reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Whole packets, as the writer of files does.
    Packets,
    /// What is new, as the live view does.
    Tail,
    /// Whole packets, and asks for the open one.
    Asking,
}

fn read_some(memory: &Modelled, reader: &mut Reader, reading: Reading, got: &mut Got) {
    if reading == Reading::Tail {
        for piece in reader.tail(memory) {
            got.piece(piece);
        }
        return;
    }
    if reading == Reading::Asking {
        reader.ask_for_switch(memory);
    }
    if let Some(packet) = reader.complete(memory) {
        if memory.has(Bug::HandBackBeforeRead) {
            reader.hand_back(memory);
            got.packet(memory, packet);
        } else {
            got.packet(memory, packet);
            reader.hand_back(memory);
        }
    }
}

/// Explores all ways of `records` records written while the reader looks `looks` times. Gives back how many ways there were.
fn explore(reading: Reading, records: u8, looks: usize, bug: Option<Bug>) -> usize {
    let ways = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&ways);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let memory = Rc::new(Modelled::new(bug));
        let writing = {
            let memory = Rc::clone(&memory);
            thread::spawn(move || write_all(&memory, records))
        };
        let mut reader = Reader::new(geometry(), 0);
        let mut got = Got::default();
        for _ in 0..looks {
            read_some(&memory, &mut reader, reading, &mut got);
        }
        let written = writing.join().expect("the writer's result");
        // The writer has gone: close in its place, and read the rest.
        reader.close(&*memory, NOW);
        while reader.complete(&*memory).is_some() {
            let rest = if reading == Reading::Tail { Reading::Tail } else { Reading::Packets };
            read_some(&memory, &mut reader, rest, &mut got);
        }
        got.check(&memory, &written, records);
    });
    ways.load(Ordering::Relaxed)
}

/// True when exploring with this bug fails.
fn is_found(bug: Bug, reading: Reading) -> bool {
    catch_unwind(AssertUnwindSafe(|| explore(reading, 6, 2, Some(bug)))).is_err()
}

#[test]
fn packets_are_read_whole_in_order_and_once() {
    let ways = explore(Reading::Packets, 6, 3, None);
    println!("{ways} interleavings");
    assert!(ways > 100, "{ways}");
}

#[test]
fn a_live_reader_sees_each_record_once() {
    let ways = explore(Reading::Tail, 6, 3, None);
    println!("{ways} interleavings");
    assert!(ways > 100, "{ways}");
}

#[test]
fn asking_for_the_open_packet_loses_nothing_uncounted() {
    let ways = explore(Reading::Asking, 5, 2, None);
    println!("{ways} interleavings");
    assert!(ways > 100, "{ways}");
}

#[test]
fn a_full_ring_counts_every_loss() {
    // Nobody reads while it is written: 2 records in each of 2 sub-buffers, the rest is lost.
    assert_eq!(explore(Reading::Packets, 7, 0, None), 1);
}

#[test]
fn seeded_bugs_are_found() {
    for (bug, reading) in [
        (Bug::RelaxedPublish, Reading::Packets),
        (Bug::RelaxedPublish, Reading::Tail),
        (Bug::RelaxedHandBack, Reading::Packets),
        (Bug::PublishBeforeHeader, Reading::Packets),
        (Bug::PublishBeforeRecord, Reading::Tail),
        (Bug::HandBackBeforeRead, Reading::Packets),
        (Bug::EndAtLimit, Reading::Packets),
        (Bug::IgnoreConsumed, Reading::Packets),
        (Bug::SilentLoss, Reading::Packets),
    ] {
        assert!(is_found(bug, reading), "{bug:?} goes unnoticed");
    }
}
