//! Calls and events to text.
//!
//! ```text
//! Happening --Strace--> text as strace writes it
//! Event ------Ftrace--> text as ftrace's first system call tracer wrote it
//! Event ------Json----> one typed object a line
//! ```
//!
//! A style gives one line for one record, newline included, as a `&str` that is valid until the next one. Whatever a traced
//! program put into a record: the text is UTF-8 without control characters other than the newline and without
//! characters that turn the writing direction.
//!
//! Pure: no I/O, no clock, no environment.
#![forbid(unsafe_code)]

mod argument;
mod composed;
pub mod errno;
mod flags;
mod form;
pub mod ftrace;
mod json;
mod netlink;
mod object;
mod outcome;
mod pointee;
pub mod quote;
pub mod signal;
mod stamp;
mod strace;
pub mod summary;
mod token;
mod value;
mod variant;

pub use ftrace::Ftrace;
pub use json::Json;
pub use stamp::{Stamp, WallClock};
pub use strace::{Options, PidPrefix, Strace};
