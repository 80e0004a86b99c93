//! Numbers of any size as JSON writes them, compared exactly and never through a float.

use std::cmp::Ordering;

/// Most characters of a number.
const CHARS_MAX: usize = 1_000;

/// A number: its sign, its digits without zeros at either end, and where its point is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    /// What stands behind `0.`; empty for zero.
    digits: String,
    /// By how many places the point is moved to the right.
    point: i64,
}

impl Number {
    /// Reads a number by the grammar of JSON, such as `-12.50e3`.
    ///
    /// ```
    /// use uphold_common::number::Number;
    /// let of = |text| Number::parse(text).unwrap();
    /// assert!(of("0.1e2") == of("10.0") && of("9007199254740993") > of("9007199254740992.5"));
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > CHARS_MAX {
            return None;
        }
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let dangling = mantissa.contains('.') && fraction.is_empty();
        let led_by_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty() || !digits(whole) || !digits(fraction) || dangling || led_by_zero {
            return None;
        }
        let sign_taken = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if sign_taken.is_empty() || !digits(sign_taken) {
            return None;
        }
        // An exponent beyond what eighteen digits say is no number that anybody compares.
        let exponent: i64 = exponent.parse().ok().filter(|_| sign_taken.len() <= 18)?;
        let all = format!("{whole}{fraction}");
        let from_first = all.trim_start_matches('0');
        let zeros = i64::try_from(all.len() - from_first.len()).ok()?;
        let digits = from_first.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self { negative: false, digits: String::new(), point: 0 });
        }
        let point = i64::try_from(whole.len()).ok()? - zeros + exponent;
        Some(Self { negative: text.starts_with('-'), digits: digits.to_owned(), point })
    }

    /// Without the sign.
    fn magnitude(&self, other: &Self) -> Ordering {
        // Zero has no first digit, whose place could be compared.
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_order_whatever_their_spelling() {
        let ordered = [
            "-1e400",
            "-100",
            "-1.50",
            "-1.4999999999999999999999",
            "-1e-400",
            "0",
            "1e-400",
            "0.30",
            "0.30000000000000000004",
            "1",
            "9007199254740992",
            "9007199254740993",
            "1e999999999999999999",
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                let of = |text| Number::parse(text).unwrap();
                assert_eq!(of(a).cmp(&of(b)), i.cmp(&j), "{a} {b}");
            }
        }
        for (a, b) in [("10", "1e1"), ("-0.0", "0"), ("100E-2", "1.000"), ("0.05e+1", "0.5"), ("0e7", "0")] {
            assert_eq!(Number::parse(a).unwrap(), Number::parse(b).unwrap(), "{a} {b}");
        }
    }

    #[test]
    fn what_json_writes_otherwise_is_no_number() {
        for text in
            ["", "-", "+1", ".5", "5.", "01", "1e", "1e+", "e5", "0x1", "1,5", " 1", "1e1000000000000000000", "٣"]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
        assert_eq!(Number::parse(&"1".repeat(CHARS_MAX + 1)), None);
    }
}
