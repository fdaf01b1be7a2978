//! Type specifiers, declarators and named types (CTF 1.8, section 4 and C.2).

use super::block::{EntryValue, Known, Parser};
use super::lex::{Place, Token};
use super::{Error, ErrorKind};
use crate::check::MAX_DEPTH;
use crate::types::{Base, ByteOrder, EnumLabel, EnumType, Field, FieldType, IntType, StructType};

/// One `[...]` of a declarator.
enum Length {
    Number(u64),
    Field(String),
}

impl Parser<'_> {
    /// A declaration that only names a type, if one is next: `typealias`, `typedef`, or
    /// `struct NAME {...};` and `enum NAME {...};`.
    pub(super) fn declaration(&mut self) -> Result<bool, Error> {
        match *self.peek(0) {
            Token::Word("typealias") => {
                self.advance(1);
                let field_type = self.specifier(false)?;
                self.expect(":=", "`:=`")?;
                let name = self.type_words(0)?;
                self.define(name, field_type);
            }
            Token::Word("typedef") => {
                self.advance(1);
                let field_type = self.specifier(true)?;
                let name = self.word("a name")?.to_owned();
                self.define(name, field_type);
            }
            Token::Word("struct" | "enum" | "variant") => {
                self.specifier(false)?;
            }
            _ => return Ok(false),
        }
        self.expect(";", "`;`")?;
        Ok(true)
    }

    fn define(&mut self, name: String, field_type: FieldType) {
        let (size, depth) = measure(&field_type);
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, Known { field_type, size, depth });
        }
    }

    /// The type of that name, which stands at `place`.
    fn known(&mut self, name: String, place: Place) -> Result<FieldType, Error> {
        let Some(known) = self.scopes.iter().rev().find_map(|scope| scope.get(&name)) else {
            return Err(place.error(ErrorKind::UnknownType { name }));
        };
        if self.depth + known.depth > MAX_DEPTH {
            return Err(place.error(ErrorKind::TooDeep));
        }
        self.budget = self.budget.checked_sub(known.size).ok_or(place.error(ErrorKind::TooLarge))?;
        Ok(known.field_type.clone())
    }

    /// A type. With `named`, the last of a run of words is not taken: it is the declared name.
    pub(super) fn specifier(&mut self, named: bool) -> Result<FieldType, Error> {
        self.open += 1;
        if self.open > 4 * MAX_DEPTH {
            return Err(self.place().error(ErrorKind::TooDeep));
        }
        let field_type = self.unguarded_specifier(named);
        self.open -= 1;
        field_type
    }

    fn unguarded_specifier(&mut self, named: bool) -> Result<FieldType, Error> {
        while matches!(self.peek(0), Token::Word("const" | "volatile")) {
            self.advance(1);
        }
        match *self.peek(0) {
            Token::Word("integer") => {
                self.advance(1);
                Ok(FieldType::Int(self.integer()?))
            }
            Token::Word("string") => {
                self.advance(1);
                if matches!(self.peek(0), Token::Mark("{")) {
                    // `encoding` is all that can be said; both encodings are the same bytes here.
                    self.block()?;
                }
                Ok(FieldType::String)
            }
            Token::Word("struct") => self.structure(),
            Token::Word("enum") => self.enumeration(),
            Token::Word("variant") => Err(self.unsupported("variants")),
            Token::Word("floating_point" | "float" | "double") => {
                Err(self.unsupported("floating-point numbers"))
            }
            _ => {
                let place = self.place();
                let name = self.type_words(usize::from(named))?;
                self.known(name, place)
            }
        }
    }

    /// A run of words without its last `keep` ones.
    fn type_words(&mut self, keep: usize) -> Result<String, Error> {
        let mut run = 0;
        while matches!(self.peek(run), Token::Word(_)) {
            run += 1;
        }
        if matches!(self.peek(run), Token::Mark("*")) {
            self.advance(run);
            return Err(self.unsupported("pointers"));
        }
        if run <= keep {
            return Err(self.expected("a type"));
        }
        let mut words = String::new();
        for _ in keep..run {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(self.word("a type")?);
        }
        Ok(words)
    }

    fn integer(&mut self) -> Result<IntType, Error> {
        let mut block = self.block()?;
        let missing = block.place.error(ErrorKind::Missing { what: "the size of the integer" });
        let bits = block.number("size")?.ok_or(missing)?;
        let align = block.number("align")?.unwrap_or(if bits % 8 == 0 { 8 } else { 1 });
        let signed = match block.entry("signed")? {
            None => false,
            Some(entry) => match &entry.value {
                EntryValue::Number(0) => false,
                EntryValue::Number(1) => true,
                EntryValue::Words(word) if word.eq_ignore_ascii_case("false") => false,
                EntryValue::Words(word) if word.eq_ignore_ascii_case("true") => true,
                _ => return Err(entry.expected("`true` or `false`")),
            },
        };
        let base = match block.entry("base")? {
            None => Base::Decimal,
            Some(entry) => match &entry.value {
                EntryValue::Number(2) => Base::Binary,
                EntryValue::Number(8) => Base::Octal,
                EntryValue::Number(10) => Base::Decimal,
                EntryValue::Number(16) => Base::Hexadecimal,
                EntryValue::Words(word) => match word.as_str() {
                    "binary" | "b" => Base::Binary,
                    "octal" | "oct" | "o" => Base::Octal,
                    "decimal" | "dec" | "d" | "i" | "u" => Base::Decimal,
                    "hexadecimal" | "hex" | "x" | "X" | "p" => Base::Hexadecimal,
                    _ => return Err(entry.expected("a radix")),
                },
                _ => return Err(entry.expected("a radix")),
            },
        };
        let text = block.text("encoding")?.is_some_and(|(encoding, _)| encoding != "none");
        let byte_order = match block.text("byte_order")? {
            None => self.native,
            Some((order, place)) => match order.as_str() {
                "native" => self.native,
                "le" => ByteOrder::Little,
                "be" | "network" => ByteOrder::Big,
                _ => {
                    let expected = "`le`, `be`, `network` or `native`";
                    return Err(place.error(ErrorKind::Expected { expected, found: format!("`{order}`") }));
                }
            },
        };
        let clock = match block.text("map")? {
            None => false,
            Some((map, place)) => {
                let name = map.strip_prefix("clock.").and_then(|m| m.strip_suffix(".value"));
                let Some(name) = name else {
                    let expected = "`clock.NAME.value`";
                    return Err(place.error(ErrorKind::Expected { expected, found: format!("`{map}`") }));
                };
                self.mapped.push((name.to_owned(), place));
                true
            }
        };
        Ok(IntType { bits, align, signed, base, byte_order, text, clock })
    }

    /// `struct [NAME] [{ members }] [align(N)]`
    fn structure(&mut self) -> Result<FieldType, Error> {
        let place = self.place();
        self.advance(1);
        let name = match self.peek(0) {
            Token::Word(name) => Some(format!("struct {name}")),
            _ => None,
        };
        if let Some(name) = &name {
            self.advance(1);
            if !matches!(self.peek(0), Token::Mark("{")) {
                return self.known(name.clone(), place);
            }
        }
        self.expect("{", "`{` or the name of a structure")?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.place().error(ErrorKind::TooDeep));
        }
        self.scopes.push(Default::default());
        let mut structure = StructType::default();
        while !self.accept("}") {
            if !self.names_type_only() || !self.declaration()? {
                self.members(&mut structure)?;
            }
        }
        self.scopes.pop();
        self.depth -= 1;
        if matches!(self.peek(0), Token::Word("align")) {
            self.advance(1);
            self.expect("(", "`(`")?;
            let align = self.number()?;
            let bad = ErrorKind::Number { found: align.to_string() };
            let align = u32::try_from(align).map_err(|_| self.place().error(bad))?;
            if align > structure.align() && !raise(&mut structure, align) {
                return Err(self.unsupported("structures that are aligned more than their members"));
            }
            self.expect(")", "`)`")?;
        }
        let structure = FieldType::Struct(structure);
        if let Some(name) = name {
            self.define(name, structure.clone());
        }
        Ok(structure)
    }

    /// Inside a structure, `struct` begins a member; only these begin a declaration.
    fn names_type_only(&self) -> bool {
        matches!(self.peek(0), Token::Word("typealias" | "typedef"))
    }

    /// `TYPE NAME[LENGTH], NAME;`
    fn members(&mut self, structure: &mut StructType) -> Result<(), Error> {
        let specified = self.specifier(true)?;
        loop {
            let name = self.word("the name of a field")?.to_owned();
            let mut lengths = Vec::new();
            while self.accept("[") {
                lengths.push(self.length()?);
                self.expect("]", "`]`")?;
            }
            let (size, depth) = measure(&specified);
            if self.depth + depth + lengths.len() > MAX_DEPTH {
                return Err(self.place().error(ErrorKind::TooDeep));
            }
            let mut field_type = specified.clone();
            // The first length is the outermost one, as in C.
            for length in lengths.into_iter().rev() {
                let element = Box::new(field_type);
                field_type = match length {
                    Length::Number(length) => FieldType::Array { element, length },
                    Length::Field(length_field) => FieldType::Sequence { element, length_field },
                };
            }
            structure.fields.push(Field { name, field_type });
            if !self.accept(",") {
                break;
            }
            let too_large = self.place().error(ErrorKind::TooLarge);
            self.budget = self.budget.checked_sub(size).ok_or(too_large)?;
        }
        self.expect(";", "`;`")
    }

    fn length(&mut self) -> Result<Length, Error> {
        if !matches!(self.peek(0), Token::Word(_)) {
            let place = self.place();
            let number = self.number()?;
            let bad = ErrorKind::Number { found: number.to_string() };
            return Ok(Length::Number(u64::try_from(number).map_err(|_| place.error(bad))?));
        }
        let name = self.word("a length")?.to_owned();
        if matches!(self.peek(0), Token::Mark("." | "->")) {
            return Err(self.unsupported("lengths outside of the structure"));
        }
        Ok(Length::Field(name))
    }

    /// `enum [NAME] [: CONTAINER] [{ labels }]`
    fn enumeration(&mut self) -> Result<FieldType, Error> {
        let place = self.place();
        self.advance(1);
        let mut name = None;
        if let Token::Word(word) = self.peek(0) {
            name = Some(format!("enum {word}"));
            self.advance(1);
        }
        let container = if self.accept(":") {
            self.specifier(false)?
        } else if matches!(self.peek(0), Token::Mark("{")) {
            self.known("int".to_owned(), place)?
        } else {
            let name = name.ok_or_else(|| self.expected("`{` or the name of an enumeration"))?;
            return self.known(name, place);
        };
        let FieldType::Int(container) = container else { return Err(self.expected("an integer type")) };
        self.expect("{", "`{`")?;
        let mut labels: Vec<EnumLabel> = Vec::new();
        while !self.accept("}") {
            let label = match self.peek(0) {
                Token::Word(label) => (*label).to_owned(),
                Token::Text(label) => label.clone(),
                _ => return Err(self.expected("a label or `}`")),
            };
            self.advance(1);
            let mut low = labels.last().map_or(0, |last| last.high.saturating_add(1));
            let mut high = low;
            if self.accept("=") {
                low = self.number()?;
                high = if self.accept("...") { self.number()? } else { low };
            }
            labels.push(EnumLabel { name: label, low, high });
            if !self.accept(",") {
                self.expect("}", "`,` or `}`")?;
                break;
            }
        }
        let names = FieldType::Enum(EnumType { container, labels });
        if let Some(name) = name {
            self.define(name, names.clone());
        }
        Ok(names)
    }
}

/// Aligns a structure by aligning its first member, which has the same layout. Not possible when
/// that is an array (each element would be aligned) or there is none.
fn raise(structure: &mut StructType, align: u32) -> bool {
    match structure.fields.first_mut().map(|first| &mut first.field_type) {
        Some(FieldType::Int(int)) => int.align = align,
        Some(FieldType::Enum(names)) => names.container.align = align,
        Some(FieldType::Struct(inner)) => return raise(inner, align),
        _ => return false,
    }
    true
}

/// How many types and labels a type is made of, and how many levels it has.
fn measure(field_type: &FieldType) -> (u64, usize) {
    match field_type {
        FieldType::Int(_) | FieldType::String => (1, 1),
        FieldType::Enum(names) => (1 + names.labels.len() as u64, 1),
        FieldType::Array { element, .. } | FieldType::Sequence { element, .. } => {
            let (size, depth) = measure(element);
            (size + 1, depth + 1)
        }
        FieldType::Struct(structure) => structure.fields.iter().fold((1, 1), |(sizes, deepest), field| {
            let (size, depth) = measure(&field.field_type);
            (sizes + size, deepest.max(depth + 1))
        }),
    }
}
