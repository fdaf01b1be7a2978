//! What pointers lead to.

mod choice;
mod load;
mod run;
mod text;

use schema::layout::{Copy, Pointee, Registers, Source, State};

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
                Copy::Off => self.state(pointee, State::Off)?,
                Copy::Count { most } => self.count_elements(pointee, *most)?,
                Copy::Bytes { length, cap } => {
                    self.bytes(pointee, length, *cap)?;
                    self.launder(bound);
                }
                Copy::Chosen(choice) => {
                    self.chosen(pointee, choice)?;
                    self.launder(bound);
                }
                Copy::Load(load) => {
                    self.loaded(pointee, load, start)?;
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

    /// `r3` = the pointer, also on the stack; one in memory that is not there becomes the unreadable address 1, as do registers that an `execve` has wiped.
    fn pointer(&mut self, pointee: &Pointee) -> Result<(), Error> {
        if let Source::Memory { register, offset } = pointee.pointer {
            let gone = self.asm.label();
            self.asm.store_imm(Size::B8, R10, STACK_POINTER, 1);
            self.word_in_memory(register, offset, self.address(), gone)?;
            self.asm.store(Size::B8, R10, STACK_POINTER, R2);
            self.asm.place(gone);
            self.asm.load(Size::B8, R3, R10, STACK_POINTER);
            return Ok(());
        }
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

    /// `r2` = the number so many bytes behind where an argument leads to; `gone` when it cannot be read.
    fn word_in_memory(&mut self, register: u8, offset: u16, width: Size, gone: Label) -> Result<(), Error> {
        self.fetch(R3, &Source::Register(register), self.address())?;
        self.asm.alu_imm(Alu::Add, R3, i32::from(offset));
        self.asm.mov(R1, R10);
        self.asm.alu_imm(Alu::Add, R1, i32::from(STACK_ELEMENT));
        self.asm.set(R2, width.bytes());
        self.asm.call(Helper::ProbeReadUser);
        self.asm.jump_if_imm(Cond::Ne, R0, 0, gone);
        self.asm.load(width, R2, R10, STACK_ELEMENT);
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

    /// Width of an address in a register.
    fn address(&self) -> Size {
        match self.shape.registers {
            Registers::X86_64 => Size::B8,
            Registers::I386 => Size::B4,
        }
    }
}
