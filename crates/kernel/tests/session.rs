//! Real kernel, as root: programs are generated, loaded and attached, and what threads do arrives in the rings.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what the kernel refuses must fail the test")]

use kernel::session::{Request, Session};
use kernel::tracefs::Tracefs;
use kernel::types::KernelTypes;
use probe::ring::Geometry;
use schema::Catalog;
use schema::layout::Layout;
use schema::lower::{Plan, Records, lower};
use schema::tracepoint;

/// True when this machine cannot run the test; says why.
fn skipped() -> bool {
    if kernel::process::effective_user() != 0 {
        println!("skipped: not root");
        return true;
    }
    if !std::path::Path::new(kernel::types::BTF).exists() {
        println!("skipped: {} is missing", kernel::types::BTF);
        return true;
    }
    false
}

fn start(calls: &[Layout]) -> Session {
    let types = KernelTypes::read().unwrap();
    let nameless: Vec<(bool, u32)> = (0..512).map(|nr| (false, nr)).collect();
    let request = Request {
        calls,
        later: Vec::new(),
        unknown: &tracepoint::unknown_calls(Records::Two),
        entries: true,
        record_unknown: true,
        nameless: &nameless,
        lifecycle: &tracepoint::lifecycle(),
        syscalls: Geometry::new(1 << 20, 1 << 18).unwrap(),
        lifecycle_ring: Geometry::new(1 << 18, 1 << 16).unwrap(),
        uuid: [7; 16],
    };
    Session::start(&types, request).unwrap_or_else(|error| {
        if let kernel::Error::Bpf { log, .. } = &error {
            println!("{log}");
        }
        panic!("{error}")
    })
}

#[test]
fn every_layout_of_the_running_kernel_is_accepted() {
    if skipped() {
        return;
    }
    let mut catalog = Catalog::builtin().clone();
    KernelTypes::read().unwrap().declare(&Tracefs::open().unwrap().syscall_formats().unwrap(), &mut catalog);
    let calls = lower(&catalog, &Plan::default(), |_, _| true);
    let shapes: std::collections::HashSet<_> = calls.iter().map(|layout| &layout.shape).collect();
    println!("{} layouts, {} shapes", calls.len(), shapes.len());
    drop(start(&calls));
}

#[test]
fn only_marked_threads_are_recorded() {
    if skipped() {
        return;
    }
    let mut session = start(&[]);
    let this = kernel::process::this_thread();
    kernel::process::processes().unwrap();
    assert_eq!(session.syscalls().iter().map(|r| r.published()).sum::<u64>(), 0);
    session.tasks().mark(this);
    kernel::process::processes().unwrap();
    session.tasks().unmark(this);
    let entries: u64 = session.syscalls().iter().map(|r| r.counters().entries).sum();
    assert!(entries > 3, "{entries}");
    session.stop();
}
