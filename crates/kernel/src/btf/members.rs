//! Members of a structure with their places.

use super::{
    ARRAY, Btf, CONST, DEPTH, ENUM, ENUM64, Error, INT, Kind, PTR, RESTRICT, STRUCT, TYPE_TAG, TYPEDEF, Type,
    UNION, VOLATILE, word,
};

/// Most members of one structure, inner ones included; the largest that user space sees has about 150.
const MOST: usize = 4096;

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// An integer or an enumeration.
    Number {
        /// Width in bytes.
        bytes: u32,
        /// Two's complement when true.
        signed: bool,
    },
    /// A pointer.
    Pointer,
    /// A structure or union that the caller knows by this name.
    Named(String),
    /// Bytes of something else.
    Bytes(u32),
}

/// A member and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Bytes from the start of the structure asked for.
    pub offset: u32,
    /// What it, or each of its elements, is.
    pub form: Form,
    /// Number of elements of an array.
    pub count: Option<u32>,
    /// First bit and number of bits of a bit field.
    pub bits: Option<(u8, u8)>,
}

impl Btf {
    /// Size and members of a structure, a union or a name for one. Members of inner structures stand in their place by their
    /// own names (the first of a name counts), except those whose type's name `known` accepts.
    pub fn places(&self, name: &str, known: &dyn Fn(&str) -> bool) -> Result<(u32, Vec<Place>), Error> {
        let find = |kind| self.find(kind, name);
        let id = find(Kind::Struct).or_else(|_| find(Kind::Union)).or_else(|_| find(Kind::Typedef))?;
        let ty = self.ty(self.strip(id)?)?;
        if !matches!(ty.kind, STRUCT | UNION) {
            return Err(Error::Missing(format!("structure behind {name}")));
        }
        let mut places = Vec::new();
        self.places_of(ty, 0, known, DEPTH, &mut places)?;
        Ok((ty.size, places))
    }

    fn places_of(
        &self,
        ty: Type,
        base: u32,
        known: &dyn Fn(&str) -> bool,
        depth: usize,
        places: &mut Vec<Place>,
    ) -> Result<(), Error> {
        if depth == 0 || places.len() > MOST {
            return Err(Error::Missing("end of the structures in structures".to_owned()));
        }
        for index in 0..ty.count {
            let at = ty.offset + 12 + index * 12;
            let raw = word(&self.bytes, at + 8)?;
            let (first, width) = if ty.flag { (raw & 0x00ff_ffff, raw >> 24) } else { (raw, 0) };
            let name = String::from_utf8_lossy(self.string(word(&self.bytes, at)?)).into_owned();
            let (named, inner, count) = self.element(word(&self.bytes, at + 4)?, known)?;
            let offset = base.saturating_add(first / 8);
            let place = |form| Place { name: name.clone(), offset, form, count, bits: None };
            let found = match inner.kind {
                STRUCT | UNION if named.is_some() => place(Form::Named(named.unwrap_or_default())),
                STRUCT | UNION if count.is_none() => {
                    let mut found = Vec::new();
                    self.places_of(inner, offset, known, depth - 1, &mut found)?;
                    // A wrapper around one member (`sigset_t`) says less than the name of the whole.
                    if let ([only], STRUCT, false) = (found.as_mut_slice(), inner.kind, name.is_empty()) {
                        only.name = name;
                    }
                    found.retain(|new| !places.iter().any(|place| place.name == new.name));
                    places.append(&mut found);
                    continue;
                }
                STRUCT | UNION => {
                    let bytes = inner.size.saturating_mul(count.unwrap_or(1));
                    Place { count: Some(bytes), ..place(Form::Bytes(1)) }
                }
                PTR => place(Form::Pointer),
                INT | ENUM | ENUM64 => {
                    let signed = match inner.kind {
                        INT => word(&self.bytes, inner.offset + 12)? >> 24 & 1 == 1,
                        _ => inner.flag,
                    };
                    let number = place(Form::Number { bytes: inner.size, signed });
                    match (width, inner.size * 8) {
                        (1..=64, unit @ 8..=64) => {
                            let start = first / unit * unit;
                            let bits = Some(((first - start) as u8, width as u8));
                            Place { offset: base.saturating_add(start / 8), bits, ..number }
                        }
                        _ => number,
                    }
                }
                _ => continue,
            };
            if !found.name.is_empty() && !places.iter().any(|place| place.name == found.name) {
                places.push(found);
            }
        }
        Ok(())
    }

    /// The type of a member behind typedefs, qualifiers and arrays: the first known name met on the way, the type, and how
    /// many.
    fn element(
        &self,
        mut id: u32,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<(Option<String>, Type, Option<u32>), Error> {
        let mut count: Option<u32> = None;
        let mut name = None;
        for _ in 0..DEPTH {
            let ty = self.ty(id)?;
            if matches!(ty.kind, STRUCT | UNION | TYPEDEF) && ty.name != 0 && name.is_none() {
                name = Some(String::from_utf8_lossy(self.string(ty.name)).into_owned())
                    .filter(|name| known(name));
            }
            match ty.kind {
                TYPEDEF | VOLATILE | CONST | RESTRICT | TYPE_TAG => id = ty.size,
                ARRAY => {
                    id = word(&self.bytes, ty.offset + 12)?;
                    let elements = word(&self.bytes, ty.offset + 20)?;
                    count = Some(count.map_or(elements, |outer| outer.saturating_mul(elements)));
                }
                _ => return Ok((name, ty, count)),
            }
        }
        Err(Error::Missing(format!("end of the chain of typedefs from type {id}")))
    }
}
