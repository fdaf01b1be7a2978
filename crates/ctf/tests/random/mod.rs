//! Any trace: types, values, packets.

use ctf::Value;
use ctf::packet::PacketHeader;
use ctf::types::*;
use ctf::write::PacketWriter;
use proptest::collection::vec;
use proptest::prelude::*;

/// Words that TSDL keeps for itself can be names of fields, thanks to the underscore.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z_][a-z0-9_]{0,5}x", Just("event".to_owned()), Just("string".to_owned())]
}

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

fn base() -> impl Strategy<Value = Base> {
    prop_oneof![Just(Base::Binary), Just(Base::Octal), Just(Base::Decimal), Just(Base::Hexadecimal)]
}

fn byte_order() -> impl Strategy<Value = ByteOrder> {
    prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)]
}

/// Whole bytes in any order, or bits in the order `native` (orders can not mix within a byte).
fn int(native: ByteOrder) -> impl Strategy<Value = IntType> {
    let bytes = (1u32..=8, 3u32..7, byte_order()).prop_map(|(n, align, order)| (n * 8, 1 << align, order));
    let bits = (1u32..=64, 0u32..4).prop_map(move |(bits, align)| (bits, 1 << align, native));
    (prop_oneof![bytes, bits], any::<bool>(), base(), any::<bool>()).prop_map(
        |((bits, align, byte_order), signed, base, text)| IntType {
            bits,
            align,
            signed,
            base,
            byte_order,
            text,
            clock: false,
        },
    )
}

fn range(int: &IntType) -> (i128, i128) {
    let bits = int.bits - u32::from(int.signed);
    (if int.signed { -(1i128 << bits) } else { 0 }, (1i128 << bits) - 1)
}

fn enumeration(native: ByteOrder) -> impl Strategy<Value = EnumType> {
    int(native).prop_flat_map(|container| {
        let (min, max) = range(&container);
        let label = (text(), min..=max, min..=max).prop_map(|(name, a, b)| EnumLabel {
            name,
            low: a.min(b),
            high: a.max(b),
        });
        vec(label, 1..4).prop_map(move |labels| EnumType { container: container.clone(), labels })
    })
}

fn field_type(native: ByteOrder) -> impl Strategy<Value = FieldType> {
    let leaf = prop_oneof![
        4 => int(native).prop_map(FieldType::Int),
        1 => enumeration(native).prop_map(FieldType::Enum),
        1 => Just(FieldType::String),
    ];
    leaf.prop_recursive(3, 12, 4, move |inner| {
        let element = inner.clone().prop_filter("elements take space", |t| t.min_bits() > 0);
        prop_oneof![
            (element, 0u64..4)
                .prop_map(|(element, length)| FieldType::Array { element: Box::new(element), length }),
            structure(inner).prop_map(FieldType::Struct),
        ]
    })
}

/// Members of these types; some arrays become sequences with a length before them.
fn structure(member: impl Strategy<Value = FieldType> + 'static) -> impl Strategy<Value = StructType> {
    vec((name(), member, any::<bool>()), 0..4).prop_map(|members| {
        let mut fields = Vec::new();
        for (at, (name, field_type, sequence)) in members.into_iter().enumerate() {
            // Numbered, so that all differ.
            let name = format!("{name}{at}");
            let field_type = match field_type {
                FieldType::Array { element, .. } if sequence => {
                    let length_field = format!("{name}_len");
                    let int = FieldType::Int(IntType::unsigned(8));
                    fields.push(Field { name: length_field.clone(), field_type: int });
                    FieldType::Sequence { element, length_field }
                }
                other => other,
            };
            fields.push(Field { name, field_type });
        }
        StructType { fields }
    })
}

fn clock() -> impl Strategy<Value = Clock> {
    (any::<Option<[u8; 16]>>(), text(), any::<(u64, i64, u64)>()).prop_map(|(uuid, description, numbers)| {
        let (freq, offset_s, offset) = numbers;
        Clock { name: "monotonic".to_owned(), uuid, description, freq, offset_s, offset }
    })
}

fn env() -> impl Strategy<Value = Vec<(String, EnvValue)>> {
    let value = prop_oneof![any::<i64>().prop_map(EnvValue::Int), text().prop_map(EnvValue::Str)];
    vec(("[a-z]{1,5}_x", value), 0..4)
}

