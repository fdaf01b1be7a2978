//! The two programs that are attached to `sys_enter` and `sys_exit`: filter first, then jump to the program of the call.
//!
//! The task filter is one byte per thread id. Bit 0 of a thread's byte, exclusive-or bit 0 of byte 0 (thread 0 makes no
//! calls), says whether the thread is traced: with byte 0 clear the marked threads are traced, with byte 0 set all but
//! the marked ones. Bit 1 says that a pointee of the open call could not be read at entry.
//!
//! An entry that says no more than registers and an exit that says no more than its result, as most do, are written by the
//! dispatchers themselves: they know the thread and the number already, and a jump through a table is a large part of what so
//! small a record costs. A word per slot of entries and a byte per slot of exits say so:
//!
//! ```text
//! word of an entry:  0..24 width in bytes of each register, four bits each, 0 not recorded | 24..32 length of the record; 0 not plain
//! ```
//!
//! Slots of a dispatch table: `[0, 512)` native calls, `[512, 1024)` i386 calls, the same again from 1024 for exits that
//! read again what failed, then one slot each for numbers beyond the table. An empty slot costs nothing: it is the
//! system-call filter.

use schema::layout::NUMBERS;

use crate::facts::Facts;
use crate::generate;
use crate::insn::{Alu, Cond, Helper, MapRef, Reg, Reg::*, Size};
use crate::program::{Assembler, Error, Program};

/// Threads that the task table can tell apart: Linux never gives out larger ids (`PID_MAX_LIMIT`).
pub const TASKS: u32 = 1 << 22;
/// Bit of a thread's byte: marked.
pub const MARKED: u8 = 1;
/// Bit of a thread's byte: a pointee failed at entry.
pub const FAILED: u8 = 2;

/// First slot of i386 calls.
pub const SLOT_COMPAT: u32 = 512;
/// First slot of exits that read again.
pub const SLOT_REREAD: u32 = 1024;
/// Slot of native calls with a number beyond the table; the one of i386 calls follows.
pub const SLOT_UNKNOWN: u32 = 2048;
/// True for event ids of exits that read again what failed at entry: classes 2 and 5 (`docs/format.md`).
pub fn is_reread(event_id: u64) -> bool {
    matches!(event_id / u64::from(NUMBERS), 2 | 5)
}

/// Slots of a dispatch table.
pub const SLOTS: u32 = 2050;

/// Where the words of plain entries begin in the map of plain records; before them are the bytes of plain exits.
pub const PLAIN_ENTRIES: u32 = 4096;
/// Bytes of the map of plain records.
pub const PLAIN: u32 = PLAIN_ENTRIES + SLOTS * 8;

/// `TS_COMPAT` of `thread_info.status` (`arch/x86/include/asm/thread_info.h`): the call came through a 32-bit entry.
const TS_COMPAT: i32 = 2;
/// Offset of `orig_ax` in x86-64 `pt_regs`.
const ORIG_AX: i16 = 120;

/// Offset of a member, for a program called `program`.
pub(crate) fn member(facts: &Facts, program: &str, strukt: &str, member: &str) -> Result<i16, Error> {
    let offset = *facts.members.get(&(strukt.to_owned(), member.to_owned())).ok_or_else(|| {
        Error::NoMember { program: program.to_owned(), strukt: strukt.to_owned(), member: member.to_owned() }
    })?;
    i16::try_from(offset).map_err(|_| Error::Offset { program: program.to_owned(), offset })
}

/// `cell = address of the byte of the thread whose id is in cell`; `base` = byte 0. Clobbers nothing else.
pub(crate) fn task_byte(asm: &mut Assembler, cell: Reg, base: Reg) {
    asm.alu_imm(Alu::And, cell, TASKS as i32 - 1);
    asm.load_map_value(base, MapRef::Tasks);
    asm.alu(Alu::Add, cell, base);
    asm.load(Size::B1, base, base, 0);
}

/// The program for `sys_enter`.
pub fn entry(facts: &Facts) -> Result<Program, Error> {
    dispatcher(facts, "dispatch_entry", MapRef::EntrySlots, false)
}

/// The program for `sys_exit`; `counted` when a call has no other record.
pub fn exit(facts: &Facts, counted: bool) -> Result<Program, Error> {
    dispatcher(facts, "dispatch_exit", MapRef::ExitSlots, counted)
}

/// Stack slots of the dispatchers: the thread, the event id of a plain record, the word of a plain entry.
pub(crate) const STACK_TID: i16 = -8;
pub(crate) const STACK_ID: i16 = -12;
pub(crate) const STACK_WORD: i16 = -16;

/// Goes to the program in slot `r7`, with the context that is in `r6`; goes on when there is none.
fn jump_to_slot(asm: &mut Assembler, slots: MapRef) {
    asm.mov(R1, R6);
    asm.load_map(R2, slots);
    asm.mov(R3, R7);
    asm.call(Helper::TailCall);
}

