//! Lines that state facts: sets, types, memory, numbers, prototypes.

use super::{MOST_ITEMS, Parser, split_declaration};
use crate::ast::{
    Bits, CType, Holds, Item, Layout, LayoutMember, Line, Number, Object, Proto, Render, Set, SetLine,
    Stored, Struct, TypeLine, Union,
};
use crate::error::{Error, Problem};
use crate::scan::Token;

impl Parser<'_> {
    pub(super) fn set(&mut self, flags: bool) -> Result<Line, Error> {
        let name = self.scan.name("the name of the set")?.to_owned();
        let (mut stored, mut render) = (None, None);
        if self.scan.take(":")? {
            stored = Some(self.stored()?);
            if let Token::Name(word) = *self.scan.peek()?
                && word != "from"
            {
                self.scan.next()?;
                render = Some(word.to_owned());
            }
        }
        if matches!(self.scan.peek()?, Token::Name("from")) {
            let at = self.scan.place()?;
            return Err(self.scan.error(at, Problem::Unsupported { what: "a selector (from ...)" }));
        }
        let extend = self.scan.take("+=")?;
        if !extend {
            self.scan.expect("=", "'=' or '+='")?;
        }
        let items = self.list(Self::item)?;
        Ok(Line::Set(SetLine { extend, set: Set { name, flags, stored, render, items } }))
    }

    fn item(&mut self) -> Result<Item, Error> {
        let name = self.scan.name("the name of a constant")?.to_owned();
        let value = self.item_value()?;
        let mask = if self.scan.take("/")? { Some(self.item_value()?) } else { None };
        let what = match self.scan.peek()? {
            Token::Sign("{") => "a value per architecture",
            Token::Sign("..") => "a range of values",
            _ => return Ok(Item { name, value, mask }),
        };
        let at = self.scan.place()?;
        Err(self.scan.error(at, Problem::Unsupported { what }))
    }

    pub(super) fn type_line(&mut self) -> Result<Line, Error> {
        let name = self.scan.name("the name of the type")?.to_owned();
        self.scan.expect("=", "'='")?;
        let stored = self.stored()?;
        let mut renders = Vec::new();
        let mut otherwise = None;
        loop {
            if self.scan.take_word("else")? {
                otherwise = Some(self.render()?);
                break;
            }
            if !matches!(self.scan.peek()?, Token::Name(_) | Token::Text(_)) {
                break;
            }
            self.bound(u32::try_from(renders.len()).unwrap_or(u32::MAX), 8)?;
            renders.push(self.render()?);
        }
        Ok(Line::Type(TypeLine { name, stored, renders, otherwise }))
    }

    fn render(&mut self) -> Result<Render, Error> {
        let render = match self.scan.peek()? {
            Token::Name(word) => Render::Word((*word).to_owned()),
            Token::Text(format) => Render::Format(format.clone()),
            _ => return self.scan.unexpected("a word or a format"),
        };
        self.scan.next()?;
        Ok(render)
    }

    pub(super) fn bits(&mut self) -> Result<Line, Error> {
        let name = self.scan.name("the name of the type")?.to_owned();
        self.scan.expect(":", "':'")?;
        let stored = self.stored()?;
        let render = match *self.scan.peek()? {
            Token::Name(word) => {
                self.scan.next()?;
                Some(word.to_owned())
            }
            _ => None,
        };
        self.scan.expect("=", "'='")?;
        let slots = self.list(|p| {
            let slot = p.scan.name("the name of a bit or '_'")?;
            Ok(if slot == "_" { None } else { Some(slot.to_owned()) })
        })?;
        Ok(Line::Bits(Bits { name, stored, render, slots }))
    }

    pub(super) fn structure(&mut self) -> Result<Line, Error> {
        let name = self.scan.name("the name of the structure")?.to_owned();
        let layout =
            if self.scan.take("=")? { Some(self.scan.name("the kernel's name")?.to_owned()) } else { None };
        let mut brief = None;
        let members = self.braced(|p| if p.scan.take("...")? { Ok(None) } else { p.param().map(Some) })?;
        if let Some(at) = members.iter().position(Option::is_none) {
            brief = Some(at);
        }
        let members = members.into_iter().flatten().collect();
        Ok(Line::Struct(Struct { name, layout, members, brief }))
    }

    pub(super) fn layout(&mut self) -> Result<Line, Error> {
        let first = self.scan.name("the name of the layout")?;
        let name = self.call_name(first)?;
        let kernel =
            if self.scan.take("=")? { Some(self.scan.name("the kernel's name")?.to_owned()) } else { None };
        let size = self.u32()?;
        let members = self.braced(Self::layout_member)?;
        Ok(Line::Layout(Layout { name, kernel, size, members }))
    }

    fn layout_member(&mut self) -> Result<LayoutMember, Error> {
        let offset = self.u32()?;
        let word = self.scan.name("what the member holds")?;
        let holds = match Stored::from_name(word) {
            Some(stored) => Holds::Number(stored),
            None if word == "addr" => Holds::Address,
            None => Holds::Layout(word.to_owned()),
        };
        let mut count = None;
        if self.scan.take("[")? {
            count = Some(self.u32()?);
            self.scan.expect("]", "']'")?;
        }
        let name = self.scan.name("the name of the member")?.to_owned();
        let mut bits = None;
        if self.scan.take(":")? {
            let first = self.bounded(0, 63)? as u8;
            bits = Some((first, self.bounded(1, 64 - i128::from(first))? as u8));
        }
        Ok(LayoutMember { offset, holds, count, name, bits })
    }

    pub(super) fn union(&mut self) -> Result<Line, Error> {
        let name = self.scan.name("the name of the union")?.to_owned();
        if !self.scan.take_word("switch")? {
            return self.scan.unexpected("'switch'");
        }
        let switch = self.whole_expr()?;
        let (mut stored, mut render) = (None, None);
        if self.scan.take(":")? {
            stored = Some(self.stored()?);
            if let Token::Name(word) = *self.scan.peek()? {
                render = Some(word.to_owned());
                self.scan.next()?;
            }
        }
        let arms = self.braced(|p| {
            let key = p.key()?;
            p.scan.expect(":", "':' after the key")?;
            Ok((key, p.ty()?))
        })?;
        Ok(Line::Union(Union { name, switch, stored, render, arms }))
    }

    /// `{ one; one; ... }`, newlines allowed.
    fn braced<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        self.scan.expect("{", "'{'")?;
        self.scan.braces += 1;
        let mut members = Vec::new();
        while !matches!(self.scan.peek()?, Token::Sign("}")) {
            self.bound(u32::try_from(members.len()).unwrap_or(u32::MAX), MOST_ITEMS)?;
            members.push(one(self)?);
            self.scan.expect(";", "';'")?;
        }
        self.scan.braces -= 1;
        self.scan.expect("}", "'}'")?;
        Ok(members)
    }

    pub(super) fn object(&mut self) -> Result<Line, Error> {
        let name = self.scan.name("the name of the object")?.to_owned();
        let size = self.u32()?;
        let size_i386 = if self.scan.take_word("i386")? { Some(self.u32()?) } else { None };
        Ok(Line::Object(Object { name, size, size_i386 }))
    }

    pub(super) fn ctype(&mut self) -> Result<Line, Error> {
        let name = self.scan.name("the name of the C type")?.to_owned();
        let stored = self.stored()?;
        let stored_i386 = self.stored_i386()?;
        Ok(Line::CType(CType { name, stored, stored_i386 }))
    }

    pub(super) fn number_line(&mut self) -> Result<Line, Error> {
        let abi = self.abi()?;
        let nr = self.u32()?;
        let name = self.scan.name("the name of the call")?.to_owned();
        Ok(Line::Number(Number { abi, nr, name }))
    }

    pub(super) fn marker(&mut self) -> Result<Line, Error> {
        let name = self.scan.name("the name of the marker")?.to_owned();
        let start = self.scan.place()?;
        let Token::Text(format) = self.scan.peek()?.clone() else {
            return self.scan.unexpected("a format in double quotes");
        };
        self.scan.next()?;
        let fields = crate::marker::fields(&format)
            .map_err(|(at, problem)| self.scan.error(self.scan.quoted_place(start, at), problem))?;
        Ok(Line::Marker(crate::ast::Marker { name, format, fields }))
    }

    pub(super) fn proto(&mut self) -> Result<Line, Error> {
        let first = self.scan.name("the name of the call")?;
        let name = self.call_name(first)?;
        self.scan.expect("(", "'('")?;
        let mut params = Vec::new();
        if !self.scan.take(")")? {
            loop {
                let (raw, at) = self.scan.raw(&[',', ')', '(']);
                let Some(param) = split_declaration(raw) else {
                    let problem =
                        Problem::Syntax { expected: "C-TYPE NAME", found: format!("'{}'", raw.trim()) };
                    return Err(self.scan.error(at, problem));
                };
                params.push(param);
                self.bound(u32::try_from(params.len()).unwrap_or(u32::MAX), 7)?;
                if !self.scan.take(",")? {
                    break;
                }
            }
            self.scan.expect(")", "',' or ')'")?;
        }
        Ok(Line::Proto(Proto { name, params }))
    }
}
