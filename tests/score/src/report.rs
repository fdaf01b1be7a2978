//! A tally as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::class::Class;
use crate::tally::{Count, Finding, Tally};

const CLASSES: [Class; 4] = [Class::Equal, Class::More, Class::Less, Class::Wrong];

/// One line a call, with a line of headings before and one of sums behind, for a terminal.
pub fn table(tally: &Tally) -> String {
    let line = |name: &str, count: &Count| {
        let [equal, more, less, wrong] = CLASSES.map(|class| count.of(class));
        let (uses, arguments) = (count.uses, count.arguments());
        format!(
            "{name:26} {uses:6} {arguments:9} {equal:6} {more:6} {less:6} {wrong:6} {:6.1}%\n",
            count.percent()
        )
    };
    let mut text = format!(
        "{:26} {:>6} {:>9} {:>6} {:>6} {:>6} {:>6}\n",
        "call", "uses", "arguments", "equal", "more", "less", "wrong"
    );
    for (name, count) in &tally.calls {
        text.push_str(&line(name, count));
    }
    text.push_str(&line(&format!("{} calls", tally.calls.len()), &tally.total()));
    text
}

/// All findings of one class, those of one place of one call together: how many, and the first of them.
pub fn findings(tally: &Tally, class: Class) -> String {
    let mut places = BTreeMap::<(&str, &str), Vec<&Finding>>::new();
    for finding in tally.findings.iter().filter(|finding| finding.class == class) {
        places.entry((&finding.call, &finding.place)).or_default().push(finding);
    }
    let mut places: Vec<_> = places.into_iter().collect();
    places.sort_by_key(|(_, found)| std::cmp::Reverse(found.len()));
    let mut text = String::new();
    for ((call, place), found) in places {
        let first = found[0];
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} x {}: {call}, {place}, group {}", found.len(), class.name(), first.group);
        let _ = writeln!(text, "    strace  {}\n    ours    {}", first.theirs, first.ours);
    }
    text
}

/// `docs/coverage.md`: what came of comparing, for each convention.
pub fn page(sections: &[(&str, Tally)], strace: &str, kernel: &str) -> String {
    let mut text = format!(
        "# What is decoded, compared with strace\n\n\
         Written by `cargo xtask score`. {strace} and syscribe watch the same run of a program on Linux {kernel}. Every argument\n\
         that strace shows is compared by meaning; the rules are on the first page of `tests/score`. The programs, `every_call` and\n\
         `compat_calls` in `tests/tracees/src/bin`, make each call with sensible arguments, with NULL, with addresses of nothing, with\n\
         the last bytes of a page, with unknown flags and with nonsense.\n\n"
    );
    let heads: Vec<&str> = sections.iter().map(|(abi, _)| *abi).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "| | {} |\n|---|{}", heads.join(" | "), "---:|".repeat(sections.len()));
    let mut row = |name: &str, cell: &dyn Fn(&Tally) -> String| {
        let cells: Vec<String> = sections.iter().map(|(_, tally)| cell(tally)).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    };
    row("different calls", &|tally| tally.calls.len().to_string());
    row("uses", &|tally| tally.total().uses.to_string());
    row("arguments", &|tally| tally.total().arguments().to_string());
    row("equal", &|tally| tally.total().of(Class::Equal).to_string());
    row("more: we tell what strace leaves as an address or a number", &|tally| {
        tally.total().of(Class::More).to_string()
    });
    row("less: strace tells what we leave so", &|tally| tally.total().of(Class::Less).to_string());
    row("wrong", &|tally| tally.total().of(Class::Wrong).to_string());
    row("equal or more, in percent", &|tally| format!("{:.2}", tally.total().percent()));
    row("calls without less and wrong", &|tally| {
        let whole = |count: &&Count| count.of(Class::Less) + count.of(Class::Wrong) == 0;
        tally.calls.values().filter(whole).count().to_string()
    });
    for (abi, tally) in sections {
        let _ = writeln!(
            text,
            "\n## {abi}\n\n| call | uses | arguments | equal | more | less | wrong |\n|---|---:|---:|---:|---:|---:|---:|"
        );
        for (name, count) in &tally.calls {
            let [equal, more, less, wrong] = CLASSES.map(|class| count.of(class));
            let (uses, arguments) = (count.uses, count.arguments());
            let _ =
                writeln!(text, "| `{name}` | {uses} | {arguments} | {equal} | {more} | {less} | {wrong} |");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        Tally::new(
            "7 execve(\"/x\", [\"x\"], 0x7ffe) = 0\n7 close(3) = 0\n",
            "7 execve(\"/x\", 0x7ff0, 0x7ffe) = 0\n7 close(4) = 0\n",
        )
    }

    #[test]
    fn a_page_has_totals_and_a_line_for_each_call() {
        let page = page(&[("x86_64", tally()), ("i386", tally())], "strace 6.1", "6.18");
        assert!(page.contains("| equal or more, in percent | 50.00 | 50.00 |"), "{page}");
        assert!(page.contains("| `execve` | 1 | 3 | 2 | 0 | 1 | 0 |\n"), "{page}");
    }

    #[test]
    fn findings_of_one_place_are_told_once_with_an_example() {
        let text = findings(&tally(), Class::Wrong);
        assert!(text.starts_with("1 x wrong: close, argument 0, group start\n"), "{text}");
        assert!(text.contains("strace  close(3) = 0\n    ours    close(4) = 0\n"), "{text}");
    }

    #[test]
    fn a_table_ends_with_the_sum() {
        assert!(table(&tally()).lines().last().unwrap().starts_with("2 calls "));
    }
}
