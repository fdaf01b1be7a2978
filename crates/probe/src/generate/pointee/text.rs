//! Strings and vectors of strings.

use schema::layout::{Pointee, Registers, State};

use super::super::Generator;
use super::{STACK_ELEMENT, STACK_END, STACK_POINTER, STACK_RING};
use crate::insn::{Alu, Cond, Helper, Label, Reg::*, Size};
use crate::program::Error;
use crate::ring;

/// Labels of the ways out of a vector.
struct Ends {
    full: Label,
    bad: Label,
    done: Label,
}

impl Generator<'_> {
    /// `r0` = bytes of the string at `r3`, copied to the cursor, NUL included: `cap + 1` at most. Jumps to `bad` when it cannot be
    /// read and to `long` when it is longer, for [`Self::cut`].
    ///
    /// The helper's result is the same for a string that fits exactly and for one that it cut, so it is given one byte more than
    /// is kept. That byte may be the one behind the longest record: [`Self::reserve`] leaves it free.
    ///
    /// The verifier walks on before it jumps: the wide range of lengths first, the one long length later, which is then nothing new.
    pub(super) fn read_string(&mut self, cap: u16, bad: Label, long: Label) {
        self.cursor();
        self.asm.set(R2, i32::from(cap) + 2);
        self.asm.call(Helper::ProbeReadUserStr);
        self.asm.jump_if_imm(Cond::SLe, R0, 0, bad);
        self.asm.jump_if_imm(Cond::Eq, R0, i32::from(cap) + 2, long);
    }

    /// Ends the string at the cursor after `cap` bytes.
    pub(super) fn cut(&mut self, pointee: &Pointee, cap: u16) -> Result<(), Error> {
        self.state(pointee, State::Cut)?;
        self.cursor();
        self.asm.alu_imm(Alu::Add, R1, i32::from(cap));
        self.asm.store_imm(Size::B1, R1, 0, 0);
        self.asm.set(R0, i32::from(cap) + 1);
        Ok(())
    }

    pub(super) fn string(&mut self, pointee: &Pointee, cap: u16) -> Result<(), Error> {
        let (long, bad, join) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.note("a string");
        self.pointer(pointee)?;
        self.state(pointee, State::Ok)?;
        self.read_string(cap, bad, long);
        self.asm.jump(join);
        self.asm.place(long);
        self.cut(pointee, cap)?;
        self.asm.jump(join);
        self.asm.place(bad);
        self.cursor();
        self.asm.store_imm(Size::B1, R1, 0, i32::from(b'#'));
        self.asm.store_imm(Size::B1, R1, 1, 0);
        self.failed(pointee)?;
        self.asm.set(R0, 2);
        self.asm.place(join);
        self.asm.alu(Alu::Add, R9, R0);
        Ok(())
    }

    /// `start`: the largest that the cursor can be here.
    pub(super) fn strings(
        &mut self,
        pointee: &Pointee,
        (most, cap, all): (u16, u16, u16),
        start: u32,
    ) -> Result<(), Error> {
        let (top, next, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        let (long, full, bad) = (self.asm.label(), self.asm.label(), self.asm.label());
        // The count is stored in one byte.
        let most = most.min(u16::from(u8::MAX));
        self.asm.note("a vector of strings; r7 counts");
        self.pointer(pointee)?;
        self.state(pointee, State::Ok)?;
        self.asm.store(Size::B8, R10, STACK_RING, R7);
        self.asm.mov(R1, R9);
        self.asm.alu_imm(Alu::Add, R1, i32::from(all));
        self.asm.store(Size::B8, R7, ring::SCRATCH, R1);
        self.asm.load(Size::B8, R1, R7, ring::SCRATCH);
        self.asm.jump_if_imm(Cond::Gt, R1, (start + u32::from(all)) as i32, self.oversize);
        self.asm.store(Size::B8, R10, STACK_END, R1);
        self.asm.set(R7, 0);
        self.asm.place(top);
        self.element(bad, done);
        self.asm.jump_if_imm(Cond::Ge, R7, i32::from(most), full);
        self.asm.load(Size::B8, R1, R10, STACK_END);
        self.asm.jump_if(Cond::Gt, R9, R1, full);
        self.read_string(cap, bad, long);
        self.asm.place(next);
        self.asm.alu(Alu::Add, R9, R0);
        self.asm.note("laundered, so that every turn begins in the same state");
        self.asm.load(Size::B8, R1, R10, STACK_RING);
        self.asm.store(Size::B8, R1, ring::SCRATCH, R9);
        self.asm.load(Size::B8, R9, R1, ring::SCRATCH);
        self.asm.alu_imm(Alu::Add, R7, 1);
        self.asm.jump(top);
        self.asm.place(long);
        self.cut(pointee, cap)?;
        self.asm.jump(next);
        self.end_of_vector(pointee, Ends { full, bad, done })
    }

    /// Where turns of a vector end: its last element, too many, or memory that is not there, before which what could be read is
    /// kept. `r7` is the ring again.
    fn end_of_vector(&mut self, pointee: &Pointee, ends: Ends) -> Result<(), Error> {
        self.asm.place(ends.full);
        self.state(pointee, State::Cut)?;
        self.asm.jump(ends.done);
        self.asm.place(ends.bad);
        self.failed(pointee)?;
        self.asm.place(ends.done);
        let count_at = self.at(pointee.length.unwrap_or_default())?;
        self.asm.store(Size::B1, R8, count_at, R7);
        self.asm.load(Size::B8, R7, R10, STACK_RING);
        Ok(())
    }

    /// Element `r7` of the vector to `r3`; `done` when it is null, `bad` when it cannot be read.
    fn element(&mut self, bad: Label, done: Label) {
        let (shift, width) = match self.shape.registers {
            Registers::X86_64 => (3, Size::B8),
            Registers::I386 => (2, Size::B4),
        };
        self.asm.load(Size::B8, R3, R10, STACK_POINTER);
        self.asm.mov(R1, R7);
        self.asm.alu_imm(Alu::Shl, R1, shift);
        self.asm.alu(Alu::Add, R3, R1);
        self.asm.mov(R1, R10);
        self.asm.alu_imm(Alu::Add, R1, i32::from(STACK_ELEMENT));
        self.asm.set(R2, 1 << shift);
        self.asm.call(Helper::ProbeReadUser);
        self.asm.jump_if_imm(Cond::Ne, R0, 0, bad);
        self.asm.load(width, R3, R10, STACK_ELEMENT);
        self.asm.jump_if_imm(Cond::Eq, R3, 0, done);
    }

    /// How many elements there are before the null pointer.
    pub(super) fn count_elements(&mut self, pointee: &Pointee, most: u16) -> Result<(), Error> {
        let (top, full, bad, done) = (self.asm.label(), self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.note("length of a vector; r7 counts");
        self.pointer(pointee)?;
        self.state(pointee, State::Ok)?;
        self.asm.store(Size::B8, R10, STACK_RING, R7);
        self.asm.set(R7, 0);
        self.asm.place(top);
        self.element(bad, done);
        self.asm.jump_if_imm(Cond::Ge, R7, i32::from(most.min(u16::from(u8::MAX))), full);
        self.asm.alu_imm(Alu::Add, R7, 1);
        self.asm.jump(top);
        self.end_of_vector(pointee, Ends { full, bad, done })
    }
}
