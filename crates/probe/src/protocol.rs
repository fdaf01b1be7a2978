//! The protocol of the per-CPU ring, both sides, over any memory. Layout of that memory: [`crate::ring`].
//!
//! ```text
//!           sub-buffer 0        sub-buffer 1        sub-buffer 2        sub-buffer 0 again
//!           |H rec rec rec    |H rec rec rec rec  |H rec rec          |
//!           ^                                                ^         ^
//!           consumed (reader)                                pos       limit (writer)
//! ```
//!
//! One writer, the programs that run on a CPU, never two at a time. One reader in user space. `pos` says two things: everything
//! before it may be read, and the packets before the one that it is in are closed.
//!
//! The [`Reader`] is what the kernel crate runs on mapped memory. The [`Writer`] says in Rust what the generated programs do in
//! eBPF (`generate/reserve.rs`); tests hold the two against each other, and run both sides through all interleavings.
//!
//! Orderings, each with its partner:
//!
//! * `pos`: released by [`Writer::publish`], the packet switch and [`Reader::close`]; acquired by [`Reader::published`]. Records and
//!   header words stored before it are there for whoever sees it.
//! * `consumed`: released by [`Reader::hand_back`]; acquired by the packet switch. Nothing is overwritten before it was read.
//! * All other words are relaxed: counters are only compared after the writer has gone, `limit` and `time_limit` guard no data.
//!
//! An eBPF program has only plain loads and stores. On x86 each store releases and each load acquires, which is all that is asked
//! for here.

use std::sync::atomic::Ordering;

use crate::ring::{self, Geometry};

/// Words of the control page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "described in the picture of `crate::ring`")]
pub enum Word {
    Pos,
    Limit,
    TimeLimit,
    Lost,
    Oversize,
    Entries,
    Consumed,
}

impl Word {
    /// All of them.
    pub const ALL: [Word; 7] =
        [Word::Pos, Word::Limit, Word::TimeLimit, Word::Lost, Word::Oversize, Word::Entries, Word::Consumed];

    /// Bytes from the start of the control page.
    pub fn offset(self) -> usize {
        let offset = match self {
            Word::Pos => ring::POS,
            Word::Limit => ring::LIMIT,
            Word::TimeLimit => ring::TIME_LIMIT,
            Word::Lost => ring::LOST,
            Word::Oversize => ring::OVERSIZE,
            Word::Entries => ring::ENTRIES,
            Word::Consumed => ring::CONSUMED,
        };
        offset as usize
    }
}

/// Words of a packet header that change from packet to packet (`docs/format.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "described in `docs/format.md`")]
pub enum HeaderWord {
    Begin,
    End,
    Content,
    Packet,
    Sequence,
    Discarded,
    Oversize,
}

impl HeaderWord {
    /// All of them, in order of their place.
    pub const ALL: [HeaderWord; 7] = [
        HeaderWord::Begin,
        HeaderWord::End,
        HeaderWord::Content,
        HeaderWord::Packet,
        HeaderWord::Sequence,
        HeaderWord::Discarded,
        HeaderWord::Oversize,
    ];

    /// Bytes from the start of the packet.
    pub fn offset(self) -> usize {
        let offset = match self {
            HeaderWord::Begin => ring::HEADER_BEGIN,
            HeaderWord::End => ring::HEADER_END,
            HeaderWord::Content => ring::HEADER_CONTENT,
            HeaderWord::Packet => ring::HEADER_PACKET,
            HeaderWord::Sequence => ring::HEADER_SEQUENCE,
            HeaderWord::Discarded => ring::HEADER_DISCARDED,
            HeaderWord::Oversize => ring::HEADER_OVERSIZE,
        };
        offset as usize
    }

    /// True for the words that are stored when the packet is opened; the others are right once it is closed.
    pub fn is_early(self) -> bool {
        matches!(self, HeaderWord::Begin | HeaderWord::Sequence)
    }
}

