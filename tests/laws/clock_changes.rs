//! Every minute of the days on which clocks are changed: days and windows as the reference finds them by looking at the
//! clock.

#![expect(clippy::expect_used, reason = "what is made up here is sound")]

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::measure::window::{Window, day_start, local_date};
use uphold_common::time::Instant;
use uphold_tests::reference::local::{self, first_of, shown};

use crate::terms::{CHANGES, change};

const MINUTE_MS: i64 = 60_000;

/// Each change of the clocks: the zone, and the dates from two before it to two after it.
fn dates_around() -> impl Iterator<Item = (TimeZone, Vec<Date>)> {
    CHANGES.into_iter().map(change).map(|(zone, at)| {
        let date = shown(&zone, at).date();
        let dates = (-2..=2).map(|days| date.checked_add(days.days()).expect("a date"));
        (zone, dates.collect())
    })
}

#[test]
fn days_begin_when_the_clock_first_shows_them() {
    for (zone, dates) in dates_around() {
        for date in dates {
            assert_eq!(day_start(&zone, date).as_ms(), first_of(&zone, date), "{date} in {zone:?}");
        }
    }
}

#[test]
fn every_minute_lies_in_the_window_that_the_reference_finds() {
    let kinds = [
        (WindowKind::Day, local::Window::Day),
        (WindowKind::Week, local::Window::Week),
        (WindowKind::Month, local::Window::Month),
        (WindowKind::Quarter, local::Window::Quarter),
        (WindowKind::Year, local::Window::Year),
    ];
    for (zone, dates) in dates_around() {
        let (from, to) = (first_of(&zone, dates[1]), first_of(&zone, dates[4]));
        for (kind, naive) in kinds {
            // The window that the reference found holds until its end.
            let mut window = (i64::MIN, i64::MIN);
            for at in (from..to).step_by(60_000) {
                if at >= window.1 {
                    window = naive.holding(&zone, at, at);
                }
                let found = Window::holding(kind, &zone, Instant::from_ms(at), Instant::from_ms(to)).interval;
                assert_eq!((found.start.as_ms(), found.end.as_ms()), window, "{kind:?} {at} in {zone:?}");
            }
        }
        for at in (from..to).step_by(usize::try_from(MINUTE_MS).expect("a minute")) {
            assert_eq!(local_date(&zone, Instant::from_ms(at)), shown(&zone, at).date());
        }
    }
}

mod hours {
    use super::*;
    use proptest::prelude::*;
    use uphold_common::measure::agreed::{agreed, union};
    use uphold_common::time::Interval;
    use uphold_tests::reference::calendar::{Calendar, Hours};
    use uphold_tests::scenario::core_terms::checked;

    use crate::made_up::config_of;
    use crate::terms::calendar;

    /// What both make of a calendar in a span.
    fn both(calendar: &Calendar, span: (i64, i64)) -> [Vec<Interval>; 2] {
        let interval = |(from, to): (i64, i64)| Interval::new(Instant::from_ms(from), Instant::from_ms(to));
        let naive = calendar.agreed(span).into_iter().filter(|(from, to)| from < to);
        let naive = naive.map(|stretch| interval(stretch).intersect(interval(span))).collect();
        [agreed(&checked(calendar), interval(span)), union(naive)]
    }

    /// Hours that open, and hours that close, at every minute of the dates around each change of the clocks.
    #[test]
    fn every_minute_as_a_start_and_as_an_end() {
        for (zone, dates) in dates_around() {
            let span = (first_of(&zone, dates[1]), first_of(&zone, dates[4]));
            for minute in 0..1440 {
                let of = |open, close| Calendar {
                    zone: zone.clone(),
                    weekly: vec![(dates[2].weekday(), Hours { open, close })],
                    holidays: Vec::new(),
                    extra_days: Vec::new(),
                };
                for calendar in [of(minute, 1440), of(0, minute)] {
                    let [found, expected] = both(&calendar, span);
                    assert_eq!(found, expected, "{minute} in {zone:?}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(config_of(400))]

        #[test]
        fn calendars_agree((zone, calendar, dates) in prop::sample::select(dates_around().collect::<Vec<_>>())
            .prop_flat_map(|(zone, dates)| (Just(zone.clone()), calendar(zone, dates[2]), Just(dates)))) {
            let span = (first_of(&zone, dates[0]), first_of(&zone, dates[4]));
            let [found, expected] = both(&calendar, span);
            prop_assert_eq!(found, expected);
        }
    }
}
