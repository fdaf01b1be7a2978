//! Many streams become one sequence; losses and damage stand where they belong.

#![expect(clippy::unwrap_used, reason = "a test fails by panic, also in the functions that its cases share")]

use std::sync::Arc;

use ctf::Value;
use ctf::error::{Fault, ReadError};
use ctf::merge::{Damage, DamageCause, Item, Loss, Merge, PacketSource};
use ctf::metadata;
use ctf::packet::PacketHeader;
use ctf::read::{Decoder, Packets};
use ctf::write::PacketWriter;

/// Records are `id: u8, timestamp: u32, n: u8`; the header of a packet has 45 bytes.
const TEXT: &str = "/* CTF 1.8 */
    typealias integer { size = 8; } := u8;
    typealias integer { size = 64; } := u64;
    trace { major = 1; minor = 8; byte_order = le;
        packet.header := struct { integer { size = 32; } magic; }; };
    clock { name = c; };
    stream {
        packet.context := struct {
            u64 packet_size, timestamp_begin, timestamp_end, packet_seq_num, events_discarded;
            u8 cpu_id;
        };
        event.header := struct { u8 id; integer { size = 32; map = clock.c.value; } timestamp; };
    };
    event { id = 1; name = e; fields := struct { u8 _n; }; };";

fn decoder() -> Arc<Decoder> {
    Arc::new(Decoder::new(Arc::new(metadata::parse(TEXT).unwrap())).unwrap())
}

/// A packet of CPU `cpu` from `begin` to `end` with records at `times`.
struct Packet<'a> {
    cpu: u32,
    span: (u64, u64),
    seq: u64,
    discarded: u64,
    times: &'a [u64],
}

impl Packet<'_> {
    fn bytes(&self) -> Vec<u8> {
        let decoder = decoder();
        let trace = decoder.trace();
        let header = PacketHeader {
            begin: self.span.0,
            end: self.span.1,
            seq: Some(self.seq),
            discarded: Some(self.discarded),
            cpu: Some(self.cpu),
            ..PacketHeader::default()
        };
        let mut packet = PacketWriter::new(trace, header).unwrap();
        for time in self.times {
            packet.event(&trace.events[0], *time, &[], &[Value::Unsigned(self.cpu.into())]).unwrap();
        }
        packet.finish().unwrap()
    }
}

/// The merged sequence in a few words for each item.
fn merged(streams: &[(&str, Vec<u8>)]) -> Vec<String> {
    let decoder = decoder();
    let packets = streams.iter().map(|(name, bytes)| (Arc::from(*name), Packets::new(&decoder, bytes)));
    Merge::new(Arc::clone(&decoder), packets).map(|item| words(&item)).collect()
}

fn words<E: std::fmt::Display>(item: &Item<E>) -> String {
    match item {
        Item::Event(event) => format!("{} cpu {}", event.time, event.cpu),
        Item::Loss(Loss { stream, count, packets: 0, from, to, .. }) => {
            format!("{to} {stream}: {count} lost since {from}")
        }
        Item::Loss(Loss { stream, packets, from, to, .. }) => {
            format!("{to} {stream}: {packets} packets lost since {from}")
        }
        Item::Damage(Damage { stream, time, cause, .. }) => format!("{time} {stream}: {cause}"),
    }
}

#[test]
fn events_come_in_the_order_of_time_then_of_streams() {
    let a = Packet { cpu: 0, span: (10, 30), seq: 0, discarded: 0, times: &[10, 20, 30] }.bytes();
    let b = Packet { cpu: 1, span: (5, 20), seq: 0, discarded: 0, times: &[5, 20, 20] }.bytes();
    let b_next = Packet { cpu: 1, span: (25, 25), seq: 1, discarded: 0, times: &[25] }.bytes();
    let expected = ["5 cpu 1", "10 cpu 0", "20 cpu 0", "20 cpu 1", "20 cpu 1", "25 cpu 1", "30 cpu 0"];
    assert_eq!(merged(&[("a", a), ("b", [b, b_next].concat())]), expected);
}

#[test]
fn lost_records_stand_at_the_end_of_the_packet_that_counts_them() {
    let a = [
        Packet { cpu: 0, span: (10, 30), seq: 0, discarded: 0, times: &[10, 20] }.bytes(),
        Packet { cpu: 0, span: (40, 60), seq: 1, discarded: 7, times: &[40] }.bytes(),
        Packet { cpu: 0, span: (70, 80), seq: 2, discarded: 7, times: &[70] }.bytes(),
    ];
    let b = Packet { cpu: 1, span: (50, 65), seq: 0, discarded: 0, times: &[50, 65] }.bytes();
    let expected =
        ["10 cpu 0", "20 cpu 0", "40 cpu 0", "50 cpu 1", "60 a: 7 lost since 20", "65 cpu 1", "70 cpu 0"];
    assert_eq!(merged(&[("a", a.concat()), ("b", b)]), expected);
}

