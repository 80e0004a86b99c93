//! Burn rates by hand: exact ratios, both look-backs, failed observations, and windows that end within a look-back.

use super::*;
use crate::catalogue::model::{DegradedPolicy, UnmeasuredPolicy};
use crate::decimal::Decimal;
use crate::measure::kinds::Kind;
use crate::measure::timeline::Timeline;
use crate::observation::State;
use crate::percent::Ppb;
use crate::time::DAY_MS;

const HOUR_MS: i64 = 3_600_000;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn promise(target: &str, unmeasured: UnmeasuredPolicy) -> Promise {
    Promise { target: Ppb::parse(target).unwrap(), unmeasured, degraded: DegradedPolicy::CountAsUp }
}

fn rule(long_ms: i64, short_ms: i64, factor: &str) -> AlertRule {
    AlertRule { long_ms, short_ms, factor: Decimal::parse(factor).unwrap(), urgent: true }
}

fn alerts(
    rules: &[AlertRule],
    promise: Promise,
    window: Window,
    states: &Timeline,
    entry: Instant,
    bad: u64,
) -> Vec<AlertFigures> {
    let alerting = Alerting { rules, min_bad: 3, promise, window, zone: &TimeZone::UTC };
    let figures = alerting.figures(|_, part| Account::of(part, entry, states), |_| Ok::<_, ()>(bad));
    figures.unwrap()
}

/// Up, but down for these last milliseconds before `end`.
fn down_for(end: Instant, ms: i64) -> Timeline {
    let mut states = Timeline::constant(Interval::new(end.minus_ms(60 * DAY_MS), end.minus_ms(ms)), State::Up);
    states.push(Interval::new(end.minus_ms(ms), end), State::Down);
    states
}

fn month(as_of: Instant) -> Window {
    Window::holding(WindowKind::Month, &TimeZone::UTC, as_of, as_of)
}

#[test]
fn it_alerts_when_both_look_backs_reach_the_factor_exactly_and_enough_has_failed() {
    let as_of = at("2026-03-20T12:00:00Z");
    let strict = promise("99.9%", UnmeasuredPolicy::Exclude);
    // 14.4 × 0.1 % of an hour are 51,840 ms.
    for (down_ms, bad, long_rate, alerting) in
        [(51_840, 3, "72/5", true), (51_839, 3, "51839/3600", false), (51_840, 2, "72/5", false), (0, 9, "0/1", false)]
    {
        let rules = [rule(HOUR_MS, 300_000, "14.4")];
        let found = alerts(&rules, strict, month(as_of), &down_for(as_of, down_ms), Instant::MIN, bad)[0];
        assert_eq!(found.long_rate.unwrap().to_string(), long_rate);
        assert_eq!((found.bad, found.alerting), (bad, alerting), "{down_ms} ms and {bad}");
    }
    // It was long enough, and is over: the short look-back says so.
    let mut over = down_for(as_of.minus_ms(300_000), 300_000);
    over.push(Interval::new(as_of.minus_ms(300_000), as_of), State::Up);
    let found = alerts(&[rule(HOUR_MS, 300_000, "14.4")], strict, month(as_of), &over, Instant::MIN, 9)[0];
    assert_eq!((found.short_rate.unwrap().to_string().as_str(), found.alerting), ("0/1", false));
}

#[test]
fn without_anything_that_counts_and_at_100_percent_there_is_no_rate() {
    let as_of = at("2026-03-20T12:00:00Z");
    let silent = Timeline::default();
    let rules = [rule(HOUR_MS, 300_000, "1")];
    let found = |promise, states: &Timeline| alerts(&rules, promise, month(as_of), states, Instant::MIN, 9)[0];
    let none = found(promise("99%", UnmeasuredPolicy::Exclude), &silent);
    assert_eq!((none.long_rate, none.short_rate, none.alerting), (None, None, false));
    let lost = found(promise("99%", UnmeasuredPolicy::CountAsDown), &silent);
    assert_eq!((lost.long_rate.unwrap().to_string().as_str(), lost.alerting), ("100/1", true));
    let perfect = found(promise("100%", UnmeasuredPolicy::Exclude), &down_for(as_of, HOUR_MS));
    assert_eq!((perfect.long_rate, perfect.alerting), (None, false));
}

#[test]
fn each_instant_is_committed_as_in_the_window_that_holds_it() {
    let as_of = at("2026-03-01T06:00:00Z");
    let window = month(as_of);
    let held = holding(&window, &TimeZone::UTC, 30 * DAY_MS);
    let starts: Vec<String> = held.iter().map(|window| window.interval.start.to_string()).collect();
    assert_eq!(starts, ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]);
    assert_eq!(holding(&window, &TimeZone::UTC, 6 * HOUR_MS), [window]);
    assert_eq!(holding(&window, &TimeZone::UTC, 6 * HOUR_MS + 1).len(), 2);

    // February commits nothing, so of 12 hours only March's count.
    let alerting = Alerting {
        rules: &[rule(12 * HOUR_MS, HOUR_MS, "1")],
        min_bad: 0,
        promise: promise("50%", UnmeasuredPolicy::Exclude),
        window,
        zone: &TimeZone::UTC,
    };
    let states = down_for(as_of, 9 * HOUR_MS);
    let account = |of: &Window, part: Interval| {
        let entry = if of.interval.start == window.interval.start { Instant::MIN } else { part.end };
        Account::of(part, entry, &states)
    };
    let mut counted = Vec::new();
    let bad = |committed: &[Interval]| {
        counted.push(committed.to_vec());
        Ok::<_, ()>(0)
    };
    let found = alerting.figures(account, bad).unwrap();
    assert_eq!(found[0].long_rate.unwrap().to_string(), "2/1");
    assert_eq!(counted, [[Interval::new(as_of.minus_ms(HOUR_MS), as_of)]]);
}

#[test]
fn a_look_back_longer_than_a_rolling_window_lengthens_it() {
    let as_of = at("2026-03-20T12:00:00Z");
    let rolling = Window::holding(WindowKind::Rolling { length_ms: HOUR_MS }, &TimeZone::UTC, as_of, as_of);
    for (look_back_ms, length_ms) in [(HOUR_MS - 1, HOUR_MS), (HOUR_MS, HOUR_MS), (HOUR_MS + 1, HOUR_MS + 1)] {
        let held = holding(&rolling, &TimeZone::UTC, look_back_ms);
        let expected = Interval::new(as_of.minus_ms(length_ms), as_of);
        assert_eq!(held.iter().map(|window| window.interval).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn a_closed_window_looks_back_from_its_end() {
    let close = at("2026-03-01T00:00:00Z");
    let february = |as_of| Window::holding(WindowKind::Month, &TimeZone::UTC, close.minus_ms(1), as_of);
    let states = down_for(close, 60_000);
    let found = |as_of| {
        let rules = [rule(HOUR_MS, 300_000, "14.4")];
        alerts(&rules, promise("99.9%", UnmeasuredPolicy::Exclude), february(as_of), &states, Instant::MIN, 5)
    };
    assert_eq!(found(close), found(close.plus_ms(90 * DAY_MS)));
    assert!(found(close)[0].alerting);
    let part = Account::of(Interval::new(close.minus_ms(HOUR_MS), close), Instant::MIN, &states);
    assert_eq!(part.stretches.last().map(|stretch| stretch.kind), Some(Kind::Down));
}
