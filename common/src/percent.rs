//! Parts per billion and exact ratios: read from their characters and printed cut, never through a float.
//!
//! A target is a whole number of parts per billion ([`Ppb`]); a figure is a [`Ratio`] of whole milliseconds. What is
//! printed is cut to the target's decimals, at least two, so that 99.8999 % is never shown as 99.90 %.

use std::fmt;

/// A share in whole parts per billion, with the number of decimals it was written with as a percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ppb {
    parts: i64,
    decimals: u8,
}

/// Parts per billion in the whole.
pub const BILLION: i64 = 1_000_000_000;

/// Why a text is no percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a percentage from 0% to 100% with at most seven decimals, such as \"99.95%\"")]
pub struct BadPercent;

impl Ppb {
    /// Reads `99.95%`: 999,500,000 parts per billion, printed with two decimals.
    ///
    /// ```
    /// use uphold_common::percent::Ppb;
    /// assert_eq!(Ppb::parse("99.95%").unwrap().parts(), 999_500_000);
    /// ```
    pub fn parse(text: &str) -> Result<Self, BadPercent> {
        let number = text.trim().strip_suffix('%').ok_or(BadPercent)?.trim_end();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        let dangling = number.contains('.') && fraction.is_empty();
        if whole.is_empty() || whole.len() > 3 || fraction.len() > 7 || dangling || !digits(whole) || !digits(fraction)
        {
            return Err(BadPercent);
        }
        let parts: i64 = format!("{whole}{fraction:0<7}").parse().map_err(|_| BadPercent)?;
        if parts > BILLION {
            return Err(BadPercent);
        }
        let decimals = u8::try_from(fraction.len()).map_err(|_| BadPercent)?;
        Ok(Self { parts, decimals })
    }

    /// A whole number of percent; more than 100 is 100.
    pub const fn whole_percent(percent: u8) -> Self {
        let percent = if percent > 100 { 100 } else { percent };
        Self { parts: percent as i64 * (BILLION / 100), decimals: 0 }
    }

    /// Whole parts per billion, 0 to 1,000,000,000.
    pub const fn parts(self) -> i64 {
        self.parts
    }

    /// The decimals figures beside this target are printed with: its own, at least two.
    pub fn decimals(self) -> u8 {
        self.decimals.max(2)
    }
}

impl fmt::Display for Ppb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = usize::from(self.decimals);
        let fraction = format!("{:07}", self.parts % 10_000_000);
        let whole = self.parts / 10_000_000;
        match fraction.get(..decimals) {
            Some(cut) if decimals > 0 => write!(f, "{whole}.{cut}%"),
            _ => write!(f, "{whole}%"),
        }
    }
}

/// An exact ratio of two whole numbers in lowest terms; the denominator is above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: i64,
    denominator: i64,
}

