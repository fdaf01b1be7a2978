//! Lines about objects in memory.

use std::fmt::{Display, Formatter, Result};

use crate::ast::{Holds, Layout, LayoutMember, Object, Struct, Union};

impl Display for Struct {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "struct {}", self.name)?;
        if let Some(layout) = &self.layout {
            write!(f, " = {layout}")?;
        }
        f.write_str(" {")?;
        for (at, member) in self.members.iter().enumerate() {
            if self.brief == Some(at) {
                f.write_str(" ...;")?;
            }
            write!(f, " {member};")?;
        }
        if self.brief.is_some_and(|at| at >= self.members.len()) {
            f.write_str(" ...;")?;
        }
        f.write_str(" }")
    }
}

impl Display for Layout {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "layout {}", self.name)?;
        if let Some(kernel) = &self.kernel {
            write!(f, " = {kernel}")?;
        }
        write!(f, " {} {{", self.size)?;
        for member in &self.members {
            write!(f, " {member};")?;
        }
        f.write_str(" }")
    }
}

impl Display for LayoutMember {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} ", self.offset)?;
        match &self.holds {
            Holds::Number(stored) => stored.fmt(f)?,
            Holds::Address => f.write_str("addr")?,
            Holds::Layout(name) => f.write_str(name)?,
        }
        if let Some(count) = self.count {
            write!(f, "[{count}]")?;
        }
        write!(f, " {}", self.name)?;
        self.bits.map_or(Ok(()), |(first, width)| write!(f, " : {first} {width}"))
    }
}

impl Display for Union {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "union {} switch {}", self.name, self.switch)?;
        if let Some(stored) = self.stored {
            write!(f, " : {stored}")?;
        }
        if let Some(render) = &self.render {
            write!(f, " {render}")?;
        }
        f.write_str(" {")?;
        for (key, ty) in &self.arms {
            write!(f, " {key}: {ty};")?;
        }
        f.write_str(" }")
    }
}

impl Display for Object {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "object {} {}", self.name, self.size)?;
        self.size_i386.map_or(Ok(()), |size| write!(f, " i386 {size}"))
    }
}
