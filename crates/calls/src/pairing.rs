//! Entries and exits to calls.
//!
//! ```text
//! entry ----------------> open call of the thread
//! exit of the same call -> Call, returned
//! entry on top ----------> Call, exit lost           (then the new one is open)
//! end of the thread -----> Call, never returned      (then the end itself)
//! end of the trace ------> Call, still open
//! exit without entry ----> Call without arguments
//! ```

use std::fmt::Display;
use std::sync::Arc;

use ctf::merge::Item;
use ctf::{Event, Value};
use foldhash::{HashMap, HashSet};
use schema::layout::State;
use schema::tracepoint::SYSCALLS;
use schema::{Abi, Catalog, Syscall};

use crate::argument::{answer, argument, narrowed, raw, unseen};
use crate::call::{ArgValue, Call, Content, Outcome, Pointee};
use crate::happening::{Damage, Exec, Happening, Mode, Signal, Superseded, ThreadExit};
use crate::lifecycle::{Lifecycle, tid};
use crate::role::{Role, Roles};
use crate::thread::Threads;

/// `PR_SET_NAME` of `prctl(2)`.
const PR_SET_NAME: u64 = 15;
/// Longest command name (`TASK_COMM_LEN` without the NUL).
const COMM_LEN: usize = 15;

/// Pairs the events of a trace, fed in the order of time.
#[derive(Debug, Default)]
pub struct Pairing {
    roles: Roles,
    threads: Threads,
    open: HashMap<i32, Open>,
    /// Threads whose last call came in another way than by `syscall` from 64-bit code.
    modes: HashMap<i32, Abi>,
    /// Threads with an open `execve` or `execveat`.
    executing: HashSet<i32>,
    /// By process: the end of a leader that another thread's `execve` may be about to replace.
    leaders: HashMap<i32, ThreadExit>,
    /// New programs of threads whose `execve` has no entry.
    executed: HashMap<i32, Exec>,
}

#[derive(Debug)]
struct Open {
    call: Call,
    /// `sched_process_exec` was seen since: the exit may come as that of `execve`, in the convention of the new program.
    executed: bool,
}

impl Pairing {
    /// Begins with nothing known. Without a catalog, calls have names and arguments as the trace has them.
    pub fn new(catalog: Option<Arc<Catalog>>) -> Self {
        Pairing { roles: Roles::new(catalog), ..Pairing::default() }
    }

    /// Who is who at this point of the trace.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Takes the next item of the merged trace; what can be shown now is appended to `out`. Contents are taken out of the item,
    /// the rest of it can be given back to the merge.
    pub fn feed<E: Display>(&mut self, item: &mut Item<E>, out: &mut Vec<Happening>) {
        match item {
            Item::Event(event) => self.event(event, out),
            Item::Loss(loss) => {
                if loss.stream_id == SYSCALLS {
                    // Which threads are concerned cannot be known: they move between CPUs.
                    self.open.values_mut().for_each(|open| open.call.across_loss = true);
                }
                out.push(Happening::Loss(loss.clone()));
            }
            Item::Damage(damage) => {
                self.open.values_mut().for_each(|open| open.call.across_loss = true);
                let cause = damage.cause.to_string();
                let (stream, cpu, time) = (Arc::clone(&damage.stream), damage.cpu, damage.time);
                out.push(Happening::Damage(Damage { stream, cpu, time, cause }));
            }
        }
    }

    /// The trace ends at `last_time`: appends the calls that are still open, the oldest first.
    pub fn finish(&mut self, last_time: u64, out: &mut Vec<Happening>) {
        let mut leaders: Vec<_> = self.leaders.drain().map(|(_, exit)| exit).collect();
        leaders.sort_by_key(|exit| (exit.time, exit.tid));
        out.extend(leaders.into_iter().map(Happening::Exit));
        let mut calls: Vec<_> = self.open.drain().map(|(_, open)| open.call).collect();
        calls.sort_by_key(|call| (call.entry_time, call.tid));
        for mut call in calls {
            call.outcome = Outcome::Open(last_time.saturating_sub(call.entry_time.unwrap_or(last_time)));
            out.push(Happening::Call(call));
        }
        self.executing.clear();
    }

