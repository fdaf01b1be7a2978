//! Builds a layout: what readers see and what the probe does, by the same steps.

use ctf::types::{Base, EnumLabel, EnumType, EventType, Field, FieldType, IntType, StructType};

use super::{
    Copy, HEADER_LEN, IdRule, Layout, Length, Point, Pointee, Registers, STATES, Shape, Slot, Source, When,
};
use crate::ast::Stored;

/// Builds a layout: each step adds the field to the event type and to the shape.
#[derive(Debug)]
pub struct Builder {
    fixed: Vec<Field>,
    variable: Vec<Field>,
    shape: Shape,
}

impl Builder {
    /// An empty layout.
    pub fn new(point: Point, registers: Registers, id: IdRule) -> Self {
        Builder {
            fixed: Vec::new(),
            variable: Vec::new(),
            shape: Shape {
                point,
                registers,
                id,
                slots: Vec::new(),
                fixed_len: HEADER_LEN,
                pointees: Vec::new(),
                reread: false,
                only_if_failed: false,
                counted: point == Point::Entry,
            },
        }
    }

    fn take(&mut self, bytes: u16) -> u16 {
        let at = self.shape.fixed_len;
        self.shape.fixed_len += bytes;
        at
    }

    fn int(&mut self, name: String, int: IntType) {
        self.fixed.push(Field { name, field_type: FieldType::Int(int) });
    }

    /// An integer field.
    pub fn value(&mut self, name: &str, stored: Stored, base: Base, source: Source) -> &mut Self {
        let offset = self.take(u16::from(stored.bytes));
        self.shape.slots.push(Slot { offset, width: stored.bytes, source });
        self.int(name.to_owned(), integer(stored, base));
        self
    }

    /// Text of `len` bytes (a multiple of 4) inside a kernel structure, such as `task_struct.comm`.
    pub fn text(&mut self, name: &str, len: u16, source: impl Fn(u16) -> Source) -> &mut Self {
        for at in (0..len).step_by(4) {
            let offset = self.take(4);
            self.shape.slots.push(Slot { offset, width: 4, source: source(at) });
        }
        let element = IntType { text: true, ..IntType::unsigned(8) };
        self.fixed.push(Field {
            name: name.to_owned(),
            field_type: FieldType::Array {
                element: Box::new(FieldType::Int(element)),
                length: u64::from(len),
            },
        });
        self
    }

    /// A pointee: state, length or object in the fixed part, the rest in the variable part.
    pub fn pointee(&mut self, names: PointeeNames<'_>, pointer: Source, copy: Copy) -> &mut Self {
        self.pointee_if(names, pointer, copy, (When::Success, None))
    }

    /// A pointee that is there only under conditions: see [`Pointee`].
    pub fn pointee_if(
        &mut self,
        names: PointeeNames<'_>,
        pointer: Source,
        copy: Copy,
        (when, guard): (When, Option<(Length, u16)>),
    ) -> &mut Self {
        let state = self.take(1);
        self.fixed.push(Field { name: format!("{}_state", names.plain), field_type: state_type() });
        let byte = || Box::new(FieldType::Int(IntType::unsigned(8).in_base(Base::Hexadecimal)));
        let (length, copy) = match copy {
            Copy::String { .. } => {
                self.variable.push(Field { name: names.data.to_owned(), field_type: FieldType::String });
                (None, copy)
            }
            Copy::Strings { .. } => {
                let length_field = format!("{}_count", names.plain);
                self.int(length_field.clone(), IntType::unsigned(8));
                self.variable.push(Field {
                    name: names.data.to_owned(),
                    field_type: FieldType::Sequence { element: Box::new(FieldType::String), length_field },
                });
                (Some(self.take(1)), copy)
            }
            Copy::Off => (None, copy),
            Copy::Count { .. } => {
                self.int(format!("{}_count", names.plain), IntType::unsigned(8));
                (Some(self.take(1)), copy)
            }
            Copy::Bytes { .. } | Copy::Chosen(_) | Copy::Load(_) => {
                let length_field = names.length();
                self.int(length_field.clone(), IntType::unsigned(16));
                self.variable.push(Field {
                    name: names.data.to_owned(),
                    field_type: FieldType::Sequence { element: byte(), length_field },
                });
                (Some(self.take(2)), copy)
            }
            Copy::Object { size, .. } => {
                self.fixed.push(Field {
                    name: names.data.to_owned(),
                    field_type: FieldType::Array { element: byte(), length: u64::from(size) },
                });
                (None, Copy::Object { offset: self.take(size), size })
            }
        };
        self.shape.pointees.push(Pointee { pointer, state, length, copy, when, guard });
        self
    }

    /// Pointees that fail here are read again at exit.
    pub fn reread(&mut self, reread: bool) -> &mut Self {
        self.shape.reread = reread;
        self
    }

    /// Registers are gone when the call succeeded.
    pub fn only_if_failed(&mut self, only: bool) -> &mut Self {
        self.shape.only_if_failed = only;
        self
    }

    /// The only record of its call.
    pub fn only_record(&mut self) -> &mut Self {
        self.shape.counted = true;
        self
    }

    /// The layout of event `id`, named `name`, in stream `stream_id`.
    pub fn build(self, id: u16, name: String, stream_id: u64) -> Layout {
        let fields = StructType { fields: self.fixed.into_iter().chain(self.variable).collect() };
        Layout { event: EventType { id: u64::from(id), name, stream_id, fields }, shape: self.shape }
    }
}

/// Names of a pointee's fields: `plain` prefixes state and length, `data` is the value itself.
#[derive(Clone, Copy, Debug)]
pub struct PointeeNames<'a> {
    /// The argument's name.
    pub plain: &'a str,
    /// Name of the field with the value.
    pub data: &'a str,
    /// True when another argument is called like the length (`addr` and `addr_len` of `sendto`).
    pub length_taken: bool,
}

impl PointeeNames<'_> {
    /// `NAME_len`, or `NAME_data_len` where that is taken.
    fn length(&self) -> String {
        format!("{}_len", if self.length_taken { self.data } else { self.plain })
    }
}

fn integer(stored: Stored, base: Base) -> IntType {
    IntType { signed: stored.signed, ..IntType::unsigned(u32::from(stored.bytes) * 8) }.in_base(base)
}

fn state_type() -> FieldType {
    FieldType::Enum(EnumType {
        container: IntType::unsigned(8),
        labels: STATES
            .iter()
            .map(|(state, name)| EnumLabel {
                name: (*name).to_owned(),
                low: *state as i128,
                high: *state as i128,
            })
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_type_and_shape_come_from_the_same_steps() {
        let mut builder = Builder::new(Point::Entry, Registers::X86_64, IdRule::NumberPlus(0));
        builder
            .value("dfd", Stored { bytes: 4, signed: true }, Base::Decimal, Source::Register(0))
            .value("filename_ptr", Stored { bytes: 8, signed: false }, Base::Hexadecimal, Source::Register(1))
            .pointee(
                PointeeNames { plain: "filename", data: "filename", length_taken: false },
                Source::Register(1),
                Copy::String { cap: 4096 },
            );
        let layout = builder.build(257, "syscall_entry_openat".into(), 0);
        let names: Vec<_> = layout.event.fields.fields.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["dfd", "filename_ptr", "filename_state", "filename"]);
        assert_eq!(layout.shape.slots[1].offset, 14);
        assert_eq!(layout.shape.pointees[0].state, 22);
        assert_eq!(layout.shape.fixed_len, 23);
        assert_eq!(layout.shape.longest(), 23 + 4097);
    }
}
