//! What is told of each figure that changes, by table.

use uphold_common::ids::{Id, PathId};
use uphold_common::measure::availability::Verdict;
use uphold_common::measure::capacity::CapacityState;
use uphold_common::measure::kinds::Kinds;

use super::*;
use crate::revisions::headline::{Capacity, Response};

const HOUR: i64 = 3_600_000;

fn whole(down: i64) -> Figure {
    let probe = PathId::new(Id::new("shop").unwrap(), Id::new("web").unwrap());
    Figure {
        kinds: Kinds { up: 24 * HOUR - down, down, ..Kinds::default() },
        N: 24 * HOUR,
        L: down,
        A: Some(format!("{}/{}", 24 * HOUR - down, 24 * HOUR)),
        A_percent: Some(if down < 10_000 { "99.99".to_owned() } else { "99.65".to_owned() }),
        verdict: if down > 60_000 { Verdict::Breached } else { Verdict::Met },
        not_proven: false,
        break_count: u64::from(down > 0),
        longest_break_ms: (down > 0).then_some(down),
        charges_ms: [(probe, down)].into(),
    }
}

fn of(contractual: Figure, experienced: Figure) -> Headline {
    let without_exclusions = Some(experienced.clone());
    let (contractual, experienced) = (Some(contractual), Some(experienced));
    Headline { contractual, without_exclusions, experienced, ..Headline::default() }
}

fn told(before: &Headline, after: &Headline) -> Vec<String> {
    let (changed, left_out) = changes(before, after);
    assert_eq!(left_out, 0);
    changed.iter().map(|Changed { figure, before, after }| format!("{figure}: {before} → {after}")).collect()
}

#[test]
fn equal_headlines_have_no_changes() {
    assert_eq!(told(&of(whole(5), whole(5)), &of(whole(5), whole(5))), Vec::<String>::new());
    assert_eq!(told(&Headline::default(), &Headline::default()), Vec::<String>::new());
}

#[test]
fn what_changes_all_three_figures_alike_is_told_once() {
    let expected = [
        "contractual.availability: 99.99 % → 99.65 %",
        "contractual.verdict: met → breached",
        "contractual.lost: 0s → 5m",
        "contractual.down: 0s → 5m",
        "contractual.up: 1d → 23h 55m",
        "contractual.breaks: 0 → 1",
        "contractual.longest_break: none → 5m",
        "contractual.charges.shop/web: 0s → 5m",
    ];
    assert_eq!(told(&of(whole(0), whole(0)), &of(whole(300_000), whole(300_000))), expected);
}

#[test]
fn what_an_exclusion_does_is_told_of_the_figure_that_knows_of_it() {
    let mut excluded = whole(0);
    excluded.kinds.excluded = 300_000;
    excluded.kinds.up -= 300_000;
    excluded.N -= 300_000;
    excluded.L = 0;
    let all = told(&of(whole(300_000), whole(300_000)), &of(excluded, whole(300_000)));
    assert!(all.contains(&"contractual.excluded: 0s → 5m".to_owned()), "{all:?}");
    assert!(all.contains(&"contractual.counted: 1d → 23h 55m".to_owned()), "{all:?}");
    assert!(!all.iter().any(|one| one.starts_with("experienced") || one.starts_with("without")), "{all:?}");
}

#[test]
fn what_would_be_told_alike_is_told_exactly() {
    let all = told(&of(whole(0), whole(0)), &of(whole(1), whole(1)));
    assert_eq!(all[0], "contractual.availability: 86400000/86400000 → 86399999/86400000");
    let all = told(&of(whole(0), whole(0)), &of(whole(0), whole(1)));
    assert!(all.contains(&"experienced.up: 1d → 23h 59m 59s".to_owned()), "{all:?}");
    assert!(all.contains(&"experienced.down: 0s → 0.001s".to_owned()), "{all:?}");
}

#[test]
fn response_time_and_capacity_have_words_of_their_own() {
    let response = |n, value_us, verdict| Headline {
        response: Some(Response { n, rank: (n > 0).then_some(n), value_us, verdict }),
        ..Headline::default()
    };
    let all = told(&response(0, None, Verdict::NoData), &response(7, Some(412_503), Verdict::Met));
    let expected = [
        "response.verdict: no data → met",
        "response.value: none → 412.503 ms",
        "response.n: 0 → 7",
        "response.rank: none → 7",
    ];
    assert_eq!(all, expected);
    let capacity = |state, warning_ms| {
        let percentile_percent = Some("81.20".to_owned());
        let used = Capacity {
            n: 9,
            percentile_ppb: Some(812_000_000),
            percentile_percent,
            state,
            warning_ms,
            critical_ms: None,
            unmeasured_ms: 0,
        };
        Headline { capacity: Some(used), ..Headline::default() }
    };
    let all = told(&capacity(CapacityState::Fine, Some(0)), &capacity(CapacityState::Warning, Some(90 * 60_000)));
    assert_eq!(all, ["capacity.state: ok → warning", "capacity.warning: 0s → 1h 30m"]);
}

#[test]
fn there_is_a_most_that_is_listed_and_the_rest_is_counted() {
    let probe = |n: usize| PathId::new(Id::new("shop").unwrap(), Id::new(&format!("probe-{n}")).unwrap());
    let with = |ms| Figure { charges_ms: (0..100).map(|n| (probe(n), ms)).collect(), ..whole(0) };
    let (changed, left_out) = changes(&of(with(0), whole(0)), &of(with(1), whole(0)));
    assert_eq!((changed.len(), left_out), (CHANGES_MAX, 60));
}
