//! What becomes of entries and exits, one test for each way a call can end and each hole a trace can have.

use std::convert::Infallible;
use std::sync::Arc;

use crate::events::{Events, comm, s, text, u};
use calls::{Call, Content, Happening, Outcome, Pairing, Read};
use ctf::merge::{Item, Loss};
use ctf::types::{EventType, Field, FieldType, IntType, StructType};
use ctf::{Event, Value};
use schema::Abi;
use schema::layout::State;

/// A few calls, described as the real tables do.
const TABLE: &str = "
number x86_64 0 read
number x86_64 15 rt_sigreturn
number x86_64 34 pause
number x86_64 56 clone
number x86_64 59 execve
number x86_64 60 exit
number x86_64 157 prctl
number x86_64 231 exit_group
number x86_64 257 openat
number i386 3 read
number i386 11 execve
read(fd fd, out bytes buf[ret], size count) = size
pause()
rt_sigreturn()
clone(ulong flags, addr newsp, addr parent_tidptr, addr child_tidptr, ulong tls) = pid
execve(path filename, in str argv[null], in str envp[null])
exit(int error_code)
exit_group(int error_code)
prctl(int option, in str arg2[16])
openat(atfd dfd, path filename, u32 flags, mode mode) = fd
";

fn run(events: &Events, list: Vec<Event>) -> Vec<Happening> {
    let mut pairing = Pairing::new(Some(Arc::clone(&events.catalog)));
    let mut out = Vec::new();
    for event in list {
        pairing.feed::<Infallible>(&mut Item::Event(event), &mut out);
    }
    pairing.finish(1000, &mut out);
    out
}

/// One word a happening: what, which thread, how it ended.
fn words(happenings: &[Happening]) -> Vec<String> {
    let word = |happening: &Happening| match happening {
        Happening::Call(call) => {
            let end = match call.outcome {
                Outcome::Returned(ret) => ret.to_string(),
                Outcome::NoReturn => "?".to_owned(),
                Outcome::ExitLost => "lost".to_owned(),
                Outcome::Open(age) => format!("open {age}"),
            };
            format!("{} {}={end}", call.tid, call.name)
        }
        Happening::Signal(signal) => format!("{} signal {}", signal.tid, signal.sig),
        Happening::Exit(exit) => format!("{} exit {:#x}", exit.tid, exit.code),
        Happening::Superseded(s) => format!("{} superseded by {}", s.tid, s.by),
        Happening::Fork(fork) => format!("{} fork {}", fork.parent_tid, fork.child_tid),
        Happening::Exec(exec) => format!("{} exec, was {}", exec.tid, exec.old_tid),
        Happening::Mode(mode) => format!("{} mode {}", mode.tid, mode.abi.name()),
        Happening::Loss(loss) => format!("loss {}", loss.count),
        Happening::Damage(damage) => format!("damage {}", damage.cause),
    };
    happenings.iter().map(word).collect()
}

fn calls(happenings: Vec<Happening>) -> Vec<Call> {
    let call = |happening| if let Happening::Call(call) = happening { Some(call) } else { None };
    happenings.into_iter().filter_map(call).collect()
}

fn read_entry(e: &Events, time: u64, tid: i32, fd: i64) -> Event {
    e.event(time, tid, "syscall_entry_read", &[("fd", s(fd)), ("buf", u(0x7000)), ("count", u(10))])
}

fn read_exit(e: &Events, time: u64, tid: i32, data: &[u8]) -> Event {
    let fields = [
        ("ret", s(data.len() as i64)),
        ("buf_state", u(0)),
        ("buf_len", u(data.len() as u64)),
        ("buf_data", Value::Bytes(data.to_vec())),
    ];
    e.event(time, tid, "syscall_exit_read", &fields)
}

fn pause(e: &Events, time: u64, tid: i32) -> Event {
    e.event(time, tid, "syscall_entry_pause", &[])
}

