//! Calls to text.
#![forbid(unsafe_code)]
