//! Decimals that are not negative: read from their characters and compared exactly, never through a float.

use std::fmt;

/// A number such as `14.4`, with at most nine decimals, printed as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    billionths: i64,
    decimals: u8,
}

/// Why a text is no decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number with at most nine digits before and after the point, such as \"14.4\"")]
pub struct BadDecimal;

/// Most digits before the point, and after it.
const DIGITS_MAX: usize = 9;

impl Decimal {
    /// `tenths` of one.
    pub const fn tenths(tenths: u32) -> Self {
        Self { billionths: tenths as i64 * 100_000_000, decimals: if tenths.is_multiple_of(10) { 0 } else { 1 } }
    }

    /// Reads `14.4`.
    ///
    /// ```
    /// use uphold_common::decimal::Decimal;
    /// assert_eq!(Decimal::parse("14.4").unwrap().billionths(), 14_400_000_000);
    /// ```
    pub fn parse(text: &str) -> Result<Self, BadDecimal> {
        let number = text.trim();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |s: &str| s.len() <= DIGITS_MAX && s.bytes().all(|b| b.is_ascii_digit());
        let dangling = number.contains('.') && fraction.is_empty();
        if whole.is_empty() || dangling || !digits(whole) || !digits(fraction) {
            return Err(BadDecimal);
        }
        let billionths = format!("{whole}{fraction:0<9}").parse().map_err(|_| BadDecimal)?;
        Ok(Self { billionths, decimals: u8::try_from(fraction.len()).map_err(|_| BadDecimal)? })
    }

    /// In whole billionths.
    pub const fn billionths(self) -> i64 {
        self.billionths
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.billionths / 1_000_000_000, self.billionths % 1_000_000_000);
        match format!("{fraction:09}").get(..usize::from(self.decimals)) {
            Some(cut) if self.decimals > 0 => write!(f, "{whole}.{cut}"),
            _ => write!(f, "{whole}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_from_their_characters_and_printed_as_written() {
        for (text, billionths) in
            [("14.4", 14_400_000_000), ("6", 6_000_000_000), ("0.000000001", 1), ("1.50", 1_500_000_000)]
        {
            let read = Decimal::parse(text).unwrap();
            assert_eq!((read.billionths(), read.to_string().as_str()), (billionths, text));
        }
        for bad in ["", ".5", "5.", "-1", "1e3", "1,5", "0.0000000001", "1000000000", "1.2.3", "٣"] {
            assert_eq!(Decimal::parse(bad), Err(BadDecimal), "{bad}");
        }
        assert_eq!(
            (Decimal::tenths(144), Decimal::tenths(60)),
            (Decimal::parse("14.4").unwrap(), Decimal::parse("6").unwrap())
        );
    }
}
