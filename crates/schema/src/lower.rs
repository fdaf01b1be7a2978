//! Catalog + capture plan -> layouts.
//!
//! Event ids: `docs/format.md`. A call whose arguments nobody knows has no layout here; it is recorded by the layouts of
//! [`crate::tracepoint::unknown_calls`].

use ctf::types::Base;

use crate::abi::Abi;
use crate::ast::{Direction, Expr, Extent, Stored};
use crate::catalog::{Arg, Catalog, Syscall};
use crate::class::Class;
use crate::layout::{Builder, Copy, IdRule, Layout, Length, NUMBERS, Point, PointeeNames, Registers, Source};
use crate::tracepoint::SYSCALLS;

/// How much is kept of what pointers lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Longest string in bytes.
    pub string: u16,
    /// Bytes of a read or written buffer; 0 keeps none.
    pub data: u16,
    /// Elements of a vector of strings.
    pub vector: u16,
    /// Longest element in bytes.
    pub element: u16,
    /// Bytes of all elements.
    pub elements: u16,
}

impl Default for Plan {
    /// What strace would show: whole paths, 32 bytes of payload.
    fn default() -> Self {
        Plan { string: 4095, data: 32, vector: 32, element: 511, elements: 4096 }
    }
}

/// Largest object that is copied whole; larger ones keep their address only.
const OBJECT: u32 = 256;
/// Longest socket address that is kept (`sizeof(struct sockaddr_storage)`).
const SOCKADDR: u16 = 128;
/// Objects of a row that are kept, as many as strace shows.
const ROW: u16 = 32;
/// Bytes of a row that are kept.
const ROW_BYTES: u16 = 1024;
/// Variables of an environment that are counted; the number is stored in one byte.
const ENVIRONMENT: u16 = 128;
/// Bytes of the strings of one record: a call with many of them keeps less of each.
const STRINGS: u16 = 4 * 4096;

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
    for abi in [Abi::X86_64, Abi::I386] {
        for (nr, name) in catalog.numbers(abi) {
            if nr < u32::from(NUMBERS)
                && selected(abi, name)
                && let Some(syscall) = catalog.syscall(abi, nr)
            {
                layouts.extend(Lowering { catalog, plan, syscall: &syscall }.layouts(nr as u16));
            }
        }
    }
    layouts
}

/// A pointee of one call.
struct Behind<'a> {
    arg: &'a Arg,
    register: u8,
    copy: Copy,
    /// Copied at entry.
    entry: bool,
    /// Copied at exit.
    exit: bool,
    /// Another argument is called like the length of what is copied.
    length_taken: bool,
}

struct Lowering<'a> {
    catalog: &'a Catalog,
    plan: &'a Plan,
    syscall: &'a Syscall,
}

