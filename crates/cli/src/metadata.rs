//! The metadata of a recording, from its layouts.

use std::fs;

use anyhow::{Context, Result};
use ctf::types::{
    Base, ByteOrder, Clock, EnvValue, EventType, Field, FieldType, IntType, StreamType, StructType, TraceType,
};
use schema::layout::Layout;
use schema::tracepoint::{LIFECYCLE, SYSCALLS, process_state};

/// Who reads: names of LTTng's kernel tracer, so that viewers which look for them (Trace Compass asks for the domain and for
/// the tracer's name and version) use their kernel analyses. The keys that begin with `syscribe_` tell the truth.
const TRACER: [(&str, EnvValue); 3] = [
    ("tracer_major", EnvValue::Int(2)),
    ("tracer_minor", EnvValue::Int(13)),
    ("tracer_patchlevel", EnvValue::Int(0)),
];

/// Ids of one recording.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The trace's uuid.
    pub uuid: [u8; 16],
    /// The boot, shared by all traces of it.
    pub boot: Option<[u8; 16]>,
}

impl Identity {
    /// A new one.
    pub fn new() -> Result<Identity> {
        let read = |name: &str| -> Result<[u8; 16]> {
            let path = format!("/proc/sys/kernel/random/{name}");
            let text = fs::read_to_string(&path).with_context(|| path.clone())?;
            uuid(text.trim()).with_context(|| format!("{path}: not a uuid: {text:?}"))
        };
        Ok(Identity { uuid: read("uuid")?, boot: read("boot_id").ok() })
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    let mut bytes = [0; 16];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    (digits.len() == 32).then_some(bytes)
}

/// The types of a recording of these layouts. `plan` says in words what was captured.
pub fn trace_type<'a>(
    identity: &Identity,
    layouts: impl Iterator<Item = &'a Layout>,
    epoch_offset: i64,
    plan: String,
) -> TraceType {
    let mut events: Vec<EventType> = layouts.map(|layout| layout.event.clone()).collect();
    events.push(process_state());
    TraceType {
        byte_order: ByteOrder::Little,
        uuid: Some(identity.uuid),
        packet_header: packet_header(),
        env: env(plan),
        clock: Some(Clock {
            name: "monotonic".to_owned(),
            uuid: identity.boot,
            description: "Monotonic clock".to_owned(),
            freq: 1_000_000_000,
            offset_s: epoch_offset.div_euclid(1_000_000_000),
            offset: epoch_offset.rem_euclid(1_000_000_000) as u64,
        }),
        streams: vec![stream(SYSCALLS), stream(LIFECYCLE)],
        events,
    }
}

fn int(name: &str, int: IntType) -> Field {
    Field { name: name.to_owned(), field_type: FieldType::Int(int) }
}

fn unsigned(name: &str, bits: u32) -> Field {
    int(name, IntType::unsigned(bits))
}

fn packet_header() -> StructType {
    let uuid = FieldType::Array { element: Box::new(FieldType::Int(IntType::unsigned(8))), length: 16 };
    StructType {
        fields: vec![
            int("magic", IntType::unsigned(32).in_base(Base::Hexadecimal)),
            Field { name: "uuid".to_owned(), field_type: uuid },
            unsigned("stream_id", 32),
            unsigned("stream_instance_id", 32),
        ],
    }
}

fn stream(id: u64) -> StreamType {
    let time = |name: &str, bits| int(name, IntType { clock: true, ..IntType::unsigned(bits) });
    StreamType {
        id,
        packet_context: StructType {
            fields: vec![
                time("timestamp_begin", 64),
                time("timestamp_end", 64),
                unsigned("content_size", 64),
                unsigned("packet_size", 64),
                unsigned("packet_seq_num", 64),
                unsigned("events_discarded", 64),
                unsigned("cpu_id", 32),
                unsigned("lost_oversize", 64),
            ],
        },
        event_header: StructType { fields: vec![unsigned("id", 16), time("timestamp", 32)] },
        event_context: StructType { fields: vec![int("tid", IntType::signed(32))] },
    }
}

fn env(plan: String) -> Vec<(String, EnvValue)> {
    let kernel = |name: &str| {
        let text = fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
        EnvValue::Str(text.trim().to_owned())
    };
    let text = |value: &str| EnvValue::Str(value.to_owned());
    let mut env = vec![
        ("hostname", kernel("hostname")),
        ("domain", text("kernel")),
        ("sysname", text("Linux")),
        ("kernel_release", kernel("osrelease")),
        ("kernel_version", kernel("version")),
        ("tracer_name", text("lttng-modules")),
    ];
    env.extend(TRACER);
    env.push(("syscribe_version", text(env!("CARGO_PKG_VERSION"))));
    env.push(("syscribe_plan", EnvValue::Str(plan)));
    env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_as_long_as_the_probes_write_them() {
        let bits = |fields: &StructType| -> u64 {
            let size = |field: &Field| match &field.field_type {
                FieldType::Int(int) => u64::from(int.bits),
                FieldType::Array { length, .. } => length * 8,
                _ => 0,
            };
            fields.fields.iter().map(size).sum()
        };
        let stream = stream(0);
        assert_eq!(bits(&packet_header()) + bits(&stream.packet_context), 88 * 8);
        let record = bits(&stream.event_header) + bits(&stream.event_context);
        assert_eq!(record, u64::from(schema::layout::HEADER_LEN) * 8);
    }
}
