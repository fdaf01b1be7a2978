//! Numbers to names.

use crate::ast::{Item, Set};

/// A value split into names and what has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'s> {
    /// Names in the order of the set's items.
    pub names: Vec<&'s str>,
    /// Bits that no name covers.
    pub rest: u64,
}

impl Item {
    /// The bits this item speaks about, in a set of that kind.
    pub fn mask(&self, flags: bool) -> u64 {
        match self.mask {
            Some(mask) => mask,
            None if flags => self.value,
            None => u64::MAX,
        }
    }
}

impl Set {
    /// Names for `value`, of which the low `bits` bits count.
    ///
    /// An item matches when `(value & mask) == item`. Wide masks go first and their bits are then spoken for: `O_SYNC`
    /// hides `O_DSYNC`, which is one of its bits. An item of value 0 matches in two cases: it has a mask of its own
    /// (`O_RDONLY 0/3`), or the whole value is 0.
    pub fn decode(&self, value: u64, bits: u32) -> Decoded<'_> {
        let width = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
        let value = value & width;
        let mut order: Vec<usize> = (0..self.items.len()).collect();
        // Stable: among equal masks the first item of the text wins.
        order.sort_by_key(|&i| {
            std::cmp::Reverse(
                self.items.get(i).map_or(0, |item| (item.mask(self.flags) & width).count_ones()),
            )
        });
        let mut claimed = 0;
        let mut matched = Vec::new();
        for i in order {
            let Some(item) = self.items.get(i) else { continue };
            let mask = item.mask(self.flags) & width;
            // In a narrow set a negative item such as AT_FDCWD is compared by its low bits.
            let same = value & mask == item.value & width;
            let shown = mask != 0 || value == 0;
            if same && shown && mask & claimed == 0 {
                claimed |= mask;
                matched.push(i);
                if mask == 0 {
                    break;
                }
            }
        }
        matched.sort_unstable();
        let names =
            matched.into_iter().filter_map(|i| self.items.get(i)).map(|item| item.name.as_str()).collect();
        Decoded { names, rest: value & !claimed }
    }

    /// The value of the item with that name.
    pub fn value(&self, name: &str) -> Option<u64> {
        self.items.iter().find(|item| item.name == name).map(|item| item.value)
    }
}
