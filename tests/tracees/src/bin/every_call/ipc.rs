//! Queues, semaphores, shared memory, keys.

use crate::arguments::{bend, call};

pub(crate) fn system_v() {
    let queue = call!(SYS_msgget, 0x1234, libc::IPC_CREAT | 0o600);
    call!(SYS_msgget, 0, libc::IPC_CREAT | libc::IPC_EXCL | 0o7666);
    let mut message = [0_u64; 8];
    message[0] = 5;
    bend!(SYS_msgsnd, queue, &message, 20_usize, libc::IPC_NOWAIT);
    bend!(SYS_msgrcv, queue, &mut message, 56_usize, 0_i64, libc::IPC_NOWAIT | libc::MSG_NOERROR);
    call!(SYS_msgrcv, queue, &mut message, 56_usize, -2_i64, 0x4000 | libc::IPC_NOWAIT);
    let mut state = [0_u64; 16];
    bend!(SYS_msgctl, queue, libc::IPC_STAT, &mut state);
    bend!(SYS_msgctl, queue, libc::IPC_SET, &mut state);
    bend!(SYS_msgctl, queue, libc::IPC_INFO, &mut state);
    call!(SYS_msgctl, queue, 77, &mut state);
    call!(SYS_msgctl, queue, libc::IPC_RMID, 0);
    let semaphores = call!(SYS_semget, 0x1234, 3, libc::IPC_CREAT | 0o600);
    let operations = [0_u16, 1, 0, 1, 1, 0x1800];
    bend!(SYS_semop, semaphores, &operations, 2_usize);
    bend!(SYS_semtimedop, semaphores, &operations, 2_usize, &[0_i64, 100]);
    call!(SYS_semop, semaphores, &[0_u16, 0xffff, 0x800], 1_usize);
    call!(SYS_semctl, semaphores, 0, libc::SETVAL, 5);
    for command in [libc::GETVAL, libc::GETPID, libc::GETNCNT, libc::GETZCNT, 77] {
        call!(SYS_semctl, semaphores, 0, command, 0);
    }
    bend!(SYS_semctl, semaphores, 0, libc::IPC_STAT, &mut state);
    let mut values = [1_u16, 2, 3];
    bend!(SYS_semctl, semaphores, 0, libc::GETALL, &mut values);
    bend!(SYS_semctl, semaphores, 0, libc::SETALL, &mut values);
    call!(SYS_semctl, semaphores, 0, libc::IPC_RMID, 0);
    let memory = call!(SYS_shmget, 0x1234, 8192_usize, libc::IPC_CREAT | 0o600);
    call!(SYS_shmget, 0, 8192_usize, libc::SHM_HUGETLB | (21 << 26) | 0o777);
    let at = call!(SYS_shmat, memory, 0, libc::SHM_RDONLY);
    call!(SYS_shmat, memory, 0x1001, libc::SHM_RND | libc::SHM_REMAP | 0x77);
    bend!(SYS_shmctl, memory, libc::IPC_STAT, &mut state);
    bend!(SYS_shmctl, memory, libc::IPC_SET, &mut state);
    bend!(SYS_shmctl, memory, 14, &mut state);
    call!(SYS_shmctl, memory, 11, 0);
    call!(SYS_shmctl, memory, libc::IPC_RMID, 0);
    call!(SYS_shmdt, at);
}

pub(crate) fn queues() {
    let attributes = [0_i64, 4, 64, 0, 0, 0, 0, 0];
    let mut old = [0_i64; 8];
    let queue =
        bend!(SYS_mq_open, c"queue", libc::O_RDWR | libc::O_CREAT | libc::O_NONBLOCK, 0o600, &attributes);
    bend!(SYS_mq_timedsend, queue, &b"message"[..], 7_usize, 3, &[5_i64, 5]);
    let mut buffer = [0_u8; 64];
    let mut priority = 0_u32;
    bend!(SYS_mq_timedreceive, queue, &mut buffer, 64_usize, &mut priority, &[5_i64, 5]);
    bend!(SYS_mq_getsetattr, queue, &[2048_i64, 0, 0, 0, 0, 0, 0, 0], &mut old);
    let mut event = [0_u64; 8];
    event[1] = libc::SIGUSR1 as u64;
    bend!(SYS_mq_notify, queue, &event);
    bend!(SYS_mq_unlink, c"queue");
}

pub(crate) fn keys() {
    let ring = -3;
    // First of all a session of our own: what is added to it ends with this process.
    bend!(SYS_keyctl, 1, c"session", 0, 0, 0);
    let key = bend!(SYS_add_key, c"user", c"syscribe:key", &b"secret\0\x01"[..], 8_usize, ring);
    bend!(SYS_request_key, c"user", c"syscribe:key", c"info", ring);
    let mut buffer = [0_u8; 64];
    bend!(SYS_keyctl, 11, key, &mut buffer, 64_usize, 0);
    bend!(SYS_keyctl, 6, key, &mut buffer, 64_usize, 0);
    bend!(SYS_keyctl, 2, key, &b"secret"[..], 6_usize, 0);
    bend!(SYS_keyctl, 10, ring, c"user", c"syscribe:key", 0);
    for (command, a, b, c) in [
        (0, -2, 1, 0),
        (4, 5, -1, 0),
        (5, 5, 0x3f00_0000, 0),
        (3, 5, 0, 0),
        (8, 5, -2, 0),
        (9, 5, -2, 0),
        (14, 1, 0, 0),
        (15, 5, 100, 0),
        (77, 1, 2, 3),
    ] {
        call!(SYS_keyctl, command, a, b, c, 0);
    }
}
