//! `events/*/*/format` of tracefs: fields of an event, and the names for numbers in its `print fmt`. Read here; written by
//! [`write()`] for our own events.

mod names;
mod write;

pub use write::write;

use crate::ast::{Item, Set};
use crate::error::{Error, Problem};

/// Longest nesting of parentheses in a constant.
const DEEPEST: u32 = 32;

/// An event as tracefs describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// Its name.
    pub name: String,
    /// Its number in the running kernel.
    pub id: u32,
    /// All fields, the common ones too.
    pub fields: Vec<FormatField>,
    /// The text after `print fmt:`.
    pub print: String,
    /// What `__print_flags` and `__print_symbolic` of the text say, in its order.
    pub sets: Vec<FormatSet>,
}

/// `field:DECLARATION; offset:N; size:N; signed:N;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatField {
    /// The C declaration, verbatim.
    pub declaration: String,
    /// Bytes from the start of the record.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// Two's complement when true.
    pub signed: bool,
}

/// Names for the values of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatSet {
    /// The expression, verbatim: `REC->flags`.
    pub value: String,
    /// The field, when the expression is about one: `flags`. The set has its name.
    pub field: Option<String>,
    /// The names; `flags` for `__print_flags`.
    pub set: Set,
    /// Names whose value is no constant here: the kernel's text leaves the name of a constant in it.
    pub unknown: Vec<String>,
}

/// Reads such a file. `file` names it in errors.
///
/// ```
/// let text = "name: f\nID: 7\nformat:\n\tfield:int flags;\toffset:8;\tsize:4;\tsigned:1;\n\n\
///     print fmt: \"%s\", __print_flags(REC->flags, \"|\", { 0x1UL, \"A\" }, { (1 << 4) | 2, \"B\" })\n";
/// let format = schema::format::parse(text, "f").unwrap();
/// assert_eq!(format.sets[0].set.to_string(), "flags flags = A 0x1, B 0x12");
/// ```
pub fn parse(text: &str, file: &str) -> Result<Format, Error> {
    let mut format =
        Format { name: String::new(), id: 0, fields: Vec::new(), print: String::new(), sets: Vec::new() };
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, trimmed) = (at, line.trim());
        at += line.len();
        let wrong = |expected: &'static str| {
            let found = format!("'{}'", trimmed.chars().take(60).collect::<String>());
            Error::at(file, text, start, Problem::Syntax { expected, found })
        };
        if let Some(name) = trimmed.strip_prefix("name:") {
            name.trim().clone_into(&mut format.name);
        } else if let Some(id) = trimmed.strip_prefix("ID:") {
            format.id = id.trim().parse().map_err(|_| wrong("ID: NUMBER"))?;
        } else if let Some(rest) = trimmed.strip_prefix("field:") {
            format
                .fields
                .push(field(rest).ok_or_else(|| wrong("field:TYPE NAME; offset:N; size:N; signed:N;"))?);
        } else if let Some(print) = trimmed.strip_prefix("print fmt:") {
            print.trim().clone_into(&mut format.print);
            format.sets =
                sets(print).ok_or_else(|| wrong("__print_flags(VALUE, \"|\", { NUMBER, \"NAME\" }, ...)"))?;
        } else if !trimmed.is_empty() && trimmed != "format:" && format.print.is_empty() {
            return Err(wrong("name:, ID:, format:, field: or print fmt:"));
        }
    }
    if format.name.is_empty() {
        let problem = Problem::Syntax { expected: "name: EVENT", found: "end of text".to_owned() };
        return Err(Error::at(file, text, text.len(), problem));
    }
    Ok(format)
}

fn field(text: &str) -> Option<FormatField> {
    let mut parts = text.split(';').map(str::trim);
    let declaration = parts.next().filter(|declaration| !declaration.is_empty())?.to_owned();
    let mut number = |key: &str| parts.next()?.strip_prefix(key)?.trim().parse::<i64>().ok();
    let offset = u32::try_from(number("offset:")?).ok()?;
    let size = u32::try_from(number("size:")?).ok()?;
    Some(FormatField { declaration, offset, size, signed: number("signed:")? != 0 })
}

/// The sets of a `print fmt`; `None` when one of them is not as it should be.
fn sets(print: &str) -> Option<Vec<FormatSet>> {
    let mut found = Vec::new();
    let mut rest = print;
    while let Some(at) = rest.find("__print_") {
        rest = rest.get(at..)?;
        let (word, behind) = rest.split_once('(')?;
        let flags = word.starts_with("__print_flags");
        if flags || word.starts_with("__print_symbolic") {
            let (inside, _) = parenthesis(behind)?;
            let mut arguments = split(inside).into_iter();
            let value = arguments.next()?.to_owned();
            if flags {
                arguments.next()?;
            }
            found.push(one_set(value, flags, arguments)?);
        }
        rest = behind;
    }
    Some(found)
}

fn one_set<'t>(value: String, flags: bool, items: impl Iterator<Item = &'t str>) -> Option<FormatSet> {
    let field = value.split("REC->").nth(1).map(|rest| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or("").to_owned()
    });
    let name = field.clone().unwrap_or_else(|| "value".to_owned());
    let mut set = Set { name, flags, stored: None, render: None, items: Vec::new() };
    let mut unknown = Vec::new();
    for item in items {
        let inside = item.strip_prefix('{')?.strip_suffix('}')?;
        if inside.trim().is_empty() {
            continue;
        }
        let [number, text] = split(inside).try_into().ok()?;
        // A null pointer ends some lists.
        let Some(name) = literal(text) else { continue };
        match constant(number) {
            Some(value) => set.items.push(Item { name, value, mask: None }),
            None => unknown.push(name),
        }
    }
    Some(FormatSet { value, field, set, unknown })
}

