//! The collector's side of the per-CPU rings. Layout of the memory: [`probe::ring`].
//!
//! Orderings: the probe's last store of a record is `pos`, the acquire load of `pos` here is its partner, so everything
//! before `pos` is whole. The release store of `consumed` here is the partner of the probe's load before it opens the next
//! sub-buffer: what was read here is read before it is overwritten.

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use probe::ring::{self, Geometry};

use crate::bpf::Map;
use crate::mapping::Mapping;
use crate::refusal::Error;

/// Bytes of a packet header.
pub const HEADER: usize = ring::HEADER as usize;

/// One CPU's ring, as its only reader sees it.
#[derive(Debug)]
pub struct Ring {
    mapping: Arc<Mapping>,
    geometry: Geometry,
    cpu: u32,
    /// Where this CPU's element begins in the mapping.
    element: usize,
    /// Everything before this position has been handed back.
    consumed: u64,
    /// Everything before this position has been given to the live reader.
    seen: u64,
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

/// Newly published records of one packet, for the live reader.
#[derive(Debug)]
pub struct Piece {
    /// The CPU.
    pub cpu: u32,
    /// The packet's header; the end words are only right when `closed`.
    pub header: [u8; HEADER],
    /// Whole records.
    pub records: Vec<u8>,
    /// True when this is the last piece of its packet.
    pub closed: bool,
}

/// Makes the map of a ring and one reader per CPU.
pub fn create(
    name: &str,
    geometry: Geometry,
    cpus: u32,
    constants: HeaderConstants,
) -> Result<(Map, Vec<Ring>), Error> {
    let size = geometry.value_size();
    let map = Map::mapped_array(name, size, cpus)?;
    let mapping = Arc::new(Mapping::new(&map, size as usize * cpus as usize)?);
    let rings: Vec<Ring> = (0..cpus)
        .map(|cpu| Ring {
            mapping: Arc::clone(&mapping),
            geometry,
            cpu,
            element: cpu as usize * size as usize,
            consumed: 0,
            seen: 0,
        })
        .collect();
    for ring in &rings {
        ring.write_constants(constants);
    }
    Ok((map, rings))
}

impl Ring {
    /// The CPU that writes to this ring.
    pub fn cpu(&self) -> u32 {
        self.cpu
    }

    fn control(&self, word: i16) -> usize {
        self.element + word as usize
    }

    fn load(&self, word: i16, ordering: Ordering) -> u64 {
        self.mapping.word(self.control(word)).load(ordering)
    }

    fn data(&self, position: u64) -> usize {
        let offset = position & u64::from(self.geometry.data() - 1);
        self.element + ring::CONTROL as usize + offset as usize
    }

    fn sub_buffer(&self) -> u64 {
        u64::from(self.geometry.sub_buffer())
    }

    /// Start of the sub-buffer that holds `position`.
    fn start(&self, position: u64) -> u64 {
        position & !(self.sub_buffer() - 1)
    }

    /// What never changes in the headers: written once into every slot, the probe fills in the rest.
    fn write_constants(&self, constants: HeaderConstants) {
        let mut head = [0; ring::HEADER_BEGIN as usize];
        head[..4].copy_from_slice(&0xC1FC_1FC1_u32.to_le_bytes());
        head[4..20].copy_from_slice(&constants.uuid);
        head[20..24].copy_from_slice(&constants.stream_id.to_le_bytes());
        head[24..28].copy_from_slice(&self.cpu.to_le_bytes());
        for slot in 0..u64::from(self.geometry.count()) {
            let at = self.data(slot * self.sub_buffer());
            self.mapping.copy_in(at, &head);
            self.mapping.copy_in(at + 76, &self.cpu.to_le_bytes());
        }
    }

    /// Forgets everything. Only while nobody writes.
    pub fn reset(&mut self) {
        for word in [
            ring::LIMIT,
            ring::TIME_LIMIT,
            ring::LOST,
            ring::OVERSIZE,
            ring::ENTRIES,
            ring::CONSUMED,
            ring::POS,
        ] {
            self.mapping.word(self.control(word)).store(0, Ordering::Release);
        }
        self.consumed = 0;
        self.seen = 0;
    }

    /// Bytes published so far, headers included.
    pub fn published(&self) -> u64 {
        self.load(ring::POS, Ordering::Acquire)
    }

