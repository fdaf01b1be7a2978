//! Generated programs, run by the interpreter: which bytes they write, and what they do to the ring and to the set of threads.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod choices;
mod decode;
mod differential;
mod dispatch;
mod lifecycle;
mod listing;
mod packets;
mod parts;
mod pointees;
mod records;
mod safety;
mod scene;
