//! `cargo xtask tables`, second part: the names of ioctl commands that the installed headers hold.
//!
//! A header is asked by the C compiler: which of its macros are made of `_IO`, `_IOR`, `_IOW` or `_IOWR`, and what each
//! is worth. Older commands are plain numbers and are found by where they stand ([`PLAIN`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::headers;

/// Directories below `/usr/include` whose headers are asked.
const DIRECTORIES: [&str; 10] =
    ["linux", "asm-generic", "sound", "rdma", "mtd", "misc", "video", "xen", "linux/can", "linux/netfilter"];

/// Headers with plain numbers, and how the names of commands begin there.
const PLAIN: [(&str, &[&str]); 9] = [
    ("asm-generic/ioctls.h", &["TC", "TIOC", "FIO"]),
    ("linux/sockios.h", &["SIOC"]),
    ("linux/cdrom.h", &["CDROM", "DVD_READ_STRUCT", "DVD_WRITE_STRUCT", "DVD_AUTH"]),
    ("linux/hdreg.h", &["HDIO_"]),
    ("linux/fb.h", &["FBIO"]),
    (
        "linux/i2c-dev.h",
        &[
            "I2C_RETRIES",
            "I2C_TIMEOUT",
            "I2C_SLAVE",
            "I2C_TENBIT",
            "I2C_FUNCS",
            "I2C_RDWR",
            "I2C_PEC",
            "I2C_SMBUS",
        ],
    ),
    ("linux/kd.h", &["KD", "KIOC", "GIO_", "PIO_"]),
    (
        "linux/vt.h",
        &[
            "VT_OPENQRY",
            "VT_GET",
            "VT_SETMODE",
            "VT_SENDSIG",
            "VT_RELDISP",
            "VT_ACTIVATE",
            "VT_WAIT",
            "VT_DIS",
            "VT_RESIZE",
            "VT_LOCK",
            "VT_UNLOCK",
            "VT_SETACTIVATE",
        ],
    ),
    ("linux/loop.h", &["LOOP_SET_", "LOOP_CLR_", "LOOP_GET_", "LOOP_CHANGE_", "LOOP_CTL_", "LOOP_CONFIGURE"]),
];

/// Beginnings of names that look like commands and are none: numbers of packets, masks and states.
const NOT: [&str; 9] = [
    "TIOCPKT_",
    "TIOCM_",
    "TIOCSER_",
    "CDROM_",
    "HDIO_DRIVE_CMD_",
    "KD_",
    "SIOCPROTOPRIVATE",
    "SIOCDEVPRIVATE",
    "_IO",
];

/// Which name of a number is shown, where the shortest one is not what people meet.
const PREFERRED: [&str; 6] =
    ["FIONREAD", "TIOCOUTQ", "SNDCTL_DSP_SYNC", "SIOCGSTAMP_OLD", "SIOCGSTAMPNS_OLD", "VT_GETSTATE"];

/// Headers that those of drivers count on without including them.
const BEFORE: &[&str] = &[
    "stdbool.h",
    "stdint.h",
    "sys/types.h",
    "sys/socket.h",
    "linux/types.h",
    "linux/ioctl.h",
    "asm/termbits.h",
    "linux/fiemap.h",
];

/// Words that make a number of a command.
const MAKERS: [&str; 5] = ["_IO", "_IOR", "_IOW", "_IOWR", "_IOC"];

/// All commands by name.
pub(crate) fn commands() -> Result<BTreeMap<String, u32>> {
    let mut found = BTreeMap::new();
    for header in of_drivers()? {
        let names = candidates(&header);
        if !names.is_empty() {
            found.extend(values(&header, names));
        }
    }
    Ok(found)
}