    /// The counters now.
    pub fn counters(&self) -> Counters {
        Counters {
            entries: self.load(ring::ENTRIES, Ordering::Relaxed),
            lost: self.load(ring::LOST, Ordering::Relaxed),
            oversize: self.load(ring::OVERSIZE, Ordering::Relaxed),
        }
    }

    /// Asks the probe to close the open packet at its next record. A race with the probe's own store of the word is
    /// harmless: the request is lost and made again.
    pub fn ask_for_switch(&self) {
        if self.published() > self.consumed {
            self.mapping.word(self.control(ring::TIME_LIMIT)).store(0, Ordering::Relaxed);
        }
    }

    /// Bytes of the oldest complete packet, `None` while there is none.
    fn complete(&self) -> Option<usize> {
        if self.start(self.published()) <= self.consumed {
            return None;
        }
        // The header was closed before `pos` moved on, so its length is there.
        Some(self.content(self.consumed))
    }

    /// Content of the closed packet at `position`, in bytes.
    fn content(&self, position: u64) -> usize {
        let bits = self.header_word(position, ring::HEADER_CONTENT);
        // Never more than the sub-buffer, whatever the word says.
        (bits / 8).clamp(HEADER as u64, self.sub_buffer()) as usize
    }

    fn header_word(&self, position: u64, offset: i16) -> u64 {
        let mut bytes = Vec::with_capacity(8);
        self.mapping.copy_out(self.data(position) + offset as usize, 8, &mut bytes);
        bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    fn hand_back(&mut self) {
        self.consumed += self.sub_buffer();
        self.seen = self.seen.max(self.consumed);
        self.mapping.word(self.control(ring::CONSUMED)).store(self.consumed, Ordering::Release);
    }

    /// Writes the oldest complete packet to a file and hands its sub-buffer back. `Ok(None)` when there is none; an error
    /// leaves the packet where it is, `written` tells how much of it is in the file.
    pub fn write_packet(&mut self, fd: RawFd, written: &mut usize) -> io::Result<Option<usize>> {
        let Some(len) = self.complete() else { return Ok(None) };
        while *written < len {
            match self.mapping.write_to(fd, self.data(self.consumed) + *written, len - *written) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => *written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        *written = 0;
        self.hand_back();
        Ok(Some(len))
    }

    /// Hands the oldest complete packet back unread; true when there was one.
    pub fn drop_packet(&mut self) -> bool {
        let complete = self.complete().is_some();
        if complete {
            self.hand_back();
        }
        complete
    }

    /// What was published since the last call, one piece per packet.
    pub fn tail(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let published = self.published();
        while self.seen < published {
            let start = self.start(self.seen);
            let closed = self.start(published) > start;
            let from = self.seen.max(start + HEADER as u64);
            let to = if closed { start + self.content(start) as u64 } else { published };
            let mut header = Vec::with_capacity(HEADER);
            self.mapping.copy_out(self.data(start), HEADER, &mut header);
            let mut records = Vec::new();
            self.mapping.copy_out(self.data(from), to.saturating_sub(from) as usize, &mut records);
            let header = header.try_into().unwrap_or([0; HEADER]);
            pieces.push(Piece { cpu: self.cpu, header, records, closed });
            if closed {
                self.seen = start + self.sub_buffer();
                self.consumed = start;
                self.hand_back();
            } else {
                self.seen = published;
            }
        }
        pieces
    }

    /// Closes the open packet in place of the probe, after the last writer has gone: `end` is the time now, not before any
    /// record. Its sub-buffer is complete afterwards.
    pub fn close(&mut self, end: u64) {
        let published = self.published();
        let limit = self.load(ring::LIMIT, Ordering::Relaxed);
        if limit == 0 || published >= limit {
            return;
        }
        let start = self.start(published);
        let at = self.data(start);
        let bits = (published - start) * 8;
        let counters = self.counters();
        for (offset, value) in [
            (ring::HEADER_END, end),
            (ring::HEADER_CONTENT, bits),
            (ring::HEADER_PACKET, bits),
            (ring::HEADER_DISCARDED, counters.lost),
            (ring::HEADER_OVERSIZE, counters.oversize),
        ] {
            self.mapping.copy_in(at + offset as usize, &value.to_le_bytes());
        }
        self.mapping.word(self.control(ring::POS)).store(limit, Ordering::Release);
    }
}
