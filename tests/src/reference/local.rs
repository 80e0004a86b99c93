//! Rules 1 and 9: what clocks on a wall show, and the instants of local dates, times and windows.
//!
//! The only question asked of a zone is what its clocks show at an instant. Everything else is found by looking at the
//! clock once a minute: since 1972 no zone has been set by less. Times asked for are therefore whole minutes.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What the clocks of `zone` show at an instant.
pub fn shown(zone: &TimeZone, at: i64) -> DateTime {
    zone.to_datetime(Timestamp::from_millisecond(at).expect("an instant that can be written"))
}

/// The minutes at which clocks can show this, or show it for the first time after they left it out: no clock is more
/// than 14 hours ahead of UTC or 12 behind it.
fn minutes_around(wanted: DateTime) -> impl Iterator<Item = i64> {
    let utc = wanted.to_zoned(TimeZone::UTC).expect("a date that can be written").timestamp().as_millisecond();
    (utc - 15 * HOUR_MS..utc + 13 * HOUR_MS).step_by(60_000)
}

/// The first minute at which the clocks show `wanted`, or else the first after they left it out.
fn first_showing(zone: &TimeZone, wanted: DateTime) -> i64 {
    let exact = minutes_around(wanted).find(|at| shown(zone, *at) == wanted);
    let later = || minutes_around(wanted).find(|at| shown(zone, *at) > wanted);
    exact.or_else(later).expect("clocks get past every time")
}

/// A local time as a start: the first instant, if it comes twice; the first after the gap, if it never comes.
pub fn as_start(zone: &TimeZone, wanted: DateTime) -> i64 {
    first_showing(zone, wanted)
}

/// A local time as an end: the last instant, if it comes twice; the first after the gap, if it never comes.
pub fn as_end(zone: &TimeZone, wanted: DateTime) -> i64 {
    let last = minutes_around(wanted).filter(|at| shown(zone, *at) == wanted).last();
    last.unwrap_or_else(|| first_showing(zone, wanted))
}

/// The first instant of a date; of one that was left out, that of the next.
pub fn first_of(zone: &TimeZone, date: Date) -> i64 {
    minutes_around(date.at(0, 0, 0, 0)).find(|at| shown(zone, *at).date() >= date).expect("clocks get past every date")
}

/// Whether the clocks left out this date: at no whole hour do they show it.
pub fn is_skipped(zone: &TimeZone, date: Date) -> bool {
    let mut hours = minutes_around(date.at(12, 0, 0, 0)).step_by(60);
    hours.all(|at| shown(zone, at).date() != date)
}

/// The next date.
pub fn next(date: Date) -> Date {
    date.tomorrow().expect("a date that can be written")
}

/// Over what a target is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// A stretch that somebody named; there is no other one before it.
    Span(i64, i64),
    /// A local day.
    Day,
    /// From Monday to Monday.
    Week,
    /// A local month.
    Month,
    /// Three of them.
    Quarter,
    /// A local year.
    Year,
    /// So many milliseconds, ending now.
    Rolling(i64),
}

