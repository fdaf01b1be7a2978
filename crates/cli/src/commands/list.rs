//! `syscribe list`: the metadata of the running kernel as text, in the language of the type table.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, bail};
use ctf::types::{EventType, FieldType};
use schema::ast::{Direction, Line, Number, SetLine};
use schema::lower::{Plan, Records, lower};
use schema::{Abi, Arg, Catalog, Class, format, tracepoint};

use crate::args::{List, Listed};
use crate::dropins;
use crate::recording::running_catalog;
use crate::selection::Selection;
use crate::status::Status;
use crate::trace_dir::Trace;

/// Runs the command.
pub fn run(list: &List) -> Result<Status> {
    let mut notes = Vec::new();
    let trace = list.from.as_deref().map(Trace::open).transpose()?;
    let catalog = match (&trace, &list.from) {
        (Some(trace), Some(path)) => recorded(trace, path, list)?,
        _ => running(&mut notes, list)?,
    };
    for note in notes {
        eprintln!("syscribe: {note}");
    }
    let text = match list.what {
        Listed::Syscalls => syscalls(&catalog, &list.names),
        Listed::Events => events(&catalog, trace.as_ref(), list)?,
        Listed::Types => types(&catalog, &list.names),
    };
    if text.is_empty() {
        match list.names.as_slice() {
            [] => bail!("nothing is selected"),
            names => bail!("nothing is called {}", names.join(" or ")),
        }
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(Status::Success)
}

/// The running kernel's catalog; without its type information the built-in table.
fn running(notes: &mut Vec<String>, list: &List) -> Result<Catalog> {
    let mut catalog = match running_catalog(notes, &[]) {
        Ok((_, catalog)) => catalog,
        Err(error) => {
            notes.push(format!("{error:#}; showing the built-in table"));
            Catalog::builtin().clone()
        }
    };
    dropins::add_named(&mut catalog, &list.select.tables)?;
    Ok(catalog)
}

/// The catalog that a trace was recorded with.
fn recorded(trace: &Trace, path: &Path, list: &List) -> Result<Catalog> {
    let Some(mut catalog) = trace.catalog.clone() else {
        bail!("{} has no type table: it was recorded by another tool", path.display())
    };
    dropins::add_named(&mut catalog, &list.select.tables)?;
    Ok(catalog)
}

fn wanted(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|wanted| wanted == name)
}

/// Number, prototype and description of each call, with a comment that sums up what follows from them.
fn syscalls(catalog: &Catalog, names: &[String]) -> String {
    let mut all: Vec<&str> = catalog.numbers(Abi::X86_64).map(|(_, name)| name).collect();
    let compat = catalog.numbers(Abi::I386).map(|(_, name)| name);
    all.extend(compat.filter(|name| catalog.number(Abi::X86_64, name).is_none()));
    let mut text = String::new();
    for name in all.into_iter().filter(|name| wanted(names, name)) {
        let mut lines = Vec::new();
        for abi in [Abi::X86_64, Abi::I386] {
            let number = catalog.number(abi, name);
            lines.extend(number.map(|nr| Line::Number(Number { abi, nr, name: name.to_owned() })));
        }
        lines.extend(catalog.proto(name).cloned().map(Line::Proto));
        lines.extend(catalog.call(name).cloned().map(Line::Call));
        lines.extend(catalog.variants(name).iter().cloned().map(Line::Variant));
        text.push_str(&schema::print(&lines));
        text.push_str(&summary(catalog, name));
        text.push('\n');
    }
    text
}

/// `# 0x2 mask of pointers; dfd atfd 3 s32; filename path 10 u64 in; ...`
fn summary(catalog: &Catalog, name: &str) -> String {
    let abi = if catalog.number(Abi::X86_64, name).is_some() { Abi::X86_64 } else { Abi::I386 };
    let Some(syscall) = catalog.syscall_by_name(abi, name) else {
        return "# arguments unknown: six raw registers are recorded\n".to_owned();
    };
    let mut text = format!("# pointer mask {:#x}\n", syscall.pointer_mask());
    for arg in &syscall.args {
        let sign = if arg.stored.signed { 's' } else { 'u' };
        let bits = u32::from(arg.stored.bytes) * 8;
        let code = arg.class.code();
        let direction = direction(arg);
        let _ = writeln!(text, "#   {}: {:?} (code {code}), {sign}{bits}{direction}", arg.name, arg.class);
    }
    text
}

