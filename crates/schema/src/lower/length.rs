//! Expressions of the table to what a probe can compute of registers, results and memory.

use super::Lowering;
use crate::ast::{BinaryOp, Expr, Extent};
use crate::layout::{Length, Step, Steps};
use crate::structure::{MemberType, Structure};

/// What the names of an extent name.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// Arguments of the call.
    Call,
    /// Members of an object, which lies so many bytes behind where an argument register leads to.
    Object { structure: &'a Structure, register: u8, offset: u16 },
}

impl Lowering<'_> {
    /// The number of bytes of a buffer.
    pub(super) fn length(&self, extent: &Extent, scope: Scope<'_>, exit: bool) -> Option<Length> {
        let (Extent::Count(before, after) | Extent::Bytes(before, after)) = extent else { return None };
        let said = if exit { after.as_ref().unwrap_or(before) } else { before };
        if let Expr::Number(number) = said {
            return Some(Length::Fixed(u16::try_from(*number).ok()?));
        }
        match self.mentioned(said, scope, exit)? {
            Mentioned::Memory(register, offset, width, plus) => {
                Some(Length::Memory { register, offset, width, size: 1, plus })
            }
            Mentioned::Result => Some(Length::Result),
            Mentioned::Behind(register) => Some(Length::Behind(register)),
            Mentioned::Register(steps) if steps.steps.is_empty() => {
                Some(Length::Register(steps.register, steps.width))
            }
            Mentioned::Register(steps) => Some(Length::Computed(steps)),
        }
    }

    /// The number of bytes of a row of objects of `size` bytes.
    pub(super) fn objects(&self, count: &Expr, size: u16, scope: Scope<'_>, exit: bool) -> Option<Length> {
        if let Expr::Number(number) = count {
            return Some(Length::Fixed(u16::try_from(*number).ok()?.checked_mul(size)?));
        }
        // `ifc_len / sizeof(ifreq_entry)`: a member that counts bytes.
        if let Expr::Binary(BinaryOp::Div, bytes, each) = count
            && self.constant(each) == Some(size.into())
            && let Some(Mentioned::Memory(register, offset, width, 0)) = self.mentioned(bytes, scope, exit)
        {
            return Some(Length::Memory { register, offset, width, size: 1, plus: 0 });
        }
        let count = match self.mentioned(count, scope, exit)? {
            Mentioned::Result => None,
            Mentioned::Register(steps) if steps.steps.is_empty() => Some((steps.register, steps.width)),
            Mentioned::Memory(register, offset, width, 0) => {
                return Some(Length::Memory { register, offset, width, size, plus: 0 });
            }
            // A count that takes arithmetic: `(maxnode + 63) / 64`.
            Mentioned::Register(mut steps) => {
                steps.steps.push((Step::Mul, i32::from(size)));
                return Some(Length::Computed(steps));
            }
            _ => return None,
        };
        Some(Length::Objects { count, size })
    }

    /// What bounds a length: the result, the result and an argument, an argument, or an integer behind one.
    fn mentioned(&self, expr: &Expr, scope: Scope<'_>, exit: bool) -> Option<Mentioned> {
        match expr {
            Expr::Ret => exit.then_some(Mentioned::Result),
            Expr::Deref(name) => exit.then_some(Mentioned::Behind(self.register(name)?.0)),
            // A header that says how much follows: `8 + *handle`.
            Expr::Binary(BinaryOp::Add, left, right)
                if let (Expr::Number(plus), Expr::Deref(name)) = (&**left, &**right) =>
            {
                Some(Mentioned::Memory(self.register(name)?.0, 0, 4, u16::try_from(*plus).ok()?))
            }
            // The value at entry is gone by the time of the exit.
            Expr::Old(_) => None,
            Expr::Min(a, b) => match (self.mentioned(a, scope, exit), self.mentioned(b, scope, exit)) {
                (Some(Mentioned::Result), _) | (_, Some(Mentioned::Result)) => Some(Mentioned::Result),
                (Some(other), None) | (None, Some(other)) => Some(other),
                _ => None,
            },
            Expr::Name(name) | Expr::Member(name) if matches!(scope, Scope::Object { .. }) => {
                member(scope, name)
            }
            _ => self.steps(expr).map(Mentioned::Register),
        }
    }

    /// Register and width of an argument.
    pub(super) fn register(&self, name: &str) -> Option<(u8, u8)> {
        self.args().find(|(_, arg)| arg.name == name).map(|(register, arg)| (register, arg.stored.bytes))
    }

    /// An argument, or one with constants on its right: `(n + 63) / 64 * 8`, `op & FUTEX_CMD_MASK`.
    pub(super) fn steps(&self, expr: &Expr) -> Option<Steps> {
        match expr {
            Expr::Name(name) => {
                let (register, width) = self.register(name)?;
                Some(Steps { register, width, steps: Vec::new() })
            }
            Expr::Binary(op, left, right) => {
                let mut steps = self.steps(left)?;
                // A mask of all 32 bits is written without a sign.
                let constant = self.constant(right)?;
                let right = i32::try_from(constant)
                    .ok()
                    .or_else(|| u32::try_from(constant).ok().map(|n| n as i32))?;
                steps.steps.push(step(*op, right)?);
                Some(steps)
            }
            _ => None,
        }
    }

    /// The value of an expression without arguments.
    pub(super) fn constant(&self, expr: &Expr) -> Option<i128> {
        match expr {
            Expr::Number(number) => Some(*number),
            Expr::SizeOf(ty) => self.size_of(ty).map(i128::from),
            // Negative constants are kept as two's complement of 64 bits.
            Expr::Name(name) if self.register(name).is_none() => {
                self.catalog.constant(name).map(|value| i128::from(value as i64))
            }
            _ => None,
        }
    }
}

/// A member that is a number: register, bytes behind it, width.
fn member(scope: Scope<'_>, name: &str) -> Option<Mentioned> {
    let Scope::Object { structure, register, offset } = scope else { return None };
    let member = structure.member(name)?;
    let MemberType::Number(stored) = member.ty else { return None };
    let at = offset.checked_add(u16::try_from(member.offset).ok()?)?;
    Some(Mentioned::Memory(register, at, stored.bytes, 0))
}

enum Mentioned {
    Result,
    /// A number of so many bytes, so many bytes behind where a register leads to, and so much more: register, offset, width, more.
    Memory(u8, u16, u8, u16),
    /// The integer behind this argument register.
    Behind(u8),
    Register(Steps),
}

/// A step of a probe; a division only by a power of two, which is what tables have.
fn step(op: BinaryOp, right: i32) -> Option<(Step, i32)> {
    Some(match op {
        BinaryOp::Add => (Step::Add, right),
        BinaryOp::Sub => (Step::Sub, right),
        BinaryOp::Mul => (Step::Mul, right),
        BinaryOp::BitAnd => (Step::And, right),
        BinaryOp::Shl if (0..32).contains(&right) => (Step::Shl, right),
        BinaryOp::Shr if (0..32).contains(&right) => (Step::Shr, right),
        BinaryOp::Div if right > 0 && right.count_ones() == 1 => (Step::Shr, right.trailing_zeros() as i32),
        _ => return None,
    })
}
