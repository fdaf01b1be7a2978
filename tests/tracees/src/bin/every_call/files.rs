//! Descriptors, data, names, notification, commands on descriptors.

use std::ffi::CStr;

use crate::arguments::{Argument, bend, call, hole};

/// A file in the current directory with some bytes in it.
pub(crate) fn file(name: &CStr) -> i64 {
    let fd = call!(SYS_open, name, libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC, 0o644);
    call!(SYS_write, fd, &b"0123456789abcdefghijklmnopqrstuvwxyz\n\t\x01\xff"[..], 40_usize);
    fd
}

pub(crate) fn open() {
    let fd = file(c"plain");
    bend!(SYS_openat, libc::AT_FDCWD, c"plain", libc::O_RDONLY | libc::O_CLOEXEC);
    bend!(
        SYS_open,
        c"/proc/self/../self/./status-with-a-name-that-is-longer-than-any-tracer-shows-by-default",
        0
    );
    for flags in [
        libc::O_WRONLY | libc::O_APPEND | libc::O_NONBLOCK,
        libc::O_RDWR | libc::O_CREAT | libc::O_EXCL,
        libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW,
        libc::O_RDWR | libc::O_SYNC | libc::O_NOATIME,
        libc::O_PATH,
        libc::O_TMPFILE | libc::O_RDWR,
        libc::O_ACCMODE,
        0x4000_0000 | libc::O_DSYNC,
        -1,
    ] {
        call!(SYS_open, c"plain", flags, 0o640);
        call!(SYS_openat, fd, c"plain", flags, 0o4755);
    }
    let how = [libc::O_RDWR as u64 | libc::O_CREAT as u64, 0o600, 8_u64];
    bend!(SYS_openat2, libc::AT_FDCWD, c"plain", &how, 24_usize);
    call!(SYS_openat2, libc::AT_FDCWD, c"plain", &[0_u64, 0, 1 << 40 | 1], 24_usize);
    call!(SYS_openat2, libc::AT_FDCWD, c"plain", &[0_u64; 5], 40_usize);
    call!(SYS_openat2, libc::AT_FDCWD, c"plain", &[0_u64, 0, 0, 7, 0], 40_usize);
    call!(SYS_openat2, libc::AT_FDCWD, c"plain", &how, 8_usize);
    bend!(SYS_creat, c"created", 0o600);
    let copy = call!(SYS_dup, fd);
    call!(SYS_dup2, copy, 60);
    call!(SYS_dup2, 99, 60);
    call!(SYS_dup3, copy, 61, libc::O_CLOEXEC);
    call!(SYS_dup3, copy, 61, libc::O_CLOEXEC | 0x10);
    call!(SYS_close_range, 60, 61, 4);
    call!(SYS_close_range, 61, 60, 8);
    call!(SYS_close, copy);
    call!(SYS_close, -1);
    let mut pair = [0_i32; 2];
    bend!(SYS_pipe, &mut pair);
    bend!(SYS_pipe2, &mut pair, libc::O_CLOEXEC | libc::O_NONBLOCK);
    call!(SYS_pipe2, &mut pair, 0x1234_5678);
    bend!(SYS_memfd_create, c"memory", 3);
    call!(SYS_memfd_create, c"memory", 0x4 | (21 << 26));
    call!(SYS_memfd_create, c"memory", 0x100);
    call!(SYS_memfd_secret, libc::O_CLOEXEC);
    let mut handle = [
        128_u32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ];
    let mut id = 0_i32;
    bend!(SYS_name_to_handle_at, libc::AT_FDCWD, c"plain", &mut handle, &mut id, 0);
    call!(SYS_name_to_handle_at, libc::AT_FDCWD, c"plain", &mut [0_u32, 0], &mut id, libc::AT_SYMLINK_FOLLOW);
    bend!(SYS_open_by_handle_at, libc::AT_FDCWD, &mut handle, libc::O_RDONLY);
    call!(SYS_eventfd, 3);
    call!(SYS_eventfd2, 3, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK | libc::EFD_SEMAPHORE);
    call!(SYS_eventfd2, 3, 0x1234);
    call!(SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK);
    call!(SYS_userfaultfd, 0x1001);
}

