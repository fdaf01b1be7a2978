//! Names that an enumeration gives to numbers.

use super::{Btf, ENUM, Error, Kind, word};

impl Btf {
    /// Names and values of `enum NAME`, in the order of its declaration. Values of 32 bits are signed where the kernel says so.
    pub fn enumerators(&self, name: &str) -> Result<Vec<(String, i64)>, Error> {
        let ty = self.ty(self.find(Kind::Enum, name)?)?;
        let narrow = ty.kind == ENUM;
        let step = if narrow { 8 } else { 12 };
        let all = (0..ty.count).map(|index| {
            let at = ty.offset + 12 + index * step;
            let low = word(&self.bytes, at + 4)?;
            let value = match (narrow, ty.flag) {
                (true, true) => i64::from(low.cast_signed()),
                (true, false) => i64::from(low),
                (false, _) => (u64::from(word(&self.bytes, at + 8)?) << 32 | u64::from(low)).cast_signed(),
            };
            Ok((String::from_utf8_lossy(self.string(word(&self.bytes, at)?)).into_owned(), value))
        });
        all.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `enum way { IN, OUT = -1 }; enum far : u64 { THERE = 1 << 33 };`
    #[test]
    fn names_and_values_in_both_widths() {
        let strings = b"\0way\0IN\0OUT\0far\0THERE\0";
        let enum64 = 19;
        let types: [u32; 13] =
            [1, 1 << 31 | ENUM << 24 | 2, 4, 5, 0, 8, u32::MAX, 12, enum64 << 24 | 1, 8, 16, 0, 2];
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        let len = u32::try_from(types.len() * 4).unwrap();
        for header in [24, 0, len, len, u32::try_from(strings.len()).unwrap()] {
            bytes.extend_from_slice(&header.to_le_bytes());
        }
        bytes.extend(types.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend_from_slice(strings);
        let btf = Btf::parse(bytes, |kind, _| kind == Kind::Enum).unwrap();
        assert_eq!(btf.enumerators("way").unwrap(), [("IN".to_owned(), 0), ("OUT".to_owned(), -1)]);
        assert_eq!(btf.enumerators("far").unwrap(), [("THERE".to_owned(), 1 << 33)]);
        assert!(btf.enumerators("none").is_err());
    }
}
