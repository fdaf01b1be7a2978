//! `cargo xtask score`: how much of what strace shows is shown by us.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use score::{Class, Tally, report, run};

use crate::programs::{cargo, debug_directory, find, must, root};

/// What the command line asks for.
#[derive(Default)]
pub(crate) struct Settings {
    /// Only this call.
    call: Option<String>,
    /// Show arguments of this class.
    show: Option<Class>,
    /// Another program than `every_call`, with its arguments.
    program: Vec<OsString>,
}

impl Settings {
    /// Reads `--call NAME`, `--show CLASS`, and behind `--` a program.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut settings = Self::default();
        let mut words = arguments.iter().map(String::as_str);
        while let Some(word) = words.next() {
            if word == "--" {
                settings.program = words.map(OsString::from).collect();
                break;
            }
            match (word, words.next()) {
                ("--call", Some(name)) => settings.call = Some(name.to_owned()),
                ("--show", Some("less")) => settings.show = Some(Class::Less),
                ("--show", Some("wrong")) => settings.show = Some(Class::Wrong),
                ("--show", Some("more")) => settings.show = Some(Class::More),
                _ => {
                    bail!("usage: cargo xtask score [--call NAME] [--show less|wrong|more] [-- PROG ARGS...]")
                }
            }
        }
        Ok(settings)
    }
}

/// Builds, runs, compares, prints; writes `docs/coverage.md` when nothing was left out.
pub(crate) fn score(settings: &Settings) -> Result<()> {
    ensure!(find("strace").is_some(), "strace is not installed: there is nothing to compare with");
    must(&mut cargo(&["build", "--quiet", "--package", "syscribe", "--package", "tracees"]))?;
    if !settings.program.is_empty() {
        let compared =
            watch(|scratch| run::command_of(&debug_directory(), scratch, &settings.program), true)?;
        print(settings, compared);
        return Ok(());
    }
    let mut sections = Vec::new();
    for (abi, tracee) in run::TRACEES {
        println!("{abi}:");
        let tally = watch(|scratch| run::command(&debug_directory(), scratch, tracee), false)?;
        if tally.calls.contains_key("execve") {
            sections.push((abi, print(settings, tally)));
        }
    }
    if settings.call.is_none() {
        let page = report::page(&sections, &first_line("strace", "--version")?, &first_line("uname", "-r")?);
        fs::write(root().join("docs/coverage.md"), page).context("docs/coverage.md")?;
    }
    Ok(())
}

/// Runs a program under both tracers and compares their texts.
fn watch(command: impl FnOnce(&Path) -> Command, may_fail: bool) -> Result<Tally> {
    let scratch = Scratch::new()?;
    let output = command(&scratch.0).output().context("syscribe")?;
    if output.status.code() == Some(run::NO_COMPAT) && !may_fail {
        println!("this kernel has no i386 calls");
        return Ok(Tally::default());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() || may_fail, "the traced program failed: {}\n{said}", output.status);
    let read = |name| -> Result<String> {
        let bytes = fs::read(scratch.0.join(name)).with_context(|| format!("the text of {name}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    Ok(Tally::new(&read("strace")?, &read("ours")?))
}

/// Prints what the command line asks for.
fn print(settings: &Settings, mut tally: Tally) -> Tally {
    if let Some(call) = &settings.call {
        tally.calls.retain(|name, _| name == call);
        tally.findings.retain(|finding| finding.call == *call);
    }
    match settings.show {
        Some(class) => print!("{}", report::findings(&tally, class)),
        None => print!("{}", report::table(&tally)),
    }
    for unpaired in &tally.unpaired {
        println!("not the same calls: {unpaired}");
    }
    tally
}

/// What a program says first about itself.
fn first_line(program: &str, argument: &str) -> Result<String> {
    let output = Command::new(program).arg(argument).output().with_context(|| program.to_owned())?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().replace(" -- version", ""))
}

/// A directory for the run, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("syscribe-score-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("xtask: {}: {error}", self.0.display());
        }
    }
}
