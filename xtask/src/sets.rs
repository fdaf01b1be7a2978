//! `cargo xtask tables`, third part: names for numbers, found by the lines of `selectors.txt`.
//!
//! Sources: the installed headers ([`crate::headers`]), enumerations in the type information of the running kernel, and the text of
//! crate `linux-raw-sys`, which is made from newer headers. They must not contradict each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use kernel::btf::{Btf, Kind};
use schema::ast::{Item, Line, Set, SetLine, Stored};

use crate::headers;
use crate::programs::root;
use crate::selectors::{self, Selector, What};

const SELECTORS: &str = "crates/schema/tables/selectors.txt";
const TABLE: &str = "crates/schema/tables/sets_generated.tt";
const CRATE: &str = "linux-raw-sys";

/// Writes `sets_generated.tt`. Names that the file has and no source here knows are an error.
pub(crate) fn run() -> Result<()> {
    let path = root().join(TABLE);
    let read = |path: &Path| fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
    let text = read(&root().join(SELECTORS))?;
    let before = if path.exists() { read(&path)? } else { String::new() };
    let made = table(&text, &before, &Sources::read(&selectors::parse(&text)?)?)?;
    fs::write(&path, &made).with_context(|| format!("writing {}", path.display()))?;
    println!(
        "{}: {} sets",
        path.display(),
        made.matches("\nflags ").count() + made.matches("\nenum ").count()
    );
    Ok(())
}

/// Where values come from.
#[derive(Default)]
struct Sources {
    /// Which ones these are.
    names: String,
    /// Macros of the headers that are integers, and what else of the headers was asked for.
    headers: BTreeMap<String, i64>,
    /// Names of macros: only these are found by globs.
    macros: BTreeSet<String>,
    /// Constants of the crate.
    newer: BTreeMap<String, i64>,
    /// Enumerations of the running kernel.
    enums: BTreeMap<String, Vec<(String, i64)>>,
}

impl Sources {
    fn read(lines: &[Selector]) -> Result<Sources> {
        let mut sources = Sources { macros: headers::macros()?, newer: newer()?, ..Sources::default() };
        let mut asked: BTreeSet<String> = BTreeSet::new();
        let version = ["LINUX_VERSION_CODE", "__GLIBC__", "__GLIBC_MINOR__"];
        asked.extend(version.map(str::to_owned));
        let bytes = fs::read(kernel::types::BTF).context(kernel::types::BTF)?;
        let btf = Btf::parse(bytes, |kind, _| kind == Kind::Enum)?;
        for line in lines {
            for term in &line.terms {
                match &term.what {
                    What::Name(name) => drop(asked.insert(name.clone())),
                    What::Value(..) => {}
                    What::Glob(glob) => {
                        let all = sources.macros.iter().chain(sources.newer.keys());
                        let found =
                            all.filter(|name| selectors::matches(glob, name) && !line.leaves_out(name));
                        asked.extend(found.cloned());
                    }
                    What::Enum(name) => {
                        let found = btf.enumerators(name)?;
                        asked.extend(found.iter().map(|(name, _)| name.clone()));
                        sources.enums.insert(name.clone(), found);
                    }
                }
            }
        }
        sources.headers = headers::values(&asked.into_iter().map(|name| (name.clone(), name)).collect())?;
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").context("osrelease")?;
        let release: Vec<&str> = release.split(['.', '-']).take(2).collect();
        let [code, glibc, minor] = version.map(|name| sources.headers.get(name).copied().unwrap_or_default());
        sources.names = format!(
            "kernel headers {}.{}, glibc {glibc}.{minor}, type information of Linux {}, {CRATE} of {}",
            code >> 16,
            code >> 8 & 0xff,
            release.join("."),
            sources.newer.get("LINUX_VERSION_CODE").map_or(String::new(), |code| format!(
                "{}.{}",
                code >> 16,
                code >> 8 & 0xff
            )),
        );
        Ok(sources)
    }

    /// What a name is worth. Sources that know it must agree in the low 32 bits: the crate has no signs.
    fn value(&self, name: &str) -> Result<Option<i64>> {
        let (header, newer) = (self.headers.get(name), self.newer.get(name));
        let enums = || self.enums.values().flatten().find(|(own, _)| own == name).map(|(_, value)| value);
        if let (Some(header), Some(newer)) = (header, newer) {
            let same = header == newer || (header ^ newer) & 0xffff_ffff == 0;
            ensure!(same, "{name} is {header:#x} in the headers, {newer:#x} in {CRATE}");
        }
        Ok(header.or(newer).or_else(enums).copied())
    }

