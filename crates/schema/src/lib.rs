//! What each system call means: the `.tt` language, the catalog, layouts and capture plans.
//!
//! Pure: text in, values and text out. The kernel crate brings the texts of the running kernel.
#![forbid(unsafe_code)]

mod abi;
pub mod ast;
mod catalog;
mod class;
mod errno;
mod error;
pub mod format;
pub mod layout;
pub mod lower;
pub mod marker;
mod parse;
mod print;
mod scan;
mod sets;
mod structure;
pub mod tracefs;
pub mod tracepoint;

pub use abi::Abi;
pub use catalog::{Arg, Catalog, Expected, Syscall, Undefined};
pub use class::Class;
pub use errno::errno_text;
pub use error::{Error, Problem};
pub use parse::{parse, parse_bytes};
pub use print::print;
pub use sets::Decoded;
pub use structure::{Member, MemberType, Structure};
