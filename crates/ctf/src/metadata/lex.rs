//! Text to tokens.

use super::{Error, ErrorKind};

/// A place in the text, both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Place {
    pub(super) fn error(self, kind: ErrorKind) -> Error {
        Error { line: self.line, column: self.column, kind }
    }
}

/// A token with its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Identifier or keyword.
    Word(&'a str),
    /// Digits with prefix and suffix, as they stand.
    Number(&'a str),
    /// A string literal, escapes resolved.
    Text(String),
    /// `{`, `:=`, `...` and so on.
    Mark(&'static str),
    /// End of the text.
    End,
}

impl Token<'_> {
    /// The token as an error message shows it.
    pub(super) fn shown(&self) -> String {
        match self {
            Token::Word(text) | Token::Number(text) => format!("`{text}`"),
            Token::Text(text) => format!("{text:?}"),
            Token::Mark(text) => format!("`{text}`"),
            Token::End => "the end of the text".to_owned(),
        }
    }
}

/// Longer marks first: the first that fits is taken.
const MARKS: [&str; 18] =
    ["...", ":=", "->", "{", "}", "(", ")", "[", "]", "<", ">", ";", ":", ",", "=", ".", "*", "-"];

/// All tokens, the last one being [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, Place)>, Error> {
    let mut lexer = Lexer { rest: text, place: Place { line: 1, column: 1 } };
    let mut tokens = Vec::new();
    loop {
        lexer.blank()?;
        let place = lexer.place;
        let token = lexer.token()?;
        let end = token == Token::End;
        tokens.push((token, place));
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    place: Place,
}

impl<'a> Lexer<'a> {
    /// Takes `length` bytes, which end between characters.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        for c in taken.chars() {
            if c == '\n' {
                self.place = Place { line: self.place.line.saturating_add(1), column: 1 };
            } else {
                self.place.column = self.place.column.saturating_add(1);
            }
        }
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        self.take(self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len()))
    }

    /// Skips white space and comments.
    fn blank(&mut self) -> Result<(), Error> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if self.rest.starts_with("/*") {
                // The search begins behind the mark: `/*/` is not a whole comment.
                let end = self.rest.get(2..).and_then(|rest| rest.find("*/"));
                let what = ErrorKind::Unterminated { what: "comment" };
                self.take(end.ok_or_else(|| self.place.error(what))? + 4);
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token<'a>, Error> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        if first.is_ascii_digit() {
            return Ok(Token::Number(self.take_while(word)));
        }
        if word(first) {
            return Ok(Token::Word(self.take_while(word)));
        }
        if first == '"' {
            return self.text();
        }
        match MARKS.iter().find(|mark| self.rest.starts_with(**mark)) {
            Some(mark) => {
                self.take(mark.len());
                Ok(Token::Mark(mark))
            }
            None => Err(self.place.error(ErrorKind::Character { found: first })),
        }
    }

    fn text(&mut self) -> Result<Token<'a>, Error> {
        let begin = self.place;
        let unterminated = || begin.error(ErrorKind::Unterminated { what: "string" });
        self.take(1);
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| !matches!(c, '"' | '\\' | '\n')));
            match self.take(1) {
                "\"" => return Ok(Token::Text(text)),
                "\\" => {
                    let place = self.place;
                    let c = self.rest.chars().next().ok_or_else(unterminated)?;
                    text.push(self.escape(c).ok_or(place.error(ErrorKind::Character { found: c }))?);
                }
                _ => return Err(unterminated()),
            }
        }
    }

    /// What follows a backslash: a letter, up to three octal digits, or `x` and hexadecimal digits.
    fn escape(&mut self, first: char) -> Option<char> {
        if first.is_digit(8) {
            let digits = self.rest.bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            return char::from_u32(u32::from_str_radix(self.take(digits), 8).ok()?);
        }
        self.take(first.len_utf8());
        Some(match first {
            '"' | '\\' | '\'' | '?' => first,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'v' => '\x0b',
            'x' => {
                let digits = self.take_while(|c| c.is_ascii_hexdigit());
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            _ => return None,
        })
    }
}
