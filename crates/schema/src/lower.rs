//! Catalog + capture plan -> layouts.
//!
//! Event ids: `docs/format.md`. A call whose arguments nobody knows has no layout here; it is recorded by the layouts of
//! [`crate::tracepoint::unknown_calls`].

mod choice;
mod copy;
mod known;
mod length;
mod parts;
mod plan;

use ctf::types::Base;

use crate::abi::Abi;
use crate::ast::{Direction, Stored};
use crate::catalog::{Arg, Catalog, Syscall};
use crate::class::Class;
use crate::layout::{
    Builder, Copy, IdRule, Layout, Length, NUMBERS, Point, PointeeNames, Registers, Source, When,
};
use crate::tracepoint::SYSCALLS;

use known::Known;
use length::Scope;

pub use plan::{Limit, LimitError, Limits, Plan, Records};

/// Classes of event ids, for one ABI.
#[derive(Clone, Copy)]
struct Ids {
    entry: u16,
    exit: u16,
    reread: u16,
}

fn ids(abi: Abi) -> Ids {
    let first = match abi {
        Abi::X86_64 => 0,
        Abi::I386 => 3 * NUMBERS,
    };
    Ids { entry: first, exit: first + NUMBERS, reread: first + 2 * NUMBERS }
}

fn registers(abi: Abi) -> Registers {
    match abi {
        Abi::X86_64 => Registers::X86_64,
        Abi::I386 => Registers::I386,
    }
}

/// Layouts of all calls that `selected` accepts, in order of ABI and number.
pub fn lower(catalog: &Catalog, plan: &Plan, selected: impl Fn(Abi, &str) -> bool) -> Vec<Layout> {
    let mut layouts = Vec::new();
    let known = Known::default();
    for abi in [Abi::X86_64, Abi::I386] {
        for (nr, name) in catalog.numbers(abi) {
            if nr < u32::from(NUMBERS)
                && selected(abi, name)
                && let Some(syscall) = catalog.syscall(abi, nr)
            {
                layouts
                    .extend(Lowering { catalog, known: &known, plan, syscall: &syscall }.layouts(nr as u16));
            }
        }
    }
    layouts
}

/// What of an argument's pointee is copied, and when.
#[derive(Clone, Default)]
struct Sides {
    /// At entry.
    entry: Option<Copy>,
    /// At exit.
    exit: Option<Copy>,
    /// At exit, when it could not be read at entry.
    reread: Option<Copy>,
}

/// A pointee of one call.
#[derive(Clone)]
struct Behind {
    /// The argument's name, or `ARGUMENT_PART`.
    name: String,
    /// Register of the argument.
    register: u8,
    pointer: Source,
    sides: Sides,
    /// When the kernel has written there.
    when: When,
    guard: Option<(Length, u16)>,
}

struct Lowering<'a> {
    catalog: &'a Catalog,
    known: &'a Known,
    plan: &'a Plan,
    syscall: &'a Syscall,
}

