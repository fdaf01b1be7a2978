//! Socket addresses (`struct sockaddr_*`, `socket(7)` and the pages of each family).

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use schema::Catalog;

use crate::flags;
use crate::token::{Line, List};

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;

/// Shows an address as far as its bytes go; false when there is not even a family.
pub(crate) fn show(line: &mut Line, catalog: &Catalog, bytes: &[u8], cut: bool) -> bool {
    let Some((&[low, high], data)) = bytes.split_first_chunk() else { return false };
    let family = u16::from_le_bytes([low, high]);
    line.open(List::Members);
    line.member("sa_family");
    match catalog.set("socket_family") {
        Some(set) => flags::flags(line, set, family.into(), 16),
        None => line.unsigned(family.into()),
    }
    match family {
        AF_UNIX => unix(line, data, cut),
        AF_INET if data.len() >= 6 => inet(line, data),
        AF_INET6 if data.len() >= 26 => inet6(line, data),
        AF_NETLINK if data.len() >= 10 => netlink(line, data),
        _ if !data.is_empty() => {
            line.member("sa_data");
            line.string(data, cut);
        }
        _ => {}
    }
    line.close();
    true
}

/// `sun_path="/run/x"`, `sun_path=@"abstract"`, nothing for a socket without a name.
fn unix(line: &mut Line, data: &[u8], cut: bool) {
    match data.split_first() {
        None => {}
        Some((0, [])) => {
            line.member("sun_path");
            line.word("NULL");
        }
        // A name that begins with a NUL is not in the file system, and its length is all that ends it.
        Some((0, name)) => {
            line.member("sun_path");
            line.word("@");
            line.string(name, cut);
        }
        Some(_) => {
            line.member("sun_path");
            let path = data.split(|byte| *byte == 0).next().unwrap_or_default();
            line.string(path, cut && path.len() == data.len());
        }
    }
}

fn port(line: &mut Line, name: &str, data: &[u8]) {
    line.member(name);
    let _ = write!(line, "htons({})", big(data, 0, 2));
}

fn inet(line: &mut Line, data: &[u8]) {
    port(line, "sin_port", data);
    line.member("sin_addr");
    let _ = write!(line, "inet_addr(\"{}\")", Ipv4Addr::from(big(data, 2, 4)));
}

fn inet6(line: &mut Line, data: &[u8]) {
    port(line, "sin6_port", data);
    line.member("sin6_flowinfo");
    let _ = write!(line, "htonl({})", big(data, 2, 4));
    let mut address = [0; 16];
    address.copy_from_slice(data.get(6..22).unwrap_or(&[0; 16]));
    line.next();
    let _ = write!(line, "inet_pton(AF_INET6, \"{}\", &sin6_addr)", Ipv6Addr::from(address));
    line.member("sin6_scope_id");
    line.unsigned(little(data, 22).into());
}

fn netlink(line: &mut Line, data: &[u8]) {
    line.member("nl_pid");
    line.unsigned(little(data, 2).into());
    line.member("nl_groups");
    let _ = write!(line, "{:08x}", little(data, 6));
}

/// A number in network order.
fn big(bytes: &[u8], at: usize, width: usize) -> u32 {
    bytes.iter().skip(at).take(width).fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// Four bytes as this machine stores them.
fn little(bytes: &[u8], at: usize) -> u32 {
    bytes.iter().skip(at).take(4).rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> String {
        let mut line = Line::new();
        assert!(show(&mut line, Catalog::builtin(), bytes, false));
        line.as_str().to_owned()
    }

    #[test]
    fn addresses_look_as_in_strace() {
        assert_eq!(
            shown(&[2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            r#"{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}"#
        );
        let mut six = vec![10, 0, 0, 53, 0, 0, 0, 0];
        six.extend([0; 15]);
        six.extend([1, 2, 0, 0, 0]);
        assert_eq!(
            shown(&six),
            concat!(
                r#"{sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), "#,
                r#"inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=2}"#
            )
        );
        assert_eq!(shown(b"\x01\0/run/x\0"), r#"{sa_family=AF_UNIX, sun_path="/run/x"}"#);
        assert_eq!(shown(b"\x01\0\0abc"), r#"{sa_family=AF_UNIX, sun_path=@"abc"}"#);
        assert_eq!(shown(b"\x01\0"), "{sa_family=AF_UNIX}");
        assert_eq!(
            shown(&[16, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0]),
            "{sa_family=AF_NETLINK, nl_pid=7, nl_groups=00000001}"
        );
    }

    #[test]
    fn what_is_shorter_than_its_family_says_is_shown_as_bytes() {
        assert_eq!(shown(&[2, 0, 0, 80]), r#"{sa_family=AF_INET, sa_data="\0P"}"#);
        assert!(!show(&mut Line::new(), Catalog::builtin(), &[2], false));
    }
}
