//! Which calls: the SET of `-e trace=SET`.

use std::collections::BTreeSet;

use regex_lite::Regex;
use schema::{Abi, Catalog, Class};

/// A set of calls by name. A name means the call of that name in every ABI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Everything, calls without a name included.
    All,
    /// Only these.
    Only(BTreeSet<String>),
    /// Everything else.
    Except(BTreeSet<String>),
}

/// A set that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No call of that name.
    #[error("unknown system call {name:?} in -e trace={set}{}", near(suggestion))]
    UnknownCall {
        /// The name.
        name: String,
        /// The whole set.
        set: String,
        /// A call with a similar name.
        suggestion: Option<String>,
    },
    /// No class of that name.
    #[error(
        "unknown class %{name} in -e trace={set}; there are %file %desc %process %network %signal %ipc %memory %creds %clock"
    )]
    UnknownClass {
        /// The name.
        name: String,
        /// The whole set.
        set: String,
    },
    /// Not a regular expression.
    #[error("regular expression {text:?} in -e trace=: {source}")]
    Regex {
        /// The expression.
        text: String,
        /// What is wrong.
        source: regex_lite::Error,
    },
}

fn near(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

impl Selection {
    /// Understands a set; without one everything is selected.
    pub fn parse(set: Option<&str>, catalog: &Catalog) -> Result<Selection, Error> {
        let Some(set) = set else { return Ok(Selection::All) };
        let (negated, words) = match set.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, set),
        };
        let mut names = BTreeSet::new();
        for word in words.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "all" if negated => return Ok(Selection::Only(BTreeSet::new())),
                "all" => return Ok(Selection::All),
                "none" => {}
                _ => names.extend(expand(word, set, catalog)?),
            }
        }
        Ok(if negated { Selection::Except(names) } else { Selection::Only(names) })
    }

    /// True when calls of that name are selected.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Selection::All => true,
            Selection::Only(names) => names.contains(name),
            Selection::Except(names) => !names.contains(name),
        }
    }

    /// True when calls without a name are selected.
    pub fn unknown(&self) -> bool {
        !matches!(self, Selection::Only(_))
    }
}

fn all_names(catalog: &Catalog) -> BTreeSet<&str> {
    let names = |abi| catalog.numbers(abi).map(|(_, name)| name);
    names(Abi::X86_64).chain(names(Abi::I386)).collect()
}

fn expand(word: &str, set: &str, catalog: &Catalog) -> Result<Vec<String>, Error> {
    let all = all_names(catalog);
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
    if let Some(text) = word.strip_prefix('/') {
        let regex = Regex::new(text).map_err(|source| Error::Regex { text: text.to_owned(), source })?;
        return Ok(owned(all.into_iter().filter(|name| regex.is_match(name)).collect()));
    }
    if let Some(class) = word.strip_prefix('%') {
        return class_members(class, catalog, &all)
            .map(owned)
            .ok_or_else(|| Error::UnknownClass { name: class.to_owned(), set: set.to_owned() });
    }
    let (optional, name) = match word.strip_prefix('?') {
        Some(name) => (true, name),
        None => (false, word),
    };
    if all.contains(name) || optional {
        return Ok(vec![name.to_owned()]);
    }
    // The bare class names of older strace versions.
    if let Some(members) = class_members(name, catalog, &all) {
        return Ok(owned(members));
    }
    let suggestion = all
        .into_iter()
        .map(|known| (distance(name, known), known))
        .min()
        .filter(|(d, _)| *d <= 2)
        .map(|(_, known)| known.to_owned());
    Err(Error::UnknownCall { name: name.to_owned(), set: set.to_owned(), suggestion })
}

/// Calls by what they are about. `file` and `desc` follow from the arguments; the others are lists of beginnings.
fn class_members<'a>(class: &str, catalog: &Catalog, all: &BTreeSet<&'a str>) -> Option<Vec<&'a str>> {
    let takes = |classes: &[Class]| {
        all.iter()
            .copied()
            .filter(|name| {
                catalog
                    .syscall_by_name(Abi::X86_64, name)
                    .is_some_and(|call| call.args.iter().any(|arg| classes.contains(&arg.class)))
            })
            .collect()
    };
    let beginnings: &[&str] = match class {
        "file" => return Some(takes(&[Class::Path])),
        "desc" => return Some(takes(&[Class::Fd, Class::AtFd])),
        "process" => {
            &["clone", "fork", "vfork", "execve", "exit", "wait", "kill", "tgkill", "tkill", "pidfd_"]
        }
        "network" | "net" => &[
            "socket",
            "bind",
            "listen",
            "accept",
            "connect",
            "send",
            "recv",
            "getsock",
            "setsock",
            "getpeername",
            "shutdown",
            "sethostname",
            "setdomainname",
        ],
        "signal" => {
            &["rt_sig", "sig", "kill", "tgkill", "tkill", "pause", "alarm", "signal", "pidfd_send_signal"]
        }
        "ipc" => &["msg", "sem", "shm", "ipc"],
        "memory" => &[
            "mmap",
            "munmap",
            "mprotect",
            "mremap",
            "brk",
            "madvise",
            "mlock",
            "munlock",
            "msync",
            "mincore",
            "mbind",
            "mseal",
            "move_pages",
            "migrate_pages",
            "pkey_",
            "process_madvise",
            "remap_file_pages",
            "get_mempolicy",
            "set_mempolicy",
            "shm",
        ],
        "creds" => &[
            "getuid",
            "geteuid",
            "getgid",
            "getegid",
            "getres",
            "getgroups",
            "setuid",
            "setgid",
            "setre",
            "setres",
            "setgroups",
            "setfs",
            "cap",
        ],
        "clock" => &["clock_", "gettimeofday", "settimeofday", "adjtimex", "time", "stime"],
        _ => return None,
    };
    let begins = |name: &&str| beginnings.iter().any(|beginning| name.starts_with(beginning));
    Some(all.iter().copied().filter(|name| begins(name)).collect())
}

/// Letters to insert, delete or replace between two names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(set: &str) -> Result<Selection, Error> {
        Selection::parse(Some(set), Catalog::builtin())
    }

    #[test]
    fn names_negation_and_expressions() {
        assert!(parse("openat,read").unwrap().contains("read"));
        assert!(!parse("!openat").unwrap().contains("openat"));
        assert!(parse("!openat").unwrap().contains("read"));
        let opens = parse("/^open").unwrap();
        assert!(opens.contains("openat2") && !opens.contains("mq_open"));
        assert!(parse("all").unwrap().unknown() && !parse("none").unwrap().unknown());
    }

    #[test]
    fn classes_follow_from_the_arguments() {
        let file = parse("%file").unwrap();
        assert!(file.contains("openat") && file.contains("rename") && !file.contains("read"));
        assert!(parse("%desc").unwrap().contains("read"));
        assert!(matches!(parse("%nonsense"), Err(Error::UnknownClass { .. })));
    }

    #[test]
    fn an_unknown_name_is_refused_with_a_near_one() {
        let error = parse("opennat").unwrap_err().to_string();
        assert!(error.contains("did you mean openat?"), "{error}");
        assert!(parse("?opennat").is_ok());
    }
}
