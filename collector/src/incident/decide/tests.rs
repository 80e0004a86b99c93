//! Decisions by scenario: outages that end, return, were over before they were known, or never were.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::course::{Courses, ServiceCourse};
use uphold_common::catalogue::model::{
    AgreementKind, AvailabilityPromise, BreakTargets, Consequences, Criticality, DegradedPolicy, Effective, Expression,
    Handling, MaintenanceRules, Organisation, Priorities, Probe, Promise, Raising, Service, Structure,
    UnmeasuredPolicy, WindowKind,
};
use uphold_common::ids::PathId;
use uphold_common::measure::committed::Committed;
use uphold_common::measure::service::ServiceTimeline;
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::window::Window;
use uphold_common::observation::State;
use uphold_common::percent::Ppb;
use uphold_common::time::Interval;
use uphold_common::wire::check::{Check, TcpCheck};

use super::*;

pub(super) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(super) fn at(ms: i64) -> Instant {
    Instant::from_ms(ms)
}

fn course(courses: &Courses) -> &ServiceCourse {
    courses.service(&id("shop")).unwrap()
}

fn promise() -> AvailabilityPromise {
    AvailabilityPromise {
        share: Ppb::parse("99%").unwrap(),
        unmeasured: UnmeasuredPolicy::Exclude,
        degraded: DegradedPolicy::CountAsUp,
        breaks: BreakTargets::default(),
    }
}

fn catalogue() -> Catalogue {
    let zone = jiff::tz::TimeZone::UTC;
    let probe = Probe {
        id: PathId::new(id("shop"), id("web")),
        component: None,
        agents: vec![id("a")],
        interval_ms: 10,
        timeout_ms: 5,
        stale_after_ms: 25,
        fall: 2,
        rise: 1,
        quorum: None,
        slow_after_ms: None,
        confirm_after_ms: None,
        check: Check::Tcp(TcpCheck { address: "127.0.0.1:1".to_owned(), ..TcpCheck::default() }),
    };
    let service = Service {
        id: id("shop"),
        name: "Shop".to_owned(),
        outcome: None,
        owner: None,
        customers: Vec::new(),
        criticality: Criticality::High,
        since: Some(at(0)),
        time_zone: zone.clone(),
        calendar: None,
        weight: None,
        probes: BTreeMap::from([(id("web"), Arc::new(probe))]),
        available_when: Expression::all(vec![Expression::Probe(id("web"))]),
        structure: Structure::default(),
    };
    let target = Target {
        id: PathId::new(id("sla"), id("availability")),
        kind: AgreementKind::Sla,
        party: id("retail"),
        service: id("shop"),
        window: WindowKind::Month,
        calendar: None,
        maintenance: MaintenanceRules::default(),
        effective: Effective::default(),
        promise: Promise::Availability(promise()),
        consequences: Consequences::default(),
    };
    Catalogue {
        organisation: Organisation { name: "Example".to_owned(), time_zone: zone },
        effective_from: None,
        customers: BTreeMap::new(),
        parties: BTreeMap::new(),
        components: BTreeMap::new(),
        hosts: BTreeMap::new(),
        calendars: BTreeMap::new(),
        agents: BTreeMap::new(),
        services: BTreeMap::from([(id("shop"), service)]),
        targets: BTreeMap::from([(target.id.clone(), target)]),
        priorities: Priorities::default(),
        raising: Raising { absorb_ms: 0, ..Raising::default() },
        handling: Handling::default(),
        receivers: BTreeMap::new(),
        routes: Vec::new(),
        remarks: Vec::new(),
    }
}

/// Nothing is known to be wrong with a service.
pub(super) fn nothing(service: &Id) -> Situation<'_> {
    Situation {
        service,
        held: false,
        horizon: at(0),
        down: Vec::new(),
        degraded: Vec::new(),
        unmeasured: Vec::new(),
        planned: Vec::new(),
        targets: Vec::new(),
        capacity: Vec::new(),
        conditions: Vec::new(),
    }
}

pub(super) fn troubles(stretches: &[(i64, Option<i64>)]) -> Vec<Trouble> {
    let episode = |(s, e): &(i64, Option<i64>)| Episode { started: at(*s), ended: e.map(at), is_enough: true };
    stretches.iter().map(episode).map(Trouble::of).collect()
}

