//! Types lowered to what the hot loop needs: no names, no lookups, limits computed once.

use crate::cursor::Cursor;
use crate::error::{Fault, ReadError};
use crate::event::Value;
use crate::types::{ByteOrder, FieldType, IntType, StructType};

/// Elements for which room is made before the first one has been read. A length is only a claim.
const TRUSTED_LENGTH: u64 = 256;

/// How to read one structure.
#[derive(Debug)]
pub(crate) struct StructPlan {
    align: u32,
    pub(crate) steps: Vec<Step>,
    /// The first of the steps once more, when they are whole numbers of bytes at fixed places.
    fixed: Vec<FixedInt>,
    /// Bytes of these.
    fixed_len: usize,
}

/// A little-endian integer of one, two, four or eight bytes at a fixed place.
#[derive(Clone, Copy, Debug)]
struct FixedInt {
    /// First byte behind.
    end: usize,
    bytes: usize,
    signed: bool,
}

/// How to read one field.
#[derive(Debug)]
pub(crate) enum Step {
    /// Read over: its value is [`Value::Unsigned`] 0.
    Skip(Box<Step>),
    Int(IntStep),
    String,
    Struct(StructPlan),
    Array {
        elements: Elements,
        length: u64,
    },
    /// `length_at`: which value of the same structure holds the length.
    Sequence {
        elements: Elements,
        length_at: usize,
    },
}

/// How to read an integer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IntStep {
    pub(crate) bits: u32,
    align: u32,
    signed: bool,
    order: ByteOrder,
    /// A value of the trace's clock.
    pub(crate) clock: bool,
}

/// How to read the elements of an array or sequence.
#[derive(Debug)]
pub(crate) struct Elements {
    step: Box<Step>,
    align: u32,
    min_bits: u64,
    /// The value is [`Value::Bytes`].
    bytes: bool,
}

impl StructPlan {
    /// `structure` has passed [`TraceType::check`](crate::types::TraceType::check).
    pub(crate) fn new(structure: &StructType) -> Self {
        let steps = structure.fields.iter().map(|f| Step::new(&f.field_type, structure)).collect();
        let align = structure.align();
        let mut plan = StructPlan { align, steps, fixed: Vec::new(), fixed_len: 0 };
        if align <= 8 {
            let fixed = plan.steps.iter().map_while(Step::as_fixed);
            for (bytes, signed) in fixed {
                plan.fixed_len += bytes;
                plan.fixed.push(FixedInt { end: plan.fixed_len, bytes, signed });
            }
        }
        plan
    }

    /// The same without the content of strings, arrays and structures.
    pub(crate) fn brief(structure: &StructType) -> Self {
        let mut plan = StructPlan::new(structure);
        for step in &mut plan.steps {
            if !matches!(step, Step::Int(_)) {
                let whole = std::mem::replace(step, Step::String);
                *step = Step::Skip(Box::new(whole));
            }
        }
        plan
    }

    /// Appends the values of all members to `values`, which must be empty: lengths are looked up in it.
    #[inline]
    pub(crate) fn read(&self, cursor: &mut Cursor<'_>, values: &mut Vec<Value>) -> Result<(), ReadError> {
        cursor.align(self.align)?;
        values.reserve_exact(self.steps.len());
        // Where there are too few bytes the steps tell which of them misses some.
        let fixed = cursor.whole_bytes(self.fixed_len).unwrap_or_default();
        if !fixed.is_empty() {
            values.extend(self.fixed.iter().map(|int| int.value(fixed)));
        }
        for step in self.steps.iter().skip(values.len()) {
            let value = step.read(cursor, values)?;
            values.push(value);
        }
        Ok(())
    }
}

impl FixedInt {
    #[inline]
    fn value(self, bytes: &[u8]) -> Value {
        let own = bytes.get(self.end - self.bytes..self.end).unwrap_or_default();
        let bits = match *own {
            [a] => u64::from(a),
            [a, b] => u64::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => 0,
        };
        let unused = 64 - self.bytes * 8;
        if self.signed { Value::Signed((bits << unused) as i64 >> unused) } else { Value::Unsigned(bits) }
    }
}

impl Step {
    /// Bytes and sign of an integer that a [`FixedInt`] can read when it begins at a byte.
    fn as_fixed(&self) -> Option<(usize, bool)> {
        match self {
            Step::Int(IntStep { bits: bits @ (8 | 16 | 32 | 64), align: 0..=8, signed, order, .. })
                if *order == ByteOrder::Little =>
            {
                Some((*bits as usize / 8, *signed))
            }
            _ => None,
        }
    }

