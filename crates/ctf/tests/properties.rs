//! What holds for every trace, and for bytes that are no trace.

#![expect(clippy::unwrap_used, reason = "a test fails by panic, also in the functions that its cases share")]

use std::sync::Arc;

use ctf::merge::Merge;
use ctf::metadata;
use ctf::read::{Decoder, Packets};
use proptest::collection::vec;
use proptest::prelude::*;
use random::{packet, trace};

mod random;

/// Reads everything in every way; must end, whatever the bytes are.
fn read_all(decoder: &Arc<Decoder>, bytes: &[u8]) {
    for packet in Packets::new(decoder, bytes).flatten() {
        if let Ok((_, events)) = decoder.packet(packet.bytes) {
            events.for_each(drop);
        }
    }
    if let Ok((header, events)) = decoder.packet(bytes) {
        events.for_each(drop);
        if let Ok(events) = decoder.events_in(&header, bytes) {
            events.for_each(drop);
        }
    }
    let streams = [(Arc::from("a"), Packets::new(decoder, bytes))];
    Merge::new(Arc::clone(decoder), streams).for_each(drop);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn metadata_that_was_written_reads_back(trace in trace()) {
        prop_assert_eq!(trace.check(), Ok(()));
        let text = metadata::write(&trace);
        match metadata::parse(&text) {
            Ok(parsed) => prop_assert_eq!(parsed, trace, "{}", text),
            Err(error) => prop_assert!(false, "{error}\n{text}"),
        }
    }

    #[test]
    fn records_that_were_written_read_back(trace in trace(), seed: u64) {
        let (bytes, records) = packet(&trace, seed, 5, false);
        let decoder = Decoder::new(Arc::new(trace)).unwrap();
        let (header, events) = decoder.packet(&bytes).unwrap();
        prop_assert_eq!(header.begin, seed >> 8);
        prop_assert_eq!(header.packet_bits, bytes.len() as u64 * 8);
        let events: Result<Vec<_>, _> = events.collect();
        let events = events.unwrap();
        prop_assert_eq!(events.len(), records.len());
        for (event, (time, context, fields)) in events.iter().zip(&records) {
            prop_assert_eq!(event.time, *time);
            prop_assert_eq!(&event.context, context);
            prop_assert_eq!(&event.fields, fields);
        }
    }

    #[test]
    fn any_bytes_are_read_to_an_end(trace in trace(), bytes in vec(any::<u8>(), 0..200)) {
        let decoder = Arc::new(Decoder::new(Arc::new(trace)).unwrap());
        read_all(&decoder, &bytes);
    }

    #[test]
    fn damaged_packets_are_read_to_an_end(
        trace in trace(),
        seed: u64,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut: prop::sample::Index,
    ) {
        let mut bytes = packet(&trace, seed, 5, false).0;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let decoder = Arc::new(Decoder::new(Arc::new(trace)).unwrap());
        read_all(&decoder, &bytes);
        read_all(&decoder, &bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn any_text_is_parsed_to_an_end(text in "(/\\* CTF 1.8 \\*/ ?trace \\{ byte_order = le; )?.{0,200}") {
        let _ = metadata::parse(&text);
    }

    #[test]
    fn damaged_metadata_is_parsed_to_an_end(
        trace in trace(),
        changes in vec((any::<prop::sample::Index>(), any::<char>()), 1..6),
        cut: prop::sample::Index,
    ) {
        let mut text: Vec<char> = metadata::write(&trace).chars().collect();
        for (at, c) in changes {
            let at = at.index(text.len());
            text[at] = c;
        }
        let _ = metadata::parse(&String::from_iter(&text));
        let _ = metadata::parse(&String::from_iter(&text[..cut.index(text.len())]));
    }

    #[test]
    fn metadata_with_shuffled_tokens_is_parsed_to_an_end(
        trace in trace(),
        swaps in vec(any::<(prop::sample::Index, prop::sample::Index)>(), 1..6),
    ) {
        let text = metadata::write(&trace);
        let mut words: Vec<&str> = text.split_inclusive([' ', ';', '\n']).collect();
        for (a, b) in swaps {
            let (a, b) = (a.index(words.len()), b.index(words.len()));
            words.swap(a, b);
        }
        let _ = metadata::parse(&words.concat());
    }
}
