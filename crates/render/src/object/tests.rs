use std::collections::HashMap;

use calls::Part;
use schema::layout::State;

use super::*;

/// Little-endian words of that many bytes, one behind the other.
fn words(words: &[(usize, u64)]) -> Vec<u8> {
    words.iter().flat_map(|(width, word)| word.to_le_bytes().into_iter().take(*width)).collect()
}

/// Zeros, and these words of eight bytes at these places.
fn put(size: usize, words: &[(usize, u64)]) -> Vec<u8> {
    let mut bytes = vec![0; size];
    for (at, word) in words {
        let end = (at + 8).min(size);
        bytes[*at..end].copy_from_slice(&word.to_le_bytes()[..end - at]);
    }
    bytes
}

struct Scene<'a> {
    catalog: &'a Catalog,
    abi: Abi,
    parts: Vec<Part>,
    names: HashMap<&'a str, i128>,
    verbose: bool,
    netlink: Option<i32>,
}

impl Default for Scene<'_> {
    fn default() -> Self {
        let (catalog, abi) = (Catalog::builtin(), Abi::X86_64);
        Scene { catalog, abi, parts: Vec::new(), names: HashMap::new(), verbose: false, netlink: None }
    }
}

impl Scene<'_> {
    fn with<T>(&self, f: impl FnOnce(Objects<'_>) -> T) -> T {
        let outer = |expr: &Expr| match expr {
            Expr::Name(name) => self
                .names
                .get(name.as_str())
                .copied()
                .or_else(|| self.catalog.constant(name).map(|constant| i128::from(constant as i64))),
            Expr::Ret => self.names.get("ret").copied(),
            Expr::SizeOf(ty) => self.catalog.size_of(self.abi, ty).map(i128::from),
            _ => None,
        };
        f(Objects {
            catalog: self.catalog,
            structures: &Structures::default(),
            abi: self.abi,
            limit: 32,
            verbose: self.verbose,
            outer: &outer,
            parts: Parts { list: &self.parts, answered: false, index: None },
            unnamed: false,
            total: None,
            netlink: self.netlink,
        })
    }

    fn shown(&self, ty: &str, bytes: &[u8]) -> String {
        let mut line = Line::new();
        let object = Object { bytes, ..Object::default() };
        assert!(self.with(|objects| objects.show(&mut line, &Ty::named(ty), object)), "{ty}");
        line.as_str().to_owned()
    }

    fn row(&self, ty: &str, bytes: &[u8]) -> String {
        let mut line = Line::new();
        let object = Object { bytes, ..Object::default() };
        self.with(|objects| objects.row(&mut line, &Ty::named(ty), object, Loads::default()));
        line.as_str().to_owned()
    }
}

fn shown(ty: &str, bytes: &[u8]) -> String {
    Scene::default().shown(ty, bytes)
}

#[test]
fn objects_look_as_in_strace() {
    assert_eq!(shown("timespec", &words(&[(8, 1), (8, 500)])), "{tv_sec=1, tv_nsec=500}");
    assert_eq!(
        shown("itimerval", &put(32, &[(24, 5)])),
        "{it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=0, tv_usec=5}}"
    );
    assert_eq!(
        shown("rlimit64", &words(&[(8, 8192 * 1024), (8, u64::MAX)])),
        "{rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}"
    );
    assert_eq!(
        shown("epoll_event", &words(&[(4, 0x8000_0001), (8, 0x12_3456_7890)])),
        "{events=EPOLLIN|EPOLLET, data={u32=878082192, u64=78187493520}}"
    );
    assert_eq!(
        shown("sigevent", &put(64, &[(0, 7), (8, 10 | 4 << 32), (16, 4253)])),
        "{sigev_value={sival_int=7, sival_ptr=0x7}, sigev_signo=SIGUSR1, sigev_notify=SIGEV_THREAD_ID, \
         sigev_notify_thread_id=4253}"
    );
    assert_eq!(
        shown("open_how", &words(&[(8, 0o100), (8, 0o644), (8, 8)])),
        "{flags=O_RDONLY|O_CREAT, mode=0644, resolve=RESOLVE_BENEATH}"
    );
}

