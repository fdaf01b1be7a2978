//! Calls of made-up events are counted.
use std::convert::Infallible;

use crate::events::Events;
use calls::Summary;
use ctf::merge::Item;
use ctf::{Event, Value};

const TABLE: &str = "number x86_64 34 pause\nnumber x86_64 56 clone\npause()\nclone(ulong flags) = pid\n";

fn event(e: &Events, time: u64, tid: i32, name: &str, fields: &[(&str, Value)]) -> Item<Infallible> {
    let event: Event = e.event(time, tid, name, fields);
    Item::Event(event)
}

#[test]
fn calls_are_counted_with_their_errors_and_times() {
    let e = Events::new(TABLE);
    let ret = |value| [("ret", Value::Signed(value))];
    let mut summary = Summary::new();
    for item in [
        event(&e, 100, 1, "syscall_entry_pause", &[]),
        event(&e, 110, 2, "syscall_entry_pause", &[]),
        event(&e, 150, 1, "syscall_exit_pause", &ret(-4)),
        // An exit without entry counts, but took nobody knows how long.
        event(&e, 160, 3, "syscall_exit_pause", &ret(0)),
        event(&e, 210, 2, "syscall_exit_pause", &ret(0)),
        // An entry that never comes back does not count.
        event(&e, 220, 2, "syscall_entry_pause", &[]),
    ] {
        summary.feed(&item);
    }
    let rows = summary.rows();
    assert_eq!(rows.len(), 1);
    let row = rows[0];
    assert_eq!((&*row.name, row.calls, row.errors, row.timed), ("pause", 3, 1, 2));
    assert_eq!((row.total, row.longest), (50 + 100, 100));
}

#[test]
fn the_childs_side_of_a_fork_is_no_call_of_its_own() {
    let e = Events::new(TABLE);
    let ret = |value| [("ret", Value::Signed(value))];
    let mut summary = Summary::new();
    for item in [
        event(&e, 1, 1, "syscall_entry_clone", &[("flags", Value::Unsigned(0))]),
        event(&e, 2, 7, "syscall_exit_clone", &ret(0)),
        event(&e, 3, 1, "syscall_exit_clone", &ret(7)),
    ] {
        summary.feed(&item);
    }
    assert_eq!(summary.rows().iter().map(|row| row.calls).collect::<Vec<_>>(), [1]);
}
