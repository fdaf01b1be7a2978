//! One run, two tracers: syscribe traces strace, which traces the program. What strace saw of the program, call by call and
//! result by result, is what syscribe saw.

use std::path::Path;
use std::process::Command;

use e2e::run::{self, Scratch, tracee};
use e2e::same_run::{Log, compare};

/// Runs a program in a directory under both tracers. Fails, telling the differences, unless they saw the same.
#[track_caller]
fn both_see_the_same<S: AsRef<Path>>(name: &str, directory: Option<&Path>, program: &[S]) -> Log {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new(name);
    if !run::have("strace") {
        return Log::default();
    }
    let (theirs, ours) = (scratch.join("strace"), scratch.join("syscribe"));
    let mut command = run::syscribe(["-f", "-o"]);
    command.arg(&ours).args(["strace", "-f", "-o"]).arg(&theirs);
    command.args(program.iter().map(|word| word.as_ref()));
    command.current_dir(directory.unwrap_or(scratch.path())).env("GIT_PAGER", "cat");
    let ran = run::run(&mut command);
    let read = |file: &Path| String::from_utf8_lossy(&std::fs::read(file).expect("a log")).into_owned();
    let theirs = Log::read(&read(&theirs));
    let ours = Log::read(&read(&ours));
    assert!(theirs.strange.is_empty(), "lines of strace: {:?}", theirs.strange);
    assert!(ours.strange.is_empty(), "lines of ours: {:?}", ours.strange.iter().take(20).collect::<Vec<_>>());
    if let Err(difference) = compare(&theirs, &ours) {
        unreachable!("{difference}\nstderr:\n{}", run::tail(&ran.err()));
    }
    eprintln!("{name}: {} calls of {} threads, the same", theirs.len(), theirs.calls.len());
    theirs
}

#[test]
fn ls_is_seen_the_same_by_both() {
    both_see_the_same("ls", None, &["ls", "-l", "/etc"]);
}

#[test]
fn git_is_seen_the_same_by_both() {
    if !run::have("git") {
        return;
    }
    let repository = Scratch::new("repository");
    let git = |words: &[&str]| {
        let identity = ["-c", "user.name=A", "-c", "user.email=a@b.example"];
        run::run(Command::new("git").args(identity).args(words).current_dir(repository.path())).ok();
    };
    git(&["init", "--quiet"]);
    for i in 0..20 {
        std::fs::write(repository.join(format!("file{i}")), "text\n".repeat(i)).unwrap();
    }
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    std::fs::write(repository.join("file3"), "changed\n").unwrap();
    let script = "git status && git diff --stat && git add . && \
                  git -c user.name=A -c user.email=a@b.example commit -q -m second && git log --stat";
    both_see_the_same("git", Some(repository.path()), &["sh", "-c", script]);
}

#[test]
fn python_is_seen_the_same_by_both() {
    if run::have("python3") {
        let script = "import json, os, subprocess, threading\n\
                      threads = [threading.Thread(target=os.getppid) for _ in range(4)]\n\
                      [t.start() for t in threads]; [t.join() for t in threads]\n\
                      subprocess.run(['/bin/true'], check=True)\n\
                      print(json.dumps(os.listdir('/')))";
        both_see_the_same("python", None, &["python3", "-c", script]);
    }
}

#[test]
fn a_cargo_build_is_seen_the_same_by_both() {
    let package = Scratch::new("package");
    std::fs::create_dir(package.join("src")).unwrap();
    std::fs::write(package.join("src/main.rs"), "fn main() { println!(\"hello\"); }\n").unwrap();
    let manifest = "[package]\nname = \"trivial\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
    std::fs::write(package.join("Cargo.toml"), manifest).unwrap();
    let target = package.join("target");
    let words = [env!("CARGO"), "build", "--offline", "--quiet", "--target-dir", target.to_str().unwrap()];
    both_see_the_same("cargo", Some(package.path()), &words);
    assert!(target.join("debug/trivial").exists(), "the traced build has built nothing");
}

#[test]
fn a_shell_loop_of_1000_forks_is_seen_the_same_by_both() {
    let script = "i=0; while [ $i -lt 1000 ]; do (exit 3); i=$((i+1)); done";
    let log = both_see_the_same("shell", None, &["sh", "-c", script]);
    assert!(log.is_empty() || log.calls.len() == 1001, "{} processes", log.calls.len());
}

#[test]
fn a_shell_loop_of_100_programs_is_seen_the_same_by_both() {
    both_see_the_same("programs", None, &["sh", "-c", "for i in $(seq 100); do /bin/true; done"]);
}

#[test]
fn a_threaded_program_is_seen_the_same_by_both() {
    let program = [tracee("threads"), "8".into(), "300".into()];
    both_see_the_same("threads", None, &program);
}

#[test]
fn an_exec_from_a_thread_is_seen_the_same_by_both() {
    both_see_the_same("exec-thread", None, &[tracee("exec_thread")]);
}

#[test]
fn vfork_is_seen_the_same_by_both() {
    both_see_the_same("vfork", None, &[tracee("vfork"), "20".into()]);
}

#[test]
fn signals_and_their_return_are_seen_the_same_by_both() {
    both_see_the_same("handler", None, &[tracee("signals"), "handle".into(), "10".into(), "5".into()]);
    both_see_the_same("killed", None, &[tracee("signals"), "kill".into(), "15".into()]);
    both_see_the_same("status", None, &[tracee("signals"), "exit".into(), "9".into()]);
}

#[test]
fn calls_interrupted_by_signals_are_seen_the_same_by_both() {
    let script =
        "trap 'echo signal' USR1; (sleep 0.2; kill -USR1 $$; sleep 0.2; kill -USR1 $$) & wait; wait; wait";
    both_see_the_same("interrupted", None, &["sh", "-c", script]);
}

#[test]
fn calls_that_no_kernel_has_are_seen_the_same_by_both() {
    both_see_the_same("unknown", None, &[tracee("unknown")]);
}

#[test]
fn calls_of_the_32_bit_table_are_seen_the_same_by_both() {
    both_see_the_same("int80", None, &[tracee("int80")]);
}

#[test]
fn calls_with_bad_pointers_are_seen_the_same_by_both() {
    both_see_the_same("pointers", None, &[tracee("pointers")]);
}
