//! Numbers by the names of a set.

use schema::ast::Set;

use crate::token::Line;

/// Shows a value of a set of flags: `A|B|0x40`. Without any name for it: `0x40 /* A_??? */`, or `0`.
pub(crate) fn flags(line: &mut Line, set: &Set, value: u64, bits: u32) {
    let decoded = set.decode(value, bits);
    if decoded.names.is_empty() {
        return unnamed(line, set, decoded.rest);
    }
    line.flags();
    for name in &decoded.names {
        line.flag();
        line.word(name);
    }
    if decoded.rest != 0 {
        line.flag();
        rest(line, set, decoded.rest);
    }
}

/// Shows one of a set of names. A value without name: `0x7 /* A_??? */`.
pub(crate) fn one_of(line: &mut Line, set: &Set, value: u64, bits: u32) {
    let decoded = set.decode(value, bits);
    match decoded.names.as_slice() {
        [] => unnamed(line, set, decoded.rest),
        _ => flags(line, set, value, bits),
    }
}

fn rest(line: &mut Line, set: &Set, value: u64) {
    match set.render.as_deref() {
        Some("dec") => line.unsigned(value),
        Some("oct") => line.octal(value),
        _ => line.hex(value),
    }
}

fn unnamed(line: &mut Line, set: &Set, value: u64) {
    rest(line, set, value);
    if matches!(set.render.as_deref(), Some("dec" | "oct")) || (set.flags && value == 0) {
        return;
    }
    if let Some(family) = family(set) {
        line.comment(&family);
    }
}

/// What the names of a set have in common, as strace says it: `O_???`, `?_OK`.
fn family(set: &Set) -> Option<String> {
    let most = |parts: Vec<&str>| {
        let count = |part: &&str| parts.iter().filter(|other| *other == part).count();
        let best = parts.iter().copied().max_by_key(|part| count(part))?;
        (count(&best) * 2 > parts.len()).then(|| best.to_owned())
    };
    let names = || set.items.iter().map(|item| item.name.trim_start_matches('_'));
    if let Some(head) = most(names().filter_map(|name| name.split_once('_')).map(|(head, _)| head).collect())
    {
        return Some(format!("{head}_???"));
    }
    let tail = most(names().filter_map(|name| name.rsplit_once('_')).map(|(_, tail)| tail).collect())?;
    Some(format!("?_{tail}"))
}

#[cfg(test)]
mod tests {
    use schema::Catalog;

    use super::*;

    fn show(text: &str, value: u64) -> String {
        let mut catalog = Catalog::new();
        catalog.add(text, "test").unwrap();
        let set = catalog.sets().next().unwrap();
        let mut line = Line::new();
        match set.flags {
            true => flags(&mut line, set, value, 32),
            false => one_of(&mut line, set, value, 32),
        }
        line.as_str().to_owned()
    }

    const OPEN: &str =
        "flags open_flags = O_RDONLY 0/3, O_WRONLY 1/3, O_RDWR 2/3, O_CREAT 0o100, O_CLOEXEC 0o2000000";

    #[test]
    fn flags_are_joined_and_the_rest_is_hex() {
        assert_eq!(show(OPEN, 0o2000000), "O_RDONLY|O_CLOEXEC");
        assert_eq!(show(OPEN, 0o102), "O_RDWR|O_CREAT");
        assert_eq!(show(OPEN, 0x8000_0002), "O_RDWR|0x80000000");
        assert_eq!(show("flags prot = PROT_READ 1, PROT_WRITE 2", 0), "0");
        assert_eq!(show("flags prot = PROT_NONE 0, PROT_READ 1", 0), "PROT_NONE");
        assert_eq!(show("flags prot = PROT_READ 1, PROT_WRITE 2", 0x70), "0x70 /* PROT_??? */");
    }

    #[test]
    fn a_number_without_name_says_which_family_it_is_not_in() {
        assert_eq!(show("enum whence = SEEK_SET 0, SEEK_CUR 1", 1), "SEEK_CUR");
        assert_eq!(show("enum whence = SEEK_SET 0, SEEK_CUR 1", 77), "0x4d /* SEEK_??? */");
        assert_eq!(show("flags access_mode = F_OK 0, X_OK 1, W_OK 2, R_OK 4", 0x10), "0x10 /* ?_OK */");
        assert_eq!(show("enum odd = RED 0, GREEN 1", 7), "0x7");
        assert_eq!(show("enum key : s32 dec = KEY_A 1", 7), "7");
    }
}
