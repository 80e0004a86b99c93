//! What is listed adds up, whatever was seen, planned and excluded; what does not is found; and a table of what counted of
//! each record.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::behind::{Behind, VantageBehind, probes_behind, state_of};
use super::document::{About, AvailabilityMade, Explanation, WhichFigure};
use super::records::{self, Looked, Parts};
use crate::catalogue::course::{Courses, Piece};
use crate::catalogue::model::{Catalogue, Promise, Service};
use crate::catalogue::promise::MaintenanceRules;
use crate::governed::exclusion::{Exclusion, ExclusionAsked};
use crate::governed::maintenance::{Maintenance, MaintenanceAsked};
use crate::governed::{Asked, Content, Defaults};
use crate::ids::{Id, ProbeId, TargetId};
use crate::measure::committed::{Committed, Facts, Planned};
use crate::measure::kinds::Kind;
use crate::measure::probe::probe_timeline;
use crate::measure::service::service_timeline;
use crate::measure::target::{TargetFigures, probe_rules};
use crate::measure::timeline::Timeline;
use crate::measure::vantage::vantage_timeline;
use crate::measure::window::Window;
use crate::observation::{Cause, Micros, Observation, Outcome, Phases};
use crate::time::{Instant, Interval};

const CATALOGUE: &str = r#"
organisation: { name: Example, time_zone: UTC }
customers: [{ id: retail, name: Retail }]
parties: [{ id: isp, name: Carrier, kind: supplier }]
components: [{ id: uplink, name: Uplink, party: isp }]
hosts: [{ id: web-1, agent: a }]
services:
  - id: shop
    name: Shop
    probes:
      - { id: p1, agents: [a, b, c], interval: 1s, timeout: 1s, fall: 2, rise: 2, tcp: { address: "192.0.2.1:1" } }
      - { id: p2, agents: [a, b], quorum: 1, interval: 1s, timeout: 1s, component: uplink, tcp: { address: "192.0.2.1:2" } }
      - { id: p3, agents: [a], interval: 1s, timeout: 1s, tcp: { address: "192.0.2.1:3" } }
    available_when: { all: [p1, { any: [p2, p3] }] }
agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
      - { id: up, service: shop, window: month, availability: "99%" }
      - { id: quick, service: shop, window: month, response_time: { probe: p1, percentile: "50", below: 3ms } }
      - { id: disk, service: shop, window: month, capacity: { host: web-1, resource: cpu, percentile: "50", warning: "50%", critical: "80%" } }
"#;
/// How long the made-up facts are.
const LENGTH_MS: i64 = 60_000;

