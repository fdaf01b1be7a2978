//! One typed object a line, for every event.
//!
//! ```text
//! {"time":132192228000,"cpu":1,"tid":5080,"event":"syscall_entry_dup2","fields":{"oldfd":10,"newfd":1}}
//! ```
//!
//! `fields` has every field of the record, in order and without loss: integers as numbers (all 64 bits of them), labels of
//! enumerations, strings, arrays of numbers for bytes; a string that is not UTF-8 is `{"bytes":[...]}`. `names` adds what
//! the catalog calls the values of flags and enumerations, `errno` what it calls a failure.

use std::fmt::{Display, Write};
use std::sync::Arc;

use calls::{Role, Roles, Slot, Threads, tid};
use ctf::merge::Item;
use ctf::types::{EnumType, Field, FieldType};
use ctf::{Event, Value};
use schema::{Catalog, Class, Syscall};

use crate::errno;
use crate::quote::is_unsafe;
use crate::signal;

/// Writes events as JSON.
#[derive(Debug)]
pub struct Json {
    roles: Roles,
    threads: Threads,
    out: String,
}

impl Json {
    /// The style, with the names of a catalog.
    pub fn new(catalog: Option<Arc<Catalog>>) -> Self {
        Json { roles: Roles::new(catalog), threads: Threads::new(), out: String::new() }
    }

    /// The object for the next item of a trace, with a newline.
    pub fn line<E: Display>(&mut self, item: &Item<E>) -> &str {
        self.out.clear();
        let out = &mut self.out;
        match item {
            Item::Event(event) => self.event(event),
            Item::Loss(loss) => {
                out.push_str("{\"loss\":{\"stream\":");
                string(out, &loss.stream);
                let (id, cpu, count) = (loss.stream_id, loss.cpu, loss.count);
                let _ = write!(
                    out,
                    ",\"stream_id\":{id},\"cpu\":{cpu},\"count\":{count},\"packets\":{}",
                    loss.packets
                );
                let _ = write!(out, ",\"from\":{},\"to\":{}}}}}", loss.from, loss.to);
            }
            Item::Damage(damage) => {
                out.push_str("{\"damage\":{\"stream\":");
                string(out, &damage.stream);
                if let Some(cpu) = damage.cpu {
                    let _ = write!(out, ",\"cpu\":{cpu}");
                }
                let _ = write!(out, ",\"time\":{},\"cause\":", damage.time);
                string(out, &damage.cause.to_string());
                out.push_str("}}");
            }
        }
        self.out.push('\n');
        &self.out
    }

    fn event(&mut self, event: &Event) {
        self.threads.follow(event);
        let role = self.roles.of(&event.event_type);
        let out = &mut self.out;
        let _ = write!(out, "{{\"time\":{},\"cpu\":{}", event.time, event.cpu);
        if let Some(tid) = tid(event) {
            let _ = write!(out, ",\"tid\":{tid}");
            let thread = self.threads.get(tid);
            if let Some(pid) = thread.and_then(|thread| thread.pid) {
                let _ = write!(out, ",\"pid\":{pid}");
            }
            if let Some(comm) = thread.and_then(|thread| thread.comm.as_deref()) {
                out.push_str(",\"comm\":");
                text(out, comm);
            }
        }
        context(out, event);
        out.push_str(",\"event\":");
        string(out, event.name());
        out.push_str(",\"fields\":");
        members(out, &event.event_type.fields.fields, &event.fields);
        match &*role {
            Role::Entry { syscall: Some(syscall), slots, .. } => {
                if let Some(catalog) = self.roles.catalog() {
                    names(out, event, catalog, syscall, slots);
                }
            }
            Role::Exit { .. } | Role::UnknownExit(_) => failure(out, event),
            Role::Other if event.name() == "signal_deliver" => {
                let sig = event.field("sig").and_then(Value::bits);
                if let Some(name) = sig.and_then(|sig| signal::name(sig as i32)) {
                    let _ = write!(out, ",\"names\":{{\"sig\":\"{name}\"}}");
                }
            }
            _ => {}
        }
        out.push('}');
    }
}

/// Context fields that other tracers write besides the thread.
fn context(out: &mut String, event: &Event) {
    let others = event.context_names.iter().zip(&event.context).filter(|(name, _)| *name != "tid");
    for (at, (name, value)) in others.enumerate() {
        out.push_str(if at == 0 { ",\"context\":{" } else { "," });
        string(out, name);
        out.push(':');
        plain(out, value);
    }
    if event.context_names.iter().any(|name| name != "tid") {
        out.push('}');
    }
}

