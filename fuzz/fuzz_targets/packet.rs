//! Any bytes as a stream of packets: records, or an error, and an end.
#![no_main]

use std::sync::{Arc, LazyLock};

use ctf::read::{Decoder, Packets};

/// Headers as ours, and a field of each kind.
const METADATA: &str = "/* CTF 1.8 */
    typealias integer { size = 8; } := u8;
    typealias integer { size = 16; } := u16;
    typealias integer { size = 64; } := u64;
    trace { major = 1; minor = 8; byte_order = le; };
    clock { name = monotonic; };
    stream {
        packet.context := struct { u64 timestamp_begin; u64 timestamp_end; u64 content_size; u64 packet_size; };
        event.header := struct { u16 id; integer { size = 32; map = clock.monotonic.value; } timestamp; };
    };
    event { name = a; id = 0; fields := struct { string _s; u16 _n; u8 _bytes[_n]; u64 _row[3]; }; };
    event { name = b; id = 1; fields := struct { enum : u8 { ok, bad = 7 ... 9 } _state; u64 _v; }; };";

static DECODER: LazyLock<Decoder> = LazyLock::new(|| {
    let types = ctf::metadata::parse(METADATA).expect("the metadata above");
    Decoder::new(Arc::new(types)).expect("the types above")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for packet in Packets::new(&DECODER, bytes) {
        let Ok(packet) = packet else { break };
        if let Ok((_, events)) = DECODER.packet(packet.bytes) {
            assert!(events.count() <= bytes.len());
        }
    }
});
