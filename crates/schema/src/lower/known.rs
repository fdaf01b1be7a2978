//! Sizes and structures that were looked up once: many calls name the same ones.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::Lowering;
use crate::abi::Abi;
use crate::ast::Ty;
use crate::structure::Structure;

/// What is known of the types of one catalog, by convention and name.
#[derive(Default)]
pub(super) struct Known {
    sizes: RefCell<[HashMap<String, Option<u32>>; 2]>,
    structures: RefCell<[HashMap<String, Option<Rc<Structure>>>; 2]>,
}

fn index(abi: Abi) -> usize {
    match abi {
        Abi::X86_64 => 0,
        Abi::I386 => 1,
    }
}

impl Lowering<'_> {
    /// As [`crate::Catalog::size_of`], in the convention of the call.
    pub(super) fn size_of(&self, ty: &Ty) -> Option<u32> {
        let abi = self.syscall.abi;
        let mut sizes = self.known.sizes.borrow_mut();
        let sizes = &mut sizes[index(abi)];
        if let Some(size) = sizes.get(&ty.name) {
            return *size;
        }
        let size = self.catalog.size_of(abi, ty);
        sizes.insert(ty.name.clone(), size);
        size
    }

    /// As [`crate::Catalog::structure`], in the convention of the call.
    pub(super) fn structure(&self, name: &str) -> Option<Rc<Structure>> {
        let abi = self.syscall.abi;
        let mut structures = self.known.structures.borrow_mut();
        let structures = &mut structures[index(abi)];
        if let Some(structure) = structures.get(name) {
            return structure.clone();
        }
        let structure = self.catalog.structure(abi, name).map(Rc::new);
        structures.insert(name.to_owned(), structure.clone());
        structure
    }
}
