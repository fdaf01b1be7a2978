//! Text to type tree.

use super::block::{Block, EntryValue, Parser};
use super::lex::{Place, Token, tokens};
use super::{Error, ErrorKind, SIGNATURE};
use crate::check::{self, TypeError};
use crate::types::{ByteOrder, Clock, EnvValue, EventType, FieldType, StreamType, StructType, TraceType};

/// Reads a metadata text. The result has passed [`TraceType::check`].
///
/// Variants, floating-point numbers, pointers, contexts of single events, more than one clock and
/// structures that are aligned more than their members (unless the first member can be aligned in
/// their place) are [`ErrorKind::Unsupported`]. Attributes
/// that a [`TraceType`] has no place for (`loglevel`, `precision`, `callsite` blocks) are skipped.
///
/// # Errors
/// The first fault, with its line and column.
pub fn parse(text: &str) -> Result<TraceType, Error> {
    let start = Place { line: 1, column: 1 };
    if !text.starts_with(SIGNATURE) {
        let found = format!("{:?}", text.chars().take(SIGNATURE.len()).collect::<String>());
        return Err(start.error(ErrorKind::Expected { expected: SIGNATURE, found }));
    }
    let tokens = tokens(text)?;
    let native = native_byte_order(&tokens)?;
    let mut trace = Trace::new(native);
    let mut parser = Parser::new(tokens, native);
    while *parser.peek(0) != Token::End {
        trace.root(&mut parser)?;
    }
    trace.finish(parser)
}

