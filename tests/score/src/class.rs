//! Which of two values says more, and whether they contradict.
//!
//! The rules are those of the crate's first page; every doubt counts against us.

use crate::bytes::is_made_of;
use crate::names::{Bits, Names};
use crate::value::{Item, Value};

/// What our text of an argument is, compared with strace's. Ordered: of several parts the last in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The same meaning.
    Equal,
    /// We tell what strace leaves as an address, as a number or as dots.
    More,
    /// Strace tells what we leave so.
    Less,
    /// Both tell something, and it is not the same.
    Wrong,
}

impl Class {
    /// `equal`, `more`, `less`, `wrong`
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::More => "more",
            Self::Less => "less",
            Self::Wrong => "wrong",
        }
    }
}

/// Compares one argument.
pub fn compare(theirs: &Value, ours: &Value, names: &Names) -> Class {
    if theirs == ours {
        return Class::Equal;
    }
    let again = |theirs: &Value, ours: &Value| compare(theirs, ours, names);
    match (theirs, ours) {
        (Value::Unknown, _) => Class::More,
        (_, Value::Unknown) => Class::Less,
        (Value::Choice(several), _) if !matches!(ours, Value::Choice(_)) => {
            several.iter().map(|one| again(one, ours)).min().unwrap_or(Class::Wrong)
        }
        (Value::Change(before, after), Value::Change(first, last)) => {
            again(before, first).max(again(after, last))
        }
        (_, Value::Change(first, last)) => match again(theirs, first).min(again(theirs, last)) {
            Class::Equal => Class::More,
            other => other,
        },
        (Value::Change(before, after), _) => again(before, ours).min(again(after, ours)).max(Class::Less),
        (Value::Number { value: a, hex: x }, Value::Number { value: b, hex: y }) => numbers(*a, *b, *x || *y),
        (Value::Text { bytes: a, cut: x }, Value::Text { bytes: b, cut: y }) => texts((a, *x), (b, *y)),
        (Value::Set { negated, items }, Value::List { items: row, cut: false })
        | (Value::List { items: row, cut: false }, Value::Set { negated, items }) => {
            if !negated && items == row { Class::Equal } else { Class::Wrong }
        }
        (Value::List { items: a, cut: x }, Value::List { items: b, cut: y }) => rows((a, *x), (b, *y), names),
        (Value::Struct { members: a, cut: x }, Value::Struct { members: b, .. }) => members(a, *x, b, names),
        (Value::Call(a, theirs), Value::Call(b, ours)) if a == b && theirs.len() == ours.len() => {
            theirs.iter().zip(ours).map(|(a, b)| again(&a.value, &b.value)).max().unwrap_or(Class::Equal)
        }
        // Bytes as they are, where strace takes them apart.
        (Value::Struct { .. } | Value::List { .. }, Value::Text { .. }) => Class::Less,
        (Value::Text { bytes, cut }, Value::Struct { .. }) if is_made_of(ours, bytes, *cut, names) => {
            Class::More
        }
        _ => of_two_kinds(theirs, ours, names),
    }
}

/// Numbers, names, and whatever else is not of one form on both sides.
fn of_two_kinds(theirs: &Value, ours: &Value, names: &Names) -> Class {
    match (names.bits(theirs), names.bits(ours)) {
        (Some(a), Some(b)) => bits(&a, &b, names),
        // An address, where we tell what is there. What is behind no address cannot be told.
        (Some(a), None) if ours.is_content() && matches!(theirs, Value::Number { hex: true, .. }) => {
            if a.total == 0 { Class::Wrong } else { Class::More }
        }
        (None, Some(b)) if matches!(ours, Value::Number { .. }) => {
            if b.total == 0 && theirs.is_content() {
                Class::Wrong
            } else {
                Class::Less
            }
        }
        _ => Class::Wrong,
    }
}

