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

/// Chooses the variant of a described call, for the file of its descriptor if that is known; `None` when nothing describes it.
pub(crate) fn meaning<'a>(call: &'a Call, catalog: &'a Catalog, file: Option<&[u8]>) -> Option<Meaning<'a>> {
    let syscall = call.syscall.as_deref()?;
    let mut params: Vec<_> = syscall.args.iter().map(|arg| (&arg.param, arg.class)).collect();
    let mut returns = syscall.returns.as_ref();
    if let Some(variant) = variant(call, catalog, file) {
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

/// The variant that the command says, given the file of the call's descriptor, if that is known.
fn variant<'a>(call: &Call, catalog: &'a Catalog, file: Option<&[u8]>) -> Option<&'a Variant> {
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
    variants
        .iter()
        .rev()
        .filter_map(|variant| Some((suits(variant, file)?, open(variant)?, variant)))
        .min_by_key(|(suits, open, _)| (*suits, *open))
        .map(|found| found.2)
}

/// How well a variant suits the file of the descriptor: one that is `on` it before one for any, and that before one for a file
/// of which it is not known whether this is it. `None` for a variant `on` other files.
fn suits(variant: &Variant, file: Option<&[u8]>) -> Option<u8> {
    match (&variant.on, file) {
        (Some(pattern), Some(file)) => matches_glob(pattern.as_bytes(), file).then_some(0),
        (None, _) => Some(1),
        (Some(_), None) => Some(2),
    }
}

/// True when a path is what the pattern says, where `*` is any number of characters.
fn matches_glob(pattern: &[u8], path: &[u8]) -> bool {
    let mut parts = pattern.split(|byte| *byte == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let at = rest.windows(part.len().max(1)).position(|window| window == part);
        match at {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None if part.is_empty() => {}
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_number_of_characters() {
        let fits = |pattern: &str, path: &str| matches_glob(pattern.as_bytes(), path.as_bytes());
        assert!(
            fits("/dev/kvm", "/dev/kvm") && !fits("/dev/kvm", "/dev/kvm2") && !fits("/dev/kvm", "/dev/kv")
        );
        assert!(fits("/dev/mydrv*", "/dev/mydrv") && fits("/dev/mydrv*", "/dev/mydrv17"));
        assert!(fits("/dev/*/c*0", "/dev/snd/controlC0/c10") && !fits("/dev/*/c*0", "/dev/snd/d0"));
        assert!(fits("*", "") && fits("*", "x") && fits("a**b", "ab") && !fits("", "x"));
        assert!(!fits("/dev/a*a", "/dev/a"), "what a star stands between does not overlap");
    }
}
