//! The sharing of losses by table, and everything about services against an evaluator that asks for each millisecond anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::catalogue::model::{Catalogue, Expression};
use crate::ids::Id;

fn span(start: i64, end: i64) -> Interval {
    Interval::new(Instant::from_ms(start), Instant::from_ms(end))
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// A catalogue of services, each with its probes and its expression, if it has one.
fn catalogue(services: &[(&str, &str, &str)]) -> Catalogue {
    let mut text = "organisation: { name: A, time_zone: UTC }\nservices:\n".to_owned();
    for (service, probes, expression) in services {
        writeln!(text, "  - id: {service}\n    name: A").unwrap();
        for (place, probe) in probes.split_whitespace().enumerate() {
            let head = if place == 0 { "    probes:\n" } else { "" };
            let check = "agents: [a], interval: 5s, timeout: 1s, tcp: { address: \"192.0.2.1:1\" }";
            writeln!(text, "{head}      - {{ id: {probe}, {check} }}").unwrap();
        }
        if !expression.is_empty() {
            writeln!(text, "    available_when: {expression}").unwrap();
        }
    }
    crate::catalogue::read(&[("a.yaml", text)]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Timelines of 3 ms a letter: `u`p, `g` degraded, `D`own, anything else unmeasured.
fn rows(rows: &[(&str, &str)]) -> BTreeMap<ProbeId, Timeline> {
    let row = |letters: &str| {
        let mut timeline = Timeline::default();
        for (i, letter) in letters.chars().enumerate() {
            let state = match letter {
                'u' => State::Up,
                'g' => State::Degraded,
                'D' => State::Down,
                _ => State::Unmeasured,
            };
            let start = i64::try_from(i).unwrap() * 3;
            timeline.push(span(start, start + 3), state);
        }
        timeline
    };
    rows.iter().map(|(probe, letters)| (probe.parse().unwrap(), row(letters))).collect()
}

#[test]
fn a_service_has_the_state_that_its_expression_gives() {
    for (expression, states, expected) in [
        ("{ all: [a, b, c] }", "ugu", State::Degraded),
        ("{ all: [a, b, c] }", "u.u", State::Unmeasured),
        ("{ all: [a, b, c] }", "u.D", State::Down),
        ("{ any: [a, b, c] }", "DgD", State::Degraded),
        ("{ any: [a, b, c] }", "D.D", State::Unmeasured),
        ("{ any: [a, b, c] }", "DDD", State::Down),
        ("{ at_least: 2, of: [a, b, c] }", "uDu", State::Up),
        ("{ at_least: 2, of: [a, b, c] }", "uDg", State::Degraded),
        ("{ at_least: 2, of: [a, b, c] }", "u.D", State::Unmeasured),
        ("{ at_least: 2, of: [a, b, c] }", "uDD", State::Down),
        ("{ any: [{ all: [a, b] }, c] }", "uDg", State::Degraded),
        ("{ any: [{ all: [a, b] }, c] }", "uD.", State::Unmeasured),
        ("{ at_least: 2, of: [a, a, b, c] }", "uDD", State::Up),
        ("{ at_least: 3, of: [a, a, b, c] }", "uDD", State::Down),
    ] {
        let catalogue = catalogue(&[("s", "a b c", expression)]);
        let letters: Vec<String> = states.chars().map(String::from).collect();
        let probes = rows(&[("s/a", &letters[0]), ("s/b", &letters[1]), ("s/c", &letters[2])]);
        let seen = service_timeline(&catalogue.services[&id("s")].structure.formula, &probes, span(0, 3));
        assert_eq!(seen.states, Timeline::constant(span(0, 3), expected), "{expression} {states}");
    }
}

/// The shares of `top` while these probes are down and all others are up.
fn shares(catalogue: &Catalogue, down: &str) -> String {
    let probes: Vec<(&str, &str)> = down.split_whitespace().map(|probe| (probe, "D")).collect();
    let mut probes = rows(&probes);
    let formula = &catalogue.services[&id("top")].structure.formula;
    for leaf in formula.leaves() {
        probes.entry(leaf.clone()).or_insert_with(|| Timeline::constant(span(0, 3), State::Up));
    }
    let seen = service_timeline(formula, &probes, span(0, 3));
    let Some(loss) = seen.losses.first() else { return "not down".to_owned() };
    let shares: Vec<String> = loss.shares.iter().map(|share| format!("{} {}", share.probe, share.parts)).collect();
    shares.join(", ")
}

#[test]
fn a_loss_is_handed_down_in_equal_parts() {
    let services = |expression| {
        catalogue(&[
            ("top", "a b c", expression),
            ("mid", "m n", "{ any: [m, n, { service: low }] }"),
            ("low", "x y", ""),
            ("low-2", "x", ""),
        ])
    };
    for (expression, down, expected) in [
        ("{ all: [a, b, c] }", "top/b", "top/b 1"),
        ("{ all: [a, b, c] }", "top/c top/a", "top/a 1, top/c 1"),
        ("{ any: [a, b] }", "top/a", "not down"),
        ("{ all: [a, { any: [b, c] }] }", "top/a top/b", "top/a 1"),
        ("{ all: [a, { any: [b, c] }] }", "top/a top/b top/c", "top/a 2, top/b 1, top/c 1"),
        ("{ at_least: 2, of: [a, b, c] }", "top/a top/b top/c", "top/a 1, top/b 1, top/c 1"),
        // Thirds, of which one is halved, are sixths.
        ("{ all: [a, b, { any: [c, a] }] }", "top/a top/b top/c", "top/a 3, top/b 2, top/c 1"),
        // Parts are added up over all ways to a probe, and cut no more finely than they have to be.
        ("{ all: [{ any: [a, b] }, { any: [b, a] }] }", "top/a top/b", "top/a 1, top/b 1"),
        ("{ all: [a, a, b] }", "top/a top/b", "top/a 2, top/b 1"),
        ("{ all: [a, { service: low }] }", "top/a low/x low/y", "low/x 1, low/y 1, top/a 2"),
        ("{ service: mid }", "mid/m mid/n low/x", "low/x 1, mid/m 1, mid/n 1"),
        ("{ all: [{ service: mid }, { service: low }] }", "mid/m mid/n low/x", "low/x 4, mid/m 1, mid/n 1"),
        ("{ all: [{ service: mid }, { service: low }] }", "mid/m low/x low/y", "low/x 1, low/y 1"),
        // By bytes a hyphen comes before the slash after a service's id, whichever id is shorter.
        ("{ all: [{ service: low }, { service: low-2 }] }", "low/x low-2/x", "low-2/x 1, low/x 1"),
    ] {
        assert_eq!(shares(&services(expression), down), expected, "{expression} {down}");
    }
}

#[test]
fn the_clock_says_who_is_charged() {
    let catalogue = catalogue(&[("top", "a b c", "{ all: [a, { all: [b, c] }] }")]);
    let probes = rows(&[("top/a", "DDDD"), ("top/b", "DDDD"), ("top/c", "DDDu")]);
    let seen = service_timeline(&catalogue.services[&id("top")].structure.formula, &probes, span(0, 12));
    let charged = |from, to| {
        let mut charges = BTreeMap::new();
        seen.charge(span(from, to), &mut charges);
        charges.retain(|_, ms| *ms != 0);
        charges.into_iter().map(|(probe, ms)| (probe.child.to_string(), ms)).collect::<Vec<_>>()
    };
    // Of each four milliseconds two are a's, then one is b's and one is c's, until c is up again.
    for (t, probe) in [(0, "a"), (1, "a"), (2, "b"), (3, "c"), (4, "a"), (8, "a"), (9, "b"), (10, "a"), (11, "b")] {
        assert_eq!(charged(t, t + 1), [(probe.to_owned(), 1)], "{t}");
    }
    let of = |ms: [i64; 3]| ["a", "b", "c"].map(str::to_owned).into_iter().zip(ms).collect::<Vec<_>>();
    assert_eq!((charged(0, 8), charged(0, 12)), (of([4, 2, 2]), of([6, 4, 2])));
}

/// The state of an expression of `service` at an instant.
fn state(all: &Catalogue, service: &Id, of: &Expression, states: &BTreeMap<ProbeId, State>) -> State {
    match of {
        Expression::Probe(probe) => states[&ProbeId::new(service.clone(), probe.clone())],
        Expression::Service(other) => state(all, other, &all.services[other].available_when, states),
        Expression::AtLeast { count, of } => {
            let mut found: Vec<State> = of.iter().map(|one| state(all, service, one, states)).collect();
            found.sort_unstable();
            found[count - 1]
        }
    }
}

/// Hands a part, a fraction, to the leaves of an expression that is down.
fn hand(
    all: &Catalogue,
    (service, of): (&Id, &Expression),
    states: &BTreeMap<ProbeId, State>,
    part: (i128, i128),
    parts: &mut Vec<(String, (i128, i128))>,
) {
    match of {
        Expression::Probe(probe) => parts.push((format!("{service}/{probe}"), part)),
        Expression::Service(other) => hand(all, (other, &all.services[other].available_when), states, part, parts),
        Expression::AtLeast { of, .. } => {
            let down: Vec<_> = of.iter().filter(|one| state(all, service, one, states) == State::Down).collect();
            let part = (part.0, part.1 * i128::try_from(down.len()).unwrap());
            for one in down {
                hand(all, (service, one), states, part, parts);
            }
        }
    }
}

/// Who is charged with the millisecond `t`, by the letter of the rules.
fn charged(all: &Catalogue, service: &Id, states: &BTreeMap<ProbeId, State>, t: i64) -> Option<String> {
    let whole = &all.services[service].available_when;
    if state(all, service, whole, states) != State::Down {
        return None;
    }
    let mut parts = Vec::new();
    hand(all, (service, whole), states, (1, 1), &mut parts);
    let mut added: BTreeMap<String, (i128, i128)> = BTreeMap::new();
    for (leaf, (up, down)) in parts {
        let sum = added.entry(leaf).or_insert((0, 1));
        let (up, down) = (sum.0 * down + up * sum.1, sum.1 * down);
        let (mut common, mut rest) = (up, down);
        while rest != 0 {
            (common, rest) = (rest, common % rest);
        }
        *sum = (up / common, down / common);
    }
    let whole = |q: i128| added.values().all(|(up, down)| up * q % down == 0);
    let q = (1..1_000_000).find(|q| whole(*q)).unwrap();
    let mut numbers = added.iter().flat_map(|(leaf, (up, down))| (0..up * q / down).map(move |_| leaf));
    numbers.nth(usize::try_from(i128::from(t).rem_euclid(q)).unwrap()).cloned()
}

const PROBES: [(&str, &str); 6] = [("s1", "a"), ("s1", "b"), ("s2", "a"), ("s2", "b"), ("s-2", "a"), ("s-2", "b")];

/// An expression over two probes of its own and services further down.
fn expression(below: &'static [&'static str]) -> impl Strategy<Value = String> {
    let mut leaves = vec!["a".to_owned(), "b".to_owned()];
    leaves.extend(below.iter().map(|id| format!("{{ service: {id} }}")));
    let node = |of: Vec<String>, k: usize| match k % (of.len() + 2) {
        0 => format!("{{ all: [{}] }}", of.join(", ")),
        1 => format!("{{ any: [{}] }}", of.join(", ")),
        k => format!("{{ at_least: {}, of: [{}] }}", k - 1, of.join(", ")),
    };
    let leaf = prop::sample::select(leaves);
    let nested = leaf.prop_recursive(2, 12, 3, move |inner| {
        (prop::collection::vec(inner, 1..4), 0_usize..8).prop_map(move |(of, k)| node(of, k))
    });
    (prop::collection::vec(nested, 1..4), 0_usize..8).prop_map(move |(of, k)| node(of, k))
}

fn lengths() -> impl Strategy<Value = Vec<(i64, State)>> {
    let state = prop_oneof![
        2 => Just(State::Up), 1 => Just(State::Degraded), 1 => Just(State::Unmeasured), 4 => Just(State::Down)
    ];
    prop::collection::vec((1_i64..30, state), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn states_and_charges_are_those_of_every_millisecond(
        (top, mid, low) in (expression(&["s2", "s-2"]), expression(&["s-2"]), expression(&[])),
        rows in prop::collection::vec(lengths(), 6),
        begin in -40_i64..10,
        cut in 0_i64..100,
    ) {
        let all = catalogue(&[("s1", "a b", &top), ("s2", "a b", &mid), ("s-2", "a b", &low)]);
        let probes: BTreeMap<ProbeId, Timeline> = PROBES.iter().zip(&rows).map(|((service, probe), lengths)| {
            let (mut timeline, mut at) = (Timeline::default(), begin);
            for (length, state) in lengths {
                timeline.push(span(at, at + length), *state);
                at += length;
            }
            (ProbeId::new(id(service), id(probe)), timeline)
        }).collect();
        let (service, whole) = (id("s1"), span(-20, 80));
        let formula = &all.services[&service].structure.formula;
        let seen = service_timeline(formula, &probes, whole);

        let mut by_ms: BTreeMap<ProbeId, i64> = BTreeMap::new();
        for t in -20..80 {
            let at = Instant::from_ms(t);
            let states = probes.iter().map(|(id, timeline)| (id.clone(), timeline.state_at(at))).collect();
            prop_assert_eq!(seen.states.state_at(at), state(&all, &service, &all.services[&service].available_when, &states));
            let guilty: Option<ProbeId> = charged(&all, &service, &states, t).map(|leaf| leaf.parse().unwrap());
            let mut charges = BTreeMap::new();
            seen.charge(span(t, t + 1), &mut charges);
            let found: BTreeSet<ProbeId> = charges.into_iter().filter(|(_, ms)| *ms == 1).map(|(leaf, _)| leaf).collect();
            prop_assert_eq!(&found, &guilty.clone().into_iter().collect(), "at {}", t);
            if let Some(leaf) = guilty {
                *by_ms.entry(leaf).or_default() += 1;
            }
        }
        let mut charges = BTreeMap::new();
        seen.charge(whole, &mut charges);
        charges.retain(|_, ms| *ms != 0);
        prop_assert_eq!(charges, by_ms);

        // A service that goes on from anywhere is the same.
        let at = Instant::from_ms(cut - 20);
        let rest = service_timeline(formula, &probes, Interval::new(at, whole.end));
        let mut again = seen.clone();
        again.replace_from(at, rest.clone());
        prop_assert_eq!(&again, &seen);
        again.forget_before(at);
        prop_assert_eq!(again, rest);
    }
}
