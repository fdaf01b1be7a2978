//! Type tree to text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::SIGNATURE;
use crate::types::{
    Base, ByteOrder, Clock, EnumType, EnvValue, EventType, FieldType, IntType, StreamType, StructType,
    TraceType,
};

/// The metadata text of a trace. It can be read back when [`TraceType::check`] finds nothing.
///
/// Integers are written once as a `typealias`, and so are enumerations that are used more than once.
pub fn write(trace: &TraceType) -> String {
    let mut writer = Writer { trace, text: String::new(), enums: Vec::new() };
    writer.trace();
    writer.text
}

/// What stands before each name of event context and payload.
const UNDERSCORE: &str = "_";

struct Writer<'a> {
    trace: &'a TraceType,
    text: String,
    /// Enumerations with an alias, in the order of their first use.
    enums: Vec<&'a EnumType>,
}

/// What of the tree is used where the text needs a name for it.
#[derive(Default)]
struct Uses<'a> {
    /// By name of the alias.
    ints: BTreeMap<String, &'a IntType>,
    /// With the number of uses, in the order of the first.
    enums: Vec<(&'a EnumType, usize)>,
}

impl<'a> Uses<'a> {
    fn structure(&mut self, structure: &'a StructType, native: ByteOrder) {
        for field in &structure.fields {
            self.field_type(&field.field_type, native);
        }
    }

    fn field_type(&mut self, field_type: &'a FieldType, native: ByteOrder) {
        match field_type {
            FieldType::Int(int) => self.int(int, native),
            FieldType::Enum(names) => {
                self.int(&names.container, native);
                match self.enums.iter_mut().find(|(other, _)| *other == names) {
                    Some((_, count)) => *count += 1,
                    None => self.enums.push((names, 1)),
                }
            }
            FieldType::String => {}
            FieldType::Struct(structure) => self.structure(structure, native),
            FieldType::Array { element, .. } | FieldType::Sequence { element, .. } => {
                self.field_type(element, native);
            }
        }
    }

    fn int(&mut self, int: &'a IntType, native: ByteOrder) {
        self.ints.insert(alias(int, native), int);
    }
}

/// Name of the `typealias` of an integer: `uint32_t`, and a word for all that is not usual.
fn alias(int: &IntType, native: ByteOrder) -> String {
    let mut name = format!("{}int{}_", if int.signed { "" } else { "u" }, int.bits);
    let base = match int.base {
        Base::Binary => "bin_",
        Base::Octal => "oct_",
        Base::Decimal => "",
        Base::Hexadecimal => "hex_",
    };
    name.push_str(base);
    if int.text {
        name.push_str("text_");
    }
    if int.clock {
        name.push_str("clock_");
    }
    if int.byte_order != native {
        name.push_str(byte_order(int.byte_order));
        name.push('_');
    }
    if int.align != 8 {
        let _ = write!(name, "align{}_", int.align);
    }
    name.push('t');
    name
}

fn byte_order(order: ByteOrder) -> &'static str {
    match order {
        ByteOrder::Little => "le",
        ByteOrder::Big => "be",
    }
}

