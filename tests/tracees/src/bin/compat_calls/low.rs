//! Memory below 4 GiB, which 32-bit calls can be pointed to, and the calls.

use std::ffi::CStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const PAGE: usize = 4096;
/// Pages for objects, then pages whose end is the hole.
const PAGES: [usize; 2] = [16, 4];

/// An argument: a number, or the address of so many bytes.
#[derive(Clone, Copy)]
pub(crate) struct Word {
    pub(crate) value: u32,
    size: usize,
}

impl From<u32> for Word {
    fn from(value: u32) -> Self {
        Self { value, size: 0 }
    }
}

impl From<i32> for Word {
    fn from(value: i32) -> Self {
        Self { value: value as u32, size: 0 }
    }
}

fn region() -> u32 {
    static REGION: OnceLock<u32> = OnceLock::new();
    *REGION.get_or_init(|| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
        let (all, prot) = ((PAGES[0] + PAGES[1] + 1) * PAGE, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: a new private mapping.
        let pages = unsafe { libc::mmap(std::ptr::null_mut(), all, prot, flags, -1, 0) };
        assert_ne!(pages, libc::MAP_FAILED);
        let last = pages.cast::<u8>().wrapping_add(all - PAGE);
        // SAFETY: the last page of the mapping above.
        assert_eq!(unsafe { libc::mprotect(last.cast(), PAGE, libc::PROT_NONE) }, 0);
        pages as usize as u32
    })
}

/// The address of a page that may not be touched; the pages before it may.
pub(crate) fn hole() -> u32 {
    region() + ((PAGES[0] + PAGES[1]) * PAGE) as u32
}

/// Copies an object below 4 GiB. What was put there first is overwritten when the place is full.
pub(crate) fn place<T: Copy>(object: &[T]) -> Word {
    static USED: AtomicU32 = AtomicU32::new(0);
    let size = size_of_val(object);
    let room = size.next_multiple_of(16) as u32;
    let mut at = USED.fetch_add(room, Ordering::Relaxed);
    if (at + room) as usize > PAGES[0] * PAGE {
        at = 0;
        USED.store(room, Ordering::Relaxed);
    }
    let to = region() + at;
    // SAFETY: `size` bytes of our mapping, and as many of the object.
    unsafe { std::ptr::copy_nonoverlapping(object.as_ptr().cast::<u8>(), to as usize as *mut u8, size) };
    Word { value: to, size }
}

/// A string below 4 GiB.
pub(crate) fn text(text: &CStr) -> Word {
    place(text.to_bytes_with_nul())
}

/// Makes a call.
pub(crate) fn make(number: u32, words: &[Word]) -> i32 {
    let mut registers = [0; 6];
    for (register, word) in registers.iter_mut().zip(words) {
        *register = word.value;
    }
    // SAFETY: callers pass objects that are large enough for what the kernel writes; bent pointers lead to our pages or to
    // nothing.
    unsafe { tracees::int80(number, registers) }
}

/// Makes a call, then again for each pointer: NULL, 1, into the hole, at the very end of a page, and cut by it.
pub(crate) fn bend(number: u32, words: &[Word]) -> i32 {
    let ret = make(number, words);
    for (i, word) in words.iter().enumerate().filter(|(_, word)| word.size > 0) {
        let with = |value: u32| {
            let mut bent = words.to_vec();
            bent[i].value = value;
            make(number, &bent);
        };
        let edge = |keep: usize| {
            let to = hole() - keep as u32;
            // SAFETY: the pages before the hole are ours, and the object has `keep` bytes.
            unsafe { std::ptr::copy(word.value as usize as *const u8, to as usize as *mut u8, keep) };
            to
        };
        for value in [0, 1, hole()] {
            with(value);
        }
        with(edge(word.size));
        with(edge(word.size / 2));
    }
    ret
}
