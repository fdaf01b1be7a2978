//! The built-in tables against what the kernel, the headers and another list say.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

use std::collections::{BTreeMap, BTreeSet};

use schema::ast::{Direction, Expr, Extent, Key, Line};
use schema::{Abi, Catalog, Class};

const PROTOTYPES: &str = include_str!("fixtures/prototypes.tt");

fn kernel_prototypes() -> Vec<schema::ast::Proto> {
    let lines = schema::parse(PROTOTYPES, "prototypes.tt").unwrap();
    lines
        .into_iter()
        .filter_map(|line| if let Line::Proto(proto) = line { Some(proto) } else { None })
        .collect()
}

#[test]
fn every_call_of_the_kernel_has_a_call_line_with_its_names_and_order() {
    let catalog = Catalog::builtin();
    let protos = kernel_prototypes();
    assert_eq!(protos.len(), 360);
    let mut wrong = Vec::new();
    for proto in &protos {
        let Some(call) = catalog.call(&proto.name) else {
            wrong.push(format!("{}: no call line", proto.name));
            continue;
        };
        let kernel: Vec<&str> = proto.params.iter().map(|(_, name)| name.as_str()).collect();
        let ours: Vec<&str> = call.params.iter().map(|param| param.name.as_str()).collect();
        if kernel != ours {
            wrong.push(format!("{}: {kernel:?} is described as {ours:?}", proto.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} call lines for {} calls", catalog.calls().count(), protos.len());
}

#[test]
fn every_argument_is_described_as_what_its_c_type_is() {
    let catalog = Catalog::builtin();
    let mut wrong = Vec::new();
    let mut classes = BTreeMap::<Class, usize>::new();
    for proto in kernel_prototypes() {
        let syscall = catalog.syscall_by_name(Abi::X86_64, &proto.name).unwrap();
        let call = catalog.call(&proto.name).unwrap();
        assert!(syscall.described);
        for (arg, param) in syscall.args.iter().zip(&call.params) {
            *classes.entry(arg.class).or_default() += 1;
            if arg.param != *param {
                wrong.push(format!("{}: `{param}` does not fit `{} {}`", proto.name, arg.ctype, arg.name));
            }
            // An address of something that is described must be a pointer in C; four hide behind a typedef.
            let hidden = arg.ctype.contains("cap_user_");
            let number = arg.class.is_pointer() && !arg.ctype.contains('*') && !hidden;
            if number {
                wrong.push(format!("{}: `{param}` is a pointer, `{}` is none", proto.name, arg.ctype));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{classes:?}");
}

#[test]
fn no_pointer_to_const_is_written_by_the_kernel() {
    for proto in kernel_prototypes() {
        let call = Catalog::builtin().call(&proto.name).unwrap();
        for ((ctype, name), param) in proto.params.iter().zip(&call.params) {
            let written = matches!(param.direction, Some(Direction::Out | Direction::InOut));
            // The kernel's vectors are const also where what they point to is written.
            let constant = ctype.starts_with("const ") && ctype.contains('*');
            assert!(!(written && constant), "{}: {name} is `{ctype}`", proto.name);
        }
    }
}

#[test]
fn every_number_is_a_described_call() {
    let catalog = Catalog::builtin();
    for (nr, name) in catalog.numbers(Abi::X86_64) {
        assert!(catalog.syscall(Abi::X86_64, nr).is_some_and(|call| call.described), "{nr} {name}");
    }
    for (nr, name) in catalog.numbers(Abi::I386) {
        let call = catalog.syscall(Abi::I386, nr).unwrap();
        assert!(call.described && call.args.iter().all(|arg| arg.stored.bytes <= 4), "{nr} {name}");
    }
    let described =
        |abi| catalog.numbers(abi).filter(|&(nr, _)| catalog.syscall(abi, nr).unwrap().described).count();
    println!("described: {} x86_64, {} i386", described(Abi::X86_64), described(Abi::I386));
}

#[test]
fn every_type_has_a_meaning() {
    assert_eq!(Catalog::builtin().undefined(), []);
}

#[test]
fn every_described_object_has_members_with_places() {
    let lines = schema::parse(&Catalog::builtin().print(), "builtin").unwrap();
    let structs =
        lines.iter().filter_map(|line| if let Line::Struct(line) = line { Some(line) } else { None });
    let without = structs.filter(|line| {
        [Abi::X86_64, Abi::I386].iter().all(|abi| Catalog::builtin().structure(*abi, &line.name).is_none())
    });
    assert_eq!(without.map(|line| line.name.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn no_constant_has_two_values() {
    let mut values = BTreeMap::new();
    for item in Catalog::builtin().sets().flat_map(|set| &set.items) {
        let value = *values.entry(item.name.as_str()).or_insert(item.value);
        assert_eq!(value, item.value, "{}", item.name);
    }
    println!("{} constants in {} sets", values.len(), Catalog::builtin().sets().count());
}

#[test]
fn items_of_a_set_are_told_apart() {
    for set in Catalog::builtin().sets() {
        let mut seen = BTreeSet::new();
        for item in &set.items {
            assert!(seen.insert((item.value, item.mask)), "{}: {} cannot be shown", set.name, item.name);
            assert!(item.mask.is_none_or(|mask| item.value & !mask == 0), "{}: {}", set.name, item.name);
            assert_eq!(set.decode(item.value, 64).rest, 0, "{}: {}", set.name, item.name);
            assert!(
                set.decode(item.value, 64).names.contains(&item.name.as_str()),
                "{}: {}",
                set.name,
                item.name
            );
        }
    }
}

#[test]
fn numbers_agree_with_another_list() {
    let catalog = Catalog::builtin();
    for call in syscalls::x86_64::Sysno::iter() {
        assert_eq!(catalog.number(Abi::X86_64, call.name()), Some(call.id().unsigned_abs()), "{call}");
    }
    for call in syscalls::x86::Sysno::iter() {
        let name = call.name().trim_start_matches("r#");
        assert_eq!(catalog.number(Abi::I386, name), Some(call.id().unsigned_abs()), "{call}");
    }
    assert_eq!(catalog.number(Abi::X86_64, "openat"), u32::try_from(libc::SYS_openat).ok());
    assert_eq!(catalog.number(Abi::I386, "openat"), Some(295));
    assert_eq!(catalog.name(Abi::X86_64, 470), Some("listns"));
}

#[test]
fn numbers_agree_with_the_installed_headers() {
    let headers = [(Abi::X86_64, "unistd_64.h"), (Abi::I386, "unistd_32.h")];
    for (abi, file) in headers {
        let Ok(text) = std::fs::read_to_string(format!("/usr/include/x86_64-linux-gnu/asm/{file}")) else {
            continue;
        };
        let mut compared = 0;
        for line in text.lines() {
            let Some((name, nr)) = line.strip_prefix("#define __NR_").and_then(|rest| rest.split_once(' '))
            else {
                continue;
            };
            assert_eq!(Catalog::builtin().number(abi, name), nr.parse().ok(), "{name}");
            compared += 1;
        }
        println!("{file}: {compared} numbers");
        assert!(compared > 300);
    }
}

#[test]
fn decoding_a_value_loses_no_bit() {
    use proptest::prelude::*;
    let sets: Vec<_> = Catalog::builtin().sets().collect();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5000) };
    proptest!(config, |(set in proptest::sample::select(sets), value in any::<u64>(), kept in any::<u64>(), bits in 1u32..=64)| {
        // Sparse values meet names more often than random ones.
        let value = value & kept & kept.rotate_left(13);
        let width = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        let decoded = set.decode(value, bits);
        let named = decoded.names.iter().map(|name| set.value(name).unwrap() & width);
        prop_assert_eq!(named.fold(decoded.rest, |all, part| all | part), value & width);
    });
}

/// Commands of `ioctl` whose numbers state something else than the kernel does: the argument is a value, or nothing.
const VALUES: &str = "TIOCSIG FIFREEZE FITHAW FICLONE TUNSETPERSIST TUNSETLINK TUNSETNOCSUM TUNSETDEBUG TUNSETOWNER \
    TUNSETGROUP TUNSETOFFLOAD TUNDETACHFILTER WDIOC_KEEPALIVE RTC_IRQP_SET RTC_EPOCH_SET EVIOCRMFF EVIOCGRAB EVIOCREVOKE \
    UI_SET_EVBIT UI_SET_KEYBIT UI_SET_RELBIT UI_SET_ABSBIT UI_SET_MSCBIT UI_SET_LEDBIT UI_SET_SNDBIT UI_SET_FFBIT \
    UI_SET_SWBIT UI_SET_PROPBIT SNDRV_PCM_IOCTL_PAUSE SNDRV_PCM_IOCTL_LINK PERF_EVENT_IOC_SET_BPF \
    PERF_EVENT_IOC_PAUSE_OUTPUT SECCOMP_IOCTL_NOTIF_SET_FLAGS NS_GET_PID_FROM_PIDNS NS_GET_TGID_FROM_PIDNS \
    NS_GET_PID_IN_PIDNS NS_GET_TGID_IN_PIDNS BTRFS_IOC_CLONE BTRFS_IOC_BALANCE_CTL";

/// The number states the opposite direction, or one of both.
const OTHER_WAY: &str = "TUNSETIFF TUNSETSTEERINGEBPF TUNSETFILTEREBPF RNDGETPOOL WDIOC_SETOPTIONS RTC_PARAM_GET \
    VHOST_GET_VRING_BUSYLOOP_TIMEOUT KVM_SET_IRQCHIP KVM_MEMORY_ENCRYPT_REG_REGION KVM_MEMORY_ENCRYPT_UNREG_REGION \
    KVM_CREATE_GUEST_MEMFD EVIOCGKEYCODE EVIOCGKEYCODE_V2 EVIOCSFF EVIOCGMASK HIDIOCGRDESC \
    SNDRV_CTL_IOCTL_PCM_NEXT_DEVICE SNDRV_PCM_IOCTL_REWIND SNDRV_PCM_IOCTL_FORWARD SNDRV_PCM_IOCTL_WRITEI_FRAMES \
    SNDRV_PCM_IOCTL_READI_FRAMES SNDRV_PCM_IOCTL_WRITEN_FRAMES SNDRV_PCM_IOCTL_READN_FRAMES \
    SNDRV_PCM_IOCTL_CHANNEL_INFO UFFDIO_UNREGISTER UFFDIO_WAKE SECCOMP_IOCTL_NOTIF_RECV SECCOMP_IOCTL_NOTIF_SEND \
    FUSE_DEV_IOC_CLONE FS_IOC_SET_ENCRYPTION_POLICY FS_IOC_GET_ENCRYPTION_POLICY FS_IOC_GET_ENCRYPTION_PWSALT \
    FS_IOC_READ_VERITY_METADATA BTRFS_IOC_DEVICES_READY BTRFS_IOC_QGROUP_LIMIT BTRFS_IOC_ENCODED_READ EXT4_IOC_GETSTATE \
    XFS_IOC_GOINGDOWN";

/// The number states another size: that of a `long` for an `int`, of a pointer, or a part of what is there.
const OTHER_SIZE: &str = "BLKBSZSET BLKBSZGET FS_IOC_SETVERSION FS_IOC_GETVERSION FS_IOC_GETFLAGS FS_IOC_SETFLAGS \
    FS_IOC_SETFSLABEL TUNSETIFF TUNGETIFF TUNSETQUEUE UI_SET_PHYS PERF_EVENT_IOC_SET_FILTER \
    PERF_EVENT_IOC_MODIFY_ATTRIBUTES DMA_BUF_SET_NAME_A DMA_BUF_SET_NAME_B FS_IOC_GET_ENCRYPTION_POLICY_EX \
    EXT4_IOC_GETVERSION EXT4_IOC_GETRSVSZ EXT4_IOC_SETVERSION EXT4_IOC_SETRSVSZ";

/// The number of an `ioctl` command that `_IOC` made says who reads and who writes how much (`asm-generic/ioctl.h`).
#[test]
fn payloads_of_ioctl_are_what_their_numbers_say() {
    let catalog = Catalog::builtin();
    let named = |list: &str, name: &str| list.split(' ').any(|other| other == name);
    let (mut agree, mut wrong) = (0, Vec::new());
    for variant in catalog.variants("ioctl") {
        let Some(param) = variant.params.first() else { continue };
        for key in variant.cases.iter().filter_map(|case| case.first()) {
            let Key::Name(name) = key else { continue };
            let number = catalog.constant(name).unwrap();
            // Where the number says nothing, or holds a length, there is nothing to compare with.
            if number >> 30 == 0 || catalog.mask(name).is_some() {
                continue;
            }
            let count = match &param.extent {
                Some(Extent::Count(Expr::Number(count), _)) => u64::try_from(*count).unwrap(),
                _ => 1,
            };
            let size = catalog.size_of(Abi::X86_64, &param.ty).map(|one| u64::from(one) * count);
            let way = match param.direction {
                None => 0,
                Some(Direction::In) => 1,
                Some(Direction::Out) => 2,
                Some(Direction::InOut | Direction::Pass) => 3,
            };
            let value = named(VALUES, name) == (way == 0);
            let same_way = value && (way == 0 || named(OTHER_WAY, name) == (way != number >> 30));
            let other_size = way != 0 && size != Some(number >> 16 & 0x3fff);
            if same_way && named(OTHER_SIZE, name) == other_size {
                agree += 1;
            } else {
                wrong.push(format!("{name}: direction {way}, size {size:?}, number {number:#x}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{agree} commands");
    assert!(agree > 300);
}
