//! Words, numbers and signs of a `.tt` text, on demand, with their places.

use crate::error::{Error, Problem};

/// A token. Text is borrowed from the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token<'t> {
    /// `[A-Za-z_][A-Za-z0-9_]*`.
    Name(&'t str),
    /// Decimal, `0x` or `0o`.
    Number(u64),
    /// Between double quotes, escapes resolved.
    Text(String),
    /// One of [`SIGNS`].
    Sign(&'static str),
    /// End of a line that does not continue.
    EndOfLine,
    /// End of the text.
    End,
}

/// Signs, longest first.
const SIGNS: [&str; 36] = [
    "...", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "..", "(", ")", "[", "]", "{", "}", "<",
    ">", ",", ";", ":", ".", "=", "/", "*", "+", "-", "%", "!", "~", "&", "|", "^", "@", "?",
];

/// Reads tokens one by one and remembers where each began.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'t> {
    pub(crate) file: &'t str,
    pub(crate) text: &'t str,
    /// Byte after the last token taken.
    pub(crate) pos: usize,
    /// Open braces: inside them a newline is a space.
    pub(crate) braces: u32,
    /// The last token was `,` or `{`, so a newline is a space.
    continues: bool,
    peeked: Option<(Token<'t>, usize, usize)>,
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str, file: &'t str) -> Self {
        Scanner { file, text, pos: 0, braces: 0, continues: false, peeked: None }
    }

    fn rest(&self, at: usize) -> &'t str {
        self.text.get(at..).unwrap_or("")
    }

    /// An error at byte `at`.
    pub(crate) fn error(&self, at: usize, problem: Problem) -> Error {
        Error::at(self.file, self.text, at, problem)
    }

    /// Start of the next token.
    fn skip_space(&self) -> usize {
        let blanks =
            self.rest(self.pos).bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
        let mut at = self.pos + blanks;
        if !matches!(self.text.as_bytes().get(at), Some(b'#' | b'\n')) {
            return at;
        }
        for line in self.rest(at).split_inclusive('\n') {
            let blank = line.len() - line.trim_start_matches([' ', '\t', '\r']).len();
            match line.as_bytes().get(blank) {
                None => return at + blank,
                Some(b'#' | b'\n') if self.continues || self.braces > 0 => at += line.len(),
                // The newline itself ends the line; a comment is no token.
                Some(b'#') => return at + line.trim_end_matches('\n').len(),
                Some(_) => return at + blank,
            }
        }
        at
    }

    fn scan(&self) -> Result<(Token<'t>, usize, usize), Error> {
        let start = self.skip_space();
        let rest = self.rest(start);
        let Some(first) = rest.chars().next() else { return Ok((Token::End, start, start)) };
        let word_end = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        if first == '\n' {
            Ok((Token::EndOfLine, start, start + 1))
        } else if first.is_ascii_alphabetic() || first == '_' {
            let word = rest.split(word_end).next().unwrap_or("");
            Ok((Token::Name(word), start, start + word.len()))
        } else if first.is_ascii_digit() {
            let word = rest.split(word_end).next().unwrap_or("");
            Ok((Token::Number(self.number(word, start)?), start, start + word.len()))
        } else if first == '"' {
            self.quoted(start)
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            Ok((Token::Sign(sign), start, start + sign.len()))
        } else {
            Err(self.error(
                start,
                Problem::Syntax { expected: "a name, a number or a sign", found: quote(first) },
            ))
        }
    }

    fn number(&self, word: &str, start: usize) -> Result<u64, Error> {
        let (digits, radix) = match (word.strip_prefix("0x"), word.strip_prefix("0o")) {
            (Some(hex), _) => (hex, 16),
            (_, Some(octal)) => (octal, 8),
            _ => (word, 10),
        };
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            let found = format!("'{word}'");
            return Err(self.error(start, Problem::Syntax { expected: "a decimal, 0x or 0o number", found }));
        }
        u64::from_str_radix(digits, radix).map_err(|_| {
            let problem = Problem::Range { number: word.to_owned(), low: 0, high: i128::from(u64::MAX) };
            self.error(start, problem)
        })
    }

    fn quoted(&self, start: usize) -> Result<(Token<'t>, usize, usize), Error> {
        let mut value = String::new();
        let mut chars = self.rest(start).char_indices().skip(1);
        while let Some((offset, c)) = chars.next() {
            match c {
                '"' => return Ok((Token::Text(value), start, start + offset + 1)),
                '\n' => break,
                '\\' => match chars.next() {
                    Some((_, c @ ('"' | '\\'))) => value.push(c),
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 't')) => value.push('\t'),
                    _ => {
                        let found = "another escape".to_owned();
                        let problem = Problem::Syntax { expected: r#"\", \\, \n or \t"#, found };
                        return Err(self.error(start + offset, problem));
                    }
                },
                c => value.push(c),
            }
        }
        let found = "end of line".to_owned();
        Err(self.error(start, Problem::Syntax { expected: "a closing '\"'", found }))
    }

    /// Where byte `at` of the value of the text that starts at `start` stands in the source.
    pub(crate) fn quoted_place(&self, start: usize, at: usize) -> usize {
        let mut place = start + 1;
        let mut value = 0;
        let mut chars = self.rest(place).chars();
        while value < at {
            let Some(c) = chars.next() else { break };
            place += c.len_utf8();
            // An escape is one character of the value.
            let c = if c == '\\' { chars.next().inspect(|c| place += c.len_utf8()) } else { Some(c) };
            value += c.map_or(1, char::len_utf8);
        }
        place
    }

    /// The next token without taking it.
    pub(crate) fn peek(&mut self) -> Result<&Token<'t>, Error> {
        let scanned = match self.peeked.take() {
            Some(scanned) => scanned,
            None => self.scan()?,
        };
        Ok(&self.peeked.insert(scanned).0)
    }

    /// Where the next token starts.
    pub(crate) fn place(&mut self) -> Result<usize, Error> {
        self.peek()?;
        Ok(self.peeked.as_ref().map_or(self.pos, |(_, start, _)| *start))
    }

    /// Takes the next token.
    pub(crate) fn next(&mut self) -> Result<Token<'t>, Error> {
        let (token, _, end) = match self.peeked.take() {
            Some(scanned) => scanned,
            None => self.scan()?,
        };
        self.pos = end;
        self.continues = matches!(token, Token::Sign("," | "{"));
        Ok(token)
    }

    /// Takes the next token if it is this sign.
    pub(crate) fn take(&mut self, sign: &str) -> Result<bool, Error> {
        let found = matches!(self.peek()?, Token::Sign(s) if *s == sign);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    /// Takes the next token if it is this word.
    pub(crate) fn take_word(&mut self, word: &str) -> Result<bool, Error> {
        let found = matches!(self.peek()?, Token::Name(w) if *w == word);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    /// The error "expected ..., found the next token".
    pub(crate) fn unexpected<T>(&mut self, expected: &'static str) -> Result<T, Error> {
        let found = match self.peek()? {
            Token::Name(name) => format!("'{name}'"),
            Token::Number(number) => format!("the number {number}"),
            Token::Text(text) => format!("the text {text:?}"),
            Token::Sign(sign) => format!("'{sign}'"),
            Token::EndOfLine => "end of line".to_owned(),
            Token::End => "end of text".to_owned(),
        };
        let at = self.place()?;
        Err(self.error(at, Problem::Syntax { expected, found }))
    }

    /// Takes this sign or fails.
    pub(crate) fn expect(&mut self, sign: &str, expected: &'static str) -> Result<(), Error> {
        if self.take(sign)? { Ok(()) } else { self.unexpected(expected) }
    }

    /// Takes a name or fails.
    pub(crate) fn name(&mut self, expected: &'static str) -> Result<&'t str, Error> {
        match *self.peek()? {
            Token::Name(name) => {
                self.next()?;
                Ok(name)
            }
            _ => self.unexpected(expected),
        }
    }

    /// Takes the characters up to one of `stops` (not included) or the end of the line, as they are.
    pub(crate) fn raw(&mut self, stops: &[char]) -> (&'t str, usize) {
        self.peeked = None;
        let start = self.skip_space();
        let rest = self.rest(start);
        let raw = rest.split(|c| c == '\n' || c == '#' || stops.contains(&c)).next().unwrap_or("");
        self.pos = start + raw.len();
        self.continues = false;
        (raw, start)
    }
}

/// A character as an error shows it.
fn quote(c: char) -> String {
    if c.is_control() { format!("the byte 0x{:02x}", u32::from(c)) } else { format!("'{c}'") }
}
