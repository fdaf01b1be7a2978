//! Packets with every kind of field that has a column of its own.

use std::sync::Arc;

use ctf::Value;
use ctf::packet::PacketHeader;
use ctf::read::Decoder;
use ctf::types::TraceType;
use ctf::write::PacketWriter;

const TEXT: &str = "/* CTF 1.8 */
    typealias integer { size = 8; align = 8; } := u8;
    typealias integer { size = 16; align = 8; } := u16;
    typealias integer { size = 32; align = 8; } := u32;
    typealias integer { size = 64; align = 8; } := u64;
    trace {
        major = 1; minor = 8; byte_order = le;
        packet.header := struct { u32 magic; u8 stream_id; };
    };
    clock { name = c; };
    typealias integer { size = 32; align = 8; map = clock.c.value; } := time32;
    typealias integer { size = 64; align = 8; map = clock.c.value; } := time64;
    stream {
        id = 0;
        packet.context := struct {
            time64 timestamp_begin; time64 timestamp_end; u32 content_size; u32 packet_size; u64 packet_seq_num;
        };
        event.header := struct { u16 id; time32 timestamp; };
        event.context := struct { u32 _tid; };
    };
    event { id = 3; name = words; fields := struct { u64 _address; u32 _count; u8 _object[6]; }; };
    event { id = 700; name = texts; fields := struct {
        string _path; u8 _n; string _args[_n]; u16 _len; u16 _data[_len];
    }; };
    event { id = 9; name = nothing; };";

/// The types of the packets.
pub(crate) fn types() -> Arc<TraceType> {
    Arc::new(ctf::metadata::parse(TEXT).unwrap())
}

/// A decoder of the packets.
pub(crate) fn decoder() -> Arc<Decoder> {
    Arc::new(Decoder::new(types()).unwrap())
}

/// Packets of `records` records each. The numbers in them follow from `seed`.
pub(crate) fn packets(seed: u64, packets: u64, records: u64) -> Vec<u8> {
    let types = types();
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut time = seed >> 1;
    let mut bytes = Vec::new();
    for seq in 0..packets {
        let header = PacketHeader {
            begin: time,
            end: time + 100_000 * records,
            seq: Some(seq),
            ..PacketHeader::default()
        };
        let mut writer = PacketWriter::new(&types, header).unwrap();
        for at in 0..records {
            time += next() % 100_000;
            let text = |n: u64| Value::Str(format!("/etc/{}", n % 50).into_bytes());
            let (args, data) = (next() % 4, next() % 5);
            let (event, fields) = match at % 3 {
                0 => (
                    0,
                    vec![
                        Value::Unsigned(0x7fff_0000_0000 + next() % 4096),
                        Value::Unsigned(next() % 10),
                        Value::Bytes(next().to_le_bytes()[..6].to_vec()),
                    ],
                ),
                1 => (
                    1,
                    vec![
                        text(next()),
                        Value::Unsigned(args),
                        Value::List((0..args).map(text).collect()),
                        Value::Unsigned(data),
                        Value::List((0..data).map(Value::Unsigned).collect()),
                    ],
                ),
                _ => (2, Vec::new()),
            };
            let thread = [Value::Unsigned(100 + next() % 3)];
            writer.event(&types.events[event], time, &thread, &fields).unwrap();
        }
        bytes.extend(writer.finish().unwrap());
    }
    bytes
}