fn execve(e: &Events, time: u64, tid: i32, path: Option<&str>) -> Event {
    let fields = [
        ("filename_ptr", u(0x1000)),
        ("filename_state", u(if path.is_some() { 0 } else { 2 })),
        ("filename", text(path.unwrap_or("#"))),
        ("argv_ptr", u(0x2000)),
        ("argv_state", u(if path.is_some() { 0 } else { 2 })),
        ("argv_count", u(if path.is_some() { 2 } else { 0 })),
        ("argv", Value::List(if path.is_some() { vec![text("ls"), text("-l")] } else { Vec::new() })),
        ("envp_ptr", u(0)),
        ("envp_state", u(3)),
        ("envp_count", u(0)),
    ];
    e.event(time, tid, "syscall_entry_execve", &fields)
}

fn exec(e: &Events, time: u64, tid: i32, old_tid: i32) -> Event {
    let fields = [
        ("old_tid", s(old_tid.into())),
        ("pid", s(tid.into())),
        ("comm", comm("ls")),
        ("filename_state", u(0)),
        ("filename", text("/bin/ls")),
        ("argv_state", u(0)),
        ("argv_len", u(6)),
        ("argv_data", Value::Bytes(b"ls\0-l\0".to_vec())),
    ];
    e.event(time, tid, "sched_process_exec", &fields)
}

fn end(e: &Events, time: u64, tid: i32, pid: i32, code: i64) -> Event {
    let fields = [("pid", s(pid.into())), ("exit_code", s(code)), ("comm", comm("x"))];
    e.event(time, tid, "sched_process_exit", &fields)
}

fn fork(e: &Events, time: u64, parent: i32, child: i32, child_pid: i32) -> Event {
    let fields = [
        ("parent_tid", s(parent.into())),
        ("parent_pid", s(parent.into())),
        ("child_tid", s(child.into())),
        ("child_pid", s(child_pid.into())),
        ("child_comm", comm("sh")),
    ];
    e.event(time, parent, "sched_process_fork", &fields)
}

fn clone(e: &Events, time: u64, tid: i32) -> Event {
    let fields =
        [("flags", u(0)), ("newsp", u(0)), ("parent_tidptr", u(0)), ("child_tidptr", u(0)), ("tls", u(0))];
    e.event(time, tid, "syscall_entry_clone", &fields)
}

fn returns(e: &Events, time: u64, tid: i32, name: &str, ret: i64) -> Event {
    e.event(time, tid, &format!("syscall_exit_{name}"), &[("ret", s(ret))])
}

#[test]
fn an_exit_completes_the_call_of_its_thread() {
    let e = Events::new(TABLE);
    let list = vec![
        read_entry(&e, 10, 1, 3),
        read_entry(&e, 11, 2, 4),
        read_exit(&e, 12, 2, b"ab"),
        read_exit(&e, 15, 1, b""),
    ];
    let all = run(&e, list);
    assert_eq!(words(&all), ["2 read=2", "1 read=0"]);
    let all = calls(all);
    assert_eq!(all[0].args[0].raw, Some(4));
    assert_eq!(all[0].args[1].after.as_ref().unwrap().content, Content::Bytes(b"ab".to_vec()));
    assert_eq!((all[1].entry_time, all[1].exit_time, all[1].duration()), (Some(10), Some(15), Some(5)));
    assert_ne!(all[0].thread, all[1].thread);
}

#[test]
fn an_exit_without_entry_shows_what_it_knows() {
    let e = Events::new(TABLE);
    let all = calls(run(&e, vec![read_exit(&e, 12, 2, b"ab")]));
    assert_eq!((all[0].entry_time, all[0].outcome), (None, Outcome::Returned(2)));
    let raws: Vec<_> = all[0].args.iter().map(|arg| (&*arg.name, arg.raw)).collect();
    assert_eq!(raws, [("fd", None), ("buf", None), ("count", None)]);
    assert!(all[0].args[1].after.is_some());
}

#[test]
fn an_entry_on_top_of_an_entry_means_a_lost_exit() {
    let e = Events::new(TABLE);
    let list = vec![read_entry(&e, 10, 1, 3), read_entry(&e, 20, 1, 4), read_exit(&e, 30, 1, b"")];
    assert_eq!(words(&run(&e, list)), ["1 read=lost", "1 read=0"]);
}

