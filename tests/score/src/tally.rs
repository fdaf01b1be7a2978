//! Two logs of one run, call by call: how often which class.

use std::collections::BTreeMap;

use schema::{Abi, Catalog};

use crate::class::{Class, compare, compare_register};
use crate::log::{Call, Log, Outcome};
use crate::names::Names;
use crate::remarks::remarks;
use crate::value::{Item, Value};

/// What is known of one call, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How often it was made.
    pub uses: usize,
    /// Arguments that strace shows, by [`Class`]. What came out beside the result counts as one more.
    pub classes: [usize; 4],
    /// Results that differ. They count as wrong.
    pub results: usize,
}

impl Count {
    /// Arguments of one class; among the wrong ones also wrong results.
    pub fn of(&self, class: Class) -> usize {
        let results = if class == Class::Wrong { self.results } else { 0 };
        self.classes[class as usize] + results
    }

    /// All arguments.
    pub fn arguments(&self) -> usize {
        self.classes.iter().sum()
    }

    /// Equal or more, of a hundred arguments.
    pub fn percent(&self) -> f64 {
        let good = self.of(Class::Equal) + self.of(Class::More);
        if self.arguments() == 0 { 100.0 } else { good as f64 * 100.0 / self.arguments() as f64 }
    }

    fn add(&mut self, other: &Self) {
        self.uses += other.uses;
        self.results += other.results;
        self.classes.iter_mut().zip(other.classes).for_each(|(sum, more)| *sum += more);
    }
}

/// One argument that is not equal.
#[derive(Clone, Debug)]
pub struct Finding {
    /// `openat`
    pub call: String,
    /// `argument 2 (how)`, `result`, `beside the result`
    pub place: String,
    /// What it is.
    pub class: Class,
    /// The group of the tracee that made the call.
    pub group: String,
    /// Strace's line.
    pub theirs: String,
    /// Ours.
    pub ours: String,
}

/// All that came of comparing.
#[derive(Debug, Default)]
pub struct Tally {
    /// By call.
    pub calls: BTreeMap<String, Count>,
    /// Arguments that are more, less or wrong.
    pub findings: Vec<Finding>,
    /// Threads in which the two did not see the same calls: the first place where they part.
    pub unpaired: Vec<String>,
}

impl Tally {
    /// The sum over all calls.
    pub fn total(&self) -> Count {
        let mut total = Count::default();
        self.calls.values().for_each(|count| total.add(count));
        total
    }

    /// Compares strace's text with ours, which also tells of strace itself: of ours only the threads count that strace
    /// names, and of the first of them only what comes from its first `execve` on.
    pub fn new(strace: &str, ours: &str) -> Self {
        let (strace, ours) = (Log::read(strace), Log::read(ours));
        let (names, groups) = (Names::builtin(), groups(&strace));
        let mut tally = Self::default();
        for (tid, theirs) in &strace.calls {
            let mut seen = ours.calls.get(tid).map_or(&[][..], Vec::as_slice);
            if strace.first == Some(*tid) {
                let start = seen.iter().position(|call| call.name == "execve").unwrap_or(seen.len());
                seen = &seen[start..];
            }
            let group = groups.get(tid).map_or("start", String::as_str);
            tally.thread(theirs, seen, group, &names);
        }
        tally
    }

    fn thread(&mut self, theirs: &[Call], ours: &[Call], group: &str, names: &Names) {
        for i in 0..theirs.len().max(ours.len()) {
            match (theirs.get(i), ours.get(i)) {
                (Some(a), Some(b)) if a.name == b.name || known_name(&a.name) == b.name => {
                    self.call(a, b, i + 1 == theirs.len(), group, names)
                }
                // A thread that is killed while strace holds it before a call: the kernel tells its end.
                (None, Some(b)) if b.outcome == Outcome::Error("ENOSYS".to_owned()) => {}
                (a, b) => {
                    let text = |call: Option<&Call>| call.map_or("-".to_owned(), |call| call.text.clone());
                    self.unpaired.push(format!(
                        "group {group}, call {i}\n  strace  {}\n  ours    {}",
                        text(a),
                        text(b)
                    ));
                    return;
                }
            }
        }
    }

