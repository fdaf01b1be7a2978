//! `cargo xtask bench`: what tracing costs, measured side by side in one run.
//!
//! The traced work runs on CPU 1, whatever a tool does beside it on CPU 0. A round measures, for each workload, the work alone,
//! then under each tool in an order that changes from round to round, then alone again; added time is always taken against
//! the mean of these two of the same round. Figures are medians over rounds. The cost of the work is its own thread's CPU time and
//! wall time, measured by the work itself, start-up of the tools excluded; only start-up is measured from outside.
//! Tools that are slower by orders of magnitude get a twentieth of the work.

mod report;
mod tool;
mod workload;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::programs::{cargo, install_missing, must, root};
use report::Cell;
use tool::Tool;
use workload::{Cost, Size, Workload};

/// The CPU of the traced work.
const WORK_CPU: &str = "1";
/// The CPU of the tools.
const TOOL_CPU: &str = "0";

/// What to measure, from the command line.
pub(crate) struct Settings {
    rounds: usize,
    quick: bool,
    only: Option<String>,
    write: bool,
}

impl Settings {
    /// Reads `--quick`, `--rounds N`, `--workload NAME`, `--no-write`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut settings = Self { rounds: 5, quick: false, only: None, write: true };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--quick" => (settings.quick, settings.write) = (true, false),
                "--no-write" => settings.write = false,
                "--rounds" => settings.rounds = value()?.parse().context("--rounds")?,
                "--workload" => settings.only = Some(value()?.clone()),
                other => bail!("bench does not know {other}"),
            }
        }
        ensure!(settings.rounds > 0, "no round, no figure");
        Ok(settings)
    }
}

/// One run of one tool: the work under it, against the work alone of the same round.
struct Sample {
    alone: Cost,
    traced: Cost,
    kept: tool::Kept,
}

/// Measures, prints, writes.
pub(crate) fn bench(settings: &Settings) -> Result<()> {
    ensure!(
        std::thread::available_parallelism()?.get() >= 2,
        "the bench needs two CPUs: one for the work, one for the tools"
    );
    install_missing();
    must(&mut cargo(&["build", "--release", "--quiet", "--package", "syscribe", "--package", "tracees"]))?;
    let scratch = std::env::temp_dir().join(format!("syscribe-bench-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let measured = measure(settings, &scratch);
    fs::remove_dir_all(&scratch)?;
    let (cells, start) = measured?;
    let text = report::text(settings, &cells, &start)?;
    println!("{text}");
    if settings.write {
        let page = root().join("docs/bench.md");
        fs::write(&page, &text).with_context(|| page.display().to_string())?;
        report::update_readme(&root().join("README.md"), &report::main_table(&cells))?;
    }
    Ok(())
}

type Measured = (BTreeMap<(Workload, Tool), Cell>, BTreeMap<Tool, Vec<f64>>);

fn measure(settings: &Settings, scratch: &Path) -> Result<Measured> {
    let tools: Vec<Tool> = Tool::ALL.into_iter().filter(|tool| tool.is_here()).collect();
    let workloads: Vec<Workload> = Workload::ALL
        .into_iter()
        .filter(|w| settings.only.as_ref().is_none_or(|name| w.name() == name))
        .collect();
    ensure!(!workloads.is_empty(), "no such workload");
    let full = if settings.quick { Size::Quick } else { Size::Full };
    let mut samples = BTreeMap::<(Workload, Tool), Vec<Sample>>::new();
    let mut start = BTreeMap::<Tool, Vec<f64>>::new();
    let mut counts = BTreeMap::new();
    for round in 0..settings.rounds {
        for &workload in &workloads {
            let mut alone = BTreeMap::<Size, Cost>::new();
            let mut traced = Vec::new();
            for index in 0..tools.len() {
                // Another order each round, so that no tool always follows the same other.
                let tool = tools[(index * 5 + round * 3) % tools.len()];
                let size = if tool.is_slow() { full.a_twentieth() } else { full };
                let calls = match counts.get(&(workload, size)) {
                    Some(calls) => *calls,
                    None => {
                        let calls = workload.calls(size, scratch)?;
                        counts.insert((workload, size), calls);
                        calls
                    }
                };
                let program = workload.program(size);
                if let Entry::Vacant(entry) = alone.entry(size) {
                    entry.insert(run_alone(&program, calls)?);
                }
                eprintln!(
                    "xtask: round {} of {}: {} under {}",
                    round + 1,
                    settings.rounds,
                    workload.name(),
                    tool.name()
                );
                traced.push((tool, size, tool.run(&program, calls, scratch)?));
            }
            // Once more alone: what drifts within a round is halved.
            for (size, cost) in &mut alone {
                *cost = cost.mean(&run_alone(&workload.program(*size), cost.calls)?);
            }
            for (tool, size, (traced, kept)) in traced {
                samples.entry((workload, tool)).or_default().push(Sample {
                    alone: alone[&size],
                    traced,
                    kept,
                });
            }
        }
        let plain = wall_of_true(None, scratch)?;
        for &tool in &tools {
            start.entry(tool).or_default().push(wall_of_true(Some(tool), scratch)? - plain);
        }
    }
    let cells = samples.into_iter().map(|(key, samples)| (key, Cell::of(&samples))).collect();
    Ok((cells, start))
}

fn run_alone(program: &[PathBuf], calls: u64) -> Result<Cost> {
    Cost::of(Command::new(&program[0]).args(&program[1..]), calls)
}

/// Wall time of `true`, from outside, in milliseconds.
fn wall_of_true(tool: Option<Tool>, scratch: &Path) -> Result<f64> {
    let program = [PathBuf::from("/bin/true")];
    if let Some(tool) = tool {
        tool.prepare();
    }
    let start = Instant::now();
    match tool {
        None => ensure!(Command::new(&program[0]).status()?.success(), "true fails"),
        Some(tool) => tool.start(&program, scratch)?,
    }
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
