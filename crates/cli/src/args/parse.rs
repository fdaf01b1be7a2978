//! Words to a command: one function per command, and what commands have in common.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::ValueExt;

use super::{Command, Error, List, Listed, Look, Record, Select, Show, Style, Trace};

/// Parses the words after the program's name.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let rest = || lexopt::Parser::from_args(words[1..].to_vec());
    match words.first().and_then(|word| word.to_str()) {
        None => Ok(Command::Print(crate::help::HELP)),
        Some("record") => record(rest()),
        Some("show") => show(rest()),
        Some("list") => list(rest()),
        Some("check") => directory(rest(), "check needs the directory of a trace", Command::Check),
        Some("summary") => directory(rest(), "summary needs the directory of a trace", Command::Summary),
        Some("doctor") => doctor(rest()),
        Some(_) => trace(lexopt::Parser::from_args(words)),
    }
}

/// Options that several commands share.
trait Options {
    fn select(&mut self) -> &mut Select;
    fn look(&mut self) -> Option<&mut Look>;

    /// True for commands that record.
    fn records(&self) -> bool {
        false
    }

    /// Takes the option when it is a shared one.
    fn shared(&mut self, arg: &Word, parser: &mut lexopt::Parser) -> Result<bool, Error> {
        match arg {
            Short('e') => {
                let value = text(parser.value()?);
                self.select().trace = Some(trace_set(&value)?);
            }
            Long("table") => {
                let table = parser.value()?.into();
                self.select().tables.push(table);
            }
            Long("capture") if self.records() => {
                let limits = text(parser.value()?);
                self.select().capture.push(limits);
            }
            Long("eager") if self.records() => self.select().eager = true,
            Long("trace") => self.select().trace = Some(text(parser.value()?)),
            Short('t') => match self.look() {
                Some(look) => look.stamp = (look.stamp + 1).min(3),
                None => return Ok(false),
            },
            Short('r') => match self.look() {
                Some(look) => look.relative = true,
                None => return Ok(false),
            },
            Short('y') => match self.look() {
                Some(look) => look.paths = true,
                None => return Ok(false),
            },
            Short('T') => match self.look() {
                Some(look) => look.duration = true,
                None => return Ok(false),
            },
            Short('v') => match self.look() {
                Some(look) => look.verbose = true,
                None => return Ok(false),
            },
            Short('a') => match self.look() {
                Some(look) => look.column = Some(parser.value()?.parse()?),
                None => return Ok(false),
            },
            Short('s') => match self.look() {
                Some(look) => look.string = Some(parser.value()?.parse()?),
                None => return Ok(false),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Options for Trace {
    fn select(&mut self) -> &mut Select {
        &mut self.select
    }

    fn look(&mut self) -> Option<&mut Look> {
        Some(&mut self.look)
    }

    fn records(&self) -> bool {
        true
    }
}

impl Options for Record {
    fn select(&mut self) -> &mut Select {
        &mut self.select
    }

    fn look(&mut self) -> Option<&mut Look> {
        None
    }

    fn records(&self) -> bool {
        true
    }
}

impl Options for List {
    fn select(&mut self) -> &mut Select {
        &mut self.select
    }

    fn look(&mut self) -> Option<&mut Look> {
        None
    }
}

impl Options for Show {
    fn select(&mut self) -> &mut Select {
        &mut self.select
    }

    fn look(&mut self) -> Option<&mut Look> {
        Some(&mut self.look)
    }
}

/// `-e trace=SET`, `-e t=SET` and the bare `-e SET`. Other words before the sign are expressions of strace that are not
/// understood: refused, never ignored.
fn trace_set(value: &str) -> Result<String, Error> {
    match value.split_once('=') {
        Some(("trace" | "t", set)) => Ok(set.to_owned()),
        Some(_) => Err(Error::Value {
            option: "-e",
            value: value.to_owned(),
            expected: "only trace=SET is understood",
        }),
        None => Ok(value.to_owned()),
    }
}

fn text(value: OsString) -> String {
    value.to_string_lossy().into_owned()
}

/// Process ids separated by commas, blanks, tabs or newlines.
fn pids(value: &str) -> Result<Vec<i32>, Error> {
    let words = value.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty());
    let numbers = words.map(|word| word.parse().ok().filter(|pid| *pid > 0));
    numbers.collect::<Option<Vec<i32>>>().filter(|pids| !pids.is_empty()).ok_or_else(|| Error::Value {
        option: "-p",
        value: value.to_owned(),
        expected: "process ids, separated by commas",
    })
}

/// A number of bytes with an optional K, M or G.
fn bytes(value: &str) -> Result<u64, Error> {
    let (digits, unit) = match value.find(|c: char| !c.is_ascii_digit()) {
        Some(at) => value.split_at(at),
        None => (value, ""),
    };
    let factor: Option<u64> = match unit {
        "" => Some(1),
        "k" | "K" => Some(1 << 10),
        "m" | "M" => Some(1 << 20),
        "g" | "G" => Some(1 << 30),
        _ => None,
    };
    digits.parse::<u64>().ok().zip(factor).and_then(|(n, factor)| n.checked_mul(factor)).ok_or_else(|| {
        Error::Value {
            option: "--buffer-size",
            value: value.to_owned(),
            expected: "a number of bytes, such as 512K or 8M",
        }
    })
}

/// The program and everything behind it.
fn program(first: OsString, parser: &mut lexopt::Parser) -> Result<Vec<OsString>, Error> {
    Ok(std::iter::once(first).chain(parser.raw_args()?).collect())
}

fn trace(mut parser: lexopt::Parser) -> Result<Command, Error> {
    let mut trace = Trace::default();
    let mut explain = false;
    while let Some(arg) = next(&mut parser)? {
        if trace.shared(&arg, &mut parser)? {
            continue;
        }
        match arg {
            Short('f') => {}
            Short('q') | Long("quiet") => trace.quiet = true,
            Short('c') => trace.count = true,
            Short('o') | Long("output") => trace.output = Some(parser.value()?.into()),
            Short('p') | Long("attach") => trace.target.pids.extend(pids(&text(parser.value()?))?),
            Long("buffer-size") => trace.buffer = Some(bytes(&text(parser.value()?))?),
            Long("explain") => explain = true,
            Short('h') | Long("help") => return Ok(Command::Print(crate::help::HELP)),
            Short('V') | Long("version") => return Ok(Command::Print(crate::help::VERSION)),
            Value(first) => {
                trace.target.program = program(first, &mut parser)?;
                break;
            }
            other => return Err(other.unexpected()),
        }
    }
    if explain {
        return Ok(Command::Explain(trace.select));
    }
    if trace.target.program.is_empty() && trace.target.pids.is_empty() {
        return Err(Error::Missing("no program to run and no -p PID; see syscribe --help"));
    }
    Ok(Command::Trace(trace))
}

/// A word of the command line, owned, so that the parser can be asked for its value.
#[derive(Debug)]
enum Word {
    Short(char),
    Long(&'static str),
    Value(OsString),
}

use Word::{Long, Short, Value};

/// Every long option of every command.
const LONG: [&str; 17] = [
    "all",
    "attach",
    "buffer-size",
    "capture",
    "eager",
    "explain",
    "fast",
    "format",
    "from",
    "help",
    "output",
    "style",
    "table",
    "trace",
    "types",
    "version",
    "quiet",
];

fn next(parser: &mut lexopt::Parser) -> Result<Option<Word>, Error> {
    let Some(arg) = parser.next()? else { return Ok(None) };
    Ok(Some(match arg {
        lexopt::Arg::Short(c) => Short(c),
        lexopt::Arg::Long(name) => match LONG.into_iter().find(|known| *known == name) {
            Some(known) => Long(known),
            None => return Err(arg.unexpected().into()),
        },
        lexopt::Arg::Value(value) => Value(value),
    }))
}

impl Word {
    fn unexpected(self) -> Error {
        match self {
            Short(c) => lexopt::Arg::Short(c).unexpected().into(),
            Long(name) => lexopt::Arg::Long(name).unexpected().into(),
            Value(value) => lexopt::Arg::Value(value).unexpected().into(),
        }
    }
}

fn record(mut parser: lexopt::Parser) -> Result<Command, Error> {
    let mut record = Record::default();
    while let Some(arg) = next(&mut parser)? {
        if record.shared(&arg, &mut parser)? {
            continue;
        }
        match arg {
            Short('f') => {}
            Short('q') | Long("quiet") => record.quiet = true,
            Long("fast") => record.fast = true,
            Short('a') | Long("all") => record.target.all = true,
            Short('s') => record.string = Some(parser.value()?.parse()?),
            Short('o') | Long("output") => record.output = Some(parser.value()?.into()),
            Short('p') | Long("attach") => record.target.pids.extend(pids(&text(parser.value()?))?),
            Long("buffer-size") => record.buffer = Some(bytes(&text(parser.value()?))?),
            Short('h') | Long("help") => return Ok(Command::Print(crate::help::HELP)),
            Value(first) => {
                record.target.program = program(first, &mut parser)?;
                break;
            }
            other => return Err(other.unexpected()),
        }
    }
    let target = &record.target;
    if target.all && !(target.pids.is_empty() && target.program.is_empty()) {
        return Err(Error::Conflict("-a records the whole machine; it takes neither -p nor a program"));
    }
    if !target.all && target.pids.is_empty() && target.program.is_empty() {
        return Err(Error::Missing("nothing to record: give a program, -p PID or -a"));
    }
    Ok(Command::Record(record))
}

fn show(mut parser: lexopt::Parser) -> Result<Command, Error> {
    let mut show = Show::default();
    let mut trace = None;
    while let Some(arg) = next(&mut parser)? {
        if show.shared(&arg, &mut parser)? {
            continue;
        }
        match arg {
            Long("style") => show.style = style(&text(parser.value()?))?,
            Long("types") => show.types = true,
            Short('o') | Long("output") => show.output = Some(parser.value()?.into()),
            Short('h') | Long("help") => return Ok(Command::Print(crate::help::HELP)),
            Value(path) if trace.is_none() => trace = Some(PathBuf::from(path)),
            other => return Err(other.unexpected()),
        }
    }
    show.trace = trace.ok_or(Error::Missing("show needs the directory of a trace"))?;
    Ok(Command::Show(show))
}

fn style(value: &str) -> Result<Style, Error> {
    match value {
        "strace" => Ok(Style::Strace),
        "ftrace" => Ok(Style::Ftrace),
        "json" => Ok(Style::Json),
        _ => Err(Error::Value {
            option: "--style",
            value: value.to_owned(),
            expected: "strace, ftrace or json",
        }),
    }
}

fn list(mut parser: lexopt::Parser) -> Result<Command, Error> {
    let mut list = List::default();
    let mut what = None;
    while let Some(arg) = next(&mut parser)? {
        if list.shared(&arg, &mut parser)? {
            continue;
        }
        match arg {
            Short('h') | Long("help") => return Ok(Command::Print(crate::help::HELP)),
            Long("from") => list.from = Some(parser.value()?.into()),
            Long("format") => list.format = true,
            Value(word) if what.is_none() => what = Some(listed(&text(word))?),
            Value(name) => list.names.push(text(name)),
            other => return Err(other.unexpected()),
        }
    }
    list.what = what.ok_or(Error::Missing("list what? syscalls, events or types"))?;
    if list.what != Listed::Events && (list.format || list.select.trace.is_some()) {
        return Err(Error::Conflict("--format and -e are for list events"));
    }
    Ok(Command::List(list))
}

fn listed(value: &str) -> Result<Listed, Error> {
    match value {
        "syscalls" => Ok(Listed::Syscalls),
        "events" => Ok(Listed::Events),
        "types" => Ok(Listed::Types),
        _ => Err(Error::Value {
            option: "list",
            value: value.to_owned(),
            expected: "syscalls, events or types",
        }),
    }
}

/// The one word of a command: the directory of a trace.
fn directory(
    mut parser: lexopt::Parser,
    missing: &'static str,
    command: impl Fn(PathBuf) -> Command,
) -> Result<Command, Error> {
    let mut trace = None;
    while let Some(arg) = next(&mut parser)? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Print(crate::help::HELP)),
            Value(path) if trace.is_none() => trace = Some(PathBuf::from(path)),
            other => return Err(other.unexpected()),
        }
    }
    trace.map(command).ok_or(Error::Missing(missing))
}

fn doctor(mut parser: lexopt::Parser) -> Result<Command, Error> {
    match next(&mut parser)? {
        None => Ok(Command::Doctor),
        Some(Short('h') | Long("help")) => Ok(Command::Print(crate::help::HELP)),
        Some(other) => Err(other.unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Command, Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_end_at_the_program() {
        let Ok(Command::Trace(trace)) = words("-ttTv -o out -e trace=openat,read ls -l -t") else { panic!() };
        assert_eq!(trace.target.program, ["ls", "-l", "-t"]);
        assert_eq!((trace.look.stamp, trace.look.duration, trace.look.verbose), (2, true, true));
        assert_eq!(trace.select.trace.as_deref(), Some("openat,read"));
    }

    #[test]
    fn process_ids_come_in_lists() {
        let Ok(Command::Record(record)) = words("record -p 1,2 -p 3") else { panic!() };
        assert_eq!(record.target.pids, [1, 2, 3]);
        assert!(matches!(words("record -p x"), Err(Error::Value { option: "-p", .. })));
        assert!(matches!(words("record -a ls"), Err(Error::Conflict(_))));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(matches!(words("-e inject=all ls"), Err(Error::Value { option: "-e", .. })));
        assert!(matches!(words("--frobnicate ls"), Err(Error::Option(_))));
        assert!(matches!(words("record --buffer-size 1X ls"), Err(Error::Value { .. })));
    }

    #[test]
    fn formats_are_those_of_events() {
        let Ok(Command::List(list)) = words("list events --format -e trace=read openat") else { panic!() };
        assert!(list.format && list.names == ["openat"] && list.select.trace.as_deref() == Some("read"));
        assert!(matches!(words("list types --format"), Err(Error::Conflict(_))));
    }

    #[test]
    fn a_program_may_be_called_like_a_command() {
        let Ok(Command::Trace(trace)) = words("-- record x") else { panic!() };
        assert_eq!(trace.target.program, ["record", "x"]);
    }
}
