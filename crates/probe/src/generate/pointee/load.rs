//! What a row of `iovec` leads to.

use schema::layout::{Load, Pointee, Registers, State};

use super::super::Generator;
use super::{STACK_END, STACK_LENGTH, STACK_POINTER, STACK_RING};
use crate::insn::{Alu, Cond, Helper, Label, Reg::*, Size};
use crate::program::Error;
use crate::ring;

/// Stack slots: one `iovec`; how many bytes the row has; how many bytes of its memory are left.
const STACK_IOVEC: i16 = -64;
const STACK_ROWS: i16 = -72;
const STACK_LEFT: i16 = -80;
/// Most rows that are followed, as many as strace shows.
const MOST: i32 = 32;
/// Bytes of the count before each piece.
const COUNT: u16 = 2;

impl Generator<'_> {
    /// The pieces one behind the other, each after its number of bytes. `start`: the largest that the cursor can be here.
    pub(super) fn loaded(&mut self, pointee: &Pointee, load: &Load, start: u32) -> Result<(), Error> {
        let (bad, join) = (self.asm.label(), self.asm.label());
        let (done, full, missing) = (self.asm.label(), self.asm.label(), self.asm.label());
        let length_at = self.at(pointee.length.unwrap_or_default())?;
        let room = i32::from(load.all) - i32::from(load.cap + COUNT);
        self.asm.note("what a row of iovec leads to; r7 counts its bytes");
        self.asm.store_imm(Size::B2, R8, length_at, 0);
        self.only_when(pointee, pointee.when, join)?;
        self.guarded(pointee, join)?;
        self.pointer(pointee)?;
        if let Some(total) = &load.total {
            self.length(total, u16::MAX, bad)?;
            self.asm.store(Size::B8, R10, STACK_LEFT, R2);
        }
        self.length(&load.rows, u16::MAX, bad)?;
        self.asm.store(Size::B8, R10, STACK_ROWS, R2);
        self.asm.jump_if_imm(Cond::Eq, R3, 0, bad);
        self.state(pointee, State::Ok)?;
        self.asm.mov(R1, R9);
        self.asm.alu_imm(Alu::Add, R1, room);
        self.asm.store(Size::B8, R7, ring::SCRATCH, R1);
        self.asm.load(Size::B8, R1, R7, ring::SCRATCH);
        self.asm.jump_if_imm(Cond::Gt, R1, start as i32 + room, self.oversize);
        self.drops = true;
        self.asm.store(Size::B8, R10, STACK_END, R1);
        self.asm.store(Size::B8, R10, STACK_RING, R7);
        self.asm.set(R7, 0);
        self.pieces(load, start as i32 + room, (done, full, missing));
        self.asm.place(full);
        self.state(pointee, State::Cut)?;
        self.asm.jump(done);
        self.asm.place(missing);
        self.asm.load(Size::B8, R7, R10, STACK_RING);
        self.asm.load(Size::B8, R9, R10, STACK_END);
        self.asm.alu_imm(Alu::Sub, R9, room);
        self.asm.jump(bad);
        self.asm.place(done);
        self.asm.load(Size::B8, R7, R10, STACK_RING);
        self.asm.load(Size::B8, R2, R10, STACK_END);
        self.asm.mov(R1, R9);
        self.asm.alu(Alu::Sub, R1, R2);
        self.asm.alu_imm(Alu::Add, R1, room);
        self.asm.store(Size::B2, R8, length_at, R1);
        self.asm.jump(join);
        self.asm.place(bad);
        self.failed(pointee)?;
        self.asm.place(join);
        Ok(())
    }

    /// One turn for each `iovec`: `done` after the last, `full` when there is no room for another piece, `missing` when the row
    /// or a piece cannot be read. `most`: the largest that the end can be, which kernels before 6.8 do not see for themselves: they learn
    /// nothing from comparing two unknown numbers.
    fn pieces(&mut self, load: &Load, most: i32, (done, full, missing): (Label, Label, Label)) {
        let (step, word) = match self.shape.registers {
            Registers::X86_64 => (16, Size::B8),
            Registers::I386 => (8, Size::B4),
        };
        let top = self.asm.label();
        self.asm.place(top);
        self.asm.load(Size::B8, R1, R10, STACK_ROWS);
        self.asm.jump_if(Cond::Ge, R7, R1, done);
        if load.total.is_some() {
            self.asm.load(Size::B8, R1, R10, STACK_LEFT);
            self.asm.jump_if_imm(Cond::Eq, R1, 0, done);
        }
        self.asm.jump_if_imm(Cond::Ge, R7, MOST * step, full);
        self.asm.load(Size::B8, R1, R10, STACK_END);
        self.asm.jump_if(Cond::Gt, R9, R1, full);
        self.asm.jump_if_imm(Cond::Gt, R9, most, full);
        self.asm.load(Size::B8, R3, R10, STACK_POINTER);
        self.asm.alu(Alu::Add, R3, R7);
        self.asm.mov(R1, R10);
        self.asm.alu_imm(Alu::Add, R1, i32::from(STACK_IOVEC));
        self.asm.set(R2, step);
        self.asm.call(Helper::ProbeReadUser);
        self.asm.jump_if_imm(Cond::Ne, R0, 0, missing);
        self.asm.load(Size::B8, R4, R10, STACK_RING);
        self.asm.load(word, R2, R10, STACK_IOVEC + word.bytes() as i16);
        if load.total.is_some() {
            self.piece_of_total();
        }
        self.at_most(i32::from(load.cap), None);
        self.asm.store(Size::B8, R10, STACK_LENGTH, R2);
        self.cursor();
        self.asm.store(Size::B2, R1, 0, R2);
        self.asm.alu_imm(Alu::Add, R1, i32::from(COUNT));
        self.asm.load(word, R3, R10, STACK_IOVEC);
        self.asm.call(Helper::ProbeReadUser);
        self.asm.jump_if_imm(Cond::Ne, R0, 0, missing);
        self.asm.load(Size::B8, R2, R10, STACK_LENGTH);
        self.asm.alu(Alu::Add, R9, R2);
        self.asm.alu_imm(Alu::Add, R9, i32::from(COUNT));
        self.asm.note("laundered, so that every turn begins in the same state");
        self.asm.load(Size::B8, R1, R10, STACK_RING);
        self.asm.store(Size::B8, R1, ring::SCRATCH, R9);
        self.asm.load(Size::B8, R9, R1, ring::SCRATCH);
        self.asm.alu_imm(Alu::Add, R7, step);
        self.asm.jump(top);
    }

    /// Takes the length of a piece, `r2`, from what is left; `r2` = what the piece got. `r4` is the ring. Both numbers are laundered,
    /// so that it does not matter to the verifier which of them was the smaller.
    fn piece_of_total(&mut self) {
        let fits = self.asm.label();
        self.asm.load(Size::B8, R1, R10, STACK_LEFT);
        self.asm.mov(R3, R1);
        self.asm.jump_if(Cond::Gt, R2, R1, fits);
        self.asm.mov(R3, R2);
        self.asm.place(fits);
        self.asm.alu(Alu::Sub, R1, R3);
        self.asm.store(Size::B8, R4, ring::SCRATCH, R1);
        self.asm.load(Size::B8, R1, R4, ring::SCRATCH);
        self.asm.store(Size::B8, R10, STACK_LEFT, R1);
        self.asm.store(Size::B8, R4, ring::SCRATCH, R3);
        self.asm.load(Size::B8, R2, R4, ring::SCRATCH);
    }
}
