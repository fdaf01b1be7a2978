//! Text as the first system call tracer of ftrace wrote it (2009): entry and exit on lines of their own, arguments as the
//! registers were, in hexadecimal.
//!
//! ```text
//! # tracer: syscall
//! #
//! #           TASK-PID    CPU#    TIMESTAMP  FUNCTION
//! #              | |       |          |         |
//!            <...>-5080  [001]   132.192228: sys_dup2(oldfd: a, newfd: 1)
//!            <...>-5080  [001]   132.192239: sys_dup2 -> 0x1
//! ```

use std::fmt::{Display, Write};
use std::sync::Arc;

use calls::{Role, Roles, Slot, Threads, tid};
use ctf::merge::Item;
use ctf::{Event, Value};
use schema::{Abi, Catalog, Syscall};

use crate::quote;
use crate::stamp;
use crate::token::{Line, List};

/// Lines that a text begins with.
pub const HEADER: &str = "# tracer: syscall
#
#           TASK-PID    CPU#    TIMESTAMP  FUNCTION
#              | |       |          |         |
";

/// Width of the command name.
const COMM: usize = 16;

/// Writes events as lines.
#[derive(Debug)]
pub struct Ftrace {
    roles: Roles,
    threads: Threads,
    line: Line,
    types: bool,
}

impl Ftrace {
    /// The style. `types` puts the C type before each argument that the catalog knows (the option `syscall_arg_type`).
    pub fn new(catalog: Option<Arc<Catalog>>, types: bool) -> Self {
        Ftrace { roles: Roles::new(catalog), threads: Threads::new(), line: Line::new(), types }
    }

    /// The line for the next item of a trace, with its newline; empty for events that are no system call.
    pub fn line<E: Display>(&mut self, item: &Item<E>) -> &str {
        self.line.clear();
        match item {
            Item::Event(event) => self.event(event),
            Item::Loss(loss) if loss.count > 0 => {
                self.line.word(&format!("CPU:{} [LOST {} EVENTS]", loss.cpu, loss.count));
            }
            Item::Loss(loss) => self.line.word(&format!("CPU:{} [LOST EVENTS]", loss.cpu)),
            Item::Damage(damage) => {
                self.line.word(&format!("# stream {} is damaged: {}", damage.stream, damage.cause));
            }
        }
        if !self.line.is_empty() {
            self.line.end();
        }
        self.line.as_str()
    }

    fn event(&mut self, event: &Event) {
        self.threads.follow(event);
        let role = self.roles.of(&event.event_type);
        if *role == Role::Other {
            return;
        }
        self.begin(event);
        match &*role {
            Role::Entry { abi, name, syscall, slots } => {
                self.name(*abi, name);
                self.arguments(event, syscall.as_deref(), slots);
            }
            Role::Exit { abi, name, .. } => {
                self.name(*abi, name);
                self.result(event);
            }
            Role::UnknownEntry(abi) => {
                self.number(*abi, event);
                self.line.open(List::Arguments);
                let fields = event.event_type.fields.fields.iter().zip(&event.fields);
                for (field, value) in fields.filter(|(field, _)| field.name != "nr") {
                    self.line.next();
                    self.line.word(&field.name);
                    let _ = write!(self.line, ": {:x}", value.bits().unwrap_or(0));
                }
                self.line.close();
            }
            Role::UnknownExit(abi) => {
                self.number(*abi, event);
                self.result(event);
            }
            Role::Other => {}
        }
    }

    /// `           <...>-5080  [001]   132.192228: `
    fn begin(&mut self, event: &Event) {
        let tid = tid(event).unwrap_or(0);
        let mut comm = String::new();
        match self.threads.get(tid).and_then(|thread| thread.comm.as_deref()) {
            Some(name) => quote::plain(name, &mut comm),
            None => comm.push_str("<...>"),
        }
        let _ = write!(self.line, "{comm:>COMM$}-{tid:<5} [{:03}] ", event.cpu);
        stamp::seconds(&mut self.line, event.time.into(), 5);
        self.line.word(": ");
    }

    fn name(&mut self, abi: Abi, name: &str) {
        self.line.word(if abi == Abi::I386 { "compat_sys_" } else { "sys_" });
        self.line.word(name);
    }

    /// The name of a call that is known by its number alone.
    fn number(&mut self, abi: Abi, event: &Event) {
        let nr = event.field("nr").and_then(Value::bits).unwrap_or(0) as i64;
        let known = u32::try_from(nr).ok().and_then(|nr| self.roles.catalog()?.name(abi, nr));
        let name = match known {
            Some(name) => name.to_owned(),
            // rt_sigreturn leaves no number behind.
            None if nr == -1 => "rt_sigreturn".to_owned(),
            None => nr.to_string(),
        };
        self.name(abi, &name);
    }

    fn arguments(&mut self, event: &Event, syscall: Option<&Syscall>, slots: &[Slot]) {
        self.line.open(List::Arguments);
        for (at, slot) in slots.iter().enumerate() {
            let Some(bits) = slot.raw.and_then(|at| event.fields.get(at)).and_then(Value::bits) else {
                continue;
            };
            self.line.next();
            if self.types
                && let Some(arg) = syscall.and_then(|syscall| syscall.args.get(at))
            {
                self.line.word(&arg.ctype);
                self.line.word(" ");
            }
            self.line.word(&slot.name);
            let unused = 64 - u32::from(slot.stored.bytes.clamp(1, 8)) * 8;
            let _ = write!(self.line, ": {:x}", bits << unused >> unused);
        }
        self.line.close();
    }

    fn result(&mut self, event: &Event) {
        let ret = event.field("ret").and_then(Value::bits).unwrap_or(0);
        let _ = write!(self.line, " -> {ret:#x}");
    }
}
