//! Values to bytes: the inverse of [`read`](crate::read).
//!
//! Probes write their records themselves; this is for packets made in user space.

use thiserror::Error;

use crate::event::Value;
use crate::packet::{MAGIC, PacketHeader};
use crate::types::{ByteOrder, EventType, FieldType, IntType, StreamType, StructType, TraceType};

/// Why values can not be written as a type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// More or fewer values than members.
    #[error("{found} values for {expected} fields")]
    Count {
        /// Number of values.
        found: usize,
        /// Number of members.
        expected: usize,
    },
    /// The value is of another kind than the field.
    #[error("the value of field `{field}` is of the wrong kind")]
    Kind {
        /// Name of the field.
        field: String,
    },
    /// The integer does not fit.
    #[error("{value} does not fit into the {bits} bits of field `{field}`")]
    Range {
        /// Name of the field.
        field: String,
        /// The value.
        value: i128,
        /// Width of the field.
        bits: u32,
    },
    /// The number of elements is not that of the type or of the length field.
    #[error("field `{field}` has {found} elements, expected {expected}")]
    Length {
        /// Name of the field.
        field: String,
        /// Number of elements.
        found: u64,
        /// Number that the type or the length field tells.
        expected: u64,
    },
    /// A NUL inside a string would end it.
    #[error("the string of field `{field}` has a NUL inside")]
    Nul {
        /// Name of the field.
        field: String,
    },
    /// Little-endian and big-endian bits can not share a byte.
    #[error("field `{field}` changes the byte order within a byte")]
    ByteOrderChange {
        /// Name of the field.
        field: String,
    },
    /// The metadata has no such stream type.
    #[error("the metadata has no stream {id}")]
    UnknownStream {
        /// Id of the stream type.
        id: u64,
    },
    /// A member of the packet context whose value nobody gave.
    #[error("no value for field `{field}` of the packet")]
    Missing {
        /// Name of the field.
        field: String,
    },
}

/// Writes one record: header, context and payload.
///
/// `time` is cut to the width of the header's clock value. The first bit of the result is taken to
/// be aligned to anything; with byte-aligned types, records can be put one behind the other.
///
/// # Errors
/// Values that do not match the types.
pub fn encode_event(
    event: &EventType,
    stream: &StreamType,
    time: u64,
    context: &[Value],
    fields: &[Value],
) -> Result<Vec<u8>, WriteError> {
    let mut bits = Bits::default();
    write_event(&mut bits, event, stream, time, context, fields)?;
    Ok(bits.bytes)
}

/// Writes a packet around `records`, which stand at the end of its header without a gap.
///
/// Of `header`, the fields `stream_id`, `begin`, `end`, `seq`, `discarded`, `cpu` and `extra` are
/// written where the types have a place for them; sizes, magic number and uuid are computed.
///
/// # Errors
/// An unknown stream, or a member of the header without a value.
pub fn encode_packet(
    trace: &TraceType,
    header: &PacketHeader,
    records: &[u8],
) -> Result<Vec<u8>, WriteError> {
    let mut packet = PacketWriter::new(trace, header.clone())?;
    packet.bits.align(8);
    packet.bits.bytes.extend_from_slice(records);
    packet.bits.bit += records.len() as u64 * 8;
    packet.finish()
}

/// Writes a packet record by record, for types of any alignment.
#[derive(Debug)]
pub struct PacketWriter<'a> {
    trace: &'a TraceType,
    stream: &'a StreamType,
    header: PacketHeader,
    bits: Bits,
}

