//! A set of names as the arguments of a `print fmt`: `__print_flags` and `__print_symbolic`.
//!
//! Those know no masks. A set that has some becomes several strings, shown one behind the other: a number within the flags
//! by `__print_symbolic`, all single flags by one `__print_flags`, and signs between them where both sides are there.

use std::fmt::Write as _;

use crate::ast::{Bits, Item, Set};

/// The slots of a `bits` line as a set of flags.
pub(super) fn of_bits(bits: &Bits) -> Set {
    let slots = bits.slots.iter().enumerate().take(64);
    let items =
        slots.filter_map(|(bit, name)| Some(Item { name: name.clone()?, value: 1 << bit, mask: None }));
    Set {
        name: bits.name.clone(),
        flags: true,
        stored: Some(bits.stored),
        render: bits.render.clone(),
        items: items.collect(),
    }
}

/// A part of a value's text.
struct Piece {
    /// When it is there; `None`: always.
    there: Option<String>,
    /// The string, for when it is there.
    string: String,
}

/// A number within the flags: items that share a mask.
struct Number<'s> {
    mask: u64,
    items: Vec<&'s Item>,
}

/// Expressions of C, each a string; one behind the other they are the names of `value`, of which `bits` bits count.
pub(super) fn pieces(set: &Set, value: &str, bits: u32) -> Vec<String> {
    let width = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
    if !set.flags {
        return vec![one_of(set, value, width)];
    }
    let (numbers, single, zero) = split(set, width);
    let single_bits = single.iter().fold(0, |bits, item| bits | item.value & width);
    let mut rest = width;
    let mut pieces: Vec<Piece> = Vec::new();
    // Bits of the single flags, less those that a number takes when it has its one value.
    let mut flags = value.to_owned();
    for number in &numbers {
        let part = format!("({value} & {:#x})", number.mask);
        match number.items.as_slice() {
            // One value of many bits, some of which have names of their own.
            [item] if number.mask & single_bits != 0 => {
                let there = format!("{part} == {:#x}", item.value & width);
                let without = format!("({flags} & {:#x})", width & !number.mask);
                flags = format!("(({there}) ? {without} : {flags})");
                pieces.push(Piece { there: Some(there), string: format!("\"{}\"", item.name) });
            }
            items => {
                rest &= !number.mask;
                let always = items.iter().any(|item| item.value & width == 0);
                let string = symbolic(&part, items.iter().copied(), width);
                pieces.push(Piece { there: (!always).then_some(part), string });
            }
        }
    }
    let flags = if rest == width { flags } else { format!("({flags} & {rest:#x})") };
    if rest != 0 {
        let named: Vec<String> = single.iter().map(|item| symbol(item, width)).collect();
        let named = if named.is_empty() { "{ 0, \"\" }".to_owned() } else { named.join(", ") };
        let string = format!("__print_flags({flags}, \"|\", {named})");
        let first = |items: &[&Item]| {
            items.iter().filter_map(|item| set.items.iter().position(|other| other == *item)).min()
        };
        let before = numbers.iter().filter(|number| first(&number.items) < first(&single)).count();
        pieces.insert(before, Piece { there: Some(flags), string });
    }
    let mut strings = join(&pieces);
    let zero_has_name = numbers.iter().flat_map(|number| &number.items).any(|item| item.value & width == 0);
    if !zero_has_name && pieces.iter().all(|piece| piece.there.is_some()) {
        let name = zero.map_or("0", |item| item.name.as_str());
        strings.push(format!("({value} == 0) ? \"{name}\" : \"\""));
    }
    strings
}

/// The name of one value; of those that are not decided by all their bits, without the rest.
fn one_of(set: &Set, value: &str, width: u64) -> String {
    let whole = symbolic(value, set.items.iter().filter(|item| item.mask.is_none()), width);
    let masked = set.items.iter().rev().filter_map(|item| Some((item, item.mask? & width)));
    masked.fold(whole, |otherwise, (item, mask)| {
        let mut there = format!("({value} & {mask:#x}) == {:#x}", item.value & width);
        // A name for just one of these values goes first.
        let own = |other: &&Item| other.mask.is_none() && other.value & mask == item.value & width;
        for other in set.items.iter().filter(own) {
            let _ = write!(there, " && {value} != {:#x}", other.value & width);
        }
        format!("(({there}) ? \"{}\" : {otherwise})", item.name)
    })
}

