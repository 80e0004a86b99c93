//! Windows over clock changes: every minute of the change days, against jiff's plain conversion of instants.

use super::*;
use crate::time::DAY_MS;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn window(kind: WindowKind, zone_name: &str, instant: &str) -> (String, String) {
    let window = Window::holding(kind, &zone(zone_name), at(instant), at(instant));
    (window.interval.start.to_string(), window.interval.end.to_string())
}

#[test]
fn windows_hold_the_instant_they_are_asked_for() {
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let zurich = "Europe/Zurich";
    let now = "2026-03-15T12:00:00Z";
    assert_eq!(window(WindowKind::Day, zurich, now), pair("2026-03-14T23:00:00Z", "2026-03-15T23:00:00Z"));
    assert_eq!(window(WindowKind::Week, zurich, now), pair("2026-03-08T23:00:00Z", "2026-03-15T23:00:00Z"));
    assert_eq!(window(WindowKind::Month, zurich, now), pair("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"));
    assert_eq!(window(WindowKind::Quarter, zurich, now), pair("2025-12-31T23:00:00Z", "2026-03-31T22:00:00Z"));
    assert_eq!(window(WindowKind::Year, zurich, now), pair("2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"));
    assert_eq!(
        window(WindowKind::Rolling { length_ms: DAY_MS }, zurich, now),
        pair("2026-03-14T12:00:00Z", "2026-03-15T12:00:00Z")
    );
    assert_eq!(
        window(WindowKind::Week, "UTC", "2027-01-01T00:00:00Z"),
        pair("2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z")
    );
}

/// The first instant of `date`, found by looking at every minute around it.
fn first_minute_of(zone: &TimeZone, date: Date) -> Option<Instant> {
    let noon_before = date.at(0, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
    let from = Instant::from(noon_before).minus_ms(36 * 3_600_000);
    (0..72 * 60).map(|m| from.plus_ms(m * 60_000)).find(|m| local_date(zone, *m) == date)
}

#[test]
fn every_day_of_the_change_begins_with_its_first_minute() {
    for (name, dates) in [
        ("Europe/Zurich", ["2026-03-29", "2026-10-25"]),
        ("America/New_York", ["2026-03-08", "2026-11-01"]),
        ("Australia/Lord_Howe", ["2026-04-05", "2026-10-04"]),
        ("America/Sao_Paulo", ["2018-02-18", "2018-11-04"]),
        ("Africa/Cairo", ["2026-04-24", "2026-10-30"]),
        ("Asia/Kathmandu", ["1986-01-01", "2026-01-01"]),
        ("Pacific/Apia", ["2011-12-29", "2011-12-31"]),
    ] {
        let zone = zone(name);
        for date in dates {
            let middle: Date = date.parse().unwrap();
            for date in [middle.yesterday().unwrap(), middle, middle.tomorrow().unwrap()] {
                if let Some(first) = first_minute_of(&zone, date) {
                    assert_eq!(day_start(&zone, date), first, "{name} {date}");
                }
            }
        }
    }
}

#[test]
fn days_are_as_long_as_the_clock_makes_them() {
    let minutes = |name: &str, date: &str| {
        let zone = zone(name);
        let date: Date = date.parse().unwrap();
        day_start(&zone, date.tomorrow().unwrap()).since_ms(day_start(&zone, date)) / 60_000
    };
    for (name, date, expected) in [
        ("Europe/Zurich", "2026-03-29", 1380),
        ("Europe/Zurich", "2026-10-25", 1500),
        ("Australia/Lord_Howe", "2026-10-04", 1410),
        ("Australia/Lord_Howe", "2026-04-05", 1470),
        ("America/Sao_Paulo", "2018-11-04", 1380),
        ("America/Sao_Paulo", "2018-02-17", 1500),
        ("Africa/Cairo", "2026-04-24", 1380),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Asia/Kathmandu", "1986-01-01", 1425),
    ] {
        assert_eq!(minutes(name, date), expected, "{name} {date}");
    }
}

#[test]
fn the_days_of_a_window_add_up_to_it() {
    for name in ["Europe/Zurich", "Pacific/Apia", "America/Sao_Paulo", "UTC"] {
        for kind in [WindowKind::Month, WindowKind::Year, WindowKind::Week] {
            let zone = zone(name);
            let held = Window::holding(kind, &zone, at("2011-12-30T12:00:00Z"), at("2012-01-01T00:00:00Z"));
            let days = local_days(&zone, held.interval);
            assert_eq!(days.iter().map(|(_, part)| part.len_ms()).sum::<i64>(), held.interval.len_ms());
            assert!(days.windows(2).all(|pair| pair[0].1.end == pair[1].1.start), "{name}");
        }
    }
}

#[test]
fn nothing_at_the_ends_of_time_panics() {
    for instant in [Instant::MIN, Instant::MAX, Instant::from_ms(0)] {
        for kind in ["day", "week", "month", "quarter", "year", "30d", "3660d", "1h"] {
            let kind = WindowKind::parse(kind).unwrap();
            let held = Window::holding(kind, &zone("Europe/Zurich"), instant, instant);
            local_days(&zone("Europe/Zurich"), Interval::new(held.interval.start, held.interval.start.plus_ms(DAY_MS)));
        }
    }
    local_days(&zone("UTC"), Interval::new(Instant::MAX.minus_ms(3 * DAY_MS), Instant::MAX));
}

#[test]
fn window_kinds_are_read_and_printed() {
    for text in ["day", "week", "month", "quarter", "year", "30d", "36h"] {
        assert_eq!(WindowKind::parse(text).unwrap().text(), text);
    }
    assert_eq!(WindowKind::parse("24h").unwrap().text(), "1d");
    for text in ["", "d", "0d", "30", "30m", "+3d", "-3d", "9999999d", "months"] {
        assert_eq!(WindowKind::parse(text), None, "{text}");
    }
}

#[test]
fn a_window_settles_after_it_closed() {
    let held = |as_of: &str| Window::holding(WindowKind::Day, &zone("UTC"), at("2026-03-01T12:00:00Z"), at(as_of));
    assert!(held("2026-03-01T23:59:59.999Z").is_open());
    assert!(!held("2026-03-02T00:00:00Z").is_open());
    assert!(!held("2026-03-02T00:01:59.999Z").is_settled(120_000));
    assert!(held("2026-03-02T00:02:00Z").is_settled(120_000));
    assert_eq!(held("2026-03-01T06:00:00Z").elapsed().len_ms(), DAY_MS / 4);
}

#[test]
fn of_a_window_that_is_yet_to_come_nothing_has_been() {
    let (zone, as_of) = (zone("UTC"), at("2026-03-01T12:00:00Z"));
    let held = Window::holding(WindowKind::Month, &zone, at("2026-05-07T00:00:00Z"), as_of);
    assert_eq!(held.elapsed(), Interval::new(at("2026-05-01T00:00:00Z"), at("2026-05-01T00:00:00Z")));
    assert!(held.is_open() && !held.is_settled(0));
}