/// The table: one name for a number, and further sets for its other names.
pub(crate) fn table(commands: &BTreeMap<String, u32>) -> String {
    let mut by_number: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for (name, &number) in commands {
        by_number.entry(number).or_default().push(name);
    }
    let mut sets: Vec<Vec<String>> = Vec::new();
    for (number, mut names) in by_number {
        names.sort_by_key(|name| (!PREFERRED.contains(name), name.len(), *name));
        for (rank, name) in names.into_iter().enumerate() {
            if sets.len() == rank {
                sets.push(Vec::new());
            }
            if let Some(set) = sets.get_mut(rank) {
                set.push(format!("{name} {number:#x}"));
            }
        }
    }
    let mut text = String::from(
        "# Names of ioctl commands. Written by `cargo xtask tables`.\n\
         # A number that several drivers use has its other names in the sets below: the file tells which one is meant.\n",
    );
    for (rank, items) in sets.iter().enumerate() {
        let head =
            if rank == 0 { "enum ioctl_cmd =".to_owned() } else { format!("enum ioctl_cmd_{} =", rank + 1) };
        wrap(&mut text, &head, items);
    }
    text
}

/// Items behind `head`, in lines of at most 116 characters.
fn wrap(text: &mut String, head: &str, items: &[String]) {
    let mut line = head.to_owned();
    for (i, item) in items.iter().enumerate() {
        let comma = if i + 1 < items.len() { "," } else { "" };
        if line.len() + item.len() + comma.len() + 1 > 116 {
            let _ = writeln!(text, "{line}");
            "   ".clone_into(&mut line);
        }
        let _ = write!(line, " {item}{comma}");
    }
    let _ = writeln!(text, "{line}");
}

/// Paths below `/usr/include`, those that mention a command.
fn of_drivers() -> Result<Vec<String>> {
    let root = Path::new("/usr/include");
    let mut found = Vec::new();
    for directory in DIRECTORIES {
        let Ok(entries) = fs::read_dir(root.join(directory)) else { continue };
        for entry in entries {
            let path: PathBuf = entry?.path();
            if path.extension().is_none_or(|ext| ext != "h") {
                continue;
            }
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            let relative = path.strip_prefix(root)?.display().to_string();
            if text.contains("_IO") || PLAIN.iter().any(|(header, _)| *header == relative) {
                found.push(relative);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Macros without parameters whose text leads to one of [`MAKERS`], or that [`PLAIN`] names.
fn candidates(header: &str) -> Vec<String> {
    let Ok(output) = gcc(&["-E", "-dM", "-include", header, "-x", "c", "/dev/null"]).output() else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut macros: Vec<(&str, bool, &str)> = Vec::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("#define ") else { continue };
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, body) = rest.split_at(end);
        macros.push((name, body.starts_with('('), body));
    }
    let mut makers: BTreeSet<&str> = MAKERS.into();
    // A macro may be made of a macro that is made of a maker: until nothing is added.
    loop {
        let before = makers.len();
        for (name, _, body) in &macros {
            if !name.starts_with("_IO") && headers::words(body).any(|word| makers.contains(word)) {
                makers.insert(name);
            }
        }
        if makers.len() == before {
            break;
        }
    }
    let plain = PLAIN.iter().find(|(plain, _)| *plain == header).map_or(&[][..], |(_, names)| *names);
    let wanted = |name: &str| makers.contains(name) || plain.iter().any(|start| name.starts_with(start));
    macros
        .iter()
        .filter(|(name, parameters, _)| !parameters && wanted(name))
        .filter(|(name, ..)| !NOT.iter().any(|start| name.starts_with(start)))
        .map(|(name, ..)| (*name).to_owned())
        .collect()
}

/// What the names are worth. A name that does not compile is no command, and a header that does not compile has none.
fn values(header: &str, names: Vec<String>) -> BTreeMap<String, u32> {
    let asked = names.into_iter().map(|name| (name.clone(), name)).collect();
    let values = headers::values_of(&[BEFORE, &[header]].concat(), asked).unwrap_or_default();
    let commands = values.into_iter().filter_map(|(name, value)| {
        let number = u32::try_from(value & 0xffff_ffff).ok()?;
        // Below are states and masks; only two commands of the file systems are as small.
        (number >= 0x100 || name.starts_with("FI")).then_some((name, number))
    });
    commands.collect()
}

fn gcc(arguments: &[&str]) -> Command {
    let mut gcc = Command::new("gcc");
    gcc.env("LC_ALL", "C").args(arguments).stdin(Stdio::null());
    gcc
}
