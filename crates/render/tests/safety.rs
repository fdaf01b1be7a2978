//! Whatever stands in a record, a style gives one line of text that is safe on a terminal.

use std::sync::Arc;

use calls::{Happening, Pairing};
use ctf::merge::{Damage, DamageCause, Item, Loss};
use ctf::types::{EventType, Field, FieldType};
use ctf::{Event, Value};
use proptest::prelude::*;
use render::{Ftrace, Json, Options, PidPrefix, Stamp, Strace};
use schema::lower::{Plan, Records, lower};
use schema::{Catalog, tracepoint};

/// Event types of every built-in call and of all lifecycle events.
fn types() -> Vec<Arc<EventType>> {
    let calls = lower(Catalog::builtin(), &Plan::default(), |_, _| true);
    let others = tracepoint::unknown_calls(Records::Two).into_iter().chain(tracepoint::lifecycle());
    let layouts = calls.into_iter().chain(others).map(|layout| layout.event);
    layouts.chain([tracepoint::process_state()]).map(Arc::new).collect()
}

/// Bytes as a hostile program would choose them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        Just(
            "\u{1b}]0;owned\u{7}\r\n\u{9b}31m\u{202e}txt.exe\u{2066}\u{85}\u{2028}\u{7f}".as_bytes().to_vec()
        ),
        "\\PC*".prop_map(String::into_bytes),
    ]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0..600_u64, (0..600_u64).prop_map(u64::wrapping_neg)]
}

/// A value that fits the type, mostly.
fn value(field_type: &FieldType) -> BoxedStrategy<Value> {
    let right = match field_type {
        FieldType::Int(int) if int.signed => number().prop_map(|n| Value::Signed(n as i64)).boxed(),
        FieldType::Int(_) => number().prop_map(Value::Unsigned).boxed(),
        FieldType::Enum(_) => (0..7_u64).prop_map(Value::Unsigned).boxed(),
        FieldType::String => bytes().prop_map(Value::Str).boxed(),
        FieldType::Array { length, .. } => {
            let length = *length as usize;
            let exact = move |mut bytes: Vec<u8>| {
                bytes.resize(length, 0x1b);
                Value::Bytes(bytes)
            };
            bytes().prop_map(exact).boxed()
        }
        FieldType::Sequence { element, .. } => match **element {
            FieldType::String => {
                prop::collection::vec(bytes().prop_map(Value::Str), 0..4).prop_map(Value::List).boxed()
            }
            _ => bytes().prop_map(Value::Bytes).boxed(),
        },
        FieldType::Struct(_) => Just(Value::Struct(vec![])).boxed(),
    };
    let wrong = prop_oneof![
        bytes().prop_map(Value::Str),
        Just(Value::List(vec![])),
        number().prop_map(Value::Unsigned)
    ];
    prop_oneof![20 => right, 1 => wrong].boxed()
}

fn event(types: Arc<Vec<Arc<EventType>>>) -> impl Strategy<Value = Event> {
    // Half of the events are of the few kinds that change what is known of threads.
    let last = types.len();
    let at = prop_oneof![0..last, last - 9..last];
    at.prop_flat_map(move |at| {
        let event_type = Arc::clone(&types[at]);
        let fields: Vec<_> =
            event_type.fields.fields.iter().map(|Field { field_type, .. }| value(field_type)).collect();
        (fields, 1..4_i64, any::<u64>(), 0..4_u32).prop_map(move |(fields, tid, time, cpu)| Event {
            time,
            cpu,
            event_type: Arc::clone(&event_type),
            context_names: ["tid".to_owned()].into(),
            context: vec![Value::Signed(tid)],
            fields,
        })
    })
}

#[track_caller]
fn check(line: &str) {
    if line.is_empty() {
        return;
    }
    let text = line.strip_suffix('\n').expect("a newline at the end");
    assert!(!text.chars().any(is_dangerous), "{text:?}");
}

/// C0, DEL and C1 controls, other line ends, and characters that turn the writing direction.
fn is_dangerous(c: char) -> bool {
    matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f | 0x61c | 0x200e..=0x200f | 0x2028..=0x202e | 0x2066..=0x2069)
}

/// Every style, over the same items.
fn show(catalog: Option<&Arc<Catalog>>, items: &[Item<String>]) {
    let (mut json, mut ftrace) = (Json::new(catalog.cloned()), Ftrace::new(catalog.cloned(), true));
    let mut pairing = Pairing::new(catalog.cloned());
    let mut happenings: Vec<Happening> = Vec::new();
    for item in items {
        let line = json.line(item);
        check(line);
        serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        check(ftrace.line(item));
        pairing.feed(&mut item.clone(), &mut happenings);
    }
    pairing.finish(u64::MAX, &mut happenings);
    for options in [
        Options::default(),
        Options {
            pid: PidPrefix::Always,
            stamp: Some(Stamp::Micros),
            relative: true,
            duration: true,
            column: 0,
            limit: 0,
            names: true,
            ..Options::default()
        },
    ] {
        let mut strace = Strace::new(catalog.cloned(), options);
        happenings.iter().for_each(|happening| check(strace.line(happening)));
    }
}

proptest! {
    #[test]
    fn records_of_any_content_give_safe_lines(
        events in prop::collection::vec(event(Arc::new(types())), 1..30),
    ) {
        let items: Vec<Item<String>> = events.into_iter().map(Item::Event).collect();
        let catalog = Arc::new(Catalog::builtin().clone());
        show(Some(&catalog), &items);
        show(None, &items);
    }

    #[test]
    fn foreign_names_give_safe_lines(name in bytes(), field in "\\PC*|\u{1b}\\[2J|a\nb", number in any::<u64>()) {
        let name = String::from_utf8_lossy(&name).into_owned();
        let int = FieldType::Int(ctf::types::IntType::unsigned(64));
        let make = |name: String| Item::Event(Event {
            time: number,
            cpu: 0,
            event_type: Arc::new(EventType {
                id: 1,
                name,
                stream_id: 0,
                fields: ctf::types::StructType { fields: vec![Field { name: field.clone(), field_type: int.clone() }] },
            }),
            context_names: [field.clone()].into(),
            context: vec![Value::Unsigned(number)],
            fields: vec![Value::Unsigned(number)],
        });
        let hole = Loss { stream: name.as_str().into(), stream_id: 9, cpu: 0, count: 0, packets: 3, from: 5, to: number };
        let damage = Damage { stream: name.as_str().into(), cpu: Some(1), time: 7, cause: DamageCause::Source(name.clone()) };
        show(None, &[
            make(name.clone()),
            make(format!("syscall_entry_{name}")),
            make(format!("syscall_exit_{name}")),
            make("syscall_entry_unknown".to_owned()),
            Item::Loss(hole),
            Item::Damage(damage),
        ]);
    }
}
