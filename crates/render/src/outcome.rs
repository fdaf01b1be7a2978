//! How a call ended.

use calls::{Call, Content, Outcome, Pointee};
use schema::ast::{Direction, Param, Stored, Ty};
use schema::{Abi, Catalog, Class};

use crate::argument::Show;
use crate::errno;
use crate::object::{Loads, Object, Objects};
use crate::pointee::Behind;
use crate::token::Line;
use crate::value::Value;
use crate::variant::Meaning;
use crate::{composed, flags, form, value};

/// Shows what stands behind `= `.
pub(crate) fn show(line: &mut Line, call: &Call, meaning: Option<&Meaning<'_>>, show: Show<'_>) {
    match call.outcome {
        Outcome::Returned(ret) => {
            result(line, call, ret, meaning, show.catalog);
            let returns = meaning.and_then(|meaning| meaning.returns);
            if returns.is_some_and(|returns| returns.ty.name == "fd") && ret >= 0 {
                show.path(line, call, ret as i32);
            }
            if ret > 0 {
                answers(line, call, meaning, show);
            }
        }
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
        if set.flags {
            line.hex(ret as u64)
        } else {
            line.signed(ret)
        }
        if !set.decode(ret as u64, 64).names.is_empty() {
            named(line, |line| {
                if set.flags {
                    line.word(title(ty));
                    flags::flags(line, set, ret as u64, 64);
                } else {
                    flags::one_of(line, set, ret as u64, 32);
                }
            });
        }
        return;
    }
    match ty {
        "addr" | "hex" if call.abi == Abi::I386 => line.hex((ret as u32).into()),
        "addr" | "hex" => line.hex(ret as u64),
        "ioprio" => {
            line.hex(ret as u64);
            named(line, |line| {
                composed::show(line, catalog, ty, ret as u64);
            });
        }
        "old_sigset" => {
            line.hex(ret as u64);
            named(line, |line| {
                line.word("mask ");
                composed::show(line, catalog, ty, ret as u64);
            });
        }
        "mode" => value::mode(line, ret as u64),
        "signo" if ret > 0 => {
            line.signed(ret);
            named(line, |line| crate::signal::number(line, ret as i32));
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

/// The name of a result, behind it: `(flags FD_CLOEXEC)`.
fn named(line: &mut Line, name: impl FnOnce(&mut Line)) {
    let mut words = Line::new();
    name(&mut words);
    line.remark(words.as_str());
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

/// True for a parameter whose answer is told with the result: `inout T x as FORM`, where FORM is `left`, `fds`, or the
/// structure that the answer is shown as.
pub(crate) fn is_answer(catalog: &Catalog, param: &Param) -> bool {
    let form = param.render.as_deref();
    param.direction == Some(Direction::InOut)
        && form.is_some_and(|form| matches!(form, "left" | "fds") || catalog.overlay(form).is_some())
}

/// ` (in [3], left {tv_sec=0, tv_usec=5})`: what the kernel wrote over arguments that it first read.
fn answers(line: &mut Line, call: &Call, meaning: Option<&Meaning<'_>>, show: Show<'_>) {
    // The three sets of `select(2)`, by their place.
    let mut told = Told { words: Line::new(), sets: ["in ", "out ", "except "].into_iter() };
    let params = meaning.iter().flat_map(|meaning| &meaning.params);
    for ((param, class), arg) in params.zip(&call.args) {
        let behind = Behind { call, arg, param, class: *class };
        let (before, after) = show.sides(behind);
        let block = param.render.as_deref() == Some("arguments");
        let found = if block { before } else { after.filter(|_| is_answer(show.catalog, param)) };
        let Some(Pointee { content: Content::Bytes(bytes), .. }) = found else {
            // A set that was not given takes its place all the same.
            if param.render.as_deref() == Some("fds") {
                told.sets.next();
            }
            continue;
        };
        show.with_objects(behind, true, |objects| {
            if block {
                objects
                    .answers(&param.ty, bytes, &mut |inside, param, bytes| told.tell(inside, param, bytes));
            } else {
                told.tell(objects, param, bytes);
            }
        });
    }
    if !told.words.is_empty() {
        line.remark(told.words.as_str());
    }
}

/// Answers, as far as they are told.
struct Told {
    words: Line,
    /// What stands before the sets of descriptors that are still to come.
    sets: std::array::IntoIter<&'static str, 3>,
}

impl Told {
    fn tell(&mut self, objects: Objects<'_>, param: &Param, bytes: &[u8]) {
        let mut one = Line::new();
        let object = Object { bytes, ..Object::default() };
        match param.render.as_deref().unwrap_or_default() {
            "left" => {
                one.word("left ");
                objects.argument(&mut one, param, objects.catalog.class(param), object, None);
            }
            "fds" => {
                one.word(self.sets.next().unwrap_or_default());
                form::numbers_of_bits(&mut one, bytes, objects.descriptors());
                if one.as_str().ends_with("[]") {
                    return;
                }
            }
            structure => objects.row(&mut one, &Ty::named(structure), object, Loads::default()),
        }
        if !self.words.is_empty() {
            self.words.word(", ");
        }
        self.words.word(one.as_str());
    }
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
