//! What no program may do, whatever it is generated from. Checked on all programs of the built-in tables, by following through each
//! of them what a register can hold.
//!
//! The verifier of the kernel checks part of this on its own; that no kernel address gets into a record it does not.

use std::collections::BTreeSet;

use probe::dispatch;
use probe::facts::Facts;
use probe::generate;
use probe::insn::{Alu, Helper, Insn, Operand, Reg};
use probe::interpret::Outcome;
use probe::program::Program;
use probe::ring::Geometry;
use schema::layout::{Copy, Point, Shape};
use schema::lower::{Plan, Records, lower};
use schema::tracepoint::{lifecycle, unknown_calls};
use schema::{Abi, Catalog};

use crate::scene::{MM_OF_TASK, NATIVE, STATUS, Scene, TASK, TID, facts};

/// What a register can hold: a set of these.
mod kind {
    /// A number, or an address of the traced process.
    pub(crate) const NUMBER: u8 = 1;
    /// The arguments of the tracepoint.
    pub(crate) const CONTEXT: u8 = 2;
    /// An address of kernel memory that is not ours.
    pub(crate) const KERNEL: u8 = 4;
    /// A map.
    pub(crate) const MAP: u8 = 8;
    /// An address inside a map's value.
    pub(crate) const VALUE: u8 = 16;
    /// An address on the program's stack.
    pub(crate) const STACK: u8 = 32;
}
use kind::*;

/// Numbers of the helpers that programs may call: map lookup, time, CPU, tail call, the two reads of user memory, current thread.
const ALLOWED: [i32; 7] = [1, 5, 8, 12, 112, 114, 158];

/// Arguments of a tracepoint that are addresses (`include/trace/events`).
fn pointers_of(point: Point) -> &'static [i16] {
    match point {
        Point::Entry | Point::Exit => &[0],
        Point::Tracepoint("sched_process_fork") => &[0, 8],
        Point::Tracepoint("sched_process_exec") => &[0, 16],
        Point::Tracepoint("sched_process_exit") => &[0],
        Point::Tracepoint("signal_deliver") => &[8, 16],
        Point::Tracepoint(other) => panic!("which arguments of {other} are addresses?"),
    }
}

/// What is in registers and stack before an instruction.
#[derive(Clone, PartialEq, Eq)]
struct Held {
    registers: [u8; 11],
    /// By slot of 8 bytes below the frame pointer.
    stack: [u8; 64],
}

impl Held {
    fn merge(&mut self, other: &Held) -> bool {
        let before = self.clone();
        let pairs =
            self.registers.iter_mut().zip(&other.registers).chain(self.stack.iter_mut().zip(&other.stack));
        for (into, from) in pairs {
            *into |= from;
        }
        *self != before
    }

    fn get(&self, register: Reg) -> u8 {
        self.registers[register as usize]
    }

    fn set(&mut self, register: Reg, kinds: u8) {
        self.registers[register as usize] = kinds;
    }

    fn operand(&self, operand: Operand) -> u8 {
        match operand {
            Operand::Reg(register) => self.get(register),
            Operand::Imm(_) => NUMBER,
        }
    }
}

fn stack_slot(offset: i16) -> usize {
    (usize::from(offset.unsigned_abs()) - 1) / 8
}

/// Follows a program.
struct Check<'a> {
    program: &'a Program,
    point: Point,
    facts: &'a Facts,
}

