//! What `syscribe PROG` and `syscribe record` have in common: catalog, layouts, an attached session.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, anyhow};
use ctf::types::TraceType;
use kernel::process;
use kernel::session::{Request, Session};
use kernel::tracefs::Tracefs;
use kernel::types::KernelTypes;
use probe::ring::Geometry;
use schema::layout::{Layout, NUMBERS, Point};
use schema::lower::{Limits, Plan, Records, lower};
use schema::tracepoint;
use schema::{Abi, Catalog};

use crate::args::Select;
use crate::dropins;
use crate::late;
use crate::metadata::{self, Identity};
use crate::selection::Selection;

/// Bytes of ring per CPU for calls: at 28 bytes a call and four million calls a second a seventh of a second.
const SYSCALLS: u64 = 8 << 20;
/// The same for process events.
const LIFECYCLE_RING: u32 = 1 << 20;
/// Bytes of a sub-buffer of calls, when the ring is large enough for four of them.
const SUB_BUFFER: u32 = 256 << 10;
const LIFECYCLE_SUB_BUFFER: u32 = 64 << 10;
/// The smallest ring: two sub-buffers that hold the longest record of any call.
const SMALLEST: u32 = 64 << 10;

/// What to set up.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Which calls, by which tables.
    pub select: &'a Select,
    /// What is kept of pointees.
    pub plan: Plan,
    /// Bytes of ring per CPU.
    pub buffer: Option<u64>,
}

/// An attached recording without targets.
#[derive(Debug)]
pub struct Recording {
    /// The probes.
    pub session: Session,
    /// What the calls mean.
    pub catalog: Arc<Catalog>,
    /// What the records are.
    pub types: Arc<TraceType>,
    /// Bytes of ring per CPU.
    pub buffer: u32,
}

impl Recording {
    /// Loads some of the programs that were left for later; true when there were some.
    pub fn load_more(&mut self) -> bool {
        match self.session.load_more() {
            Ok(more) => more,
            Err(error) => {
                eprintln!("syscribe: some 32-bit calls are recorded without their strings: {error}");
                false
            }
        }
    }
}

/// What can be said about a recording before the kernel is asked.
#[derive(Debug)]
pub struct Prepared {
    types: KernelTypes,
    catalog: Catalog,
    selection: Selection,
    plan: Plan,
    geometry: Geometry,
    /// Nothing is left for later.
    eager: bool,
    /// Messages for the user.
    pub notes: Vec<String>,
}

/// The catalog of the running kernel: built-in table, prototypes, widths, tables of system and user, `tables`.
pub fn running_catalog(notes: &mut Vec<String>, tables: &[PathBuf]) -> Result<(KernelTypes, Catalog)> {
    // What tracefs says of the calls is read while the tables are parsed.
    let (types, mut catalog, formats) = thread::scope(|scope| {
        let formats = scope.spawn(|| {
            let tracefs = Tracefs::open()?;
            let formats = tracefs.syscall_formats()?;
            Ok::<_, kernel::Error>((tracefs, formats))
        });
        let catalog = Catalog::compiled_in();
        let types = KernelTypes::read_for(&catalog);
        (types, catalog, formats.join())
    });
    let types = types.context("cannot read the kernel's type information")?;
    match formats.map_err(|_| anyhow!("the thread that reads tracefs has failed"))? {
        Ok((tracefs, formats)) => {
            if tracefs.mounted_now() {
                notes.push(format!("mounted tracefs at {}", tracefs.root().display()));
            }
            for error in types.declare(&formats, &mut catalog) {
                notes.push(format!("a prototype of the kernel cannot be read: {error}"));
            }
        }
        Err(error) => notes.push(format!("{error}; using the built-in prototypes")),
    }
    dropins::add_installed(&mut catalog, notes);
    dropins::add_named(&mut catalog, tables)?;
    Ok((types, catalog))
}

/// Sizes of the ring of calls for a wish in bytes, rounded up to a power of two.
fn geometry(wish: Option<u64>) -> Result<Geometry> {
    let wish = wish.unwrap_or(SYSCALLS);
    let data = u32::try_from(wish)
        .ok()
        .and_then(u32::checked_next_power_of_two)
        .map(|data| data.max(2 * SMALLEST))
        .ok_or_else(|| anyhow!("--buffer-size {wish}: at most 1G"))?;
    Geometry::new(data, (data / 4).clamp(SMALLEST, SUB_BUFFER))
        .ok_or_else(|| anyhow!("--buffer-size {wish}: at most 1G"))
}