fn members(out: &mut String, fields: &[Field], values: &[Value]) {
    out.push('{');
    for (at, (field, value)) in fields.iter().zip(values).enumerate() {
        comma(out, at);
        string(out, &field.name);
        out.push(':');
        typed(out, &field.field_type, value);
    }
    out.push('}');
}

fn comma(out: &mut String, at: usize) {
    if at > 0 {
        out.push(',');
    }
}

/// A value by its type: the type tells text from bytes, and labels from numbers.
fn typed(out: &mut String, field_type: &FieldType, value: &Value) {
    match (field_type, value) {
        (FieldType::Enum(e), Value::Unsigned(_) | Value::Signed(_)) => match label(e, value) {
            Some(name) => string(out, name),
            None => plain(out, value),
        },
        (FieldType::Struct(inner), Value::Struct(values)) => members(out, &inner.fields, values),
        (FieldType::Array { element, .. } | FieldType::Sequence { element, .. }, _) => {
            match (&**element, value) {
                (FieldType::Int(int), Value::Str(bytes) | Value::Bytes(bytes)) if int.text => {
                    // Text of fixed length ends at its first NUL.
                    text(out, bytes.split(|byte| *byte == 0).next().unwrap_or_default());
                }
                (element, Value::List(values)) => {
                    out.push('[');
                    for (at, value) in values.iter().enumerate() {
                        comma(out, at);
                        typed(out, element, value);
                    }
                    out.push(']');
                }
                _ => plain(out, value),
            }
        }
        _ => plain(out, value),
    }
}

fn label<'a>(e: &'a EnumType, value: &Value) -> Option<&'a str> {
    let number = match value {
        Value::Unsigned(value) => i128::from(*value),
        Value::Signed(value) => i128::from(*value),
        _ => return None,
    };
    e.labels.iter().find(|label| (label.low..=label.high).contains(&number)).map(|label| label.name.as_str())
}

fn plain(out: &mut String, value: &Value) {
    match value {
        Value::Unsigned(value) => drop(write!(out, "{value}")),
        Value::Signed(value) => drop(write!(out, "{value}")),
        Value::Str(bytes) => text(out, bytes),
        Value::Bytes(bytes) => numbers(out, bytes),
        Value::List(values) | Value::Struct(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                comma(out, at);
                plain(out, value);
            }
            out.push(']');
        }
    }
}

fn text(out: &mut String, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => string(out, text),
        Err(_) => {
            out.push_str("{\"bytes\":");
            numbers(out, bytes);
            out.push('}');
        }
    }
}

fn numbers(out: &mut String, bytes: &[u8]) {
    out.push('[');
    for (at, byte) in bytes.iter().enumerate() {
        comma(out, at);
        let _ = write!(out, "{byte}");
    }
    out.push(']');
}

/// A JSON string. Besides what JSON asks for, everything is escaped that must not reach a terminal.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `"names":{"flags":["O_RDONLY","O_CLOEXEC"],"whence":"SEEK_SET"}`
fn names(out: &mut String, event: &Event, catalog: &Catalog, syscall: &Syscall, slots: &[Slot]) {
    let mut some = false;
    for (slot, arg) in slots.iter().zip(&syscall.args) {
        let Some(bits) = slot.raw.and_then(|at| event.fields.get(at)).and_then(Value::bits) else { continue };
        let mut named = String::new();
        let width = u32::from(slot.stored.bytes.clamp(1, 8)) * 8;
        match (catalog.set(&arg.param.ty.name), arg.class) {
            (Some(set), _) => {
                let decoded = set.decode(bits, width);
                if decoded.names.is_empty() {
                    continue;
                }
                if set.flags {
                    named.push('[');
                }
                for (at, name) in decoded.names.iter().enumerate() {
                    comma(&mut named, at);
                    string(&mut named, name);
                }
                if set.flags {
                    if decoded.rest != 0 {
                        let _ = write!(named, ",\"{:#x}\"", decoded.rest);
                    }
                    named.push(']');
                } else if decoded.names.len() != 1 || decoded.rest != 0 {
                    continue;
                }
            }
            (None, Class::Signal) => match signal::name(bits as i32) {
                Some(name) => string(&mut named, &name),
                None => continue,
            },
            (None, Class::AtFd) if bits as i32 == -100 => named.push_str("\"AT_FDCWD\""),
            _ => continue,
        }
        out.push_str(if some { "," } else { ",\"names\":{" });
        string(out, &slot.name);
        out.push(':');
        out.push_str(&named);
        some = true;
    }
    if some {
        out.push('}');
    }
}

fn failure(out: &mut String, event: &Event) {
    let ret = event.field("ret").and_then(Value::bits).map(|bits| bits as i64);
    if let Some((name, _)) = ret.and_then(errno::of_result).and_then(errno::describe) {
        let _ = write!(out, ",\"errno\":\"{name}\"");
    }
}