impl Check<'_> {
    #[track_caller]
    fn demand(&self, holds: bool, at: usize, what: &str) {
        assert!(holds, "instruction {at} {:?}: {what}\n{}", self.program.insns[at], self.program);
    }

    /// All that can be there when the program is done; panics on what must not be.
    fn run(&self) {
        let insns = &self.program.insns;
        let mut slots = Vec::new();
        let mut slot = 0;
        for insn in insns {
            slots.push(slot);
            slot += insn.slots();
        }
        let index_of = |at: usize, distance: i16| {
            let target = (slots[at] as isize + 1 + isize::from(distance)) as usize;
            slots.binary_search(&target).expect("a jump leads to an instruction")
        };
        let mut before: Vec<Option<Held>> = vec![None; insns.len()];
        let mut start = Held { registers: [0; 11], stack: [0; 64] };
        start.set(Reg::R1, CONTEXT);
        start.set(Reg::R10, STACK);
        before[0] = Some(start);
        let mut todo = BTreeSet::from([0]);
        while let Some(at) = todo.pop_first() {
            let mut held = before[at].clone().expect("reached");
            self.step(at, &mut held);
            let next = match insns[at] {
                Insn::Exit => vec![],
                Insn::Jump(to) => vec![index_of(at, to)],
                Insn::JumpIf(_, _, _, to) => vec![at + 1, index_of(at, to)],
                _ => vec![at + 1],
            };
            for next in next {
                let changed = match &mut before[next] {
                    Some(known) => known.merge(&held),
                    unknown => {
                        *unknown = Some(held.clone());
                        true
                    }
                };
                if changed {
                    todo.insert(next);
                }
            }
        }
        for (at, held) in before.iter().enumerate() {
            self.demand(held.is_some(), at, "nobody gets here, which the verifier refuses");
        }
    }

    fn step(&self, at: usize, held: &mut Held) {
        match self.program.insns[at] {
            Insn::Alu(Alu::Mov, dst, operand) => held.set(dst, held.operand(operand)),
            Insn::Alu(op, dst, operand) => {
                let both = held.get(dst) | held.operand(operand);
                let number = both == NUMBER;
                let offset = held.operand(operand) == NUMBER || held.get(dst) == NUMBER;
                let moved = op == Alu::Add && offset;
                self.demand(number || moved, at, "arithmetic with an address");
                held.set(dst, if number { NUMBER } else { both & !NUMBER });
            }
            Insn::Load(_, dst, base, offset) => {
                let kinds = match held.get(base) {
                    CONTEXT if pointers_of(self.point).contains(&offset) => KERNEL,
                    CONTEXT | VALUE => NUMBER,
                    // The only address that a program loads from kernel memory.
                    KERNEL if offset == MM_OF_TASK as i16 && matches!(self.point, Point::Tracepoint(_)) => {
                        KERNEL
                    }
                    KERNEL => NUMBER,
                    STACK if base == Reg::R10 => held.stack[stack_slot(offset)],
                    _ => 0,
                };
                self.demand(kinds != 0, at, "a load from who knows where");
                held.set(dst, kinds);
            }
            Insn::Store(_, base, offset, src) => self.store(at, held, base, offset, held.get(src)),
            Insn::StoreImm(_, base, offset, _) => self.store(at, held, base, offset, NUMBER),
            Insn::LoadMap(dst, _) => held.set(dst, MAP),
            Insn::LoadMapValue(dst, _, _) => held.set(dst, VALUE),
            Insn::JumpIf(_, dst, operand, _) => {
                self.demand(held.get(dst) != 0 && held.operand(operand) == NUMBER, at, "a comparison");
            }
            Insn::Jump(_) | Insn::Exit => {}
            Insn::Call(helper) => self.call(at, held, helper),
            Insn::CallKernel(id) => {
                self.demand(self.facts.cast.is_some_and(|(cast, _)| cast == id), at, "not the cast");
                held.registers[..6].fill(0);
                held.set(Reg::R0, KERNEL);
            }
        }
    }

    fn store(&self, at: usize, held: &mut Held, base: Reg, offset: i16, what: u8) {
        self.demand(base != Reg::R6, at, "a store through r6");
        match held.get(base) {
            VALUE => self.demand(what == NUMBER, at, "an address of the kernel in a map"),
            STACK if base == Reg::R10 => held.stack[stack_slot(offset)] = what,
            _ => self.demand(false, at, "a store to memory that is not ours"),
        }
    }

    fn call(&self, at: usize, held: &mut Held, helper: Helper) {
        self.demand(ALLOWED.contains(&helper.number()), at, "a helper that is not on the list");
        let result = match helper {
            Helper::MapLookupElem => {
                self.demand(held.get(Reg::R1) == MAP && held.get(Reg::R2) == STACK, at, "arguments");
                VALUE
            }
            Helper::GetCurrentTaskBtf => KERNEL,
            Helper::KtimeGetNs | Helper::GetSmpProcessorId => NUMBER,
            Helper::TailCall => {
                self.demand(held.get(Reg::R2) == MAP && held.get(Reg::R3) == NUMBER, at, "arguments");
                NUMBER
            }
            Helper::ProbeReadUser | Helper::ProbeReadUserStr => {
                self.demand(matches!(held.get(Reg::R1), VALUE | STACK), at, "the destination");
                self.demand(held.get(Reg::R2) == NUMBER, at, "the length");
                self.demand(held.get(Reg::R3) == NUMBER, at, "the source is an address of the kernel");
                if held.get(Reg::R1) == STACK {
                    // It may be any slot that was made an address of before.
                    held.stack.iter_mut().filter(|slot| **slot == 0).for_each(|slot| *slot = NUMBER);
                }
                NUMBER
            }
        };
        held.registers[..6].fill(0);
        held.set(Reg::R0, result);
    }
}

/// Rings as large as in a recording.
fn recording() -> Facts {
    let geometry = Geometry::new(1 << 20, 1 << 18).unwrap();
    Facts { syscalls: geometry, lifecycle: geometry, ..facts() }
}

/// Every program there is: name, shape, program; each shape once.
fn programs(facts: &Facts, plan: &Plan) -> Vec<(Point, Program)> {
    let mut layouts = lower(Catalog::builtin(), plan, |_, _| true);
    layouts.extend(unknown_calls(Records::Two));
    layouts.extend(lifecycle());
    let mut seen = std::collections::HashSet::<Shape>::new();
    let mut all = Vec::new();
    for layout in layouts {
        if seen.insert(layout.shape.clone()) {
            let program = generate::program(&layout.event.name, &layout.shape, facts).unwrap();
            all.push((layout.shape.point, program));
        }
    }
    all.push((Point::Entry, dispatch::entry(facts).unwrap()));
    all.push((Point::Exit, dispatch::exit(facts, false).unwrap()));
    all
}