#[test]
fn an_exit_of_another_call_means_that_both_other_halves_were_lost() {
    let e = Events::new(TABLE);
    let list = vec![read_entry(&e, 10, 1, 3), returns(&e, 20, 1, "pause", -514)];
    assert_eq!(words(&run(&e, list)), ["1 read=lost", "1 pause=-514"]);
}

#[test]
fn a_loss_makes_open_calls_doubtful() {
    let e = Events::new(TABLE);
    let mut pairing = Pairing::new(Some(Arc::clone(&e.catalog)));
    let mut out = Vec::new();
    let loss =
        Loss { stream: "syscalls_0".into(), stream_id: 0, cpu: 0, count: 7, packets: 0, from: 11, to: 12 };
    let event = |event| Item::<Infallible>::Event(event);
    pairing.feed(&mut event(read_entry(&e, 10, 1, 3)), &mut out);
    pairing.feed::<Infallible>(&mut Item::Loss(loss), &mut out);
    pairing.feed(&mut event(read_exit(&e, 13, 1, b"")), &mut out);
    pairing.feed(&mut event(read_entry(&e, 14, 1, 3)), &mut out);
    pairing.feed(&mut event(read_exit(&e, 15, 1, b"")), &mut out);
    assert_eq!(words(&out), ["loss 7", "1 read=0", "1 read=0"]);
    let doubtful: Vec<_> = calls(out).iter().map(|call| call.across_loss).collect();
    assert_eq!(doubtful, [true, false]);
}

#[test]
fn exit_group_never_returns_and_comes_before_the_end() {
    let e = Events::new(TABLE);
    let list =
        vec![e.event(10, 1, "syscall_entry_exit_group", &[("error_code", s(3))]), end(&e, 11, 1, 1, 0x300)];
    assert_eq!(words(&run(&e, list)), ["1 exit_group=?", "1 exit 0x300"]);
}

#[test]
fn a_killed_thread_leaves_its_call_without_result() {
    let e = Events::new(TABLE);
    assert_eq!(words(&run(&e, vec![pause(&e, 10, 1), end(&e, 11, 1, 1, 9)])), ["1 pause=?", "1 exit 0x9"]);
}

#[test]
fn what_is_open_at_the_end_has_an_age() {
    let e = Events::new(TABLE);
    assert_eq!(
        words(&run(&e, vec![pause(&e, 20, 2), pause(&e, 10, 1)])),
        ["1 pause=open 990", "2 pause=open 980"]
    );
}

#[test]
fn a_reused_thread_number_is_another_thread() {
    let e = Events::new(TABLE);
    let list = vec![
        fork(&e, 5, 9, 1, 1),
        read_entry(&e, 10, 1, 3),
        read_exit(&e, 11, 1, b""),
        end(&e, 12, 1, 1, 0),
        read_exit(&e, 13, 1, b""),
    ];
    let all = calls(run(&e, list));
    assert_eq!(all[0].comm.as_deref(), Some(&b"sh"[..]));
    assert_eq!((all[1].comm.as_deref(), all[1].pid), (None, None));
    assert_ne!(all[0].thread, all[1].thread);
}

#[test]
fn a_fork_of_a_number_in_use_ends_the_old_thread() {
    let e = Events::new(TABLE);
    let list = vec![pause(&e, 10, 1), fork(&e, 20, 9, 1, 1)];
    assert_eq!(words(&run(&e, list)), ["1 pause=lost", "9 fork 1"]);
}

#[test]
fn the_child_comes_out_of_its_parents_clone_unseen() {
    let e = Events::new(TABLE);
    let list = vec![
        clone(&e, 10, 1),
        fork(&e, 11, 1, 2, 2),
        returns(&e, 12, 2, "clone", 0),
        returns(&e, 13, 1, "clone", 2),
    ];
    assert_eq!(words(&run(&e, list)), ["1 fork 2", "1 clone=2"]);
}

