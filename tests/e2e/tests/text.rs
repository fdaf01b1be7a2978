//! What a user sees without a trace directory: lines on stderr or in a file, and the lists.

use std::collections::BTreeSet;
use std::process::Command;

use e2e::run::{self, Scratch, syscribe, tracee};

#[test]
fn the_text_goes_to_stderr_and_the_program_keeps_its_stdout() {
    let _alone = run::alone();
    run::needs_root();
    let ran = run::run(&mut syscribe(["echo", "hello"])).ok();
    assert_eq!(ran.out(), "hello\n");
    let err = ran.err();
    let first = err.lines().find(|line| !line.starts_with("syscribe: ")).expect("a line");
    assert!(first.contains("execve(") && first.contains("[\"echo\", \"hello\"]"), "{first}");
    assert!(err.contains("write(1, \"hello\\n\", 6)"), "{err}");
    assert!(err.trim_end().ends_with("+++ exited with 0 +++"), "{err}");
}

#[test]
fn with_o_nothing_but_the_text_goes_into_the_file() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("text");
    let file = scratch.join("file");
    let ran = run::run(syscribe(["-o"]).arg(&file).args(["echo", "hello"])).ok();
    assert_eq!((ran.out().as_str(), ran.err().as_str()), ("hello\n", ""));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.lines().count() > 10 && text.contains("exit_group(0)"), "{text}");
}

#[test]
fn a_set_of_calls_is_all_that_is_shown() {
    let _alone = run::alone();
    run::needs_root();
    let ran = run::run(&mut syscribe(["-q", "-e", "trace=openat,close", "cat", "/etc/passwd"])).ok();
    let err = ran.err();
    let calls: BTreeSet<&str> =
        err.lines().filter(|l| !l.starts_with("+++")).map(|l| l.split('(').next().unwrap_or(l)).collect();
    assert_eq!(calls, BTreeSet::from(["close", "openat"]), "{err}");
    assert!(err.contains("openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY) = 3"), "{err}");
}

#[test]
fn times_have_the_shape_that_strace_gives_them() {
    let _alone = run::alone();
    run::needs_root();
    // Digits become 9: only the shape counts, never the time.
    let shape = |words: &[&str]| {
        let mut command = syscribe(["-q", "-e", "trace=getppid"]);
        let err = run::run(command.args(words).arg(tracee("flood")).arg("1")).ok().err();
        let line = err.lines().find(|line| line.contains("getppid()")).expect("the call").to_owned();
        line.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect::<String>()
    };
    assert!(shape(&["-t"]).starts_with("99:99:99 getppid()"), "{}", shape(&["-t"]));
    assert!(shape(&["-tt"]).starts_with("99:99:99.999999 getppid()"), "{}", shape(&["-tt"]));
    assert!(shape(&["-ttt"]).starts_with("9999999999.999999 getppid()"), "{}", shape(&["-ttt"]));
    assert!(shape(&["-r"]).trim_start().starts_with("9.999999 getppid()"), "{}", shape(&["-r"]));
    assert!(shape(&["-T"]).ends_with(" <9.999999>"), "{}", shape(&["-T"]));
}

#[test]
fn the_live_text_and_the_text_of_a_trace_are_the_same() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("live");
    let (file, trace) = (scratch.join("file"), scratch.join("trace"));
    let marked = |text: &str| {
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').to_owned())
            .collect();
        let marks: Vec<usize> = (0..lines.len()).filter(|&i| lines[i].starts_with("close(-1000)")).collect();
        assert_eq!(marks.len(), 2, "{text}");
        lines[marks[0]..=marks[1]].to_vec()
    };
    run::run(syscribe(["-o"]).arg(&file).arg(tracee("bigwrite"))).ok();
    run::run(syscribe(["record", "-o"]).arg(&trace).arg(tracee("bigwrite"))).ok();
    let shown = run::run(syscribe(["show"]).arg(&trace)).ok().out();
    assert_eq!(marked(&shown), marked(&std::fs::read_to_string(&file).unwrap()));
}

