//! Signals: names, sets of them, and what comes with one.

use calls::Signal;
use schema::ast::{Expr, Ty};
use schema::{Abi, Catalog};

use crate::object::{Object, Objects, Parts, Structures};
use crate::token::{Line, List};

/// Signals 1 to 31 (`asm/signal.h`), without `SIG`.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Name of a signal without `SIG`: `INT`, `RTMIN`, `RT_1`.
fn short(sig: u32) -> Option<String> {
    match sig {
        32 => Some("RTMIN".to_owned()),
        33..=64 => Some(format!("RT_{}", sig - 32)),
        _ => NAMES.get(sig.checked_sub(1)? as usize).map(|name| (*name).to_owned()),
    }
}

/// Name of a signal as strace writes it: `SIGINT`, `SIGRTMIN`, `SIGRT_1`; `None` when there is no such signal.
pub fn name(sig: i32) -> Option<String> {
    Some(format!("SIG{}", short(u32::try_from(sig).ok()?)?))
}

/// Shows the number of a signal.
pub(crate) fn number(line: &mut Line, sig: i32) {
    match name(sig) {
        Some(name) => line.word(&name),
        None => line.signed(sig.into()),
    }
}

/// Shows a set of signals: `[INT CHLD]`, or `~[INT]` when most are in it.
pub(crate) fn set(line: &mut Line, mask: u64) {
    // As strace: the complement when it is shorter to say.
    let inverted = mask.count_ones() >= 64 * 2 / 3;
    let shown = if inverted { !mask } else { mask };
    if inverted {
        line.word("~");
    }
    line.open(List::Elements);
    for sig in 1..=64_u32 {
        if shown >> (sig - 1) & 1 == 1
            && let Some(name) = short(sig)
        {
            line.next_in_set();
            line.word(&name);
        }
    }
    line.close();
}

/// Shows `{si_signo=..., ...}`: the `siginfo` of the table, as the kernel has it for calls of both conventions.
pub(crate) fn info(line: &mut Line, signal: &Signal, catalog: &Catalog, structures: &Structures) {
    // The table of an older trace may not describe it.
    let fallback = Structures::default();
    let (catalog, structures) = match catalog.overlay("siginfo") {
        Some(_) => (catalog, structures),
        None => (Catalog::builtin(), &fallback),
    };
    let constant = |expr: &Expr| match expr {
        Expr::Name(name) => catalog.constant(name).map(|value| i128::from(value as i64)),
        _ => None,
    };
    let objects = Objects {
        catalog,
        structures,
        abi: Abi::X86_64,
        limit: 0,
        verbose: false,
        outer: &constant,
        parts: Parts::default(),
        unnamed: false,
        total: None,
        netlink: None,
    };
    let head = [signal.sig, signal.errno, signal.code, 0].map(i32::to_le_bytes);
    let mut bytes = head.concat();
    bytes.extend(signal.info.iter().flat_map(|word| word.to_le_bytes()));
    objects.show(line, &Ty::named("siginfo"), Object { bytes: &bytes, ..Object::default() });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(sig: i32, code: i32, info: [u64; 4]) -> String {
        let mut line = Line::new();
        let signal = Signal { time: 0, cpu: 0, tid: 1, pid: None, comm: None, sig, errno: 0, code, info };
        super::info(&mut line, &signal, Catalog::builtin(), &Structures::default());
        line.as_str().to_owned()
    }

    /// Pid 10136, uid 0, as they stand in the first word.
    const SENDER: u64 = 10136;

    #[test]
    fn each_kind_of_sender_shows_its_own_members() {
        assert_eq!(
            show(10, -6, [SENDER, 0, 0, 0]),
            "{si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=10136, si_uid=0}"
        );
        assert_eq!(
            show(10, -1, [SENDER | 5 << 32, 42, 0, 0]),
            "{si_signo=SIGUSR1, si_code=SI_QUEUE, si_pid=10136, si_uid=5, si_int=42, si_ptr=0x2a}"
        );
        assert_eq!(show(14, 0x80, [0; 4]), "{si_signo=SIGALRM, si_code=SI_KERNEL}");
        assert_eq!(
            show(10, -2, [0, 7, 0, 0]),
            "{si_signo=SIGUSR1, si_code=SI_TIMER, si_timerid=0, si_overrun=0, si_int=7, si_ptr=0x7}"
        );
        assert_eq!(show(11, 1, [0; 4]), "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL}");
        assert_eq!(show(29, 1, [0x41, 3, 0, 0]), "{si_signo=SIGIO, si_code=POLL_IN, si_band=65, si_fd=3}");
        assert_eq!(
            show(31, 1, [0x1000, 0xc000_003e_0000_0027, 0, 0]),
            "{si_signo=SIGSYS, si_code=SYS_SECCOMP, si_call_addr=0x1000, si_syscall=39, si_arch=0xc000003e}"
        );
    }

    #[test]
    fn a_child_exits_with_a_number_and_dies_of_a_signal() {
        assert_eq!(
            show(17, 1, [SENDER, 3, 4, 5]),
            "{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=10136, si_uid=0, si_status=3, si_utime=4, si_stime=5}"
        );
        assert_eq!(
            show(17, 2, [SENDER, 11, 0, 0]),
            "{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=10136, si_uid=0, si_status=SIGSEGV, si_utime=0, si_stime=0}"
        );
    }

    #[test]
    fn large_sets_are_shown_by_what_is_not_in_them() {
        let show = |mask| {
            let mut line = Line::new();
            set(&mut line, mask);
            line.as_str().to_owned()
        };
        assert_eq!(show(0), "[]");
        assert_eq!(show(1 << 16 | 1 << 33), "[CHLD RT_2]");
        assert_eq!(show(!(1 << 1 | 1 << 31 | 1 << 32)), "~[INT RTMIN RT_1]");
        assert_eq!(show(u64::MAX), "~[]");
    }

    #[test]
    fn numbers_beyond_the_names_stay_numbers() {
        assert_eq!(name(9).as_deref(), Some("SIGKILL"));
        assert_eq!(name(34).as_deref(), Some("SIGRT_2"));
        assert_eq!((name(0), name(99), name(-1)), (None, None, None));
    }
}
