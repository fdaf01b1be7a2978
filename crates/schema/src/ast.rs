//! The lines of the `.tt` language as values: what the parser makes and the printer prints.

mod expr;

use crate::abi::Abi;

pub use crate::marker::Marker;
pub use expr::{BinaryOp, Expr, UnaryOp};

/// Which way the bytes behind a pointer travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The kernel reads them: copied at entry.
    In,
    /// The kernel writes them: copied at exit.
    Out,
    /// Both.
    InOut,
    /// Handed down by the user of the structure.
    Pass,
}

/// A type as written: `fd`, `fd<kvm-vm>`, `bpf_attr{prog_type}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ty {
    /// The type's name.
    pub name: String,
    /// Text between `<` and `>`.
    pub kind: Option<String>,
    /// Member between `{` and `}`.
    pub member: Option<String>,
}

/// How much lies behind a pointer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// `[null]`: up to a null element.
    Null,
    /// `[n]` or `[n; m]`: elements at entry, and at exit when that differs.
    Count(Expr, Option<Expr>),
    /// `[:n]` or `[:n; m]`: bytes at entry, and at exit when that differs.
    Bytes(Expr, Option<Expr>),
}

/// `of out[n]`: what an iovec-like element points to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Load {
    /// `None` for `of none`.
    pub direction: Option<Direction>,
    /// Total bytes.
    pub total: Option<Expr>,
}

/// A parameter of a call, a variant or a structure member.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Param {
    /// Written direction; `None` means a value in a register (or a built-in pointer type such as `path`).
    pub direction: Option<Direction>,
    /// Type of the value, or of what is pointed to.
    pub ty: Ty,
    /// The argument's name, as the kernel spells it.
    pub name: String,
    /// How much lies behind the pointer.
    pub extent: Option<Extent>,
    /// What its elements point to.
    pub load: Option<Load>,
    /// `as RENDER`.
    pub render: Option<String>,
    /// `if EXPR`: the parameter means something only then.
    pub condition: Option<Expr>,
    /// `else PARAM`.
    pub otherwise: Option<Box<Param>>,
}

/// `= T [if EXPR]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Returns {
    /// Type of the result.
    pub ty: Ty,
    /// When it has that type.
    pub condition: Option<Expr>,
}

/// A base line: `openat(atfd dfd, path filename, open_flags flags, mode mode) = fd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Public name of the call.
    pub name: String,
    /// Arguments in register order.
    pub params: Vec<Param>,
    /// Selectors of variants.
    pub switch: Vec<Expr>,
    /// Result; `None` means `int`-like, 0 or an error.
    pub returns: Option<Returns>,
}

/// `proto NAME(C-TYPE NAME, ...)`: the kernel's own declaration, C types verbatim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proto {
    /// Public name of the call.
    pub name: String,
    /// (C type, argument name) in register order.
    pub params: Vec<(String, String)>,
}

/// Stored width and sign: `u8` ... `u64`, `s8` ... `s64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stored {
    /// Width in bytes: 1, 2, 4 or 8.
    pub bytes: u8,
    /// Two's complement when true.
    pub signed: bool,
}

/// One item of a set: matches when `(value & mask) == item.value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The constant's name.
    pub name: String,
    /// Its value.
    pub value: u64,
    /// Written mask (`/ mask`); `None` means the value itself (flags) or all ones (enum).
    pub mask: Option<u64>,
}

/// A set of names for numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The set's name; it is also a type name.
    pub name: String,
    /// True for `flags`, false for `enum`.
    pub flags: bool,
    /// Stored width; 4 bytes unsigned when not written.
    pub stored: Option<Stored>,
    /// How a remainder without name is shown: `hex` when not written.
    pub render: Option<String>,
    /// Items in the order of the text; the widest mask is matched first.
    pub items: Vec<Item>,
}

/// One alternative of a variant's case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A constant of a set.
    Name(String),
    /// A number.
    Number(i128),
    /// `LO..HI`, both included.
    Range(i128, i128),
    /// `*`: any value.
    Any,
}

/// `NAME.CASE(...)`: what the arguments mean when the call's `switch` expressions have these values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The call it belongs to.
    pub call: String,
    /// Alternatives; each is one key per `switch` expression of the call.
    pub cases: Vec<Vec<Key>>,
    /// The arguments that get another type; the others stay as in the base line.
    pub params: Vec<Param>,
    /// The result, when it differs.
    pub returns: Option<Returns>,
    /// `on "/dev/kvm"`: only for descriptors of such a file.
    pub on: Option<String>,
}

/// A `flags` or `enum` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetLine {
    /// True for `+=`: the items are added to those the set has.
    pub extend: bool,
    /// The set, or what is added to it.
    pub set: Set,
}

/// How a value is shown: a word such as `hex` or the name of a set, or a format such as `"%d ms"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Render {
    /// `dec`, `hex`, `oct`, `chr`, `bool`, `enum`, the name of a set.
    Word(String),
    /// Text with one conversion.
    Format(String),
}

