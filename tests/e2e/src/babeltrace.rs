//! What babeltrace2 says of a trace: its text, cut back into events.
//!
//! The text is that of `babeltrace2 --clock-cycles --no-delta` (component `sink.text.pretty`).

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

/// One event, as babeltrace2 or our own JSON tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The timestamp, in ticks of the trace's clock.
    pub time: u64,
    /// The CPU of the packet.
    pub cpu: u64,
    /// The thread, from the event's context.
    pub tid: u64,
    /// `syscall_entry_openat`
    pub name: String,
    /// The payload. An enumeration is its label, or its number where it has none.
    pub fields: Map<String, Value>,
}

/// `babeltrace2`, to be given to [`run::run`] or [`run::each_line`].
pub fn command(directory: &Path) -> Command {
    let mut command = Command::new("babeltrace2");
    command.args(["--clock-cycles", "--no-delta"]).arg(directory);
    command
}

/// Reads one line.
///
/// # Errors
///
/// What was expected, and the rest of the line where something else stood.
pub fn event(line: &str) -> Result<Event, String> {
    let mut text = Text { rest: line };
    text.take("[")?;
    let cycles = text.until("] ")?;
    let time = cycles.parse::<u64>().map_err(|e| format!("{cycles}: {e}"))?;
    // A host name may stand before the event's.
    let head = text.until(": {")?;
    let name = head.rsplit(' ').next().unwrap_or(head).to_owned();
    let mut groups = vec![text.members()?];
    while !text.rest.is_empty() {
        text.take(", {")?;
        groups.push(text.members()?);
    }
    if groups.len() == 2 {
        // A payload without fields is not printed.
        groups.push(Map::new());
    }
    let [packet, context, fields] =
        <[_; 3]>::try_from(groups).map_err(|groups| format!("{} groups of fields, not 3", groups.len()))?;
    let number = |group: &Map<String, Value>, name: &str| {
        group.get(name).and_then(Value::as_u64).ok_or_else(|| format!("no {name} in {group:?}"))
    };
    Ok(Event { time, cpu: number(&packet, "cpu_id")?, tid: number(&context, "tid")?, name, fields })
}

/// A line that is being read from the left.
struct Text<'a> {
    rest: &'a str,
}

impl<'a> Text<'a> {
    fn take(&mut self, token: &str) -> Result<(), String> {
        self.rest = self
            .rest
            .strip_prefix(token)
            .ok_or_else(|| format!("expected {token:?} at {:.60?}", self.rest))?;
        Ok(())
    }

