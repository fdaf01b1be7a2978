//! One object a line, lossless and safe.

#[path = "../../calls/tests/events/mod.rs"]
mod events;

use std::convert::Infallible;
use std::sync::Arc;

use ctf::merge::{Damage, DamageCause, Item, Loss};
use ctf::{Event, Value};
use events::{Events, comm, s, text, u};
use render::Json;
use serde_json::json;

const TABLE: &str = "
number x86_64 0 read
number x86_64 59 execve
number x86_64 257 openat
flags open_flags = O_RDONLY 0/3, O_WRONLY 1/3, O_CLOEXEC 0o2000000
read(fd fd, out bytes buf[ret], size count) = size
execve(path filename, in str argv[null], in str envp[null])
openat(atfd dfd, path filename, open_flags flags, mode mode) = fd
";

fn show(e: &Events, list: Vec<Event>) -> Vec<String> {
    let mut style = Json::new(Some(Arc::clone(&e.catalog)));
    list.into_iter().map(|event| style.line::<Infallible>(&Item::Event(event)).to_owned()).collect()
}

#[test]
fn an_entry_has_its_fields_in_order_and_names_besides() {
    let e = Events::new(TABLE);
    let entry = e.event(
        u64::MAX,
        7,
        "syscall_entry_openat",
        &[
            ("dfd", s(-100)),
            ("filename_ptr", u(u64::MAX)),
            ("filename_state", u(0)),
            ("filename", text("/etc/\u{e4}\n\u{202e}")),
            ("flags", u(0o2000000 | 0x40000000)),
            ("mode", u(0o644)),
        ],
    );
    assert_eq!(
        show(&e, vec![entry])[0],
        "{\"time\":18446744073709551615,\"cpu\":0,\"tid\":7,\"event\":\"syscall_entry_openat\",\"fields\":{\"dfd\":-100,\
         \"filename_ptr\":18446744073709551615,\"filename_state\":\"ok\",\"flags\":1074266112,\"mode\":420,\
         \"filename\":\"/etc/\u{e4}\\n\\u202e\"},\"names\":{\"dfd\":\"AT_FDCWD\",\
         \"flags\":[\"O_RDONLY\",\"O_CLOEXEC\",\"0x40000000\"]}}\n"
    );
}

#[test]
fn bytes_are_numbers_and_bad_text_is_bytes() {
    let e = Events::new(TABLE);
    let exit = e.event(
        1,
        7,
        "syscall_exit_read",
        &[("ret", s(2)), ("buf_state", u(1)), ("buf_len", u(2)), ("buf_data", Value::Bytes(vec![0, 255]))],
    );
    let entry = e.event(
        2,
        7,
        "syscall_entry_execve",
        &[
            ("filename_ptr", u(0)),
            ("filename_state", u(3)),
            ("filename", text("#")),
            ("argv_ptr", u(1)),
            ("argv_state", u(0)),
            ("argv_count", u(2)),
            ("argv", Value::List(vec![text("a"), Value::Str(vec![0x80])])),
            ("envp_ptr", u(0)),
            ("envp_state", u(3)),
            ("envp_count", u(0)),
        ],
    );
    let failed = e.event(3, 7, "syscall_exit_openat", &[("ret", s(-2))]);
    let all: Vec<serde_json::Value> =
        show(&e, vec![exit, entry, failed]).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all[0]["fields"], json!({"ret": 2, "buf_state": "cut", "buf_len": 2, "buf_data": [0, 255]}));
    assert_eq!(all[1]["fields"]["argv"], json!(["a", {"bytes": [128]}]));
    assert_eq!(all[1]["fields"]["filename_state"], "null");
    assert_eq!(all[2]["errno"], "ENOENT");
}

#[test]
fn threads_have_process_and_name_once_these_are_known() {
    let e = Events::new(TABLE);
    let fork = e.event(
        1,
        7,
        "sched_process_fork",
        &[
            ("parent_tid", s(7)),
            ("parent_pid", s(7)),
            ("child_tid", s(9)),
            ("child_pid", s(8)),
            ("child_comm", comm("sh")),
        ],
    );
    let end =
        e.event(2, 9, "sched_process_exit", &[("pid", s(8)), ("exit_code", s(0x100)), ("comm", comm("sh"))]);
    let all = show(&e, vec![fork, end]);
    assert!(all[0].contains("\"child_comm\":\"sh\"}"), "{}", all[0]);
    assert_eq!(
        all[1],
        "{\"time\":2,\"cpu\":0,\"tid\":9,\"pid\":8,\"comm\":\"sh\",\"event\":\"sched_process_exit\",\
         \"fields\":{\"pid\":8,\"exit_code\":256,\"comm\":\"sh\"}}\n"
    );
}

#[test]
fn holes_are_objects_too() {
    let mut style = Json::new(None);
    let loss =
        Loss { stream: "syscalls_1".into(), stream_id: 0, cpu: 1, count: 7, packets: 0, from: 10, to: 12 };
    assert_eq!(
        style.line::<Infallible>(&Item::Loss(loss)),
        "{\"loss\":{\"stream\":\"syscalls_1\",\"stream_id\":0,\"cpu\":1,\"count\":7,\"packets\":0,\"from\":10,\"to\":12}}\n"
    );
    let damage = Damage { stream: "a\"b".into(), cpu: None, time: 5, cause: DamageCause::Source("gone") };
    assert_eq!(
        style.line(&Item::Damage(damage)),
        "{\"damage\":{\"stream\":\"a\\\"b\",\"time\":5,\"cause\":\"gone\"}}\n"
    );
}
