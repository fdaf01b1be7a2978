//! Records of programs, read back by the reader of traces. Program and event type come from the same steps of
//! [`schema::layout::Builder`]; here random steps are taken, and the values that go in come out.

use std::sync::Arc;

use ctf::read::Decoder;
use ctf::types::{
    Base, ByteOrder, Clock, EventType, Field, FieldType, IntType, StreamType, StructType, TraceType,
};
use ctf::{Event, Value};
use probe::insn::MapRef;
use probe::protocol::{Memory, Reader};
use proptest::prelude::*;
use schema::ast::Stored;
use schema::layout::{Builder, Copy, IdRule, Layout, Length, Point, PointeeNames, Registers, Source, State};

use crate::scene::{COMPAT, NATIVE, NOW, Scene, TID};

const ID: u16 = 77;
const HOLE: u64 = 0x100;

fn structure(fields: &[(&str, FieldType)]) -> StructType {
    let field = |(name, field_type): &(&str, FieldType)| Field {
        name: (*name).to_owned(),
        field_type: field_type.clone(),
    };
    StructType { fields: fields.iter().map(field).collect() }
}

fn word(bits: u32) -> FieldType {
    FieldType::Int(IntType::unsigned(bits))
}

fn time(bits: u32) -> FieldType {
    FieldType::Int(IntType { clock: true, ..IntType::unsigned(bits) })
}

/// A trace of one event type, its packets and record headers as `docs/format.md` has them.
fn trace(event: EventType) -> TraceType {
    let uuid = FieldType::Array { element: Box::new(word(8)), length: 16 };
    TraceType {
        byte_order: ByteOrder::Little,
        uuid: Some([7; 16]),
        packet_header: structure(&[
            ("magic", word(32)),
            ("uuid", uuid),
            ("stream_id", word(32)),
            ("stream_instance_id", word(32)),
        ]),
        env: Vec::new(),
        clock: Some(Clock {
            name: "monotonic".to_owned(),
            uuid: None,
            description: String::new(),
            freq: 1_000_000_000,
            offset_s: 0,
            offset: 0,
        }),
        streams: vec![StreamType {
            id: 0,
            packet_context: structure(&[
                ("timestamp_begin", time(64)),
                ("timestamp_end", time(64)),
                ("content_size", word(64)),
                ("packet_size", word(64)),
                ("packet_seq_num", word(64)),
                ("events_discarded", word(64)),
                ("cpu_id", word(32)),
                ("lost_oversize", word(64)),
            ]),
            event_header: structure(&[("id", word(16)), ("timestamp", time(32))]),
            event_context: structure(&[("tid", FieldType::Int(IntType::signed(32)))]),
        }],
        events: vec![event],
    }
}

/// What a pointer leads to.
#[derive(Clone, Debug)]
enum Behind {
    Null,
    Hole,
    Text(Vec<u8>),
    Vector(Vec<Vec<u8>>),
    Data(Vec<u8>),
}

/// A pointee: what is kept and what is there. Pointee `n` has its pointer in register `n` and its count in register `n + 3`.
#[derive(Clone, Debug)]
struct Part {
    copy: Copy,
    behind: Behind,
}

/// A random call.
#[derive(Clone, Debug)]
struct Description {
    registers: Registers,
    /// Width, sign and register of values.
    values: Vec<(Stored, u8)>,
    parts: Vec<Part>,
    arguments: [u64; 6],
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1..=255_u8, 0..12)
}

fn with(copy: Copy, there: impl Strategy<Value = Behind> + 'static) -> BoxedStrategy<Part> {
    let behind = prop_oneof![1 => Just(Behind::Null), 1 => Just(Behind::Hole), 6 => there];
    behind.prop_map(move |behind| Part { copy: copy.clone(), behind }).boxed()
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        (1..10_u16).prop_flat_map(|cap| with(Copy::String { cap }, text().prop_map(Behind::Text))),
        (1..5_u16, 1..6_u16, 0..16_u16).prop_flat_map(|(most, cap, all)| {
            let vector = prop::collection::vec(text(), 0..6).prop_map(Behind::Vector);
            with(Copy::Strings { most, cap, all }, vector)
        }),
        (1..5_u16).prop_flat_map(|most| {
            let vector = prop::collection::vec(text(), 0..6).prop_map(Behind::Vector);
            with(Copy::Count { most }, vector)
        }),
        (1..20_u16).prop_flat_map(|cap| {
            let data = prop::collection::vec(any::<u8>(), 0..24).prop_map(Behind::Data);
            // The register is the pointee's own; see `layout`.
            with(Copy::Bytes { length: Length::Register(0, 4), cap }, data)
        }),
        (1..40_u16).prop_flat_map(|size| {
            let data = prop::collection::vec(any::<u8>(), usize::from(size)).prop_map(Behind::Data);
            with(Copy::Object { offset: 0, size }, data)
        }),
    ]
}