#[test]
fn a_brief_text_ends_where_the_table_says() {
    assert_eq!(
        shown("stat", &put(144, &[(24, 0o100644), (48, 1221)])),
        "{st_mode=S_IFREG|0644, st_size=1221, ...}"
    );
    assert_eq!(
        shown("rusage", &put(144, &[(8, 843)])),
        "{ru_utime={tv_sec=0, tv_usec=843}, ru_stime={tv_sec=0, tv_usec=0}, ...}"
    );
}

#[test]
fn a_verbose_text_has_all_members() {
    let scene = Scene { verbose: true, ..Scene::default() };
    let text = scene.shown("stat", &put(144, &[(8, 464), (24, 0o100644), (48, 1221)]));
    assert!(text.contains("st_ino=464") && text.contains("st_size=1221") && !text.contains("..."), "{text}");
}

#[test]
fn members_depend_on_other_members() {
    assert_eq!(
        shown("stat", &put(144, &[(24, 0o020666), (40, 0x103)])),
        "{st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}"
    );
    assert_eq!(
        shown("sigaction", &put(32, &[(0, 0x1000), (8, 0x1400_0000), (16, 0x2000), (24, 1 << 9)])),
        "{sa_handler=0x1000, sa_mask=[USR1], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x2000}"
    );
    assert_eq!(shown("sigaction", &put(32, &[])), "{sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}");
    assert_eq!(shown("pollfd", &words(&[(4, u64::MAX), (4, 1)])), "{fd=-1}");
    assert_eq!(
        shown("siginfo", &put(128, &[(0, 17), (8, 1), (16, 4254), (24, 3)])),
        "{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=4254, si_uid=0, si_status=3, si_utime=0, si_stime=0}"
    );
    assert_eq!(
        shown("siginfo", &put(128, &[(0, 11), (8, 1), (16, 0x10)])),
        "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10}"
    );
}

#[test]
fn members_depend_on_the_call() {
    let flock = put(32, &[(0, 1), (16, 10), (24, 77)]);
    let mut scene = Scene::default();
    scene.names.insert("cmd", 6);
    assert_eq!(scene.shown("flock", &flock), "{l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=10}");
    scene.names.insert("cmd", 5);
    assert!(scene.shown("flock", &flock).ends_with("l_len=10, l_pid=77}"));
}

#[test]
fn objects_of_i386_calls_are_narrower() {
    let scene = Scene { abi: Abi::I386, ..Scene::default() };
    assert_eq!(scene.shown("timespec", &words(&[(4, 1), (4, 500)])), "{tv_sec=1, tv_nsec=500}");
    assert_eq!(scene.shown("timespec64", &words(&[(8, 1), (8, 500)])), "{tv_sec=1, tv_nsec=500}");
    assert_eq!(
        scene.shown("rlimit", &words(&[(4, 1024), (4, u64::MAX)])),
        "{rlim_cur=1024, rlim_max=RLIM_INFINITY}"
    );
    assert_eq!(
        scene.shown("sigaction", &words(&[(4, 1), (4, 0), (4, 0), (8, 4)])),
        "{sa_handler=SIG_IGN, sa_mask=[QUIT], sa_flags=0}"
    );
    assert!(
        scene.shown("stat64", &put(96, &[(16, 0o100644)])).starts_with("{st_mode=S_IFREG|0644, st_size=")
    );
}

#[test]
fn what_is_not_there_is_not_shown() {
    // An older program's structure is shorter.
    assert_eq!(
        shown("landlock_ruleset_attr", &words(&[(8, 1)])),
        "{handled_access_fs=LANDLOCK_ACCESS_FS_EXECUTE}"
    );
    let cut = Object { bytes: &[1, 0, 0, 0, 0, 0, 0, 0], cut: true, ..Object::default() };
    let mut line = Line::new();
    assert!(Scene::default().with(|objects| objects.show(&mut line, &Ty::named("timespec"), cut)));
    assert_eq!(line.as_str(), "{tv_sec=1, ...}");
    let nothing = Object::default();
    assert!(!Scene::default().with(|objects| objects.show(
        &mut Line::new(),
        &Ty::named("timespec"),
        nothing
    )));
    assert!(!Scene::default().with(|objects| objects.show(&mut Line::new(), &Ty::named("fdset"), cut)));
}