impl Lowering<'_> {
    fn layouts(&self, nr: u16) -> Vec<Layout> {
        let ids = ids(self.syscall.abi);
        let behind = self.pointees();
        if self.plan.records == Records::One {
            return vec![self.whole(ids.exit, nr, &behind)];
        }
        let rereads = behind.iter().any(|b| b.sides.reread.is_some());
        let mut layouts =
            vec![self.entry(ids.entry, nr, &behind, rereads), self.exit(ids.exit, nr, &behind, false)];
        if rereads {
            layouts.push(self.exit(ids.reread, nr, &behind, true));
        }
        layouts
    }

    fn event_name(&self, direction: &str) -> String {
        let compat = if self.syscall.abi == Abi::I386 { "compat_" } else { "" };
        format!("{compat}syscall_{direction}_{}", self.syscall.name)
    }

    fn args(&self) -> impl Iterator<Item = (u8, &Arg)> {
        (0..6).zip(&self.syscall.args)
    }

    fn entry(&self, class: u16, nr: u16, behind: &[Behind], rereads: bool) -> Layout {
        let mut builder = Builder::new(Point::Entry, registers(self.syscall.abi), IdRule::NumberPlus(class));
        for (register, arg) in self.args() {
            let own = behind.iter().filter(|b| b.register == register);
            let followed: Vec<_> = own.filter_map(|b| Some((b, b.sides.entry.as_ref()?))).collect();
            let is_text = followed.iter().any(|(b, copy)| b.name == arg.name && is_text(copy));
            let name = if is_text { format!("{}_ptr", arg.name) } else { arg.name.clone() };
            builder.value(&name, arg.stored, base(arg), Source::Register(register));
            for (behind, copy) in followed {
                self.add(&mut builder, behind, copy, When::Always);
            }
        }
        builder.reread(rereads);
        builder.build(class + nr, self.event_name("entry"), SYSCALLS)
    }

    fn exit(&self, class: u16, nr: u16, behind: &[Behind], reread: bool) -> Layout {
        let mut builder = Builder::new(Point::Exit, registers(self.syscall.abi), IdRule::NumberPlus(class));
        builder.value("ret", Stored { bytes: 8, signed: true }, Base::Decimal, Source::Result);
        for b in behind {
            let again = b.sides.reread.as_ref().filter(|_| reread);
            if let Some(copy) = again.or(b.sides.exit.as_ref()) {
                let when = if b.sides.exit.is_some() { b.when } else { When::Always };
                self.add(&mut builder, b, copy, when);
            }
        }
        builder.only_if_failed(reread && is_exec(&self.syscall.name));
        builder.build(class + nr, self.event_name("exit"), SYSCALLS)
    }

    /// The only record of a call: the result, the arguments as the registers still are, and what they lead to.
    fn whole(&self, class: u16, nr: u16, behind: &[Behind]) -> Layout {
        let mut builder = Builder::new(Point::Exit, registers(self.syscall.abi), IdRule::NumberPlus(class));
        builder.value("ret", Stored { bytes: 8, signed: true }, Base::Decimal, Source::Result);
        for (register, arg) in self.args() {
            let own = behind.iter().filter(|b| b.register == register);
            let followed: Vec<_> = own.filter_map(|b| Some((b, b.sides.late()?))).collect();
            let is_text = followed.iter().any(|(b, copy)| b.name == arg.name && is_text(copy));
            let name = match arg.name.as_str() {
                name if is_text => format!("{name}_ptr"),
                // Taken by the result.
                "ret" => "ret_".to_owned(),
                name => name.to_owned(),
            };
            builder.value(&name, arg.stored, base(arg), Source::Register(register));
            for (behind, copy) in followed {
                let when = if behind.sides.exit.is_some() { behind.when } else { When::Always };
                self.add(&mut builder, behind, copy, when);
            }
        }
        builder.only_if_failed(is_exec(&self.syscall.name)).only_record();
        builder.build(class + nr, self.event_name("exit"), SYSCALLS)
    }

    fn add(&self, builder: &mut Builder, b: &Behind, copy: &Copy, when: When) {
        let data = if is_text(copy) { b.name.clone() } else { format!("{}_data", b.name) };
        // Another argument may be called like the length of what is copied.
        let length = format!("{}_len", b.name);
        let length_taken = self.syscall.args.iter().any(|other| other.name == length);
        let names = PointeeNames { plain: &b.name, data: &data, length_taken };
        builder.pointee_if(names, b.pointer.clone(), copy.clone(), (when, b.guard.clone()));
    }

    fn pointees(&self) -> Vec<Behind> {
        let mut behind = Vec::new();
        for (register, arg) in self.args() {
            let limit = self.plan.limits.get(&self.syscall.name, &arg.name);
            let own = match limit {
                Some(Limit::Off) => {
                    behind.extend(self.left_out(register, arg));
                    continue;
                }
                Some(Limit::Bytes(bytes)) => self.plan.with_bytes(bytes),
                None => self.plan.clone(),
            };
            let lowering = Lowering { plan: &own, ..*self };
            lowering.argument(register, arg, &mut behind);
        }
        behind
    }

    /// An argument of which nothing but the address is kept, and that this is so.
    fn left_out(&self, register: u8, arg: &Arg) -> Option<Behind> {
        let written = matches!(arg.param.direction, Some(Direction::Out));
        let state = Some(Copy::Off);
        let sides = if written {
            Sides { exit: state, ..Sides::default() }
        } else {
            Sides { entry: state, ..Sides::default() }
        };
        let pointer = Source::Register(register);
        let behind =
            Behind { name: arg.name.clone(), register, pointer, sides, when: When::Success, guard: None };
        (arg.class.is_pointer() || self.is_retyped(&arg.name)).then_some(behind)
    }

    fn argument(&self, register: u8, arg: &Arg, behind: &mut Vec<Behind>) {
        let sides = self.chosen(arg).unwrap_or_else(|| self.plain(arg));
        if !sides.is_empty() {
            behind.push(Behind {
                name: arg.name.clone(),
                register,
                pointer: Source::Register(register),
                sides,
                when: self.when(&arg.param),
                guard: None,
            });
        }
        self.parts(register, (&arg.param, arg.class), behind);
        self.chosen_parts(register, arg, behind);
    }

    /// What is copied of an argument whose meaning no command changes.
    fn plain(&self, arg: &Arg) -> Sides {
        let copy = |exit| {
            let mut copy = self.copy(&arg.param, arg.class, Scope::Call, exit);
            if let Some(Copy::Bytes { cap, .. }) = &mut copy
                && self.is_retyped(&arg.name)
            {
                // What a command says to be an object is kept as one.
                *cap = (*cap).max(copy::OBJECT as u16);
            }
            copy
        };
        sides(arg.param.direction, arg.class, copy)
    }
}

