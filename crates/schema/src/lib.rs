//! What each system call means: the `.tt` language, the catalog, layouts and capture plans.
//!
//! Pure: text in, values and text out. The kernel crate brings the texts of the running kernel.
#![forbid(unsafe_code)]

pub mod ast;
