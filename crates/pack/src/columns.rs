//! Records to columns and back. Fields of one kind stand together in a column, where they resemble each other; so zstd makes
//! half of what it makes of whole records.
//!
//! ```text
//! count, (gap to the column before, length) of each column that is not empty, the bytes of these columns
//! ```
//! Numbers are in LEB128. The column [`HEADS`] has of each packet what is before its records and what is behind them.

use ctf::packet::PacketHeader;
use ctf::read::Decoder;

use crate::error::Error;
use crate::plan::{HEADS, Plan, Step, StreamPlan};

/// Takes packets apart.
#[derive(Debug)]
pub(crate) struct Splitter {
    columns: Vec<Vec<u8>>,
    state: State,
}

/// What the next record is compared with.
#[derive(Debug, Default)]
struct State {
    clock: u64,
    /// By column.
    last: Vec<u64>,
    lengths: Vec<u64>,
}

impl State {
    fn reset(&mut self, plan: &Plan) {
        self.clock = 0;
        self.last.clear();
        self.last.resize(plan.columns, 0);
        self.lengths.clear();
        self.lengths.resize(plan.slots, 0);
    }

    /// The value before, which becomes `now`.
    fn replace(&mut self, column: usize, now: u64) -> u64 {
        self.last.get_mut(column).map_or(0, |last| std::mem::replace(last, now))
    }

    fn length(&self, slot: usize) -> usize {
        self.lengths.get(slot).map_or(0, |length| usize::try_from(*length).unwrap_or(usize::MAX))
    }

    fn keep_length(&mut self, slot: usize, length: u64) {
        if let Some(kept) = self.lengths.get_mut(slot) {
            *kept = length;
        }
    }
}

/// The bytes of an integer of at most eight.
fn number(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

/// Where records begin and end in a packet that is wholly there, and where it ends.
fn extent(header: &PacketHeader) -> Option<(usize, usize, usize)> {
    let bytes = |bits: u64| usize::try_from(bits / 8).ok().filter(|_| bits.is_multiple_of(8));
    let (begin, end, packet) =
        (bytes(header.header_bits)?, bytes(header.content_bits)?, bytes(header.packet_bits)?);
    (begin <= end && end <= packet && packet > 0).then_some((begin, end, packet))
}

impl StreamPlan {
    /// The steps of a record behind its header.
    fn event(&self, id: Option<u64>) -> Option<&[Step]> {
        match id {
            Some(id) => self.events.get(usize::try_from(id).ok()?)?.as_deref(),
            None => self.events.iter().flatten().next().map(Vec::as_slice),
        }
    }
}

impl Plan {
    fn stream(&self, id: u64) -> Option<&StreamPlan> {
        self.streams.iter().find(|stream| stream.id == id)
    }
}

impl Splitter {
    pub(crate) fn new(plan: &Plan) -> Splitter {
        Splitter { columns: vec![Vec::new(); plan.columns], state: State::default() }
    }

    /// Whole packets to columns, which replace what is in `out`. `None` when some record is not as the types say.
    pub(crate) fn split(
        &mut self,
        plan: &Plan,
        decoder: &Decoder,
        packets: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<()> {
        self.columns.iter_mut().for_each(Vec::clear);
        self.state.reset(plan);
        let mut rest = packets;
        while !rest.is_empty() {
            let header = decoder.header(rest).ok()?;
            let (begin, end, size) = extent(&header)?;
            let (packet, behind) = rest.split_at_checked(size)?;
            rest = behind;
            let heads = self.columns.get_mut(HEADS)?;
            heads.extend_from_slice(packet.get(..begin)?);
            heads.extend_from_slice(packet.get(end..)?);
            self.records(plan.stream(header.stream_id)?, packet.get(begin..end)?)?;
        }
        self.gather(out);
        Some(())
    }

    fn records(&mut self, stream: &StreamPlan, mut records: &[u8]) -> Option<()> {
        while !records.is_empty() {
            let before = records.len();
            let id = self.steps(&stream.header, &mut records)?;
            let event = stream.event(id)?;
            self.steps(&stream.context, &mut records)?;
            self.steps(event, &mut records)?;
            if records.len() == before {
                return None;
            }
        }
        Some(())
    }

    /// Moves the bytes of a structure to their columns. Gives the event id, if it is in there.
    fn steps(&mut self, steps: &[Step], from: &mut &[u8]) -> Option<Option<u64>> {
        let mut id = None;
        for step in steps {
            match *step {
                Step::Id { bytes, column } => id = Some(number(self.copy(column, bytes, from)?)),
                Step::Bytes { bytes, column } => drop(self.copy(column, bytes, from)?),
                Step::Length { bytes, column, slot } => {
                    let length = number(self.copy(column, bytes, from)?);
                    self.state.keep_length(slot, length);
                }
                Step::Clock { bytes, column } => self.clock(column, bytes, from)?,
                Step::Same { bytes, column } => self.same(column, bytes, from)?,
                Step::Word { column } => self.word(column, from)?,
                Step::Text { column } => self.text(column, from)?,
                Step::Run { width, column, slot } => {
                    let bytes = self.state.length(slot).checked_mul(width)?;
                    self.copy(column, bytes, from)?;
                }
                Step::Texts { column, slot } => {
                    (0..self.state.length(slot)).try_for_each(|_| self.text(column, from))?;
                }
            }
        }
        Some(id)
    }

    fn column(&mut self, column: usize) -> Option<&mut Vec<u8>> {
        self.columns.get_mut(column)
    }

    fn copy<'a>(&mut self, column: usize, bytes: usize, from: &mut &'a [u8]) -> Option<&'a [u8]> {
        let taken = take(from, bytes)?;
        self.column(column)?.extend_from_slice(taken);
        Some(taken)
    }

    fn clock(&mut self, column: usize, bytes: usize, from: &mut &[u8]) -> Option<()> {
        let now = number(take(from, bytes)?);
        let past = now.wrapping_sub(std::mem::replace(&mut self.state.clock, now)) & mask(bytes);
        self.column(column)?.push(past as u8);
        put(past >> 8, self.column(column + 1)?);
        Some(())
    }

    fn same(&mut self, column: usize, bytes: usize, from: &mut &[u8]) -> Option<()> {
        let taken = take(from, bytes)?;
        let now = number(taken);
        let differs = self.state.replace(column, now) != now;
        self.column(column)?.push(differs.into());
        if differs {
            self.column(column + 1)?.extend_from_slice(taken);
        }
        Some(())
    }

    fn word(&mut self, column: usize, from: &mut &[u8]) -> Option<()> {
        let taken = take(from, 8)?;
        let now = number(taken);
        let differing = 8 - (self.state.replace(column, now) ^ now).leading_zeros() as usize / 8;
        self.column(column)?.push(differing as u8);
        self.column(column + 1)?.extend_from_slice(taken.get(..differing)?);
        Some(())
    }

    fn text(&mut self, column: usize, from: &mut &[u8]) -> Option<()> {
        let len = from.iter().position(|byte| *byte == 0)? + 1;
        self.copy(column, len, from).map(drop)
    }

    fn gather(&self, out: &mut Vec<u8>) {
        out.clear();
        let filled = || self.columns.iter().enumerate().filter(|(_, column)| !column.is_empty());
        put(filled().count() as u64, out);
        let mut next = 0;
        for (at, column) in filled() {
            put((at - next) as u64, out);
            put(column.len() as u64, out);
            next = at + 1;
        }
        filled().for_each(|(_, column)| out.extend_from_slice(column));
    }
}

