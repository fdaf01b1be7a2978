//! What an argument of a line says, as a tree.

/// A value in strace's notation, with comments left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `16`, `020`, `-1`, `8192*1024`, and with `hex` `0x10` and `NULL`.
    Number {
        /// From the least of 64 bits with a sign to the greatest without.
        value: i128,
        /// Written in hexadecimal: the form of addresses and of what has no name.
        hex: bool,
    },
    /// `AF_UNIX`
    Word(String),
    /// `O_RDWR|O_CREAT|0x4`
    Flags(Vec<Value>),
    /// `21<<MAP_HUGE_SHIFT`
    Shift(Box<Value>, Box<Value>),
    /// `"text"`, `"text"...` with `cut`.
    Text {
        /// Escapes resolved.
        bytes: Vec<u8>,
        /// There is more of it.
        cut: bool,
    },
    /// `[1, 2, ...]`
    List {
        /// In order.
        items: Vec<Value>,
        /// It ends in `...`.
        cut: bool,
    },
    /// `[USR1 CHLD]`, `~[INT]`: without commas, and without order.
    Set {
        /// `~`: all but these.
        negated: bool,
        /// Sorted.
        items: Vec<Value>,
    },
    /// `{fd=3, events=POLLIN, ...}`
    Struct {
        /// In order.
        members: Vec<Item>,
        /// It ends in `...`.
        cut: bool,
    },
    /// `htons(80)`
    Call(String, Vec<Item>),
    /// `A op B op C` with operators other than `|` and `<<`: `WIFEXITED(s) && WEXITSTATUS(s) == 7`.
    Expression {
        /// `A`, `B`, `C`
        terms: Vec<Value>,
        /// One fewer.
        operators: Vec<String>,
    },
    /// `3 => 8`: at entry and at exit.
    Change(Box<Value>, Box<Value>),
    /// `A or B`: one number that is called so by several drivers.
    Choice(Vec<Value>),
    /// `?`: the tracer does not know.
    Unknown,
    /// Text that follows none of these forms.
    Raw(String),
}

/// A value that may have a name: a member, or an argument such as `flags=SIGCHLD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What stands before `=`.
    pub name: Option<String>,
    /// What stands behind it.
    pub value: Value,
}

impl Value {
    /// A decimal number.
    pub fn number(value: i128) -> Self {
        Self::Number { value, hex: false }
    }

    /// True for what only memory can have told: text, objects, rows.
    pub fn is_content(&self) -> bool {
        match self {
            Self::Text { .. } | Self::List { .. } | Self::Set { .. } | Self::Struct { .. } => true,
            Self::Change(before, after) => before.is_content() || after.is_content(),
            _ => false,
        }
    }

    /// `[3 => 8]` as `[3] => [8]`, which says the same.
    pub(crate) fn lifted(self) -> Self {
        match self {
            Self::List { mut items, cut } if items.len() == 1 && matches!(items[0], Self::Change(..)) => {
                let row = |value: Value| Box::new(Self::List { items: vec![value], cut });
                match items.remove(0) {
                    Self::Change(before, after) => Self::Change(row(*before), row(*after)),
                    other => other,
                }
            }
            Self::Change(before, after) if before == after => *before,
            other => other,
        }
    }
}
