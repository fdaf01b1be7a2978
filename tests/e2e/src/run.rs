//! Running programs as a user does: the tool itself, the tracees, other people's tools.
//!
//! Every program gets a deadline far beyond what it needs. A deadline is no assertion about speed: it turns a
//! hang into a failed test.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a program may run before it counts as hung.
pub const DEADLINE: Duration = Duration::from_secs(300);

/// The directory with the binaries under test: of `SYSCRIBE_BIN_DIR` if set, else a release build made here and now.
pub fn binaries() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        if let Some(directory) = std::env::var_os("SYSCRIBE_BIN_DIR") {
            return std::path::absolute(directory).expect("an absolute path");
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--release", "--quiet", "-p", "syscribe", "-p", "tracees"])
            .current_dir(root)
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the build of the programs under test failed");
        // The test itself is TARGET/PROFILE/deps/NAME.
        let test = std::env::current_exe().expect("the path of this test");
        test.ancestors().nth(3).expect("a target directory").join("release")
    })
}

/// `syscribe` with arguments.
pub fn syscribe<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(binaries().join("syscribe"));
    command.args(args);
    command
}

/// The path of a program of `tests/tracees`.
pub fn tracee(name: &str) -> PathBuf {
    let path = binaries().join(name);
    assert!(path.exists(), "{} is not built", path.display());
    path
}

/// Waits until no other test runs, in this process and in others: tests that count losses, or programs in the kernel,
/// disturb each other. Hold the result to the end of the test.
pub fn alone() -> (MutexGuard<'static, ()>, File) {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let file = File::create(std::env::temp_dir().join("syscribe-e2e.lock")).expect("a lock file");
    file.lock().expect("the lock");
    (guard, file)
}

/// True where `tool` is in the PATH; else says on stderr that the calling test does nothing because of that.
pub fn have(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|directory| directory.join(tool).is_file());
    if !found {
        eprintln!("SKIPPED: {tool} is not installed (cargo xtask test installs it where apt-get works)");
    }
    found
}

/// Fails unless this is root, which the tests of the real kernel need.
#[track_caller]
pub fn needs_root() {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let root =
        status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
    assert!(root, "tracing needs root, and so does this test: run it as root");
}

/// What a program that has ended leaves.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// All it wrote to stdout.
    pub stdout: Vec<u8>,
    /// All it wrote to stderr.
    pub stderr: Vec<u8>,
}

impl Ran {
    /// The exit status; 128 + N for one killed by signal N, as a shell says it.
    pub fn code(&self) -> i32 {
        let signal = self.status.signal().map(|signal| 128 + signal);
        self.status.code().or(signal).expect("an end by status or by signal")
    }

    /// The signal that killed it, if one did.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// stdout as text; bytes that are no UTF-8 are replaced.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// stderr as text; bytes that are no UTF-8 are replaced.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Fails, showing all that the program said, unless it ended with `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "stdout:\n{}\nstderr:\n{}", tail(&self.out()), tail(&self.err()));
        self
    }

    /// As [`Ran::expect_code`] with 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.expect_code(0)
    }
}

/// The last lines of a text.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// A program that runs beside the test. Killed with all its process group when dropped.
pub struct Running {
    child: Child,
    /// Who collects stdout and stderr.
    streams: Option<[JoinHandle<Vec<u8>>; 2]>,
}

