//! Programs: labels in ([`Assembler`]), distances out ([`Program`]).

use std::collections::HashMap;

use crate::insn::{Alu, Cond, Helper, Insn, Label, MapRef, Operand, Reg, Size};

/// Why a list of instructions is not a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A jump names a label that was never placed.
    #[error("program {program}: label {label} is jumped to but not placed")]
    UnplacedLabel {
        /// The program's name.
        program: String,
        /// The label's number.
        label: u32,
    },
    /// A jump is longer than the 16 bits of its distance.
    #[error("program {program}: a jump at slot {slot} of {distance} slots does not fit 16 bits")]
    JumpTooLong {
        /// The program's name.
        program: String,
        /// Slot of the jump.
        slot: usize,
        /// Slots to jump.
        distance: isize,
    },
    /// A structure member that the layout names is unknown in this kernel.
    #[error("program {program}: this kernel has no {strukt}.{member}")]
    NoMember {
        /// The program's name.
        program: String,
        /// Structure.
        strukt: String,
        /// Member.
        member: String,
    },
    /// A record would not fit a sub-buffer.
    #[error(
        "program {program}: records of up to {longest} bytes do not fit sub-buffers of {sub_buffer} bytes"
    )]
    RecordTooLong {
        /// The program's name.
        program: String,
        /// Longest record in bytes.
        longest: u32,
        /// Bytes of a sub-buffer, header included.
        sub_buffer: u32,
    },
    /// An offset does not fit the 16 bits of a memory access.
    #[error("program {program}: offset {offset} does not fit 16 bits")]
    Offset {
        /// The program's name.
        program: String,
        /// The offset.
        offset: u32,
    },
}

/// Collects instructions and labels.
#[derive(Debug, Default)]
pub struct Assembler {
    insns: Vec<Insn<Label>>,
    placed: HashMap<Label, usize>,
    notes: Vec<(usize, String)>,
    labels: u32,
}

/// A finished program: jumps are distances, maps are still names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Name for listings and for the kernel (first 15 characters).
    pub name: String,
    /// Instructions in order.
    pub insns: Vec<Insn<i16>>,
    /// Comments for the listing: (index of the instruction that follows, text).
    pub notes: Vec<(usize, String)>,
}

impl Assembler {
    /// A new label, to be placed once.
    pub fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    /// Puts the label before the next instruction.
    pub fn place(&mut self, label: Label) {
        self.placed.insert(label, self.insns.len());
    }

