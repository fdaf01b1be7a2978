//! How a call ended.

use calls::{Call, Outcome};
use schema::ast::Stored;
use schema::{Catalog, Class};

use crate::errno;
use crate::token::Line;
use crate::value::Value;
use crate::variant::Meaning;
use crate::{composed, flags, value};

/// Shows what stands behind `= `.
pub(crate) fn show(line: &mut Line, call: &Call, meaning: Option<&Meaning<'_>>, catalog: &Catalog) {
    match call.outcome {
        Outcome::Returned(ret) => result(line, call, ret, meaning, catalog),
        Outcome::NoReturn => line.word("?"),
        Outcome::ExitLost => {
            line.word("?");
            line.note("exit lost");
        }
        Outcome::Open(age) => {
            line.word("?");
            line.note(&format!("still open after {}.{:03} s", age / 1_000_000_000, age / 1_000_000 % 1000));
        }
    }
}

fn result(line: &mut Line, call: &Call, ret: i64, meaning: Option<&Meaning<'_>>, catalog: &Catalog) {
    if let Some(number) = errno::of_result(ret) {
        return failure(line, number);
    }
    let Some(returns) = meaning.and_then(|meaning| meaning.returns) else {
        line.signed(ret);
        if ret == 0 && waits(&call.name) {
            line.remark("Timeout");
        }
        return;
    };
    let ty = returns.ty.name.as_str();
    if let Some(set) = catalog.set(ty) {
        return named(
            line,
            ret,
            |line| {
                if set.flags {
                    line.word(title(ty));
                    flags::flags(line, set, ret as u64, 64);
                } else {
                    flags::one_of(line, set, ret as u64, 32);
                }
            },
            !set.decode(ret as u64, 64).names.is_empty(),
        );
    }
    match ty {
        "addr" | "hex" => line.hex(ret as u64),
        "ioprio" => named(
            line,
            ret,
            |line| {
                composed::show(line, catalog, ty, ret as u64);
            },
            true,
        ),
        "mode" => value::mode(line, ret as u64),
        "signo" if ret > 0 => {
            named(line, ret, |line| crate::signal::number(line, ret as i32), true);
        }
        _ => {
            let class = Class::Off;
            let known = catalog.type_line(ty).is_some() || catalog.bits(ty).is_some();
            let stored = Stored::new(8, true);
            if known {
                Value { ty, render: None, class, bits: ret as u64, stored }.show(line, catalog);
            } else {
                line.signed(ret);
            }
        }
    }
    if ret == 0 && waits(&call.name) {
        line.remark("Timeout");
    }
}

/// A number and its name: `0x1 (flags FD_CLOEXEC)`.
fn named(line: &mut Line, ret: i64, name: impl FnOnce(&mut Line), known: bool) {
    line.hex(ret as u64);
    if known {
        let mut words = Line::new();
        name(&mut words);
        line.remark(words.as_str());
    }
}

/// What strace says before the names of some results.
fn title(set: &str) -> &'static str {
    match set {
        "open_flags" | "fd_flags" => "flags ",
        "seal_flags" => "seals ",
        _ => "",
    }
}

/// Calls whose result 0 means that nothing came in time.
fn waits(name: &str) -> bool {
    matches!(name, "poll" | "ppoll" | "select" | "pselect6" | "_newselect")
}

fn failure(line: &mut Line, number: u64) {
    let known = errno::describe(number);
    match known {
        Some((name, _)) if errno::is_restart(number) => {
            line.word("? ");
            line.word(name);
        }
        Some((name, _)) => {
            line.word("-1 ");
            line.word(name);
        }
        None => {
            line.word("-1");
            return line.remark(&format!("errno {number}"));
        }
    }
    if let Some((_, words)) = known {
        line.remark(words);
    }
}
