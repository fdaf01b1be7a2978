//! What an event type means: entry or exit of which call, and which field belongs to which argument.
//!
//! All of it follows from the field names (`docs/format.md`), so a trace can be paired without any table.

use std::sync::Arc;

use ctf::types::{EventType, FieldType};
use foldhash::{HashMap, HashMapExt as _};
use schema::ast::Stored;
use schema::{Abi, Catalog, Syscall};

use crate::argument::part_name;

/// Part of an event type in a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// `syscall_entry_NAME`.
    Entry {
        /// Convention.
        abi: Abi,
        /// The call's name.
        name: Arc<str>,
        /// What the catalog says of it, when its arguments are those of the event.
        syscall: Option<Arc<Syscall>>,
        /// Arguments, in register order as far as that is known.
        slots: Vec<Slot>,
    },
    /// `syscall_exit_NAME`.
    Exit {
        /// Convention.
        abi: Abi,
        /// The call's name.
        name: Arc<str>,
        /// What the catalog says of it.
        syscall: Option<Arc<Syscall>>,
        /// Arguments that the exit speaks of.
        slots: Vec<Slot>,
    },
    /// `syscall_entry_unknown`.
    UnknownEntry(Abi),
    /// `syscall_exit_unknown`.
    UnknownExit(Abi),
    /// Nothing to do with a call.
    Other,
}

/// Where the parts of one argument stand among the fields of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The argument's name.
    pub name: Arc<str>,
    /// Width and sign of the register.
    pub stored: Stored,
    /// Index of the register's value.
    pub raw: Option<usize>,
    /// Index of the state of what it points to.
    pub state: Option<usize>,
    /// Index of what it points to.
    pub content: Option<usize>,
    /// Index of the number of elements or bytes behind it.
    pub count: Option<usize>,
    /// What is reached through what it points to; the names without the argument's.
    pub parts: Vec<Slot>,
}

/// Roles of the event types met so far, each found once.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    catalog: Option<Arc<Catalog>>,
    /// By stream type and event id; the event type is kept to notice another trace with the same ids.
    known: HashMap<(u64, u64), (Arc<EventType>, Arc<Role>)>,
}

impl Roles {
    /// None known yet; descriptions come from that catalog.
    pub fn new(catalog: Option<Arc<Catalog>>) -> Self {
        Roles { catalog, known: HashMap::new() }
    }

    /// The catalog.
    pub fn catalog(&self) -> Option<&Catalog> {
        self.catalog.as_deref()
    }

    /// The role of an event type.
    pub fn of(&mut self, event_type: &Arc<EventType>) -> Arc<Role> {
        let key = (event_type.stream_id, event_type.id);
        if let Some((known, role)) = self.known.get(&key)
            && Arc::ptr_eq(known, event_type)
        {
            return Arc::clone(role);
        }
        let role = Arc::new(Role::of(event_type, self.catalog.as_deref()));
        self.known.insert(key, (Arc::clone(event_type), Arc::clone(&role)));
        role
    }
}

/// Stored width of an argument of which no register is recorded.
const POINTER: Stored = Stored { bytes: 8, signed: false };

impl Role {
    /// The role of an event type, by its name and fields.
    pub fn of(event_type: &EventType, catalog: Option<&Catalog>) -> Role {
        let name = event_type.name.as_str();
        let (abi, plain) = match name.strip_prefix("compat_") {
            Some(plain) => (Abi::I386, plain),
            None => (Abi::X86_64, name),
        };
        if let Some(name) = plain.strip_prefix("syscall_entry_") {
            if name == "unknown" {
                return Role::UnknownEntry(abi);
            }
            let (syscall, slots) = agree(lookup(catalog, abi, name), nested(slots(event_type, false)));
            return Role::Entry { abi, name: name.into(), syscall, slots };
        }
        if let Some(name) = plain.strip_prefix("syscall_exit_") {
            if name == "unknown" {
                return Role::UnknownExit(abi);
            }
            let syscall = lookup(catalog, abi, name);
            return Role::Exit { abi, name: name.into(), syscall, slots: slots(event_type, true) };
        }
        Role::Other
    }
}

fn lookup(catalog: Option<&Catalog>, abi: Abi, name: &str) -> Option<Arc<Syscall>> {
    catalog?.syscall_by_name(abi, name).map(Arc::new)
}

