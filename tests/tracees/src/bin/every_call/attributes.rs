//! Attributes of files, extended attributes, mounts.

use crate::arguments::{Argument, bend, call, make, make_bent};
use crate::files::file;

pub(crate) fn attributes() {
    let fd = file(c"attributes");
    let mut stat = [0_u64; 18];
    bend!(SYS_stat, c"attributes", &mut stat);
    bend!(SYS_lstat, c"/dev/null", &mut stat);
    bend!(SYS_fstat, fd, &mut stat);
    bend!(SYS_newfstatat, libc::AT_FDCWD, c"attributes", &mut stat, libc::AT_SYMLINK_NOFOLLOW);
    call!(SYS_newfstatat, fd, c"", &mut stat, libc::AT_EMPTY_PATH | libc::AT_NO_AUTOMOUNT);
    call!(SYS_newfstatat, fd, c"", &mut stat, 0x8_0001);
    let mut statx = [0_u64; 32];
    bend!(SYS_statx, libc::AT_FDCWD, c"attributes", libc::AT_STATX_DONT_SYNC, 0x7ff_u32, &mut statx);
    call!(SYS_statx, fd, c"", libc::AT_EMPTY_PATH | libc::AT_STATX_FORCE_SYNC, 0xfff_u32, &mut statx);
    call!(SYS_statx, fd, c"", 0x10_0000, 0x8000_0001_u32, &mut statx);
    let mut statfs = [0_u64; 15];
    bend!(SYS_statfs, c"/proc", &mut statfs);
    bend!(SYS_fstatfs, fd, &mut statfs);
    let mut ustat = [0_u64; 4];
    bend!(SYS_ustat, 0x1_u64, &mut ustat);
    call!(SYS_ustat, stat[0], &mut ustat);
    for mode in [0, 4, 3, 7, 0x18] {
        call!(SYS_access, c"attributes", mode);
    }
    bend!(SYS_access, c"attributes", 4);
    bend!(SYS_faccessat, libc::AT_FDCWD, c"attributes", 2);
    bend!(SYS_faccessat2, libc::AT_FDCWD, c"attributes", 2, libc::AT_EACCESS | libc::AT_SYMLINK_NOFOLLOW);
    call!(SYS_faccessat2, libc::AT_FDCWD, c"attributes", 2, 0x4000_0000);
    bend!(SYS_chmod, c"attributes", 0o4711);
    call!(SYS_fchmod, fd, 0o600);
    bend!(SYS_fchmodat, libc::AT_FDCWD, c"attributes", 0o1777);
    make_bent(452, &[libc::AT_FDCWD.word(), c"attributes".word(), 0o644.word(), 0x100.word()]);
    bend!(SYS_chown, c"attributes", 1000, -1);
    bend!(SYS_lchown, c"attributes", -1, 1000);
    call!(SYS_fchown, fd, 0, 0);
    bend!(SYS_fchownat, libc::AT_FDCWD, c"attributes", 1, 2, libc::AT_SYMLINK_NOFOLLOW);
    bend!(SYS_utime, c"attributes", &[1_000_000_000_i64, 1_100_000_000]);
    bend!(SYS_utimes, c"attributes", &[1_000_000_000_i64, 5, 1_100_000_000, 999_999]);
    bend!(SYS_futimesat, libc::AT_FDCWD, c"attributes", &[1_000_000_000_i64, 5, 1_100_000_000, 1_000_000]);
    bend!(
        SYS_utimensat,
        libc::AT_FDCWD,
        c"attributes",
        &[1_000_000_000_i64, 5, 1_100_000_000, 999_999_999],
        0x100
    );
    call!(SYS_utimensat, fd, 0, &[0_i64, 0x3fff_ffff, 0, 0x3fff_fffe], 0);
    let mut attributes = [0_u64; 3];
    make_bent(
        468,
        &[libc::AT_FDCWD.word(), c"attributes".word(), (&mut attributes).word(), 24_usize.word(), 0.word()],
    );
    make_bent(
        469,
        &[libc::AT_FDCWD.word(), c"attributes".word(), (&mut attributes).word(), 24_usize.word(), 0.word()],
    );
}

pub(crate) fn extended() {
    let fd = file(c"extended");
    let (name, mut value) = (c"user.syscribe", [0_u8; 64]);
    bend!(SYS_setxattr, c"extended", name, &b"value\0\x01"[..], 7_usize, 1);
    bend!(SYS_lsetxattr, c"extended", name, &b"value"[..], 5_usize, 2);
    bend!(SYS_fsetxattr, fd, c"trusted.syscribe", &b"value"[..], 5_usize, 0);
    call!(SYS_fsetxattr, fd, name, &b"value"[..], 5_usize, 0x17);
    bend!(SYS_getxattr, c"extended", name, &mut value, 64_usize);
    bend!(SYS_lgetxattr, c"extended", name, &mut value, 64_usize);
    bend!(SYS_fgetxattr, fd, c"trusted.syscribe", &mut value, 64_usize);
    call!(SYS_fgetxattr, fd, c"trusted.syscribe", &mut value, 0_usize);
    bend!(SYS_listxattr, c"extended", &mut value, 64_usize);
    bend!(SYS_llistxattr, c"extended", &mut value, 64_usize);
    bend!(SYS_flistxattr, fd, &mut value, 64_usize);
    let mut arguments = [std::ptr::from_mut(&mut value) as u64, 5];
    let at = libc::AT_FDCWD;
    make_bent(
        463,
        &[at.word(), c"extended".word(), 0.word(), name.word(), (&mut arguments).word(), 16_usize.word()],
    );
    make_bent(
        464,
        &[at.word(), c"extended".word(), 0.word(), name.word(), (&mut arguments).word(), 16_usize.word()],
    );
    make_bent(465, &[at.word(), c"extended".word(), 0x100.word(), (&mut value).word(), 64_usize.word()]);
    make_bent(466, &[at.word(), c"extended".word(), 0.word(), name.word()]);
    let again = || call!(SYS_fsetxattr, fd, name, &b"value"[..], 5_usize, 0);
    again();
    bend!(SYS_removexattr, c"extended", name);
    again();
    bend!(SYS_lremovexattr, c"extended", name);
    again();
    bend!(SYS_fremovexattr, fd, name);
}