/// `byte_order` of the `trace` block, which often stands behind the types that depend on it.
fn native_byte_order(tokens: &[(Token<'_>, Place)]) -> Result<ByteOrder, Error> {
    let mut depth = 0usize;
    let mut in_trace = false;
    let next = |at: usize, ahead: usize| tokens.get(at.saturating_add(ahead)).map(|(token, _)| token);
    for (at, (token, place)) in tokens.iter().enumerate() {
        match token {
            Token::Word("trace") if depth == 0 => in_trace = true,
            Token::Mark("{") => depth += 1,
            Token::Mark("}") => {
                depth = depth.saturating_sub(1);
                in_trace &= depth > 0;
            }
            Token::Word("byte_order") if in_trace && depth == 1 => {
                return match (next(at, 1), next(at, 2)) {
                    (Some(Token::Mark("=")), Some(Token::Word("le"))) => Ok(ByteOrder::Little),
                    (Some(Token::Mark("=")), Some(Token::Word("be"))) => Ok(ByteOrder::Big),
                    (_, value) => Err(place.error(ErrorKind::Expected {
                        expected: "byte_order = le or byte_order = be",
                        found: value.map_or(String::new(), Token::shown),
                    })),
                };
            }
            _ => {}
        }
    }
    let what = "the byte_order of the trace block";
    Err(Place { line: 1, column: 1 }.error(ErrorKind::Missing { what }))
}

/// The tree as far as it is read.
struct Trace {
    tree: TraceType,
    has_trace_block: bool,
    /// Where the blocks of the event types are.
    event_places: Vec<Place>,
}

impl Trace {
    fn new(native: ByteOrder) -> Self {
        let tree = TraceType {
            byte_order: native,
            uuid: None,
            packet_header: StructType::default(),
            env: Vec::new(),
            clock: None,
            streams: Vec::new(),
            events: Vec::new(),
        };
        Trace { tree, has_trace_block: false, event_places: Vec::new() }
    }

    /// One declaration or block.
    fn root(&mut self, parser: &mut Parser<'_>) -> Result<(), Error> {
        if parser.declaration()? {
            return Ok(());
        }
        let Token::Word(name @ ("trace" | "env" | "clock" | "stream" | "event" | "callsite")) =
            *parser.peek(0)
        else {
            return Err(parser.expected("a block or a declaration"));
        };
        let place = parser.place();
        parser.advance(1);
        let block = parser.block()?;
        parser.expect(";", "`;`")?;
        match name {
            "trace" if self.has_trace_block => Err(place.error(ErrorKind::Twice { what: "the trace block" })),
            "trace" => self.trace(block),
            "env" => self.env(block),
            "clock" => self.clock(block, place),
            "stream" => self.stream(block),
            "event" => self.event(block, place),
            _ => Ok(()),
        }
    }

    fn trace(&mut self, mut block: Block) -> Result<(), Error> {
        self.has_trace_block = true;
        let (major, minor) = (block.number::<i64>("major")?, block.number::<i64>("minor")?);
        if (major, minor) != (Some(1), Some(8)) {
            let what = "traces of a version other than 1.8";
            return Err(block.place.error(ErrorKind::Unsupported { what }));
        }
        self.tree.uuid = uuid(&mut block)?;
        self.tree.packet_header = structure(&mut block, "packet.header", false)?;
        Ok(())
    }

    fn env(&mut self, block: Block) -> Result<(), Error> {
        for entry in block.entries {
            let value = match entry.value {
                EntryValue::Text(text) => EnvValue::Str(text),
                EntryValue::Number(number) => {
                    let bad = ErrorKind::Number { found: number.to_string() };
                    EnvValue::Int(i64::try_from(number).map_err(|_| entry.place.error(bad))?)
                }
                _ => return Err(entry.expected("a number or a string")),
            };
            self.tree.env.push((entry.key, value));
        }
        Ok(())
    }

    fn clock(&mut self, mut block: Block, place: Place) -> Result<(), Error> {
        let missing = block.place.error(ErrorKind::Missing { what: "the name of the clock" });
        let clock = Clock {
            name: block.text("name")?.ok_or(missing)?.0,
            uuid: uuid(&mut block)?,
            description: block.text("description")?.map_or(String::new(), |(text, _)| text),
            freq: block.number("freq")?.unwrap_or(1_000_000_000),
            offset_s: block.number("offset_s")?.unwrap_or(0),
            offset: block.number("offset")?.unwrap_or(0),
        };
        // babeltrace2 writes the block anew for each stream type.
        if self.tree.clock.as_ref().is_some_and(|before| *before != clock) {
            return Err(place.error(ErrorKind::Unsupported { what: "several clocks" }));
        }
        self.tree.clock = Some(clock);
        Ok(())
    }

    fn stream(&mut self, mut block: Block) -> Result<(), Error> {
        self.tree.streams.push(StreamType {
            id: block.number("id")?.unwrap_or(0),
            packet_context: structure(&mut block, "packet.context", false)?,
            event_header: structure(&mut block, "event.header", false)?,
            event_context: structure(&mut block, "event.context", true)?,
        });
        Ok(())
    }

    fn event(&mut self, mut block: Block, place: Place) -> Result<(), Error> {
        if let Some(context) = block.entry("context")? {
            let what = "contexts of single events";
            return Err(context.place.error(ErrorKind::Unsupported { what }));
        }
        let missing = block.place.error(ErrorKind::Missing { what: "the name of the event" });
        self.tree.events.push(EventType {
            id: block.number("id")?.unwrap_or(0),
            name: block.text("name")?.ok_or(missing)?.0,
            stream_id: block.number("stream_id")?.unwrap_or(0),
            fields: structure(&mut block, "fields", true)?,
        });
        self.event_places.push(place);
        Ok(())
    }

    /// Checks what can only be known at the end of the text.
    fn finish(self, parser: Parser<'_>) -> Result<TraceType, Error> {
        let Trace { tree, has_trace_block, event_places } = self;
        let start = Place { line: 1, column: 1 };
        if !has_trace_block {
            return Err(start.error(ErrorKind::Missing { what: "the trace block" }));
        }
        let clock = tree.clock.as_ref().map(|clock| clock.name.as_str());
        for (name, place) in parser.mapped {
            if clock != Some(&name) {
                return Err(place.error(ErrorKind::UnknownClock { name }));
            }
        }
        match tree.check() {
            Ok(()) => Ok(tree),
            Err(error) => {
                let at = tree.events.iter().rposition(|event| match &error {
                    TypeError::DuplicateEvent { id, stream_id } => {
                        (event.id, event.stream_id) == (*id, *stream_id)
                    }
                    TypeError::NoStream { event: name, .. } | TypeError::EventId { event: name, .. } => {
                        event.name == *name
                    }
                    _ => false,
                });
                let place = at.and_then(|at| event_places.get(at)).copied().unwrap_or(start);
                Err(place.error(error.into()))
            }
        }
    }
}

/// The structure of a dynamic scope; none is one without members.
fn structure(block: &mut Block, key: &'static str, underscore: bool) -> Result<StructType, Error> {
    let Some(entry) = block.entry(key)? else { return Ok(StructType::default()) };
    let EntryValue::Type(FieldType::Struct(mut structure)) = entry.value else {
        return Err(entry.expected("a structure"));
    };
    if underscore {
        strip(&mut structure);
    }
    // Whether there is a clock is checked at the end, when all blocks are read.
    let prefix = if underscore { "_" } else { "" };
    check::members(&structure, prefix, true, 0).map_err(|error| entry.place.error(error.into()))?;
    Ok(structure)
}

/// Takes one leading underscore off all names.
fn strip(structure: &mut StructType) {
    for field in &mut structure.fields {
        strip_name(&mut field.name);
        let mut field_type = &mut field.field_type;
        loop {
            match field_type {
                FieldType::Array { element, .. } => field_type = element,
                FieldType::Sequence { element, length_field } => {
                    strip_name(length_field);
                    field_type = element;
                }
                FieldType::Struct(inner) => {
                    strip(inner);
                    break;
                }
                _ => break,
            }
        }
    }
}

fn strip_name(name: &mut String) {
    if name.starts_with('_') {
        name.remove(0);
    }
}

fn uuid(block: &mut Block) -> Result<Option<[u8; 16]>, Error> {
    let Some((text, place)) = block.text("uuid")? else { return Ok(None) };
    let expected = || place.error(ErrorKind::Expected { expected: "a uuid", found: format!("{text:?}") });
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(expected());
    }
    let uuid = u128::from_str_radix(&digits, 16).map_err(|_| expected())?;
    Ok(Some(uuid.to_be_bytes()))
}
