//! `syscribe doctor`: what this machine allows, and what will not be seen.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use kernel::process;
use kernel::tracefs::Tracefs;
use schema::Catalog;
use schema::lower::Plan;

use crate::args::Select;
use crate::recording::{Prepared, Wanted};
use crate::status::Status;

/// How a thing stands.
enum Finding {
    /// As it should be.
    Good(String),
    /// Works, with something missing.
    Limited { what: String, remedy: String },
    /// Tracing does not work.
    Bad { what: String, remedy: String },
}

use Finding::{Bad, Good, Limited};

/// Runs the command: each line a fact, each shortcoming with its remedy.
pub fn run() -> Result<Status> {
    let findings =
        [privilege(), pid_namespace(), btf(), tracefs(), lockdown(), unprivileged_bpf(), table(), probes()];
    let mut out = io::stdout().lock();
    let mut works = true;
    for finding in findings {
        match finding {
            Good(what) => writeln!(out, "ok       {what}")?,
            Limited { what, remedy } => writeln!(out, "limited  {what}\n         -> {remedy}")?,
            Bad { what, remedy } => {
                works = false;
                writeln!(out, "missing  {what}\n         -> {remedy}")?;
            }
        }
    }
    writeln!(out, "\nnot seen, on any machine:")?;
    for what in NOT_SEEN {
        writeln!(out, "  {what}")?;
    }
    Ok(if works { Status::Success } else { Status::Failure })
}

const NOT_SEEN: [&str; 5] = [
    "operations submitted through io_uring: only io_uring_setup, io_uring_enter and io_uring_register are calls",
    "calls answered in user space by the vDSO (clock_gettime, gettimeofday, time, getcpu)",
    "reads and writes of mapped memory",
    "what happened before the probes were attached",
    "what the kernel read behind a pointer, if another thread changed it: shown is what was there at entry or exit",
];

fn privilege() -> Finding {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|text| u64::from_str_radix(text.trim(), 16).ok())
        .unwrap_or(0);
    let has = |bit: u32| effective >> bit & 1 == 1;
    // Bits of include/uapi/linux/capability.h; CAP_SYS_ADMIN stands for the two others.
    let (admin, perfmon, bpf) = (has(21), has(38), has(39));
    if admin || (perfmon && bpf) {
        Good("privileges: may load programs".to_owned())
    } else {
        Bad {
            what: "privileges: CAP_BPF and CAP_PERFMON are missing".to_owned(),
            remedy: "run as root".to_owned(),
        }
    }
}

fn pid_namespace() -> Finding {
    if process::in_initial_pid_namespace() {
        return Good("pid namespace: the initial one".to_owned());
    }
    Bad {
        what: "pid namespace: not the initial one, so thread ids mean something else to the kernel"
            .to_owned(),
        remedy: "run on the host, or share its pid namespace (docker run --pid=host)".to_owned(),
    }
}

fn btf() -> Finding {
    let path = Path::new(kernel::types::BTF);
    match fs::metadata(path) {
        Ok(metadata) => Good(format!("BTF: {} ({} bytes)", path.display(), metadata.len())),
        Err(error) => Bad {
            what: format!("BTF: {}: {error}", path.display()),
            remedy:
                "use a kernel built with CONFIG_DEBUG_INFO_BTF=y (every distribution's is, since about 2020)"
                    .to_owned(),
        },
    }
}

fn tracefs() -> Finding {
    match Tracefs::find() {
        Some(root) => Good(format!("tracefs: {}", root.display())),
        None if Path::new(kernel::tracefs::MOUNT_POINT).is_dir() => Limited {
            what: "tracefs: not mounted".to_owned(),
            remedy: "nothing to do: it is mounted when needed; without it the built-in prototypes are used"
                .to_owned(),
        },
        None => Limited {
            what: "tracefs: this kernel has none".to_owned(),
            remedy: "the built-in prototypes are used; calls newer than them are recorded by number"
                .to_owned(),
        },
    }
}

fn lockdown() -> Finding {
    let text = fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    let mode = text.split(['[', ']']).nth(1).unwrap_or("none");
    match mode {
        "confidentiality" => Limited {
            what: "lockdown: confidentiality".to_owned(),
            remedy: "no probe here reads kernel memory by address, so tracing goes on; tracefs hides its formats, so the \
                     built-in prototypes are used"
                .to_owned(),
        },
        mode => Good(format!("lockdown: {mode}")),
    }
}

fn unprivileged_bpf() -> Finding {
    let value = fs::read_to_string("/proc/sys/kernel/unprivileged_bpf_disabled").unwrap_or_default();
    Good(format!("kernel.unprivileged_bpf_disabled: {} (does not matter for root)", value.trim()))
}

fn table() -> Finding {
    let mut notes = Vec::new();
    let Ok((_, catalog)) = crate::recording::running_catalog(&mut notes, &[]) else {
        return Limited { what: "type table: built-in only".to_owned(), remedy: "see BTF above".to_owned() };
    };
    let protos: Vec<_> = catalog.protos().collect();
    let undescribed: Vec<&str> =
        protos.iter().filter(|p| catalog.call(&p.name).is_none()).map(|p| p.name.as_str()).collect();
    let unnumbered: Vec<&str> = protos
        .iter()
        .filter(|p| !Catalog::builtin().numbers(schema::Abi::X86_64).any(|(_, name)| name == p.name))
        .filter(|p| !p.name.contains('@'))
        .map(|p| p.name.as_str())
        .filter(|name| catalog.number(schema::Abi::I386, name).is_none())
        .collect();
    if undescribed.is_empty() && unnumbered.is_empty() {
        return Good(format!("type table: {} prototypes, all described", protos.len()));
    }
    Limited {
        what: format!(
            "type table: {} prototypes; without description: {}; without number: {}",
            protos.len(),
            list(&undescribed),
            list(&unnumbered)
        ),
        remedy: "calls without description are shown by their C types, calls without number by number"
            .to_owned(),
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(" ") }
}

/// The only proof is to do it: load, attach, make a call, find its record.
fn probes() -> Finding {
    let start = || {
        let plan = Plan::default();
        Prepared::new(&Wanted { select: &Select::default(), plan, buffer: None })?.start(true, |_, _| Ok(()))
    };
    match start() {
        Ok(recording) => Good(format!(
            "probes: loaded and attached for {} event types; a test call was recorded",
            recording.types.events.len()
        )),
        Err(error) => Bad { what: format!("probes: {error:#}"), remedy: "see the lines above".to_owned() },
    }
}
