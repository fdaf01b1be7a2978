//! How often each call was made, how often it failed, how long it took: the pass that only counts.
//!
//! It needs of an event its type, its time, its thread and the result, so a [`ctf::Decoder::brief`] one is enough.

use std::sync::Arc;

use ctf::merge::Item;
use ctf::{Event, Value};
use foldhash::HashMap;
use schema::Abi;

use crate::role::Role;

/// Buckets of durations for each doubling.
const PARTS: u64 = 8;
/// Buckets up to the largest duration.
const BUCKETS: usize = 62 * PARTS as usize;

/// The figures of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The call's name.
    pub name: Arc<str>,
    /// Its convention.
    pub abi: Abi,
    /// Times that it returned.
    pub calls: u64,
    /// Of these, with an error.
    pub errors: u64,
    /// Calls whose duration is known.
    pub timed: u64,
    /// Nanoseconds of all of these.
    pub total: u64,
    /// Nanoseconds of the longest.
    pub longest: u64,
    /// Calls by duration.
    buckets: Vec<u32>,
}

/// Counts calls.
#[derive(Debug, Default)]
pub struct Summary {
    rows: Vec<Row>,
    /// Index of a row, by convention and name.
    by_name: HashMap<(Abi, Arc<str>), usize>,
    /// What event types mean, by stream and id.
    kinds: HashMap<(u64, u64), Known>,
    /// By thread: the row of its open call and when that began.
    open: HashMap<i32, (usize, u64)>,
    /// Records that were lost.
    lost: u64,
}

/// An event type, and where what is needed of it stands.
#[derive(Clone, Copy, Debug)]
struct Known {
    kind: Kind,
    /// Place of `tid` in the context.
    tid: Option<usize>,
    /// Place of `ret` in the fields.
    ret: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Entry(usize),
    Exit(usize),
    /// Of calls without a name, whose number stands in the event.
    UnknownEntry(Abi),
    UnknownExit(Abi),
    Other,
}

fn bucket(ns: u64) -> usize {
    if ns < PARTS {
        return ns as usize;
    }
    let doublings = u64::from(ns.ilog2()) - u64::from(PARTS.ilog2());
    (PARTS * (doublings + 1) + ((ns >> doublings) & (PARTS - 1))) as usize
}

/// The largest duration of a bucket.
fn upper(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < PARTS {
        return bucket;
    }
    let doublings = bucket / PARTS - 1;
    ((PARTS + bucket % PARTS + 1) << doublings) - 1
}

impl Row {
    fn new(abi: Abi, name: Arc<str>) -> Row {
        let buckets = vec![0; BUCKETS];
        Row { name, abi, calls: 0, errors: 0, timed: 0, total: 0, longest: 0, buckets }
    }

    fn time(&mut self, ns: u64) {
        self.timed += 1;
        self.total += ns;
        self.longest = self.longest.max(ns);
        if let Some(count) = self.buckets.get_mut(bucket(ns)) {
            *count += 1;
        }
    }

    /// The duration in ns that `parts` of `whole` calls do not exceed, at most an eighth too large. `None` when no duration is
    /// known.
    pub fn quantile(&self, parts: u64, whole: u64) -> Option<u64> {
        let wanted = (self.timed * parts).div_ceil(whole.max(1)).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        });
        found.map(|bucket| upper(bucket).min(self.longest))
    }
}