/// Calls that leave other registers behind when they succeed.
fn is_exec(name: &str) -> bool {
    matches!(name, "execve" | "execveat")
}

impl Sides {
    /// What is copied when there is nothing but the exit.
    fn late(&self) -> Option<&Copy> {
        self.reread.as_ref().or(self.exit.as_ref()).or(self.entry.as_ref())
    }

    fn is_empty(&self) -> bool {
        self.entry.is_none() && self.exit.is_none()
    }
}

/// Sides by direction; `copy(exit)` is what is copied on one.
fn sides(direction: Option<Direction>, class: Class, copy: impl Fn(bool) -> Option<Copy>) -> Sides {
    match direction {
        Some(Direction::In) => Sides { entry: copy(false), exit: None, reread: copy(false) },
        Some(Direction::Out) => Sides { exit: copy(true), ..Sides::default() },
        Some(Direction::InOut) => Sides { entry: copy(false), exit: copy(true), reread: None },
        None if matches!(class, Class::Str | Class::Path) => {
            Sides { entry: copy(false), exit: None, reread: copy(false) }
        }
        Some(Direction::Pass) | None => Sides::default(),
    }
}

fn is_text(copy: &Copy) -> bool {
    matches!(copy, Copy::String { .. } | Copy::Strings { .. } | Copy::Count { .. })
}

