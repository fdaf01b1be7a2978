//! Counts of calls as a table, in the columns of `strace -c` with three more.
//!
//! Times are those from entry to exit, so a call that waits counts with its waiting. Quantiles are at most an eighth too large.

use std::fmt::Write as _;

use calls::{Row, Summary};
use schema::Abi;

const RULE: &str =
    "------ ----------- ----------- --------- --------- --------- --------- --------- ----------------\n";

/// The table; the call that took longest in all comes first.
pub fn table(summary: &Summary) -> String {
    let rows = summary.rows();
    let all: u64 = rows.iter().map(|row| row.total).sum();
    let mut text = String::from(
        "% time     seconds  usecs/call       p50       p99       max     calls    errors syscall\n",
    );
    text.push_str(RULE);
    for row in &rows {
        line(&mut text, row, share(row.total, all));
    }
    text.push_str(RULE);
    let calls: u64 = rows.iter().map(|row| row.calls).sum();
    let errors: u64 = rows.iter().map(|row| row.errors).sum();
    let timed: u64 = rows.iter().map(|row| row.timed).sum();
    let (seconds, mean) = (seconds(all), micros(all.checked_div(timed)));
    let share = if rows.is_empty() { 0.0 } else { 100.0 };
    let errors = number(errors);
    // A text in memory takes what is written to it.
    let _ = writeln!(
        text,
        "{share:6.2} {seconds} {mean:>11} {:>9} {:>9} {:>9} {calls:>9} {errors:>9} total",
        "", "", ""
    );
    if summary.lost() > 0 {
        let _ = writeln!(text, "{} records were lost: the figures are too small", summary.lost());
    }
    text
}

fn line(text: &mut String, row: &Row, share: f64) {
    let name = match row.abi {
        Abi::X86_64 => row.name.to_string(),
        Abi::I386 => format!("{} (32-bit)", row.name),
    };
    let longest = (row.timed > 0).then_some(row.longest);
    let _ = writeln!(
        text,
        "{share:6.2} {} {:>11} {:>9} {:>9} {:>9} {:>9} {:>9} {name}",
        seconds(row.total),
        micros(row.total.checked_div(row.timed)),
        micros(row.quantile(1, 2)),
        micros(row.quantile(99, 100)),
        micros(longest),
        row.calls,
        number(row.errors),
    );
}

fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 * 100.0 / all as f64 }
}

fn seconds(ns: u64) -> String {
    format!("{:>4}.{:06}", ns / 1_000_000_000, ns / 1000 % 1_000_000)
}

/// Microseconds, rounded; nothing where no time is known.
fn micros(ns: Option<u64>) -> String {
    ns.map_or_else(String::new, |ns| ((ns + 500) / 1000).to_string())
}

/// Nothing for zero, as in strace.
fn number(count: u64) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}
