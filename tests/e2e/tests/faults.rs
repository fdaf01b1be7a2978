//! Somebody dies in the middle: the traced program, or the tracer. Nothing stays attached, nothing stays stopped, and what
//! was handed over is readable.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::run::{self, Running, Scratch, syscribe, tracee, wait_until};
use e2e::spinning::{goes_on, last_number, programs};

/// True while a process runs, or sleeps; false once it is gone, dead or stopped.
fn runs(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    matches!(state, Some('R' | 'S' | 'D'))
}

/// Starts `hang` under `record` and waits until it is in its endless read. Returns its number and the descriptor.
#[track_caller]
fn hanging(trace: &Path, output: &Path) -> (Running, u64, u64) {
    let tracer = Running::start_into(syscribe(["record", "-o"]).arg(trace).arg(tracee("hang")), output);
    wait_until("the program says that it hangs", || last_number(output, "fd").is_some());
    let number = |word| last_number(output, word).expect("a number");
    let (pid, fd) = (number("pid"), number("fd"));
    wait_until("it is in its read", || {
        std::fs::read_to_string(format!("/proc/{pid}/syscall")).is_ok_and(|text| text.starts_with("0 "))
    });
    (tracer, pid, fd)
}

/// The last line of `show` that is a call.
fn last_call(trace: &Path) -> String {
    let text = run::run(syscribe(["show"]).arg(trace)).ok().out();
    assert!(!text.contains("<unfinished ...>"), "{}", run::tail(&text));
    text.lines().rfind(|line| !line.contains("+++ ") && !line.contains("--- ")).unwrap_or_default().to_owned()
}

#[test]
fn a_target_killed_in_a_call_leaves_a_sound_trace_that_ends_with_this_call() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("target-killed");
    let (output, trace) = (scratch.join("output"), scratch.join("trace"));
    let (tracer, pid, fd) = hanging(&trace, &output);
    run::kill("KILL", &pid.to_string());
    assert_eq!(tracer.wait().signal(), Some(9));
    run::run(syscribe(["check"]).arg(&trace)).ok();
    let last = last_call(&trace);
    assert!(last.contains(&format!("read({fd}, ")) && last.contains("= ?"), "{last}");
    let text = run::run(syscribe(["show"]).arg(&trace)).ok().out();
    assert!(text.contains("+++ killed by SIGKILL"), "{}", run::tail(&text));
}

#[test]
fn a_call_that_is_open_when_the_recording_ends_is_shown_as_open() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("open");
    let (output, trace) = (scratch.join("output"), scratch.join("trace"));
    let (mut tracer, pid, fd) = hanging(&trace, &output);
    tracer.signal("TERM");
    wait_until("the tracer has ended", || !tracer.is_running());
    let went_on = runs(pid);
    run::kill("KILL", &pid.to_string());
    assert!(went_on, "the program was to go on");
    let last = last_call(&trace);
    run::run(syscribe(["check"]).arg(&trace)).ok();
    assert!(last.contains(&format!("read({fd}, ")), "{last}");
    assert!(!last.contains(") = "), "a result that nobody has seen: {last}");
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
        wait_until("something is recorded", || {
            let length =
                |cpu| std::fs::metadata(trace.join(format!("syscalls_{cpu}"))).map_or(0, |file| file.len());
            (0..8).map(length).sum::<u64>() > 0
        });
        goes_on(&output, 200_000);
        tracer.signal(signal);
        let ran = tracer.wait();
        assert!(ran.signal().is_none(), "{signal}: {:?}", ran.signal());
        // A busy machine may make the collector late; then the status says so.
        let complete = ran.err().contains(" 0 records lost");
        assert_eq!(ran.code(), if complete { 0 } else { 3 }, "{signal}: {}", ran.err());
        assert_eq!(ran.err().lines().count(), 1, "one line at the end:\n{}", ran.err());
        goes_on(&output, 10_000);
        wait_until("its programs are gone from the kernel", || programs().is_subset(&before));
        let check = run::run(syscribe(["check"]).arg(&trace));
        assert!([0, 3].contains(&check.code()), "{}{}", check.out(), check.err());
        let shown = run::run(syscribe(["show"]).arg(&trace)).out();
        let calls = shown.lines().filter(|line| line.contains("getppid()")).count();
        assert!(calls > 100_000, "{calls} calls of at least 200,000");
        drop(target);
    }
}

#[test]
fn a_tracer_told_to_stop_while_it_starts_leaves_nothing_half_made() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("early");
    let before = programs();
    let output = scratch.join("output");
    let target = Running::start_into(&mut Command::new(tracee("spin")), &output);
    wait_until("the program runs", || last_number(&output, "calls").is_some());
    for step in 0..20 {
        let trace = scratch.join(format!("trace{step}"));
        let attached = ["-p", &target.pid().to_string()];
        let tracer = Running::start(syscribe(["record", "-o"]).arg(&trace).args(attached));
        std::thread::sleep(Duration::from_millis(5 * step));
        tracer.signal("INT");
        let ran = tracer.wait();
        if trace.exists() {
            let check = run::run(syscribe(["check"]).arg(&trace));
            let told = format!("{}{}{}", check.out(), check.err(), ran.err());
            assert!([0, 3].contains(&check.code()), "stopped after {} ms, it left:\n{told}", 5 * step);
            std::fs::remove_dir_all(&trace).unwrap();
        }
        goes_on(&output, 1_000);
    }
    wait_until("all programs are gone from the kernel", || programs().is_subset(&before));
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
