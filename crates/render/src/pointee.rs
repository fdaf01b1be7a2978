//! What pointers among the arguments led to, before the call and after it.

use calls::{ArgValue, Call, Content, Pointee, evaluate};
use schema::ast::{Direction, Expr, Extent, Param, Ty};
use schema::layout::State;
use schema::{Abi, Class};

use crate::argument::{Show, environment, unread};
use crate::errno;
use crate::form;
use crate::netlink;
use crate::object::{Loads, Object, Objects, Parts};
use crate::outcome;
use crate::token::{Line, List};

/// A pointer argument, and what is said of it.
#[derive(Clone, Copy)]
pub(crate) struct Behind<'a> {
    pub(crate) call: &'a Call,
    pub(crate) arg: &'a ArgValue,
    pub(crate) param: &'a Param,
    pub(crate) class: Class,
}

impl Show<'_> {
    /// Shows a pointer by what it led to, or else as an address.
    pub(crate) fn pointer(self, line: &mut Line, call: &Call, arg: &ArgValue, param: &Param, class: Class) {
        let behind = Behind { call, arg, param, class };
        let (before, after) = self.sides(behind);
        let shown = |line: &mut Line, pointee: &Pointee, answered: bool, old: Option<&Pointee>| {
            self.pointee(line, behind, pointee, answered, old);
        };
        match (before, after) {
            // The answer is told with the result.
            (Some(before), _) if outcome::is_answer(self.catalog, param) => shown(line, before, false, None),
            (Some(before), Some(after)) if before.content != after.content => {
                if self.number_changed(line, behind, (&before.content, &after.content)) {
                } else if matches!(class, Class::Struct | Class::Array | Class::Vector) {
                    shown(line, after, true, Some(before));
                } else {
                    shown(line, before, false, None);
                    line.word(" => ");
                    shown(line, after, true, None);
                }
            }
            (_, Some(pointee)) => shown(line, pointee, true, None),
            (Some(pointee), None) => {
                shown(line, pointee, false, None);
                if let (Class::Struct, Content::Bytes(bytes)) = (class, &pointee.content)
                    && call.ret().is_some_and(|ret| errno::of_result(ret).is_none())
                {
                    self.with_objects(behind, true, |objects| objects.written(line, &param.ty, bytes));
                }
            }
            (None, None) if self.torn(line, behind) => {}
            (None, None) => {
                unread(line, arg);
                if arg.raw != Some(0) && self.is_left_out(behind) {
                    line.comment("not kept");
                }
            }
        }
    }

    /// Shows the arguments that lie in a block behind the only one, as those of some old i386 calls do. False when they are not
    /// known.
    pub(crate) fn block(self, line: &mut Line, behind: Behind<'_>) -> bool {
        let (Some(Pointee { content: Content::Bytes(bytes), .. }), _) = self.sides(behind) else {
            return false;
        };
        let unnamed = !self.names;
        self.with_objects(behind, false, |objects| {
            Objects { unnamed, ..objects }.arguments(line, &behind.param.ty, bytes)
        })
    }

    /// The plan kept nothing of what the call read or wrote there.
    fn is_left_out(self, behind: Behind<'_>) -> bool {
        let Behind { call, arg, param, .. } = behind;
        let off = |pointee: &Option<Pointee>| pointee.as_ref().is_some_and(|p| p.state == State::Off);
        let (read, written) = self.counts(call, param);
        off(&arg.before) && read || off(&arg.after) && written
    }

    /// What the kernel finds there means something; what it leaves there does.
    fn counts(self, call: &Call, param: &Param) -> (bool, bool) {
        let failed = call.ret().and_then(errno::of_result).is_some();
        // After a failure nothing is written, unless the condition is about how the call ended.
        let whatever = param.condition.as_ref().is_some_and(Expr::asks_outcome);
        let hidden = self.is_false(call, param) || failed && !whatever;
        // A condition tells when the kernel reads (`in`) or writes (`out`) there; of `inout`, when it writes.
        let read = match param.direction {
            Some(Direction::Out) => false,
            Some(Direction::InOut) => true,
            _ => !self.is_false(call, param),
        };
        (read, !hidden)
    }

    /// `["first", ... /* 0x7f4044bffc */]`: what was read before the memory ended, and where that was. False when there is none.
    fn torn(self, line: &mut Line, behind: Behind<'_>) -> bool {
        let Behind { call, arg, param, class } = behind;
        let (Some(Pointee { state: State::Fault, content, .. }), Some(start)) = (&arg.before, arg.raw) else {
            return false;
        };
        if !self.counts(call, param).0 {
            return false;
        }
        let mark = line.mark();
        let end = match content {
            Content::Texts(texts) => {
                line.open(List::Elements);
                for text in texts {
                    line.next();
                    self.string(line, text, false);
                }
                texts.len() * if call.abi == Abi::I386 { 4 } else { 8 }
            }
            Content::Bytes(bytes) if matches!(class, Class::Array | Class::Vector) => {
                let ty = &param.ty;
                let size = self.catalog.size_of(call.abi, ty).map_or(0, |size| size as usize);
                let whole = bytes.len() - bytes.len().checked_rem(size).unwrap_or(bytes.len());
                line.open(List::Elements);
                let known = self.with_objects(behind, false, |objects| {
                    let loads = objects.loads(ty, bytes, None);
                    bytes.chunks_exact(size.max(1)).enumerate().all(|(at, bytes)| {
                        line.next();
                        objects.show(line, ty, Object { bytes, load: loads.get(at), ..Object::default() })
                    })
                });
                if whole == 0 || !known {
                    line.back_to(mark);
                    return false;
                }
                whole
            }
            _ => return false,
        };
        line.more();
        line.comment(&format!("{:#x}", start.wrapping_add(end as u64)));
        line.close();
        true
    }

    /// What was there before the call, and what after, as far as either means something.
    pub(crate) fn sides<'p>(self, behind: Behind<'p>) -> (Option<&'p Pointee>, Option<&'p Pointee>) {
        let Behind { call, arg, param, .. } = behind;
        let (read, written) = self.counts(call, param);
        let before = arg.before.as_ref().filter(|p| p.is_readable() && read);
        let after = arg.after.as_ref().filter(|p| p.is_readable() && written);
        (before, after)
    }

    /// Of one object of fixed size its own bytes: where a command means other objects on other files, the largest was kept.
    fn own<'p>(self, bytes: &'p [u8], call: &Call, param: &Param, class: Class) -> &'p [u8] {
        let size = match (class, &param.extent) {
            (Class::Struct, None) if !self.catalog.variants(&call.name).is_empty() => {
                self.catalog.size_of(call.abi, &param.ty)
            }
            _ => None,
        };
        size.and_then(|size| bytes.get(..size as usize)).unwrap_or(bytes)
    }

    /// `[128 => 16]`: a number behind a pointer, before and after. False when it is something else.
    fn number_changed(self, line: &mut Line, behind: Behind<'_>, both: (&Content, &Content)) -> bool {
        let (Content::Bytes(before), Content::Bytes(after)) = both else { return false };
        let ty = &behind.param.ty;
        self.with_objects(behind, true, |objects| {
            let number = |bytes| objects.value(ty, behind.param.render.as_deref(), bytes);
            let (Some(before), Some(after)) = (number(before), number(after)) else { return false };
            line.open(List::Elements);
            line.next();
            before.show(line, self.catalog);
            line.word(" => ");
            after.show(line, self.catalog);
            line.close();
            true
        })
    }

    /// Shows what was there at one time; `old` is what was there before that.
    pub(crate) fn pointee(
        self,
        line: &mut Line,
        behind: Behind<'_>,
        pointee: &Pointee,
        answered: bool,
        old: Option<&Pointee>,
    ) {
        let Behind { arg, param, class, .. } = behind;
        let cut = pointee.state == State::Cut;
        match &pointee.content {
            Content::Nothing => unread(line, arg),
            Content::Text(text) if class == Class::Path => line.string(text, cut),
            Content::Text(text) => self.string(line, text, cut),
            Content::Count(count) => environment(line, arg, *count, cut),
            Content::Texts(texts) => self.strings(line, texts, cut),
            Content::Bytes(text) if class == Class::Path => line.string(text, cut),
            Content::Bytes(text) if class == Class::Str => self.string(line, text, cut),
            Content::Bytes(bytes) if class == Class::Bytes => self.bytes(line, behind, bytes, cut),
            Content::Bytes(bytes) => {
                let bytes = self.own(bytes, behind.call, param, class);
                let old = old.and_then(|old| match &old.content {
                    Content::Bytes(old) => Some(old.as_slice()),
                    _ => None,
                });
                let mark = line.mark();
                let sized = matches!(param.extent, Some(Extent::Bytes(..)));
                let object = Object { bytes, cut, old, sized, load: None };
                if !self.with_objects(behind, answered, |objects| {
                    objects.argument(line, param, class, object, None)
                }) {
                    line.back_to(mark);
                    // An option shorter than it should be.
                    if param.name == "optval" {
                        return self.bytes(line, behind, bytes, cut);
                    }
                    unread(line, arg);
                }
            }
        }
    }

    /// A buffer.
    fn bytes(self, line: &mut Line, behind: Behind<'_>, bytes: &[u8], cut: bool) {
        let Behind { arg, param, .. } = behind;
        let render = param.render.as_deref();
        let text = form::Text { ty: &param.ty.name, render, name: &param.name };
        // An option without a description of its own is an int if it has the size of one (socket(7)).
        if param.name == "optval"
            && !cut
            && let &[a, b, c, d] = bytes
        {
            line.open(List::Elements);
            line.next();
            line.signed(i32::from_le_bytes([a, b, c, d]).into());
            line.close();
            return;
        }
        let socket = self.netlink(behind.call).filter(|_| param.name != "optval");
        match render.or(socket.map(|_| "netlink")) {
            None | Some("path" | "str" | "hexstring") => form::bytes(line, text, bytes, cut, self.limit),
            Some("netlink") => {
                let mark = line.mark();
                if !self.with_objects(behind, true, |objects| netlink::show(line, objects, bytes, cut)) {
                    line.back_to(mark);
                    form::bytes(line, form::Text { render: None, ..text }, bytes, cut, self.limit);
                }
            }
            Some("cpumask") if !cut => form::bytes(line, text, bytes, cut, self.limit),
            // A row of objects that say themselves how long they are. How many there are is known only when all are there.
            Some(row) if self.verbose && !cut => {
                let object = Object { bytes, ..Object::default() };
                let ty = Ty::named(row);
                self.with_objects(behind, true, |objects| objects.row(line, &ty, object, Loads::default()));
            }
            Some(row) => {
                unread(line, arg);
                let ty = Ty::named(row);
                let count = self.with_objects(behind, true, |objects| objects.count(&ty, bytes));
                if !cut && (count > 0 || bytes.is_empty()) {
                    let words = if count == 1 { "entry" } else { "entries" };
                    line.comment(&format!("{count} {words}"));
                }
            }
        }
    }

    /// What objects of one argument are shown by.
    pub(crate) fn with_objects<T>(
        self,
        behind: Behind<'_>,
        answered: bool,
        f: impl FnOnce(Objects<'_>) -> T,
    ) -> T {
        let Behind { call, arg, param, .. } = behind;
        let outer = |expr: &Expr| evaluate(expr, call, self.catalog);
        f(Objects {
            catalog: self.catalog,
            structures: self.structures,
            abi: call.abi,
            limit: self.limit,
            verbose: self.verbose,
            outer: &outer,
            parts: Parts { list: &arg.parts, answered, index: None },
            unnamed: false,
            total: param.load.as_ref().and_then(|load| load.total.as_ref()),
            netlink: self.netlink(call),
        })
    }
}

