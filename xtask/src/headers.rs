//! What the installed C headers say: names of macros, and what expressions are worth, through the C compiler.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail, ensure};

/// Headers that are asked, of the C library and of the kernel. Those that are not installed are left out.
const HEADERS: &[&str] = &[
    "errno.h",
    "fcntl.h",
    "unistd.h",
    "signal.h",
    "time.h",
    "poll.h",
    "sched.h",
    "sys/epoll.h",
    "sys/eventfd.h",
    "sys/timerfd.h",
    "sys/signalfd.h",
    "sys/inotify.h",
    "sys/fanotify.h",
    "sys/mman.h",
    "sys/mount.h",
    "sys/socket.h",
    "sys/un.h",
    "netinet/in.h",
    "netinet/tcp.h",
    "netinet/udp.h",
    "sys/stat.h",
    "sys/file.h",
    "sys/time.h",
    "sys/user.h",
    "sys/timex.h",
    "sys/resource.h",
    "sys/wait.h",
    "sys/personality.h",
    "sys/ptrace.h",
    "sys/ipc.h",
    "sys/msg.h",
    "sys/sem.h",
    "sys/shm.h",
    "sys/xattr.h",
    "linux/securebits.h",
    "linux/if_packet.h",
    "linux/netlink.h",
    "linux/rtnetlink.h",
    "linux/fib_rules.h",
    "linux/genetlink.h",
    "linux/icmp.h",
    "sys/swap.h",
    "sys/random.h",
    "sys/pidfd.h",
    "linux/openat2.h",
    "linux/close_range.h",
    "linux/userfaultfd.h",
    "linux/version.h",
    "linux/memfd.h",
    "linux/falloc.h",
    "linux/mempolicy.h",
    "linux/ioprio.h",
    "linux/kcmp.h",
    "linux/membarrier.h",
    "linux/rseq.h",
    "linux/futex.h",
    "linux/prctl.h",
    "asm/prctl.h",
    "linux/capability.h",
    "linux/seccomp.h",
    "linux/landlock.h",
    "linux/net.h",
    "linux/keyctl.h",
    "linux/reboot.h",
    "linux/kexec.h",
    "linux/module.h",
    "linux/bpf.h",
    "linux/perf_event.h",
    "linux/io_uring.h",
    "linux/fs.h",
    "linux/fiemap.h",
    "linux/blkzoned.h",
    "linux/loop.h",
    "linux/sockios.h",
    "linux/if_tun.h",
    "linux/nsfs.h",
    "linux/random.h",
    "linux/rtc.h",
    "linux/kvm.h",
    "linux/sched.h",
    "linux/serial.h",
    "linux/stat.h",
    "asm/ioctls.h",
    "asm/ldt.h",
    "linux/audit.h",
    "linux/dqblk_xfs.h",
    "linux/elf.h",
    "drm/drm.h",
    "linux/blkpg.h",
    "linux/blktrace_api.h",
    "linux/btrfs.h",
    "linux/dm-ioctl.h",
    "linux/dma-buf.h",
    "linux/fb.h",
    "linux/fscrypt.h",
    "linux/fsverity.h",
    "linux/hidraw.h",
    "linux/i2c-dev.h",
    "linux/if_alg.h",
    "linux/aio_abi.h",
    "linux/can.h",
    "linux/icmpv6.h",
    "sys/statvfs.h",
    "linux/errqueue.h",
    "linux/lsm.h",
    "linux/if_arp.h",
    "linux/if_pppox.h",
    "linux/if_xdp.h",
    "linux/mptcp.h",
    "linux/net_tstamp.h",
    "linux/sctp.h",
    "linux/tipc.h",
    "linux/tls.h",
    "linux/vm_sockets.h",
    "linux/input.h",
    "linux/kd.h",
    "linux/nbd.h",
    "linux/route.h",
    "linux/sync_file.h",
    "linux/tty.h",
    "linux/uinput.h",
    "linux/vhost.h",
    "linux/videodev2.h",
    "linux/vt.h",
    "linux/watchdog.h",
    "scsi/sg.h",
    "sound/asound.h",
    "linux/quota.h",
    "asm/termbits.h",
];

/// Headers of the kernel that cannot stand beside those of the C library: each is asked alone.
const ALONE: &[&str] = &["linux/shm.h"];