    /// A comment of the listing for what follows.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push((self.insns.len(), text.into()));
    }

    /// `dst = src`
    pub fn mov(&mut self, dst: Reg, src: Reg) {
        self.insns.push(Insn::Alu(Alu::Mov, dst, Operand::Reg(src)));
    }

    /// `dst = imm`
    pub fn set(&mut self, dst: Reg, imm: i32) {
        self.insns.push(Insn::Alu(Alu::Mov, dst, Operand::Imm(imm)));
    }

    /// `dst op= src`
    pub fn alu(&mut self, op: Alu, dst: Reg, src: Reg) {
        self.insns.push(Insn::Alu(op, dst, Operand::Reg(src)));
    }

    /// `dst op= imm`
    pub fn alu_imm(&mut self, op: Alu, dst: Reg, imm: i32) {
        self.insns.push(Insn::Alu(op, dst, Operand::Imm(imm)));
    }

    /// `dst = *(size *)(base + offset)`
    pub fn load(&mut self, size: Size, dst: Reg, base: Reg, offset: i16) {
        self.insns.push(Insn::Load(size, dst, base, offset));
    }

    /// `*(size *)(base + offset) = src`
    pub fn store(&mut self, size: Size, base: Reg, offset: i16, src: Reg) {
        self.insns.push(Insn::Store(size, base, offset, src));
    }

    /// `*(size *)(base + offset) = imm`
    pub fn store_imm(&mut self, size: Size, base: Reg, offset: i16, imm: i32) {
        self.insns.push(Insn::StoreImm(size, base, offset, imm));
    }

    /// `dst = map`
    pub fn load_map(&mut self, dst: Reg, map: MapRef) {
        self.insns.push(Insn::LoadMap(dst, map));
    }

    /// `dst = address of the map's first value`
    pub fn load_map_value(&mut self, dst: Reg, map: MapRef) {
        self.insns.push(Insn::LoadMapValue(dst, map, 0));
    }

    /// `if dst cond src goto label`
    pub fn jump_if(&mut self, cond: Cond, dst: Reg, src: Reg, to: Label) {
        self.insns.push(Insn::JumpIf(cond, dst, Operand::Reg(src), to));
    }

    /// `if dst cond imm goto label`
    pub fn jump_if_imm(&mut self, cond: Cond, dst: Reg, imm: i32, to: Label) {
        self.insns.push(Insn::JumpIf(cond, dst, Operand::Imm(imm), to));
    }

    /// `goto label`
    pub fn jump(&mut self, to: Label) {
        self.insns.push(Insn::Jump(to));
    }

    /// `r0 = helper(...)`
    pub fn call(&mut self, helper: Helper) {
        self.insns.push(Insn::Call(helper));
    }

    /// `r0 = kernel function(...)`
    pub fn call_kernel(&mut self, btf_id: u32) {
        self.insns.push(Insn::CallKernel(btf_id));
    }

    /// `return 0`
    pub fn exit(&mut self) {
        self.set(Reg::R0, 0);
        self.insns.push(Insn::Exit);
    }

    /// Replaces labels by distances.
    pub fn finish(self, name: &str) -> Result<Program, Error> {
        let mut slots = Vec::with_capacity(self.insns.len() + 1);
        let mut at = 0;
        for insn in &self.insns {
            slots.push(at);
            at += insn.slots();
        }
        slots.push(at);
        let distance = |index: usize, label: Label| {
            let target = self
                .placed
                .get(&label)
                .ok_or_else(|| Error::UnplacedLabel { program: name.to_owned(), label: label.0 })?;
            let distance = slots[*target] as isize - slots[index] as isize - 1;
            i16::try_from(distance).map_err(|_| Error::JumpTooLong {
                program: name.to_owned(),
                slot: slots[index],
                distance,
            })
        };
        let insns = self
            .insns
            .iter()
            .enumerate()
            .map(|(index, insn)| {
                Ok(match *insn {
                    Insn::JumpIf(cond, dst, operand, to) => {
                        Insn::JumpIf(cond, dst, operand, distance(index, to)?)
                    }
                    Insn::Jump(to) => Insn::Jump(distance(index, to)?),
                    Insn::Alu(op, dst, operand) => Insn::Alu(op, dst, operand),
                    Insn::Load(size, dst, base, off) => Insn::Load(size, dst, base, off),
                    Insn::Store(size, base, off, src) => Insn::Store(size, base, off, src),
                    Insn::StoreImm(size, base, off, imm) => Insn::StoreImm(size, base, off, imm),
                    Insn::LoadMap(dst, map) => Insn::LoadMap(dst, map),
                    Insn::LoadMapValue(dst, map, off) => Insn::LoadMapValue(dst, map, off),
                    Insn::Call(helper) => Insn::Call(helper),
                    Insn::CallKernel(id) => Insn::CallKernel(id),
                    Insn::Exit => Insn::Exit,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Program { name: name.to_owned(), insns, notes: self.notes })
    }
}

impl Program {
    /// The program in the kernel's encoding.
    pub fn encode(&self, fd: &dyn Fn(MapRef) -> i32) -> Vec<u64> {
        let mut out = Vec::with_capacity(self.insns.len() + 8);
        for insn in &self.insns {
            insn.encode(fd, &mut out);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::Reg::*;

    #[test]
    fn jumps_count_slots_not_instructions() {
        let mut asm = Assembler::default();
        let out = asm.label();
        asm.jump_if_imm(Cond::Eq, R1, 0, out);
        asm.load_map(R1, MapRef::Tasks);
        asm.place(out);
        asm.exit();
        let program = asm.finish("p").unwrap();
        assert_eq!(program.insns[0], Insn::JumpIf(Cond::Eq, R1, Operand::Imm(0), 2));
    }

    #[test]
    fn a_jump_to_nowhere_is_refused() {
        let mut asm = Assembler::default();
        let nowhere = asm.label();
        asm.jump(nowhere);
        assert_eq!(asm.finish("p"), Err(Error::UnplacedLabel { program: "p".into(), label: 1 }));
    }
}
