//! Lines to text: `parse(print(x)) == x`.

mod memory;

use std::fmt::{Display, Formatter, Result, Write as _};

use crate::ast::{
    BinaryOp, Bits, CType, Call, Direction, Expr, Extent, Item, Key, Line, Load, Number, Param, Proto,
    Render, Returns, Set, SetLine, Stored, Ty, TypeLine, UnaryOp, Variant,
};

/// What stands between two parts of a member.
const CONNECTIONS: [&str; 3] = [" else ", " && ", " || "];

/// Widest line that is printed unbroken, in characters.
const WIDTH: usize = 120;

/// All lines, each with its newline.
pub fn print<'a>(lines: impl IntoIterator<Item = &'a Line>) -> String {
    let mut text = String::new();
    for line in lines {
        push_wrapped(&mut text, &line.to_string());
    }
    text
}

/// A line may be broken after a comma, and between braces also after a member and before what connects two parts of one.
fn push_wrapped(text: &mut String, line: &str) {
    let (mut column, mut quoted, mut escaped, mut braces) = (0, false, false, 0_u32);
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let tail = rest.get(c.len_utf8()..).unwrap_or("");
        text.push(c);
        column += 1;
        // A comma within a format is no place to break.
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        rest = tail;
        match c {
            '{' if !quoted => braces = braces.saturating_add(1),
            '}' if !quoted => braces = braces.saturating_sub(1),
            _ => {}
        }
        let connected = |tail: &str| CONNECTIONS.iter().any(|word| tail.starts_with(word));
        if (c == ',' || braces > 0 && (c == ';' || connected(tail)))
            && !quoted
            && let Some(next) = tail.strip_prefix(' ')
        {
            let end = next.find([',', ';']).map_or(next.len(), |end| end + 1);
            let words = CONNECTIONS.iter().filter(|_| braces > 0).filter_map(|word| next.find(word));
            let piece = words.min().unwrap_or(end).min(end);
            if column + 1 + piece > WIDTH {
                text.push_str("\n    ");
                (column, rest) = (4, next);
            }
        }
    }
    text.push('\n');
}

fn comma<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> Result {
    for (i, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
    }
    Ok(())
}

/// A text in double quotes with the escapes that the language has.
fn quoted(f: &mut Formatter<'_>, text: &str) -> Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Line::Call(x) => x.fmt(f),
            Line::Variant(x) => x.fmt(f),
            Line::Set(x) => x.fmt(f),
            Line::Type(x) => x.fmt(f),
            Line::Bits(x) => x.fmt(f),
            Line::Struct(x) => x.fmt(f),
            Line::Layout(x) => x.fmt(f),
            Line::Union(x) => x.fmt(f),
            Line::Object(x) => x.fmt(f),
            Line::CType(x) => x.fmt(f),
            Line::Number(x) => x.fmt(f),
            Line::Proto(x) => x.fmt(f),
            Line::Marker(x) => x.fmt(f),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}(", self.name)?;
        comma(f, &self.params)?;
        f.write_str(")")?;
        if !self.switch.is_empty() {
            f.write_str(" switch ")?;
            comma(f, &self.switch)?;
        }
        self.returns.as_ref().map_or(Ok(()), |returns| returns.fmt(f))
    }
}

impl Display for Returns {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, " = {}", self.ty)?;
        self.condition.as_ref().map_or(Ok(()), |condition| write!(f, " if {condition}"))
    }
}

impl Display for Variant {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}.", self.call)?;
        for (i, case) in self.cases.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            for (j, key) in case.iter().enumerate() {
                write!(f, "{}{key}", if j == 0 { "" } else { "/" })?;
            }
        }
        f.write_str("(")?;
        comma(f, &self.params)?;
        f.write_str(")")?;
        self.returns.as_ref().map_or(Ok(()), |returns| returns.fmt(f))?;
        self.on.as_ref().map_or(Ok(()), |on| {
            f.write_str(" on ")?;
            quoted(f, on)
        })
    }
}

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Key::Name(name) => f.write_str(name),
            Key::Number(number) => number.fmt(f),
            Key::Range(low, high) => write!(f, "{low}..{high}"),
            Key::Any => f.write_str("*"),
        }
    }
}

impl Display for Param {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if let Some(direction) = self.direction {
            write!(f, "{direction} ")?;
        }
        write!(f, "{} {}", self.ty, self.name)?;
        if let Some(extent) = &self.extent {
            extent.fmt(f)?;
        }
        if let Some(load) = &self.load {
            write!(f, " of {load}")?;
        }
        if let Some(render) = &self.render {
            write!(f, " as {render}")?;
        }
        if let Some(condition) = &self.condition {
            write!(f, " if {condition}")?;
        }
        self.otherwise.as_ref().map_or(Ok(()), |otherwise| write!(f, " else {otherwise}"))
    }
}

impl Display for Direction {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Direction::In => "in",
            Direction::Out => "out",
            Direction::InOut => "inout",
            Direction::Pass => "pass",
        })
    }
}

