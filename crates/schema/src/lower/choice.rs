//! What lies behind an argument, for each command of a call with `switch`.

use super::length::Scope;
use super::{Behind, Lowering, Sides};
use crate::abi::Abi;
use crate::ast::{Call, Direction, Extent, Key, Param, Variant};
use crate::catalog::Arg;
use crate::class::Class;
use crate::layout::{Choice, Copy, Length, Steps, Take};

/// Bytes that are kept of an object that a command names.
const OBJECT: u16 = 512;
/// Longest string that a command names.
const STRING: u16 = 1023;
/// Direction bits of an `ioctl` number (`asm-generic/ioctl.h`): the kernel reads, the kernel writes.
const IOC_WRITE: u8 = 1;
const IOC_READ: u8 = 2;

/// First and last command, and what they mean.
type Case = (i32, i32, Take);

/// Which side of a call a program is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Entry,
    Exit,
    /// At exit: what is written there, and what the kernel was to read.
    Reread,
}

impl Lowering<'_> {
    /// The call line and the variants of the call at hand.
    fn switched(&self) -> Option<(&Call, &[Variant])> {
        let own = format!("{}@i386", self.syscall.name);
        let own = (self.syscall.abi == Abi::I386).then(|| self.catalog.call(&own)).flatten();
        let call = own.or_else(|| self.catalog.call(&self.syscall.name))?;
        Some((call, self.catalog.variants(&call.name)))
    }

    /// True when some command gives an argument another type.
    pub(super) fn is_retyped(&self, name: &str) -> bool {
        let variants = self.switched().map_or(&[][..], |(_, variants)| variants);
        variants.iter().any(|variant| variant.params.iter().any(|param| param.name == name))
    }

    /// What is copied of an argument that commands change the meaning of; `None` when none does, or none whose argument the
    /// base line does not describe as well.
    pub(super) fn chosen(&self, arg: &Arg) -> Option<Sides> {
        let (call, variants) = self.switched()?;
        let [command] = call.switch.as_slice() else { return None };
        let by_size = matches!(arg.param.extent, Some(Extent::Bytes(..)));
        if matches!(arg.class, Class::Bytes | Class::Str | Class::Path) || by_size {
            return None;
        }
        let command = self.steps(command)?;
        let choice = |side| self.choice(arg, &command, variants, side);
        if !self.is_retyped(&arg.name) && arg.class != Class::Ioc {
            return None;
        }
        let (entry, exit) = (choice(Side::Entry), choice(Side::Exit));
        let reread = entry.is_some().then(|| choice(Side::Reread)).flatten();
        Some(Sides { entry, exit, reread })
    }

    /// Parts of an argument that some commands make an object with pointers in it.
    pub(super) fn chosen_parts(&self, register: u8, arg: &Arg, behind: &mut Vec<Behind>) {
        let Some((call, variants)) = self.switched() else { return };
        let [command] = call.switch.as_slice() else { return };
        let Some(command) = self.steps(command) else { return };
        let mut parts: Vec<(Behind, [Vec<Case>; 3])> = Vec::new();
        for variant in variants {
            let Some(param) = variant.params.iter().find(|param| param.name == arg.name) else { continue };
            let mut found = Vec::new();
            self.parts(register, (param, self.catalog.class(param)), &mut found);
            for part in found.into_iter().filter(|part| part.guard.is_none()) {
                let same = |known: &(Behind, _)| known.0.name == part.name && known.0.pointer == part.pointer;
                let at = parts.iter().position(same).unwrap_or_else(|| {
                    parts.push((part.clone(), Default::default()));
                    parts.len() - 1
                });
                let sides =
                    [(&part.sides.entry, false), (&part.sides.exit, true), (&part.sides.reread, false)];
                for ((copy, written), cases) in sides.into_iter().zip(&mut parts[at].1) {
                    if let Some(take) = copy.as_ref().and_then(|copy| taken(copy, written)) {
                        self.put_keys(cases, variant, &take);
                    }
                }
            }
        }
        for (part, cases) in parts {
            let [entry, exit, reread] = cases.map(|cases| chosen_from(&command, cases, Take::Nothing));
            let sides = Sides { entry, exit, reread };
            if !sides.is_empty() {
                behind.push(Behind { sides, ..part });
            }
        }
    }

    /// The commands of a variant mean this. A probe does not know the descriptor's file: where a command means something else on other
    /// files, the larger of it is kept.
    fn put_keys(&self, cases: &mut Vec<Case>, variant: &Variant, take: &Take) {
        for key in variant.cases.iter().filter_map(|case| case.first()) {
            if let Some((low, high)) = self.range(key) {
                let known = cases.get(overlapping(cases, low, high)).and_then(|found| found.first());
                let known = known.filter(|case| (case.0, case.1) == (low, high));
                let take = match known {
                    Some((_, _, known)) if variant.on.is_some() => larger(known, take),
                    _ => take,
                };
                let take = take.clone();
                put(cases, (low, high, take));
            }
        }
    }

    fn choice(&self, arg: &Arg, command: &Steps, variants: &[Variant], side: Side) -> Option<Copy> {
        let otherwise = match arg.class {
            Class::Ioc => ioctl(side),
            class => self.take(&arg.param, class, side),
        };
        let mut cases = Vec::new();
        for variant in variants {
            let Some(param) = variant.params.iter().find(|param| param.name == arg.name) else { continue };
            let take = self.take(param, self.catalog.class(param), side);
            self.put_keys(&mut cases, variant, &take);
        }
        if arg.class == Class::Ioc {
            cases.retain(|(low, high, take)| low != high || !is_in_the_number(*low, take, side));
        }
        chosen_from(command, cases, otherwise)
    }

    /// The commands of a key, as signed numbers of 32 bits.
    fn range(&self, key: &Key) -> Option<(i32, i32)> {
        let number = |number: i128| {
            i32::try_from(number).ok().or_else(|| u32::try_from(number).ok().map(|number| number as i32))
        };
        match key {
            // The numbers that a mask leaves are no range.
            Key::Name(name) if self.catalog.mask(name).is_some() => None,
            Key::Name(name) => {
                let value = self.catalog.constant(name)?;
                let value = number(value.into()).or_else(|| number((value as i64).into()))?;
                Some((value, value))
            }
            Key::Number(value) => number(*value).map(|value| (value, value)),
            Key::Range(low, high) => Some((number(*low)?, number(*high)?)),
            Key::Any => None,
        }
    }

    /// What a probe takes of a parameter on one side of the call.
    fn take(&self, param: &Param, class: Class, side: Side) -> Take {
        let direction = match param.direction {
            None if matches!(class, Class::Str | Class::Path) => Some(Direction::In),
            direction => direction,
        };
        let written = match (direction, side) {
            (Some(Direction::In | Direction::InOut), Side::Entry) => false,
            (Some(Direction::In), Side::Reread) => false,
            (Some(Direction::Out | Direction::InOut), Side::Exit | Side::Reread) => true,
            _ => return Take::Nothing,
        };
        let whole = matches!(class, Class::Struct | Class::Array);
        if whole && let Some(size) = self.object(param).and_then(|size| u16::try_from(size).ok()) {
            return Take::Bytes { length: Length::Fixed(size), cap: size.min(OBJECT), written };
        }
        let copy = self.copy(param, class, Scope::Call, written);
        copy.and_then(|copy| taken(&copy, written)).unwrap_or(Take::Nothing)
    }
}

