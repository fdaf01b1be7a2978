//! The types of a trace lowered to what taking records apart needs: which bytes go to which column.

use ctf::types::{ByteOrder, FieldType, IntType, StructType, TraceType};

/// Column of everything that stands before the first record of a packet.
pub(crate) const HEADS: usize = 0;
/// Columns that belong to no field.
const FIRST: usize = 1;

/// How the bytes of one field go to columns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The event id: so many bytes, as they are.
    Id { bytes: usize, column: usize },
    /// A clock value, as the difference to that of the record before: its low byte, and the rest in the next column.
    Clock { bytes: usize, column: usize },
    /// A value that is mostly that of the record before: a byte that says so, and others in the next column.
    Same { bytes: usize, column: usize },
    /// As they are.
    Bytes { bytes: usize, column: usize },
    /// The same; the value is the length of a later field.
    Length { bytes: usize, column: usize, slot: usize },
    /// Eight bytes: how many differ from the value before, and these in the next column.
    Word { column: usize },
    /// Up to and with a NUL.
    Text { column: usize },
    /// As many elements of `width` bytes as the length in the slot says.
    Run { width: usize, column: usize, slot: usize },
    /// As many strings.
    Texts { column: usize, slot: usize },
}

/// The records of one stream type.
#[derive(Debug)]
pub(crate) struct StreamPlan {
    pub(crate) id: u64,
    pub(crate) header: Vec<Step>,
    pub(crate) context: Vec<Step>,
    /// By event id; `None` where there is no such event.
    pub(crate) events: Vec<Option<Vec<Step>>>,
}

/// All streams of a trace.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) streams: Vec<StreamPlan>,
    /// How many columns there are.
    pub(crate) columns: usize,
    /// Most lengths that one structure has.
    pub(crate) slots: usize,
}

/// Ids of events from here on are not looked up in a list.
const MOST_EVENTS: u64 = 1 << 16;

impl Plan {
    /// `None` for traces whose records are not simply byte after byte in little-endian order, or too many to be listed.
    pub(crate) fn new(trace: &TraceType) -> Option<Plan> {
        let mut next = Columns { next: FIRST, slots: 0 };
        let streams = trace.streams.iter().map(|stream| {
            let header = next.structure(&stream.event_header, Place::Header)?;
            let context = next.structure(&stream.event_context, Place::Context)?;
            let mut events = Vec::new();
            for event in trace.events.iter().filter(|event| event.stream_id == stream.id) {
                let id = usize::try_from(event.id).ok().filter(|_| event.id < MOST_EVENTS)?;
                if events.len() <= id {
                    events.resize_with(id + 1, || None);
                }
                *events.get_mut(id)? = Some(next.structure(&event.fields, Place::Fields)?);
            }
            Some(StreamPlan { id: stream.id, header, context, events })
        });
        let streams = streams.collect::<Option<Vec<_>>>()?;
        Some(Plan { streams, columns: next.next, slots: next.slots })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Header,
    Context,
    Fields,
}

/// Hands out columns.
struct Columns {
    next: usize,
    slots: usize,
}

impl Columns {
    fn take(&mut self, count: usize) -> usize {
        let first = self.next;
        self.next += count;
        first
    }

    fn structure(&mut self, structure: &StructType, place: Place) -> Option<Vec<Step>> {
        let lengths: Vec<&str> = structure
            .fields
            .iter()
            .filter_map(|field| match &field.field_type {
                FieldType::Sequence { length_field, .. } => Some(length_field.as_str()),
                _ => None,
            })
            .collect();
        self.slots = self.slots.max(lengths.len());
        let slot = |name: &str| lengths.iter().position(|length| *length == name);
        let steps = structure.fields.iter().map(|field| match &field.field_type {
            FieldType::Int(int) => self.integer(int, &field.name, place, slot(&field.name)),
            FieldType::Enum(names) => self.integer(&names.container, &field.name, place, slot(&field.name)),
            FieldType::String => Some(Step::Text { column: self.take(1) }),
            FieldType::Array { element, length } => {
                let bytes = width(element)?.checked_mul(usize::try_from(*length).ok()?)?;
                Some(Step::Bytes { bytes, column: self.take(1) })
            }
            FieldType::Sequence { element, length_field } => {
                let slot = slot(length_field)?;
                match **element {
                    FieldType::String => Some(Step::Texts { column: self.take(1), slot }),
                    _ => Some(Step::Run { width: width(element)?, column: self.take(1), slot }),
                }
            }
            FieldType::Struct(_) => None,
        });
        steps.collect()
    }

    fn integer(&mut self, int: &IntType, name: &str, place: Place, slot: Option<usize>) -> Option<Step> {
        let bytes = whole_bytes(int)?;
        Some(match (place, slot) {
            (_, Some(slot)) => Step::Length { bytes, column: self.take(1), slot },
            (Place::Header, _) if name == "id" => Step::Id { bytes, column: self.take(1) },
            (Place::Header, _) if int.clock => Step::Clock { bytes, column: self.take(2) },
            (Place::Context, _) => Step::Same { bytes, column: self.take(2) },
            _ if bytes == 8 => Step::Word { column: self.take(2) },
            _ => Step::Bytes { bytes, column: self.take(1) },
        })
    }
}

/// Bytes of an integer that begins and ends at a byte, in little-endian order.
fn whole_bytes(int: &IntType) -> Option<usize> {
    let plain = int.align <= 8 && matches!(int.bits, 8 | 16 | 32 | 64) && int.byte_order == ByteOrder::Little;
    plain.then_some(int.bits as usize / 8)
}

/// Bytes of an element that has always the same number of them.
fn width(element: &FieldType) -> Option<usize> {
    match element {
        FieldType::Int(int) => whole_bytes(int),
        FieldType::Enum(names) => whole_bytes(&names.container),
        _ => None,
    }
}
