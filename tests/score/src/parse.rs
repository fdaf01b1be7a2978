//! Text to [`Value`]s.

use crate::value::{Item, Value};

/// Reads a list of arguments, or of members: `3, "x"..., {a=1}`. True at the end where it ends in `...`.
///
/// Text that follows no form becomes [`Value::Raw`] up to the next comma.
pub(crate) fn items(text: &str) -> (Vec<Item>, bool) {
    let mut parser = Parser { text: text.as_bytes(), at: 0 };
    parser.items(None)
}

/// Reads what stands in parentheses behind a result: `in [5], left {tv_sec=0}`. A word before a value is its name.
pub(crate) fn remarks(text: &str) -> Vec<Item> {
    let mut parser = Parser { text: text.as_bytes(), at: 0 };
    let mut found = Vec::new();
    loop {
        parser.blank();
        let start = parser.at;
        let word = parser.word();
        let named = word.starts_with(|c: char| c.is_ascii_alphabetic()) && parser.peek() == Some(b' ');
        parser.at = if named { parser.at + 1 } else { start };
        let value = parser.value();
        found.push(Item { name: named.then_some(word), value });
        parser.blank();
        if parser.peek() != Some(b',') {
            return found;
        }
        parser.at += 1;
    }
}

/// One value.
pub fn value(text: &str) -> Value {
    let (mut found, _) = items(text);
    if found.is_empty() { Value::Raw(text.to_owned()) } else { found.remove(0).value }
}