    /// Items of a line. `problems` gets names that nobody knows, and those of which only one could be shown.
    fn items(&self, line: &Selector, problems: &mut Vec<String>) -> Result<Vec<Item>> {
        let mut items: Vec<Item> = Vec::new();
        let mut add = |name: &str, value: Option<i64>, mask: Option<u64>| {
            let Some(value) = value.map(|value| stored(&line.head, value)) else {
                problems.push(format!("{}: no source here knows {name}", line.head.name));
                return;
            };
            if items.iter().any(|item| item.name == name) {
                return;
            }
            match items.iter().find(|item| item.value == value && item.mask == mask) {
                None => items.push(Item { name: name.to_owned(), value, mask }),
                Some(first) => problems
                    .push(format!("{}: {} and {name} are both {value:#x}", line.head.name, first.name)),
            }
        };
        // What is written out is first in having a number, wherever it stands.
        for term in &line.terms {
            match &term.what {
                What::Name(name) => add(name, self.value(name)?, term.mask),
                What::Value(name, value) => add(name, Some(value.cast_signed()), term.mask),
                What::Glob(_) | What::Enum(_) => {}
            }
        }
        for term in &line.terms {
            let mut found: Vec<(i64, &str)> = match &term.what {
                What::Name(_) | What::Value(..) => continue,
                What::Glob(glob) => {
                    let all: BTreeSet<&str> =
                        self.macros.iter().chain(self.newer.keys()).map(String::as_str).collect();
                    let all = all.into_iter().filter(|name| selectors::matches(glob, name));
                    let all = all.filter(|name| !line.leaves_out(name));
                    let all = all.map(|name| Ok(self.value(name)?.map(|value| (value, name))));
                    all.filter_map(Result::transpose).collect::<Result<_>>()?
                }
                What::Enum(name) => {
                    let all = self.enums.get(name).into_iter().flatten();
                    all.map(|(name, value)| (*value, name.as_str())).collect()
                }
            };
            found.retain(|(_, name)| !line.leaves_out(name));
            found.sort_unstable_by_key(|(value, name)| (stored(&line.head, *value), *name));
            for (value, name) in found {
                add(name, Some(value), term.mask);
            }
        }
        let place = |item: &Item| {
            let written = line.terms.iter().position(
                |term| matches!(&term.what, What::Name(name) | What::Value(name, _) if *name == item.name),
            );
            written.or_else(|| {
                line.terms.iter().position(|term| match &term.what {
                    What::Name(_) | What::Value(..) => false,
                    What::Glob(glob) => selectors::matches(glob, &item.name),
                    What::Enum(name) => {
                        self.enums.get(name).into_iter().flatten().any(|(name, _)| *name == item.name)
                    }
                })
            })
        };
        items.sort_by_key(|item| place(item));
        Ok(items)
    }
}

/// The number as a set holds it: a flag in bit 31 is negative in C, and stays a bit here.
fn stored(set: &Set, value: i64) -> u64 {
    let stored = set.stored.unwrap_or(Stored::new(4, false));
    let bits = u32::from(stored.bytes) * 8;
    let keep = bits >= 64 || (!set.flags && (stored.signed || value >= 0)) || value >> bits == 0;
    if keep { value.cast_unsigned() } else { value.cast_unsigned() & ((1 << bits) - 1) }
}