fn direction(arg: &Arg) -> &'static str {
    match arg.param.direction {
        Some(Direction::In) => ", in",
        Some(Direction::Out) => ", out",
        Some(Direction::InOut) => ", inout",
        Some(Direction::Pass) => ", pass",
        None if matches!(arg.class, Class::Str | Class::Path) => ", in",
        None => "",
    }
}

/// Event types: those of a trace, or as they would be recorded now.
fn events(catalog: &Catalog, trace: Option<&Trace>, list: &List) -> Result<String> {
    let selection = Selection::parse(list.select.trace.as_deref(), catalog)?;
    let all = match trace {
        Some(trace) => trace.types.events.clone(),
        None => events_now(catalog),
    };
    let mut text = String::new();
    for event in all {
        let call = ["syscall_entry_", "syscall_exit_"]
            .iter()
            .find_map(|prefix| event.name.trim_start_matches("compat_").strip_prefix(prefix));
        let named = wanted(&list.names, &event.name) || call.is_some_and(|call| wanted(&list.names, call));
        let selected = call.map_or(selection == Selection::All, |call| selection.contains(call));
        if named && selected {
            match list.format {
                true => text.push_str(&format::write(&event, catalog)),
                false => text.push_str(&event_line(&event)),
            }
            text.push('\n');
        }
    }
    Ok(text)
}

fn events_now(catalog: &Catalog) -> Vec<EventType> {
    let layouts = lower(catalog, &Plan::default(), |_, _| true);
    let others = tracepoint::unknown_calls(Records::Two).into_iter().chain(tracepoint::lifecycle());
    let events = layouts.into_iter().chain(others).map(|layout| layout.event);
    events.chain([tracepoint::process_state()]).collect()
}

/// `257 syscall_entry_openat { s32 dfd; u64 filename_ptr; ... }`
fn event_line(event: &EventType) -> String {
    let mut text = format!("{} {} {{", event.id, event.name);
    for field in &event.fields.fields {
        let _ = write!(text, " {} {};", type_name(&field.field_type), field.name);
    }
    text.push_str(" }");
    text
}

fn type_name(field_type: &FieldType) -> String {
    let int = |int: &ctf::types::IntType| format!("{}{}", if int.signed { 's' } else { 'u' }, int.bits);
    match field_type {
        FieldType::Int(i) => int(i),
        FieldType::Enum(e) => format!("enum {}", int(&e.container)),
        FieldType::String => "string".to_owned(),
        FieldType::Struct(_) => "struct".to_owned(),
        FieldType::Array { element, length } => format!("{}[{length}]", type_name(element)),
        FieldType::Sequence { element, length_field } => format!("{}[{length_field}]", type_name(element)),
    }
}

/// Sets, types, objects, and the codes of the classes.
fn types(catalog: &Catalog, names: &[String]) -> String {
    let mut lines = Vec::new();
    lines.extend(catalog.types().filter(|t| wanted(names, &t.name)).cloned().map(Line::Type));
    let sets = catalog.sets().filter(|set| wanted(names, &set.name));
    lines.extend(sets.map(|set| Line::Set(SetLine { extend: false, set: set.clone() })));
    lines.extend(catalog.all_bits().filter(|line| wanted(names, &line.name)).cloned().map(Line::Bits));
    lines.extend(catalog.objects().filter(|line| wanted(names, &line.name)).cloned().map(Line::Object));
    let plain =
        |name: &str| wanted(names, name) || name.split('@').next().is_some_and(|name| wanted(names, name));
    lines.extend(catalog.layouts().filter(|line| plain(&line.name)).cloned().map(Line::Layout));
    lines.extend(catalog.overlays().filter(|line| wanted(names, &line.name)).cloned().map(Line::Struct));
    lines.extend(catalog.unions().filter(|line| wanted(names, &line.name)).cloned().map(Line::Union));
    lines.extend(catalog.markers().filter(|marker| wanted(names, &marker.name)).cloned().map(Line::Marker));
    let mut text = String::new();
    for class in Class::ALL {
        let name = format!("{class:?}");
        if wanted(names, &name) {
            let _ = writeln!(text, "# code {:2} {name}", class.code());
        }
    }
    text.push_str(&schema::print(&lines));
    text
}
