//! One CPU, one thread on it, its registers and its memory: what a program sees when it runs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use probe::dispatch::{PLAIN, PLAIN_ENTRIES, TASKS};
use probe::facts::{Facts, MEMBERS};
use probe::generate;
use probe::insn::MapRef;
use probe::interpret::{Kind, Machine, Outcome};
use probe::program::Program;
use probe::protocol::{HeaderConstants, HeaderWord, Memory, Piece, Reader, Word};
use probe::ring::{CONTROL, Geometry, HEADER};
use schema::Catalog;
use schema::layout::{Layout, Point, Shape};
use schema::lower::{Plan, lower};

/// Where `pt_regs` keeps registers (`arch/x86/include/asm/ptrace.h`).
pub(crate) mod register {
    pub(crate) const BP: u64 = 32;
    pub(crate) const BX: u64 = 40;
    pub(crate) const R10: u64 = 56;
    pub(crate) const R9: u64 = 64;
    pub(crate) const R8: u64 = 72;
    pub(crate) const AX: u64 = 80;
    pub(crate) const CX: u64 = 88;
    pub(crate) const DX: u64 = 96;
    pub(crate) const SI: u64 = 104;
    pub(crate) const DI: u64 = 112;
    pub(crate) const ORIG_AX: u64 = 120;
}

pub(crate) const NATIVE: [u64; 6] =
    [register::DI, register::SI, register::DX, register::R10, register::R8, register::R9];
pub(crate) const COMPAT: [u64; 6] =
    [register::BX, register::CX, register::DX, register::SI, register::DI, register::BP];

const KERNEL: u64 = 0xffff_8880_0000_0000;
/// What a program gets in `r1`: the arguments of the tracepoint, 8 bytes each.
pub(crate) const CONTEXT: u64 = KERNEL;
pub(crate) const REGISTERS: u64 = KERNEL + 0x1_0000;
pub(crate) const TASK: u64 = KERNEL + 0x2_0000;
pub(crate) const OTHER_TASK: u64 = KERNEL + 0x3_0000;
pub(crate) const MM: u64 = KERNEL + 0x4_0000;
pub(crate) const SIGINFO: u64 = KERNEL + 0x5_0000;
const SYSCALLS: u64 = KERNEL + 0x1000_0000;
const LIFECYCLE: u64 = KERNEL + 0x2000_0000;
const TASK_BYTES: u64 = KERNEL + 0x3000_0000;
const PLAIN_BYTES: u64 = KERNEL + 0x3800_0000;

/// The thread that runs.
pub(crate) const TID: i32 = 4711;
/// When it runs.
pub(crate) const NOW: u64 = 0x12_3456_7890;

/// Offsets of the members that programs use; not those of any kernel.
pub(crate) const PID: u64 = 40;
pub(crate) const TGID: u64 = 44;
pub(crate) const COMM: u64 = 64;
pub(crate) const EXIT_CODE: u64 = 52;
pub(crate) const MM_OF_TASK: u64 = 80;
pub(crate) const STATUS: u64 = 16;
pub(crate) const ENV_END: u64 = 32;
pub(crate) const ARG_START: u64 = 8;
pub(crate) const ARG_END: u64 = 16;

pub(crate) fn facts() -> Facts {
    let offset = |strukt: &str, member: &str| match (strukt, member) {
        ("task_struct", "pid") => PID,
        ("task_struct", "tgid") => TGID,
        ("task_struct", "comm") => COMM,
        ("task_struct", "exit_code") => EXIT_CODE,
        ("task_struct", "mm") => MM_OF_TASK,
        ("task_struct", "thread_info") => 0,
        ("thread_info", "status") => STATUS,
        ("mm_struct", "env_end") => ENV_END,
        ("mm_struct", "arg_start") => ARG_START,
        ("mm_struct", "arg_end") => ARG_END,
        other => panic!("where is {other:?}?"),
    };
    let members: BTreeMap<_, _> = MEMBERS
        .iter()
        .map(|(strukt, member)| (((*strukt).to_owned(), (*member).to_owned()), offset(strukt, member) as u32))
        .collect();
    Facts {
        members,
        cast: Some((77, 88)),
        syscalls: Geometry::new(1 << 18, 1 << 16).unwrap(),
        lifecycle: Geometry::new(1 << 15, 1 << 14).unwrap(),
    }
}

/// Layouts of the calls that a text in the `.tt` language describes.
pub(crate) fn layouts(text: &str, plan: &Plan) -> Vec<Layout> {
    let mut catalog = Catalog::new();
    catalog.add(text, "test.tt").unwrap();
    lower(&catalog, plan, |_, _| true)
}