    fn event(&mut self, event: &mut Event, out: &mut Vec<Happening>) {
        let role = self.roles.of(&event.event_type);
        if *role == Role::Other {
            let lifecycle = Lifecycle::of(event);
            self.threads.learn(lifecycle.as_ref());
            self.lifecycle(lifecycle, event.cpu, out);
            return;
        }
        self.threads.learn(None);
        let Some(tid) = tid(event) else { return };
        match &*role {
            Role::Entry { .. } | Role::UnknownEntry(_) => self.entry(tid, event, &role, out),
            _ => self.exit(tid, event, &role, out),
        }
    }

    /// A call without times, arguments and result.
    fn call(
        &mut self,
        tid: i32,
        event: &Event,
        abi: Abi,
        name: Arc<str>,
        syscall: Option<&Arc<Syscall>>,
    ) -> Call {
        let nr = syscall.map(|syscall| i64::from(syscall.nr));
        let nr = nr.or_else(|| self.roles.catalog()?.number(abi, &name).map(i64::from));
        let thread = self.threads.enter(tid);
        Call {
            thread: thread.key,
            tid,
            pid: thread.pid,
            comm: thread.comm.clone(),
            cpu: event.cpu,
            abi,
            nr,
            name,
            syscall: syscall.cloned(),
            entry_time: None,
            exit_time: None,
            args: Vec::new(),
            outcome: Outcome::ExitLost,
            across_loss: false,
        }
    }

    /// What the catalog says of a call that has no event of its own.
    fn numbered(&self, abi: Abi, nr: i64) -> Option<Arc<Syscall>> {
        let syscall = self.roles.catalog()?.syscall(abi, u32::try_from(nr).ok()?)?;
        syscall.described.then(|| Arc::new(syscall))
    }

    /// The name of a call that has no event of its own, as strace spells it.
    fn unknown_name(&self, abi: Abi, nr: i64) -> Arc<str> {
        let known = u32::try_from(nr).ok().and_then(|nr| self.roles.catalog()?.name(abi, nr));
        known.map_or_else(|| format!("syscall_{nr:#x}").into(), Into::into)
    }

    fn entry(&mut self, tid: i32, event: &mut Event, role: &Role, out: &mut Vec<Happening>) {
        let mut call = match role {
            Role::Entry { abi, name, syscall, slots } => {
                let mut call = self.call(tid, event, *abi, Arc::clone(name), syscall.as_ref());
                call.args = slots.iter().map(|slot| argument(slot, &mut event.fields)).collect();
                call
            }
            Role::UnknownEntry(abi) => {
                let nr = signed(event.field("nr")).unwrap_or(-1);
                let syscall = self.numbered(*abi, nr);
                let name = self.unknown_name(*abi, nr);
                let mut call = self.call(tid, event, *abi, name, syscall.as_ref());
                call.nr = Some(nr);
                call.args = registers(event, syscall.as_deref());
                call
            }
            _ => return,
        };
        call.entry_time = Some(event.time);
        if is_exec(&call.name) {
            self.executing.insert(tid);
        } else {
            self.executing.remove(&tid);
        }
        if let Some(lost) = self.open.insert(tid, Open { call, executed: false }) {
            self.show(Call { outcome: Outcome::ExitLost, ..lost.call }, out);
        }
    }

