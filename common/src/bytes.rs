//! Bytes for people: sizes as they are written, contents in hexadecimal.

use std::fmt;

const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// Reads `512B`, `64KiB`, `256MiB` or `2GiB`: a whole number with its unit.
///
/// ```
/// assert_eq!(uphold_common::bytes::parse_size("64KiB"), Some(65_536));
/// ```
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at_checked(digits)?;
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    count.parse::<u64>().ok()?.checked_mul(*factor)
}

/// Shows bytes as two hexadecimal digits each.
///
/// ```
/// assert_eq!(uphold_common::bytes::Hex(&[0, 171]).to_string(), "00ab");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, bytes) in [("0B", 0), ("17B", 17), ("64KiB", 65_536), ("256 MiB", 256 << 20), ("2GiB", 2 << 30)] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        for text in ["", "17", "MiB", "1.5GiB", "-1B", "+1B", "5MB", "64kib", " 1B", "1B ", "99999999999GiB"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(Hex(&[]).to_string(), "");
        assert_eq!(Hex(&[0x00, 0x0f, 0xf0, 0xff]).to_string(), "000ff0ff");
    }
}
