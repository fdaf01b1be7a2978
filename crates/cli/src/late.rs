//! Programs that can wait until the targets run.
//!
//! A traced program starts when the probes are there, and loading them is most of that time: the kernel checks each. So programs
//! of calls that hardly any program makes in its first tenth of a second are loaded while it runs already. Until its program is
//! there, such a call is recorded by number, registers and result; what its pointers lead to is missing.

use probe::dispatch;
use schema::layout::{Copy, Layout, Length, Registers};

use crate::text::event_call;

/// With fewer programs than this there is nothing to gain.
const FEW: usize = 150;

/// Calls of administration, of debuggers, of the oldest and of the newest interfaces; sorted.
const RARE: [&str; 187] = [
    "_sysctl",
    "acct",
    "add_key",
    "adjtimex",
    "afs_syscall",
    "bpf",
    "cachestat",
    "capget",
    "capset",
    "chroot",
    "clock_adjtime",
    "clock_settime",
    "create_module",
    "delete_module",
    "epoll_ctl_old",
    "epoll_pwait2",
    "epoll_wait_old",
    "fallocate",
    "fanotify_init",
    "fanotify_mark",
    "fchownat",
    "fgetxattr",
    "file_getattr",
    "file_setattr",
    "finit_module",
    "fremovexattr",
    "fsconfig",
    "fsetxattr",
    "fsmount",
    "fsopen",
    "fspick",
    "futex_requeue",
    "futex_wait",
    "futex_waitv",
    "futex_wake",
    "futimesat",
    "get_kernel_syms",
    "get_mempolicy",
    "get_robust_list",
    "get_thread_area",
    "getitimer",
    "getpmsg",
    "getxattrat",
    "init_module",
    "io_cancel",
    "io_destroy",
    "io_getevents",
    "io_pgetevents",
    "io_setup",
    "io_submit",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "landlock_add_rule",
    "landlock_create_ruleset",
    "landlock_restrict_self",
    "listmount",
    "listns",
    "listxattrat",
    "lookup_dcookie",
    "lremovexattr",
    "lsm_get_self_attr",
    "lsm_list_modules",
    "lsm_set_self_attr",
    "map_shadow_stack",
    "mbind",
    "memfd_secret",
    "migrate_pages",
    "mincore",
    "mknod",
    "mknodat",
    "modify_ldt",
    "mount",
    "mount_setattr",
    "move_mount",
    "move_pages",
    "mq_getsetattr",
    "mq_notify",
    "mq_open",
    "mq_timedreceive",
    "mq_timedsend",
    "mq_unlink",
    "mseal",
    "msgctl",
    "msgget",
    "msgrcv",
    "msgsnd",
    "name_to_handle_at",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "open_tree_attr",
    "openat2",
    "perf_event_open",
    "personality",
    "pidfd_getfd",
    "pidfd_send_signal",
    "pivot_root",
    "pkey_alloc",
    "pkey_free",
    "pkey_mprotect",
    "preadv",
    "preadv2",
    "process_madvise",
    "process_mrelease",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "putpmsg",
    "pwritev",
    "pwritev2",
    "query_module",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "recvmmsg",
    "remap_file_pages",
    "removexattr",
    "removexattrat",
    "renameat",
    "request_key",
    "rt_sigqueueinfo",
    "rt_sigtimedwait",
    "rt_tgsigqueueinfo",
    "sched_getattr",
    "sched_getparam",
    "sched_rr_get_interval",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "security",
    "semctl",
    "semget",
    "semop",
    "semtimedop",
    "sendmmsg",
    "set_mempolicy",
    "set_mempolicy_home_node",
    "set_thread_area",
    "setdomainname",
    "setgroups",
    "sethostname",
    "setitimer",
    "setns",
    "setrlimit",
    "settimeofday",
    "setxattrat",
    "shmat",
    "shmctl",
    "shmdt",
    "shmget",
    "signalfd",
    "signalfd4",
    "statmount",
    "swapoff",
    "swapon",
    "symlinkat",
    "sysfs",
    "sysinfo",
    "syslog",
    "tee",
    "timer_create",
    "timer_delete",
    "timer_getoverrun",
    "timer_gettime",
    "timer_settime",
    "timerfd_gettime",
    "timerfd_settime",
    "times",
    "tuxcall",
    "umount2",
    "uprobe",
    "uretprobe",
    "uselib",
    "userfaultfd",
    "ustat",
    "utime",
    "utimes",
    "vhangup",
    "vmsplice",
    "vserver",
];

/// Layouts to load before the targets run, and those to load then, in order: rare ones, then those of 32-bit calls unless such
/// are to be expected (`compat`).
pub fn split(mut calls: Vec<Layout>, compat: bool) -> (Vec<Layout>, Vec<Layout>) {
    let native = calls.partition_point(|layout| layout.shape.registers == Registers::X86_64);
    let mut later = if compat { Vec::new() } else { calls.split_off(native) };
    let few = calls.len() < FEW;
    let (rare, calls): (Vec<_>, Vec<_>) =
        calls.into_iter().partition(|layout| is_rare(layout) || !few && is_of_rare_call(layout));
    later.splice(..0, rare);
    (calls, later)
}

fn is_of_rare_call(layout: &Layout) -> bool {
    event_call(&layout.event.name).is_some_and(|call| RARE.binary_search(&call).is_ok())
}

/// True for programs that can wait. Of exits that read again, those of objects: until their programs are there, the plain exit is
/// recorded; an object that cannot be read at entry is rare, unlike a string. And the calls whose programs the kernel checks
/// longest: `execveat`'s second reading, and rows of messages, which are recorded by their registers until then.
fn is_rare(layout: &Layout) -> bool {
    let reread = dispatch::is_reread(layout.event.id);
    let objects = |copy: &Copy| {
        matches!(
            copy,
            Copy::Object { .. }
                | Copy::Chosen(_)
                | Copy::Bytes { length: Length::Objects { .. } | Length::Behind(_), .. }
        )
    };
    let pointees = &layout.shape.pointees;
    let rare_call = reread && layout.event.name == "syscall_exit_execveat";
    let rows_of_parts = pointees.iter().any(|pointee| pointee.guard.is_some());
    rare_call || rows_of_parts || reread && pointees.iter().any(|pointee| objects(&pointee.copy))
}

#[cfg(test)]
mod tests {
    use schema::Catalog;
    use schema::lower::{Plan, lower};

    use super::*;

    fn names(layouts: &[Layout]) -> Vec<&str> {
        layouts.iter().map(|layout| layout.event.name.as_str()).collect()
    }

    #[test]
    fn the_list_is_sorted_and_has_calls_only() {
        assert!(RARE.is_sorted());
        for name in RARE {
            assert!(Catalog::builtin().number(schema::Abi::X86_64, name).is_some(), "{name}");
        }
    }

    #[test]
    fn rare_calls_wait_when_there_are_many_others() {
        let all = lower(Catalog::builtin(), &Plan::default(), |_, _| true);
        let (now, later) = split(all.clone(), false);
        assert!(
            names(&now).contains(&"syscall_entry_openat") && names(&later).contains(&"syscall_entry_swapon")
        );
        assert!(names(&later).contains(&"compat_syscall_entry_openat"));
        assert!(now.len() * 3 < all.len(), "{} of {} at once", now.len(), all.len());
        let one = lower(Catalog::builtin(), &Plan::default(), |_, name| name == "swapon");
        assert!(names(&split(one, false).0).contains(&"syscall_entry_swapon"), "it is all there is");
    }
}
