//! Parameters and types.

use super::Parser;
use crate::ast::{Direction, Expr, Extent, Load, Param, Ty};
use crate::error::Error;
use crate::scan::Token;

/// Longest chain of `else`.
const MOST_ELSE: u32 = 16;

impl Parser<'_> {
    /// Parameters up to and with the closing parenthesis.
    pub(super) fn params(&mut self) -> Result<Vec<Param>, Error> {
        if self.scan.take(")")? {
            return Ok(Vec::new());
        }
        let params = self.list(Self::param)?;
        self.scan.expect(")", "',' or ')'")?;
        Ok(params)
    }

    pub(super) fn param(&mut self) -> Result<Param, Error> {
        let direction = self.direction()?;
        let ty = self.ty()?;
        let name = self.scan.name("the name of the argument")?.to_owned();
        let extent = if self.scan.take("[")? { Some(self.extent()?) } else { None };
        let load = if self.scan.take_word("of")? { Some(self.load()?) } else { None };
        let render = if self.scan.take_word("as")? {
            Some(self.scan.name("how it is shown")?.to_owned())
        } else {
            None
        };
        let condition = if self.scan.take_word("if")? { Some(self.whole_expr()?) } else { None };
        let mut otherwise = None;
        if self.scan.take_word("else")? {
            self.depth += 1;
            self.bound(self.depth, MOST_ELSE)?;
            otherwise = Some(Box::new(self.param()?));
            self.depth -= 1;
        }
        Ok(Param { direction, ty, name, extent, load, render, condition, otherwise })
    }

    /// A direction word, when a type and a name follow it: `pass` is also a type.
    fn direction(&mut self) -> Result<Option<Direction>, Error> {
        let direction = match self.scan.peek()? {
            Token::Name(word) => direction(word),
            _ => None,
        };
        if direction.is_none() {
            return Ok(None);
        }
        let before = self.scan.clone();
        self.scan.next()?;
        if direction == Some(Direction::Pass) {
            self.ty()?;
            let followed = matches!(self.scan.peek()?, Token::Name(word) if !matches!(*word, "of" | "as" | "if" | "else"));
            self.scan = before;
            if !followed {
                return Ok(None);
            }
            self.scan.next()?;
        }
        Ok(direction)
    }

    pub(super) fn ty(&mut self) -> Result<Ty, Error> {
        let name = self.scan.name("a type")?.to_owned();
        let (mut kind, mut member) = (None, None);
        if self.scan.take("<")? {
            let (raw, _) = self.scan.raw(&['>']);
            let word = raw.trim();
            if word.is_empty() || !word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
                return self.scan.unexpected("a word of letters, digits, '-' and '_' before '>'");
            }
            kind = Some(word.to_owned());
            self.scan.expect(">", "'>'")?;
        }
        if self.scan.take("{")? {
            member = Some(self.scan.name("the name of a member")?.to_owned());
            self.scan.expect("}", "'}'")?;
        }
        Ok(Ty { name, kind, member })
    }

    /// What stands between `[` and `]`, and the `]`.
    fn extent(&mut self) -> Result<Extent, Error> {
        let extent = if self.scan.take_word("null")? {
            Extent::Null
        } else {
            let bytes = self.scan.take(":")?;
            let entry: Expr = self.whole_expr()?;
            let exit = if self.scan.take(";")? { Some(self.whole_expr()?) } else { None };
            if bytes { Extent::Bytes(entry, exit) } else { Extent::Count(entry, exit) }
        };
        self.scan.expect("]", "']'")?;
        Ok(extent)
    }

    fn load(&mut self) -> Result<Load, Error> {
        let word = match *self.scan.peek()? {
            Token::Name(word) if word == "none" || (word != "inout" && direction(word).is_some()) => word,
            _ => return self.scan.unexpected("in, out, pass or none"),
        };
        self.scan.next()?;
        let mut total = None;
        if self.scan.take("[")? {
            total = Some(self.whole_expr()?);
            self.scan.expect("]", "']'")?;
        }
        Ok(Load { direction: direction(word), total })
    }
}

fn direction(word: &str) -> Option<Direction> {
    match word {
        "in" => Some(Direction::In),
        "out" => Some(Direction::Out),
        "inout" => Some(Direction::InOut),
        "pass" => Some(Direction::Pass),
        _ => None,
    }
}