/// The table that the selectors make of the sources. `before` is the table as it is.
fn table(text: &str, before: &str, sources: &Sources) -> Result<String> {
    let lines = selectors::parse(text)?;
    let mut problems = Vec::new();
    let mut sets = BTreeMap::new();
    for line in &lines {
        let set = Set { items: sources.items(line, &mut problems)?, ..line.head.clone() };
        let name = line.head.name.clone();
        ensure!(
            sets.insert(name, Line::Set(SetLine { extend: false, set })).is_none(),
            "{}: twice",
            line.head.name
        );
    }
    for old in schema::parse(before, TABLE)? {
        let Line::Set(old) = old else { continue };
        let (Some(line), Some(Line::Set(new))) =
            (lines.iter().find(|line| line.head.name == old.set.name), sets.get(&old.set.name))
        else {
            continue;
        };
        // Enumerations have no pattern: what they lost is seen in the diff.
        let wanted = |name: &str| {
            let globs = line
                .terms
                .iter()
                .filter_map(|term| if let What::Glob(glob) = &term.what { Some(glob) } else { None });
            !line.leaves_out(name) && globs.into_iter().any(|glob| selectors::matches(glob, name))
        };
        let lost = old.set.items.iter().map(|item| &item.name);
        let lost = lost.filter(|name| wanted(name) && new.set.value(name).is_none());
        problems.extend(lost.map(|name| format!("{}: no source here knows {name} any more", old.set.name)));
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    let head = format!(
        "# Names for numbers. Written by `cargo xtask tables` from selectors.txt.\n# Sources: {}.\n",
        sources.names
    );
    Ok(head + &schema::print(sets.values()))
}

/// Constants in the source text of the crate: the lines of its bindings for x86-64 that give a number to a name.
fn newer() -> Result<BTreeMap<String, i64>> {
    let mut found = BTreeMap::new();
    let directory = crate_directory()?.join("src/x86_64");
    let mut files: Vec<_> = fs::read_dir(&directory)
        .with_context(|| directory.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        for line in text.lines() {
            // `pub const O_CREAT: u32 = 64;`, or `SOL_IP = 0,` within an enumeration.
            let constant = line.trim().strip_prefix("pub const ").and_then(|rest| rest.strip_suffix(';'));
            let (name, value) = match constant {
                Some(constant) => {
                    let Some((name, rest)) = constant.split_once(": ") else { continue };
                    let Some((_, value)) = rest.split_once(" = ") else { continue };
                    (name, value)
                }
                None => {
                    let Some(parts) = line.trim().strip_suffix(',').and_then(|line| line.split_once(" = "))
                    else {
                        continue;
                    };
                    parts
                }
            };
            if let Ok(value) = value.parse::<i64>() {
                found.insert(name.to_owned(), value);
            }
        }
    }
    Ok(found)
}

/// Where cargo keeps the source of the crate.
fn crate_directory() -> Result<std::path::PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--format-version=1", "--offline", "--locked"];
    let output =
        Command::new(cargo).args(arguments).current_dir(root()).output().context("cargo metadata")?;
    let text = String::from_utf8(output.stdout)?;
    let manifests = text.split("\"manifest_path\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let manifest = manifests.map(Path::new).find(|path| {
        let directory = path.parent().and_then(Path::file_name).unwrap_or_default();
        directory.to_string_lossy().starts_with(CRATE)
    });
    let directory = manifest.and_then(Path::parent);
    Ok(directory.with_context(|| format!("cargo does not know where {CRATE} is"))?.to_owned())
}

#[cfg(test)]
mod tests {
    use schema::Catalog;

    use super::*;
    use crate::programs::find;

    /// Sets of `sets_by_hand.tt`: names of the kernel's own sources or of man pages, and names newer than all sources.
    const BY_HAND: [&str; 14] = [
        "key_perms",
        "bluetooth_protocol",
        "pidfd_signal_flags",
        "modify_ldt_func",
        "lsm_attr",
        "lsm_flags",
        "lsm_id",
        "syslog_action",
        "sysfs_option",
        "prctl_thp",
        "prctl_dumpable",
        "xfeatures",
        "shstk_features",
        "ext4_checkpoint_flags",
    ];

    /// Sources that know four macros and one enumeration; the crate knows one name more.
    fn small() -> Sources {
        let headers = [("O_RDONLY", 0), ("O_CREAT", 0o100), ("O_EXCL", 0o200), ("O_FSYNC", 0o100)];
        let headers: BTreeMap<String, i64> = headers.map(|(name, value)| (name.to_owned(), value)).into();
        Sources {
            names: "a small one".to_owned(),
            macros: headers.keys().cloned().collect(),
            headers,
            newer: [("O_NEWER".to_owned(), 0x1000), ("O_EXCL".to_owned(), 0o200)].into(),
            enums: [("way".to_owned(), vec![("UP".to_owned(), 1), ("DOWN".to_owned(), -1)])].into(),
        }
    }