#[test]
fn list_knows_every_call_of_the_running_kernel() {
    let _alone = run::alone();
    run::needs_root();
    // Whatever the kernel has under this directory has an entry of its own in the list, with the names of its arguments.
    run::run(&mut syscribe(["-q", "-o", "/dev/null", "true"])).ok();
    let text = run::run(&mut syscribe(["list", "syscalls"])).ok().out();
    let listed: BTreeSet<&str> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .collect();
    // The kernel's function names that differ from the names of the calls.
    let renamed = [
        ("newfstat", "fstat"),
        ("newlstat", "lstat"),
        ("newstat", "stat"),
        ("newuname", "uname"),
        ("sendfile64", "sendfile"),
        ("umount", "umount2"),
    ];
    let mut calls = 0;
    for entry in std::fs::read_dir("/sys/kernel/tracing/events/syscalls").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(call) = name.strip_prefix("sys_enter_") else { continue };
        let call = renamed.iter().find(|(kernel, _)| *kernel == call).map_or(call, |(_, user)| user);
        assert!(listed.contains(call), "{call} is not in the list");
        calls += 1;
    }
    assert!(calls > 300, "{calls} calls");
    let openat = run::run(&mut syscribe(["list", "syscalls", "openat"])).ok().out();
    for word in ["257", "openat", "filename", "flags", "mode"] {
        assert!(openat.contains(word), "no {word} in\n{openat}");
    }
}

#[test]
fn lists_are_text_that_is_the_same_each_time() {
    let _alone = run::alone();
    run::needs_root();
    let one = run::run(&mut syscribe(["list", "syscalls"])).ok().out();
    assert_eq!(run::run(&mut syscribe(["list", "syscalls"])).ok().out(), one);
    for what in ["events", "types"] {
        assert!(run::run(&mut syscribe(["list", what])).ok().out().lines().count() > 20, "{what}");
    }
    // An object: where its members lie in both conventions, and what they mean.
    let timespec = run::run(&mut syscribe(["list", "types", "timespec"])).ok().out();
    for line in [
        "layout timespec = __kernel_timespec 16",
        "layout timespec@i386 = ",
        "struct timespec { long tv_sec;",
    ] {
        assert!(timespec.lines().any(|known| known.starts_with(line)), "{line}:\n{timespec}");
    }
}

#[test]
fn formats_are_those_of_the_recorded_events() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("formats");
    let trace = scratch.join("trace");
    run::run(syscribe(["record", "-e", "openat", "-o"]).arg(&trace).arg("true")).ok();
    let text =
        run::run(syscribe(["list", "events", "--format", "-e", "openat", "--from"]).arg(&trace)).ok().out();
    assert!(text.starts_with("name: syscall_entry_openat\nID: 257\nformat:\n"), "{text}");
    assert!(text.contains("\tfield:s32 flags;\toffset:"), "{text}");
    assert!(!text.contains("name: syscall_entry_read\n"), "{text}");
    assert!(text.contains("{ 0x80000, \"O_CLOEXEC\" }"), "{text}");
}

#[test]
fn tracefs_is_mounted_where_it_is_not_and_said_so() {
    let _alone = run::alone();
    run::needs_root();
    if !run::have("unshare") {
        return;
    }
    // In a mount namespace of its own, so that this machine keeps its mounts.
    let script = "umount /sys/kernel/debug/tracing 2>/dev/null; umount /sys/kernel/tracing 2>/dev/null; \
                  umount /sys/kernel/debug 2>/dev/null; exec \"$0\" -e trace=getppid true";
    let binary = run::binaries().join("syscribe");
    let ran = run::run(Command::new("unshare").args(["--mount", "sh", "-c", script]).arg(binary)).ok();
    assert!(ran.err().contains("tracefs"), "not a word about tracefs:\n{}", ran.err());
}

#[test]
fn doctor_says_what_this_machine_allows() {
    let _alone = run::alone();
    run::needs_root();
    let text = run::run(&mut syscribe(["doctor"])).ok().out().to_lowercase();
    for word in ["bpf", "btf", "tracefs", "lockdown", "io_uring", "vdso"] {
        assert!(text.contains(word), "doctor does not speak of {word}:\n{text}");
    }
}