#[test]
fn no_program_stores_where_it_must_not_or_lets_an_address_out() {
    let with_cast = recording();
    let without_cast = Facts { cast: None, ..recording() };
    for facts in [&with_cast, &without_cast] {
        for plan in
            [Plan::default(), Plan { data: 0, ..Plan::default() }, Plan { data: 4096, ..Plan::default() }]
        {
            let all = programs(facts, &plan);
            assert!(all.len() > 50, "{} programs", all.len());
            for (point, program) in &all {
                Check { program, point: *point, facts }.run();
            }
        }
    }
}

#[test]
fn the_check_finds_what_it_looks_for() {
    let facts = recording();
    let (point, good) = programs(&facts, &Plan::default()).swap_remove(0);
    let store_at =
        good.insns.iter().position(|insn| matches!(insn, Insn::Store(_, Reg::R8, 0, Reg::R1))).unwrap();
    let bad: [(&str, Insn<i16>); 5] = [
        ("through r6", Insn::StoreImm(probe::insn::Size::B8, Reg::R6, 80, 0)),
        ("an address", Insn::Store(probe::insn::Size::B8, Reg::R8, 0, Reg::R6)),
        ("the ring's own address", Insn::Store(probe::insn::Size::B8, Reg::R8, 0, Reg::R7)),
        ("arithmetic", Insn::Alu(Alu::And, Reg::R6, Operand::Imm(1))),
        ("a kernel function", Insn::CallKernel(1)),
    ];
    for (what, insn) in bad {
        let mut program = good.clone();
        program.insns[store_at] = insn;
        let check = || Check { program: &program, point, facts: &facts }.run();
        assert!(std::panic::catch_unwind(check).is_err(), "{what}");
    }
}

/// Instructions that run for one record of `program`, the packet being open.
fn steps(scene: &Scene, program: &Program) -> u64 {
    scene.run(program);
    scene.run(program);
    scene.machine.borrow().steps
}

#[test]
fn a_record_costs_few_instructions() {
    let scene = Scene::new();
    scene.set_task_byte(TID, dispatch::MARKED);
    scene.set(TASK + STATUS, 0_u32);
    scene.enter(NATIVE, 110, &[]);
    let layouts =
        lower(Catalog::builtin(), &Plan::default(), |abi, name| abi == Abi::X86_64 && name == "getppid");
    let entry = layouts.iter().find(|layout| layout.shape.point == Point::Entry).unwrap();
    scene.set_plain_entry(110, generate::plain_entry_word(&entry.shape).unwrap());
    scene.set_plain(110);
    let rows = [
        ("dispatch_entry, with the record", dispatch::entry(&scene.facts).unwrap(), 72),
        ("dispatch_exit, with the record", dispatch::exit(&scene.facts, false).unwrap(), 67),
    ];
    println!("run  in all  program");
    let (mut sum, mut over) = (0, Vec::new());
    for (name, program, budget) in rows {
        let steps = steps(&scene, &program);
        println!("{steps:3}  {:6}  {name}", program.insns.len());
        sum += steps;
        over.extend((steps > budget).then_some(name));
    }
    println!("{sum:3}          a call, both records");
    assert!(over.is_empty(), "over their budget: {over:?}");
    // What has more to say pays for the question.
    scene.enter(NATIVE, 0, &[]);
    assert!(steps(&scene, &dispatch::entry(&scene.facts).unwrap()) <= 31);
    assert!(steps(&scene, &dispatch::exit(&scene.facts, false).unwrap()) <= 33);
    // A thread that is not traced costs less than half of a dispatcher.
    scene.set_task_byte(TID, 0);
    let entry = dispatch::entry(&scene.facts).unwrap();
    assert_eq!(scene.run(&entry), Outcome::Exit(0));
    assert!(scene.machine.borrow().steps <= 14, "{}", scene.machine.borrow().steps);
}

/// Commands that a shape tells apart: each is a few instructions, of which a record runs the way to one.
fn commands(shape: &Shape) -> usize {
    let choices = shape.pointees.iter().filter_map(|pointee| match &pointee.copy {
        Copy::Chosen(choice) => Some(choice.cases.len()),
        _ => None,
    });
    choices.sum()
}

#[test]
fn a_program_is_as_large_as_what_it_copies() {
    let facts = recording();
    let mut sizes: Vec<(usize, usize, usize, String)> =
        lower(Catalog::builtin(), &Plan::default(), |_, _| true)
            .into_iter()
            .map(|layout| {
                let program = generate::program(&layout.event.name, &layout.shape, &facts).unwrap();
                (program.insns.len(), layout.shape.pointees.len(), commands(&layout.shape), program.name)
            })
            .collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    println!("instructions  pointees  commands  program, the 20 largest of {}", sizes.len());
    for (size, pointees, commands, name) in sizes.iter().take(20) {
        println!("{size:12}  {pointees:8}  {commands:8}  {name}");
    }
    for (size, pointees, commands, name) in sizes {
        let budget = 130 + 90 * pointees + 9 * commands;
        assert!(size <= budget, "{name}: {size} instructions, {pointees} pointees, {commands} commands");
    }
}
