//! Mappings, advice, locks, policy.

use crate::arguments::{Argument, bend, call, make};
use crate::files::{file, iovec};

pub(crate) fn mappings() {
    let fd = file(c"mapped");
    let rw = libc::PROT_READ | libc::PROT_WRITE;
    let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let page = call!(SYS_mmap, 0, 8192_usize, rw, private, -1, 0);
    call!(SYS_mmap, 0, 4096_usize, libc::PROT_READ, libc::MAP_SHARED, fd, 0x1000);
    call!(SYS_mmap, page, 4096_usize, rw, private | libc::MAP_FIXED | libc::MAP_NORESERVE, -1, 0);
    call!(SYS_mmap, 0, 0_usize, 0x100_0010, 0x4000_0003, fd, 1);
    call!(SYS_mmap, 0, 1_usize << 21, rw, private | libc::MAP_HUGETLB | (21 << 26), -1, 0);
    call!(SYS_mmap, 0, 4096_usize, libc::PROT_EXEC, libc::MAP_SHARED_VALIDATE | 0x80000, fd, 0);
    call!(SYS_mmap, 1, u64::MAX, rw, 0, -1, u64::MAX);
    call!(SYS_mprotect, page, 4096_usize, libc::PROT_READ | libc::PROT_EXEC);
    call!(SYS_mprotect, page, 4096_usize, libc::PROT_NONE);
    call!(SYS_mprotect, page, 4096_usize, 0x0100_0000 | 0x10);
    call!(SYS_mprotect, page, 4096_usize, rw);
    let key = call!(SYS_pkey_alloc, 0, 1);
    call!(SYS_pkey_alloc, 1, 7);
    call!(SYS_pkey_mprotect, page, 4096_usize, rw, -1);
    call!(SYS_pkey_mprotect, page, 4096_usize, rw, 14);
    call!(SYS_pkey_free, key);
    call!(SYS_pkey_free, 15);
    for flags in [libc::MS_ASYNC, libc::MS_SYNC | libc::MS_INVALIDATE, 0x11] {
        call!(SYS_msync, page, 4096_usize, flags);
    }
    let mut resident = [0_u8; 8];
    bend!(SYS_mincore, page, 8192_usize, &mut resident);
    for advice in [0, 1, 3, 4, 8, 14, 18, 21, 77] {
        call!(SYS_madvise, page, 4096_usize, advice);
    }
    let moved = call!(SYS_mremap, page, 8192_usize, 4096_usize, libc::MREMAP_MAYMOVE, 0);
    call!(
        SYS_mremap,
        moved,
        4096_usize,
        4096_usize,
        libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED,
        moved + 0x10_0000
    );
    call!(SYS_mremap, moved, 4096_usize, 4096_usize, 0x18, 7);
    call!(SYS_mlock, page, 4096_usize);
    call!(SYS_mlock2, page, 4096_usize, 1);
    call!(SYS_mlock2, page, 4096_usize, 6);
    call!(SYS_munlock, page, 4096_usize);
    call!(SYS_mlockall, libc::MCL_FUTURE | libc::MCL_ONFAULT);
    call!(SYS_mlockall, 0x18);
    call!(SYS_munlockall);
    call!(SYS_munmap, page, 4096_usize);
    call!(SYS_munmap, 1, 4096_usize);
    let end = call!(SYS_brk, 0);
    call!(SYS_brk, end + 8192);
    call!(SYS_remap_file_pages, page, 4096_usize, 0, 1, libc::MAP_NONBLOCK);
    let file = call!(SYS_memfd_create, c"remapped", 0);
    call!(SYS_ftruncate, file, 8192_i64);
    let shared = call!(SYS_mmap, 0, 8192_usize, rw, libc::MAP_SHARED, file, 0);
    call!(SYS_remap_file_pages, shared, 4096_usize, 0, 1, 0);
    let sealed = call!(SYS_mmap, 0, 4096_usize, rw, private, -1, 0);
    make(462, &[sealed.word(), 4096_usize.word(), 0.word()]);
    make(453, &[0.word(), 4096_usize.word(), 3.word()]);
    let process = call!(SYS_pidfd_open, call!(SYS_getpid), 0);
    let mut bytes = [7_u8; 16];
    let vector = [iovec(&mut bytes, 16), [4096, 4096]];
    bend!(SYS_process_madvise, process, &vector, 2_usize, 20, 0);
    call!(SYS_process_madvise, process, &[[sealed as u64, 4096]], 1_usize, 20, 0);
    call!(SYS_process_mrelease, process, 0);
    let mut other = [0_u8; 16];
    let remote = [iovec(&mut other, 16)];
    let pid = call!(SYS_getpid);
    bend!(SYS_process_vm_readv, pid, &vector, 1_usize, &remote, 1_usize, 0);
    bend!(SYS_process_vm_writev, pid, &vector, 1_usize, &remote, 1_usize, 0);
    call!(SYS_process_vm_writev, pid, &vector, 2_usize, &remote, 1_usize, 1);
    call!(SYS_membarrier, 0, 0, 0);
    call!(SYS_membarrier, 8, 0, 0);
    call!(SYS_membarrier, 0x4000, 1, 3);
}

pub(crate) fn policy() {
    let mut nodes = [1_u64, 0];
    let mut mode = 0_i32;
    bend!(SYS_get_mempolicy, &mut mode, &mut nodes, 64_usize, 0, 0);
    call!(SYS_get_mempolicy, &mut mode, &mut nodes, 128_usize, &mode, 2);
    bend!(SYS_set_mempolicy, libc::MPOL_BIND, &nodes, 64_usize);
    call!(SYS_set_mempolicy, libc::MPOL_PREFERRED | 0x8000, &nodes, 64_usize);
    call!(SYS_set_mempolicy, 77, &nodes, 0_usize);
    // One is taken off before the words are counted: 65 nodes are one word.
    call!(SYS_set_mempolicy, libc::MPOL_PREFERRED, &nodes, 65_usize);
    call!(SYS_get_mempolicy, &mut mode, &mut [0_u64; 17], 1025_usize, 0, 0);
    call!(SYS_set_mempolicy, 0, 0, 0);
    let page = call!(SYS_mmap, 0, 4096_usize, 3, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
    bend!(SYS_mbind, page, 4096_usize, libc::MPOL_INTERLEAVE, &nodes, 64_usize, 2);
    call!(SYS_mbind, page, 4096_usize, libc::MPOL_DEFAULT, 0, 0, 0x17);
    bend!(SYS_migrate_pages, 0, 64_usize, &nodes, &[1_u64]);
    let (pages, targets, mut status) = ([page as u64, 0], [0_i32, 0], [0_i32; 2]);
    bend!(SYS_move_pages, 0, 2_usize, &pages, &targets, &mut status, 2);
    call!(SYS_move_pages, 0, 2_usize, &pages, 0, &mut status, 0x12);
    call!(SYS_set_mempolicy_home_node, page, 4096_usize, 0_u64, 0);
}
