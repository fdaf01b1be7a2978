//! Programs that xtask runs: cargo, and other people's tools, which it installs where it can.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Tools of other projects that tests or the bench use: the program, its Debian package, and what is not done without.
const TOOLS: [(&str, &str, &str); 6] = [
    ("babeltrace2", "babeltrace2", "the tests that let babeltrace2 read our traces"),
    ("strace", "strace", "the tests that watch one run with strace and syscribe"),
    ("python3", "python3", "the test that traces python"),
    ("git", "git", "the test that traces git"),
    ("trace-cmd", "trace-cmd", "the bench rows of trace-cmd"),
    ("setpriv", "util-linux", "the tests of what happens without privileges"),
];

/// The directory of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// `cargo`, the one that runs us, at the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command that must succeed, saying which.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let words = || {
        let program = Path::new(command.get_program()).file_name().unwrap_or_default();
        let words = std::iter::once(program).chain(command.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    };
    let words = words();
    eprintln!("xtask: {words}");
    let status = command.status().with_context(|| words.clone())?;
    if !status.success() {
        bail!("{words}: {status}");
    }
    Ok(())
}

/// Where release binaries are built.
pub(crate) fn release_directory() -> PathBuf {
    target_directory().join("release")
}

/// Where binaries are built that nobody measures.
pub(crate) fn debug_directory() -> PathBuf {
    target_directory().join("debug")
}

fn target_directory() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    root().join(target)
}

/// The place of a program in the PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// Installs by apt-get those tools that are missing. Where that is impossible, says what will not be done; that is no
/// error here: the tests say the same once more, one by one.
pub(crate) fn install_missing() {
    let missing: Vec<_> = TOOLS.into_iter().filter(|(program, ..)| find(program).is_none()).collect();
    if missing.is_empty() {
        return;
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    eprintln!("xtask: installing {} by apt-get", packages.join(" "));
    for arguments in [&["update"][..], &["install", "--yes", "--no-install-recommends"]] {
        let mut command = Command::new("apt-get");
        command.arg("-qq").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        if arguments[0] == "install" {
            command.args(&packages);
        }
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(status) => eprintln!("xtask: apt-get {}: {status}", arguments[0]),
            Err(error) => eprintln!("xtask: apt-get: {error}"),
        }
    }
    for (program, _, without) in missing {
        if find(program).is_none() {
            eprintln!("xtask: {program} could not be installed; skipped without it: {without}");
        }
    }
}