fn base(arg: &Arg) -> Base {
    match arg.class {
        Class::Mode => Base::Octal,
        Class::Addr | Class::Flags | Class::Ioc | Class::Sub => Base::Hexadecimal,
        _ if arg.is_pointer() => Base::Hexadecimal,
        _ => Base::Decimal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Length, Step};

    fn layouts(text: &str) -> Vec<Layout> {
        let mut catalog = Catalog::new();
        catalog.add(text, "test.tt").unwrap();
        lower(&catalog, &Plan::default(), |_, _| true)
    }

    fn names(layout: &Layout) -> Vec<&str> {
        layout.event.fields.fields.iter().map(|f| f.name.as_str()).collect()
    }

    #[test]
    fn a_path_gives_an_entry_an_exit_and_an_exit_that_reads_again() {
        let all =
            layouts("number x86_64 257 openat\nopenat(atfd dfd, path filename, u32 flags, mode mode) = fd\n");
        let ids: Vec<_> = all.iter().map(|l| l.event.id).collect();
        assert_eq!(ids, [257, 512 + 257, 1024 + 257]);
        assert_eq!(names(&all[0]), ["dfd", "filename_ptr", "filename_state", "flags", "mode", "filename"]);
        assert_eq!(names(&all[1]), ["ret"]);
        assert_eq!(names(&all[2]), ["ret", "filename_state", "filename"]);
    }

    /// The length of the only pointee of an entry.
    fn length(layout: &Layout) -> &Length {
        let [pointee] = layout.shape.pointees.as_slice() else { unreachable!("{layout:?}") };
        let Copy::Bytes { length, .. } = &pointee.copy else { unreachable!("{pointee:?}") };
        length
    }

    #[test]
    fn a_count_may_take_arithmetic() {
        let all = layouts(
            "number x86_64 238 set_mempolicy\n\
             set_mempolicy(int mode, in ulong nmask[(maxnode + 63) / 64], ulong maxnode)\n",
        );
        // In bytes, of a number in the third register.
        let Length::Computed(steps) = length(&all[0]) else { unreachable!() };
        assert_eq!((steps.register, steps.steps.last()), (2, Some(&(Step::Mul, 8))));
    }

    #[test]
    fn an_object_may_say_its_own_length() {
        let all = layouts(
            "number x86_64 457 statmount\nlayout mnt_id_req 24 { 0 u32 size; 8 u64 mnt_id; }\n\
             statmount(in mnt_id_req req[:.size], addr buf)\n",
        );
        let own = Length::Memory { register: 0, offset: 0, width: 4, size: 1, plus: 0 };
        assert_eq!(*length(&all[0]), own);
    }

    #[test]
    fn buffers_are_kept_where_their_bytes_are_known() {
        let all = layouts(
            "number x86_64 0 read\nnumber x86_64 1 write\nread(fd fd, out bytes buf[ret], size count) = size\n\
             write(fd fd, in bytes buf[count], size count) = size\n",
        );
        assert_eq!(names(&all[0]), ["fd", "buf", "count"]);
        assert_eq!(names(&all[1]), ["ret", "buf_state", "buf_len", "buf_data"]);
        assert_eq!(names(&all[2]), ["fd", "buf", "buf_state", "buf_len", "count", "buf_data"]);
    }

    #[test]
    fn socket_addresses_are_kept_both_ways() {
        let all = layouts(
            "number x86_64 42 connect\nnumber x86_64 51 getsockname\nobject sockaddr 0\n\
             connect(fd fd, in sockaddr uservaddr[:addrlen], size addrlen)\n\
             getsockname(fd fd, out sockaddr usockaddr[:min(old *usockaddr_len, *usockaddr_len)], inout int usockaddr_len)\n",
        );
        let named = |name: &str| all.iter().find(|l| l.event.name == name).map(names).unwrap();
        assert!(named("syscall_entry_connect").contains(&"uservaddr_data"));
        assert!(named("syscall_exit_getsockname").contains(&"usockaddr_data"));
    }

    #[test]
    fn rows_are_kept_where_their_objects_are_counted() {
        let all = layouts(
            "number x86_64 7 poll\nnumber x86_64 115 getgroups\nobject pollfd 8\n\
             poll(inout pollfd ufds[nfds], count nfds, int timeout) = count\n\
             getgroups(int size, out id list[min(ret, size)]) = count\n",
        );
        assert_eq!(names(&all[0]), ["ufds", "ufds_state", "ufds_len", "nfds", "timeout", "ufds_data"]);
        assert_eq!(names(&all[1]), ["ret", "ufds_state", "ufds_len", "ufds_data"]);
        assert_eq!(names(&all[2]), ["size", "list"]);
        assert_eq!(names(&all[3]), ["ret", "list_state", "list_len", "list_data"]);
        let length = Length::Objects { count: Some((1, 8)), size: 8 };
        assert_eq!(all[0].shape.pointees[0].copy, Copy::Bytes { length, cap: 256 });
        let length = Length::Objects { count: None, size: 4 };
        assert_eq!(all[3].shape.pointees[0].copy, Copy::Bytes { length, cap: 128 });
    }

    #[test]
    fn vectors_and_objects_that_state_their_size_are_kept_at_entry() {
        let all = layouts(
            "number x86_64 20 writev\nnumber x86_64 437 openat2\nobject iovec 16\nobject open_how 24\n\
             writev(fd fd, in iovec vec[vlen] of in, count vlen) = size\n\
             openat2(path filename, in open_how how[:usize], size usize) = fd\n",
        );
        assert_eq!(
            names(&all[0]),
            [
                "fd",
                "vec",
                "vec_state",
                "vec_len",
                "vec_load_state",
                "vec_load_len",
                "vlen",
                "vec_data",
                "vec_load_data"
            ]
        );
        let length = Length::Register(2, 8);
        assert_eq!(all[3].shape.pointees[1].copy, Copy::Bytes { length, cap: 512 });
    }

    #[test]
    fn one_record_has_arguments_and_result() {
        let mut catalog = Catalog::new();
        let text = "number x86_64 257 openat\nnumber x86_64 0 read\nobject pair 16\n\
                    openat(atfd dfd, path filename, u32 flags, mode mode) = fd\n\
                    read(fd fd, out bytes buf[ret], inout pair time)\n";
        catalog.add(text, "test.tt").unwrap();
        let all = lower(&catalog, &Plan { records: Records::One, ..Plan::default() }, |_, _| true);
        assert_eq!(all.iter().map(|layout| layout.event.id).collect::<Vec<_>>(), [512, 512 + 257]);
        assert!(all.iter().all(|layout| layout.shape.counted));
        assert_eq!(
            names(&all[0]),
            ["ret", "fd", "buf", "buf_state", "buf_len", "time", "time_state", "time_data", "buf_data"]
        );
        assert_eq!(
            names(&all[1]),
            ["ret", "dfd", "filename_ptr", "filename_state", "flags", "mode", "filename"]
        );
    }

    #[test]
    fn calls_of_the_same_shape_share_it() {
        let all = layouts("number x86_64 3 close\nnumber x86_64 32 dup\nclose(fd fd)\ndup(fd fildes) = fd\n");
        assert_eq!(all[0].shape, all[2].shape);
        assert_eq!(all[1].shape, all[3].shape);
    }
}