impl Display for Ty {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.name)?;
        if let Some(kind) = &self.kind {
            write!(f, "<{kind}>")?;
        }
        self.member.as_ref().map_or(Ok(()), |member| write!(f, "{{{member}}}"))
    }
}

impl Display for Extent {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (colon, entry, exit) = match self {
            Extent::Null => return f.write_str("[null]"),
            Extent::Count(entry, exit) => ("", entry, exit),
            Extent::Bytes(entry, exit) => (":", entry, exit),
        };
        write!(f, "[{colon}{entry}")?;
        if let Some(exit) = exit {
            write!(f, "; {exit}")?;
        }
        f.write_str("]")
    }
}

impl Display for Load {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.direction {
            Some(direction) => direction.fmt(f)?,
            None => f.write_str("none")?,
        }
        self.total.as_ref().map_or(Ok(()), |total| write!(f, "[{total}]"))
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Expr::Number(number) => number.fmt(f),
            Expr::Name(name) => f.write_str(name),
            Expr::Ret => f.write_str("ret"),
            Expr::Err => f.write_str("err"),
            Expr::Interrupted => f.write_str("interrupted"),
            Expr::Deref(name) => write!(f, "*{name}"),
            Expr::Old(inner) => {
                f.write_str("old ")?;
                operand(f, inner, BinaryOp::TIGHTEST)
            }
            Expr::Member(name) => write!(f, ".{name}"),
            Expr::SizeOf(ty) => write!(f, "sizeof({ty})"),
            Expr::Min(a, b) => write!(f, "min({a}, {b})"),
            Expr::Max(a, b) => write!(f, "max({a}, {b})"),
            Expr::Unary(op, inner) => {
                f.write_str(match op {
                    UnaryOp::Not => "!",
                    UnaryOp::Negate => "-",
                    UnaryOp::Complement => "~",
                })?;
                operand(f, inner, BinaryOp::TIGHTEST)
            }
            Expr::Binary(op, left, right) => {
                operand(f, left, op.level())?;
                write!(f, " {} ", op.sign())?;
                operand(f, right, op.level() + 1)
            }
        }
    }
}

/// Parentheses around what binds less tightly than `level`.
fn operand(f: &mut Formatter<'_>, expr: &Expr, level: u8) -> Result {
    match expr {
        Expr::Binary(op, ..) if op.level() < level => write!(f, "({expr})"),
        _ => expr.fmt(f),
    }
}

impl Display for Stored {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}{}", if self.signed { 's' } else { 'u' }, u32::from(self.bytes) * 8)
    }
}

impl Display for SetLine {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.set.head(f)?;
        f.write_str(if self.extend { " += " } else { " = " })?;
        self.set.body(f)
    }
}

impl Set {
    fn head(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} {}", if self.flags { "flags" } else { "enum" }, self.name)?;
        if let Some(stored) = self.stored {
            write!(f, " : {stored}")?;
            if let Some(render) = &self.render {
                write!(f, " {render}")?;
            }
        }
        Ok(())
    }

    fn body(&self, f: &mut Formatter<'_>) -> Result {
        for (i, Item { name, value, mask }) in self.items.iter().enumerate() {
            write!(f, "{}{name} ", if i == 0 { "" } else { ", " })?;
            if self.flags {
                write!(f, "{value:#x}")?;
            } else if *value > u64::MAX - 0xffff {
                // A small negative number, such as AT_FDCWD.
                write!(f, "-{}", value.wrapping_neg())?;
            } else {
                write!(f, "{value}")?;
            }
            if let Some(mask) = mask {
                write!(f, "/{mask:#x}")?;
            }
        }
        Ok(())
    }
}

impl Display for Set {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.head(f)?;
        f.write_str(" = ")?;
        self.body(f)
    }
}

impl Display for Render {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Render::Word(word) => f.write_str(word),
            Render::Format(format) => quoted(f, format),
        }
    }
}

impl Display for TypeLine {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "type {} = {}", self.name, self.stored)?;
        for render in &self.renders {
            write!(f, " {render}")?;
        }
        self.otherwise.as_ref().map_or(Ok(()), |otherwise| write!(f, " else {otherwise}"))
    }
}

impl Display for Bits {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "bits {} : {}", self.name, self.stored)?;
        if let Some(render) = &self.render {
            write!(f, " {render}")?;
        }
        f.write_str(" = ")?;
        let slots: Vec<&str> = self.slots.iter().map(|slot| slot.as_deref().unwrap_or("_")).collect();
        comma(f, &slots)
    }
}

impl Display for CType {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "ctype {} {}", self.name, self.stored)?;
        self.stored_i386.map_or(Ok(()), |stored| write!(f, " i386 {stored}"))
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "number {} {} {}", self.abi.name(), self.nr, self.name)
    }
}

impl Display for crate::ast::Marker {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "marker {} ", self.name)?;
        quoted(f, &self.format)
    }
}

impl Display for Proto {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "proto {}(", self.name)?;
        for (i, (ctype, name)) in self.params.iter().enumerate() {
            write!(f, "{}{ctype} {name}", if i == 0 { "" } else { ", " })?;
        }
        f.write_str(")")
    }
}
