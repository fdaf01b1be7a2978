//! `cargo xtask layouts`: writes where the members of objects lie.
//!
//! The table is its own list: each line names an object and the kernel's name for it, the rest is written anew from the type
//! information of the running kernel. Lines that this kernel does not know stay as they are.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use kernel::types::KernelTypes;
use schema::Catalog;
use schema::ast::Line;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/schema/tables/layouts.tt");

/// Writes `layouts.tt`.
pub(crate) fn run() -> Result<()> {
    let path = Path::new(TABLE);
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut catalog = Catalog::new();
    catalog.add(&text, "layouts.tt")?;
    let found = KernelTypes::read_for(&catalog)?.layouts(&catalog);
    let comments = text.lines().take_while(|line| line.starts_with('#'));
    let mut out: String = comments.flat_map(|line| [line, "\n"]).collect();
    for line in schema::parse(&text, "layouts.tt")? {
        let line = match line {
            Line::Layout(old) => {
                let new = found.iter().find(|new| new.name == old.name).cloned();
                if new.is_none() {
                    println!("{}: not in this kernel", old.name);
                }
                Line::Layout(new.unwrap_or(old))
            }
            other => other,
        };
        out.push_str(&schema::print([&line]));
    }
    fs::write(path, out).with_context(|| format!("writing {}", path.display()))?;
    println!("{}: {} layouts of the running kernel", path.display(), found.len());
    Ok(())
}
