//! The bytes of a record: one value from which the probe, the metadata and the decoder are derived.
//!
//! ```text
//!  0        2           6      10                    fixed_len
//!  | id u16 | time u32  | tid  | fixed fields ...    | variable parts, in argument order
//! ```
//!
//! Names and meaning of the fields: `docs/format.md`.

mod builder;

use ctf::types::EventType;

pub use builder::{Builder, PointeeNames};

/// Bytes before the payload: event id, time, thread.
pub const HEADER_LEN: u16 = 10;
/// Numbers of calls of one class of event ids.
pub const NUMBERS: u16 = 512;

/// Where the bytes of a fixed field come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Argument register 0..=5 of the call, in the convention of the shape's ABI.
    Register(u8),
    /// The call's result.
    Result,
    /// The call's number, sign-extended to 64 bits.
    Number,
    /// Argument of the tracepoint itself.
    Argument(u8),
    /// A member reached from a pointer argument of a tracepoint.
    Member {
        /// Which argument of the tracepoint.
        argument: u8,
        /// Steps: structure and member; all but the last are pointers.
        path: Vec<(&'static str, &'static str)>,
        /// Bytes beyond the start of the last member.
        beyond: u16,
    },
    /// A pointer in user memory: so many bytes behind where an argument register leads to. One that cannot be read leads nowhere.
    Memory {
        /// Argument register 0..=5.
        register: u8,
        /// Bytes behind it.
        offset: u16,
    },
    /// Bytes of the `kernel_siginfo` that argument 1 of `signal_deliver` points to; zero for SIGKILL, which comes
    /// with no siginfo.
    SignalInfo(u16),
}

/// A fixed field as the probe sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// Offset from the start of the record.
    pub offset: u16,
    /// 1, 2, 4 or 8 bytes.
    pub width: u8,
    /// Where they come from.
    pub source: Source,
}

/// One step of [`Steps`], with a constant as the right operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the operations")]
pub enum Step {
    Add,
    Sub,
    Mul,
    And,
    Shl,
    Shr,
}

/// A number made of an argument register, one step after the other: `(n + 63) >> 6 << 3`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Steps {
    /// Argument register 0..=5.
    pub register: u8,
    /// Bytes of it that count, zero-extended.
    pub width: u8,
    /// What is done to them.
    pub steps: Vec<(Step, i32)>,
}

/// When there is something behind a pointer at exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// However the call ended: what the kernel was to read.
    Always,
    /// The call succeeded: its result is 0 or more.
    Success,
    /// The call failed: `nanosleep` tells then how much is left.
    Failure,
}

/// Number of bytes of a buffer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    /// Always this.
    Fixed(u16),
    /// Computed from an argument register.
    Computed(Steps),
    /// A count in an argument register of this width (bytes), zero-extended.
    Register(u8, u8),
    /// The result, when it is positive.
    Result,
    /// From one address up to, but not including, another.
    Between(Source, Source),
    /// The `u32` behind an argument register, when the result is 0 or more: how much the kernel had to say. Where the
    /// caller's buffer was smaller, what follows the buffer is read along.
    Behind(u8),
    /// A number in user memory, times `size`.
    Memory {
        /// Argument register 0..=5.
        register: u8,
        /// Bytes behind where it leads to.
        offset: u16,
        /// Bytes of the number, zero-extended.
        width: u8,
        /// Bytes for each that it counts.
        size: u16,
        /// Bytes on top of that.
        plus: u16,
    },
    /// So many objects of `size` bytes; at exit only when the result is 0 or more.
    Objects {
        /// Register and its width in bytes; `None` for the result.
        count: Option<(u8, u8)>,
        /// Bytes of one object.
        size: u16,
    },
}

/// What is copied from behind a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Copy {
    /// A NUL-terminated string of at most `cap` bytes without the NUL.
    String {
        /// Longest string in bytes.
        cap: u16,
    },
    /// A vector of strings that ends with a null pointer.
    Strings {
        /// Most elements.
        most: u16,
        /// Longest element in bytes.
        cap: u16,
        /// Bytes of all elements after which no further one is begun.
        all: u16,
    },
    /// How many elements a vector has that ends with a null pointer; not what they are.
    Count {
        /// Most elements, at most 255.
        most: u16,
    },
    /// A run of bytes.
    Bytes {
        /// How many the call says there are.
        length: Length,
        /// How many are kept.
        cap: u16,
    },
    /// Nothing: the plan says so.
    Off,
    /// What a command in another argument says.
    Chosen(Choice),
    /// The memory that a row of `iovec` describes.
    Load(Load),
    /// An object of known size, kept in the fixed part.
    Object {
        /// Offset of its bytes from the start of the record.
        offset: u16,
        /// Its size in bytes.
        size: u16,
    },
}

