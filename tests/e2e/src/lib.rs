//! What the end-to-end tests need: running the tool as a user does, and reading what other tools say about the same
//! run. The tests themselves are in `tests/`, one file a subject, each test a sentence.
//!
//! They need root and a kernel with BPF. A test whose outside tool (strace, babeltrace2, ...) is missing says so on
//! stderr and does nothing; `cargo xtask test` installs those tools first.

#![forbid(unsafe_code)]

pub mod babeltrace;
pub mod json;
pub mod run;
pub mod same_run;
pub mod spinning;
pub mod strace_line;
