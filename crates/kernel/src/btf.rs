//! The kernel's own type information (`/sys/kernel/btf/vmlinux`), as far as tracing needs it: offsets of members, ids of
//! tracepoint prototypes, widths of C types.
//!
//! Format: `Documentation/bpf/btf.rst` of the kernel. A header, then types one behind the other (twelve bytes and a tail
//! that depends on the kind), then strings.

mod enumerators;
mod members;

use std::collections::HashMap;

pub use members::{Form, Place};

/// Why the bytes are not usable type information.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes end before something that they announce.
    #[error("ends at byte {len}, inside what begins at {offset}")]
    Short {
        /// Where the incomplete thing begins.
        offset: usize,
        /// Length of the input.
        len: usize,
    },
    /// Not BTF, or of the other byte order.
    #[error("magic is {found:#06x}, expected 0xeb9f")]
    Magic {
        /// The two bytes found.
        found: u16,
    },
    /// A kind that this reader does not know, so that the next type cannot be found.
    #[error("type {id} has the unknown kind {kind}")]
    Kind {
        /// The type's id.
        id: u32,
        /// Its kind.
        kind: u32,
    },
    /// A name that tracing needs is not there.
    #[error("no {0}")]
    Missing(String),
}

/// Kinds of types.
const INT: u32 = 1;
const PTR: u32 = 2;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const ENUM: u32 = 6;
const TYPEDEF: u32 = 8;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const RESTRICT: u32 = 11;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const FLOAT: u32 = 16;
const DECL_TAG: u32 = 17;
const TYPE_TAG: u32 = 18;
const ENUM64: u32 = 19;

/// Levels of typedefs, qualifiers or nested structures that are followed; more is damage.
const DEPTH: usize = 32;

/// What can be looked up by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `struct NAME`
    Struct,
    /// `union NAME`
    Union,
    /// `typedef ... NAME`
    Typedef,
    /// A function.
    Function,
    /// `enum NAME`
    Enum,
}

/// An integer as C stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Width in bytes.
    pub bytes: u32,
    /// Two's complement when true.
    pub signed: bool,
    /// True for a pointer.
    pub pointer: bool,
}

/// Type information, read once; lookups borrow it.
#[derive(Debug)]
pub struct Btf {
    bytes: Vec<u8>,
    strings: std::ops::Range<usize>,
    /// Offset of each type; entry 0 is `void`.
    types: Vec<u32>,
    names: HashMap<(Kind, Box<[u8]>), u32>,
}

#[derive(Clone, Copy)]
struct Type {
    offset: usize,
    kind: u32,
    name: u32,
    count: usize,
    flag: bool,
    /// Size in bytes, or the id of the type referred to.
    size: u32,
}

impl Btf {
    /// Reads the bytes and indexes the names that `wanted` accepts.
    pub fn parse(bytes: Vec<u8>, wanted: impl Fn(Kind, &[u8]) -> bool) -> Result<Btf, Error> {
        let magic = u16::from_le_bytes([byte(&bytes, 0)?, byte(&bytes, 1)?]);
        if magic != 0xeb9f {
            return Err(Error::Magic { found: magic });
        }
        let header = word(&bytes, 4)? as usize;
        let types_at = header + word(&bytes, 8)? as usize;
        let types_end = types_at + word(&bytes, 12)? as usize;
        let strings_at = header + word(&bytes, 16)? as usize;
        let strings_end = strings_at + word(&bytes, 20)? as usize;
        let len = bytes.len();
        for end in [types_end, strings_end] {
            if end > len {
                return Err(Error::Short { offset: header, len });
            }
        }
        let mut btf = Btf { bytes, strings: strings_at..strings_end, types: vec![0], names: HashMap::new() };
        let mut at = types_at;
        while at < types_end {
            let id = btf.types.len() as u32;
            let ty = btf.read(at)?;
            let named = match ty.kind {
                STRUCT => Some(Kind::Struct),
                UNION => Some(Kind::Union),
                TYPEDEF => Some(Kind::Typedef),
                FUNC => Some(Kind::Function),
                ENUM | ENUM64 => Some(Kind::Enum),
                _ => None,
            };
            if let Some(kind) = named {
                let name = btf.string(ty.name);
                if wanted(kind, name) {
                    let name = name.into();
                    btf.names.entry((kind, name)).or_insert(id);
                }
            }
            btf.types.push(at as u32);
            at += 12 + tail(ty.kind, ty.count).ok_or(Error::Kind { id, kind: ty.kind })?;
        }
        Ok(btf)
    }

