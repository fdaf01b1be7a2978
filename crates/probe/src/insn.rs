//! eBPF instructions as plain values, with symbolic labels and maps.
//!
//! One [`Insn`] is one instruction of the architecture (`Documentation/bpf/standardization/instruction-set.rst`
//! of the kernel). Jumps name a [`Label`], map loads name a [`MapRef`]; [`crate::program`] turns labels into
//! distances, and the kernel crate turns maps into file descriptors when it loads the program.

/// A register. `R10` is the read-only frame pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "register names of the architecture")]
pub enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

/// Width of a memory access in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "1, 2, 4 and 8 bytes")]
pub enum Size {
    B1,
    B2,
    B4,
    B8,
}

/// 64-bit arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the operations")]
pub enum Alu {
    Mov,
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    /// Arithmetic shift right.
    Sar,
}

/// Conditions of a jump, 64-bit compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cond {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `>` unsigned
    Gt,
    /// `>=` unsigned
    Ge,
    /// `<=` unsigned
    Le,
    /// `<=` signed
    SLe,
    /// `>=` signed
    SGe,
    /// `a & b` is not zero
    Set,
}

/// Second operand: a register or a sign-extended immediate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// A register.
    Reg(Reg),
    /// An immediate.
    Imm(i32),
}

/// Kernel helpers that programs may call: this list is the allow-list. None of them writes to the target,
/// changes its result, sends it a signal or reads kernel memory (numbers: `include/uapi/linux/bpf.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "kernel helper names")]
pub enum Helper {
    MapLookupElem,
    KtimeGetNs,
    GetSmpProcessorId,
    TailCall,
    ProbeReadUser,
    ProbeReadUserStr,
    GetCurrentTaskBtf,
}

/// A map, by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MapRef {
    /// Per-CPU ring of system-call records.
    Syscalls,
    /// Per-CPU ring of fork, exec, exit and signal records.
    Lifecycle,
    /// One byte per thread id.
    Tasks,
    /// One byte per slot of exits: whether the dispatcher writes its record itself.
    Plain,
    /// Programs by slot, reached from `sys_enter`.
    EntrySlots,
    /// Programs by slot, reached from `sys_exit`.
    ExitSlots,
}

/// A place in a program, numbered by the assembler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Label(pub(crate) u32);

/// One instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Insn<L> {
    /// `dst op= operand`
    Alu(Alu, Reg, Operand),
    /// `dst = *(size *)(base + offset)`
    Load(Size, Reg, Reg, i16),
    /// `*(size *)(base + offset) = src`
    Store(Size, Reg, i16, Reg),
    /// `*(size *)(base + offset) = immediate`
    StoreImm(Size, Reg, i16, i32),
    /// `dst = map`
    LoadMap(Reg, MapRef),
    /// `dst = address of the map's first value + offset`
    LoadMapValue(Reg, MapRef, u32),
    /// `if dst cond operand goto label`
    JumpIf(Cond, Reg, Operand, L),
    /// `goto label`
    Jump(L),
    /// `r0 = helper(r1 ... r5)`
    Call(Helper),
    /// `r0 = kernel function with this BTF id(r1 ... r5)`
    CallKernel(u32),
    /// `return r0`
    Exit,
}

impl Size {
    /// The size for a width of 1, 2, 4 or 8 bytes.
    pub fn of(bytes: u8) -> Option<Size> {
        match bytes {
            1 => Some(Size::B1),
            2 => Some(Size::B2),
            4 => Some(Size::B4),
            8 => Some(Size::B8),
            _ => None,
        }
    }

    /// The width in bytes, as an operand.
    pub(crate) fn bytes(self) -> i32 {
        match self {
            Size::B1 => 1,
            Size::B2 => 2,
            Size::B4 => 4,
            Size::B8 => 8,
        }
    }

    fn code(self) -> u8 {
        match self {
            Size::B4 => 0x00,
            Size::B2 => 0x08,
            Size::B1 => 0x10,
            Size::B8 => 0x18,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Size::B1 => "u8",
            Size::B2 => "u16",
            Size::B4 => "u32",
            Size::B8 => "u64",
        }
    }
}

