//! Shape -> program that writes one record.
//!
//! Registers while a record is written: `r6` the call's `pt_regs` (or the tracepoint's context), `r7` this CPU's ring, `r8` the
//! record, `r9` the time and then the cursor of variable parts, as an offset from `r8`.
//!
//! The cursor is *laundered* after each variable part: stored to the ring's scratch word, loaded back and bounded, so that all
//! ways through that part become one state for the verifier. Without it two loops in one program multiply its work thirtyfold.

mod fields;
mod pointee;
mod reserve;
mod tracepoint;

use schema::layout::{Copy, HEADER_LEN, IdRule, NUMBERS, Point, Registers, Shape, Slot, Source, State};

use crate::dispatch::member;
use crate::facts::Facts;
use crate::insn::{Alu, Cond, Label, MapRef, Operand, Reg::*, Size};
use crate::program::{Assembler, Error, Program};
use crate::ring::{self, Geometry};

/// Offset of the record's thread id.
const RECORD_TID: i16 = 6;

/// The program that writes records of this shape.
///
/// # Errors
/// [`Error::RecordTooLong`] when the shape's longest record does not fit a sub-buffer of its ring, [`Error::NoMember`] when the
/// facts lack a member that it names, [`Error::Offset`] when a field lies beyond the reach of a memory access.
pub fn program(name: &str, shape: &Shape, facts: &Facts) -> Result<Program, Error> {
    let (map, geometry) = match shape.point {
        Point::Entry | Point::Exit => (MapRef::Syscalls, facts.syscalls),
        Point::Tracepoint(_) => (MapRef::Lifecycle, facts.lifecycle),
    };
    let longest = shape.longest();
    if longest >= geometry.sub_buffer() - ring::HEADER || longest >= Geometry::SLACK {
        return Err(Error::RecordTooLong {
            program: name.to_owned(),
            longest,
            sub_buffer: geometry.sub_buffer(),
        });
    }
    let mut asm = Assembler::default();
    let out = asm.label();
    let oversize = asm.label();
    let switch = Switch { slow: asm.label(), ready: asm.label() };
    let mut generator = Generator {
        asm: &mut asm,
        name,
        shape,
        facts,
        map,
        geometry,
        out,
        oversize,
        switch,
        drops: false,
        bounds: Vec::new(),
    };
    generator.begin()?;
    generator.header()?;
    generator.fixed_fields()?;
    generator.pointees()?;
    let fixed = shape.pointees.iter().all(|p| matches!(p.copy, Copy::Object { .. } | Copy::Off));
    generator.publish(if fixed { Operand::Imm(i32::from(shape.fixed_len)) } else { Operand::Reg(R9) });
    generator.out_of_line();
    asm.finish(name)
}

/// True for exits whose record the exit dispatcher writes: the result, under the number of the call.
pub fn is_plain_exit(shape: &Shape) -> bool {
    let result = Slot { offset: HEADER_LEN, width: 8, source: Source::Result };
    let ids = [IdRule::NumberPlus(NUMBERS), IdRule::NumberPlus(4 * NUMBERS)];
    shape.point == Point::Exit
        && shape.slots == [result]
        && shape.pointees.is_empty()
        && !shape.only_if_failed
        && ids.contains(&shape.id)
}

/// The word of an entry whose record the entry dispatcher writes: registers in their order ([`crate::dispatch`]).
pub fn plain_entry_word(shape: &Shape) -> Option<u32> {
    let native = shape.point == Point::Entry
        && shape.registers == Registers::X86_64
        && shape.id == IdRule::NumberPlus(0)
        && shape.pointees.is_empty()
        && shape.counted;
    let (mut word, mut end, mut next) = (0, HEADER_LEN, 0);
    for slot in &shape.slots {
        let Source::Register(register) = slot.source else { return None };
        if register < next || slot.offset != end || Size::of(slot.width).is_none() {
            return None;
        }
        word |= u32::from(slot.width) << (u32::from(register) * 4);
        end += u16::from(slot.width);
        next = register + 1;
    }
    (native && shape.fixed_len == end).then_some(word | u32::from(end) << 24)
}

/// The shape of a record that a dispatcher writes.
fn plain(point: Point, id: IdRule, slots: Vec<Slot>, fixed_len: u16, counted: bool) -> Shape {
    Shape {
        point,
        registers: Registers::X86_64,
        id,
        slots,
        fixed_len,
        pointees: Vec::new(),
        reread: false,
        only_if_failed: false,
        counted,
    }
}

/// Writes the record of a plain entry, inside the entry dispatcher, and ends it. In: `r6` the context; on the stack the thread, the
/// event id and the word.
pub(crate) fn plain_entry(asm: &mut Assembler, name: &str, facts: &Facts) -> Result<(), Error> {
    let longest = HEADER_LEN + 6 * 8;
    let shape = plain(Point::Entry, IdRule::NumberPlus(0), Vec::new(), longest, true);
    in_dispatcher(asm, name, &shape, facts, |generator| {
        generator.registers_by_word();
        generator.publish(Operand::Reg(R9));
        Ok(())
    })
}