/// Written in decimal, numbers are the same or not. In hexadecimal, a negative number is its two's complement in 32 or
/// in 64 bits. The same 32 or 64 bits with another sign are less than right.
fn numbers(theirs: i128, ours: i128, hex: bool) -> Class {
    if theirs == ours {
        return Class::Equal;
    }
    if hex && same_bits(theirs as u64, ours as u64) {
        return Class::Equal;
    }
    let (narrow, other) = (theirs as i32, ours as i32);
    let in_32_bits =
        |value: i128| i64::from(value as i32) as i128 == value || i128::from(value as u32) == value;
    let same_32 = narrow == other && in_32_bits(theirs) && in_32_bits(ours);
    if theirs as u64 == ours as u64 || same_32 { Class::Less } else { Class::Wrong }
}

/// The same in 64 bits, or in 32 with zeros or the sign before them.
fn same_bits(a: u64, b: u64) -> bool {
    let extended = |value: u64| value >> 32 == 0 || value >> 31 == u64::MAX >> 31;
    a == b || (a as u32 == b as u32 && extended(a) && extended(b))
}

fn bits(theirs: &Bits, ours: &Bits, names: &Names) -> Class {
    if theirs.words == ours.words && theirs.number == ours.number {
        return Class::Equal;
    }
    let only = |a: &Bits, b: &Bits| -> Vec<String> { a.words.difference(&b.words).cloned().collect() };
    let (lost, gained) = (only(theirs, ours), only(ours, theirs));
    if theirs.unknown || ours.unknown {
        // A name that we cannot look up: a number in its place is less; anything else is not to be proved.
        let replaced = gained.is_empty() && !ours.unknown && ours.number != 0;
        return if replaced { Class::Less } else { Class::Wrong };
    }
    if !same_bits(theirs.total, ours.total) {
        return Class::Wrong;
    }
    // Two names for the same bits: of one set they are two names of one thing, else two things.
    let clash = lost.iter().any(|a| {
        let bits = |name: &str| names.value(name).unwrap_or_default();
        gained.iter().any(|b| {
            let overlap = bits(a) & bits(b) != 0 || bits(a) == bits(b);
            overlap && !names.are_kin(a, b)
        })
    });
    // The upper half of a register that an int does not fill is no part of its value.
    let half = theirs.total != ours.total;
    let unnamed = ours.number & !theirs.number & if half { u64::from(u32::MAX) } else { u64::MAX } != 0;
    if clash {
        Class::Wrong
    } else if unnamed || (gained.is_empty() && !lost.is_empty()) {
        Class::Less
    } else if lost.is_empty() {
        Class::More
    } else {
        Class::Equal
    }
}

fn texts((theirs, their_cut): (&[u8], bool), (ours, our_cut): (&[u8], bool)) -> Class {
    let shorter = theirs.len().min(ours.len());
    if theirs[..shorter] != ours[..shorter] {
        return Class::Wrong;
    }
    // The NULs that end or fill a string are left out.
    if !our_cut && theirs.len() > ours.len() && theirs[ours.len()..].iter().all(|byte| *byte == 0) {
        return Class::Less;
    }
    match (theirs.len().cmp(&ours.len()), their_cut, our_cut) {
        (std::cmp::Ordering::Equal, true, false) | (std::cmp::Ordering::Less, true, _) => Class::More,
        (std::cmp::Ordering::Equal, false, true) | (std::cmp::Ordering::Greater, _, true) => Class::Less,
        (std::cmp::Ordering::Equal, ..) => Class::Equal,
        _ => Class::Wrong,
    }
}

