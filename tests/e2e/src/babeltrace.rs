//! What babeltrace2 says of a trace: its text, cut back into events.
//!
//! The text is that of `babeltrace2 --clock-seconds --no-delta` (component `sink.text.pretty`).

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

/// One event as babeltrace2 tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The timestamp in nanoseconds, as the trace's clock has it.
    pub time_ns: u64,
    /// `syscall_entry_openat`
    pub name: String,
    /// Packet context, event context and payload in one: `cpu_id`, `tid`, then the fields of the event.
    pub fields: Map<String, Value>,
}

/// `babeltrace2`, to be given to [`run::run`] or [`run::each_line`].
pub fn command(directory: &Path) -> Command {
    let mut command = Command::new("babeltrace2");
    command.args(["--clock-seconds", "--no-delta"]).arg(directory);
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
    let (seconds, fraction) = text.until("] ")?.split_once('.').ok_or("no fraction in the timestamp")?;
    if fraction.len() != 9 {
        return Err(format!("{fraction}: not nanoseconds"));
    }
    let number = |s: &str| s.parse::<u64>().map_err(|e| format!("{s}: {e}"));
    let time_ns = number(seconds)? * 1_000_000_000 + number(fraction)?;
    // A host name may stand before the event's.
    let head = text.until(": {")?;
    let name = head.rsplit(' ').next().unwrap_or(head).to_owned();
    let mut fields = Map::new();
    loop {
        fields.extend(text.members()?);
        if text.rest.is_empty() {
            return Ok(Event { time_ns, name, fields });
        }
        text.take(", {")?;
    }
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
            // An enumeration: its labels, then the number: ( "ok" : container = 0 ).
            Some(b'(') => {
                self.until(" : container = ")?;
                let value = self.number()?;
                self.take(" )")?;
                Ok(value)
            }
            _ => self.number(),
        }
    }

    fn number(&mut self) -> Result<Value, String> {
        let end = self.rest.find([' ', ',']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        let value = match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok().map(Value::from),
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
        let line = "[1000.000000005] syscall_entry_openat: { cpu_id = 1 }, { tid = 42 }, { dfd = -100, \
                    filename_ptr = 0x7FFE, filename_state = ( \"ok\" : container = 0 ), filename = \"/etc\", flags = 0 }";
        let event = event(line).unwrap();
        assert_eq!((event.time_ns, event.name.as_str()), (1_000_000_000_005, "syscall_entry_openat"));
        let expected = json!({"cpu_id": 1, "tid": 42, "dfd": -100, "filename_ptr": 0x7ffe, "filename_state": 0,
                              "filename": "/etc", "flags": 0});
        assert_eq!(Value::Object(event.fields), expected);
    }

    #[test]
    fn sequences_and_escapes_come_back() {
        let line = r#"[0.000000001] host syscall_entry_execve: { cpu_id = 0 }, { tid = 1 }, { argv_count = 2, argv = [ [0] = "a, b = 1 }", [1] = "\"q\" \\ \n\x01" ], data = [ ], nr = 18446744073709551615 }"#;
        let event = event(line).unwrap();
        assert_eq!(event.fields["argv"], json!(["a, b = 1 }", "\"q\" \\ \n\u{1}"]));
        assert_eq!(event.fields["data"], json!([]));
        assert_eq!(event.fields["nr"], json!(u64::MAX));
    }

    #[test]
    fn a_cut_line_is_an_error() {
        let line = "[1.000000005] a: { cpu_id = 1 }, { tid = 42, s = \"x\" }";
        for end in 1..line.len() {
            if !line[..end].ends_with('}') {
                assert!(event(&line[..end]).is_err(), "{}", &line[..end]);
            }
        }
    }
}
