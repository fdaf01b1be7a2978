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
        // What could be meant comes first: a set of thousands of commands is then no slower than a small one.
        let mut order: Vec<(usize, u64)> = Vec::new();
        for (i, item) in self.items.iter().enumerate() {
            let mask = item.mask(self.flags) & width;
            // In a narrow set a negative item such as AT_FDCWD is compared by its low bits.
            let same = value & mask == item.value & width;
            if same && (mask != 0 || value == 0) {
                order.push((i, mask));
            }
        }
        // Stable: among equal masks the first item of the text wins.
        order.sort_by_key(|&(_, mask)| std::cmp::Reverse(mask.count_ones()));
        let mut claimed = 0;
        let mut matched = Vec::new();
        for (i, mask) in order {
            if mask & claimed == 0 {
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

#[cfg(test)]
mod tests {
    use crate::Catalog;

    fn names(set: &str, value: u64) -> (String, u64) {
        let decoded = Catalog::builtin().set(set).unwrap().decode(value, 32);
        (decoded.names.join("|"), decoded.rest)
    }

    fn shown(set: &str, value: u64) -> String {
        let (names, rest) = names(set, value);
        assert_eq!(rest, 0);
        names
    }

    #[test]
    fn the_access_mode_is_a_number_within_the_flags() {
        assert_eq!(shown("open_flags", 0), "O_RDONLY");
        assert_eq!(shown("open_flags", 0o101), "O_WRONLY|O_CREAT");
        assert_eq!(shown("open_flags", 0o1101), "O_WRONLY|O_CREAT|O_TRUNC");
        assert_eq!(shown("open_flags", 0o2_204_000), "O_RDONLY|O_NONBLOCK|O_CLOEXEC|O_DIRECTORY");
        assert_eq!(shown("open_flags", 3), "O_ACCMODE");
    }

    #[test]
    fn a_flag_of_several_bits_hides_its_parts() {
        assert_eq!(shown("open_flags", 0o4_010_001), "O_WRONLY|O_SYNC");
        assert_eq!(shown("open_flags", 0o10_001), "O_WRONLY|O_DSYNC");
        assert_eq!(shown("open_flags", 0o20_200_002), "O_RDWR|O_TMPFILE");
        assert_eq!(shown("open_flags", 0o200_000), "O_RDONLY|O_DIRECTORY");
        assert_eq!(shown("statx_mask", 0x7ff), "STATX_BASIC_STATS");
    }

    #[test]
    fn numbers_within_flags() {
        assert_eq!(shown("clone_flags", 0x0120_0011), "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD");
        assert_eq!(shown("clone_flags", 0x311), "CLONE_VM|CLONE_FS|SIGCHLD");
        assert_eq!(shown("clone_flags", 0x300), "CLONE_VM|CLONE_FS");
        assert_eq!(shown("file_mode", 0o100_000), "S_IFREG");
        assert_eq!(names("file_mode", 0o140_755), ("S_IFSOCK".to_owned(), 0o755));
        assert_eq!(shown("map_flags", 0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
        assert_eq!(shown("map_flags", 0x2_0022), "MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK");
        assert_eq!(shown("socket_type", 0o2_000_001), "SOCK_STREAM|SOCK_CLOEXEC");
        assert_eq!(shown("futex_op", 128), "FUTEX_WAIT_PRIVATE");
        assert_eq!(shown("futex_op", 0x189), "FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME");
    }

    #[test]
    fn zero_has_a_name_only_when_the_set_gives_it_one() {
        assert_eq!(shown("prot", 0), "PROT_NONE");
        assert_eq!(shown("prot", 5), "PROT_READ|PROT_EXEC");
        assert_eq!(shown("access_mode", 0), "F_OK");
        assert_eq!(shown("rename_flags", 0), "");
    }

    #[test]
    fn what_has_no_name_is_kept() {
        assert_eq!(names("rename_flags", 0x11), ("RENAME_NOREPLACE".to_owned(), 0x10));
        assert_eq!(names("whence", 77), (String::new(), 77));
    }

    #[test]
    fn one_value_of_an_enum() {
        assert_eq!(shown("whence", 2), "SEEK_END");
        assert_eq!(shown("signal", 9), "SIGKILL");
        assert_eq!(shown("at_fd", 0xffff_ff9c), "AT_FDCWD");
        // Only the low bits of the register count.
        assert_eq!(shown("whence", 0xdead_0000_0000_0002), "SEEK_END");
    }

    #[test]
    fn names_lead_back_to_values() {
        assert_eq!(Catalog::builtin().set("whence").unwrap().value("SEEK_END"), Some(2));
        assert_eq!(Catalog::builtin().constant("O_CREAT"), Some(0o100));
        assert_eq!(Catalog::builtin().constant("NO_SUCH"), None);
    }
}
