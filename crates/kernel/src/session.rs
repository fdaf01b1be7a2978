//! A recording from start to end: maps made, programs generated, loaded and attached, events proven to arrive.

use std::collections::HashMap;
use std::os::fd::RawFd;

use probe::dispatch::{self, SLOT_COMPAT, SLOT_REREAD, SLOT_UNKNOWN};
use probe::facts::Facts;
use probe::generate;
use probe::insn::MapRef;
use probe::program::Program;
use probe::ring::Geometry;
use schema::layout::{Layout, NUMBERS, Point, Shape};

use crate::bpf::{Link, Loaded, Map};
use crate::process;
use crate::refusal::Error;
use crate::ring::{self, HeaderConstants, Ring};
use crate::tasks::Tasks;
use crate::types::KernelTypes;

/// A number that no kernel has a call for, for the test call at start.
const CANARY: i64 = 511;

/// What to record.
#[derive(Debug)]
pub struct Request<'a> {
    /// Layouts of the selected calls.
    pub calls: &'a [Layout],
    /// Layouts of calls without a name; entry and exit, native and i386.
    pub unknown: &'a [Layout; 4],
    /// True when calls without a name are recorded.
    pub record_unknown: bool,
    /// Layouts of process events.
    pub lifecycle: &'a [Layout],
    /// Sizes of the rings of calls.
    pub syscalls: Geometry,
    /// Sizes of the rings of process events.
    pub lifecycle_ring: Geometry,
    /// The trace's uuid.
    pub uuid: [u8; 16],
}

/// An attached recording. Dropping it detaches everything.
#[derive(Debug)]
pub struct Session {
    links: Vec<Link>,
    dispatchers: Vec<Loaded>,
    _records: Vec<Loaded>,
    slots: Slots,
    tasks: Tasks,
    syscalls: Vec<Ring>,
    lifecycle: Vec<Ring>,
    _maps: Vec<Map>,
}

/// The two dispatch tables.
#[derive(Debug)]
struct Slots {
    entry: Map,
    exit: Map,
}

/// Maps by role, while programs are loaded.
struct Maps<'a> {
    syscalls: &'a Map,
    lifecycle: &'a Map,
    tasks: &'a Map,
    slots: &'a Slots,
}

impl Maps<'_> {
    fn fd(&self, map: MapRef) -> RawFd {
        match map {
            MapRef::Syscalls => self.syscalls.fd(),
            MapRef::Lifecycle => self.lifecycle.fd(),
            MapRef::Tasks => self.tasks.fd(),
            MapRef::EntrySlots => self.slots.entry.fd(),
            MapRef::ExitSlots => self.slots.exit.fd(),
        }
    }
}

/// Ids of the tracepoints that programs of calls attach to.
struct Points {
    entry: u32,
    exit: u32,
}

/// Loads programs, each distinct shape once.
struct Loader<'a> {
    facts: &'a Facts,
    types: &'a KernelTypes,
    points: Points,
    maps: Maps<'a>,
    loaded: Vec<Loaded>,
    by_shape: HashMap<&'a Shape, usize>,
}

impl<'a> Loader<'a> {
    fn load(&self, program: &Program, attach: u32) -> Result<Loaded, Error> {
        Loaded::load(program, attach, &|map| self.maps.fd(map))
    }

    /// The program for a layout, loaded now or before.
    fn program(&mut self, layout: &'a Layout) -> Result<usize, Error> {
        if let Some(index) = self.by_shape.get(&layout.shape) {
            return Ok(*index);
        }
        let attach = match layout.shape.point {
            Point::Entry => self.points.entry,
            Point::Exit => self.points.exit,
            Point::Tracepoint(name) => self.types.tracepoint(name)?,
        };
        let program = generate::program(&layout.event.name, &layout.shape, self.facts)?;
        self.loaded.push(self.load(&program, attach)?);
        self.by_shape.insert(&layout.shape, self.loaded.len() - 1);
        Ok(self.loaded.len() - 1)
    }
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

impl Slots {
    fn set(&self, (exit, slot): (bool, u32), program: &Loaded) -> Result<(), Error> {
        if exit { self.exit.set_program(slot, program) } else { self.entry.set_program(slot, program) }
    }
}

impl Session {
    /// Makes, loads and attaches everything, and proves with a call of its own that records arrive. Nobody is traced yet.
    pub fn start(types: &KernelTypes, request: &Request<'_>) -> Result<Session, Error> {
        if !process::in_initial_pid_namespace() {
            return Err(Error::PidNamespace);
        }
        let facts = types.facts(request.syscalls, request.lifecycle_ring)?;
        let cpus = possible_cpus()?;
        let constants = |stream_id| HeaderConstants { uuid: request.uuid, stream_id };
        let (syscalls_map, syscalls) =
            ring::create("syscalls", request.syscalls, cpus, constants(schema::tracepoint::SYSCALLS as u32))?;
        let (lifecycle_map, lifecycle) = ring::create(
            "lifecycle",
            request.lifecycle_ring,
            cpus,
            constants(schema::tracepoint::LIFECYCLE as u32),
        )?;
        let (tasks_map, tasks) = Tasks::create()?;
        let slots = Slots {
            entry: Map::program_array("entry_slots", dispatch::SLOTS)?,
            exit: Map::program_array("exit_slots", dispatch::SLOTS)?,
        };
        let points = Points { entry: types.tracepoint("sys_enter")?, exit: types.tracepoint("sys_exit")? };
        let maps =
            Maps { syscalls: &syscalls_map, lifecycle: &lifecycle_map, tasks: &tasks_map, slots: &slots };
        let mut loader =
            Loader { facts: &facts, types, points, maps, loaded: Vec::new(), by_shape: HashMap::new() };

        let named = loader.fill(request)?;
        let dispatchers = vec![
            loader.load(&dispatch::entry(&facts)?, loader.points.entry)?,
            loader.load(&dispatch::exit(&facts)?, loader.points.exit)?,
        ];
        let mut links = Vec::new();
        for layout in request.lifecycle {
            let index = loader.program(layout)?;
            links.push(loader.loaded[index].attach()?);
        }
        // The exit side first: an entry without its exit would look like a call that never returned.
        for dispatcher in dispatchers.iter().rev() {
            links.push(dispatcher.attach()?);
        }
        let records = loader.loaded;
        let mut session = Session {
            links,
            dispatchers,
            _records: records,
            slots,
            tasks,
            syscalls,
            lifecycle,
            _maps: vec![syscalls_map, lifecycle_map, tasks_map],
        };
        session.canary(&named)?;
        Ok(session)
    }

