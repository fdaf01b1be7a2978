//! The text of the mail that asked for this system, to the byte.

#[path = "../../calls/tests/events/mod.rs"]
mod events;

use std::convert::Infallible;
use std::sync::Arc;

use ctf::Event;
use ctf::merge::{Item, Loss};
use events::{Events, comm, s, text, u};
use render::{Ftrace, ftrace};

const TABLE: &str = "
number x86_64 13 rt_sigaction
number x86_64 33 dup2
number x86_64 257 openat
proto dup2(unsigned int oldfd, unsigned int newfd)
proto rt_sigaction(int sig, const struct sigaction * act, struct sigaction * oact, size_t sigsetsize)
ctype size_t u64 i386 u32
object sigaction 32 i386 20
dup2(fd oldfd, fd newfd) = fd
rt_sigaction(signo sig, in sigaction act, out sigaction oact, size sigsetsize)
openat(atfd dfd, path filename, u32 flags, mode mode) = fd
";

fn lines(e: &Events, types: bool, list: Vec<Event>) -> String {
    let mut style = Ftrace::new(Some(Arc::clone(&e.catalog)), types);
    list.into_iter().map(|event| style.line::<Infallible>(&Item::Event(event)).to_owned()).collect()
}

fn dup2(e: &Events) -> Vec<Event> {
    let mut entry =
        e.event(132_192_228_000, 5080, "syscall_entry_dup2", &[("oldfd", u(10)), ("newfd", u(1))]);
    let mut exit = e.event(132_192_239_999, 5080, "syscall_exit_dup2", &[("ret", s(1))]);
    (entry.cpu, exit.cpu) = (1, 1);
    vec![entry, exit]
}

#[test]
fn the_sample_of_the_mail() {
    let e = Events::new(TABLE);
    let text = format!("{}{}", ftrace::HEADER, lines(&e, false, dup2(&e)));
    assert_eq!(
        text,
        "\
# tracer: syscall
#
#           TASK-PID    CPU#    TIMESTAMP  FUNCTION
#              | |       |          |         |
           <...>-5080  [001]   132.192228: sys_dup2(oldfd: a, newfd: 1)
           <...>-5080  [001]   132.192239: sys_dup2 -> 0x1
"
    );
}

#[test]
fn types_stand_before_the_names() {
    let e = Events::new(TABLE);
    assert_eq!(
        lines(&e, true, dup2(&e)).lines().next().unwrap(),
        "           <...>-5080  [001]   132.192228: sys_dup2(unsigned int oldfd: a, unsigned int newfd: 1)"
    );
    let entry = e.event(
        1_000_000_000,
        7,
        "syscall_entry_rt_sigaction",
        &[
            ("sig", s(2)),
            ("act", u(0x7fff_1000)),
            ("act_state", u(0)),
            ("act_data", ctf::Value::Bytes(vec![0; 32])),
            ("oact", u(0)),
            ("sigsetsize", u(8)),
        ],
    );
    assert_eq!(
        lines(&e, true, vec![entry]),
        "           <...>-7     [000]     1.000000: sys_rt_sigaction(int sig: 2, const struct sigaction * act: \
         7fff1000, struct sigaction * oact: 0, size_t sigsetsize: 8)\n"
    );
}

#[test]
fn names_are_shown_where_they_are_known_and_values_as_wide_as_they_are() {
    let e = Events::new(TABLE);
    let list = vec![
        e.event(
            0,
            7,
            "lttng_statedump_process_state",
            &[("tid", s(7)), ("pid", s(7)), ("ppid", s(1)), ("name", comm("bash\n"))],
        ),
        e.event(
            2_000_000,
            7,
            "syscall_entry_openat",
            &[
                ("dfd", s(-100)),
                ("filename_ptr", u(0x7ffc_0000_1000)),
                ("filename_state", u(0)),
                ("filename", text("/etc/passwd")),
                ("flags", u(0)),
                ("mode", u(0)),
            ],
        ),
        e.event(3_000_000, 7, "syscall_exit_openat", &[("ret", s(-2))]),
        e.event(4_000_000, 7, "syscall_exit_unknown", &[("ret", s(0)), ("nr", s(500))]),
    ];
    assert_eq!(
        lines(&e, false, list),
        "       bash\\u{a}-7     [000]     0.002000: sys_openat(dfd: ffffff9c, filename: 7ffc00001000, flags: 0, mode: 0)
       bash\\u{a}-7     [000]     0.003000: sys_openat -> 0xfffffffffffffffe
       bash\\u{a}-7     [000]     0.004000: sys_500 -> 0x0
"
    );
}

#[test]
fn losses_are_lines() {
    let loss = Loss { stream: "x".into(), stream_id: 0, cpu: 1, count: 4838, packets: 0, from: 1, to: 2 };
    let mut style = Ftrace::new(None, false);
    assert_eq!(style.line::<Infallible>(&Item::Loss(loss)), "CPU:1 [LOST 4838 EVENTS]\n");
}