/// A small world: the episodes it shows, decided at once and applied to its register.
pub(super) struct World {
    pub(super) catalogue: Catalogue,
    pub(super) register: Register,
    pub(super) calm: BTreeMap<Number, Instant>,
    /// What was promised through the versions, if the catalogue is not the only one.
    pub(super) courses: Option<Courses>,
    held: bool,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            catalogue: catalogue(),
            register: Register::default(),
            calm: BTreeMap::new(),
            courses: None,
            held: false,
        }
    }

    /// Decides over these outages at `now`, applies what was decided, and shows it as text.
    pub(super) fn sees(&mut self, outages: &[(i64, Option<i64>)], now: i64) -> Vec<String> {
        let shop = id("shop");
        let situation = Situation { down: troubles(outages), held: self.held, ..nothing(&shop) };
        self.decides(&[situation], now)
    }

    pub(super) fn decides(&mut self, situations: &[Situation<'_>], now: i64) -> Vec<String> {
        let decisions = self.decided(situations, now);
        self.apply(&decisions)
    }

    pub(super) fn decided(&self, situations: &[Situation<'_>], now: i64) -> Vec<Decision> {
        let Self { register, catalogue, calm, .. } = self;
        let of_one = Courses::of(catalogue);
        let courses = self.courses.as_ref().unwrap_or(&of_one);
        let known = Known { register, catalogue, courses, calm, draw: &|| None };
        decide(known, situations, &[], at(now))
    }

    /// The same over the month's target, the service having been down for these outages.
    fn measures(&mut self, outages: &[(i64, i64)], now: i64) -> Vec<String> {
        let mut states = Timeline::default();
        for (start, end) in outages {
            states.push(Interval::new(at(0), at(*start)), State::Up);
            let up_to = states.span().map_or(0, |span| span.end.as_ms());
            states.push(Interval::new(at(up_to), at(*start)), State::Up);
            states.push(Interval::new(at(*start), at(*end)), State::Down);
        }
        let seen_to = states.span().map_or(at(0), |span| span.end);
        states.push(Interval::new(seen_to, at(now)), State::Up);
        let seen = ServiceTimeline { states, losses: Vec::new() };
        let courses = Courses::of(&self.catalogue);
        let decisions = {
            let target = self.catalogue.targets.values().next().unwrap();
            let service = &self.catalogue.services[&id("shop")];
            let window = Window::holding(WindowKind::Month, &service.time_zone, at(now), at(now));
            let figures = TargetFigures::measure(
                promise(),
                course(&courses),
                window,
                &Committed::always(window.interval, at(0)),
                &seen,
            );
            let situation = Situation { held: self.held, targets: vec![(target, &figures)], ..nothing(&service.id) };
            self.decided(&[situation], now)
        };
        self.apply(&decisions)
    }

    /// The same over the window of a target that holds an instant, the service having been in one state all along.
    pub(super) fn was_always(&mut self, state: State, target: &Target, window_at: i64, now: i64) -> Vec<String> {
        let courses = Courses::of(&self.catalogue);
        let service = &self.catalogue.services[&id("shop")];
        let window = Window::holding(target.window, &service.time_zone, at(window_at), at(now));
        let states = Timeline::constant(window.elapsed(), state);
        let seen = ServiceTimeline { states, losses: Vec::new() };
        let committed = Committed::always(window.interval, at(0));
        let figures = TargetFigures::measure(promise(), course(&courses), window, &committed, &seen);
        let situation = Situation { held: false, targets: vec![(target, &figures)], ..nothing(&service.id) };
        let decisions = self.decided(&[situation], now);
        self.apply(&decisions)
    }

    pub(super) fn apply(&mut self, decisions: &[Decision]) -> Vec<String> {
        let mut shown = Vec::new();
        for event in decisions.iter().flat_map(|decision| &decision.events) {
            self.register.apply(event).unwrap();
            shown.push(match &event.change {
                Change::Opened(Opening { started, priority, .. }) => {
                    format!("{} opened from {} {}", event.number, started.as_ms(), priority.0.as_str())
                }
                Change::Resolved { ended, resolution, .. } => {
                    format!("{} resolved at {} {resolution:?}", event.number, ended.as_ms())
                }
                Change::Reopened { .. } => format!("{} reopened", event.number),
                Change::Amended { ended, resolution } => {
                    format!("{} amended at {} {resolution:?}", event.number, ended.as_ms())
                }
                Change::Affected { services, .. } => format!("{} affects {}", event.number, services.len()),
                Change::Closed { .. } => format!("{} closed", event.number),
                Change::Cleared => format!("{} cleared", event.number),
                people => panic!("the decider does not do what people do: {people}"),
            });
        }
        shown
    }
}

#[test]
fn an_outage_is_one_incident_from_its_first_failure_to_its_recovery() {
    let mut world = World::new();
    assert!(world.sees(&[], 90).is_empty());
    assert_eq!(world.sees(&[(100, None)], 120), ["INC-1 opened from 100 P1"]);
    assert!(world.sees(&[(100, None)], 121).is_empty(), "deciding again changes nothing");
    assert_eq!(world.sees(&[(100, Some(200))], 200), ["INC-1 resolved at 200 Recovered"]);
    assert!(world.sees(&[(100, Some(200))], 300).is_empty());
    assert_eq!(world.sees(&[(100, Some(200)), (250, None)], 301), ["INC-2 opened from 250 P1"]);
}

#[test]
fn an_outage_that_was_over_before_it_became_known_is_one_change() {
    let mut world = World::new();
    assert_eq!(world.sees(&[(100, Some(200))], 900), ["INC-1 opened from 100 P1", "INC-1 resolved at 200 Recovered"]);
    assert!(world.sees(&[(100, Some(200))], 901).is_empty());
}

#[test]
fn a_held_service_is_not_decided() {
    let mut world = World::new();
    world.held = true;
    assert!(world.sees(&[(100, None)], 120).is_empty());
    world.held = false;
    assert_eq!(world.sees(&[(100, Some(150))], 900).len(), 2);
}

#[test]
fn late_data_reopens_moves_and_withdraws_but_never_doubles() {
    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    world.sees(&[(100, Some(200))], 200);
    assert_eq!(world.sees(&[(100, None)], 260), ["INC-1 reopened"]);
    assert!(world.sees(&[(90, None)], 261).is_empty(), "an earlier beginning is the same incident");
    assert_eq!(world.sees(&[], 262), ["INC-1 resolved at 100 NeverWas", "INC-1 closed"]);

    let mut world = World::new();
    world.sees(&[(100, None)], 400);
    assert!(world.sees(&[(100, Some(150)), (300, None)], 401).is_empty(), "one open incident holds both");
    assert_eq!(world.sees(&[(100, Some(150)), (300, Some(410))], 411), ["INC-1 resolved at 410 Recovered"]);
}

#[test]
fn a_clock_that_was_set_back_neither_withdraws_nor_reopens() {
    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    assert!(world.sees(&[], 50).is_empty(), "it has not begun yet, as far as the clock knows");
    assert!(world.sees(&[(100, None)], 130).is_empty());
    world.sees(&[(100, Some(200))], 210);
    assert!(world.sees(&[(100, None)], 150).is_empty(), "it has not ended yet, as far as the clock knows");
    assert!(world.sees(&[(100, Some(200))], 220).is_empty());
    assert_eq!(world.sees(&[(100, None)], 230), ["INC-1 reopened"]);
}

#[test]
fn silence_does_not_end_a_breach_of_a_rolling_window() {
    let mut world = World::new();
    let target = world.catalogue.targets.values_mut().next().unwrap();
    target.window = WindowKind::Rolling { length_ms: 1_000 };
    let target = target.clone();
    let mut sees = |state: State, now: i64| world.was_always(state, &target, now, now);
    assert_eq!(sees(State::Down, 5_000), ["INC-1 opened from 4000 P2"]);
    assert!(sees(State::Unmeasured, 7_000).is_empty(), "nothing was seen, and nothing is met");
    assert_eq!(sees(State::Up, 9_000), ["INC-1 resolved at 9000 MetAgain"]);
}

#[test]
fn a_closed_window_is_not_taken_for_that_of_another_target() {
    const DAY: i64 = 86_400_000;
    let mut world = World::new();
    let month = world.catalogue.targets.values().next().unwrap().clone();
    let day = Target { id: PathId::new(id("sla"), id("daily")), window: WindowKind::Day, ..month.clone() };
    world.catalogue.targets.insert(day.id.clone(), day.clone());
    let mut sees = |target: &Target, state: State, now: i64| world.was_always(state, target, now, now);
    assert_eq!(sees(&day, State::Down, 1_000).len(), 1);
    assert_eq!(sees(&month, State::Up, 3 * DAY), [format!("INC-1 resolved at {DAY} WindowClosed")]);
}

#[test]
fn a_breached_target_is_one_incident_a_window() {
    const DAY: i64 = 86_400_000;
    let mut world = World::new();
    assert!(world.measures(&[(1_000, 1_010)], 100_000).is_empty());
    assert_eq!(world.measures(&[(1_000, 3_000)], 100_000), ["INC-1 opened from 1000 P2"]);
    assert!(world.measures(&[(1_000, 3_000)], 100_001).is_empty());
    assert_eq!(world.measures(&[(1_000, 3_000)], 200_000), ["INC-1 resolved at 200000 MetAgain"]);
    assert_eq!(world.measures(&[(1_000, 9_000)], 200_001), ["INC-1 reopened"]);
    assert_eq!(world.measures(&[], 32 * DAY), [format!("INC-1 resolved at {} WindowClosed", 31 * DAY)]);
    assert!(world.measures(&[], 33 * DAY).is_empty());
    assert!(world.measures(&[(1_000, 9_000)], 200_002).is_empty(), "the clock was set back into a window that closed");
}

#[test]
fn the_incident_of_a_closed_window_is_amended_and_not_opened_again() {
    const DAY: i64 = 86_400_000;
    let mut world = World::new();
    let target = Target { window: WindowKind::Day, ..world.catalogue.targets.values().next().unwrap().clone() };
    let mut january_first = |state: State, now: i64| world.was_always(state, &target, 0, now);
    assert_eq!(january_first(State::Down, 1_000), ["INC-1 opened from 0 P2"]);
    assert_eq!(january_first(State::Up, 2_000), ["INC-1 resolved at 2000 MetAgain"]);
    // What made it so is revoked once the window has closed.
    assert_eq!(january_first(State::Down, DAY + 1), [format!("INC-1 amended at {DAY} WindowClosed")]);
    assert!(january_first(State::Down, DAY + 2).is_empty(), "it says so once");
    // An exclusion that is agreed afterwards.
    assert_eq!(january_first(State::Up, DAY + 3), [format!("INC-1 amended at {DAY} NotBreached")]);
    assert!(january_first(State::Up, DAY + 4).is_empty());
    assert_eq!(january_first(State::Down, DAY + 5), [format!("INC-1 amended at {DAY} WindowClosed")]);
    assert!(january_first(State::Up, 3_000).is_empty(), "the clock was set back");
}

#[test]
fn what_left_the_catalogue_is_resolved() {
    let mut world = World::new();
    world.sees(&[(100, None)], 120);
    world.catalogue.services.clear();
    let decisions = world.decided(&[], 500);
    assert_eq!(world.apply(&decisions), ["INC-1 resolved at 500 Withdrawn"]);
}

#[test]
fn the_events_lead_to_the_same_incidents_again() {
    let mut world = World::new();
    let shop = id("shop");
    let mut events = Vec::new();
    for (outages, now) in [(vec![(100, None)], 120), (vec![(100, Some(200))], 210), (vec![(100, None)], 220)] {
        let situation = Situation { down: troubles(&outages), ..nothing(&shop) };
        let decisions = world.decided(&[situation], now);
        events.extend(decisions.iter().flat_map(|d| d.events.clone()));
        world.apply(&decisions);
    }
    let mut again = Register::default();
    for event in &events {
        again.apply(event).unwrap();
    }
    assert_eq!(again.all().collect::<Vec<_>>(), world.register.all().collect::<Vec<_>>());
    assert!(again.apply(&events[0]).is_err(), "an event that was taken in cannot follow itself");
}
