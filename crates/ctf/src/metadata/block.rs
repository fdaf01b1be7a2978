//! Tokens to blocks: `NAME { key = value; key := type; }`.

use std::collections::HashMap;

use super::lex::{Place, Token};
use super::{Error, ErrorKind};
use crate::types::{ByteOrder, FieldType};

/// Reads tokens; knows the types that have a name so far.
pub(super) struct Parser<'a> {
    tokens: Vec<(Token<'a>, Place)>,
    at: usize,
    /// Byte order of integers that do not tell theirs.
    pub(super) native: ByteOrder,
    /// Named types, innermost block last. Keys are as they are written: `uint8_t`,
    /// `unsigned long`, `struct event_header`.
    pub(super) scopes: Vec<HashMap<String, Known>>,
    /// Structures that are open.
    pub(super) depth: usize,
    /// Type specifiers that are open, of structures and of all others.
    pub(super) open: usize,
    /// How many more types may be copied from named ones.
    pub(super) budget: u64,
    /// Clocks that integers are mapped to.
    pub(super) mapped: Vec<(String, Place)>,
}

/// A type with a name.
pub(super) struct Known {
    pub(super) field_type: FieldType,
    /// Types and labels that it is made of.
    pub(super) size: u64,
    /// Levels of nesting.
    pub(super) depth: usize,
}

/// What stands behind `=` or `:=`.
pub(super) enum EntryValue {
    Number(i128),
    Text(String),
    /// `le`, `true`, `clock.monotonic.value`
    Words(String),
    Type(FieldType),
}

/// `key = value;`
pub(super) struct Entry {
    /// With its dots: `packet.header`.
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: EntryValue,
}

/// The entries of a block.
pub(super) struct Block {
    /// Where it begins.
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
}

/// Types that all texts may copy, and how many more for each token of the text.
const COPIES: u64 = 1_000_000;
const COPIES_PER_TOKEN: u64 = 100;

impl<'a> Parser<'a> {
    pub(super) fn new(tokens: Vec<(Token<'a>, Place)>, native: ByteOrder) -> Self {
        let budget = (tokens.len() as u64).saturating_mul(COPIES_PER_TOKEN).saturating_add(COPIES);
        let scopes = vec![HashMap::new()];
        Parser { tokens, at: 0, native, scopes, depth: 0, open: 0, budget, mapped: Vec::new() }
    }

    /// The token `ahead` places further on.
    pub(super) fn peek(&self, ahead: usize) -> &Token<'a> {
        self.tokens.get(self.at.saturating_add(ahead)).map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn place(&self) -> Place {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(Place { line: 1, column: 1 }, |(_, place)| *place)
    }

    pub(super) fn advance(&mut self, tokens: usize) {
        self.at = self.at.saturating_add(tokens).min(self.tokens.len());
    }

    pub(super) fn expected(&self, expected: &'static str) -> Error {
        self.place().error(ErrorKind::Expected { expected, found: self.peek(0).shown() })
    }

    pub(super) fn unsupported(&self, what: &'static str) -> Error {
        self.place().error(ErrorKind::Unsupported { what })
    }

    /// Takes the mark if it is next.
    pub(super) fn accept(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(0), Token::Mark(next) if *next == mark);
        if found {
            self.advance(1);
        }
        found
    }

    /// Takes the mark; `shown` is how an error names it.
    pub(super) fn expect(&mut self, mark: &str, shown: &'static str) -> Result<(), Error> {
        if self.accept(mark) { Ok(()) } else { Err(self.expected(shown)) }
    }

    pub(super) fn word(&mut self, expected: &'static str) -> Result<&'a str, Error> {
        match self.peek(0) {
            Token::Word(word) => {
                let word = *word;
                self.advance(1);
                Ok(word)
            }
            _ => Err(self.expected(expected)),
        }
    }

    /// `{ entries }`. Types that are named inside are known inside only.
    pub(super) fn block(&mut self) -> Result<Block, Error> {
        let place = self.place();
        self.expect("{", "`{`")?;
        self.scopes.push(HashMap::new());
        let mut entries = Vec::new();
        while !self.accept("}") {
            if !self.declaration()? {
                entries.push(self.entry()?);
            }
        }
        self.scopes.pop();
        Ok(Block { place, entries })
    }

    fn entry(&mut self) -> Result<Entry, Error> {
        let place = self.place();
        let key = self.words("a name")?;
        let value = if self.accept(":=") {
            EntryValue::Type(self.specifier(false)?)
        } else {
            self.expect("=", "`=` or `:=`")?;
            match self.peek(0) {
                Token::Text(text) => {
                    let text = text.clone();
                    self.advance(1);
                    EntryValue::Text(text)
                }
                Token::Word(_) => EntryValue::Words(self.words("a value")?),
                _ => EntryValue::Number(self.number()?),
            }
        };
        self.expect(";", "`;`")?;
        Ok(Entry { key, place, value })
    }

    /// Words joined by dots.
    fn words(&mut self, expected: &'static str) -> Result<String, Error> {
        let mut words = self.word(expected)?.to_owned();
        while self.accept(".") {
            words.push('.');
            words.push_str(self.word("a name")?);
        }
        Ok(words)
    }

    /// A number of any radix, with sign.
    pub(super) fn number(&mut self) -> Result<i128, Error> {
        let negative = self.accept("-");
        let Token::Number(text) = *self.peek(0) else { return Err(self.expected("a value")) };
        let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
        let parsed = if let Some(hex) = digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
            u64::from_str_radix(hex, 16)
        } else if digits.len() > 1 && digits.starts_with('0') {
            u64::from_str_radix(digits, 8)
        } else {
            digits.parse()
        };
        let bad = ErrorKind::Number { found: text.to_owned() };
        let value = i128::from(parsed.map_err(|_| self.place().error(bad))?);
        self.advance(1);
        Ok(if negative { -value } else { value })
    }
}

impl Block {
    /// The entry of that key, which may be there once.
    pub(super) fn entry(&mut self, key: &'static str) -> Result<Option<Entry>, Error> {
        let Some(at) = self.entries.iter().position(|e| e.key == key) else { return Ok(None) };
        let entry = self.entries.remove(at);
        match self.entries.iter().find(|e| e.key == key) {
            Some(second) => Err(second.place.error(ErrorKind::Twice { what: key })),
            None => Ok(Some(entry)),
        }
    }

    /// A number that fits into `T`.
    pub(super) fn number<T: TryFrom<i128>>(&mut self, key: &'static str) -> Result<Option<T>, Error> {
        let Some(entry) = self.entry(key)? else { return Ok(None) };
        match entry.value {
            EntryValue::Number(number) => T::try_from(number)
                .map(Some)
                .map_err(|_| entry.place.error(ErrorKind::Number { found: number.to_string() })),
            _ => Err(entry.expected("a number")),
        }
    }

    /// A string literal or a bare word.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<(String, Place)>, Error> {
        let Some(entry) = self.entry(key)? else { return Ok(None) };
        match entry.value {
            EntryValue::Text(text) | EntryValue::Words(text) => Ok(Some((text, entry.place))),
            _ => Err(entry.expected("a text")),
        }
    }
}

impl Entry {
    pub(super) fn expected(&self, expected: &'static str) -> Error {
        let found = match &self.value {
            EntryValue::Number(number) => format!("`{number}`"),
            EntryValue::Text(text) => format!("{text:?}"),
            EntryValue::Words(text) => format!("`{text}`"),
            EntryValue::Type(_) => "a type".to_owned(),
        };
        self.place.error(ErrorKind::Expected { expected, found })
    }
}