impl<'a> PacketWriter<'a> {
    /// Begins a packet. For `header` see [`encode_packet`].
    ///
    /// # Errors
    /// An unknown stream, or a member of the header without a value.
    pub fn new(trace: &'a TraceType, header: PacketHeader) -> Result<Self, WriteError> {
        let unknown = WriteError::UnknownStream { id: header.stream_id };
        let stream = trace.streams.iter().find(|s| s.id == header.stream_id).ok_or(unknown)?;
        let mut packet = PacketWriter { trace, stream, header, bits: Bits::default() };
        packet.bits = packet.framed(0, 0)?;
        Ok(packet)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Values that do not match the types; the packet is then as it was before.
    pub fn event(
        &mut self,
        event: &EventType,
        time: u64,
        context: &[Value],
        fields: &[Value],
    ) -> Result<(), WriteError> {
        let Bits { bit, order, .. } = self.bits;
        let length = self.bits.bytes.len();
        let last = self.bits.bytes.last().copied();
        let written = write_event(&mut self.bits, event, self.stream, time, context, fields);
        if written.is_err() {
            // The record may have begun in the last byte.
            self.bits.bytes.truncate(length);
            if let (Some(to), Some(last)) = (self.bits.bytes.last_mut(), last) {
                *to = last;
            }
            (self.bits.bit, self.bits.order) = (bit, order);
        }
        written
    }

    /// Sets the clock value of the packet's end (`timestamp_end`).
    pub fn set_end(&mut self, end: u64) {
        self.header.end = end;
    }

    /// Ends the packet, padded to a whole byte.
    ///
    /// # Errors
    /// A size that its field can not hold.
    pub fn finish(mut self) -> Result<Vec<u8>, WriteError> {
        let content = self.bits.bit;
        let packet = content.next_multiple_of(8);
        let header = self.framed(content, packet)?;
        let whole = (header.bit / 8) as usize;
        // The first record may begin in the last byte of the header, so that byte is joined.
        for (to, from) in self.bits.bytes.iter_mut().zip(header.bytes.iter().take(whole)) {
            *to = *from;
        }
        if let (Some(to), Some(from)) = (self.bits.bytes.get_mut(whole), header.bytes.get(whole)) {
            *to |= *from;
        }
        Ok(self.bits.bytes)
    }

    /// The packet's header with these sizes.
    fn framed(&self, content: u64, packet: u64) -> Result<Bits, WriteError> {
        let mut bits = Bits::default();
        let value = |name: &str| self.member(name, content, packet);
        for structure in [&self.trace.packet_header, &self.stream.packet_context] {
            let values: Vec<Value> = structure
                .fields
                .iter()
                .map(|f| value(&f.name).ok_or_else(|| WriteError::Missing { field: f.name.clone() }))
                .collect::<Result<_, _>>()?;
            write_struct(&mut bits, structure, &values)?;
        }
        Ok(bits)
    }

    fn member(&self, name: &str, content: u64, packet: u64) -> Option<Value> {
        let header = &self.header;
        if let Some(value) = header.extra(name) {
            return Some(value.clone());
        }
        Some(match name {
            "magic" => Value::Unsigned(MAGIC),
            "uuid" => Value::Bytes(self.trace.uuid?.to_vec()),
            "stream_id" => Value::Unsigned(header.stream_id),
            "timestamp_begin" => Value::Unsigned(header.begin),
            "timestamp_end" => Value::Unsigned(header.end),
            "content_size" => Value::Unsigned(content),
            "packet_size" => Value::Unsigned(packet),
            "packet_seq_num" => Value::Unsigned(header.seq?),
            "events_discarded" => Value::Unsigned(header.discarded?),
            "cpu_id" | "_cpu_id" => Value::Unsigned(header.cpu?.into()),
            _ => return None,
        })
    }
}

fn write_event(
    bits: &mut Bits,
    event: &EventType,
    stream: &StreamType,
    time: u64,
    context: &[Value],
    fields: &[Value],
) -> Result<(), WriteError> {
    let header: Vec<Value> = stream
        .event_header
        .fields
        .iter()
        .map(|f| match &f.field_type {
            FieldType::Int(int) if int.clock => Value::Unsigned(time & mask(int.bits)),
            FieldType::Int(int) if f.name != "id" && int.signed => Value::Signed(0),
            FieldType::Int(_) | FieldType::Enum(_) if f.name == "id" => Value::Unsigned(event.id),
            _ => Value::Unsigned(0),
        })
        .collect();
    write_struct(bits, &stream.event_header, &header)?;
    write_struct(bits, &stream.event_context, context)?;
    write_struct(bits, &event.fields, fields)
}

fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits.clamp(1, 64))
}

