//! Netlink messages (`netlink(7)`): a header each; behind it, where the protocol of the socket is known, a header of the family and
//! attributes.
//!
//! ```text
//! nlmsghdr | ifinfomsg | nlattr payload | nlattr payload ...      each of them at a multiple of four
//! ```

use schema::ast::Ty;

use crate::form;
use crate::object::{Object, Objects};
use crate::token::{Line, List};

/// `NLMSG_ERROR` and `NLMSG_DONE`, which mean the same in all protocols (`linux/netlink.h`).
const ERROR: u8 = 2;
const DONE: u8 = 3;

/// Protocols (`linux/netlink.h`).
const NETLINK_ROUTE: i32 = 0;
const NETLINK_NETFILTER: i32 = 12;
const NETLINK_GENERIC: i32 = 16;
/// The family that tells about the others (`linux/genetlink.h`).
const GENL_ID_CTRL: u16 = 16;

/// What stands behind the header of a message: a structure, and attributes of a set.
struct Body {
    structure: &'static str,
    attributes: &'static str,
}

/// What messages of a type carry; types of `NETLINK_ROUTE` come in fours, from 16 on (`rtnetlink(7)`).
fn body(protocol: i32, kind: u16) -> Option<Body> {
    let (structure, attributes) = match (protocol, kind) {
        (NETLINK_ROUTE, 16..=19 | 108..=111) => ("ifinfomsg", "ifla_type"),
        (NETLINK_ROUTE, 20..=23) => ("ifaddrmsg", "ifa_type"),
        (NETLINK_ROUTE, 24..=27) => ("rtmsg", "rta_type"),
        (NETLINK_ROUTE, 28..=31) => ("ndmsg", "nda_type"),
        (NETLINK_ROUTE, 32..=35) => ("fib_rule_hdr", "fra_type"),
        (NETLINK_ROUTE, 36..=47 | 100..=103) => ("tcmsg", "tca_type"),
        (NETLINK_GENERIC, GENL_ID_CTRL) => ("ctrlmsghdr", "ctrl_attr_type"),
        (NETLINK_GENERIC, 17..) => ("genlmsghdr", "nla_type"),
        (NETLINK_NETFILTER, 16..) => ("nfgenmsg", "nla_type"),
        _ => return None,
    };
    Some(Body { structure, attributes })
}

/// Shows `[{nlmsg_len=20, ...}, "\x00"]`, or a list of such; false when there is not even one header.
pub(crate) fn show(line: &mut Line, objects: Objects<'_>, bytes: &[u8], cut: bool) -> bool {
    let ty = Ty::named(match objects.netlink {
        Some(NETLINK_ROUTE) => "route_nlmsghdr",
        Some(NETLINK_GENERIC) => "generic_nlmsghdr",
        _ => "nlmsghdr",
    });
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
                    let route = objects.netlink == Some(NETLINK_ROUTE);
                    let ty = Ty::named(if route { "route_nlmsgerr" } else { "nlmsgerr" });
                    objects.show(line, &ty, object);
                }
                (&[_, _, _, _, low, high, ..], _) => {
                    let kind = u16::from_le_bytes([low, high]);
                    match objects.netlink.and_then(|protocol| body(protocol, kind)) {
                        Some(body) => objects.body(line, &body, payload, length - size),
                        None => objects.hex(line, payload, cut),
                    }
                }
                _ => objects.hex(line, payload, cut),
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

impl Objects<'_> {
    /// Bytes of which nothing more is known.
    fn hex(self, line: &mut Line, bytes: &[u8], cut: bool) {
        let text = form::Text { ty: "bytes", render: Some("hexstring"), name: "" };
        form::bytes(line, text, bytes, cut, self.limit);
    }

    /// Shows `{ifi_family=AF_UNSPEC, ...}, [[{nla_len=7, nla_type=IFLA_IFNAME}, "lo"], ...]`.
    /// Of `whole` bytes, those that were kept are there.
    fn body(self, line: &mut Line, body: &Body, bytes: &[u8], whole: usize) {
        let ty = Ty::named(body.structure);
        let size = self.catalog.size_of(self.abi, &ty).map_or(0, |size| size as usize);
        // A shorter one is of an older form, and says little (`struct rtgenmsg`).
        let Some((header, attributes)) = bytes.split_at_checked(size) else {
            return self.hex(line, bytes, bytes.len() < whole);
        };
        self.show(line, &ty, Object { bytes: header, ..Object::default() });
        if attributes.is_empty() {
            if bytes.len() < whole {
                line.more();
            }
            return;
        }
        line.next();
        self.attributes(line, &Ty::named(body.attributes), attributes, whole - size);
    }

    /// Shows attributes as messages are shown: a list of them, or the one that there is.
    fn attributes(self, line: &mut Line, ty: &Ty, bytes: &[u8], whole: usize) {
        let cut = bytes.len() < whole;
        let Some(first) = attribute_length(bytes) else { return self.hex(line, bytes, cut) };
        let many = aligned(first) < whole;
        if many {
            line.open(List::Elements);
        }
        let mut rest = bytes;
        while let Some(length) = attribute_length(rest) {
            let (attribute, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            if many {
                line.next();
            }
            self.attribute(line, ty, attribute, cut && attribute.len() < length);
            rest = behind.get(aligned(length) - length..).unwrap_or_default();
        }
        if many {
            if !rest.is_empty() {
                line.next();
                self.hex(line, rest, cut);
            } else if cut {
                line.more();
            }
            line.close();
        }
    }

    /// Shows `{nla_len=8, nla_type=IFLA_MTU}`, and its payload behind it in a list.
    fn attribute(self, line: &mut Line, ty: &Ty, bytes: &[u8], cut: bool) {
        let Some((&[l0, l1, t0, t1], payload)) = bytes.split_first_chunk() else { return };
        let length = u16::from_le_bytes([l0, l1]);
        let alone = usize::from(length) == ATTRIBUTE;
        if !alone {
            line.open(List::Elements);
            line.next();
        }
        line.open(List::Members);
        line.member("nla_len");
        line.unsigned(length.into());
        line.member("nla_type");
        if let Some(value) = self.value(ty, None, &[t0, t1]) {
            value.show(line, self.catalog);
        }
        line.close();
        if alone {
            return;
        }
        line.next();
        match payload {
            // A name, with the zero that ends it.
            [text @ .., 0] if !cut && !text.is_empty() && text.iter().all(u8::is_ascii_graphic) => {
                line.string(text, false);
            }
            _ => self.hex(line, payload, cut),
        }
        line.close();
    }
}

/// Bytes of `struct nlattr`.
const ATTRIBUTE: usize = 4;

/// How long the attribute says it is, when its header is there.
fn attribute_length(bytes: &[u8]) -> Option<usize> {
    let header: &[u8; ATTRIBUTE] = bytes.first_chunk()?;
    let length = usize::from(u16::from_le_bytes([header[0], header[1]]));
    (length >= ATTRIBUTE).then_some(length)
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
