//! Law 5: the same outage, observed at the same and at further instants, is about as long.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uphold_tests::scenario::{Arrival, Facts, MIDNIGHT_MS, Measurer, Out, Probe, Scenario, Service, St, Subject};
use uphold_tests::scenario::{Expr, measurers};

use crate::made_up::config;

/// How long the story is.
const LENGTH_MS: i64 = 400;

/// What one agent sees of an outage when it looks at these instants, and `stale_after_ms` later knows nothing.
fn watched(instants: &BTreeSet<i64>, outage: (i64, i64), stale_after_ms: i64, fall: u32, rise: u32) -> Scenario {
    let (name, agent) = ("web".to_owned(), "a".to_owned());
    let out = |at: &i64| if (outage.0..outage.1).contains(at) { Out::Down } else { Out::Up };
    let arrival = |at: &i64| Arrival {
        probe: name.clone(),
        agent: agent.clone(),
        at: MIDNIGHT_MS + at,
        out: out(at),
        us: None,
        arrives_at: MIDNIGHT_MS + at,
    };
    let expr = Expr::All(vec![Expr::Probe(name.clone())]);
    Scenario {
        arrivals: instants.iter().map(arrival).collect(),
        services: vec![Service::new("shop", expr)],
        probes: vec![Probe {
            name: name.clone(),
            service: "shop".to_owned(),
            interval_ms: 1,
            timeout_ms: 1,
            stale_after_ms,
            fall,
            rise,
            quorum: None,
            agents: vec![agent.clone()],
        }],
        ..Scenario::default()
    }
}

fn downtime(scenario: &Scenario, measurer: &dyn Measurer) -> i64 {
    let facts = Facts { scenario, now: MIDNIGHT_MS + 10 * LENGTH_MS };
    let span = (MIDNIGHT_MS, MIDNIGHT_MS + 2 * LENGTH_MS);
    let states = measurer.states(facts, &Subject::Service("shop".to_owned()), span);
    states.iter().filter(|(_, _, state)| *state == St::Down).map(|(from, to, _)| to - from).sum()
}

/// Instants from 0 to beyond the end of the story, and the longest interval between them.
fn instants() -> impl Strategy<Value = (BTreeSet<i64>, i64)> {
    (1_i64..60).prop_flat_map(|longest| {
        prop::collection::vec(1..=longest, 1..500).prop_map(move |gaps| {
            let mut all = BTreeSet::from([0]);
            let mut last = 0;
            for gap in gaps.into_iter().chain(std::iter::repeat(longest)) {
                last += gap;
                all.insert(last);
                if last > LENGTH_MS {
                    break;
                }
            }
            (all, longest)
        })
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn further_instants_change_downtime_by_less_than_fall_intervals(
        (seldom, longest) in instants(),
        further in prop::collection::btree_set(0..LENGTH_MS, 0..80),
        (from, length) in (1..LENGTH_MS, 1..LENGTH_MS),
        (fall, rise, timeout) in (1_u32..5, 1_u32..4, 1_i64..4),
    ) {
        let outage = (from, (from + length).min(LENGTH_MS));
        let often: BTreeSet<i64> = seldom.union(&further).copied().collect();
        let between = |instants: &BTreeSet<i64>| {
            instants.iter().zip(instants.iter().skip(1)).map(|(a, b)| b - a).max().unwrap_or(longest)
        };
        let reach = |instants| 2 * between(instants) + timeout;
        for measurer in measurers() {
            let told = |instants, reach| downtime(&watched(instants, outage, reach, fall, rise), measurer.as_ref());
            let coarse = told(&seldom, reach(&seldom));
            // Once with the reach of the longer interval, once with its own.
            for fine in [told(&often, reach(&seldom)), told(&often, reach(&often))] {
                let apart = (fine - coarse).abs();
                prop_assert!(apart < i64::from(fall) * between(&seldom), "{coarse} and {fine}: {}", measurer.name());
            }
        }
    }
}
