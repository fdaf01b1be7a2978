//! Fields of an event to arguments of a call.

use std::sync::Arc;

use ctf::Value;
use ctf::types::Field;
use schema::Arg;
use schema::ast::{Direction, Stored};
use schema::layout::State;

use crate::call::{ArgValue, Call, Content, Pointee, Read, state};
use crate::role::Slot;

fn take(fields: &mut [Value], at: Option<usize>) -> Option<Value> {
    // An integer stays what it is; only the content is taken out.
    at.and_then(|at| fields.get_mut(at)).map(|value| std::mem::replace(value, Value::Unsigned(0)))
}

fn pointee(slot: &Slot, fields: &mut [Value], read: Read) -> Option<Pointee> {
    if slot.state.is_none() && slot.content.is_none() {
        return None;
    }
    let state = slot.state.and_then(|at| fields.get(at)).and_then(Value::bits).map_or(State::Ok, state);
    let readable = matches!(state, State::Ok | State::Cut);
    let count = slot.count.and_then(|at| fields.get(at)).and_then(Value::bits);
    let content = match (take(fields, slot.content), count) {
        _ if !readable => Content::Nothing,
        (None, Some(count)) => Content::Count(count),
        (content, _) => Content::from_value(content),
    };
    Some(Pointee { state, content, read })
}

/// An argument of an entry.
pub(crate) fn argument(slot: &Slot, fields: &mut [Value]) -> ArgValue {
    let raw = slot.raw.and_then(|at| fields.get(at)).and_then(Value::bits);
    let before = pointee(slot, fields, Read::Entry);
    ArgValue { name: Arc::clone(&slot.name), raw, stored: slot.stored, before, after: None }
}

/// A register of a call without description.
pub(crate) fn raw((field, value): (&Field, &Value)) -> ArgValue {
    let stored = Stored::new(8, false);
    ArgValue { name: field.name.as_str().into(), raw: value.bits(), stored, before: None, after: None }
}

/// A register as the described argument that it is: as wide as that, and by its name.
pub(crate) fn narrowed((register, arg): (ArgValue, &Arg)) -> ArgValue {
    let unused = 64 - u32::from(arg.stored.bytes.clamp(1, 8)) * 8;
    let narrow = |raw: u64| match arg.stored.signed {
        true => ((raw << unused) as i64 >> unused) as u64,
        false => raw << unused >> unused,
    };
    let name = arg.name.as_str().into();
    ArgValue { name, raw: register.raw.map(narrow), stored: arg.stored, ..register }
}

/// An argument of a call whose entry is not in the trace.
pub(crate) fn unseen(arg: &Arg) -> ArgValue {
    ArgValue { name: arg.name.as_str().into(), raw: None, stored: arg.stored, before: None, after: None }
}

/// Puts what the exit says of an argument where it belongs.
pub(crate) fn answer(call: &mut Call, slot: &Slot, fields: &mut [Value]) {
    let raw = slot.raw.and_then(|at| fields.get(at)).and_then(Value::bits);
    let pointee = pointee(slot, fields, Read::Exit);
    let Some(at) = call.args.iter().position(|arg| arg.name == slot.name) else {
        let name = Arc::clone(&slot.name);
        call.args.push(ArgValue { name, raw, stored: slot.stored, before: None, after: pointee });
        return;
    };
    let described = call.syscall.as_ref().and_then(|syscall| syscall.args.get(at));
    let direction = described.map(|arg| arg.param.direction);
    let Some(arg) = call.args.get_mut(at) else { return };
    arg.raw = arg.raw.or(raw);
    let Some(pointee) = pointee else { return };
    let written = matches!(direction, Some(Some(Direction::Out | Direction::InOut)));
    // Not described: what was read at entry and is there again can only be a second try.
    let input = direction.is_some() && !written || direction.is_none() && arg.before.is_some();
    if !input {
        arg.after = Some(pointee);
        return;
    }
    let again = Pointee { read: Read::Again, ..pointee };
    match &mut arg.before {
        Some(before) if before.state != State::Fault || !again.is_readable() => {}
        before => *before = Some(again),
    }
}
