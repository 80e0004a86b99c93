//! Calendars as checked types: in which hours of which local dates a service is agreed.
//!
//! A calendar knows dates and times of the clock only; which instants these are says [`crate::measure::agreed`], with the
//! rules of its time zone.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use crate::ids::Id;

/// Minutes of a day by its clock, 24:00 being the last of them.
pub const DAY_MINUTES: u16 = 24 * 60;

/// In which hours of which dates a service is agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Its name.
    pub id: Id,
    /// The zone its dates and hours are read in.
    pub time_zone: TimeZone,
    /// The hours of each day of the week, from Monday on.
    pub weekly: [Vec<Hours>; 7],
    /// The dates without hours, in order, each once.
    pub holidays: Vec<Date>,
    /// The dates with hours of their own, which come before everything else.
    pub extra_days: BTreeMap<Date, Vec<Hours>>,
}

/// From when to when by the clock. What closes at or before it opens ends on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hours {
    opens: u16,
    closes: u16,
}

/// A time of the clock on a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockTime {
    /// A time between 00:00 and 23:59.
    Time(DateTime),
    /// 24:00: the start of this date.
    StartOf(Date),
}

impl Hours {
    /// Hours by their minutes since 00:00, each up to [`DAY_MINUTES`]; none beyond it.
    pub const fn new(opens: u16, closes: u16) -> Option<Self> {
        if opens > DAY_MINUTES || closes > DAY_MINUTES {
            return None;
        }
        Some(Self { opens, closes })
    }

    /// Reads `08:00-18:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let (opens, closes) = text.split_once('-')?;
        Self::new(minutes(opens)?, minutes(closes)?)
    }

    /// As the catalogue writes them.
    pub fn text(self) -> String {
        let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        format!("{}-{}", clock(self.opens), clock(self.closes))
    }

    /// When they open on a date.
    pub fn opens_on(self, date: Date) -> ClockTime {
        clock_time(date, self.opens)
    }

    /// When hours close that open on a date.
    pub fn closes_after(self, date: Date) -> ClockTime {
        let ends_on = if self.closes <= self.opens { following(date) } else { date };
        clock_time(ends_on, self.closes)
    }
}

impl Calendar {
    /// The hours that open on a date: an extra day's, else none on a holiday, else the weekly ones.
    pub fn hours_of(&self, date: Date) -> &[Hours] {
        if let Some(hours) = self.extra_days.get(&date) {
            return hours;
        }
        if self.holidays.binary_search(&date).is_ok() {
            return &[];
        }
        self.weekly.get(place(date.weekday())).map_or(&[], Vec::as_slice)
    }
}

/// Where a day of the week stands, from Monday on.
pub fn place(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()
}

/// `HH:MM`, up to 24:00.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |part: &str| -> Option<u16> {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let of_day = hours.checked_mul(60)?.checked_add(minutes)?;
    (minutes < 60 && of_day <= DAY_MINUTES).then_some(of_day)
}

fn clock_time(date: Date, minutes: u16) -> ClockTime {
    if minutes == DAY_MINUTES {
        return ClockTime::StartOf(following(date));
    }
    let part = |number: u16| i8::try_from(number).unwrap_or_default();
    ClockTime::Time(date.at(part(minutes / 60), part(minutes % 60), 0, 0))
}

fn following(date: Date) -> Date {
    date.tomorrow().unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_and_printed() {
        for text in ["08:00-18:00", "22:00-02:00", "00:00-24:00", "00:00-00:00", "24:00-02:00"] {
            assert_eq!(Hours::parse(text).unwrap().text(), text);
        }
        assert_eq!(Hours::parse("08:00 - 18:00").unwrap().text(), "08:00-18:00");
        for text in
            ["", "8:00-18:00", "08:00", "08:00-24:01", "08:60-09:00", "08-18", "08:00-18:00-20:00", "+8:00-09:00"]
        {
            assert_eq!(Hours::parse(text), None, "{text}");
        }
    }

    #[test]
    fn hours_that_close_at_or_before_they_open_end_on_the_next_day() {
        let date = Date::constant(2026, 12, 31);
        let next = Date::constant(2027, 1, 1);
        for (text, closes) in [
            ("08:00-18:00", ClockTime::Time(date.at(18, 0, 0, 0))),
            ("22:00-02:00", ClockTime::Time(next.at(2, 0, 0, 0))),
            ("08:00-08:00", ClockTime::Time(next.at(8, 0, 0, 0))),
            ("00:00-24:00", ClockTime::StartOf(next)),
            ("24:00-24:00", ClockTime::StartOf(following(next))),
        ] {
            assert_eq!(Hours::parse(text).unwrap().closes_after(date), closes, "{text}");
        }
        assert_eq!(Hours::parse("24:00-02:00").unwrap().opens_on(date), ClockTime::StartOf(next));
    }
}