#[test]
fn rt_sigreturn_pairs_with_an_exit_that_has_no_number() {
    let e = Events::new(TABLE);
    let gone = |nr| e.event(11, 1, "syscall_exit_unknown", &[("ret", s(-4)), ("nr", s(nr))]);
    let entry = || e.event(10, 1, "syscall_entry_rt_sigreturn", &[]);
    assert_eq!(words(&run(&e, vec![entry(), gone(-1)])), ["1 rt_sigreturn=-4"]);
    assert_eq!(words(&run(&e, vec![gone(-1)])), ["1 rt_sigreturn=-4"]);
    assert_eq!(words(&run(&e, vec![pause(&e, 5, 1), gone(15)])), ["1 pause=lost", "1 rt_sigreturn=-4"]);
}

#[test]
fn a_call_without_name_is_called_by_its_number() {
    let e = Events::new(TABLE);
    let mut fields = vec![("nr", s(500))];
    for (name, value) in ["arg0", "arg1", "arg2", "arg3", "arg4", "arg5"].into_iter().zip(1..) {
        fields.push((name, u(value)));
    }
    let list = vec![
        e.event(10, 1, "syscall_entry_unknown", &fields),
        e.event(11, 1, "syscall_exit_unknown", &[("ret", s(-38)), ("nr", s(500))]),
    ];
    let all = run(&e, list);
    assert_eq!(words(&all), ["1 syscall_0x1f4=-38"]);
    let call = &calls(all)[0];
    assert_eq!((call.nr, call.args.len(), call.args[5].raw), (Some(500), 6, Some(6)));
}

#[test]
fn registers_of_a_call_that_the_catalog_knows_become_its_arguments() {
    let e = Events::new(TABLE);
    let mut fields = vec![("nr", s(3))];
    let registers = [0xdead_0000_ffff_ffff, 0x1_0000_1000, 10, 7, 7, 7];
    fields.extend(["arg0", "arg1", "arg2", "arg3", "arg4", "arg5"].into_iter().zip(registers.map(u)));
    let list = vec![
        e.event(10, 1, "compat_syscall_entry_unknown", &fields),
        e.event(11, 1, "compat_syscall_exit_unknown", &[("ret", s(-9)), ("nr", s(3))]),
    ];
    let all = run(&e, list);
    assert_eq!(words(&all), ["1 mode i386", "1 read=-9"]);
    let call = &calls(all)[0];
    let args: Vec<_> = call.args.iter().map(|arg| (&*arg.name, arg.raw)).collect();
    // -1 as an int, and what an i386 call sees of its registers.
    assert_eq!(args, [("fd", Some(u64::MAX)), ("buf", Some(0x1000)), ("count", Some(10))]);
    assert!(call.syscall.is_some());
}

#[test]
fn a_second_reading_replaces_a_failed_first_one() {
    let e = Events::new(TABLE);
    let entry = [
        ("dfd", s(-100)),
        ("filename_ptr", u(0x1234)),
        ("filename_state", u(2)),
        ("filename", text("#")),
        ("flags", u(0)),
        ("mode", u(0)),
    ];
    let exit = [("ret", s(3)), ("filename_state", u(0)), ("filename", text("/etc/passwd"))];
    let list = vec![
        e.event(10, 1, "syscall_entry_openat", &entry),
        e.event(11, 1, "syscall_exit_openat", &exit),
        e.event(12, 1, "syscall_entry_openat", &entry),
        returns(&e, 13, 1, "openat", -14),
    ];
    let all = calls(run(&e, list));
    let path = all[0].args[1].before.as_ref().unwrap();
    assert_eq!((path.state, path.read), (State::Ok, Read::Again));
    assert_eq!(path.content, Content::Text(b"/etc/passwd".to_vec()));
    let path = all[1].args[1].before.as_ref().unwrap();
    assert_eq!(
        (path.state, &path.content, all[1].args[1].raw),
        (State::Fault, &Content::Nothing, Some(0x1234))
    );
}