    /// Makes a call that nobody knows and looks for its two records, then forgets them.
    fn canary(&mut self, canary: &Canary) -> Result<(), Error> {
        let this = process::this_thread();
        self.tasks.mark(this);
        // SAFETY: a number without a call: the kernel answers ENOSYS and touches nothing.
        unsafe { libc::syscall(CANARY) };
        self.tasks.unmark(this);
        let seen: u64 = self.syscalls.iter().map(Ring::published).sum();
        for (exit, slot) in &canary.clear {
            let map = if *exit { &self.slots.exit } else { &self.slots.entry };
            map.clear_program(*slot)?;
        }
        if seen < canary.bytes {
            return Err(Error::Canary { seen });
        }
        for ring in self.syscalls.iter_mut().chain(&mut self.lifecycle) {
            ring.reset();
        }
        Ok(())
    }

    /// The set of traced threads.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Rings of system calls, one per CPU.
    pub fn syscalls(&mut self) -> &mut [Ring] {
        &mut self.syscalls
    }

    /// Rings of process events, one per CPU.
    pub fn lifecycle(&mut self) -> &mut [Ring] {
        &mut self.lifecycle
    }

    /// All rings.
    pub fn rings(&mut self) -> impl Iterator<Item = &mut Ring> {
        self.syscalls.iter_mut().chain(&mut self.lifecycle)
    }

    /// Runs that the kernel skipped because a probe was already active on that CPU: losses that no ring can count.
    pub fn missed(&self) -> Result<u64, Error> {
        self.dispatchers.iter().map(Loaded::missed).sum()
    }

    /// Detaches, and waits until no probe is running any more. The rings stay readable.
    ///
    /// When no thread is traced any more nobody can be inside a probe that writes, so there is nothing to wait for.
    pub fn stop(&mut self) {
        let idle = self.tasks.is_empty();
        self.links.clear();
        self.tasks.clear();
        if !idle {
            wait_for_probes();
        }
    }
}

/// What the test call needs to be undone afterwards.
struct Canary {
    /// Slots to empty again.
    clear: Vec<(bool, u32)>,
    /// Bytes that the two records take.
    bytes: u64,
}

impl<'a> Loader<'a> {
    /// Fills the dispatch tables. The slots of the test call are filled in any case.
    fn fill(&mut self, request: &Request<'a>) -> Result<Canary, Error> {
        let mut free: Vec<(bool, u32)> = Vec::new();
        let mut taken = std::collections::HashSet::new();
        for layout in request.calls {
            let index = self.program(layout)?;
            taken.insert(place(layout));
            self.maps.slots.set(place(layout), &self.loaded[index])?;
        }
        for layout in request.unknown {
            let index = self.program(layout)?;
            let exit = layout.shape.point == Point::Exit;
            let compat = place(layout).1 - SLOT_UNKNOWN;
            let own = (exit, SLOT_UNKNOWN + compat);
            let numbers = (0..u32::from(NUMBERS)).map(|nr| (exit, compat * SLOT_COMPAT + nr));
            let canary = (exit, CANARY as u32);
            for slot in numbers.chain([own]).filter(|slot| !taken.contains(slot)) {
                if request.record_unknown {
                    self.maps.slots.set(slot, &self.loaded[index])?;
                } else if slot == canary && compat == 0 {
                    self.maps.slots.set(slot, &self.loaded[index])?;
                    free.push(slot);
                }
            }
        }
        let bytes = request.unknown[..2].iter().map(|l| u64::from(l.shape.fixed_len)).sum();
        Ok(Canary { clear: free, bytes })
    }
}

/// Returns when every program that was running at the call has ended: they run inside RCU read-side sections, and
/// `membarrier` waits for a grace period.
fn wait_for_probes() {
    // SAFETY: takes numbers only; a kernel without the command refuses it.
    let result = unsafe { libc::syscall(libc::SYS_membarrier, 1, 0, 0) };
    if result != 0 {
        // No global barrier (a kernel with nohz_full CPUs): a probe runs for microseconds.
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Highest CPU number that can ever be, plus one.
pub fn possible_cpus() -> Result<u32, Error> {
    let path = "/sys/devices/system/cpu/possible";
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let last = text.trim().rsplit(['-', ',']).next().and_then(|n| n.parse::<u32>().ok());
    Ok(last.map_or(1, |last| last + 1))
}
