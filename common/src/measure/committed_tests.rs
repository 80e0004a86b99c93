//! What is committed, millisecond by millisecond, against the sentences of the rules.

use proptest::prelude::*;

use super::*;
use crate::measure::kinds::{Account, Kind};
use crate::measure::timeline::Timeline;
use crate::observation::State;

fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

fn span(start: i64, end: i64) -> Interval {
    Interval::new(at(start), at(end))
}

fn planned(start: i64, end: i64, announced_at: i64) -> Planned {
    Planned { interval: span(start, end), announced_at: at(announced_at) }
}

/// A window of ten and what it is, a letter a millisecond: `-` not agreed, `m` maintenance, `x` excluded, `C` committed.
fn row(cover: &Cover) -> String {
    cover
        .within(span(0, 10))
        .map(|(part, standing)| {
            let letter = match standing {
                Standing::NotAgreed => "-",
                Standing::Maintenance => "m",
                Standing::Excluded => "x",
                Standing::Committed => "C",
            };
            letter.repeat(usize::try_from(part.len_ms()).unwrap())
        })
        .collect()
}

fn rows(hours: &[Interval], rules: MaintenanceRules, facts: &Facts) -> [String; 3] {
    let committed = Committed::of(span(0, 10), at(0), Some(hours), rules, facts);
    [&committed.contractual, &committed.without_exclusions, &committed.experienced].map(|cover| row(cover))
}

#[test]
fn the_first_that_applies_is_what_an_instant_is() {
    let facts = Facts { maintenance: vec![planned(0, 4, 0)], excluded: vec![span(3, 6), span(8, 12)] };
    let found = rows(&[span(2, 9)], MaintenanceRules::default(), &facts);
    assert_eq!(found, ["--mmxxCCx-", "--mmCCCCC-", "--CCCCCCC-"]);
}

#[test]
fn maintenance_counts_if_it_was_announced_early_enough() {
    let rules = MaintenanceRules { min_notice_ms: 3, allowance_ms: None };
    for (announced_at, expected) in [(-9, "CCCCmmCCCC"), (1, "CCCCmmCCCC"), (2, "CCCCCCCCCC"), (9, "CCCCCCCCCC")] {
        let facts = Facts { maintenance: vec![planned(4, 6, announced_at)], excluded: Vec::new() };
        assert_eq!(rows(&[span(0, 10)], rules, &facts)[0], expected, "announced at {announced_at}");
    }
    // The notice is that of the maintenance itself, also where it began outside the window or the agreed time.
    let facts = Facts { maintenance: vec![planned(-5, 2, -7)], excluded: Vec::new() };
    assert_eq!(rows(&[span(0, 10)], rules, &facts)[0], "CCCCCCCCCC");
}

#[test]
fn the_allowance_counts_agreed_time_once_and_from_the_earliest_on() {
    let facts = Facts { maintenance: vec![planned(7, 9, 0), planned(1, 4, 0), planned(2, 5, 0)], excluded: Vec::new() };
    let always = [span(0, 10)];
    for (allowance_ms, expected) in
        [(0, "CCCCCCCCCC"), (1, "CmCCCCCCCC"), (4, "CmmmmCCCCC"), (5, "CmmmmCCmCC"), (9, "CmmmmCCmmC")]
    {
        let rules = MaintenanceRules { min_notice_ms: 0, allowance_ms: Some(allowance_ms) };
        assert_eq!(rows(&always, rules, &facts)[0], expected, "{allowance_ms}");
    }
    // Outside the agreed time nothing is used up, and excluded time within it is.
    let rules = MaintenanceRules { min_notice_ms: 0, allowance_ms: Some(2) };
    assert_eq!(rows(&[span(4, 10)], rules, &facts)[0], "----mCCmCC");
    let facts = Facts { maintenance: vec![planned(0, 4, 0)], excluded: vec![span(0, 3)] };
    assert_eq!(rows(&always, rules, &facts), ["mmxCCCCCCC", "mmCCCCCCCC", "CCCCCCCCCC"]);
}

