//! A small trace that has a field of every type.

use ctf::Value;
use ctf::packet::PacketHeader;
use ctf::types::*;
use ctf::write::{encode_event, encode_packet};

pub(crate) const UUID: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef";

pub(crate) fn int(name: &str, int: IntType) -> Field {
    Field { name: name.to_owned(), field_type: FieldType::Int(int) }
}

pub(crate) fn field(name: &str, field_type: FieldType) -> Field {
    Field { name: name.to_owned(), field_type }
}

pub(crate) fn array(element: FieldType, length: u64) -> FieldType {
    FieldType::Array { element: Box::new(element), length }
}

pub(crate) fn sequence(element: FieldType, length_field: &str) -> FieldType {
    FieldType::Sequence { element: Box::new(element), length_field: length_field.to_owned() }
}

fn structure(fields: Vec<Field>) -> StructType {
    StructType { fields }
}

fn clock_value(bits: u32) -> IntType {
    IntType { clock: true, ..IntType::unsigned(bits) }
}

/// Two streams; framing as in docs/format.md.
pub(crate) fn trace() -> TraceType {
    let u8_ = || FieldType::Int(IntType::unsigned(8));
    let state = || {
        let label = |name: &str, low, high| EnumLabel { name: name.to_owned(), low, high };
        FieldType::Enum(EnumType {
            container: IntType::unsigned(8),
            labels: vec![label("ok", 0, 0), label("cut", 1, 1), label("reserved", 2, 15)],
        })
    };
    let stream = |id| StreamType {
        id,
        packet_context: structure(vec![
            int("timestamp_begin", clock_value(64)),
            int("timestamp_end", clock_value(64)),
            int("content_size", IntType::unsigned(64)),
            int("packet_size", IntType::unsigned(64)),
            int("packet_seq_num", IntType::unsigned(64)),
            int("events_discarded", IntType::unsigned(64)),
            int("cpu_id", IntType::unsigned(32)),
            int("lost_oversize", IntType::unsigned(64)),
        ]),
        event_header: structure(vec![int("id", IntType::unsigned(16)), int("timestamp", clock_value(32))]),
        event_context: structure(vec![int("tid", IntType::signed(32))]),
    };
    let bit = |bits| IntType { align: 1, ..IntType::unsigned(bits) };
    let text = IntType { text: true, ..IntType::unsigned(8) };
    let event = |id, name: &str, stream_id, fields| EventType {
        id,
        name: name.to_owned(),
        stream_id,
        fields: structure(fields),
    };
    TraceType {
        byte_order: ByteOrder::Little,
        uuid: Some(UUID),
        packet_header: structure(vec![
            int("magic", IntType::unsigned(32).in_base(Base::Hexadecimal)),
            field("uuid", array(u8_(), 16)),
            int("stream_id", IntType::unsigned(32)),
            int("stream_instance_id", IntType::unsigned(32)),
        ]),
        env: vec![
            ("domain".to_owned(), EnvValue::Str("kernel".to_owned())),
            ("quoted".to_owned(), EnvValue::Str("a \"b\" \\ c\n".to_owned())),
            ("tracer_major".to_owned(), EnvValue::Int(2)),
            ("below_zero".to_owned(), EnvValue::Int(-5)),
        ],
        clock: Some(Clock {
            name: "monotonic".to_owned(),
            uuid: Some(UUID),
            description: "CLOCK_MONOTONIC".to_owned(),
            freq: 1_000_000_000,
            offset_s: 1_700_000_000,
            offset: 123_456_789,
        }),
        streams: vec![stream(0), stream(1)],
        events: vec![
            event(
                257,
                "syscall_entry_openat",
                0,
                vec![
                    int("dfd", IntType::signed(32)),
                    int("filename_ptr", IntType::unsigned(64).in_base(Base::Hexadecimal)),
                    field("filename_state", state()),
                    field("filename", FieldType::String),
                    int("mode", IntType::unsigned(16).in_base(Base::Octal)),
                ],
            ),
            event(
                59,
                "syscall_entry_execve",
                0,
                vec![
                    field("argv_state", state()),
                    int("argv_count", IntType::unsigned(8)),
                    field("argv", sequence(FieldType::String, "argv_count")),
                    int("data_len", IntType::unsigned(16)),
                    field("data_data", sequence(u8_(), "data_len")),
                ],
            ),
            event(
                1,
                "everything_else",
                1,
                vec![
                    int("low", bit(3)),
                    int("middle", IntType { signed: true, ..bit(6) }),
                    int("high", bit(7)),
                    int("network", IntType { byte_order: ByteOrder::Big, ..IntType::unsigned(16) }),
                    int("aligned", IntType { align: 32, ..IntType::signed(64) }),
                    field("comm", array(FieldType::Int(text.clone()), 8)),
                    field("grid", array(array(FieldType::Int(IntType::unsigned(16)), 3), 2)),
                    field(
                        "pairs",
                        array(
                            FieldType::Struct(structure(vec![
                                int("event", IntType::unsigned(8)),
                                field("string", FieldType::String),
                            ])),
                            2,
                        ),
                    ),
                    int("mask", IntType::unsigned(8).in_base(Base::Binary)),
                ],
            ),
            event(2, "nothing", 1, vec![]),
        ],
    }
}

