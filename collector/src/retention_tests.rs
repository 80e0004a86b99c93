//! Which rows go, by settings, time and what is held; and what the configuration may say.

use super::*;

const TODAY: i32 = 20_800;
const HOUR_MS: i64 = 3_600_000;

fn noon() -> Instant {
    start_of(TODAY).plus_ms(12 * HOUR_MS)
}

fn keeping(raw_days: i64, bytes_max: Option<u64>) -> Retention {
    Retention { raw_ms: raw_days * DAY_MS, bytes_max, ..Retention::default() }
}

fn held(first: i32, last: i32, bytes: u64) -> Held {
    Held { days: Some((first, last)), bytes, context_ms: 5 * 60_000 }
}

#[test]
fn rows_go_by_age_then_by_size_and_never_what_may_still_change() {
    let (most, over) = (Some(1_000), 1_001);
    for (what, retention, now, held, expected) in [
        ("young", keeping(20, None), noon(), held(TODAY - 21, TODAY, over), Rows::Stay),
        ("old", keeping(20, None), noon(), held(TODAY - 22, TODAY, 0), Rows::Go(TODAY - 22)),
        ("very old: the first goes first", keeping(20, None), noon(), held(TODAY - 99, TODAY, 0), Rows::Go(TODAY - 99)),
        ("as large as allowed", keeping(20, most), noon(), held(TODAY - 9, TODAY, 1_000), Rows::Stay),
        ("too large", keeping(20, most), noon(), held(TODAY - 9, TODAY, over), Rows::Go(TODAY - 9)),
        ("the day before yesterday", keeping(20, most), noon(), held(TODAY - 2, TODAY, over), Rows::Go(TODAY - 2)),
        ("yesterday stays", keeping(20, most), noon(), held(TODAY - 1, TODAY, over), Rows::Stuck),
        ("today stays", keeping(20, most), noon(), held(TODAY, TODAY, over), Rows::Stuck),
        (
            "yesterday is not settled yet, and the day before decides how it begins",
            keeping(20, most),
            start_of(TODAY).plus_ms(60_000),
            held(TODAY - 2, TODAY, over),
            Rows::Stuck,
        ),
        ("empty", keeping(20, most), noon(), Held { days: None, bytes: over, context_ms: 0 }, Rows::Stay),
        ("for ever", Retention::endless(), noon(), held(0, TODAY, u64::MAX), Rows::Stay),
    ] {
        assert_eq!(retention.rows(now, &held), expected, "{what}");
    }
}

#[test]
fn a_clock_that_leaps_ahead_of_all_rows_forgets_nothing() {
    let leapt = start_of(TODAY + 365);
    assert_eq!(keeping(20, None).rows(leapt, &held(TODAY - 20, TODAY, 0)), Rows::Stay);
    assert_eq!(
        keeping(20, None).rows(leapt, &held(TODAY - 21, TODAY, 0)),
        Rows::Go(TODAY - 21),
        "two days ahead at most"
    );
    assert_eq!(Retention::present(leapt, &held(TODAY, TODAY, 0)), Some(start_of(TODAY + 2)));
}

#[test]
fn whatever_is_younger_than_raw_finds_all_that_it_needs() {
    for context_ms in [0, 1, 60_000, DAY_MS - 1, DAY_MS, DAY_MS + 1, 40 * DAY_MS] {
        for now_ms in [0, 1, HOUR_MS, 12 * HOUR_MS, DAY_MS - 1] {
            let now = start_of(TODAY).plus_ms(now_ms);
            let retention = keeping(20, None);
            let mut held = Held { days: Some((TODAY - 300, TODAY)), bytes: 0, context_ms };
            while let Rows::Go(day) = retention.rows(now, &held) {
                held.days = Some((day + 1, TODAY));
            }
            let raw_from = held.days.map(|(first, _)| first);
            let takes_from = takes_from(raw_from, context_ms);
            assert!(takes_from <= now.minus_ms(retention.raw_ms), "context {context_ms} at {now_ms}");
            // The earliest day that such a row decides has its own context.
            let earliest = takes_from.minus_ms(context_ms).utc_day();
            let needs = Instant::from_ms(earliest * DAY_MS).minus_ms(context_ms);
            assert!(raw_from.is_some_and(|from| start_of(from) <= needs), "context {context_ms} at {now_ms}");
        }
    }
}

fn read(text: &str) -> Result<Retention, String> {
    uphold_common::yaml::read_file("c.yaml", text, Retention::read).map_err(|problems| problems.to_string())
}

#[test]
fn what_is_left_out_has_its_default_and_what_is_senseless_is_refused() {
    let said = read("raw: 30d\nbytes: 20GiB\n").unwrap();
    assert_eq!(said, Retention { raw_ms: 30 * DAY_MS, bytes_max: Some(20 << 30), ..Retention::default() });
    for (text, expected) in [
        ("raw: 6d\n", "raw: expected a duration from 7d to 3653d, found \"6d\""),
        ("states: 91d\n", "states: expected a duration from 92d"),
        ("states: 399d\n", "states is shorter than raw, 400d"),
        ("raw: 500d\nincidents: 499d\n", "incidents is shorter than raw, 500d"),
        ("bytes: 1MiB\n", "bytes: expected"),
        ("stats: 500d\n", "did you mean \"states\"?"),
    ] {
        let told = read(text).unwrap_err();
        assert!(told.contains(expected), "{told}");
    }
}