impl Window {
    /// The window that holds `at`; a rolling one ends at `now`.
    pub fn holding(self, zone: &TimeZone, at: i64, now: i64) -> (i64, i64) {
        let begins = |date: Date| match self {
            Self::Day | Self::Span(..) | Self::Rolling(_) => true,
            Self::Week => date.weekday() == jiff::civil::Weekday::Monday,
            Self::Month => date.day() == 1,
            Self::Quarter => date.day() == 1 && date.month() % 3 == 1,
            Self::Year => date.day() == 1 && date.month() == 1,
        };
        match self {
            Self::Span(from, to) => (from, to),
            Self::Rolling(length) => (now - length, now),
            _ => {
                let mut first = shown(zone, at).date();
                // A day reaches to the first instant of the next date, even where the clocks go back behind it.
                while first_of(zone, next(first)) <= at {
                    first = next(first);
                }
                while !begins(first) {
                    first = first.checked_sub(1.day()).expect("a date that can be written");
                }
                let mut end = next(first);
                while !begins(end) {
                    end = next(end);
                }
                (first_of(zone, first), first_of(zone, end))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn utc(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_time_that_is_left_out_is_the_first_instant_after() {
        let zurich = zone("Europe/Zurich");
        for minute in 0..60 {
            let wanted = date(2026, 3, 29).at(2, minute, 0, 0);
            assert_eq!(as_start(&zurich, wanted), utc("2026-03-29T01:00:00Z"));
            assert_eq!(as_end(&zurich, wanted), utc("2026-03-29T01:00:00Z"));
        }
        assert_eq!(as_start(&zurich, date(2026, 3, 29).at(3, 0, 0, 0)), utc("2026-03-29T01:00:00Z"));
        assert_eq!(as_start(&zurich, date(2026, 3, 29).at(1, 59, 0, 0)), utc("2026-03-29T00:59:00Z"));
    }

    #[test]
    fn a_time_that_comes_twice_starts_early_and_ends_late() {
        let lord_howe = zone("Australia/Lord_Howe");
        // At 02:00 the clocks go back by half an hour, from +11:00 to +10:30.
        let wanted = date(2026, 4, 5).at(1, 45, 0, 0);
        assert_eq!(as_start(&lord_howe, wanted), utc("2026-04-04T14:45:00Z"));
        assert_eq!(as_end(&lord_howe, wanted), utc("2026-04-04T15:15:00Z"));
    }

    #[test]
    fn days_are_as_long_as_the_clocks_make_them() {
        for (name, first, minutes) in [
            ("Europe/Zurich", date(2026, 3, 29), 23 * 60),
            ("Europe/Zurich", date(2026, 10, 25), 25 * 60),
            ("Australia/Lord_Howe", date(2026, 4, 5), 24 * 60 + 30),
            ("Australia/Lord_Howe", date(2026, 10, 4), 23 * 60 + 30),
            // Midnight itself is left out; it comes back on the day before.
            ("America/Sao_Paulo", date(2018, 11, 4), 23 * 60),
            ("America/Sao_Paulo", date(2018, 2, 17), 25 * 60),
            ("Africa/Cairo", date(2026, 4, 24), 23 * 60),
            ("Africa/Cairo", date(2026, 10, 29), 25 * 60),
            // A change of one minute past midnight shows a date, then the one before, then the date again.
            ("America/St_Johns", date(2010, 11, 7), 25 * 60),
            ("Pacific/Apia", date(2011, 12, 30), 0),
            ("Asia/Kathmandu", date(2026, 1, 1), 24 * 60),
        ] {
            let length = first_of(&zone(name), next(first)) - first_of(&zone(name), first);
            assert_eq!(length, minutes * MINUTE_MS, "{first} in {name}");
        }
        assert!(is_skipped(&zone("Pacific/Apia"), date(2011, 12, 30)));
    }

    #[test]
    fn windows_begin_on_their_first_date() {
        let (zurich, at) = (zone("Europe/Zurich"), utc("2026-03-31T22:30:00Z"));
        for (window, from, to) in [
            (Window::Day, "2026-03-31T22:00:00Z", "2026-04-01T22:00:00Z"),
            (Window::Week, "2026-03-29T22:00:00Z", "2026-04-05T22:00:00Z"),
            (Window::Month, "2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"),
            (Window::Quarter, "2026-03-31T22:00:00Z", "2026-06-30T22:00:00Z"),
            (Window::Year, "2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"),
            (Window::Rolling(HOUR_MS), "2026-03-31T21:30:00Z", "2026-03-31T22:30:00Z"),
        ] {
            assert_eq!(window.holding(&zurich, at, at), (utc(from), utc(to)), "{window:?}");
        }
    }
}
