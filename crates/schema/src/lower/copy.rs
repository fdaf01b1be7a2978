//! What is copied of the memory behind one parameter.

use super::Lowering;
use super::length::Scope;
use crate::ast::{Expr, Extent, Param};
use crate::class::Class;
use crate::layout::{Copy, When};

/// Largest object that is copied whole; larger ones keep their address only.
pub(super) const OBJECT: u32 = 512;
/// Longest socket address that is kept (`sizeof(struct sockaddr_storage)`).
const SOCKADDR: u16 = 128;
/// Objects of a row that are kept, as many as strace shows.
pub(super) const ROW: u16 = 32;
/// Bytes of a row that are kept.
const ROW_BYTES: u16 = 1024;
/// Variables of an environment that are counted; the number is stored in one byte.
const ENVIRONMENT: u16 = 128;
/// Bytes of the strings of one record: a call with many of them keeps less of each.
const STRINGS: u16 = 4 * 4096;

impl Lowering<'_> {
    /// What is copied, at entry or at exit; `None` keeps the address only.
    pub(super) fn copy(&self, param: &Param, class: Class, scope: Scope<'_>, exit: bool) -> Option<Copy> {
        match class {
            Class::Str | Class::Path if !exit => Some(Copy::String { cap: self.longest_string() }),
            // The environment holds secrets; how large it is does not.
            Class::Strings if !exit && param.name == "envp" => Some(Copy::Count { most: ENVIRONMENT }),
            Class::Strings if !exit => Some(Copy::Strings {
                most: self.plan.vector,
                cap: self.plan.element,
                all: self.plan.elements,
            }),
            Class::Bytes if self.plan.data > 0 => {
                let length = self.length(param.extent.as_ref()?, scope, exit)?;
                Some(Copy::Bytes { length, cap: self.plan.data })
            }
            Class::Sockaddr => {
                let length = self.length(param.extent.as_ref()?, scope, exit)?;
                Some(Copy::Bytes { length, cap: SOCKADDR })
            }
            Class::Array if !matches!(param.extent, Some(Extent::Count(Expr::Number(_), _))) => {
                self.row(param, scope, exit)
            }
            Class::Vector if param.extent.is_some() => self.row(param, scope, exit),
            Class::Struct if let Some(extent @ Extent::Bytes(said, _)) = &param.extent => {
                let structure = self.structure(&param.ty.name);
                let scope = match (said, &structure, scope) {
                    // `[:.size]`: the object itself says how long it is.
                    (Expr::Member(_), Some(structure), Scope::Call) => {
                        Scope::Object { structure, register: self.register(&param.name)?.0, offset: 0 }
                    }
                    _ => scope,
                };
                let length = self.length(extent, scope, exit)?;
                Some(Copy::Bytes { length, cap: OBJECT as u16 })
            }
            Class::Struct | Class::Array | Class::Vector => {
                let size = self.object(param).filter(|size| (1..=OBJECT).contains(size))?;
                Some(Copy::Object { offset: 0, size: u16::try_from(size).ok()? })
            }
            _ => None,
        }
    }

    /// When the kernel has written what a parameter leads to.
    pub(super) fn when(&self, param: &Param) -> When {
        if param.condition.as_ref().is_some_and(after_failure) { When::Failure } else { When::Success }
    }

    /// All strings of a call together have their limit.
    fn longest_string(&self) -> u16 {
        let texts = self.args().filter(|(_, arg)| matches!(arg.class, Class::Str | Class::Path)).count();
        self.plan.string.min(STRINGS / texts.max(1) as u16 - 1)
    }

    /// A row of objects of known size, as many as one register or the result says.
    fn row(&self, param: &Param, scope: Scope<'_>, exit: bool) -> Option<Copy> {
        let Some(Extent::Count(before, after)) = &param.extent else { return None };
        let said = if exit { after.as_ref().unwrap_or(before) } else { before };
        let size = u16::try_from(self.size_of(&param.ty)?).ok()?;
        let most = ROW_BYTES.checked_div(size)?.min(ROW);
        let length = self.objects(said, size, scope, exit)?;
        (most > 0).then_some(Copy::Bytes { length, cap: most * size })
    }

    /// Bytes of an object of known size.
    pub(super) fn object(&self, param: &Param) -> Option<u32> {
        let one = self.size_of(&param.ty)?;
        let count = match &param.extent {
            None => 1,
            Some(Extent::Count(Expr::Number(n), _)) => u32::try_from(*n).ok()?,
            Some(_) => return None,
        };
        one.checked_mul(count)
    }
}

/// True for objects that the kernel fills in only when the call fails.
fn after_failure(condition: &Expr) -> bool {
    match condition {
        Expr::Interrupted | Expr::Err => true,
        Expr::Unary(_, e) | Expr::Old(e) => after_failure(e),
        Expr::Binary(_, a, b) | Expr::Min(a, b) | Expr::Max(a, b) => after_failure(a) || after_failure(b),
        _ => false,
    }
}
