//! Which windows of a target have closed and settled, so that a revision of them is due.

use jiff::tz::TimeZone;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::measure::window::Window;
use uphold_common::time::{Instant, Interval};

use super::WINDOWS_MAX;

/// The closed windows of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Those that have settled, the newest first and at most [`WINDOWS_MAX`].
    pub windows: Vec<Interval>,
    /// When the next one will have settled; never where none follows.
    pub next: Instant,
}

/// The windows of `kind` that have settled at `now`, `settling_ms` after their end, of a target that had this kind in `held`:
/// that closed after its beginning, and began before its end. None of a kind that never closes.
pub fn closed(kind: WindowKind, zone: &TimeZone, held: Interval, settling_ms: i64, now: Instant) -> Option<Closed> {
    if matches!(kind, WindowKind::Rolling { .. } | WindowKind::Stretch { .. }) {
        return None;
    }
    let settled_to = now.minus_ms(settling_ms);
    let holding = |at| Window::holding(kind, zone, at, now).interval;
    // Where it is over, the window that it fell into is the last one.
    let last = (held.end < Instant::MAX).then(|| holding(held.end.minus_ms(1)).end);
    let is_over = last.is_some_and(|last| last <= settled_to);
    let open = holding(last.map_or(settled_to, |last| last.min(settled_to)));
    let (mut windows, mut start) = (Vec::new(), open.start);
    while windows.len() < WINDOWS_MAX && start > held.start {
        let window = holding(start.minus_ms(1));
        // Where dates end there is no window before.
        if window.end > start || window.start >= start {
            break;
        }
        start = window.start;
        windows.push(window);
    }
    let next = if is_over { Instant::MAX } else { open.end.plus_ms(settling_ms) };
    Some(Closed { windows, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    /// The starts of the windows, the newest first, and when the next one settles.
    fn of(kind: WindowKind, zone: &str, from: &str, now: &str) -> (Vec<String>, String) {
        let zone = TimeZone::get(zone).unwrap();
        let held = Interval::new(at(from), Instant::MAX);
        let Closed { windows, next } = closed(kind, &zone, held, 60_000, at(now)).unwrap();
        (windows.iter().map(|window| window.start.to_string()).collect(), next.to_string())
    }

    #[test]
    fn a_window_is_due_once_it_has_settled_and_not_before() {
        for (now, expected, next) in [
            ("2026-03-03T00:00:59.999Z", vec!["2026-03-01T00:00:00Z"], "2026-03-03T00:01:00Z"),
            ("2026-03-03T00:01:00Z", vec!["2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"], "2026-03-04T00:01:00Z"),
        ] {
            let found = of(WindowKind::Day, "UTC", "2026-03-01T00:00:00Z", now);
            assert_eq!(found, (expected.iter().map(|&text| text.to_owned()).collect(), next.to_owned()), "{now}");
        }
    }

    #[test]
    fn windows_that_closed_after_the_entry_count_also_the_one_that_holds_it() {
        for (from, count) in [
            ("2026-03-02T00:00:00Z", 0),
            ("2026-03-01T23:59:59.999Z", 1),
            ("2026-03-01T00:00:00Z", 1),
            ("2026-02-28T23:00:00Z", 2),
            ("2026-03-09T00:00:00Z", 0),
        ] {
            assert_eq!(of(WindowKind::Day, "UTC", from, "2026-03-02T12:00:00Z").0.len(), count, "{from}");
        }
    }

    #[test]
    fn a_kind_that_a_target_has_no_more_has_its_last_window_and_none_after_it() {
        for (end, now, newest, next) in [
            ("2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z", "2026-03-09T00:00:00Z", Some("2026-03-11T00:01:00Z")),
            ("2026-03-10T12:00:00Z", "2026-03-11T00:00:59Z", "2026-03-09T00:00:00Z", Some("2026-03-11T00:01:00Z")),
            ("2026-03-10T12:00:00Z", "2026-03-11T00:01:00Z", "2026-03-10T00:00:00Z", None),
            ("2026-03-10T12:00:00Z", "2028-03-11T00:01:00Z", "2026-03-10T00:00:00Z", None),
            ("2026-03-10T00:00:00Z", "2026-03-11T00:01:00Z", "2026-03-09T00:00:00Z", None),
            ("2026-03-10T00:00:00.001Z", "2026-03-11T00:01:00Z", "2026-03-10T00:00:00Z", None),
        ] {
            let held = Interval::new(at("2026-03-01T00:00:00Z"), at(end));
            let found = closed(WindowKind::Day, &TimeZone::UTC, held, 60_000, at(now)).unwrap();
            assert_eq!(
                (found.windows[0].start, found.next),
                (at(newest), next.map_or(Instant::MAX, at)),
                "{end} {now}"
            );
        }
    }

    #[test]
    fn every_kind_that_closes_has_its_windows_in_the_zone_of_the_service() {
        let (from, now) = ("2025-11-15T00:00:00Z", "2026-04-01T00:00:00Z");
        for (kind, first, count) in [
            (WindowKind::Day, "2026-03-30T22:00:00Z", 137),
            (WindowKind::Week, "2026-03-22T23:00:00Z", 20),
            (WindowKind::Month, "2026-02-28T23:00:00Z", 5),
            (WindowKind::Quarter, "2025-12-31T23:00:00Z", 2),
            (WindowKind::Year, "2024-12-31T23:00:00Z", 1),
        ] {
            let (windows, _) = of(kind, "Europe/Zurich", from, now);
            assert_eq!((windows[0].as_str(), windows.len()), (first, count), "{kind:?}");
        }
        let rolling = WindowKind::Rolling { length_ms: 1 };
        let held = Interval::new(at(from), Instant::MAX);
        assert_eq!(closed(rolling, &TimeZone::UTC, held, 0, at(now)), None);
    }

    #[test]
    fn there_is_a_most_and_time_has_a_beginning() {
        let (windows, _) = of(WindowKind::Day, "UTC", "2000-01-01T00:00:00Z", "2026-03-01T12:00:00Z");
        assert_eq!((windows[0].as_str(), windows.len()), ("2026-02-28T00:00:00Z", WINDOWS_MAX));
        let all = closed(
            WindowKind::Year,
            &TimeZone::UTC,
            Interval::new(Instant::MIN, Instant::MAX),
            0,
            at("0001-06-01T00:00:00Z"),
        )
        .unwrap();
        assert!(all.windows.len() <= WINDOWS_MAX);
    }
}
