//! Two tracers over one run: every argument of every call compared by meaning.
//!
//! syscribe traces strace, which traces a program; both write strace's line format. [`Tally::new`] takes the two texts,
//! pairs the calls of each thread in order, and puts every argument that strace shows into one of four classes:
//!
//! | class | ours, compared with strace's | example: strace, ours |
//! |---|---|---|
//! | equal | the same meaning | `0x10`, `16` · `A\|B`, `B\|A` · `[3] => [8]`, `[3 => 8]` |
//! | more | tells what strace leaves as an address, a number or dots | `0x7ff0`, `{fd=3}` · `A\|0x4`, `A\|B` |
//! | less | leaves what strace tells, or tells fewer members | `{fd=3}`, `0x7ff0` · `{a=1, b=2}`, `{a=1, ...}` |
//! | wrong | tells something else | `3`, `4` · `PROT_READ`, `MAP_SHARED` |
//!
//! An argument of several parts has the class of its worst part. The rules, which [`compare`] holds and its tests show:
//!
//! * Comments (`/* 3 vars */`) and the spelling of escapes say nothing. Flags and signal sets have no order.
//! * A name where strace has a number is more only if the type table says that the name is this number. A name that the
//!   table does not know is wrong where strace has a number or another name.
//! * Two different names are equal only if they stand for the same bits in one set of the type table, or in the short list of
//!   aliases that no set holds together. The same number under a name from another set is wrong.
//! * Content where strace has an address is more; behind NULL it is wrong. Bytes as they are, where strace takes them apart, are
//!   less; the other way round they are more, if every number of ours is among the bytes.
//!   Of bytes that strace cuts, all that it shows must be ours.
//! * Decimal numbers are equal or not. A number in hexadecimal equals its two's complement in 32 and in 64 bits. The same 32 or
//!   64 bits with another sign are less.
//! * A call that strace has no name for (`syscall_0x1c3`) is paired by its number; its registers are compared with our
//!   arguments in the width of these, and registers beyond the last argument do not count.
//! * Arguments of ours that strace does not show are not counted.
//! * A result that differs is wrong. What strace writes in parentheses behind a result that is no error (`(in [5])`,
//!   `(flags FD_CLOEXEC)`) counts as one more argument. It is compared with what we write there, or else with the value at exit of the
//!   argument that it tells of.

#![forbid(unsafe_code)]

mod bytes;
mod class;
mod log;
mod names;
mod parse;
mod remarks;
pub mod report;
pub mod run;
mod tally;
mod value;

pub use class::{Class, compare, compare_register};
pub use log::{Call, Log, Outcome};
pub use names::Names;
pub use parse::value;
pub use tally::{Count, Finding, Tally};
pub use value::{Item, Value};
