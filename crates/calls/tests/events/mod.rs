//! Events made by hand, with the types that a recording has.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a wrong example must fail its test")]

use std::sync::Arc;

use ctf::types::EventType;
use ctf::{Event, Value};
use schema::lower::{Plan, Records, lower};
use schema::{Catalog, tracepoint};

/// Makes events.
pub(crate) struct Events {
    /// The table that the events follow.
    pub(crate) catalog: Arc<Catalog>,
    types: Vec<Arc<EventType>>,
}

impl Events {
    /// With the calls of a table.
    pub(crate) fn new(table: &str) -> Self {
        let mut catalog = Catalog::new();
        catalog.add(table, "table").unwrap();
        let calls = lower(&catalog, &Plan::default(), |_, _| true);
        let others = tracepoint::unknown_calls(Records::Two).into_iter().chain(tracepoint::lifecycle());
        let types = calls.into_iter().chain(others).map(|layout| layout.event);
        let types = types.chain([tracepoint::process_state()]).map(Arc::new).collect();
        Events { catalog: Arc::new(catalog), types }
    }

    /// An event of the type that has that name and exactly those fields, given in any order.
    pub(crate) fn event(&self, time: u64, tid: i32, name: &str, fields: &[(&str, Value)]) -> Event {
        let fits = |t: &&Arc<EventType>| {
            let names = &t.fields.fields;
            t.name == name
                && names.len() == fields.len()
                && names.iter().all(|f| fields.iter().any(|(name, _)| *name == f.name))
        };
        let event_type = self.types.iter().find(fits).unwrap_or_else(|| panic!("no event {name} like that"));
        let values = event_type.fields.fields.iter().map(|field| {
            let given = fields.iter().find(|(name, _)| *name == field.name);
            given.map(|(_, value)| value.clone()).unwrap()
        });
        Event {
            time,
            cpu: 0,
            event_type: Arc::clone(event_type),
            context_names: ["tid".to_owned()].into(),
            context: vec![Value::Signed(tid.into())],
            fields: values.collect(),
        }
    }
}

pub(crate) fn u(value: u64) -> Value {
    Value::Unsigned(value)
}

pub(crate) fn s(value: i64) -> Value {
    Value::Signed(value)
}

pub(crate) fn text(text: &str) -> Value {
    Value::Str(text.into())
}

/// A command name as it stands in a record: 16 bytes.
pub(crate) fn comm(text: &str) -> Value {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(16, 0);
    Value::Bytes(bytes)
}