    fn exit(&mut self, tid: i32, event: &mut Event, role: &Role, out: &mut Vec<Happening>) {
        let ret = signed(event.field("ret")).unwrap_or(0);
        self.executing.remove(&tid);
        let mut call = match self.open.remove(&tid) {
            Some(open) if open.ends_with(role, event) => open.call,
            other => {
                if let Some(lost) = other {
                    self.show(Call { outcome: Outcome::ExitLost, ..lost.call }, out);
                }
                match role {
                    // A new thread comes out of its parent's call, as every tracer knows and none shows.
                    Role::Exit { name, .. } if ret == 0 && makes_thread(name) => return,
                    Role::Exit { abi, name, syscall, .. } => {
                        let mut call = self.call(tid, event, *abi, Arc::clone(name), syscall.as_ref());
                        call.args = syscall.iter().flat_map(|syscall| &syscall.args).map(unseen).collect();
                        call
                    }
                    Role::UnknownExit(abi) => {
                        let nr = signed(event.field("nr")).unwrap_or(-1);
                        // After rt_sigreturn the number is gone.
                        let name =
                            if is_gone(nr) { "rt_sigreturn".into() } else { self.unknown_name(*abi, nr) };
                        let syscall = self.numbered(*abi, nr);
                        let mut call = self.call(tid, event, *abi, name, syscall.as_ref());
                        call.nr = if is_gone(nr) { call.nr } else { Some(nr) };
                        if !is_gone(nr) {
                            call.args = registers(event, syscall.as_deref());
                        }
                        call
                    }
                    _ => return,
                }
            }
        };
        if let Role::Exit { slots, .. } = role {
            for slot in slots {
                answer(&mut call, slot, &mut event.fields);
            }
        }
        if let Some(exec) = self.executed.remove(&tid)
            && is_exec(&call.name)
            && call.entry_time.is_none()
            && ret == 0
        {
            // The registers are those of the new program.
            call.args.iter_mut().for_each(|arg| arg.raw = None);
            take_from_program(&mut call, &exec);
        }
        call.cpu = event.cpu;
        call.exit_time = Some(event.time);
        // An i386 program gets the lower half of what the kernel returns.
        call.outcome = Outcome::Returned(if call.abi == Abi::I386 { (ret as i32).into() } else { ret });
        if let Some(thread) = self.threads.get(tid) {
            call.pid = thread.pid;
        }
        self.rename(tid, &call);
        // An execve that failed after all: the leader's end was its own.
        if is_exec(&call.name)
            && let Some(exit) = call.pid.filter(|pid| *pid != tid).and_then(|pid| self.leaders.remove(&pid))
        {
            out.push(Happening::Exit(exit));
        }
        self.show(call, out);
    }

    /// `prctl(PR_SET_NAME)` gives the thread another command name.
    fn rename(&mut self, tid: i32, call: &Call) {
        if &*call.name != "prctl" || call.ret() != Some(0) {
            return;
        }
        let [option, name, ..] = call.args.as_slice() else { return };
        if let (
            Some(PR_SET_NAME),
            Some(Pointee { content: Content::Text(text) | Content::Bytes(text), .. }),
        ) = (option.raw, &name.before)
        {
            let len = text.iter().take(COMM_LEN).take_while(|byte| **byte != 0).count();
            self.threads.enter(tid).comm = text.get(..len).map(Into::into);
        }
    }

    /// Hands a call out, after a word about its convention if that is new for the thread.
    fn show(&mut self, call: Call, out: &mut Vec<Happening>) {
        let before = self.modes.get(&call.tid).copied().unwrap_or(Abi::X86_64);
        if before != call.abi {
            let time = call.entry_time.or(call.exit_time).unwrap_or(0);
            out.push(Happening::Mode(Mode { time, tid: call.tid, pid: call.pid, abi: call.abi }));
            match call.abi {
                Abi::X86_64 => self.modes.remove(&call.tid),
                abi => self.modes.insert(call.tid, abi),
            };
        }
        out.push(Happening::Call(call));
    }

    fn lifecycle(&mut self, lifecycle: Option<Lifecycle>, cpu: u32, out: &mut Vec<Happening>) {
        match lifecycle {
            Some(Lifecycle::Fork(fork, _)) => {
                let mode = self.modes.get(&fork.parent_tid).copied();
                self.forget(fork.child_tid, Outcome::ExitLost, out);
                mode.map(|mode| self.modes.insert(fork.child_tid, mode));
                out.push(Happening::Fork(fork));
            }
            Some(Lifecycle::Exec(exec, _)) => self.exec(exec, cpu, out),
            Some(Lifecycle::Exit(exit)) => self.end(exit, out),
            Some(Lifecycle::Signal(signal)) => {
                let thread = self.threads.get(signal.tid);
                let (pid, comm) = thread.map_or((None, None), |t| (t.pid, t.comm.clone()));
                out.push(Happening::Signal(Signal { pid, comm, ..signal }));
            }
            Some(Lifecycle::State { .. }) | None => {}
        }
    }

    /// Clears what is kept under a thread number; its open call is over.
    fn forget(&mut self, tid: i32, outcome: Outcome, out: &mut Vec<Happening>) {
        if let Some(open) = self.open.remove(&tid) {
            self.show(Call { outcome, ..open.call }, out);
        }
        self.executing.remove(&tid);
        self.executed.remove(&tid);
        self.modes.remove(&tid);
    }

