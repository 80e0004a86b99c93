//! What is carried on from tick to tick against what the store's observations give at once: rows of several vantage
//! points in order, late, ahead of the present; restarts; a clock that is set back; history derived bit by bit.

use uphold_common::catalogue::model::{Service, WindowKind};
use uphold_common::ids::VantagePoint;
use uphold_common::measure::kinds::Account;
use uphold_common::measure::probe::probe_timeline;
use uphold_common::measure::service::service_timeline;
use uphold_common::measure::target::probe_rules;
use uphold_common::measure::vantage::vantage_timeline;
use uphold_common::measure::window::local_days;
use uphold_common::time::{DAY_MS, Interval};

use super::super::query::QueryError;
use super::super::sight::Seen;
use super::*;
use crate::snapshot::{STRIP_DAYS, Snapshot, StripDay};

const SERVICES: &str = "
organisation: { name: Example, time_zone: Europe/Zurich }
customers: [{ id: retail, name: Retail }]
services:
  - id: shop
    name: Shop
    since: 2026-03-08T15:00:00Z
    probes:
      - { id: web, agents: [a, b], interval: 60s, timeout: 5s, fall: 2, rise: 2, tcp: { address: \"127.0.0.1:1\" } }
      - { id: api, agents: [a, b], interval: 5m, timeout: 5s, quorum: 1, tcp: { address: \"127.0.0.1:1\" } }
  - id: site
    name: Site, with a door of its own beside the shop
    probes:
      - { id: door, agents: [b], interval: 60s, timeout: 5s, tcp: { address: \"127.0.0.1:1\" } }
    available_when: { all: [door, { service: shop }] }
  - id: all
    name: Everything
    available_when: { at_least: 1, of: [{ service: site }, { any: [{ service: shop }] }] }
agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
      - { id: month, service: shop, window: month, availability: \"99.9%\" }
      - { id: day, service: shop, window: 24h, availability: \"99.9%\" }
      - { id: all, service: all, window: 24h, availability: \"99.9%\" }
";

/// Who observes what, and every how many seconds.
const STREAMS: [(&str, &str, i64); 5] = [
    ("a", "shop/web", 60),
    ("b", "shop/web", 60),
    ("a", "shop/api", 300),
    ("b", "shop/api", 300),
    ("b", "site/door", 60),
];

/// Numbers that look like chance and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// One push of one row for each of `instants`, in seconds.
fn push(world: &mut World, agent: &str, probe: &str, instants: &[i64], dice: &mut Dice, now: i64) {
    let id = |text| Id::new(text).unwrap();
    world.seq += 1;
    let outcome = |roll| match roll {
        0..=1 => Outcome::Down,
        2 => Outcome::Unknown,
        3 => Outcome::Degraded,
        _ => Outcome::Up,
    };
    let rows = instants.iter().map(|seconds| {
        let total = Micros::new(dice.below(1_000));
        let outcome = outcome(dice.below(9));
        Observation { at: at(*seconds), outcome, cause: Cause::None, code: 0, total, phases: Phases::default() }
    });
    let streams = vec![Rows::Probe(probe.parse().unwrap(), rows.collect())];
    let key = BatchKey { agent: id(agent), epoch: Epoch([5; 16]), seq: world.seq };
    let batch = Batch { key, closed_at: at(now), streams, facts: Vec::new() };
    let framed = batch.encode().unwrap();
    let backlog =
        Backlog { told: Told { acknowledged: 0, ..Told::default() }, batches: 0, oldest: None, sent_at: at(now) };
    let arrived = Arrived {
        authenticated: false,
        token: None,
        backlog,
        batch: Admitted { digest: digest(&framed), framed, batch: batch.into() },
    };
    world.engine().take_in(vec![arrived], at(now)).unwrap();
}

/// What is seen over `span`, out of all observations.
fn at_once(engine: &Engine, service: &Service, span: Interval) -> Seen {
    let mut probes = BTreeMap::new();
    for probe in service.looks_at() {
        let of_agent = |agent: &Id| {
            let point = VantagePoint { probe: probe.id.clone(), agent: agent.clone() };
            let all = engine.store.observations(&point, Interval::new(Instant::MIN, span.end)).unwrap();
            vantage_timeline(&all, &probe_rules(probe).into(), span)
        };
        let vantage: Vec<_> = probe.agents.iter().map(of_agent).collect();
        probes.insert(probe.id.clone(), probe_timeline(&vantage.iter().collect::<Vec<_>>(), probe.quorum, span));
    }
    Seen { service: service_timeline(&service.structure.formula, &probes, span), probes }
}

fn compare(world: &mut World, snapshot: &Snapshot) {
    let catalogue = world.engine().catalogue();
    for service in catalogue.services.values() {
        compare_service(world.engine(), service, snapshot);
    }
}

fn compare_service(engine: &mut Engine, service: &Service, snapshot: &Snapshot) {
    let (id, as_of) = (&service.id, snapshot.as_of);
    let entry = engine.entry(id);
    let span = engine.sights[id].span;
    let seen = at_once(engine, service, Interval::new(span.start.min(entry), as_of));
    assert_eq!(span.end, as_of);
    let shown = &snapshot.services[id];
    let strip = local_days(&service.time_zone, Interval::new(entry, as_of)).into_iter();
    let strip =
        strip.map(|(date, part)| StripDay { date, kinds: Account::of(part, entry, &seen.service.states).kinds });
    let strip: Vec<StripDay> = strip.collect();
    assert_eq!(shown.strip, strip[strip.len().saturating_sub(STRIP_DAYS)..], "{id} as of {as_of}");
    let kept = engine.sights.remove(id).unwrap();
    assert_eq!(kept.seen, at_once(engine, service, span), "{id} as of {as_of}");
    engine.sights.insert(id.clone(), kept);
}

#[test]
fn what_is_carried_on_from_tick_to_tick_is_what_is_seen_at_once() {
    for seed in 0..3 {
        let mut dice = Dice(seed);
        let mut world = World::with(SERVICES.to_owned(), 0);
        world.engine().observations_at_once = usize::MAX;
        let mut now = 0;
        let mut held: Vec<(&str, &str, i64)> = Vec::new();
        for turn in 0..80 {
            let from = now;
            now += match dice.below(12) {
                0 => 20_000,
                1 => 4_000,
                _ => 1 + i64::try_from(dice.below(200)).unwrap(),
            };
            for (agent, probe, step) in STREAMS {
                let ahead = if dice.below(30) == 0 { 400 } else { 0 };
                let instants: Vec<i64> = (from..now + ahead).filter(|at| at % step == 7).collect();
                let (sent, late): (Vec<i64>, Vec<i64>) = instants.into_iter().partition(|_| dice.below(20) > 0);
                held.extend(late.into_iter().map(|at| (agent, probe, at)));
                if !sent.is_empty() && dice.below(15) > 0 {
                    push(&mut world, agent, probe, &sent, &mut dice, now);
                }
            }
            if dice.below(10) == 0 {
                for (agent, probe, at) in std::mem::take(&mut held) {
                    push(&mut world, agent, probe, &[at], &mut dice, now);
                }
            }
            if dice.below(25) == 0 {
                world.open(now);
                world.engine().observations_at_once = usize::MAX;
            }
            let set_back = if dice.below(25) == 0 { 500 } else { 0 };
            let snapshot = world.tick(now - set_back);
            compare(&mut world, &snapshot);
            while world.engine().upkeep(at(now)).unwrap() {}
            assert!(turn < 79 || world.engine().timelines.bytes() > 0);
        }
    }
}

#[test]
fn history_is_derived_bit_by_bit_and_shown_when_it_is_whole() {
    let mut dice = Dice(1);
    let mut world = World::with(SERVICES.to_owned(), 0);
    let day = DAY_MS / 1_000;
    let instants: Vec<i64> = (0..3 * day).step_by(60).collect();
    for (agent, probe, _) in STREAMS {
        push(&mut world, agent, probe, &instants, &mut dice, 3 * day);
    }
    world.open(3 * day + 5);
    world.engine().observations_at_once = 2_000;
    let mut ticks = 0;
    let snapshot = loop {
        let snapshot = world.tick(3 * day + 5);
        if snapshot.health.deriving == 0 {
            break snapshot;
        }
        assert!(snapshot.services.is_empty() && snapshot.open_incidents.is_empty());
        ticks += 1;
        assert!(ticks < 50);
    };
    assert!(ticks > 5, "{ticks} ticks");
    compare(&mut world, &snapshot);
    let snapshot = world.tick(3 * day + 120);
    assert!(!snapshot.open_incidents.is_empty(), "and then what happened is raised");
}

#[test]
fn a_large_question_is_answered_after_some_turns_and_as_at_once() {
    let mut dice = Dice(2);
    let mut world = World::with(SERVICES.to_owned(), 0);
    let day = DAY_MS / 1_000;
    let instants: Vec<i64> = (0..5 * day).step_by(60).collect();
    for (agent, probe, _) in STREAMS {
        push(&mut world, agent, probe, &instants, &mut dice, 5 * day);
    }
    let now = at(5 * day + 5);
    world.open(5 * day + 5);
    let kind = WindowKind::Rolling { length_ms: 5 * DAY_MS };
    let service = world.engine().in_force.catalogue.services.keys().next().unwrap().clone();
    let query = FiguresQuery { service, window: Some(kind), at: None, as_of: Some(now), timelines: true };
    let engine = world.engine();
    engine.observations_at_once = 0;
    engine.tick(now).unwrap();
    engine.observations_at_once = 2_000;
    let mut turns = 0;
    let answer = loop {
        match engine.figures_in_turn(&query, now, now) {
            Ok(answer) => break answer,
            Err(QueryError::Deriving) => turns += 1,
            Err(other) => panic!("{other}"),
        }
        assert!(turns < 100);
    };
    assert!(turns > 3, "{turns} turns");
    world.open(5 * day + 5);
    assert_eq!(answer, world.engine().figures(&query, now, now).unwrap());
}