pub(super) fn catalogue() -> Catalogue {
    crate::catalogue::read(&[("a.yaml", CATALOGUE)]).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(super) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(super) fn span(start: i64, end: i64) -> Interval {
    Interval::new(Instant::from_ms(start), Instant::from_ms(end))
}

pub(super) fn observation(at: i64, outcome: Outcome) -> Observation {
    let (cause, code, total, phases) = (Cause::None, 0, Micros::new(at.unsigned_abs()), Phases::default());
    Observation { at: Instant::from_ms(at), outcome, cause, code, total, phases }
}

fn maintenance(name: &str, (start, end): (i64, i64), announced_at: i64) -> Maintenance {
    let written = json!({ "services": "all", "start": start, "end": end, "announced_at": announced_at });
    match read(&Asked::Maintenance(serde_json::from_value::<MaintenanceAsked>(written).unwrap()), name) {
        Content::Maintenance(maintenance) => maintenance,
        other => panic!("{other:?}"),
    }
}

fn exclusion(name: &str, (start, end): (i64, i64)) -> Exclusion {
    let written =
        json!({ "services": "all", "start": start, "end": end, "class": "other", "reason": "r", "approver": "a" });
    match read(&Asked::Exclusion(serde_json::from_value::<ExclusionAsked>(written).unwrap()), name) {
        Content::Exclusion(exclusion) => exclusion,
        other => panic!("{other:?}"),
    }
}

fn read(asked: &Asked, name: &str) -> Content {
    asked.read(id(name), &Defaults { at: Instant::from_ms(0), time_zone: None }).unwrap()
}

/// What a made-up world is made of.
#[derive(Clone, Debug)]
struct World {
    seen: Vec<(usize, i64, Outcome)>,
    window: (i64, i64),
    as_of: i64,
    entry: i64,
    hours: Vec<(i64, i64)>,
    rules: MaintenanceRules,
    planned: Vec<((i64, i64), i64)>,
    excluded: Vec<(i64, i64)>,
}

fn facts() -> impl Strategy<Value = World> {
    let outcome = prop_oneof![4 => Just(Outcome::Up), 4 => Just(Outcome::Down), 1 => Just(Outcome::Degraded), 1 => Just(Outcome::Unknown)];
    let seen = prop::collection::vec((0_usize..6, 0..LENGTH_MS, outcome), 0..200);
    let part = || (0..LENGTH_MS, 1..LENGTH_MS / 3).prop_map(|(start, length)| (start, start + length));
    let rules = (0..10_000_i64, prop::option::of(0..LENGTH_MS))
        .prop_map(|(min_notice_ms, allowance_ms)| MaintenanceRules { min_notice_ms, allowance_ms });
    let planned = prop::collection::vec((part(), 0..LENGTH_MS), 0..5);
    let window = (0..LENGTH_MS / 2, LENGTH_MS / 2..LENGTH_MS + 10_000);
    let times = (window, LENGTH_MS / 4..LENGTH_MS + 20_000, -1_000..LENGTH_MS / 2);
    let excluded = prop::collection::vec(part(), 0..4);
    let hours = prop::collection::vec(part(), 0..4);
    (seen, times, hours, rules, planned, excluded).prop_map(
        |(seen, (window, as_of, entry), hours, rules, planned, excluded)| World {
            seen,
            window,
            as_of,
            entry,
            hours,
            rules,
            planned,
            excluded,
        },
    )
}

/// What each vantage point and each probe of a made-up world was.
fn states(service: &Service, facts: &World) -> (BTreeMap<(ProbeId, Id), Timeline>, BTreeMap<ProbeId, Timeline>) {
    let whole = span(0, LENGTH_MS + 30_000);
    let points: Vec<(ProbeId, Id)> = service
        .probes
        .values()
        .flat_map(|probe| probe.agents.iter().map(|agent| (probe.id.clone(), agent.clone())))
        .collect();
    let mut vantage: BTreeMap<(ProbeId, Id), Timeline> = BTreeMap::new();
    for (place, point) in points.iter().enumerate() {
        let own = facts.seen.iter().filter(|(of, at, _)| *of == place && *at < facts.as_of);
        let mut seen: Vec<Observation> = own.map(|(_, at, outcome)| observation(*at, *outcome)).collect();
        crate::observation::settle_all(&mut seen);
        vantage.insert(
            point.clone(),
            vantage_timeline(&seen, &probe_rules(&service.probes[&point.0.child]).into(), whole),
        );
    }
    let probe = |probe: &crate::catalogue::model::Probe| {
        let own: Vec<&Timeline> =
            probe.agents.iter().map(|agent| &vantage[&(probe.id.clone(), agent.clone())]).collect();
        (probe.id.clone(), probe_timeline(&own, probe.quorum, whole))
    };
    let probes: BTreeMap<ProbeId, Timeline> = service.probes.values().map(|of| probe(of)).collect();
    (vantage, probes)
}

/// Puts behind each stretch what is behind it, without observations.
fn put_behind(
    made: &mut AvailabilityMade,
    piece: &Piece,
    service: &Service,
    vantage: &BTreeMap<(ProbeId, Id), Timeline>,
    probes: &BTreeMap<ProbeId, Timeline>,
) {
    for stretch in made.stretches.iter_mut().filter(|stretch| stretch.needs_evidence()) {
        let state = state_of(stretch.kind).unwrap();
        for (probe, was) in probes_behind(service, stretch.interval(), state, probes) {
            let mut behind = Behind::of(piece, probe, &was);
            behind.vantage.extend(probe.agents.iter().map(|agent| {
                VantageBehind::of(
                    agent,
                    &vantage[&(probe.id.clone(), agent.clone())].clip(stretch.interval()),
                    state,
                    probe.quorum,
                )
            }));
            stretch.behind.push(behind);
        }
    }
}

/// Everything that is listed of a figure of a made-up world, with what is behind it.
fn explained(facts: &World, which: WhichFigure) -> (Explanation, TargetFigures) {
    let catalogue = catalogue();
    let courses = Courses::of(&catalogue);
    let service = &catalogue.services[&id("shop")];
    let course = courses.service(&service.id).unwrap();
    let window = Window::holding(
        crate::catalogue::model::WindowKind::Stretch {
            start: Instant::from_ms(facts.window.0),
            end: Instant::from_ms(facts.window.1),
        },
        &service.time_zone,
        Instant::from_ms(facts.as_of),
        Instant::from_ms(facts.as_of),
    );
    let (vantage, probes) = states(service, facts);
    let whole = span(0, LENGTH_MS + 30_000);
    let seen = service_timeline(&service.structure.formula, &probes, whole);
    let maintenances: Vec<Maintenance> =
        (1..).zip(&facts.planned).map(|(n, (part, at))| maintenance(&format!("m{n}"), *part, *at)).collect();
    let exclusions: Vec<Exclusion> =
        (1..).zip(&facts.excluded).map(|(n, part)| exclusion(&format!("x{n}"), *part)).collect();
    let on_record = Facts {
        maintenance: maintenances
            .iter()
            .map(|m| Planned { interval: m.first(), announced_at: m.announced_at() })
            .collect(),
        excluded: exclusions.iter().map(|exclusion| exclusion.interval).collect(),
    };
    let hours = crate::measure::agreed::union(facts.hours.iter().map(|(start, end)| span(*start, *end)).collect());
    let hours = (!hours.is_empty()).then_some(hours.as_slice());
    let committed = Committed::of(window.interval, Instant::from_ms(facts.entry), hours, facts.rules, &on_record);
    let target = &catalogue.targets[&TargetId::try_from("sla/up".to_owned()).unwrap()];
    let Promise::Availability(promise) = target.promise else { panic!("it is on availability") };
    let figures = TargetFigures::measure(promise, course, window, &committed, &seen);
    let cover = match which {
        WhichFigure::Contractual => &committed.contractual,
        WhichFigure::WithoutExclusions => &committed.without_exclusions,
        WhichFigure::Experienced => &committed.experienced,
    };
    let looked = Looked { window: window.interval, until: window.elapsed().end, cover };
    let in_force = maintenances.iter().filter(|_| which != WhichFigure::Experienced);
    let planned = records::maintenances(in_force, &service.id, facts.rules, looked);
    let excluded = records::exclusions(exclusions.iter().filter(|_| which == WhichFigure::Contractual), looked);
    let mut made = AvailabilityMade::of(which, &figures, &seen, [planned, excluded], &[(figures.account.interval, 3)]);
    put_behind(&mut made, course.newest().unwrap(), service, &vantage, &probes);
    let about = About {
        service,
        catalogue_version: 3,
        target,
        window,
        settled: false,
        entry: committed.entry,
        rows_from: None,
    };
    let mut explanation = Explanation::about(&about);
    explanation.availability = Some(Box::new(made));
    (explanation, figures)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The listed stretches add up to the figure, charges to the downtime, records to what they took out, and what each vantage
    /// point was to the stretch. Whatever is down, not measured or degraded has something behind it.
    #[test]
    fn what_is_listed_adds_up_to_the_figure(facts in facts()) {
        for (_, which) in WhichFigure::WORDS {
            let (explanation, figures) = explained(&facts, which);
            prop_assert_eq!(explanation.broken(), Vec::<String>::new());
            let made = explanation.availability.unwrap();
            let figure = which.of(&figures);
            prop_assert_eq!(made.sums.listed, figure.account.kinds);
            prop_assert_eq!(&made.sums.charges_ms, &figure.charges);
            for stretch in &made.stretches {
                prop_assert!(!stretch.needs_evidence() || !stretch.behind.is_empty(), "nothing is behind {:?}", stretch);
                let charged: Vec<&ProbeId> = stretch.charges_ms.keys().collect();
                let named = |probe: &&ProbeId| stretch.behind.iter().any(|behind| behind.probe == **probe);
                prop_assert!(charged.iter().all(named), "who is charged is behind it: {:?}", stretch);
                let taken_out = matches!(stretch.kind, Kind::Maintenance | Kind::Excluded);
                prop_assert_eq!(taken_out, !stretch.records.is_empty(), "{:?}", stretch);
            }
        }
    }
}

#[test]
fn what_does_not_add_up_is_found() {
    let facts = World {
        seen: vec![
            (0, 1_000, Outcome::Down),
            (0, 2_000, Outcome::Down),
            (1, 2_500, Outcome::Down),
            (1, 3_000, Outcome::Down),
        ],
        window: (0, 20_000),
        as_of: 15_000,
        entry: 0,
        hours: Vec::new(),
        rules: MaintenanceRules::default(),
        planned: vec![((4_000, 6_000), 0)],
        excluded: vec![(7_000, 8_000)],
    };
    let (sound, _) = explained(&facts, WhichFigure::Contractual);
    assert_eq!(sound.broken(), Vec::<String>::new());
    let changes: [fn(&mut AvailabilityMade); 7] = [
        |made| made.stretches[0].end_ms = made.stretches[0].end_ms.plus_ms(1),
        |made| drop(made.stretches.pop()),
        |made| made.sums.figure.down += 1,
        |made| made.maintenances.listed[0].parts.counted_ms -= 1,
        |made| made.exclusions.listed.clear(),
        |made| made.reckoning.U += 1,
        |made| made.stretches.iter_mut().for_each(|stretch| stretch.charges_ms.clear()),
    ];
    assert!(sound.availability.as_ref().unwrap().stretches.iter().any(|stretch| stretch.kind == Kind::Down));
    for (place, change) in changes.into_iter().enumerate() {
        let mut wrong = sound.clone();
        change(wrong.availability.as_mut().unwrap());
        assert!(!wrong.broken().is_empty(), "change {place} is found");
    }
}

#[test]
fn of_each_record_it_is_said_what_counted_and_why_the_rest_did_not() {
    let window = span(0, 100);
    let maintained = [
        maintenance("late", (0, 10), 5),
        maintenance("first", (0, 20), -50),
        maintenance("second", (10, 40), -50),
        maintenance("to-come", (80, 120), -50),
    ];
    let excluded = [exclusion("x", (30, 60)), exclusion("y", (50, 70))];
    let rules = MaintenanceRules { min_notice_ms: 10, allowance_ms: Some(25) };
    let facts = Facts {
        maintenance: maintained
            .iter()
            .map(|m| Planned { interval: m.first(), announced_at: m.announced_at() })
            .collect(),
        excluded: excluded.iter().map(|x| x.interval).collect(),
    };
    let committed = Committed::of(window, Instant::from_ms(5), None, rules, &facts);
    let looked = Looked { window, until: Instant::from_ms(90), cover: &committed.contractual };
    let (found, counted) = records::maintenances(&maintained, &id("shop"), rules, looked);
    let parts: Vec<(&str, Parts)> = found.listed.iter().map(|record| (record.id.as_str(), record.parts)).collect();
    let none = Parts::default();
    assert_eq!(
        parts,
        [
            ("late", Parts { within_ms: 10, outside_agreed_ms: 5, too_late_ms: 5, ..none }),
            ("first", Parts { within_ms: 20, outside_agreed_ms: 5, counted_ms: 15, ..none }),
            ("second", Parts { within_ms: 30, with_another_ms: 10, counted_ms: 10, beyond_allowance_ms: 10, ..none }),
            ("to-come", Parts { within_ms: 20, beyond_allowance_ms: 10, to_come_ms: 10, ..none }),
        ]
    );
    assert_eq!(found.listed[0].announced_by_ms, Some(Instant::from_ms(-10)));
    assert_eq!(counted.within(span(0, 30)), [id("first"), id("second")]);
    let (found, _) = records::exclusions(&excluded, looked);
    let parts: Vec<Parts> = found.listed.iter().map(|record| record.parts).collect();
    assert_eq!(parts[0], Parts { within_ms: 30, counted_ms: 30, ..none });
    assert_eq!(parts[1], Parts { within_ms: 20, counted_ms: 10, with_another_ms: 10, ..none });
    let under = Looked {
        cover: &Committed::of(window, Instant::from_ms(0), None, MaintenanceRules::default(), &facts).contractual,
        ..looked
    };
    let (found, _) = records::exclusions(&excluded[..1], under);
    assert_eq!(found.listed[0].parts, Parts { within_ms: 30, under_maintenance_ms: 10, counted_ms: 20, ..none });
}