impl Summary {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Summary::default()
    }

    /// Takes the next item of a trace.
    pub fn feed<E>(&mut self, item: &Item<E>) {
        match item {
            Item::Event(event) => self.event(event),
            Item::Loss(loss) => self.lost += loss.count,
            Item::Damage(_) => {}
        }
    }

    /// Records that were lost so far: then the figures are too small.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The figures of all calls that returned, those first that took longest together.
    pub fn rows(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| row.calls > 0).collect();
        rows.sort_by(|a, b| (b.total, b.calls, &a.name, a.abi).cmp(&(a.total, a.calls, &b.name, b.abi)));
        rows
    }

    fn row(&mut self, abi: Abi, name: &Arc<str>) -> usize {
        let (rows, key) = (&mut self.rows, (abi, Arc::clone(name)));
        *self.by_name.entry(key).or_insert_with(|| {
            rows.push(Row::new(abi, Arc::clone(name)));
            rows.len() - 1
        })
    }

    fn known(&mut self, event: &Event) -> Known {
        let event_type = &event.event_type;
        let key = (event_type.stream_id, event_type.id);
        if let Some(known) = self.kinds.get(&key) {
            return *known;
        }
        let kind = match Role::of(event_type, None) {
            Role::Entry { abi, name, .. } => Kind::Entry(self.row(abi, &name)),
            Role::Exit { abi, name, .. } => Kind::Exit(self.row(abi, &name)),
            Role::UnknownEntry(abi) => Kind::UnknownEntry(abi),
            Role::UnknownExit(abi) => Kind::UnknownExit(abi),
            Role::Other => Kind::Other,
        };
        let known = Known {
            kind,
            tid: event.context_names.iter().position(|name| name == "tid"),
            ret: event_type.fields.fields.iter().position(|field| field.name == "ret"),
        };
        self.kinds.insert(key, known);
        known
    }

    fn event(&mut self, event: &Event) {
        let known = self.known(event);
        let (row, entry) = match known.kind {
            Kind::Entry(row) => (row, true),
            Kind::Exit(row) => (row, false),
            Kind::UnknownEntry(abi) => (self.numbered(abi, event), true),
            Kind::UnknownExit(abi) => (self.numbered(abi, event), false),
            Kind::Other => return,
        };
        let bits =
            |values: &[Value], at: Option<usize>| at.and_then(|at| values.get(at)).and_then(Value::bits);
        let Some(tid) = bits(&event.context, known.tid).map(|tid| tid as i32) else { return };
        if entry {
            self.open.insert(tid, (row, event.time));
            return;
        }
        let begun = self.open.remove(&tid).filter(|open| open.0 == row).map(|open| open.1);
        let ret = bits(&event.fields, known.ret).unwrap_or(0) as i64;
        let Some(row) = self.rows.get_mut(row) else { return };
        if begun.is_none() && ret == 0 && makes_thread(&row.name) {
            // A new thread comes out of its parent's call.
            return;
        }
        row.calls += 1;
        row.errors += u64::from((-4095..0).contains(&ret));
        if let Some(ns) = begun.and_then(|begun| event.time.checked_sub(begun)) {
            row.time(ns);
        }
    }

    fn numbered(&mut self, abi: Abi, event: &Event) -> usize {
        let nr = event.field("nr").and_then(Value::bits).unwrap_or(0);
        self.row(abi, &format!("syscall_{nr:#x}").into())
    }
}

fn makes_thread(name: &str) -> bool {
    matches!(name, "clone" | "clone3" | "fork" | "vfork")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_at_most_an_eighth_wide() {
        for ns in (0..2000).chain([1 << 20, (1 << 20) + 12345, u64::MAX >> 1]) {
            let top = upper(bucket(ns));
            assert!(top >= ns && top - ns <= ns / 8, "{ns}: {top}");
            assert!(
                bucket(top) == bucket(ns) && (top == u64::MAX || bucket(top + 1) == bucket(ns) + 1),
                "{ns}"
            );
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn quantiles_are_those_of_the_durations() {
        let mut row = Row::new(Abi::X86_64, "read".into());
        assert_eq!(row.quantile(1, 2), None);
        (1..=1000).for_each(|ns| row.time(ns));
        let near = |got: Option<u64>, want: u64| got.is_some_and(|got| got >= want && got - want <= want / 8);
        assert!(near(row.quantile(1, 2), 500), "{:?}", row.quantile(1, 2));
        assert!(near(row.quantile(99, 100), 990));
        assert_eq!((row.quantile(1, 1), row.longest), (Some(1000), 1000));
    }
}