impl Alu {
    fn code(self) -> u8 {
        match self {
            Alu::Add => 0x00,
            Alu::Sub => 0x10,
            Alu::Mul => 0x20,
            Alu::Or => 0x40,
            Alu::And => 0x50,
            Alu::Shl => 0x60,
            Alu::Shr => 0x70,
            Alu::Xor => 0xa0,
            Alu::Mov => 0xb0,
            Alu::Sar => 0xc0,
        }
    }

    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Alu::Mov => "=",
            Alu::Add => "+=",
            Alu::Sub => "-=",
            Alu::Mul => "*=",
            Alu::And => "&=",
            Alu::Or => "|=",
            Alu::Xor => "^=",
            Alu::Shl => "<<=",
            Alu::Shr => ">>=",
            Alu::Sar => "s>>=",
        }
    }
}

impl Cond {
    fn code(self) -> u8 {
        match self {
            Cond::Eq => 0x10,
            Cond::Gt => 0x20,
            Cond::Ge => 0x30,
            Cond::Set => 0x40,
            Cond::Ne => 0x50,
            Cond::SGe => 0x70,
            Cond::Le => 0xb0,
            Cond::SLe => 0xd0,
        }
    }

    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Cond::Eq => "==",
            Cond::Ne => "!=",
            Cond::Gt => ">",
            Cond::Ge => ">=",
            Cond::Le => "<=",
            Cond::SLe => "s<=",
            Cond::SGe => "s>=",
            Cond::Set => "&",
        }
    }
}

impl Helper {
    /// Number in the kernel's table.
    pub fn number(self) -> i32 {
        match self {
            Helper::MapLookupElem => 1,
            Helper::KtimeGetNs => 5,
            Helper::GetSmpProcessorId => 8,
            Helper::TailCall => 12,
            Helper::ProbeReadUser => 112,
            Helper::ProbeReadUserStr => 114,
            Helper::GetCurrentTaskBtf => 158,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Helper::MapLookupElem => "map_lookup_elem",
            Helper::KtimeGetNs => "ktime_get_ns",
            Helper::GetSmpProcessorId => "get_smp_processor_id",
            Helper::TailCall => "tail_call",
            Helper::ProbeReadUser => "probe_read_user",
            Helper::ProbeReadUserStr => "probe_read_user_str",
            Helper::GetCurrentTaskBtf => "get_current_task_btf",
        }
    }
}

impl MapRef {
    pub(crate) fn name(self) -> &'static str {
        match self {
            MapRef::Syscalls => "syscalls",
            MapRef::Lifecycle => "lifecycle",
            MapRef::Tasks => "tasks",
            MapRef::Plain => "plain",
            MapRef::EntrySlots => "entry_slots",
            MapRef::ExitSlots => "exit_slots",
        }
    }
}

/// Pseudo source registers of the 16-byte load (`include/uapi/linux/bpf.h`).
const PSEUDO_MAP_FD: u8 = 1;
const PSEUDO_MAP_VALUE: u8 = 2;
const PSEUDO_KFUNC_CALL: u8 = 2;

impl<L> Insn<L> {
    /// 8-byte slots that the instruction takes: 2 for the 16-byte loads, else 1.
    pub fn slots(&self) -> usize {
        match self {
            Insn::LoadMap(..) | Insn::LoadMapValue(..) => 2,
            _ => 1,
        }
    }
}