/// Puts packets together again.
#[derive(Debug, Default)]
pub(crate) struct Joiner {
    state: State,
}

impl Joiner {
    /// Columns to packets of `len` bytes together, appended to `out`.
    pub(crate) fn join(
        &mut self,
        plan: &Plan,
        decoder: &Decoder,
        columns: &[u8],
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.state.reset(plan);
        let mut columns =
            spread(plan, columns).ok_or(Error::Body("its columns are not those of this trace"))?;
        let limit = out.len() + len;
        while out.len() < limit {
            let heads = columns.first().copied().unwrap_or_default();
            let header = decoder.header(heads)?;
            let (begin, end, size) = extent(&header).ok_or(Error::Body("the sizes of a packet"))?;
            let first = out.len();
            if size > limit - first {
                return Err(Error::Body("more packets than it claims"));
            }
            let stream = plan.stream(header.stream_id).ok_or(Error::Body("an unknown stream"))?;
            append(&mut columns, HEADS, begin, out)?;
            self.records(stream, &mut columns, first + end, out)?;
            append(&mut columns, HEADS, size - end, out)?;
        }
        if columns.iter().any(|column| !column.is_empty()) {
            return Err(Error::Body("columns that belong to no record"));
        }
        Ok(())
    }

    /// Records up to the length `end`.
    fn records(
        &mut self,
        stream: &StreamPlan,
        columns: &mut [&[u8]],
        end: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        while out.len() < end {
            let before = out.len();
            let id = self.steps(&stream.header, columns, out)?;
            let event = stream.event(id).ok_or(Error::Body("an unknown event"))?;
            self.steps(&stream.context, columns, out)?;
            self.steps(event, columns, out)?;
            if out.len() == before || out.len() > end {
                return Err(Error::Body("records do not end with their packet"));
            }
        }
        Ok(())
    }