/// Puts the slots in the order of the call's arguments. A description with other arguments than the event has is of
/// another kernel and is dropped: the event is the truth.
fn agree(syscall: Option<Arc<Syscall>>, slots: Vec<Slot>) -> (Option<Arc<Syscall>>, Vec<Slot>) {
    let Some(syscall) = syscall else { return (None, slots) };
    let known = |slot: &Slot| syscall.args.iter().any(|arg| *arg.name == *slot.name);
    if !slots.iter().all(known) {
        return (None, slots);
    }
    let ordered = syscall.args.iter().map(|arg| {
        let slot = slots.iter().find(|slot| *slot.name == *arg.name).cloned();
        slot.unwrap_or_else(|| Slot { stored: arg.stored, ..Slot::empty(&arg.name) })
    });
    let ordered = ordered.collect();
    (Some(syscall), ordered)
}

impl Slot {
    pub(crate) fn empty(name: &str) -> Slot {
        Slot {
            name: name.into(),
            stored: POINTER,
            raw: None,
            state: None,
            content: None,
            count: None,
            parts: Vec::new(),
        }
    }
}

/// Puts parts under their arguments. In an entry every argument has its register; what has none is a part of the argument
/// whose name it begins with.
fn nested(slots: Vec<Slot>) -> Vec<Slot> {
    let is_part = |slot: &Slot| slot.raw.is_none() && slot.state.is_some();
    let (parts, mut args): (Vec<_>, Vec<_>) = slots.into_iter().partition(is_part);
    for part in parts {
        let names = args.iter().enumerate();
        let owner = names.filter_map(|(at, arg)| Some((at, part_name(&part.name, &arg.name)?)));
        let owner = owner.min_by_key(|(_, name)| name.len()).map(|(at, name)| (at, name.into()));
        match owner.and_then(|(at, name)| Some((args.get_mut(at)?, name))) {
            Some((arg, name)) => arg.parts.push(Slot { name, ..part }),
            None => args.push(part),
        }
    }
    args
}

/// Groups the fields of an event by argument, in order of first appearance.
fn slots(event_type: &EventType, exit: bool) -> Vec<Slot> {
    let fields = &event_type.fields.fields;
    let has = |base: &str, suffix: &str| {
        fields.iter().any(|field| field.name.strip_suffix(suffix).is_some_and(|rest| rest == base))
    };
    let mut slots: Vec<Slot> = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        if exit && field.name == "ret" {
            continue;
        }
        let (base, part) = part_of(&field.name, &has, exit);
        let i = slots.iter().position(|slot| &*slot.name == base).unwrap_or_else(|| {
            slots.push(Slot::empty(base));
            slots.len() - 1
        });
        let Some(slot) = slots.get_mut(i) else { continue };
        match (part, &field.field_type) {
            (Part::State, _) => slot.state = Some(at),
            (Part::Content, _) => slot.content = Some(at),
            (Part::Length, _) => slot.count = Some(at),
            (_, FieldType::Int(int)) => {
                slot.raw = Some(at);
                slot.stored = stored(int.bits, int.signed);
            }
            (_, FieldType::Enum(e)) => {
                slot.raw = Some(at);
                slot.stored = stored(e.container.bits, e.container.signed);
            }
            // Other tracers write a string under the argument's own name and no pointer.
            _ => slot.content = Some(at),
        }
    }
    slots
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Register,
    State,
    Length,
    Content,
}

/// The argument that a field belongs to, and as what.
fn part_of<'f>(name: &'f str, has: &impl Fn(&str, &str) -> bool, exit: bool) -> (&'f str, Part) {
    let suffixes = [
        ("_state", Part::State),
        ("_data_len", Part::Length),
        ("_len", Part::Length),
        ("_count", Part::Length),
        ("_data", Part::Content),
        ("_ptr", Part::Register),
    ];
    for (suffix, part) in suffixes {
        if let Some(base) = name.strip_suffix(suffix)
            && has(base, "_state")
            // `x_state` alone could be an argument of that name.
            && !(suffix == "_len" && has(base, "_data_len"))
            && (part != Part::State || has(base, "") || has(base, "_data") || has(base, "_ptr"))
        {
            return (base, part);
        }
    }
    let text = has(name, "_state") && (has(name, "_ptr") || (exit && !has(name, "_data")));
    (name, if text { Part::Content } else { Part::Register })
}

fn stored(bits: u32, signed: bool) -> Stored {
    Stored { bytes: (bits.div_ceil(8)).next_power_of_two().min(8) as u8, signed }
}
