//! Sockets in a network of their own.

use crate::arguments::{bend, call};
use crate::files::iovec;

/// A `struct sockaddr_in` of 127.0.0.1.
fn inet(port: u16) -> [u16; 8] {
    [2, port.to_be(), u16::from_ne_bytes([127, 0]), u16::from_ne_bytes([0, 1]), 0, 0, 0, 0]
}

/// A `struct sockaddr_un`.
fn unix(name: &[u8]) -> [u8; 110] {
    let mut address = [0; 110];
    address[0] = 1;
    address[2..2 + name.len()].copy_from_slice(name);
    address
}

pub(crate) fn sockets() {
    for (family, kind, protocol) in [
        (1, 1 | libc::SOCK_CLOEXEC, 0),
        (2, 2 | libc::SOCK_NONBLOCK, 17),
        (2, 1, 6),
        (2, 3, 1),
        (10, 1, 6),
        (10, 2, 77),
        (16, 3, 0),
        (16, 3, 15),
        (17, 3, 0x0300),
        (38, 5, 0),
        (40, 1, 0),
        (99, 9, 9),
        (2, 0x40_0001, 0),
    ] {
        call!(SYS_socket, family, kind, protocol);
    }
    let mut pair = [0_i32; 2];
    bend!(SYS_socketpair, 1, 1 | libc::SOCK_CLOEXEC, 0, &mut pair);
    let (local, mut address, mut length) = (unix(b"socket"), [0_u8; 128], 128_u32);
    let listener = call!(SYS_socket, 1, 1, 0);
    bend!(SYS_bind, listener, &local, 110);
    call!(SYS_bind, listener, &unix(b"\0abstract\x01name"), 20);
    call!(SYS_bind, listener, &local, 1);
    call!(SYS_bind, listener, &local, -1);
    call!(SYS_bind, listener, &local, 2);
    call!(SYS_listen, listener, 5);
    let client = call!(SYS_socket, 1, 1, 0);
    bend!(SYS_connect, client, &local, 110);
    bend!(SYS_getsockname, listener, &mut address, &mut length);
    length = 128;
    bend!(SYS_getpeername, client, &mut address, &mut length);
    length = 128;
    call!(SYS_accept, listener, &mut address, &mut length);
    call!(SYS_fcntl, listener, libc::F_SETFL, libc::O_NONBLOCK);
    call!(SYS_connect, call!(SYS_socket, 1, 1, 0), &local, 110);
    length = 1;
    bend!(SYS_accept4, listener, &mut address, &mut length, libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK);
    call!(SYS_accept4, listener, 0, 0, 0x33);
    let tcp = call!(SYS_socket, 2, 2, 0);
    bend!(SYS_bind, tcp, &inet(4321), 16);
    bend!(SYS_connect, tcp, &inet(4321), 16);
    length = 128;
    bend!(SYS_getsockname, tcp, &mut address, &mut length);
    length = 4;
    call!(SYS_getsockname, tcp, &mut address, &mut length);
    let mut six = [0_u16; 14];
    six[0] = 10;
    six[1] = 80_u16.to_be();
    six[11] = 1_u16.to_be();
    six[12] = 2;
    bend!(SYS_connect, call!(SYS_socket, 10, 2, 0), &six, 28);
    bend!(SYS_bind, call!(SYS_socket, 16, 3, 0), &[16_u16, 0, 7, 0, 1, 0], 12);
    bend!(SYS_bind, call!(SYS_socket, 17, 3, 0), &[17_u16, 8, 1, 0, 1, 0x0600, 0, 0, 0, 0], 20);
    call!(SYS_connect, tcp, &[77_u16, 1, 2, 3, 4, 5, 6, 7], 16);
    call!(SYS_connect, tcp, &[0_u16, 1, 2, 3, 4, 5, 6, 7], 16);
    for how in [0, 1, 2, 9] {
        call!(SYS_shutdown, client, how);
    }
}

pub(crate) fn messages() {
    let mut pair = [0_i32; 2];
    call!(SYS_socketpair, 1, 2 | libc::SOCK_NONBLOCK, 0, &mut pair);
    let (mut buffer, mut address, mut length) = ([0_u8; 64], [0_u8; 128], 128_u32);
    bend!(SYS_sendto, pair[0], &b"hello, \0 world"[..], 14_usize, libc::MSG_NOSIGNAL, 0, 0);
    call!(SYS_sendto, pair[0], &b"hello"[..], 5_usize, 0x1000_0000 | 1, &inet(7), 16);
    bend!(
        SYS_recvfrom,
        pair[1],
        &mut buffer,
        64_usize,
        libc::MSG_PEEK | libc::MSG_DONTWAIT,
        &mut address,
        &mut length
    );
    call!(SYS_recvfrom, pair[1], &mut buffer, 64_usize, 0, 0, 0);
    let (mut first, mut second) = (*b"first part", *b"second");
    let vector = [iovec(&mut first, 10), iovec(&mut second, 6)];
    let mut control = [0_u64; 8];
    control[0] = 20;
    control[1] = 1 | 1 << 32;
    let mut header = [0_u64; 7];
    header[2] = vector.as_ptr() as u64;
    header[3] = 2;
    bend!(SYS_sendmsg, pair[0], &header, 0x4000);
    header[4] = control.as_ptr() as u64;
    header[5] = 24;
    bend!(SYS_sendmsg, pair[0], &header, 0);
    let name = inet(9);
    header[0] = name.as_ptr() as u64;
    header[1] = 16;
    call!(SYS_sendmsg, pair[0], &header, 0x8000_0000_u32);
    header[0] = 0;
    header[1] = 0;
    header[5] = 64;
    bend!(SYS_recvmsg, pair[1], &mut header, 0x40);
    call!(SYS_recvmsg, pair[1], &mut header, 0x40);
    header[4] = 0;
    header[5] = 0;
    let mut several = [0_u64; 16];
    several[..7].copy_from_slice(&header);
    several[8..15].copy_from_slice(&header);
    bend!(SYS_sendmmsg, pair[0], &mut several, 2, 0);
    bend!(SYS_recvmmsg, pair[1], &mut several, 2, 0x40, &[0_i64, 5]);
    call!(SYS_sendmmsg, pair[0], &mut several, 0, 0x20);
}

