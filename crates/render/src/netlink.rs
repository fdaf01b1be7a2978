//! Netlink messages (`netlink(7)`): a header each, and bytes that mean something to the protocol only.

use schema::ast::Ty;

use crate::form;
use crate::object::{Object, Objects};
use crate::token::{Line, List};

/// `NLMSG_ERROR` and `NLMSG_DONE`, which mean the same in all protocols (`linux/netlink.h`).
const ERROR: u8 = 2;
const DONE: u8 = 3;

/// Shows `[{nlmsg_len=20, ...}, "\x00"]`, or a list of such; false when there is not even one header.
pub(crate) fn show(line: &mut Line, objects: Objects<'_>, bytes: &[u8], cut: bool) -> bool {
    let ty = Ty::named("nlmsghdr");
    let size = objects.catalog.size_of(objects.abi, &ty).map_or(0, |size| size as usize);
    let Some(first) = length(bytes, size) else { return false };
    // One that fills all there is stands alone.
    let many = aligned(first) < bytes.len();
    if many {
        line.open(List::Elements);
    }
    let mut rest = bytes;
    while let Some(length) = length(rest, size) {
        let (message, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let (header, payload) = message.split_at_checked(size).unwrap_or((message, &[]));
        if many {
            line.next();
        }
        line.open(List::Elements);
        line.next();
        objects.show(line, &ty, Object { bytes: header, ..Object::default() });
        if length > size {
            line.next();
            let cut = message.len() < length;
            match (header, payload.first_chunk()) {
                (&[_, _, _, _, DONE, 0, ..], Some(result)) if payload.len() == 4 => {
                    line.signed(i32::from_le_bytes(*result).into());
                }
                (&[_, _, _, _, ERROR, 0, ..], Some(_)) => {
                    let object = Object { bytes: payload, cut, ..Object::default() };
                    objects.show(line, &Ty::named("nlmsgerr"), object);
                }
                _ => {
                    let text = form::Text { ty: "bytes", render: Some("hexstring"), name: "" };
                    form::bytes(line, text, payload, cut, objects.limit);
                }
            }
        }
        line.close();
        rest = behind.get(aligned(length) - length..).unwrap_or_default();
    }
    if many {
        if cut || !rest.is_empty() {
            line.more();
        }
        line.close();
    }
    true
}

/// How long the message says it is, when its header of `size` bytes is there.
fn length(bytes: &[u8], size: usize) -> Option<usize> {
    let header = bytes.get(..size)?;
    let length = u32::from_le_bytes(*header.first_chunk()?) as usize;
    (length >= size && size > 0).then_some(length)
}

/// Messages begin at multiples of four.
fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}
