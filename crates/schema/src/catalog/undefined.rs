//! Names that lines use and nothing defines.

use std::collections::HashSet;
use std::fmt::{Display, Formatter};

use super::Catalog;
use super::resolve::names_of;
use crate::abi::Abi;
use crate::ast::{Expr, Key, Layout, Param, Returns};
use crate::error::{Error, Problem};

/// A name that a line uses and nothing defines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Undefined {
    /// The call or structure that uses it.
    pub line: String,
    /// What it should be.
    pub what: Expected,
    /// The name.
    pub name: String,
}

/// What a name should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Expected {
    Type,
    Call,
    Argument,
    Member,
    Constant,
    ArgumentOrConstant,
    OneKeyForEachSwitch,
}

impl Display for Undefined {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Undefined { line, what, name } = self;
        match what {
            Expected::Type => write!(f, "{line}: no type {name}"),
            Expected::Call => write!(f, "{line}: no such call"),
            Expected::Argument => write!(f, "{line}: no argument {name}"),
            Expected::Member => write!(f, "{line}: no member {name} in its layout"),
            Expected::Constant => write!(f, "{line}: no constant {name}"),
            Expected::ArgumentOrConstant => write!(f, "{line}: no argument or constant {name}"),
            Expected::OneKeyForEachSwitch => write!(f, "{line}: a case has one key for each switch"),
        }
    }
}