    fn exec(&mut self, exec: Exec, cpu: u32, out: &mut Vec<Happening>) {
        let (tid, by) = (exec.tid, exec.old_tid);
        if by != tid {
            let seen = self.leaders.remove(&tid).is_some() || self.open.contains_key(&tid);
            self.forget(tid, Outcome::NoReturn, out);
            if seen || self.open.contains_key(&by) {
                out.push(Happening::Superseded(Superseded { time: exec.time, cpu, tid, by }));
            }
            if let Some(mut open) = self.open.remove(&by) {
                open.call.tid = tid;
                self.open.insert(tid, open);
            }
            self.executing.remove(&by);
            if let Some(mode) = self.modes.remove(&by) {
                self.modes.insert(tid, mode);
            }
        }
        match self.open.get_mut(&tid).filter(|open| is_exec(&open.call.name)) {
            Some(open) => {
                open.executed = true;
                take_from_program(&mut open.call, &exec);
            }
            None => {
                self.executed.insert(tid, exec.clone());
            }
        }
        out.push(Happening::Exec(exec));
    }

    fn end(&mut self, mut exit: ThreadExit, out: &mut Vec<Happening>) {
        let tid = exit.tid;
        exit.pid = exit.pid.or_else(|| self.threads.get(tid)?.pid);
        self.forget(tid, Outcome::NoReturn, out);
        if exit.pid == Some(tid) && exit.code == 0 && self.executes(tid) {
            // The kernel ends all other threads before a new program starts, the leader among them. Whether this is
            // such an end shows when sched_process_exec comes.
            self.leaders.insert(tid, exit);
            return;
        }
        if let Some(leader) = exit.pid.filter(|pid| *pid != tid && !self.executes(*pid))
            && let Some(exit) = self.leaders.remove(&leader)
        {
            out.push(Happening::Exit(exit));
        }
        out.push(Happening::Exit(exit));
    }

    /// True when a thread of that process, other than the leader, is inside `execve`.
    fn executes(&self, pid: i32) -> bool {
        self.executing
            .iter()
            .any(|tid| *tid != pid && self.threads.get(*tid).is_some_and(|t| t.pid == Some(pid)))
    }
}

impl Open {
    /// True when that exit is the exit of this call.
    fn ends_with(&self, role: &Role, event: &Event) -> bool {
        match role {
            Role::Exit { name, .. } if self.executed => is_exec(name),
            Role::Exit { abi, name, .. } => *name == self.call.name && *abi == self.call.abi,
            Role::UnknownExit(abi) => {
                let nr = signed(event.field("nr")).unwrap_or(-1);
                is_gone(nr) || (Some(nr) == self.call.nr && *abi == self.call.abi)
            }
            _ => false,
        }
    }
}

/// What an `execve` was given can be read from the new program, where it could not be from the old one.
fn take_from_program(call: &mut Call, exec: &Exec) {
    for (name, kept) in [("filename", &exec.filename), ("argv", &exec.argv)] {
        // The directory of execveat stands apart from its path, so the kernel's whole path is not its argument.
        let own = name != "filename" || &*call.name == "execve";
        let arg = call.args.iter_mut().find(|arg| own && &*arg.name == name);
        if let (Some(arg), Some(kept)) = (arg, kept)
            && arg.before.as_ref().is_some_and(|before| before.state == State::Fault)
        {
            arg.before = Some(kept.clone());
        }
    }
}

/// The arguments of a call that has no event of its own, as far as its registers are recorded.
fn registers(event: &Event, syscall: Option<&Syscall>) -> Vec<ArgValue> {
    let fields = event.event_type.fields.fields.iter().zip(&event.fields);
    let mut registers = fields.filter(|(field, _)| field.name.starts_with("arg")).map(raw).peekable();
    match syscall {
        Some(syscall) if registers.peek().is_none() => syscall.args.iter().map(unseen).collect(),
        Some(syscall) => registers.zip(&syscall.args).map(narrowed).collect(),
        None => registers.collect(),
    }
}

fn is_exec(name: &str) -> bool {
    matches!(name, "execve" | "execveat")
}

fn makes_thread(name: &str) -> bool {
    matches!(name, "clone" | "clone3" | "fork" | "vfork")
}

/// The number that the kernel leaves after `rt_sigreturn`; 32 bits of it in an i386 call.
fn is_gone(nr: i64) -> bool {
    nr == -1 || nr == i64::from(u32::MAX)
}

fn signed(value: Option<&Value>) -> Option<i64> {
    value.and_then(Value::bits).map(|bits| bits as i64)
}
