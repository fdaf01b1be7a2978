//! Events made by hand become calls and counts.

#[path = "../events/mod.rs"]
mod events;
mod pairing;
mod summary;
