//! The format texts of a trace, in the hands of somebody else's library: libtraceevent formats the bytes that a probe wrote.
//!
//! Skipped where its headers or a C compiler are not installed (Debian: `libtraceevent-dev`, `gcc`).

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::json;
use e2e::run::{self, Scratch, syscribe};

/// Bytes of a packet before its first record, and where they say how many bits the packet has (`docs/format.md`).
const PACKET: usize = 88;
const CONTENT_SIZE: usize = 44;

/// The program that formats records by format texts.
fn formatter(scratch: &Path) -> Option<PathBuf> {
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "libtraceevent"]).output();
    let Some(flags) = flags.ok().filter(|output| output.status.success()) else {
        eprintln!("SKIPPED: no libtraceevent-dev or pkg-config");
        return None;
    };
    if !run::have("cc") {
        return None;
    }
    let source =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/schema/tests/reader/format_records.c");
    let program = scratch.join("format_records");
    let words = String::from_utf8_lossy(&flags.stdout).into_owned();
    run::run(Command::new("cc").arg("-o").arg(&program).arg(source).args(words.split_whitespace())).ok();
    Some(program)
}

/// What it makes of one record; what lies behind the record does not matter.
fn formatted(program: &Path, text: &str, record: &[u8]) -> String {
    let mut child =
        Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the formatter");
    let mut input = Vec::new();
    for part in [text.as_bytes(), record] {
        input.extend((part.len() as u32).to_le_bytes());
        input.extend(part);
    }
    child.stdin.take().expect("a pipe").write_all(&input).expect("the formatter reads");
    let output = child.wait_with_output().expect("the formatter");
    assert!(output.status.success());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn libtraceevent_formats_what_a_probe_wrote() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("formats");
    let Some(program) = formatter(scratch.path()) else { return };
    let trace = scratch.join("trace");
    run::run(syscribe(["record", "-e", "openat", "-o"]).arg(&trace).args([
        "sh",
        "-c",
        "cat /etc/hosts; true",
    ]))
    .ok();
    let listed = run::run(syscribe(["list", "events", "--format", "--from"]).arg(&trace)).ok().out();
    let texts: HashMap<&str, &str> = listed
        .split("\n\nname: ")
        .filter_map(|text| Some((text.split_once("ID: ")?.1.split_once('\n')?.0, text)))
        .collect();
    let mut events = Vec::new();
    run::each_line(syscribe(["show", "--style", "json"]).arg(&trace), |line| {
        events.push(json::event(&String::from_utf8_lossy(line)).expect("an event"));
    })
    .ok();
    let mut compared = 0;
    for file in std::fs::read_dir(&trace).expect("a trace").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let Some(cpu) = name.strip_prefix("syscalls_").and_then(|cpu| cpu.parse::<u64>().ok()) else {
            continue;
        };
        let stream = std::fs::read(file.path()).expect("a stream");
        let Some(bits) = stream.get(CONTENT_SIZE..CONTENT_SIZE + 8) else { continue };
        let end = u64::from_le_bytes(bits.try_into().expect("eight bytes")) as usize / 8;
        // The first record of the stream is the first event of that CPU.
        let Some(record) = stream.get(PACKET..end).filter(|record| !record.is_empty()) else { continue };
        let first = events.iter().find(|event| event.cpu == cpu && event.name.contains("syscall_"));
        let first = first.expect("an event");
        let id = u16::from_le_bytes([record[0], record[1]]).to_string();
        let text = format!("name: {}\n", texts[id.as_str()].trim_start_matches("name: "));
        let line = formatted(&program, &text, record);
        assert!(line.starts_with(&format!("{} {} ", first.tid, first.name)), "{line}\n{first:?}");
        for name in ["ret", "dfd", "nr"] {
            let number = first.fields.get(name).map(|value| format!("{name}: {value}"));
            assert!(number.is_none_or(|number| line.contains(&number)), "{line}\n{first:?}");
        }
        if let Some(path) = first.fields.get("filename").and_then(|path| path.as_str()) {
            assert!(line.contains(&format!("filename: \"{path}\"")), "{line}\n{first:?}");
        }
        compared += 1;
    }
    assert!(compared > 0, "no record");
}
