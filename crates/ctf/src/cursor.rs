//! A bounded, offset-keeping reader: the only place that takes integers out of bytes.
//!
//! Positions count bits from the beginning of the packet, because alignment in CTF is relative to
//! the packet. Little-endian bit fields fill a byte from its least significant bit, big-endian
//! ones from its most significant bit (CTF 1.8, section 4.1.5).

use crate::error::{Fault, ReadError};
use crate::types::ByteOrder;

/// Reads from `bytes`, never beyond `end`.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    /// Position of the next bit.
    bit: u64,
    /// First bit that may not be read.
    end: u64,
    /// Byte order of the bits already taken from the byte at `bit`, if any were taken from it here.
    /// Only meaningful inside a byte.
    order: Option<ByteOrder>,
}

impl<'a> Cursor<'a> {
    /// A cursor at bit `bit` that ends at bit `end` or where the bytes end.
    pub fn new(bytes: &'a [u8], bit: u64, end: u64) -> Self {
        let end = end.min((bytes.len() as u64).saturating_mul(8));
        Cursor { bytes, bit: bit.min(end), end, order: None }
    }

    /// Position in bits from the beginning of the bytes.
    pub fn bit(&self) -> u64 {
        self.bit
    }

    /// Position in whole bytes, rounded down.
    pub fn offset(&self) -> u64 {
        self.bit / 8
    }

    /// Bits that are left.
    pub fn left(&self) -> u64 {
        self.end - self.bit
    }

    /// An error at this position.
    #[cold]
    pub fn error(&self, fault: Fault) -> ReadError {
        ReadError { offset: self.offset(), fault }
    }

    /// Moves to the next multiple of `align` bits (a power of two).
    ///
    /// # Errors
    /// [`Fault::PastEnd`] when that is beyond the end.
    #[inline]
    pub fn align(&mut self, align: u32) -> Result<(), ReadError> {
        let mask = u64::from(align.max(1)) - 1;
        let padding = self.bit.wrapping_neg() & mask;
        if padding != 0 {
            self.check(padding)?;
            self.bit += padding;
        }
        Ok(())
    }