fn description() -> impl Strategy<Value = Description> {
    let registers = prop_oneof![Just(Registers::X86_64), Just(Registers::I386)];
    let stored = (prop::sample::select(vec![1_u8, 2, 4, 8]), any::<bool>())
        .prop_map(|(bytes, signed)| Stored { bytes, signed });
    let values = prop::collection::vec((stored, 0..6_u8), 0..6);
    let parts = prop::collection::vec(part(), 0..=3);
    (registers, values, parts, any::<[u64; 6]>())
        .prop_map(|(registers, values, parts, arguments)| Description { registers, values, parts, arguments })
}

impl Description {
    fn layout(&self) -> Layout {
        let mut builder = Builder::new(Point::Entry, self.registers, IdRule::Constant(ID));
        for (n, (stored, register)) in self.values.iter().enumerate() {
            builder.value(&format!("value{n}"), *stored, Base::Decimal, Source::Register(*register));
        }
        for (n, part) in self.parts.iter().enumerate() {
            let mut copy = part.copy.clone();
            if let Copy::Bytes { length, .. } = &mut copy {
                *length = Length::Register(n as u8 + 3, 4);
            }
            let (plain, data) = (format!("part{n}"), format!("part{n}_data"));
            builder.pointee(
                PointeeNames { plain: &plain, data: &data, length_taken: false },
                Source::Register(n as u8),
                copy,
            );
        }
        builder.build(ID, "random".to_owned(), 0)
    }

    /// Puts everything into memory and registers; gives back the registers.
    fn place(&self, scene: &Scene) -> [u64; 6] {
        let mut arguments = self.arguments;
        for (n, part) in self.parts.iter().enumerate() {
            let at = 0x10_0000 * (n as u64 + 1);
            arguments[n] = at;
            match &part.behind {
                Behind::Null => arguments[n] = 0,
                Behind::Hole => arguments[n] = HOLE,
                Behind::Text(text) => scene.user(at, &[text, &b"\0"[..]].concat()),
                Behind::Data(data) => {
                    scene.user(at, data);
                    arguments[n + 3] = data.len() as u64;
                }
                Behind::Vector(elements) => {
                    let mut pointers = Vec::new();
                    for (element, text) in elements.iter().enumerate() {
                        let to = at + 0x1000 * (element as u64 + 1);
                        scene.user(to, &[text, &b"\0"[..]].concat());
                        pointers.push(to);
                    }
                    pointers.push(0);
                    let bytes: Vec<u8> = match self.registers {
                        Registers::X86_64 => pointers.iter().flat_map(|p| p.to_le_bytes()).collect(),
                        Registers::I386 => pointers.iter().flat_map(|p| (*p as u32).to_le_bytes()).collect(),
                    };
                    scene.user(at, &bytes);
                }
            }
            if !matches!(part.behind, Behind::Data(_)) {
                // A count of something that is not there.
                arguments[n + 3] = 5;
            }
        }
        arguments
    }
}

/// An argument as a field of this width and sign.
fn stored_value(stored: Stored, raw: u64) -> Value {
    let unused = 64 - u32::from(stored.bytes) * 8;
    if stored.signed {
        Value::Signed((raw << unused) as i64 >> unused)
    } else {
        Value::Unsigned(raw << unused >> unused)
    }
}

/// The first bytes of a text, and whether that is all.
fn kept(text: &[u8], cap: u16) -> (Vec<u8>, bool) {
    let len = text.len().min(usize::from(cap));
    (text[..len].to_vec(), len == text.len())
}