impl<'a> Writer<'a> {
    fn line(&mut self, depth: usize, line: &str) {
        for _ in 0..depth {
            self.text.push('\t');
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn trace(&mut self) {
        let trace = self.trace;
        let native = trace.byte_order;
        let mut uses = Uses::default();
        uses.structure(&trace.packet_header, native);
        for stream in &trace.streams {
            uses.structure(&stream.packet_context, native);
            uses.structure(&stream.event_header, native);
            uses.structure(&stream.event_context, native);
        }
        for event in &trace.events {
            uses.structure(&event.fields, native);
        }
        self.line(0, SIGNATURE);
        self.line(0, "");
        for (name, int) in uses.ints.iter().filter(|(_, int)| !int.clock) {
            self.int_alias(name, int);
        }
        self.line(0, "");
        self.line(0, "trace {");
        self.line(1, "major = 1;");
        self.line(1, "minor = 8;");
        if let Some(uuid) = &trace.uuid {
            self.line(1, &format!("uuid = \"{}\";", uuid_text(uuid)));
        }
        self.line(1, &format!("byte_order = {};", byte_order(native)));
        self.scope("packet.header", &trace.packet_header, "");
        self.line(0, "};");
        self.env();
        if let Some(clock) = &trace.clock {
            self.clock(clock);
        }
        for (name, int) in uses.ints.iter().filter(|(_, int)| int.clock) {
            self.line(0, "");
            self.int_alias(name, int);
        }
        for (names, _) in uses.enums.into_iter().filter(|(_, count)| *count > 1) {
            self.line(0, "");
            let text = self.enum_text(names, 0);
            self.enums.push(names);
            let number = self.enums.len();
            self.line(0, &format!("typealias {text} := enum{number}_t;"));
        }
        for stream in &trace.streams {
            self.stream(stream);
        }
        for event in &trace.events {
            self.event(event);
        }
    }

    fn int_alias(&mut self, name: &str, int: &IntType) {
        let base = match int.base {
            Base::Binary => 2,
            Base::Octal => 8,
            Base::Decimal => 10,
            Base::Hexadecimal => 16,
        };
        let IntType { bits, align, signed, .. } = int;
        let mut text =
            format!("typealias integer {{ size = {bits}; align = {align}; signed = {signed}; base = {base};");
        if int.text {
            text.push_str(" encoding = UTF8;");
        }
        if int.byte_order != self.trace.byte_order {
            let _ = write!(text, " byte_order = {};", byte_order(int.byte_order));
        }
        if let (true, Some(clock)) = (int.clock, &self.trace.clock) {
            let _ = write!(text, " map = clock.{}.value;", clock.name);
        }
        let _ = write!(text, " }} := {name};");
        self.line(0, &text);
    }

    fn env(&mut self) {
        let trace = self.trace;
        if trace.env.is_empty() {
            return;
        }
        self.line(0, "");
        self.line(0, "env {");
        for (key, value) in &trace.env {
            let line = match value {
                EnvValue::Int(number) => format!("{key} = {number};"),
                EnvValue::Str(text) => format!("{key} = {};", quoted(text)),
            };
            self.line(1, &line);
        }
        self.line(0, "};");
    }

    fn clock(&mut self, clock: &Clock) {
        self.line(0, "");
        self.line(0, "clock {");
        self.line(1, &format!("name = {};", quoted(&clock.name)));
        if let Some(uuid) = &clock.uuid {
            self.line(1, &format!("uuid = \"{}\";", uuid_text(uuid)));
        }
        if !clock.description.is_empty() {
            self.line(1, &format!("description = {};", quoted(&clock.description)));
        }
        self.line(1, &format!("freq = {};", clock.freq));
        self.line(1, &format!("offset_s = {};", clock.offset_s));
        self.line(1, &format!("offset = {};", clock.offset));
        self.line(0, "};");
    }

    fn stream(&mut self, stream: &'a StreamType) {
        self.line(0, "");
        self.line(0, "stream {");
        // Readers refuse an id when packets do not tell theirs.
        if self.trace.packet_header.position("stream_id").is_some() {
            self.line(1, &format!("id = {};", stream.id));
        }
        self.scope("packet.context", &stream.packet_context, "");
        self.scope("event.header", &stream.event_header, "");
        self.scope("event.context", &stream.event_context, UNDERSCORE);
        self.line(0, "};");
    }

    fn event(&mut self, event: &'a EventType) {
        self.line(0, "");
        self.line(0, "event {");
        self.line(1, &format!("name = {};", quoted(&event.name)));
        self.line(1, &format!("id = {};", event.id));
        if self.trace.packet_header.position("stream_id").is_some() {
            self.line(1, &format!("stream_id = {};", event.stream_id));
        }
        self.scope("fields", &event.fields, UNDERSCORE);
        self.line(0, "};");
    }

    /// `name := struct { ... };`, nothing for a structure without members.
    fn scope(&mut self, name: &str, structure: &'a StructType, prefix: &str) {
        if structure.fields.is_empty() {
            return;
        }
        self.line(1, &format!("{name} := struct {{"));
        self.members(structure, prefix, 2);
        self.line(1, "};");
    }

    fn members(&mut self, structure: &'a StructType, prefix: &str, depth: usize) {
        for field in &structure.fields {
            // `a[2][3]` is two times three elements, as in C, so the outermost length comes first.
            let mut lengths = String::new();
            let mut element = &field.field_type;
            loop {
                let _ = match element {
                    FieldType::Array { length, .. } => write!(lengths, "[{length}]"),
                    FieldType::Sequence { length_field, .. } => {
                        write!(lengths, "[ {prefix}{length_field} ]")
                    }
                    _ => break,
                };
                element = match element {
                    FieldType::Array { element, .. } | FieldType::Sequence { element, .. } => element,
                    other => other,
                };
            }
            let declarator = format!("{prefix}{}{lengths};", field.name);
            match element {
                FieldType::Struct(inner) => {
                    self.line(depth, "struct {");
                    self.members(inner, prefix, depth + 1);
                    self.line(depth, &format!("}} {declarator}"));
                }
                FieldType::Enum(names) => {
                    let text = match self.enums.iter().position(|other| *other == names) {
                        Some(at) => format!("enum{}_t", at + 1),
                        None => self.enum_text(names, depth),
                    };
                    self.line(depth, &format!("{text} {declarator}"));
                }
                FieldType::Int(int) => {
                    let name = alias(int, self.trace.byte_order);
                    self.line(depth, &format!("{name} {declarator}"));
                }
                _ => self.line(depth, &format!("string {declarator}")),
            }
        }
    }

    fn enum_text(&self, names: &EnumType, depth: usize) -> String {
        let tabs = "\t".repeat(depth);
        let mut text = format!("enum : {} {{\n", alias(&names.container, self.trace.byte_order));
        for label in &names.labels {
            let _ = write!(text, "{tabs}\t{} = {}", quoted(&label.name), label.low);
            if label.high != label.low {
                let _ = write!(text, " ... {}", label.high);
            }
            text.push_str(",\n");
        }
        let _ = write!(text, "{tabs}}}");
        text
    }
}

/// A string literal. Control characters become octal escapes, which have a fixed length.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_ascii_control() => {
                let _ = write!(quoted, "\\{:03o}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The usual form, `01234567-89ab-cdef-0123-456789abcdef`.
fn uuid_text(uuid: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in uuid.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}