    fn until(&mut self, token: &str) -> Result<&'a str, String> {
        let (found, rest) =
            self.rest.split_once(token).ok_or_else(|| format!("no {token:?} in {:.60?}", self.rest))?;
        self.rest = rest;
        Ok(found)
    }

    /// The members of a structure behind its opening brace: ` a = 1, b = 2 }`.
    fn members(&mut self) -> Result<Map<String, Value>, String> {
        let mut members = Map::new();
        if self.take(" }").is_ok() {
            return Ok(members);
        }
        loop {
            self.take(" ")?;
            let name = self.until(" = ")?.to_owned();
            members.insert(name, self.value()?);
            if self.take(" }").is_ok() {
                return Ok(members);
            }
            self.take(",")?;
        }
    }

    /// The elements of an array behind its opening bracket: ` [0] = 1, [1] = 2 ]`.
    fn elements(&mut self) -> Result<Vec<Value>, String> {
        let mut elements = Vec::new();
        if self.take(" ]").is_ok() {
            return Ok(elements);
        }
        loop {
            self.take(&format!(" [{}] = ", elements.len()))?;
            elements.push(self.value()?);
            if self.take(" ]").is_ok() {
                return Ok(elements);
            }
            self.take(",")?;
        }
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.rest.as_bytes().first() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'{') => {
                self.take("{")?;
                self.members().map(Value::Object)
            }
            Some(b'[') => {
                self.take("[")?;
                self.elements().map(Value::Array)
            }
            // An enumeration: its label, then the number: ( "ok" : container = 0 ), ( <unknown> : container = 9 ).
            Some(b'(') => {
                self.take("( ")?;
                let label = if self.rest.starts_with('"') { Some(self.string()?) } else { None };
                self.until(" : container = ")?;
                let number = self.number()?;
                self.take(" )")?;
                Ok(label.map_or(number, Value::String))
            }
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Result<Value, String> {
        let end = self.rest.find([' ', ',']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let digits = text.strip_prefix("0x").map(|digits| (digits, 16));
        let digits =
            digits.or_else(|| text.strip_prefix('0').filter(|rest| !rest.is_empty()).map(|rest| (rest, 8)));
        let value = match digits {
            Some((digits, base)) => u64::from_str_radix(digits, base).ok().map(Value::from),
            None => {
                text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok()
            }
        };
        value.ok_or_else(|| format!("{text:?} is no number"))
    }

    /// A string with C escapes, as printed by babeltrace2.
    fn string(&mut self) -> Result<String, String> {
        self.take("\"")?;
        let mut string = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(string);
                }
                '\\' => {
                    let (at, c) = characters.next().ok_or("a string ends in a backslash")?;
                    string.push(match c {
                        '0' => '\0',
                        'a' => '\x07',
                        'b' => '\x08',
                        'e' => '\x1b',
                        'f' => '\x0c',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'v' => '\x0b',
                        'x' => {
                            let digits = self.rest.get(at + 1..at + 3).ok_or("a cut \\x")?;
                            characters.nth(1);
                            char::from(u8::from_str_radix(digits, 16).map_err(|e| format!("{digits}: {e}"))?)
                        }
                        other => other,
                    });
                }
                other => string.push(other),
            }
        }
        Err("a string without an end".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_has_time_name_and_fields() {
        let line = "[00000000000000005] syscall_entry_openat: { cpu_id = 1 }, { tid = 42 }, { dfd = -100, \
                    filename_ptr = 0x7FFE, filename_state = ( \"ok\" : container = 0 ), filename = \"/etc\", \
                    flags = 0, mode = 0644, odd = ( <unknown> : container = 9 ) }";
        let event = event(line).unwrap();
        assert_eq!(
            (event.time, event.cpu, event.tid, event.name.as_str()),
            (5, 1, 42, "syscall_entry_openat")
        );
        let expected = json!({"dfd": -100, "filename_ptr": 0x7ffe, "filename_state": "ok", "filename": "/etc",
                              "flags": 0, "mode": 0o644, "odd": 9});
        assert_eq!(Value::Object(event.fields), expected);
    }

    #[test]
    fn sequences_and_escapes_come_back() {
        let line = r#"[1] host syscall_entry_execve: { cpu_id = 0 }, { tid = 1 }, { argv_count = 2, argv = [ [0] = "a, b = 1 }", [1] = "\"q\" \\ \n\x01" ], data = [ ], nr = 18446744073709551615 }"#;
        let event = event(line).unwrap();
        assert_eq!(event.fields["argv"], json!(["a, b = 1 }", "\"q\" \\ \n\u{1}"]));
        assert_eq!(event.fields["data"], json!([]));
        assert_eq!(event.fields["nr"], json!(u64::MAX));
    }

    #[test]
    fn an_event_without_fields_has_none() {
        let event = event("[1] syscall_entry_getppid: { cpu_id = 0 }, { tid = 1 }").unwrap();
        assert!(event.fields.is_empty());
    }

    #[test]
    fn a_cut_line_is_an_error() {
        let line = "[15] a: { cpu_id = 1 }, { tid = 42 }, { s = \"x\" }";
        assert!(event(line).is_ok());
        for end in 0..line.len() {
            // Cut behind the context it reads as an event without fields.
            let whole = line[..end].ends_with("{ tid = 42 }");
            assert_eq!(event(&line[..end]).is_ok(), whole, "{}", &line[..end]);
        }
    }
}
