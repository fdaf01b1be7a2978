//! Signals: names, sets of them, and what comes with one.

use calls::Signal;

use crate::errno;
use crate::token::{Line, List};

/// Signals 1 to 31 (`asm/signal.h`), without `SIG`.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

const SIGILL: i32 = 4;
const SIGTRAP: i32 = 5;
const SIGBUS: i32 = 7;
const SIGFPE: i32 = 8;
const SIGSEGV: i32 = 11;
const SIGCHLD: i32 = 17;
const SIGIO: i32 = 29;
const SIGSYS: i32 = 31;

/// `si_code` values that any signal can have.
const CODES: [(i32, &str); 10] = [
    (0, "SI_USER"),
    (0x80, "SI_KERNEL"),
    (-1, "SI_QUEUE"),
    (-2, "SI_TIMER"),
    (-3, "SI_MESGQ"),
    (-4, "SI_ASYNCIO"),
    (-5, "SI_SIGIO"),
    (-6, "SI_TKILL"),
    (-7, "SI_DETHREAD"),
    (-60, "SI_ASYNCNL"),
];

/// `si_code` values of one signal, from 1 on (`asm-generic/siginfo.h`).
const CODES_OF: [(i32, &[&str]); 8] = [
    (
        SIGILL,
        &[
            "ILL_ILLOPC",
            "ILL_ILLOPN",
            "ILL_ILLADR",
            "ILL_ILLTRP",
            "ILL_PRVOPC",
            "ILL_PRVREG",
            "ILL_COPROC",
            "ILL_BADSTK",
            "ILL_BADIADDR",
        ],
    ),
    (
        SIGFPE,
        &[
            "FPE_INTDIV",
            "FPE_INTOVF",
            "FPE_FLTDIV",
            "FPE_FLTOVF",
            "FPE_FLTUND",
            "FPE_FLTRES",
            "FPE_FLTINV",
            "FPE_FLTSUB",
        ],
    ),
    (SIGSEGV, &["SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR"]),
    (SIGBUS, &["BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR", "BUS_MCEERR_AR", "BUS_MCEERR_AO"]),
    (SIGTRAP, &["TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT", "TRAP_UNK", "TRAP_PERF"]),
    (SIGCHLD, &["CLD_EXITED", "CLD_KILLED", "CLD_DUMPED", "CLD_TRAPPED", "CLD_STOPPED", "CLD_CONTINUED"]),
    (SIGIO, &["POLL_IN", "POLL_OUT", "POLL_MSG", "POLL_ERR", "POLL_PRI", "POLL_HUP"]),
    (SIGSYS, &["SYS_SECCOMP", "SYS_USER_DISPATCH"]),
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

/// Shows `{si_signo=..., ...}`.
pub(crate) fn info(line: &mut Line, signal: &Signal) {
    let [si0, si1, si2, si3] = signal.info;
    let (low, high) = (|word: u64| i64::from(word as u32 as i32), |word: u64| i64::from((word >> 32) as i32));
    line.open(List::Members);
    line.member("si_signo");
    number(line, signal.sig);
    line.member("si_code");
    match code(signal.sig, signal.code) {
        Some(name) => line.word(name),
        None => line.signed(signal.code.into()),
    }
    if signal.errno != 0 {
        line.member("si_errno");
        match errno::describe(signal.errno.unsigned_abs().into()) {
            Some((name, _)) => line.word(name),
            None => line.signed(signal.errno.into()),
        }
    }
    let sender = |line: &mut Line| {
        line.member("si_pid");
        line.signed(low(si0));
        line.member("si_uid");
        line.unsigned(si0 >> 32);
    };
    let value = |line: &mut Line, value: u64| {
        line.member("si_int");
        line.signed(low(value));
        line.member("si_ptr");
        address(line, value);
    };
    match (signal.sig, signal.code) {
        (_, 0 | -6) => sender(line),
        (_, -2) => {
            line.member("si_timerid");
            line.hex(si0 & 0xffff_ffff);
            line.member("si_overrun");
            line.signed(high(si0));
            value(line, si1);
        }
        (SIGIO, code) if code > 0 && code != 0x80 || code == -5 => {
            line.member("si_band");
            line.signed(si0 as i64);
            line.member("si_fd");
            line.signed(low(si1));
        }
        (_, ..0) => {
            sender(line);
            if si1 != 0 {
                value(line, si1);
            }
        }
        (SIGCHLD, _) => {
            sender(line);
            line.member("si_status");
            let status = low(si1) as i32;
            // An exit status is a number; everything else that a child does names a signal.
            if signal.code == 1 {
                line.signed(status.into())
            } else {
                number(line, status)
            };
            line.member("si_utime");
            line.unsigned(si2);
            line.member("si_stime");
            line.unsigned(si3);
        }
        (SIGILL | SIGFPE | SIGSEGV | SIGBUS, _) | (SIGTRAP, 1..=6) => {
            line.member("si_addr");
            address(line, si0);
        }
        (SIGSYS, _) => {
            line.member("si_call_addr");
            address(line, si0);
            line.member("si_syscall");
            line.signed(low(si1));
            line.member("si_arch");
            line.hex(si1 >> 32);
        }
        _ => {
            if si0 != 0 {
                sender(line);
            }
            if si1 != 0 {
                value(line, si1);
            }
        }
    }
    line.close();
}

fn code(sig: i32, code: i32) -> Option<&'static str> {
    let own = CODES_OF.iter().find(|codes| codes.0 == sig).and_then(|codes| {
        let at = usize::try_from(code).ok()?.checked_sub(1)?;
        codes.1.get(at).copied()
    });
    own.or_else(|| CODES.iter().find(|known| known.0 == code).map(|known| known.1))
}

fn address(line: &mut Line, value: u64) {
    if value == 0 { line.word("NULL") } else { line.hex(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(sig: i32, code: i32, info: [u64; 4]) -> String {
        let mut line = Line::new();
        let signal = Signal { time: 0, cpu: 0, tid: 1, pid: None, comm: None, sig, errno: 0, code, info };
        super::info(&mut line, &signal);
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
