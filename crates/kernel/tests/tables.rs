//! The built-in tables against what the running kernel says of itself: declarations in tracefs, types in BTF. Needs no program in the
//! kernel; where tracefs or BTF cannot be read, the tests say so and compare nothing.

use std::collections::BTreeMap;

use kernel::Error;
use kernel::btf::{Btf, Kind};
use kernel::tracefs::Tracefs;
use kernel::types::{BTF, KernelTypes};
use schema::ast::{CType, Layout, Line, Proto, Stored};
use schema::{Abi, Catalog};

/// The kernel's own declarations, by name of the call.
fn declarations() -> Option<Vec<Proto>> {
    let formats = there(Tracefs::open().and_then(|tracefs| tracefs.syscall_formats()))?;
    let protos = formats.iter().map(|text| schema::tracefs::parse_format(text));
    Some(protos.collect::<Result<_, _>>().expect("formats of calls"))
}

/// What the kernel says, unless that cannot be read here.
fn there<T>(read: Result<T, Error>) -> Option<T> {
    read.inspect_err(|error| println!("skipped: {error}")).ok()
}

fn none<T: std::fmt::Debug>(wrong: &[T]) {
    let lines: Vec<String> = wrong.iter().map(|line| format!("{line:?}")).collect();
    assert!(wrong.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn declarations_are_those_of_the_running_kernel() {
    let Some(protos) = declarations() else { return };
    let catalog = Catalog::builtin();
    let wrong = protos.iter().filter(|proto| catalog.proto(&proto.name) != Some(proto));
    none(
        &wrong
            .map(|proto| (proto.to_string(), catalog.proto(&proto.name).map(Proto::to_string)))
            .collect::<Vec<_>>(),
    );
    println!("{} declarations agree", protos.len());
}

/// Names, order and number of arguments, and what is a pointer.
#[test]
fn call_lines_describe_what_the_running_kernel_declares() {
    let Some(protos) = declarations() else { return };
    let mut catalog = Catalog::builtin().clone();
    protos.iter().for_each(|proto| catalog.declare(proto.clone()));
    let mut wrong = Vec::new();
    let (mut arguments, mut pointers) = (0, 0);
    for proto in &protos {
        let (Some(call), Some(syscall)) =
            (catalog.call(&proto.name), catalog.syscall_by_name(Abi::X86_64, &proto.name))
        else {
            wrong.push(format!("{}: no call line or no number", proto.name));
            continue;
        };
        let ours: Vec<&str> = call.params.iter().map(|param| param.name.as_str()).collect();
        let theirs: Vec<&str> = proto.params.iter().map(|(_, name)| name.as_str()).collect();
        if ours != theirs {
            wrong.push(format!("{}: {theirs:?} are described as {ours:?}", proto.name));
        }
        for ((arg, param), (ctype, name)) in syscall.args.iter().zip(&call.params).zip(&proto.params) {
            arguments += 1;
            // Two pointers of capget and capset hide behind a typedef.
            let pointer = ctype.contains('*') || ctype.contains("cap_user_");
            pointers += u32::from(pointer);
            if arg.param != *param || (arg.class.is_pointer() && !pointer) {
                wrong.push(format!("{}: `{ctype} {name}` is described as `{param}`", proto.name));
            }
        }
    }
    none(&wrong);
    println!("{arguments} arguments, {pointers} of them pointers, in {} calls", protos.len());
}

#[test]
fn c_types_have_the_width_and_sign_of_the_running_kernel() {
    let Some(bytes) = std::fs::read(BTF).inspect_err(|error| println!("skipped: {BTF}: {error}")).ok() else {
        return;
    };
    let btf =
        Btf::parse(bytes, |kind, _| matches!(kind, Kind::Typedef | Kind::Enum)).expect("type information");
    let lines = schema::parse(&Catalog::builtin().print(), "builtin").expect("the printed tables");
    let ctypes: Vec<CType> = lines
        .into_iter()
        .filter_map(|line| if let Line::CType(line) = line { Some(line) } else { None })
        .collect();
    let known = ctypes.iter().filter_map(|line| {
        let (kind, name) = match line.name.strip_prefix("enum ") {
            Some(name) => (Kind::Enum, name),
            None => (Kind::Typedef, line.name.as_str()),
        };
        let scalar = btf.scalar(kind, name).ok()??;
        Some((line, Stored { bytes: u8::try_from(scalar.bytes).ok()?, signed: scalar.signed }))
    });
    let known: Vec<(&CType, Stored)> = known.collect();
    none(&known.iter().filter(|(line, stored)| line.stored != *stored).collect::<Vec<_>>());
    let unknown = ctypes.iter().filter(|line| known.iter().all(|(other, _)| other.name != line.name));
    let unknown: Vec<&str> = unknown.map(|line| line.name.as_str()).collect();
    println!("{} types agree; no typedef of this kernel: {unknown:?}", known.len());

    // Every type that a declaration names is there, so that every argument of the tables has the kernel's width.
    let Some(tracefs) = there(Tracefs::open()) else { return };
    let kernel = KernelTypes::read().expect("type information");
    let mut running = Catalog::builtin().clone();
    let formats = tracefs.syscall_formats().expect("formats");
    assert_eq!(kernel.declare(&formats, &mut running), []);
    let (mut wrong, mut arguments) = (Vec::new(), 0);
    for (nr, name) in running.numbers(Abi::X86_64) {
        let (Some(ours), Some(theirs)) =
            (Catalog::builtin().syscall(Abi::X86_64, nr), running.syscall(Abi::X86_64, nr))
        else {
            continue;
        };
        for (our, their) in ours.args.iter().zip(&theirs.args) {
            arguments += 1;
            if our.stored != their.stored {
                wrong.push(format!(
                    "{name}: {} is {:?} here, {:?} in the kernel",
                    our.name, our.stored, their.stored
                ));
            }
        }
    }
    none(&wrong);
    println!("{arguments} arguments have the kernel's width and sign");
}

/// An object that has grown since, or had not yet: what both have is the same. Otherwise nothing may differ.
fn agree(ours: &Layout, theirs: &Layout) -> bool {
    let common = ours.members.iter().zip(&theirs.members).all(|(a, b)| a == b);
    common && (ours.size != theirs.size || ours.members.len() == theirs.members.len())
}

#[test]
fn layouts_are_those_of_the_running_kernel() {
    let catalog = Catalog::builtin();
    let Some(kernel) = there(KernelTypes::read()) else { return };
    let running: BTreeMap<String, Layout> =
        kernel.layouts(catalog).into_iter().map(|layout| (layout.name.clone(), layout)).collect();
    let compared = catalog.layouts().filter_map(|ours| Some((ours, running.get(&ours.name)?)));
    let (same, wrong): (Vec<_>, Vec<_>) = compared.partition(|(ours, theirs)| agree(ours, theirs));
    none(&wrong.iter().map(|(ours, theirs)| (ours.to_string(), theirs.to_string())).collect::<Vec<_>>());
    let unknown = catalog.layouts().filter(|layout| !running.contains_key(&layout.name));
    let unknown: Vec<&str> = unknown.map(|layout| layout.name.as_str()).collect();
    println!("{} layouts agree; unknown to this kernel: {unknown:?}", same.len());
}

/// What a `struct` line lays over a layout are members of it, or lie behind it and say how many they are.
#[test]
fn described_members_are_members_in_the_running_kernel() {
    let catalog = Catalog::builtin();
    let Some(kernel) = there(KernelTypes::read()) else { return };
    let running: BTreeMap<String, Layout> =
        kernel.layouts(catalog).into_iter().map(|layout| (layout.name.clone(), layout)).collect();
    let (mut wrong, mut members) = (Vec::new(), 0);
    for line in catalog.overlays() {
        let name = line.layout.as_ref().unwrap_or(&line.name);
        let Some(layout) = running.get(name) else { continue };
        for param in &line.members {
            let all = std::iter::successors(Some(param), |param| param.otherwise.as_deref());
            for param in all {
                members += 1;
                let known = layout.members.iter().any(|member| member.name == param.name);
                if !known && param.extent.is_none() {
                    wrong.push(format!("struct {}: {} has no member {}", line.name, layout.name, param.name));
                }
            }
        }
    }
    none(&wrong);
    println!("{members} described members are there");
}
