//! One entry point for everything a contributor runs.
fn main() {}