impl Running {
    /// Starts a program in a process group of its own, stdin empty, its output collected.
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Self::spawn(command)
    }

    /// As [`Running::start`], but stdout goes into a file, to be read while the program runs, and stdin is a pipe that
    /// stays open until this value is dropped.
    pub fn start_into(command: &mut Command, file: &Path) -> Self {
        command.stdin(Stdio::piped()).stdout(File::create(file).expect("a file for stdout"));
        Self::spawn(command)
    }

    fn spawn(command: &mut Command) -> Self {
        let mut running = Self::spawn_keeping_stdout(command);
        let stdout = running.child.stdout.take();
        if let Some([collected, _]) = &mut running.streams {
            *collected = collect(stdout);
        }
        running
    }

    /// The caller reads stdout.
    fn spawn_keeping_stdout(command: &mut Command) -> Self {
        command.process_group(0).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => unreachable!("{command:?}: {error}"),
        };
        let stderr = collect(child.stderr.take());
        Self { child, streams: Some([collect(None::<File>), stderr]) }
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// True until it has ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends it a signal, by kill(1).
    pub fn signal(&self, name: &str) {
        kill(name, &self.pid().to_string());
    }

    /// Closes the pipe that is its stdin (of [`Running::start_into`]), and leaves it to what it does then.
    pub fn close_stdin(mut self) {
        drop(self.child.stdin.take());
        self.wait();
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ran {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            assert!(start.elapsed() < DEADLINE, "process {} hangs", self.pid());
            std::thread::sleep(Duration::from_millis(2));
        };
        let [stdout, stderr] = self.streams.take().expect("taken here only");
        Ran {
            status,
            stdout: stdout.join().expect("the reader of stdout"),
            stderr: stderr.join().expect("the reader of stderr"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.streams.is_some() {
            kill("KILL", &format!("-{}", self.pid()));
            // The status does not matter: the test has failed, or is done with it.
            let _ = self.child.wait();
        }
    }
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Ran {
    Running::start(command).wait()
}

/// Runs a program to its end and hands its stdout over line by line, for texts too long to be kept. The result holds
/// what it wrote to stderr.
pub fn each_line(command: &mut Command, mut take: impl FnMut(&[u8])) -> Ran {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut running = Running::spawn_keeping_stdout(command);
    let mut stdout = BufReader::with_capacity(1 << 20, running.child.stdout.take().expect("a pipe"));
    let mut line = Vec::new();
    while stdout.read_until(b'\n', &mut line).expect("a pipe") > 0 {
        take(&line);
        line.clear();
    }
    running.wait()
}

/// `kill -NAME WHOM`; whom may be a process group, with a minus sign. A target that is gone already is no error.
pub fn kill(name: &str, whom: &str) {
    // kill(1) complains about a process that is gone; that is one of the cases here.
    let _ = Command::new("kill").args([&format!("-{name}"), "--", whom]).stderr(Stdio::null()).status();
}

fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).expect("a pipe");
        }
        bytes
    })
}

/// Waits until `condition` holds. Fails, naming `what`, when it never does.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A directory of one test, removed at its end unless the test fails.
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes `TMP/syscribe-e2e-NAME-PID`.
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("syscribe-e2e-{name}-{}", std::process::id()));
        if path.exists() {
            std::fs::remove_dir_all(&path).expect("an old directory of ours");
        }
        std::fs::create_dir_all(&path).expect("a directory");
        Self { path }
    }

    /// A path in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("left for a look: {}", self.path.display());
        } else if let Err(error) = std::fs::remove_dir_all(&self.path) {
            eprintln!("{}: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_leaves_its_status_and_its_output() {
        let ran = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]));
        assert_eq!((ran.code(), ran.out().as_str(), ran.err().as_str()), (3, "out\n", "err\n"));
        let ran = run(Command::new("sh").args(["-c", "kill -TERM $$"]));
        assert_eq!((ran.code(), ran.signal()), (143, Some(15)));
    }

    #[test]
    fn lines_come_one_by_one() {
        let mut lines = Vec::new();
        let ran = each_line(Command::new("sh").args(["-c", "echo a; echo e >&2; echo b"]), |line| {
            lines.push(line.to_vec());
        });
        assert_eq!((lines, ran.err().as_str()), (vec![b"a\n".to_vec(), b"b\n".to_vec()], "e\n"));
    }

    #[test]
    fn a_program_that_is_let_go_is_killed() {
        let running = Running::start(Command::new("sleep").arg("1000"));
        let pid = running.pid();
        drop(running);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}
