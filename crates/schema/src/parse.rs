//! Text to lines. The grammar is in `docs/type-table.md`.

mod declare;
mod expr;
mod param;

use crate::abi::Abi;
use crate::ast::{Call, Key, Line, Returns, Stored, Variant};
use crate::error::{Error, Problem};
use crate::scan::{Scanner, Token};

/// Longest list (parameters, items, members) that is read.
const MOST_ITEMS: u32 = 10_000;

/// Reads a `.tt` text. `file` is its name for errors.
///
/// ```
/// let lines = schema::parse("close(fd fd)\nenum whence = SEEK_SET 0, SEEK_CUR 1\n", "example.tt").unwrap();
/// assert_eq!(lines.len(), 2);
/// assert_eq!(lines[0].to_string(), "close(fd fd)");
/// ```
pub fn parse(text: &str, file: &str) -> Result<Vec<Line>, Error> {
    Ok(parse_placed(text, file)?.into_iter().map(|(_, line)| line).collect())
}

/// The same for bytes of unknown origin.
pub fn parse_bytes(bytes: &[u8], file: &str) -> Result<Vec<Line>, Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse(text, file),
        Err(error) => {
            let (good, bad) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((bytes, &[]));
            let text = std::str::from_utf8(good).unwrap_or("");
            let byte = bad.first().copied().unwrap_or(0);
            Err(Error::at(file, text, text.len(), Problem::NotUtf8 { byte }))
        }
    }
}

/// Lines with the byte at which each starts.
pub(crate) fn parse_placed(text: &str, file: &str) -> Result<Vec<(usize, Line)>, Error> {
    let mut parser = Parser { scan: Scanner::new(text, file), depth: 0, nodes: 0 };
    let mut lines = Vec::new();
    loop {
        let at = parser.scan.place()?;
        match parser.scan.peek()? {
            Token::End => return Ok(lines),
            Token::EndOfLine => {
                parser.scan.next()?;
            }
            _ => {
                lines.push((at, parser.line()?));
                match parser.scan.peek()? {
                    Token::End | Token::EndOfLine => {}
                    _ => return parser.scan.unexpected("end of line"),
                }
            }
        }
    }
}

/// Recursive descent over the tokens; depth and size are bounded.
struct Parser<'t> {
    scan: Scanner<'t>,
    /// Nesting of the expression or of `else` at hand.
    depth: u32,
    /// Size of the expression at hand.
    nodes: u32,
}

