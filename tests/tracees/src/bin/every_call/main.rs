//! `every_call`: nearly every system call of x86-64, with typical arguments, with bent pointers and with nonsense.
//!
//! Needs root. Works in namespaces of its own (mounts, network, IPC, host name) and in the current directory, which should
//! be a fresh one: it leaves files there. Each group of calls runs in a child of its own with an alarm, so that one
//! that hangs or dies takes no other along. `every_call GROUP...` runs only those groups. Each begins by
//! printing `group NAME`, so that a trace tells which one a process belongs to. The last line is `calls N of them successful M`:
//! different calls, and those that succeeded at least once.
//!
//! Calls that would change the machine (its clock, its swap, its kernel) are made with arguments that the kernel refuses.

mod arguments;
mod attributes;
mod files;
mod interruptions;
mod ioctls;
mod ipc;
mod memory;
mod network;
mod processes;
mod signals;
mod sweep;
mod system;
mod time;

use std::sync::atomic::Ordering;

/// Name and calls of each group.
const GROUPS: &[(&str, fn())] = &[
    ("open", files::open),
    ("data", files::data),
    ("names", files::names),
    ("events", files::events),
    ("commands", files::commands),
    ("terminal", ioctls::terminal),
    ("interfaces", ioctls::interfaces),
    ("drivers", ioctls::drivers),
    ("attributes", attributes::attributes),
    ("xattr", attributes::extended),
    ("mounts", attributes::mounts),
    ("memory", memory::mappings),
    ("policy", memory::policy),
    ("births", processes::births),
    ("identity", processes::identity),
    ("scheduling", processes::scheduling),
    ("limits", processes::limits),
    ("control", processes::control),
    ("filters", processes::filters),
    ("signals", signals::signals),
    ("waits", signals::waits),
    ("handlers", interruptions::handlers),
    ("stops", interruptions::stops),
    ("threads", interruptions::threads),
    ("time", time::clocks),
    ("timers", time::timers),
    ("sockets", network::sockets),
    ("messages", network::messages),
    ("options", network::options),
    ("datagrams", network::datagrams),
    ("routing", network::routing),
    ("ipc", ipc::system_v),
    ("queues", ipc::queues),
    ("keys", ipc::keys),
    ("poll", system::poll),
    ("rings", system::rings),
    ("machine", system::machine),
    ("refused", system::refused),
    ("sweep", sweep::sweep),
];

/// Seconds after which a group is killed.
const TIME: u32 = 20;

/// Runs `work` in a child, waits for its end and gives its status as `wait(2)` does: 0 when all of `work` was done.
pub(crate) fn in_child(work: impl FnOnce()) -> i32 {
    // SAFETY: this program has one thread, so the child may do anything.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork");
    if pid == 0 {
        // SAFETY: no memory is involved.
        unsafe { libc::alarm(5) };
        work();
        // SAFETY: ends the child without what the parent wants to do at its end.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: `status` is an int.
    while unsafe { libc::waitpid(pid, &raw mut status, 0) } == -1 {}
    status
}

/// Namespaces that keep what happens here from the machine.
fn leave_the_machine() {
    let spaces = libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
    // SAFETY: no memory is involved.
    let ret = unsafe { libc::unshare(spaces) };
    assert_eq!(ret, 0, "unshare: needs root");
    let (none, root) = (c"none".as_ptr(), c"/".as_ptr());
    // SAFETY: both strings are static.
    let ret = unsafe {
        libc::mount(none, root, std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE, std::ptr::null())
    };
    assert_eq!(ret, 0, "mounts of our own");
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    // Before the first fork: the children share it.
    arguments::made();
    leave_the_machine();
    for (name, group) in
        GROUPS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name))
    {
        let status = in_child(|| {
            println!("group {name}");
            // SAFETY: no memory is involved.
            unsafe { libc::alarm(TIME) };
            group();
        });
        assert_eq!(status, 0, "group {name} was cut short");
    }
    let numbers = |least| arguments::made().iter().filter(|how| how.load(Ordering::Relaxed) >= least).count();
    println!("calls {} of them successful {}", numbers(arguments::FAILED), numbers(arguments::SUCCEEDED));
}