    /// Compares one call; `last` of its thread, as far as strace heard of it.
    fn call(&mut self, theirs: &Call, ours: &Call, last: bool, group: &str, names: &Names) {
        let block = unpacked(theirs, ours);
        let ours = block.as_ref().unwrap_or(ours);
        let mut found = Vec::new();
        let nameless = theirs.name.starts_with("syscall_0x");
        for (i, item) in theirs.arguments.iter().enumerate() {
            let place = match &item.name {
                Some(name) => format!("argument {i} ({name})"),
                None => format!("argument {i}"),
            };
            match (counterpart(item, i, ours), nameless) {
                (Some(ours), false) => found.push((place, compare(&item.value, ours, names))),
                (Some(value), true) => {
                    found.push((place, compare_register(&item.value, value, width(&ours.name, i), names)));
                }
                (None, false) => found.push((place, Class::Less)),
                // A register that is no argument.
                (None, true) => {}
            }
        }
        if !theirs.remarks.is_empty() {
            let class = remarks(theirs, ours, names);
            found.push(("beside the result".to_owned(), class));
        }
        let count = self.calls.entry(ours.name.clone()).or_default();
        count.uses += 1;
        for (_, class) in &found {
            count.classes[*class as usize] += 1;
        }
        if !same_outcome(theirs, ours, last) {
            count.results += 1;
            found.push(("result".to_owned(), Class::Wrong));
        }
        for (place, class) in found.into_iter().filter(|(_, class)| *class != Class::Equal) {
            self.findings.push(Finding {
                call: ours.name.clone(),
                place,
                class,
                group: group.to_owned(),
                theirs: theirs.text.clone(),
                ours: ours.text.clone(),
            });
        }
    }
}

/// Ours with the members of a block as its arguments: the old `mmap` and `select` of i386 take one pointer to a block that holds
/// them, and strace shows them as if they were passed.
fn unpacked(theirs: &Call, ours: &Call) -> Option<Call> {
    let [Item { value: Value::Struct { members, cut: false }, .. }] = ours.arguments.as_slice() else {
        return None;
    };
    let arguments: Vec<_> =
        members.iter().map(|member| Item { name: None, value: member.value.clone() }).collect();
    (theirs.arguments.len() > 1).then(|| Call { arguments, ..ours.clone() })
}

/// Our value for an argument of strace: by its name where both have one, else by its place.
fn counterpart<'c>(item: &Item, place: usize, ours: &'c Call) -> Option<&'c Value> {
    let named = ours.arguments.iter().find(|other| item.name.is_some() && other.name == item.name);
    let placed = ours.arguments.get(place);
    // An argument of ours that has another name is another argument.
    let placed = placed.filter(|other| item.name.is_none() || other.name.is_none());
    named.or(placed).map(|other| &other.value)
}

/// Strace does not hear how a call ends whose thread is killed in it. Calls that never come back by their nature have no
/// result in ours either.
fn same_outcome(theirs: &Call, ours: &Call, last: bool) -> bool {
    let killed = matches!(&ours.outcome, Outcome::Error(error) if error.starts_with("ERESTART"));
    let returns = !matches!(theirs.name.as_str(), "exit" | "exit_group");
    let unheard = theirs.outcome == Outcome::Never && returns && (killed || last);
    match (&theirs.outcome, &ours.outcome) {
        (Outcome::Value(a), Outcome::Value(b)) => *a as u64 == *b as u64,
        (a, b) => a == b || unheard,
    }
}

/// The name of a call that is newer than strace: `syscall_0x1c3` is `cachestat`.
fn known_name(name: &str) -> &str {
    let number = name.strip_prefix("syscall_0x").and_then(|hex| u32::from_str_radix(hex, 16).ok());
    number.and_then(|number| Catalog::builtin().name(Abi::X86_64, number)).unwrap_or(name)
}

/// Bytes of an argument.
fn width(call: &str, argument: usize) -> u8 {
    let syscall = Catalog::builtin().syscall_by_name(Abi::X86_64, call);
    syscall.and_then(|call| Some(call.args.get(argument)?.stored.bytes)).unwrap_or(8)
}

