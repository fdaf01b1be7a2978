//! Shape -> program that writes one record.
//!
//! Registers while a record is written: `r6` the call's `pt_regs` (or the tracepoint's context), `r7` this CPU's ring, `r8` the
//! record, `r9` the time and then the cursor of variable parts, as an offset from `r8`.
//!
//! The cursor is *laundered* after each variable part: stored to the ring's scratch word, loaded back and bounded, so that all
//! ways through that part become one state for the verifier. Without it two loops in one program multiply its work thirtyfold.

use schema::layout::{Copy, IdRule, Length, Pointee, Point, Registers, Shape, Source, State};

use crate::dispatch::{FAILED, MARKED, TASKS, member, task_byte};
use crate::facts::Facts;
use crate::insn::{Alu, Cond, Helper, Label, MapRef, Reg, Reg::*, Size};
use crate::program::{Assembler, Error, Program};
use crate::ring::{self, Geometry};

/// Stack slots.
const STACK_CPU: i16 = -4;
const STACK_ELEMENT: i16 = -16;
const STACK_LENGTH: i16 = -24;
const STACK_RING: i16 = -32;
const STACK_POINTER: i16 = -40;

/// Offset of the record's thread id.
const RECORD_TID: i16 = 6;

/// Offsets of arguments 0..=5 in x86-64 `pt_regs` (`arch/x86/include/asm/ptrace.h`), by convention.
const NATIVE_REGISTERS: [i16; 6] = [112, 104, 96, 56, 72, 64];
const COMPAT_REGISTERS: [i16; 6] = [40, 88, 96, 104, 112, 32];
/// Offset of the result.
const AX: i16 = 80;
/// Offset of the number.
const ORIG_AX: i16 = 120;

const SIGKILL: i32 = 9;

/// The program that writes records of this shape.
pub fn program(name: &str, shape: &Shape, facts: &Facts) -> Result<Program, Error> {
    let (map, geometry) = match shape.point {
        Point::Entry | Point::Exit => (MapRef::Syscalls, facts.syscalls),
        Point::Tracepoint(_) => (MapRef::Lifecycle, facts.lifecycle),
    };
    let longest = shape.longest();
    if longest >= geometry.sub_buffer() - ring::HEADER || longest > Geometry::SLACK {
        return Err(Error::RecordTooLong {
            program: name.to_owned(),
            longest,
            sub_buffer: geometry.sub_buffer(),
        });
    }
    let mut asm = Assembler::default();
    let out = asm.label();
    let oversize = asm.label();
    let switch = Switch { slow: asm.label(), ready: asm.label() };
    let mut writer = Writer { asm: &mut asm, name, shape, facts, map, geometry, out, oversize, switch, drops: false };
    writer.begin()?;
    writer.header()?;
    writer.fixed_fields()?;
    writer.pointees()?;
    writer.publish();
    writer.out_of_line();
    asm.finish(name)
}

struct Writer<'a> {
    asm: &'a mut Assembler,
    name: &'a str,
    shape: &'a Shape,
    facts: &'a Facts,
    map: MapRef,
    geometry: Geometry,
    out: Label,
    oversize: Label,
    switch: Switch,
    /// True when something jumps to `oversize`: the verifier refuses code that nobody reaches.
    drops: bool,
}

/// Labels of the packet switch, which stands behind the main path.
#[derive(Clone, Copy)]
struct Switch {
    slow: Label,
    ready: Label,
}

