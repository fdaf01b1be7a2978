//! Calling conventions a system call can come in by.

/// A calling convention of an x86-64 kernel, each with its own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Abi {
    /// `syscall` from 64-bit code.
    X86_64,
    /// `int 0x80` or `sysenter`, from 32-bit processes and from 64-bit ones that ask for it.
    I386,
}

impl Abi {
    /// Both, in the order of the tables.
    pub const ALL: [Abi; 2] = [Abi::X86_64, Abi::I386];

    /// The word for it in a `number` line.
    pub fn name(self) -> &'static str {
        match self {
            Abi::X86_64 => "x86_64",
            Abi::I386 => "i386",
        }
    }

    /// The convention with that word.
    pub fn from_name(name: &str) -> Option<Abi> {
        Abi::ALL.into_iter().find(|abi| abi.name() == name)
    }
}