/// The group of the tracee that each thread belongs to: it writes `group NAME`, and its children belong to it too.
fn groups(log: &Log) -> BTreeMap<u32, String> {
    let mut groups = BTreeMap::<u32, String>::new();
    for (tid, calls) in &log.calls {
        for call in calls {
            let text = call.arguments.get(1).map(|item| &item.value);
            if let (true, Some(Value::Text { bytes, .. })) = (call.name == "write", text)
                && let Some(name) = bytes.strip_prefix(b"group ")
            {
                let name = String::from_utf8_lossy(name).trim().to_owned();
                groups.insert(*tid, name);
            }
        }
    }
    // Children have greater numbers than their parents, but for a wrap of the numbers, which costs a name in a report.
    for (tid, calls) in &log.calls {
        let Some(group) = groups.get(tid).cloned() else { continue };
        for call in
            calls.iter().filter(|call| matches!(call.name.as_str(), "fork" | "vfork" | "clone" | "clone3"))
        {
            if let Outcome::Value(child) = call.outcome
                && let Ok(child) = u32::try_from(child)
            {
                groups.entry(child).or_insert_with(|| group.clone());
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRACE: &str = "\
10 execve(\"/x\", [\"x\"], 0x7ffe /* 3 vars */) = 0
10 write(1, \"group open\\n\", 11) = 11
10 openat(AT_FDCWD, \"/etc\", O_RDONLY|O_DIRECTORY) = 3
10 syscall_0x1c3(0x3, 0x7ff0, 0x7ff8, 0, 0xdead, 0xbeef) = 0
10 fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)
10 exit_group(0) = ?
";

    fn ours() -> String {
        STRACE
            .replace(
                "syscall_0x1c3(0x3, 0x7ff0, 0x7ff8, 0, 0xdead, 0xbeef)",
                "cachestat(3, 0x7ff0, {nr_cache=1}, 0)",
            )
            .replace(
                "10 execve",
                "10 ptrace(PTRACE_TRACEME, 0, 0, 0) = 0\n9 wait4(-1, NULL, 0, NULL) = 10\n10 execve",
            )
    }

    #[test]
    fn what_strace_does_before_it_becomes_the_program_does_not_count() {
        let tally = Tally::new(STRACE, &ours());
        assert_eq!(tally.unpaired, [""; 0]);
        assert_eq!(tally.total().of(Class::Wrong), 0);
        assert_eq!(tally.total().uses, 6);
    }

    #[test]
    fn a_call_that_strace_has_no_name_for_is_found_and_only_real_arguments_count() {
        let tally = Tally::new(STRACE, &ours());
        let count = tally.calls["cachestat"];
        assert_eq!((count.arguments(), count.of(Class::More)), (4, 1));
    }

    #[test]
    fn a_wrong_argument_is_found_with_its_place_and_its_group() {
        let tally = Tally::new(STRACE, &ours().replace("\"/etc\"", "\"/usr\""));
        assert_eq!(tally.findings.iter().filter(|f| f.class == Class::Wrong).count(), 1);
        let finding = tally.findings.iter().find(|f| f.class == Class::Wrong).unwrap();
        assert_eq!((finding.call.as_str(), finding.place.as_str()), ("openat", "argument 1"));
        assert_eq!(finding.group, "open");
    }

    #[test]
    fn a_wrong_result_is_wrong_and_missing_remarks_are_less() {
        let tally = Tally::new(STRACE, &ours().replace("= 3\n", "= 4\n"));
        assert_eq!(tally.calls["openat"].of(Class::Wrong), 1);
        let tally = Tally::new(STRACE, &ours().replace(" (flags FD_CLOEXEC)", ""));
        assert_eq!(tally.calls["fcntl"].of(Class::Less), 1);
    }

    #[test]
    fn a_missing_call_is_told_and_ends_the_comparison_of_its_thread() {
        let tally =
            Tally::new(STRACE, &ours().replace("10 fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)\n", ""));
        assert_eq!(tally.unpaired.len(), 1);
        assert!(tally.unpaired[0].contains("fcntl(3"), "{:?}", tally.unpaired);
    }

    #[test]
    fn how_the_last_call_of_a_killed_thread_ended_strace_does_not_know() {
        let strace = "7 execve() = 0\n7 epoll_wait(3,   <unfinished ...>) = ?\n";
        let wrong =
            |ours: &str| Tally::new(strace, &format!("7 execve() = 0\n7 {ours}\n")).total().of(Class::Wrong);
        assert_eq!(wrong("epoll_wait(3, 0x7ff0, 4, -1) = -1 EINTR (Interrupted system call)"), 0);
        let strace = strace.replace("epoll_wait(3,   <unfinished ...>)", "exit_group(0)");
        let ours = strace.replace("exit_group(0) = ?", "exit_group(0) = 0");
        assert_eq!(Tally::new(&strace, &ours).total().of(Class::Wrong), 1);
    }

    #[test]
    fn a_block_of_arguments_is_as_good_as_arguments() {
        let strace = "7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x1000\n";
        let ours = "7 execve() = 0\n7 mmap({addr=NULL, len=4096, prot=PROT_READ, flags=MAP_PRIVATE, fd=3, offset=0}) = 0x1000\n";
        let tally = Tally::new(&format!("7 execve() = 0\n{strace}"), ours);
        assert_eq!(tally.calls["mmap"].of(Class::Equal), 6);
    }

    #[test]
    fn a_percentage_is_of_arguments() {
        let count = Count { uses: 1, classes: [2, 1, 1, 0], results: 0 };
        assert!((count.percent() - 75.0).abs() < 1e-9);
    }
}
