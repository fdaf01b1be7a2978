//! The per-CPU rings in the memory that the kernel maps for us. How they work: [`probe::protocol`], which this only gives its
//! memory and its files. Layout of the memory: [`probe::ring`].

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use probe::protocol::{HeaderWord, Memory, Reader, Word};
use probe::ring::{self, Geometry};

pub use probe::protocol::{Counters, HeaderConstants, Piece};

use crate::bpf::Map;
use crate::mapping::Mapping;
use crate::refusal::Error;

/// Bytes of a packet header.
pub const HEADER: usize = ring::HEADER as usize;

/// One CPU's ring, as its only reader sees it.
#[derive(Debug)]
pub struct Ring {
    element: Element,
    reader: Reader,
}

/// One CPU's element of the map.
#[derive(Debug)]
struct Element {
    mapping: Arc<Mapping>,
    /// Where it begins in the mapping.
    start: usize,
}

impl Element {
    fn data(&self, at: usize) -> usize {
        self.start + ring::CONTROL as usize + at
    }
}

impl Memory for Element {
    fn load(&self, word: Word, ordering: Ordering) -> u64 {
        self.mapping.word(self.start + word.offset()).load(ordering)
    }

    fn store(&self, word: Word, value: u64, ordering: Ordering) {
        self.mapping.word(self.start + word.offset()).store(value, ordering);
    }

    fn header(&self, at: usize, word: HeaderWord) -> u64 {
        let mut bytes = [0; 8];
        self.mapping.copy_out(self.data(at + word.offset()), &mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn set_header(&self, at: usize, word: HeaderWord, value: u64) {
        self.write(at + word.offset(), &value.to_le_bytes());
    }

    fn read(&self, at: usize, len: usize, out: &mut Vec<u8>) {
        let old = out.len();
        out.resize(old + len, 0);
        self.mapping.copy_out(self.data(at), &mut out[old..]);
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        self.mapping.copy_in(self.data(at), bytes);
    }
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
            element: Element { mapping: Arc::clone(&mapping), start: cpu as usize * size as usize },
            reader: Reader::new(geometry, cpu),
        })
        .collect();
    for ring in &rings {
        ring.reader.write_constants(&ring.element, constants);
    }
    Ok((map, rings))
}

impl Ring {
    /// The CPU that writes to this ring.
    pub fn cpu(&self) -> u32 {
        self.reader.cpu()
    }

    /// Forgets everything. Only while nobody writes.
    pub fn reset(&mut self) {
        self.reader.reset(&self.element);
    }

    /// Bytes published so far, headers included.
    pub fn published(&self) -> u64 {
        self.reader.published(&self.element)
    }

    /// The counters now.
    pub fn counters(&self) -> Counters {
        self.reader.counters(&self.element)
    }

    /// Asks the probe to close the open packet at its next record; does nothing while a complete packet waits to be read.
    pub fn ask_for_switch(&self) {
        self.reader.ask_for_switch(&self.element);
    }

    /// Writes the oldest complete packet to a file and hands its sub-buffer back. `Ok(None)` when there is none; an error
    /// leaves the packet where it is, `written` tells how much of it is in the file.
    pub fn write_packet(&mut self, fd: RawFd, written: &mut usize) -> io::Result<Option<usize>> {
        let Some(packet) = self.reader.complete(&self.element) else { return Ok(None) };
        let from = self.element.data(packet.at);
        while *written < packet.len {
            match self.element.mapping.write_to(fd, from + *written, packet.len - *written) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => *written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        *written = 0;
        self.reader.hand_back(&self.element);
        Ok(Some(packet.len))
    }

    /// Hands the oldest complete packet back unread; true when there was one.
    pub fn drop_packet(&mut self) -> bool {
        let complete = self.reader.complete(&self.element).is_some();
        if complete {
            self.reader.hand_back(&self.element);
        }
        complete
    }

    /// What was published since the last call, one piece per packet.
    pub fn tail(&mut self) -> Vec<Piece> {
        self.reader.tail(&self.element)
    }

    /// Closes the open packet in place of the probe, after the last writer has gone: `end` is the time now, not before any
    /// record. Its sub-buffer is complete afterwards.
    pub fn close(&mut self, end: u64) {
        self.reader.close(&self.element, end);
    }
}