    fn new(field_type: &FieldType, siblings: &StructType) -> Self {
        match field_type {
            FieldType::Int(int) => Step::Int(IntStep::new(int)),
            FieldType::Enum(names) => Step::Int(IntStep::new(&names.container)),
            FieldType::String => Step::String,
            FieldType::Struct(structure) => Step::Struct(StructPlan::new(structure)),
            FieldType::Array { element, length } => {
                Step::Array { elements: Elements::new(element, siblings), length: *length }
            }
            FieldType::Sequence { element, length_field } => Step::Sequence {
                elements: Elements::new(element, siblings),
                // `check` has seen the field; without it every length would read as 0.
                length_at: siblings.position(length_field).unwrap_or(usize::MAX),
            },
        }
    }

    #[inline]
    fn read(&self, cursor: &mut Cursor<'_>, before: &[Value]) -> Result<Value, ReadError> {
        match self {
            Step::Int(int) => int.read(cursor),
            Step::Skip(step) => {
                step.skip(cursor, before)?;
                Ok(Value::Unsigned(0))
            }
            Step::String => {
                cursor.align(8)?;
                Ok(Value::Str(cursor.string()?.to_vec()))
            }
            Step::Struct(plan) => {
                let mut values = Vec::new();
                plan.read(cursor, &mut values)?;
                Ok(Value::Struct(values))
            }
            Step::Array { elements, length } => elements.read(cursor, *length, before),
            Step::Sequence { elements, length_at } => {
                let length = before.get(*length_at).and_then(Value::bits).unwrap_or(0);
                elements.read(cursor, length, before)
            }
        }
    }
}

impl Step {
    /// Moves behind the field.
    fn skip(&self, cursor: &mut Cursor<'_>, before: &[Value]) -> Result<(), ReadError> {
        match self {
            Step::String => {
                cursor.align(8)?;
                cursor.string()?;
            }
            Step::Array { elements, length } => elements.skip(cursor, *length, before)?,
            Step::Sequence { elements, length_at } => {
                let length = before.get(*length_at).and_then(Value::bits).unwrap_or(0);
                elements.skip(cursor, length, before)?;
            }
            Step::Skip(step) => step.skip(cursor, before)?,
            Step::Int(_) | Step::Struct(_) => drop(self.read(cursor, before)?),
        }
        Ok(())
    }
}

impl IntStep {
    fn new(int: &IntType) -> Self {
        IntStep {
            bits: int.bits,
            align: int.align,
            signed: int.signed,
            order: int.byte_order,
            clock: int.clock,
        }
    }

    #[inline]
    fn read(&self, cursor: &mut Cursor<'_>) -> Result<Value, ReadError> {
        cursor.align(self.align)?;
        Ok(if self.signed {
            Value::Signed(cursor.signed(self.bits, self.order)?)
        } else {
            Value::Unsigned(cursor.unsigned(self.bits, self.order)?)
        })
    }
}

impl Elements {
    fn new(element: &FieldType, siblings: &StructType) -> Self {
        Elements {
            step: Box::new(Step::new(element, siblings)),
            align: element.align(),
            min_bits: element.min_bits(),
            bytes: element.is_byte(),
        }
    }

    /// To the first element; an error when so many cannot be there.
    fn begin(&self, cursor: &mut Cursor<'_>, count: u64) -> Result<(), ReadError> {
        cursor.align(self.align)?;
        let left = cursor.left();
        if count.checked_mul(self.min_bits).is_none_or(|need| need > left) {
            return Err(cursor.error(Fault::TooLong { count, left }));
        }
        Ok(())
    }

    fn skip(&self, cursor: &mut Cursor<'_>, count: u64, before: &[Value]) -> Result<(), ReadError> {
        self.begin(cursor, count)?;
        if self.bytes && self.align == 8 {
            cursor.bytes(count)?;
            return Ok(());
        }
        (0..count).try_for_each(|_| self.step.skip(cursor, before))
    }

    fn read(&self, cursor: &mut Cursor<'_>, count: u64, before: &[Value]) -> Result<Value, ReadError> {
        self.begin(cursor, count)?;
        if self.bytes && self.align == 8 {
            return Ok(Value::Bytes(cursor.bytes(count)?.to_vec()));
        }
        let room = count.min(TRUSTED_LENGTH) as usize;
        if self.bytes {
            let mut bytes = Vec::with_capacity(room);
            for _ in 0..count {
                bytes.push(self.step.read(cursor, before)?.bits().unwrap_or(0) as u8);
            }
            return Ok(Value::Bytes(bytes));
        }
        let mut values = Vec::with_capacity(room);
        for _ in 0..count {
            values.push(self.step.read(cursor, before)?);
        }
        Ok(Value::List(values))
    }
}
