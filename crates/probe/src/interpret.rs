//! Runs programs without a kernel: registers, regions of memory, and the helpers of the allow-list.
//!
//! A [`Machine`] has one CPU and one current thread. What lies behind an address says what may be done with it:
//!
//! | [`Kind`] | loads and stores | helpers that read user memory |
//! |---|---|---|
//! | `Kernel` | loads | - |
//! | `Map` | loads and stores | destination |
//! | stack | loads and stores | destination |
//! | `User` | - | source |
//!
//! Everything else is a [`Fault`], as it would be a refusal of the kernel's verifier: a register that was never set, an address
//! without memory, a store to read-only memory. Addresses without a `User` region are the holes in the target's memory.
//!
//! The helpers do what those of the kernel do (`kernel/trace/bpf_trace.c`, `mm/maccess.c`): a failing copy clears its destination.

use std::collections::BTreeMap;

use crate::insn::{Alu, Cond, Helper, Insn, MapRef, Operand, Reg, Size};
use crate::program::Program;

/// What a region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Memory of the kernel: registers of the call, task structures, arguments of a tracepoint.
    Kernel,
    /// Values of a map.
    Map,
    /// Memory of the traced process.
    User,
}

/// Why a program cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A register is read that was never set, or that a call has wiped.
    #[error("slot {slot}: {register} is not set")]
    Unset {
        /// Slot of the instruction.
        slot: usize,
        /// The register.
        register: Reg,
    },
    /// A load from an address that holds no memory for programs.
    #[error("slot {slot}: load of {len} bytes at {address:#x}")]
    Load {
        /// Slot of the instruction.
        slot: usize,
        /// The address.
        address: u64,
        /// Bytes.
        len: usize,
    },
    /// A store, or the destination of a helper, to an address that holds no memory for programs, or read-only memory.
    #[error("slot {slot}: store of {len} bytes at {address:#x}")]
    Store {
        /// Slot of the instruction.
        slot: usize,
        /// The address.
        address: u64,
        /// Bytes.
        len: usize,
    },
    /// A map that the machine does not have, or something else in the place of a map.
    #[error("slot {slot}: no such map")]
    Map {
        /// Slot of the instruction.
        slot: usize,
    },
    /// A jump to where no instruction begins, or the end of the program without an exit.
    #[error("slot {slot}: no instruction")]
    NoInstruction {
        /// The slot.
        slot: usize,
    },
    /// The program does not end.
    #[error("more than {0} instructions")]
    Endless(u64),
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By `exit`, with this in `r0`.
    Exit(u64),
    /// By a jump to the program in a slot of a map. Whether there is one is not known here.
    TailCall(MapRef, u32),
}

#[derive(Clone, Debug)]
struct Region {
    kind: Kind,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Values {
    base: u64,
    size: u32,
    count: u32,
}

/// Instructions after which a program is taken to be endless.
const ENDLESS: u64 = 1_000_000;
/// Bytes of a program's stack (`MAX_BPF_STACK`).
const STACK: u64 = 512;
/// Where the stack ends; `r10` points here.
const STACK_END: u64 = 0xffff_c900_0000_0200;
/// What a map is to a program: an address that holds no memory.
const MAPS: u64 = 0xffff_fe00_0000_0000;
/// `-EFAULT`
const EFAULT: u64 = -14_i64 as u64;

/// A CPU with memory.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// By first address.
    regions: BTreeMap<u64, Region>,
    maps: Vec<(MapRef, Values)>,
    /// What `ktime_get_ns` gives.
    pub now: u64,
    /// What `get_smp_processor_id` gives.
    pub cpu: u32,
    /// What `get_current_task_btf` gives: the address of the current thread's `task_struct`.
    pub task: u64,
    /// Instructions run by the last program.
    pub steps: u64,
}

/// State of one program.
struct Running {
    /// `r0` ... `r10`; `None` when not set.
    registers: [Option<u64>; 11],
    slot: usize,
}

impl Running {
    fn get(&self, register: Reg) -> Result<u64, Fault> {
        self.registers[register as usize].ok_or(Fault::Unset { slot: self.slot, register })
    }

    fn set(&mut self, register: Reg, value: u64) {
        self.registers[register as usize] = Some(value);
    }

    fn operand(&self, operand: Operand) -> Result<u64, Fault> {
        match operand {
            Operand::Reg(register) => self.get(register),
            Operand::Imm(value) => Ok(i64::from(value) as u64),
        }
    }

    /// What a call leaves: a result, and nothing in the registers of its arguments.
    fn returned(&mut self, result: u64) {
        self.registers[1..=5].fill(None);
        self.set(Reg::R0, result);
    }
}