struct Parser<'t> {
    text: &'t [u8],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn looking_at(&self, what: &str) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(what.as_bytes()))
    }

    fn eat(&mut self, what: &str) -> bool {
        let found = self.looking_at(what);
        self.at += if found { what.len() } else { 0 };
        found
    }

    /// Spaces and comments, also strace's `<... resuming interrupted poll ...>` and `<unfinished ...>`.
    fn blank(&mut self) {
        loop {
            if self.peek() == Some(b' ') {
                self.at += 1;
            } else if self.looking_at("/*") {
                let rest = &self.text[self.at..];
                let end = rest.windows(2).position(|pair| pair == b"*/").map_or(rest.len(), |end| end + 2);
                self.at += end;
            } else if self.looking_at("<... ") || self.looking_at("<unfinished ...>") {
                let rest = &self.text[self.at..];
                self.at += rest.iter().position(|b| *b == b'>').map_or(rest.len(), |end| end + 1);
            } else {
                return;
            }
        }
    }

    /// Letters, digits and `_`, or nothing.
    fn word(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
            self.at += 1;
        }
        String::from_utf8_lossy(&self.text[start..self.at]).into_owned()
    }

    /// Up to `close`, which is not taken, or to the end.
    fn items(&mut self, close: Option<u8>) -> (Vec<Item>, bool) {
        let (mut found, mut cut) = (Vec::new(), false);
        loop {
            self.blank();
            if self.peek().is_none() || self.peek() == close {
                return (found, cut);
            }
            if self.eat("...") {
                cut = true;
            } else if self.peek() == Some(b',') {
                self.at += 1;
            } else {
                let name = self.name();
                let value = self.value();
                found.push(Item { name, value });
                self.rest_as_raw(close, &mut found);
            }
        }
    }

    /// What is left before the next comma makes the last item raw.
    fn rest_as_raw(&mut self, close: Option<u8>, found: &mut [Item]) {
        self.blank();
        let start = self.at;
        let mut depth = 0;
        while let Some(byte) = self.peek() {
            match byte {
                b'(' | b'[' | b'{' => depth += 1,
                _ if depth == 0 && (byte == b',' || Some(byte) == close) => break,
                b')' | b']' | b'}' => depth -= 1,
                b'"' => {
                    self.text();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        if start < self.at
            && let Some(last) = found.last_mut()
        {
            let rest = String::from_utf8_lossy(&self.text[start..self.at]);
            last.value = Value::Raw(format!("{:?} {rest}", last.value));
        }
    }

    /// `fd=`, `c_cc[VMIN]=`; nothing where no name stands.
    fn name(&mut self) -> Option<String> {
        let start = self.at;
        let mut name = self.word();
        if !name.is_empty() && self.peek() == Some(b'[') {
            let from = self.at;
            while self.peek().is_some_and(|b| b != b']') {
                self.at += 1;
            }
            self.at = (self.at + 1).min(self.text.len());
            name.push_str(&String::from_utf8_lossy(&self.text[from..self.at]));
        }
        let equals = self.peek() == Some(b'=') && !self.looking_at("==") && !self.looking_at("=>");
        if name.is_empty() || !equals {
            self.at = start;
            return None;
        }
        self.at += 1;
        Some(name)
    }

    fn value(&mut self) -> Value {
        let mut value = self.alternatives();
        loop {
            self.blank();
            if !self.eat("=>") && !self.eat("->") {
                return value.lifted();
            }
            self.blank();
            // Strace may write the name of a member once more.
            let _ = self.name();
            let after = self.alternatives();
            value = Value::Change(Box::new(value), Box::new(after));
        }
    }

    /// `A`, `A or B`.
    fn alternatives(&mut self) -> Value {
        let mut found = vec![self.expression()];
        loop {
            let before = self.at;
            self.blank();
            if !self.eat("or ") {
                self.at = before;
                break;
            }
            self.blank();
            found.push(self.expression());
        }
        if found.len() == 1 { found.remove(0) } else { Value::Choice(found) }
    }

    fn expression(&mut self) -> Value {
        let mut terms = vec![self.flags()];
        let mut operators = Vec::new();
        loop {
            let before = self.at;
            self.blank();
            let Some(operator) = ["&&", "||", "=="].into_iter().find(|o| self.looking_at(o)) else {
                self.at = before;
                break;
            };
            self.at += operator.len();
            self.blank();
            operators.push(operator.to_owned());
            terms.push(self.flags());
        }
        if operators.is_empty() { terms.remove(0) } else { Value::Expression { terms, operators } }
    }

    fn flags(&mut self) -> Value {
        let mut parts = vec![self.term()];
        loop {
            let before = self.at;
            self.blank();
            if self.looking_at("||") || !self.eat("|") {
                self.at = before;
                break;
            }
            self.blank();
            parts.push(self.term());
        }
        if parts.len() == 1 { parts.remove(0) } else { Value::Flags(parts) }
    }

    fn term(&mut self) -> Value {
        let mut value = self.atom();
        loop {
            if self.eat("<<") {
                value = Value::Shift(Box::new(value), Box::new(self.atom()));
            } else if self.looking_at("*") {
                let before = self.at;
                self.at += 1;
                match (&value, self.atom()) {
                    (Value::Number { value: a, .. }, Value::Number { value: b, .. }) => {
                        value = a.checked_mul(b).map_or(Value::Unknown, Value::number);
                    }
                    _ => {
                        self.at = before;
                        return value;
                    }
                }
            } else {
                return value;
            }
        }
    }

    fn atom(&mut self) -> Value {
        match self.peek() {
            Some(b'"') => self.text(),
            // An abstract socket: its name begins with NUL.
            Some(b'@') if self.text.get(self.at + 1) == Some(&b'"') => {
                self.at += 1;
                match self.text() {
                    Value::Text { bytes, cut } => Value::Text { bytes: [&[0], &bytes[..]].concat(), cut },
                    other => other,
                }
            }
            Some(b'~') if self.text.get(self.at + 1) == Some(&b'[') => {
                self.at += 1;
                match self.row() {
                    Value::List { items, .. } | Value::Set { items, .. } => {
                        Value::Set { negated: true, items: sorted(items) }
                    }
                    other => other,
                }
            }
            Some(b'[') => self.row(),
            Some(b'{') => {
                self.at += 1;
                let (members, cut) = self.items(Some(b'}'));
                self.eat("}");
                Value::Struct { members, cut }
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'?') => {
                while self.eat("?") {}
                Value::Unknown
            }
            Some(b) if b.is_ascii_alphabetic() || b == b'_' || b == b'&' => self.name_or_call(),
            _ => Value::Raw(String::new()),
        }
    }

    fn name_or_call(&mut self) -> Value {
        let reference = self.eat("&");
        let word = self.word();
        if reference {
            return Value::Word(format!("&{word}"));
        }
        if !self.eat("(") {
            // The address 0.
            let null = Value::Number { value: 0, hex: true };
            return if word == "NULL" { null } else { Value::Word(word) };
        }
        let (arguments, _) = self.items(Some(b')'));
        self.eat(")");
        Value::Call(word, arguments)
    }

    fn number(&mut self) -> Value {
        let start = self.at;
        let negative = self.eat("-");
        let digits = self.word();
        let parsed = if let Some(hex) = digits.strip_prefix("0x") {
            i128::from_str_radix(hex, 16).map(|value| (value, true))
        } else if digits.len() > 1 && digits.starts_with('0') {
            i128::from_str_radix(&digits, 8).map(|value| (value, false))
        } else {
            digits.parse().map(|value| (value, false))
        };
        match parsed {
            Ok((value, hex)) => Value::Number { value: if negative { -value } else { value }, hex },
            Err(_) => Value::Raw(String::from_utf8_lossy(&self.text[start..self.at]).into_owned()),
        }
    }

    /// `[1, 2]`, `[USR1 CHLD]`.
    fn row(&mut self) -> Value {
        self.at += 1;
        let (mut items, mut cut, mut commas) = (Vec::new(), false, false);
        loop {
            self.blank();
            if self.peek().is_none() || self.eat("]") {
                break;
            }
            if self.eat("...") {
                cut = true;
            } else if self.eat(",") {
                commas = true;
            } else {
                let before = self.at;
                let value = match self.name() {
                    Some(name) => {
                        let value = self.value();
                        Value::Struct { members: vec![Item { name: Some(name), value }], cut: false }
                    }
                    None => self.value(),
                };
                if self.at == before {
                    // Something that is no value: taken byte by byte, so that the rest is still read.
                    self.at += 1;
                }
                items.push(value);
            }
        }
        if items.len() > 1 && !commas && !cut {
            return Value::Set { negated: false, items: sorted(items) };
        }
        Value::List { items, cut }.lifted()
    }

    /// A quoted string, and the dots behind it.
    fn text(&mut self) -> Value {
        self.at += 1;
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => bytes.push(self.escape()),
                _ => bytes.push(byte),
            }
        }
        Value::Text { bytes, cut: self.eat("...") }
    }

    fn escape(&mut self) -> u8 {
        let Some(byte) = self.peek() else { return b'\\' };
        self.at += 1;
        match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'v' => 0x0b,
            b'f' => 0x0c,
            b'x' => self.digits(16, 2),
            b'0'..=b'7' => {
                self.at -= 1;
                self.digits(8, 3)
            }
            other => other,
        }
    }

    fn digits(&mut self, base: u32, most: usize) -> u8 {
        let mut value = 0_u32;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(base)) else { break };
            value = value * base + digit;
            self.at += 1;
        }
        value as u8
    }
}

