//! The only writer of punctuation.
//!
//! A line is built from paired pieces (open, next, close), so that no decoder writes a bracket or a comma itself, and from
//! words, which are made safe here whatever they come from.

use std::fmt::Write;

use crate::quote;

/// What is listed between two brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// Arguments: `(a, b)`.
    Arguments,
    /// Members: `{a=1, b=2}`.
    Members,
    /// Elements: `[a, b]`.
    Elements,
}

/// A place in a line.
#[derive(Debug)]
pub(crate) struct Mark {
    length: usize,
    lists: usize,
    used: bool,
}

/// One line of text under construction.
#[derive(Debug, Default)]
pub(crate) struct Line {
    text: String,
    /// Open lists, innermost last; true once the list has an element.
    open: Vec<(List, bool)>,
    /// True once a name of the set of flags at hand is written.
    flagged: bool,
}

impl Line {
    /// An empty line.
    pub(crate) fn new() -> Self {
        Line::default()
    }

    /// The text so far.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Begins again, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.open.clear();
    }

    /// True when nothing is written yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// A place to come back to.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            length: self.text.len(),
            lists: self.open.len(),
            used: self.open.last().is_some_and(|list| list.1),
        }
    }

    /// What was written since.
    pub(crate) fn since(&self, mark: &Mark) -> &str {
        self.text.get(mark.length..).unwrap_or_default()
    }

    /// Takes back what was written since.
    pub(crate) fn back_to(&mut self, mark: Mark) {
        self.text.truncate(mark.length);
        self.open.truncate(mark.lists);
        if let Some(list) = self.open.last_mut() {
            list.1 = mark.used;
        }
    }

    /// Opens a list.
    pub(crate) fn open(&mut self, list: List) {
        self.text.push(match list {
            List::Arguments => '(',
            List::Members => '{',
            List::Elements => '[',
        });
        self.open.push((list, false));
    }

    /// Begins the next element of the innermost list.
    pub(crate) fn next(&mut self) {
        if let Some((_, used)) = self.open.last_mut() {
            if *used {
                self.text.push_str(", ");
            }
            *used = true;
        }
    }

    /// Begins the next element of a set of signals: separated by a blank only.
    pub(crate) fn next_in_set(&mut self) {
        if let Some((_, used)) = self.open.last_mut() {
            if *used {
                self.text.push(' ');
            }
            *used = true;
        }
    }

    /// Begins the next member: `name=`.
    pub(crate) fn member(&mut self, name: &str) {
        self.next();
        self.word(name);
        self.text.push('=');
    }

    /// An element that stands for those not shown: `...`.
    pub(crate) fn more(&mut self) {
        self.next();
        self.text.push_str("...");
    }

    /// Closes the innermost list.
    pub(crate) fn close(&mut self) {
        match self.open.pop() {
            Some((List::Arguments, _)) => self.text.push(')'),
            Some((List::Members, _)) => self.text.push('}'),
            Some((List::Elements, _)) => self.text.push(']'),
            None => {}
        }
    }

    /// Begins a set of flags.
    pub(crate) fn flags(&mut self) {
        self.flagged = false;
    }

    /// Begins the next name of a set of flags.
    pub(crate) fn flag(&mut self) {
        if self.flagged {
            self.text.push('|');
        }
        self.flagged = true;
    }

    /// A name or other text that needs no quotes.
    pub(crate) fn word(&mut self, word: &str) {
        self.bytes(word.as_bytes());
    }

    /// The same from bytes of a traced program.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            // Printable ASCII only.
            self.text.push_str(std::str::from_utf8(bytes).unwrap_or_default());
        } else {
            quote::plain(bytes, &mut self.text);
        }
    }

    /// A quoted string; with `...` behind it when it is not whole.
    pub(crate) fn string(&mut self, bytes: &[u8], cut: bool) {
        quote::c_string(bytes, &mut self.text);
        if cut {
            self.text.push_str("...");
        }
    }

    /// `<path>`
    pub(crate) fn bracketed(&mut self, path: &[u8]) {
        quote::bracketed(path, &mut self.text);
    }

    /// `-1`
    pub(crate) fn signed(&mut self, value: i64) {
        let _ = write!(self.text, "{value}");
    }

    /// `1`
    pub(crate) fn unsigned(&mut self, value: u64) {
        let _ = write!(self.text, "{value}");
    }

    /// `0x1f`; zero is `0`.
    pub(crate) fn hex(&mut self, value: u64) {
        let _ = if value == 0 { write!(self.text, "0") } else { write!(self.text, "{value:#x}") };
    }

    /// `0644`, at least three digits, as strace writes permissions.
    pub(crate) fn octal(&mut self, value: u64) {
        let _ =
            if value < 0o100 { write!(self.text, "{value:03o}") } else { write!(self.text, "0{value:o}") };
    }

    /// ` /* words */`
    pub(crate) fn comment(&mut self, words: &str) {
        self.text.push_str(" /* ");
        self.word(words);
        self.text.push_str(" */");
    }

    /// ` (words)`
    pub(crate) fn remark(&mut self, words: &str) {
        self.text.push_str(" (");
        self.word(words);
        self.text.push(')');
    }

    /// ` <words>`
    pub(crate) fn note(&mut self, words: &str) {
        self.text.push_str(" <");
        self.word(words);
        self.text.push('>');
    }

    /// A blank, and more up to that column (counted in characters from 0).
    pub(crate) fn pad(&mut self, column: usize) {
        self.text.push(' ');
        for _ in self.text.chars().count()..column {
            self.text.push(' ');
        }
    }

    /// Ends the line; lists still open are closed.
    pub(crate) fn end(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
        self.text.push('\n');
    }
}

/// Numbers and fixed words, formatted. Text of traced programs is made safe on the way.
impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.word(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_nest_and_separate() {
        let mut line = Line::new();
        line.word("f");
        line.open(List::Arguments);
        line.next();
        line.open(List::Members);
        line.member("a");
        line.signed(-1);
        line.more();
        line.close();
        line.next();
        line.open(List::Elements);
        line.close();
        line.next();
        line.flags();
        line.flag();
        line.word("A");
        line.flag();
        line.hex(16);
        line.close();
        line.pad(40);
        line.word("= 0");
        line.end();
        assert_eq!(line.as_str(), "f({a=-1, ...}, [], A|0x10)              = 0\n");
    }

    #[test]
    fn permissions_have_three_digits() {
        let mut line = Line::new();
        for mode in [0, 0o22, 0o644, 0o4755] {
            line.octal(mode);
            line.word(" ");
        }
        assert_eq!(line.as_str(), "000 022 0644 04755 ");
    }
}
