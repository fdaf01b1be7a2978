//! Tables that a user brings along: names change in text, also in that of an old trace; a faulty table changes nothing.

use std::fs;

use e2e::run::{self, Scratch, syscribe, tracee};

const RENAMED: &str = "enum whence : u32 = FROM_START 0, FROM_HERE 1, FROM_END 2\n";

#[test]
fn a_newer_table_renames_flags_in_the_text_of_an_old_trace() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("newer-table");
    let (trace, table) = (scratch.join("trace"), scratch.join("mine.tt"));
    run::run(syscribe(["record", "-o"]).arg(&trace).arg(tracee("opens")).arg("3")).ok();
    fs::write(&table, "flags open_flags : u32 = READ_ONLY 0/3, O_CLOEXEC 0o2000000\n").unwrap();
    let old = run::run(syscribe(["show", "-e", "trace=openat"]).arg(&trace)).ok().out();
    let new =
        run::run(syscribe(["show", "-e", "trace=openat", "--table"]).arg(&table).arg(&trace)).ok().out();
    assert!(old.contains("O_RDONLY") && !old.contains("READ_ONLY"), "{}", run::tail(&old));
    assert!(new.contains("READ_ONLY") && !new.contains("O_RDONLY"), "{}", run::tail(&new));
}

#[test]
fn a_table_in_the_users_directory_is_used_and_travels_in_the_trace() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("users-table");
    let (trace, tables) = (scratch.join("trace"), scratch.join("config/syscribe/types.d"));
    fs::create_dir_all(&tables).unwrap();
    fs::write(tables.join("mine.tt"), RENAMED).unwrap();
    let config = scratch.join("config");
    let mut record = syscribe(["record", "-o"]);
    run::run(record.arg(&trace).arg(tracee("opens")).arg("3").env("XDG_CONFIG_HOME", &config)).ok();
    let listed = run::run(syscribe(["list", "types", "whence", "--from"]).arg(&trace)).ok().out();
    assert!(listed.contains("FROM_HERE 1"), "{listed}");
}

#[test]
fn a_faulty_table_is_refused_whole_with_its_place() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("faulty-table");
    let table = scratch.join("faulty.tt");
    fs::write(&table, format!("{RENAMED}close(fd fd\n")).unwrap();
    let ran = run::run(syscribe(["list", "types", "whence", "--table"]).arg(&table));
    assert_eq!(ran.code(), 1);
    assert!(ran.out().is_empty(), "{}", ran.out());
    assert!(ran.err().contains("faulty.tt:2:12: expected"), "{}", ran.err());
}

/// A driver that no table knows, played by files that refuse its commands, and a terminal's answer described anew.
const DRIVER: &str = "\
enum ioctl_cmd += MYDRV_FROB 0xc0104d01
struct frob { u32 level; u32 mode as hex; u64 cookie; }
struct screen { u16 rows; u16 columns; }
ioctl.MYDRV_FROB(inout frob arg) on \"/dev/nul*\"
ioctl.MYDRV_FROB(in u32 arg) on \"/dev/zero\"
ioctl.TIOCGWINSZ(out screen arg)
";

const USER: &str = "
import fcntl, os, struct, termios
for name in '/dev/null', '/dev/zero':
    with open(name) as device:
        try: fcntl.ioctl(device, 0xc0104d01, struct.pack('IIQ', 3, 5, 7))
        except OSError: pass
master, slave = os.openpty()
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
fcntl.ioctl(slave, termios.TIOCGWINSZ, bytes(8))
";

#[test]
fn a_described_driver_is_captured_and_decoded_like_a_built_in_one() {
    let _alone = run::alone();
    run::needs_root();
    let scratch = Scratch::new("driver");
    let table = scratch.join("mydrv.tt");
    fs::write(&table, DRIVER).unwrap();
    let mut command = syscribe(["-e", "trace=ioctl,openat", "--table"]);
    let text = run::run(command.arg(&table).args(["/usr/bin/python3", "-S", "-c", USER])).ok().err();
    for line in [
        ", MYDRV_FROB, {level=3, mode=0x5, cookie=7}) = -1 ENOTTY",
        ", MYDRV_FROB, [3])",
        ", TIOCGWINSZ, {rows=24, columns=80}) = 0",
    ] {
        assert!(text.contains(line), "{line}\n{}", run::tail(&text));
    }
}