    /// The next `bits` bits (at most 64) as an unsigned number.
    ///
    /// # Errors
    /// [`Fault::PastEnd`]; [`Fault::ByteOrderChange`] when an unaligned field follows one of the
    /// other byte order within a byte.
    #[inline]
    pub fn unsigned(&mut self, bits: u32, order: ByteOrder) -> Result<u64, ReadError> {
        self.check(u64::from(bits))?;
        if !(self.bit | u64::from(bits)).is_multiple_of(8) {
            return self.bit_field(bits, order);
        }
        let from = (self.bit / 8) as usize;
        let bytes = self.bytes.get(from..from + (bits / 8) as usize).unwrap_or_default();
        self.bit += u64::from(bits);
        Ok(match (bytes, order) {
            (&[a], _) => u64::from(a),
            (&[a, b], ByteOrder::Little) => u64::from(u16::from_le_bytes([a, b])),
            (&[a, b, c, d], ByteOrder::Little) => u64::from(u32::from_le_bytes([a, b, c, d])),
            (&[a, b, c, d, e, f, g, h], ByteOrder::Little) => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            (few, ByteOrder::Little) => few.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b)),
            (few, ByteOrder::Big) => few.iter().fold(0, |v, b| v << 8 | u64::from(*b)),
        })
    }

    /// The next `bits` bits (at most 64) as a two's complement number.
    ///
    /// # Errors
    /// As [`Cursor::unsigned`].
    #[inline]
    pub fn signed(&mut self, bits: u32, order: ByteOrder) -> Result<i64, ReadError> {
        let unused = 64 - bits.clamp(1, 64);
        Ok((self.unsigned(bits, order)? << unused) as i64 >> unused)
    }

    /// The bytes up to the next NUL, which is taken too. The position must be byte aligned.
    ///
    /// # Errors
    /// [`Fault::UnterminatedString`].
    pub fn string(&mut self) -> Result<&'a [u8], ReadError> {
        let rest = self.bytes.get((self.bit / 8) as usize..(self.end / 8) as usize).unwrap_or_default();
        let length =
            rest.iter().position(|b| *b == 0).ok_or_else(|| self.error(Fault::UnterminatedString))?;
        self.bit += (length as u64 + 1) * 8;
        Ok(rest.get(..length).unwrap_or_default())
    }

    /// The next `count` bytes. The position must be byte aligned.
    ///
    /// # Errors
    /// [`Fault::TooLong`] when there are fewer.
    pub fn bytes(&mut self, count: u64) -> Result<&'a [u8], ReadError> {
        let left = self.left();
        if count > left / 8 {
            return Err(self.error(Fault::TooLong { count, left }));
        }
        let from = (self.bit / 8) as usize;
        self.bit += count * 8;
        Ok(self.bytes.get(from..from + count as usize).unwrap_or_default())
    }

    /// The next `count` bytes, when so many are left and the position is that of a byte; else nothing is read.
    #[inline]
    pub(crate) fn whole_bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        if !self.bit.is_multiple_of(8) || (count as u64) * 8 > self.left() {
            return None;
        }
        let from = (self.bit / 8) as usize;
        self.bit += (count as u64) * 8;
        self.bytes.get(from..from + count)
    }

    #[inline]
    fn check(&self, need: u64) -> Result<(), ReadError> {
        let left = self.left();
        if need > left { Err(self.error(Fault::PastEnd { need, left })) } else { Ok(()) }
    }

    /// A field that does not consist of whole bytes. The bounds are already checked.
    fn bit_field(&mut self, bits: u32, order: ByteOrder) -> Result<u64, ReadError> {
        let skip = (self.bit % 8) as u32;
        if skip != 0 && self.order.is_some_and(|before| before != order) {
            return Err(self.error(Fault::ByteOrderChange));
        }
        self.order = Some(order);
        // At most 7 + 64 bits, so nine bytes: they fit into the wide number.
        let from = (self.bit / 8) as usize;
        let count = (skip + bits).div_ceil(8);
        let bytes = self.bytes.get(from..from + count as usize).unwrap_or_default();
        self.bit += u64::from(bits);
        let mask = u128::from(u64::MAX >> (64 - bits.clamp(1, 64)));
        let wide = match order {
            ByteOrder::Little => bytes.iter().rev().fold(0u128, |v, b| v << 8 | u128::from(*b)) >> skip,
            ByteOrder::Big => {
                bytes.iter().fold(0u128, |v, b| v << 8 | u128::from(*b)) >> (count * 8 - skip - bits)
            }
        };
        Ok((wide & mask) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ByteOrder::{Big, Little};

    fn over(bytes: &[u8]) -> Cursor<'_> {
        Cursor::new(bytes, 0, u64::MAX)
    }

    #[test]
    fn whole_bytes_in_both_orders() {
        let bytes = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88];
        for (bits, little, big) in [
            (8, 0x11, 0x11),
            (16, 0x2211, 0x1122),
            (24, 0x332211, 0x112233),
            (32, 0x44332211, 0x11223344),
            (56, 0x77665544332211, 0x11223344556677),
            (64, 0x8877665544332211, 0x1122334455667788),
        ] {
            assert_eq!(over(&bytes).unsigned(bits, Little).unwrap(), little);
            assert_eq!(over(&bytes).unsigned(bits, Big).unwrap(), big);
        }
    }

    #[test]
    fn bit_fields_fill_little_endian_bytes_from_below() {
        // 0b1_0110_101: 3 bits, 4 bits, 1 bit, counted from the right.
        let mut cursor = over(&[0b1011_0101, 0xff]);
        assert_eq!(cursor.unsigned(3, Little).unwrap(), 0b101);
        assert_eq!(cursor.unsigned(4, Little).unwrap(), 0b0110);
        assert_eq!(cursor.unsigned(1, Little).unwrap(), 1);
        assert_eq!(cursor.unsigned(8, Little).unwrap(), 0xff);
    }

    #[test]
    fn bit_fields_fill_big_endian_bytes_from_above() {
        let mut cursor = over(&[0b1010_1101, 0xff]);
        assert_eq!(cursor.unsigned(3, Big).unwrap(), 0b101);
        assert_eq!(cursor.unsigned(4, Big).unwrap(), 0b0110);
        assert_eq!(cursor.unsigned(9, Big).unwrap(), 0b1_1111_1111);
    }

    #[test]
    fn sixty_four_bits_across_nine_bytes() {
        let bytes = [0x80, 1, 0, 0, 0, 0, 0, 0, 0x7f];
        let mut cursor = over(&bytes);
        cursor.unsigned(7, Little).unwrap();
        assert_eq!(cursor.unsigned(64, Little).unwrap(), 0xfe00_0000_0000_0003);
    }

    #[test]
    fn negative_numbers_of_any_width() {
        assert_eq!(over(&[0xff]).signed(8, Little).unwrap(), -1);
        assert_eq!(over(&[0b0000_0110]).signed(3, Little).unwrap(), -2);
        assert_eq!(over(&[0xfe, 0xff]).signed(16, Little).unwrap(), -2);
        assert_eq!(over(&[0, 0, 0, 0, 0, 0, 0, 0x80]).signed(64, Little).unwrap(), i64::MIN);
        assert_eq!(over(&[0x7f]).signed(8, Big).unwrap(), 127);
    }

    #[test]
    fn alignment_skips_padding_and_stops_at_the_end() {
        let mut cursor = over(&[1, 2, 3, 4]);
        cursor.unsigned(8, Little).unwrap();
        cursor.align(64).unwrap_err();
        cursor.align(16).unwrap();
        assert_eq!(cursor.unsigned(8, Little).unwrap(), 3);
        cursor.align(8).unwrap();
        assert_eq!(cursor.bit(), 24);
    }

    #[test]
    fn nothing_is_read_beyond_the_end() {
        let mut cursor = Cursor::new(&[1, 2, 3, 4], 8, 24);
        let fault = Fault::PastEnd { need: 32, left: 16 };
        assert_eq!(cursor.unsigned(32, Little), Err(ReadError { offset: 1, fault }));
        let fault = Fault::TooLong { count: 3, left: 16 };
        assert_eq!(cursor.bytes(3), Err(ReadError { offset: 1, fault }));
        assert_eq!(cursor.string(), Err(ReadError { offset: 1, fault: Fault::UnterminatedString }));
        assert_eq!(cursor.bytes(2).unwrap(), [2, 3]);
        assert_eq!(cursor.left(), 0);
    }

    #[test]
    fn a_string_ends_at_its_nul() {
        let mut cursor = over(b"ab\0\0c");
        assert_eq!(cursor.string().unwrap(), b"ab");
        assert_eq!(cursor.string().unwrap(), b"");
        assert_eq!(cursor.offset(), 4);
    }

    #[test]
    fn orders_may_not_mix_within_a_byte() {
        let mut cursor = over(&[0xff, 0xff]);
        cursor.unsigned(3, Little).unwrap();
        assert_eq!(cursor.unsigned(5, Big), Err(ReadError { offset: 0, fault: Fault::ByteOrderChange }));
        cursor.unsigned(5, Little).unwrap();
        assert_eq!(cursor.unsigned(3, Big).unwrap(), 7);
    }
}
