//! Programs as text for people: one instruction a line, in the notation of the kernel's verifier log.

use std::fmt::{self, Display, Formatter};

use crate::insn::{Insn, Operand, Reg};
use crate::program::Program;

impl Display for Reg {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", *self as u8)
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Reg(reg) => reg.fmt(f),
            Operand::Imm(imm) => imm.fmt(f),
        }
    }
}

struct At<'a>(&'a Insn<i16>, usize);

impl Display for At<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let target = |distance: &i16| self.1 as isize + 1 + *distance as isize;
        match self.0 {
            Insn::Alu(op, dst, operand) => write!(f, "{dst} {} {operand}", op.symbol()),
            Insn::Load(size, dst, base, off) => write!(f, "{dst} = *({} *)({base} {off:+})", size.name()),
            Insn::Store(size, base, off, src) => write!(f, "*({} *)({base} {off:+}) = {src}", size.name()),
            Insn::StoreImm(size, base, off, imm) => {
                write!(f, "*({} *)({base} {off:+}) = {imm}", size.name())
            }
            Insn::LoadMap(dst, map) => write!(f, "{dst} = map {}", map.name()),
            Insn::LoadMapValue(dst, map, off) => write!(f, "{dst} = value of map {} {off:+}", map.name()),
            Insn::JumpIf(cond, dst, operand, to) => {
                write!(f, "if {dst} {} {operand} goto {}", cond.symbol(), target(to))
            }
            Insn::Jump(to) => write!(f, "goto {}", target(to)),
            Insn::Call(helper) => write!(f, "call {}", helper.name()),
            Insn::CallKernel(id) => write!(f, "call kernel function {id}"),
            Insn::Exit => write!(f, "exit"),
        }
    }
}

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let slots: usize = self.insns.iter().map(Insn::slots).sum();
        writeln!(f, "program {}: {slots} instructions", self.name)?;
        let mut slot = 0;
        for (index, insn) in self.insns.iter().enumerate() {
            for (_, text) in self.notes.iter().filter(|(at, _)| *at == index) {
                writeln!(f, "      ; {text}")?;
            }
            writeln!(f, "{slot:4}: {}", At(insn, slot))?;
            slot += insn.slots();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::insn::{Cond, Reg::*, Size};
    use crate::program::Assembler;

    #[test]
    fn a_listing_reads_like_the_verifier_log() {
        let mut asm = Assembler::default();
        let out = asm.label();
        asm.note("the arguments of the call");
        asm.load(Size::B8, R6, R1, 0);
        asm.jump_if_imm(Cond::Eq, R6, 0, out);
        asm.store_imm(Size::B1, R8, 20, 2);
        asm.place(out);
        asm.exit();
        let text = asm.finish("entry").unwrap().to_string();
        assert_eq!(
            text,
            "program entry: 5 instructions\n      ; the arguments of the call\n   0: r6 = *(u64 *)(r1 +0)\n   \
             1: if r6 == 0 goto 3\n   2: *(u8 *)(r8 +20) = 2\n   3: r0 = 0\n   4: exit\n"
        );
    }
}
