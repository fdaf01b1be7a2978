//! Somebody dies in the middle: the traced program, or the tracer. Nothing stays attached, nothing stays stopped, and what
//! was handed over is readable.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use e2e::run::{self, Running, Scratch, syscribe, tracee, wait_until};

/// The numbers of the BPF programs that are loaded now.
fn programs() -> BTreeSet<u32> {
    let ran = run::run(&mut Command::new(tracee("bpf_programs"))).ok();
    ran.out().lines().filter_map(|line| line.split(' ').next()?.parse().ok()).collect()
}

/// The number behind `word` in the last whole line of a file that has one.
fn last_number(file: &Path, word: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let whole = text.rsplit_once('\n')?.0;
    whole.lines().rev().find_map(|line| {
        let mut words = line.split(' ').skip_while(|w| *w != word);
        words.nth(1)?.parse().ok()
    })
}

/// True while a process runs, or sleeps; false once it is gone, dead or stopped.
fn runs(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('R' | 'S' | 'D'))
}

/// Waits until `spin` has made at least `more` calls from now on.
#[track_caller]
fn goes_on(output: &Path, more: u64) {
    let now = last_number(output, "calls").unwrap_or(0);
    wait_until("the traced program goes on", || {
        last_number(output, "calls").is_some_and(|calls| calls >= now + more)
    });
}

#[test]
fn a_target_killed_in_a_call_leaves_a_sound_trace_that_shows_the_open_call() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("target-killed");
    let (output, trace) = (scratch.join("output"), scratch.join("trace"));
    let tracer = Running::start_into(syscribe(["record", "-o"]).arg(&trace).arg(tracee("hang")), &output);
    wait_until("the program hangs", || last_number(&output, "fd").is_some());
    let (pid, fd) = (last_number(&output, "pid").unwrap(), last_number(&output, "fd").unwrap());
    wait_until("it is in its read", || {
        std::fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|text| text.starts_with("0 "))
    });
    run::kill("KILL", &pid.to_string());
    assert_eq!(tracer.wait().signal(), Some(9));
    run::run(syscribe(["check"]).arg(&trace)).ok();
    let text = run::run(syscribe(["show"]).arg(&trace)).ok().out();
    let open: Vec<_> = text.lines().filter(|line| line.contains(&format!("read({fd},"))).collect();
    assert_eq!(open.len(), 1, "the call that never came back, once:\n{}", run::tail(&text));
    assert!(!text.contains("<unfinished ...>"), "{}", run::tail(&text));
}

#[test]
fn a_tracer_killed_by_sigkill_leaves_no_program_attached_and_its_target_running() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("tracer-killed");
    let (output, trace) = (scratch.join("output"), scratch.join("trace"));
    let before = programs();
    let mut tracer = Running::start_into(syscribe(["record", "-o"]).arg(&trace).arg(tracee("spin")), &output);
    wait_until("200,000 calls", || last_number(&output, "calls").is_some_and(|calls| calls > 200_000));
    assert!(!programs().is_subset(&before), "nothing of ours is attached: what is tested here?");
    run::kill("KILL", &tracer.pid().to_string());
    wait_until("the tracer is dead", || !tracer.is_running());
    wait_until("its programs are gone from the kernel", || programs().is_subset(&before));
    let pid = last_number(&output, "pid").unwrap();
    goes_on(&output, 100_000);
    assert!(runs(pid), "the traced program does not run any more");
    run::kill("KILL", &pid.to_string());

    let shown = run::run(syscribe(["show", "--style", "json"]).arg(&trace));
    assert!([0, 1, 3].contains(&shown.code()), "{}", shown.err());
    let events = shown.out().lines().count();
    assert!(events > 100_000, "only {events} events can be read");
}

#[test]
fn a_tracer_told_to_stop_leaves_a_sound_trace_and_its_target_running() {
    let _alone = run::alone();
    run::needs_root();
    for signal in ["INT", "TERM"] {
        let scratch = Scratch::new(signal);
        let (output, trace) = (scratch.join("output"), scratch.join("trace"));
        let before = programs();
        let target = Running::start_into(&mut Command::new(tracee("spin")), &output);
        wait_until("the program runs", || last_number(&output, "calls").is_some());
        let attached = ["-p", &target.pid().to_string()];
        let tracer = Running::start(syscribe(["record", "-o"]).arg(&trace).args(attached));
        wait_until("programs are attached", || !programs().is_subset(&before));
        goes_on(&output, 200_000);
        tracer.signal(signal);
        let ran = tracer.wait();
        assert!(ran.signal().is_none(), "{signal}: {:?}", ran.signal());
        assert_eq!(ran.code(), 0, "{signal}: {}", ran.err());
        assert_eq!(ran.err().lines().count(), 1, "one line at the end:\n{}", ran.err());
        goes_on(&output, 10_000);
        assert!(programs().is_subset(&before), "still attached");
        let check = run::run(syscribe(["check"]).arg(&trace));
        assert!([0, 3].contains(&check.code()), "{}{}", check.out(), check.err());
        let shown = run::run(syscribe(["show"]).arg(&trace)).out();
        let calls = shown.lines().filter(|line| line.contains("getppid()")).count();
        assert!(calls > 100_000, "{calls} calls of at least 200,000");
        drop(target);
    }
}

#[test]
fn a_listener_that_goes_away_ends_show_quietly() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("listener");
    let trace = scratch.join("trace");
    run::run(syscribe(["record", "-o"]).arg(&trace).arg(tracee("flood")).args(["20000"])).ok();
    let binary = run::binaries().join("syscribe");
    let script = format!("{} show {} | head -n 1", binary.display(), trace.display());
    let ran = run::run(Command::new("sh").args(["-c", &script])).ok();
    assert_eq!((ran.out().lines().count(), ran.err().as_str()), (1, ""));
}

#[test]
fn attaching_to_a_process_that_does_not_exist_is_refused() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("no-process");
    let trace = scratch.join("trace");
    let ran = run::run(syscribe(["record", "-o"]).arg(&trace).args(["-p", "4194304"]));
    assert!(ran.code() != 0 && ran.code() != 101 && ran.signal().is_none(), "{}", ran.err());
    assert!(ran.err().contains("4194304"), "{}", ran.err());
    assert!(!trace.exists(), "a trace directory was left behind");
}