impl Parser<'_> {
    fn line(&mut self) -> Result<Line, Error> {
        let word = self.scan.name("the name of a call or a kind of line")?;
        // A kind of line is followed by a name; a call of the same name would be followed by a parenthesis.
        if !matches!(self.scan.peek()?, Token::Name(_)) {
            return self.call_or_variant(word);
        }
        match word {
            "flags" => self.set(true),
            "enum" => self.set(false),
            "type" => self.type_line(),
            "bits" => self.bits(),
            "struct" => self.structure(),
            "union" => self.union(),
            "layout" => self.layout(),
            "object" => self.object(),
            "ctype" => self.ctype(),
            "number" => self.number_line(),
            "proto" => self.proto(),
            "marker" => self.marker(),
            _ => self.scan.unexpected("'(' or '.' after the name of a call"),
        }
    }

    /// Runs `one` until no comma follows.
    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let mut items = vec![one(self)?];
        while self.scan.take(",")? {
            self.bound(u32::try_from(items.len()).unwrap_or(u32::MAX), MOST_ITEMS)?;
            items.push(one(self)?);
        }
        Ok(items)
    }

    fn bound(&mut self, count: u32, limit: u32) -> Result<(), Error> {
        if count < limit {
            return Ok(());
        }
        let at = self.scan.place()?;
        Err(self.scan.error(at, Problem::TooDeep { limit }))
    }

    /// `NAME` or `NAME@ABI`.
    fn call_name(&mut self, first: &str) -> Result<String, Error> {
        if !self.scan.take("@")? {
            return Ok(first.to_owned());
        }
        Ok(format!("{first}@{}", self.abi()?.name()))
    }

    fn abi(&mut self) -> Result<Abi, Error> {
        let at = self.scan.place()?;
        let word = self.scan.name("x86_64 or i386")?;
        Abi::from_name(word).ok_or_else(|| {
            let problem = Problem::Syntax { expected: "x86_64 or i386", found: format!("'{word}'") };
            self.scan.error(at, problem)
        })
    }

    fn call_or_variant(&mut self, first: &str) -> Result<Line, Error> {
        let name = self.call_name(first)?;
        if self.scan.take(".")? {
            return self.variant(name);
        }
        self.scan.expect("(", "'(' or '.' after the name of a call")?;
        let params = self.params()?;
        let mut switch = Vec::new();
        if self.scan.take_word("switch")? {
            switch = self.list(Self::whole_expr)?;
        }
        let returns = self.returns()?;
        Ok(Line::Call(Call { name, params, switch, returns }))
    }

    fn variant(&mut self, call: String) -> Result<Line, Error> {
        let cases = self.list(|p| {
            let mut keys = vec![p.key()?];
            while p.scan.take("/")? {
                p.bound(u32::try_from(keys.len()).unwrap_or(u32::MAX), 6)?;
                keys.push(p.key()?);
            }
            Ok(keys)
        })?;
        self.scan.expect("(", "'(', ',' or '/' after a case")?;
        let params = self.params()?;
        let returns = self.returns()?;
        let mut on = None;
        if self.scan.take_word("on")? {
            match self.scan.peek()?.clone() {
                Token::Text(path) => {
                    self.scan.next()?;
                    on = Some(path);
                }
                _ => return self.scan.unexpected("a path in double quotes"),
            }
        }
        Ok(Line::Variant(Variant { call, cases, params, returns, on }))
    }

    fn returns(&mut self) -> Result<Option<Returns>, Error> {
        if !self.scan.take("=")? {
            return Ok(None);
        }
        let ty = self.ty()?;
        let condition = if self.scan.take_word("if")? { Some(self.whole_expr()?) } else { None };
        Ok(Some(Returns { ty, condition }))
    }

    fn key(&mut self) -> Result<Key, Error> {
        if self.scan.take("*")? {
            return Ok(Key::Any);
        }
        if let Token::Name(name) = *self.scan.peek()? {
            self.scan.next()?;
            return Ok(Key::Name(name.to_owned()));
        }
        let low = self.integer("a constant, a number or '*'")?;
        if !self.scan.take("..")? {
            return Ok(Key::Number(low));
        }
        Ok(Key::Range(low, self.integer("the end of the range")?))
    }

    /// A number with an optional minus.
    fn integer(&mut self, expected: &'static str) -> Result<i128, Error> {
        let negative = self.scan.take("-")?;
        match *self.scan.peek()? {
            Token::Number(number) => {
                self.scan.next()?;
                let number = i128::from(number);
                Ok(if negative { -number } else { number })
            }
            _ => self.scan.unexpected(expected),
        }
    }

    /// A number of a bounded type.
    fn bounded(&mut self, low: i128, high: i128) -> Result<i128, Error> {
        let at = self.scan.place()?;
        let number = self.integer("a number")?;
        if (low..=high).contains(&number) {
            return Ok(number);
        }
        Err(self.scan.error(at, Problem::Range { number: number.to_string(), low, high }))
    }

    fn u32(&mut self) -> Result<u32, Error> {
        let number = self.bounded(0, i128::from(u32::MAX))?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// The value of an item: up to 64 bits; a negative one is kept in two's complement.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "two's complement is the meaning"
    )]
    fn item_value(&mut self) -> Result<u64, Error> {
        Ok(self.bounded(i128::from(i64::MIN), i128::from(u64::MAX))? as u64)
    }

    fn stored(&mut self) -> Result<Stored, Error> {
        let expected = "a stored type: u8 u16 u32 u64 s8 s16 s32 s64";
        match self.scan.peek()? {
            Token::Name(name) => match Stored::from_name(name) {
                Some(stored) => {
                    self.scan.next()?;
                    Ok(stored)
                }
                None => self.scan.unexpected(expected),
            },
            _ => self.scan.unexpected(expected),
        }
    }

    fn stored_i386(&mut self) -> Result<Option<Stored>, Error> {
        if self.scan.take_word("i386")? { Ok(Some(self.stored()?)) } else { Ok(None) }
    }
}

/// `const char * filename` to (`const char *`, `filename`).
pub(crate) fn split_declaration(raw: &str) -> Option<(String, String)> {
    let raw = raw.trim();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let ctype = raw.trim_end_matches(word);
    let name = raw.get(ctype.len()..)?;
    let ctype = ctype.trim();
    let plain = ctype.chars().all(|c| word(c) || c == '*' || c == ' ' || c == '\t');
    if !plain || ctype.is_empty() || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    // One kind of space between the words, so that a printed line reads back the same.
    Some((ctype.split_whitespace().collect::<Vec<_>>().join(" "), name.to_owned()))
}

#[cfg(test)]
mod tests;
