//! Samples to figures, figures to text.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::tool::Tool;
use super::workload::Workload;
use super::{Sample, Settings};

/// The figures of one tool on one workload: medians over the rounds.
pub(super) struct Cell {
    /// CPU time that a call takes without a tracer, ns.
    alone: f64,
    /// Added CPU time a call: least, median, most of the rounds.
    cpu: [f64; 3],
    /// Added wall time a call, ns.
    wall: f64,
    /// Wall time with against wall time without.
    slowdown: f64,
    /// Bytes on disk a call.
    bytes: Option<f64>,
    /// The most that any round lost.
    lost: Option<u64>,
}

impl Cell {
    pub(super) fn of(samples: &[Sample]) -> Self {
        let figures = |f: &dyn Fn(&Sample) -> f64| spread(samples.iter().map(f).collect());
        let bytes = samples
            .iter()
            .map(|s| s.kept.bytes.map(|b| b as f64 / s.traced.calls as f64))
            .collect::<Option<Vec<f64>>>();
        Self {
            alone: figures(&|s| s.alone.cpu_per_call())[1],
            cpu: figures(&|s| s.traced.cpu_per_call() - s.alone.cpu_per_call()),
            wall: figures(&|s| s.traced.wall_per_call() - s.alone.wall_per_call())[1],
            slowdown: figures(&|s| s.traced.wall_per_call() / s.alone.wall_per_call())[1],
            bytes: bytes.map(|b| spread(b)[1]),
            lost: samples.iter().map(|s| s.kept.lost).max().flatten(),
        }
    }
}

/// Least, median, most.
fn spread(mut figures: Vec<f64>) -> [f64; 3] {
    figures.sort_by(f64::total_cmp);
    let at = |i: usize| figures.get(i).copied().unwrap_or(f64::NAN);
    [at(0), at(figures.len() / 2), at(figures.len().saturating_sub(1))]
}

type Cells = BTreeMap<(Workload, Tool), Cell>;

/// The whole page.
pub(super) fn text(settings: &Settings, cells: &Cells, start: &BTreeMap<Tool, Vec<f64>>) -> Result<String> {
    let mut text = String::from("# What tracing costs\n\nWritten by `cargo xtask bench`");
    if settings.quick {
        text.push_str(" --quick");
    }
    writeln!(text, "; not edited by hand.\n")?;
    writeln!(text, "{}\n", machine()?)?;
    writeln!(
        text,
        "The work runs on CPU 1, the tools on CPU 0. Median of {} interleaved rounds; in each, the work alone is measured \
         before and after the tools, and each tool against the mean of the two. Times are what the work itself sees, from its \
         first traced call to its last: CPU time of its threads and children (cpu) and wall time (wall), in ns a call. perf \
         trace and strace get a twentieth of the work; trace-cmd records into an instance of its own (`-d -k -B NAME -e \
         syscalls`), strace into /dev/null. `lost` is what the tool, or the kernel for it, says in its worst round: a row with \
         loss keeps less than the others. The least any tracer on these tracepoints pays is the empty program pair.\n",
        settings.rounds
    )?;
    text.push_str(&main_table(cells));
    for workload in Workload::ALL {
        let rows: Vec<_> = cells.iter().filter(|((w, _), _)| *w == workload).collect();
        let Some((_, first)) = rows.first() else { continue };
        writeln!(text, "\n## {}\n\nWithout a tracer: {:.0} ns a call.\n", workload.title(), first.alone)?;
        writeln!(
            text,
            "| tool | added cpu | (least .. most) | added wall | slowdown | bytes a call | lost |"
        )?;
        writeln!(text, "|---|---:|---:|---:|---:|---:|---:|")?;
        for ((_, tool), cell) in rows {
            let [least, median, most] = cell.cpu;
            writeln!(
                text,
                "| {} | {median:.0} | {least:.0} .. {most:.0} | {:.0} | {:.2} | {} | {} |",
                tool.name(),
                cell.wall,
                cell.slowdown,
                cell.bytes.map_or("-".to_owned(), |b| format!("{b:.1}")),
                cell.lost.map_or("-".to_owned(), |l| l.to_string()),
            )?;
        }
    }
    writeln!(text, "\n## Start and stop: `true` under the tool against `true`, wall ms\n")?;
    writeln!(text, "| tool | least | median | most |\n|---|---:|---:|---:|")?;
    for (tool, times) in start {
        let [least, median, most] = spread(times.clone());
        writeln!(text, "| {} | {least:.0} | {median:.0} | {most:.0} |", tool.name())?;
    }
    text.push_str(&goals(cells, start));
    Ok(text)
}