fn groups() -> impl Iterator<Item = &'static [&'static str]> {
    std::iter::once(HEADERS).chain(ALONE.chunks(1))
}

/// Names of all macros without parameters that stand for something.
pub(crate) fn macros() -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for headers in groups() {
        let text = preprocessed(headers, &["-dM"])?;
        let defined = text.lines().filter_map(|line| line.strip_prefix("#define ")?.split_once(' '));
        let defined = defined.filter(|(name, body)| !name.contains('(') && !body.trim().is_empty());
        names.extend(defined.map(|(name, _)| name.to_owned()));
    }
    Ok(names)
}

/// What the preprocessor makes of headers.
fn preprocessed(headers: &[&str], options: &[&str]) -> Result<String> {
    let directory = Scratch::new("headers")?;
    fs::write(directory.0.join("headers.c"), includes(headers)).context("headers.c")?;
    let output = gcc(&directory.0, &[&["-E", "headers.c"], options].concat())?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What each (name, expression) is worth; those that these headers do not know, and what is no integer, are left out.
pub(crate) fn values(expressions: &BTreeMap<String, String>) -> Result<BTreeMap<String, i64>> {
    let mut found = BTreeMap::new();
    for headers in groups() {
        let mut rest = expressions.clone();
        rest.retain(|name, _| !found.contains_key(name));
        // What is not even a word of the headers takes the compiler long to refuse: it looks for similar names.
        let text = preprocessed(headers, &["-dD", "-P"])?;
        let known: HashSet<&str> = words(&text).collect();
        rest.retain(|_, expression| words(expression).all(|word| known.contains(word)));
        found.extend(values_of(headers, rest)?);
    }
    Ok(found)
}

/// The same for headers that are named, one behind the other.
pub(crate) fn values_of(
    headers: &[&str],
    mut expressions: BTreeMap<String, String>,
) -> Result<BTreeMap<String, i64>> {
    let directory = Scratch::new("values")?;
    // The first run finds what these headers do not have, the second one the values of the others.
    let (first, lines) = compile(headers, &expressions, &directory.0)?;
    let errors = String::from_utf8_lossy(&first.stderr);
    for error in errors.lines().filter(|line| line.contains("error: ")) {
        let line = error.split(':').nth(1).and_then(|number| number.parse().ok());
        match line.and_then(|line: usize| lines.get(&line)) {
            Some(name) if error.starts_with("values.c:") => drop(expressions.remove(name)),
            _ => bail!("these headers do not compile: {error}"),
        }
    }
    let (second, _) = compile(headers, &expressions, &directory.0)?;
    ensure!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    let printed = Command::new(directory.0.join("values")).output().context("values")?;
    let printed = String::from_utf8(printed.stdout)?;
    let values = printed.lines().filter_map(|line| line.split_once(' '));
    values.map(|(name, value)| Ok((name.to_owned(), value.parse()?))).collect()
}

/// Words as C has them: names, keywords, numbers.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// What the compiler says, and which name stands on which line of the source.
fn compile(
    headers: &[&str],
    expressions: &BTreeMap<String, String>,
    directory: &Path,
) -> Result<(Output, BTreeMap<usize, String>)> {
    let mut source = includes(headers);
    source.push_str("static const struct { const char *name; long long value; } all[] = {\n");
    let first = source.lines().count() + 1;
    let lines = expressions.keys().enumerate().map(|(at, name)| (first + at, name.clone())).collect();
    for (name, expression) in expressions {
        // `|` takes neither texts nor floating point.
        writeln!(source, "    {{ \"{name}\", (long long)(({expression}) | 0) }},")?;
    }
    source.push_str(
        "};\nint main(void) {\n    for (size_t i = 0; i < sizeof all / sizeof *all; i++)\n        \
         printf(\"%s %lld\\n\", all[i].name, all[i].value);\n}\n",
    );
    fs::write(directory.join("values.c"), source).context("values.c")?;
    let output = gcc(directory, &["-w", "-fmax-errors=0", "-o", "values", "values.c"])?;
    Ok((output, lines))
}

fn includes(headers: &[&str]) -> String {
    let mut source = String::from("#define _GNU_SOURCE\n#include <stdio.h>\n#include <stddef.h>\n");
    for header in headers {
        let _ = writeln!(source, "#if __has_include(<{header}>)\n#include <{header}>\n#endif");
    }
    source
}

fn gcc(directory: &Path, arguments: &[&str]) -> Result<Output> {
    let mut gcc = Command::new("gcc");
    gcc.env("LC_ALL", "C").current_dir(directory).args(arguments).output().context("gcc")
}

/// A directory for one question, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(what: &str) -> Result<Scratch> {
        let thread = std::thread::current().id();
        let path = std::env::temp_dir().join(format!("syscribe-{what}-{}-{thread:?}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| path.display().to_string())?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("xtask: {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use schema::ast::Line;
    use schema::{Abi, Catalog};

    use super::*;
    use crate::programs::find;

    /// Values by name. Without a compiler there is nothing to compare with.
    fn values(expressions: &BTreeMap<String, String>) -> Option<BTreeMap<String, i64>> {
        if find("gcc").is_none() {
            println!("skipped: no gcc");
            return None;
        }
        Some(super::values(expressions).unwrap())
    }

    /// Constants that C programs see otherwise than the kernel does.
    const OTHERWISE: [(&str, &str); 6] = [
        ("F_GETLK64", "F_GETLK in 64-bit programs"),
        ("F_SETLK64", "F_SETLK in 64-bit programs"),
        ("F_SETLKW64", "F_SETLKW in 64-bit programs"),
        ("SIGRTMIN", "the C library keeps the first two for itself"),
        ("O_LARGEFILE", "0 in 64-bit programs"),
        ("__O_TMPFILE", "the C library includes O_DIRECTORY"),
    ];

    #[test]
    fn constants_have_the_values_of_the_headers() {
        let catalog = Catalog::builtin();
        let names = catalog.sets().flat_map(|set| &set.items).map(|item| item.name.as_str());
        let names = names.filter(|name| OTHERWISE.iter().all(|(other, _)| other != name));
        let all: BTreeMap<String, String> = names.map(|name| (name.to_owned(), name.to_owned())).collect();
        let Some(values) = values(&all) else { return };
        let unknown: Vec<&String> = all.keys().filter(|name| !values.contains_key(*name)).collect();
        let mut wrong = Vec::new();
        for (name, value) in &values {
            let ours = catalog.constant(name).unwrap();
            // A flag in bit 31 is negative in C when the header writes it as an int.
            let same = ours == value.cast_unsigned()
                || (ours >> 32 == 0 && ours == value.cast_unsigned() & 0xffff_ffff);
            if !same {
                wrong.push(format!("{name} is {value:#x} in the headers, {ours:#x} here"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        println!("{} constants agree; unknown to these headers: {unknown:?}", values.len());
    }

    /// Objects that are described without a layout which the kernel knows: their sizes and the places of their members.
    #[test]
    fn described_objects_are_laid_out_as_the_headers_say() {
        let catalog = Catalog::builtin();
        let lines = schema::parse(&catalog.print(), "builtin").unwrap();
        let (mut all, mut ours) = (BTreeMap::new(), BTreeMap::new());
        for line in &lines {
            let Line::Struct(line) = line else { continue };
            let name = &line.name;
            let ours_alone = catalog.layout(name).is_none_or(|layout| layout.kernel.is_none());
            let Some(object) = catalog.structure(Abi::X86_64, name).filter(|_| ours_alone) else { continue };
            // One has no name but this in C.
            let c = if name == "siginfo" { "siginfo_t".to_owned() } else { format!("struct {name}") };
            all.insert(name.clone(), format!("sizeof({c})"));
            ours.insert(name.clone(), i64::from(object.size));
            // Later kernels give new names to what was reserved.
            let reserved =
                |name: &str| ["pad", "resv", "__", "reserved"].iter().any(|start| name.starts_with(start));
            for member in object.members.iter().filter(|member| !reserved(&member.name)) {
                let place = format!("{name}.{}", member.name);
                all.insert(place.clone(), format!("offsetof({c}, {})", member.name));
                ours.insert(place, i64::from(member.offset));
            }
        }
        let Some(theirs) = values(&all) else { return };
        let wrong: Vec<String> = theirs
            .iter()
            .filter(|(name, value)| ours.get(*name) != Some(*value))
            .map(|(name, value)| format!("{name} is {value} in the headers, {} here", ours[name]))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let unknown: Vec<&String> = all.keys().filter(|name| !theirs.contains_key(*name)).collect();
        println!("{} sizes and places agree; unknown to these headers: {unknown:?}", theirs.len());
    }
}