    fn read(&self, offset: usize) -> Result<Type, Error> {
        let info = word(&self.bytes, offset + 4)?;
        Ok(Type {
            offset,
            kind: info >> 24 & 0x1f,
            name: word(&self.bytes, offset)?,
            count: (info & 0xffff) as usize,
            flag: info >> 31 == 1,
            size: word(&self.bytes, offset + 8)?,
        })
    }

    fn ty(&self, id: u32) -> Result<Type, Error> {
        let offset = *self.types.get(id as usize).ok_or_else(|| Error::Missing(format!("type {id}")))?;
        if id == 0 {
            return Ok(Type { offset: 0, kind: 0, name: 0, count: 0, flag: false, size: 0 });
        }
        self.read(offset as usize)
    }

    fn string(&self, offset: u32) -> &[u8] {
        let start = self.strings.start.saturating_add(offset as usize);
        let text = self.bytes.get(start..self.strings.end).unwrap_or_default();
        text.split(|b| *b == 0).next().unwrap_or_default()
    }

    /// The id of a named type.
    pub fn find(&self, kind: Kind, name: &str) -> Result<u32, Error> {
        self.names
            .get(&(kind, name.as_bytes().into()))
            .copied()
            .ok_or_else(|| Error::Missing(format!("{kind:?} {name}").to_lowercase()))
    }

    /// Byte offset of a member, members of unnamed inner structures included.
    pub fn member(&self, strukt: &str, name: &str) -> Result<u32, Error> {
        let id = self.find(Kind::Struct, strukt)?;
        self.member_of(id, name.as_bytes(), DEPTH)?
            .ok_or_else(|| Error::Missing(format!("struct {strukt} member {name}")))
    }

    fn member_of(&self, id: u32, name: &[u8], depth: usize) -> Result<Option<u32>, Error> {
        let ty = self.ty(self.strip(id)?)?;
        if depth == 0 || !matches!(ty.kind, STRUCT | UNION) {
            return Ok(None);
        }
        for index in 0..ty.count {
            let at = ty.offset + 12 + index * 12;
            let (member_name, member_type) = (word(&self.bytes, at)?, word(&self.bytes, at + 4)?);
            let raw = word(&self.bytes, at + 8)?;
            // With the flag set the upper byte is the width of a bit field.
            let bits = if ty.flag { raw & 0x00ff_ffff } else { raw };
            if member_name == 0 {
                if let Some(inner) = self.member_of(member_type, name, depth - 1)? {
                    return Ok(Some(bits / 8 + inner));
                }
            } else if self.string(member_name) == name {
                return Ok(Some(bits / 8));
            }
        }
        Ok(None)
    }

    /// The type behind typedefs and qualifiers.
    fn strip(&self, mut id: u32) -> Result<u32, Error> {
        for _ in 0..DEPTH {
            let ty = self.ty(id)?;
            match ty.kind {
                TYPEDEF | VOLATILE | CONST | RESTRICT | TYPE_TAG => id = ty.size,
                _ => return Ok(id),
            }
        }
        Err(Error::Missing(format!("end of the chain of typedefs from type {id}")))
    }

    /// How a named type is stored when it is an integer, an enumeration or a pointer; `None` for structures.
    pub fn scalar(&self, kind: Kind, name: &str) -> Result<Option<Scalar>, Error> {
        let id = self.strip(self.find(kind, name)?)?;
        let ty = self.ty(id)?;
        Ok(match ty.kind {
            INT => {
                let encoding = word(&self.bytes, ty.offset + 12)? >> 24 & 0xf;
                Some(Scalar { bytes: ty.size, signed: encoding & 1 == 1, pointer: false })
            }
            ENUM | ENUM64 => Some(Scalar { bytes: ty.size, signed: ty.flag, pointer: false }),
            PTR => Some(Scalar { bytes: 8, signed: false, pointer: true }),
            _ => None,
        })
    }
}