/// Writes the record of a plain exit, inside the exit dispatcher, and ends it; `counted` as in [`Shape`]. In: `r6` the context; on the
/// stack the thread and the event id.
pub(crate) fn plain_exit(asm: &mut Assembler, name: &str, facts: &Facts, counted: bool) -> Result<(), Error> {
    let result = Slot { offset: HEADER_LEN, width: 8, source: Source::Result };
    let shape = plain(Point::Exit, IdRule::NumberPlus(NUMBERS), vec![result], HEADER_LEN + 8, counted);
    in_dispatcher(asm, name, &shape, facts, |generator| {
        generator.fixed_fields()?;
        generator.publish(Operand::Imm(i32::from(shape.fixed_len)));
        Ok(())
    })
}

/// A record of a dispatcher: room, header, what `rest` writes and publishes.
fn in_dispatcher(
    asm: &mut Assembler,
    name: &str,
    shape: &Shape,
    facts: &Facts,
    rest: impl FnOnce(&mut Generator<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (out, oversize) = (asm.label(), asm.label());
    let switch = Switch { slow: asm.label(), ready: asm.label() };
    let mut generator = Generator {
        asm,
        name,
        shape,
        facts,
        map: MapRef::Syscalls,
        geometry: facts.syscalls,
        out,
        oversize,
        switch,
        drops: false,
        bounds: Vec::new(),
    };
    generator.asm.load(Size::B8, R6, R6, 0);
    generator.reserve();
    generator.known_header();
    rest(&mut generator)?;
    generator.out_of_line();
    Ok(())
}

struct Generator<'a> {
    asm: &'a mut Assembler,
    name: &'a str,
    shape: &'a Shape,
    facts: &'a Facts,
    map: MapRef,
    geometry: Geometry,
    out: Label,
    oversize: Label,
    switch: Switch,
    /// True when something jumps to `oversize`: the verifier refuses code that nobody reaches.
    drops: bool,
    /// What stands behind the main path: the rare way of a bound. The verifier walks on before it jumps; having seen the wide range of
    /// numbers first, it finds nothing new in the one that they are cut to.
    bounds: Vec<Bound>,
}

/// A number in `r2` that was too large.
struct Bound {
    /// Jumped to when it is.
    over: Label,
    /// Goes on there, with `r2` =
    back: Label,
    most: i32,
    /// Offset of the state of what is cut by that.
    cut: Option<i16>,
}

/// Labels of the packet switch, which stands behind the main path.
#[derive(Clone, Copy)]
struct Switch {
    slow: Label,
    ready: Label,
}

impl Generator<'_> {
    fn at(&self, offset: u16) -> Result<i16, Error> {
        i16::try_from(offset)
            .map_err(|_| Error::Offset { program: self.name.to_owned(), offset: u32::from(offset) })
    }

    fn member(&self, strukt: &str, member_name: &str) -> Result<i16, Error> {
        member(self.facts, self.name, strukt, member_name)
    }

    /// `r6`, the task filter of lifecycle programs, and room for a record in `r8`.
    fn begin(&mut self) -> Result<(), Error> {
        match self.shape.point {
            Point::Entry | Point::Exit => self.asm.load(Size::B8, R6, R1, 0),
            Point::Tracepoint(tracepoint) => {
                self.asm.mov(R6, R1);
                self.task_set(tracepoint)?;
            }
        }
        self.reserve();
        Ok(())
    }

    /// The last store of a record of that length: from here the reader sees it. Its partner is the acquire load of `pos` in the
    /// collector; stores of one CPU become visible in order on x86.
    fn publish(&mut self, length: Operand) {
        if self.shape.counted {
            self.asm.note("one more call");
            self.count(ring::ENTRIES);
        }
        self.asm.note("publish");
        self.asm.load(Size::B8, R1, R7, ring::POS);
        match length {
            Operand::Imm(length) => self.asm.alu_imm(Alu::Add, R1, length),
            Operand::Reg(length) => self.asm.alu(Alu::Add, R1, length),
        }
        self.asm.store(Size::B8, R7, ring::POS, R1);
    }

    /// `r2` at most `most`; what is cut by that has its state there.
    fn at_most(&mut self, most: i32, cut: Option<i16>) {
        let (over, back) = (self.asm.label(), self.asm.label());
        self.asm.jump_if_imm(Cond::Gt, R2, most, over);
        self.asm.place(back);
        self.bounds.push(Bound { over, back, most, cut });
    }

    fn out_of_line(&mut self) {
        self.asm.place(self.out);
        self.asm.exit();
        for Bound { over, back, most, cut } in std::mem::take(&mut self.bounds) {
            self.asm.place(over);
            self.asm.set(R2, most);
            if let Some(state) = cut {
                self.asm.store_imm(Size::B1, R8, state, State::Cut as i32);
            }
            self.asm.jump(back);
        }
        self.switch_packet();
        if self.drops {
            self.asm.place(self.oversize);
            self.asm.note("the record left its bounds: a loss of its own kind");
            self.count(ring::LOST);
            self.count(ring::OVERSIZE);
            self.asm.exit();
        }
    }
}
