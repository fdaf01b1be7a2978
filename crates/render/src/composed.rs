//! Numbers that macros of the kernel's headers put together from parts.

use schema::Catalog;

use crate::token::{Line, List};
use crate::{flags, signal};

/// Shows a number by its parts. False when `ty` is no such type, or when the number has a name of its own.
pub(crate) fn show(line: &mut Line, catalog: &Catalog, ty: &str, value: u64) -> bool {
    match ty {
        "ioctl_cmd" => return command(line, catalog, value),
        "qcmd" => {
            let parts = [("quota_cmd", value >> 8), ("quota_type", value & 0xff)];
            composed(line, catalog, "QCMD", parts);
        }
        "ioprio" => {
            let parts = [("ioprio_class", value >> 13 & 0x7_ffff), ("", value & 0x1fff)];
            composed(line, catalog, "IOPRIO_PRIO_VALUE", parts);
        }
        "futex_wake_op" => futex_wake_op(line, catalog, value),
        // A user or group of 16 bits; the last stands for "leave as it is".
        "id16" if value == 0xffff => line.signed(-1),
        // A position in pages of 4096 bytes, shown in bytes.
        "pgoff" => line.hex(value << 12),
        "old_sigset" => signal::set(line, value),
        "neg_errno" => return negative_errno(line, catalog, value),
        _ => return false,
    }
    true
}

/// Shows the number of an `ioctl` that has no name, or a name for all its lengths: `EVIOCGNAME(256)`, `EVIOCGBIT(1, 96)`.
fn command(line: &mut Line, catalog: &Catalog, value: u64) -> bool {
    let Some(decoded) = catalog.set("ioctl_cmd").map(|set| set.decode(value, 32)) else { return false };
    match decoded.names.as_slice() {
        [] => ioctl_command(line, value),
        [name] if decoded.rest != 0 => {
            line.word(name);
            line.open(List::Arguments);
            for part in [decoded.rest & 0xff, decoded.rest >> 16 & 0x3fff] {
                if part != 0 {
                    line.next();
                    line.unsigned(part);
                }
            }
            line.close();
        }
        _ => return false,
    }
    true
}

/// `FUTEX_OP_ADD<<28|0x1<<12|FUTEX_OP_CMP_GT<<24|0x4`: what `FUTEX_WAKE_OP` does with the second word, and what it compares it with
/// (`linux/futex.h`).
fn futex_wake_op(line: &mut Line, catalog: &Catalog, value: u64) {
    /// The bit of the operation that makes its argument the number of a bit.
    const SHIFT: u64 = 8;
    let name = |line: &mut Line, set: &str, value: u64| match catalog.set(set) {
        Some(set) => flags::one_of(line, set, value, 32),
        None => line.hex(value),
    };
    let operation = value >> 28 & 0xf;
    line.flags();
    if operation & SHIFT != 0 {
        line.flag();
        line.word("FUTEX_OP_OPARG_SHIFT<<28");
    }
    line.flag();
    name(line, "futex_wake_set", operation & !SHIFT);
    line.word("<<28");
    line.flag();
    line.hex(value >> 12 & 0xfff);
    line.word("<<12");
    line.flag();
    name(line, "futex_wake_cmp", value >> 24 & 0xf);
    line.word("<<24");
    line.flag();
    line.hex(value & 0xfff);
}

/// `QCMD(Q_GETQUOTA, USRQUOTA)` (`linux/quota.h`), `IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4)` (`linux/ioprio.h`): each part by its
/// set, in decimal where that is none.
fn composed(line: &mut Line, catalog: &Catalog, name: &str, parts: [(&str, u64); 2]) {
    line.word(name);
    line.open(List::Arguments);
    for (set, part) in parts {
        line.next();
        match catalog.set(set) {
            Some(set) => flags::one_of(line, set, part, 32),
            None => line.unsigned(part),
        }
    }
    line.close();
}

/// `-ENOENT`: how `move_pages(2)` says why a page was not moved. False for what is no error.
fn negative_errno(line: &mut Line, catalog: &Catalog, value: u64) -> bool {
    let error = (value as i32).wrapping_neg();
    let named = catalog.set("errno").filter(|_| error > 0).map(|set| set.decode(error as u64, 32));
    match named.as_ref().map(|decoded| decoded.names.as_slice()) {
        Some(&[name]) => {
            line.word("-");
            line.word(name);
            true
        }
        _ => false,
    }
}

/// Shows the number of an `ioctl` by its parts (`asm-generic/ioctl.h`): direction, type, number, size.
fn ioctl_command(line: &mut Line, command: u64) {
    line.word("_IOC");
    line.open(List::Arguments);
    line.next();
    line.flags();
    for (bit, name) in [(2, "_IOC_READ"), (1, "_IOC_WRITE")] {
        if command >> 30 & bit != 0 {
            line.flag();
            line.word(name);
        }
    }
    if command >> 30 & 3 == 0 {
        line.word("_IOC_NONE");
    }
    for part in [command >> 8 & 0xff, command & 0xff, command >> 16 & 0x3fff] {
        line.next();
        line.hex(part);
    }
    line.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ty: &str, value: u64) -> Option<String> {
        let mut line = Line::new();
        show(&mut line, Catalog::builtin(), ty, value).then(|| line.as_str().to_owned())
    }

    #[test]
    fn what_a_futex_wakes_on_is_made_of_four_parts() {
        let mut line = Line::new();
        assert!(show(&mut line, Catalog::builtin(), "futex_wake_op", 0x1003_2004));
        assert_eq!(line.as_str(), "FUTEX_OP_ADD<<28|0x32<<12|FUTEX_OP_CMP_EQ<<24|0x4");
    }

    #[test]
    fn a_command_may_hold_a_length() {
        let shown = |value| {
            let mut line = Line::new();
            show(&mut line, Catalog::builtin(), "ioctl_cmd", value).then(|| line.as_str().to_owned())
        };
        assert_eq!(shown(0x8100_4506).as_deref(), Some("EVIOCGNAME(256)"));
        assert_eq!(shown(0x8060_4521).as_deref(), Some("EVIOCGBIT(1, 96)"));
        // Names of one number are shown as those of other sets.
        assert_eq!(shown(0x8008_4502), None);
    }

    #[test]
    fn commands_and_priorities_are_shown_as_their_macros_make_them() {
        assert_eq!(text("qcmd", 0x8000_0700).unwrap(), "QCMD(Q_GETQUOTA, USRQUOTA)");
        assert_eq!(text("ioprio", 2 << 13 | 4).unwrap(), "IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4)");
        assert_eq!(text("ioctl_cmd", 0x4321_5678).unwrap(), "_IOC(_IOC_WRITE, 0x56, 0x78, 0x321)");
        assert_eq!(text("ioctl_cmd", 0x5413), None);
    }

    #[test]
    fn numbers_of_the_older_calls_are_as_wide_as_the_kernel_reads_them() {
        assert_eq!(text("id16", 0xffff).unwrap(), "-1");
        assert_eq!(text("id16", 1000), None);
        assert_eq!(text("pgoff", 3).unwrap(), "0x3000");
        assert_eq!(text("old_sigset", 1 << 9).unwrap(), "[USR1]");
    }

    #[test]
    fn an_error_that_memory_holds_has_a_minus_sign() {
        assert_eq!(text("neg_errno", -2_i32 as u32 as u64).unwrap(), "-ENOENT");
        assert_eq!(text("neg_errno", 0), None);
        assert_eq!(text("neg_errno", -9999_i32 as u32 as u64), None);
    }
}