/// The one that keeps more bytes.
fn larger<'a>(a: &'a Take, b: &'a Take) -> &'a Take {
    let bytes = |take: &Take| match take {
        Take::Nothing => 0,
        Take::Bytes { length: Length::Fixed(len), cap, .. } => (*len).min(*cap),
        Take::String { cap } | Take::Bytes { cap, .. } | Take::Ioctl { cap, .. } => *cap,
    };
    if bytes(a) > bytes(b) { a } else { b }
}

/// What a plain copy is among the cases of a choice.
fn taken(copy: &Copy, written: bool) -> Option<Take> {
    match copy {
        Copy::String { cap } => Some(Take::String { cap: (*cap).min(STRING) }),
        Copy::Bytes { length, cap } => Some(Take::Bytes { length: length.clone(), cap: *cap, written }),
        Copy::Object { size, .. } => Some(Take::Bytes { length: Length::Fixed(*size), cap: *size, written }),
        _ => None,
    }
}

/// A choice among cases; `None` when all of them are nothing.
fn chosen_from(command: &Steps, mut cases: Vec<Case>, otherwise: Take) -> Option<Copy> {
    cases.retain(|(_, _, take)| *take != otherwise);
    let choice = Choice { command: command.clone(), cases, otherwise };
    let any = choice.takes().any(|take| *take != Take::Nothing);
    any.then_some(Copy::Chosen(choice))
}