#[test]
fn before_its_entry_nothing_of_a_service_was_agreed() {
    let facts = Facts { maintenance: vec![planned(0, 6, -1)], excluded: vec![span(0, 5)] };
    let rules = MaintenanceRules { min_notice_ms: 0, allowance_ms: Some(1) };
    let committed = Committed::of(span(0, 10), at(4), None, rules, &facts);
    assert_eq!([&committed.contractual, &committed.experienced].map(|cover| row(cover)), ["----mCCCCC", "----CCCCCC"]);
    assert_eq!(committed.contractual.committed_ms(span(0, 10)), 5);
    assert_eq!(row(&Committed::always(span(0, 10), at(40)).contractual), "----------");
}

#[test]
fn figures_that_are_equal_are_one_and_the_same() {
    let nothing = Committed::always(span(0, 10), at(0));
    assert!(Arc::ptr_eq(&nothing.contractual, &nothing.experienced));
    let facts = Facts { maintenance: vec![planned(20, 30, 0)], excluded: vec![span(30, 40)] };
    let elsewhere = Committed::of(span(0, 10), at(0), None, MaintenanceRules::default(), &facts);
    assert!(Arc::ptr_eq(&elsewhere.contractual, &elsewhere.experienced), "what lies outside the window takes no part");
}

/// Spans within a little more than the window, in any order, overlapping or not.
fn spans() -> impl Strategy<Value = Vec<Interval>> {
    prop::collection::vec((-10..60_i64, 0..20_i64).prop_map(|(start, long)| span(start, start + long)), 0..6)
}

proptest! {
    #[test]
    fn every_instant_is_what_the_rules_say(
        hours in spans(),
        planned in prop::collection::vec((-10..60_i64, 0..20_i64, -20..60_i64), 0..6),
        excluded in spans(),
        states in prop::collection::vec((prop::sample::select(vec![State::Up, State::Degraded, State::Down, State::Unmeasured]), 1..9_i64), 0..12),
        (entry, elapsed, min_notice_ms) in (-5..55_i64, 0..=50_i64, 0..10_i64),
        allowance_ms in prop::option::of(0..30_i64),
    ) {
        let window = span(0, 50);
        let rules = MaintenanceRules { min_notice_ms, allowance_ms };
        let maintenance: Vec<Planned> =
            planned.iter().map(|(start, long, at)| super::tests::planned(*start, start + long, *at)).collect();
        let facts = Facts { maintenance, excluded };
        let committed = Committed::of(window, at(entry), Some(&union(hours.clone())), rules, &facts);
        let mut seen = Timeline::new();
        let mut end = 0;
        for (state, long) in states {
            seen.push(span(end, end + long), state);
            end += long;
        }
        let account = Account::over(span(0, elapsed), &committed.contractual, &seen);
        prop_assert_eq!(account.kinds.total(), elapsed);

        let any = |spans: &[Interval], t| spans.iter().any(|span| span.contains(at(t)));
        let mut left = allowance_ms.unwrap_or(i64::MAX);
        for t in 0..50 {
            let in_time: Vec<Interval> = facts.maintenance.iter()
                .filter(|one| one.announced_at.as_ms() <= one.interval.start.as_ms() - min_notice_ms)
                .map(|one| one.interval).collect();
            let agreed = t >= entry && any(&hours, t);
            let mut maintained = agreed && any(&in_time, t);
            if maintained {
                maintained = left > 0;
                left -= 1;
            }
            let expected = match () {
                () if !agreed => Kind::NotAgreed,
                () if maintained => Kind::Maintenance,
                () if any(&facts.excluded, t) => Kind::Excluded,
                () => Kind::from(seen.state_at(at(t))),
            };
            let counts = matches!(expected, Kind::Up | Kind::Degraded | Kind::Down | Kind::Unmeasured);
            prop_assert_eq!(committed.contractual.committed_ms(span(t, t + 1)) == 1, counts, "at {}", t);
            if t < elapsed {
                let kinds = account.kinds_within(span(t, t + 1));
                let mut one = crate::measure::kinds::Kinds::default();
                one.add(expected, 1);
                prop_assert_eq!(kinds, one, "at {}", t);
            }
        }
    }
}
