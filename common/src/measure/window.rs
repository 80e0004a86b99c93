//! Sections 1 and 9 of the rules: local days and windows as intervals of instants.
//!
//! A local day reaches from the first instant of its date to the first instant of the next: it has 23, 23½, 24½ or 25
//! hours when the clock changes, and a date that the zone skipped is empty. Zones come from the database bundled with
//! the program.

use jiff::civil::{Date, DateTime, ISOWeekDate, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::catalogue::model::WindowKind;
use crate::time::{Instant, Interval};

/// A window: what kind it is, when it is, and what it looks like from the instant the figures are taken at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its kind.
    pub kind: WindowKind,
    /// When it is.
    pub interval: Interval,
    /// The instant the figures are taken at: observations at or after it take no part.
    pub as_of: Instant,
}

impl Window {
    /// The window of this kind that holds `at`. A rolling window always ends at `as_of`, and a stretch is where it is.
    pub fn holding(kind: WindowKind, zone: &TimeZone, at: Instant, as_of: Instant) -> Self {
        let interval = match kind {
            WindowKind::Rolling { length_ms } => Interval::new(as_of.minus_ms(length_ms), as_of),
            WindowKind::Stretch { start, end } => Interval::new(start, end),
            WindowKind::Day | WindowKind::Week | WindowKind::Month | WindowKind::Quarter | WindowKind::Year => {
                let (first, next) = dates(kind, local_date(zone, at));
                Interval::new(day_start(zone, first), day_start(zone, next))
            }
        };
        Self { kind, interval, as_of }
    }

    /// Whether it may still change because time goes on.
    pub fn is_open(&self) -> bool {
        matches!(self.kind, WindowKind::Rolling { .. }) || self.as_of < self.interval.end
    }

    /// The part of it that has been; of a window that is yet to come, nothing, at its start.
    pub fn elapsed(&self) -> Interval {
        Interval::new(self.interval.start, self.interval.end.min(self.as_of).max(self.interval.start))
    }

    /// Whether it closed so long ago that confirmation cannot change it any more: `settling_ms` is
    /// `(fall + rise) × reach` of the slowest of the service's probes.
    pub fn is_settled(&self, settling_ms: i64) -> bool {
        !self.is_open() && self.as_of >= self.interval.end.plus_ms(settling_ms)
    }
}

impl WindowKind {
    /// As the catalogue writes it: `month`, `30d`, `24h`; `stretch` for one that it cannot name.
    pub fn text(self) -> String {
        match self {
            Self::Day => "day".to_owned(),
            Self::Week => "week".to_owned(),
            Self::Month => "month".to_owned(),
            Self::Quarter => "quarter".to_owned(),
            Self::Year => "year".to_owned(),
            Self::Rolling { length_ms } if length_ms % crate::time::DAY_MS == 0 => {
                format!("{}d", length_ms / crate::time::DAY_MS)
            }
            Self::Rolling { length_ms } => format!("{}h", length_ms / 3_600_000),
            Self::Stretch { .. } => "stretch".to_owned(),
        }
    }

    /// Reads what [`Self::text`] prints, but for a stretch.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            _ => {
                let digits = text.strip_suffix(['d', 'h'])?;
                let unit_ms = if text.ends_with('d') { crate::time::DAY_MS } else { 3_600_000 };
                let count: i64 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
                let length_ms = count.checked_mul(unit_ms).filter(|ms| (1..=ROLLING_MS_MAX).contains(ms))?;
                Self::Rolling { length_ms }
            }
        })
    }
}

/// The longest rolling window: ten years and a little.
pub const ROLLING_MS_MAX: i64 = 3_660 * crate::time::DAY_MS;

/// The local date `at` lies in.
pub fn local_date(zone: &TimeZone, at: Instant) -> Date {
    zone.to_datetime(at.to_timestamp()).date()
}

/// The first instant of a local date; for a date that the zone skipped, that of the next.
pub fn day_start(zone: &TimeZone, date: Date) -> Instant {
    clock_instant(zone, date.at(0, 0, 0, 0), Side::Start)
}

/// On which side of a stretch of time an instant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It begins there: of two instants the earlier.
    Start,
    /// It ends there: of two instants the later.
    End,
}

/// The instant at which a zone's clocks show `time`. One that does not exist means the first instant after the gap, one
/// that occurs twice the earlier as a start and the later as an end.
pub fn clock_instant(zone: &TimeZone, time: DateTime, side: Side) -> Instant {
    let outside = if time.year() < 1970 { Instant::MIN } else { Instant::MAX };
    let shown = zone.to_ambiguous_timestamp(time);
    let in_gap = matches!(shown.offset(), AmbiguousOffset::Gap { .. });
    let at = match side {
        Side::End if !in_gap => shown.later(),
        _ => shown.compatible(),
    };
    let Ok(at) = at else { return outside };
    if !in_gap {
        return Instant::from(at);
    }
    // The change of the clock itself; counted with the offset before it, the time lies after it.
    let just_after = at.checked_add(jiff::SignedDuration::from_millis(1)).unwrap_or(at);
    zone.preceding(just_after).next().map_or_else(|| Instant::from(at), |change| Instant::from(change.timestamp()))
}

/// The local days that `interval` touches, each with the part of it that lies inside.
pub fn local_days(zone: &TimeZone, interval: Interval) -> Vec<(Date, Interval)> {
    let mut days = Vec::new();
    if interval.is_empty() {
        return days;
    }
    let mut date = local_date(zone, interval.start);
    let mut start = day_start(zone, date);
    while start < interval.end {
        let next = following(date);
        let end = if next == date { Instant::MAX } else { day_start(zone, next) };
        let part = Interval::new(start, end).intersect(interval);
        if !part.is_empty() {
            days.push((date, part));
        }
        if next == date {
            break;
        }
        (date, start) = (next, end);
    }
    days
}

/// The first date of the window that holds `date`, and the first date after it.
fn dates(kind: WindowKind, date: Date) -> (Date, Date) {
    let of_month = |year: i16, month: i8| Date::new(year, month, 1).unwrap_or(date);
    match kind {
        WindowKind::Day | WindowKind::Rolling { .. } | WindowKind::Stretch { .. } => (date, following(date)),
        WindowKind::Week => {
            let week = ISOWeekDate::from(date);
            let monday = ISOWeekDate::new(week.year(), week.week(), Weekday::Monday).map_or(date, Date::from);
            (monday, monday.checked_add(jiff::Span::new().days(7)).unwrap_or(Date::MAX))
        }
        WindowKind::Month => {
            let first = of_month(date.year(), date.month());
            (first, months_after(first, 1))
        }
        WindowKind::Quarter => {
            let first = of_month(date.year(), (date.month() - 1) / 3 * 3 + 1);
            (first, months_after(first, 3))
        }
        WindowKind::Year => {
            let first = of_month(date.year(), 1);
            (first, months_after(first, 12))
        }
    }
}

fn months_after(first: Date, months: i64) -> Date {
    first.checked_add(jiff::Span::new().months(months)).unwrap_or(Date::MAX)
}

fn following(date: Date) -> Date {
    date.tomorrow().unwrap_or(Date::MAX)
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