/// The last layout of that name: of two exits, the one that reads again.
pub(crate) fn last(all: &[Layout], name: &str) -> Layout {
    all.iter().rfind(|layout| layout.event.name == name).unwrap().clone()
}

/// The first layout of that name.
pub(crate) fn first(all: &[Layout], name: &str) -> Layout {
    all.iter().find(|layout| layout.event.name == name).unwrap().clone()
}

/// One CPU and its rings.
pub(crate) struct Scene {
    pub(crate) machine: RefCell<Machine>,
    pub(crate) facts: Facts,
    pub(crate) syscalls: Reader,
    lifecycle: Reader,
}

/// The memory of a ring in the machine.
pub(crate) struct Ring<'a> {
    machine: &'a RefCell<Machine>,
    base: u64,
}

impl Ring<'_> {
    /// Fills the room for records with bytes of a former life: what a program does not store must not matter.
    fn make_dirty(&self, geometry: Geometry) {
        let sub_buffer = geometry.sub_buffer() as usize;
        for number in 0..geometry.count() as usize {
            let room = vec![0xee; sub_buffer - HEADER as usize];
            self.write(number * sub_buffer + HEADER as usize, &room);
        }
    }

    fn data(&self, at: usize) -> u64 {
        self.base + u64::from(CONTROL) + at as u64
    }

    fn u64_at(&self, address: u64) -> u64 {
        let machine = self.machine.borrow();
        u64::from_le_bytes(machine.bytes(address, 8).unwrap().try_into().unwrap())
    }

    fn set_u64(&self, address: u64, value: u64) {
        let mut machine = self.machine.borrow_mut();
        machine.bytes_mut(address, 8).unwrap().copy_from_slice(&value.to_le_bytes());
    }
}