impl Insn<i16> {
    /// The instruction in the kernel's encoding, maps replaced by the descriptors that `fd` gives:
    ///
    /// ```text
    ///   0        8   12   16        32                64
    ///   | opcode |dst|src| offset  |    immediate    |
    /// ```
    pub fn encode(&self, fd: &dyn Fn(MapRef) -> i32, out: &mut Vec<u64>) {
        match *self {
            Insn::Alu(op, dst, Operand::Imm(imm)) => out.push(word(0x07 | op.code(), dst as u8, 0, 0, imm)),
            Insn::Alu(op, dst, Operand::Reg(src)) => {
                out.push(word(0x0f | op.code(), dst as u8, src as u8, 0, 0));
            }
            Insn::Load(size, dst, base, off) => {
                out.push(word(0x61 | size.code(), dst as u8, base as u8, off, 0));
            }
            Insn::Store(size, base, off, src) => {
                out.push(word(0x63 | size.code(), base as u8, src as u8, off, 0));
            }
            Insn::StoreImm(size, base, off, imm) => {
                out.push(word(0x62 | size.code(), base as u8, 0, off, imm));
            }
            Insn::LoadMap(dst, map) => {
                out.push(word(0x18, dst as u8, PSEUDO_MAP_FD, 0, fd(map)));
                out.push(0);
            }
            Insn::LoadMapValue(dst, map, offset) => {
                out.push(word(0x18, dst as u8, PSEUDO_MAP_VALUE, 0, fd(map)));
                out.push(u64::from(offset) << 32);
            }
            Insn::JumpIf(cond, dst, Operand::Imm(imm), to) => {
                out.push(word(0x05 | cond.code(), dst as u8, 0, to, imm));
            }
            Insn::JumpIf(cond, dst, Operand::Reg(src), to) => {
                out.push(word(0x0d | cond.code(), dst as u8, src as u8, to, 0));
            }
            Insn::Jump(to) => out.push(word(0x05, 0, 0, to, 0)),
            Insn::Call(helper) => out.push(word(0x85, 0, 0, 0, helper.number())),
            Insn::CallKernel(id) => out.push(word(0x85, 0, PSEUDO_KFUNC_CALL, 0, id as i32)),
            Insn::Exit => out.push(word(0x95, 0, 0, 0, 0)),
        }
    }
}

fn word(opcode: u8, dst: u8, src: u8, offset: i16, imm: i32) -> u64 {
    u64::from(opcode)
        | u64::from(dst) << 8
        | u64::from(src) << 12
        | u64::from(offset as u16) << 16
        | u64::from(imm as u32) << 32
}

#[cfg(test)]
mod tests {
    use super::Reg::*;
    use super::*;

    #[test]
    fn encodings_are_the_ones_of_the_instruction_set() {
        let rows: &[(Insn<i16>, &[u64])] = &[
            (Insn::Alu(Alu::Mov, R6, Operand::Reg(R1)), &[0x0000_0000_0000_16bf]),
            (Insn::Alu(Alu::Add, R2, Operand::Imm(-4)), &[0xffff_fffc_0000_0207]),
            (Insn::Alu(Alu::Sar, R1, Operand::Imm(32)), &[0x0000_0020_0000_01c7]),
            (Insn::Load(Size::B8, R6, R1, 8), &[0x0000_0000_0008_1679]),
            (Insn::Load(Size::B4, R0, R0, 4), &[0x0000_0000_0004_0061]),
            (Insn::Store(Size::B2, R8, 0, R1), &[0x0000_0000_0000_186b]),
            (Insn::StoreImm(Size::B1, R8, 20, 2), &[0x0000_0002_0014_0872]),
            (Insn::LoadMap(R1, MapRef::Tasks), &[0x0000_0007_0000_1118, 0]),
            (Insn::LoadMapValue(R1, MapRef::Tasks, 16), &[0x0000_0007_0000_2118, 0x0000_0010_0000_0000]),
            (Insn::JumpIf(Cond::Ge, R3, Operand::Reg(R2), 5), &[0x0000_0000_0005_233d]),
            (Insn::JumpIf(Cond::SLe, R0, Operand::Imm(0), -2), &[0x0000_0000_fffe_00d5]),
            (Insn::Jump(3), &[0x0000_0000_0003_0005]),
            (Insn::Call(Helper::KtimeGetNs), &[0x0000_0005_0000_0085]),
            (Insn::Exit, &[0x0000_0000_0000_0095]),
        ];
        for (insn, want) in rows {
            let mut have = Vec::new();
            insn.encode(&|_| 7, &mut have);
            assert_eq!(have, *want, "{insn:?}");
        }
    }
}
