//! All lines together: what each system call means.

mod builtin;
mod by_name;
mod memory;
mod resolve;
mod undefined;
mod words;

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt as _};

use crate::abi::Abi;
use crate::ast::{
    Bits, CType, Call, Key, Layout, Line, Number, Object, Proto, Set, SetLine, Stored, Struct, TypeLine,
    Union, Variant,
};
use crate::error::{Error, Problem};
use crate::marker::Marker;
use crate::parse::parse_placed;
use by_name::ByName;

pub use resolve::{Arg, Syscall};
pub use undefined::{Expected, Undefined};

/// Everything known about system calls: numbers, prototypes, descriptions, sets, types.
///
/// ```
/// use schema::{Abi, Catalog, Class};
///
/// let mut catalog = Catalog::new();
/// catalog.add("number x86_64 3 close\nclose(fd fd)\nproto close(unsigned int fd)", "example.tt").unwrap();
/// let close = catalog.syscall(Abi::X86_64, 3).unwrap();
/// assert_eq!(close.name, "close");
/// assert_eq!((close.args[0].ctype.as_str(), close.args[0].class), ("unsigned int", Class::Fd));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    numbers: BTreeMap<(Abi, u32), String>,
    ctypes: ByName<CType>,
    protos: ByName<Proto>,
    calls: ByName<Call>,
    variants: ByName<Vec<Variant>>,
    objects: ByName<Object>,
    layouts: ByName<Layout>,
    structs: ByName<Struct>,
    unions: ByName<Union>,
    types: ByName<TypeLine>,
    bits: ByName<Bits>,
    sets: ByName<Set>,
    markers: ByName<Marker>,
    /// Derived from `numbers`.
    by_name: HashMap<(Abi, String), u32>,
    /// Derived from `sets`.
    constants: HashMap<String, u64>,
    /// Derived from `sets`: the masks that items of enumerations state.
    masks: HashMap<String, u64>,
}

/// Two catalogs are equal when they hold the same lines.
impl PartialEq for Catalog {
    fn eq(&self, other: &Self) -> bool {
        self.lines().eq(other.lines())
    }
}

impl Eq for Catalog {}

/// Kinds of names that may not be mixed: a name is a number's type or a memory's type.
fn kind(line: &Line) -> Option<(&str, &'static str)> {
    Some(match line {
        Line::Set(line) if line.set.flags => (&line.set.name, "flags"),
        Line::Set(line) => (&line.set.name, "an enum"),
        Line::Type(line) => (&line.name, "a type"),
        Line::Bits(line) => (&line.name, "bits"),
        Line::Struct(line) => (&line.name, "memory"),
        Line::Layout(line) => (line.name.split('@').next()?, "memory"),
        Line::Union(line) => (&line.name, "memory"),
        Line::Object(line) => (&line.name, "memory"),
        _ => return None,
    })
}

impl Catalog {
    /// A catalog without any line.
    pub fn new() -> Catalog {
        Catalog::default()
    }

    /// Adds the lines of a text, all or none. A later line replaces an earlier one of the same name. `file` names the
    /// text in errors.
    pub fn add(&mut self, text: &str, file: &str) -> Result<(), Error> {
        if self.load(text, file)? {
            self.index_constants();
        }
        Ok(())
    }

    /// The same without the index of constants; true when that must be made anew.
    fn load(&mut self, text: &str, file: &str) -> Result<bool, Error> {
        let lines = parse_placed(text, file)?;
        self.check(&lines, text, file)?;
        let mut sets = false;
        for (_, line) in lines {
            sets |= matches!(line, Line::Set(_) | Line::Marker(_));
            self.insert(line);
        }
        Ok(sets)
    }

    /// Finds what would make `insert` lose something.
    fn check(&self, lines: &[(usize, Line)], text: &str, file: &str) -> Result<(), Error> {
        let mut new: HashMap<&str, &'static str> = HashMap::new();
        for (at, line) in lines {
            if let Line::Marker(marker) = line {
                for set in marker.sets() {
                    let before = new.get(set.name.as_str()).copied().or_else(|| self.kind(&set.name));
                    if let Some(before) = before.filter(|before| *before != "flags") {
                        let problem = Problem::Conflict { name: set.name, before, now: "flags" };
                        return Err(Error::at(file, text, *at, problem));
                    }
                }
            }
            let Some((name, now)) = kind(line) else { continue };
            let before = new.get(name).copied().or_else(|| self.kind(name));
            let problem = match (line, before) {
                (_, Some(before)) if before != now => {
                    Some(Problem::Conflict { name: name.to_owned(), before, now })
                }
                (Line::Set(line), None) if line.extend => Some(Problem::NoSuchSet { name: name.to_owned() }),
                _ => None,
            };
            if let Some(problem) = problem {
                return Err(Error::at(file, text, *at, problem));
            }
            new.insert(name, now);
        }
        Ok(())
    }

