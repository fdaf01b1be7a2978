//! Names that lines use and nothing defines.

use super::Catalog;
use super::resolve::names_of;
use crate::ast::{Expr, Key, Param, Returns};

impl Catalog {
    /// Types that lines use and no line defines, each as `LINE: TYPE`; names in expressions that are neither argument
    /// nor constant; variants without a call or with another argument. For checks of a text by its author.
    pub fn undefined(&self) -> Vec<String> {
        let mut found = Vec::new();
        for call in self.calls.values() {
            let arguments: Vec<&str> = call.params.iter().map(|param| param.name.as_str()).collect();
            self.undefined_in(&call.name, &call.params, call.returns.as_ref(), &arguments, &mut found);
            self.unknown_names(&call.name, call.switch.iter(), &arguments, &mut found);
        }
        for variant in self.variants.values().flatten() {
            let Some(call) = self.calls.get(&variant.call) else {
                found.push(format!("{}: no such call", variant.call));
                continue;
            };
            let arguments: Vec<&str> = call.params.iter().map(|param| param.name.as_str()).collect();
            self.undefined_in(&call.name, &variant.params, variant.returns.as_ref(), &arguments, &mut found);
            for param in variant.params.iter().filter(|param| !arguments.contains(&param.name.as_str())) {
                found.push(format!("{}: no argument {}", call.name, param.name));
            }
            for key in variant.cases.iter().flatten() {
                match key {
                    Key::Name(name) if !self.constants.contains_key(name) => {
                        found.push(format!("{}: no constant {name}", call.name));
                    }
                    _ => {}
                }
            }
            if variant.cases.iter().any(|case| case.len() != call.switch.len()) {
                found.push(format!("{}: a case has one key for each switch", call.name));
            }
        }
        found
    }

    fn undefined_in(
        &self,
        line: &str,
        params: &[Param],
        returns: Option<&Returns>,
        arguments: &[&str],
        found: &mut Vec<String>,
    ) {
        let types = params.iter().map(|param| &param.ty).chain(returns.map(|returns| &returns.ty));
        for ty in types {
            if self.value_type(&ty.name).is_none() && self.kind(&ty.name).is_none() {
                found.push(format!("{line}: {}", ty.name));
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
        found: &mut Vec<String>,
    ) {
        let mut names = Vec::new();
        exprs.for_each(|expr| expr.names(&mut names));
        self.unknown(line, &names, arguments, found);
    }

    fn unknown(&self, line: &str, names: &[&str], arguments: &[&str], found: &mut Vec<String>) {
        let unknown =
            names.iter().filter(|name| !arguments.contains(name) && !self.constants.contains_key(**name));
        found.extend(unknown.map(|name| format!("{line}: no argument or constant {name}")));
    }
}
