//! `compat_calls`: calls of the i386 table, with objects as 32-bit programs have them, with bent pointers and with nonsense.
//!
//! Needs root. Works in namespaces of its own and in the current directory, which should be a fresh one. Each group runs in a
//! child of its own. Ends with status 77 where the kernel has no 32-bit calls.

mod groups;
mod low;

/// Seconds after which a group is killed.
const TIME: u32 = 20;

/// Runs `work` in a child, waits for its end and gives its status as `wait(2)` does.
pub(crate) fn in_child(seconds: u32, work: impl FnOnce()) -> i32 {
    // SAFETY: this program has one thread, so the child may do anything.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork");
    if pid == 0 {
        // SAFETY: no memory is involved.
        unsafe { libc::alarm(seconds) };
        work();
        // SAFETY: ends the child without what the parent wants to do at its end.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: `status` is an int.
    while unsafe { libc::waitpid(pid, &raw mut status, 0) } == -1 {}
    status
}

extern "C" fn no_compat(_signal: libc::c_int) {
    // SAFETY: _exit may be called from a signal handler.
    unsafe { libc::_exit(77) }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
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
    // SAFETY: the handler only calls _exit.
    unsafe { libc::signal(libc::SIGSEGV, no_compat as *const () as libc::sighandler_t) };
    // 20 is getpid.
    low::make(20, &[]);
    // SAFETY: the default.
    unsafe { libc::signal(libc::SIGSEGV, libc::SIG_DFL) };
    for (name, group) in groups::GROUPS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            let status = in_child(TIME, || {
                println!("group {name}");
                group();
            });
            assert_eq!(status, 0, "group {name} was cut short");
        }
    }
}