impl Lowering<'_> {
    fn layouts(&self, nr: u16) -> Vec<Layout> {
        let ids = ids(self.syscall.abi);
        let behind = self.pointees();
        let rereads = behind.iter().any(|b| b.entry && !b.exit);
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

    fn entry(&self, class: u16, nr: u16, behind: &[Behind<'_>], rereads: bool) -> Layout {
        let mut builder = Builder::new(Point::Entry, registers(self.syscall.abi), IdRule::NumberPlus(class));
        for (register, arg) in self.args() {
            let followed = behind.iter().find(|b| b.register == register && b.entry);
            let is_text = followed.is_some_and(|b| is_text(&b.copy));
            let name = if is_text { format!("{}_ptr", arg.name) } else { arg.name.clone() };
            builder.value(&name, arg.stored, base(arg), Source::Register(register));
            if let Some(b) = followed {
                add(&mut builder, b);
            }
        }
        builder.reread(rereads);
        builder.build(class + nr, self.event_name("entry"), SYSCALLS)
    }

    fn exit(&self, class: u16, nr: u16, behind: &[Behind<'_>], reread: bool) -> Layout {
        let mut builder = Builder::new(Point::Exit, registers(self.syscall.abi), IdRule::NumberPlus(class));
        builder.value("ret", Stored { bytes: 8, signed: true }, Base::Decimal, Source::Result);
        for b in behind.iter().filter(|b| b.exit || reread) {
            add(&mut builder, b);
        }
        builder.only_if_failed(reread && matches!(self.syscall.name.as_str(), "execve" | "execveat"));
        builder.build(class + nr, self.event_name("exit"), SYSCALLS)
    }

    fn pointees(&self) -> Vec<Behind<'_>> {
        let texts = self.args().filter(|(_, arg)| matches!(arg.class, Class::Str | Class::Path)).count();
        let string = self.plan.string.min(STRINGS / texts.max(1) as u16 - 1);
        self.args()
            .filter_map(|(register, arg)| {
                let (entry, exit) = match arg.param.direction {
                    Some(Direction::Out) => (false, true),
                    Some(Direction::InOut) => (true, true),
                    Some(Direction::In) => (true, false),
                    Some(Direction::Pass) => return None,
                    None => (matches!(arg.class, Class::Str | Class::Path), false),
                };
                let copy = self.copy(arg, string, exit)?;
                let length = format!("{}_len", arg.name);
                let length_taken = self.syscall.args.iter().any(|other| other.name == length);
                Some(Behind { arg, register, copy, entry, exit, length_taken })
            })
            .collect()
    }

    /// What is copied for an argument; `None` keeps the address only.
    fn copy(&self, arg: &Arg, string: u16, exit: bool) -> Option<Copy> {
        match arg.class {
            Class::Str | Class::Path if !exit => Some(Copy::String { cap: string }),
            // The environment holds secrets; how large it is does not.
            Class::Strings if !exit && arg.name == "envp" => Some(Copy::Count { most: ENVIRONMENT }),
            Class::Strings if !exit => Some(Copy::Strings {
                most: self.plan.vector,
                cap: self.plan.element,
                all: self.plan.elements,
            }),
            Class::Bytes if self.plan.data > 0 => {
                let length = self.length(arg.param.extent.as_ref()?, exit)?;
                Some(Copy::Bytes { length, cap: self.plan.data })
            }
            Class::Sockaddr => {
                let length = self.length(arg.param.extent.as_ref()?, exit)?;
                Some(Copy::Bytes { length, cap: SOCKADDR })
            }
            Class::Array if !matches!(arg.param.extent, Some(Extent::Count(Expr::Number(_), _))) => {
                self.row(arg, exit)
            }
            // What the elements of an `iovec` lead to stays where it is.
            Class::Vector if !exit => self.row(arg, exit),
            Class::Struct if matches!(arg.param.extent, Some(Extent::Bytes(..))) => {
                let length = self.length(arg.param.extent.as_ref()?, exit)?;
                Some(Copy::Bytes { length, cap: OBJECT as u16 })
            }
            Class::Struct | Class::Array => {
                let size = self.object(arg)?;
                Some(Copy::Object { offset: 0, size })
            }
            _ => None,
        }
    }

    /// The number of bytes of a buffer, where one register or the result says it.
    fn length(&self, extent: &Extent, exit: bool) -> Option<Length> {
        let (Extent::Count(count, _) | Extent::Bytes(count, _)) = extent else { return None };
        let register = |name| self.args().find(|(_, arg)| arg.name == name);
        match (mentions(count)?, exit) {
            (Mentioned::Result, true) => Some(Length::Result),
            (Mentioned::Behind(name), true) => Some(Length::Behind(register(name)?.0)),
            (Mentioned::Argument(name), false) => {
                let (register, arg) = register(name)?;
                Some(Length::Register(register, arg.stored.bytes))
            }
            _ => None,
        }
    }

    /// A row of objects of known size, as many as one register or the result says.
    fn row(&self, arg: &Arg, exit: bool) -> Option<Copy> {
        if arg.param.condition.as_ref().is_some_and(after_failure) {
            return None;
        }
        let Some(Extent::Count(before, after)) = &arg.param.extent else { return None };
        let said = if exit { after.as_ref().unwrap_or(before) } else { before };
        let count = match mentions(said)? {
            Mentioned::Result if exit => None,
            Mentioned::Argument(name) => {
                let (register, arg) = self.args().find(|(_, arg)| arg.name == name)?;
                Some((register, arg.stored.bytes))
            }
            _ => return None,
        };
        let size = u16::try_from(self.catalog.size_of(self.syscall.abi, &arg.param.ty)?).ok()?;
        let most = ROW_BYTES.checked_div(size)?.min(ROW);
        (most > 0).then_some(Copy::Bytes { length: Length::Objects { count, size }, cap: most * size })
    }

    /// Bytes of an object of known size that is there whenever the call succeeds.
    fn object(&self, arg: &Arg) -> Option<u16> {
        if arg.param.condition.as_ref().is_some_and(after_failure) {
            return None;
        }
        let one = self.catalog.size_of(self.syscall.abi, &arg.param.ty)?;
        let count = match &arg.param.extent {
            None => 1,
            Some(Extent::Count(Expr::Number(n), _)) => u32::try_from(*n).ok()?,
            Some(_) => return None,
        };
        let size = one.checked_mul(count).filter(|size| (1..=OBJECT).contains(size))?;
        u16::try_from(size).ok()
    }
}

fn is_text(copy: &Copy) -> bool {
    matches!(copy, Copy::String { .. } | Copy::Strings { .. } | Copy::Count { .. })
}

fn add(builder: &mut Builder, b: &Behind<'_>) {
    let data = if is_text(&b.copy) { b.arg.name.clone() } else { format!("{}_data", b.arg.name) };
    let names = PointeeNames { plain: &b.arg.name, data: &data, length_taken: b.length_taken };
    builder.pointee(names, Source::Register(b.register), b.copy.clone());
}

enum Mentioned<'a> {
    Result,
    Argument(&'a str),
    /// The integer behind an argument.
    Behind(&'a str),
}

/// What bounds a length: `ret`, `min(ret, size)`, one argument, or `min(old *len, *len)`.
fn mentions(expr: &Expr) -> Option<Mentioned<'_>> {
    match expr {
        Expr::Ret => Some(Mentioned::Result),
        Expr::Name(name) => Some(Mentioned::Argument(name)),
        Expr::Deref(name) => Some(Mentioned::Behind(name)),
        // The value at entry is gone by the time of the exit.
        Expr::Old(_) => None,
        Expr::Min(a, b) => match (mentions(a), mentions(b)) {
            (Some(Mentioned::Result), _) | (_, Some(Mentioned::Result)) => Some(Mentioned::Result),
            (None, Some(Mentioned::Behind(name))) | (Some(Mentioned::Behind(name)), None) => {
                Some(Mentioned::Behind(name))
            }
            _ => None,
        },
        _ => None,
    }
}

/// True for objects that the kernel fills in only when the call fails.
fn after_failure(condition: &Expr) -> bool {
    match condition {
        Expr::Interrupted | Expr::Err => true,
        Expr::Unary(_, e) | Expr::Old(e) => after_failure(e),
        Expr::Binary(_, a, b) | Expr::Min(a, b) | Expr::Max(a, b) => after_failure(a) || after_failure(b),
        _ => false,
    }
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
        assert_eq!(names(&all[0]), ["fd", "vec", "vec_state", "vec_len", "vlen", "vec_data"]);
        let length = Length::Register(2, 8);
        assert_eq!(all[3].shape.pointees[1].copy, Copy::Bytes { length, cap: 256 });
    }

    #[test]
    fn calls_of_the_same_shape_share_it() {
        let all = layouts("number x86_64 3 close\nnumber x86_64 32 dup\nclose(fd fd)\ndup(fd fildes) = fd\n");
        assert_eq!(all[0].shape, all[2].shape);
        assert_eq!(all[1].shape, all[3].shape);
    }
}
