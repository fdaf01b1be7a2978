//! The type tree of a trace: what the metadata text says, as values.
//!
//! Writer, metadata and reader are all driven by these values, so they cannot disagree.
//! Names are the plain ones (`filename`); the metadata text carries a leading underscore
//! (`_filename`), which readers of CTF 1.8 strip, because TSDL keywords are not allowed as names.

/// Order of the bytes of an integer in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first (`le`).
    Little,
    /// Most significant byte first (`be`).
    Big,
}

/// Preferred radix when an integer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// 2
    Binary,
    /// 8
    Octal,
    /// 10
    Decimal,
    /// 16
    Hexadecimal,
}

/// `integer { size; align; signed; base; ... }` (CTF 1.8, section 4.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntType {
    /// Width in bits, 1..=64.
    pub bits: u32,
    /// Alignment in bits, a power of two.
    pub align: u32,
    /// Two's complement when true.
    pub signed: bool,
    /// Preferred radix.
    pub base: Base,
    /// Byte order of this integer.
    pub byte_order: ByteOrder,
    /// True when the integer is a character (`encoding = UTF8` or `ASCII`).
    pub text: bool,
    /// True when the integer is a value of the trace's clock (`map = clock.NAME.value`).
    pub clock: bool,
}

/// One label of an enumeration: the range of values that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumLabel {
    /// The label's text.
    pub name: String,
    /// Lowest value, inclusive.
    pub low: i128,
    /// Highest value, inclusive.
    pub high: i128,
}

/// `enum : container { ... }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumType {
    /// How the value is stored.
    pub container: IntType,
    /// Labels in the order of the text; ranges may overlap.
    pub labels: Vec<EnumLabel>,
}

/// A member of a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Plain name, without the leading underscore of the metadata text.
    pub name: String,
    /// What is stored under that name.
    pub field_type: FieldType,
}

/// `struct { ... } align(N)`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StructType {
    /// Members in stream order.
    pub fields: Vec<Field>,
}

/// Any type that a field can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A fixed-width integer.
    Int(IntType),
    /// An enumeration over an integer.
    Enum(EnumType),
    /// NUL-terminated bytes.
    String,
    /// A nested structure.
    Struct(StructType),
    /// `element name[length]`.
    Array {
        /// Type of one element.
        element: Box<FieldType>,
        /// Number of elements.
        length: u64,
    },
    /// `element name[length_field]`, the length being an earlier unsigned integer of the same structure.
    Sequence {
        /// Type of one element.
        element: Box<FieldType>,
        /// Plain name of the field that holds the number of elements.
        length_field: String,
    },
}

/// `event { ... }`: one kind of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventType {
    /// Value of `id` in the event header; unique in its stream type.
    pub id: u64,
    /// Event name, for example `syscall_entry_openat`. Several ids may share a name.
    pub name: String,
    /// The stream type that carries it.
    pub stream_id: u64,
    /// The payload.
    pub fields: StructType,
}

/// `stream { ... }`: what the packets and events of one kind of stream begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamType {
    /// Value of `stream_id` in the packet header.
    pub id: u64,
    /// `packet.context`.
    pub packet_context: StructType,
    /// `event.header`: a field `id` and a clock-mapped `timestamp`.
    pub event_header: StructType,
    /// `event.context`: fields of every event, possibly none.
    pub event_context: StructType,
}

/// `clock { ... }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Name, for example `monotonic`.
    pub name: String,
    /// Traces whose clocks have the same uuid can be merged (the boot id here).
    pub uuid: Option<[u8; 16]>,
    /// Words for people.
    pub description: String,
    /// Ticks per second.
    pub freq: u64,
    /// Seconds from the Unix epoch to clock value 0.
    pub offset_s: i64,
    /// Ticks to add to `offset_s`.
    pub offset: u64,
}

/// A value of the `env` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue {
    /// A number.
    Int(i64),
    /// A text.
    Str(String),
}

/// A whole metadata text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceType {
    /// Native byte order of the trace.
    pub byte_order: ByteOrder,
    /// Must equal the uuid of every packet header when present.
    pub uuid: Option<[u8; 16]>,
    /// `packet.header`.
    pub packet_header: StructType,
    /// The `env` block, in order.
    pub env: Vec<(String, EnvValue)>,
    /// The one clock, if any.
    pub clock: Option<Clock>,
    /// Stream types.
    pub streams: Vec<StreamType>,
    /// Event types.
    pub events: Vec<EventType>,
}

impl IntType {
    /// An unsigned little-endian integer of `bits` bits, byte aligned, shown in decimal.
    pub fn unsigned(bits: u32) -> Self {
        IntType {
            bits,
            align: 8,
            signed: false,
            base: Base::Decimal,
            byte_order: ByteOrder::Little,
            text: false,
            clock: false,
        }
    }

    /// The same, signed.
    pub fn signed(bits: u32) -> Self {
        IntType { signed: true, ..Self::unsigned(bits) }
    }

    /// The same integer, shown in another radix.
    pub fn in_base(self, base: Base) -> Self {
        IntType { base, ..self }
    }
}

impl FieldType {
    /// Alignment in bits: that of the integer, 8 for strings, that of the element or of the most
    /// aligned member (CTF 1.8, sections 4.2.1 and 4.2.3).
    pub fn align(&self) -> u32 {
        match self {
            FieldType::Int(int) => int.align,
            FieldType::Enum(names) => names.container.align,
            FieldType::String => 8,
            FieldType::Struct(members) => members.align(),
            FieldType::Array { element, .. } | FieldType::Sequence { element, .. } => element.align(),
        }
    }

    /// Fewest bits that a value takes, without padding.
    pub fn min_bits(&self) -> u64 {
        match self {
            FieldType::Int(int) => u64::from(int.bits),
            FieldType::Enum(names) => u64::from(names.container.bits),
            FieldType::String => 8,
            FieldType::Struct(members) => members.min_bits(),
            FieldType::Array { element, length } => element.min_bits().saturating_mul(*length),
            FieldType::Sequence { .. } => 0,
        }
    }

    /// True when an array or sequence of this type is a [`Value::Bytes`](crate::Value::Bytes):
    /// 8-bit integers that are unsigned or characters.
    pub fn is_byte(&self) -> bool {
        matches!(self, FieldType::Int(int) if int.bits == 8 && (int.text || !int.signed))
    }
}

impl StructType {
    /// Alignment in bits: that of the most aligned member, 1 without members.
    pub fn align(&self) -> u32 {
        self.fields.iter().map(|f| f.field_type.align()).max().unwrap_or(1)
    }

    /// Fewest bits that a value takes, without padding.
    pub fn min_bits(&self) -> u64 {
        self.fields.iter().fold(0, |sum, f| sum.saturating_add(f.field_type.min_bits()))
    }

    /// Where the member of that name stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }
}
