//! What the arguments of a call mean, given their values.

use calls::{Call, evaluate};
use schema::ast::{Key, Param, Returns, Variant};
use schema::{Catalog, Class};

/// Parameters and result of one call, with its variant applied.
#[derive(Debug)]
pub(crate) struct Meaning<'a> {
    /// By position: what the argument is, and its type code.
    pub(crate) params: Vec<(&'a Param, Class)>,
    /// Type of the result.
    pub(crate) returns: Option<&'a Returns>,
}

/// Chooses the variant of a described call; `None` when nothing describes it.
pub(crate) fn meaning<'a>(call: &'a Call, catalog: &'a Catalog) -> Option<Meaning<'a>> {
    let syscall = call.syscall.as_deref()?;
    let mut params: Vec<_> = syscall.args.iter().map(|arg| (&arg.param, arg.class)).collect();
    let mut returns = syscall.returns.as_ref();
    if let Some(variant) = variant(call, catalog) {
        for param in &variant.params {
            if let Some(slot) = params.iter_mut().find(|(base, _)| base.name == param.name) {
                *slot = (param, catalog.class(param));
            }
        }
        returns = variant.returns.as_ref().or(returns);
    }
    for slot in &mut params {
        // `x if C else y`: y when C is known to be false.
        if let (Some(condition), Some(other)) = (&slot.0.condition, &slot.0.otherwise)
            && evaluate(condition, call, catalog) == Some(0)
        {
            *slot = (other, catalog.class(other));
        }
    }
    let holds = |returns: &&Returns| {
        let condition = returns.condition.as_ref();
        condition.is_none_or(|condition| evaluate(condition, call, catalog).is_some_and(|value| value != 0))
    };
    Some(Meaning { params, returns: returns.filter(holds) })
}

fn variant<'a>(call: &Call, catalog: &'a Catalog) -> Option<&'a Variant> {
    let variants = catalog.variants(&call.name);
    if variants.is_empty() {
        return None;
    }
    let switch = &catalog.call(&call.name)?.switch;
    let values: Option<Vec<i128>> = switch.iter().map(|expr| evaluate(expr, call, catalog)).collect();
    let values = values?;
    let fits = |case: &[Key]| {
        case.len() == values.len()
            && case.iter().zip(&values).all(|(key, value)| catalog.key_fits(key, *value))
    };
    // How many values a case leaves open; the case that leaves fewest counts, and of several the last.
    let open = |variant: &Variant| {
        let cases = variant.cases.iter().filter(|case| fits(case));
        cases.map(|case| case.iter().filter(|key| **key == Key::Any).count()).min()
    };
    // A variant `on` certain files needs to know the descriptor's file, which a single call does not tell.
    let variants = variants.iter().rev().filter(|variant| variant.on.is_none());
    variants
        .filter_map(|variant| Some((open(variant)?, variant)))
        .min_by_key(|(open, _)| *open)
        .map(|found| found.1)
}