fn write_struct(bits: &mut Bits, structure: &StructType, values: &[Value]) -> Result<(), WriteError> {
    if values.len() != structure.fields.len() {
        return Err(WriteError::Count { found: values.len(), expected: structure.fields.len() });
    }
    bits.align(structure.align());
    for (field, value) in structure.fields.iter().zip(values) {
        let length_of = |name: &str| values.get(structure.position(name)?)?.bits();
        write_value(bits, &field.field_type, &field.name, value, &length_of)?;
    }
    Ok(())
}

fn write_value(
    bits: &mut Bits,
    field_type: &FieldType,
    field: &str,
    value: &Value,
    length_of: &dyn Fn(&str) -> Option<u64>,
) -> Result<(), WriteError> {
    let kind = || WriteError::Kind { field: field.to_owned() };
    let (element, length) = match (field_type, value) {
        (FieldType::Int(int), value) => return write_int(bits, int, field, value),
        (FieldType::Enum(names), value) => return write_int(bits, &names.container, field, value),
        (FieldType::String, Value::Str(text)) => {
            if text.contains(&0) {
                return Err(WriteError::Nul { field: field.to_owned() });
            }
            bits.align(8);
            bits.bytes.extend_from_slice(text);
            bits.bytes.push(0);
            bits.bit += (text.len() as u64 + 1) * 8;
            return Ok(());
        }
        (FieldType::Struct(structure), Value::Struct(values)) => {
            return write_struct(bits, structure, values);
        }
        (FieldType::Array { element, length }, _) => (element, *length),
        (FieldType::Sequence { element, length_field }, _) => {
            (element, length_of(length_field).ok_or_else(kind)?)
        }
        _ => return Err(kind()),
    };
    let found = match value {
        Value::Bytes(bytes) if element.is_byte() => bytes.len() as u64,
        Value::List(values) if !element.is_byte() => values.len() as u64,
        _ => return Err(kind()),
    };
    if found != length {
        return Err(WriteError::Length { field: field.to_owned(), found, expected: length });
    }
    bits.align(element.align());
    match (value, &**element) {
        (Value::Bytes(bytes), FieldType::Int(int)) => {
            for byte in bytes {
                bits.align(int.align);
                bits.put(8, int.byte_order, u64::from(*byte), field)?;
            }
        }
        (Value::List(values), element) => {
            for value in values {
                write_value(bits, element, field, value, length_of)?;
            }
        }
        _ => return Err(kind()),
    }
    Ok(())
}

fn write_int(bits: &mut Bits, int: &IntType, field: &str, value: &Value) -> Result<(), WriteError> {
    let (value, raw) = match value {
        Value::Unsigned(v) if !int.signed => (i128::from(*v), *v),
        Value::Signed(v) if int.signed => (i128::from(*v), *v as u64),
        _ => return Err(WriteError::Kind { field: field.to_owned() }),
    };
    let width = int.bits.clamp(1, 64);
    let (min, max) = if int.signed {
        (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1)
    } else {
        (0, (1i128 << width) - 1)
    };
    if value < min || value > max {
        return Err(WriteError::Range { field: field.to_owned(), value, bits: int.bits });
    }
    bits.align(int.align);
    bits.put(width, int.byte_order, raw & mask(width), field)
}

/// Bytes filled bit by bit.
#[derive(Clone, Debug, Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Bits written; the rest of the last byte is zero.
    bit: u64,
    /// Byte order of the bits in the last, unfinished byte.
    order: Option<ByteOrder>,
}

