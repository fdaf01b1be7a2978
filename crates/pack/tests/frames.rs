//! What a frame holds, and what damage does to it.

#![expect(clippy::unwrap_used, reason = "a test fails by panic")]

use std::sync::Arc;

use ctf::read::Decoder;
use pack::{Error, HEAD_LEN, Head, Packer, Unpacker, Whole};
use proptest::collection::vec;
use proptest::prelude::*;

#[path = "../../ctf/tests/random/mod.rs"]
mod random;
mod sample;

/// Packs and unpacks.
fn there_and_back(decoder: &Arc<Decoder>, packets: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut packer = Packer::new(Arc::clone(decoder)).unwrap();
    assert_eq!(packer.whole(packets).unwrap().len, packets.len());
    let frame = packer.frame(0, packets).unwrap();
    let mut back = Vec::new();
    unpack(decoder, &frame, &mut back).unwrap();
    (frame, back)
}

fn unpack(decoder: &Arc<Decoder>, frame: &[u8], packets: &mut Vec<u8>) -> Result<(), Error> {
    let head = frame.first_chunk::<HEAD_LEN>().ok_or(Error::Truncated { need: 48, have: 0 })?;
    Unpacker::new(Arc::clone(decoder))?.packets(&Head::parse(head)?, &frame[HEAD_LEN..], packets)
}

#[test]
fn a_frame_says_what_is_in_it() {
    let packets = sample::packets(40_000, 3, 9);
    let mut packer = Packer::new(sample::decoder()).unwrap();
    let frame = packer.frame(4096, &packets).unwrap();
    let head = Head::parse(frame.first_chunk().unwrap()).unwrap();
    assert_eq!((head.offset, head.begin, head.plain), (4096, 20_000, packets.len()));
    assert!(head.end > head.begin && head.body == frame.len() - HEAD_LEN);
}

#[test]
fn records_in_columns_take_a_fraction() {
    let packets = sample::packets(7, 10, 1000);
    let (frame, back) = there_and_back(&sample::decoder(), &packets);
    assert!(back == packets);
    assert!(frame.len() * 3 < packets.len(), "{} of {}", frame.len(), packets.len());
}

#[test]
fn records_that_are_not_as_the_types_say_are_packed_as_they_are() {
    let mut packets = sample::packets(7, 2, 20);
    // The id of the first record of the first packet.
    packets[37] = 0xff;
    assert!(there_and_back(&sample::decoder(), &packets).1 == packets);
}

#[test]
fn a_cut_packet_waits_for_the_rest() {
    let packets = sample::packets(7, 2, 20);
    let packer = Packer::new(sample::decoder()).unwrap();
    let one = packer.whole(&packets[..packets.len() - 1]).unwrap();
    assert_eq!(packer.whole(&packets).unwrap().len, one.len + one.next);
    assert!(matches!(packer.whole(&[0; 64]), Err(Error::Packet(_))));
    // No packet has ten bytes.
    assert_eq!(packer.whole(&packets[..10]).unwrap(), Whole { len: 0, next: 37 });
}

#[test]
fn what_no_frame_can_hold_is_refused_before_memory_is_taken() {
    let frame = Packer::new(sample::decoder()).unwrap().frame(0, &sample::packets(7, 2, 20)).unwrap();
    let error = |at: usize, claim: [u8; 4]| {
        let mut head = *frame.first_chunk::<HEAD_LEN>().unwrap();
        head[at..at + 4].copy_from_slice(&claim);
        let sum = head[..44]
            .iter()
            .fold(0x811c_9dc5, |sum: u32, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
        head[44..].copy_from_slice(&sum.to_le_bytes());
        Head::parse(&head).unwrap_err().to_string()
    };
    let most = [0xff; 4];
    assert_eq!(
        error(32, most),
        "the frame claims packets of 4294967295 bytes; at most 16777216 are possible"
    );
    assert_eq!(
        error(36, most),
        "the frame claims columns of 4294967295 bytes; at most 33554432 are possible"
    );
    assert_eq!(error(40, most), "the frame claims a body of 4294967295 bytes; at most 33554432 are possible");
    assert_eq!(error(4, most), "the frame is packed by method 4294967295, which is unknown");
    assert_eq!(
        error(0, [0xc1, 0x1f, 0xfc, 0xc1]),
        "no frame begins here: magic number 0xc1fc1fc1, expected 0x50535953"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packets_of_any_trace_come_back(trace in random::trace(), seed: u64) {
        let (packet, _) = random::packet(&trace, seed, 5, false);
        let decoder = Arc::new(Decoder::new(Arc::new(trace)).unwrap());
        prop_assert_eq!(there_and_back(&decoder, &packet).1, packet);
    }

    #[test]
    fn packets_come_back_from_their_columns(seed: u64, count in 1u64..4, records in 0u64..40) {
        let packets = sample::packets(seed >> 8, count, records);
        prop_assert_eq!(there_and_back(&sample::decoder(), &packets).1, packets);
    }

    #[test]
    fn damaged_packets_come_back_damaged(
        seed: u64,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut packets = sample::packets(seed >> 8, 2, 20);
        let head = 37;
        for (at, byte) in changes {
            let at = head + at.index(packets.len() / 2 - head);
            packets[at] = byte;
        }
        let mut packer = Packer::new(sample::decoder()).unwrap();
        if let Ok(Whole { len, .. }) = packer.whole(&packets) {
            let frame = packer.frame(0, &packets[..len]).unwrap();
            let mut back = Vec::new();
            unpack(&sample::decoder(), &frame, &mut back).unwrap();
            prop_assert!(back == packets[..len]);
        }
    }

    #[test]
    fn a_damaged_frame_is_refused(
        seed: u64,
        changes in vec((any::<prop::sample::Index>(), 1u8..), 1..8),
        cut: prop::sample::Index,
    ) {
        let packets = sample::packets(seed >> 8, 2, 20);
        let sound = Packer::new(sample::decoder()).unwrap().frame(0, &packets).unwrap();
        let mut frame = sound.clone();
        for (at, change) in changes {
            let at = at.index(frame.len());
            frame[at] ^= change;
        }
        let mut back = Vec::new();
        if frame != sound {
            prop_assert!(unpack(&sample::decoder(), &frame, &mut back).is_err());
        }
        prop_assert!(unpack(&sample::decoder(), &sound[..cut.index(sound.len())], &mut back).is_err());
    }
}