#[test]
fn execve_takes_what_was_unreadable_from_the_new_program() {
    let e = Events::new(TABLE);
    let list = vec![execve(&e, 10, 1, None), exec(&e, 11, 1, 1), returns(&e, 12, 1, "execve", 0)];
    let all = run(&e, list);
    assert_eq!(words(&all), ["1 exec, was 1", "1 execve=0"]);
    let call = &calls(all)[0];
    let path = call.args[0].before.as_ref().unwrap();
    assert_eq!((path.read, &path.content), (Read::Exec, &Content::Text(b"/bin/ls".to_vec())));
    let argv = call.args[1].before.as_ref().unwrap();
    assert_eq!(argv.content, Content::Texts(vec![b"ls".to_vec(), b"-l".to_vec()]));
    // The name at the time of the call: the new one is in the Exec before it.
    assert_eq!(call.comm, None);
}

#[test]
fn execve_of_a_thread_supersedes_the_leader() {
    let e = Events::new(TABLE);
    let list = vec![
        fork(&e, 1, 1, 2, 1),
        fork(&e, 2, 1, 3, 1),
        pause(&e, 3, 1),
        execve(&e, 10, 2, Some("/bin/ls")),
        end(&e, 11, 3, 1, 0),
        end(&e, 12, 1, 1, 0),
        exec(&e, 13, 1, 2),
        returns(&e, 14, 1, "execve", 0),
        pause(&e, 15, 1),
    ];
    assert_eq!(
        words(&run(&e, list)),
        [
            "1 fork 2",
            "1 fork 3",
            "3 exit 0x0",
            "1 pause=?",
            "1 superseded by 2",
            "1 exec, was 2",
            "1 execve=0",
            "1 pause=open 985",
        ]
    );
}

#[test]
fn a_leader_that_ends_by_itself_is_not_superseded() {
    let e = Events::new(TABLE);
    // The other thread's execve fails.
    let list = vec![
        fork(&e, 1, 1, 2, 1),
        execve(&e, 10, 2, Some("/no")),
        end(&e, 11, 1, 1, 0),
        returns(&e, 12, 2, "execve", -2),
    ];
    assert_eq!(words(&run(&e, list)), ["1 fork 2", "1 exit 0x0", "2 execve=-2"]);
    // Or the other thread ends inside it.
    let list = vec![
        fork(&e, 1, 1, 2, 1),
        execve(&e, 10, 2, Some("/no")),
        end(&e, 11, 1, 1, 0),
        end(&e, 12, 2, 1, 0),
    ];
    assert_eq!(words(&run(&e, list)), ["1 fork 2", "2 execve=?", "1 exit 0x0", "2 exit 0x0"]);
}

#[test]
fn execve_of_a_32_bit_program_exits_in_the_new_convention() {
    let e = Events::new(TABLE);
    let list = vec![
        execve(&e, 10, 1, Some("/bin/old")),
        exec(&e, 11, 1, 1),
        returns(&e, 12, 1, "execve", 0),
        e.event(20, 1, "compat_syscall_entry_read", &[("fd", s(0)), ("buf", u(1)), ("count", u(1))]),
        e.event(
            21,
            1,
            "compat_syscall_exit_read",
            &[("ret", s(0)), ("buf_state", u(0)), ("buf_len", u(0)), ("buf_data", Value::Bytes(vec![]))],
        ),
    ];
    let mut compat = list.clone();
    compat[2] = e.event(12, 1, "compat_syscall_exit_execve", &[("ret", s(0))]);
    for list in [list, compat] {
        let all = run(&e, list);
        assert_eq!(words(&all), ["1 exec, was 1", "1 execve=0", "1 mode i386", "1 read=0"]);
        let all = calls(all);
        assert_eq!((all[0].abi, all[1].abi), (Abi::X86_64, Abi::I386));
    }
}

