//! The constants and the objects of the built-in tables against the installed C headers, through the C compiler.
//!
//! Without a compiler or without headers there is nothing to compare with, and the test says so.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use schema::ast::Line;
use schema::{Abi, Catalog};

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
    "linux/icmp.h",
    "sys/swap.h",
    "sys/random.h",
    "sys/pidfd.h",
    "linux/openat2.h",
    "linux/close_range.h",
    "linux/userfaultfd.h",
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
    "linux/can.h",
    "linux/errqueue.h",
    "linux/lsm.h",
    "linux/if_arp.h",
    "linux/if_xdp.h",
    "linux/mptcp.h",
    "linux/net_tstamp.h",
    "linux/sctp.h",
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

/// Constants that C programs see otherwise than the kernel does.
const OTHERWISE: [(&str, &str); 6] = [
    ("F_GETLK64", "F_GETLK in 64-bit programs"),
    ("F_SETLK64", "F_SETLK in 64-bit programs"),
    ("F_SETLKW64", "F_SETLKW in 64-bit programs"),
    ("SIGRTMIN", "the C library keeps the first two for itself"),
    ("O_LARGEFILE", "0 in 64-bit programs"),
    ("__O_TMPFILE", "the C library includes O_DIRECTORY"),
];

/// Compiles a program that prints the value of each (name, expression); those that these headers do not know are left out.
/// `None` without a compiler or when the headers themselves do not compile.
fn values(what: &str, expressions: &BTreeMap<String, String>) -> Option<BTreeMap<String, i64>> {
    let directory = std::env::temp_dir().join(format!("schema-{what}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let values = values_in(&directory, expressions.clone());
    std::fs::remove_dir_all(&directory).unwrap();
    values
}

fn values_in(directory: &Path, mut expressions: BTreeMap<String, String>) -> Option<BTreeMap<String, i64>> {
    let words = words(directory)?;
    expressions.retain(|name, _| name.split('.').all(|word| words.contains(word)));
    // The first run finds what these headers do not have although they speak of it, the second one the values of the others.
    let (first, lines) = compile(&expressions, directory)?;
    for error in String::from_utf8_lossy(&first.stderr).lines().filter(|line| line.contains("error: ")) {
        let line = error.split(':').nth(1).and_then(|number| number.parse().ok());
        match line.and_then(|line: usize| lines.get(&line)) {
            Some(name) if error.starts_with("values.c:") => drop(expressions.remove(name)),
            _ => {
                println!("these headers do not compile: nothing compared\n{error}");
                return None;
            }
        }
    }
    let (second, _) = compile(&expressions, directory)?;
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    let printed = Command::new(directory.join("values")).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let values = printed.lines().filter_map(|line| line.split_once(' '));
    Some(values.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect())
}

fn gcc(directory: &Path, arguments: &[&str], source: &str) -> Option<Output> {
    std::fs::write(directory.join("values.c"), source).unwrap();
    let output = Command::new("gcc").env("LC_ALL", "C").current_dir(directory).args(arguments).output();
    if output.is_err() {
        println!("no gcc: nothing compared");
    }
    output.ok()
}

fn headers() -> String {
    let mut source = String::from("#define _GNU_SOURCE\n#include <stdio.h>\n#include <stddef.h>\n");
    for header in HEADERS {
        writeln!(source, "#if __has_include(<{header}>)\n#include <{header}>\n#endif").unwrap();
    }
    source
}

/// Every word of the headers. For each name that it never met, the compiler would look for similar ones.
fn words(directory: &Path) -> Option<BTreeSet<String>> {
    let output = gcc(directory, &["-E", "-dD", "values.c"], &headers())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    Some(words.map(str::to_owned).collect())
}

/// What the compiler says, and which name stands on which line of the source.
fn compile(
    expressions: &BTreeMap<String, String>,
    directory: &Path,
) -> Option<(Output, BTreeMap<usize, String>)> {
    let mut source = headers();
    source.push_str("static const struct { const char *name; long long value; } values[] = {\n");
    let first = source.lines().count() + 1;
    let lines = expressions.keys().enumerate().map(|(at, name)| (first + at, name.clone())).collect();
    for (name, expression) in expressions {
        writeln!(source, "    {{\"{name}\", (long long)({expression})}},").unwrap();
    }
    source.push_str(
        "};\nint main(void) {\n    for (size_t at = 0; at < sizeof(values) / sizeof(*values); at++)\n",
    );
    source.push_str("        printf(\"%s %lld\\n\", values[at].name, values[at].value);\n}\n");
    let output = gcc(directory, &["-w", "-fmax-errors=0", "-o", "values", "values.c"], &source)?;
    Some((output, lines))
}

#[test]
fn constants_have_the_values_of_the_headers() {
    let catalog = Catalog::builtin();
    let names = catalog.sets().flat_map(|set| &set.items).map(|item| item.name.as_str());
    let names = names.filter(|name| OTHERWISE.iter().all(|(other, _)| other != name));
    let all: BTreeMap<String, String> = names.map(|name| (name.to_owned(), name.to_owned())).collect();
    let Some(values) = values("constants", &all) else { return };
    let unknown: Vec<&String> = all.keys().filter(|name| !values.contains_key(*name)).collect();
    let mut wrong = Vec::new();
    for (name, value) in &values {
        let ours = catalog.constant(name).unwrap();
        // A flag in bit 31 is negative in C when the header writes it as an int.
        let same =
            ours == value.cast_unsigned() || (ours >> 32 == 0 && ours == value.cast_unsigned() & 0xffff_ffff);
        if !same {
            wrong.push(format!("{name} is {value:#x} in the headers, {ours:#x} here"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} constants agree; unknown to these headers: {unknown:?}", values.len());
}

/// Objects that are described without a layout of the kernel: their sizes and the places of their members.
#[test]
fn described_objects_are_laid_out_as_the_headers_say() {
    let catalog = Catalog::builtin();
    let lines = schema::parse(&catalog.print(), "builtin").unwrap();
    let (mut all, mut ours) = (BTreeMap::new(), BTreeMap::new());
    for line in &lines {
        let Line::Struct(line) = line else { continue };
        let name = &line.name;
        let Some(object) = catalog.structure(Abi::X86_64, name).filter(|_| catalog.layout(name).is_none())
        else {
            continue;
        };
        all.insert(name.clone(), format!("sizeof(struct {name})"));
        ours.insert(name.clone(), i64::from(object.size));
        // Later kernels give new names to what was reserved.
        let reserved =
            |name: &str| ["pad", "resv", "__", "reserved"].iter().any(|start| name.starts_with(start));
        for member in object.members.iter().filter(|member| !reserved(&member.name)) {
            let place = format!("{name}.{}", member.name);
            all.insert(place.clone(), format!("offsetof(struct {name}, {})", member.name));
            ours.insert(place, i64::from(member.offset));
        }
    }
    let Some(theirs) = values("objects", &all) else { return };
    let wrong: Vec<String> = theirs
        .iter()
        .filter(|(name, value)| ours.get(*name) != Some(*value))
        .map(|(name, value)| format!("{name} is {value} in the headers, {} here", ours[name]))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unknown: Vec<&String> = all.keys().filter(|name| !theirs.contains_key(*name)).collect();
    println!("{} sizes and places agree; unknown to these headers: {unknown:?}", theirs.len());
}