impl Bits {
    fn align(&mut self, align: u32) {
        self.bit = self.bit.next_multiple_of(u64::from(align.max(1)));
        self.bytes.resize(self.bit.div_ceil(8) as usize, 0);
    }

    fn put(&mut self, bits: u32, order: ByteOrder, value: u64, field: &str) -> Result<(), WriteError> {
        if !self.bit.is_multiple_of(8) && self.order.is_some_and(|before| before != order) {
            return Err(WriteError::ByteOrderChange { field: field.to_owned() });
        }
        self.order = Some(order);
        if self.bit.is_multiple_of(8) && bits.is_multiple_of(8) {
            let count = (bits / 8) as usize;
            match order {
                ByteOrder::Little => self.bytes.extend(value.to_le_bytes().iter().take(count)),
                ByteOrder::Big => self.bytes.extend(value.to_be_bytes().iter().skip(8 - count)),
            }
            self.bit += u64::from(bits);
            return Ok(());
        }
        for i in 0..bits {
            let shift = (self.bit % 8) as u32;
            if shift == 0 {
                self.bytes.push(0);
            }
            let (one, to) = match order {
                ByteOrder::Little => (value >> i & 1, shift),
                ByteOrder::Big => (value >> (bits - 1 - i) & 1, 7 - shift),
            };
            if let Some(last) = self.bytes.last_mut() {
                *last |= (one as u8) << to;
            }
            self.bit += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata;

    fn trace(members: &str) -> TraceType {
        let text = format!(
            "/* CTF 1.8 */
             typealias integer {{ size = 8; }} := u8;
             typealias integer {{ size = 16; }} := u16;
             trace {{ major = 1; minor = 8; byte_order = be;
                packet.header := struct {{ integer {{ size = 32; }} magic; }}; }};
             clock {{ name = c; }};
             stream {{
                packet.context := struct {{ u8 packet_size; u8 content_size; }};
                event.header := struct {{ u8 id; integer {{ size = 8; map = clock.c.value; }} t; u8 rest; }};
                event.context := struct {{ u8 _tid; }};
             }};
             event {{ id = 9; name = e; fields := struct {{ {members} }}; }};"
        );
        metadata::parse(&text).unwrap()
    }

    fn encode(members: &str, values: &[Value]) -> Result<Vec<u8>, WriteError> {
        let trace = trace(members);
        encode_event(&trace.events[0], &trace.streams[0], 0x1234, &[Value::Unsigned(7)], values)
    }

    #[test]
    fn a_record_is_header_context_and_payload() {
        let values = [Value::Unsigned(0x0102), Value::Str(b"hi".to_vec())];
        // id, low byte of the time, another member of the header, tid, n, s
        assert_eq!(encode("u16 _n; string _s;", &values).unwrap(), [9, 0x34, 0, 7, 1, 2, b'h', b'i', 0]);
    }

    #[test]
    fn bits_fill_bytes_in_the_order_of_their_integers() {
        let bits = |order| format!("{{ size = 3; align = 1; byte_order = {order}; }}");
        let members = |order| format!("integer {0} _a, _b; u8 _c;", bits(order));
        let values = [Value::Unsigned(0b101), Value::Unsigned(0b001), Value::Unsigned(0xff)];
        assert_eq!(encode(&members("le"), &values).unwrap()[4..], [0b0000_1101, 0xff]);
        assert_eq!(encode(&members("be"), &values).unwrap()[4..], [0b1010_0100, 0xff]);
        let mixed = format!("integer {} _a; integer {} _b;", bits("le"), bits("be"));
        let error = WriteError::ByteOrderChange { field: "b".to_owned() };
        assert_eq!(encode(&mixed, &values[..2]), Err(error));
    }

    #[test]
    fn values_that_do_not_fit() {
        let field = || "a".to_owned();
        let signed = "integer { size = 4; signed = true; } _a;";
        let kind = WriteError::Kind { field: field() };
        let length = |found, expected| WriteError::Length { field: field(), found, expected };
        let range = |value, bits| WriteError::Range { field: field(), value, bits };
        for (members, value, expected) in [
            ("u8 _a;", Value::Unsigned(256), range(256, 8)),
            (signed, Value::Signed(-9), range(-9, 4)),
            (signed, Value::Signed(8), range(8, 4)),
            (signed, Value::Unsigned(1), kind.clone()),
            ("string _a;", Value::Unsigned(1), kind.clone()),
            ("string _a;", Value::Str(b"a\0".to_vec()), WriteError::Nul { field: field() }),
            ("u8 _a[2];", Value::Bytes(vec![1]), length(1, 2)),
            ("u16 _a[2];", Value::List(vec![Value::Unsigned(1)]), length(1, 2)),
            ("u8 _a[1];", Value::List(vec![Value::Unsigned(1)]), kind.clone()),
            ("u16 _a[1];", Value::Bytes(vec![1]), kind.clone()),
            ("struct { u8 _b; } _a;", Value::Struct(vec![]), WriteError::Count { found: 0, expected: 1 }),
        ] {
            assert_eq!(encode(members, &[value]), Err(expected), "{members}");
        }
        let values = [Value::Unsigned(2), Value::Bytes(vec![1])];
        assert_eq!(encode("u8 _n; u8 _a[_n];", &values), Err(length(1, 2)));
    }

    #[test]
    fn a_packet_has_its_sizes() {
        let trace = trace("u8 _n;");
        let packet = encode_packet(&trace, &PacketHeader::default(), &[1, 2, 3]).unwrap();
        assert_eq!(packet, [0xc1, 0xfc, 0x1f, 0xc1, 72, 72, 1, 2, 3]);
        // 32 bytes are 256 bits, which do not fit into `packet_size`.
        let error = WriteError::Range { field: "packet_size".to_owned(), value: 256, bits: 8 };
        assert_eq!(encode_packet(&trace, &PacketHeader::default(), &[0; 26]), Err(error));
        let header = PacketHeader { stream_id: 1, ..PacketHeader::default() };
        assert_eq!(encode_packet(&trace, &header, &[]), Err(WriteError::UnknownStream { id: 1 }));
    }

    #[test]
    fn a_member_of_the_packet_needs_a_value() {
        let text = metadata::write(&trace("u8 _n;")).replace("content_size", "cpu_id");
        let trace = metadata::parse(&text).unwrap();
        let error = WriteError::Missing { field: "cpu_id".to_owned() };
        assert_eq!(encode_packet(&trace, &PacketHeader::default(), &[]), Err(error));
        let header = PacketHeader { cpu: Some(5), ..PacketHeader::default() };
        assert_eq!(encode_packet(&trace, &header, &[]).unwrap()[5], 5);
        let extra = vec![("cpu_id".to_owned(), Value::Unsigned(6))];
        let header = PacketHeader { extra, ..PacketHeader::default() };
        assert_eq!(encode_packet(&trace, &header, &[]).unwrap()[5], 6);
    }

    #[test]
    fn a_record_that_can_not_be_written_leaves_the_packet_as_it_was() {
        let trace = trace("u8 _n;");
        let event = &trace.events[0];
        let mut packet = PacketWriter::new(&trace, PacketHeader::default()).unwrap();
        packet.event(event, 1, &[Value::Unsigned(7)], &[Value::Unsigned(1)]).unwrap();
        packet.event(event, 2, &[Value::Unsigned(7)], &[Value::Unsigned(256)]).unwrap_err();
        packet.event(event, 3, &[Value::Unsigned(7)], &[Value::Unsigned(2)]).unwrap();
        assert_eq!(packet.finish().unwrap()[6..], [9, 1, 0, 7, 1, 9, 3, 0, 7, 2]);
    }
}