fn sorted(mut items: Vec<Value>) -> Vec<Value> {
    items.sort_by_key(|item| format!("{item:?}"));
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Value {
        Value::Word(text.to_owned())
    }

    #[test]
    fn numbers_have_three_forms_and_may_be_products() {
        assert_eq!(value("0x10"), Value::Number { value: 16, hex: true });
        for text in ["16", "020", "8*2"] {
            assert_eq!(value(text), Value::number(16), "{text}");
        }
        assert_eq!(value("-100"), Value::number(-100));
    }

    #[test]
    fn comments_say_nothing() {
        assert_eq!(value("0x8 /* CLOSE_RANGE_??? */"), Value::Number { value: 8, hex: true });
        let flags = Value::Flags(vec![word("A"), Value::Number { value: 4, hex: true }]);
        assert_eq!(value("A|0x4 /* B_??? */"), flags);
    }

    #[test]
    fn escapes_are_resolved_so_that_their_spelling_does_not_matter() {
        let text = Value::Text { bytes: vec![0xff, b'R', 7, b'"', b'\n'], cut: true };
        assert_eq!(value(r#""\377R\7\"\n"..."#), text);
        assert_eq!(value(r#""\xff\x52\x07\x22\x0a"..."#), text);
    }

    #[test]
    fn members_have_names_and_dots_tell_that_some_are_missing() {
        let Value::Struct { members, cut } = value("{c_cc[VMIN]=1, sin_port=htons(80), ...}") else {
            unreachable!("no structure")
        };
        assert!(cut);
        assert_eq!(members[0].name.as_deref(), Some("c_cc[VMIN]"));
        let port = Item { name: None, value: Value::number(80) };
        assert_eq!(members[1].value, Value::Call("htons".to_owned(), vec![port]));
    }

    #[test]
    fn rows_have_commas_and_sets_have_none() {
        assert_eq!(
            value("[1, 2]"),
            Value::List { items: vec![Value::number(1), Value::number(2)], cut: false }
        );
        let set = |negated| Value::Set { negated, items: vec![word("CHLD"), word("USR1")] };
        assert_eq!(value("[USR1 CHLD]"), set(false));
        assert_eq!(value("~[USR1 CHLD]"), set(true));
    }

    #[test]
    fn a_change_inside_a_row_of_one_is_a_change_of_the_row() {
        assert_eq!(value("[3 => 8]"), value("[3] => [8]"));
        assert_eq!(value("0x7ff0 => 0x7ff0"), value("0x7ff0"));
    }

    #[test]
    fn arguments_are_cut_at_their_own_commas_only() {
        let (arguments, cut) = items(r#"[{iov_base="a, b", iov_len=4}], 1, makedev(0x1, 0x3), flags=A|B"#);
        assert_eq!((arguments.len(), cut), (4, false));
        assert_eq!(arguments[3].name.as_deref(), Some("flags"));
    }

    #[test]
    fn what_follows_no_form_is_kept_as_it_is() {
        assert!(matches!(value("12:30"), Value::Raw(_)));
        assert_eq!(items("12:30, 5").0.len(), 2);
    }

    #[test]
    fn remarks_behind_a_result_have_words_as_names() {
        let found = remarks("in [5], left {tv_sec=0, tv_usec=9}");
        let names: Vec<_> = found.iter().map(|item| item.name.as_deref().unwrap_or_default()).collect();
        assert_eq!(names, ["in", "left"]);
        assert_eq!(remarks("[{fd=3, revents=POLLIN}]")[0].name, None);
    }
}