impl Prepared {
    /// Reads what the kernel says of itself and understands the selection. Starts nothing.
    pub fn new(wanted: &Wanted<'_>) -> Result<Prepared> {
        let mut notes = Vec::new();
        let set = wanted.select.trace.as_deref();
        if set.is_some() && wanted.select.tables.is_empty() {
            // A typing error needs no privilege to be told.
            Selection::parse(set, Catalog::builtin())?;
        }
        let (types, catalog) = running_catalog(&mut notes, &wanted.select.tables).map_err(privilege)?;
        let selection = Selection::parse(set, &catalog)?;
        let mut plan = wanted.plan.clone();
        for text in &wanted.select.capture {
            let limits = Limits::parse(text).context("--capture")?;
            limits.check(&catalog).context("--capture")?;
            plan.limits.extend(limits);
        }
        Ok(Prepared {
            types,
            catalog,
            selection,
            plan,
            geometry: geometry(wanted.buffer)?,
            eager: wanted.select.eager,
            notes,
        })
    }

    /// Loads, attaches and tests the probes: those that [`late::split`] does not leave for later. `describe` writes down meanwhile
    /// what the records are.
    pub fn start(
        self,
        compat: bool,
        describe: impl FnOnce(&TraceType, &Catalog) -> Result<()> + Send,
    ) -> Result<Recording> {
        let calls = self.layouts();
        let unknown = tracepoint::unknown_calls(self.plan.records);
        let lifecycle = tracepoint::lifecycle();
        let identity = Identity::new()?;
        let lifecycle_ring = Geometry::new(LIFECYCLE_RING, LIFECYCLE_SUB_BUFFER)
            .ok_or_else(|| anyhow!("a ring of {LIFECYCLE_RING} bytes is not possible"))?;
        // Where calls have one record there are no entries, also none of calls without a name.
        let entries = self.plan.records == Records::Two;
        let unnamed = unknown.iter().filter(|layout| entries || layout.shape.point != Point::Entry);
        let layouts = calls.iter().chain(unnamed).chain(&lifecycle);
        let types =
            metadata::trace_type(&identity, layouts, kernel::clock::epoch_offset(), self.plan.to_string());
        let (calls, later) = if self.eager { (calls, Vec::new()) } else { late::split(calls, compat) };
        let request = Request {
            calls: &calls,
            later,
            unknown: &unknown,
            entries,
            record_unknown: self.selection.unknown(),
            nameless: &self.nameless(),
            lifecycle: &lifecycle,
            syscalls: self.geometry,
            lifecycle_ring,
            uuid: identity.uuid,
        };
        let (session, described) = thread::scope(|scope| {
            let described = scope.spawn(|| describe(&types, &self.catalog));
            (Session::start(&self.types, request), described.join())
        });
        let session =
            session.map_err(|error| privilege(anyhow::Error::new(error).context("cannot start tracing")))?;
        described.map_err(|_| anyhow!("the thread that writes the metadata has failed"))??;
        Ok(Recording {
            session,
            catalog: Arc::new(self.catalog),
            types: Arc::new(types),
            buffer: self.geometry.data(),
        })
    }

    /// Selected numbers whose arguments nobody knows.
    fn nameless(&self) -> Vec<(bool, u32)> {
        let mut all = Vec::new();
        for abi in [Abi::X86_64, Abi::I386] {
            let unknown = (0..u32::from(NUMBERS)).filter(|nr| self.catalog.syscall(abi, *nr).is_none());
            let selected = unknown.filter(|nr| match self.catalog.name(abi, *nr) {
                Some(name) => self.selection.contains(name),
                None => self.selection.unknown(),
            });
            all.extend(selected.map(|nr| (abi == Abi::I386, nr)));
        }
        all
    }

    /// The layouts of the selected calls. Those of one convention are made while the others are.
    pub fn layouts(&self) -> Vec<Layout> {
        let of = |wanted| {
            lower(&self.catalog, &self.plan, |abi, name| abi == wanted && self.selection.contains(name))
        };
        thread::scope(|scope| {
            let compat = scope.spawn(move || of(Abi::I386));
            let mut layouts = of(Abi::X86_64);
            // A thread that panics takes its panic here.
            layouts.extend(compat.join().unwrap_or_default());
            layouts
        })
    }

    /// What the programs would be generated from.
    pub fn facts(&self) -> Result<probe::facts::Facts> {
        let lifecycle_ring = Geometry::new(LIFECYCLE_RING, LIFECYCLE_SUB_BUFFER)
            .ok_or_else(|| anyhow!("a ring of {LIFECYCLE_RING} bytes is not possible"))?;
        Ok(self.types.facts(self.geometry, lifecycle_ring)?)
    }
}

/// Adds the remedy to a refusal for want of privilege.
fn privilege(error: anyhow::Error) -> anyhow::Error {
    let refused = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<kernel::Error>())
        .any(|cause| matches!(cause.errno(), Some(1 | 13)));
    if refused && process::effective_user() != 0 {
        return error.context("not permitted: run as root, or with CAP_BPF and CAP_PERFMON");
    }
    if refused {
        return error
            .context("the kernel refused although this is root; syscribe doctor says what is missing");
    }
    error
}