/// A trace with two streams and two event types in each.
pub(crate) fn trace() -> impl Strategy<Value = TraceType> {
    byte_order().prop_flat_map(|native| {
        let scope = || structure(field_type(native));
        let parts = (any::<Option<[u8; 16]>>(), env(), clock(), 1u32..=64);
        (parts, scope(), vec((scope(), scope()), 2)).prop_map(move |(parts, context, events)| {
            let (uuid, env, clock, clock_bits) = parts;
            let fixed = |bits| IntType { byte_order: native, ..IntType::unsigned(bits) };
            let clock_value = |bits| IntType { clock: true, align: 1, ..fixed(bits) };
            let field = |name: &str, int| Field { name: name.to_owned(), field_type: FieldType::Int(int) };
            let mut packet_header = vec![field("magic", fixed(32)), field("stream_id", fixed(8))];
            if uuid.is_some() {
                let element = Box::new(FieldType::Int(fixed(8)));
                let field_type = FieldType::Array { element, length: 16 };
                packet_header.push(Field { name: "uuid".to_owned(), field_type });
            }
            let stream = |id, event_context: &StructType| StreamType {
                id,
                packet_context: StructType {
                    fields: vec![
                        field("packet_size", fixed(32)),
                        field("content_size", fixed(32)),
                        field("timestamp_begin", IntType { align: 8, ..clock_value(64) }),
                        field("cpu_id", fixed(32)),
                    ],
                },
                event_header: StructType {
                    fields: vec![
                        field("id", IntType { align: 1, ..fixed(5) }),
                        field("timestamp", clock_value(clock_bits)),
                    ],
                },
                event_context: event_context.clone(),
            };
            let mut types = Vec::new();
            for (stream_id, (a, b)) in events.into_iter().enumerate() {
                for (id, fields) in [(7, a), (31, b)] {
                    let name = format!("event_{id}");
                    types.push(EventType { id, name, stream_id: stream_id as u64, fields });
                }
            }
            TraceType {
                byte_order: native,
                uuid,
                packet_header: StructType { fields: packet_header },
                env,
                clock: Some(clock),
                streams: vec![stream(0, &context), stream(1, &StructType::default())],
                events: types,
            }
        })
    })
}

/// Deterministic numbers: the values of a record follow from one seed.
struct Numbers {
    state: u64,
    /// Strings are made of letters and are not empty.
    letters: bool,
}

impl Numbers {
    fn next(&mut self) -> u64 {
        // xorshift64*
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

fn values(structure: &StructType, numbers: &mut Numbers) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for (at, field) in structure.fields.iter().enumerate() {
        // A length field is followed by its sequence.
        let is_length = structure.fields.get(at + 1).is_some_and(
            |next| matches!(&next.field_type, FieldType::Sequence { length_field, .. } if *length_field == field.name),
        );
        let value = if is_length {
            Value::Unsigned(numbers.next() % 4)
        } else {
            let length = values.last().and_then(Value::bits).unwrap_or(0);
            value(&field.field_type, length, numbers)
        };
        values.push(value);
    }
    values
}

fn value(field_type: &FieldType, length: u64, numbers: &mut Numbers) -> Value {
    match field_type {
        FieldType::Int(int) | FieldType::Enum(EnumType { container: int, .. }) => {
            let unused = 64 - int.bits;
            let number = numbers.next();
            if int.signed {
                Value::Signed(number as i64 >> unused)
            } else {
                Value::Unsigned(number >> unused)
            }
        }
        FieldType::String => {
            let length = numbers.next() % 5 + u64::from(numbers.letters);
            let (first, count) = if numbers.letters { (b'a', 26) } else { (1, 255) };
            Value::Str((0..length).map(|_| first + (numbers.next() % count) as u8).collect())
        }
        FieldType::Struct(structure) => Value::Struct(values(structure, numbers)),
        FieldType::Array { element, length } => elements(element, *length, numbers),
        FieldType::Sequence { element, .. } => elements(element, length, numbers),
    }
}

fn elements(element: &FieldType, length: u64, numbers: &mut Numbers) -> Value {
    if element.is_byte() {
        Value::Bytes((0..length).map(|_| numbers.next() as u8).collect())
    } else {
        Value::List((0..length).map(|_| value(element, 0, numbers)).collect())
    }
}

/// What goes into a record and comes out again.
pub(crate) type Record = (u64, Vec<Value>, Vec<Value>);

/// A packet of stream 0 with `count` records; strings of letters only, or of any bytes.
pub(crate) fn packet(trace: &TraceType, seed: u64, count: usize, letters: bool) -> (Vec<u8>, Vec<Record>) {
    // Clock values that fit into 64 bits of nanoseconds with any offset.
    let begin = seed >> 8;
    let mut time = begin;
    let header = PacketHeader { begin, cpu: Some(3), ..PacketHeader::default() };
    let mut writer = PacketWriter::new(trace, header).unwrap();
    let mut numbers = Numbers { state: seed | 1, letters };
    let mut records = Vec::new();
    for at in 0..count {
        let event = &trace.events[at % 2];
        // Even the narrowest clock value, of one bit, tells steps of 0 and 1 apart.
        time += numbers.next() % 2;
        let record = (
            time,
            values(&trace.streams[0].event_context, &mut numbers),
            values(&event.fields, &mut numbers),
        );
        writer.event(event, record.0, &record.1, &record.2).unwrap();
        records.push(record);
    }
    (writer.finish().unwrap(), records)
}