impl Machine {
    /// Puts memory at an address; memory that begins there already is replaced. Regions must not overlap.
    pub fn add(&mut self, kind: Kind, address: u64, bytes: Vec<u8>) {
        self.regions.insert(address, Region { kind, bytes });
    }

    /// Takes the memory that begins at an address away.
    pub fn remove(&mut self, address: u64) {
        self.regions.remove(&address);
    }

    /// Makes the values of a map, all zero, at an address.
    pub fn add_map(&mut self, map: MapRef, address: u64, size: u32, count: u32) {
        self.add(Kind::Map, address, vec![0; size as usize * count as usize]);
        self.maps.push((map, Values { base: address, size, count }));
    }

    /// Address of a value of a map.
    pub fn value(&self, map: MapRef, index: u32) -> Option<u64> {
        let (_, values) = self.maps.iter().find(|(of, _)| *of == map)?;
        (index < values.count).then(|| values.base + u64::from(index) * u64::from(values.size))
    }

    /// Bytes at an address, whatever they are for.
    pub fn bytes(&self, address: u64, len: usize) -> Option<&[u8]> {
        let (start, region) = self.regions.range(..=address).next_back()?;
        let from = usize::try_from(address - start).ok()?;
        region.bytes.get(from..from.checked_add(len)?)
    }

    /// The same, to change them.
    pub fn bytes_mut(&mut self, address: u64, len: usize) -> Option<&mut [u8]> {
        let (start, region) = self.regions.range_mut(..=address).next_back()?;
        let from = usize::try_from(address - start).ok()?;
        region.bytes.get_mut(from..from.checked_add(len)?)
    }

    fn kind(&self, address: u64) -> Option<Kind> {
        Some(self.regions.range(..=address).next_back()?.1.kind)
    }

