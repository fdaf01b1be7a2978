//! Generates and loads programs, each distinct shape once, and fills the dispatch tables.

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::sync::atomic::Ordering;
use std::thread;

use probe::dispatch::{self, PLAIN, PLAIN_ENTRIES, SLOT_COMPAT, SLOT_REREAD, SLOT_UNKNOWN};
use probe::facts::Facts;
use probe::generate;
use probe::insn::MapRef;
use probe::program::Program;
use schema::layout::{Layout, NUMBERS, Point, Shape};

use crate::bpf::{Loaded, Map};
use crate::mapping::Mapping;
use crate::refusal::Error;
use crate::session::Request;
use crate::types::KernelTypes;

/// A number that no kernel has a call for, for the test call at start.
pub(crate) const CANARY: u32 = 511;

/// Threads that load programs: loading is mostly the kernel's work, and it does it in parallel.
const THREADS: usize = 4;

/// Which records the dispatchers write themselves: a byte per slot of exits, then a word per slot of entries ([`probe::dispatch`]).
#[derive(Debug)]
pub(crate) struct Plain {
    map: Map,
    mapping: Mapping,
}

impl Plain {
    pub(crate) fn create() -> Result<Plain, Error> {
        let map = Map::mapped_array("plain", PLAIN, 1)?;
        let mapping = Mapping::new(&map, PLAIN as usize)?;
        Ok(Plain { map, mapping })
    }

    fn set_exit(&self, slot: u32) {
        // The program behind the slot is there already, so it does not matter when a probe sees this.
        self.mapping.byte(slot as usize).store(1, Ordering::Relaxed);
    }

    fn set_entry(&self, slot: u32, word: u32) {
        // Until a probe sees this the slot is empty or leads to a program that records all registers.
        let at = PLAIN_ENTRIES as usize + slot as usize * 8;
        self.mapping.word(at).store(word.into(), Ordering::Relaxed);
    }
}

/// Maps by role.
#[derive(Debug)]
pub(crate) struct Maps {
    pub(crate) syscalls: Map,
    pub(crate) lifecycle: Map,
    pub(crate) tasks: Map,
    pub(crate) plain: Plain,
    pub(crate) entry: Map,
    pub(crate) exit: Map,
}

impl Maps {
    fn fd(&self, map: MapRef) -> RawFd {
        match map {
            MapRef::Syscalls => self.syscalls.fd(),
            MapRef::Lifecycle => self.lifecycle.fd(),
            MapRef::Tasks => self.tasks.fd(),
            MapRef::Plain => self.plain.map.fd(),
            MapRef::EntrySlots => self.entry.fd(),
            MapRef::ExitSlots => self.exit.fd(),
        }
    }

    /// The dispatch table of one side.
    pub(crate) fn slots(&self, exit: bool) -> &Map {
        if exit { &self.exit } else { &self.entry }
    }
}

/// Ids of the tracepoints that programs attach to.
#[derive(Debug)]
struct Points {
    entry: u32,
    exit: u32,
    others: HashMap<&'static str, u32>,
}

impl Points {
    fn id(&self, point: Point) -> Result<u32, Error> {
        match point {
            Point::Entry => Ok(self.entry),
            Point::Exit => Ok(self.exit),
            Point::Tracepoint(name) => self
                .others
                .get(name)
                .copied()
                .ok_or_else(|| crate::btf::Error::Missing(format!("tracepoint {name}")).into()),
        }
    }
}

/// What the test call needs to be undone afterwards.
#[derive(Debug)]
pub(crate) struct Canary {
    /// Slots to empty again: true for the exit table, and the slot.
    pub(crate) clear: Vec<(bool, u32)>,
    /// Bytes that the two records take.
    pub(crate) bytes: u64,
}

/// Loaded programs and what is needed to load more.
#[derive(Debug)]
pub(crate) struct Loader {
    facts: Facts,
    points: Points,
    pub(crate) maps: Maps,
    loaded: Vec<Loaded>,
    by_shape: HashMap<Shape, usize>,
}

/// Where the program of an event belongs: true for the exit table, and the slot.
fn place(layout: &Layout) -> (bool, u32) {
    let id = layout.event.id as u32;
    let (class, nr) = (id / u32::from(NUMBERS), id % u32::from(NUMBERS));
    match class {
        0 => (false, nr),
        1 => (true, nr),
        2 => (true, SLOT_REREAD + nr),
        3 => (false, SLOT_COMPAT + nr),
        4 => (true, SLOT_COMPAT + nr),
        5 => (true, SLOT_REREAD + SLOT_COMPAT + nr),
        _ => (nr % 2 == 1, SLOT_UNKNOWN + nr / 2),
    }
}

impl Loader {
    pub(crate) fn new(types: &KernelTypes, facts: Facts, maps: Maps) -> Result<Loader, Error> {
        let mut others = HashMap::new();
        for layout in schema::tracepoint::lifecycle() {
            if let Point::Tracepoint(name) = layout.shape.point {
                others.insert(name, types.tracepoint(name)?);
            }
        }
        let points =
            Points { entry: types.tracepoint("sys_enter")?, exit: types.tracepoint("sys_exit")?, others };
        Ok(Loader { facts, points, maps, loaded: Vec::new(), by_shape: HashMap::new() })
    }

