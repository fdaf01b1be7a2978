//! Lines of one kind by their name: looked up for every value that is shown, listed in the order of names.

use foldhash::HashMap;

/// Things by name.
#[derive(Clone, Debug)]
pub(super) struct ByName<T>(HashMap<String, T>);

impl<T> Default for ByName<T> {
    fn default() -> Self {
        ByName(HashMap::default())
    }
}

impl<T> ByName<T> {
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.0.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.0.get_mut(name)
    }

    #[inline]
    pub(super) fn contains_key(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Gives back what had that name before.
    pub(super) fn insert(&mut self, name: String, thing: T) -> Option<T> {
        self.0.insert(name, thing)
    }

    /// All of them, in the order of their names.
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        let mut all: Vec<(&String, &T)> = self.0.iter().collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all.into_iter().map(|(_, thing)| thing)
    }
}

impl<T: Default> ByName<T> {
    /// The one of that name, made when there is none.
    pub(super) fn or_default(&mut self, name: String) -> &mut T {
        self.0.entry(name).or_default()
    }
}