    fn steps(
        &mut self,
        steps: &[Step],
        columns: &mut [&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<Option<u64>, Error> {
        let mut id = None;
        for step in steps {
            match *step {
                Step::Id { bytes, column } => id = Some(number(append(columns, column, bytes, out)?)),
                Step::Bytes { bytes, column } => drop(append(columns, column, bytes, out)?),
                Step::Length { bytes, column, slot } => {
                    let length = number(append(columns, column, bytes, out)?);
                    self.state.keep_length(slot, length);
                }
                Step::Clock { bytes, column } => self.clock(column, bytes, columns, out)?,
                Step::Same { bytes, column } => self.same(column, bytes, columns, out)?,
                Step::Word { column } => self.word(column, columns, out)?,
                Step::Text { column } => text(columns, column, out)?,
                Step::Run { width, column, slot } => {
                    let bytes = self.state.length(slot).checked_mul(width).ok_or(SHORT)?;
                    append(columns, column, bytes, out)?;
                }
                Step::Texts { column, slot } => {
                    (0..self.state.length(slot)).try_for_each(|_| text(columns, column, out))?;
                }
            }
        }
        Ok(id)
    }

    fn clock(
        &mut self,
        column: usize,
        bytes: usize,
        columns: &mut [&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let low = number(cut(columns, column, 1)?);
        let high = columns.get_mut(column + 1).and_then(get).ok_or(SHORT)?;
        let now = self.state.clock.wrapping_add(high << 8 | low) & mask(bytes);
        self.state.clock = now;
        out.extend_from_slice(now.to_le_bytes().get(..bytes).unwrap_or_default());
        Ok(())
    }

    fn same(
        &mut self,
        column: usize,
        bytes: usize,
        columns: &mut [&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let last = match cut(columns, column, 1)? {
            [0] => self.state.last.get(column).copied().unwrap_or(0),
            _ => number(cut(columns, column + 1, bytes)?),
        };
        self.state.replace(column, last);
        out.extend_from_slice(last.to_le_bytes().get(..bytes).unwrap_or_default());
        Ok(())
    }

    fn word(&mut self, column: usize, columns: &mut [&[u8]], out: &mut Vec<u8>) -> Result<(), Error> {
        let differing = number(cut(columns, column, 1)?) as usize;
        let new = cut(columns, column + 1, differing)?;
        let last = self.state.last.get_mut(column).ok_or(SHORT)?;
        let mut word = last.to_le_bytes();
        word.get_mut(..differing).ok_or(SHORT)?.copy_from_slice(new);
        *last = u64::from_le_bytes(word);
        out.extend_from_slice(&word);
        Ok(())
    }
}

const SHORT: Error = Error::Body("a column ends too early");

/// The next bytes of a column.
fn cut<'a>(columns: &mut [&'a [u8]], column: usize, bytes: usize) -> Result<&'a [u8], Error> {
    columns.get_mut(column).and_then(|column| take(column, bytes)).ok_or(SHORT)
}

fn append<'a>(
    columns: &mut [&'a [u8]],
    column: usize,
    bytes: usize,
    out: &mut Vec<u8>,
) -> Result<&'a [u8], Error> {
    let taken = cut(columns, column, bytes)?;
    out.extend_from_slice(taken);
    Ok(taken)
}

fn text(columns: &mut [&[u8]], column: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    let rest = columns.get(column).copied().unwrap_or_default();
    let len = rest.iter().position(|byte| *byte == 0).ok_or(SHORT)? + 1;
    append(columns, column, len, out).map(drop)
}

/// The columns of a frame, by number.
fn spread<'a>(plan: &Plan, mut bytes: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let count = get(&mut bytes)?;
    let mut lengths = Vec::new();
    let mut next = 0usize;
    for _ in 0..count {
        let at = next.checked_add(usize::try_from(get(&mut bytes)?).ok()?)?;
        if at >= plan.columns {
            return None;
        }
        lengths.push((at, usize::try_from(get(&mut bytes)?).ok()?));
        next = at + 1;
    }
    let mut columns: Vec<&[u8]> = vec![&[]; plan.columns];
    for (at, length) in lengths {
        *columns.get_mut(at)? = take(&mut bytes, length)?;
    }
    bytes.is_empty().then_some(columns)
}

fn take<'a>(from: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(bytes)?;
    *from = rest;
    Some(taken)
}

fn mask(bytes: usize) -> u64 {
    if bytes >= 8 { u64::MAX } else { (1 << (bytes * 8)) - 1 }
}

/// Appends a number in LEB128.
fn put(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number in LEB128.
fn get(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use crate::sample;

    #[test]
    fn numbers_are_short_and_read_back() {
        for (value, len) in [(0, 1), (127, 1), (128, 2), (u64::MAX, 10)] {
            let mut bytes = Vec::new();
            put(value, &mut bytes);
            assert_eq!((bytes.len(), get(&mut bytes.as_slice())), (len, Some(value)));
        }
        assert_eq!(get(&mut [0x80; 11].as_slice()), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        /// zstd's check sum protects from accidents, not from somebody who makes a frame by hand.
        #[test]
        fn columns_that_lie_are_read_to_an_end(
            seed: u64,
            changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            len in 0usize..5000,
        ) {
            let (plan, decoder) = (Plan::new(&sample::types()).unwrap(), sample::decoder());
            let packets = sample::packets(seed >> 8, 2, 20);
            let mut columns = Vec::new();
            Splitter::new(&plan).split(&plan, &decoder, &packets, &mut columns).unwrap();
            for (at, byte) in changes {
                let at = at.index(columns.len());
                columns[at] = byte;
            }
            let mut out = Vec::new();
            let mut joiner = Joiner::default();
            let _ = joiner.join(&plan, &decoder, &columns, packets.len(), &mut out);
            out.clear();
            let _ = joiner.join(&plan, &decoder, &columns, len, &mut out);
            prop_assert!(out.len() <= len + 8 * columns.len());
        }
    }
}
