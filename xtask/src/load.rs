//! `cargo xtask load`: how long it takes until what system calls mean is in memory.
//!
//! Each round is a process of its own, because a process reads the built-in tables once. Built for release, as the tool is.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kernel::tracefs::Tracefs;
use kernel::types::KernelTypes;
use schema::Catalog;

use crate::programs::{cargo, must};

/// Rounds.
const ROUNDS: usize = 41;

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    if cfg!(debug_assertions) {
        return must(&mut cargo(&["run", "--release", "--quiet", "--package", "xtask", "--", "load"]));
    }
    let program = std::env::current_exe()?;
    let mut rounds: Vec<[u64; 3]> = Vec::new();
    for _ in 0..ROUNDS {
        let output = Command::new(&program).args(["load", "--once"]).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let times: Vec<u64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        rounds.push(times.try_into().ok().with_context(|| said.clone())?);
    }
    type Part = fn(&[u64; 3]) -> u64;
    let of: [(&str, Part); 4] = [
        ("built-in tables", |round| round[0]),
        ("types of the running kernel", |round| round[1]),
        ("a copy with declarations and layouts of the running kernel", |round| round[2]),
        ("all", |round| round.iter().sum()),
    ];
    println!(" median   least");
    for (what, of) in of {
        let mut times: Vec<u64> = rounds.iter().map(of).collect();
        times.sort_unstable();
        let ms = |at: usize| Duration::from_nanos(times[at]).as_secs_f64() * 1e3;
        println!("{:7.2} {:7.2} ms  {what}", ms(ROUNDS / 2), ms(0));
    }
    println!("{ROUNDS} processes; {} bytes as text", Catalog::builtin().print().len());
    Ok(())
}

/// One round: nanoseconds of the three parts.
pub(crate) fn once() -> Result<()> {
    let start = Instant::now();
    let builtin = Catalog::builtin();
    let parsed = start.elapsed();
    let types = KernelTypes::read()?;
    let read = start.elapsed();
    let mut running = builtin.clone();
    types.declare(&Tracefs::open()?.syscall_formats()?, &mut running);
    let declared = start.elapsed();
    println!("{} {} {}", parsed.as_nanos(), (read - parsed).as_nanos(), (declared - read).as_nanos());
    Ok(())
}
