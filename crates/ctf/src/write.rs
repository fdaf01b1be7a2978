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
        let mut bits = self.bits.clone();
        write_event(&mut bits, event, self.stream, time, context, fields)?;
        self.bits = bits;
        Ok(())
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
