//! Any text as CTF metadata: read or refused, and its types compiled or refused.
#![no_main]

use std::sync::Arc;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(types) = ctf::metadata::parse(text) else { return };
    // Not every type that can be written down can be decoded.
    let _ = ctf::read::Decoder::new(Arc::new(types));
});
