//! What users get: the numbers of the figures' JSON hold together, and large numbers are as exact as small ones.

use proptest::prelude::*;
use serde_json::Value;
use uphold_common::catalogue::model::{DegradedPolicy, UnmeasuredPolicy};
use uphold_common::measure::availability::{Availability, Promise, Verdict};
use uphold_common::measure::kinds::Kinds;
use uphold_common::percent::{Ppb, Ratio};
use uphold_tests::reference::figures::{Ask, Unmeasured, figures, percent};
use uphold_tests::scenario::{Core, Facts, Measurer, St};

use crate::made_up::{config, scenario};

/// The seven kinds, in the contract's order.
const KINDS: [&str; 7] = ["not_agreed", "maintenance", "excluded", "up", "degraded", "down", "unmeasured"];

fn number(of: &Value, path: &str) -> i64 {
    of.pointer(path).and_then(Value::as_i64).unwrap_or_else(|| panic!("{path} is a whole number in {of}"))
}

fn list<'a>(of: &'a Value, path: &str) -> &'a [Value] {
    of.pointer(path).and_then(Value::as_array).unwrap_or_else(|| panic!("{path} is a list in {of}"))
}

/// The sum of an object's numbers, none of which may be below zero.
fn sum(of: &Value, path: &str) -> i64 {
    let entries = of.pointer(path).and_then(Value::as_object).unwrap_or_else(|| panic!("{path} is an object in {of}"));
    entries.values().map(|v| v.as_i64().filter(|ms| *ms >= 0).unwrap_or_else(|| panic!("a length: {of}"))).sum()
}

/// What does not hold in a target's figures.
fn broken(figures: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut equal = |what: &str, a: i64, b: i64| {
        if a != b {
            wrong.push(format!("{what}: {a} and {b}"));
        }
    };
    let (start, until) = (number(figures, "/window/start_ms"), number(figures, "/window/measured_until_ms"));
    let block = &figures["contractual"];
    equal("kinds and what is measured", sum(block, "/kinds"), until - start);
    for kind in KINDS {
        let days = list(block, "/days").iter().map(|day| number(day, &format!("/kinds/{kind}")));
        equal(kind, number(block, &format!("/kinds/{kind}")), days.sum());
    }
    let down = number(block, "/D");
    for charges in ["/charges_ms", "/charges_by_component_ms", "/charges_by_party_ms"] {
        equal(charges, sum(block, charges), down);
    }
    equal("charges of days", list(block, "/days").iter().map(|day| sum(day, "/charges_ms")).sum(), down);
    equal("breaks", list(block, "/breaks").iter().map(|b| number(b, "/2")).sum(), down);
    equal("break_count", number(block, "/break_count"), i64::try_from(list(block, "/breaks").len()).unwrap_or(-1));
    equal("remaining", number(block, "/budget_ms") - number(block, "/spent_ms"), number(block, "/remaining_ms"));
    let mut at = start;
    for stretch in list(block, "/stretches") {
        equal("a stretch begins where the last ends", number(stretch, "/0"), at);
        at = number(stretch, "/1");
    }
    equal("the last stretch ends with what is measured", at, until);
    for key in ["C", "U", "D", "G", "N", "L", "N_whole", "budget_ms", "spent_ms"] {
        equal(&format!("{key} is no less than zero"), number(block, &format!("/{key}")).min(0), 0);
    }
    equal("before_entry_ms is no less than zero", number(figures, "/window/before_entry_ms").min(0), 0);
    equal(
        "measured no further than the window",
        until.max(number(figures, "/window/end_ms")),
        number(figures, "/window/end_ms"),
    );
    for other in ["without_exclusions", "experienced"] {
        equal(other, i64::from(figures[other] == *block), 1);
    }
    wrong
}

const POLICIES: [(UnmeasuredPolicy, Unmeasured); 3] = [
    (UnmeasuredPolicy::Exclude, Unmeasured::Exclude),
    (UnmeasuredPolicy::CountAsDown, Unmeasured::CountAsDown),
    (UnmeasuredPolicy::CountAsUp, Unmeasured::CountAsUp),
];

