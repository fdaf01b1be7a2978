//! Any text as a tracefs format: read, or refused with a place.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(error) = schema::format::parse(text, "fuzz") {
        assert!(error.line >= 1 && error.column >= 1);
    }
    // The older reader of the same files, for declarations of calls.
    let _ = schema::tracefs::parse_format(text);
});