pub(crate) fn text(text: &str) -> Value {
    Value::Str(text.as_bytes().to_vec())
}

/// One event to write: type id, time, tid, values.
pub(crate) type Written = (u64, u64, i64, Vec<Value>);

/// The events of stream 0, by packet.
pub(crate) fn calls() -> Vec<Vec<Written>> {
    use Value::*;
    let open = |time, name: &str| {
        (
            257,
            time,
            42,
            vec![Signed(-100), Unsigned(0x7fff_0000_1000), Unsigned(0), text(name), Unsigned(0o644)],
        )
    };
    vec![
        vec![
            open(1_000_000_010, "/etc/passwd"),
            (
                59,
                1_000_000_020,
                42,
                vec![
                    Unsigned(1),
                    Unsigned(2),
                    List(vec![text("ls"), text("-l")]),
                    Unsigned(3),
                    Bytes(vec![1, 2, 255]),
                ],
            ),
        ],
        vec![open(5_000_000_000, "/tmp"), open(5_000_000_007, "grüße")],
    ]
}

/// The events of stream 1, by packet.
pub(crate) fn others() -> Vec<Vec<Written>> {
    use Value::*;
    let row = |from| List((from..from + 3).map(Unsigned).collect());
    let everything = vec![
        Unsigned(5),
        Signed(-32),
        Unsigned(127),
        Unsigned(0x1234),
        Signed(-2),
        Bytes(b"bash\0\0\0\0".to_vec()),
        List(vec![row(1), row(4)]),
        List(vec![Struct(vec![Unsigned(1), text("one")]), Struct(vec![Unsigned(2), text("two")])]),
        Unsigned(0b1010_0101),
    ];
    vec![vec![(1, 1_000_000_015, 7, everything), (2, 1_000_000_020, 7, vec![])]]
}

/// Bytes of a stream file made of those packets.
pub(crate) fn stream(trace: &TraceType, stream_id: u64, packets: &[Vec<Written>]) -> Vec<u8> {
    let stream = trace.streams.iter().find(|s| s.id == stream_id).unwrap();
    let mut bytes = Vec::new();
    for (seq, events) in packets.iter().enumerate() {
        let mut records = Vec::new();
        for (id, time, tid, fields) in events {
            let event = trace.events.iter().find(|e| (e.id, e.stream_id) == (*id, stream_id)).unwrap();
            let mut record = encode_event(event, stream, *time, &[Value::Signed(*tid)], fields).unwrap();
            // Alignment counts from the packet.
            assert!(event.fields.align() <= 8 || (88 + records.len()) % 4 == 0);
            records.append(&mut record);
        }
        let header = PacketHeader {
            stream_id,
            begin: events.first().map_or(0, |e| e.1),
            end: events.last().map_or(0, |e| e.1),
            seq: Some(seq as u64),
            discarded: Some(0),
            cpu: Some(3),
            extra: vec![
                ("stream_instance_id".to_owned(), Value::Unsigned(3)),
                ("lost_oversize".to_owned(), Value::Unsigned(0)),
            ],
            ..PacketHeader::default()
        };
        bytes.extend(encode_packet(trace, &header, &records).unwrap());
    }
    bytes
}
