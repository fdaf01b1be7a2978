//! `selectors.txt`: which constants make a set. Where their values come from is in [`crate::sets`].
//!
//! A line is the head of a set of the type table and what belongs to it:
//!
//! ```text
//! flags open_flags from O_RDONLY/0o3 O_WRONLY/0o3 O_CREAT O_* - O_RSYNC - O_F*
//! enum bpf_cmd from @bpf_cmd - __MAX_BPF_CMD
//! flags pidfd_flags from PIDFD_THREAD=0x80 PIDFD_NONBLOCK
//! ```
//!
//! A line that begins with a blank continues the one before; `#` begins a comment. Terms, in the order of the items:
//!
//! * `NAME`: a constant.
//! * `NAME=VALUE`: one that no source has, or that the kernel sees otherwise than C programs do.
//! * `GLOB`: what it matches, in the order of values, without names that stand in other terms of the line. `*` is any text.
//! * `@ENUM`: the names of an enumeration of the kernel, in the same way.
//! * `- GLOB`: not these; it does not speak about names that are written out.
//!
//! `/MASK` behind any of them is the mask of the items.

use anyhow::{Context as _, Result, bail, ensure};
use schema::ast::{Line, Set};

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    /// The set, still without items.
    pub(crate) head: Set,
    /// What belongs to it, in order.
    pub(crate) terms: Vec<Term>,
    /// Globs of names that do not.
    pub(crate) without: Vec<String>,
}

/// Constants, and the mask of their items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Which ones.
    pub(crate) what: What,
    /// The mask, when it is not that of the set's kind.
    pub(crate) mask: Option<u64>,
}

/// Which constants a term means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// `NAME`
    Name(String),
    /// `NAME=VALUE`
    Value(String, u64),
    /// `GLOB`
    Glob(String),
    /// `@ENUM`
    Enum(String),
}

impl Selector {
    /// True when a name is written out, so that globs leave it alone.
    pub(crate) fn writes_out(&self, name: &str) -> bool {
        self.terms
            .iter()
            .any(|term| matches!(&term.what, What::Name(own) | What::Value(own, _) if own == name))
    }

    /// True when globs and enumerations leave a name alone.
    pub(crate) fn leaves_out(&self, name: &str) -> bool {
        self.writes_out(name) || self.without.iter().any(|glob| matches(glob, name))
    }
}

/// All lines of the file.
pub(crate) fn parse(text: &str) -> Result<Vec<Selector>> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        match lines.last_mut() {
            Some(last) if line.starts_with(' ') => last.push_str(line),
            _ => lines.push(line.to_owned()),
        }
    }
    let lines = lines.iter().filter(|line| !line.trim().is_empty());
    lines.map(|line| selector(line).with_context(|| line.clone())).collect()
}

fn selector(line: &str) -> Result<Selector> {
    let (head, terms) = line.split_once(" from ").context("no `from`")?;
    let mut selector =
        Selector { head: set(&format!("{head} = _ 0"))?, terms: Vec::new(), without: Vec::new() };
    selector.head.items.clear();
    let mut words = terms.split_whitespace();
    while let Some(word) = words.next() {
        if word == "-" {
            selector.without.push(words.next().context("nothing behind `-`")?.to_owned());
            continue;
        }
        let (word, mask) = match word.split_once('/') {
            Some((word, mask)) => (word, Some(number(mask)?)),
            None => (word, None),
        };
        let what = match (word.strip_prefix('@'), word.split_once('=')) {
            (Some(name), _) => What::Enum(name.to_owned()),
            (None, Some((name, value))) => What::Value(name.to_owned(), number(value)?),
            (None, None) if word.contains('*') => What::Glob(word.to_owned()),
            (None, None) => What::Name(word.to_owned()),
        };
        selector.terms.push(Term { what, mask });
    }
    ensure!(!selector.terms.is_empty(), "nothing behind `from`");
    Ok(selector)
}

/// A number as the type table writes it: its own parser reads it.
fn number(text: &str) -> Result<u64> {
    let set = set(&format!("enum number : s64 = _ {text}"))?;
    set.items.first().map(|item| item.value).with_context(|| format!("`{text}` is no number"))
}

fn set(line: &str) -> Result<Set> {
    match schema::parse(line, "selectors.txt")?.pop() {
        Some(Line::Set(line)) if !line.extend => Ok(line.set),
        _ => bail!("no set"),
    }
}

/// True when `name` is what `glob` describes: `*` stands for any text.
pub(crate) fn matches(glob: &str, name: &str) -> bool {
    match glob.split_once('*') {
        None => glob == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            let ends = (0..=tail.len()).filter_map(|at| tail.get(at..));
            ends.into_iter().any(|tail| matches(rest, tail))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_head_of_a_set_and_what_belongs_to_it() {
        let text = "# Of files.\nflags open_flags : u32 oct from O_RDONLY/0o3 O_CREAT O_* @open\n  O_NEW=0x80 - O_F*\n";
        let [selector] = &parse(text).unwrap()[..] else { panic!("one line") };
        assert_eq!((selector.head.name.as_str(), selector.head.flags), ("open_flags", true));
        assert_eq!(selector.head.render.as_deref(), Some("oct"));
        let terms = [
            Term { what: What::Name("O_RDONLY".into()), mask: Some(3) },
            Term { what: What::Name("O_CREAT".into()), mask: None },
            Term { what: What::Glob("O_*".into()), mask: None },
            Term { what: What::Enum("open".into()), mask: None },
            Term { what: What::Value("O_NEW".into(), 0x80), mask: None },
        ];
        assert_eq!(selector.terms, terms);
        assert_eq!(selector.without, ["O_F*"]);
        assert!(
            selector.leaves_out("O_CREAT")
                && selector.leaves_out("O_FSYNC")
                && !selector.leaves_out("O_EXCL")
        );
    }

    #[test]
    fn a_star_is_any_text() {
        assert!(matches("AT_*", "AT_FDCWD") && matches("AT_*", "AT_") && !matches("AT_*", "MAT_X"));
        assert!(matches("F_*_HINT", "F_GET_RW_HINT") && !matches("F_*_HINT", "F_HINT"));
        assert!(matches("EPERM", "EPERM") && !matches("EPERM", "EPERM2"));
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in ["flags x", "flags x from", "bits x from A", "flags x from A -", "enum x from A=b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
