//! Every number of the table with arguments that make no sense to it: each number in a process of its own.

use crate::arguments::{self, Argument, Word};

/// The numbers of the newest table known here are below this.
const END: i64 = 472;

/// Calls that must not be made with nonsense: they never come back, or do more than fail.
const NOT: [i64; 19] = [
    libc::SYS_rt_sigreturn,
    libc::SYS_pause,
    libc::SYS_clone,
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_select,
    libc::SYS_pselect6,
    libc::SYS_ppoll,
    libc::SYS_vhangup,
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
];

/// Is this number one that [`sweep`] makes? 335 and 336 are the kernel's own way back from probes.
fn is_swept(number: i64) -> bool {
    !NOT.contains(&number) && !matches!(number, 335 | 336)
}

/// All numbers, each in a child.
pub(crate) fn sweep() {
    for number in (0..END).filter(|number| is_swept(*number)) {
        // How such a child ends does not matter: some calls may kill it.
        let _ = crate::in_child(|| nonsense(number));
    }
}

/// One number with: all -1, all an address in the hole, all 8 bytes before it, large numbers, a bit that nobody has.
fn nonsense(number: i64) {
    let edge = arguments::hole() - 8;
    let name = u64::from_ne_bytes(*b"quux\0\0\0\0");
    // SAFETY: the 8 bytes before the hole are ours, and the hole begins a page.
    unsafe { (edge as *mut u64).write(name) };
    // IPC_CREAT is among the bits of each value: without a name before them, strace glues the permissions of msgget and its
    // kin to the digits of what it does not know.
    let inside = arguments::hole() + 0x3a4;
    for value in [u64::MAX, inside, edge, 0x7fff_ffff, 1 << 30 | 0x604] {
        let words = [Argument::word(value); 6];
        arguments::make(number, &words);
    }
    // Zero means "myself", "now" or "nothing" in most calls. Not in these: the descriptor 0 is needed, and often it is /dev/null,
    // which others need too (fchmod); seccomp(0) leaves the process no way to end by itself.
    if ![libc::SYS_close, libc::SYS_fchmod, libc::SYS_seccomp].contains(&number) {
        let words: [Word; 6] = [Argument::word(0_u64); 6];
        arguments::make(number, &words);
    }
}