impl Ratio {
    /// `numerator / denominator` in lowest terms; `None` when the denominator is not above zero.
    pub fn new(numerator: i64, denominator: i64) -> Option<Self> {
        if denominator <= 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator.unsigned_abs().into(), denominator.unsigned_abs().into());
        let divisor = i64::try_from(divisor).ok().filter(|d| *d > 0)?;
        Some(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// The numerator, in lowest terms.
    pub const fn numerator(self) -> i64 {
        self.numerator
    }

    /// The denominator, in lowest terms.
    pub const fn denominator(self) -> i64 {
        self.denominator
    }

    /// As a percentage cut (towards minus infinity) to `decimals`, without the sign: `99.89`.
    pub fn percent(self, decimals: u8) -> String {
        let scale = 10_i128.pow(u32::from(decimals));
        let cut = (i128::from(self.numerator) * 100 * scale).div_euclid(i128::from(self.denominator));
        let sign = if cut < 0 { "-" } else { "" };
        let (whole, fraction) = (cut.abs() / scale, cut.abs() % scale);
        if decimals == 0 {
            return format!("{sign}{whole}");
        }
        format!("{sign}{whole}.{fraction:0width$}", width = usize::from(decimals))
    }

    /// The whole number in it, cut (towards minus infinity).
    pub const fn whole(self) -> i64 {
        self.numerator.div_euclid(self.denominator)
    }

    /// In whole parts per billion, cut.
    pub fn parts_per_billion(self) -> i64 {
        let cut = (i128::from(self.numerator) * i128::from(BILLION)).div_euclid(i128::from(self.denominator));
        i64::try_from(cut).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// As a [`Ratio`], of numbers that 64 bits do not hold: products of milliseconds with weights or parts per billion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WideRatio {
    numerator: i128,
    denominator: i128,
}

impl WideRatio {
    /// `numerator / denominator` in lowest terms; `None` when the denominator is not above zero.
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator <= 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).ok().filter(|d| *d > 0)?;
        Some(Self { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// The numerator, in lowest terms.
    pub const fn numerator(self) -> i128 {
        self.numerator
    }

    /// The denominator, in lowest terms.
    pub const fn denominator(self) -> i128 {
        self.denominator
    }

    /// As a decimal cut (towards minus infinity) to `decimals`: `14.39`.
    pub fn decimal(self, decimals: u8) -> String {
        let scale = 10_i128.saturating_pow(u32::from(decimals));
        // The whole part apart, so that the product stays small.
        let (whole, rest) = (self.numerator.div_euclid(self.denominator), self.numerator.rem_euclid(self.denominator));
        let cut = whole.saturating_mul(scale).saturating_add(rest.saturating_mul(scale).div_euclid(self.denominator));
        let sign = if cut < 0 { "-" } else { "" };
        let (whole, fraction) = (cut.unsigned_abs() / scale.unsigned_abs(), cut.unsigned_abs() % scale.unsigned_abs());
        if decimals == 0 {
            return format!("{sign}{whole}");
        }
        format!("{sign}{whole}.{fraction:0width$}", width = usize::from(decimals))
    }
}

impl fmt::Display for WideRatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_read_from_their_characters() {
        for (text, parts, shown) in [
            ("99.95%", 999_500_000, "99.95%"),
            ("100%", BILLION, "100%"),
            ("99.9999999%", 999_999_999, "99.9999999%"),
            ("0%", 0, "0%"),
        ] {
            let ppb = Ppb::parse(text).unwrap();
            assert_eq!((ppb.parts(), ppb.to_string().as_str()), (parts, shown));
        }
        for bad in ["99.95", "101%", "100.0000001%", "-1%", "99.%", ".5%", "99.99999999%", "1e2%", "%", "99,9%"] {
            assert_eq!(Ppb::parse(bad), Err(BadPercent), "{bad}");
        }
    }

    #[test]
    fn printed_figures_are_cut_never_rounded_up() {
        assert_eq!(Ratio::new(998_999, 1_000_000).unwrap().percent(2), "99.89");
        assert_eq!(Ratio::new(1, 1).unwrap().percent(2), "100.00");
        assert_eq!(Ratio::new(2, 3).unwrap().percent(4), "66.6666");
        assert_eq!(Ratio::new(-1, 3).unwrap().percent(2), "-33.34");
        assert_eq!(Ratio::new(1, 3).unwrap().percent(0), "33");
    }

    #[test]
    fn ratios_are_in_lowest_terms() {
        assert_eq!(Ratio::new(50, 100).unwrap().to_string(), "1/2");
        assert_eq!(Ratio::new(0, 7).unwrap().to_string(), "0/1");
        assert_eq!(Ratio::new(1, 0), None);
        let wide = |numerator, denominator| WideRatio::new(numerator, denominator).unwrap();
        assert_eq!(wide(50 << 90, 100 << 90).to_string(), "1/2");
        assert_eq!(WideRatio::new(1, 0), None);
        assert_eq!((wide(72, 5).decimal(2), wide(2, 3).decimal(2)), ("14.40".to_owned(), "0.66".to_owned()));
        assert_eq!((wide(-1, 3).decimal(2), wide(7, 2).decimal(0)), ("-0.34".to_owned(), "3".to_owned()));
        assert_eq!((Ratio::new(5, 3).unwrap().whole(), Ratio::new(-1, 3).unwrap().whole()), (1, -1));
    }
}
