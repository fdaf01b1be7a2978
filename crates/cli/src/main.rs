//! The `syscribe` binary.
#![forbid(unsafe_code)]
fn main() {}
