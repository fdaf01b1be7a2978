//! babeltrace2 reads what we write, and we read what it writes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panic, also in the functions that its cases share"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use ctf::merge::{Item, Merge};
use ctf::read::{Decoder, Packets};
use ctf::types::{Base, EnumLabel, EventType, FieldType, StructType, TraceType};
use ctf::{Event, Value, metadata};
use proptest::prelude::*;

mod random;
mod sample;

/// A directory of its own for each test, removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("ctf-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The sample trace on disk.
fn write_sample(directory: &Path) {
    let trace = sample::trace();
    std::fs::write(directory.join("metadata"), metadata::write(&trace)).unwrap();
    std::fs::write(directory.join("calls_3"), sample::stream(&trace, 0, &sample::calls())).unwrap();
    std::fs::write(directory.join("others_3"), sample::stream(&trace, 1, &sample::others())).unwrap();
}

/// Runs babeltrace2; `None` when it is not installed, which is said.
fn babeltrace2(arguments: &[&str]) -> Option<String> {
    let output = match Command::new("babeltrace2").args(arguments).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("not compared: babeltrace2 is not on PATH");
            return None;
        }
        Err(error) => panic!("babeltrace2: {error}"),
    };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "babeltrace2 warns");
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap())
}

/// All events of a trace directory, read by us, in the order of time.
fn read(directory: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(directory.join("metadata")).unwrap();
    let trace = metadata::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let decoder = Arc::new(Decoder::new(Arc::new(trace)).unwrap());
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "metadata")
        .collect();
    files.sort();
    let streams: Vec<_> = files
        .iter()
        .map(|file| (file.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(file).unwrap()))
        .collect();
    let merge = Merge::new(
        Arc::clone(&decoder),
        streams.iter().map(|(name, bytes)| (Arc::from(name.as_str()), Packets::new(&decoder, bytes))),
    );
    merge
        .map(|item| match item {
            Item::Event(event) => event,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// An event as `babeltrace2 --clock-cycles --no-delta` prints it; `packet` are members of the
/// packet's context that an event does not carry.
fn line(trace: &TraceType, event: &Event, packet: &str) -> String {
    let EventType { stream_id, fields, .. } = &*event.event_type;
    let context = &trace.streams.iter().find(|s| s.id == *stream_id).unwrap().event_context;
    let mut line = format!("[{:020}] {}: ", event.time, event.name());
    write!(line, "{{ cpu_id = {}{packet} }}", event.cpu).unwrap();
    for (types, values) in [(context, &event.context), (fields, &event.fields)] {
        if !values.is_empty() {
            write!(line, ", {}", structure(types, values)).unwrap();
        }
    }
    line
}

fn structure(types: &StructType, values: &[Value]) -> String {
    if values.is_empty() {
        return "{ }".to_owned();
    }
    let members = types.fields.iter().zip(values);
    let members = members.map(|(f, v)| format!("{} = {}", f.name, value(&f.field_type, v)));
    format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
}

fn value(field_type: &FieldType, shown: &Value) -> String {
    use ctf::types::Base::*;
    match (field_type, shown) {
        (FieldType::Int(int), Value::Unsigned(v)) => match int.base {
            Decimal => format!("{v}"),
            Hexadecimal => format!("0x{v:X}"),
            Octal => format!("0{v:o}"),
            Binary => format!("0b{v:0width$b}", width = int.bits as usize),
        },
        (FieldType::Int(_), Value::Signed(v)) => format!("{v}"),
        (FieldType::Enum(names), v) => {
            let number = match v {
                Value::Signed(v) => i128::from(*v),
                v => v.bits().unwrap().into(),
            };
            let label = names.labels.iter().find(|l| (l.low..=l.high).contains(&number)).unwrap();
            format!("( \"{}\" : container = {number} )", label.name)
        }
        (FieldType::String, Value::Str(text)) => format!("\"{}\"", String::from_utf8_lossy(text)),
        (FieldType::Struct(types), Value::Struct(values)) => structure(types, values),
        (FieldType::Array { element, .. } | FieldType::Sequence { element, .. }, Value::Bytes(bytes)) => {
            if matches!(&**element, FieldType::Int(int) if int.text) {
                let text: Vec<u8> = bytes.iter().copied().take_while(|b| *b != 0).collect();
                return format!("\"{}\"", String::from_utf8_lossy(&text));
            }
            list(bytes.iter().map(|b| b.to_string()))
        }
        (FieldType::Array { element, .. } | FieldType::Sequence { element, .. }, Value::List(values)) => {
            list(values.iter().map(|v| value(element, v)))
        }
        other => panic!("{other:?}"),
    }
}

fn list(values: impl Iterator<Item = String>) -> String {
    let values: Vec<_> = values.enumerate().map(|(at, v)| format!("[{at}] = {v}")).collect();
    if values.is_empty() { "[ ]".to_owned() } else { format!("[ {} ]", values.join(", ")) }
}

#[test]
fn babeltrace2_prints_our_trace_as_we_decode_it() {
    let directory = Directory::new("ours");
    write_sample(&directory.0);
    let ours: Vec<_> =
        read(&directory.0).iter().map(|event| line(&sample::trace(), event, ", lost_oversize = 0")).collect();
    assert_eq!(ours.len(), 6);
    let path = directory.0.to_str().unwrap();
    if let Some(text) = babeltrace2(&["--clock-cycles", "--no-delta", "--color=never", path]) {
        assert_eq!(text.lines().collect::<Vec<_>>(), ours);
    }
}

/// The trace with integers and labels of which babeltrace2's text is plain; the layout stays.
fn plain(mut trace: TraceType) -> TraceType {
    if let Some(clock) = &mut trace.clock {
        (clock.freq, clock.offset_s, clock.offset) = (1_000_000_000, 0, 0);
    }
    trace.streams.iter_mut().for_each(|stream| plain_members(&mut stream.event_context));
    trace.events.iter_mut().for_each(|event| plain_members(&mut event.fields));
    trace
}

fn plain_members(structure: &mut StructType) {
    structure.fields.iter_mut().for_each(|field| plain_type(&mut field.field_type));
}

fn plain_type(field_type: &mut FieldType) {
    match field_type {
        FieldType::Int(int) => (int.base, int.text) = (Base::Decimal, false),
        FieldType::Enum(names) => {
            (names.container.base, names.container.text) = (Base::Decimal, false);
            let (low, high) = match names.container.signed {
                true => (-(1i128 << (names.container.bits - 1)), (1i128 << (names.container.bits - 1)) - 1),
                false => (0, (1i128 << names.container.bits) - 1),
            };
            names.labels = vec![EnumLabel { name: "any".to_owned(), low, high }];
        }
        FieldType::String => {}
        FieldType::Struct(structure) => plain_members(structure),
        FieldType::Array { element, .. } | FieldType::Sequence { element, .. } => plain_type(element),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn babeltrace2_prints_any_trace_as_we_decode_it(trace in random::trace(), seed: u64) {
        let trace = plain(trace);
        let directory = Directory::new("any");
        std::fs::write(directory.0.join("metadata"), metadata::write(&trace)).unwrap();
        std::fs::write(directory.0.join("stream"), random::packet(&trace, seed, 5, true).0).unwrap();
        let ours: Vec<_> = read(&directory.0).iter().map(|event| line(&trace, event, "")).collect();
        prop_assert_eq!(ours.len(), 5);
        let path = directory.0.to_str().unwrap();
        if let Some(text) = babeltrace2(&["--clock-cycles", "--no-delta", "--color=never", path]) {
            prop_assert_eq!(text.lines().collect::<Vec<_>>(), ours);
        }
    }
}

#[test]
fn we_read_a_trace_that_babeltrace2_wrote() {
    let ours = Directory::new("source");
    let theirs = Directory::new("theirs");
    write_sample(&ours.0);
    let path = format!("path=\"{}\"", theirs.0.to_str().unwrap());
    let source = ours.0.to_str().unwrap();
    let arguments = ["convert", source, "--component", "sink.ctf.fs", "--params", &path];
    if babeltrace2(&[&arguments[..], &["--params", "quiet=yes"]].concat()).is_none() {
        return;
    }
    // It writes every integer in the trace's byte order and with its own framing, but the same events.
    let (expected, found) = (read(&ours.0), read(&theirs.0.join("trace")));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        let shape = |event: &Event| (event.time, event.cpu, event.name().to_owned(), event.context.clone());
        assert_eq!(shape(found), shape(expected));
        for (field, value) in expected.event_type.fields.fields.iter().zip(&expected.fields) {
            // Text arrays become strings.
            let value = match value {
                Value::Bytes(bytes) if field.name == "comm" => {
                    sample::text(std::str::from_utf8(bytes).unwrap().trim_end_matches('\0'))
                }
                value => value.clone(),
            };
            assert_eq!(as_lists(found.field(&field.name).unwrap()), as_lists(&value), "{}", field.name);
        }
    }
}

/// The value with bytes spelled out: babeltrace2 may write arrays of bytes with other integers.
fn as_lists(value: &Value) -> Value {
    match value {
        Value::Bytes(bytes) => Value::List(bytes.iter().map(|b| Value::Unsigned((*b).into())).collect()),
        Value::List(values) => Value::List(values.iter().map(as_lists).collect()),
        Value::Struct(values) => Value::Struct(values.iter().map(as_lists).collect()),
        value => value.clone(),
    }
}

#[test]
fn the_metadata_text_of_the_sample() {
    let text = metadata::write(&sample::trace());
    assert_eq!(text, include_str!("sample/metadata"));
    assert_eq!(metadata::parse(&text).unwrap(), sample::trace());
}
