//! A recording from start to end: maps made, programs loaded and attached, events proven to arrive.

use probe::dispatch;
use probe::ring::Geometry;
use schema::layout::Layout;

use crate::bpf::{Link, Loaded, Map};
use crate::loader::{CANARY, Canary, Loader, Maps, Plain};
use crate::process;
use crate::refusal::Error;
use crate::ring::{self, HeaderConstants, Ring};
use crate::tasks::Tasks;
use crate::types::KernelTypes;

/// Layouts that one call of [`Session::load_more`] takes: two milliseconds, in which nobody looks at the rings or at the targets.
const STEP: usize = 6;

/// What to record.
#[derive(Debug)]
pub struct Request<'a> {
    /// Layouts of the selected calls whose programs are loaded before anything is traced.
    pub calls: &'a [Layout],
    /// Layouts of calls that are recorded like calls without a name until [`Session::load_more`] has loaded their programs.
    pub later: Vec<Layout>,
    /// Layouts of calls without a name; entry and exit, native and i386.
    pub unknown: &'a [Layout; 4],
    /// False when a call has one record, that of its exit.
    pub entries: bool,
    /// True when calls beyond the table are recorded.
    pub record_unknown: bool,
    /// Numbers in the table that are recorded as calls without a name: true for i386, and the number.
    pub nameless: &'a [(bool, u32)],
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
    loader: Loader,
    /// Layouts still to be loaded, in reverse order.
    later: Vec<Layout>,
    tasks: Tasks,
    syscalls: Vec<Ring>,
    lifecycle: Vec<Ring>,
}

impl Session {
    /// Makes, loads and attaches everything, and proves with a call of its own that records arrive. Nobody is traced yet.
    pub fn start(types: &KernelTypes, request: Request<'_>) -> Result<Session, Error> {
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
        let maps = Maps {
            syscalls: syscalls_map,
            lifecycle: lifecycle_map,
            tasks: tasks_map,
            plain: Plain::create()?,
            entry: Map::program_array("entry_slots", dispatch::SLOTS)?,
            exit: Map::program_array("exit_slots", dispatch::SLOTS)?,
        };
        let mut loader = Loader::new(types, facts, maps)?;
        loader.load(request.calls.iter().chain(request.unknown).chain(request.lifecycle))?;
        let canary = loader.fill(&request)?;
        let dispatchers = loader.dispatchers(request.entries)?;
        let mut links = Vec::new();
        for layout in request.lifecycle {
            links.push(loader.program(layout)?.attach()?);
        }
        // The exit side first: an entry without its exit would look like a call that never returned.
        for dispatcher in dispatchers.iter().rev() {
            links.push(dispatcher.attach()?);
        }
        let mut later = request.later;
        later.reverse();
        let mut session = Session { links, dispatchers, loader, later, tasks, syscalls, lifecycle };
        session.canary(&canary)?;
        Ok(session)
    }

    /// Loads the programs of some more of the layouts that were to come later; false when none are left.
    pub fn load_more(&mut self) -> Result<bool, Error> {
        let rest = self.later.len().saturating_sub(STEP);
        let layouts = self.later.split_off(rest);
        self.loader.load(layouts.iter())?;
        for layout in layouts.iter().rev() {
            self.loader.place(layout)?;
        }
        Ok(!self.later.is_empty())
    }

    /// Makes a call that nobody knows and looks for its two records, then forgets them.
    fn canary(&mut self, canary: &Canary) -> Result<(), Error> {
        let this = process::this_thread();
        self.tasks.mark(this);
        // SAFETY: a number without a call: the kernel answers ENOSYS and touches nothing.
        unsafe { libc::syscall(CANARY.into()) };
        self.tasks.unmark(this);
        let seen: u64 = self.syscalls.iter().map(Ring::published).sum();
        for (exit, slot) in &canary.clear {
            self.loader.maps.slots(*exit).clear_program(*slot)?;
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
