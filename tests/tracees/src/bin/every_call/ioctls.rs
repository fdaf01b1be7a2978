//! Commands of drivers: sockets, files, namespaces, random numbers, tunnels, virtual machines, page faults, counters.

use crate::arguments::{bend, call};
use crate::files::file;

/// A `struct ifreq` of the loopback interface.
fn loopback() -> [u64; 5] {
    [u64::from_ne_bytes(*b"lo\0\0\0\0\0\0"), 0, 0, 0, 0]
}

/// Questions about network interfaces (`netdevice(7)`), and the loopback interface up and down.
pub(crate) fn interfaces() {
    let socket = call!(SYS_socket, 2, 2, 0);
    // SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFTXQLEN, SIOCGIFMETRIC
    for command in [0x8913_u64, 0x8915, 0x891b, 0x8921, 0x8927, 0x8933, 0x8942, 0x891d] {
        let mut request = loopback();
        bend!(SYS_ioctl, socket, command, &mut request);
    }
    // SIOCGIFNAME by index, SIOCSIFFLAGS with IFF_UP, SIOCSIFMTU
    let mut request = loopback();
    request[2] = 1;
    bend!(SYS_ioctl, socket, 0x8910_u64, &mut request);
    request = loopback();
    request[2] = 1;
    call!(SYS_ioctl, socket, 0x8914_u64, &request);
    request[2] = 65536;
    call!(SYS_ioctl, socket, 0x8922_u64, &request);
    // SIOCGIFCONF: a length and a place for so many bytes
    let mut found = [0_u64; 20];
    let mut configuration = [160_u64, std::ptr::from_mut(&mut found) as u64];
    bend!(SYS_ioctl, socket, 0x8912_u64, &mut configuration);
    // SIOCGSTAMP_OLD, SIOCATMARK, SIOCINQ, SIOCOUTQ
    let mut word = [0_u64; 2];
    for command in [0x8906_u64, 0x8905, 0x541b, 0x5411] {
        bend!(SYS_ioctl, socket, command, &mut word);
    }
}

pub(crate) fn drivers() {
    let fd = file(c"commands");
    let mut words = [0_u64; 8];
    // FIGETBSZ, FS_IOC_GETFLAGS, FS_IOC_GETVERSION, FS_IOC_FSGETXATTR, FIBMAP, FS_IOC_GETFSLABEL
    for command in [0x2_u64, 0x8008_6601, 0x8008_7601, 0x801c_581f, 0x1] {
        bend!(SYS_ioctl, fd, command, &mut words);
    }
    // FIONBIO, FIOASYNC, FIONREAD
    for command in [0x5421_u64, 0x5452, 0x541b] {
        bend!(SYS_ioctl, fd, command, &mut words);
    }
    // RNDGETENTCNT
    let random = call!(SYS_open, c"/dev/urandom", libc::O_RDONLY);
    bend!(SYS_ioctl, random, 0x8004_5200_u64, &mut words);
    // NS_GET_USERNS, NS_GET_PARENT, NS_GET_NSTYPE, NS_GET_OWNER_UID
    let namespace = call!(SYS_open, c"/proc/self/ns/net", libc::O_RDONLY);
    for command in [0xb701_u64, 0xb702, 0xb703] {
        call!(SYS_ioctl, namespace, command, 0);
    }
    bend!(SYS_ioctl, namespace, 0xb704_u64, &mut words);
    // TUNGETFEATURES, TUNSETIFF with IFF_TUN|IFF_NO_PI, TUNGETIFF
    let tunnel = call!(SYS_open, c"/dev/net/tun", libc::O_RDWR);
    bend!(SYS_ioctl, tunnel, 0x8004_54cf_u64, &mut words);
    let mut request = [u64::from_ne_bytes(*b"tun7\0\0\0\0"), 0, 0x1001, 0, 0];
    bend!(SYS_ioctl, tunnel, 0x4004_54ca_u64, &mut request);
    bend!(SYS_ioctl, tunnel, 0x8004_54d2_u64, &mut request);
    // KVM_GET_API_VERSION, KVM_CHECK_EXTENSION, KVM_GET_VCPU_MMAP_SIZE, KVM_CREATE_VM
    let machines = call!(SYS_open, c"/dev/kvm", libc::O_RDWR);
    for (command, argument) in [(0xae00_u64, 0), (0xae03, 10), (0xae04, 0), (0xae01, 0)] {
        call!(SYS_ioctl, machines, command, argument);
    }
    // UFFDIO_API, UFFDIO_REGISTER, UFFDIO_UNREGISTER
    let faults = call!(SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK);
    words = [0xaa, 0, 0, 0, 0, 0, 0, 0];
    bend!(SYS_ioctl, faults, 0xc018_aa3f_u64, &mut words);
    let page = call!(SYS_mmap, 0, 4096_usize, 3, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
    words = [page as u64, 4096, 1, 0, 0, 0, 0, 0];
    bend!(SYS_ioctl, faults, 0xc020_aa00_u64, &mut words);
    bend!(SYS_ioctl, faults, 0x8010_aa01_u64, &mut words);
    // PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_DISABLE, PERF_EVENT_IOC_ID, PERF_EVENT_IOC_PERIOD
    let mut event = [0_u64; 16];
    event[0] = 1 | 128 << 32;
    let counter = call!(SYS_perf_event_open, &event, 0, -1, -1, 8_u64);
    for command in [0x2400_u64, 0x2401] {
        call!(SYS_ioctl, counter, command, 0);
    }
    bend!(SYS_ioctl, counter, 0x8008_2407_u64, &mut words);
    bend!(SYS_ioctl, counter, 0x4008_2404_u64, &mut words);
}

pub(crate) fn terminal() {
    let master = call!(SYS_open, c"/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY);
    let mut number = 0_i32;
    // TIOCSPTLCK with 0, TIOCGPTPEER
    call!(SYS_ioctl, master, 0x4004_5431_u64, &mut number);
    let slave = call!(SYS_ioctl, master, 0x5441_u64, libc::O_RDWR | libc::O_NOCTTY);
    let mut termios = [0_u8; 64];
    // TCGETS, TCSETSW, TCSETSF, TCGETA, TCSETA, TCGETS2
    for command in [0x5401_u64, 0x5403, 0x5404, 0x5405, 0x5406, 0x802c_542a] {
        bend!(SYS_ioctl, slave, command, &mut termios);
    }
    // TCXONC, TCFLSH, TCSBRK, TIOCEXCL, TIOCNXCL
    for (command, argument) in [(0x540a_u64, 1), (0x540b, 2), (0x5409, 1), (0x540c, 0), (0x540d, 0)] {
        call!(SYS_ioctl, slave, command, argument);
    }
    // TIOCGSID, TIOCGPGRP, TIOCMGET, TIOCPKT, TIOCOUTQ
    for command in [0x5429_u64, 0x540f, 0x5415, 0x5420, 0x5411] {
        bend!(SYS_ioctl, master, command, &mut number);
    }
}
