//! Runs of bytes, rows of objects, and single objects.

use schema::layout::{Length, Point, Pointee, Source, State, Step, Steps, When};

use super::super::Generator;
use super::super::fields::AX;
use super::{STACK_LENGTH, STACK_POINTER};
use crate::insn::{Alu, Cond, Helper, Label, Reg::*, Size};
use crate::program::Error;

/// The smallest page of any architecture: memory that is not there begins at its end.
const PAGE: i32 = 4096;

impl Generator<'_> {
    /// Goes to `join` with the state `off` when the result says that nothing was written.
    pub(super) fn only_when(&mut self, pointee: &Pointee, when: When, join: Label) -> Result<(), Error> {
        let condition = match when {
            When::Success if self.shape.point == Point::Exit => Cond::SGe,
            When::Failure if self.shape.point == Point::Exit => Cond::SLe,
            _ => return Ok(()),
        };
        let wrote = self.asm.label();
        self.state(pointee, State::Off)?;
        self.fetch(R1, &Source::Result, Size::B8)?;
        self.asm.jump_if_imm(condition, R1, if when == When::Failure { -1 } else { 0 }, wrote);
        self.asm.jump(join);
        self.asm.place(wrote);
        Ok(())
    }

    /// `r2` = bytes of so many objects, or of one more than are kept. The count is bounded before it is multiplied: no count is so
    /// large that its product is small.
    fn objects(&mut self, count: Option<(u8, u8)>, size: u16, cap: u16) -> Result<(), Error> {
        match count {
            Some((n, width)) => {
                self.fetch(R2, &Source::Register(n), Size::of(width).unwrap_or(Size::B8))?;
            }
            None => self.fetch(R2, &Source::Result, Size::B8)?,
        }
        self.counted(size, cap);
        Ok(())
    }

    /// `r2` = bytes of `r2` objects, or of one more than are kept.
    fn counted(&mut self, size: u16, cap: u16) {
        if size == 1 {
            return;
        }
        self.at_most(i32::from(cap / size) + 1, None);
        self.asm.alu_imm(Alu::Mul, R2, i32::from(size));
    }

    /// Goes to `join` with the state `off` unless the row is long enough.
    pub(super) fn guarded(&mut self, pointee: &Pointee, join: Label) -> Result<(), Error> {
        let Some((length, least)) = &pointee.guard else { return Ok(()) };
        let there = self.asm.label();
        self.state(pointee, State::Off)?;
        self.length(length, u16::MAX, join)?;
        self.asm.jump_if_imm(Cond::Gt, R2, i32::from(*least), there);
        self.asm.jump(join);
        self.asm.place(there);
        Ok(())
    }

    /// `r2` = a number made of an argument.
    pub(super) fn steps(&mut self, steps: &Steps) -> Result<(), Error> {
        self.fetch(R2, &Source::Register(steps.register), Size::of(steps.width).unwrap_or(Size::B8))?;
        for (step, operand) in &steps.steps {
            let op = match step {
                Step::Add => Alu::Add,
                Step::Sub => Alu::Sub,
                Step::Mul => Alu::Mul,
                Step::And => Alu::And,
                Step::Shl => Alu::Shl,
                Step::Shr => Alu::Shr,
            };
            self.asm.alu_imm(op, R2, *operand);
        }
        Ok(())
    }

    /// `r2` = how many bytes there are; `r3` stays the pointer. Jumps to `bad` when that stands in memory that is not there.
    pub(super) fn length(&mut self, length: &Length, cap: u16, bad: Label) -> Result<(), Error> {
        match length {
            Length::Fixed(len) => self.asm.set(R2, i32::from(*len)),
            Length::Computed(steps) => self.steps(steps)?,
            Length::Register(n, width) => {
                self.fetch(R2, &Source::Register(*n), Size::of(*width).unwrap_or(Size::B8))?;
            }
            Length::Result => self.fetch(R2, &Source::Result, Size::B8)?,
            Length::Behind(n) => {
                self.word_in_memory(*n, 0, Size::B4, bad)?;
                self.asm.load(Size::B8, R3, R10, STACK_POINTER);
            }
            Length::Memory { register, offset, width, size, plus } => {
                let size = (*size).max(1);
                self.word_in_memory(*register, *offset, Size::of(*width).unwrap_or(Size::B8), bad)?;
                self.counted(size, cap);
                if *plus > 0 {
                    self.asm.alu_imm(Alu::Add, R2, i32::from(*plus));
                }
                self.asm.load(Size::B8, R3, R10, STACK_POINTER);
            }
            Length::Objects { count, size } => self.objects(*count, (*size).max(1), cap)?,
            Length::Between(from, to) => {
                self.fetch(R2, to, Size::B8)?;
                self.fetch(R1, from, Size::B8)?;
                self.asm.alu(Alu::Sub, R2, R1);
            }
        }
        Ok(())
    }

    /// The state, and `r2` at most `cap`; `bad` when the pointer in `r3` is null.
    pub(super) fn bounded(&mut self, pointee: &Pointee, cap: u16, bad: Label) -> Result<(), Error> {
        self.asm.jump_if_imm(Cond::Eq, R3, 0, bad);
        self.state(pointee, State::Ok)?;
        let state = self.at(pointee.state)?;
        self.at_most(i32::from(cap), Some(state));
        Ok(())
    }

    /// Copies `r2` bytes from `r3` to the cursor; `bad` when they are not there.
    pub(super) fn run(&mut self, pointee: &Pointee, bad: Label, join: Label) -> Result<(), Error> {
        let length_at = self.at(pointee.length.unwrap_or_default())?;
        self.asm.jump_if_imm(Cond::Eq, R2, 0, join);
        self.asm.store(Size::B8, R10, STACK_LENGTH, R2);
        self.cursor();
        self.asm.call(Helper::ProbeReadUser);
        self.asm.jump_if_imm(Cond::Ne, R0, 0, bad);
        self.asm.load(Size::B8, R2, R10, STACK_LENGTH);
        self.asm.store(Size::B2, R8, length_at, R2);
        self.asm.alu(Alu::Add, R9, R2);
        self.asm.jump(join);
        Ok(())
    }

    pub(super) fn bytes(&mut self, pointee: &Pointee, length: &Length, cap: u16) -> Result<(), Error> {
        let (bad, join) = (self.asm.label(), self.asm.label());
        let length_at = self.at(pointee.length.unwrap_or_default())?;
        self.asm.note("bytes");
        self.asm.store_imm(Size::B2, R8, length_at, 0);
        self.only_when(pointee, pointee.when, join)?;
        self.guarded(pointee, join)?;
        self.pointer(pointee)?;
        self.length(length, cap, bad)?;
        self.bounded(pointee, cap, bad)?;
        if let Length::Objects { .. } = length {
            let torn = self.asm.label();
            self.run(pointee, torn, join)?;
            self.asm.place(torn);
            self.first_page(pointee, cap, bad)?;
        } else {
            self.run(pointee, bad, join)?;
        }
        self.asm.place(bad);
        self.failed(pointee)?;
        self.asm.place(join);
        Ok(())
    }

    /// Of a row that could not be read whole: what of it is in its first page. Rows are shorter than a page. Goes to `bad`, which says
    /// that it is torn.
    fn first_page(&mut self, pointee: &Pointee, cap: u16, bad: Label) -> Result<(), Error> {
        self.asm.note("up to the end of the page");
        self.asm.load(Size::B8, R3, R10, STACK_POINTER);
        self.asm.mov(R1, R3);
        self.asm.alu_imm(Alu::And, R1, PAGE - 1);
        self.asm.set(R2, PAGE);
        self.asm.alu(Alu::Sub, R2, R1);
        self.asm.load(Size::B8, R1, R10, STACK_LENGTH);
        self.asm.jump_if(Cond::Ge, R2, R1, bad);
        self.asm.jump_if_imm(Cond::Gt, R2, i32::from(cap), bad);
        self.run(pointee, bad, bad)
    }

    pub(super) fn object(&mut self, pointee: &Pointee, offset: u16, size: u16) -> Result<(), Error> {
        let (read, bad, join) = (self.asm.label(), self.asm.label(), self.asm.label());
        let offset = self.at(offset)?;
        // An object that was not written is cleared by a copy from nowhere.
        let there = match (self.shape.point, pointee.when) {
            (Point::Exit, When::Success) => Some((Cond::SGe, 0)),
            (Point::Exit, When::Failure) => Some((Cond::SLe, -1)),
            _ => None,
        };
        self.asm.note("an object; a failed copy clears it");
        self.pointer(pointee)?;
        if let Some((condition, bound)) = there {
            self.asm.load(Size::B8, R1, R6, AX);
            self.asm.jump_if_imm(condition, R1, bound, read);
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
        if let Some((condition, bound)) = there {
            let wrote = self.asm.label();
            self.state(pointee, State::Off)?;
            self.asm.load(Size::B8, R1, R6, AX);
            self.asm.jump_if_imm(condition, R1, bound, wrote);
            self.asm.jump(join);
            self.asm.place(wrote);
        }
        self.failed(pointee)?;
        self.asm.place(join);
        Ok(())
    }
}
