//! Instants, half-open intervals and durations, all in whole milliseconds.
//!
//! An [`Instant`] is UTC and carries no zone; local rules live in [`crate::measure::window`]. Durations are plain
//! `i64` milliseconds whose names end in `_ms`; [`parse_duration_ms`] and [`DurationText`] read and print them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Milliseconds in a day of 24 hours.
pub const DAY_MS: i64 = 86_400_000;

/// A point in time: whole milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(i64);

impl Instant {
    /// The earliest instant that can be written down as a date.
    pub const MIN: Self = Self(-377_705_023_201_000);
    /// The latest instant that can be written down as a date.
    pub const MAX: Self = Self(253_402_207_199_999);

    /// The instant `ms` milliseconds after the epoch, held within [`Self::MIN`] and [`Self::MAX`].
    #[inline]
    pub const fn from_ms(ms: i64) -> Self {
        if ms < Self::MIN.0 {
            Self::MIN
        } else if ms > Self::MAX.0 {
            Self::MAX
        } else {
            Self(ms)
        }
    }

    /// Milliseconds since the epoch.
    #[inline]
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// The instant `ms` later (earlier when negative), held within the range of instants.
    #[must_use]
    #[inline]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_add(ms))
    }

    /// The instant `ms` earlier, held within the range of instants.
    #[must_use]
    #[inline]
    pub const fn minus_ms(self, ms: i64) -> Self {
        Self::from_ms(self.0.saturating_sub(ms))
    }

    /// Milliseconds from `earlier` to here; negative when `earlier` is later.
    #[inline]
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The UTC day this instant lies in, counted from 1970-01-01.
    #[inline]
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// Reads RFC 3339 (`2026-03-01T00:00:00+01:00`) or whole milliseconds since the epoch.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(ms) = text.parse::<i64>() {
            return (Self::MIN.0..=Self::MAX.0).contains(&ms).then_some(Self(ms));
        }
        let at: Timestamp = text.parse().ok()?;
        Some(Self(at.as_millisecond()))
    }

    /// The same point in time as jiff writes it.
    pub fn to_timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl From<Timestamp> for Instant {
    fn from(at: Timestamp) -> Self {
        Self::from_ms(at.as_millisecond())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_timestamp())
    }
}

/// A half-open stretch of time: `start` belongs to it, `end` does not. It is empty when `end <= start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// The first instant inside.
    pub start: Instant,
    /// The first instant after.
    pub end: Instant,
}

impl Interval {
    /// `[start, end)`.
    pub const fn new(start: Instant, end: Instant) -> Self {
        Self { start, end }
    }

    /// Its length, 0 when empty.
    pub fn len_ms(self) -> i64 {
        self.end.since_ms(self.start).max(0)
    }

    /// Whether no instant lies in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Whether `at` lies in it.
    #[inline]
    pub fn contains(self, at: Instant) -> bool {
        self.start <= at && at < self.end
    }

    /// What both have in common; empty when they do not touch.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self { start: self.start.max(other.start), end: self.end.min(other.end) }
    }

    /// Whether they have an instant in common.
    pub fn overlaps(self, other: Self) -> bool {
        !self.intersect(other).is_empty()
    }
}

/// The units durations are written in, longest first, in milliseconds.
const UNITS: [(&str, i64); 6] =
    [("w", 7 * DAY_MS), ("d", DAY_MS), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads a duration such as `30s`, `5m`, `800ms`, `14d` or `1h30m`; `None` when it is not one or does not fit.
///
/// ```
/// use uphold_common::time::parse_duration_ms;
/// assert_eq!(parse_duration_ms("1h30m"), Some(5_400_000));
/// assert_eq!(parse_duration_ms("30"), None);
/// ```
pub fn parse_duration_ms(text: &str) -> Option<i64> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = rest.get(..letters)?;
        rest = rest.get(letters..)?;
        let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(count.checked_mul(*unit_ms)?)?;
    }
    Some(total)
}

/// Prints milliseconds as people write durations: `1h 30m`, `4.25s`, `0s`.
#[derive(Clone, Copy, Debug)]
pub struct DurationText(pub i64);

impl fmt::Display for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let ms = self.0.unsigned_abs();
        let (days, hours, minutes) = (ms / 86_400_000, ms / 3_600_000 % 24, ms / 60_000 % 60);
        let (seconds, millis) = (ms / 1_000 % 60, ms % 1_000);
        let mut parts = Vec::new();
        for (count, unit) in [(days, "d"), (hours, "h"), (minutes, "m")] {
            if count > 0 {
                parts.push(format!("{count}{unit}"));
            }
        }
        if millis > 0 && days == 0 && hours == 0 {
            let fraction = format!("{millis:03}");
            parts.push(format!("{seconds}.{}s", fraction.trim_end_matches('0')));
        } else if seconds > 0 || parts.is_empty() {
            parts.push(format!("{seconds}s"));
        }
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_printed() {
        for (text, ms) in [("800ms", 800), ("30s", 30_000), ("1h30m", 5_400_000), ("14d", 14 * DAY_MS), ("0s", 0)] {
            assert_eq!(parse_duration_ms(text), Some(ms), "{text}");
        }
        for text in ["", "s", "30", "-5s", "1.5h", "5 m", "5x", "99999999999999d"] {
            assert_eq!(parse_duration_ms(text), None, "{text}");
        }
        assert_eq!(DurationText(5_400_000).to_string(), "1h 30m");
        assert_eq!(DurationText(4_250).to_string(), "4.25s");
        assert_eq!(DurationText(0).to_string(), "0s");
        assert_eq!(DurationText(-61_000).to_string(), "-1m 1s");
    }

    #[test]
    fn instants_are_read_as_dates_and_as_milliseconds() {
        assert_eq!(Instant::parse("1970-01-01T01:00:00+01:00"), Some(Instant::from_ms(0)));
        assert_eq!(Instant::parse("1700000000123"), Some(Instant::from_ms(1_700_000_000_123)));
        assert_eq!(Instant::parse("yesterday"), None);
        assert_eq!(Instant::parse("9223372036854775807"), None);
        assert_eq!(Instant::from_ms(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Instant::from_ms(i64::MAX), Instant::MAX);
        assert_eq!(Instant::MAX.to_timestamp().as_millisecond(), Instant::MAX.as_ms());
        assert_eq!(Instant::MIN.to_timestamp().as_millisecond(), Instant::MIN.as_ms());
        assert_eq!(Instant::from_ms(-1).utc_day(), -1);
    }

    #[test]
    fn an_empty_interval_has_no_length_and_overlaps_nothing() {
        let at = Instant::from_ms;
        let empty = Interval::new(at(10), at(5));
        assert!(empty.is_empty());
        assert_eq!(empty.len_ms(), 0);
        assert!(!empty.overlaps(Interval::new(at(0), at(20))));
        assert!(!Interval::new(at(0), at(10)).overlaps(Interval::new(at(10), at(20))));
        assert!(Interval::new(at(0), at(10)).contains(at(0)));
        assert!(!Interval::new(at(0), at(10)).contains(at(10)));
    }
}
