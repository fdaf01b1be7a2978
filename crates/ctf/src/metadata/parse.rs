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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Base, EnumType, Field, IntType};

    /// A whole text; `body` begins on line 3.
    fn with(body: &str) -> String {
        format!("/* CTF 1.8 */\ntrace {{ major = 1; minor = 8; byte_order = be; }};\n{body}")
    }

    /// The payload of the only event, whose members are `members`.
    fn payload(members: &str) -> Result<Vec<Field>, Error> {
        let text = with(&format!("stream {{ }};\nevent {{ name = e; fields := struct {{\n{members} }}; }};"));
        Ok(parse(&text)?.events.remove(0).fields.fields)
    }

    fn fails(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn integers_know_what_they_do_not_say() {
        let fields = payload(
            "integer { size = 16; } _a; integer { size = 5; } _b;
             integer { size = 010; align = 0x20; signed = true; base = hex; byte_order = le; } _c;
             integer { size = 8; base = 2; encoding = ASCII; byte_order = native; } _d;
             integer { size = 8; base = oct; encoding = none; signed = 0; byte_order = network; } _e;",
        );
        let be = |bits| IntType { byte_order: ByteOrder::Big, ..IntType::unsigned(bits) };
        let expected = [
            ("a", be(16)),
            ("b", IntType { align: 1, ..be(5) }),
            ("c", IntType { align: 32, ..IntType::signed(8).in_base(Base::Hexadecimal) }),
            ("d", IntType { text: true, ..be(8).in_base(Base::Binary) }),
            ("e", be(8).in_base(Base::Octal)),
        ];
        let expected =
            expected.map(|(name, int)| Field { name: name.into(), field_type: FieldType::Int(int) });
        assert_eq!(fields.unwrap(), expected);
    }

    #[test]
    fn types_can_have_names_of_several_words() {
        let text = with(
            "typealias integer { size = 64; } := unsigned long;
             typedef const unsigned long word_t;
             struct pair { word_t x, y; };
             enum mode : unsigned long { READ, WRITE = 4, BOTH, \"most\" = 7 ... 9 };
             stream { event.context := struct pair; };
             event { name = \"e\"; fields := struct { enum mode _mode; struct pair _pairs[2]; }; };",
        );
        let trace = parse(&text).unwrap();
        let pair = &trace.streams[0].event_context;
        assert_eq!(pair.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
        let fields = &trace.events[0].fields.fields;
        let FieldType::Enum(EnumType { labels, .. }) = &fields[0].field_type else { panic!() };
        let labels: Vec<_> = labels.iter().map(|l| (l.name.as_str(), l.low, l.high)).collect();
        assert_eq!(labels, [("READ", 0, 0), ("WRITE", 4, 4), ("BOTH", 5, 5), ("most", 7, 9)]);
        let element = Box::new(FieldType::Struct(pair.clone()));
        assert_eq!(fields[1].field_type, FieldType::Array { element, length: 2 });
    }

    #[test]
    fn a_type_named_in_a_block_is_known_there_only() {
        let text = with(
            "stream { typealias integer { size = 8; } := t; event.context := struct { t _x; }; };
             event { name = e; fields := struct { t _x; }; };",
        );
        assert_eq!(fails(&text), "line 4, column 51: unknown type `t`");
    }

    #[test]
    fn one_underscore_is_taken_off_names_of_context_and_payload() {
        let byte = "integer { size = 8; }";
        let fields = payload(&format!(
            "{byte} _n; struct {{ {byte} __n; {byte} _a[__n]; }} _s; {byte} plain; {byte} _a[_n][2];"
        ))
        .unwrap();
        assert_eq!(fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["n", "s", "plain", "a"]);
        let FieldType::Struct(inner) = &fields[1].field_type else { panic!() };
        assert_eq!(inner.fields[0].name, "_n");
        assert!(matches!(&inner.fields[1].field_type,
            FieldType::Sequence { length_field, .. } if length_field == "_n"));
        let text = with(&format!("stream {{ packet.context := struct {{ {byte} _cpu_id; }}; }};"));
        assert_eq!(parse(&text).unwrap().streams[0].packet_context.fields[0].name, "_cpu_id");
    }

    #[test]
    fn strings_have_escapes() {
        let text = with(r#"env { a = "\"\\\n\t\x41\101\0"; b = -3; c = 0x10; d = 'x'; };"#);
        assert_eq!(fails(&text), "line 3, column 55: unexpected character '\\''");
        let trace = parse(&text.replace("d = 'x'; ", "")).unwrap();
        let expected = [
            ("a".to_owned(), EnvValue::Str("\"\\\n\tAA\0".to_owned())),
            ("b".to_owned(), EnvValue::Int(-3)),
            ("c".to_owned(), EnvValue::Int(16)),
        ];
        assert_eq!(trace.env, expected);
    }

    #[test]
    fn an_aligned_structure_aligns_its_first_member() {
        let bit = "integer { size = 1; align = 1; }";
        let fields = payload(&format!("struct {{ {bit} _x; {bit} _y; }} align(32) _s;")).unwrap();
        assert_eq!(fields[0].field_type.align(), 32);
        let error = payload(&format!("struct {{ {bit} _x[8]; }} align(8) _s;")).unwrap_err();
        let what = "structures that are aligned more than their members";
        assert_eq!(error.kind, ErrorKind::Unsupported { what });
    }

    #[test]
    fn a_clock_may_be_repeated_but_not_changed() {
        let text = with("clock { name = c; freq = 5; };\nclock { freq = 5; name = \"c\"; };");
        assert_eq!(parse(&text).unwrap().clock.unwrap().freq, 5);
        assert_eq!(
            fails(&text.replace("{ freq = 5", "{ freq = 6")),
            "line 4, column 1: several clocks are not supported"
        );
        let mapped = "typealias integer { size = 8; map = clock.d.value; } := t;";
        assert_eq!(fails(&format!("{text}\n{mapped}")), "line 5, column 31: unknown clock `d`");
    }

    #[test]
    fn faults_of_the_whole_text() {
        for (text, expected) in [
            ("", "line 1, column 1: expected /* CTF 1.8 */, found \"\""),
            ("/* CTF 1.8 */", "line 1, column 1: the byte_order of the trace block is missing"),
            (
                "/* CTF 1.8 */ trace { byte_order = middle; };",
                "line 1, column 23: expected byte_order = le or byte_order = be, found `middle`",
            ),
            (
                "/* CTF 1.8 */ trace { major = 2; byte_order = le; };",
                "line 1, column 21: traces of a version other than 1.8 are not supported",
            ),
            ("/* CTF 1.8 */\n/* and", "line 2, column 1: comment without an end"),
            ("/* CTF 1.8 */ \"x\n\"", "line 1, column 15: string without an end"),
            ("/* CTF 1.8 */ é", "line 1, column 15: unexpected character 'é'"),
        ] {
            assert_eq!(fails(text), expected);
        }
        let error = fails(&with("trace { byte_order = le; };"));
        assert_eq!(error, "line 3, column 1: the trace block is there twice");
    }

    #[test]
    fn faults_of_blocks() {
        for (body, expected) in [
            ("banana { };", "line 3, column 1: expected a block or a declaration, found `banana`"),
            ("event { name = e; }", "line 3, column 20: expected `;`, found the end of the text"),
            ("event { name = e; id 5; };", "line 3, column 22: expected `=` or `:=`, found `5`"),
            ("event { id = 5; };", "line 3, column 7: the name of the event is missing"),
            ("event { name = e; };", "line 3, column 1: event `e` belongs to stream 0, which does not exist"),
            ("event { name = e; id = -1; };", "line 3, column 19: `-1` is not a number that fits here"),
            ("event { name = e; id = 1; id = 2; };", "line 3, column 27: id is there twice"),
            ("event { name = e; id = x; };", "line 3, column 19: expected a number, found `x`"),
            ("event { name = 5; };", "line 3, column 9: expected a text, found `5`"),
            (
                "event { name = e; context := struct { }; };",
                "line 3, column 19: contexts of single events are not supported",
            ),
            (
                "event { name = e; fields := string; };",
                "line 3, column 19: expected a structure, found a type",
            ),
            (
                "stream { id = 99999999999999999999; };",
                "line 3, column 15: `99999999999999999999` is not a number that fits here",
            ),
            (
                "stream { id = 1; };",
                "line 1, column 1: stream 1 can not be told: packet.header has no unsigned integer `stream_id`",
            ),
            ("clock { freq = 1; };", "line 3, column 7: the name of the clock is missing"),
            ("clock { name = c; uuid = \"12\"; };", "line 3, column 19: expected a uuid, found \"12\""),
            ("env { a = le; };", "line 3, column 7: expected a number or a string, found `le`"),
            (
                "env { a = 9223372036854775808; };",
                "line 3, column 7: `9223372036854775808` is not a number that fits here",
            ),
            (
                "stream { };\nevent { name = a; };\nevent { name = b; };",
                "line 1, column 1: stream 0 has 2 events, but its event.header has no unsigned integer `id`",
            ),
        ] {
            assert_eq!(fails(&with(body)), expected, "{body}");
        }
    }

    #[test]
    fn faults_of_types() {
        for (members, expected) in [
            ("u8 _a;", "line 5, column 1: unknown type `u8`"),
            ("integer { align = 8; } _a;", "line 5, column 9: the size of the integer is missing"),
            (
                "integer { size = 8; signed = maybe; } _a;",
                "line 5, column 21: expected `true` or `false`, found `maybe`",
            ),
            ("integer { size = 8; base = 3; } _a;", "line 5, column 21: expected a radix, found `3`"),
            ("integer { size = 8; base = z; } _a;", "line 5, column 21: expected a radix, found `z`"),
            (
                "integer { size = 8; byte_order = x; } _a;",
                "line 5, column 21: expected `le`, `be`, `network` or `native`, found `x`",
            ),
            (
                "integer { size = 8; map = c; } _a;",
                "line 5, column 21: expected `clock.NAME.value`, found `c`",
            ),
            ("integer { size = 65; } _a;", "line 4, column 19: field `a` has 65 bits, expected 1 to 64"),
            (
                "integer { size = 8; align = 3; } _a;",
                "line 4, column 19: field `a` is aligned to 3 bits, expected a power of two",
            ),
            ("string _a; string _a;", "line 4, column 19: field `a` is there twice"),
            ("string;", "line 5, column 7: expected the name of a field, found `;`"),
            ("variant <t> { } _v;", "line 5, column 1: variants are not supported"),
            ("floating_point { } _f;", "line 5, column 1: floating-point numbers are not supported"),
            ("u8 *_a;", "line 5, column 4: pointers are not supported"),
            ("string _a[stream.n];", "line 5, column 17: lengths outside of the structure are not supported"),
            ("string _a[-1];", "line 5, column 11: `-1` is not a number that fits here"),
            (
                "string _a[_n];",
                "line 4, column 19: sequence `a`: its length `n` is not an unsigned integer before it in the same structure",
            ),
            ("struct { } _a[2];", "line 4, column 19: elements of `a` take no space"),
            ("enum { A } _e;", "line 5, column 1: unknown type `int`"),
            (
                "typealias string := s; enum : s { A } _e;",
                "line 5, column 33: expected an integer type, found `{`",
            ),
            ("enum : integer { size = 8; } { } _e;", "line 4, column 19: enumeration `e` has no labels"),
            (
                "enum : integer { size = 8; } { A = 256 } _e;",
                "line 4, column 19: label `A` of enumeration `e` covers 256 to 256, which its integer can not hold",
            ),
            ("enum : integer { size = 8; } { A B } _e;", "line 5, column 34: expected `,` or `}`, found `B`"),
            (
                "enum : integer { size = 8; } { 5 } _e;",
                "line 5, column 32: expected a label or `}`, found `5`",
            ),
            ("enum _e;", "line 5, column 1: unknown type `enum _e`"),
            ("integer { size = 8; map = clock.c.value; } _a;", "line 5, column 21: unknown clock `c`"),
        ] {
            assert_eq!(payload(members).unwrap_err().to_string(), expected, "{members}");
        }
    }

    #[test]
    fn nesting_and_copies_are_bounded() {
        let open = "struct { ".repeat(100_000);
        assert_eq!(payload(&open).unwrap_err().kind, ErrorKind::TooDeep);
        let open = "integer { a := ".repeat(100_000);
        assert_eq!(payload(&open).unwrap_err().kind, ErrorKind::TooDeep);
        let lengths = "[1]".repeat(100_000);
        assert_eq!(payload(&format!("string _a{lengths};")).unwrap_err().kind, ErrorKind::TooDeep);

        // Each type holds the one before it: one level deeper.
        let mut chain = "typealias string := t0;".to_owned();
        // Each type holds the one before it ten times: ten times larger.
        let mut tenfold = chain.clone();
        for n in 1..100 {
            chain += &format!("typealias struct {{ t{} x; }} := t{n};", n - 1);
            let m = n - 1;
            tenfold += &format!("typealias struct {{ t{m} a,b,c,d,e; t{m} f,g,h,i,j; }} := t{n};");
        }
        assert_eq!(parse(&with(&chain)).unwrap_err().kind, ErrorKind::TooDeep);
        assert_eq!(parse(&with(&tenfold)).unwrap_err().kind, ErrorKind::TooLarge);
    }

    #[test]
    fn what_has_no_place_in_the_tree_is_skipped() {
        let text = with(
            "// a comment
             callsite { name = e; line = 5; }; /*/ another /**/
             clock { name = c; precision = 100; absolute = FALSE; };
             stream { }; event { name = e; loglevel = 3; model.emf.uri = \"http://x\"; };",
        );
        assert_eq!(parse(&text).unwrap().events.len(), 1);
    }
}