/// The memory of one CPU's ring. `at` is an offset into the data, headers included.
pub trait Memory {
    /// A control word.
    fn load(&self, word: Word, ordering: Ordering) -> u64;
    /// Stores a control word.
    fn store(&self, word: Word, value: u64, ordering: Ordering);
    /// A word of the header that begins at `at`.
    fn header(&self, at: usize, word: HeaderWord) -> u64;
    /// Stores a word of the header that begins at `at`.
    fn set_header(&self, at: usize, word: HeaderWord, value: u64);
    /// Appends `len` bytes of data to `out`.
    fn read(&self, at: usize, len: usize, out: &mut Vec<u8>);
    /// Stores data.
    fn write(&self, at: usize, bytes: &[u8]);
}

/// Counters of a ring, all since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Entry records written.
    pub entries: u64,
    /// Records lost, all causes.
    pub lost: u64,
    /// Of these: the record left its bounds.
    pub oversize: u64,
}

/// Constant words of every packet header of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderConstants {
    /// The trace's uuid.
    pub uuid: [u8; 16],
    /// The stream's id.
    pub stream_id: u32,
}

/// A complete packet that has not been handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Where it begins in the data.
    pub at: usize,
    /// Its length in bytes, header included; at least a header, at most a sub-buffer.
    pub len: usize,
}

/// Newly published records of one packet, for the live reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The CPU.
    pub cpu: u32,
    /// The packet's header. Until `closed`, the words that say how it ended are zero.
    pub header: [u8; ring::HEADER as usize],
    /// Whole records.
    pub records: Vec<u8>,
    /// True when this is the last piece of its packet.
    pub closed: bool,
}

/// `magic` of a packet header (CTF 1.8, section 5.1).
const MAGIC: u32 = 0xC1FC_1FC1;

/// The only reader of a ring: what it has seen and what it has handed back.
#[derive(Debug)]
pub struct Reader {
    geometry: Geometry,
    cpu: u32,
    /// Everything before this position has been handed back.
    consumed: u64,
    /// Everything before this position has been given to the live reader.
    seen: u64,
}

impl Reader {
    /// The reader of a ring that nobody has written to.
    pub fn new(geometry: Geometry, cpu: u32) -> Reader {
        Reader { geometry, cpu, consumed: 0, seen: 0 }
    }

    /// The CPU that writes to the ring.
    pub fn cpu(&self) -> u32 {
        self.cpu
    }

    /// Writes what never changes in the headers, once into every sub-buffer; the writer fills in the rest. Only while nobody
    /// writes.
    pub fn write_constants(&self, memory: &impl Memory, constants: HeaderConstants) {
        let mut head = [0; ring::HEADER_BEGIN as usize];
        head[..4].copy_from_slice(&MAGIC.to_le_bytes());
        head[4..20].copy_from_slice(&constants.uuid);
        head[20..24].copy_from_slice(&constants.stream_id.to_le_bytes());
        head[24..28].copy_from_slice(&self.cpu.to_le_bytes());
        for number in 0..self.geometry.count() {
            let at = number as usize * self.geometry.sub_buffer() as usize;
            memory.write(at, &head);
            memory.write(at + ring::HEADER_CPU as usize, &self.cpu.to_le_bytes());
        }
    }

    /// Forgets everything. Only while nobody writes.
    pub fn reset(&mut self, memory: &impl Memory) {
        for word in Word::ALL {
            memory.store(word, 0, Ordering::Release);
        }
        self.consumed = 0;
        self.seen = 0;
    }

    /// Bytes published so far, headers and unused ends of sub-buffers included.
    pub fn published(&self, memory: &impl Memory) -> u64 {
        memory.load(Word::Pos, Ordering::Acquire)
    }

    /// The counters now.
    pub fn counters(&self, memory: &impl Memory) -> Counters {
        Counters {
            entries: memory.load(Word::Entries, Ordering::Relaxed),
            lost: memory.load(Word::Lost, Ordering::Relaxed),
            oversize: memory.load(Word::Oversize, Ordering::Relaxed),
        }
    }

