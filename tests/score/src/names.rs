//! What names stand for, so that a name can be compared with a number and with another name.

use std::collections::{BTreeSet, HashMap};

use schema::Catalog;
use schema::ast::Line;

use crate::value::Value;

/// Names of one constant that no set of the catalog holds together, each with the place that says so.
const ALIASES: [(&str, &str); 4] = [
    // linux/watch_queue.h: #define O_NOTIFICATION_PIPE O_EXCL
    ("O_NOTIFICATION_PIPE", "O_EXCL"),
    // linux/sockios.h, in 64-bit programs
    ("SIOCGSTAMP", "SIOCGSTAMP_OLD"),
    ("SIOCGSTAMPNS", "SIOCGSTAMPNS_OLD"),
    // asm-generic/ioctls.h: #define TIOCINQ FIONREAD
    ("FIONREAD", "TIOCINQ"),
];

/// How far a shift moves, where strace writes one: linux/mman.h, linux/memfd.h, linux/shm.h.
const SHIFTS: [(&str, u32); 3] = [("MAP_HUGE_SHIFT", 26), ("MFD_HUGE_SHIFT", 26), ("SHM_HUGE_SHIFT", 26)];

/// The constants of the catalog.
pub struct Names {
    /// Name to sets and values there.
    known: HashMap<String, Vec<(usize, u64)>>,
    /// Names of single bits, of `bits` lines.
    bits: HashMap<String, u64>,
}

/// A value as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits {
    /// All of them.
    pub total: u64,
    /// Those that are written as numbers.
    pub number: u64,
    /// Names, in no order.
    pub words: BTreeSet<String>,
    /// One of the names is not known here, so that the two numbers mean nothing.
    pub unknown: bool,
}

impl Names {
    /// All constants of the built-in table.
    pub fn builtin() -> Self {
        let mut known = HashMap::<String, Vec<(usize, u64)>>::new();
        for (set, lines) in Catalog::builtin().sets().enumerate() {
            for item in &lines.items {
                known.entry(item.name.clone()).or_default().push((set, item.value));
            }
        }
        let lines = schema::parse(&Catalog::builtin().print(), "builtin").unwrap_or_default();
        let mut bits = HashMap::new();
        for line in lines {
            if let Line::Bits(line) = line {
                let named =
                    line.slots.into_iter().enumerate().filter_map(|(bit, slot)| Some((slot?, 1 << bit)));
                bits.extend(named);
            }
        }
        Self { known, bits }
    }

    /// The value of a name.
    pub fn value(&self, name: &str) -> Option<u64> {
        let constant = self.known.get(name).and_then(|found| found.first()).map(|(_, value)| *value);
        constant.or_else(|| self.bits.get(name).copied())
    }

    /// True when the two names are of one set, or known to be two names of one constant.
    pub fn are_kin(&self, a: &str, b: &str) -> bool {
        let sets = |name: &str| self.known.get(name).map_or(&[][..], Vec::as_slice);
        sets(a).iter().any(|(set, _)| sets(b).iter().any(|(other, _)| set == other))
            || ALIASES.iter().any(|pair| *pair == (a, b) || *pair == (b, a))
    }

    /// A number, a name, or several of them joined; `None` for anything else.
    pub fn bits(&self, value: &Value) -> Option<Bits> {
        let mut bits = Bits::default();
        self.collect(value, &mut bits).then_some(bits)
    }

    fn collect(&self, value: &Value, bits: &mut Bits) -> bool {
        match value {
            Value::Number { value, .. } => {
                bits.number |= *value as u64;
                bits.total |= *value as u64;
                true
            }
            Value::Word(word) => {
                match self.value(word) {
                    Some(value) => bits.total |= value,
                    None => bits.unknown = true,
                }
                bits.words.insert(word.clone());
                true
            }
            Value::Shift(what, far) => {
                let (Value::Number { value, .. }, Value::Word(far)) = (&**what, &**far) else { return false };
                if let Some((_, far)) = SHIFTS.iter().find(|(name, _)| name == far) {
                    bits.number |= (*value as u64) << far;
                    bits.total |= (*value as u64) << far;
                    return true;
                }
                // `1<<CAP_KILL`: a bit by its number. Where the bit itself has that name, that is what is meant.
                if let (1, Some(bit)) = (*value, self.bits.get(far)) {
                    bits.total |= bit;
                    bits.words.insert(far.clone());
                    return true;
                }
                match self.value(far).and_then(|far| 1_u64.checked_shl(far as u32)) {
                    Some(bit) if *value == 1 => {
                        bits.total |= bit;
                        bits.words.insert(format!("1<<{far}"));
                    }
                    _ => return false,
                }
                true
            }
            Value::Flags(parts) => parts.iter().all(|part| self.collect(part, bits)),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::value;

    #[test]
    fn names_and_numbers_add_up() {
        let bits = Names::builtin().bits(&value("O_RDWR|O_CREAT|0x40000000")).unwrap();
        assert_eq!((bits.total, bits.number), (0o102 | 0x4000_0000, 0x4000_0000));
        assert_eq!(bits.words.len(), 2);
    }

    #[test]
    fn a_shift_is_a_number() {
        let bits = Names::builtin().bits(&value("MFD_HUGETLB|21<<MFD_HUGE_SHIFT")).unwrap();
        assert_eq!(bits.total, 4 | 21 << 26);
        assert_eq!(Names::builtin().bits(&value("1<<CAP_KILL")).unwrap().total, 1 << 5);
        let bit = |text| Names::builtin().bits(&value(text)).unwrap();
        assert_eq!(bit("1<<_UFFDIO_COPY"), bit("_UFFDIO_COPY"));
    }

    #[test]
    fn names_of_one_set_are_kin() {
        let names = Names::builtin();
        assert!(names.are_kin("O_SYNC", "O_DSYNC") && names.are_kin("O_EXCL", "O_NOTIFICATION_PIPE"));
        assert!(!names.are_kin("PROT_READ", "MAP_SHARED"));
    }

    #[test]
    fn a_name_that_nobody_knows_is_told() {
        assert!(Names::builtin().bits(&value("O_RDWR|O_NO_SUCH_THING")).unwrap().unknown);
        assert_eq!(Names::builtin().bits(&value("\"text\"")), None);
    }
}
