//! What a descriptor leads to, as far as the calls of a trace tell.
//!
//! Known are files that were opened while the trace ran, by the path that the caller gave, netlink sockets by their protocol, and what
//! `dup`, `fork` and `execve` make of them. A descriptor that was there before, or that was received through a socket, is not known. Two processes that share a
//! table (`CLONE_FILES`) are taken as two.

use std::sync::Arc;

use crate::call::{Call, Content, Pointee};
use crate::happening::Happening;
use foldhash::HashMap;

/// `O_CLOEXEC` of x86-64 (`asm-generic/fcntl.h`).
const O_CLOEXEC: u64 = 0o2_000_000;
/// Commands of `fcntl(2)`.
const F_DUPFD: u64 = 0;
const F_SETFD: u64 = 2;
const F_DUPFD_CLOEXEC: u64 = 1030;
/// `CLOSE_RANGE_CLOEXEC` (`linux/close_range.h`).
const CLOSE_RANGE_CLOEXEC: u64 = 4;

/// `AF_NETLINK` (`linux/socket.h`).
const AF_NETLINK: u64 = 16;
/// `SOCK_CLOEXEC` of x86-64 (`linux/net.h`).
const SOCK_CLOEXEC: u64 = 0o2_000_000;

/// The other end of a descriptor.
#[derive(Clone, Debug)]
enum End {
    File(Arc<[u8]>),
    Netlink(i32),
}

#[derive(Clone, Debug)]
struct Open {
    end: End,
    /// Closed by `execve`.
    on_exec: bool,
}

/// The descriptors of all processes of a trace.
#[derive(Clone, Debug, Default)]
pub struct Descriptors {
    /// By process, then by number.
    tables: HashMap<i32, HashMap<i32, Open>>,
}

impl Descriptors {
    /// None known.
    pub fn new() -> Self {
        Descriptors::default()
    }

    /// The path under which a descriptor of the caller's process was opened.
    pub fn path(&self, call: &Call, fd: i32) -> Option<&[u8]> {
        match &self.open(call, fd)?.end {
            End::File(path) => Some(path),
            End::Netlink(_) => None,
        }
    }

    /// The protocol of a netlink socket of the caller's process (`netlink(7)`), `NETLINK_ROUTE` and the like.
    pub fn netlink(&self, call: &Call, fd: i32) -> Option<i32> {
        match self.open(call, fd)?.end {
            End::File(_) => None,
            End::Netlink(protocol) => Some(protocol),
        }
    }

    fn open(&self, call: &Call, fd: i32) -> Option<&Open> {
        self.tables.get(&process(call))?.get(&fd)
    }

    /// Takes notice of what happened.
    pub fn learn(&mut self, happening: &Happening) {
        match happening {
            Happening::Call(call) => self.call(call),
            Happening::Fork(fork) => {
                if let (Some(parent), Some(child)) = (fork.parent_pid, fork.child_pid)
                    && parent != child
                    && let Some(table) = self.tables.get(&parent).cloned()
                {
                    self.tables.insert(child, table);
                }
            }
            Happening::Exec(exec) => {
                // An exec leaves one thread, with the number of the process.
                if let Some(table) = self.tables.get_mut(&exec.tid) {
                    table.retain(|_, open| !open.on_exec);
                }
            }
            Happening::Exit(exit) if exit.pid == Some(exit.tid) => drop(self.tables.remove(&exit.tid)),
            _ => {}
        }
    }

