//! Watching a tracee that runs on its own, and what is attached to the kernel meanwhile.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::run::{self, tracee, wait_until};

/// The numbers of the BPF programs that are loaded now.
pub fn programs() -> BTreeSet<u32> {
    let ran = run::run(&mut Command::new(tracee("bpf_programs"))).ok();
    ran.out().lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}

/// The number behind `word` in the last whole line of a file that has one.
pub fn last_number(file: &Path, word: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let whole = text.rsplit_once('\n')?.0;
    whole.lines().rev().find_map(|line| {
        let mut words = line.split(' ').skip_while(|w| *w != word);
        words.nth(1)?.parse().ok()
    })
}

/// Waits until `spin` has made at least `more` calls from now on.
#[track_caller]
pub fn goes_on(output: &Path, more: u64) {
    let now = last_number(output, "calls").unwrap_or(0);
    wait_until("the traced program goes on", || {
        last_number(output, "calls").is_some_and(|calls| calls >= now + more)
    });
}
