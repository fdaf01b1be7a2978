//! What is kept of memory behind pointers, as `--capture` says.

use e2e::run::{self, Scratch, syscribe};

/// Prints 100 letters by one `write`.
const LETTERS: [&str; 3] = ["sh", "-c", "printf %0100d 0"];

#[test]
fn a_buffer_is_kept_as_far_as_asked_and_a_path_is_not() {
    let _alone = run::alone();
    run::needs_root();
    let capture = "write.buf=60,openat.filename=off";
    let ran = run::run(syscribe(["-e", "trace=write,openat", "--capture", capture]).args(LETTERS)).ok();
    let text = ran.err();
    assert!(text.contains(&format!("write(1, \"{}\"..., 100)", "0".repeat(60))), "{text}");
    let opened: Vec<_> = text.lines().filter(|line| line.contains("openat(AT_FDCWD, ")).collect();
    assert!(!opened.is_empty(), "{text}");
    for line in opened {
        assert!(line.contains(" /* not kept */, O_"), "what is left out is told apart: {line}");
    }
}

#[test]
fn a_trace_says_what_was_kept_of_it() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("capture");
    let trace = scratch.join("trace");
    let options = ["record", "-q", "-e", "trace=write", "--capture", "write.buf=70", "-o"];
    run::run(syscribe(options).arg(&trace).args(LETTERS)).ok();
    let metadata = std::fs::read_to_string(trace.join("metadata")).expect("metadata");
    assert!(metadata.contains("write.buf=70\""), "{metadata}");
    let shown = run::run(syscribe(["show"]).arg(&trace)).ok();
    assert!(shown.out().contains(&format!("\"{}\"..., 100)", "0".repeat(70))), "{}", shown.out());
}

#[test]
fn what_cannot_be_kept_is_refused_with_the_reason() {
    let _alone = run::alone();
    run::needs_root();
    for (capture, reason) in [
        ("write", "is not CALL.ARGUMENT=BYTES"),
        ("writ.buf=1", "there is no call writ"),
        ("write.bug=1", "write has no argument bug, but fd, buf, count"),
    ] {
        let ran = run::run(&mut syscribe(["--capture", capture, "true"])).expect_code(1);
        assert!(ran.err().contains(reason), "{}", ran.err());
    }
}
