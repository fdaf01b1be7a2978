//! Expressions.

use super::Ty;

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

impl Expr {
    /// Appends the names of arguments and constants that the expression uses.
    pub fn names<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Expr::Name(name) | Expr::Deref(name) => names.push(name),
            Expr::Number(_)
            | Expr::Ret
            | Expr::Err
            | Expr::Interrupted
            | Expr::Member(_)
            | Expr::SizeOf(_) => {}
            Expr::Old(inner) | Expr::Unary(_, inner) => inner.names(names),
            Expr::Min(a, b) | Expr::Max(a, b) | Expr::Binary(_, a, b) => {
                a.names(names);
                b.names(names);
            }
        }
    }
}

impl BinaryOp {
    /// Every operator.
    pub const ALL: [BinaryOp; 18] = [
        BinaryOp::Mul,
        BinaryOp::Div,
        BinaryOp::Rem,
        BinaryOp::Add,
        BinaryOp::Sub,
        BinaryOp::Shl,
        BinaryOp::Shr,
        BinaryOp::Less,
        BinaryOp::LessEq,
        BinaryOp::Greater,
        BinaryOp::GreaterEq,
        BinaryOp::Equal,
        BinaryOp::NotEqual,
        BinaryOp::BitAnd,
        BinaryOp::BitXor,
        BinaryOp::BitOr,
        BinaryOp::And,
        BinaryOp::Or,
    ];

    /// A level no operator has: an operand of a prefix operator.
    pub(crate) const TIGHTEST: u8 = 10;

    /// How it is written.
    pub fn sign(self) -> &'static str {
        match self {
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Rem => "%",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Shl => "<<",
            BinaryOp::Shr => ">>",
            BinaryOp::Less => "<",
            BinaryOp::LessEq => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEq => ">=",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::BitAnd => "&",
            BinaryOp::BitXor => "^",
            BinaryOp::BitOr => "|",
            BinaryOp::And => "&&",
            BinaryOp::Or => "||",
        }
    }

    /// Precedence: a greater number binds more tightly, as in C.
    pub(crate) fn level(self) -> u8 {
        match self {
            BinaryOp::Or => 0,
            BinaryOp::And => 1,
            BinaryOp::BitOr => 2,
            BinaryOp::BitXor => 3,
            BinaryOp::BitAnd => 4,
            BinaryOp::Equal | BinaryOp::NotEqual => 5,
            BinaryOp::Less | BinaryOp::LessEq | BinaryOp::Greater | BinaryOp::GreaterEq => 6,
            BinaryOp::Shl | BinaryOp::Shr => 7,
            BinaryOp::Add | BinaryOp::Sub => 8,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem => 9,
        }
    }
}