#[test]
fn names_come_from_the_state_dump_and_change_with_prctl() {
    let e = Events::new(TABLE);
    let prctl = [
        ("option", s(15)),
        ("arg2_ptr", u(0x1000)),
        ("arg2_state", u(0)),
        ("arg2", text("a name that is too long")),
    ];
    let list = vec![
        e.event(
            1,
            7,
            "lttng_statedump_process_state",
            &[("tid", s(5)), ("pid", s(4)), ("ppid", s(1)), ("name", comm("server"))],
        ),
        e.event(10, 5, "syscall_entry_prctl", &prctl),
        returns(&e, 11, 5, "prctl", 0),
        pause(&e, 12, 5),
    ];
    let all = calls(run(&e, list));
    assert_eq!((all[0].pid, all[0].comm.as_deref()), (Some(4), Some(&b"server"[..])));
    assert_eq!(all[1].comm.as_deref(), Some(&b"a name that is "[..]));
}

#[test]
fn signals_know_their_thread() {
    let e = Events::new(TABLE);
    let mut fields = vec![("sig", s(11)), ("errno", s(0)), ("code", s(1))];
    for (name, value) in ["si0", "si1", "si2", "si3"].into_iter().zip([0x1234, 0, 0, 0]) {
        fields.push((name, u(value)));
    }
    let all = run(&e, vec![fork(&e, 1, 1, 2, 2), e.event(10, 2, "signal_deliver", &fields)]);
    let Happening::Signal(signal) = &all[1] else { panic!("{all:?}") };
    assert_eq!((signal.tid, signal.pid, signal.sig, signal.code), (2, Some(2), 11, 1));
    assert_eq!(signal.info[0], 0x1234);
}

#[test]
fn a_trace_without_tables_is_paired_by_its_field_names() {
    let e = Events::new(TABLE);
    let mut pairing = Pairing::new(None);
    let mut out = Vec::new();
    for event in [read_entry(&e, 10, 1, 3), read_exit(&e, 11, 1, b"xy"), execve(&e, 12, 1, Some("/x"))] {
        pairing.feed::<Infallible>(&mut Item::Event(event), &mut out);
    }
    pairing.finish(20, &mut out);
    let all = calls(out);
    let names = |call: &Call| call.args.iter().map(|arg| arg.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&all[0]), ["fd", "buf", "count"]);
    assert_eq!(names(&all[1]), ["filename", "argv", "envp"]);
    let argv = all[1].args[1].before.as_ref().unwrap();
    assert_eq!(argv.content, Content::Texts(vec![b"ls".to_vec(), b"-l".to_vec()]));
    assert_eq!(all[1].args[2].before.as_ref().unwrap().state, State::Null);
}

#[test]
fn events_of_other_tracers_are_paired_too() {
    // LTTng writes strings under the argument's own name, without pointer or state, and some arguments at exit only.
    let int = |signed| FieldType::Int(if signed { IntType::signed(64) } else { IntType::unsigned(64) });
    let field = |name: &str, field_type| Field { name: name.to_owned(), field_type };
    let event = |time, name: &str, fields: Vec<(Field, Value)>| {
        let (fields, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
        let event_type =
            EventType { id: time, name: name.to_owned(), stream_id: 5, fields: StructType { fields } };
        Item::<Infallible>::Event(Event {
            time,
            cpu: 0,
            event_type: Arc::new(event_type),
            context_names: ["tid".to_owned()].into(),
            context: vec![s(1)],
            fields: values,
        })
    };
    let entry =
        vec![(field("dfd", int(true)), s(-100)), (field("filename", FieldType::String), text("/etc/x"))];
    let exit = vec![(field("ret", int(true)), s(3))];
    let read = vec![(field("ret", int(true)), s(-9)), (field("buf", int(false)), u(0x7000))];
    let mut pairing = Pairing::new(None);
    let mut out = Vec::new();
    pairing.feed(&mut event(1, "syscall_entry_openat", entry), &mut out);
    pairing.feed(&mut event(2, "syscall_exit_openat", exit), &mut out);
    pairing.feed(&mut event(3, "syscall_exit_read", read), &mut out);
    let all = calls(out);
    let path = all[0].args[1].before.as_ref().unwrap();
    assert_eq!((path.state, &path.content), (State::Ok, &Content::Text(b"/etc/x".to_vec())));
    assert_eq!(all[0].args[1].raw, None);
    assert_eq!((&*all[1].args[0].name, all[1].args[0].raw), ("buf", Some(0x7000)));
}
