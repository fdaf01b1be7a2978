//! What a command in another argument says of a pointer.

use schema::layout::{Choice, Pointee, State, Take, When};

use super::super::Generator;
use crate::insn::{Alu, Cond, Label, Reg::*, Size};
use crate::program::Error;
use crate::ring;

/// Ways out of a choice.
#[derive(Clone, Copy)]
struct Ways {
    /// `r2` is the number of bytes: copy them.
    copy: Label,
    /// The memory is not there.
    bad: Label,
    /// Done.
    join: Label,
}

impl Generator<'_> {
    /// Finds the command among the cases by halves, does what differs between them, and comes together in one copy.
    pub(super) fn chosen<'s>(&mut self, pointee: &Pointee, choice: &'s Choice) -> Result<(), Error> {
        let ways = Ways { copy: self.asm.label(), bad: self.asm.label(), join: self.asm.label() };
        let length_at = self.at(pointee.length.unwrap_or_default())?;
        self.asm.note("what the command says");
        self.asm.store_imm(Size::B2, R8, length_at, 0);
        self.state(pointee, State::Off)?;
        self.steps(&choice.command)?;
        self.asm.note("the command as a signed number of 32 bits, as jumps compare");
        self.asm.alu_imm(Alu::Shl, R2, 32);
        self.asm.alu_imm(Alu::Sar, R2, 32);
        let mut takes: Vec<(&Take, Label)> = Vec::new();
        let mut label =
            |generator: &mut Self, take: &'s Take| match takes.iter().find(|(known, _)| *known == take) {
                Some((_, label)) => *label,
                None if *take == Take::Nothing => ways.join,
                None => {
                    let label = generator.asm.label();
                    takes.push((take, label));
                    label
                }
            };
        let cases: Vec<_> =
            choice.cases.iter().map(|(low, high, take)| (*low, *high, label(self, take))).collect();
        let otherwise = label(self, &choice.otherwise);
        self.search(&cases, otherwise);
        let cap = choice.takes().filter_map(kept).max().unwrap_or(0);
        let bytes = takes.iter().any(|(take, _)| kept(take).is_some());
        for (take, label) in takes {
            self.asm.place(label);
            self.taken(pointee, take, ways)?;
        }
        if bytes {
            self.asm.place(ways.copy);
            self.asm.note("one unknown number for the verifier, whatever case it comes from");
            self.asm.store(Size::B8, R7, ring::SCRATCH, R2);
            self.asm.load(Size::B8, R2, R7, ring::SCRATCH);
            self.asm.jump_if_imm(Cond::Gt, R2, i32::from(cap), self.oversize);
            self.drops = true;
            self.run(pointee, ways.bad, ways.join)?;
        }
        self.asm.place(ways.bad);
        self.failed(pointee)?;
        self.asm.place(ways.join);
        Ok(())
    }

    /// Goes where the case of the command in `r2` leads.
    fn search(&mut self, cases: &[(i32, i32, Label)], otherwise: Label) {
        match cases {
            [] => self.asm.jump(otherwise),
            [(low, high, to)] if low == high => {
                self.asm.jump_if_imm(Cond::Eq, R2, *low, *to);
                self.asm.jump(otherwise);
            }
            [(low, high, to)] => {
                let beyond = self.asm.label();
                self.asm.jump_if_imm(Cond::SLe, R2, low.saturating_sub(1), beyond);
                self.asm.jump_if_imm(Cond::SLe, R2, *high, *to);
                self.asm.place(beyond);
                self.asm.jump(otherwise);
            }
            _ => {
                let (below, above) = cases.split_at(cases.len() / 2);
                let upper = self.asm.label();
                self.asm.jump_if_imm(Cond::SGe, R2, above[0].0, upper);
                self.search(below, otherwise);
                self.asm.place(upper);
                self.search(above, otherwise);
            }
        }
    }

    /// One case: `r2` = bytes to copy, or all of it here.
    fn taken(&mut self, pointee: &Pointee, take: &Take, ways: Ways) -> Result<(), Error> {
        let when = |written: &bool| if *written { When::Success } else { When::Always };
        match take {
            Take::Nothing => self.asm.jump(ways.join),
            Take::String { cap } => self.chosen_string(pointee, *cap, ways)?,
            Take::Bytes { length, cap, written } => {
                self.only_when(pointee, when(written), ways.join)?;
                self.pointer(pointee)?;
                self.length(length, *cap, ways.bad)?;
                self.bounded(pointee, *cap, ways.bad)?;
                self.asm.jump(ways.copy);
            }
            Take::Ioctl { cap, direction, written } => {
                self.only_when(pointee, when(written), ways.join)?;
                self.pointer(pointee)?;
                self.asm.note("_IOC_DIR and _IOC_SIZE");
                self.asm.mov(R1, R2);
                self.asm.alu_imm(Alu::Shr, R1, 30);
                self.asm.alu_imm(Alu::And, R1, i32::from(*direction));
                self.asm.jump_if_imm(Cond::Eq, R1, 0, ways.join);
                self.asm.alu_imm(Alu::Shr, R2, 16);
                self.asm.alu_imm(Alu::And, R2, 0x3fff);
                self.bounded(pointee, *cap, ways.bad)?;
                self.asm.jump(ways.copy);
            }
        }
        Ok(())
    }

    /// A string, kept without its NUL.
    fn chosen_string(&mut self, pointee: &Pointee, cap: u16, ways: Ways) -> Result<(), Error> {
        let (long, kept) = (self.asm.label(), self.asm.label());
        let length_at = self.at(pointee.length.unwrap_or_default())?;
        self.pointer(pointee)?;
        self.asm.jump_if_imm(Cond::Eq, R3, 0, ways.bad);
        self.state(pointee, State::Ok)?;
        self.read_string(cap, ways.bad, long);
        self.asm.jump(kept);
        self.asm.place(long);
        self.cut(pointee, cap)?;
        self.asm.place(kept);
        self.asm.alu_imm(Alu::Sub, R0, 1);
        self.asm.store(Size::B2, R8, length_at, R0);
        self.asm.alu(Alu::Add, R9, R0);
        self.asm.jump(ways.join);
        Ok(())
    }
}

/// Most bytes of a case that ends in the common copy.
fn kept(take: &Take) -> Option<u16> {
    match take {
        Take::Bytes { cap, .. } | Take::Ioctl { cap, .. } => Some(*cap),
        Take::Nothing | Take::String { .. } => None,
    }
}
