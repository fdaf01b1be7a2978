//! Format strings of kernel markers: `"sector %llu rw(SYNC,AHEAD,RW) %lX not_uptodate #1u%d"`.
//!
//! * `%ctype` is how a value is passed: flags (skipped), a qualifier `h l ll L z Z t`, a kind `c s p d i o u x X`. Width,
//!   precision and `%n` have no meaning in a record and are refused.
//! * `#tracetype` before it is how the value is stored: `n` for network byte order, a size (one of the qualifiers, or the
//!   bytes `1 2 4 8`), a kind. Without it the value is stored as it is passed.
//! * The word before either is the field's name; a field without one is `argN`. Other text says nothing. `%%` and `##`
//!   are the characters themselves.
//! * `(A,B,C)` directly after the name gives names to its bits, most significant first: **the last name is bit 0**. `_` is
//!   a bit without name. `...` stands for names that are not given, and nobody knows how many: a name to the left of it
//!   has no position and names nothing.

use ctf::types::{Base, ByteOrder, EventType, Field, FieldType, IntType, StructType};

use crate::ast::{Item, Line, Render, Set, SetLine, Stored, TypeLine};
use crate::error::{Error, Problem};

/// Most fields of a marker.
const MOST_FIELDS: usize = 255;

/// `marker NAME "FORMAT"`.
///
/// ```
/// let marker = schema::marker::Marker::new("bio", "size %u rw(SYNC,RW) %lX late #1u%d").unwrap();
/// let lines: Vec<String> = marker.lines().iter().map(ToString::to_string).collect();
/// assert_eq!(lines, [
///     "type bio_size = u32 dec",
///     "flags bio_rw : u64 hex = SYNC 0x2, RW 0x1",
///     "type bio_late = u8 dec",
/// ]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The marker's name.
    pub name: String,
    /// Its format, as written.
    pub format: String,
    /// What the format describes, in order.
    pub fields: Vec<MarkerField>,
}

/// One value of a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerField {
    /// The word before the conversion.
    pub name: String,
    /// How it is stored.
    pub data: Data,
    /// How it is shown.
    pub shown: Shown,
    /// Its list of names, when it has one.
    pub list: Option<List>,
}

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// A number.
    Number {
        /// Width and sign.
        stored: Stored,
        /// Most significant byte first, whatever the machine does.
        network: bool,
    },
    /// Bytes up to a NUL.
    Text,
}

/// How a value is shown: the kind of its `%` conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// `d i u`
    Decimal,
    /// `o`
    Octal,
    /// `x p`
    Hex,
    /// `X`
    UpperHex,
    /// `c`
    Character,
    /// `s`
    Text,
}

/// Names of bits, as written: most significant first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The elements.
    pub names: Vec<Element>,
    /// Bytes of the format from `(` to `)`.
    place: std::ops::Range<usize>,
}

/// An element of a list of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// The name of a bit.
    Name(String),
    /// `_`: a bit without name.
    Hole,
    /// `...`: names that are not given.
    Elided,
}

impl Shown {
    /// The word of the language for it.
    pub fn word(self) -> &'static str {
        match self {
            Shown::Decimal => "dec",
            Shown::Octal => "oct",
            Shown::Hex | Shown::UpperHex => "hex",
            Shown::Character => "chr",
            Shown::Text => "str",
        }
    }
}

impl List {
    /// Names and masks of the bits whose position is known, in the order of the list.
    pub fn items(&self) -> Vec<Item> {
        let last = self.names.iter().rev().take_while(|name| **name != Element::Elided);
        let mut items: Vec<Item> = (0..64)
            .zip(last)
            .filter_map(|(bit, element)| match element {
                Element::Name(name) => Some(Item { name: name.clone(), value: 1 << bit, mask: None }),
                Element::Hole | Element::Elided => None,
            })
            .collect();
        items.reverse();
        items
    }
}

