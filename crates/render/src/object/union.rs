//! Memory that begins with a number that says what it is.

use schema::ast::{Expr, Key, Ty, Union};
use schema::{Class, Structure};

use super::{Object, Objects};
use crate::token::{Line, List};
use crate::value::Value;

impl Objects<'_> {
    /// `{chooser=NAME, members of the arm}`. Of an arm whose bytes are not all there, the arm for everything else is shown.
    pub(super) fn union(self, line: &mut Line, union: &Union, object: Object<'_>) -> bool {
        let own = union.stored.and_then(|stored| {
            let bytes = object.bytes.get(..usize::from(stored.bytes))?;
            Some(bytes.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte)))
        });
        let value = match union.stored {
            Some(_) => own.map(i128::from),
            None => union.switch.value(self.outer),
        };
        let Some(value) = value else { return false };
        let arm = union.arms.iter().find(|(key, _)| self.catalog.key_fits(key, value));
        let whole = |structure: &Structure| {
            let fixed =
                structure.members.iter().filter(|member| member.count != Some(0) && !member.otherwise);
            fixed.map(|member| (member.offset + member.bytes()) as usize).max().unwrap_or(0)
                <= object.bytes.len()
        };
        let structure = |ty: &Ty| self.structures.get(self.catalog, self.abi, &ty.name);
        let arm = arm.and_then(|(_, ty)| structure(ty)).filter(|structure| whole(structure)).or_else(|| {
            let (_, other) = union.arms.iter().find(|(key, _)| *key == Key::Any)?;
            structure(other)
        });
        if own.is_none() && arm.is_none() {
            return false;
        }
        line.open(List::Members);
        if let (Some(stored), Some(bits)) = (union.stored, own) {
            let Expr::Name(name) = &union.switch else { return false };
            line.member(name);
            let render = union.render.as_deref();
            Value { ty: "", render, class: Class::Int, bits, stored }.show(line, self.catalog);
        }
        if let Some(structure) = arm {
            self.members(line, &structure, object);
        }
        line.close();
        true
    }
}
