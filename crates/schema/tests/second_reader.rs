//! The printed table means the same to a reader that shares no code with this crate.

use std::path::Path;
use std::process::Command;

use schema::ast::{Direction, Param};
use schema::{Abi, Catalog};

fn way(direction: Option<Direction>) -> &'static str {
    match direction {
        None => "-",
        Some(Direction::In) => "in",
        Some(Direction::Out) => "out",
        Some(Direction::InOut) => "inout",
        Some(Direction::Pass) => "pass",
    }
}

/// Arguments of a call or members of a structure, each with what it is otherwise (`else`).
fn params<'a>(what: &str, params: &'a [Param]) -> impl Iterator<Item = String> + use<'a> {
    let what = what.to_owned();
    params.iter().enumerate().flat_map(move |(i, param)| {
        let choices = std::iter::successors(Some(param), |param| param.otherwise.as_deref());
        let what = what.clone();
        choices.enumerate().map(move |(j, param)| {
            let (kind, member) = (param.ty.kind.as_deref(), param.ty.member.as_deref());
            let ty = format!("{}<{}>{{{}}}", param.ty.name, kind.unwrap_or(""), member.unwrap_or(""));
            format!("{what} {i}.{j} {} {ty} {}", way(param.direction), param.name)
        })
    })
}

/// What the table says, in the form of the other reader.
fn facts(catalog: &Catalog) -> Vec<String> {
    let mut facts = Vec::new();
    for abi in [Abi::X86_64, Abi::I386] {
        facts.extend(catalog.numbers(abi).map(|(nr, name)| format!("number {} {nr} {name}", abi.name())));
    }
    for proto in catalog.protos() {
        for (i, (ctype, name)) in proto.params.iter().enumerate() {
            facts.push(format!("proto {} {i} {ctype} {name}", proto.name));
        }
    }
    for call in catalog.calls() {
        facts.extend(params(&format!("arg {}", call.name), &call.params));
        let result = call.returns.as_ref().map_or("-", |returns| returns.ty.name.as_str());
        facts.push(format!("call {} = {result}", call.name));
    }
    for layout in catalog.layouts() {
        facts.push(format!("layout {} {}", layout.name, layout.size));
        facts.extend(layout.members.iter().map(|member| format!("place {} {member}", layout.name)));
    }
    for overlay in catalog.overlays() {
        let brief = overlay.brief.map_or("-".to_owned(), |brief| brief.to_string());
        facts.push(format!("struct {} {brief}", overlay.name));
        facts.extend(params(&format!("member {}", overlay.name), &overlay.members));
    }
    for set in catalog.sets() {
        let kind = if set.flags { "flags" } else { "enum" };
        let stored = set.stored.map_or("-".to_owned(), |stored| stored.to_string());
        facts.push(format!("set {} {kind} {stored}", set.name));
        for (i, item) in set.items.iter().enumerate() {
            let mask = item.mask(set.flags);
            facts.push(format!("item {} {i} {} {:#x}/{mask:#x}", set.name, item.name, item.value));
        }
    }
    facts.sort_unstable();
    facts
}

#[test]
fn two_readers_agree_about_the_whole_table() {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: python3 is not installed");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reader/read_table.py");
    let table = std::env::temp_dir().join(format!("syscribe-table-{}.tt", std::process::id()));
    std::fs::write(&table, Catalog::builtin().print()).unwrap();
    let output = Command::new("python3").arg(script).arg(&table).output();
    std::fs::remove_file(&table).unwrap();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs = String::from_utf8(output.stdout).unwrap();
    let ours = facts(Catalog::builtin());
    let theirs: Vec<&str> = theirs.lines().collect();
    let first = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
    assert_eq!(first, None);
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() > 5000, "only {} facts", ours.len());
}