impl Marker {
    /// Reads a format. The place of an error is in the format.
    pub fn new(name: &str, format: &str) -> Result<Marker, Error> {
        let read = fields(format).map_err(|(at, problem)| Error::at("marker", format, at, problem))?;
        Ok(Marker { name: name.to_owned(), format: format.to_owned(), fields: read })
    }

    /// The name of the set that the list of a field makes.
    pub fn set_name(&self, field: &MarkerField) -> String {
        format!("{}_{}", self.name, field.name)
    }

    /// The sets that its lists make, with explicit masks.
    pub fn sets(&self) -> Vec<Set> {
        let sets = self.fields.iter().filter_map(|field| {
            let items = field.list.as_ref()?.items();
            let Data::Number { stored, .. } = field.data else { return None };
            let render = Some(field.shown.word().to_owned());
            let set = Set { name: self.set_name(field), flags: true, stored: Some(stored), render, items };
            (!set.items.is_empty()).then_some(set)
        });
        sets.collect()
    }

    /// Its numbers as lines of the language: a `flags` line for each list, a `type` line for each other number.
    pub fn lines(&self) -> Vec<Line> {
        let mut sets = self.sets();
        let lines = self.fields.iter().filter_map(|field| {
            let Data::Number { stored, .. } = field.data else { return None };
            let name = self.set_name(field);
            if let Some(at) = sets.iter().position(|set| set.name == name) {
                return Some(Line::Set(SetLine { extend: false, set: sets.swap_remove(at) }));
            }
            let renders = vec![Render::Word(field.shown.word().to_owned())];
            Some(Line::Type(TypeLine { name, stored, renders, otherwise: None }))
        });
        lines.collect()
    }

    /// The same marker without lists: what a catalog keeps beside the sets.
    pub(crate) fn without_lists(mut self) -> Marker {
        let lists: Vec<List> = self.fields.iter_mut().filter_map(|field| field.list.take()).collect();
        for list in lists.iter().rev() {
            // The places come from this format, in its order.
            if self.format.get(list.place.clone()).is_some() {
                self.format.replace_range(list.place.clone(), "");
            }
        }
        self
    }

    /// The event that such a marker records, in the machine's byte order (little) and without alignment.
    pub fn event(&self, id: u64, stream_id: u64) -> EventType {
        let fields = self.fields.iter().map(|field| {
            let field_type = match field.data {
                Data::Text => FieldType::String,
                Data::Number { stored, network } => FieldType::Int(IntType {
                    bits: u32::from(stored.bytes) * 8,
                    align: 8,
                    signed: stored.signed,
                    base: match field.shown {
                        Shown::Octal => Base::Octal,
                        Shown::Hex | Shown::UpperHex => Base::Hexadecimal,
                        _ => Base::Decimal,
                    },
                    byte_order: if network { ByteOrder::Big } else { ByteOrder::Little },
                    text: field.shown == Shown::Character,
                    clock: false,
                }),
            };
            Field { name: field.name.clone(), field_type }
        });
        let fields = StructType { fields: fields.collect() };
        EventType { id, name: self.name.clone(), stream_id, fields }
    }
}

/// What is wrong, and at which byte of the format.
type Wrong = (usize, Problem);

/// The fields of a format.
pub(crate) fn fields(format: &str) -> Result<Vec<MarkerField>, Wrong> {
    let mut reader = Reader { format, at: 0, name: None, list: None, stored: None, fields: Vec::new() };
    while reader.step()? {}
    match reader.stored {
        Some((at, _)) => Err((at, syntax("'%' and a C type after the stored type", "end of format"))),
        None => Ok(reader.fields),
    }
}

fn syntax(expected: &'static str, found: &str) -> Problem {
    Problem::Syntax { expected, found: found.to_owned() }
}

