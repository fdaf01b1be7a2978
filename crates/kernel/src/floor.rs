//! The cheapest programs that can be attached to the two tracepoints: what any tracer on them has to pay.

use probe::insn::MapRef;
use probe::program::Assembler;

use crate::bpf::{Link, Loaded};
use crate::refusal::Error;
use crate::types::KernelTypes;

/// Two programs that do nothing, attached to `sys_enter` and `sys_exit` until dropped.
#[derive(Debug)]
pub struct EmptyPair {
    _links: [Link; 2],
}

impl EmptyPair {
    /// Attaches the pair.
    pub fn attach() -> Result<EmptyPair, Error> {
        let types = KernelTypes::read()?;
        let one = |point: &str| {
            let mut asm = Assembler::default();
            asm.exit();
            let program = asm.finish("empty")?;
            Loaded::load(&program, types.tracepoint(point)?, &|_: MapRef| -1)?.attach()
        };
        Ok(EmptyPair { _links: [one("sys_enter")?, one("sys_exit")?] })
    }
}
