//! Arguments of raw calls, and the same call once more with each of its pointers bent.

use std::ffi::CStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

const PAGE: usize = 4096;

/// One register, and for a pointer the bytes behind it.
#[derive(Clone, Copy)]
pub(crate) struct Word {
    /// What goes into the register.
    pub(crate) value: u64,
    /// The length of what the pointer points to; 0 for a number.
    size: usize,
}

/// What can be an argument.
pub(crate) trait Argument {
    /// As it goes into the register.
    fn word(self) -> Word;
}

macro_rules! numbers {
    ($($number:ty),*) => { $(impl Argument for $number {
        fn word(self) -> Word {
            Word { value: self as u64, size: 0 }
        }
    })* };
}
numbers!(i32, u32, i64, u64, usize);

impl Argument for &CStr {
    fn word(self) -> Word {
        Word { value: self.as_ptr() as u64, size: self.count_bytes() + 1 }
    }
}

impl<T> Argument for &T {
    fn word(self) -> Word {
        Word { value: std::ptr::from_ref(self) as u64, size: size_of::<T>() }
    }
}

impl<T> Argument for &mut T {
    fn word(self) -> Word {
        Word { value: std::ptr::from_mut(self) as u64, size: size_of::<T>() }
    }
}

impl<T> Argument for &[T] {
    fn word(self) -> Word {
        Word { value: self.as_ptr() as u64, size: size_of_val(self) }
    }
}

/// A pointer that is not to be bent: with NULL for it the call would wait for ever.
pub(crate) fn straight<T>(to: &T) -> Word {
    Word { value: std::ptr::from_ref(to) as u64, size: 0 }
}

impl Argument for Word {
    fn word(self) -> Word {
        self
    }
}

/// The address of a page that may not be touched; the pages before it may. It has 31 bits, so that a register that holds it says
/// the same in the width of an `int`.
pub(crate) fn hole() -> u64 {
    static HOLE: OnceLock<u64> = OnceLock::new();
    *HOLE.get_or_init(|| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_32BIT;
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new private mapping.
        let pages = unsafe { libc::mmap(std::ptr::null_mut(), 17 * PAGE, prot, flags, -1, 0) };
        assert_ne!(pages, libc::MAP_FAILED);
        let last = pages.cast::<u8>().wrapping_add(16 * PAGE);
        // SAFETY: the last page of the mapping above.
        let ret = unsafe { libc::mprotect(last.cast(), PAGE, libc::PROT_NONE) };
        assert_eq!(ret, 0);
        last as u64
    })
}

/// Copies the first `keep` bytes behind a pointer to just before the hole.
fn at_the_edge(word: Word, keep: usize) -> u64 {
    let to = hole() - keep as u64;
    // SAFETY: the pages before the hole are ours, and `keep` is no more than what the pointer points to.
    unsafe { std::ptr::copy(word.value as *const u8, to as *mut u8, keep) };
    to
}

/// In [`made`]: the call was made, and failed each time.
pub(crate) const FAILED: u8 = 1;
/// In [`made`]: the call was made, and succeeded at least once.
pub(crate) const SUCCEEDED: u8 = 2;

/// One byte for each number: was that call made, and how did it go? Shared with the children.
pub(crate) fn made() -> &'static [AtomicU8; 512] {
    static MADE: OnceLock<&[AtomicU8; 512]> = OnceLock::new();
    MADE.get_or_init(|| {
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, prot, flags, -1, 0) };
        assert_ne!(page, libc::MAP_FAILED);
        // SAFETY: the page is larger than the array, zeroed, and never unmapped.
        unsafe { &*page.cast() }
    })
}

/// Makes a call.
pub(crate) fn make(number: i64, words: &[Word]) -> i64 {
    let mut registers = [0; 6];
    for (register, word) in registers.iter_mut().zip(words) {
        *register = word.value;
    }
    // SAFETY: callers pass objects that are large enough for what the kernel writes; bent pointers lead to our scratch
    // pages or to nothing.
    let ret = unsafe { tracees::raw(number, registers) };
    let how = if ret < 0 { FAILED } else { SUCCEEDED };
    made()[number as usize].fetch_max(how, Ordering::Relaxed);
    ret
}

/// Makes a call, then again for each pointer: NULL, 1, into the hole, at the very end of a page, and cut by it.
pub(crate) fn make_bent(number: i64, words: &[Word]) -> i64 {
    let ret = make(number, words);
    for (i, word) in words.iter().enumerate().filter(|(_, word)| word.size > 0 && word.size < 15 * PAGE) {
        let with = |value: u64| {
            let mut bent = words.to_vec();
            bent[i].value = value;
            make(number, &bent);
        };
        with(0);
        with(1);
        with(hole());
        with(at_the_edge(*word, word.size));
        with(at_the_edge(*word, word.size / 2));
    }
    ret
}

/// `call!(SYS_read, fd, &mut buffer, 8usize)`: makes the call and gives its result.
macro_rules! call {
    ($name:ident $(, $argument:expr)* $(,)?) => {
        crate::arguments::make(libc::$name, &[$(crate::arguments::Argument::word($argument)),*])
    };
}

/// As `call!`, and once more for each way to bend a pointer. Gives the result of the straight one.
macro_rules! bend {
    ($name:ident $(, $argument:expr)* $(,)?) => {
        crate::arguments::make_bent(libc::$name, &[$(crate::arguments::Argument::word($argument)),*])
    };
}

pub(crate) use {bend, call};