/// Walks over a format as the writer of the record did.
struct Reader<'t> {
    format: &'t str,
    at: usize,
    /// The last word.
    name: Option<&'t str>,
    /// Its list, and the byte where that begins.
    list: Option<List>,
    /// A `#tracetype` that waits for its `%ctype`, and where it was.
    stored: Option<(usize, Data)>,
    fields: Vec<MarkerField>,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.format.get(self.at..).unwrap_or("")
    }

    fn found(&self) -> String {
        self.rest().chars().next().map_or("end of format".to_owned(), |c| format!("{c:?}"))
    }

    /// The error "expected ..., found what is next".
    fn unexpected<T>(&self, expected: &'static str) -> Result<T, Wrong> {
        Err((self.at, syntax(expected, &self.found())))
    }

    fn take(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let word = words.iter().copied().find(|word| self.rest().starts_with(word))?;
        self.at += word.len();
        Some(word)
    }

    /// One word, conversion or character; false at the end.
    fn step(&mut self) -> Result<bool, Wrong> {
        let Some(c) = self.rest().chars().next() else { return Ok(false) };
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if word(c) {
            let len = self.rest().find(|c| !word(c)).unwrap_or(self.rest().len());
            if self.stored.is_none() {
                self.name =
                    self.rest().get(..len).filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
                self.list = None;
            }
            self.at += len;
            if self.stored.is_none() && self.name.is_some() && self.rest().starts_with('(') {
                self.list = self.names()?;
            }
        } else if self.take(&["%%", "##"]).is_some() {
        } else if c == '#' {
            let place = self.at;
            self.at += 1;
            if self.stored.is_some() {
                return Err((place, syntax("'%' and a C type after the stored type", "'#'")));
            }
            self.stored = Some((place, self.trace_type()?));
        } else if c == '%' {
            let place = self.at;
            self.at += 1;
            self.conversion(place)?;
        } else {
            self.at += c.len_utf8();
        }
        Ok(true)
    }

    /// `(A,B,...,C)`. Parentheses around nothing or a conversion are text: `pc(%p)`, `open() %d`.
    fn names(&mut self) -> Result<Option<List>, Wrong> {
        let start = self.at;
        let inside = self.rest().get(1..).unwrap_or("");
        let end = inside.find([')', '%', '#']);
        let Some(length) = end else {
            self.at = self.format.len();
            return self.unexpected("')' after the names of bits");
        };
        if length == 0 || !inside.get(length..).unwrap_or("").starts_with(')') {
            return Ok(None);
        }
        let mut names = Vec::new();
        let mut at = start + 1;
        for part in inside.get(..length).unwrap_or("").split(',') {
            let place = at + part.len() - part.trim_start().len();
            at += part.len() + 1;
            let part = part.trim();
            let plain = part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            names.push(match part {
                "..." => Element::Elided,
                "_" => Element::Hole,
                _ if plain && part.starts_with(|c: char| !c.is_ascii_digit()) => {
                    Element::Name(part.to_owned())
                }
                _ => return Err((place, syntax("the name of a bit, '_' or '...'", &format!("'{part}'")))),
            });
        }
        self.at = start + length + 2;
        Ok(Some(List { names, place: start..self.at }))
    }

    /// Bytes of an integer with the qualifier that is next; `None` when there is none.
    fn qualifier(&mut self) -> Option<u8> {
        // Longest first. Sizes of the data model in which long and pointers have 8 bytes.
        self.take(&["ll", "L", "l", "z", "Z", "t", "h"]).map(|word| if word == "h" { 2 } else { 8 })
    }

    fn trace_type(&mut self) -> Result<Data, Wrong> {
        let what = match self.rest().chars().next() {
            Some('a') => "a sequence (#a) in a marker",
            Some('k') => "a callback (#k) in a marker",
            _ => "",
        };
        if !what.is_empty() {
            return Err((self.at, Problem::Unsupported { what }));
        }
        let network = self.take(&["n"]).is_some();
        let digit = self.take(&["1", "2", "4", "8"]).and_then(|digit| digit.parse().ok());
        let size = digit.or_else(|| self.qualifier());
        let sized = size.is_some() || network;
        let number = |bytes, signed| Data::Number { stored: Stored::new(bytes, signed), network };
        let kinds: &[&'static str] = if sized {
            &["u", "o", "x", "X", "d", "i"]
        } else {
            &["u", "o", "x", "X", "d", "i", "c", "s", "p"]
        };
        let bytes = size.unwrap_or(4);
        Ok(match self.take(kinds) {
            Some("d" | "i") => number(bytes, true),
            Some("c") => number(1, false),
            Some("p") => number(8, false),
            Some("s") => Data::Text,
            Some(_) => number(bytes, false),
            None if sized => return self.unexpected("a kind of number: u o x X d i"),
            None => {
                return self
                    .unexpected("a stored type: n, 1 2 4 8 or h l ll L z Z t, then u o x X d i c s p");
            }
        })
    }

    fn conversion(&mut self, place: usize) -> Result<(), Wrong> {
        while self.take(&["-", "+", " ", "#", "0"]).is_some() {}
        let what = match self.rest().chars().next() {
            Some('1'..='9' | '*') => "a width in a marker",
            Some('.') => "a precision in a marker",
            Some('n') => "%n in a marker",
            _ => "",
        };
        if !what.is_empty() {
            return Err((self.at, Problem::Unsupported { what }));
        }
        let qualifier = self.qualifier();
        let kinds: &[&'static str] = match qualifier {
            Some(_) => &["d", "i", "u", "o", "x", "X"],
            None => &["d", "i", "u", "o", "x", "X", "c", "s", "p"],
        };
        let Some(kind) = self.take(kinds) else {
            return self.unexpected("a conversion: h l ll L z Z t, then c s p d i o u x X");
        };
        let shown = match kind {
            "o" => Shown::Octal,
            "x" | "p" => Shown::Hex,
            "X" => Shown::UpperHex,
            "c" => Shown::Character,
            "s" => Shown::Text,
            _ => Shown::Decimal,
        };
        let passed = match kind {
            "s" => Data::Text,
            "p" => Data::Number { stored: Stored::new(8, false), network: false },
            "c" => Data::Number { stored: Stored::new(1, false), network: false },
            _ => {
                let stored = Stored::new(qualifier.unwrap_or(4), matches!(kind, "d" | "i"));
                Data::Number { stored, network: false }
            }
        };
        let stored = self.stored.take();
        let data = stored.map_or(passed, |(_, data)| data);
        if (data == Data::Text) != (passed == Data::Text) {
            let at = stored.map_or(place, |(at, _)| at);
            return Err((at, syntax("a string passed and stored, or a number", "one of each")));
        }
        self.add(place, data, shown)
    }

    /// Adds a field with the name and the list that were before it.
    fn add(&mut self, place: usize, data: Data, shown: Shown) -> Result<(), Wrong> {
        if self.fields.len() >= MOST_FIELDS {
            return Err((place, Problem::TooDeep { limit: 255 }));
        }
        let unnamed = format!("arg{}", self.fields.len());
        let name = self.name.take().map_or(unnamed, str::to_owned);
        if self.fields.iter().any(|field| field.name == name) {
            return Err((place, syntax("a name that no other field has", &format!("'{name}'"))));
        }
        let list = self.list.take();
        if let Some(list) = &list {
            let bits = match data {
                Data::Number { stored, .. } => usize::from(stored.bytes) * 8,
                Data::Text => {
                    return Err((list.place.start, syntax("a number", "a string with names of bits")));
                }
            };
            if list.names.len() > bits {
                let found = format!("{} names for {bits} bits", list.names.len());
                return Err((list.place.start, syntax("at most one name for each bit", &found)));
            }
        }
        self.fields.push(MarkerField { name, data, shown, list });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