    fn kind(&self, name: &str) -> Option<&'static str> {
        if let Some(set) = self.sets.get(name) {
            return Some(if set.flags { "flags" } else { "an enum" });
        }
        if self.types.contains_key(name) {
            return Some("a type");
        }
        if self.bits.contains_key(name) {
            return Some("bits");
        }
        let memory = self.objects.contains_key(name)
            || self.structs.contains_key(name)
            || self.has_layout(name)
            || self.unions.contains_key(name);
        memory.then_some("memory")
    }

    fn insert(&mut self, line: Line) {
        match line {
            Line::Number(Number { abi, nr, name }) => self.insert_number(abi, nr, name),
            Line::CType(line) => drop(self.ctypes.insert(line.name.clone(), line)),
            Line::Proto(line) => drop(self.protos.insert(line.name.clone(), line)),
            Line::Call(line) => drop(self.calls.insert(line.name.clone(), line)),
            Line::Object(line) => drop(self.objects.insert(line.name.clone(), line)),
            Line::Layout(line) => drop(self.layouts.insert(line.name.clone(), line)),
            Line::Struct(line) => drop(self.structs.insert(line.name.clone(), line)),
            Line::Union(line) => drop(self.unions.insert(line.name.clone(), line)),
            Line::Type(line) => drop(self.types.insert(line.name.clone(), line)),
            Line::Bits(line) => drop(self.bits.insert(line.name.clone(), line)),
            Line::Marker(line) => {
                for set in line.sets() {
                    self.sets.insert(set.name.clone(), set);
                }
                self.markers.insert(line.name.clone(), line.without_lists());
            }
            Line::Variant(line) => {
                let variants = self.variants.or_default(line.call.clone());
                match variants.iter_mut().find(|old| old.cases == line.cases && old.on == line.on) {
                    Some(old) => *old = line,
                    None => variants.push(line),
                }
            }
            Line::Set(SetLine { extend, set }) => match self.sets.get_mut(&set.name) {
                Some(old) if extend => {
                    for item in set.items {
                        match old.items.iter_mut().find(|old| old.name == item.name) {
                            Some(old) => *old = item,
                            None => old.items.push(item),
                        }
                    }
                }
                _ => drop(self.sets.insert(set.name.clone(), set)),
            },
        }
    }

    fn insert_number(&mut self, abi: Abi, nr: u32, name: String) {
        if let Some(old) = self.by_name.insert((abi, name.clone()), nr)
            && old != nr
        {
            self.numbers.remove(&(abi, old));
        }
        if let Some(old) = self.numbers.insert((abi, nr), name.clone())
            && old != name
        {
            self.by_name.remove(&(abi, old));
        }
    }

    fn index_constants(&mut self) {
        let items = self.sets.values().flat_map(|set| &set.items);
        self.constants = items.map(|item| (item.name.clone(), item.value)).collect();
        let items = self.sets.values().filter(|set| !set.flags).flat_map(|set| &set.items);
        self.masks = items.filter_map(|item| Some((item.name.clone(), item.mask?))).collect();
    }

    /// All lines, in the order in which they are printed: by kind, then by name or number.
    fn lines(&self) -> impl Iterator<Item = Line> + '_ {
        let numbers = self.numbers.iter();
        let numbers = numbers.map(|(&(abi, nr), name)| Line::Number(Number { abi, nr, name: name.clone() }));
        let sets = self.sets.values().cloned();
        numbers
            .chain(self.ctypes.values().cloned().map(Line::CType))
            .chain(sets.map(|set| Line::Set(SetLine { extend: false, set })))
            .chain(self.types.values().cloned().map(Line::Type))
            .chain(self.bits.values().cloned().map(Line::Bits))
            .chain(self.objects.values().cloned().map(Line::Object))
            .chain(self.layouts.values().cloned().map(Line::Layout))
            .chain(self.structs.values().cloned().map(Line::Struct))
            .chain(self.unions.values().cloned().map(Line::Union))
            .chain(self.protos.values().cloned().map(Line::Proto))
            .chain(self.calls.values().cloned().map(Line::Call))
            .chain(self.variants.values().flatten().cloned().map(Line::Variant))
            .chain(self.markers.values().cloned().map(Line::Marker))
    }

    /// The whole catalog as text; adding it to an empty catalog gives an equal one.
    pub fn print(&self) -> String {
        crate::print::print(&self.lines().collect::<Vec<_>>())
    }

    /// The number of a call.
    pub fn number(&self, abi: Abi, name: &str) -> Option<u32> {
        self.by_name.get(&(abi, name.to_owned())).copied()
    }

    /// The name of a call.
    pub fn name(&self, abi: Abi, nr: u32) -> Option<&str> {
        self.numbers.get(&(abi, nr)).map(String::as_str)
    }

    /// Numbers and names of all calls of a convention, by number.
    pub fn numbers(&self, abi: Abi) -> impl Iterator<Item = (u32, &str)> {
        self.numbers.range((abi, 0)..=(abi, u32::MAX)).map(|(&(_, nr), name)| (nr, name.as_str()))
    }

    /// The set with that name.
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.get(name)
    }

    /// All sets, by name.
    pub fn sets(&self) -> impl Iterator<Item = &Set> {
        self.sets.values()
    }

    /// The `type` line of that name.
    pub fn type_line(&self, name: &str) -> Option<&TypeLine> {
        self.types.get(name)
    }

    /// All `type` lines, by name.
    pub fn types(&self) -> impl Iterator<Item = &TypeLine> {
        self.types.values()
    }

    /// The `bits` line of that name.
    pub fn bits(&self, name: &str) -> Option<&Bits> {
        self.bits.get(name)
    }

    /// All `bits` lines, by name.
    pub fn all_bits(&self) -> impl Iterator<Item = &Bits> {
        self.bits.values()
    }

    /// The marker of that name. The names of its numbers are the sets `MARKER_FIELD`, where there are such.
    pub fn marker(&self, name: &str) -> Option<&Marker> {
        self.markers.get(name)
    }

    /// All markers, by name.
    pub fn markers(&self) -> impl Iterator<Item = &Marker> {
        self.markers.values()
    }

    /// The call line of that name (`clone@i386` for a line of one convention).
    pub fn call(&self, name: &str) -> Option<&Call> {
        self.calls.get(name)
    }

    /// All call lines, by name.
    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.calls.values()
    }

    /// Variants of a call, in the order of the texts.
    pub fn variants(&self, call: &str) -> &[Variant] {
        self.variants.get(call).map_or(&[], Vec::as_slice)
    }

    /// The prototype of that name.
    pub fn proto(&self, name: &str) -> Option<&Proto> {
        self.protos.get(name)
    }

    /// All prototypes, by name.
    pub fn protos(&self) -> impl Iterator<Item = &Proto> {
        self.protos.values()
    }

    /// States the kernel's own declaration of a call; it replaces the one of the tables.
    pub fn declare(&mut self, proto: Proto) {
        self.insert(Line::Proto(proto));
    }

    /// States width and sign of a C type in a 64-bit process; what is known of it in an i386 call stays.
    pub fn declare_ctype(&mut self, name: &str, stored: Stored) {
        let stored_i386 = self.ctypes.get(name).and_then(|old| old.stored_i386);
        self.insert(Line::CType(CType { name: name.to_owned(), stored, stored_i386 }));
    }

    /// The value of a constant, by the name of an item in any set.
    pub fn constant(&self, name: &str) -> Option<u64> {
        self.constants.get(name).copied()
    }

    /// The bits that decide whether a value of an enumeration is that constant, where not all do: the number of an `ioctl`
    /// command that holds a length is another one for each length.
    pub fn mask(&self, name: &str) -> Option<u64> {
        self.masks.get(name).copied()
    }

    /// True when the key of a variant or of an arm stands for that value.
    pub fn key_fits(&self, key: &Key, value: i128) -> bool {
        match key {
            // Constants are kept as 64 bits, negative ones as two's complement; commands are 32 bits wide.
            Key::Name(name) => self.constant(name).is_some_and(|constant| match self.mask(name) {
                Some(mask) => value as u64 & mask == constant,
                None => i128::from(constant) == value || i128::from(constant as i64) == value,
            }),
            Key::Number(number) => *number == value,
            Key::Range(low, high) => (*low..=*high).contains(&value),
            Key::Any => true,
        }
    }
}

#[cfg(test)]
mod tests;
