//! The stream `state` of a trace: who ran when recording began, and losses that belong to no ring.

use anyhow::Result;
use ctf::Value;
use ctf::packet::PacketHeader;
use ctf::types::TraceType;
use ctf::write::PacketWriter;
use kernel::process::Thread;
use schema::tracepoint::{self, LIFECYCLE};

/// Stream instance of the state dump, which belongs to no CPU.
const STATE_INSTANCE: u64 = 0xffff;

/// The packet that says which threads ran already.
pub fn state_packet(types: &TraceType, threads: &[Thread], now: u64) -> Result<Vec<u8>> {
    user_packet(types, threads, now, 0, 0)
}

/// The packet behind it that says how many probe runs the kernel skipped: losses that belong to no ring.
pub fn missed_packet(types: &TraceType, missed: u64, now: u64) -> Result<Vec<u8>> {
    user_packet(types, &[], now, 1, missed)
}

fn user_packet(
    types: &TraceType,
    threads: &[Thread],
    now: u64,
    sequence: u64,
    discarded: u64,
) -> Result<Vec<u8>> {
    let event = tracepoint::process_state();
    let extra = [("stream_instance_id", STATE_INSTANCE), ("lost_oversize", 0)];
    let header = PacketHeader {
        stream_id: LIFECYCLE,
        uuid: types.uuid,
        begin: now,
        end: now,
        seq: Some(sequence),
        discarded: Some(discarded),
        cpu: Some(0),
        extra: extra.map(|(name, value)| (name.to_owned(), Value::Unsigned(value))).into(),
        ..PacketHeader::default()
    };
    let mut packet = PacketWriter::new(types, header)?;
    for thread in threads {
        let mut name = thread.name.clone();
        name.resize(16, 0);
        let ids = [thread.tid, thread.pid, thread.ppid].map(|id| Value::Signed(id.into()));
        let fields: Vec<Value> = ids.into_iter().chain([Value::Bytes(name)]).collect();
        packet.event(&event, now, &[Value::Signed(thread.tid.into())], &fields)?;
    }
    Ok(packet.finish()?)
}