    fn call(&mut self, call: &Call) {
        let Some(ret) = call.ret().filter(|ret| *ret >= 0) else { return };
        let (process, raw) = (process(call), |name: &str| call.arg(name).and_then(|arg| arg.raw));
        let fd = |name: &str| raw(name).map(|raw| raw as i32);
        match &*call.name {
            "open" | "openat" | "openat2" | "creat" => match self.opened(call) {
                Some(path) => {
                    let on_exec = raw("flags").is_some_and(|flags| flags & O_CLOEXEC != 0);
                    self.put(process, ret, Open { end: End::File(path), on_exec });
                }
                None => self.forget(process, ret as i32),
            },
            "socket" if raw("family") == Some(AF_NETLINK) => {
                let on_exec = raw("type").is_some_and(|kind| kind & SOCK_CLOEXEC != 0);
                let protocol = fd("protocol").unwrap_or(0);
                self.put(process, ret, Open { end: End::Netlink(protocol), on_exec });
            }
            "close" => fd("fd").into_iter().for_each(|fd| self.forget(process, fd)),
            "dup" => self.copy(process, fd("fildes"), ret, false),
            "dup2" => self.copy(process, fd("oldfd"), ret, false),
            "dup3" => {
                self.copy(
                    process,
                    fd("oldfd"),
                    ret,
                    raw("flags").is_some_and(|flags| flags & O_CLOEXEC != 0),
                );
            }
            "fcntl" | "fcntl64" => match raw("cmd") {
                Some(F_DUPFD) => self.copy(process, fd("fd"), ret, false),
                Some(F_DUPFD_CLOEXEC) => self.copy(process, fd("fd"), ret, true),
                Some(F_SETFD) => {
                    let open = fd("fd").and_then(|fd| self.tables.get_mut(&process)?.get_mut(&fd));
                    if let (Some(open), Some(flags)) = (open, raw("arg")) {
                        open.on_exec = flags & 1 != 0;
                    }
                }
                _ => {}
            },
            "close_range" => self.close_range(process, raw("fd"), raw("max_fd"), raw("flags")),
            // Whatever else makes a descriptor makes one that is no file of that path.
            _ if returns_descriptor(call) => self.forget(process, ret as i32),
            _ => {}
        }
    }

    /// The path that a call opened: relative ones from the directory that it names, if that is known.
    fn opened(&self, call: &Call) -> Option<Arc<[u8]>> {
        let name = call.arg("filename").or_else(|| call.arg("pathname"))?;
        let Some(Pointee { content: Content::Text(path), .. }) = &name.before else { return None };
        let directory = call.arg("dfd").and_then(|dfd| self.path(call, dfd.raw? as i32));
        Some(match directory {
            Some(directory) if !path.starts_with(b"/") => [directory, b"/", path].concat().into(),
            _ => path.as_slice().into(),
        })
    }

    fn put(&mut self, process: i32, fd: i64, open: Open) {
        if let Ok(fd) = i32::try_from(fd) {
            self.tables.entry(process).or_default().insert(fd, open);
        }
    }

    fn forget(&mut self, process: i32, fd: i32) {
        if let Some(table) = self.tables.get_mut(&process) {
            table.remove(&fd);
        }
    }

    fn copy(&mut self, process: i32, from: Option<i32>, to: i64, on_exec: bool) {
        let open = from.and_then(|from| self.tables.get(&process)?.get(&from)).cloned();
        match open {
            // `dup2` of a descriptor to itself changes nothing.
            Some(open) if from.map(i64::from) != Some(to) => self.put(process, to, Open { on_exec, ..open }),
            Some(_) => {}
            None => self.forget(process, to as i32),
        }
    }

    fn close_range(&mut self, process: i32, first: Option<u64>, last: Option<u64>, flags: Option<u64>) {
        let (Some(first), Some(last), Some(table)) = (first, last, self.tables.get_mut(&process)) else {
            return;
        };
        let inside = |fd: &i32| (first..=last).contains(&(*fd as u32).into());
        if flags.is_some_and(|flags| flags & CLOSE_RANGE_CLOEXEC != 0) {
            table.iter_mut().filter(|(fd, _)| inside(fd)).for_each(|(_, open)| open.on_exec = true);
        } else {
            table.retain(|fd, _| !inside(fd));
        }
    }
}

/// The process of a call; its thread where that is all that is known.
fn process(call: &Call) -> i32 {
    call.pid.unwrap_or(call.tid)
}

fn returns_descriptor(call: &Call) -> bool {
    let returns = call.syscall.as_ref().and_then(|syscall| syscall.returns.as_ref());
    returns.is_some_and(|returns| returns.ty.name == "fd")
}

#[cfg(test)]
mod tests {
    use schema::Abi;
    use schema::ast::Stored;
    use schema::layout::State;

    use super::*;
    use crate::call::{ArgValue, Outcome, Read};
    use crate::happening::{Exec, Fork, ThreadExit};

    fn call(pid: i32, name: &str, args: &[(&str, u64)], ret: i64) -> Call {
        let args = args.iter();
        let args =
            args.map(|(name, raw)| ArgValue::register((*name).into(), Some(*raw), Stored::new(4, true)));
        Call {
            thread: 1,
            tid: pid,
            pid: Some(pid),
            comm: None,
            cpu: 0,
            abi: Abi::X86_64,
            nr: None,
            name: name.into(),
            syscall: None,
            entry_time: Some(0),
            exit_time: Some(1),
            args: args.collect(),
            outcome: Outcome::Returned(ret),
            across_loss: false,
        }
    }

