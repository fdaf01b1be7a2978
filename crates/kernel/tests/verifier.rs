//! Real kernel, as root: how much work the verifier has with each program. It gives up after a million instructions, and a small
//! change of a loop can be a thousandfold of its work: here is where that shows.

use kernel::bpf::{Loaded, Map};
use kernel::btf::{Btf, Kind};
use kernel::tracefs::Tracefs;
use kernel::types::KernelTypes;
use probe::dispatch::{PLAIN, SLOTS, TASKS};
use probe::generate;
use probe::insn::MapRef;
use probe::ring::Geometry;
use schema::Catalog;
use schema::layout::Point;
use schema::lower::{Plan, lower};

/// Instructions that the verifier may walk for one program. Kernels differ by a factor of two.
const BUDGET: u32 = 100_000;

#[test]
fn no_program_is_hard_to_verify() -> Result<(), Box<dyn std::error::Error>> {
    if kernel::process::effective_user() != 0 || !std::path::Path::new(kernel::types::BTF).exists() {
        println!("skipped: not root, or no type information");
        return Ok(());
    }
    let types = KernelTypes::read()?;
    let mut catalog = Catalog::builtin().clone();
    types.declare(&Tracefs::open()?.syscall_formats()?, &mut catalog);
    let btf = Btf::parse(std::fs::read(kernel::types::BTF)?, |kind, name| {
        kind == Kind::Typedef && name.starts_with(b"btf_trace_sys_")
    })?;
    let geometry = Geometry::new(1 << 20, 1 << 18).ok_or("geometry")?;
    let facts = types.facts(geometry, geometry)?;
    let ring = Map::mapped_array("ring", geometry.value_size(), 1)?;
    let tasks = Map::mapped_array("tasks", TASKS, 1)?;
    let plain = Map::mapped_array("plain", PLAIN, 1)?;
    let slots = Map::program_array("slots", SLOTS)?;
    let mut rows = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for layout in lower(&catalog, &Plan::default(), |_, _| true) {
        if !seen.insert(layout.shape.clone()) {
            continue;
        }
        let tracepoint = if layout.shape.point == Point::Entry { "sys_enter" } else { "sys_exit" };
        let attach = btf.find(Kind::Typedef, &format!("btf_trace_{tracepoint}"))?;
        let program = generate::program(&layout.event.name, &layout.shape, &facts)?;
        let loaded = Loaded::load(&program, attach, &|map| match map {
            MapRef::Syscalls | MapRef::Lifecycle => ring.fd(),
            MapRef::Tasks => tasks.fd(),
            MapRef::Plain => plain.fd(),
            MapRef::EntrySlots | MapRef::ExitSlots => slots.fd(),
        })?;
        rows.push((loaded.verified()?, program.insns.len(), layout.event.name));
    }
    rows.sort_unstable_by(|a, b| b.cmp(a));
    println!("verified  instructions  program");
    for (verified, insns, name) in rows.iter().take(12) {
        println!("{verified:8}  {insns:12}  {name}");
    }
    assert!(rows[0].0 < BUDGET, "{:?}", rows[0]);
    Ok(())
}
