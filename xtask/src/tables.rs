//! `cargo xtask tables`: writes the tables of numbers, the names of ioctl commands, and the sets of names that selectors describe.
//!
//! Sources: the installed kernel headers, crate `syscalls`, and [`NEWER`]. They must not contradict each other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Calls that are in no released header package yet; the same number everywhere.
const NEWER: [(u32, &str); 2] = [(470, "listns"), (471, "rseq_slice_yield")];

const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/schema/tables");
const HEADERS: &str = "/usr/include/x86_64-linux-gnu/asm";

/// Writes `numbers_x86_64.tt`, `numbers_i386.tt`, `ioctl.tt` and `sets_generated.tt`.
pub(crate) fn run() -> Result<()> {
    use syscalls::{x86, x86_64};
    // The crate's iterator stops before its last element.
    let native = x86_64::Sysno::iter().chain([x86_64::Sysno::last()]);
    write("x86_64", "unistd_64.h", native.map(|call| (call.id().unsigned_abs(), call.name())))?;
    let compat = x86::Sysno::iter().chain([x86::Sysno::last()]);
    write("i386", "unistd_32.h", compat.map(|call| (call.id().unsigned_abs(), call.name())))?;
    let commands = crate::ioctl::commands()?;
    let path = Path::new(TABLES).join("ioctl.tt");
    fs::write(&path, crate::ioctl::table(&commands))
        .with_context(|| format!("writing {}", path.display()))?;
    println!("{}: {} names", path.display(), commands.len());
    crate::sets::run()
}

fn write(abi: &str, header: &str, crate_list: impl Iterator<Item = (u32, &'static str)>) -> Result<()> {
    let header = Path::new(HEADERS).join(header);
    let text = fs::read_to_string(&header).with_context(|| format!("reading {}", header.display()))?;
    let mut numbers: BTreeMap<u32, String> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some("#define"), Some(name), Some(nr)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let (Some(name), Ok(nr)) = (name.strip_prefix("__NR_"), nr.parse()) else { continue };
        numbers.insert(nr, name.to_owned());
    }
    for (nr, name) in crate_list.chain(NEWER) {
        // The crate spells i386 call 17 as a raw identifier.
        let name = name.strip_prefix("r#").unwrap_or(name);
        match numbers.get(&nr) {
            Some(known) if known != name => {
                bail!("{abi} {nr} is {known} in {}, {name} elsewhere", header.display())
            }
            _ => numbers.insert(nr, name.to_owned()),
        };
    }
    let mut table = format!("# Numbers of the {abi} calls. Written by `cargo xtask tables`.\n");
    for (nr, name) in &numbers {
        writeln!(table, "number {abi} {nr} {name}")?;
    }
    let path = Path::new(TABLES).join(format!("numbers_{abi}.tt"));
    fs::write(&path, table).with_context(|| format!("writing {}", path.display()))?;
    println!("{}: {} numbers", path.display(), numbers.len());
    Ok(())
}