/// Bytes behind the twelve of every type.
fn tail(kind: u32, count: usize) -> Option<usize> {
    Some(match kind {
        INT | VAR | DECL_TAG => 4,
        ARRAY => 12,
        STRUCT | UNION | DATASEC | ENUM64 => 12 * count,
        ENUM | FUNC_PROTO => 8 * count,
        PTR | 7 | TYPEDEF | VOLATILE | CONST | RESTRICT | FUNC | FLOAT | TYPE_TAG => 0,
        _ => return None,
    })
}

fn byte(bytes: &[u8], at: usize) -> Result<u8, Error> {
    bytes.get(at).copied().ok_or(Error::Short { offset: at, len: bytes.len() })
}

fn word(bytes: &[u8], at: usize) -> Result<u32, Error> {
    let four = bytes.get(at..at.saturating_add(4)).ok_or(Error::Short { offset: at, len: bytes.len() })?;
    Ok(four.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct outer { int a; struct { unsigned short b; }; }; typedef unsigned short tag_t;`
    fn sample() -> Vec<u8> {
        let strings = b"\0int\0outer\0a\0b\0short\0tag_t\0";
        let types: Vec<u32> = [
            &[1, INT << 24, 4, 1 << 24 | 32][..],
            &[5, STRUCT << 24 | 2, 8, 11, 1, 0, 0, 3, 32],
            &[0, STRUCT << 24 | 1, 4, 13, 4, 0],
            &[15, INT << 24, 2, 16],
            &[21, TYPEDEF << 24, 4],
        ]
        .concat();
        let mut out = vec![0x9f, 0xeb, 1, 0];
        let types_len = types.len() as u32 * 4;
        for header in [24, 0, types_len, types_len, strings.len() as u32] {
            out.extend_from_slice(&header.to_le_bytes());
        }
        for word in types {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(strings);
        out
    }

    #[test]
    fn members_of_unnamed_structures_are_found_through_their_parent() {
        let btf = Btf::parse(sample(), |_, _| true).unwrap();
        assert_eq!(btf.member("outer", "a"), Ok(0));
        assert_eq!(btf.member("outer", "b"), Ok(4));
        assert_eq!(btf.member("outer", "c"), Err(Error::Missing("struct outer member c".into())));
        let tag = btf.scalar(Kind::Typedef, "tag_t").unwrap();
        assert_eq!(tag, Some(Scalar { bytes: 2, signed: false, pointer: false }));
    }

    #[test]
    fn places_of_inner_members_are_those_in_the_outer_structure() {
        let btf = Btf::parse(sample(), |_, _| true).unwrap();
        let number = |bytes, signed| Form::Number { bytes, signed };
        let place =
            |name: &str, offset, form| Place { name: name.into(), offset, form, count: None, bits: None };
        let places = btf.places("outer", &|_| false).unwrap();
        assert_eq!(places, (8, vec![place("a", 0, number(4, true)), place("b", 4, number(2, false))]));
        assert!(btf.places("tag_t", &|_| false).is_err());
    }

    #[test]
    fn every_truncation_is_an_error() {
        let whole = sample();
        for len in 0..whole.len() {
            assert!(Btf::parse(whole[..len].to_vec(), |_, _| true).is_err(), "{len}");
        }
    }

    #[test]
    fn the_running_kernel_has_what_the_programs_use() {
        let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
            println!("skipped: /sys/kernel/btf/vmlinux is missing");
            return;
        };
        let btf = Btf::parse(bytes, |_, _| true).unwrap();
        for (strukt, member) in probe::facts::MEMBERS {
            btf.member(strukt, member).unwrap();
        }
        let mode = btf.scalar(Kind::Typedef, "umode_t").unwrap();
        assert_eq!(mode, Some(Scalar { bytes: 2, signed: false, pointer: false }));
    }
}
