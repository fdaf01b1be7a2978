//! What is special in the programs of process events: the set of traced threads, and the siginfo.

use schema::layout::Source;

use super::Generator;
use crate::dispatch::{MARKED, TASKS, task_byte};
use crate::insn::{Alu, Cond, Helper, MapRef, Reg, Reg::*, Size};
use crate::program::Error;

const SIGKILL: i32 = 9;

impl Generator<'_> {
    /// Keeps the task table true and leaves when the thread is not traced.
    pub(super) fn task_set(&mut self, tracepoint: &str) -> Result<(), Error> {
        let pid = self.member("task_struct", "pid")?;
        match tracepoint {
            "sched_process_fork" => {
                self.asm.note("the child is what its parent is");
                self.asm.load(Size::B8, R1, R6, 0);
                self.asm.load(Size::B4, R1, R1, pid);
                task_byte(self.asm, R1, R2);
                self.asm.load(Size::B1, R3, R1, 0);
                self.asm.alu_imm(Alu::And, R3, i32::from(MARKED));
                self.asm.load(Size::B8, R1, R6, 8);
                self.asm.load(Size::B4, R1, R1, pid);
                self.asm.alu_imm(Alu::And, R1, TASKS as i32 - 1);
                self.asm.load_map_value(R4, MapRef::Tasks);
                self.asm.alu(Alu::Add, R4, R1);
                self.asm.store(Size::B1, R4, 0, R3);
            }
            "sched_process_exec" => {
                self.asm.note("a thread that execs takes the id of its leader");
                let same = self.asm.label();
                self.asm.load(Size::B8, R1, R6, 0);
                self.asm.load(Size::B4, R1, R1, pid);
                self.asm.load(Size::B4, R5, R6, 8);
                self.asm.mov(R4, R1);
                task_byte(self.asm, R1, R2);
                self.asm.load(Size::B1, R3, R1, 0);
                self.asm.jump_if(Cond::Eq, R4, R5, same);
                self.asm.alu_imm(Alu::And, R5, TASKS as i32 - 1);
                self.asm.load_map_value(R4, MapRef::Tasks);
                self.asm.alu(Alu::Add, R4, R5);
                self.asm.load(Size::B1, R3, R4, 0);
                self.asm.store(Size::B1, R1, 0, R3);
                self.asm.store_imm(Size::B1, R4, 0, 0);
                self.asm.place(same);
            }
            _ => {
                self.asm.call(Helper::GetCurrentTaskBtf);
                self.asm.load(Size::B4, R1, R0, pid);
                task_byte(self.asm, R1, R2);
                self.asm.load(Size::B1, R3, R1, 0);
                if tracepoint == "sched_process_exit" {
                    self.asm.note("the id may be given to another thread");
                    self.asm.store_imm(Size::B1, R1, 0, 0);
                }
            }
        }
        self.asm.alu(Alu::Xor, R3, R2);
        self.asm.alu_imm(Alu::And, R3, i32::from(MARKED));
        self.asm.jump_if_imm(Cond::Eq, R3, 0, self.out);
        Ok(())
    }

    /// Bytes of the siginfo. SIGKILL comes with a null pointer that the verifier believes to be sound, so the signal
    /// number decides.
    pub(super) fn signal_info(&mut self) -> Result<(), Error> {
        let mut slots = Vec::new();
        for slot in &self.shape.slots {
            if let Source::SignalInfo(from) = slot.source {
                slots.push((self.at(slot.offset)?, slot.width, self.at(from)?));
            }
        }
        if slots.is_empty() {
            return Ok(());
        }
        let (none, done) = (self.asm.label(), self.asm.label());
        self.asm.note("siginfo; SIGKILL has none");
        self.asm.load(Size::B4, R1, R6, 0);
        self.asm.jump_if_imm(Cond::Eq, R1, SIGKILL, none);
        self.asm.load(Size::B8, R1, R6, 8);
        self.asm.jump_if_imm(Cond::Eq, R1, 0, none);
        match self.facts.cast {
            Some((cast, words)) => {
                self.asm.set(R2, words as i32);
                self.asm.call_kernel(cast);
                for (to, width, from) in &slots {
                    self.asm_copy(R0, *from, *width, *to);
                }
            }
            None => {
                for (to, width, from) in &slots {
                    self.typed_signal_info(*from, *width, *to);
                }
            }
        }
        self.asm.jump(done);
        self.asm.place(none);
        for (to, width, _) in &slots {
            self.asm.store_imm(Size::of(*width).unwrap_or(Size::B8), R8, *to, 0);
        }
        self.asm.place(done);
        Ok(())
    }

    /// Without a cast the verifier lets through only what the first member of the union declares at that place: the code, two
    /// words that are process and user (or an address), and the status.
    fn typed_signal_info(&mut self, from: i16, width: u8, to: i16) {
        let allowed: &[i16] = &[0, 4, 8, 16, 20, 24];
        for part in (0..i16::from(width)).step_by(4) {
            if allowed.contains(&(from + part)) {
                self.asm.load(Size::B4, R2, R1, from + part);
                self.asm.store(Size::B4, R8, to + part, R2);
            } else {
                self.asm.store_imm(Size::B4, R8, to + part, 0);
            }
        }
    }

    fn asm_copy(&mut self, base: Reg, from: i16, width: u8, to: i16) {
        let size = Size::of(width).unwrap_or(Size::B8);
        self.asm.load(size, R1, base, from);
        self.asm.store(size, R8, to, R1);
    }
}
