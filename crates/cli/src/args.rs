//! What the user typed. Parsing touches nothing but the text.
//!
//! Options end at the first word that is not one, as in strace: `syscribe ls -l` does not take `-l`.

mod parse;

use std::ffi::OsString;
use std::path::PathBuf;

pub use parse::parse;

/// One command of the tool.
#[derive(Debug)]
pub enum Command {
    /// Run or attach, and print calls as they complete.
    Trace(Trace),
    /// The same into a trace directory.
    Record(Record),
    /// Text from a trace.
    Show(Show),
    /// The metadata as text.
    List(List),
    /// Verify a trace.
    Check(PathBuf),
    /// Count the calls of a trace.
    Summary(PathBuf),
    /// What this machine allows.
    Doctor,
    /// Print a listing of the probes of the selected calls.
    Explain(Select),
    /// Print help or version.
    Print(&'static str),
}

/// Which calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// Values of `-e trace=`, the last one counts.
    pub trace: Option<String>,
    /// `--table`: type tables to add, in order.
    pub tables: Vec<PathBuf>,
    /// `--capture`: what is kept of single arguments, in order.
    pub capture: Vec<String>,
    /// `--eager`: all programs are loaded before anything is traced.
    pub eager: bool,
}

/// Whom.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Processes to attach to.
    pub pids: Vec<i32>,
    /// The whole machine.
    pub all: bool,
    /// Program and arguments.
    pub program: Vec<OsString>,
}

/// How text looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// `-s`: longest string.
    pub string: Option<u16>,
    /// `-t` given once, twice or three times.
    pub stamp: u8,
    /// `-r`.
    pub relative: bool,
    /// `-T`.
    pub duration: bool,
    /// `-a`.
    pub column: Option<usize>,
    /// `-v`.
    pub verbose: bool,
    /// `-y`: paths behind descriptors.
    pub paths: bool,
}

/// `syscribe [options] PROG [ARGS...]`
#[derive(Debug, Default)]
pub struct Trace {
    /// Which calls.
    pub select: Select,
    /// Whom.
    pub target: Target,
    /// How text looks.
    pub look: Look,
    /// `-o`.
    pub output: Option<PathBuf>,
    /// `-q`.
    pub quiet: bool,
    /// `-c`: count instead of showing each call.
    pub count: bool,
    /// `--buffer-size`: bytes per CPU.
    pub buffer: Option<u64>,
}

/// `syscribe record`
#[derive(Debug, Default)]
pub struct Record {
    /// Which calls.
    pub select: Select,
    /// Whom.
    pub target: Target,
    /// `-o`.
    pub output: Option<PathBuf>,
    /// `-s`: bytes kept of buffers.
    pub string: Option<u16>,
    /// `--buffer-size`: bytes per CPU.
    pub buffer: Option<u64>,
    /// `--fast`: one record a call.
    pub fast: bool,
    /// `-q`.
    pub quiet: bool,
}

/// Styles of `show`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// One line a call.
    #[default]
    Strace,
    /// The kernel tracer's two lines a call.
    Ftrace,
    /// One object an event.
    Json,
}

/// `syscribe show`
#[derive(Debug, Default)]
pub struct Show {
    /// The trace.
    pub trace: PathBuf,
    /// The style.
    pub style: Style,
    /// C types before arguments (`syscall_arg_type`).
    pub types: bool,
    /// Which calls.
    pub select: Select,
    /// How text looks.
    pub look: Look,
    /// `-o`.
    pub output: Option<PathBuf>,
}

/// What `list` lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listed {
    /// Calls.
    #[default]
    Syscalls,
    /// Event types.
    Events,
    /// Sets and types.
    Types,
}

/// `syscribe list`
#[derive(Debug, Default)]
pub struct List {
    /// What.
    pub what: Listed,
    /// Only these; all when empty.
    pub names: Vec<String>,
    /// Of events, those of which calls; type tables to add.
    pub select: Select,
    /// `--format`: events as format texts of tracefs.
    pub format: bool,
    /// `--from`: the table inside this trace instead of the running kernel's.
    pub from: Option<PathBuf>,
}

/// A word that does not fit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// From the option parser.
    #[error(transparent)]
    Option(#[from] lexopt::Error),
    /// An option whose value is off.
    #[error("{option} {value:?}: {expected}")]
    Value {
        /// The option.
        option: &'static str,
        /// What was typed.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// Something is missing.
    #[error("{0}")]
    Missing(&'static str),
    /// Two things that exclude each other.
    #[error("{0}")]
    Conflict(&'static str),
}
