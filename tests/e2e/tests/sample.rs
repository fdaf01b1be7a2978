//! The style of the mail that founded this: two lines a call, arguments in bare hexadecimal, with or without C types.

use e2e::run::{self, Scratch, syscribe, tracee};

/// Records `sample` and shows it in ftrace style. Returns the whole text and the text of the marked calls, without
/// the columns that differ from run to run.
fn shown(words: &[&str]) -> (String, Vec<String>) {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("sample");
    let trace = scratch.join("trace");
    run::run(syscribe(["record", "-o"]).arg(&trace).arg(tracee("sample"))).ok();
    let text = run::run(syscribe(["show", "--style", "ftrace"]).args(words).arg(&trace)).ok().out();
    let calls: Vec<String> = text.lines().filter_map(|l| Some(l.split_once(": ")?.1.to_owned())).collect();
    let marks: Vec<usize> = (0..calls.len())
        .filter(|&i| calls[i].starts_with("sys_close(") && calls[i].contains("fffffc18"))
        .collect();
    assert_eq!(marks.len(), 2, "marks:\n{}", run::tail(&text));
    let calls = calls[marks[0] + 2..marks[1]].to_vec();
    (text, calls)
}

#[test]
fn the_founding_sample_comes_out_in_its_layout() {
    let (text, calls) = shown(&[]);
    let head: Vec<&str> = text.lines().take(4).collect();
    assert_eq!(
        head,
        [
            "# tracer: syscall",
            "#",
            "#           TASK-PID    CPU#    TIMESTAMP  FUNCTION",
            "#              | |       |          |         |",
        ]
    );
    let expected = [
        "sys_dup2(oldfd: a, newfd: 1)",
        "sys_dup2 -> 0x1",
        "sys_fcntl(fd: a, cmd: 1, arg: 0)",
        "sys_fcntl -> 0x1",
        "sys_close(fd: a)",
        "sys_close -> 0x0",
    ];
    assert_eq!(calls, expected);
    for line in text.lines().skip(4) {
        // comm-pid, the CPU in three digits, seconds with microseconds.
        let (task, rest) = line.split_once(" [").unwrap_or_else(|| unreachable!("{line}"));
        let (name, pid) = task.trim_start().rsplit_once('-').unwrap_or_else(|| unreachable!("{line}"));
        assert!(!name.is_empty() && pid.trim_end().bytes().all(|b| b.is_ascii_digit()), "{line}");
        let (cpu, rest) = rest.split_once("] ").unwrap_or_else(|| unreachable!("{line}"));
        assert!(cpu.len() == 3 && cpu.bytes().all(|b| b.is_ascii_digit()), "{line}");
        let (time, _) = rest.trim_start().split_once(": ").unwrap_or_else(|| unreachable!("{line}"));
        let (seconds, micros) = time.split_once('.').unwrap_or_else(|| unreachable!("{line}"));
        assert!(
            seconds.parse::<u64>().is_ok() && micros.len() == 6 && micros.parse::<u32>().is_ok(),
            "{line}"
        );
    }
    assert!(text.contains("          sample-"), "the name of the program, in the column of the mail");
}

#[test]
fn with_types_each_argument_has_its_c_type() {
    let (_, calls) = shown(&["--types"]);
    let expected = [
        "sys_dup2(unsigned int oldfd: a, unsigned int newfd: 1)",
        "sys_dup2 -> 0x1",
        "sys_fcntl(unsigned int fd: a, unsigned int cmd: 1, unsigned long arg: 0)",
        "sys_fcntl -> 0x1",
        "sys_close(unsigned int fd: a)",
        "sys_close -> 0x0",
    ];
    assert_eq!(calls, expected);
}
