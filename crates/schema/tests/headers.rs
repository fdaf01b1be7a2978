//! The constants of the built-in sets against the installed C headers, through the C compiler.
//!
//! Without a compiler or without headers there is nothing to compare with, and the test says so.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::{Command, Output};

use schema::Catalog;

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

fn compile(names: &BTreeSet<&str>, directory: &std::path::Path) -> Option<Output> {
    let mut source = String::from("#define _GNU_SOURCE\n#include <stdio.h>\n");
    for header in HEADERS {
        writeln!(source, "#if __has_include(<{header}>)\n#include <{header}>\n#endif").unwrap();
    }
    for name in names {
        writeln!(source, "static const long long K_{name} = (long long)({name});").unwrap();
    }
    source.push_str("int main(void) {\n");
    for name in names {
        writeln!(source, "    printf(\"{name} %lld\\n\", K_{name});").unwrap();
    }
    source.push_str("}\n");
    std::fs::write(directory.join("constants.c"), source).unwrap();
    let mut gcc = Command::new("gcc");
    gcc.env("LC_ALL", "C").current_dir(directory).args(["-w", "-o", "constants", "constants.c"]);
    gcc.output().ok()
}

#[test]
fn constants_have_the_values_of_the_headers() {
    let directory = std::env::temp_dir().join(format!("schema-constants-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let catalog = Catalog::builtin();
    let mut names: BTreeSet<&str> =
        catalog.sets().flat_map(|set| &set.items).map(|item| item.name.as_str()).collect();
    names.retain(|name| OTHERWISE.iter().all(|(other, _)| other != name));
    // The first run finds the names that these headers do not have, the second one the values of the others.
    let Some(first) = compile(&names, &directory) else {
        println!("no gcc: nothing compared");
        return;
    };
    let errors = String::from_utf8_lossy(&first.stderr).into_owned();
    if !errors.is_empty() && !errors.contains("undeclared") {
        println!("these headers do not compile: nothing compared\n{errors}");
        return;
    }
    let undeclared =
        |line: &str| Some(line.split_once("error: '")?.1.split_once("' undeclared")?.0.to_owned());
    let unknown: BTreeSet<String> = errors.lines().filter_map(undeclared).collect();
    names.retain(|name| !unknown.contains(*name));
    let second = compile(&names, &directory).unwrap();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    let printed = Command::new(directory.join("constants")).output().unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let values: BTreeMap<&str, i64> = printed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name, value.parse().unwrap()))
        .collect();
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
