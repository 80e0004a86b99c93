//! The engine over a real store, with every instant given: outages, restarts, backlogs, duplicates, any `as_of`.

use serde_json::Value;
use uphold_common::ids::PathId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::wire::batch::{AgentFact, Batch, BatchKey, Epoch, digest};
use uphold_common::wire::columns::Rows;

use super::failing::{Failing, Full};
use super::query::FiguresQuery;
use super::*;
use crate::incident::model::{Change, Opening, Resolution, Subject};
use crate::ingest::{Arrived, Backlog, Refusal};
use crate::store::{Admitted, DataDir, EmbeddedStore, StoreOptions, Told};

pub(super) const CATALOGUE: &str = "
organisation: { name: Example, time_zone: UTC }
incidents: { causes: { agent_silent: { raise: false }, service_unmeasured: { raise: false }, clock_off: { raise: false } }, absorb: 0s }
customers: [{ id: retail, name: Retail }]
services:
  - id: shop
    name: Shop
    since: 2026-03-01T00:00:00Z
    probes:
      - { id: web, agents: [a], interval: 10s, timeout: 5s, tcp: { address: \"127.0.0.1:1\" } }
agreements:
  - id: sla
    kind: sla
    party: retail
    targets: [{ id: month, service: shop, window: month, availability: \"99.9%\" }]
receivers: [{ id: duty, webhook: { url: \"http://127.0.0.1:9/\" } }]
routes: [{ to: duty, late: true }]
";

/// 2026-03-10T00:00:00Z, and so many seconds.
pub(super) fn at(seconds: i64) -> Instant {
    Instant::from_ms(1_773_100_800_000 + seconds * 1_000)
}

pub(super) struct World {
    pub(super) catalogue: String,
    dir: tempfile::TempDir,
    engine: Option<Engine>,
    seq: u64,
    pub(super) full: Arc<Full>,
}

impl World {
    pub(super) fn new(now: i64) -> Self {
        Self::with(CATALOGUE.to_owned(), now)
    }

    pub(super) fn with(catalogue: String, now: i64) -> Self {
        let mut world =
            Self { catalogue, dir: tempfile::tempdir().unwrap(), engine: None, seq: 0, full: Arc::default() };
        world.open(now);
        world
    }

    /// Opens the engine, anew if it was open: what was not durable is gone.
    pub(super) fn open(&mut self, now: i64) {
        self.engine = None;
        let data_dir = DataDir::claim(self.dir.path(), "test", at(now)).unwrap();
        let store = EmbeddedStore::open(data_dir, StoreOptions::default()).unwrap();
        let store = Failing { store, failed: Arc::default(), full: Arc::clone(&self.full) };
        let files = [("catalogue.yaml".to_owned(), self.catalogue.clone())];
        self.engine = Some(Engine::open(Box::new(store), &files, at(now)).unwrap());
    }

    pub(super) fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().unwrap()
    }

    /// One push of observations, 10 s apart from `from`: `u` up, `D` down, `g` degraded, `c` degraded by a certificate, `3` up
    /// after three tenths of a second.
    pub(super) fn push(&mut self, from: i64, row: &str, now: i64, backlog: u64) {
        self.seq += 1;
        self.take(arrived(self.seq, from, row, now, backlog), now);
    }

    /// The same, with facts about measuring.
    pub(super) fn push_with(&mut self, from: i64, row: &str, now: i64, facts: Vec<AgentFact>) {
        self.seq += 1;
        self.take(arrived_with(self.seq, from, row, now, 0, facts), now);
    }

    fn take(&mut self, arrived: Arrived, now: i64) {
        let answers = self.engine().take_in(vec![arrived], at(now)).unwrap();
        assert_eq!(answers[0].as_ref().unwrap().acknowledged, self.seq);
    }

    pub(super) fn tick(&mut self, now: i64) -> Arc<crate::snapshot::Snapshot> {
        self.engine().tick(at(now)).unwrap()
    }

    /// Everything on record about incidents: what each is about, and what happened to it.
    pub(super) fn history(&mut self) -> Vec<String> {
        let events = read_all(self.engine().store.as_ref(), RecordKind::IncidentEvent).unwrap();
        let shown = |(_, value): &Record| {
            let event: Event = pack::unpack(value).unwrap();
            match event.change {
                Change::Opened(Opening { subject, started, .. }) => {
                    let about = match subject {
                        Subject::ServiceDown { .. } => "down",
                        Subject::TargetBreached { .. } => "breach",
                        Subject::CapacityAbove { threshold, .. } => threshold.as_str(),
                        other => other.cause().as_str(),
                    };
                    format!("{} {about} from {}", event.number, started.since_ms(at(0)) / 1_000)
                }
                Change::Resolved { ended, resolution, .. } => {
                    format!("{} {resolution:?} at {}", event.number, ended.since_ms(at(0)) / 1_000)
                }
                Change::Reopened { .. } => format!("{} reopened", event.number),
                other => format!("{} {other}", event.number),
            }
        };
        events.iter().map(shown).collect()
    }

    pub(super) fn waiting(&mut self) -> usize {
        read_all(self.engine().store.as_ref(), RecordKind::Outbox).unwrap().len()
    }

    pub(super) fn figures(&mut self, as_of: i64, now: i64) -> Value {
        let service = Id::new("shop").unwrap();
        let query = FiguresQuery { service, window: None, at: None, as_of: Some(at(as_of)), timelines: false };
        let body = self.engine().figures(&query, at(now), at(now)).unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()["targets"]["sla/month"]["contractual"].clone()
    }
}

pub(super) fn arrived(seq: u64, from: i64, row: &str, now: i64, backlog: u64) -> Arrived {
    arrived_with(seq, from, row, now, backlog, Vec::new())
}

fn arrived_with(seq: u64, from: i64, row: &str, now: i64, backlog: u64, facts: Vec<AgentFact>) -> Arrived {
    let id = |text| Id::new(text).unwrap();
    let outcome = |c| match c {
        'D' => Outcome::Down,
        'g' | 'c' => Outcome::Degraded,
        _ => Outcome::Up,
    };
    let observation = |(i, c): (usize, char)| Observation {
        at: at(from + i64::try_from(i).unwrap() * 10),
        outcome: outcome(c),
        cause: if c == 'c' { Cause::Certificate } else { Cause::None },
        code: 0,
        total: c.to_digit(10).map_or(Micros::NONE, |tenths| Micros::new(u64::from(tenths) * 100_000)),
        phases: Phases::default(),
    };
    let rows: Vec<Observation> = row.chars().enumerate().filter(|(_, c)| *c != '.').map(observation).collect();
    let key = BatchKey { agent: id("a"), epoch: Epoch([5; 16]), seq };
    let streams = vec![Rows::Probe(PathId::new(id("shop"), id("web")), rows)];
    let batch = Batch { key, closed_at: at(now), streams, facts };
    let framed = batch.encode().unwrap();
    let backlog = Backlog {
        told: Told { acknowledged: seq - 1, ..Told::default() },
        batches: backlog,
        oldest: None,
        sent_at: at(now),
    };
    Arrived {
        authenticated: false,
        token: None,
        backlog,
        batch: Admitted { digest: digest(&framed), framed, batch: batch.into() },
    }
}

#[test]
fn an_outage_is_raised_once_whatever_restarts() {
    let mut world = World::new(0);
    world.push(0, "uuuDD", 41, 0);
    world.tick(42);
    assert_eq!(world.history(), ["INC-1 down from 30", "INC-2 breach from 30"]);
    world.tick(43);
    for now in [44, 45] {
        world.open(now);
        world.push(now + 6, "D", now + 6, 0);
        world.tick(now + 7);
    }
    assert_eq!(world.history().len(), 2);
    assert_eq!(world.waiting(), 2, "one message for each, still to be delivered");
    world.push(60, "u", 61, 0);
    world.tick(62);
    assert_eq!(world.history().last().unwrap(), "INC-2 breach from 30");
    assert!(world.history().contains(&"INC-1 Recovered at 60".to_owned()));
    assert_eq!(world.waiting(), 3);
}

#[test]
fn figures_are_as_if_the_collector_had_never_been_off() {
    let row = "uuuuuDDDuuuuuuuuuuuuuuDuuuu..uuuuu";
    let mut on = World::new(0);
    on.push(0, row, 340, 0);
    on.tick(341);

    let mut off = World::new(0);
    off.push(0, &row[..3], 25, 0);
    off.tick(26);
    off.open(18_000);
    off.tick(18_001);
    assert!(off.history().is_empty(), "nothing is concluded before the agent has spoken");
    for (i, part) in row.as_bytes()[3..].chunks(4).enumerate() {
        let from = 30 + 40 * i64::try_from(i).unwrap();
        off.push(from, std::str::from_utf8(part).unwrap(), 18_002, 8);
        off.tick(18_002);
    }
    assert!(off.history().is_empty(), "nor while it delivers a backlog");
    for as_of in [60, 71, 100, 341] {
        assert_eq!(on.figures(as_of, 20_000), off.figures(as_of, 20_000), "as of {as_of}");
    }
    off.push(340, "u", 18_003, 0);
    off.tick(18_004);
    assert_eq!(off.history()[..2], ["INC-1 down from 50", "INC-1 Recovered at 80"]);
    assert_eq!(off.waiting(), 2, "the outage that was over is told once, the breach once");
}

#[test]
fn the_snapshot_and_the_question_at_its_instant_agree() {
    let mut world = World::new(0);
    for (push, row) in ["uuuDD", "DDuuu", "uuDuu", ".....", "uuuuu"].iter().enumerate() {
        let from = 50 * i64::try_from(push).unwrap();
        world.push(from, row, from + 49, 0);
        for now in [from + 41, from + 47] {
            let snapshot = world.tick(now);
            let shop = &snapshot.services[&Id::new("shop").unwrap()];
            let figures = shop.targets.values().next().unwrap();
            let asked = world.figures(now, now);
            assert_eq!(asked["N"], figures.availability.counted, "at {now}");
            assert_eq!(asked["L"], figures.availability.lost, "at {now}");
            let strip: i64 = shop.strip.iter().map(|day| day.kinds.down).sum();
            assert_eq!(strip, figures.availability.down, "the strip's days add up to the month's downtime");
        }
    }
}

#[test]
fn a_batch_that_comes_twice_counts_once_and_one_that_lies_is_refused() {
    let mut world = World::new(0);
    world.push(0, "uuuDDD", 60, 0);
    let before = world.figures(60, 60);
    let again = arrived(1, 0, "uuuDDD", 60, 0);
    let lie = arrived(1, 0, "uuuuuu", 60, 0);
    let answers = world.engine().take_in(vec![again.clone(), lie, again], at(61)).unwrap();
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(answers[1].as_ref().unwrap_err().status(), 409);
    assert_eq!(world.figures(60, 61), before);
    assert_eq!(world.engine().health.pushes["duplicate"], 2);
}

#[test]
fn an_instant_that_is_past_is_measured_by_what_was_seen_before_it() {
    let mut world = World::new(0);
    world.push(0, "uuuDDDuuu", 90, 0);
    world.tick(91);
    assert_eq!(world.figures(35, 91)["D"], 0, "one failure is not yet an outage");
    assert_eq!(world.figures(45, 91)["D"], 15_000, "the second confirms it from the first");
    assert_eq!(world.figures(90, 91)["D"], 30_000);
    let late = world.engine().incidents(true, at(91));
    let resolution = late.incidents.iter().find_map(|i| i.resolved.as_ref().map(|r| r.resolution));
    assert_eq!(resolution, Some(Resolution::Recovered));
}

#[test]
fn a_window_that_late_rows_breach_is_told_of_however_many_closed_after_it() {
    const DAY: i64 = 86_400;
    let mut world = World::with(CATALOGUE.replace("window: month", "window: day"), 0);
    world.push(3 * DAY, "uuu", 3 * DAY + 30, 0);
    world.tick(3 * DAY + 31);
    assert!(world.history().is_empty());
    world.push(100, "uuuuDDDDDDDDDDuuu", 3 * DAY + 40, 0);
    world.tick(3 * DAY + 41);
    let breach =
        ["INC-1 down from 140", "INC-1 Recovered at 240", "INC-2 breach from 140", "INC-2 WindowClosed at 86400"];
    assert_eq!(world.history(), breach);
    world.push(3 * DAY + 30, "uuu", 3 * DAY + 70, 0);
    world.tick(3 * DAY + 71);
    assert_eq!(world.history().len(), breach.len());
}

#[test]
fn rows_that_came_while_their_service_was_out_of_the_catalogue_count_when_it_is_back() {
    const DAY: i64 = 86_400;
    let mut world = World::new(0);
    world.push(0, "uuuuuuuuuu", 100, 0);
    world.tick(3 * DAY);
    world.catalogue = CATALOGUE.replace("shop", "other").replace("id: month", "id: others");
    world.open(3 * DAY + 1);
    world.push(100, "DDDDuuu", 3 * DAY + 2, 0);
    world.tick(3 * DAY + 3);
    CATALOGUE.clone_into(&mut world.catalogue);
    world.open(3 * DAY + 4);
    world.tick(3 * DAY + 5);
    assert_eq!(world.figures(3 * DAY + 5, 3 * DAY + 5)["D"], 40_000);
}

#[test]
fn a_day_measured_while_the_clock_ran_ahead_is_measured_again() {
    const DAY: i64 = 86_400;
    let mut world = World::new(0);
    world.push(0, "uuuuu", 50, 0);
    world.tick(3 * DAY);
    world.push(50, "uuDDDDuuuu", 150, 0);
    world.tick(151);
    world.open(2 * DAY);
    world.tick(2 * DAY + 1);
    assert_eq!(world.figures(2 * DAY + 1, 2 * DAY + 1)["D"], 40_000);
}

#[test]
fn a_recovery_after_weeks_of_silence_still_resolves_the_outage() {
    const DAY: i64 = 86_400;
    let mut world = World::new(0);
    world.push(0, "uuuDD", 41, 0);
    world.tick(42);
    for day in [1, 20, 40] {
        world.tick(day * DAY);
    }
    assert!(!world.history().iter().any(|line| line.starts_with("INC-1 ") && line.contains("at")));
    world.push(40 * DAY, "u", 40 * DAY + 1, 0);
    world.tick(40 * DAY + 2);
    assert!(world.history().contains(&format!("INC-1 Recovered at {}", 40 * DAY)));
}

#[test]
fn a_backlog_that_never_ends_does_not_hold_for_ever() {
    let mut world = World::new(0);
    world.push(0, "uuu", 30, 1);
    for minute in 1..=40 {
        let now = minute * 60;
        world.push(now - 20, "DD", now, 1);
        world.tick(now + 1);
        assert_eq!(world.history().is_empty(), minute <= 30, "minute {minute}");
    }
}

#[test]
fn an_alertmanager_is_told_the_end_of_what_was_open_for_long_however_much_came_and_went_since() {
    let alerts = "receivers: [{ id: alerts, alertmanager: { url: \"http://127.0.0.1:9/\" } }]\nroutes: [{ to: alerts, late: true }]\n";
    let catalogue = CATALOGUE.split("receivers:").next().unwrap().to_owned() + alerts;
    let mut world = World::with(catalogue, 0);
    let subject = || Subject::ServiceDown { service: Id::new("shop").unwrap() };
    let priority =
        crate::incident::model::PriorityText(uphold_common::catalogue::model::Priority::parse("P1").unwrap());
    let count = 2 + crate::snapshot::RECENT_INCIDENTS as u64;
    let numbers = (1..=count).map(crate::incident::model::Number);
    let register = &mut world.engine().register;
    for number in numbers.clone() {
        let change = Change::Opened(Opening::new(subject(), at(-60), priority, String::new()));
        register.apply(&Event { number, place: 1, decided_at: at(-60), change }).unwrap();
    }
    for (ended, number) in (-60..).zip(numbers.rev()) {
        let change = Change::over(at(ended), Resolution::Recovered);
        register.apply(&Event { number, place: 2, decided_at: at(ended), change }).unwrap();
    }
    let snapshot = world.tick(1);
    let told = crate::notify::alertmanager::state::told(&snapshot, &Id::new("alerts").unwrap());
    assert!(told.iter().any(|incident| incident.number.0 == 1), "it was resolved last");
    assert_eq!(told.len() as u64, count);
}

#[path = "built_tests.rs"]
mod built_tests;

#[path = "causes_tests.rs"]
mod causes;

#[path = "forget_tests.rs"]
mod forget;

#[path = "plateau_tests.rs"]
mod plateau;

#[path = "sight_tests.rs"]
mod sight;

#[path = "weighted_tests.rs"]
mod weighted_tests;
