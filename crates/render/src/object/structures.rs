//! Structures put together from their lines, once for each.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use schema::{Abi, Catalog, Structure};

/// What is known of a type in the two conventions; `None` until asked for.
type Known = [Option<Option<Arc<Structure>>>; 2];

/// The structures of one catalog that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Structures {
    known: RefCell<HashMap<String, Known>>,
}

impl Structures {
    /// The structure of that name.
    pub(crate) fn get(&self, catalog: &Catalog, abi: Abi, name: &str) -> Option<Arc<Structure>> {
        let at = usize::from(abi == Abi::I386);
        let mut known = self.known.borrow_mut();
        if let Some(Some(structure)) = known.get(name).and_then(|both| both.get(at)) {
            return structure.clone();
        }
        let structure = catalog.structure(abi, name).map(Arc::new);
        if let Some(slot) = known.entry(name.to_owned()).or_default().get_mut(at) {
            *slot = Some(structure.clone());
        }
        structure
    }
}
