//! Header and fixed fields: registers, results, members of kernel structures.

use schema::layout::{HEADER_LEN, IdRule, Registers, Source};

use super::{Generator, RECORD_TID};
use crate::dispatch::{STACK_ID, STACK_TID, STACK_WORD};
use crate::insn::{Alu, Cond, Helper, Reg, Reg::*, Size};
use crate::program::Error;

/// Offsets of arguments 0..=5 in x86-64 `pt_regs` (`arch/x86/include/asm/ptrace.h`), by convention.
const NATIVE_REGISTERS: [i16; 6] = [112, 104, 96, 56, 72, 64];
const COMPAT_REGISTERS: [i16; 6] = [40, 88, 96, 104, 112, 32];
/// Offset of the result.
pub(super) const AX: i16 = 80;
/// Offset of the number.
const ORIG_AX: i16 = 120;

impl Generator<'_> {
    /// Event id, time, thread.
    pub(super) fn header(&mut self) -> Result<(), Error> {
        self.asm.note("header: event id, time, thread");
        match self.shape.id {
            IdRule::NumberPlus(base) => {
                self.asm.load(Size::B4, R1, R6, ORIG_AX);
                if base != 0 {
                    self.asm.alu_imm(Alu::Add, R1, i32::from(base));
                }
                self.asm.store(Size::B2, R8, 0, R1);
            }
            IdRule::Constant(id) => self.asm.store_imm(Size::B2, R8, 0, i32::from(id)),
        }
        self.asm.store(Size::B4, R8, 2, R9);
        self.asm.call(Helper::GetCurrentTaskBtf);
        let pid = self.member("task_struct", "pid")?;
        self.asm.load(Size::B4, R1, R0, pid);
        self.asm.store(Size::B4, R8, RECORD_TID, R1);
        Ok(())
    }

    /// The same in the exit dispatcher, which has left id and thread on the stack.
    pub(super) fn known_header(&mut self) {
        self.asm.note("header: event id, time, thread");
        self.asm.load(Size::B4, R1, R10, STACK_ID);
        self.asm.store(Size::B2, R8, 0, R1);
        self.asm.store(Size::B4, R8, 2, R9);
        self.asm.load(Size::B4, R1, R10, STACK_TID);
        self.asm.store(Size::B4, R8, RECORD_TID, R1);
    }

    /// `dst = source`, `width` bytes. Clobbers nothing but `dst`.
    pub(super) fn fetch(&mut self, dst: Reg, source: &Source, width: Size) -> Result<(), Error> {
        match source {
            Source::Register(n) => {
                let offsets = match self.shape.registers {
                    Registers::X86_64 => NATIVE_REGISTERS,
                    Registers::I386 => COMPAT_REGISTERS,
                };
                let offset = offsets.get(usize::from(*n)).copied().unwrap_or(NATIVE_REGISTERS[0]);
                self.asm.load(width, dst, R6, offset);
            }
            Source::Result => self.asm.load(Size::B8, dst, R6, AX),
            Source::Number => {
                self.asm.load(Size::B4, dst, R6, ORIG_AX);
                self.asm.alu_imm(Alu::Shl, dst, 32);
                self.asm.alu_imm(Alu::Sar, dst, 32);
            }
            Source::Argument(n) => self.asm.load(Size::B8, dst, R6, i16::from(*n) * 8),
            Source::Member { argument, path, beyond } => {
                self.asm.load(Size::B8, dst, R6, i16::from(*argument) * 8);
                for (index, (strukt, name)) in path.iter().enumerate() {
                    let last = index + 1 == path.len();
                    let offset = self.member(strukt, name)?;
                    if last {
                        let beyond = self.at(*beyond)?;
                        self.asm.load(width, dst, dst, offset + beyond);
                    } else {
                        self.asm.load(Size::B8, dst, dst, offset);
                    }
                }
            }
            // Read by a helper: see `pointee`.
            Source::SignalInfo(_) | Source::Memory { .. } => self.asm.set(dst, 0),
        }
        Ok(())
    }

    /// The registers that the word on the stack names, each as wide as it says; `r9` = length of the record. Eight bytes are stored of
    /// each, and what is too much is overwritten by the next.
    pub(super) fn registers_by_word(&mut self) {
        let done = self.asm.label();
        self.asm.note("registers, by the word of the slot");
        self.asm.load(Size::B4, R2, R10, STACK_WORD);
        self.asm.mov(R9, R2);
        self.asm.alu_imm(Alu::Shr, R9, 24);
        self.asm.alu_imm(Alu::And, R2, 0xff_ffff);
        self.asm.mov(R3, R8);
        self.asm.alu_imm(Alu::Add, R3, i32::from(HEADER_LEN));
        for offset in NATIVE_REGISTERS {
            self.asm.jump_if_imm(Cond::Eq, R2, 0, done);
            self.asm.load(Size::B8, R1, R6, offset);
            self.asm.store(Size::B8, R3, 0, R1);
            self.asm.mov(R1, R2);
            self.asm.alu_imm(Alu::And, R1, 0xf);
            self.asm.alu(Alu::Add, R3, R1);
            self.asm.alu_imm(Alu::Shr, R2, 4);
        }
        self.asm.place(done);
    }

    pub(super) fn fixed_fields(&mut self) -> Result<(), Error> {
        if !self.shape.slots.is_empty() {
            self.asm.note("fixed fields");
        }
        let shape = self.shape;
        for slot in shape.slots.iter().filter(|slot| !matches!(slot.source, Source::SignalInfo(_))) {
            let width = Size::of(slot.width).unwrap_or(Size::B8);
            self.fetch(R1, &slot.source, width)?;
            let offset = self.at(slot.offset)?;
            self.asm.store(width, R8, offset, R1);
        }
        self.signal_info()
    }
}
