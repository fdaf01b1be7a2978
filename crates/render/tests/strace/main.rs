//! Lines as strace 6.1 writes them for the same calls, and the lines that strace does not have.

mod arguments;
#[path = "../../../calls/tests/events/mod.rs"]
mod events;
mod holes;
mod objects;
mod processes;
mod scene;
