//! libtraceevent, the library of trace-cmd and perf, formats our records by our format texts.
//!
//! Skipped where its headers or a C compiler are not installed (Debian: `libtraceevent-dev`, `gcc`).

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ctf::types::EventType;
use schema::ast::Set;
use schema::format::{self, Format};
use schema::lower::{Plan, Records, lower};
use schema::{Abi, Catalog, tracepoint};

/// A program built from `reader/format_records.c`; `None` when that cannot be.
fn formatter(scratch: &Path) -> Option<PathBuf> {
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "libtraceevent"]).output();
    let flags = flags.ok().filter(|output| output.status.success());
    let compiler = Command::new("cc").arg("--version").output().is_ok();
    let (Some(flags), true) = (flags, compiler) else {
        eprintln!("SKIPPED: no libtraceevent-dev, pkg-config or cc");
        return None;
    };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reader/format_records.c");
    let program = scratch.join("format_records");
    let words = String::from_utf8(flags.stdout).expect("words");
    let mut build = Command::new("cc");
    build.args(["-Wall", "-o"]).arg(&program).arg(source).args(words.split_whitespace());
    assert!(build.status().is_ok_and(|status| status.success()), "{build:?}");
    Some(program)
}

/// Lines that libtraceevent makes of (format text, record).
fn formatted(records: &[(String, Vec<u8>)]) -> Option<Vec<String>> {
    let scratch = std::env::temp_dir().join(format!(
        "syscribe-traceevent-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    fs::create_dir(&scratch).expect("a directory");
    let output = formatter(&scratch).map(|program| {
        let mut input = Vec::new();
        let mut before = "";
        for (text, record) in records {
            let new = if text == before { "" } else { text };
            before = text;
            for part in [new.as_bytes(), record] {
                input.extend((part.len() as u32).to_le_bytes());
                input.extend(part);
            }
        }
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the formatter");
        let mut stdin = child.stdin.take().expect("a pipe");
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().expect("the formatter");
        let written = writer.join().expect("a writer");
        // It says by words where it does not understand a text.
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        written.expect("all was read");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
    });
    fs::remove_dir_all(&scratch).expect("the directory");
    output
}

fn events() -> Vec<EventType> {
    let layouts = lower(Catalog::builtin(), &Plan::default(), |_, _| true);
    let calls =
        layouts.into_iter().chain(tracepoint::unknown_calls(Records::Two)).chain(tracepoint::lifecycle());
    calls.map(|layout| layout.event).chain([tracepoint::process_state()]).collect()
}

fn event(name: &str) -> EventType {
    events().into_iter().find(|event| event.name == name).expect("an event")
}

/// The format text of an event, and what our own reader makes of it.
fn text(event: &EventType) -> (String, Format) {
    let text = format::write(event, Catalog::builtin());
    let format = format::parse(&text, &event.name).expect("a format text");
    (text, format)
}

/// A record of the event of that text: its fields are zero but for those given; then the variable parts.
fn record(format: &Format, values: &[(&str, u64)], variable: &[u8]) -> Vec<u8> {
    let end = format.fields.iter().map(|field| field.offset + field.size).max().unwrap_or(0);
    let mut bytes = vec![0; end as usize];
    for (name, value) in values.iter().chain(&[("common_type", u64::from(format.id))]) {
        let named = |declaration: &str| declaration.rsplit(' ').next() == Some(*name);
        let field = format.fields.iter().find(|field| named(&field.declaration)).expect("a field");
        let at = field.offset as usize..(field.offset + field.size) as usize;
        bytes[at.clone()].copy_from_slice(&value.to_le_bytes()[..at.len()]);
    }
    bytes.extend(variable);
    bytes
}

#[test]
fn an_openat_as_it_is_recorded() {
    let (text, format) = text(&event("syscall_entry_openat"));
    let values = [
        ("common_pid", 42),
        ("dfd", -100_i64 as u64),
        ("filename_ptr", 0x7ffe_0000_1234),
        ("flags", 0o2_001_101),
        ("mode", 0o644),
    ];
    let record = record(&format, &values, b"/etc/hosts\0");
    let Some(lines) = formatted(&[(text, record)]) else { return };
    let expected = "42 syscall_entry_openat dfd: -100, filename_ptr: 0x7ffe00001234, filename_state: ok, flags: \
        O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, mode: 0644, filename: \"/etc/hosts\"";
    assert_eq!(lines, [expected]);
}

#[test]
fn bytes_are_shown_in_hexadecimal() {
    let (text, format) = text(&event("syscall_exit_read"));
    let record = record(&format, &[("ret", 3), ("buf_len", 3)], b"a\nb");
    let Some(lines) = formatted(&[(text, record)]) else { return };
    assert_eq!(lines, ["0 syscall_exit_read ret: 3, buf_state: ok, buf_len: 3, buf_data: 61 0a 62"]);
}

#[test]
fn the_name_of_a_thread_is_text() {
    let (text, format) = text(&event("sched_process_fork"));
    let name = u64::from_le_bytes(*b"bash\0\0\0\0");
    let mut bytes = record(&format, &[("child_tid", 7)], b"");
    let at = bytes.len() - 16;
    bytes[at..at + 8].copy_from_slice(&name.to_le_bytes());
    let Some(lines) = formatted(&[(text, bytes)]) else { return };
    assert!(lines[0].ends_with("child_tid: 7, child_pid: 0, child_comm: \"bash\""), "{lines:?}");
}

/// Values that try each name of a set, alone and together with others.
fn values(set: &Set, mask: u64) -> Vec<u64> {
    let each: Vec<u64> = set.items.iter().map(|item| item.value & mask).collect();
    let mut values = vec![0, 0x77];
    values.extend(&each);
    if set.flags {
        values.extend(each.windows(3).map(|three| three[0] | three[2]));
        values.push(each.iter().fold(0, |all, value| all | value));
    }
    values
}

/// What we would write: names and the bits without one.
fn ours(set: &Set, value: u64, bits: u32) -> (BTreeSet<String>, u64) {
    let decoded = set.decode(value, bits);
    // One of several is named without what its mask leaves.
    let rest = if set.flags || decoded.names.is_empty() { decoded.rest } else { 0 };
    (decoded.names.iter().map(|name| (*name).to_owned()).collect(), rest)
}

fn theirs(shown: &str) -> (BTreeSet<String>, u64) {
    let (mut names, mut rest) = (BTreeSet::new(), 0);
    for word in shown.split('|') {
        match word.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok()) {
            Some(bits) => rest |= bits,
            None if word == "0" => {}
            None => assert!(names.insert(word.to_owned()), "{word} twice in {shown}"),
        }
    }
    (names, rest)
}

/// Every flag of every call: libtraceevent and we give it the same names.
#[test]
fn flags_have_the_same_names_in_both() {
    let catalog = Catalog::builtin();
    let (mut records, mut expected) = (Vec::new(), Vec::new());
    let mut done = BTreeSet::new();
    for event in events() {
        let Some(call) = event.name.strip_prefix("syscall_entry_") else { continue };
        let Some(call) = catalog.syscall_by_name(Abi::X86_64, call) else { continue };
        for arg in &call.args {
            let Some(set) = catalog.set(&arg.param.ty.name).filter(|_| arg.param.render.is_none()) else {
                continue;
            };
            let bits = u32::from(arg.stored.bytes) * 8;
            // Some sets have thousands of names; one call shows them all.
            if !done.insert((set.name.clone(), bits)) {
                continue;
            }
            let (text, format) = text(&event);
            for value in values(set, u64::MAX >> (64 - bits)) {
                records.push((text.clone(), record(&format, &[(&arg.name, value)], b"\0")));
                expected.push((arg.name.clone(), value, ours(set, value, bits)));
            }
        }
    }
    assert!(done.len() > 90, "only {} sets", done.len());
    let Some(lines) = formatted(&records) else { return };
    assert_eq!(lines.len(), expected.len());
    for (line, (name, value, ours)) in lines.iter().zip(&expected) {
        let (_, shown) = line.split_once(&format!("{name}: ")).unwrap();
        let shown = shown.split(',').next().unwrap();
        assert_eq!(theirs(shown), *ours, "{value:#x} in {line}");
    }
}

#[test]
fn every_event_is_understood() {
    let texts: Vec<_> = events().iter().map(text).collect();
    assert!(texts.len() > 1500, "{} events", texts.len());
    assert!(texts.iter().flat_map(|(_, format)| &format.sets).all(|set| set.unknown.is_empty()));
    let record = |(text, format): (String, Format)| (text, record(&format, &[], &[0; 64]));
    let records: Vec<_> = texts.into_iter().map(record).collect();
    let Some(lines) = formatted(&records) else { return };
    for (line, (text, _)) in lines.iter().zip(&records) {
        assert!(!line.contains("FAILED"), "{line}\n{text}");
    }
}