fn rows((theirs, their_cut): (&[Value], bool), (ours, our_cut): (&[Value], bool), names: &Names) -> Class {
    match (theirs, ours) {
        // Of several messages we tell the first.
        ([Value::List { items, cut }, ..], [Value::Struct { .. }, ..]) => {
            return rows((items, *cut), (ours, our_cut), names).max(Class::Less);
        }
        // The bytes behind its header, which strace takes apart.
        (_, [head @ .., Value::Text { .. }])
            if !head.is_empty()
                && theirs.get(head.len()).is_some_and(|value| !matches!(value, Value::Text { .. })) =>
        {
            return rows((&theirs[..head.len()], false), (head, false), names).max(Class::Less);
        }
        // The other way round. Of bytes that we did not keep strace tells more.
        ([head @ .., Value::Text { bytes, cut }], _)
            if !head.is_empty()
                && ours.get(head.len()).is_some_and(|value| !matches!(value, Value::Text { .. })) =>
        {
            let (same, tail) = ours.split_at(head.len());
            let tail = Value::List { items: tail.to_vec(), cut: false };
            if !is_made_of(&tail, bytes, *cut && !our_cut, names) {
                return Class::Wrong;
            }
            let tail = if our_cut { Class::Less } else { Class::More };
            return rows((head, false), (same, false), names).max(tail);
        }
        _ => {}
    }
    let each = theirs.iter().zip(ours).map(|(a, b)| compare(a, b, names)).max().unwrap_or(Class::Equal);
    let extent = match (theirs.len().cmp(&ours.len()), their_cut, our_cut) {
        (std::cmp::Ordering::Equal, true, false) | (std::cmp::Ordering::Less, true, _) => Class::More,
        (std::cmp::Ordering::Equal, false, true) | (std::cmp::Ordering::Greater, _, true) => Class::Less,
        (std::cmp::Ordering::Equal, ..) => Class::Equal,
        _ => Class::Wrong,
    };
    each.max(extent)
}

/// Members by name, those without a name in order. One that strace shows and we do not is less.
pub(crate) fn members(theirs: &[Item], their_cut: bool, ours: &[Item], names: &Names) -> Class {
    let unnamed = |items: &[Item]| -> Vec<Value> {
        items.iter().filter(|item| item.name.is_none()).map(|item| item.value.clone()).collect()
    };
    let (their_unnamed, our_unnamed) = (unnamed(theirs), unnamed(ours));
    let mut worst = Class::Equal;
    if theirs.len() < ours.len() || (their_cut && theirs.len() <= ours.len()) {
        worst = Class::More;
    }
    let mut position = 0;
    for item in theirs {
        let ours = match &item.name {
            Some(_) => ours.iter().find(|other| other.name == item.name).map(|other| &other.value),
            None => {
                position += 1;
                our_unnamed.get(position - 1)
            }
        };
        worst = worst.max(ours.map_or(Class::Less, |ours| compare(&item.value, ours, names)));
    }
    if their_unnamed.len() < our_unnamed.len() && !their_cut {
        return worst.max(Class::Wrong);
    }
    worst
}

