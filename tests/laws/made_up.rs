//! Facts made up at random: some hundred milliseconds, so that everything happens to everything.
//!
//! Observations at one instant, reaches that just touch, windows that cut outages or lie in the future, services that
//! enter late, targets of 0 and 100 %, all of it now, around the epoch and before it. Most scenarios are *plain*: their
//! services need all of their own probes, which every implementation knows. The others nest expressions and services.
//! What `terms` makes up is put upon them: maintenance and exclusions, and more of a target than a share of time.

use proptest::prelude::*;
use proptest::sample::Index;
use uphold_tests::scenario::{
    Arrival, Check, Expected, Expr, MIDNIGHT_MS, Out, Probe, Scenario, Service, Target, Unmeasured,
};

/// How long the made-up facts are.
pub(crate) const LENGTH_MS: i64 = 300;

/// As many cases as `PROPTEST_CASES` says, or 400.
pub(crate) fn config() -> ProptestConfig {
    config_of(400)
}

/// As many cases as `PROPTEST_CASES` says, or this many, where a case takes longer.
pub(crate) fn config_of(cases: u32) -> ProptestConfig {
    let usual = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_some() { usual } else { ProptestConfig { cases, ..usual } }
}

/// An instant long after everything in a scenario.
pub(crate) fn long_after(scenario: &Scenario) -> i64 {
    let ends =
        scenario.arrivals.iter().map(|a| a.at).chain(scenario.targets.iter().map(|t| t.span(scenario, MIDNIGHT_MS).1));
    ends.max().unwrap_or(MIDNIGHT_MS) + 10 * LENGTH_MS
}

pub(crate) fn probe(number: usize) -> impl Strategy<Value = Probe> {
    let settings = (1_i64..60, 1_u32..4, 1_u32..5, prop::option::of(1_u32..5), 1_usize..4);
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

fn out() -> impl Strategy<Value = Out> {
    prop_oneof![3 => Just(Out::Up), 1 => Just(Out::Degraded), 4 => Just(Out::Down), 1 => Just(Out::Unknown)]
}

/// Where an observation falls: anywhere, or after the one before it, by a few milliseconds or by about a reach.
#[derive(Clone, Copy, Debug)]
enum Place {
    At(i64),
    After(i64),
    AfterReach(i64),
}

/// Observations of the probes; the numbers of agents are taken modulo those there are.
fn seen() -> impl Strategy<Value = Vec<(usize, usize, Place, Out)>> {
    let anywhere = (0_usize..4, 0_usize..3, (0..LENGTH_MS).prop_map(Place::At), out());
    let gap = prop_oneof![6 => (0_i64..8).prop_map(Place::After), 1 => (-1_i64..=1).prop_map(Place::AfterReach)];
    // One vantage point most of the time: runs that confirm each other need many neighbours.
    let agent = prop_oneof![4 => Just(0_usize), 1 => 0_usize..3];
    let in_a_row = (0_usize..4, agent, gap, out());
    prop_oneof![prop::collection::vec(anywhere, 0..120), prop::collection::vec(in_a_row, 0..160)]
}

fn arrivals(base: i64, probes: &[Probe], seen: Vec<(usize, usize, Place, Out)>) -> Vec<Arrival> {
    let mut last = [[base; 3]; 4];
    let mut all = Vec::new();
    for (p, agent, place, out) in seen {
        let probe = &probes[p];
        let agent = agent % probe.agents.len();
        let before = &mut last[p][agent];
        let at = match place {
            Place::At(at) => base + at,
            Place::After(gap) => *before + gap,
            Place::AfterReach(more) => *before + probe.stale_after_ms + more,
        };
        *before = at;
        let (probe, agent) = (probe.name.clone(), probe.agents[agent].clone());
        all.push(Arrival { probe, agent, at, out, us: None, arrives_at: at });
    }
    all
}

pub(crate) fn target(base: i64) -> impl Strategy<Value = Target> {
    let ppb = prop_oneof![Just(0), Just(1_000_000_000), Just(999_000_000), 0_i64..=1_000_000_000];
    let policy = prop_oneof![Just(Unmeasured::Exclude), Just(Unmeasured::CountAsDown), Just(Unmeasured::CountAsUp)];
    let service = prop_oneof![Just("inner"), Just("outer")];
    (service, ppb, -20..LENGTH_MS, 0..LENGTH_MS, policy, any::<bool>()).prop_map(
        move |(service, ppb, from, length, unmeasured, degraded_is_lost)| {
            let window = (base + from, base + from + length);
            Target { unmeasured, degraded_is_lost, ..Target::new("target", service, ppb, window) }
        },
    )
}

/// How the two services are made of the four probes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Plain,
    Nested { all: bool, k: u32 },
}

pub(crate) fn services(shape: Shape, since: [Option<i64>; 2]) -> Vec<Service> {
    let leaf = |number: usize| Expr::Probe(format!("p{number}"));
    let inner = vec![leaf(0), leaf(1)];
    let (inner, outer) = match shape {
        Shape::Plain => (Expr::All(inner), Expr::All(vec![leaf(2), leaf(3)])),
        Shape::Nested { all, k } => (
            if all { Expr::All(inner) } else { Expr::Any(inner) },
            Expr::AtLeast(k, vec![Expr::Service("inner".to_owned()), leaf(2), leaf(3)]),
        ),
    };
    let [first, second] = since;
    let service = |name: &str, since, expr| Service { since, ..Service::new(name, expr) };
    vec![service("inner", first, inner), service("outer", second, outer)]
}

/// Two services apart, or one in the other.
pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    let nested = (any::<bool>(), 1_u32..4).prop_map(|(all, k)| Shape::Nested { all, k });
    prop_oneof![2 => Just(Shape::Plain), 1 => nested]
}

/// Where on the axis of time it all happens: now, around the epoch, before it.
fn base() -> impl Strategy<Value = i64> {
    prop_oneof![Just(MIDNIGHT_MS), Just(-LENGTH_MS / 2), Just(-86_400_000 - 7)]
}

/// Four probes, two in a service, two in another, which in some scenarios is made of the first as well.
pub(crate) fn scenario() -> impl Strategy<Value = Scenario> {
    let probes = (probe(0), probe(1), probe(2), probe(3));
    let shape = shape();
    let entry = || prop::option::of(0..LENGTH_MS);
    let target = base().prop_flat_map(|base| (Just(base), target(base)));
    let times = (entry(), entry(), -30..LENGTH_MS + 100);
    (probes, seen(), target, shape, times).prop_map(|(probes, seen, (base, target), shape, times)| {
        let probes = vec![probes.0, probes.1, probes.2, probes.3];
        let (first, second, now) = times;
        let services = services(shape, [first, second].map(|since| since.map(|s| base + s)));
        // No figure is expected in particular; the laws are checked with every `expect target`.
        let expected = Expected::Figures(target.name.clone(), Vec::new());
        let checks = vec![Check { line: 1, now: base + now, expected }];
        let arrivals = arrivals(base, &probes, seen);
        Scenario { probes, services, targets: vec![target], arrivals, checks, ..Scenario::default() }
    })
}

/// The same facts in another order, a third of them twice.
pub(crate) fn told_again(scenario: &Scenario, order: Index) -> Scenario {
    let mut told = scenario.clone();
    told.arrivals.extend(scenario.arrivals.iter().step_by(3).cloned());
    told.arrivals.reverse();
    let turn = if told.arrivals.is_empty() { 0 } else { order.index(told.arrivals.len()) };
    told.arrivals.rotate_left(turn);
    told
}