impl Show<'_> {
    /// The protocol of the netlink socket that a call is about.
    fn netlink(self, call: &Call) -> Option<i32> {
        self.descriptors.netlink(call, call.arg("fd")?.raw? as i32)
    }
}

impl Objects<'_> {
    /// Shows what a pointer led to, an argument or the member of that name; false when its type says nothing about such
    /// bytes.
    pub(crate) fn argument(
        self,
        line: &mut Line,
        param: &Param,
        class: Class,
        object: Object<'_>,
        name: Option<&str>,
    ) -> bool {
        let ty = &param.ty;
        let structure = self.is_structure(&ty.name);
        match class {
            // Objects that say themselves how long they are, in so many bytes.
            Class::Struct if self.says_its_length(&ty.name) => {
                self.row(line, ty, object, Loads::default());
                true
            }
            Class::Struct | Class::Sockaddr if structure => {
                let bytes = match &param.extent {
                    // An object that says itself how long it is.
                    Some(Extent::Bytes(length @ Expr::Member(_), _)) => {
                        let whole = self.member_of(ty, length, object.bytes);
                        whole.and_then(|whole| object.bytes.get(..whole)).unwrap_or(object.bytes)
                    }
                    // What lies behind is what was there before: the kernel cuts an address to the room that it is given.
                    Some(Extent::Bytes(length, _)) if class == Class::Sockaddr => {
                        let length = length.value(self.outer).and_then(|length| usize::try_from(length).ok());
                        length.and_then(|length| object.bytes.get(..length)).unwrap_or(object.bytes)
                    }
                    _ => object.bytes,
                };
                self.show(line, ty, Object { bytes, ..object })
            }
            Class::Vector => {
                let loads = self.loads(ty, object.bytes, name);
                if structure && param.extent.is_none() {
                    return self.show(line, ty, object);
                }
                self.row(line, ty, object, loads);
                structure
            }
            _ if param.render.as_deref() == Some("fds") => {
                form::numbers_of_bits(line, object.bytes, self.descriptors());
                true
            }
            Class::Array if param.render.as_deref() == Some("utime") => {
                self.times(line, ty, object.bytes);
                true
            }
            Class::Array if param.render.as_deref() == Some("capabilities") => {
                self.capabilities(line, ty, object.bytes)
            }
            Class::Array => {
                let known = structure || self.catalog.stored_of(self.abi, &ty.name).is_some();
                if known {
                    self.row(line, ty, object, Loads::default());
                }
                known
            }
            _ => match self.value(ty, param.render.as_deref(), object.bytes) {
                // A set of signals has brackets of its own.
                Some(value) if matches!(ty.name.as_str(), "sigset" | "old_sigset") => {
                    value.show(line, self.catalog);
                    true
                }
                Some(value) => {
                    line.open(List::Elements);
                    line.next();
                    value.show(line, self.catalog);
                    line.close();
                    true
                }
                None => {
                    let size =
                        self.catalog.stored_of(self.abi, &ty.name).map_or(0, |stored| stored.bytes.into());
                    let whole = object.bytes.len().is_multiple_of(size) && !object.bytes.is_empty();
                    if whole {
                        self.row(line, ty, object, Loads::default());
                    }
                    whole
                }
            },
        }
    }

    /// How many descriptors a call looks at that takes sets of them: its `n` (`select(2)`). What lies above means nothing.
    pub(crate) fn descriptors(self) -> u64 {
        let said = (self.outer)(&Expr::Name("n".to_owned()));
        said.and_then(|said| u64::try_from(said).ok()).unwrap_or(u64::MAX)
    }

    /// The value of an expression over the members of an object.
    fn member_of(self, ty: &Ty, expr: &Expr, bytes: &[u8]) -> Option<usize> {
        let structure = self.structures.get(self.catalog, self.abi, &ty.name)?;
        usize::try_from(structure.evaluate(expr, bytes, self.outer)?).ok()
    }
}
