//! Fields of an event to arguments of a call.

use std::sync::Arc;

use ctf::Value;
use ctf::types::Field;
use schema::Arg;
use schema::ast::{Direction, Stored};
use schema::layout::State;

use crate::call::{ArgValue, Call, Content, Part, Pointee, Read, state};
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
        (content, _) if !readable => torn(state, slot, content),
        (None, Some(count)) => Content::Count(count),
        (content, _) if is_load(&slot.name) => pieces(content),
        (content, _) => Content::from_value(content),
    };
    Some(Pointee { state, content, read })
}

/// What was read of a row or vector before the memory ended.
fn torn(state: State, slot: &Slot, content: Option<Value>) -> Content {
    let sequence = state == State::Fault && slot.count.is_some();
    match Content::from_value(content.filter(|_| sequence)) {
        Content::Bytes(bytes) if !bytes.is_empty() => Content::Bytes(bytes),
        Content::Texts(texts) if !texts.is_empty() => Content::Texts(texts),
        _ => Content::Nothing,
    }
}

/// True for what a row of `iovec` leads to.
fn is_load(name: &str) -> bool {
    name == "load" || name.ends_with("_load")
}

/// The pieces of a load, each behind its number of bytes (`docs/format.md`); what is torn off at the end is left out.
fn pieces(content: Option<Value>) -> Content {
    let Some(Value::Bytes(bytes)) = content else { return Content::Nothing };
    let (mut rest, mut pieces) = (bytes.as_slice(), Vec::new());
    while let [low, high, tail @ ..] = rest {
        let len = usize::from(u16::from_le_bytes([*low, *high]));
        let Some((piece, next)) = tail.split_at_checked(len) else { break };
        pieces.push(piece.to_vec());
        rest = next;
    }
    Content::Texts(pieces)
}

/// An argument of an entry, with its parts.
pub(crate) fn argument(slot: &Slot, fields: &mut [Value]) -> ArgValue {
    let raw = slot.raw.and_then(|at| fields.get(at)).and_then(Value::bits);
    let before = pointee(slot, fields, Read::Entry);
    let parts = slot.parts.iter().map(|part| Part {
        name: Arc::clone(&part.name),
        before: pointee(part, fields, Read::Entry),
        after: None,
    });
    let parts = parts.collect();
    ArgValue { before, parts, ..ArgValue::register(Arc::clone(&slot.name), raw, slot.stored) }
}

/// A register of a call without description.
pub(crate) fn raw((field, value): (&Field, &Value)) -> ArgValue {
    ArgValue::register(field.name.as_str().into(), value.bits(), Stored::new(8, false))
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
    ArgValue::register(arg.name.as_str().into(), None, arg.stored)
}

/// The argument that a slot of an exit speaks of, and the name of the part if it speaks of one.
fn place(args: &[ArgValue], slot: &str) -> Option<(usize, Option<Arc<str>>)> {
    if let Some(at) = args.iter().position(|arg| &*arg.name == slot) {
        return Some((at, None));
    }
    let parts = args.iter().enumerate().filter_map(|(at, arg)| Some((at, part_name(slot, &arg.name)?)));
    let (at, part) = parts.min_by_key(|(_, part)| part.len())?;
    Some((at, Some(part.into())))
}

/// `msg_iov` of `msg_msg_iov`, when the argument is `msg`.
pub(crate) fn part_name<'s>(slot: &'s str, arg: &str) -> Option<&'s str> {
    slot.strip_prefix(arg)?.strip_prefix('_')
}

/// Puts what the exit says of an argument where it belongs.
pub(crate) fn answer(call: &mut Call, slot: &Slot, fields: &mut [Value]) {
    let raw = slot.raw.and_then(|at| fields.get(at)).and_then(Value::bits);
    let pointee = pointee(slot, fields, Read::Exit);
    let Some((at, part)) = place(&call.args, &slot.name) else {
        let arg = ArgValue::register(Arc::clone(&slot.name), raw, slot.stored);
        call.args.push(ArgValue { after: pointee, ..arg });
        return;
    };
    let described = call.syscall.as_ref().and_then(|syscall| syscall.args.get(at));
    // Without an entry the one reading has to stand for both.
    let only = call.entry_time.is_none();
    let Some(arg) = call.args.get_mut(at) else { return };
    arg.raw = arg.raw.or(raw);
    let Some(pointee) = pointee else { return };
    match part {
        Some(name) => {
            let at = arg.parts.iter().position(|part| part.name == name).unwrap_or_else(|| {
                arg.parts.push(Part { name, before: None, after: None });
                arg.parts.len() - 1
            });
            if let Some(part) = arg.parts.get_mut(at) {
                either(&mut part.before, &mut part.after, pointee, only);
            }
        }
        None => match described.map(Way::of) {
            Some(Way::Written) => arg.after = Some(pointee),
            Some(Way::Read) => again(&mut arg.before, pointee),
            Some(Way::Chosen) => either(&mut arg.before, &mut arg.after, pointee, only),
            // Not described: what was read at entry and is there again can only be a second try.
            None if arg.before.is_some() => again(&mut arg.before, pointee),
            None => arg.after = Some(pointee),
        },
    }
}