pub(crate) fn options() {
    let tcp = call!(SYS_socket, 2, 1, 0);
    let six = call!(SYS_socket, 10, 2, 0);
    let mut value = [0_u8; 256];
    let mut length;
    for option in [2, 3, 4, 7, 8, 9, 13, 15, 17, 20, 38, 39, 31, 999] {
        length = 256;
        call!(SYS_getsockopt, tcp, 1, option, &mut value, &mut length);
        call!(SYS_setsockopt, tcp, 1, option, &[1_i32, 0], 4);
    }
    length = 4;
    bend!(SYS_getsockopt, tcp, 1, 3, &mut value, &mut length);
    length = 12;
    bend!(SYS_getsockopt, tcp, 1, 13, &mut value, &mut length);
    bend!(SYS_setsockopt, tcp, 1, 13, &[1_i32, 5], 8);
    bend!(SYS_setsockopt, tcp, 1, 20, &[3_i64, 5], 16);
    bend!(SYS_setsockopt, tcp, 1, 25, c"lo", 3);
    for (level, option) in [
        (0, 1),
        (0, 2),
        (0, 10),
        (0, 77),
        (6, 1),
        (6, 4),
        (6, 11),
        (6, 13),
        (41, 26),
        (41, 23),
        (270, 3),
        (99, 1),
    ] {
        length = 256;
        let fd = if level == 41 { six } else { tcp };
        call!(SYS_getsockopt, fd, level, option, &mut value, &mut length);
        call!(SYS_setsockopt, fd, level, option, &[1_i32], 4);
    }
    bend!(SYS_setsockopt, tcp, 6, 13, c"cubic", 5);
    length = 300;
    call!(SYS_getsockopt, tcp, 1, 2, &mut value, &mut length);
}

/// Messages that carry more than data: descriptors, credentials, times, addresses.
pub(crate) fn datagrams() {
    let mut pair = [0_i32; 2];
    call!(SYS_socketpair, 1, 2 | libc::SOCK_NONBLOCK, 0, &mut pair);
    call!(SYS_setsockopt, pair[1], 1, 16, &[1_i32], 4);
    let mut text = *b"with a descriptor";
    let mut vector = [iovec(&mut text, 17)];
    let mut control = [0_u64; 16];
    // SCM_RIGHTS with two descriptors, then SCM_CREDENTIALS of this process
    control[..3].copy_from_slice(&[24, 1 | 1 << 32, 1 | 2 << 32]);
    control[3..7].copy_from_slice(&[28, 1 | 2 << 32, call!(SYS_getpid) as u64, 0]);
    let header = |vector: &mut [[u64; 2]; 1], control: &mut [u64; 16], length: u64| {
        [0_u64, 0, vector.as_ptr() as u64, 1, control.as_ptr() as u64, length, 0]
    };
    let mut message = header(&mut vector, &mut control, 56);
    bend!(SYS_sendmsg, pair[0], &message, 0);
    message = header(&mut vector, &mut control, 128);
    bend!(SYS_recvmsg, pair[1], &mut message, libc::MSG_CMSG_CLOEXEC);
    // The loopback interface of this network is down until somebody sets IFF_UP.
    let udp = call!(SYS_socket, 2, 2 | libc::SOCK_NONBLOCK, 0);
    call!(SYS_ioctl, udp, 0x8914_u64, &[u64::from_ne_bytes(*b"lo\0\0\0\0\0\0"), 0, 1, 0, 0]);
    let mut here = inet(4321);
    call!(SYS_bind, udp, &here, 16);
    // SO_TIMESTAMP, IP_PKTINFO, IP_RECVTTL
    for (level, option) in [(1, 29), (0, 8), (0, 12)] {
        call!(SYS_setsockopt, udp, level, option, &[1_i32], 4);
    }
    bend!(SYS_sendto, udp, &text, 17_usize, 0, &here, 16);
    let mut message = header(&mut vector, &mut control, 128);
    (message[0], message[1]) = (here.as_mut_ptr() as u64, 16);
    for _ in 0..2 {
        bend!(SYS_recvmsg, udp, &mut message, libc::MSG_TRUNC);
    }
    let mut length = 16_u32;
    call!(SYS_sendto, udp, &text, 17_usize, 0, &here, 16);
    call!(SYS_recvfrom, udp, &mut text, 17_usize, 0, &mut here, &mut length);
}

/// Questions to the kernel's routing tables.
pub(crate) fn routing() {
    let netlink = call!(SYS_socket, 16, 3, 0);
    // RTM_GETLINK, NLM_F_REQUEST|NLM_F_DUMP, a struct ifinfomsg of zeros
    let request = [32_u32, 18 | 0x301 << 16, 7, 0, 0, 0, 0, 0];
    let kernel = [16_u16, 0, 0, 0, 0, 0];
    bend!(SYS_sendto, netlink, &request, 32_usize, 0, &kernel, 12);
    let mut buffer = [0_u64; 512];
    let (mut from, mut length) = ([0_u16; 6], 12_u32);
    for _ in 0..3 {
        bend!(SYS_recvfrom, netlink, &mut buffer, 4096_usize, libc::MSG_DONTWAIT, &mut from, &mut length);
    }
    call!(SYS_getsockname, netlink, &mut from, &mut length);
}