/// One `struct iovec`.
pub(crate) fn iovec<T>(base: &mut T, length: usize) -> [u64; 2] {
    [std::ptr::from_mut(base) as u64, length as u64]
}

pub(crate) fn data() {
    let fd = file(c"data");
    let mut buffer = [0_u8; 64];
    let long = [b'x'; 5000];
    call!(SYS_lseek, fd, 0, libc::SEEK_SET);
    bend!(SYS_read, fd, &mut buffer, 10_usize);
    bend!(SYS_read, fd, &mut buffer, 64_usize);
    bend!(SYS_write, fd, &b"some \"quoted\" bytes \\ \0\x7f\x80\n"[..], 25_usize);
    bend!(SYS_write, fd, &long, 5000_usize);
    call!(SYS_write, fd, &b"exactly thirty-two bytes long.. "[..], 32_usize);
    call!(SYS_write, fd, &b"exactly thirty-three bytes long.."[..], 33_usize);
    call!(SYS_write, fd, &long, 0_usize);
    call!(SYS_write, fd, hole() - 3, 100_usize);
    call!(SYS_write, -1, &long, u64::MAX);
    bend!(SYS_pread64, fd, &mut buffer, 8_usize, 2_i64);
    bend!(SYS_pwrite64, fd, &b"12345678"[..], 8_usize, 1_i64 << 33);
    call!(SYS_pread64, fd, &mut buffer, 8_usize, -1_i64);
    let mut parts = [[0_u8; 8]; 3];
    let [a, b, c] = &mut parts;
    let vector = [iovec(a, 8), iovec(b, 8), iovec(c, 4)];
    call!(SYS_lseek, fd, 0_i64, libc::SEEK_SET);
    bend!(SYS_readv, fd, &vector, 3_usize);
    bend!(SYS_writev, fd, &vector, 3_usize);
    let holed = [vector[0], [hole(), 8], [0, 0]];
    call!(SYS_writev, fd, &holed, 3_usize);
    call!(SYS_readv, fd, &holed, 3_usize);
    call!(SYS_writev, fd, &vector, 0_usize);
    call!(SYS_writev, fd, &vector, 5000_usize);
    bend!(SYS_preadv, fd, &vector, 3_usize, 4_u64, 0);
    bend!(SYS_pwritev, fd, &vector, 2_usize, 4_u64, 0);
    bend!(SYS_preadv2, fd, &vector, 3_usize, 4_u64, 0, 1);
    bend!(SYS_pwritev2, fd, &vector, 2_usize, 4_u64, 0, 0x14);
    call!(SYS_preadv2, fd, &vector, 3_usize, u64::MAX, u64::MAX, 0x4001);
    let many = [iovec(&mut buffer, 3); 12];
    call!(SYS_pwritev, fd, &many, 12_usize, 0, 0);
    call!(SYS_preadv, fd, &many, 12_usize, 0, 0);
    for whence in [libc::SEEK_CUR, libc::SEEK_END, libc::SEEK_DATA, libc::SEEK_HOLE, 9] {
        call!(SYS_lseek, fd, -4_i64, whence);
    }
    let out = file(c"out");
    let mut offset = 3_i64;
    bend!(SYS_sendfile, out, fd, &mut offset, 5_usize);
    let mut other = 9_i64;
    bend!(SYS_copy_file_range, fd, &mut offset, out, &mut other, 5_usize, 0);
    call!(SYS_copy_file_range, fd, 0, out, 0, 5_usize, 1);
    let mut pair = [0_i32; 2];
    call!(SYS_pipe, &mut pair);
    let mut second = [0_i32; 2];
    call!(SYS_pipe, &mut second);
    bend!(SYS_splice, fd, &mut offset, pair[1], 0, 5_usize, libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK);
    call!(SYS_splice, fd, 0, pair[1], 0, 5_usize, 0x100);
    call!(SYS_tee, pair[0], second[1], 5_usize, libc::SPLICE_F_MORE);
    bend!(SYS_vmsplice, pair[1], &vector, 3_usize, libc::SPLICE_F_GIFT);
    call!(SYS_readahead, fd, 0_i64, 4096_usize);
    for advice in [0, 3, 5, 8] {
        call!(SYS_fadvise64, fd, 0_i64, 4096_usize, advice);
    }
    for mode in [0, 1, 3, 0x10, 0x1000] {
        call!(SYS_fallocate, fd, mode, 0_i64, 4096_i64);
    }
    bend!(SYS_truncate, c"data", 100_i64);
    call!(SYS_truncate, c"data", -1_i64);
    call!(SYS_ftruncate, fd, 77_i64);
    call!(SYS_sync);
    call!(SYS_syncfs, fd);
    call!(SYS_fsync, fd);
    call!(SYS_fdatasync, fd);
    call!(SYS_sync_file_range, fd, 0_i64, 4096_i64, 7);
    call!(SYS_sync_file_range, fd, 0_i64, 4096_i64, 0x18);
    let range = [0_u64, 4096];
    let mut counts = [0_u64; 5];
    crate::arguments::make_bent(451, &[fd.word(), (&range).word(), (&mut counts).word(), 0.word()]);
    for operation in [1, 2 | 4, 8, 0x20 | 4, 99] {
        call!(SYS_flock, fd, operation);
    }
}