/// The value of C string literals that stand side by side; `None` for anything else.
fn literal(text: &str) -> Option<String> {
    let mut name = String::new();
    for (i, part) in text.split('"').enumerate() {
        match i % 2 {
            1 => name.push_str(part),
            _ if part.trim().is_empty() => {}
            _ => return None,
        }
    }
    text.contains('"').then_some(name)
}

/// The text up to the parenthesis that closes, and what is behind it.
fn parenthesis(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1_u32;
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        match c {
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
    }
    None
}

/// Parts between commas that are in no brackets and no quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped) = (0_i32, false, false);
    let parts = text.split(|c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        if !quoted {
            depth += i32::from(matches!(c, '(' | '{' | '[')) - i32::from(matches!(c, ')' | '}' | ']'));
        }
        c == ',' && !quoted && depth == 0
    });
    parts.map(str::trim).collect()
}

/// The value of a constant of C: numbers with suffixes, casts, `| << + - ~`. Negative ones in two's complement.
fn constant(text: &str) -> Option<u64> {
    either(text, DEEPEST)
}

/// Splits at `sign` outside of parentheses and folds from the left.
fn fold(
    text: &str,
    sign: &str,
    depth: u32,
    next: fn(&str, u32) -> Option<u64>,
    apply: fn(u64, u64) -> Option<u64>,
) -> Option<u64> {
    let (mut open, mut start, mut value) = (0_i32, 0, None);
    let mut at = 0;
    while at <= text.len() {
        let rest = text.get(at..)?;
        if rest.is_empty() || (open == 0 && rest.starts_with(sign)) {
            let part = next(text.get(start..at)?.trim(), depth)?;
            value = Some(match value {
                None => part,
                Some(value) => apply(value, part)?,
            });
            start = at + sign.len();
            at = start;
            if rest.is_empty() {
                break;
            }
            continue;
        }
        let c = rest.chars().next()?;
        open += i32::from(c == '(') - i32::from(c == ')');
        at += c.len_utf8();
    }
    value
}

fn either(text: &str, depth: u32) -> Option<u64> {
    fold(text, "|", depth, both, |a, b| Some(a | b))
}

fn both(text: &str, depth: u32) -> Option<u64> {
    fold(text, "&", depth, shifted, |a, b| Some(a & b))
}

fn shifted(text: &str, depth: u32) -> Option<u64> {
    fold(text, "<<", depth, added, |a, b| a.checked_shl(u32::try_from(b).ok()?))
}

fn added(text: &str, depth: u32) -> Option<u64> {
    fold(text, "+", depth, single, |a, b| Some(a.wrapping_add(b)))
}

fn single(text: &str, depth: u32) -> Option<u64> {
    let depth = depth.checked_sub(1)?;
    if let Some(rest) = text.strip_prefix('-') {
        return Some(single(rest.trim(), depth)?.wrapping_neg());
    }
    if let Some(rest) = text.strip_prefix('~') {
        return Some(!single(rest.trim(), depth)?);
    }
    if let Some(rest) = text.strip_prefix('(') {
        let (inside, behind) = parenthesis(rest)?;
        // With something behind it, it is a cast.
        return if behind.trim().is_empty() {
            either(inside.trim(), depth)
        } else {
            single(behind.trim(), depth)
        };
    }
    let digits = text.trim_end_matches(['u', 'U', 'l', 'L']);
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None if digits.len() > 1 && digits.starts_with('0') => u64::from_str_radix(digits, 8).ok(),
        None => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_of_c() {
        for (text, value) in [
            ("0x10UL", 16),
            ("(1 << 3) | (((unsigned)2))", 10),
            ("010", 8),
            ("-1", u64::MAX),
            ("~0", u64::MAX),
            ("1+2", 3),
            ("(unsigned long)((7) & ~(2))", 5),
        ] {
            assert_eq!(constant(text), Some(value), "{text}");
        }
        for text in ["", "NAME", "1 << 99", "(", "1 |", &"(".repeat(1000)] {
            assert_eq!(constant(text), None, "{text}");
        }
    }

    #[test]
    fn symbols_have_one_value_each() {
        let text = "name: x\nID: 1\nformat:\nprint fmt: \"%s (%s)\", __print_symbolic(REC->a & 0xf, { 0, \"a, b\" }, \
            { K, \"later\" }), __get_str(n)";
        let format = parse(text, "x").unwrap();
        let set = &format.sets[0];
        assert_eq!((set.value.as_str(), set.field.as_deref()), ("REC->a & 0xf", Some("a")));
        assert_eq!((set.set.items[0].name.as_str(), set.set.flags), ("a, b", false));
        assert_eq!(set.unknown, ["later"]);
    }

    #[test]
    fn errors_have_a_line() {
        for (text, line) in [
            ("name: x\nID: y", 2),
            ("name: x\nfield:int a; offset:1;", 2),
            ("", 1),
            ("name: x\nprint fmt: __print_flags(a", 2),
        ] {
            assert_eq!(parse(text, "x").unwrap_err().line, line, "{text}");
        }
    }
}
