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

impl Expr {
    /// The value, when `leaf` knows that of everything that is no arithmetic (names, `.m`, `ret`, `sizeof`). `None` when
    /// something is not known, or has no value in 128 bits.
    pub fn value(&self, leaf: &dyn Fn(&Expr) -> Option<i128>) -> Option<i128> {
        self.value_within(leaf, 64)
    }

    fn value_within(&self, leaf: &dyn Fn(&Expr) -> Option<i128>, depth: u32) -> Option<i128> {
        let depth = depth.checked_sub(1)?;
        let known = |e: &Expr| e.value_within(leaf, depth);
        match self {
            Expr::Number(n) => Some(*n),
            Expr::Min(a, b) => Some(known(a)?.min(known(b)?)),
            Expr::Max(a, b) => Some(known(a)?.max(known(b)?)),
            Expr::Unary(op, e) => op.apply(known(e)?),
            Expr::Binary(BinaryOp::And, a, b) => Some((known(a)? != 0 && known(b)? != 0).into()),
            Expr::Binary(BinaryOp::Or, a, b) => Some((known(a)? != 0 || known(b)? != 0).into()),
            Expr::Binary(op, a, b) => op.apply(known(a)?, known(b)?),
            Expr::Name(_)
            | Expr::Ret
            | Expr::Err
            | Expr::Interrupted
            | Expr::Deref(_)
            | Expr::Old(_)
            | Expr::Member(_)
            | Expr::SizeOf(_) => leaf(self),
        }
    }
}

impl Expr {
    /// True when the value depends on how the call ended (`ret`, `err`, `interrupted`).
    pub fn asks_outcome(&self) -> bool {
        match self {
            Expr::Ret | Expr::Err | Expr::Interrupted => true,
            Expr::Unary(_, e) | Expr::Old(e) => e.asks_outcome(),
            Expr::Binary(_, a, b) | Expr::Min(a, b) | Expr::Max(a, b) => a.asks_outcome() || b.asks_outcome(),
            Expr::Number(_) | Expr::Name(_) | Expr::Deref(_) | Expr::Member(_) | Expr::SizeOf(_) => false,
        }
    }
}

impl UnaryOp {
    /// The result; `None` when it needs more than 128 bits.
    pub fn apply(self, value: i128) -> Option<i128> {
        match self {
            UnaryOp::Not => Some((value == 0).into()),
            UnaryOp::Negate => value.checked_neg(),
            UnaryOp::Complement => Some(!value),
        }
    }
}

impl BinaryOp {
    /// The result; `None` when it has none (a division by zero) or needs more than 128 bits.
    pub fn apply(self, a: i128, b: i128) -> Option<i128> {
        let shift = || u32::try_from(b).ok().filter(|by| *by < 64);
        Some(match self {
            BinaryOp::Mul => a.checked_mul(b)?,
            BinaryOp::Div => a.checked_div(b)?,
            BinaryOp::Rem => a.checked_rem(b)?,
            BinaryOp::Add => a.checked_add(b)?,
            BinaryOp::Sub => a.checked_sub(b)?,
            BinaryOp::Shl => a.checked_shl(shift()?)?,
            BinaryOp::Shr => a.checked_shr(shift()?)?,
            BinaryOp::Less => (a < b).into(),
            BinaryOp::LessEq => (a <= b).into(),
            BinaryOp::Greater => (a > b).into(),
            BinaryOp::GreaterEq => (a >= b).into(),
            BinaryOp::Equal => (a == b).into(),
            BinaryOp::NotEqual => (a != b).into(),
            BinaryOp::BitAnd => a & b,
            BinaryOp::BitXor => a ^ b,
            BinaryOp::BitOr => a | b,
            BinaryOp::And => (a != 0 && b != 0).into(),
            BinaryOp::Or => (a != 0 || b != 0).into(),
        })
    }

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