/// What lies behind a pointer for one command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Take {
    /// Nothing that is looked at here.
    Nothing,
    /// A NUL-terminated string.
    String {
        /// Longest string in bytes.
        cap: u16,
    },
    /// A run of bytes.
    Bytes {
        /// How many there are.
        length: Length,
        /// How many are kept.
        cap: u16,
        /// True when the kernel writes them: then they are there only if the call succeeded.
        written: bool,
    },
    /// As many bytes as the number of an `ioctl` says, if it has this direction bit (`asm-generic/ioctl.h`: 1 the kernel reads, 2
    /// it writes).
    Ioctl {
        /// How many are kept.
        cap: u16,
        /// The direction bits of which one must be set.
        direction: u8,
        /// See [`Take::Bytes`].
        written: bool,
    },
}

/// What a row of `iovec` leads to: for each, two bytes with the number of bytes kept, and these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Load {
    /// Bytes of the row.
    pub rows: Length,
    /// Bytes kept of each.
    pub cap: u16,
    /// Bytes of all, counts included; at least `cap + 2`.
    pub all: u16,
    /// How many bytes all of them hold together, when that is less than they have room for.
    pub total: Option<Length>,
}

/// What is copied, chosen by a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// The command: the low 32 bits of this.
    pub command: Steps,
    /// Commands in order, as signed numbers, both ends of a range included; and what they mean.
    pub cases: Vec<(i32, i32, Take)>,
    /// What every other command means.
    pub otherwise: Take,
}

/// A pointee as the probe sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointee {
    /// Where the pointer comes from.
    pub pointer: Source,
    /// Offset of its state byte.
    pub state: u16,
    /// Offset of its length (u16 for bytes, u8 for vectors).
    pub length: Option<u16>,
    /// What is copied.
    pub copy: Copy,
    /// When there is something to copy, in a program at exit.
    pub when: When,
    /// There is something only if this is more: of the objects of a row, the row must have so many.
    pub guard: Option<(Length, u16)>,
}

/// How the event id is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdRule {
    /// The number of the call plus this.
    NumberPlus(u16),
    /// Always this.
    Constant(u16),
}

/// Calling convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Registers {
    /// x86-64: di, si, dx, r10, r8, r9.
    X86_64,
    /// i386 call of a 64-bit kernel: bx, cx, dx, si, di, bp.
    I386,
}

/// Where a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// `sys_enter`, through the entry dispatcher.
    Entry,
    /// `sys_exit`, through the exit dispatcher.
    Exit,
    /// A tracepoint of its own, by kernel name.
    Tracepoint(&'static str),
}

/// All that a program depends on. Calls with the same shape share a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Where it runs.
    pub point: Point,
    /// How arguments are found.
    pub registers: Registers,
    /// How the event id is found.
    pub id: IdRule,
    /// Fixed fields.
    pub slots: Vec<Slot>,
    /// Bytes of header and fixed fields.
    pub fixed_len: u16,
    /// Pointees in the order of their variable parts.
    pub pointees: Vec<Pointee>,
    /// True when pointees that fail are to be read again at exit.
    pub reread: bool,
    /// True when the registers mean something only if the call failed (`execve`).
    pub only_if_failed: bool,
    /// True when its records count as calls: entries, and exits without an entry.
    pub counted: bool,
}

/// A record layout: the event type that readers see and the shape that the probe generator sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The event type.
    pub event: EventType,
    /// The shape.
    pub shape: Shape,
}

/// States of a pointee in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The value is whole.
    Ok = 0,
    /// Longer than the capture limit.
    Cut = 1,
    /// The memory could not be read.
    Fault = 2,
    /// The pointer was NULL.
    Null = 3,
    /// Not captured, by plan.
    Off = 4,
}

/// States with their labels, in order of value.
pub const STATES: [(State, &str); 5] = [
    (State::Ok, "ok"),
    (State::Cut, "cut"),
    (State::Fault, "fault"),
    (State::Null, "null"),
    (State::Off, "off"),
];

impl Shape {
    /// Longest record in bytes. Ring, program and verifier all rest on this one number.
    pub fn longest(&self) -> u32 {
        let variable: u32 = self.pointees.iter().map(|p| p.copy.longest()).sum();
        u32::from(self.fixed_len) + variable
    }
}

impl Copy {
    /// Longest variable part in bytes.
    pub fn longest(&self) -> u32 {
        match *self {
            // The probe asks for one byte more than the limit, so that a string that fits exactly is not called cut.
            Copy::String { cap } => u32::from(cap) + 1,
            Copy::Strings { cap, all, .. } => u32::from(all) + u32::from(cap) + 1,
            Copy::Bytes { cap, .. } => u32::from(cap),
            Copy::Chosen(ref choice) => choice.longest(),
            Copy::Load(ref load) => load.all.into(),
            Copy::Off | Copy::Count { .. } | Copy::Object { .. } => 0,
        }
    }
}

impl Choice {
    /// Everything that a command can mean.
    pub fn takes(&self) -> impl Iterator<Item = &Take> {
        self.cases.iter().map(|case| &case.2).chain([&self.otherwise])
    }

    fn longest(&self) -> u32 {
        self.takes().map(Take::longest).max().unwrap_or(0)
    }
}

impl Take {
    fn longest(&self) -> u32 {
        match self {
            Take::Nothing => 0,
            Take::String { cap } => u32::from(*cap) + 1,
            Take::Bytes { cap, .. } | Take::Ioctl { cap, .. } => (*cap).into(),
        }
    }
}
