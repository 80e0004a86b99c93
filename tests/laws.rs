//! The laws of the rules' section 15, and agreement of all implementations, on facts made up at random.
//!
//! The made-up scenarios are some hundred milliseconds long, so that everything happens to everything: observations at
//! one instant, reaches that just touch, windows that cut outages, services inside services, targets of 0 and 100 %.

use proptest::prelude::*;
use uphold_tests::scenario::{
    Arrival, Check, Expected, Expr, Facts, MIDNIGHT_MS, Measurer, Out, Probe, Reference, Scenario, Service, Subject,
    Target, Unmeasured, check, disagreements, measurers,
};

/// How long the made-up facts are.
const LENGTH_MS: i64 = 300;

fn probe(number: usize) -> impl Strategy<Value = Probe> {
    let settings = (1_i64..60, 1_u32..4, 1_u32..4, prop::option::of(1_u32..4), 1_usize..4);
    settings.prop_map(move |(stale_after_ms, fall, rise, quorum, agents)| Probe {
        name: format!("p{number}"),
        service: if number < 2 { "inner".to_owned() } else { "outer".to_owned() },
        interval_ms: 10,
        timeout_ms: 1,
        stale_after_ms,
        fall,
        rise,
        quorum,
        agents: (0..agents).map(|agent| format!("a{agent}")).collect(),
    })
}

/// An observation of any vantage point; the numbers are taken modulo what there is.
fn arrival() -> impl Strategy<Value = (usize, usize, i64, Out)> {
    let out = prop_oneof![3 => Just(Out::Up), 1 => Just(Out::Degraded), 4 => Just(Out::Down), 1 => Just(Out::Unknown)];
    (0_usize..4, 0_usize..3, 0..LENGTH_MS, out)
}

fn target() -> impl Strategy<Value = Target> {
    let ppb = prop_oneof![Just(0), Just(1_000_000_000), Just(999_000_000), 0_i64..=1_000_000_000];
    let policy = prop_oneof![Just(Unmeasured::Exclude), Just(Unmeasured::CountAsDown), Just(Unmeasured::CountAsUp)];
    let service = prop_oneof![Just("inner"), Just("outer")];
    (service, ppb, -20..LENGTH_MS, 0..LENGTH_MS, policy, any::<bool>()).prop_map(
        |(service, ppb, from, length, unmeasured, degraded_is_lost)| Target {
            name: "target".to_owned(),
            service: service.to_owned(),
            ppb,
            decimals: 2,
            window: (MIDNIGHT_MS + from, MIDNIGHT_MS + from + length),
            unmeasured,
            degraded_is_lost,
        },
    )
}

/// Four probes, two in a service, two beside that service in another.
fn scenario() -> impl Strategy<Value = Scenario> {
    let probes = (probe(0), probe(1), probe(2), probe(3));
    let shape = (any::<bool>(), 1_u32..4, prop::option::of(0..LENGTH_MS), -10..LENGTH_MS + 100);
    (probes, prop::collection::vec(arrival(), 0..120), target(), shape).prop_map(|(probes, seen, target, shape)| {
        let probes: Vec<Probe> = vec![probes.0, probes.1, probes.2, probes.3];
        let (all, k, since, now) = shape;
        let arrivals = seen.into_iter().filter_map(|(p, a, at, out)| {
            let (probe, at) = (probes.get(p)?, MIDNIGHT_MS + at);
            let agent = probe.agents.get(a % probe.agents.len())?;
            Some(Arrival { probe: probe.name.clone(), agent: agent.clone(), at, out, arrives_at: at })
        });
        let leaf = |number: usize| Expr::Probe(format!("p{number}"));
        let inner = vec![leaf(0), leaf(1)];
        let inner = if all { Expr::All(inner) } else { Expr::Any(inner) };
        let outer = Expr::AtLeast(k, vec![Expr::Service("inner".to_owned()), leaf(2), leaf(3)]);
        let since = since.map(|s| MIDNIGHT_MS + s);
        let services = [("inner", inner, None), ("outer", outer, since)].map(|(name, expr, since)| Service {
            name: name.to_owned(),
            since,
            expr,
        });
        // No figure is expected in particular; the laws are checked with every `expect target`.
        let expected = Expected::Figures(target.name.clone(), Vec::new());
        let checks = vec![Check { line: 1, now: MIDNIGHT_MS + now, expected }];
        let arrivals = arrivals.collect();
        Scenario { probes, services: services.to_vec(), targets: vec![target], arrivals, checks }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Laws 2, 3, 7 and 9: the parts add up, the bounds hold, charges are downtime, verdict and budget agree.
    #[test]
    fn figures_keep_the_laws(scenario in scenario()) {
        for measurer in measurers() {
            prop_assert_eq!(check(&scenario, measurer.as_ref()), Vec::<String>::new());
        }
    }

    /// Two implementations, written apart, say the same of everything.
    #[test]
    fn the_implementations_agree(scenario in scenario()) {
        for other in measurers().iter().skip(1) {
            prop_assert_eq!(disagreements(&scenario, &Reference, other.as_ref()), Vec::<String>::new());
        }
    }

    /// Law 1: the order of arrival and duplicates change nothing.
    #[test]
    fn order_and_duplicates_change_nothing(scenario in scenario(), order in any::<prop::sample::Index>()) {
        let mut told = scenario.clone();
        told.arrivals.extend(scenario.arrivals.iter().step_by(3).cloned());
        told.arrivals.reverse();
        let turn = if told.arrivals.is_empty() { 0 } else { order.index(told.arrivals.len()) };
        told.arrivals.rotate_left(turn);
        for measurer in measurers() {
            let (a, b) = (everything(&scenario, measurer.as_ref()), everything(&told, measurer.as_ref()));
            prop_assert_eq!(a, b);
        }
    }

    /// Law 2: a window cut in two adds up to itself.
    #[test]
    fn parts_of_a_window_add_up(scenario in scenario(), cut in 0..LENGTH_MS) {
        let now = MIDNIGHT_MS + 10 * LENGTH_MS;
        let facts = Facts { scenario: &scenario, now };
        for (measurer, target) in measurers().iter().flat_map(|m| scenario.targets.iter().map(move |t| (m, t))) {
            let (from, to) = target.window;
            let middle = (from + cut).min(to);
            let part = |window| measurer.figures(facts, &Target { window, ..target.clone() });
            let (whole, first, second) = (part((from, to)), part((from, middle)), part((middle, to)));
            for (i, kind) in whole.figures.kinds.iter().enumerate() {
                prop_assert_eq!(*kind, first.figures.kinds[i] + second.figures.kinds[i]);
            }
            for (id, charge) in &whole.charges {
                let of = |part: &uphold_tests::scenario::Measured| part.charges.get(id).copied().unwrap_or(0);
                prop_assert_eq!(*charge, of(&first) + of(&second));
            }
        }
    }
}

/// The states of everything and the figures of every target, as text.
fn everything(scenario: &Scenario, measurer: &dyn Measurer) -> String {
    let facts = Facts { scenario, now: MIDNIGHT_MS + 10 * LENGTH_MS };
    let span = (MIDNIGHT_MS, MIDNIGHT_MS + 2 * LENGTH_MS);
    let services = scenario.services.iter().map(|s| measurer.states(facts, &Subject::Service(s.name.clone()), span));
    let figures = scenario.targets.iter().map(|t| measurer.figures(facts, t));
    format!("{:?} {:?}", services.collect::<Vec<_>>(), figures.collect::<Vec<_>>())
}
