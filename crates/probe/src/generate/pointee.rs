//! What pointers lead to: strings, vectors of strings, buffers, objects.

use schema::layout::{Copy, Length, Point, Pointee, Registers, Source, State};

use super::fields::AX;
use super::{Generator, RECORD_TID};
use crate::dispatch::{FAILED, TASKS};
use crate::insn::{Alu, Cond, Helper, Label, MapRef, Reg::*, Size};
use crate::program::Error;
use crate::ring;

/// Stack slots: an element of a vector, a length, the ring while `r7` counts, the pointer of this pointee, where a vector is full.
const STACK_ELEMENT: i16 = -16;
const STACK_LENGTH: i16 = -24;
const STACK_RING: i16 = -32;
const STACK_POINTER: i16 = -40;
const STACK_END: i16 = -48;

impl Generator<'_> {
    pub(super) fn pointees(&mut self) -> Result<(), Error> {
        let shape = self.shape;
        if shape.pointees.is_empty() {
            return Ok(());
        }
        self.asm.set(R9, i32::from(shape.fixed_len));
        let mut bound = u32::from(shape.fixed_len);
        for pointee in &shape.pointees {
            let start = bound;
            bound += pointee.copy.longest();
            match &pointee.copy {
                Copy::String { cap } => {
                    self.string(pointee, *cap)?;
                    self.launder(bound);
                }
                Copy::Strings { most, cap, all } => {
                    self.strings(pointee, (*most, *cap, *all), start)?;
                    self.launder(bound);
                }
                Copy::Count { most } => self.count_elements(pointee, *most)?,
                Copy::Bytes { length, cap } => {
                    self.bytes(pointee, length, *cap)?;
                    self.launder(bound);
                }
                Copy::Object { offset, size } => self.object(pointee, *offset, *size)?,
            }
        }
        Ok(())
    }

    /// All ways here become one verifier state: the cursor is an unknown number again, of at most `bound`.
    fn launder(&mut self, bound: u32) {
        self.asm.store(Size::B8, R7, ring::SCRATCH, R9);
        self.asm.load(Size::B8, R9, R7, ring::SCRATCH);
        self.asm.jump_if_imm(Cond::Gt, R9, bound as i32, self.oversize);
        self.drops = true;
    }

    /// `r3` = the pointer, also on the stack. Registers that an `execve` has wiped read as the unreadable address 1.
    fn pointer(&mut self, pointee: &Pointee) -> Result<(), Error> {
        self.fetch(R3, &pointee.pointer, self.address())?;
        if self.shape.only_if_failed {
            // Without a jump, so that the verifier walks what follows once: all ones keep the pointer of a failed call,
            // all zeroes make 1 of any other.
            self.asm.load(Size::B8, R1, R6, AX);
            self.asm.alu_imm(Alu::Sar, R1, 63);
            self.asm.alu(Alu::And, R3, R1);
            self.asm.alu_imm(Alu::Add, R1, 1);
            self.asm.alu(Alu::Or, R3, R1);
        }
        self.asm.store(Size::B8, R10, STACK_POINTER, R3);
        Ok(())
    }

    fn state(&mut self, pointee: &Pointee, state: State) -> Result<(), Error> {
        let offset = self.at(pointee.state)?;
        self.asm.store_imm(Size::B1, R8, offset, state as i32);
        Ok(())
    }

    /// The state of a pointee whose copy failed: null or fault; a fault is remembered for the exit side.
    fn failed(&mut self, pointee: &Pointee) -> Result<(), Error> {
        let done = self.asm.label();
        self.state(pointee, State::Null)?;
        self.asm.load(Size::B8, R3, R10, STACK_POINTER);
        self.asm.jump_if_imm(Cond::Eq, R3, 0, done);
        self.state(pointee, State::Fault)?;
        if self.shape.reread {
            self.asm.load(Size::B4, R1, R8, RECORD_TID);
            self.asm.alu_imm(Alu::And, R1, TASKS as i32 - 1);
            self.asm.load_map_value(R2, MapRef::Tasks);
            self.asm.alu(Alu::Add, R2, R1);
            self.asm.load(Size::B1, R1, R2, 0);
            self.asm.alu_imm(Alu::Or, R1, i32::from(FAILED));
            self.asm.store(Size::B1, R2, 0, R1);
        }
        self.asm.place(done);
        Ok(())
    }

    /// `r1` = where the variable part goes.
    fn cursor(&mut self) {
        self.asm.mov(R1, R8);
        self.asm.alu(Alu::Add, R1, R9);
    }

    /// `r0` = bytes of the string at `r3`, copied to the cursor, NUL included: `cap + 1` at most. Jumps to `bad` when it cannot be
    /// read and to `long` when it is longer, for [`Self::cut`].
    ///
    /// The helper's result is the same for a string that fits exactly and for one that it cut, so it is given one byte more than
    /// is kept. That byte may be the one behind the longest record: [`Self::reserve`] leaves it free.
    ///
    /// The verifier walks on before it jumps: the wide range of lengths first, the one long length later, which is then nothing new.
    fn read_string(&mut self, cap: u16, bad: Label, long: Label) {
        self.cursor();
        self.asm.set(R2, i32::from(cap) + 2);
        self.asm.call(Helper::ProbeReadUserStr);
        self.asm.jump_if_imm(Cond::SLe, R0, 0, bad);
        self.asm.jump_if_imm(Cond::Eq, R0, i32::from(cap) + 2, long);
    }

    /// Ends the string at the cursor after `cap` bytes.
    fn cut(&mut self, pointee: &Pointee, cap: u16) -> Result<(), Error> {
        self.state(pointee, State::Cut)?;
        self.cursor();
        self.asm.alu_imm(Alu::Add, R1, i32::from(cap));
        self.asm.store_imm(Size::B1, R1, 0, 0);
        self.asm.set(R0, i32::from(cap) + 1);
        Ok(())
    }

    fn string(&mut self, pointee: &Pointee, cap: u16) -> Result<(), Error> {
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
    fn strings(
        &mut self,
        pointee: &Pointee,
        (most, cap, all): (u16, u16, u16),
        start: u32,
    ) -> Result<(), Error> {
        let (top, next, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        let (long, full, bad) = (self.asm.label(), self.asm.label(), self.asm.label());
        let count_at = self.at(pointee.length.unwrap_or_default())?;
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
        self.asm.place(full);
        self.state(pointee, State::Cut)?;
        self.asm.jump(done);
        self.asm.place(bad);
        self.failed(pointee)?;
        self.asm.set(R7, 0);
        self.asm.load(Size::B8, R9, R10, STACK_END);
        self.asm.alu_imm(Alu::Sub, R9, i32::from(all));
        self.asm.place(done);
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
    fn count_elements(&mut self, pointee: &Pointee, most: u16) -> Result<(), Error> {
        let (top, full, bad, done) = (self.asm.label(), self.asm.label(), self.asm.label(), self.asm.label());
        let count_at = self.at(pointee.length.unwrap_or_default())?;
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
        self.asm.place(full);
        self.state(pointee, State::Cut)?;
        self.asm.jump(done);
        self.asm.place(bad);
        self.failed(pointee)?;
        self.asm.set(R7, 0);
        self.asm.place(done);
        self.asm.store(Size::B1, R8, count_at, R7);
        self.asm.load(Size::B8, R7, R10, STACK_RING);
        Ok(())
    }

    /// Width of an address in a register.
    fn address(&self) -> Size {
        match self.shape.registers {
            Registers::X86_64 => Size::B8,
            Registers::I386 => Size::B4,
        }
    }

    /// Goes to `join` with the state `off` when the call failed: then nothing was written.
    fn unless_failed(&mut self, pointee: &Pointee, join: Label) -> Result<(), Error> {
        let wrote = self.asm.label();
        self.state(pointee, State::Off)?;
        self.fetch(R1, &Source::Result, Size::B8)?;
        self.asm.jump_if_imm(Cond::SGe, R1, 0, wrote);
        self.asm.jump(join);
        self.asm.place(wrote);
        Ok(())
    }

    /// `r2` = bytes of so many objects, or of one more than are kept. The count is bounded before it is multiplied: no count is so
    /// large that its product is small.
    fn objects(
        &mut self,
        pointee: &Pointee,
        count: Option<(u8, u8)>,
        size: u16,
        cap: u16,
        join: Label,
    ) -> Result<(), Error> {
        let few = self.asm.label();
        if self.shape.point == Point::Exit {
            self.unless_failed(pointee, join)?;
        }
        match count {
            Some((n, width)) => {
                self.fetch(R2, &Source::Register(n), Size::of(width).unwrap_or(Size::B8))?;
            }
            None => self.fetch(R2, &Source::Result, Size::B8)?,
        }
        let more = i32::from(cap / size) + 1;
        self.asm.jump_if_imm(Cond::Le, R2, more, few);
        self.asm.set(R2, more);
        self.asm.place(few);
        self.asm.alu_imm(Alu::Mul, R2, i32::from(size));
        Ok(())
    }

    fn bytes(&mut self, pointee: &Pointee, length: &Length, cap: u16) -> Result<(), Error> {
        let (read, bad, join) = (self.asm.label(), self.asm.label(), self.asm.label());
        let length_at = self.at(pointee.length.unwrap_or_default())?;
        self.asm.note("bytes");
        self.pointer(pointee)?;
        self.asm.store_imm(Size::B2, R8, length_at, 0);
        match length {
            Length::Register(n, width) => {
                self.fetch(R2, &Source::Register(*n), Size::of(*width).unwrap_or(Size::B8))?;
            }
            Length::Result => {
                self.unless_failed(pointee, join)?;
                self.fetch(R2, &Source::Result, Size::B8)?;
            }
            Length::Behind(n) => {
                self.unless_failed(pointee, join)?;
                self.fetch(R3, &Source::Register(*n), self.address())?;
                self.asm.mov(R1, R10);
                self.asm.alu_imm(Alu::Add, R1, i32::from(STACK_ELEMENT));
                self.asm.set(R2, 4);
                self.asm.call(Helper::ProbeReadUser);
                self.asm.jump_if_imm(Cond::Ne, R0, 0, bad);
                self.asm.load(Size::B4, R2, R10, STACK_ELEMENT);
                self.asm.load(Size::B8, R3, R10, STACK_POINTER);
            }
            Length::Objects { count, size } => self.objects(pointee, *count, (*size).max(1), cap, join)?,
            Length::Between(from, to) => {
                self.fetch(R2, to, Size::B8)?;
                self.fetch(R1, from, Size::B8)?;
                self.asm.alu(Alu::Sub, R2, R1);
            }
        }
        self.asm.jump_if_imm(Cond::Eq, R3, 0, bad);
        self.state(pointee, State::Ok)?;
        self.asm.jump_if_imm(Cond::Eq, R2, 0, join);
        self.asm.jump_if_imm(Cond::Le, R2, i32::from(cap), read);
        self.asm.set(R2, i32::from(cap));
        self.state(pointee, State::Cut)?;
        self.asm.place(read);
        self.asm.store(Size::B8, R10, STACK_LENGTH, R2);
        self.cursor();
        self.asm.call(Helper::ProbeReadUser);
        self.asm.jump_if_imm(Cond::Ne, R0, 0, bad);
        self.asm.load(Size::B8, R2, R10, STACK_LENGTH);
        self.asm.store(Size::B2, R8, length_at, R2);
        self.asm.alu(Alu::Add, R9, R2);
        self.asm.jump(join);
        self.asm.place(bad);
        self.failed(pointee)?;
        self.asm.place(join);
        Ok(())
    }

    fn object(&mut self, pointee: &Pointee, offset: u16, size: u16) -> Result<(), Error> {
        let (read, bad, join) = (self.asm.label(), self.asm.label(), self.asm.label());
        let offset = self.at(offset)?;
        let leaving = self.shape.point == Point::Exit;
        self.asm.note("an object; a failed copy clears it");
        self.pointer(pointee)?;
        if leaving {
            self.asm.load(Size::B8, R1, R6, AX);
            self.asm.jump_if_imm(Cond::SGe, R1, 0, read);
            self.asm.set(R3, 0);
            self.asm.place(read);
        }
        self.asm.mov(R1, R8);
        self.asm.alu_imm(Alu::Add, R1, i32::from(offset));
        self.asm.set(R2, i32::from(size));
        self.asm.call(Helper::ProbeReadUser);
        self.asm.jump_if_imm(Cond::Ne, R0, 0, bad);
        self.state(pointee, State::Ok)?;
        self.asm.jump(join);
        self.asm.place(bad);
        if leaving {
            self.state(pointee, State::Off)?;
            self.asm.load(Size::B8, R1, R6, AX);
            self.asm.jump_if_imm(Cond::SLe, R1, -1, join);
        }
        self.failed(pointee)?;
        self.asm.place(join);
        Ok(())
    }
}