/// Added time a call, one row a tool, one column a workload: the README's table.
pub(super) fn main_table(cells: &Cells) -> String {
    let workloads: Vec<_> =
        Workload::ALL.into_iter().filter(|w| cells.keys().any(|(other, _)| other == w)).collect();
    let titles: Vec<_> = workloads.iter().map(|w| w.title()).collect();
    let mut table =
        format!("| added ns a call | {} |\n|---|{}\n", titles.join(" | "), "---:|".repeat(titles.len()));
    for tool in Tool::ALL {
        let row: Vec<_> = workloads
            .iter()
            .map(|w| match cells.get(&(*w, tool)) {
                None => "-".to_owned(),
                // A tracer that stops the program spends its time elsewhere: only the wall shows it.
                Some(cell) => {
                    let added = if tool.is_slow() { cell.wall } else { cell.cpu[1] };
                    let loss = if cell.lost.is_some_and(|lost| lost > 0) { " (with loss)" } else { "" };
                    format!("{added:.0}{loss}")
                }
            })
            .collect();
        if row.iter().any(|cell| cell != "-") {
            let _ = writeln!(table, "| {} | {} |", tool.name(), row.join(" | "));
        }
    }
    table
}

/// The promises about cost, each with the figure of this run.
fn goals(cells: &Cells, start: &BTreeMap<Tool, Vec<f64>>) -> String {
    let mut text = String::from("\n## The goals\n\n| goal | this run | |\n|---|---:|---|\n");
    let mut goal = |what: &str, figure: Option<f64>, limit: f64| {
        let (figure, verdict) = match figure {
            None => ("-".to_owned(), "not measured"),
            Some(f) => (format!("{f:.3}"), if f <= limit { "holds" } else { "DOES NOT HOLD" }),
        };
        let _ = writeln!(text, "| {what} | {figure} | {verdict} |");
    };
    let cell = |tool| cells.get(&(Workload::Getppid, tool));
    let ours = cell(Tool::Record);
    let against = |tool| Some(ours?.cpu[1] / cell(tool)?.cpu[1]);
    let against_strace = |tool| Some(ours?.wall / cell(tool)?.wall);
    goal("added time a getppid, against an empty program pair: at most 2.0", against(Tool::EmptyPair), 2.0);
    let fast = || Some(cell(Tool::Fast)?.cpu[1] / cell(Tool::EmptyPair)?.cpu[1]);
    goal("the same with --fast: at most 1.1", fast(), 1.1);
    goal("against trace-cmd: at most 0.7", against(Tool::TraceCmd), 0.7);
    goal("against strace on the other CPU: at most 0.02", against_strace(Tool::StraceApart), 0.02);
    goal("against strace on the same CPU: at most 0.02", against_strace(Tool::StraceTogether), 0.02);
    goal("bytes a call on disk: at most 48", ours.and_then(|cell| cell.bytes), 48.0);
    goal("records lost: 0", ours.and_then(|cell| Some(cell.lost? as f64)), 0.0);
    goal(
        "`true` under syscribe record, ms longer: at most 150",
        start.get(&Tool::Record).map(|t| spread(t.clone())[1]),
        150.0,
    );
    text
}

/// Kernel, processor, and what else ran.
fn machine() -> Result<String> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| path.to_owned());
    let cpus = read("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ").map(|(_, m)| m));
    let count = cpus.lines().filter(|l| l.starts_with("processor")).count();
    let load = read("/proc/loadavg")?;
    Ok(format!(
        "Machine: {count} x {}, Linux {}, load average at the end {}.",
        model.unwrap_or("unknown processor"),
        read("/proc/sys/kernel/osrelease")?.trim(),
        load.split(' ').next().unwrap_or_default(),
    ))
}

const BEGIN: &str = "<!-- bench: begin -->\n";
const END: &str = "<!-- bench: end -->";

/// Puts the table between the two marks of the README. Where the README has no marks, says so and leaves it alone.
pub(super) fn update_readme(readme: &Path, table: &str) -> Result<()> {
    let old = fs::read_to_string(readme).with_context(|| readme.display().to_string())?;
    match replaced(&old, table) {
        Some(new) => fs::write(readme, new).with_context(|| readme.display().to_string()),
        None => {
            eprintln!("xtask: {} has no {} ... {END}", readme.display(), BEGIN.trim());
            Ok(())
        }
    }
}

fn replaced(old: &str, table: &str) -> Option<String> {
    let (head, rest) = old.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}{table}{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_goes_between_the_marks() {
        let old = format!("a\n{BEGIN}old\n{END}\nb\n");
        assert_eq!(replaced(&old, "new\n"), Some(format!("a\n{BEGIN}new\n{END}\nb\n")));
        assert_eq!(replaced("no marks", "new"), None);
    }

    #[test]
    fn the_median_of_an_odd_number_is_the_middle_one() {
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), [1.0, 2.0, 3.0]);
    }
}
