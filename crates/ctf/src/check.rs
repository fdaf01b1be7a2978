//! Is a type tree one that a stream can have and that metadata text can say?
//!
//! Everything behind this check (reader, writer, metadata text) may rely on it.

use std::collections::HashSet;

use thiserror::Error;

use crate::types::{EnumType, FieldType, IntType, StructType, TraceType};

/// Deepest nesting of types. Real traces have two or three levels; the limit keeps recursion bounded.
pub const MAX_DEPTH: usize = 32;

/// Words of TSDL, which can not be names (CTF 1.8, section C.1.9).
const KEYWORDS: [&str; 29] = [
    "_Bool",
    "_Complex",
    "_Imaginary",
    "align",
    "callsite",
    "char",
    "clock",
    "const",
    "double",
    "enum",
    "env",
    "event",
    "float",
    "floating_point",
    "int",
    "integer",
    "long",
    "short",
    "signed",
    "stream",
    "string",
    "struct",
    "trace",
    "typealias",
    "typedef",
    "unsigned",
    "variant",
    "void",
    "volatile",
];

/// Why a type tree can not be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TypeError {
    /// The name can not be written in metadata text.
    #[error("`{name}` is not a name that metadata can carry")]
    Name {
        /// The name as the text would have it.
        name: String,
    },
    /// A width outside 1..=64.
    #[error("field `{field}` has {bits} bits, expected 1 to 64")]
    Width {
        /// Name of the field.
        field: String,
        /// Its width.
        bits: u32,
    },
    /// An alignment that is not a power of two.
    #[error("field `{field}` is aligned to {align} bits, expected a power of two")]
    Align {
        /// Name of the field.
        field: String,
        /// Its alignment in bits.
        align: u32,
    },
    /// Two members of a structure have one name.
    #[error("field `{field}` is there twice")]
    DuplicateField {
        /// Name of the field.
        field: String,
    },
    /// An enumeration that names nothing.
    #[error("enumeration `{field}` has no labels")]
    NoLabels {
        /// Name of the field.
        field: String,
    },
    /// A range that is empty or that the container can not hold.
    #[error(
        "label `{label}` of enumeration `{field}` covers {low} to {high}, which its integer can not hold"
    )]
    LabelRange {
        /// Name of the field.
        field: String,
        /// Name of the label.
        label: String,
        /// Lowest value.
        low: i128,
        /// Highest value.
        high: i128,
    },
    /// The length of a sequence is not an earlier unsigned integer of the same structure.
    #[error(
        "sequence `{field}`: its length `{length_field}` is not an unsigned integer before it in the same structure"
    )]
    Length {
        /// Name of the sequence.
        field: String,
        /// Name of the field that should hold the length.
        length_field: String,
    },
    /// Elements that take no bits: a length would say nothing about the size.
    #[error("elements of `{field}` take no space")]
    EmptyElement {
        /// Name of the array or sequence.
        field: String,
    },
    /// More than [`MAX_DEPTH`] levels.
    #[error("field `{field}` nests types more than {MAX_DEPTH} levels deep")]
    TooDeep {
        /// Name of the outermost field.
        field: String,
    },
    /// An integer is a clock value, but there is no clock; or it is signed.
    #[error("field `{field}` is a clock value, but it is signed or the trace has no clock")]
    ClockValue {
        /// Name of the field.
        field: String,
    },
    /// Two stream types have one id.
    #[error("stream {id} is there twice")]
    DuplicateStream {
        /// The id.
        id: u64,
    },
    /// Packets do not tell their stream type, and it is not the only one or not 0.
    #[error("stream {id} can not be told: packet.header has no unsigned integer `stream_id`")]
    NoStreamId {
        /// Id of the last stream type.
        id: u64,
    },
    /// Two event types of a stream have one id.
    #[error("event {id} of stream {stream_id} is there twice")]
    DuplicateEvent {
        /// Id of the event type.
        id: u64,
        /// Id of the stream type.
        stream_id: u64,
    },
    /// Several event types in a stream, but records do not tell theirs.
    #[error("stream {stream_id} has {count} events, but its event.header has no unsigned integer `id`")]
    NoEventId {
        /// Id of the stream type.
        stream_id: u64,
        /// Number of its event types.
        count: usize,
    },
    /// An event type of a stream that is not there.
    #[error("event `{event}` belongs to stream {stream_id}, which does not exist")]
    NoStream {
        /// Name of the event type.
        event: String,
        /// Id of the stream type.
        stream_id: u64,
    },
    /// The field `id` of the header is too narrow.
    #[error("event id {id} of `{event}` does not fit into the event header")]
    EventId {
        /// Name of the event type.
        event: String,
        /// Its id.
        id: u64,
    },
}

