//! Room in the ring: the writer's half of the protocol. [`crate::protocol::Writer`] is the same, step by step, in Rust.

use super::Generator;
use crate::insn::{Alu, Cond, Helper, Reg::*, Size};
use crate::ring;

/// Stack slot of the CPU's number, the key of the ring's map.
const STACK_CPU: i16 = -4;

impl Generator<'_> {
    /// `r9` = now, `r7` = ring, `r8` = room for the longest record of this shape.
    pub(super) fn reserve(&mut self) {
        let mask = self.geometry.data() as i32 - 1;
        let switch = self.switch;
        self.asm.note("time and ring");
        self.asm.call(Helper::KtimeGetNs);
        self.asm.mov(R9, R0);
        self.asm.call(Helper::GetSmpProcessorId);
        self.asm.store(Size::B4, R10, STACK_CPU, R0);
        self.asm.load_map(R1, self.map);
        self.asm.mov(R2, R10);
        self.asm.alu_imm(Alu::Add, R2, i32::from(STACK_CPU));
        self.asm.call(Helper::MapLookupElem);
        self.asm.jump_if_imm(Cond::Eq, R0, 0, self.out);
        self.asm.mov(R7, R0);
        self.asm.note("room for the longest record; never up to the very end, which would look like the next sub-buffer");
        self.asm.load(Size::B8, R1, R7, ring::POS);
        self.asm.load(Size::B8, R2, R7, ring::LIMIT);
        self.asm.mov(R3, R1);
        self.asm.alu_imm(Alu::Add, R3, self.shape.longest() as i32);
        self.asm.jump_if(Cond::Ge, R3, R2, switch.slow);
        self.asm.load(Size::B8, R3, R7, ring::TIME_LIMIT);
        self.asm.jump_if(Cond::Ge, R9, R3, switch.slow);
        self.asm.place(switch.ready);
        self.asm.alu_imm(Alu::And, R1, mask);
        self.asm.mov(R8, R7);
        self.asm.alu(Alu::Add, R8, R1);
        self.asm.alu_imm(Alu::Add, R8, ring::CONTROL as i32);
    }

    /// Closes the open sub-buffer and opens the next one, or counts a loss. In: `r1` = pos, `r2` = limit.
    pub(super) fn switch_packet(&mut self) {
        let switch = self.switch;
        let data = self.geometry.data() as i32;
        let sub_buffer = self.geometry.sub_buffer() as i32;
        let header = |offset: i16| ring::CONTROL as i16 + offset;
        let (open, full) = (self.asm.label(), self.asm.label());
        self.asm.place(switch.slow);
        self.asm.note("is the next sub-buffer free?");
        self.asm.load(Size::B8, R3, R7, ring::CONSUMED);
        self.asm.mov(R4, R2);
        self.asm.alu(Alu::Sub, R4, R3);
        self.asm.jump_if_imm(Cond::Gt, R4, data - sub_buffer, full);
        self.asm.jump_if_imm(Cond::Eq, R2, 0, open);
        self.asm.note("close the open packet");
        self.asm.mov(R3, R2);
        self.asm.alu_imm(Alu::Sub, R3, sub_buffer);
        self.asm.mov(R4, R1);
        self.asm.alu(Alu::Sub, R4, R3);
        self.asm.alu_imm(Alu::Shl, R4, 3);
        self.asm.alu_imm(Alu::And, R3, data - 1);
        self.asm.mov(R5, R7);
        self.asm.alu(Alu::Add, R5, R3);
        self.asm.store(Size::B8, R5, header(ring::HEADER_END), R9);
        self.asm.store(Size::B8, R5, header(ring::HEADER_CONTENT), R4);
        self.asm.store(Size::B8, R5, header(ring::HEADER_PACKET), R4);
        self.asm.load(Size::B8, R4, R7, ring::LOST);
        self.asm.store(Size::B8, R5, header(ring::HEADER_DISCARDED), R4);
        self.asm.load(Size::B8, R4, R7, ring::OVERSIZE);
        self.asm.store(Size::B8, R5, header(ring::HEADER_OVERSIZE), R4);
        self.asm.place(open);
        self.asm.note("open the next one");
        self.asm.mov(R3, R2);
        self.asm.alu_imm(Alu::And, R3, data - 1);
        self.asm.mov(R5, R7);
        self.asm.alu(Alu::Add, R5, R3);
        self.asm.store(Size::B8, R5, header(ring::HEADER_BEGIN), R9);
        self.asm.mov(R4, R2);
        self.asm.alu_imm(Alu::Shr, R4, sub_buffer.trailing_zeros() as i32);
        self.asm.store(Size::B8, R5, header(ring::HEADER_SEQUENCE), R4);
        self.asm.mov(R1, R2);
        self.asm.alu_imm(Alu::Add, R1, ring::HEADER as i32);
        self.asm.alu_imm(Alu::Add, R2, sub_buffer);
        self.asm.store(Size::B8, R7, ring::LIMIT, R2);
        self.asm.mov(R3, R9);
        self.asm.alu_imm(Alu::Shr, R3, 32);
        self.asm.alu_imm(Alu::Add, R3, 1);
        self.asm.alu_imm(Alu::Shl, R3, 32);
        self.asm.store(Size::B8, R7, ring::TIME_LIMIT, R3);
        self.asm.store(Size::B8, R7, ring::POS, R1);
        self.asm.note("read back: in the first packet the verifier knows the number, and would check all that follows for it once more");
        self.asm.load(Size::B8, R1, R7, ring::POS);
        self.asm.jump(switch.ready);
        self.asm.place(full);
        self.asm.note("no: a loss");
        self.count(ring::LOST);
        self.asm.jump(self.out);
    }

    /// `*(r7 + word) += 1`. The program is the only writer of its CPU's control words, so no atomic is needed.
    pub(super) fn count(&mut self, word: i16) {
        self.asm.load(Size::B8, R1, R7, word);
        self.asm.alu_imm(Alu::Add, R1, 1);
        self.asm.store(Size::B8, R7, word, R1);
    }
}
