//! What is reached through what a pointer leads to: members that are pointers, and the memory that `iovec` describe.

use super::length::Scope;
use super::{Behind, Lowering, copy, sides};
use crate::ast::{self, Direction, Expr, Extent, Param};
use crate::class::Class;
use crate::layout::{Copy, Length, Load, Source};
use crate::structure::{MemberType, Structure};

/// Objects inside objects that are looked into for pointers: `msg_hdr` of `mmsghdr`.
const DEPTH: u32 = 3;
/// Objects of a row whose pointers are followed.
const FOLLOWED: u16 = 4;
/// Bytes of the count before each piece of a load.
const COUNT: u16 = 2;
/// Bytes of all pieces of a load, unless one piece has more.
const LOAD: u16 = 1024;

/// Which way the memory goes that a row of `iovec` describes, and how much of it there is.
#[derive(Clone)]
struct Lead {
    /// Written by the kernel: kept at exit.
    exit: bool,
    /// Bytes, when that is less than the row has room for.
    total: Option<Length>,
}

/// An object that an argument leads to.
#[derive(Clone)]
struct Object {
    /// Name of the argument, with the members that lead here.
    name: String,
    register: u8,
    /// Bytes behind the argument.
    offset: u16,
    /// What the user of the object says of what its rows of `iovec` lead to.
    lead: Option<Lead>,
    /// Which way members without a direction of their own go.
    direction: Option<Direction>,
    guard: Option<(Length, u16)>,
}