/// True when `name` can stand in metadata text as an identifier.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !KEYWORDS.contains(&name)
}

impl TraceType {
    /// Checks everything that the types of this tree alone can not promise.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn check(&self) -> Result<(), TypeError> {
        let clock = self.clock.is_some();
        if let Some(clock) = &self.clock {
            name_ok(&clock.name)?;
        }
        for (key, _) in &self.env {
            name_ok(key)?;
        }
        members(&self.packet_header, "", clock, 0)?;
        if let Some(last) = self.streams.last()
            && (self.streams.len() > 1 || last.id != 0)
            && !has_unsigned(&self.packet_header, "stream_id")
        {
            return Err(TypeError::NoStreamId { id: last.id });
        }
        for (at, stream) in self.streams.iter().enumerate() {
            if self.streams.iter().take(at).any(|other| other.id == stream.id) {
                return Err(TypeError::DuplicateStream { id: stream.id });
            }
            members(&stream.packet_context, "", clock, 0)?;
            members(&stream.event_header, "", clock, 0)?;
            members(&stream.event_context, "_", clock, 0)?;
            let count = self.events.iter().filter(|e| e.stream_id == stream.id).count();
            if count > 1 && !has_unsigned(&stream.event_header, "id") {
                return Err(TypeError::NoEventId { stream_id: stream.id, count });
            }
        }
        let mut seen = HashSet::new();
        for event in &self.events {
            let Some(stream) = self.streams.iter().find(|s| s.id == event.stream_id) else {
                return Err(TypeError::NoStream { event: event.name.clone(), stream_id: event.stream_id });
            };
            if !seen.insert((event.stream_id, event.id)) {
                return Err(TypeError::DuplicateEvent { id: event.id, stream_id: event.stream_id });
            }
            if let Some(int) = unsigned(&stream.event_header, "id")
                && event.id > max_of(int.bits)
            {
                return Err(TypeError::EventId { event: event.name.clone(), id: event.id });
            }
            members(&event.fields, "_", clock, 0)?;
        }
        Ok(())
    }
}

fn max_of(bits: u32) -> u64 {
    u64::MAX >> (64 - bits.clamp(1, 64))
}

/// The unsigned integer of that name, bare or as the container of an enumeration.
pub(crate) fn unsigned<'a>(members: &'a StructType, name: &str) -> Option<&'a IntType> {
    match &members.fields.get(members.position(name)?)?.field_type {
        FieldType::Int(int) => Some(int),
        FieldType::Enum(names) => Some(&names.container),
        _ => None,
    }
    .filter(|int| !int.signed)
}

fn has_unsigned(members: &StructType, name: &str) -> bool {
    unsigned(members, name).is_some()
}

fn name_ok(name: &str) -> Result<(), TypeError> {
    if is_identifier(name) { Ok(()) } else { Err(TypeError::Name { name: name.to_owned() }) }
}