#[test]
fn the_first_packet_is_compared_with_zero() {
    let a = Packet { cpu: 0, span: (10, 30), seq: 5, discarded: 3, times: &[] }.bytes();
    assert_eq!(merged(&[("a", a)]), ["30 a: 3 lost since 10"]);
}

#[test]
fn missing_packets_stand_before_the_next_one() {
    let a = [
        Packet { cpu: 0, span: (10, 30), seq: 4, discarded: 0, times: &[10] }.bytes(),
        Packet { cpu: 0, span: (90, 99), seq: 7, discarded: 2, times: &[95] }.bytes(),
    ];
    let expected = ["10 cpu 0", "90 a: 2 packets lost since 30", "95 cpu 0", "99 a: 2 lost since 10"];
    assert_eq!(merged(&[("a", a.concat())]), expected);
}

#[test]
fn a_count_that_falls_is_damage() {
    let a = [
        Packet { cpu: 0, span: (10, 30), seq: 0, discarded: 9, times: &[] }.bytes(),
        Packet { cpu: 0, span: (40, 50), seq: 1, discarded: 2, times: &[45] }.bytes(),
        Packet { cpu: 0, span: (60, 70), seq: 2, discarded: 3, times: &[] }.bytes(),
    ];
    let expected = [
        "30 a: 9 lost since 10",
        "40 a: byte 45: the count of discarded events falls from 9 to 2",
        "45 cpu 0",
        "70 a: 1 lost since 45",
    ];
    assert_eq!(merged(&[("a", a.concat())]), expected);
}

#[test]
fn a_damaged_packet_ends_alone() {
    let mut bad = Packet { cpu: 0, span: (10, 30), seq: 0, discarded: 1, times: &[10, 20, 25] }.bytes();
    bad[45 + 6] = 99;
    let next = Packet { cpu: 0, span: (40, 50), seq: 1, discarded: 1, times: &[45] }.bytes();
    let expected = [
        "10 cpu 0",
        "10 a: byte 51: the metadata has no event 99 in stream 0",
        "30 a: 1 lost since 10",
        "45 cpu 0",
    ];
    assert_eq!(merged(&[("a", [bad, next].concat())]), expected);
}

#[test]
fn a_stream_that_ends_within_a_packet_gives_what_is_there() {
    let first = Packet { cpu: 0, span: (10, 10), seq: 0, discarded: 0, times: &[10] }.bytes();
    let mut cut = Packet { cpu: 0, span: (20, 40), seq: 1, discarded: 0, times: &[20, 30] }.bytes();
    cut.truncate(45 + 8);
    let expected = ["10 cpu 0", "20 cpu 0", "20 a: byte 104: the packet has 57 bytes, but only 53 are there"];
    assert_eq!(merged(&[("a", [first, cut].concat())]), expected);
}

#[test]
fn a_bad_packet_header_ends_its_stream_only() {
    let first = Packet { cpu: 0, span: (10, 10), seq: 0, discarded: 0, times: &[10] }.bytes();
    let other = Packet { cpu: 1, span: (50, 50), seq: 0, discarded: 0, times: &[50] }.bytes();
    let expected = [
        "10 cpu 0",
        "10 a: byte 51: the packet begins with magic number 0x0, expected 0xc1fc1fc1",
        "50 cpu 1",
    ];
    assert_eq!(merged(&[("a", [first, vec![0; 60]].concat()), ("b", other)]), expected);
}

/// A source that gives one packet and then fails, as a disk may.
struct Failing(Option<Vec<u8>>);

impl PacketSource for Failing {
    type Error = &'static str;

    fn next_packet(&mut self, packet: &mut Vec<u8>) -> Result<bool, &'static str> {
        *packet = self.0.take().ok_or("the disk is gone")?;
        Ok(true)
    }
}

#[test]
fn a_source_that_fails_ends_its_stream() {
    let packet = Packet { cpu: 3, span: (10, 12), seq: 0, discarded: 0, times: &[10] }.bytes();
    let mut merge = Merge::new(decoder(), [(Arc::from("a"), Failing(Some(packet)))]);
    assert_eq!(words(&merge.next().unwrap()), "10 cpu 3");
    let Some(Item::Damage(damage)) = merge.next() else { panic!() };
    let cause = DamageCause::Source("the disk is gone");
    assert_eq!(damage, Damage { stream: Arc::from("a"), cpu: Some(3), time: 12, cause });
    assert!(!damage.is_truncation());
    assert!(merge.next().is_none());

    let truncated = ReadError { offset: 9, fault: Fault::Truncated { need: 10, have: 9 } };
    assert!(Damage { cause: DamageCause::Packet(truncated), ..damage }.is_truncation());
}

#[test]
fn nothing_to_merge() {
    assert!(merged(&[]).is_empty());
    assert!(merged(&[("a", vec![]), ("b", vec![])]).is_empty());
}
