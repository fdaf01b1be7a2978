//! The tool ends as the traced program ended, and says in one line what it could not do.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use e2e::run::{self, Scratch, syscribe, tracee};

/// Runs the tool with arguments that it has to refuse: one line on stderr that holds `word`, a status that is no
/// success, no panic, and no word on stdout. Returns the status.
#[track_caller]
fn refused(command: &mut Command, word: &str) -> i32 {
    let ran = run::run(command);
    let (code, err) = (ran.code(), ran.err());
    assert!(code != 0 && code != 101 && ran.signal().is_none(), "status {code}\n{err}");
    assert_eq!(err.lines().count(), 1, "not one line on stderr:\n{err}");
    assert!(err.contains(word), "{err:?} does not say {word:?}");
    assert_eq!(ran.out(), "");
    code
}

#[test]
fn the_status_of_the_program_is_the_status_of_the_tool() {
    let _alone = run::alone();
    run::needs_root();
    for status in [0, 1, 2, 5, 77, 126, 127, 128, 200, 255] {
        let program = [tracee("signals"), "exit".into(), status.to_string().into()];
        run::run(syscribe(["-o", "/dev/null"]).args(&program)).expect_code(status);
    }
}

#[test]
fn a_program_killed_by_a_signal_is_seen_by_the_shell_as_if_not_traced() {
    let _alone = run::alone();
    run::needs_root();
    // HUP, INT, QUIT, ABRT, KILL, SEGV, PIPE, TERM: the last can leave no core file, which is why they are first.
    for signal in [1, 2, 9, 13, 15, 3, 6, 11] {
        let program = [tracee("signals"), "kill".into(), signal.to_string().into()];
        let scratch = Scratch::new("signal");
        let ran = run::run(syscribe(["-o", "/dev/null"]).args(&program).current_dir(scratch.path()));
        assert_eq!(ran.signal(), Some(signal), "{}", ran.err());
    }
    let shell = format!(
        "{} -o /dev/null {} kill 15; echo $?",
        run::binaries().join("syscribe").display(),
        tracee("signals").display()
    );
    assert_eq!(run::run(Command::new("sh").args(["-c", &shell])).out().trim(), "143");
}

#[test]
fn record_ends_with_the_status_of_the_program_too() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("record-status");
    let record = |name: &str, words: &[&str]| {
        run::run(syscribe(["record", "-o"]).arg(scratch.join(name)).arg(tracee("signals")).args(words))
    };
    record("a", &["exit", "7"]).expect_code(7);
    assert_eq!(record("b", &["kill", "15"]).signal(), Some(15));
    for name in ["a", "b"] {
        run::run(syscribe(["check"]).arg(scratch.join(name))).ok();
    }
}

#[test]
fn options_end_at_the_first_word_that_is_none() {
    let _alone = run::alone();
    run::needs_root();
    let ran = run::run(&mut syscribe(["-o", "/dev/null", "sh", "-c", "echo \"$0 $1\"", "-o", "-f"])).ok();
    assert_eq!(ran.out(), "-o -f\n");
}

#[test]
fn without_privileges_it_says_so_in_one_line() {
    let _alone = run::alone();
    run::needs_root();
    if !run::have("setpriv") {
        return;
    }
    let scratch = Scratch::new("nobody");
    let binary = scratch.join("syscribe");
    std::fs::copy(run::binaries().join("syscribe"), &binary).unwrap();
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let nobody = || {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&binary)
            .current_dir(scratch.path());
        command
    };
    refused(nobody().arg("true"), "root");
    refused(nobody().args(["record", "-o", "trace", "true"]), "root");
    assert!(!scratch.join("trace").exists(), "a trace directory was left behind");
    // What needs no privileges works without.
    let doctor = run::run(nobody().arg("doctor"));
    assert!(doctor.signal().is_none() && doctor.code() != 101, "{}", doctor.err());
    assert!(!doctor.out().is_empty());
}

#[test]
fn a_program_that_does_not_exist_is_told_in_one_line() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("missing");
    refused(&mut syscribe(["/no/such/program"]), "/no/such/program");
    refused(&mut syscribe(["no-such-program-in-the-path"]), "no-such-program-in-the-path");
    refused(
        syscribe(["record", "-o"]).arg(scratch.join("trace")).arg("/no/such/program"),
        "/no/such/program",
    );
    assert!(!scratch.join("trace").exists(), "a trace directory was left behind");
    let text = scratch.join("text");
    std::fs::write(&text, "no program\n").unwrap();
    refused(syscribe([&text; 1]).current_dir("/"), "text");
}

#[test]
fn a_name_that_is_no_call_is_told_in_one_line() {
    let _alone = run::alone();
    refused(&mut syscribe(["-e", "trace=openat,opennat", "true"]), "opennat");
    refused(&mut syscribe(["-e", "nonsense=1", "true"]), "nonsense");
}

#[test]
fn options_that_do_not_exist_and_missing_arguments_are_told() {
    let _alone = run::alone();
    for words in
        [&["--no-such-option", "true"][..], &["-o"], &["record", "--no-such-option"], &["show"], &["check"]]
    {
        let ran = run::run(&mut syscribe(words));
        assert!(![0, 101].contains(&ran.code()) && ran.signal().is_none(), "{words:?}: {}", ran.err());
        assert!(!ran.err().is_empty(), "{words:?}: not a word");
    }
}

#[test]
fn an_output_that_exists_or_cannot_be_written_is_refused_and_left_alone() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("output");
    let taken = scratch.join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("precious"), "text").unwrap();
    refused(syscribe(["record", "-o"]).arg(&taken).arg("true"), "taken");
    assert_eq!(std::fs::read_to_string(taken.join("precious")).unwrap(), "text");
    assert_eq!(std::fs::read_dir(&taken).unwrap().count(), 1, "something was added to it");
    refused(syscribe(["record", "-o"]).arg(taken.join("precious")).arg("true"), "precious");
    refused(&mut syscribe(["record", "-o", "/proc/no-such-directory/trace", "true"]), "/proc");
    refused(&mut syscribe(["-o", "/no/such/directory/file", "true"]), "/no/such/directory/file");
    // A link to somewhere is somebody's trap: the file behind it must not change.
    let (target, link) = (scratch.join("target"), scratch.join("link"));
    std::fs::create_dir(&target).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    refused(syscribe(["record", "-o"]).arg(&link).arg("true"), "link");
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0);
}

#[test]
fn a_trace_is_readable_by_its_owner_only() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("modes");
    let trace = scratch.join("trace");
    run::run(syscribe(["record", "-o"]).arg(&trace).arg("true")).ok();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&trace), 0o700);
    for entry in std::fs::read_dir(&trace).unwrap() {
        let path = entry.unwrap().path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}

#[test]
fn what_is_no_trace_is_refused_in_one_line() {
    let _alone = run::alone();
    let scratch = Scratch::new("no-trace");
    for command in ["show", "check"] {
        refused(syscribe([command]).arg(scratch.path()), "metadata");
        refused(syscribe([command]).arg(scratch.join("absent")), "absent");
        refused(syscribe([command, "/etc/passwd"]).current_dir("/"), "/etc/passwd");
    }
}
