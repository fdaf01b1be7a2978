//! The kernel itself says which number is which call: one event for every system call gives its number, another one, only where the
//! kernel has declared the call, gives its name. Made one behind the other by the same thread, they are a pair.
//!
//! In an instance of tracefs of its own, so that the kernel's own trace buffer stays as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::run::{self, tracee};
use schema::{Abi, Catalog};

/// Numbers that are tried; the kernel's own table ends before.
const COUNT: u32 = 480;

/// A trace buffer with events of its own, gone at the end of the test.
struct Instance(PathBuf);

impl Instance {
    fn new(tracefs: &Path) -> Instance {
        let path = tracefs.join(format!("instances/syscribe-numbers-{}", std::process::id()));
        fs::create_dir(&path).expect("an instance of tracefs");
        Instance(path)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).expect(file);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        for (file, text) in [("tracing_on", "0"), ("events/enable", "0"), ("set_event_pid", "")] {
            // What keeps the directory from being removed is reported there.
            let _ = fs::write(self.0.join(file), text);
        }
        if let Err(error) = fs::remove_dir(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// Who caused a line of the trace, and what it says: `every_number-4711    [001] ..... 12.345678: sys_getpid()`. Where the
/// kernel has forgotten the name of the thread, `<...>` stands there.
fn event(line: &str) -> Option<(u32, &str)> {
    let (thread, rest) = line.split_once(" [")?;
    let (_, pid) = thread.trim_end().rsplit_once('-')?;
    let (_, said) = rest.split_once(": ")?;
    Some((pid.parse().ok()?, said))
}

/// The number of `sys_enter: NR 57 (ffffffffffffffff, ...)`, when all six registers are -1.
fn tried(said: &str) -> Option<u32> {
    let (number, registers) = said.strip_prefix("sys_enter: NR ")?.split_once(" (")?;
    let mut registers = registers.strip_suffix(')')?.split(", ");
    registers.all(|register| register == "ffffffffffffffff").then(|| number.parse().ok())?
}

/// The call of `sys_newuname(name: 0xffffffffffffffff)`, by its public name.
fn named_call(said: &str) -> Option<&str> {
    let (name, _) = said.strip_prefix("sys_")?.split_once('(')?;
    (!name.contains(' ')).then(|| schema::tracefs::public_name(name))
}

#[test]
fn every_number_that_the_kernel_names_has_that_name_in_the_table() {
    let _alone = run::alone();
    run::needs_root();
    let tracefs = Path::new("/sys/kernel/tracing");
    let Ok(events) = fs::read_dir(tracefs.join("events/syscalls")) else {
        eprintln!("skipped: no tracefs at {}", tracefs.display());
        return;
    };
    let names = events.map(|entry| entry.expect("an event").file_name().to_string_lossy().into_owned());
    let named = names.filter(|name| name.starts_with("sys_enter_")).count();

    let mut program = Command::new(tracee("every_number"));
    program.arg(COUNT.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = program.spawn().expect("every_number");
    let instance = Instance::new(tracefs);
    instance.write("options/event-fork", "1");
    instance.write("set_event_pid", &child.id().to_string());
    // The number comes first because it is asked for first.
    instance.write("events/raw_syscalls/sys_enter/enable", "1");
    for name in fs::read_dir(instance.0.join("events/syscalls")).expect("events") {
        let name = name.expect("an event").file_name().to_string_lossy().into_owned();
        if name.starts_with("sys_enter_") {
            instance.write(&format!("events/syscalls/{name}/enable"), "1");
        }
    }
    drop(child.stdin.take());
    let output = child.wait_with_output().expect("every_number");
    assert!(output.status.success(), "{}", output.status);
    let said = String::from_utf8(output.stdout).expect("numbers");
    let children: BTreeMap<u32, u32> = said
        .lines()
        .map(|line| {
            let (number, pid) = line.split_once(' ').expect("NUMBER PID");
            (pid.parse().expect("a pid"), number.parse().expect("a number"))
        })
        .collect();
    let trace = fs::read_to_string(instance.0.join("trace")).expect("the trace");

    let catalog = Catalog::builtin();
    let mut open: BTreeMap<u32, u32> = BTreeMap::new();
    let (mut raw, mut pairs, mut wrong) = (0, 0, Vec::new());
    for (pid, said) in trace.lines().filter_map(event) {
        let Some(&number) = children.get(&pid) else { continue };
        if let Some(found) = tried(said) {
            assert_eq!(found, number, "{said}");
            raw += 1;
            open.insert(pid, number);
            continue;
        }
        // What the same thread says next is about the same call, or there is no name.
        let Some(number) = open.remove(&pid) else { continue };
        let Some(name) = named_call(said) else { continue };
        pairs += 1;
        if catalog.name(Abi::X86_64, number) != Some(name) {
            wrong.push(format!("{number} is {name}, not {:?}", catalog.name(Abi::X86_64, number)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(raw, COUNT, "numbers seen");
    assert_eq!(pairs, named, "numbers with a name, and names that the kernel has");
    println!("{pairs} of {raw} numbers have the names of the kernel");
}