/// Numbers within the flags, single flags (those of many bits before their parts), and the name of 0.
fn split(set: &Set, width: u64) -> (Vec<Number<'_>>, Vec<&Item>, Option<&Item>) {
    let mut numbers: Vec<Number<'_>> = Vec::new();
    let (mut single, mut zero) = (Vec::new(), None);
    for item in &set.items {
        let mask = item.mask(set.flags) & width;
        if mask == 0 {
            zero = zero.or(Some(item));
        } else if item.mask.is_none() && set.flags {
            single.push(item);
        } else {
            match numbers.iter_mut().find(|number| number.mask == mask) {
                Some(number) => number.items.push(item),
                None => numbers.push(Number { mask, items: vec![item] }),
            }
        }
    }
    // Stable; a flag goes behind those that contain it.
    single.sort_by_key(|item| {
        let inside = |other: &&Item| other.value & item.value == item.value && other.value != item.value;
        set.items.iter().any(|other| other.mask.is_none() && inside(&other))
    });
    (numbers, single, zero)
}

/// `{ 0x40, "O_CREAT" }`. Negative numbers are compared without their extension.
fn symbol(item: &Item, width: u64) -> String {
    match item.value & width {
        0 => format!("{{ 0, \"{}\" }}", item.name),
        value => format!("{{ {value:#x}, \"{}\" }}", item.name),
    }
}

/// The first name of each value.
fn symbolic<'s>(value: &str, items: impl Iterator<Item = &'s Item>, width: u64) -> String {
    let mut seen = std::collections::HashSet::new();
    let items = items.filter(|item| seen.insert(item.value & width)).map(|item| symbol(item, width));
    format!("__print_symbolic({value}, {})", items.collect::<Vec<_>>().join(", "))
}

/// The strings, and between them `|` where something is on both sides.
fn join(pieces: &[Piece]) -> Vec<String> {
    let mut strings = Vec::new();
    // When something is there already; `None` when that is certain.
    let mut before: Option<String> = Some(String::new());
    for piece in pieces {
        let sign = match (&before, &piece.there) {
            (Some(before), _) if before.is_empty() => None,
            (None, None) => Some("\"|\"".to_owned()),
            (None, Some(now)) => Some(format!("({now}) ? \"|\" : \"\"")),
            (Some(before), None) => Some(format!("({before}) ? \"|\" : \"\"")),
            (Some(before), Some(now)) => Some(format!("(({before}) && ({now})) ? \"|\" : \"\"")),
        };
        strings.extend(sign);
        strings.push(match &piece.there {
            Some(there) => format!("({there}) ? {} : \"\"", piece.string),
            None => piece.string.clone(),
        });
        before = match (before, &piece.there) {
            (Some(before), Some(now)) if before.is_empty() => Some(format!("({now})")),
            (Some(before), Some(now)) => Some(format!("{before} || ({now})")),
            _ => None,
        };
    }
    strings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    fn shown(line: &str) -> Vec<String> {
        let mut catalog = Catalog::new();
        catalog.add(line, "test.tt").unwrap();
        pieces(catalog.sets().next().unwrap(), "x", 32)
    }

    #[test]
    fn one_of_several_is_one_symbol() {
        let expected = "__print_symbolic(x, { 0xffffff9c, \"AT_FDCWD\" }, { 0x1, \"ONE\" })";
        assert_eq!(shown("enum e = AT_FDCWD -100, ONE 1, FIRST 1"), [expected]);
    }

    #[test]
    fn a_name_for_several_values_is_asked_by_its_mask() {
        let expected = "(((x & 0xff00) == 0x4500) ? \"ANY\" : __print_symbolic(x, { 0x1, \"ONE\" }))";
        assert_eq!(shown("enum e = ONE 1, ANY 0x4500/0xff00"), [expected]);
        let expected = "(((x & 0xff00) == 0x4500 && x != 0x4501) ? \"ANY\" : \
            __print_symbolic(x, { 0x4501, \"ONE\" }))";
        assert_eq!(shown("enum e = ONE 0x4501, ANY 0x4500/0xff00"), [expected]);
    }

    #[test]
    fn flags_are_one_list_and_zero_has_its_name() {
        let expected = [
            "(x) ? __print_flags(x, \"|\", { 0x1, \"READ\" }, { 0x2, \"WRITE\" }) : \"\"",
            "(x == 0) ? \"NONE\" : \"\"",
        ];
        assert_eq!(shown("flags f = NONE 0, READ 1, WRITE 2"), expected);
    }

    #[test]
    fn a_flag_of_several_bits_comes_before_its_parts() {
        let text = shown("flags f = DSYNC 1, SYNC 3").concat();
        assert!(text.find("\"SYNC\"") < text.find("\"DSYNC\""), "{text}");
    }

    #[test]
    fn a_number_within_flags_is_a_symbol_of_its_own() {
        let expected = [
            "__print_symbolic((x & 0x3), { 0, \"RDONLY\" }, { 0x1, \"WRONLY\" })",
            "((x & 0xfffffffc)) ? \"|\" : \"\"",
            "((x & 0xfffffffc)) ? __print_flags((x & 0xfffffffc), \"|\", { 0x40, \"CREAT\" }) : \"\"",
        ];
        assert_eq!(shown("flags f = RDONLY 0/3, WRONLY 1/3, CREAT 0x40"), expected);
    }
}
