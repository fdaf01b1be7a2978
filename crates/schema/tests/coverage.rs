//! How much of the kernel's declarations the built-in tables describe: every flag and every pointer.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use schema::ast::{Line, Render};
use schema::{Abi, Catalog, Class};

const PROTOTYPES: &str = include_str!("fixtures/prototypes.tt");

/// Addresses that no one follows at the boundary of the call: the kernel keeps them, compares them, or waits on them.
const KEPT: [&str; 10] = [
    "clone.child_tidptr",
    "futex.uaddr",
    "futex_wait.uaddr",
    "futex_wake.uaddr",
    "getcpu.unused",
    "rseq.rseq",
    "set_robust_list.head",
    "set_tid_address.tidptr",
    "shmat.shmaddr",
    "shmdt.shmaddr",
];

fn prototypes() -> impl Iterator<Item = schema::ast::Proto> {
    let lines = schema::parse(PROTOTYPES, "prototypes.tt").unwrap();
    lines.into_iter().filter_map(|line| if let Line::Proto(proto) = line { Some(proto) } else { None })
}

/// True when a `type` line gives some of the values a name.
fn names_values(catalog: &Catalog, ty: &str) -> bool {
    catalog.type_line(ty).is_some_and(|line| {
        line.renders.iter().any(|render| matches!(render, Render::Word(word) if catalog.set(word).is_some()))
    })
}

#[test]
fn every_flag_and_every_enumeration_has_names() {
    let catalog = Catalog::builtin();
    let (mut named, mut zero, mut exceptions) = (0, 0, Vec::new());
    for proto in prototypes() {
        let syscall = catalog.syscall_by_name(Abi::X86_64, &proto.name).unwrap();
        for arg in &syscall.args {
            let by_command = catalog
                .variants(&syscall.name)
                .iter()
                .flat_map(|variant| &variant.params)
                .any(|param| param.name == arg.name && catalog.set(&param.ty.name).is_some());
            match arg.class {
                Class::Zero => zero += 1,
                Class::Flags | Class::Enum | Class::Mode | Class::Signal => named += 1,
                _ if names_values(catalog, &arg.param.ty.name) || by_command => named += 1,
                // What the kernel calls flags or a command must not be a bare number.
                _ if !arg.is_pointer()
                    && matches!(
                        arg.name.as_str(),
                        "flags" | "flag" | "option" | "op" | "how" | "mode" | "which"
                    ) =>
                {
                    exceptions.push(format!("{}.{}", syscall.name, arg.name));
                }
                _ => {}
            }
        }
    }
    println!("{named} with names, {zero} that must be zero, without: {exceptions:?}");
    assert!(exceptions.is_empty(), "{exceptions:?}");
    assert!(named + zero >= 223, "{named} + {zero}");
}

#[test]
fn every_pointer_has_a_direction() {
    let catalog = Catalog::builtin();
    let (mut pointers, mut commands, mut exceptions) = (0, 0, Vec::new());
    for proto in prototypes() {
        let call = catalog.call(&proto.name).unwrap();
        for ((ctype, name), param) in proto.params.iter().zip(&call.params) {
            if !ctype.contains('*') && !ctype.contains("cap_user_") {
                continue;
            }
            pointers += 1;
            let by_command = catalog
                .variants(&call.name)
                .iter()
                .flat_map(|variant| &variant.params)
                .any(|p| p.name == *name);
            if param.direction.is_some() || param.ty.name == "path" {
                continue;
            }
            let full = format!("{}.{name}", call.name);
            if by_command {
                commands += 1;
            } else if !KEPT.contains(&full.as_str()) {
                exceptions.push(full);
            }
        }
    }
    println!("{pointers} pointers, {commands} of them by command, without direction: {exceptions:?}");
    assert_eq!(pointers, 373);
    assert!(exceptions.is_empty(), "{exceptions:?}");
}

#[test]
fn the_whole_table_is_read_quickly() {
    let text = Catalog::builtin().print();
    let start = std::time::Instant::now();
    let mut catalog = Catalog::new();
    catalog.add(&text, "whole.tt").unwrap();
    println!("{} bytes of table in {:?}", text.len(), start.elapsed());
    // A debug build on a busy machine; the release build is measured where it is used.
    assert!(start.elapsed().as_secs() < 5);
}