/// Who uses the memory behind an argument.
enum Way {
    /// The kernel reads it.
    Read,
    /// The kernel writes it.
    Written,
    /// Another argument says.
    Chosen,
}

impl Way {
    fn of(arg: &Arg) -> Way {
        match arg.param.direction {
            Some(Direction::Out | Direction::InOut) => Way::Written,
            None if !arg.class.is_pointer() => Way::Chosen,
            _ => Way::Read,
        }
    }
}

/// A second try to read what could not be read at entry.
fn again(before: &mut Option<Pointee>, pointee: Pointee) {
    let again = Pointee { read: Read::Again, ..pointee };
    match before {
        Some(before) if before.state != State::Fault || !again.is_readable() => {}
        before => *before = Some(again),
    }
}

/// What the kernel wrote, or a second try, or both: the command decides, and whoever shows it knows the command.
fn either(before: &mut Option<Pointee>, after: &mut Option<Pointee>, pointee: Pointee, only: bool) {
    if only || before.as_ref().is_some_and(|before| before.state == State::Fault) {
        again(before, pointee.clone());
    }
    *after = Some(pointee);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_belongs_to_the_argument_of_its_name_or_is_a_part_of_one() {
        let args = ["msg", "usockaddr", "usockaddr_len"]
            .map(|name| ArgValue::register(name.into(), None, Stored::new(8, false)));
        assert_eq!(place(&args, "msg"), Some((0, None)));
        assert_eq!(place(&args, "msg_msg_iov_load"), Some((0, Some("msg_iov_load".into()))));
        assert_eq!(place(&args, "usockaddr_len"), Some((2, None)), "an argument before a part");
        assert_eq!(place(&args, "other"), None);
    }

    #[test]
    fn a_load_is_taken_apart_by_the_counts_in_it() {
        let load = |bytes: &[u8]| pieces(Some(Value::Bytes(bytes.to_vec())));
        assert_eq!(load(b"\x02\0ab\0\0\x01\0c"), Content::Texts(vec![b"ab".to_vec(), vec![], b"c".to_vec()]));
        assert_eq!(load(b"\x02\0ab\x09\0c"), Content::Texts(vec![b"ab".to_vec()]));
        assert_eq!(load(b""), Content::Texts(vec![]));
    }

    #[test]
    fn what_came_before_a_fault_is_kept_of_rows_and_vectors_only() {
        let counted = Slot { count: Some(0), ..Slot::empty("ufds") };
        let fixed = Slot::empty("act");
        let bytes = |bytes: &[u8]| Some(Value::Bytes(bytes.to_vec()));
        assert_eq!(torn(State::Fault, &counted, bytes(&[1, 2])), Content::Bytes(vec![1, 2]));
        assert_eq!(torn(State::Fault, &counted, bytes(&[])), Content::Nothing);
        assert_eq!(torn(State::Off, &counted, bytes(&[1])), Content::Nothing);
        assert_eq!(
            torn(State::Fault, &fixed, bytes(&[0; 16])),
            Content::Nothing,
            "a failed copy of an object"
        );
    }

    #[test]
    fn a_command_decides_whether_a_second_reading_is_an_answer() {
        let read = |state, read| Pointee { state, content: Content::Bytes(vec![1]), read };
        let (mut before, mut after) = (Some(read(State::Ok, Read::Entry)), None);
        either(&mut before, &mut after, read(State::Ok, Read::Exit), false);
        assert_eq!(before.map(|p| p.read), Some(Read::Entry));
        assert_eq!(after.map(|p| p.read), Some(Read::Exit));
        let (mut before, mut after) = (Some(read(State::Fault, Read::Entry)), None);
        either(&mut before, &mut after, read(State::Ok, Read::Exit), false);
        assert_eq!(before.map(|p| p.read), Some(Read::Again));
        assert!(after.is_some());
        let (mut before, mut after) = (None, None);
        either(&mut before, &mut after, read(State::Ok, Read::Exit), true);
        assert!(before.is_some() && after.is_some(), "the only reading there is");
    }
}