/// Compares an argument of a call that strace has no name for: it shows the whole register, of which a narrower argument
/// is a part: its low `bytes`.
pub fn compare_register(theirs: &Value, ours: &Value, bytes: u8, names: &Names) -> Class {
    if ours.is_content() {
        return compare(theirs, ours, names);
    }
    match (theirs, names.bits(ours)) {
        (Value::Number { value, .. }, Some(bits)) if !bits.unknown => {
            let register = *value as u64;
            let unused = 64 - u32::from(bytes.clamp(1, 8)) * 8;
            let same = register << unused == bits.total << unused;
            match (same, bits.words.is_empty()) {
                (true, true) => Class::Equal,
                (true, false) => Class::More,
                (false, _) => Class::Wrong,
            }
        }
        _ => Class::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::value;

    #[track_caller]
    fn is(class: Class, pairs: &[(&str, &str)]) {
        let names = Names::builtin();
        for (theirs, ours) in pairs {
            assert_eq!(compare(&value(theirs), &value(ours), &names), class, "strace {theirs}, ours {ours}");
        }
    }

    #[test]
    fn the_form_of_a_number_does_not_matter_but_its_sign_does() {
        is(Class::Equal, &[("0x20", "32"), ("0100", "64"), ("-1", "0xffffffff"), ("NULL", "0")]);
        is(Class::Less, &[("18446744073709551615", "-1"), ("4294967295", "-1")]);
        is(Class::Wrong, &[("3", "4"), ("18446744073709551615", "4294967295")]);
    }

    #[test]
    fn flags_have_no_order() {
        is(Class::Equal, &[("O_RDWR|O_CREAT", "O_CREAT|O_RDWR"), ("PROT_READ|0x10", "0x10|PROT_READ")]);
    }

    #[test]
    fn a_name_says_more_than_a_number_when_it_is_that_number() {
        is(Class::More, &[("O_RDWR|0x40", "O_RDWR|O_CREAT"), ("0x2", "O_RDWR"), ("0", "PROT_NONE")]);
        is(Class::Less, &[("O_RDWR|O_CREAT", "O_RDWR|0x40"), ("O_RDWR", "2"), ("PROT_NONE", "0")]);
        is(Class::Wrong, &[("0x3", "O_RDWR"), ("O_RDWR|O_CREAT", "O_RDWR")]);
    }

    #[test]
    fn a_known_second_name_is_the_same_and_a_name_from_another_set_is_wrong() {
        is(Class::Equal, &[("O_EXCL", "O_NOTIFICATION_PIPE")]);
        is(Class::Wrong, &[("PROT_READ", "MAP_SHARED"), ("F_GETFD", "O_WRONLY")]);
    }

    #[test]
    fn a_name_that_cannot_be_looked_up_is_never_in_our_favour() {
        is(Class::Less, &[("NO_SUCH_NAME", "5")]);
        is(Class::Wrong, &[("NO_SUCH_NAME", "O_RDWR"), ("5", "NO_SUCH_NAME")]);
    }

    #[test]
    fn content_says_more_than_its_address_and_none_is_behind_null() {
        is(Class::More, &[("0x7ff0", "\"text\""), ("0x7ff0", "{fd=3}"), ("0x7ff0", "[1]")]);
        is(Class::Less, &[("\"text\"", "0x7ff0"), ("{fd=3}", "0x7ff0"), ("[1]", "0x7ff0")]);
        is(Class::Less, &[("{fd=3}", "\"\\3\\0\\0\\0\""), ("[3]", "\"\\3\\0\\0\\0\"")]);
        is(
            Class::Wrong,
            &[("NULL", "\"text\""), ("{fd=3}", "NULL"), ("3", "{fd=3}"), ("\"text\"", "{fd=3}")],
        );
    }

    #[test]
    fn members_say_more_than_the_bytes_that_they_are_made_of() {
        is(Class::More, &[(r#""\5\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0""#, "{tv_sec=5, tv_usec=256}")]);
        is(Class::Wrong, &[(r#""\5\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0""#, "{tv_sec=5, tv_usec=255}")]);
        let cut = r#""\5\0\0\0\7\0\0\0"..."#;
        is(Class::More, &[(cut, "{a=5, b=7, c=1000}")]);
        is(Class::Wrong, &[(cut, "{a=5, b=8, c=1000}"), (cut, "{a=5, c=1000}"), (cut, "{b=7}")]);
    }

    #[test]
    fn a_longer_part_of_the_same_text_says_more() {
        is(Class::Equal, &[(r#""a\tb""#, r#""\x61\11b""#), (r#""abc"..."#, r#""abc"..."#)]);
        is(Class::More, &[(r#""ab"..."#, r#""abc"..."#), (r#""ab"..."#, r#""abc""#)]);
        is(
            Class::Less,
            &[(r#""abc"..."#, r#""ab"..."#), (r#""abc""#, r#""abc"..."#), (r#""lo\0""#, r#""lo""#)],
        );
        is(Class::Wrong, &[(r#""abc""#, r#""abd""#), (r#""abc""#, r#""ab""#), (r#""ab""#, r#""abc""#)]);
    }

    #[test]
    fn members_are_found_by_name_and_none_may_be_missing() {
        is(Class::Equal, &[("{a=1, b=2}", "{b=0x2, a=1}"), ("{a=1, ...}", "{a=1, ...}")]);
        is(Class::More, &[("{a=1, ...}", "{a=1, b=2}"), ("{a=1}", "{a=1, b=2}")]);
        is(Class::Less, &[("{a=1, b=2}", "{a=1, ...}"), ("{a={c=3}}", "{a=0x7ff0}")]);
        is(Class::Wrong, &[("{a=1, b=2}", "{a=1, b=3}"), ("{a=1, ...}", "{a=2, b=2}")]);
    }

    #[test]
    fn rows_are_compared_in_order() {
        is(Class::More, &[("[1, 2, ...]", "[1, 2, 3]")]);
        is(Class::Less, &[("[1, 2, 3]", "[1, ...]")]);
        is(Class::Wrong, &[("[1, 2]", "[2, 1]"), ("[1, 2]", "[1]"), ("[1]", "[1, 2]")]);
    }

    #[test]
    fn the_header_of_a_message_and_bytes_are_less_than_all_of_it() {
        let ours = r#"[{len=40, type=18}, "\0\0\0\0"...]"#;
        is(Class::Less, &[("[{len=40, type=18}, {family=0}, [{len=8}]]", ours)]);
        is(Class::Less, &[("[[{len=40, type=18}, {family=0}], [{len=20, type=3}]]", ours)]);
        is(Class::Wrong, &[("[{len=41, type=18}, {family=0}]", ours)]);
        let theirs = r#"[{len=40, type=18}, "\2\0\7\0\0\0"]"#;
        is(Class::More, &[(theirs, "[{len=40, type=18}, {family=2}, [{kind=7}]]")]);
        is(Class::Less, &[(theirs, "[{len=40, type=18}, {family=2}, ...]")]);
        is(Class::Wrong, &[(theirs, "[{len=40, type=18}, {family=3}, [{kind=7}]]")]);
    }

    #[test]
    fn signal_sets_have_no_order() {
        is(Class::Equal, &[("[USR1 CHLD]", "[CHLD USR1]")]);
        is(Class::Wrong, &[("[USR1 CHLD]", "[CHLD]"), ("[USR1]", "~[USR1]"), ("[]", "~[]")]);
    }

    #[test]
    fn entry_and_exit_say_more_than_one_of_them() {
        is(Class::Equal, &[("[3] => [8]", "[3 => 8]")]);
        is(Class::More, &[("[3]", "[3 => 8]")]);
        is(Class::Less, &[("[3 => 8]", "[3]")]);
        is(Class::Wrong, &[("[3 => 8]", "[3 => 9]"), ("[3]", "[4 => 5]")]);
    }

    #[test]
    fn one_of_several_names_of_a_command_is_that_command() {
        is(Class::Equal, &[("SNDCTL_TMR_START or TCSETS", "TCSETS")]);
    }

    #[test]
    fn a_call_without_a_name_shows_registers_of_which_arguments_are_parts() {
        let names = Names::builtin();
        let class = |theirs, ours| compare_register(&value(theirs), &value(ours), 4, &names);
        assert_eq!(class("0xffffffffffffff9c", "-100"), Class::Equal);
        assert_eq!(class("0xffffffffffffff9c", "AT_FDCWD"), Class::More);
        assert_eq!(class("0x7f0012345678", "0x12345678"), Class::Equal);
        assert_eq!(class("0x7ff0", "{mask=1}"), Class::More);
        assert_eq!(class("0x5", "6"), Class::Wrong);
        assert_eq!(compare_register(&value("0x123456"), &value("0x3456"), 2, &names), Class::Equal);
        assert_eq!(compare_register(&value("0x123456"), &value("0x3456"), 8, &names), Class::Wrong);
    }
}
