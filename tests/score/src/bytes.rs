//! Members that we tell, held against the bytes that strace leaves them as.

use crate::names::Names;
use crate::value::Value;

/// True when each number, name and text in a structure of ours is found among the bytes that strace shows for it. Of bytes
/// that strace cuts, all that are not 0 have to be ours, in the order of our members.
pub(crate) fn is_made_of(ours: &Value, bytes: &[u8], cut: bool, names: &Names) -> bool {
    let mut parts = Vec::new();
    if !leaves(ours, names, &mut parts) {
        return false;
    }
    let find = |part: &Leaf, bytes: &[u8]| part.iter().find_map(|form| find(form, bytes));
    if !cut {
        return parts.iter().all(|part| find(part, bytes).is_some());
    }
    let mut rest = bytes;
    for part in &parts {
        let Some((at, length)) = find(part, rest) else { break };
        if rest[..at].iter().any(|byte| *byte != 0) {
            return false;
        }
        rest = &rest[at + length..];
    }
    rest.iter().all(|byte| *byte == 0)
}

/// The forms in which one number or text may lie in memory, widest first.
type Leaf = Vec<Vec<u8>>;

/// Place and length of a form.
fn find(form: &[u8], bytes: &[u8]) -> Option<(usize, usize)> {
    let at = bytes.windows(form.len()).position(|window| window == form)?;
    Some((at, form.len()))
}

/// Numbers, names and texts of a structure, but for zeros and empty texts. False when there is something else.
fn leaves(value: &Value, names: &Names, found: &mut Vec<Leaf>) -> bool {
    match value {
        Value::Struct { members, cut: false } => members.iter().all(|item| leaves(&item.value, names, found)),
        Value::List { items, cut: false } => items.iter().all(|item| leaves(item, names, found)),
        Value::Text { bytes, cut: false } => {
            if !bytes.is_empty() {
                found.push(vec![bytes.clone()]);
            }
            true
        }
        _ => match names.bits(value) {
            Some(bits) if !bits.unknown => {
                let whole = bits.total.to_le_bytes();
                let fits = |width: usize| {
                    width == 8 || bits.total >> (width * 8) == 0 || bits.total as i64 >> (width * 8 - 1) == -1
                };
                let forms = [8, 4, 2, 1].into_iter().filter(|width| fits(*width));
                if bits.total != 0 {
                    found.push(forms.map(|width| whole[..width].to_vec()).collect());
                }
                true
            }
            _ => false,
        },
    }
}
