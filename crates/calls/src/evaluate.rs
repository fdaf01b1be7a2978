//! Expressions of the `.tt` language, over what is known of one call.

use schema::Catalog;
use schema::ast::Expr;

use crate::call::{Call, Content, Pointee};

/// The value of an expression; `None` when it depends on something that is not known.
pub fn evaluate(expr: &Expr, call: &Call, catalog: &Catalog) -> Option<i128> {
    Scope { call, catalog, old: false }.value(expr)
}

struct Scope<'a> {
    call: &'a Call,
    catalog: &'a Catalog,
    /// Inside `old`: memory as it was at entry.
    old: bool,
}

impl Scope<'_> {
    fn value(&self, expr: &Expr) -> Option<i128> {
        expr.value(&|leaf| match leaf {
            Expr::Name(name) => self.name(name),
            Expr::Ret => self.call.ret().map(i128::from),
            Expr::Err => self.call.ret().map(|ret| errno(ret).into()),
            Expr::Interrupted => self.call.ret().map(|ret| matches!(errno(ret), 4 | 512..=516).into()),
            Expr::Deref(name) => self.deref(name),
            Expr::Old(inner) => Scope { old: true, ..*self }.value(inner),
            Expr::SizeOf(ty) => self.catalog.size_of(self.call.abi, ty).map(i128::from),
            _ => None,
        })
    }

    fn name(&self, name: &str) -> Option<i128> {
        match self.call.arg(name) {
            Some(arg) if arg.stored.signed => arg.raw.map(|raw| i128::from(raw as i64)),
            Some(arg) => arg.raw.map(i128::from),
            // Constants are kept as 64 bits, negative ones as two's complement.
            None => self.catalog.constant(name).map(|constant| i128::from(constant as i64)),
        }
    }

    fn deref(&self, name: &str) -> Option<i128> {
        let arg = self.call.arg(name)?;
        let pointee = if self.old { arg.before.as_ref() } else { arg.after.as_ref().or(arg.before.as_ref()) };
        integer(pointee?)
    }
}

/// The integer that a pointee is or begins with.
fn integer(pointee: &Pointee) -> Option<i128> {
    let Content::Bytes(bytes) = &pointee.content else { return None };
    if pointee.is_readable() { leading_integer(bytes) } else { None }
}

/// The little-endian integer of eight bytes that memory begins with; of four, when it has less than eight.
pub fn leading_integer(bytes: &[u8]) -> Option<i128> {
    match (bytes.first_chunk(), bytes.first_chunk()) {
        (Some(eight), _) => Some(i64::from_le_bytes(*eight).into()),
        (None, Some(four)) => Some(i32::from_le_bytes(*four).into()),
        (None, None) => None,
    }
}

fn errno(ret: i64) -> i64 {
    if (-4095..0).contains(&ret) { -ret } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use schema::Abi;
    use schema::ast::{Line, Stored};
    use schema::layout::State;

    use super::*;
    use crate::call::{ArgValue, Outcome, Read};

    /// The condition of the parameter `x` of a call line.
    fn condition(text: &str) -> Expr {
        let lines = schema::parse(&format!("f(int a, int flags, int len, int x if {text})"), "test").unwrap();
        let Some(Line::Call(call)) = lines.into_iter().next() else { panic!("not a call: {text}") };
        call.params.into_iter().find_map(|param| param.condition).unwrap()
    }

    fn value(text: &str, ret: i64) -> Option<i128> {
        let mut catalog = Catalog::new();
        catalog.add("flags open_flags = O_CREAT 0o100, __O_TMPFILE 0o20000000", "test").unwrap();
        let arg =
            |name: &str, raw: i64| ArgValue::register(name.into(), Some(raw as u64), Stored::new(4, true));
        let read = |n: i32, read| {
            let content = Content::Bytes(n.to_le_bytes().to_vec());
            Some(Pointee { state: State::Ok, content, read })
        };
        let len =
            ArgValue { before: read(100, Read::Entry), after: read(16, Read::Exit), ..arg("len", 0x7000) };
        let call = Call {
            thread: 1,
            tid: 1,
            pid: None,
            comm: None,
            cpu: 0,
            abi: Abi::X86_64,
            nr: None,
            name: Arc::from("f"),
            syscall: None,
            entry_time: Some(0),
            exit_time: Some(1),
            args: vec![arg("a", -1), arg("flags", 0o100), len],
            outcome: Outcome::Returned(ret),
            across_loss: false,
        };
        evaluate(&condition(text), &call, &catalog)
    }

    #[test]
    fn arguments_constants_and_results_are_numbers() {
        assert_eq!(value("flags & (O_CREAT|__O_TMPFILE)", 0), Some(0o100));
        assert_eq!(value("!(flags & __O_TMPFILE)", 0), Some(1));
        assert_eq!(value("a", 0), Some(-1));
        assert_eq!(value("ret > 0", 5), Some(1));
        assert_eq!(value("interrupted", -4), Some(1));
        assert_eq!(value("err", -11), Some(11));
    }

    #[test]
    fn old_is_the_memory_at_entry() {
        assert_eq!(value("min(old *len, *len)", 0), Some(16));
        assert_eq!(value("old *len", 0), Some(100));
    }

    #[test]
    fn what_is_not_known_has_no_value() {
        assert_eq!(value("nothing", 0), None);
        assert_eq!(value("*a", 0), None);
        assert_eq!(value("a / 0", 0), None);
        assert_eq!(value("1 << a", 0), None);
    }
}