    fn load(&self, slot: usize, address: u64, len: usize) -> Result<u64, Fault> {
        let fault = Fault::Load { slot, address, len };
        if self.kind(address) == Some(Kind::User) {
            return Err(fault);
        }
        let bytes = self.bytes(address, len).ok_or(fault)?;
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn writable(&mut self, slot: usize, address: u64, len: usize) -> Result<&mut [u8], Fault> {
        let fault = Fault::Store { slot, address, len };
        if self.kind(address) != Some(Kind::Map) {
            return Err(fault);
        }
        self.bytes_mut(address, len).ok_or(fault)
    }

    fn store(&mut self, slot: usize, address: u64, len: usize, value: u64) -> Result<(), Fault> {
        self.writable(slot, address, len)?.copy_from_slice(&value.to_le_bytes()[..len]);
        Ok(())
    }

    /// Runs a program from its first instruction. `context` is what it gets in `r1`.
    ///
    /// # Errors
    /// What the kernel would not have let pass.
    pub fn run(&mut self, program: &Program, context: u64) -> Result<Outcome, Fault> {
        let mut index_of = BTreeMap::new();
        let mut slot = 0;
        for (index, insn) in program.insns.iter().enumerate() {
            index_of.insert(slot, index);
            slot += insn.slots();
        }
        // The stack looks like a map's value: programs may load and store, helpers may fill it.
        self.add(Kind::Map, STACK_END - STACK, vec![0xa5; STACK as usize]);
        let mut state = Running { registers: [None; 11], slot: 0 };
        state.set(Reg::R1, context);
        state.set(Reg::R10, STACK_END);
        self.steps = 0;
        loop {
            let slot = state.slot;
            let insn = index_of
                .get(&slot)
                .and_then(|index| program.insns.get(*index))
                .ok_or(Fault::NoInstruction { slot })?;
            self.steps += 1;
            if self.steps > ENDLESS {
                return Err(Fault::Endless(ENDLESS));
            }
            if let Some(outcome) = self.step(&mut state, insn)? {
                return Ok(outcome);
            }
        }
    }

    /// One instruction; the next one's slot is in `state` afterwards.
    fn step(&mut self, state: &mut Running, insn: &Insn<i16>) -> Result<Option<Outcome>, Fault> {
        let slot = state.slot;
        let mut next = slot + insn.slots();
        let jump = |distance: i16| {
            slot.wrapping_add(1)
                .checked_add_signed(isize::from(distance))
                .ok_or(Fault::NoInstruction { slot })
        };
        match *insn {
            Insn::Alu(Alu::Mov, dst, operand) => state.set(dst, state.operand(operand)?),
            Insn::Alu(op, dst, operand) => {
                let result = arithmetic(op, state.get(dst)?, state.operand(operand)?);
                state.set(dst, result);
            }
            Insn::Load(size, dst, base, offset) => {
                let address = state.get(base)?.wrapping_add_signed(i64::from(offset));
                state.set(dst, self.load(slot, address, bytes_of(size))?);
            }
            Insn::Store(size, base, offset, src) => {
                let address = state.get(base)?.wrapping_add_signed(i64::from(offset));
                self.store(slot, address, bytes_of(size), state.get(src)?)?;
            }
            Insn::StoreImm(size, base, offset, value) => {
                let address = state.get(base)?.wrapping_add_signed(i64::from(offset));
                self.store(slot, address, bytes_of(size), i64::from(value) as u64)?;
            }
            Insn::LoadMap(dst, map) => state.set(dst, MAPS + map as u64),
            Insn::LoadMapValue(dst, map, offset) => {
                let value = self.value(map, 0).ok_or(Fault::Map { slot })?;
                state.set(dst, value + u64::from(offset));
            }
            Insn::JumpIf(cond, dst, operand, to) => {
                if holds(cond, state.get(dst)?, state.operand(operand)?) {
                    next = jump(to)?;
                }
            }
            Insn::Jump(to) => next = jump(to)?,
            Insn::Call(Helper::TailCall) => {
                let map = map_of(state.get(Reg::R2)?).ok_or(Fault::Map { slot })?;
                state.get(Reg::R1)?;
                return Ok(Some(Outcome::TailCall(map, state.get(Reg::R3)? as u32)));
            }
            Insn::Call(helper) => {
                let result = self.call(helper, state)?;
                state.returned(result);
            }
            // The only kernel function that programs call is `bpf_rdonly_cast`, which gives back its argument.
            Insn::CallKernel(_) => {
                state.get(Reg::R2)?;
                let pointer = state.get(Reg::R1)?;
                state.returned(pointer);
            }
            Insn::Exit => return Ok(Some(Outcome::Exit(state.get(Reg::R0)?))),
        }
        state.slot = next;
        Ok(None)
    }

    fn call(&mut self, helper: Helper, state: &Running) -> Result<u64, Fault> {
        let slot = state.slot;
        match helper {
            Helper::KtimeGetNs => Ok(self.now),
            Helper::GetSmpProcessorId => Ok(u64::from(self.cpu)),
            Helper::GetCurrentTaskBtf => Ok(self.task),
            Helper::MapLookupElem => {
                let map = map_of(state.get(Reg::R1)?).ok_or(Fault::Map { slot })?;
                let key = self.load(slot, state.get(Reg::R2)?, 4)?;
                Ok(self.value(map, key as u32).unwrap_or(0))
            }
            Helper::ProbeReadUser => {
                let (to, len, from) = copy_arguments(state)?;
                let bytes = self.user(from, len).map(<[u8]>::to_vec);
                let destination = self.writable(slot, to, len)?;
                match bytes {
                    Some(bytes) => {
                        destination.copy_from_slice(&bytes);
                        Ok(0)
                    }
                    None => {
                        destination.fill(0);
                        Ok(EFAULT)
                    }
                }
            }
            Helper::ProbeReadUserStr => {
                let (to, len, from) = copy_arguments(state)?;
                let bytes = self.user_string(from, len);
                let destination = self.writable(slot, to, len)?;
                match (bytes, destination.len()) {
                    (_, 0) => Ok(0),
                    (Some(bytes), _) => {
                        destination[..bytes.len()].copy_from_slice(&bytes);
                        Ok(bytes.len() as u64)
                    }
                    (None, _) => {
                        destination.fill(0);
                        Ok(EFAULT)
                    }
                }
            }
            // `step` has dealt with it: it ends the program.
            Helper::TailCall => Err(Fault::Map { slot }),
        }
    }

    /// Memory of the process, all of it or nothing. Nothing is everywhere in the lower half.
    fn user(&self, address: u64, len: usize) -> Option<&[u8]> {
        if len == 0 && address >> 63 == 0 {
            return Some(&[]);
        }
        if self.kind(address) != Some(Kind::User) {
            return None;
        }
        self.bytes(address, len)
    }

    /// A string of the process with its NUL: cut to `len` bytes, the last of them NUL. `None` when memory ends before the string and
    /// before `len`.
    fn user_string(&self, address: u64, len: usize) -> Option<Vec<u8>> {
        let mut string = Vec::new();
        while string.len() < len {
            match self.user(address.wrapping_add(string.len() as u64), 1)?.first()? {
                0 => break,
                byte => string.push(*byte),
            }
        }
        string.truncate(len.saturating_sub(1));
        string.push(0);
        Some(string)
    }
}

/// Arguments of a copying helper: destination, length, source.
fn copy_arguments(state: &Running) -> Result<(u64, usize, u64), Fault> {
    let len = state.get(Reg::R2)? as u32;
    Ok((state.get(Reg::R1)?, len as usize, state.get(Reg::R3)?))
}

fn map_of(handle: u64) -> Option<MapRef> {
    [MapRef::Syscalls, MapRef::Lifecycle, MapRef::Tasks, MapRef::Plain, MapRef::EntrySlots, MapRef::ExitSlots]
        .into_iter()
        .find(|map| MAPS + *map as u64 == handle)
}

fn bytes_of(size: Size) -> usize {
    match size {
        Size::B1 => 1,
        Size::B2 => 2,
        Size::B4 => 4,
        Size::B8 => 8,
    }
}

/// Shifts use the low 6 bits of their distance, as the architecture has it.
fn arithmetic(op: Alu, a: u64, b: u64) -> u64 {
    match op {
        Alu::Mov => b,
        Alu::Add => a.wrapping_add(b),
        Alu::Sub => a.wrapping_sub(b),
        Alu::Mul => a.wrapping_mul(b),
        Alu::And => a & b,
        Alu::Or => a | b,
        Alu::Xor => a ^ b,
        Alu::Shl => a << (b & 63),
        Alu::Shr => a >> (b & 63),
        Alu::Sar => (a as i64 >> (b & 63)) as u64,
    }
}

fn holds(cond: Cond, a: u64, b: u64) -> bool {
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Le => a <= b,
        Cond::SLe => a as i64 <= b as i64,
        Cond::SGe => a as i64 >= b as i64,
        Cond::Set => a & b != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insn::Reg::*;
    use crate::program::Assembler;

    const USER: u64 = 0x1000;
    const VALUES: u64 = 0xffff_8880_0000_0000;

    fn machine() -> Machine {
        let mut machine = Machine::default();
        machine.add(Kind::User, USER, b"hello\0rest".to_vec());
        machine.add_map(MapRef::Tasks, VALUES, 64, 1);
        machine
    }

    /// `r0` after copying a string of at most `len` bytes from `from` into the map.
    fn copied(machine: &mut Machine, len: i32, from: u64) -> i64 {
        let mut asm = Assembler::default();
        asm.load_map_value(R1, MapRef::Tasks);
        asm.set(R2, len);
        asm.set(R3, from as i32);
        asm.call(Helper::ProbeReadUserStr);
        asm.load_map_value(R1, MapRef::Tasks);
        asm.store(Size::B8, R1, 56, R0);
        asm.exit();
        assert_eq!(machine.run(&asm.finish("copy").unwrap(), 0), Ok(Outcome::Exit(0)));
        i64::from_le_bytes(machine.bytes(VALUES + 56, 8).unwrap().try_into().unwrap())
    }

    #[test]
    fn strings_are_copied_as_the_kernel_copies_them() {
        let mut machine = machine();
        assert_eq!(copied(&mut machine, 16, USER), 6);
        assert_eq!(machine.bytes(VALUES, 6), Some(&b"hello\0"[..]));
        // Exactly the room, and one byte less: the result is the same, which is why probes ask for one byte more than they keep.
        assert_eq!(copied(&mut machine, 6, USER), 6);
        assert_eq!(copied(&mut machine, 5, USER), 5);
        assert_eq!(machine.bytes(VALUES, 5), Some(&b"hell\0"[..]));
        // The memory ends before the string does, and no memory at all.
        assert_eq!(copied(&mut machine, 16, USER + 6), -14);
        assert_eq!(copied(&mut machine, 16, 0), -14);
        assert_eq!(machine.bytes(VALUES, 16), Some(&[0; 16][..]), "cleared");
    }

    #[test]
    fn what_the_verifier_refuses_is_a_fault() {
        let run = |build: &dyn Fn(&mut Assembler)| {
            let mut asm = Assembler::default();
            build(&mut asm);
            asm.exit();
            machine().run(&asm.finish("p").unwrap(), USER).unwrap_err()
        };
        assert_eq!(run(&|asm| asm.mov(R2, R3)), Fault::Unset { slot: 0, register: R3 });
        let user = Fault::Load { slot: 0, address: USER, len: 8 };
        assert_eq!(run(&|asm| asm.load(Size::B8, R2, R1, 0)), user, "user memory is not for loads");
        assert_eq!(
            run(&|asm| asm.store_imm(Size::B1, R10, 0, 1)),
            Fault::Store { slot: 0, address: STACK_END, len: 1 }
        );
        let after_call = |asm: &mut Assembler| {
            asm.call(Helper::KtimeGetNs);
            asm.mov(R2, R1);
        };
        assert_eq!(run(&after_call), Fault::Unset { slot: 1, register: R1 });
        let endless = |asm: &mut Assembler| {
            let top = asm.label();
            asm.place(top);
            asm.jump(top);
        };
        assert_eq!(run(&endless), Fault::Endless(ENDLESS));
    }
}
