//! One entry point for everything a contributor runs.

mod tables;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tables"] => tables::run(),
        _ => bail!("usage: cargo xtask tables"),
    }
}