/// Where `word` stands in a text as a word of its own, from byte `from` on.
fn find_word(text: &str, word: &str, from: usize) -> Option<usize> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let rest = text.get(from..)?;
    rest.match_indices(word).map(|(at, _)| at + from).find(|at| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

impl Undefined {
    /// Where a text names it: behind the name of its line.
    fn place(&self, text: &str) -> usize {
        let line = find_word(text, &self.line, 0).unwrap_or(0);
        find_word(text, &self.name, line).unwrap_or(line)
    }
}

/// A parameter and what it is otherwise.
fn chain(param: &Param) -> impl Iterator<Item = &Param> {
    std::iter::successors(Some(param), |param| param.otherwise.as_deref())
}

impl Catalog {
    /// [`Catalog::add`] for a table that comes from outside: refused as well when its lines use names that nothing defines.
    pub fn add_checked(&mut self, text: &str, file: &str) -> Result<(), Error> {
        let mut with = self.clone();
        with.add(text, file)?;
        let before = self.undefined();
        if let Some(undefined) = with.undefined().into_iter().find(|undefined| !before.contains(undefined)) {
            let place = undefined.place(text);
            return Err(Error::at(file, text, place, Problem::Undefined(undefined)));
        }
        *self = with;
        Ok(())
    }

    /// Types that lines use and no line defines; names in expressions that are neither argument nor constant; variants
    /// without a call or with another argument.
    pub fn undefined(&self) -> Vec<Undefined> {
        let mut found = Vec::new();
        let put = |found: &mut Vec<Undefined>, line: &str, what, name: &str| {
            found.push(Undefined { line: line.to_owned(), what, name: name.to_owned() });
        };
        for call in self.calls.values() {
            let arguments: Vec<&str> = call.params.iter().map(|param| param.name.as_str()).collect();
            self.undefined_in(&call.name, &call.params, call.returns.as_ref(), &arguments, &mut found);
            self.unknown_names(&call.name, call.switch.iter(), &arguments, &mut found);
        }
        for variant in self.variants.values().flatten() {
            let Some(call) = self.calls.get(&variant.call) else {
                put(&mut found, &variant.call, Expected::Call, &variant.call);
                continue;
            };
            let arguments: Vec<&str> = call.params.iter().map(|param| param.name.as_str()).collect();
            self.undefined_in(&call.name, &variant.params, variant.returns.as_ref(), &arguments, &mut found);
            for param in variant.params.iter().filter(|param| !arguments.contains(&param.name.as_str())) {
                put(&mut found, &call.name, Expected::Argument, &param.name);
            }
            for key in variant.cases.iter().flatten() {
                match key {
                    Key::Name(name) if !self.constants.contains_key(name) => {
                        put(&mut found, &call.name, Expected::Constant, name);
                    }
                    _ => {}
                }
            }
            if variant.cases.iter().any(|case| case.len() != call.switch.len()) {
                put(&mut found, &call.name, Expected::OneKeyForEachSwitch, &call.name);
            }
        }
        self.undefined_in_objects(&mut found);
        found
    }

    /// The same for structures and unions. Their expressions may also name arguments of the calls that use them, and members of
    /// the structures around them.
    fn undefined_in_objects(&self, found: &mut Vec<Undefined>) {
        let arguments = self.calls.values().flat_map(|call| &call.params).map(|param| param.name.as_str());
        let placed =
            self.layouts.values().flat_map(|layout| &layout.members).map(|member| member.name.as_str());
        let shown = self.structs.values().flat_map(|line| &line.members).map(|param| param.name.as_str());
        let known: HashSet<&str> = arguments.chain(placed).chain(shown).collect();
        let mut put = |line: &str, what, name: &str| {
            found.push(Undefined { line: line.to_owned(), what, name: name.to_owned() });
        };
        for line in self.structs.values() {
            let layouts = self.layouts_of(line.layout.as_deref().unwrap_or(&line.name));
            for param in line.members.iter().flat_map(chain) {
                if self.value_type(&param.ty.name).is_none() && self.kind(&param.ty.name).is_none() {
                    put(&line.name, Expected::Type, &param.ty.name);
                }
                let has = |layout: &&Layout| layout.members.iter().any(|member| member.name == param.name);
                let behind = param.extent.is_some() && param.direction.is_none();
                if !layouts.is_empty() && !behind && !layouts.iter().any(has) {
                    put(&line.name, Expected::Member, &param.name);
                }
                let mut names = Vec::new();
                names_of(param, &mut names);
                for name in names.into_iter().filter(|name| !known.contains(name)) {
                    if !self.constants.contains_key(name) {
                        put(&line.name, Expected::ArgumentOrConstant, name);
                    }
                }
            }
        }
        for line in self.unions.values() {
            for (key, ty) in &line.arms {
                if self.value_type(&ty.name).is_none() && self.kind(&ty.name).is_none() {
                    put(&line.name, Expected::Type, &ty.name);
                }
                if let Key::Name(name) = key
                    && !self.constants.contains_key(name)
                {
                    put(&line.name, Expected::Constant, name);
                }
            }
        }
    }

    /// The layouts of a type, in either convention.
    fn layouts_of(&self, name: &str) -> Vec<&Layout> {
        let other = format!("{name}@{}", Abi::I386.name());
        [self.layouts.get(name), self.layouts.get(&other)].into_iter().flatten().collect()
    }

    fn undefined_in(
        &self,
        line: &str,
        params: &[Param],
        returns: Option<&Returns>,
        arguments: &[&str],
        found: &mut Vec<Undefined>,
    ) {
        let types = params.iter().map(|param| &param.ty).chain(returns.map(|returns| &returns.ty));
        for ty in types {
            if self.value_type(&ty.name).is_none() && self.kind(&ty.name).is_none() {
                let (line, name) = (line.to_owned(), ty.name.clone());
                found.push(Undefined { line, what: Expected::Type, name });
            }
        }
        for param in params {
            let mut names = Vec::new();
            names_of(param, &mut names);
            self.unknown(line, &names, arguments, found);
        }
        self.unknown_names(
            line,
            returns.and_then(|returns| returns.condition.as_ref()).into_iter(),
            arguments,
            found,
        );
    }

    fn unknown_names<'a>(
        &self,
        line: &str,
        exprs: impl Iterator<Item = &'a Expr>,
        arguments: &[&str],
        found: &mut Vec<Undefined>,
    ) {
        let mut names = Vec::new();
        exprs.for_each(|expr| expr.names(&mut names));
        self.unknown(line, &names, arguments, found);
    }

    fn unknown(&self, line: &str, names: &[&str], arguments: &[&str], found: &mut Vec<Undefined>) {
        let unknown =
            names.iter().filter(|name| !arguments.contains(name) && !self.constants.contains_key(**name));
        found.extend(unknown.map(|name| Undefined {
            line: line.to_owned(),
            what: Expected::ArgumentOrConstant,
            name: (*name).to_owned(),
        }));
    }
}
