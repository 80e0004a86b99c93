//! Agreed service time on the days on which clocks change: every minute, against an oracle that only ever reads clocks.

use std::collections::BTreeMap;

use jiff::civil::{DateTime, time};

use super::*;
use crate::ids::Id;
use crate::time::DAY_MS;

const MINUTE_MS: i64 = 60_000;

/// A zone, and a date around which its clocks change.
const CHANGES: [(&str, &str); 12] = [
    ("Europe/Zurich", "2026-03-29"),
    ("Europe/Zurich", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Sao_Paulo", "2018-02-18"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("Africa/Cairo", "2026-04-24"),
    ("Africa/Cairo", "2026-10-30"),
    ("Asia/Kathmandu", "1986-01-01"),
    ("Pacific/Apia", "2011-12-30"),
];

fn hours(texts: &[&str]) -> Vec<Hours> {
    texts.iter().map(|text| Hours::parse(text).unwrap()).collect()
}

fn calendar(zone: &str, weekly: &[&str]) -> Calendar {
    Calendar {
        id: Id::new("hours").unwrap(),
        time_zone: TimeZone::get(zone).unwrap(),
        weekly: std::array::from_fn(|_| hours(weekly)),
        holidays: Vec::new(),
        extra_days: BTreeMap::new(),
    }
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

/// The clock of a zone, minute by minute, over the days around a date.
struct Clock {
    minutes: Vec<(Instant, DateTime)>,
}

impl Clock {
    fn around(zone: &TimeZone, date: Date) -> Self {
        let noon = Instant::from(date.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp());
        let from = noon.minus_ms(4 * DAY_MS);
        let minute = |m: i64| {
            let at = from.plus_ms(m * MINUTE_MS);
            (at, zone.to_datetime(at.to_timestamp()))
        };
        Self { minutes: (0..8 * 24 * 60).map(minute).collect() }
    }

    /// The first minute at which the clock shows `time` or later.
    fn first_from(&self, time: DateTime) -> Instant {
        self.minutes.iter().find(|(_, shown)| *shown >= time).unwrap().0
    }

    /// The last minute at which the clock shows `time`; if it never does, the first after it should have.
    fn last_at(&self, time: DateTime) -> Instant {
        let shown = self.minutes.iter().rev().find(|(_, shown)| *shown == time);
        shown.map_or_else(|| self.first_from(time), |(at, _)| *at)
    }

    /// The first minute of a date, or of the next that there is.
    fn first_of(&self, date: Date) -> Instant {
        self.minutes.iter().find(|(_, shown)| shown.date() >= date).unwrap().0
    }

    fn shows(&self, date: Date) -> bool {
        self.minutes.iter().any(|(_, shown)| shown.date() == date)
    }

    /// From when to when hours are on a date.
    fn hours(&self, date: Date, text: &str) -> (Instant, Instant) {
        let (opens, closes) = text.split_once('-').unwrap();
        let next = date.tomorrow().unwrap();
        let clock = |date: Date, text: &str| {
            date.to_datetime(time(text[..2].parse().unwrap(), text[3..].parse().unwrap(), 0, 0))
        };
        let end = match closes {
            "24:00" => self.first_of(next),
            // Clock times of two digits are in order as texts.
            _ if closes <= opens => self.last_at(clock(next, closes)),
            _ => self.last_at(clock(date, closes)),
        };
        (self.first_from(clock(date, opens)), end)
    }
}

#[test]
fn every_minute_of_the_change_days_is_agreed_as_the_clocks_say() {
    let patterns: [&[&str]; 12] = [
        &["08:00-18:00"],
        &["00:00-24:00"],
        &["22:00-02:00"],
        &["02:30-03:30"],
        &["01:30-02:30"],
        &["02:00-02:30", "02:30-03:00"],
        &["23:30-00:30"],
        &["00:10-00:20"],
        &["00:00-00:00"],
        &["23:15-24:00", "00:05-01:45"],
        &["08:00-08:00"],
        &["00:00-02:00", "01:00-03:00", "20:00-24:00"],
    ];
    for (zone, change) in CHANGES {
        let change = date(change);
        let clock = Clock::around(&TimeZone::get(zone).unwrap(), change);
        for pattern in patterns {
            let calendar = calendar(zone, pattern);
            let dates: Vec<Date> =
                (-3..=2).map(|days| change.checked_add(jiff::Span::new().days(days)).unwrap()).collect();
            let of_dates = dates.iter().filter(|date| clock.shows(**date));
            let open: Vec<(Instant, Instant)> =
                of_dates.flat_map(|date| pattern.iter().map(|text| clock.hours(*date, text))).collect();
            let span = Interval::new(clock.first_of(dates[1]), clock.first_of(dates[5]));
            let found = agreed(&calendar, span);
            assert!(found.windows(2).all(|pair| pair[0].end < pair[1].start), "{zone} {pattern:?} {found:?}");
            for (at, shown) in &clock.minutes {
                let expected = span.contains(*at) && open.iter().any(|(start, end)| start <= at && at < end);
                assert_eq!(contains(&found, *at), expected, "{zone} {pattern:?} at {shown}");
            }
            let minutes = clock.minutes.iter().filter(|(at, _)| contains(&found, *at)).count();
            assert_eq!(length_ms(&found), MINUTE_MS * i64::try_from(minutes).unwrap(), "{zone} {pattern:?}");
        }
    }
}

#[test]
fn an_extra_day_comes_before_a_holiday_and_a_holiday_before_the_week() {
    let mut calendar = calendar("Europe/Zurich", &[]);
    for day in 0..5 {
        calendar.weekly[day] = hours(&["08:00-18:00"]);
    }
    calendar.weekly[4].extend(hours(&["22:00-02:00"]));
    calendar.holidays = vec![date("2026-12-24"), date("2026-12-25")];
    calendar.extra_days.insert(date("2026-12-19"), hours(&["09:00-16:00"]));
    calendar.extra_days.insert(date("2026-12-24"), hours(&["08:00-12:00"]));
    let span = Interval::new(
        Instant::parse("2026-12-18T00:00:00+01:00").unwrap(),
        Instant::parse("2026-12-27T00:00:00+01:00").unwrap(),
    );
    let found: Vec<String> =
        agreed(&calendar, span).iter().map(|part| format!("{} {}h", part.start, part.len_ms() / 3_600_000)).collect();
    // Friday's night ends on Saturday; of Christmas Eve's extra day only the morning is left, of Christmas nothing.
    let expected = [
        "2026-12-18T07:00:00Z 10h",
        "2026-12-18T21:00:00Z 4h",
        "2026-12-19T08:00:00Z 7h",
        "2026-12-21T07:00:00Z 10h",
        "2026-12-22T07:00:00Z 10h",
        "2026-12-23T07:00:00Z 10h",
        "2026-12-24T07:00:00Z 4h",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_night_belongs_to_the_date_on_which_it_opens() {
    let mut calendar = calendar("UTC", &["22:00-06:00"]);
    calendar.holidays = vec![date("2026-05-02")];
    let day = |text: &str| Instant::parse(&format!("{text}T00:00:00Z")).unwrap();
    let hours_on =
        |text: &str| length_ms(&agreed(&calendar, Interval::new(day(text), day(text).plus_ms(DAY_MS)))) / 3_600_000;
    assert_eq!(["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04"].map(hours_on), [8, 6, 2, 8]);
}

#[test]
fn a_span_is_cut_and_its_parts_add_up() {
    let calendar = calendar("Europe/Zurich", &["00:00-08:30", "08:30-12:00", "23:00-01:00"]);
    let start = Instant::parse("2026-03-28T00:00:00+01:00").unwrap();
    let whole = agreed(&calendar, Interval::new(start, start.plus_ms(3 * DAY_MS)));
    assert!(whole.windows(2).all(|pair| pair[0].end < pair[1].start), "neighbours are one: {whole:?}");
    for cut in (0..72).map(|hour| start.plus_ms(hour * 3_600_000 + 17)) {
        let (before, after) = (Interval::new(start, cut), Interval::new(cut, start.plus_ms(3 * DAY_MS)));
        let sum = length_ms(&agreed(&calendar, before)) + length_ms(&agreed(&calendar, after));
        assert_eq!(sum, length_ms(&whole), "{cut}");
        assert_eq!(within(&whole, before).collect::<Vec<_>>(), agreed(&calendar, before), "{cut}");
    }
    assert_eq!(agreed(&calendar, Interval::new(start, start)), []);
}

#[test]
fn nothing_at_the_ends_of_time_panics() {
    let calendar = calendar("Europe/Zurich", &["22:00-02:00", "24:00-24:00"]);
    for span in [
        Interval::new(Instant::MIN, Instant::MIN.plus_ms(3 * DAY_MS)),
        Interval::new(Instant::MAX.minus_ms(3 * DAY_MS), Instant::MAX),
    ] {
        assert!(length_ms(&agreed(&calendar, span)) <= span.len_ms());
    }
}

#[test]
fn sets_of_intervals_are_joined_and_cut_to_each_other() {
    let span = |start, end| Interval::new(Instant::from_ms(start), Instant::from_ms(end));
    let joined = union(vec![span(8, 9), span(0, 3), span(5, 5), span(2, 4), span(4, 6), span(7, 3)]);
    assert_eq!(joined, [span(0, 6), span(8, 9)]);
    let common = intersection(&joined, &[span(-3, 1), span(2, 3), span(5, 20)]);
    assert_eq!(common, [span(0, 1), span(2, 3), span(5, 6), span(8, 9)]);
    assert_eq!(intersection(&joined, &[]), []);
}

#[test]
fn a_deadline_counts_only_agreed_time_also_where_clocks_change() {
    // On the 29th of March 2026 Zurich has no hour from 02:00, and on the 25th of October it has two.
    for (weekly, from, hours, expected) in [
        (&["08:00-18:00"][..], "2026-03-27T09:00:00Z", 4, Some("2026-03-27T13:00:00Z")),
        (&["08:00-18:00"], "2026-03-27T16:00:00Z", 1, Some("2026-03-27T17:00:00Z")),
        (&["08:00-18:00"], "2026-03-27T16:00:00Z", 2, Some("2026-03-28T08:00:00Z")),
        (&["08:00-18:00"], "2026-03-28T16:00:00Z", 2, Some("2026-03-29T07:00:00Z")),
        (&["08:00-18:00"], "2026-03-28T20:00:00Z", 1, Some("2026-03-29T07:00:00Z")),
        (&["00:00-06:00"], "2026-03-28T22:00:00Z", 5, Some("2026-03-29T04:00:00Z")),
        (&["00:00-06:00"], "2026-03-28T22:00:00Z", 6, Some("2026-03-29T23:00:00Z")),
        (&["00:00-06:00"], "2026-10-24T20:00:00Z", 7, Some("2026-10-25T05:00:00Z")),
        (&["08:00-12:00", "13:00-17:00"], "2026-10-25T10:00:00Z", 240, Some("2026-11-24T10:00:00Z")),
        (&[], "2026-03-27T09:00:00Z", 1, None),
    ] {
        let calendar = calendar("Europe/Zurich", weekly);
        let from = Instant::parse(from).unwrap();
        let by = passed_by(&calendar, from, hours * 3_600_000);
        assert_eq!(by, expected.map(|at| Instant::parse(at).unwrap()), "{weekly:?} {from} {hours}");
        if let Some(by) = by {
            let passed = length_ms(&agreed(&calendar, Interval::new(from, by)));
            assert_eq!(passed, hours * 3_600_000);
        }
    }
}