impl Writer<'_> {
    fn at(&self, offset: u16) -> Result<i16, Error> {
        i16::try_from(offset)
            .map_err(|_| Error::Offset { program: self.name.to_owned(), offset: u32::from(offset) })
    }

    fn member(&self, strukt: &str, member_name: &str) -> Result<i16, Error> {
        member(self.facts, self.name, strukt, member_name)
    }

    /// `r6`, the task filter of lifecycle programs, and room for a record in `r8`.
    fn begin(&mut self) -> Result<(), Error> {
        match self.shape.point {
            Point::Entry | Point::Exit => self.asm.load(Size::B8, R6, R1, 0),
            Point::Tracepoint(tracepoint) => {
                self.asm.mov(R6, R1);
                self.task_set(tracepoint)?;
            }
        }
        self.reserve();
        Ok(())
    }

    /// Keeps the task table true and leaves when the thread is not traced.
    fn task_set(&mut self, tracepoint: &str) -> Result<(), Error> {
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

    /// `r9` = now, `r7` = ring, `r8` = room for the longest record of this shape.
    fn reserve(&mut self) {
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
    fn switch_packet(&mut self) {
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
        self.asm.jump(switch.ready);
        self.asm.place(full);
        self.count(ring::LOST);
        self.asm.jump(self.out);
    }

    /// `*(r7 + word) += 1`. The program is the only writer of its CPU's control words, so no atomic is needed.
    fn count(&mut self, word: i16) {
        self.asm.load(Size::B8, R1, R7, word);
        self.asm.alu_imm(Alu::Add, R1, 1);
        self.asm.store(Size::B8, R7, word, R1);
    }

    /// Event id, time, thread.
    fn header(&mut self) -> Result<(), Error> {
        self.asm.note("header: event id, time, thread");
        match self.shape.id {
            IdRule::NumberPlus(base) => {
                self.asm.load(Size::B4, R1, R6, ORIG_AX);
                self.asm.alu_imm(Alu::Add, R1, i32::from(base));
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

    /// `dst = source`, `width` bytes. Clobbers nothing but `dst`.
    fn fetch(&mut self, dst: Reg, source: &Source, width: Size) -> Result<(), Error> {
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
            Source::SignalInfo(_) => self.asm.set(dst, 0),
        }
        Ok(())
    }

    fn fixed_fields(&mut self) -> Result<(), Error> {
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

    /// Bytes of the siginfo. SIGKILL comes with a null pointer that the verifier believes to be sound, so the signal
    /// number decides.
    fn signal_info(&mut self) -> Result<(), Error> {
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

    fn pointees(&mut self) -> Result<(), Error> {
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
                    self.strings(pointee, *most, *cap, start + u32::from(*all))?;
                    self.launder(bound);
                }
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
        let width = match self.shape.registers {
            Registers::X86_64 => Size::B8,
            Registers::I386 => Size::B4,
        };
        self.fetch(R3, &pointee.pointer, width)?;
        if self.shape.only_if_failed {
            let failed = self.asm.label();
            self.asm.load(Size::B8, R1, R6, AX);
            self.asm.jump_if_imm(Cond::SLe, R1, -1, failed);
            self.asm.set(R3, 1);
            self.asm.place(failed);
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

    fn string(&mut self, pointee: &Pointee, cap: u16) -> Result<(), Error> {
        let (bad, join) = (self.asm.label(), self.asm.label());
        self.asm.note("a string");
        self.pointer(pointee)?;
        self.cursor();
        self.asm.set(R2, i32::from(cap) + 1);
        self.asm.call(Helper::ProbeReadUserStr);
        self.asm.jump_if_imm(Cond::SLe, R0, 0, bad);
        self.state(pointee, State::Ok)?;
        self.asm.jump_if_imm(Cond::Ne, R0, i32::from(cap) + 1, join);
        self.state(pointee, State::Cut)?;
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

    fn strings(&mut self, pointee: &Pointee, most: u16, cap: u16, all: u32) -> Result<(), Error> {
        let (top, whole, cut, bad, done) =
            (self.asm.label(), self.asm.label(), self.asm.label(), self.asm.label(), self.asm.label());
        let (shift, element) = match self.shape.registers {
            Registers::X86_64 => (3, Size::B8),
            Registers::I386 => (2, Size::B4),
        };
        let count_at = self.at(pointee.length.unwrap_or_default())?;
        self.asm.note("a vector of strings; r7 counts");
        self.pointer(pointee)?;
        self.state(pointee, State::Ok)?;
        self.asm.store(Size::B8, R10, STACK_RING, R7);
        self.asm.set(R7, 0);
        self.asm.place(top);
        self.asm.jump_if_imm(Cond::Ge, R7, i32::from(most), cut);
        self.asm.load(Size::B8, R3, R10, STACK_POINTER);
        self.asm.mov(R1, R7);
        self.asm.alu_imm(Alu::Shl, R1, shift);
        self.asm.alu(Alu::Add, R3, R1);
        self.asm.mov(R1, R10);
        self.asm.alu_imm(Alu::Add, R1, i32::from(STACK_ELEMENT));
        self.asm.set(R2, 1 << shift);
        self.asm.call(Helper::ProbeReadUser);
        self.asm.jump_if_imm(Cond::Ne, R0, 0, bad);
        self.asm.load(element, R3, R10, STACK_ELEMENT);
        self.asm.jump_if_imm(Cond::Eq, R3, 0, done);
        self.asm.jump_if_imm(Cond::Gt, R9, all as i32, cut);
        self.cursor();
        self.asm.set(R2, i32::from(cap) + 1);
        self.asm.call(Helper::ProbeReadUserStr);
        self.asm.jump_if_imm(Cond::SLe, R0, 0, bad);
        self.asm.jump_if_imm(Cond::Ne, R0, i32::from(cap) + 1, whole);
        self.state(pointee, State::Cut)?;
        self.asm.place(whole);
        self.asm.alu(Alu::Add, R9, R0);
        self.asm.alu_imm(Alu::Add, R7, 1);
        self.asm.jump(top);
        self.asm.place(cut);
        self.state(pointee, State::Cut)?;
        self.asm.jump(done);
        self.asm.place(bad);
        self.failed(pointee)?;
        self.asm.place(done);
        self.asm.store(Size::B1, R8, count_at, R7);
        self.asm.load(Size::B8, R7, R10, STACK_RING);
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
                let wrote = self.asm.label();
                self.fetch(R2, &Source::Result, Size::B8)?;
                self.state(pointee, State::Off)?;
                self.asm.jump_if_imm(Cond::SGe, R2, 0, wrote);
                self.asm.jump(join);
                self.asm.place(wrote);
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

    /// The last store of the record: from here the reader sees it. Its partner is the acquire load of `pos` in the
    /// collector; stores of one CPU become visible in order on x86.
    fn publish(&mut self) {
        if self.shape.point == Point::Entry {
            self.count(ring::ENTRIES);
        }
        self.asm.note("publish");
        self.asm.load(Size::B8, R1, R7, ring::POS);
        if self.shape.pointees.iter().all(|p| matches!(p.copy, Copy::Object { .. })) {
            self.asm.alu_imm(Alu::Add, R1, i32::from(self.shape.fixed_len));
        } else {
            self.asm.alu(Alu::Add, R1, R9);
        }
        self.asm.store(Size::B8, R7, ring::POS, R1);
    }

    fn out_of_line(&mut self) {
        self.asm.place(self.out);
        self.asm.exit();
        self.switch_packet();
        if self.drops {
            self.asm.place(self.oversize);
            self.asm.note("the record left its bounds: a loss of its own kind");
            self.count(ring::LOST);
            self.count(ring::OVERSIZE);
            self.asm.exit();
        }
    }
}
