//! The only `mmap`: shared memory of a map, seen as words and bytes that somebody else may be changing.
//!
//! No slice over the mapping exists: words are read and written as atomics, published bytes are copied out or written to a
//! file from their address.

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crate::bpf::Map;
use crate::refusal::Error;

/// A shared mapping of a whole map.
#[derive(Debug)]
pub struct Mapping {
    base: *mut u8,
    len: usize,
}

// SAFETY: the mapping is plain shared memory; all access goes through atomics or copies of published bytes, and it is
// unmapped only by the drop of its one owner.
unsafe impl Send for Mapping {}
// SAFETY: as above; no method hands out a reference into memory that another thread may write without atomics.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `len` bytes of the map, readable and writable. Child processes share the mapping.
    pub fn new(map: &Map, len: usize) -> Result<Mapping, Error> {
        // SAFETY: a new mapping at an address that the kernel chooses; no existing memory is touched.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(Error::call("mmap of a map"));
        }
        Ok(Mapping { base: base.cast(), len })
    }

    /// Panics when the range is outside: every caller computes it from the geometry that the mapping was made with.
    fn at(&self, offset: usize, len: usize) -> *mut u8 {
        assert!(offset.checked_add(len).is_some_and(|end| end <= self.len), "{offset}+{len} of {}", self.len);
        // SAFETY: the assertion keeps the address inside the mapping.
        unsafe { self.base.add(offset) }
    }

    /// The 8-byte word at `offset`, a multiple of 8.
    pub fn word(&self, offset: usize) -> &AtomicU64 {
        let at = self.at(offset, 8);
        assert!(offset.is_multiple_of(8), "word at {offset}");
        // SAFETY: inside the mapping (checked), aligned (the mapping begins on a page), alive as long as `self`; the other side
        // accesses the word by single 8-byte loads and stores.
        unsafe { AtomicU64::from_ptr(at.cast()) }
    }

    /// The byte at `offset`.
    pub fn byte(&self, offset: usize) -> &AtomicU8 {
        let at = self.at(offset, 1);
        // SAFETY: inside the mapping (checked) and alive as long as `self`; the other side accesses it by single-byte loads and
        // stores.
        unsafe { AtomicU8::from_ptr(at) }
    }

    /// Copies published bytes out: nobody writes to them until they are handed back.
    pub fn copy_out(&self, offset: usize, out: &mut [u8]) {
        let from = self.at(offset, out.len());
        // SAFETY: source inside the mapping (checked); the caller's range is published and not handed back, so no one writes
        // to it; source and destination cannot overlap, since no slice into the mapping exists.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
    }

    /// Writes bytes that nobody else touches now: constant header words before start, and headers of packets that user
    /// space closes after the last writer has gone.
    pub fn copy_in(&self, offset: usize, bytes: &[u8]) {
        let to = self.at(offset, bytes.len());
        // SAFETY: destination inside the mapping (checked); source and destination cannot overlap, since no slice into the
        // mapping exists.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    }

    /// Writes published bytes to a file, straight from the mapping. Returns the bytes written.
    pub fn write_to(&self, fd: RawFd, offset: usize, len: usize) -> io::Result<usize> {
        let from = self.at(offset, len);
        // SAFETY: the range is inside the mapping (checked); the kernel only reads it.
        let written = unsafe { libc::write(fd, from.cast(), len) };
        if written < 0 { Err(io::Error::last_os_error()) } else { Ok(written as usize) }
    }

    /// Index of the first byte that is not zero in a range, read byte by byte.
    pub fn first_nonzero(&self, offset: usize, len: usize) -> Option<usize> {
        let start = self.at(offset, len) as usize - self.base as usize;
        let mut at = start;
        let end = start + len;
        while at < end {
            if at.is_multiple_of(8) && at + 8 <= end && self.word(at).load(Ordering::Relaxed) == 0 {
                at += 8;
            } else if self.byte(at).load(Ordering::Relaxed) != 0 {
                return Some(at);
            } else {
                at += 1;
            }
        }
        None
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `base` and `len` are what mmap gave; no reference outlives `self`. A failure leaves the mapping in place,
        // which is harmless.
        unsafe { libc::munmap(self.base.cast(), self.len) };
    }
}
