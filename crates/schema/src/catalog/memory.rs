//! Lines about objects in memory.

use super::Catalog;
use crate::abi::Abi;
use crate::ast::{Layout, Line, Object, Struct, Ty, Union};

impl Catalog {
    /// All `object` lines, by name.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.values()
    }

    /// States where the running kernel has the members of an object; it replaces the layout of the tables.
    pub fn declare_layout(&mut self, layout: Layout) {
        self.insert(Line::Layout(layout));
    }

    /// The `layout` line of that name (`stat@i386` for what i386 calls use).
    pub fn layout(&self, name: &str) -> Option<&Layout> {
        self.layouts.get(name)
    }

    /// A `layout` line of that name is there, for some convention.
    pub(crate) fn has_layout(&self, name: &str) -> bool {
        self.layouts.contains_key(name) || self.layouts.contains_key(&format!("{name}@{}", Abi::I386.name()))
    }

    /// All `layout` lines, by name.
    pub fn layouts(&self) -> impl Iterator<Item = &Layout> {
        self.layouts.values()
    }

    /// The `struct` line of that name.
    pub fn overlay(&self, name: &str) -> Option<&Struct> {
        self.structs.get(name)
    }

    /// All `struct` lines, by name.
    pub fn overlays(&self) -> impl Iterator<Item = &Struct> {
        self.structs.values()
    }

    /// The `union` line of that name.
    pub fn union(&self, name: &str) -> Option<&Union> {
        self.unions.get(name)
    }

    /// All `union` lines, by name.
    pub fn unions(&self) -> impl Iterator<Item = &Union> {
        self.unions.values()
    }

    /// Bytes of one object of a type behind a pointer, when that is fixed.
    pub fn size_of(&self, abi: Abi, ty: &Ty) -> Option<u32> {
        if let Some(object) = self.objects.get(&ty.name) {
            let size = match abi {
                Abi::X86_64 => object.size,
                Abi::I386 => object.size_i386.unwrap_or(object.size),
            };
            return (size > 0).then_some(size);
        }
        match self.value_type(&ty.name) {
            Some(value) => Some(u32::from(value.on(abi).bytes)),
            None => self.object_size(abi, &ty.name).filter(|size| *size > 0),
        }
    }
}
