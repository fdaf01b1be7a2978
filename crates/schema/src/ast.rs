//! The lines of the `.tt` language as values: what the parser makes and the printer prints.

/// Which way the bytes behind a pointer travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The kernel reads them: copied at entry.
    In,
    /// The kernel writes them: copied at exit.
    Out,
    /// Both.
    InOut,
    /// Handed down by the user of the structure.
    Pass,
}

/// A type as written: `fd`, `fd<kvm-vm>`, `bpf_attr{prog_type}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ty {
    /// The type's name.
    pub name: String,
    /// Text between `<` and `>`.
    pub kind: Option<String>,
    /// Member between `{` and `}`.
    pub member: Option<String>,
}

/// Arithmetic over what is known of one call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A number.
    Number(i128),
    /// An argument of the call or a constant of a set.
    Name(String),
    /// The call's result.
    Ret,
    /// The errno of a failed call, else 0.
    Err,
    /// True when the call was interrupted (512..=516 or EINTR).
    Interrupted,
    /// `*arg`: the integer behind a pointer argument.
    Deref(String),
    /// `old e`: the value at entry.
    Old(Box<Expr>),
    /// `.m`: a member of the object at hand.
    Member(String),
    /// `sizeof(T)`.
    SizeOf(Ty),
    /// `min(a, b)`.
    Min(Box<Expr>, Box<Expr>),
    /// `max(a, b)`.
    Max(Box<Expr>, Box<Expr>),
    /// `!e`, `-e`, `~e`.
    Unary(UnaryOp, Box<Expr>),
    /// `a op b`, C operators with C precedence.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum UnaryOp {
    Not,
    Negate,
    Complement,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum BinaryOp {
    Mul,
    Div,
    Rem,
    Add,
    Sub,
    Shl,
    Shr,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    Equal,
    NotEqual,
    BitAnd,
    BitXor,
    BitOr,
    And,
    Or,
}

/// How much lies behind a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// `[null]`: up to a null element.
    Null,
    /// `[n]` or `[n; m]`: elements at entry, and at exit when that differs.
    Count(Expr, Option<Expr>),
    /// `[:n]` or `[:n; m]`: bytes at entry, and at exit when that differs.
    Bytes(Expr, Option<Expr>),
}

/// `of out[n]`: what an iovec-like element points to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Load {
    /// `None` for `of none`.
    pub direction: Option<Direction>,
    /// Total bytes.
    pub total: Option<Expr>,
}

/// A parameter of a call, a variant or a structure member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Param {
    /// Written direction; `None` means a value in a register (or a built-in pointer type such as `path`).
    pub direction: Option<Direction>,
    /// Type of the value, or of what is pointed to.
    pub ty: Ty,
    /// The argument's name, as the kernel spells it.
    pub name: String,
    /// How much lies behind the pointer.
    pub extent: Option<Extent>,
    /// What its elements point to.
    pub load: Option<Load>,
    /// `as RENDER`.
    pub render: Option<String>,
    /// `if EXPR`: the parameter means something only then.
    pub condition: Option<Expr>,
    /// `else PARAM`.
    pub otherwise: Option<Box<Param>>,
}

/// `= T [if EXPR]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Returns {
    /// Type of the result.
    pub ty: Ty,
    /// When it has that type.
    pub condition: Option<Expr>,
}

/// A base line: `openat(atfd dfd, path filename, open_flags flags, mode mode) = fd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Public name of the call.
    pub name: String,
    /// Arguments in register order.
    pub params: Vec<Param>,
    /// Selectors of variants.
    pub switch: Vec<Expr>,
    /// Result; `None` means `int`-like, 0 or an error.
    pub returns: Option<Returns>,
}

/// `proto NAME(C-TYPE NAME, ...)`: the kernel's own declaration, C types verbatim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proto {
    /// Public name of the call.
    pub name: String,
    /// (C type, argument name) in register order.
    pub params: Vec<(String, String)>,
}

/// Stored width and sign: `u8` ... `u64`, `s8` ... `s64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Width in bytes: 1, 2, 4 or 8.
    pub bytes: u8,
    /// Two's complement when true.
    pub signed: bool,
}

/// One item of a set: matches when `(value & mask) == item.value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The constant's name.
    pub name: String,
    /// Its value.
    pub value: u64,
    /// Written mask (`/ mask`); `None` means the value itself (flags) or all ones (enum).
    pub mask: Option<u64>,
}

/// A set of names for numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The set's name; it is also a type name.
    pub name: String,
    /// True for `flags`, false for `enum`.
    pub flags: bool,
    /// Stored width; 4 bytes unsigned when not written.
    pub stored: Option<Stored>,
    /// How a remainder without name is shown: `hex` when not written.
    pub render: Option<String>,
    /// Items in the order of the text; the widest mask is matched first.
    pub items: Vec<Item>,
}