    /// The programs that are attached: of entries, if there are such records, and of exits.
    pub(crate) fn dispatchers(&self, entries: bool) -> Result<Vec<Loaded>, Error> {
        let load = |program: Program, id| Loaded::load(&program, id, &|map| self.maps.fd(map));
        let mut programs = Vec::new();
        if entries {
            programs.push(load(dispatch::entry(&self.facts)?, self.points.entry)?);
        }
        programs.push(load(dispatch::exit(&self.facts, !entries)?, self.points.exit)?);
        Ok(programs)
    }

    /// Loads what these layouts need and what is not there yet.
    pub(crate) fn load<'a>(&mut self, layouts: impl Iterator<Item = &'a Layout>) -> Result<(), Error> {
        let mut fresh: Vec<&Layout> = Vec::new();
        for layout in layouts {
            let needed = generate::plain_entry_word(&layout.shape).is_none();
            if needed && !self.by_shape.contains_key(&layout.shape) {
                self.by_shape.insert(layout.shape.clone(), self.loaded.len() + fresh.len());
                fresh.push(layout);
            }
        }
        let loaded = in_parallel(&fresh, |layout| self.load_one(layout));
        self.loaded.extend(loaded.into_iter().collect::<Result<Vec<_>, Error>>()?);
        Ok(())
    }

    fn load_one(&self, layout: &Layout) -> Result<Loaded, Error> {
        let program = generate::program(&layout.event.name, &layout.shape, &self.facts)?;
        let id = self.points.id(layout.shape.point)?;
        Loaded::load(&program, id, &|map| self.maps.fd(map))
    }

    /// The program of a layout that was loaded.
    pub(crate) fn program(&self, layout: &Layout) -> Result<&Loaded, Error> {
        let found = self.by_shape.get(&layout.shape).and_then(|index| self.loaded.get(*index));
        found.ok_or_else(|| crate::btf::Error::Missing(format!("program for {}", layout.event.name)).into())
    }

    /// Puts the program of a call into its slot.
    pub(crate) fn place(&self, layout: &Layout) -> Result<(), Error> {
        let (exit, slot) = place(layout);
        if let Some(word) = generate::plain_entry_word(&layout.shape) {
            self.maps.plain.set_entry(slot, word);
            return Ok(());
        }
        self.maps.slots(exit).set_program(slot, self.program(layout)?)?;
        if generate::is_plain_exit(&layout.shape) {
            self.maps.plain.set_exit(slot);
        }
        Ok(())
    }

    /// Fills the dispatch tables. The slots of the test call are filled in any case.
    pub(crate) fn fill(&self, request: &Request<'_>) -> Result<Canary, Error> {
        let mut clear = Vec::new();
        for layout in request.calls {
            self.place(layout)?;
        }
        let waiting: Vec<(bool, u32)> =
            request.later.iter().map(place).filter(|(_, slot)| *slot < SLOT_REREAD).collect();
        for layout in request.unknown {
            let program = self.program(layout)?;
            let (exit, own) = place(layout);
            let first = if own > SLOT_UNKNOWN { SLOT_COMPAT } else { 0 };
            let nameless = request.nameless.iter().filter(|(i386, _)| *i386 == (first > 0));
            let mut slots: Vec<u32> = nameless.map(|(_, nr)| first + nr % u32::from(NUMBERS)).collect();
            slots.extend(
                waiting
                    .iter()
                    .filter(|(side, slot)| *side == exit && slot & SLOT_COMPAT == first)
                    .map(|w| w.1),
            );
            slots.extend(request.record_unknown.then_some(own));
            if first == 0 && !slots.contains(&CANARY) {
                slots.push(CANARY);
                clear.push((exit, CANARY));
            }
            for slot in slots {
                self.maps.slots(exit).set_program(slot, program)?;
            }
        }
        let records = if request.entries { &request.unknown[..2] } else { &request.unknown[1..2] };
        let bytes = records.iter().map(|l| u64::from(l.shape.fixed_len)).sum();
        Ok(Canary { clear, bytes })
    }
}

/// Results in the order of the layouts, made by several threads.
fn in_parallel(
    layouts: &[&Layout],
    load: impl Fn(&Layout) -> Result<Loaded, Error> + Sync,
) -> Vec<Result<Loaded, Error>> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    if threads == 1 || layouts.len() < 2 * threads {
        return layouts.iter().map(|layout| load(layout)).collect();
    }
    let chunks = layouts.chunks(layouts.len().div_ceil(threads));
    let load = &load;
    thread::scope(|scope| {
        let running: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || chunk.iter().map(|layout| load(layout)).collect::<Vec<_>>()))
            .collect();
        // A thread that panics takes its panic here.
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}
