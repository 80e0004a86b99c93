//! Numbers as programs write them: read from their characters and compared exactly, never through a float.
//!
//! Plugins, exporters and documents of JSON write decimals, some with an exponent; what has more than 36 digits is none that
//! anybody measured, and is not read. What is kept of a reading are thousandths in a base unit; what has more digits than that is rounded so that nothing looks better than it is.

use std::cmp::Ordering;

/// A number, with a sign and an exponent of ten; two that are equal are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quantity {
    negative: bool,
    /// Does not end in a zero, except in the number 0.
    digits: u128,
    exponent: i32,
}

/// Which way what has more digits than there is room for is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To the next higher.
    Up,
    /// To the next lower.
    Down,
}

/// By how much a unit is larger than the base unit that it is counted in: a factor, and a power of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The factor.
    pub factor: u64,
    /// The power of ten.
    pub tens: i32,
}

impl Scale {
    /// The base unit itself.
    pub const ONE: Self = Self { factor: 1, tens: 0 };
}

/// Most digits that count: as many as fit with room to line two numbers up.
const DIGITS_MAX: u32 = 36;
/// The largest exponent that is read, either way.
const EXPONENT_MAX: i32 = 9_999;

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { negative: false, digits: 0, exponent: 0 };

    /// Reads `-12`, `0.5`, `1.5e+06`; what is no number, such as `NaN` or `+Inf`, is none.
    ///
    /// ```
    /// use uphold_common::quantity::Quantity;
    /// let number = |text| Quantity::parse(text).unwrap();
    /// assert_eq!(number("1.5e+06"), number("1500000"));
    /// assert!(number("0.1") < number("0.10000000000000001"));
    /// assert_eq!(Quantity::parse("NaN"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        if exponent.abs() > EXPONENT_MAX {
            return None;
        }
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let decimals = i32::try_from(fraction.len()).ok().filter(|decimals| *decimals <= EXPONENT_MAX)?;
        let mut digits: u128 = 0;
        // Zeros are put in only once another digit follows them, so that those at the end take no room.
        let mut zeros = 0_u32;
        for byte in whole.bytes().chain(fraction.bytes()) {
            match byte {
                b'0' => zeros = zeros.saturating_add(1),
                b'1'..=b'9' => {
                    let shift = 10_u128.checked_pow(if digits == 0 { 1 } else { zeros + 1 })?;
                    digits = digits.checked_mul(shift)?.checked_add(u128::from(byte - b'0'))?;
                    zeros = 0;
                }
                _ => return None,
            }
        }
        if digits == 0 {
            return Some(Self::ZERO);
        }
        let exponent = exponent - decimals + i32::try_from(zeros).ok()?;
        (digits.ilog10() < DIGITS_MAX).then_some(Self { negative, digits, exponent })
    }

    /// In thousandths of the base unit, as far as they fit; none for what is below zero.
    pub fn thousandths(self, scale: Scale, rounding: Rounding) -> Option<u64> {
        if self.negative {
            return None;
        }
        let scaled = self.digits.checked_mul(u128::from(scale.factor))?;
        let tens = self.exponent.checked_add(scale.tens)?.checked_add(3)?;
        let power = 10_u128.checked_pow(tens.unsigned_abs());
        let whole = match power {
            Some(power) if tens >= 0 => scaled.checked_mul(power)?,
            Some(power) if rounding == Rounding::Up => scaled.div_ceil(power),
            Some(power) => scaled / power,
            // Nothing but zero is so large, and nothing so small is more than zero.
            None if tens >= 0 => {
                if scaled == 0 {
                    0
                } else {
                    return None;
                }
            }
            None => u128::from(rounding == Rounding::Up && scaled > 0),
        };
        u64::try_from(whole).ok()
    }

    /// Where the first digit stands; the higher, the larger.
    fn height(self) -> i64 {
        i64::from(self.digits.checked_ilog10().unwrap_or_default()) + i64::from(self.exponent)
    }

    /// The digits without the exponent, with as many zeros as make all numbers equally long.
    fn lined_up(self) -> u128 {
        let length = self.digits.checked_ilog10().unwrap_or_default();
        self.digits * 10_u128.pow(DIGITS_MAX - 1 - length.min(DIGITS_MAX - 1))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.negative, number.digits) {
            (_, 0) => 0,
            (true, _) => -1,
            (false, _) => 1,
        };
        let size = || self.height().cmp(&other.height()).then_with(|| self.lined_up().cmp(&other.lined_up()));
        sign(self).cmp(&sign(other)).then_with(|| match sign(self) {
            0 => Ordering::Equal,
            -1 => size().reverse(),
            _ => size(),
        })
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Quantity {
        Quantity::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn numbers_stand_in_their_order_however_they_are_written() {
        let order = [
            "-1e400",
            "-2",
            "-1.5",
            "-1e-9999",
            "0",
            "1e-9999",
            "0.1",
            "0.10000000000000000000000000000000001",
            "1",
            "9",
            "10",
            "10.5",
            "99",
            "100",
            "1e308",
            "1.0000001e308",
            "9e9999",
        ];
        for (low, a) in order.iter().enumerate() {
            for (high, b) in order.iter().enumerate() {
                assert_eq!(number(a).cmp(&number(b)), low.cmp(&high), "{a} and {b}");
            }
        }
        for same in [["0", "-0.000"], ["1e3", "1000"], ["+1.50E-3", "0.0015"], [".5", "0.5"], ["5.", "5"], ["0e9", "0"]]
        {
            assert_eq!(number(same[0]), number(same[1]));
            assert_eq!(number(same[0]).cmp(&number(same[1])), Ordering::Equal);
        }
        let long = format!("1{}", "0".repeat(300));
        assert_eq!(number(&long), number("1e300"));
    }

    #[test]
    fn what_is_no_number_or_has_too_many_digits_is_none() {
        let long = "1234567890".repeat(4);
        for text in ["", "-", ".", "e5", "1e", "1e99999", "NaN", "+Inf", "0x10", "1_0", "1,5", "--1", "٣", " 1", &long]
        {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn thousandths_are_exact_and_rounded_only_where_they_must_be() {
        let mega = Scale { factor: 1024 * 1024, tens: 0 };
        let (micro, seconds) = (Scale { factor: 1, tens: -3 }, Scale { factor: 1, tens: 3 });
        for (text, scale, up, down) in [
            ("0", Scale::ONE, Some(0), Some(0)),
            ("0.5", Scale::ONE, Some(500), Some(500)),
            ("2643", mega, Some(2_771_386_368_000), Some(2_771_386_368_000)),
            ("0.000123", seconds, Some(123), Some(123)),
            ("0.0001234", seconds, Some(124), Some(123)),
            ("1", micro, Some(1), Some(1)),
            ("0.1", micro, Some(1), Some(0)),
            ("1e-9999", Scale::ONE, Some(1), Some(0)),
            ("18446744073709551.615", Scale::ONE, Some(u64::MAX), Some(u64::MAX)),
            ("18446744073709551.616", Scale::ONE, None, None),
            ("1e9999", Scale::ONE, None, None),
            ("-1", Scale::ONE, None, None),
        ] {
            assert_eq!(number(text).thousandths(scale, Rounding::Up), up, "{text}");
            assert_eq!(number(text).thousandths(scale, Rounding::Down), down, "{text}");
        }
    }
}