impl Lowering<'_> {
    /// Adds the parts of an argument that is this.
    pub(super) fn parts(&self, register: u8, (param, class): (&Param, Class), behind: &mut Vec<Behind>) {
        let object = |lead| Object {
            name: param.name.clone(),
            register,
            offset: 0,
            lead,
            direction: param.load.as_ref().map_or(param.direction, |load| load.direction),
            guard: None,
        };
        if !class.is_pointer() {
            return;
        }
        match (&param.extent, &param.load) {
            (Some(Extent::Count(..)), Some(load)) if param.ty.name == "iovec" => {
                if let Some(lead) = self.lead(load, Scope::Call) {
                    self.load(
                        (&object(None), Source::Register(register)),
                        &param.name,
                        param,
                        Scope::Call,
                        lead,
                        behind,
                    );
                }
            }
            (Some(Extent::Count(before, after)), Some(load)) => {
                let exit = load.direction == Some(Direction::Out);
                let count = if exit { after.as_ref().unwrap_or(before) } else { before };
                self.rows(&object(None), param, load, (count, exit), behind);
            }
            (Some(Extent::Count(..) | Extent::Null), None) | (Some(Extent::Null), _) => {}
            (None | Some(Extent::Bytes(..)), load) => {
                if let Some(structure) = self.structure(&param.ty.name) {
                    let lead = load.as_ref().and_then(|load| self.lead(load, Scope::Call));
                    self.members(&structure, &object(lead), behind, DEPTH);
                }
            }
        }
    }

    /// The first objects of a row.
    fn rows(
        &self,
        object: &Object,
        param: &Param,
        load: &ast::Load,
        (count, exit): (&Expr, bool),
        behind: &mut Vec<Behind>,
    ) {
        let Some(structure) = self.structure(&param.ty.name) else { return };
        let Some(count) = self.objects(count, 1, Scope::Call, exit) else { return };
        for index in 0..FOLLOWED {
            let size = u16::try_from(structure.size).ok();
            let Some(offset) = size.and_then(|size| size.checked_mul(index)) else { return };
            let scope = Scope::Object { structure: &structure, register: object.register, offset };
            let object = Object {
                name: format!("{}_{index}", object.name),
                offset,
                lead: self.lead(load, scope),
                guard: Some((count.clone(), index)),
                ..object.clone()
            };
            self.members(&structure, &object, behind, DEPTH);
        }
    }

    fn lead(&self, load: &ast::Load, scope: Scope<'_>) -> Option<Lead> {
        let exit = match load.direction {
            Some(Direction::In) => false,
            Some(Direction::Out) => true,
            _ => return None,
        };
        let length = |total: &Expr| self.length(&Extent::Bytes(total.clone(), None), scope, exit);
        let total = match &load.total {
            Some(total) => Some(length(total)?),
            None => None,
        };
        Some(Lead { exit, total })
    }

    fn members(&self, structure: &Structure, object: &Object, behind: &mut Vec<Behind>, depth: u32) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let scope = Scope::Object { structure, register: object.register, offset: object.offset };
        for member in &structure.members {
            let at = u16::try_from(member.offset).ok().and_then(|at| at.checked_add(object.offset));
            let (Some(offset), Some(param)) = (at, &member.param) else { continue };
            let name = format!("{}_{}", object.name, member.name);
            match (&member.ty, param.direction, &param.extent) {
                (MemberType::Object(inner), None, None) => {
                    if let Some(inner) = self.structure(inner) {
                        // The members of an inner object are told apart by their own names.
                        let object = Object { offset, ..object.clone() };
                        self.members(&inner, &object, behind, depth);
                    }
                }
                (MemberType::Address(_), direction, _) if direction.is_some() || param.extent.is_some() => {
                    self.part(&name, (object, offset), param, scope, behind);
                }
                _ => {}
            }
        }
    }

    /// A member that is a pointer.
    fn part(
        &self,
        name: &str,
        (object, offset): (&Object, u16),
        param: &Param,
        scope: Scope<'_>,
        behind: &mut Vec<Behind>,
    ) {
        let direction = match param.direction {
            None | Some(Direction::Pass) => object.direction,
            own => own,
        };
        let pointer = Source::Memory { register: object.register, offset };
        let typed = Param { direction, ..param.clone() };
        let class = self.catalog.class(&typed);
        let sides = sides(direction, class, |exit| self.copy(&typed, class, scope, exit));
        // An object of fixed size cannot be left out: its bytes are in the fixed part.
        let fits = |copy: &Copy| object.guard.is_none() || !matches!(copy, Copy::Object { .. });
        if !sides.is_empty() && sides.entry.iter().chain(&sides.exit).all(fits) {
            behind.push(Behind {
                name: name.to_owned(),
                register: object.register,
                pointer: pointer.clone(),
                sides,
                when: self.when(param),
                guard: object.guard.clone(),
            });
        }
        if let Some(load) = &param.load {
            let handed = load.direction == Some(Direction::Pass);
            let lead = if handed { object.lead.clone() } else { self.lead(load, scope) };
            if let Some(lead) = lead {
                self.load((object, pointer), name, param, scope, lead, behind);
            }
        }
    }

    /// What a row of `iovec` leads to.
    fn load(
        &self,
        (object, pointer): (&Object, Source),
        name: &str,
        param: &Param,
        scope: Scope<'_>,
        lead: Lead,
        behind: &mut Vec<Behind>,
    ) {
        let cap = self.plan.data;
        let size = self.size_of(&param.ty).and_then(|size| u16::try_from(size).ok());
        let (Some(Extent::Count(count, _)), Some(size)) = (&param.extent, size) else { return };
        // The row is what the caller made it, also at exit.
        let Some(rows) = self.objects(count, size, scope, false) else { return };
        if cap == 0 {
            return;
        }
        let all = (copy::ROW * (cap.min(LOAD) + COUNT)).clamp(cap + COUNT, LOAD.max(cap + COUNT));
        let copy = Copy::Load(Load { rows, cap, all, total: lead.total });
        let direction = if lead.exit { Direction::Out } else { Direction::In };
        behind.push(Behind {
            name: format!("{name}_load"),
            register: object.register,
            pointer,
            sides: sides(Some(direction), Class::Vector, |_| Some(copy.clone())),
            when: self.when(param),
            guard: object.guard.clone(),
        });
    }
}