    #[test]
    fn items_stand_in_the_order_of_the_terms_and_those_of_a_glob_by_value() {
        let text = "flags open from O_EXCL O_RDONLY/3 O_* - O_FSYNC\nenum way : s32 from @way LEFT=2\n";
        let table = table(text, "", &small()).unwrap();
        let lines: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "flags open = O_EXCL 0x80, O_RDONLY 0x0/0x3, O_CREAT 0x40, O_NEWER 0x1000",
                "enum way : s32 = UP 1, DOWN -1, LEFT 2"
            ]
        );
    }

    #[test]
    fn what_cannot_be_shown_or_found_is_an_error_with_its_name() {
        let error = |text: &str, before: &str| table(text, before, &small()).unwrap_err().to_string();
        assert_eq!(error("flags open from O_*\n", ""), "open: O_CREAT and O_FSYNC are both 0x40");
        assert_eq!(error("flags open from O_OLD\n", ""), "open: no source here knows O_OLD");
        let text = "flags open from O_* - O_FSYNC\n";
        let before = "flags open = O_RDONLY 0, O_FSYNC 0x40, O_GONE 0x2000\n";
        assert_eq!(error(text, before), "open: no source here knows O_GONE any more");
        let mut sources = small();
        sources.newer.insert("O_EXCL".to_owned(), 7);
        let error = table("flags open from O_EXCL\n", "", &sources).unwrap_err().to_string();
        assert_eq!(error, "O_EXCL is 0x80 in the headers, 0x7 in linux-raw-sys");
    }

    fn read(path: &str) -> String {
        fs::read_to_string(root().join(path)).unwrap()
    }

    /// The sources, as far as `text` needs them. Without a compiler or type information there is nothing to compare with.
    fn sources(text: &str) -> Option<Sources> {
        if find("gcc").is_none() || !Path::new(kernel::types::BTF).exists() {
            println!("skipped: no gcc, or no {}", kernel::types::BTF);
            return None;
        }
        Some(Sources::read(&selectors::parse(text).unwrap()).unwrap())
    }

    /// True when the table that is there was made from the same sources.
    fn made_from(sources: &Sources) -> bool {
        read(TABLE).contains(&format!("Sources: {}.\n", sources.names))
    }

    fn sets(text: &str) -> Vec<Set> {
        let lines = schema::parse(text, "sets").unwrap();
        let sets = lines
            .into_iter()
            .filter_map(|line| if let Line::Set(line) = line { Some(line.set) } else { None });
        sets.collect()
    }

    /// Newer headers and kernels have more names, older ones fewer: then what both know must be the same.
    #[test]
    fn the_sources_make_the_table_that_is_there() {
        let (text, before) = (read(SELECTORS), read(TABLE));
        let Some(sources) = sources(&text) else { return };
        if made_from(&sources) {
            assert!(table(&text, &before, &sources).unwrap() == before, "run `cargo xtask tables`");
            return;
        }
        println!("the table was made from other sources than {}", sources.names);
        let mut wrong = Vec::new();
        for line in schema::parse(&before, TABLE).unwrap() {
            let Line::Set(line) = line else { continue };
            for item in &line.set.items {
                match sources.value(&item.name).unwrap().map(|value| stored(&line.set, value)) {
                    Some(value) if value != item.value => {
                        wrong.push(format!("{} is {value:#x} here", item.name))
                    }
                    Some(_) => {}
                    None => println!("{} is not known here", item.name),
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn few_sets_are_kept_by_hand() {
        let (by_hand, generated) = (sets(&read("crates/schema/tables/sets_by_hand.tt")), sets(&read(TABLE)));
        let names: Vec<&str> = by_hand.iter().map(|set| set.name.as_str()).collect();
        assert_eq!(names, BY_HAND);
        let elsewhere = Catalog::builtin().sets().filter(|set| {
            let found = by_hand.iter().chain(&generated).any(|own| own.name == set.name);
            !found && !set.name.starts_with("ioctl_cmd")
        });
        assert_eq!(
            elsewhere.map(|set| &set.name).collect::<Vec<_>>(),
            Vec::<&String>::new(),
            "add a selector"
        );
    }

    /// Neither in `sets_by_hand.tt` nor as `NAME=VALUE`, except where the kernel sees another value than C programs do.
    #[test]
    fn nothing_is_typed_that_a_source_has() {
        let mut typed: Vec<(Set, Item)> = Vec::new();
        for set in sets(&read("crates/schema/tables/sets_by_hand.tt")) {
            typed.extend(set.items.iter().map(|item| (set.clone(), item.clone())));
        }
        for line in selectors::parse(&read(SELECTORS)).unwrap() {
            for term in line.terms {
                if let What::Value(name, value) = term.what {
                    typed.push((line.head.clone(), Item { name, value, mask: None }));
                }
            }
        }
        let names: Vec<&str> = typed.iter().map(|(_, item)| item.name.as_str()).collect();
        let Some(sources) = sources(&format!("enum typed from {}\n", names.join(" "))) else { return };
        let known = typed.iter().filter(|(set, item)| {
            // Where sources contradict each other, somebody has to say which of them is the kernel.
            let found = sources.value(&item.name).ok().flatten();
            found.is_some_and(|value| stored(set, value) == item.value)
        });
        let known: Vec<&str> = known.map(|(_, item)| item.name.as_str()).collect();
        println!("{} names are typed", typed.len());
        if made_from(&sources) {
            assert_eq!(known, Vec::<&str>::new(), "add a selector, or leave the value out");
        } else {
            println!("known to the sources that are here: {known:?}");
        }
    }
}