pub(crate) fn mounts() {
    call!(SYS_mkdir, c"mounted", 0o755);
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
    bend!(SYS_mount, c"none", c"mounted", c"tmpfs", flags, c"size=64k");
    call!(SYS_mount, c"mounted", c"mounted", 0, libc::MS_BIND | libc::MS_REC, 0);
    call!(SYS_mount, 0, c"mounted", 0, libc::MS_REMOUNT | libc::MS_RDONLY | libc::MS_BIND, 0);
    call!(SYS_mount, 0, c"mounted", 0, 0x8000_0000_u64 | libc::MS_UNBINDABLE, 0);
    let mut statmount = [0_u64; 64];
    // STATX_MNT_ID_UNIQUE puts the number of the mount at byte 144.
    let mut statx = [0_u64; 32];
    call!(SYS_statx, libc::AT_FDCWD, c"mounted", 0, 0x4000_u32, &mut statx);
    let request = [32_u64, statx[18], 0x27, 0];
    make_bent(457, &[(&request).word(), (&mut statmount).word(), 512_usize.word(), 0.word()]);
    let list = [32_u64, u64::MAX, 0, 0];
    let mut ids = [0_u64; 8];
    make_bent(458, &[(&list).word(), (&mut ids).word(), 8_usize.word(), 0.word()]);
    bend!(SYS_umount2, c"mounted", libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW);
    call!(SYS_umount2, c"mounted", 0x33);
    let fs = bend!(SYS_fsopen, c"tmpfs", 1);
    call!(SYS_fsopen, c"tmpfs", 0x10);
    bend!(SYS_fsconfig, fs, 1, c"size", c"64k", 0);
    bend!(SYS_fsconfig, fs, 0, c"ro", 0, 0);
    bend!(SYS_fsconfig, fs, 2, c"blob", &b"\x01\x02\x03"[..], 3);
    bend!(SYS_fsconfig, fs, 3, c"path", c"/tmp", libc::AT_FDCWD);
    call!(SYS_fsconfig, fs, 5, c"fd", 0, 3);
    call!(SYS_fsconfig, fs, 6, 0, 0, 0);
    call!(SYS_fsconfig, fs, 77, c"k", c"v", 1);
    let mount = call!(SYS_fsmount, fs, 1, 0x2 | 0x8);
    call!(SYS_fsmount, fs, 0x10, 0x10_0000 | 0x20);
    bend!(SYS_move_mount, mount, c"", libc::AT_FDCWD, c"mounted", 4);
    call!(SYS_move_mount, mount, c"", libc::AT_FDCWD, c"mounted", 0x1077);
    bend!(SYS_fspick, libc::AT_FDCWD, c"mounted", 1 | 2);
    let tree = bend!(SYS_open_tree, libc::AT_FDCWD, c"mounted", 1 | libc::O_CLOEXEC);
    call!(SYS_open_tree, libc::AT_FDCWD, c"mounted", 0x8003);
    let attributes = [2_u64, 0x1, 0, 0];
    bend!(SYS_mount_setattr, libc::AT_FDCWD, c"mounted", 0x8000, &attributes, 32_usize);
    call!(SYS_mount_setattr, tree, c"", 0x1000, &[0x10_u64, 0x70, 0x4_0000, 3], 32_usize);
    call!(SYS_mount_setattr, tree, c"", 0x1000, &[0_u64; 5], 40_usize);
    make(467, &[libc::AT_FDCWD.word(), c"mounted".word(), 1.word(), (&attributes).word(), 32_usize.word()]);
    bend!(SYS_pivot_root, c"mounted", c"mounted/none");
    let _ = crate::in_child(|| {
        call!(SYS_unshare, libc::CLONE_NEWNS);
        call!(SYS_mkdir, c"root", 0o755);
        call!(SYS_mount, c"none", c"root", c"tmpfs", 0, c"size=64k");
        call!(SYS_mkdir, c"root/old", 0o755);
        call!(SYS_pivot_root, c"root", c"root/old");
    });
    bend!(SYS_quotactl, 0x8000_0700_u32 as i32, c"/dev/none", 0, &mut statmount);
    call!(SYS_quotactl, 0x8000_0701_u32 as i32, c"/dev/none", 1000, &mut statmount);
    call!(SYS_quotactl_fd, tree, 0x8000_0700_u32 as i32, 0, &mut statmount);
    let mut id = [0_u64; 1];
    bend!(SYS_lookup_dcookie, 5_u64, &mut id, 8_usize);
}
