//! Everything that touches the kernel: `bpf(2)`, type information, tracefs, the rings, processes. All unsafe code of the
//! project is here, each block with the argument why it is sound.

pub mod bpf;
pub mod btf;
pub mod clock;
pub mod floor;
pub mod launch;
mod loader;
pub mod mapping;
pub mod process;
pub mod refusal;
pub mod ring;
pub mod session;
pub mod signals;
pub mod tasks;
pub mod tracefs;
pub mod types;

pub use refusal::Error;