#[test]
fn a_member_may_say_what_it_was() {
    let mut line = Line::new();
    let (old, new) = (words(&[(4, 0), (4, 0), (4, 0)]), words(&[(4, 0), (4, 77), (4, 0)]));
    let object = Object { bytes: &new, old: Some(&old), ..Object::default() };
    assert!(Scene::default().with(|objects| objects.show(&mut line, &Ty::named("bpf_next_id"), object)));
    assert_eq!(line.as_str(), "{start_id=0, next_id=0 => 77, open_flags=0}");
}

#[test]
fn addresses_of_sockets_by_their_family() {
    assert_eq!(
        shown("sockaddr", &[2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        r#"{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}"#
    );
    let mut six = vec![10, 0, 0, 53, 0, 0, 0, 0];
    six.extend([0; 15]);
    six.extend([1, 2, 0, 0, 0]);
    assert_eq!(
        shown("sockaddr", &six),
        concat!(
            r#"{sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), "#,
            r#"inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=2}"#
        )
    );
    assert_eq!(shown("sockaddr", b"\x01\0/run/x\0"), r#"{sa_family=AF_UNIX, sun_path="/run/x"}"#);
    assert_eq!(shown("sockaddr", b"\x01\0\0abc"), r#"{sa_family=AF_UNIX, sun_path=@"abc"}"#);
    assert_eq!(shown("sockaddr", b"\x01\0"), "{sa_family=AF_UNIX}");
    assert_eq!(
        shown("sockaddr", &[16, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0]),
        "{sa_family=AF_NETLINK, nl_pid=7, nl_groups=0x000001}"
    );
    assert_eq!(
        shown("sockaddr", &[17, 0, 0, 3, 1, 0, 0, 0, 1, 0, 0, 2, 0xaa, 0xbb, 0, 0, 0, 0, 0, 0]),
        "{sa_family=AF_PACKET, sll_protocol=htons(ETH_P_ALL), sll_ifindex=1, sll_hatype=ARPHRD_ETHER, \
         sll_pkttype=PACKET_HOST, sll_halen=2, sll_addr=[0xaa, 0xbb]}"
    );
}

#[test]
fn an_address_shorter_than_its_family_says_is_bytes() {
    assert_eq!(shown("sockaddr", &[2, 0, 0, 80]), r#"{sa_family=AF_INET, sa_data="\0P"}"#);
    assert_eq!(shown("sockaddr", b"\x55\0ab"), r#"{sa_family=0x55 /* AF_??? */, sa_data="ab"}"#);
    let short = Object { bytes: &[2], ..Object::default() };
    assert!(!Scene::default().with(|objects| objects.show(&mut Line::new(), &Ty::named("sockaddr"), short)));
}

#[test]
fn objects_that_say_how_long_they_are_lie_one_behind_the_other() {
    let rights = words(&[(8, 24), (4, 1), (4, 1), (4, 4), (4, 5)]);
    let credentials = words(&[(8, 28), (4, 1), (4, 2), (4, 77), (4, 0), (4, 0), (4, 0)]);
    assert_eq!(
        Scene::default().row("cmsghdr", &[rights, credentials].concat()),
        "[{cmsg_len=24, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[4, 5]}, \
         {cmsg_len=28, cmsg_level=SOL_SOCKET, cmsg_type=SCM_CREDENTIALS, cmsg_data={pid=77, uid=0, gid=0}}]"
    );
    let entry = |name: &[u8]| [&words(&[(8, 5), (8, 6), (2, 24), (1, 4)]), name].concat();
    assert_eq!(
        Scene::default().row("linux_dirent64", &[entry(b".\0\0\0\0"), entry(b"..\0\0\0")].concat()),
        "[{d_ino=5, d_off=6, d_reclen=24, d_type=DT_DIR, d_name=\".\"}, \
         {d_ino=5, d_off=6, d_reclen=24, d_type=DT_DIR, d_name=\"..\"}]"
    );
    // A length that cannot be ends the row.
    assert_eq!(Scene::default().row("linux_dirent64", &put(24, &[])), "[]");
}

#[test]
fn pointers_show_what_they_led_to() {
    let read = |bytes: Vec<u8>| {
        let content = Content::Bytes(bytes);
        Some(Pointee { state: State::Ok, content, read: calls::Read::Entry })
    };
    let pieces = Content::Texts(vec![b"hello".to_vec()]);
    let load = Some(Pointee { state: State::Ok, content: pieces, read: calls::Read::Entry });
    let part = |name: &str, before| Part { name: name.into(), before, after: None };
    let scene = Scene {
        parts: vec![
            part("msg_name", read(b"\x01\0/run/x\0".to_vec())),
            part("msg_iov", read(words(&[(8, 0x1000), (8, 5)]))),
            part("msg_iov_load", load),
        ],
        ..Scene::default()
    };
    assert_eq!(
        scene.shown("msghdr", &put(56, &[(0, 1), (8, 9), (16, 1), (24, 1), (32, 0)])),
        "{msg_name={sa_family=AF_UNIX, sun_path=\"/run/x\"}, msg_namelen=9, \
         msg_iov=[{iov_base=\"hello\", iov_len=5}], msg_iovlen=1, msg_controllen=0, msg_flags=0}"
    );
    assert_eq!(shown("iovec", &words(&[(8, 0x1000), (8, 5)])), "{iov_base=0x1000, iov_len=5}");
}

#[test]
fn netlink_messages_are_headers_and_bytes() {
    let message = |kind, payload: &[u8]| {
        let header = words(&[(4, 16 + payload.len() as u64), (2, kind), (2, 2), (4, 7), (4, 9)]);
        [header, payload.to_vec()].concat()
    };
    let shown = |bytes: &[u8], cut| {
        let mut line = Line::new();
        Scene::default()
            .with(|objects| netlink::show(&mut line, objects, bytes, cut))
            .then(|| line.as_str().to_owned())
    };
    let header = "{nlmsg_len=20, nlmsg_type=NLMSG_DONE, nlmsg_flags=NLM_F_MULTI, nlmsg_seq=7, nlmsg_pid=9}";
    assert_eq!(shown(&message(3, &[0; 4]), false), Some(format!("[{header}, 0]")));
    let two = [message(3, &[0; 4]), message(3, &[0; 4])].concat();
    assert_eq!(shown(&two, true), Some(format!("[[{header}, 0], [{header}, 0], ...]")));
    assert!(shown(&message(0x12, &[1, 2]), false).unwrap().ends_with("nlmsg_pid=9}, \"\\x01\\x02\"]"));
    assert_eq!(shown(b"no header", false), None);
    assert_eq!(shown(&[0; 16], false), None, "shorter than its header");
}

/// What a netlink socket of a protocol says: a message of a type with such a payload.
fn message(protocol: i32, kind: u16, flags: u16, payload: &[u8]) -> String {
    let header =
        words(&[(4, 16 + payload.len() as u64), (2, kind.into()), (2, flags.into()), (4, 7), (4, 0)]);
    let scene = Scene { netlink: Some(protocol), ..Scene::default() };
    let mut line = Line::new();
    assert!(scene.with(|objects| netlink::show(&mut line, objects, &[&*header, payload].concat(), false)));
    line.as_str().to_owned()
}

#[test]
fn messages_about_interfaces_have_attributes_by_name() {
    let link = words(&[(1, 0), (1, 0), (2, 772), (4, 1), (4, 0x49), (4, 0)]);
    let name = [7, 0, 3, 0, b'l', b'o', 0, 0];
    let mtu = [8, 0, 4, 0, 0xdc, 5, 0, 0];
    let header = "{nlmsg_len=48, nlmsg_type=RTM_NEWLINK, nlmsg_flags=NLM_F_MULTI, nlmsg_seq=7, nlmsg_pid=0}";
    let body = "{ifi_family=AF_UNSPEC, ifi_type=ARPHRD_LOOPBACK, ifi_index=1, \
                ifi_flags=IFF_UP|IFF_LOOPBACK|IFF_RUNNING, ifi_change=0}";
    let attributes = "[[{nla_len=7, nla_type=IFLA_IFNAME}, \"lo\"], [{nla_len=8, nla_type=IFLA_MTU}, \
                      \"\\xdc\\x05\\x00\\x00\"]]";
    assert_eq!(
        message(0, 16, 2, &[&*link, &name, &mtu].concat()),
        format!("[{header}, {body}, {attributes}]")
    );
    let one = message(0, 18, 0x301, &[&*link, &mtu].concat());
    assert!(one.contains("nlmsg_type=RTM_GETLINK, nlmsg_flags=NLM_F_REQUEST|NLM_F_DUMP"), "{one}");
    assert!(
        one.ends_with("ifi_change=0}, [{nla_len=8, nla_type=IFLA_MTU}, \"\\xdc\\x05\\x00\\x00\"]]"),
        "{one}"
    );
    assert!(message(0, 18, 1, &[0]).ends_with("nlmsg_pid=0}, \"\\x00\"]"), "of an older form");
}

#[test]
fn messages_of_other_protocols_have_headers_of_their_own() {
    let family = [11, 0, 2, 0, b'n', b'l', b'c', b't', b'r', b'l', 0, 0];
    let generic = message(16, 16, 1, &[&[3, 1, 0, 0][..], &family].concat());
    let expected =
        "{cmd=CTRL_CMD_GETFAMILY, version=1}, [{nla_len=11, nla_type=CTRL_ATTR_FAMILY_NAME}, \"nlctrl\"]]";
    assert!(generic.ends_with(expected), "{generic}");
    let nested = message(12, 0xa00, 1, &[2, 0, 0, 0, 8, 0, 1, 0x80, 4, 0, 2, 0]);
    let expected = "{nfgen_family=AF_INET, version=0, res_id=htons(0)}, \
                    [{nla_len=8, nla_type=NLA_F_NESTED|0x1}, \"\\x04\\x00\\x02\\x00\"]]";
    assert!(nested.ends_with(expected), "{nested}");
    let route = words(&[(1, 2), (1, 24), (1, 0), (1, 0), (1, 254), (1, 2), (1, 253), (1, 1), (4, 0)]);
    let shown = message(0, 24, 2, &route);
    let expected = "{rtm_family=AF_INET, rtm_dst_len=24, rtm_src_len=0, rtm_tos=0, rtm_table=RT_TABLE_MAIN, \
                    rtm_protocol=RTPROT_KERNEL, rtm_scope=RT_SCOPE_LINK, rtm_type=RTN_UNICAST, rtm_flags=0}]";
    assert!(shown.ends_with(expected), "{shown}");
}

#[test]
fn any_bytes_are_some_text() {
    use proptest::prelude::*;
    let catalog = Catalog::builtin();
    let structs = catalog.overlays().map(|line| line.name.clone());
    let names: Vec<String> = structs.chain(catalog.unions().map(|line| line.name.clone())).collect();
    let abi = prop_oneof![Just(Abi::X86_64), Just(Abi::I386)];
    // Lengths inside objects are met more often when most bytes are the same.
    let byte = prop_oneof![Just(0_u8), Just(0xff), any::<u8>()];
    let bytes = proptest::collection::vec(byte, 0..200);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) };
    proptest!(config, |(name in proptest::sample::select(names), abi in abi, bytes in bytes, cut in any::<bool>())| {
        let scene = Scene { abi, netlink: Some(0), ..Scene::default() };
        let object = Object { bytes: &bytes, cut, old: Some(&bytes), sized: true, load: Some((&bytes, cut)) };
        let mut line = Line::new();
        scene.with(|objects| {
            objects.show(&mut line, &Ty::named(&name), object);
            objects.row(&mut line, &Ty::named(&name), object, Loads::default());
            netlink::show(&mut line, objects, &bytes, cut);
        });
        prop_assert!(line.as_str().bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", line.as_str());
    });
}
