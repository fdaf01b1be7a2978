//! A decoded record.

use std::sync::Arc;

use crate::types::EventType;

/// A decoded field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Unsigned integer or enumeration.
    Unsigned(u64),
    /// Signed integer or enumeration.
    Signed(i64),
    /// Bytes of a string, without the NUL.
    Str(Vec<u8>),
    /// Array or sequence of 8-bit integers that are unsigned or characters.
    Bytes(Vec<u8>),
    /// Any other array or sequence.
    List(Vec<Value>),
    /// Members of a structure, in order.
    Struct(Vec<Value>),
}

/// One event of a trace. Values stand in the order of the fields of their type.
#[derive(Clone, Debug)]
pub struct Event {
    /// Clock value in ticks (nanoseconds of the monotonic clock in our traces), extended to 64 bits.
    pub time: u64,
    /// `cpu_id` of the packet; 0 when the packet does not tell.
    pub cpu: u32,
    /// What kind of event it is.
    pub event_type: Arc<EventType>,
    /// Names of the context values.
    pub context_names: Arc<[String]>,
    /// Values of `event.context`.
    pub context: Vec<Value>,
    /// Values of the payload.
    pub fields: Vec<Value>,
}

impl Value {
    /// The integer as 64 raw bits (sign-extended when signed); `None` for anything else.
    pub fn bits(&self) -> Option<u64> {
        match self {
            Value::Unsigned(v) => Some(*v),
            Value::Signed(v) => Some(*v as u64),
            _ => None,
        }
    }
}

impl Event {
    /// The event's name.
    pub fn name(&self) -> &str {
        &self.event_type.name
    }

    /// A payload field by its plain name.
    pub fn field(&self, name: &str) -> Option<&Value> {
        let at = self.event_type.fields.fields.iter().position(|f| f.name == name)?;
        self.fields.get(at)
    }

    /// A context field by its plain name.
    pub fn context_field(&self, name: &str) -> Option<&Value> {
        let at = self.context_names.iter().position(|n| n == name)?;
        self.context.get(at)
    }
}
