//! Two readers of one trace: babeltrace2 and our own say the same, event by event.

use std::path::Path;

use e2e::babeltrace::{self, Event};
use e2e::run::{self, Scratch, syscribe, tracee};
use e2e::{json, run::Ran};

/// Everything that our tracees do, a storm of opens, and programs of the system.
fn record(trace: &Path) {
    let program = |name: &str| tracee(name).display().to_string();
    let script = format!(
        "{}; {}; {}; {}; {} 200; {} 20; {} 4 1000; {} 8000; {} handle 10 5; {}; find /etc /usr/include -size +1000000k; ls -l /etc",
        program("pointers"),
        program("bigwrite"),
        program("int80"),
        program("unknown"),
        program("forks"),
        program("vfork"),
        program("threads"),
        program("opens"),
        program("signals"),
        program("exec_thread"),
    );
    let ran = run::run(syscribe(["record", "-o"]).arg(trace).args(["sh", "-c", &script])).ok();
    assert!(ran.err().contains(" 0 records lost"), "{}", ran.err());
}

fn ours(trace: &Path) -> Vec<Event> {
    let mut events = Vec::new();
    run::each_line(syscribe(["show", "--style", "json"]).arg(trace), |line| {
        events.push(json::event(&String::from_utf8_lossy(line)).expect("an event"));
    })
    .ok();
    events
}

fn theirs(trace: &Path) -> (Vec<Event>, Ran) {
    let mut events = Vec::new();
    let ran = run::each_line(&mut babeltrace::command(trace), |line| {
        let line = String::from_utf8_lossy(line);
        events.push(babeltrace::event(line.trim_end_matches('\n')).expect("an event"));
    })
    .ok();
    (events, ran)
}

#[test]
fn babeltrace2_and_our_json_agree_on_each_of_100_000_events() {
    let _alone = run::alone();
    run::needs_root();
    if !run::have("babeltrace2") {
        return;
    }
    let scratch = Scratch::new("readers");
    let trace = scratch.join("trace");
    record(&trace);
    let ours = ours(&trace);
    let (theirs, ran) = theirs(&trace);
    assert_eq!(ran.err(), "", "babeltrace2 warns");
    assert!(ours.len() >= 100_000, "only {} events", ours.len());
    assert_eq!(ours.len(), theirs.len());
    let mut last = 0;
    for (at, (a, b)) in ours.iter().zip(&theirs).enumerate() {
        let same = (a.time, a.cpu, a.tid, &a.name) == (b.time, b.cpu, b.tid, &b.name);
        assert!(same && json::same_fields(&a.fields, &b.fields), "event {at}:\nours   {a:?}\ntheirs {b:?}");
        assert!(a.time >= last, "event {at} is older than the one before");
        last = a.time;
    }
}

#[test]
fn a_copy_of_a_trace_is_a_trace() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("copy");
    let (trace, copy) = (scratch.join("trace"), scratch.join("copy"));
    run::run(syscribe(["record", "-o"]).arg(&trace).args(["ls", "-l", "/etc"])).ok();
    run::run(std::process::Command::new("cp").arg("-r").arg(&trace).arg(&copy)).ok();
    for words in [&["show"][..], &["show", "--style", "json"], &["show", "--style", "ftrace", "--types"]] {
        let text = |directory: &Path| run::run(syscribe(words).arg(directory)).ok().stdout;
        assert_eq!(text(&trace), text(&copy), "{words:?}");
    }
    run::run(syscribe(["check"]).arg(&copy)).ok();
}

#[test]
fn the_states_of_a_pointee_are_five_different_things_in_the_record() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("states");
    let trace = scratch.join("trace");
    let ran = run::run(syscribe(["record", "-o"]).arg(&trace).arg(tracee("pointers"))).ok();
    let events = ours(&trace);
    let said = ran.out();
    for line in said.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [case, address, result] = words[..] else { unreachable!("{line}") };
        let address = u64::from_str_radix(address.trim_start_matches("0x"), 16).expect("an address");
        let (call, field) =
            if case.starts_with("exec") { ("execve", "argv") } else { ("openat", "filename") };
        let at = events.iter().position(|e| {
            e.name == format!("syscall_entry_{call}") && e.fields[&format!("{field}_ptr")] == address
        });
        let at = at.unwrap_or_else(|| unreachable!("no entry for {line}"));
        let entry = &events[at];
        let exit =
            events[at..].iter().find(|e| e.tid == entry.tid && e.name == format!("syscall_exit_{call}"));
        let exit = exit.unwrap_or_else(|| unreachable!("no exit for {line}"));
        let state = |event: &Event| event.fields.get(&format!("{field}_state")).cloned().unwrap_or_default();
        // What could not be read at entry is read again at exit; the second word is the state there.
        let expected = match case {
            "null" | "exec_null" => ("null", None),
            "low" | "unmapped" | "noncanonical" | "unterminated" => ("fault", Some("fault")),
            "exec_bad" => ("fault", Some("fault")),
            "cold" => ("fault", Some("ok")),
            "toolong" | "exec_long" => ("cut", None),
            _ => ("ok", None),
        };
        assert_eq!(state(entry), expected.0, "{case} at entry: {:?}", entry.fields);
        match expected.1 {
            None => {
                assert!(state(exit).is_null(), "{case}: read again at exit, for nothing: {:?}", exit.fields)
            }
            Some(expected) => assert_eq!(state(exit), expected, "{case} at exit: {:?}", exit.fields),
        }
        assert_eq!(exit.fields["ret"].as_i64().is_some_and(|ret| ret < 0), result.starts_with('-'), "{case}");
    }
    let cold = events.iter().any(|e| {
        e.name == "syscall_exit_openat" && e.fields.get("filename").is_some_and(|f| f == "/cold/page")
    });
    assert!(cold, "the text that was read at exit");
}

/// The programs for 32-bit calls are loaded while the traced program runs already; until then such a call is an event of
/// its table without a name. Three seconds are far more than the loading takes.
#[test]
fn a_32_bit_call_is_an_event_of_its_own() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("compat");
    let trace = scratch.join("trace");
    let ran = run::run(syscribe(["record", "-o"]).arg(&trace).arg(tracee("int80")).arg("3000"));
    if ran.code() == 77 {
        eprintln!("SKIPPED: this kernel has no 32-bit calls (CONFIG_IA32_EMULATION)");
        return;
    }
    ran.ok();
    let events = ours(&trace);
    let compat: Vec<&str> =
        events.iter().map(|e| e.name.as_str()).filter(|n| n.starts_with("compat_")).collect();
    let expected: Vec<String> = ["getpid", "open", "read", "close", "lseek"]
        .iter()
        .flat_map(|name| [format!("compat_syscall_entry_{name}"), format!("compat_syscall_exit_{name}")])
        .collect();
    assert_eq!(compat, expected);
}