    fn openat(pid: i32, dfd: i32, path: &str, flags: u64, ret: i64) -> Happening {
        let args = [("dfd", dfd as u64), ("filename", 0x1000), ("flags", flags)];
        let mut call = call(pid, "openat", &args, ret);
        let content = Content::Text(path.as_bytes().to_vec());
        call.args[1].before = Some(Pointee { state: State::Ok, content, read: Read::Entry });
        Happening::Call(call)
    }

    fn known(descriptors: &Descriptors, pid: i32, fd: i32) -> Option<String> {
        let path = descriptors.path(&call(pid, "read", &[], 0), fd);
        path.map(|path| String::from_utf8_lossy(path).into_owned())
    }

    #[test]
    fn a_descriptor_leads_where_it_was_opened() {
        let mut all = Descriptors::new();
        all.learn(&openat(1, -100, "/dev/kvm", 0, 3));
        assert_eq!(known(&all, 1, 3).as_deref(), Some("/dev/kvm"));
        assert_eq!(known(&all, 2, 3), None, "of another process");
        all.learn(&openat(1, -100, "/gone", 0, -2));
        all.learn(&openat(1, 3, "sub", 0, 4));
        assert_eq!(known(&all, 1, 4).as_deref(), Some("/dev/kvm/sub"), "relative to a known directory");
        all.learn(&Happening::Call(call(1, "dup2", &[("oldfd", 3), ("newfd", 9)], 9)));
        all.learn(&Happening::Call(call(1, "close", &[("fd", 3)], 0)));
        assert_eq!((known(&all, 1, 3), known(&all, 1, 9).as_deref()), (None, Some("/dev/kvm")));
        all.learn(&Happening::Call(call(1, "close", &[("fd", 9)], -9)));
        assert!(known(&all, 1, 9).is_some(), "a close that failed closed nothing");
        all.learn(&Happening::Call(call(1, "close_range", &[("fd", 4), ("max_fd", u32::MAX.into())], 0)));
        assert_eq!((known(&all, 1, 4), known(&all, 1, 9)), (None, None));
    }

    #[test]
    fn netlink_sockets_are_known_by_protocol() {
        let mut all = Descriptors::new();
        let socket = |family, protocol, ret| {
            Happening::Call(call(
                1,
                "socket",
                &[("family", family), ("type", 3), ("protocol", protocol)],
                ret,
            ))
        };
        all.learn(&socket(16, 0, 3));
        all.learn(&socket(16, 12, 4));
        all.learn(&Happening::Call(call(1, "dup", &[("fildes", 4)], 5)));
        let asked = |all: &Descriptors, fd| all.netlink(&call(1, "read", &[], 0), fd);
        assert_eq!((asked(&all, 3), asked(&all, 4), asked(&all, 5)), (Some(0), Some(12), Some(12)));
        assert_eq!(known(&all, 1, 3), None, "a socket has no path");
        all.learn(&Happening::Call(call(1, "close", &[("fd", 3)], 0)));
        assert_eq!(asked(&all, 3), None, "gone");
    }

    #[test]
    fn a_child_has_copies_and_a_new_program_what_is_not_closed_for_it() {
        let mut all = Descriptors::new();
        all.learn(&openat(1, -100, "/kept", 0, 3));
        all.learn(&openat(1, -100, "/closed", O_CLOEXEC, 4));
        let fork = |child_tid, child_pid| Fork {
            time: 0,
            parent_tid: 1,
            parent_pid: Some(1),
            child_tid,
            child_pid: Some(child_pid),
        };
        all.learn(&Happening::Fork(fork(5, 1)));
        all.learn(&Happening::Fork(fork(7, 7)));
        all.learn(&Happening::Call(call(1, "close", &[("fd", 3)], 0)));
        assert_eq!((known(&all, 1, 3), known(&all, 7, 3).as_deref()), (None, Some("/kept")));
        let exec = Exec { time: 0, tid: 7, old_tid: 7, comm: None, filename: None, argv: None };
        all.learn(&Happening::Exec(exec));
        assert_eq!((known(&all, 7, 4), known(&all, 7, 3).as_deref()), (None, Some("/kept")));
        let exit = ThreadExit { time: 0, cpu: 0, tid: 7, pid: Some(7), comm: None, code: 0 };
        all.learn(&Happening::Exit(exit));
        assert_eq!(known(&all, 7, 3), None);
    }
}
