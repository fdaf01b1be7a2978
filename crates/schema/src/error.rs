//! What can be wrong with a text, and where.

use crate::catalog::Undefined;

/// An error in a `.tt` text or a tracefs format, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {problem}")]
pub struct Error {
    /// Name of the text, as given by the caller.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong there.
    pub problem: Box<Problem>,
    /// The line's text.
    pub text: String,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Syntax {
        /// What the grammar allows.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// An expression, a chain of `else` or a list that is larger than any real one.
    #[error("nested or repeated more than {limit} times")]
    TooDeep {
        /// The bound.
        limit: u32,
    },
    /// A number that does not fit.
    #[error("the number {number} is not in {low}..={high}")]
    Range {
        /// As written.
        number: String,
        /// Least allowed.
        low: i128,
        /// Greatest allowed.
        high: i128,
    },
    /// The text is not UTF-8.
    #[error("the byte 0x{byte:02x} is not UTF-8")]
    NotUtf8 {
        /// The first wrong byte.
        byte: u8,
    },
    /// A part of the language that this version does not read.
    #[error("{what} is not supported here")]
    Unsupported {
        /// Which part.
        what: &'static str,
    },
    /// A line that contradicts one before it.
    #[error("{name} is defined as {before}, this line says {now}")]
    Conflict {
        /// The name.
        name: String,
        /// What it was.
        before: &'static str,
        /// What it would be.
        now: &'static str,
    },
    /// A name that nothing defines.
    #[error("{0}")]
    Undefined(Undefined),
    /// A line that adds to something which does not exist.
    #[error("there is no set {name} to add to")]
    NoSuchSet {
        /// The name.
        name: String,
    },
}

impl Error {
    /// An error at byte `at` of `text`.
    pub(crate) fn at(file: &str, text: &str, at: usize, problem: Problem) -> Error {
        let before = text.get(..at).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = text.get(start..).unwrap_or("");
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Error {
            file: file.to_owned(),
            line: narrow(before.matches('\n').count() + 1),
            column: narrow(before.get(start..).unwrap_or("").chars().count() + 1),
            problem: Box::new(problem),
            text: rest.lines().next().unwrap_or("").to_owned(),
        }
    }

    /// The message, the line and a caret under the place.
    ///
    /// ```
    /// let error = schema::parse("close(fd fd", "my.tt").unwrap_err();
    /// assert_eq!(error.render(), "\
    /// my.tt:1:12: expected ',' or ')', found end of text
    ///   close(fd fd
    ///              ^
    /// ");
    /// ```
    pub fn render(&self) -> String {
        let shown: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let indent = usize::try_from(self.column).unwrap_or(1).min(shown.chars().count() + 1);
        format!("{self}\n  {shown}\n  {:>indent$}\n", '^')
    }
}