/// State and value of a pointee, the number of a vector that is only counted, by what `docs/format.md` and the plan say.
fn expected(part: &Part) -> (State, Value) {
    let state = match part.behind {
        Behind::Null => State::Null,
        Behind::Hole => State::Fault,
        _ => State::Ok,
    };
    let cut = |whole: bool| if whole { State::Ok } else { State::Cut };
    match (&part.copy, &part.behind) {
        (Copy::String { cap }, Behind::Text(text)) => {
            let (text, whole) = kept(text, *cap);
            (cut(whole), Value::Str(text))
        }
        (Copy::String { .. }, _) => (state, Value::Str(b"#".to_vec())),
        (Copy::Strings { most, cap, all }, Behind::Vector(elements)) => {
            let (mut list, mut total, mut state) = (Vec::new(), 0, State::Ok);
            for element in elements {
                if list.len() >= usize::from(*most) || total > usize::from(*all) {
                    state = State::Cut;
                    break;
                }
                let (text, whole) = kept(element, *cap);
                total += text.len() + 1;
                if !whole {
                    state = State::Cut;
                }
                list.push(Value::Str(text));
            }
            (state, Value::List(list))
        }
        (Copy::Strings { .. }, _) => (state, Value::List(vec![])),
        (Copy::Count { most }, Behind::Vector(elements)) => {
            let count = elements.len().min(usize::from(*most));
            (cut(count == elements.len()), Value::Unsigned(count as u64))
        }
        (Copy::Count { .. }, _) => (state, Value::Unsigned(0)),
        (Copy::Bytes { cap, .. }, Behind::Data(data)) => {
            let (data, whole) = kept(data, *cap);
            (cut(whole), Value::Bytes(data))
        }
        (Copy::Bytes { .. }, _) => (state, Value::Bytes(vec![])),
        (Copy::Off | Copy::Chosen(_) | Copy::Load(_), _) => panic!("see choices.rs and parts.rs"),
        (Copy::Object { .. }, Behind::Data(data)) => (State::Ok, Value::Bytes(data.clone())),
        (Copy::Object { size, .. }, _) => (state, Value::Bytes(vec![0; usize::from(*size)])),
    }
}

/// Runs the program `times` times and reads the packet.
fn decoded(scene: &Scene, layout: &Layout, times: u64) -> Vec<Event> {
    let program = scene.program(&layout.shape);
    for _ in 0..times {
        scene.run(&program);
        scene.advance(1);
    }
    let ring = scene.ring(MapRef::Syscalls);
    let mut reader = Reader::new(scene.facts.syscalls, 0);
    reader.close(&ring, NOW + times);
    let packet = reader.complete(&ring).unwrap();
    let mut bytes = Vec::new();
    ring.read(packet.at, packet.len, &mut bytes);
    let decoder = Decoder::new(Arc::new(trace(layout.event.clone()))).unwrap();
    assert_eq!(decoder.size(&bytes).unwrap(), bytes.len());
    let (header, events) = decoder.packet(&bytes).unwrap();
    assert_eq!((header.begin, header.end, header.seq), (NOW, NOW + times, Some(0)));
    events.map(Result::unwrap).collect()
}

/// The record that the program of this layout writes, as a reader gets it.
pub(crate) fn one(scene: &Scene, layout: &Layout) -> Event {
    decoded(scene, layout, 1).remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out(description in description()) {
        let scene = Scene::new();
        let arguments = description.place(&scene);
        let convention = match description.registers {
            Registers::X86_64 => NATIVE,
            Registers::I386 => COMPAT,
        };
        scene.enter(convention, i64::from(ID), &arguments);
        let events = decoded(&scene, &description.layout(), 3);
        prop_assert_eq!(events.len(), 3);
        for (n, event) in events.iter().enumerate() {
            prop_assert_eq!(event.time, NOW + n as u64);
            prop_assert_eq!(event.context_field("tid"), Some(&Value::Signed(i64::from(TID))));
            for (n, (stored, register)) in description.values.iter().enumerate() {
                let want = stored_value(*stored, arguments[usize::from(*register)]);
                prop_assert_eq!(event.field(&format!("value{n}")), Some(&want));
            }
            for (n, part) in description.parts.iter().enumerate() {
                let (state, value) = expected(part);
                if let (Copy::Strings { .. }, Value::List(list)) = (&part.copy, &value) {
                    prop_assert_eq!(
                        event.field(&format!("part{n}_count")),
                        Some(&Value::Unsigned(list.len() as u64))
                    );
                }
                if let (Copy::Bytes { .. }, Value::Bytes(bytes)) = (&part.copy, &value) {
                    let len = bytes.len() as u64;
                    prop_assert_eq!(event.field(&format!("part{n}_len")), Some(&Value::Unsigned(len)));
                }
                prop_assert_eq!(
                    event.field(&format!("part{n}_state")),
                    Some(&Value::Unsigned(state as u64)),
                    "{:?}",
                    part
                );
                let name = if matches!(part.copy, Copy::Count { .. }) { "count" } else { "data" };
                prop_assert_eq!(event.field(&format!("part{n}_{name}")), Some(&value), "{:?}", part);
            }
        }
    }
}
