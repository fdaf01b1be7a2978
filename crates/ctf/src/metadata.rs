//! Metadata text (TSDL, CTF 1.8) and the type tree: one becomes the other and back.
//!
//! Names of event context and payload have a leading underscore in the text, also inside nested
//! structures, because words of TSDL (`event`, `string`, `align`) can not be names; readers take
//! one underscore off. All other names are verbatim.

use thiserror::Error;

use crate::check::TypeError;

mod block;
mod declaration;
mod lex;
mod parse;
mod write;

pub use parse::parse;
pub use write::write;

/// What a plain metadata text begins with.
pub const SIGNATURE: &str = "/* CTF 1.8 */";

/// Why a metadata text can not be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct Error {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong there.
    pub kind: ErrorKind,
}

/// What is wrong with a metadata text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something else should stand here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should stand here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// A character that no token begins with.
    #[error("unexpected character {found:?}")]
    Character {
        /// The character.
        found: char,
    },
    /// A comment or string without an end.
    #[error("{what} without an end")]
    Unterminated {
        /// What has no end.
        what: &'static str,
    },
    /// A number that is out of range or not a number.
    #[error("`{found}` is not a number that fits here")]
    Number {
        /// The text of the number.
        found: String,
    },
    /// A type name that nothing before defines.
    #[error("unknown type `{name}`")]
    UnknownType {
        /// The name.
        name: String,
    },
    /// A clock that no `clock` block defines.
    #[error("unknown clock `{name}`")]
    UnknownClock {
        /// The name.
        name: String,
    },
    /// A block that must be there, or one of its entries.
    #[error("{what} is missing")]
    Missing {
        /// What is missing.
        what: &'static str,
    },
    /// A block or entry that may be there only once.
    #[error("{what} is there twice")]
    Twice {
        /// What is there twice.
        what: &'static str,
    },
    /// CTF 1.8 allows it, this reader does not know it.
    #[error("{what} are not supported")]
    Unsupported {
        /// What is not known.
        what: &'static str,
    },
    /// Types inside types inside types.
    #[error("types are nested too deeply")]
    TooDeep,
    /// Types made of types made of types: written out they would be far longer than the text.
    #[error("the types are too large")]
    TooLarge,
    /// The text can be read, but the types contradict each other.
    #[error(transparent)]
    Types(#[from] TypeError),
}
