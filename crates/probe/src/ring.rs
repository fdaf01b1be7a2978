//! Where the words of the per-CPU ring are. The generator writes by these numbers, the kernel crate reads by them.
//!
//! One element of a memory-mapped array map per CPU:
//!
//! ```text
//! 0                 CONTROL            CONTROL + data                  value_size
//! | control page    | sub-buffers, 2^k bytes in all | slack           |
//!
//! control page:
//!   0 pos        free-running position of the next record; stored last, so it publishes       (probe)
//!   8 limit      end of the open sub-buffer, free-running; 0: nothing was opened yet           (probe)
//!  16 time_limit a record at or after this time opens a new packet; 0: so does every record    (probe, collector)
//!  24 lost       records dropped since the start, all causes                                   (probe)
//!  32 oversize   of these: the record did not fit its bounds                                   (probe)
//!  40 entries    entry records written since the start                                         (probe)
//!  48 scratch    of the program that runs on this CPU                                          (probe)
//!  64 consumed   everything before this free-running position may be overwritten               (collector)
//! ```
//!
//! Position `p` lives at byte `CONTROL + (p & (data - 1))`. A sub-buffer is complete when `pos` is in a later one.

/// Bytes of the control page.
pub const CONTROL: u32 = 4096;
/// Offset of `pos`.
pub const POS: i16 = 0;
/// Offset of `limit`.
pub const LIMIT: i16 = 8;
/// Offset of `time_limit`.
pub const TIME_LIMIT: i16 = 16;
/// Offset of `lost`.
pub const LOST: i16 = 24;
/// Offset of `oversize`.
pub const OVERSIZE: i16 = 32;
/// Offset of `entries`.
pub const ENTRIES: i16 = 40;
/// Offset of `scratch`.
pub const SCRATCH: i16 = 48;
/// Offset of `consumed`, on a cache line of its own.
pub const CONSUMED: i16 = 64;

/// Bytes of a packet header, packet context included (`docs/format.md`).
pub const HEADER: u32 = 88;
/// Offset of `timestamp_begin` in it.
pub const HEADER_BEGIN: i16 = 28;
/// Offset of `timestamp_end`.
pub const HEADER_END: i16 = 36;
/// Offset of `content_size`.
pub const HEADER_CONTENT: i16 = 44;
/// Offset of `packet_size`.
pub const HEADER_PACKET: i16 = 52;
/// Offset of `packet_seq_num`.
pub const HEADER_SEQUENCE: i16 = 60;
/// Offset of `events_discarded`.
pub const HEADER_DISCARDED: i16 = 68;
/// Offset of `cpu_id`.
pub const HEADER_CPU: i16 = 76;
/// Offset of `lost_oversize`.
pub const HEADER_OVERSIZE: i16 = 80;

/// Sizes of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    data: u32,
    sub_buffer: u32,
}

impl Geometry {
    /// Bytes behind the data, so that the longest record may run past the end of the last sub-buffer while the verifier
    /// only knows that it begins inside the data. Never holds a published byte.
    pub const SLACK: u32 = 64 * 1024;

    /// A ring of `data` bytes in sub-buffers of `sub_buffer` bytes. `None` unless both are powers of two, there are at
    /// least two sub-buffers, and the data is at most 1 GiB.
    ///
    /// A mask that is not a power of two less one would verify and then let records overlap silently, so it is
    /// refused here.
    pub fn new(data: u32, sub_buffer: u32) -> Option<Geometry> {
        let sound = data.is_power_of_two()
            && sub_buffer.is_power_of_two()
            && sub_buffer >= 4096
            && data >= 2 * sub_buffer
            && data <= 1 << 30;
        sound.then_some(Geometry { data, sub_buffer })
    }

    /// Bytes of data.
    pub fn data(&self) -> u32 {
        self.data
    }

    /// Bytes of a sub-buffer, packet header included.
    pub fn sub_buffer(&self) -> u32 {
        self.sub_buffer
    }

    /// Start of the sub-buffer that holds a position.
    pub fn start(&self, position: u64) -> u64 {
        position & !(u64::from(self.sub_buffer) - 1)
    }

    /// Where a position is in the data.
    pub fn offset(&self, position: u64) -> usize {
        (position & (u64::from(self.data) - 1)) as usize
    }

    /// Number of sub-buffers.
    pub fn count(&self) -> u32 {
        self.data / self.sub_buffer
    }

    /// Bytes of one element of the map.
    pub fn value_size(&self) -> u32 {
        CONTROL + self.data + Self::SLACK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_that_the_mask_would_fold_wrongly_is_refused() {
        assert!(Geometry::new(1 << 20, 1 << 18).is_some());
        assert_eq!(Geometry::new(3 << 18, 1 << 18), None);
        assert_eq!(Geometry::new(1 << 18, 1 << 18), None);
        assert_eq!(Geometry::new(1 << 20, 100_000), None);
    }

    #[test]
    fn positions_run_on_and_places_come_round() {
        let geometry = Geometry::new(1 << 14, 1 << 12).unwrap();
        assert_eq!(geometry.count(), 4);
        let round = 5 << 14;
        assert_eq!(geometry.offset(round + 4100), 4100);
        assert_eq!(geometry.start(round + 4100), round + 4096);
        assert_eq!(geometry.start(round + 4096), round + 4096);
        assert_eq!(geometry.start(round + 4095), round);
        assert_eq!(geometry.value_size(), 4096 + (1 << 14) + 65536);
    }
}