pub(crate) fn names() {
    file(c"name");
    bend!(SYS_mkdir, c"directory", 0o755);
    bend!(SYS_mkdirat, libc::AT_FDCWD, c"directory/inner", 0o1777);
    let directory = call!(SYS_open, c"directory", libc::O_RDONLY | libc::O_DIRECTORY);
    bend!(SYS_mkdirat, directory, c"second", 0o700);
    bend!(SYS_mknod, c"node", libc::S_IFIFO | 0o600, 0);
    bend!(SYS_mknod, c"null", libc::S_IFCHR | 0o666, 0x103);
    bend!(SYS_mknodat, directory, c"zero", libc::S_IFBLK | 0o2644, 0x10_0305);
    call!(SYS_mknodat, directory, c"odd", 0o170_644, 0);
    bend!(SYS_link, c"name", c"linked");
    bend!(SYS_linkat, libc::AT_FDCWD, c"name", directory, c"linked", libc::AT_SYMLINK_FOLLOW);
    call!(SYS_linkat, 5, c"", libc::AT_FDCWD, c"linked", libc::AT_EMPTY_PATH | 1);
    bend!(SYS_symlink, c"name", c"symbolic");
    bend!(SYS_symlinkat, c"../name", directory, c"symbolic");
    let mut buffer = [0_u8; 300];
    bend!(SYS_readlink, c"symbolic", &mut buffer, 300_usize);
    bend!(SYS_readlinkat, libc::AT_FDCWD, c"/proc/self/cwd", &mut buffer, 4_usize);
    bend!(SYS_readlink, c"/proc/self/exe", &mut buffer, 300_usize);
    bend!(SYS_rename, c"linked", c"renamed");
    bend!(SYS_renameat, libc::AT_FDCWD, c"renamed", directory, c"renamed");
    bend!(SYS_renameat2, directory, c"renamed", libc::AT_FDCWD, c"name", 2);
    call!(SYS_renameat2, directory, c"renamed", libc::AT_FDCWD, c"name", 0x11);
    let mut entries = [0_u64; 400];
    bend!(SYS_getdents, directory, &mut entries, 3200_usize);
    call!(SYS_lseek, directory, 0_i64, 0);
    bend!(SYS_getdents64, directory, &mut entries, 3200_usize);
    call!(SYS_lseek, directory, 0_i64, 0);
    call!(SYS_getdents64, directory, &mut entries, 70_usize);
    bend!(SYS_getcwd, &mut buffer, 300_usize);
    call!(SYS_getcwd, &mut buffer, 2_usize);
    bend!(SYS_unlink, c"symbolic");
    bend!(SYS_unlinkat, directory, c"second", libc::AT_REMOVEDIR);
    call!(SYS_unlinkat, directory, c"second", 0x4200);
    bend!(SYS_rmdir, c"directory/inner");
    bend!(SYS_chdir, c"directory");
    call!(SYS_fchdir, directory);
    call!(SYS_fchdir, -1);
    call!(SYS_umask, 0o27);
    call!(SYS_umask, 0o22);
    bend!(SYS_chroot, c".");
}