    /// Asks the writer to close the open packet at its next record. Does nothing while a complete packet waits: then there is
    /// something to read already, and a switch may find no free sub-buffer and lose a record that the open one has room for.
    ///
    /// Races with the writer's own store of the word. If the writer's comes last the request is lost and made again; if ours
    /// comes last, right after a switch, the next packet is the short one.
    pub fn ask_for_switch(&self, memory: &impl Memory) {
        let published = self.published(memory);
        if published > self.consumed && self.geometry.start(published) <= self.consumed {
            memory.store(Word::TimeLimit, 0, Ordering::Relaxed);
        }
    }

    /// The oldest complete packet, `None` while there is none.
    pub fn complete(&self, memory: &impl Memory) -> Option<Packet> {
        if self.geometry.start(self.published(memory)) <= self.consumed {
            return None;
        }
        // The header was closed before `pos` moved on, so its length is there.
        let at = self.geometry.offset(self.consumed);
        Some(Packet { at, len: self.content(memory, at) })
    }

    /// Content of the closed packet at `at`, in bytes. Never more than the sub-buffer, whatever the word says.
    fn content(&self, memory: &impl Memory, at: usize) -> usize {
        let bits = memory.header(at, HeaderWord::Content);
        (bits / 8).clamp(u64::from(ring::HEADER), u64::from(self.geometry.sub_buffer())) as usize
    }

    /// Hands the oldest packet back; the writer may overwrite it. Only after [`Self::complete`] has shown it.
    pub fn hand_back(&mut self, memory: &impl Memory) {
        self.consumed += u64::from(self.geometry.sub_buffer());
        self.seen = self.seen.max(self.consumed);
        memory.store(Word::Consumed, self.consumed, Ordering::Release);
    }

    /// What was published since the last call, one piece per packet. Hands back the packets that it has given in whole.
    pub fn tail(&mut self, memory: &impl Memory) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let published = self.published(memory);
        while self.seen < published {
            let start = self.geometry.start(self.seen);
            let at = self.geometry.offset(start);
            let closed = self.geometry.start(published) > start;
            let from = self.seen.max(start + u64::from(ring::HEADER));
            let to = if closed { start + self.content(memory, at) as u64 } else { published };
            let mut records = Vec::new();
            let len = to.saturating_sub(from) as usize;
            memory.read(self.geometry.offset(from), len, &mut records);
            pieces.push(Piece { cpu: self.cpu, header: self.header(memory, at, closed), records, closed });
            if closed {
                self.consumed = start;
                self.hand_back(memory);
            } else {
                self.seen = published;
            }
        }
        pieces
    }

    /// The header at `at`, as far as it is there.
    fn header(&self, memory: &impl Memory, at: usize, closed: bool) -> [u8; ring::HEADER as usize] {
        let mut header = [0; ring::HEADER as usize];
        let mut constants = Vec::new();
        memory.read(at, ring::HEADER_BEGIN as usize, &mut constants);
        for (to, from) in header.iter_mut().zip(constants) {
            *to = from;
        }
        for word in HeaderWord::ALL {
            if closed || word.is_early() {
                let bytes = memory.header(at, word).to_le_bytes();
                header[word.offset()..word.offset() + 8].copy_from_slice(&bytes);
            }
        }
        let cpu_at = ring::HEADER_CPU as usize;
        header[cpu_at..cpu_at + 4].copy_from_slice(&self.cpu.to_le_bytes());
        header
    }

    /// Closes the open packet in place of the writer, after the last writer has gone: `end` is the time now, not before any
    /// record. Its sub-buffer is complete afterwards.
    pub fn close(&mut self, memory: &impl Memory, end: u64) {
        let published = self.published(memory);
        let limit = memory.load(Word::Limit, Ordering::Relaxed);
        // Nothing was opened yet (both are 0), or it is closed already.
        if published >= limit {
            return;
        }
        close_header(memory, self.geometry, published, self.geometry.start(published), end);
        memory.store(Word::Pos, limit, Ordering::Release);
    }
}

