//! What each system call means: the `.tt` language, the catalog, layouts and capture plans.
//!
//! Pure: text in, values and text out. The kernel crate brings the texts of the running kernel.
#![forbid(unsafe_code)]

mod abi;
pub mod ast;
mod error;
mod parse;
mod print;
mod scan;

pub use abi::Abi;
pub use error::{Error, Problem};
pub use parse::{parse, parse_bytes};