impl Memory for Ring<'_> {
    fn load(&self, word: Word, _: Ordering) -> u64 {
        self.u64_at(self.base + word.offset() as u64)
    }

    fn store(&self, word: Word, value: u64, _: Ordering) {
        self.set_u64(self.base + word.offset() as u64, value);
    }

    fn header(&self, at: usize, word: HeaderWord) -> u64 {
        self.u64_at(self.data(at + word.offset()))
    }

    fn set_header(&self, at: usize, word: HeaderWord, value: u64) {
        self.set_u64(self.data(at + word.offset()), value);
    }

    fn read(&self, at: usize, len: usize, out: &mut Vec<u8>) {
        out.extend(self.machine.borrow().bytes(self.data(at), len).unwrap());
    }

    fn write(&self, at: usize, bytes: &[u8]) {
        let mut machine = self.machine.borrow_mut();
        machine.bytes_mut(self.data(at), bytes.len()).unwrap().copy_from_slice(bytes);
    }
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene::with(facts())
    }

    pub(crate) fn with(facts: Facts) -> Scene {
        let mut machine = Machine::default();
        machine.now = NOW;
        machine.task = TASK;
        machine.add(Kind::Kernel, CONTEXT, vec![0; 64]);
        machine.add(Kind::Kernel, REGISTERS, vec![0; 168]);
        for task in [TASK, OTHER_TASK] {
            machine.add(Kind::Kernel, task, vec![0; 128]);
        }
        machine.add(Kind::Kernel, MM, vec![0; 64]);
        machine.add(Kind::Kernel, SIGINFO, vec![0; 128]);
        machine.add_map(MapRef::Syscalls, SYSCALLS, facts.syscalls.value_size(), 1);
        machine.add_map(MapRef::Lifecycle, LIFECYCLE, facts.lifecycle.value_size(), 1);
        machine.add_map(MapRef::Tasks, TASK_BYTES, TASKS, 1);
        machine.add_map(MapRef::Plain, PLAIN_BYTES, PLAIN, 1);
        let (syscalls, lifecycle) = (Reader::new(facts.syscalls, 0), Reader::new(facts.lifecycle, 0));
        let scene = Scene { machine: RefCell::new(machine), facts, syscalls, lifecycle };
        for (reader, map, stream_id) in
            [(&scene.syscalls, MapRef::Syscalls, 0), (&scene.lifecycle, MapRef::Lifecycle, 1)]
        {
            scene.ring(map).make_dirty(if stream_id == 0 {
                scene.facts.syscalls
            } else {
                scene.facts.lifecycle
            });
            reader.write_constants(&scene.ring(map), HeaderConstants { uuid: [7; 16], stream_id });
        }
        scene.set(TASK + PID, TID as u32);
        scene.set(CONTEXT, REGISTERS);
        scene
    }

    pub(crate) fn ring(&self, map: MapRef) -> Ring<'_> {
        let base = self.machine.borrow().value(map, 0).unwrap();
        Ring { machine: &self.machine, base }
    }

    /// Stores a value of 4 or 8 bytes in kernel memory.
    pub(crate) fn set<T: Bytes>(&self, address: u64, value: T) {
        let bytes = value.bytes();
        self.machine.borrow_mut().bytes_mut(address, bytes.len()).unwrap().copy_from_slice(&bytes);
    }

    /// Puts bytes into the memory of the process.
    pub(crate) fn user(&self, address: u64, bytes: &[u8]) {
        self.machine.borrow_mut().add(Kind::User, address, bytes.to_vec());
    }

    pub(crate) fn advance(&self, ns: u64) {
        self.machine.borrow_mut().now += ns;
    }

    /// The thread enters a call.
    pub(crate) fn enter(&self, convention: [u64; 6], nr: i64, arguments: &[u64]) {
        self.set(CONTEXT, REGISTERS);
        self.set(CONTEXT + 8, nr as u64);
        self.set(REGISTERS + register::ORIG_AX, nr as u64);
        for (at, value) in convention.into_iter().zip(arguments) {
            self.set(REGISTERS + at, *value);
        }
    }

    /// The call that was entered returns.
    pub(crate) fn leave(&self, result: i64) {
        self.set(CONTEXT + 8, result as u64);
        self.set(REGISTERS + register::AX, result as u64);
    }

    /// The thread's byte in the set of traced threads.
    pub(crate) fn task_byte(&self, tid: i32) -> u8 {
        let machine = self.machine.borrow();
        machine.bytes(TASK_BYTES + tid as u64, 1).unwrap()[0]
    }

    /// The exit dispatcher writes the exits of this slot itself.
    pub(crate) fn set_plain(&self, slot: u32) {
        self.machine.borrow_mut().bytes_mut(PLAIN_BYTES + u64::from(slot), 1).unwrap()[0] = 1;
    }

    /// The entry dispatcher writes the entries of this slot itself, as the word says.
    pub(crate) fn set_plain_entry(&self, slot: u32, word: u32) {
        self.set(PLAIN_BYTES + u64::from(PLAIN_ENTRIES + slot * 8), u64::from(word));
    }

    pub(crate) fn set_task_byte(&self, tid: i32, value: u8) {
        self.machine.borrow_mut().bytes_mut(TASK_BYTES + tid as u64, 1).unwrap()[0] = value;
    }

    pub(crate) fn program(&self, shape: &Shape) -> Program {
        generate::program("test", shape, &self.facts).unwrap()
    }

    pub(crate) fn run(&self, program: &Program) -> Outcome {
        self.machine.borrow_mut().run(program, CONTEXT).unwrap_or_else(|fault| panic!("{fault}\n{program}"))
    }

    /// Runs the program of a layout; gives back what it published.
    pub(crate) fn record(&mut self, layout: &Layout) -> Vec<u8> {
        self.record_of(&layout.shape)
    }

    /// Runs the program of a shape; gives back what it published.
    pub(crate) fn record_of(&mut self, shape: &Shape) -> Vec<u8> {
        assert_eq!(self.run(&self.program(shape)), Outcome::Exit(0));
        let map = match shape.point {
            Point::Entry | Point::Exit => MapRef::Syscalls,
            Point::Tracepoint(_) => MapRef::Lifecycle,
        };
        self.tail(map).into_iter().flat_map(|piece| piece.records).collect()
    }

    /// What was published since the last call.
    pub(crate) fn tail(&mut self, map: MapRef) -> Vec<Piece> {
        let base = self.machine.borrow().value(map, 0).unwrap();
        let reader = if map == MapRef::Syscalls { &mut self.syscalls } else { &mut self.lifecycle };
        reader.tail(&Ring { machine: &self.machine, base })
    }

    /// A control word of the ring of system calls.
    pub(crate) fn word(&self, word: Word) -> u64 {
        self.ring(MapRef::Syscalls).load(word, Ordering::Relaxed)
    }
}

/// Numbers that registers and structures hold.
pub(crate) trait Bytes {
    fn bytes(self) -> Vec<u8>;
}

impl Bytes for u32 {
    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
}

impl Bytes for u64 {
    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
}

/// The bytes of a record: event id, the time and thread of the scene, and the payload.
pub(crate) fn record(id: u16, payload: &[&[u8]]) -> Vec<u8> {
    let mut bytes = id.to_le_bytes().to_vec();
    bytes.extend((NOW as u32).to_le_bytes());
    bytes.extend(TID.to_le_bytes());
    bytes.extend(payload.concat());
    bytes
}