fn fraction(ratio: Option<Ratio>) -> Option<(i128, i128)> {
    ratio.map(|r| (r.numerator().into(), r.denominator().into()))
}

proptest! {
    #![proptest_config(config())]

    /// Laws 2 and 7 for what is shown, whether the window has been, is open, or is yet to come.
    #[test]
    fn what_is_shown_holds_together(scenario in scenario()) {
        for target in scenario.targets.iter().filter(|t| Core.lacks(&scenario, &t.service).is_none()) {
            let asked = scenario.checks[0].now;
            let (from, to) = target.span(&scenario, asked);
            for now in [asked, from - 100, from, to] {
                let told = Core::json(Facts { scenario: &scenario, now }, target);
                prop_assert_eq!(broken(&told["targets"]["scenario/target"]), Vec::<String>::new());
            }
        }
    }

    /// Laws 3 and 9 under every policy, in windows from milliseconds to centuries: exact, in parts per billion and as
    /// printed; and the reference, which counts in ticks as long, says the same.
    #[test]
    fn figures_of_any_size_under_every_policy(
        (up, degraded, down, unmeasured) in (0_i64..40, 0_i64..9, 0_i64..9, 0_i64..9),
        tick_ms in prop_oneof![1_i64..1000, 1_i64..100_000_000_000],
        parts in prop_oneof![Just(0_i64), Just(1_000_000_000), 0_i64..=1_000_000_000],
        decimals in 2_u8..=7,
    ) {
        let target = Ppb::parse(&format!("{}.{:07}%", parts / 10_000_000, parts % 10_000_000)).expect("a percentage");
        let kinds = Kinds {
            up: up * tick_ms, degraded: degraded * tick_ms, down: down * tick_ms, unmeasured: unmeasured * tick_ms,
            ..Kinds::default()
        };
        let runs = [(St::Up, up), (St::Degraded, degraded), (St::Down, down), (St::Unmeasured, unmeasured)];
        let states: Vec<St> =
            runs.iter().flat_map(|(state, ticks)| (0..*ticks).map(move |_| *state)).collect();
        let window = (0, up + degraded + down + unmeasured);
        for (unmeasured, naive) in POLICIES {
            for degraded in [DegradedPolicy::CountAsUp, DegradedPolicy::CountAsDown] {
                let promise = Promise { target, unmeasured, degraded };
                let found = Availability::of(&kinds, promise);
                let budget = found.budget(promise, 0);
                let ask = Ask {
                    window, now: window.1, degraded_is_lost: degraded == DegradedPolicy::CountAsDown, unmeasured: naive,
                    target_ppb: parts, tick_ms, ..Ask::default()
                };
                let told = figures(&ask, &states);
                prop_assert_eq!(
                    (found.counted, found.lost, budget.budget_ms, budget.remaining_ms, found.not_proven),
                    (told.counted, told.lost, told.budget, told.remaining, told.not_proven)
                );
                prop_assert_eq!(fraction(found.ratio), told.availability);
                prop_assert_eq!(fraction(found.ratio_min), told.availability_min);
                prop_assert_eq!(fraction(found.ratio_max), told.availability_max);
                prop_assert_eq!(fraction(found.coverage), told.coverage);
                prop_assert_eq!(found.verdict == Verdict::Breached, budget.budget_ms < found.lost);
                prop_assert_eq!(found.verdict == Verdict::NoData, found.counted == 0);

                let ladder = [found.ratio_min, found.ratio, found.ratio_max].into_iter().flatten();
                let parts: Vec<i64> = std::iter::once(0).chain(ladder.map(Ratio::parts_per_billion)).collect();
                prop_assert!(parts.is_sorted() && parts.iter().all(|p| *p <= 1_000_000_000), "{parts:?}");
                for ratio in [found.ratio, found.ratio_min, found.ratio_max, found.coverage].into_iter().flatten() {
                    let shown = percent((ratio.numerator().into(), ratio.denominator().into()), decimals.into());
                    prop_assert_eq!(ratio.percent(decimals), shown);
                }
            }
        }
    }
}
