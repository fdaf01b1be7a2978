//! The capture plan: what is kept of memory behind pointers, and how many bytes of it.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};

use crate::abi::Abi;
use crate::catalog::Catalog;

/// Most bytes that a limit may ask for: several such arguments still fit one record.
const MOST: u16 = 16_384;

/// How much is kept of what pointers lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Longest string in bytes.
    pub string: u16,
    /// Bytes of a read or written buffer; 0 keeps none.
    pub data: u16,
    /// Elements of a vector of strings.
    pub vector: u16,
    /// Longest element in bytes.
    pub element: u16,
    /// Bytes of all elements.
    pub elements: u16,
    /// Arguments for which something else holds.
    pub limits: Limits,
    /// How many records a call has.
    pub records: Records,
}

/// How many records a call has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Records {
    /// One at entry and one at exit: how long it took is known, and calls that never return are seen.
    #[default]
    Two,
    /// One at exit, with arguments as registers and memory are then: half the cost.
    One,
}

impl Default for Plan {
    /// What strace would show: whole paths, 32 bytes of payload.
    fn default() -> Self {
        Plan {
            string: 4095,
            data: 32,
            vector: 32,
            element: 511,
            elements: 4096,
            limits: Limits::default(),
            records: Records::Two,
        }
    }
}

impl Plan {
    /// The plan for an argument with a limit of its own. Objects and rows of objects are kept as always.
    pub(super) fn with_bytes(&self, bytes: u16) -> Plan {
        Plan { string: bytes, data: bytes, element: bytes.min(self.elements), ..self.clone() }
    }
}

/// As a trace says it: `strings 4095 data 32 vectors 32x511 write.buf=4096`.
impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Plan { string, data, vector, element, limits, records, .. } = self;
        write!(f, "strings {string} data {data} vectors {vector}x{element}")?;
        if *records == Records::One {
            f.write_str(" exits")?;
        }
        limits.0.iter().try_for_each(|((call, arg), limit)| write!(f, " {call}.{arg}={limit}"))
    }
}

/// What is kept of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Nothing but the address.
    Off,
    /// So many bytes of a string or buffer, or of each element of a vector.
    Bytes(u16),
}

impl Display for Limit {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Limit::Off => f.write_str("off"),
            Limit::Bytes(bytes) => bytes.fmt(f),
        }
    }
}

/// Limits by call and argument: `openat.filename=off,write.buf=4096`.
///
/// ```
/// use schema::lower::{Limit, Limits};
///
/// let limits = Limits::parse("openat.filename=off,write.buf=4096").unwrap();
/// assert_eq!(limits.get("write", "buf"), Some(Limit::Bytes(4096)));
/// assert_eq!(limits.get("read", "buf"), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(BTreeMap<(String, String), Limit>);

/// What is wrong with a text of limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// Not `CALL.ARGUMENT=BYTES`.
    #[error("{text:?} is not CALL.ARGUMENT=BYTES or CALL.ARGUMENT=off, with at most {MOST} bytes")]
    Syntax {
        /// The part.
        text: String,
    },
    /// No such call.
    #[error("there is no call {call}")]
    NoCall {
        /// The name.
        call: String,
    },
    /// The call has no such argument.
    #[error("{call} has no argument {argument}, but {}", arguments.join(", "))]
    NoArgument {
        /// The call.
        call: String,
        /// The name.
        argument: String,
        /// Those that it has.
        arguments: Vec<String>,
    },
}

impl Limits {
    /// Parts separated by commas; a later part counts.
    pub fn parse(text: &str) -> Result<Limits, LimitError> {
        let mut limits = Limits::default();
        for part in text.split(',') {
            let wrong = || LimitError::Syntax { text: part.to_owned() };
            let (place, limit) = part.split_once('=').ok_or_else(wrong)?;
            let (call, argument) = place.split_once('.').ok_or_else(wrong)?;
            let limit = match limit {
                "off" => Limit::Off,
                bytes => Limit::Bytes(bytes.parse().ok().filter(|n| *n <= MOST).ok_or_else(wrong)?),
            };
            limits.0.insert((call.to_owned(), argument.to_owned()), limit);
        }
        Ok(limits)
    }

    /// The limits that the plan of a trace names ([`Plan`]'s text); words that are none are passed over.
    pub fn of_plan(plan: &str) -> Limits {
        let mut all = Limits::default();
        for word in plan.split(' ') {
            all.extend(Limits::parse(word).unwrap_or_default());
        }
        all
    }

    /// Adds limits; they count more than those before.
    pub fn extend(&mut self, later: Limits) {
        self.0.extend(later.0);
    }

    /// The limit of an argument, if it has one.
    pub fn get(&self, call: &str, argument: &str) -> Option<Limit> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(call.to_owned(), argument.to_owned())).copied()
    }

    /// Finds calls and arguments that do not exist.
    pub fn check(&self, catalog: &Catalog) -> Result<(), LimitError> {
        for (call, argument) in self.0.keys() {
            let known = [Abi::X86_64, Abi::I386].into_iter();
            let mut known = known.filter_map(|abi| catalog.syscall_by_name(abi, call)).peekable();
            if known.peek().is_none() {
                return Err(LimitError::NoCall { call: call.clone() });
            }
            let arguments: Vec<String> = known.flat_map(|call| call.args).map(|arg| arg.name).collect();
            if !arguments.contains(argument) {
                let (call, argument) = (call.clone(), argument.clone());
                return Err(LimitError::NoArgument { call, argument, arguments });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower::lower;

    fn catalog() -> Catalog {
        let mut catalog = Catalog::new();
        let text = "number x86_64 1 write\nnumber x86_64 257 openat\n\
                    write(fd fd, in bytes buf[count], size count) = size\n\
                    openat(atfd dfd, path filename, u32 flags, mode mode) = fd\n";
        catalog.add(text, "test.tt").unwrap();
        catalog
    }

    #[test]
    fn wrong_limits_are_named() {
        let error = |text: &str| match Limits::parse(text) {
            Ok(limits) => limits.check(&catalog()).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        for wrong in ["", "write", "write.buf", "write=1", "write.buf=", "write.buf=on", "write.buf=16385"] {
            assert!(error(wrong).contains("is not CALL.ARGUMENT="), "{wrong}");
        }
        assert_eq!(error("rite.buf=1"), "there is no call rite");
        assert_eq!(error("write.bug=1"), "write has no argument bug, but fd, buf, count");
    }

    #[test]
    fn limits_change_what_is_kept_and_are_part_of_the_plan() {
        let limits = Limits::parse("write.buf=4096,openat.filename=off").unwrap();
        assert_eq!(limits.check(&catalog()), Ok(()));
        let plan = Plan { limits: limits.clone(), ..Plan::default() };
        assert_eq!(
            plan.to_string(),
            "strings 4095 data 32 vectors 32x511 openat.filename=off write.buf=4096"
        );
        assert_eq!(Limits::of_plan(&plan.to_string()), limits);
        let all = lower(&catalog(), &plan, |_, _| true);
        let fields = |name: &str| -> Vec<String> {
            let layout = all.iter().find(|layout| layout.event.name == name).unwrap();
            layout.event.fields.fields.iter().map(|field| field.name.clone()).collect()
        };
        assert_eq!(fields("syscall_entry_openat"), ["dfd", "filename", "filename_state", "flags", "mode"]);
        assert_eq!(fields("syscall_entry_write")[3], "buf_len");
        let write = all.iter().find(|layout| layout.event.name == "syscall_entry_write").unwrap();
        assert_eq!(write.shape.longest(), u32::from(write.shape.fixed_len) + 4096);
    }
}
