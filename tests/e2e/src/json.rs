//! What `syscribe show --style json` says of a trace: its lines, as events that can be compared with babeltrace2's.

use serde_json::{Map, Value};

use crate::babeltrace::Event;

/// Reads one line.
///
/// # Errors
///
/// What is missing, or no JSON.
pub fn event(line: &str) -> Result<Event, String> {
    let object: Map<String, Value> = serde_json::from_str(line).map_err(|e| format!("{e}: {line}"))?;
    let number =
        |name: &str| object.get(name).and_then(Value::as_u64).ok_or_else(|| format!("no {name}: {line}"));
    let name = object.get("event").and_then(Value::as_str).ok_or_else(|| format!("no event: {line}"))?;
    let fields =
        object.get("fields").and_then(Value::as_object).ok_or_else(|| format!("no fields: {line}"))?;
    Ok(Event {
        time: number("time")?,
        cpu: number("cpu")?,
        tid: number("tid")?,
        name: name.to_owned(),
        fields: fields.clone(),
    })
}

/// True when both readers mean the same value.
///
/// Three things look different and are the same: text that is no UTF-8 is a list of bytes in our JSON; a negative number
/// that babeltrace2 prints in hexadecimal or octal is shown by its bits; and babeltrace2 2.0 prints whatever string came
/// before when a string is empty, so that an empty string of ours is taken as it is.
pub fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::String(ours), Value::String(theirs)) => ours.is_empty() || ours == theirs,
        (Value::Object(object), Value::String(theirs)) => text_of(object).is_some_and(|ours| ours == *theirs),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_u64()) {
            (Some(a), Some(b)) if a < 0 => [8, 16, 32, 64]
                .iter()
                .any(|bits| (a as u64) << (64 - bits) == b << (64 - bits) && b >> (bits - 1) == 1),
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => same_fields(a, b),
        (a, b) => a == b,
    }
}

/// [`same`], for all fields of an event.
pub fn same_fields(ours: &Map<String, Value>, theirs: &Map<String, Value>) -> bool {
    ours.len() == theirs.len() && ours.iter().all(|(name, a)| theirs.get(name).is_some_and(|b| same(a, b)))
}

/// `{"bytes":[...]}` as text, the way a terminal program would show it.
fn text_of(object: &Map<String, Value>) -> Option<String> {
    let bytes = object.get("bytes")?.as_array()?;
    let bytes: Option<Vec<u8>> = bytes.iter().map(|b| u8::try_from(b.as_u64()?).ok()).collect();
    Some(String::from_utf8_lossy(&bytes?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_an_event() {
        let line = r#"{"time":7,"cpu":1,"tid":42,"comm":"x","event":"syscall_exit_dup2","fields":{"ret":-9},"errno":"EBADF"}"#;
        let event = event(line).unwrap();
        assert_eq!((event.time, event.cpu, event.tid, event.name.as_str()), (7, 1, 42, "syscall_exit_dup2"));
        assert_eq!(Value::Object(event.fields), json!({"ret": -9}));
        assert!(super::event(r#"{"loss":{"count":3}}"#).is_err());
    }

    #[test]
    fn what_only_looks_different_is_the_same() {
        assert!(same(&json!(-100), &json!(0xffff_ff9c_u32)));
        assert!(same(&json!({"bytes": [0xff, 0x41]}), &json!("\u{fffd}A")));
        assert!(same(&json!(""), &json!("left over")));
        assert!(same(&json!([1, "a"]), &json!([1, "a"])));
    }

    #[test]
    fn what_differs_is_not_the_same() {
        for (a, b) in [
            (json!(1), json!(2)),
            (json!(-1), json!(1)),
            (json!(-100), json!(0x9d_u32)),
            (json!("a"), json!("b")),
            (json!("a"), json!("")),
            (json!([1]), json!([1, 2])),
            (json!({"a": 1}), json!({"a": 1, "b": 2})),
            (json!({"a": 1}), json!({"b": 1})),
        ] {
            assert!(!same(&a, &b), "{a} {b}");
        }
    }
}
