//! Any bytes as a `.tt` text: read, or refused with a place. What was read prints as a text that reads back the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match schema::parse_bytes(bytes, "fuzz") {
        Err(error) => assert!(error.line >= 1 && error.column >= 1 && !error.render().is_empty()),
        Ok(_) => {
            let text = std::str::from_utf8(bytes).expect("it was read");
            let (mut catalog, mut again) = (schema::Catalog::new(), schema::Catalog::new());
            if catalog.add(text, "fuzz").is_ok() {
                again.add(&catalog.print(), "printed").expect("a printed table is read");
                assert_eq!(again, catalog);
            }
        }
    }
});
