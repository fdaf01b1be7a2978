//! Tracing what runs already: a process with all its threads, or the whole machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use e2e::json;
use e2e::run::{self, Running, Scratch, syscribe, tracee, wait_until};
use e2e::spinning::{goes_on, last_number};

/// Arguments of `spin`: 1000 calls, then 2 ms of rest.
const GENTLE: [&str; 3] = ["1000", "0", "2000"];

/// How many getppid calls each thread has begun.
fn getppid_by_thread(trace: &Path) -> BTreeMap<u64, u64> {
    let mut calls = BTreeMap::new();
    run::each_line(syscribe(["show", "--style", "json"]).arg(trace), |line| {
        // A loss is no event, and no matter here.
        if let Ok(event) = json::event(&String::from_utf8_lossy(line))
            && event.name == "syscall_entry_getppid"
        {
            *calls.entry(event.tid).or_default() += 1;
        }
    });
    calls
}

/// Waits until the recording has brought something to the disk.
#[track_caller]
fn something_recorded(trace: &Path) {
    wait_until("something is recorded", || {
        let length =
            |cpu| std::fs::metadata(trace.join(format!("syscalls_{cpu}"))).map_or(0, |file| file.len());
        (0..64).map(length).sum::<u64>() > 0
    });
}

#[test]
fn attaching_to_a_process_traces_all_its_threads_and_no_other_process() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("attach");
    let (output, other, trace) = (scratch.join("output"), scratch.join("other"), scratch.join("trace"));
    let target = Running::start_into(Command::new(tracee("spin")).args(["1000", "3", "2000"]), &output);
    let bystander = Running::start_into(Command::new(tracee("spin")).args(GENTLE), &other);
    wait_until("both run", || [&output, &other].iter().all(|file| last_number(file, "calls").is_some()));
    let pid = last_number(&output, "pid").expect("a number");
    let tracer = Running::start(syscribe(["record", "-o"]).arg(&trace).args(["-p", &pid.to_string()]));
    something_recorded(&trace);
    goes_on(&output, 100_000);
    goes_on(&other, 1_000);
    tracer.signal("INT");
    tracer.wait();
    goes_on(&output, 1_000);
    let said = std::fs::read_to_string(&output).expect("the output");
    let mut threads: Vec<u64> = said
        .lines()
        .filter_map(|line| line.strip_prefix("thread ").or(line.strip_prefix("pid "))?.parse().ok())
        .collect();
    threads.sort_unstable();
    assert_eq!(threads.len(), 4);
    let calls = getppid_by_thread(&trace);
    assert_eq!(calls.keys().copied().collect::<Vec<_>>(), threads, "{calls:?}");
    drop((target, bystander));
}

#[test]
fn attaching_ends_when_the_process_ends() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("attach-end");
    let (output, trace) = (scratch.join("output"), scratch.join("trace"));
    let target = Running::start_into(Command::new(tracee("spin")).args(GENTLE), &output);
    wait_until("it runs", || last_number(&output, "calls").is_some());
    let tracer =
        Running::start(syscribe(["record", "-o"]).arg(&trace).args(["-p", &target.pid().to_string()]));
    something_recorded(&trace);
    // Its stdin is closed, and it ends by itself.
    target.close_stdin();
    let ran = tracer.wait();
    assert!([0, 3].contains(&ran.code()), "{}", ran.err());
    let text = run::run(syscribe(["show"]).arg(&trace)).out();
    assert!(text.contains("+++ exited with 0 +++"), "{}", run::tail(&text));
}

#[test]
fn live_text_of_a_running_process_ends_on_interrupt_and_leaves_it_running() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("attach-live");
    let (output, text) = (scratch.join("output"), scratch.join("text"));
    let target = Running::start_into(Command::new(tracee("spin")).arg("100"), &output);
    wait_until("it runs", || last_number(&output, "calls").is_some());
    let mut command = syscribe(["-q", "-e", "trace=getppid", "-o"]);
    let tracer = Running::start(command.arg(&text).args(["-p", &target.pid().to_string()]));
    wait_until("its calls are printed", || std::fs::metadata(&text).is_ok_and(|file| file.len() > 10_000));
    tracer.signal("INT");
    let ran = tracer.wait();
    assert!([0, 130].contains(&ran.code()), "status {}: {}", ran.code(), ran.err());
    goes_on(&output, 1_000);
    let text = std::fs::read_to_string(&text).expect("the text");
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    assert!(whole.lines().any(|line| line.contains("getppid()")), "{}", run::tail(whole));
}

#[test]
fn the_whole_machine_has_everybody_in_it_but_the_tool_itself() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("machine");
    let (output, other, trace) = (scratch.join("output"), scratch.join("other"), scratch.join("trace"));
    let targets =
        [&output, &other].map(|file| Running::start_into(Command::new(tracee("spin")).args(GENTLE), file));
    wait_until("both run", || [&output, &other].iter().all(|file| last_number(file, "calls").is_some()));
    let tracer = Running::start(syscribe(["record", "-a", "-o"]).arg(&trace));
    something_recorded(&trace);
    goes_on(&output, 50_000);
    goes_on(&other, 50_000);
    let itself = u64::from(tracer.pid());
    tracer.signal("INT");
    tracer.wait();
    let calls = getppid_by_thread(&trace);
    for target in &targets {
        assert!(calls.get(&u64::from(target.pid())).is_some_and(|&count| count > 100), "{calls:?}");
    }
    let mut own = 0;
    let mut payload = 0;
    run::each_line(syscribe(["show", "--style", "json"]).arg(&trace), |line| {
        if let Ok(event) = json::event(&String::from_utf8_lossy(line)) {
            own += u64::from(event.tid == itself && event.name.contains("syscall_entry"));
            let data = event.fields.get("buf_data").and_then(|data| data.as_array());
            payload += u64::from(event.name.contains("_write") && data.is_some_and(|data| !data.is_empty()));
        }
    });
    assert_eq!(own, 0, "the tool has recorded itself");
    assert_eq!(payload, 0, "bytes that programs wrote are in a trace of the whole machine");
}