/// Checks the members of one structure. `prefix` is what the metadata text puts before each name.
pub(crate) fn members(
    structure: &StructType,
    prefix: &str,
    clock: bool,
    depth: usize,
) -> Result<(), TypeError> {
    let mut names = HashSet::new();
    for (at, field) in structure.fields.iter().enumerate() {
        name_ok(&format!("{prefix}{}", field.name))?;
        if !names.insert(field.name.as_str()) {
            return Err(TypeError::DuplicateField { field: field.name.clone() });
        }
        let before = structure.fields.get(..at).unwrap_or_default();
        let length_ok = |length_field: &str| {
            before.iter().any(|f| {
                f.name == length_field && matches!(&f.field_type, FieldType::Int(int) if !int.signed)
            })
        };
        field_type(&field.field_type, &field.name, prefix, clock, depth, &length_ok)?;
    }
    Ok(())
}

fn field_type(
    this: &FieldType,
    field: &str,
    prefix: &str,
    clock: bool,
    depth: usize,
    length_ok: &dyn Fn(&str) -> bool,
) -> Result<(), TypeError> {
    if depth >= MAX_DEPTH {
        return Err(TypeError::TooDeep { field: field.to_owned() });
    }
    let element_ok = |element: &FieldType| {
        field_type(element, field, prefix, clock, depth + 1, length_ok)?;
        if element.min_bits() == 0 {
            return Err(TypeError::EmptyElement { field: field.to_owned() });
        }
        Ok(())
    };
    match this {
        FieldType::Int(int) => integer(int, field, clock),
        FieldType::Enum(names) => enumeration(names, field, clock),
        FieldType::String => Ok(()),
        FieldType::Struct(structure) => members(structure, prefix, clock, depth + 1),
        FieldType::Array { element, .. } => element_ok(element),
        FieldType::Sequence { element, length_field } => {
            element_ok(element)?;
            if length_ok(length_field) {
                return Ok(());
            }
            Err(TypeError::Length { field: field.to_owned(), length_field: length_field.clone() })
        }
    }
}

fn integer(int: &IntType, field: &str, clock: bool) -> Result<(), TypeError> {
    if !(1..=64).contains(&int.bits) {
        return Err(TypeError::Width { field: field.to_owned(), bits: int.bits });
    }
    if !int.align.is_power_of_two() {
        return Err(TypeError::Align { field: field.to_owned(), align: int.align });
    }
    if int.clock && (int.signed || !clock) {
        return Err(TypeError::ClockValue { field: field.to_owned() });
    }
    Ok(())
}

