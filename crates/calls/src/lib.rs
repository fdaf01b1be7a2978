//! Events to calls.
#![forbid(unsafe_code)]