fn ioctl(side: Side) -> Take {
    match side {
        Side::Entry => Take::Ioctl { cap: OBJECT, direction: IOC_WRITE, written: false },
        Side::Exit => Take::Ioctl { cap: OBJECT, direction: IOC_READ, written: true },
        // What an unknown driver was to read, and what it wrote.
        Side::Reread => Take::Ioctl { cap: OBJECT, direction: IOC_WRITE | IOC_READ, written: false },
    }
}

/// True when the number of an `ioctl` command says the same as the table: such commands need no case of their own.
fn is_in_the_number(command: i32, take: &Take, side: Side) -> bool {
    let direction = (command as u32 >> 30) as u8;
    let moved = match side {
        Side::Entry => direction & IOC_WRITE,
        Side::Exit => direction & IOC_READ,
        Side::Reread => direction & (IOC_WRITE | IOC_READ),
    };
    match take {
        Take::Nothing => moved == 0,
        Take::Bytes { length: Length::Fixed(size), .. } => {
            moved != 0 && u32::from(*size) == command as u32 >> 16 & 0x3fff
        }
        _ => false,
    }
}

/// Where the cases that have commands of a range stand among disjoint cases in order.
fn overlapping(cases: &[Case], low: i32, high: i32) -> std::ops::Range<usize> {
    let from = cases.partition_point(|case| case.1 < low);
    let to = cases.partition_point(|case| case.0 <= high);
    from..to.max(from)
}

/// Adds a case to disjoint cases in order; where they overlap, the new one counts.
fn put(cases: &mut Vec<Case>, new: Case) {
    let (low, high, _) = new;
    let among = overlapping(cases, low, high);
    let mut pieces = Vec::new();
    for (from, to, take) in &cases[among.clone()] {
        if let Some(end) = low.checked_sub(1).filter(|end| *end >= *from) {
            pieces.push((*from, end, take.clone()));
        }
        if let Some(begin) = high.checked_add(1).filter(|begin| *begin <= *to) {
            pieces.push((begin, *to, take.clone()));
        }
    }
    pieces.push(new);
    pieces.sort_by_key(|case| case.0);
    cases.splice(among, pieces);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_whose_number_says_it_all_is_no_case() {
        let bytes = |size| Take::Bytes { length: Length::Fixed(size), cap: size, written: true };
        // RNDGETENTCNT, _IOR('R', 0, int): written at exit, four bytes.
        assert!(is_in_the_number(0x8004_5200_u32 as i32, &bytes(4), Side::Exit));
        assert!(is_in_the_number(0x8004_5200_u32 as i32, &Take::Nothing, Side::Entry));
        assert!(!is_in_the_number(0x8004_5200_u32 as i32, &bytes(8), Side::Exit));
        // TCGETS says nothing.
        assert!(!is_in_the_number(0x5401, &bytes(36), Side::Exit));
    }

    #[test]
    fn a_later_case_takes_its_commands_from_earlier_ones() {
        let string = |cap| Take::String { cap };
        let mut cases = Vec::new();
        put(&mut cases, (0, 9, string(1)));
        put(&mut cases, (4, 5, string(2)));
        put(&mut cases, (9, 12, string(3)));
        assert_eq!(cases, [(0, 3, string(1)), (4, 5, string(2)), (6, 8, string(1)), (9, 12, string(3))]);
    }
}
