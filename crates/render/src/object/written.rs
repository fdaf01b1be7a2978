//! What the kernel wrote where members of an object lead.

use calls::{Content, Pointee};
use schema::ast::{Direction, Expr, Param, Ty};

use super::{Object, Objects, Parts};
use crate::token::{Line, List};

impl Objects<'_> {
    /// Hands on each member of a block of arguments that is told with the result, and what the kernel left there. A set of
    /// descriptors that was not given takes its place all the same.
    pub(crate) fn answers(self, ty: &Ty, bytes: &[u8], tell: &mut dyn FnMut(Objects<'_>, &Param, &[u8])) {
        let Some(structure) = self.structures.get(self.catalog, self.abi, &ty.name) else { return };
        let known = |expr: &Expr| structure.evaluate(expr, bytes, self.outer);
        let inside = Objects { outer: &known, ..self };
        for member in &structure.members {
            let Some(param) = &member.param else { continue };
            let form = param.render.as_deref();
            if param.direction != Some(Direction::InOut) || !matches!(form, Some("left" | "fds")) {
                continue;
            }
            match self.parts.left(&member.name).filter(|_| member.number(bytes) != Some(0)) {
                Some(Pointee { content: Content::Bytes(left), .. }) => tell(inside, param, left),
                _ if form == Some("fds") => tell(inside, param, &[]),
                _ => {}
            }
        }
    }

    /// ` => {pidfd=[4]}`: what the kernel wrote where members of an object lead that it only read.
    pub(crate) fn written(self, line: &mut Line, ty: &Ty, bytes: &[u8]) {
        let Some(structure) = self.structures.get(self.catalog, self.abi, &ty.name) else { return };
        let known = |expr: &Expr| structure.evaluate(expr, bytes, self.outer);
        let inside = Objects { outer: &known, parts: Parts { answered: true, ..self.parts }, ..self };
        let mut members = Line::new();
        members.open(List::Members);
        for member in &structure.members {
            let there = member.condition().is_none_or(|condition| known(condition) != Some(0));
            let out = member.param.as_ref().is_some_and(|param| param.direction == Some(Direction::Out));
            if there && out && inside.parts.get(&member.name).is_some() {
                inside.member(&mut members, member, Object { bytes, ..Object::default() });
            }
        }
        members.close();
        if members.as_str() != "{}" {
            line.word(" => ");
            line.word(members.as_str());
        }
    }
}