fn dispatcher(facts: &Facts, name: &str, slots: MapRef, counted: bool) -> Result<Program, Error> {
    let pid = member(facts, name, "task_struct", "pid")?;
    let status = member(facts, name, "task_struct", "thread_info")?
        .checked_add(member(facts, name, "thread_info", "status")?)
        .ok_or_else(|| Error::Offset { program: name.to_owned(), offset: u32::MAX })?;
    let leaving = slots == MapRef::ExitSlots;
    let mut asm = Assembler::default();
    let (native, known, out) = (asm.label(), asm.label(), asm.label());

    asm.note("is this thread traced?");
    asm.mov(R6, R1);
    asm.call(Helper::GetCurrentTaskBtf);
    asm.load(Size::B4, R1, R0, pid);
    task_byte(&mut asm, R1, R2);
    asm.load(Size::B1, R3, R1, 0);
    asm.mov(R4, R3);
    asm.alu(Alu::Xor, R4, R2);
    asm.alu_imm(Alu::And, R4, i32::from(MARKED));
    asm.jump_if_imm(Cond::Eq, R4, 0, out);

    asm.note("number of the call, and the table it belongs to");
    asm.load(Size::B4, R2, R0, pid);
    asm.store(Size::B4, R10, STACK_TID, R2);
    asm.load(Size::B4, R5, R0, status);
    if leaving {
        asm.load(Size::B8, R2, R6, 0);
        asm.load(Size::B4, R7, R2, ORIG_AX);
    } else {
        asm.load(Size::B8, R7, R6, 8);
    }
    asm.set(R8, 0);
    asm.alu_imm(Alu::And, R5, TS_COMPAT);
    asm.jump_if_imm(Cond::Eq, R5, 0, native);
    asm.set(R8, SLOT_COMPAT as i32);
    asm.place(native);
    asm.jump_if_imm(Cond::Le, R7, SLOT_COMPAT as i32 - 1, known);
    asm.note("beyond the table: slot 2048 or 2049");
    asm.mov(R7, R8);
    asm.alu_imm(Alu::Shr, R7, 9);
    asm.alu_imm(Alu::Add, R7, SLOT_UNKNOWN as i32);
    asm.set(R8, 0);
    asm.place(known);
    asm.alu(Alu::Add, R7, R8);
    if !leaving {
        let other = asm.label();
        asm.note("registers and nothing more?");
        asm.load_map_value(R1, MapRef::Plain);
        asm.mov(R2, R7);
        asm.alu_imm(Alu::Shl, R2, 3);
        asm.alu(Alu::Add, R1, R2);
        asm.load(Size::B4, R1, R1, PLAIN_ENTRIES as i16);
        asm.jump_if_imm(Cond::Eq, R1, 0, other);
        asm.store(Size::B4, R10, STACK_WORD, R1);
        asm.note("event id: the slot");
        asm.store(Size::B4, R10, STACK_ID, R7);
        generate::plain_entry(&mut asm, name, facts)?;
        asm.place(other);
    } else {
        let go = asm.label();
        asm.note("did a pointee fail at entry?");
        asm.mov(R4, R3);
        asm.alu_imm(Alu::And, R4, i32::from(FAILED));
        asm.jump_if_imm(Cond::Eq, R4, 0, go);
        asm.alu_imm(Alu::And, R3, i32::from(MARKED));
        asm.store(Size::B1, R1, 0, R3);
        asm.jump_if_imm(Cond::Ge, R7, SLOT_REREAD as i32, go);
        asm.alu_imm(Alu::Add, R7, SLOT_REREAD as i32);
        asm.place(go);
        let other = asm.label();
        asm.note("a result and nothing more?");
        asm.load_map_value(R1, MapRef::Plain);
        asm.alu(Alu::Add, R1, R7);
        asm.load(Size::B1, R1, R1, 0);
        asm.jump_if_imm(Cond::Eq, R1, 0, other);
        asm.note("event id: slot + 512, of i386 slots that begin at 512 + 1536");
        asm.alu_imm(Alu::Shl, R8, 1);
        asm.alu(Alu::Add, R7, R8);
        asm.alu_imm(Alu::Add, R7, i32::from(NUMBERS));
        asm.store(Size::B4, R10, STACK_ID, R7);
        generate::plain_exit(&mut asm, name, facts, counted)?;
        asm.place(other);
    }
    jump_to_slot(&mut asm, slots);
    if leaving {
        asm.note("the slot is empty: when it was to read again, the plain exit will do");
        asm.jump_if_imm(Cond::Le, R7, SLOT_REREAD as i32 - 1, out);
        asm.jump_if_imm(Cond::Ge, R7, SLOT_UNKNOWN as i32, out);
        asm.alu_imm(Alu::Sub, R7, SLOT_REREAD as i32);
        jump_to_slot(&mut asm, slots);
    }
    asm.place(out);
    asm.exit();
    asm.finish(name)
}