fn enumeration(names: &EnumType, field: &str, clock: bool) -> Result<(), TypeError> {
    integer(&names.container, field, clock)?;
    if names.labels.is_empty() {
        return Err(TypeError::NoLabels { field: field.to_owned() });
    }
    let bits = names.container.bits;
    let (min, max) = if names.container.signed {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    for label in &names.labels {
        if label.low > label.high || label.low < min || label.high > max {
            return Err(TypeError::LabelRange {
                field: field.to_owned(),
                label: label.name.clone(),
                low: label.low,
                high: label.high,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata;
    use crate::types::Field;

    /// A trace of two streams that passes.
    fn good() -> TraceType {
        metadata::parse(
            "/* CTF 1.8 */
             typealias integer { size = 8; } := u8;
             trace { major = 1; minor = 8; byte_order = le; packet.header := struct { u8 stream_id; }; };
             clock { name = c; };
             stream { id = 0; event.header := struct { u8 id; }; event.context := struct { u8 _tid; }; };
             stream { id = 1; event.header := struct { u8 id; }; };
             event { id = 1; name = a; fields := struct { u8 _n; }; };
             event { id = 2; name = b; };
             event { id = 2; stream_id = 1; name = c; };",
        )
        .unwrap()
    }

    fn broken(break_it: impl FnOnce(&mut TraceType)) -> TypeError {
        let mut trace = good();
        break_it(&mut trace);
        trace.check().unwrap_err()
    }

    fn only_field(trace: &mut TraceType) -> &mut Field {
        &mut trace.events[0].fields.fields[0]
    }

    #[test]
    fn ids_are_unique_and_fit() {
        assert_eq!(good().check(), Ok(()));
        assert_eq!(broken(|t| t.streams[1].id = 0), TypeError::DuplicateStream { id: 0 });
        assert_eq!(broken(|t| t.events[1].id = 1), TypeError::DuplicateEvent { id: 1, stream_id: 0 });
        let event = || "b".to_owned();
        assert_eq!(broken(|t| t.events[1].id = 256), TypeError::EventId { event: event(), id: 256 });
        assert_eq!(
            broken(|t| t.events[1].stream_id = 2),
            TypeError::NoStream { event: event(), stream_id: 2 }
        );
        assert_eq!(
            broken(|t| t.streams[0].event_header.fields.clear()),
            TypeError::NoEventId { stream_id: 0, count: 2 }
        );
        assert_eq!(broken(|t| t.packet_header.fields.clear()), TypeError::NoStreamId { id: 1 });
    }

    #[test]
    fn names_are_identifiers_and_no_words_of_the_language() {
        let error = |name: &str| TypeError::Name { name: name.to_owned() };
        assert_eq!(broken(|t| only_field(t).name = "a b".to_owned()), error("_a b"));
        assert_eq!(broken(|t| only_field(t).name = "Bool".to_owned()), error("_Bool"));
        assert_eq!(broken(|t| t.packet_header.fields[0].name = "event".to_owned()), error("event"));
        assert_eq!(broken(|t| t.clock.as_mut().unwrap().name = String::new()), error(""));
        let number = crate::types::EnvValue::Int(1);
        assert_eq!(broken(|t| t.env.push(("1a".to_owned(), number))), error("1a"));

        // The underscore makes these possible.
        let mut trace = good();
        for name in ["event", "0", ""] {
            only_field(&mut trace).name = name.to_owned();
            assert_eq!(trace.check(), Ok(()));
        }
    }

    #[test]
    fn clock_values_need_a_clock_and_no_sign() {
        let clock = IntType { clock: true, ..IntType::unsigned(8) };
        let mapped = |int: &IntType| FieldType::Int(int.clone());
        let error = TypeError::ClockValue { field: "n".to_owned() };
        let mut trace = good();
        only_field(&mut trace).field_type = mapped(&clock);
        assert_eq!(trace.check(), Ok(()));
        trace.clock = None;
        assert_eq!(trace.check(), Err(error.clone()));
        let signed = IntType { signed: true, ..clock };
        assert_eq!(broken(|t| only_field(t).field_type = mapped(&signed)), error);
    }

    #[test]
    fn a_length_is_an_unsigned_integer_before_the_sequence() {
        let sequence =
            || FieldType::Sequence { element: Box::new(FieldType::String), length_field: "n".to_owned() };
        let field = Field { name: "s".to_owned(), field_type: sequence() };
        let error = TypeError::Length { field: "s".to_owned(), length_field: "n".to_owned() };
        let mut trace = good();
        trace.events[0].fields.fields.push(field.clone());
        assert_eq!(trace.check(), Ok(()));
        assert_eq!(broken(|t| t.events[0].fields.fields.insert(0, field.clone())), error);
        only_field(&mut trace).field_type = FieldType::Int(IntType::signed(8));
        assert_eq!(trace.check(), Err(error));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels| {
            (0..levels).fold(FieldType::String, |element, _| FieldType::Array {
                element: Box::new(element),
                length: 1,
            })
        };
        let mut trace = good();
        only_field(&mut trace).field_type = nested(MAX_DEPTH - 1);
        assert_eq!(trace.check(), Ok(()));
        let error = TypeError::TooDeep { field: "n".to_owned() };
        assert_eq!(broken(|t| only_field(t).field_type = nested(MAX_DEPTH)), error);
    }
}