/// Fills in how the packet that begins at position `start` and is filled up to `pos` has ended.
fn close_header(memory: &impl Memory, geometry: Geometry, pos: u64, start: u64, end: u64) {
    let at = geometry.offset(start);
    let bits = (pos - start) * 8;
    memory.set_header(at, HeaderWord::End, end);
    memory.set_header(at, HeaderWord::Content, bits);
    memory.set_header(at, HeaderWord::Packet, bits);
    memory.set_header(at, HeaderWord::Discarded, memory.load(Word::Lost, Ordering::Relaxed));
    memory.set_header(at, HeaderWord::Oversize, memory.load(Word::Oversize, Ordering::Relaxed));
}

/// What a generated program does to the ring, step by step. Keeps nothing between records: all state is in the memory.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    geometry: Geometry,
}

impl Writer {
    /// A writer of a ring of this geometry.
    pub fn new(geometry: Geometry) -> Writer {
        Writer { geometry }
    }

    /// Room for a record of up to `longest` bytes at time `now`: its position. `None` when there is none; the loss is counted.
    ///
    /// `longest` must be less than a sub-buffer without its header, as [`crate::generate::program`] makes sure. A record never
    /// ends exactly at the limit: `pos` would then be in the next sub-buffer while the header of this one is still open.
    pub fn reserve(&self, memory: &impl Memory, longest: u32, now: u64) -> Option<u64> {
        let pos = memory.load(Word::Pos, Ordering::Relaxed);
        let limit = memory.load(Word::Limit, Ordering::Relaxed);
        if pos + u64::from(longest) < limit && now < memory.load(Word::TimeLimit, Ordering::Relaxed) {
            return Some(pos);
        }
        self.switch(memory, pos, limit, now)
    }

    /// Closes the open packet and opens the next one, or counts a loss when the reader has not handed that sub-buffer back.
    fn switch(&self, memory: &impl Memory, pos: u64, limit: u64, now: u64) -> Option<u64> {
        let sub_buffer = u64::from(self.geometry.sub_buffer());
        let consumed = memory.load(Word::Consumed, Ordering::Acquire);
        if limit.wrapping_sub(consumed) > u64::from(self.geometry.data()) - sub_buffer {
            count(memory, Word::Lost);
            return None;
        }
        // Limit 0: nothing was opened yet.
        if limit != 0 {
            close_header(memory, self.geometry, pos, limit - sub_buffer, now);
        }
        let at = self.geometry.offset(limit);
        memory.set_header(at, HeaderWord::Begin, now);
        memory.set_header(at, HeaderWord::Sequence, limit / sub_buffer);
        let opened = limit + u64::from(ring::HEADER);
        memory.store(Word::Limit, limit + sub_buffer, Ordering::Relaxed);
        memory.store(Word::TimeLimit, ((now >> 32) + 1) << 32, Ordering::Relaxed);
        memory.store(Word::Pos, opened, Ordering::Release);
        Some(opened)
    }

    /// Makes the record of `len` bytes, stored behind `pos`, visible. `entry`: it is the entry record of a call.
    pub fn publish(&self, memory: &impl Memory, len: usize, entry: bool) {
        if entry {
            count(memory, Word::Entries);
        }
        let pos = memory.load(Word::Pos, Ordering::Relaxed);
        memory.store(Word::Pos, pos + len as u64, Ordering::Release);
    }

    /// Gives the room up: the record left its bounds.
    pub fn drop_oversize(&self, memory: &impl Memory) {
        count(memory, Word::Lost);
        count(memory, Word::Oversize);
    }

    /// A whole record; false when it was lost.
    pub fn record(&self, memory: &impl Memory, longest: u32, now: u64, bytes: &[u8], entry: bool) -> bool {
        let Some(pos) = self.reserve(memory, longest, now) else { return false };
        memory.write(self.geometry.offset(pos), bytes);
        self.publish(memory, bytes.len(), entry);
        true
    }
}

fn count(memory: &impl Memory, word: Word) {
    memory.store(word, memory.load(word, Ordering::Relaxed) + 1, Ordering::Relaxed);
}
