//! Times, and what is missing.

use std::convert::Infallible;
use std::sync::Arc;

use calls::{Damage, Happening, Pairing};
use ctf::Value;
use ctf::merge::{Item, Loss};
use render::{Options, Stamp, Strace, WallClock};

use crate::events::{Events, s, u};
use crate::scene::{TABLE, call, lines, ret};

#[test]
fn half_calls_say_what_is_missing() {
    let e = Events::new(TABLE);
    let show = |list| lines(&e, Options::default(), list);
    let exit =
        [("ret", s(2)), ("buf_state", u(0)), ("buf_len", u(2)), ("buf_data", Value::Bytes(b"ab".to_vec()))];
    assert_eq!(
        show(vec![e.event(1, 7, "syscall_exit_read", &exit)]),
        "read(?, \"ab\", ?)                        = 2\n"
    );
    assert_eq!(
        show(vec![e.event(1, 7, "syscall_exit_unknown", &[("ret", s(0)), ("nr", s(-1))])]),
        "rt_sigreturn(?)                         = 0\n"
    );
    let entry = || e.event(1_000_000_000, 7, "syscall_entry_pause", &[]);
    assert_eq!(
        show(vec![entry()]),
        "pause()                                 = ? <still open after 12.345 s>\n"
    );
    assert_eq!(
        show(vec![entry(), entry()]).lines().next().unwrap(),
        "pause()                                 = ? <exit lost>"
    );
}

#[test]
fn stamps() {
    let e = Events::new(TABLE);
    let list = || call(&e, "umask", &[("mask", u(0))], &ret(0));
    // The trace's clock began at 04:14:29.399553 UTC.
    let clock = WallClock { epoch: 1_795_580_069_399_553_000, ahead: 0 };
    let show = |options| lines(&e, Options { clock, ..options }, list());
    let with = |stamp| Options { stamp: Some(stamp), ..Options::default() };
    assert_eq!(show(with(Stamp::Seconds)), "04:14:30 umask(000)                     = 000\n");
    assert_eq!(show(with(Stamp::Micros)), "04:14:30.399553 umask(000)              = 000\n");
    assert_eq!(show(with(Stamp::Epoch)), "1795580070.399553 umask(000)            = 000\n");
    let relative = Options { relative: true, ..Options::default() };
    assert_eq!(show(relative), "     0.000000 umask(000)                = 000\n");
    assert_eq!(
        show(Options { relative: true, duration: true, ..with(Stamp::Micros) }),
        "04:14:30.399553 (+     0.000000) umask(000) = 000 <0.000012>\n"
    );
    let twice = [list(), list()].concat();
    assert_eq!(lines(&e, relative, twice).lines().count(), 2);
    assert_eq!(
        show(Options { names: true, column: 20, ..Options::default() }),
        "umask(mask=000)     = 000\n"
    );
}

#[test]
fn holes() {
    let mut style = Strace::new(None, Options::default());
    let loss = Loss {
        stream: "syscalls_1".into(),
        stream_id: 0,
        cpu: 1,
        count: 4838,
        packets: 0,
        from: 12_345_678_000,
        to: 12_400_000_000,
    };
    assert_eq!(
        style.line(&Happening::Loss(loss.clone())),
        "*** 4838 records lost on cpu 1 between 12.345678 and 12.400000 ***\n"
    );
    let packet = Loss { count: 0, packets: 1, stream_id: 1, ..loss };
    assert_eq!(
        style.line(&Happening::Loss(packet)),
        "*** 1 lifecycle packet lost on cpu 1 between 12.345678 and 12.400000 ***\n"
    );
    let damage = Damage { stream: "x\u{1b}".into(), cpu: None, time: 5_000, cause: "byte 7: bad".into() };
    assert_eq!(
        style.line(&Happening::Damage(damage)),
        "*** stream x\\u{1b} cannot be read after 0.000005: byte 7: bad ***\n"
    );
}

#[test]
fn a_call_that_was_open_while_records_were_lost_is_marked() {
    let e = Events::new(TABLE);
    let mut pairing = Pairing::new(Some(Arc::clone(&e.catalog)));
    let mut out = Vec::new();
    let mut events = call(&e, "umask", &[("mask", u(0))], &ret(0)).into_iter();
    let loss = Loss { stream: "s".into(), stream_id: 0, cpu: 0, count: 1, packets: 0, from: 0, to: 1 };
    pairing.feed::<Infallible>(&mut Item::Event(events.next().unwrap()), &mut out);
    pairing.feed::<Infallible>(&mut Item::Loss(loss), &mut out);
    pairing.feed::<Infallible>(&mut Item::Event(events.next().unwrap()), &mut out);
    let mut style = Strace::new(Some(Arc::clone(&e.catalog)), Options::default());
    assert_eq!(
        style.line(&out[1]),
        "umask(000)                              = 000 <records lost meanwhile>\n"
    );
}
