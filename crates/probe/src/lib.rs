//! Layouts to eBPF programs.
#![forbid(unsafe_code)]