pub(crate) fn events() {
    let fd = call!(SYS_inotify_init);
    let second = call!(SYS_inotify_init1, libc::IN_CLOEXEC | libc::IN_NONBLOCK);
    call!(SYS_inotify_init1, 0x33);
    let watch = bend!(SYS_inotify_add_watch, fd, c".", libc::IN_ALL_EVENTS);
    call!(
        SYS_inotify_add_watch,
        second,
        c".",
        libc::IN_CREATE | libc::IN_DELETE | libc::IN_ONLYDIR | 0x10_0000
    );
    call!(SYS_inotify_rm_watch, fd, watch);
    call!(SYS_inotify_rm_watch, fd, 77);
    let fan = call!(SYS_fanotify_init, 3, libc::O_RDONLY | libc::O_LARGEFILE);
    call!(SYS_fanotify_init, 0x0e00, libc::O_RDWR);
    call!(SYS_fanotify_init, 0x8000_0000_u32, -1);
    bend!(SYS_fanotify_mark, fan, 1, 0x0800_0020_u64, libc::AT_FDCWD, c".");
    call!(SYS_fanotify_mark, fan, 0x102, 0x4000_003f_u64, libc::AT_FDCWD, c".");
    call!(SYS_fanotify_mark, fan, 0x1000, 1_u64 << 50, -1, 0);
}

pub(crate) fn commands() {
    let fd = file(c"locked");
    let mut lock = [0_u64; 4];
    lock[0] = 1;
    for command in [libc::F_GETLK, libc::F_SETLK, libc::F_SETLKW, libc::F_OFD_GETLK, libc::F_OFD_SETLK] {
        bend!(SYS_fcntl, fd, command, &mut lock);
    }
    for (command, argument) in [
        (libc::F_DUPFD, 20),
        (libc::F_DUPFD_CLOEXEC, 30),
        (libc::F_GETFD, 0),
        (libc::F_SETFD, 1),
        (libc::F_SETFD, 0x11),
        (libc::F_GETFL, 0),
        (libc::F_SETFL, libc::O_APPEND | libc::O_NONBLOCK),
        (libc::F_SETOWN, 1),
        (libc::F_SETOWN, -1),
        (libc::F_GETOWN, 0),
        (10, libc::SIGIO),
        (11, 0),
        (libc::F_SETLEASE, libc::F_RDLCK),
        (libc::F_GETLEASE, 0),
        (libc::F_NOTIFY, 7),
        (libc::F_GETPIPE_SZ, 0),
        (libc::F_ADD_SEALS, 3),
        (libc::F_GET_SEALS, 0),
        (9999, 5),
    ] {
        call!(SYS_fcntl, fd, command, argument);
    }
    let mut owner = [1_i32, 1];
    bend!(SYS_fcntl, fd, 15, &mut owner);
    bend!(SYS_fcntl, fd, 16, &mut owner);
    let mut hint = 2_u64;
    for command in 1035..1040 {
        bend!(SYS_fcntl, fd, command, &mut hint);
    }
    let memory = call!(SYS_memfd_create, c"sealed", 2);
    call!(SYS_fcntl, memory, libc::F_ADD_SEALS, 0xf);
    call!(SYS_fcntl, memory, libc::F_GET_SEALS);
    let mut pair = [0_i32; 2];
    call!(SYS_pipe, &mut pair);
    call!(SYS_fcntl, pair[0], libc::F_SETPIPE_SZ, 8192);
    call!(SYS_fcntl, pair[0], libc::F_GETPIPE_SZ);
    let mut number = 1_i32;
    let terminal = call!(SYS_open, c"/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY);
    let mut termios = [0_u8; 64];
    let mut window = [24_u16, 80, 0, 0];
    for command in [0x5401_u64, 0x5402, 0x5403, 0x802c_542a, 0x5405] {
        bend!(SYS_ioctl, terminal, command, &mut termios);
    }
    for command in [0x5413_u64, 0x5414] {
        bend!(SYS_ioctl, terminal, command, &mut window);
    }
    for command in
        [0x541b_u64, 0x5421, 0x5411, 0x540f, 0x8004_5430, 0x4004_5431, 0x5452, 0x8008_6601, 0x4004_5432]
    {
        bend!(SYS_ioctl, terminal, command, &mut number);
    }
    for command in [0x5451_u64, 0x5450, 0x540e, 0x5422, 0x4004_9409, 0xdead_beef, 0xc0fe_0102, 0xae01] {
        call!(SYS_ioctl, fd, command, 5);
    }
}