/// `type NAME = STORED RENDER... [else RENDER]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeLine {
    /// The type's name.
    pub name: String,
    /// Width and sign in a record.
    pub stored: Stored,
    /// How it is shown.
    pub renders: Vec<Render>,
    /// How a value is shown that the renders have no name for.
    pub otherwise: Option<Render>,
}

/// `bits NAME : STORED [RENDER] = SLOT, ...`: names of bits, least significant first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bits {
    /// The type's name.
    pub name: String,
    /// Width and sign in a record.
    pub stored: Stored,
    /// How bits without a name are shown.
    pub render: Option<String>,
    /// Names by bit; `None` (written `_`) for a hole.
    pub slots: Vec<Option<String>>,
}

/// `struct NAME [= LAYOUT] { PARAM; ... }`: the members that mean something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struct {
    /// The type's name.
    pub name: String,
    /// The kernel's name for it, when another one.
    pub layout: Option<String>,
    /// Members.
    pub members: Vec<Param>,
    /// Where `...` stands among them: those behind it are left out of a brief text.
    pub brief: Option<usize>,
}

/// What a member of a layout holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holds {
    /// A number.
    Number(Stored),
    /// `addr`: a pointer, as wide as those of the convention.
    Address,
    /// An object that has a layout of its own.
    Layout(String),
}

/// `OFFSET TYPE[COUNT] NAME : BIT WIDTH;` of a layout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LayoutMember {
    /// Bytes from the start of the object.
    pub offset: u32,
    /// What it, or each of its elements, is.
    pub holds: Holds,
    /// Number of elements of an array; 0 for one that reaches to the end of the object.
    pub count: Option<u32>,
    /// Its name; of a member in unnamed structures, its own.
    pub name: String,
    /// First bit, counted from the least significant one, and number of bits of a bit field.
    pub bits: Option<(u8, u8)>,
}

/// `layout NAME [= KERNEL-NAME] SIZE { MEMBER; ... }`: where the members of an object lie, as one kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The type's name; `NAME@i386` for what i386 calls use.
    pub name: String,
    /// The kernel's name for it, by which it is found in the type information of a running kernel.
    pub kernel: Option<String>,
    /// Bytes.
    pub size: u32,
    /// Members, in the order of the kernel's declaration.
    pub members: Vec<LayoutMember>,
}

/// `union NAME switch EXPR [: STORED [RENDER]] { KEY: TYPE; ... }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Union {
    /// The type's name.
    pub name: String,
    /// What chooses the arm.
    pub switch: Expr,
    /// Width of the chooser when it is read from the union's own start.
    pub stored: Option<Stored>,
    /// How that chooser is shown.
    pub render: Option<String>,
    /// Arms.
    pub arms: Vec<(Key, Ty)>,
}

/// `object NAME SIZE [i386 SIZE]`: a structure of fixed size whose members are not described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The type's name.
    pub name: String,
    /// Bytes in a 64-bit process.
    pub size: u32,
    /// Bytes in an i386 call when that differs; 0 when not known.
    pub size_i386: Option<u32>,
}

/// `ctype NAME STORED [i386 STORED]`: width and sign of a C type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CType {
    /// The C type's name, e.g. `umode_t`.
    pub name: String,
    /// In a 64-bit process.
    pub stored: Stored,
    /// In an i386 call when that differs.
    pub stored_i386: Option<Stored>,
}

/// `number ABI NR NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// Calling convention.
    pub abi: Abi,
    /// The call's number.
    pub nr: u32,
    /// Its public name.
    pub name: String,
}

/// A line of a `.tt` text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant holds the item of its name")]
pub enum Line {
    Call(Call),
    Variant(Variant),
    Set(SetLine),
    Type(TypeLine),
    Bits(Bits),
    Struct(Struct),
    Layout(Layout),
    Union(Union),
    Object(Object),
    CType(CType),
    Number(Number),
    Proto(Proto),
    Marker(Marker),
}

impl Ty {
    /// The type of that name, without kind and member.
    pub fn named(name: &str) -> Ty {
        Ty { name: name.to_owned(), kind: None, member: None }
    }
}

impl Param {
    /// A value of that type, without name and without anything else said of it.
    pub fn value(ty: Ty) -> Param {
        Param {
            direction: None,
            ty,
            name: String::new(),
            extent: None,
            load: None,
            render: None,
            condition: None,
            otherwise: None,
        }
    }
}

impl Stored {
    /// A width in bytes and a sign.
    pub const fn new(bytes: u8, signed: bool) -> Stored {
        Stored { bytes, signed }
    }

    /// `u8`, `s32`, ...
    pub fn from_name(name: &str) -> Option<Stored> {
        Some(match name {
            "u8" => Stored::new(1, false),
            "u16" => Stored::new(2, false),
            "u32" => Stored::new(4, false),
            "u64" => Stored::new(8, false),
            "s8" => Stored::new(1, true),
            "s16" => Stored::new(2, true),
            "s32" => Stored::new(4, true),
            "s64" => Stored::new(8, true),
            _ => return None,
        })
    }
}
