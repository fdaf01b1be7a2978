//! Any text as the format of a marker: refused with a place, or fields whose lists fit their numbers.
#![no_main]

use schema::marker::{Data, Marker};

libfuzzer_sys::fuzz_target!(|format: &str| {
    let Ok(marker) = Marker::new("m", format) else { return };
    for field in &marker.fields {
        if let (Some(list), Data::Number { stored, .. }) = (&field.list, field.data) {
            assert!(
                list.items().iter().all(|item| stored.bytes == 8 || item.value >> (8 * stored.bytes) == 0)
            );
        }
    }
    assert_eq!(marker.event(0, 0).fields.fields.len(), marker.fields.len());
    assert!(marker.lines().len() <= marker.fields.len());
});
