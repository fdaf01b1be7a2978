//! Layouts that do not belong to a call: unknown calls, and the life of processes.

use ctf::types::{Base, EventType, Field, FieldType, IntType, StructType};

use crate::ast::Stored;
use crate::layout::{Builder, Copy, IdRule, Layout, Length, NUMBERS, Point, PointeeNames, Registers, Source};
use crate::lower::Records;

/// Stream of the system calls.
pub const SYSCALLS: u64 = 0;
/// Stream of fork, exec, exit and signals.
pub const LIFECYCLE: u64 = 1;

const FIRST: u16 = 6 * NUMBERS;
/// First of the four events of calls beyond the table: native entry, native exit, i386 entry, i386 exit.
const UNKNOWN: u16 = FIRST;
const FORK: u16 = FIRST + 8;
const EXEC: u16 = FIRST + 9;
const EXIT: u16 = FIRST + 10;
const SIGNAL: u16 = FIRST + 11;
/// Event id of the state dump of one thread.
pub const PROCESS_STATE: u16 = FIRST + 18;

/// `TASK_COMM_LEN` of the kernel.
const COMM: u16 = 16;
/// Longest path that `execve` takes, without the NUL (`PATH_MAX`).
const PATH: u16 = 4095;
/// Bytes of a new program's arguments that are kept.
const ARGUMENTS: u16 = 4096;

const S32: Stored = Stored { bytes: 4, signed: true };
const S64: Stored = Stored { bytes: 8, signed: true };
const U64: Stored = Stored { bytes: 8, signed: false };

/// Entry and exit of calls whose number no table knows: the number and six raw registers, in the order native entry, native
/// exit, i386 entry, i386 exit. Where a call has one record, the exit has the registers too.
pub fn unknown_calls(records: Records) -> [Layout; 4] {
    let entry = |registers, id: u16, name: &str| {
        let mut builder = Builder::new(Point::Entry, registers, IdRule::Constant(id));
        builder.value("nr", S64, Base::Decimal, Source::Number);
        for n in 0..6 {
            builder.value(&format!("arg{n}"), U64, Base::Hexadecimal, Source::Register(n));
        }
        builder.build(id, name.to_owned(), SYSCALLS)
    };
    let exit = |registers, id: u16, name: &str| {
        let mut builder = Builder::new(Point::Exit, registers, IdRule::Constant(id));
        builder.value("ret", S64, Base::Decimal, Source::Result).value(
            "nr",
            S64,
            Base::Decimal,
            Source::Number,
        );
        if records == Records::One {
            for n in 0..6 {
                builder.value(&format!("arg{n}"), U64, Base::Hexadecimal, Source::Register(n));
            }
            builder.only_record();
        }
        builder.build(id, name.to_owned(), SYSCALLS)
    };
    [
        entry(Registers::X86_64, UNKNOWN, "syscall_entry_unknown"),
        exit(Registers::X86_64, UNKNOWN + 1, "syscall_exit_unknown"),
        entry(Registers::I386, UNKNOWN + 2, "compat_syscall_entry_unknown"),
        exit(Registers::I386, UNKNOWN + 3, "compat_syscall_exit_unknown"),
    ]
}

fn task(argument: u8, member: &'static str) -> Source {
    Source::Member { argument, path: vec![("task_struct", member)], beyond: 0 }
}

fn comm(argument: u8) -> impl Fn(u16) -> Source {
    move |beyond| Source::Member { argument, path: vec![("task_struct", "comm")], beyond }
}

/// Fork, exec, exit and signals of traced threads (`include/trace/events/sched.h`, `signal.h`).
pub fn lifecycle() -> Vec<Layout> {
    vec![fork(), exec(), exit(), signal()]
}

fn builder(tracepoint: &'static str, id: u16) -> Builder {
    Builder::new(Point::Tracepoint(tracepoint), Registers::X86_64, IdRule::Constant(id))
}

fn fork() -> Layout {
    let mut fork = builder("sched_process_fork", FORK);
    fork.value("parent_tid", S32, Base::Decimal, task(0, "pid"))
        .value("parent_pid", S32, Base::Decimal, task(0, "tgid"))
        .value("child_tid", S32, Base::Decimal, task(1, "pid"))
        .value("child_pid", S32, Base::Decimal, task(1, "tgid"))
        .text("child_comm", COMM, comm(1));
    fork.build(FORK, "sched_process_fork".to_owned(), LIFECYCLE)
}

fn exec() -> Layout {
    let memory = |member| Source::Member {
        argument: 0,
        path: vec![("task_struct", "mm"), ("mm_struct", member)],
        beyond: 0,
    };
    // What the call was given can be read here even when the caller's own copy could not: the kernel leaves the arguments
    // in the new memory, and the path of the program (AT_EXECFN) at the end of the new environment.
    let argv =
        Copy::Bytes { length: Length::Between(memory("arg_start"), memory("arg_end")), cap: ARGUMENTS };
    let mut exec = builder("sched_process_exec", EXEC);
    exec.value("old_tid", S32, Base::Decimal, Source::Argument(1))
        .value("pid", S32, Base::Decimal, task(0, "tgid"))
        .text("comm", COMM, comm(0))
        .pointee(
            PointeeNames { plain: "filename", data: "filename", length_taken: false },
            memory("env_end"),
            Copy::String { cap: PATH },
        )
        .pointee(
            PointeeNames { plain: "argv", data: "argv_data", length_taken: false },
            memory("arg_start"),
            argv,
        );
    exec.build(EXEC, "sched_process_exec".to_owned(), LIFECYCLE)
}

fn exit() -> Layout {
    let mut exit = builder("sched_process_exit", EXIT);
    exit.value("pid", S32, Base::Decimal, task(0, "tgid"))
        .value("exit_code", S32, Base::Hexadecimal, task(0, "exit_code"))
        .text("comm", COMM, comm(0));
    exit.build(EXIT, "sched_process_exit".to_owned(), LIFECYCLE)
}

fn signal() -> Layout {
    let mut signal = builder("signal_deliver", SIGNAL);
    signal
        .value("sig", S32, Base::Decimal, Source::Argument(0))
        .value("errno", S32, Base::Decimal, Source::SignalInfo(4))
        .value("code", S32, Base::Decimal, Source::SignalInfo(8));
    for n in 0..4 {
        signal.value(&format!("si{n}"), U64, Base::Hexadecimal, Source::SignalInfo(16 + 8 * n));
    }
    signal.build(SIGNAL, "signal_deliver".to_owned(), LIFECYCLE)
}

/// One thread that was there before tracing began; written by user space into the lifecycle stream.
pub fn process_state() -> EventType {
    let int = |name: &str| Field { name: name.to_owned(), field_type: FieldType::Int(IntType::signed(32)) };
    let character = IntType { text: true, ..IntType::unsigned(8) };
    let name = FieldType::Array { element: Box::new(FieldType::Int(character)), length: u64::from(COMM) };
    EventType {
        id: u64::from(PROCESS_STATE),
        name: "lttng_statedump_process_state".to_owned(),
        stream_id: LIFECYCLE,
        fields: StructType {
            fields: vec![
                int("tid"),
                int("pid"),
                int("ppid"),
                Field { name: "name".to_owned(), field_type: name },
            ],
        },
    }
}
