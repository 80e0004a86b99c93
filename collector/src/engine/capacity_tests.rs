//! Targets on capacity through the engine: an incident for each threshold, raised once, whatever restarts or comes late.

use uphold_common::observation::{Reading, Resource, ResourceId};
use uphold_common::wire::batch::{Batch, BatchKey, Epoch, digest};
use uphold_common::wire::columns::Rows;

use super::query::FiguresQuery;
use super::revised::RevisionsQuery;
use super::*;
use crate::incident::model::{Change, Opening, Subject};
use crate::ingest::{Arrived, Backlog};
use crate::snapshot::Snapshot;
use crate::store::{Admitted, DataDir, EmbeddedStore, StoreOptions, Told};

const CATALOGUE: &str = "
organisation: { name: Example, time_zone: UTC }
incidents: { causes: { agent_silent: { raise: false }, service_unmeasured: { raise: false }, clock_off: { raise: false } } }
customers: [{ id: retail, name: Retail }]
hosts: [{ id: web-1, agent: a }]
services:
  - id: shop
    name: Shop
    since: 2026-03-01T00:00:00Z
    probes:
      - { id: web, agents: [b], interval: 10s, timeout: 5s, tcp: { address: \"127.0.0.1:1\" } }
agreements:
  - id: sla
    kind: sla
    party: retail
    targets:
      - id: disk
        service: shop
        window: month
        capacity: { host: web-1, resource: filesystem, of: /var, percentile: 50, warning: 80%, critical: 90%, for: 1m }
receivers: [{ id: duty, webhook: { url: \"http://127.0.0.1:9/\" } }]
routes: [{ to: duty, late: true }]
";

/// 2026-03-10T00:00:00Z, and so many seconds.
fn at(seconds: i64) -> Instant {
    Instant::from_ms(1_773_100_800_000 + seconds * 1_000)
}

struct World {
    catalogue: String,
    dir: tempfile::TempDir,
    engine: Option<Engine>,
    seq: u64,
}

impl World {
    fn new(now: i64) -> Self {
        Self::with(CATALOGUE.to_owned(), now)
    }

    fn with(catalogue: String, now: i64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut world = Self { catalogue, dir, engine: None, seq: 0 };
        world.open(now);
        world
    }

    /// Opens the engine, anew if it was open: what was not durable is gone.
    fn open(&mut self, now: i64) {
        self.engine = None;
        let data_dir = DataDir::claim(self.dir.path(), "test", at(now)).unwrap();
        let store = EmbeddedStore::open(data_dir, StoreOptions::default()).unwrap();
        let files = [("catalogue.yaml".to_owned(), self.catalogue.clone())];
        self.engine = Some(Engine::open(Box::new(store), &files, at(now)).unwrap());
    }

    fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().unwrap()
    }

    /// One push of readings in percent, 15 s apart from `from`, behind which `backlog` batches wait.
    fn push(&mut self, from: i64, row: &[u64], now: i64, backlog: u64) {
        self.seq += 1;
        let id = |text| Id::new(text).unwrap();
        let reading = |(i, used): (usize, &u64)| Reading {
            at: at(from + 15 * i64::try_from(i).unwrap()),
            used: *used,
            limit: 100,
        };
        let resource = ResourceId { host: id("web-1"), resource: Resource::Filesystem, of: "/var".to_owned() };
        let key = BatchKey { agent: id("a"), epoch: Epoch([5; 16]), seq: self.seq };
        let streams = vec![Rows::Capacity(resource, row.iter().enumerate().map(reading).collect())];
        let batch = Batch { key, closed_at: at(now), streams, facts: Vec::new() };
        let framed = batch.encode().unwrap();
        let backlog = Backlog {
            told: Told { acknowledged: self.seq - 1, ..Told::default() },
            batches: backlog,
            oldest: None,
            sent_at: at(now),
        };
        let arrived = Arrived {
            authenticated: false,
            token: None,
            backlog,
            batch: Admitted { digest: digest(&framed), framed, batch: batch.into() },
        };
        assert!(self.engine().take_in(vec![arrived], at(now)).unwrap()[0].is_ok());
    }

    fn tick(&mut self, now: i64) -> Arc<Snapshot> {
        let snapshot = self.engine().tick(at(now)).unwrap();
        let shop = Id::new("shop").unwrap();
        let query =
            FiguresQuery { service: shop.clone(), window: None, at: None, as_of: Some(at(now)), timelines: false };
        let asked = self.engine().figures(&query, at(now), at(now)).unwrap();
        let asked: serde_json::Value = serde_json::from_slice(&asked).unwrap();
        for (target, figures) in &snapshot.services[&shop].capacity {
            let asked = &asked["targets"][target.to_string()]["capacity"];
            assert_eq!(asked["n"], figures.n, "the tick and the question say the same");
            assert_eq!(asked["percentile_ppb"].as_i64(), figures.percentile_ppb);
            assert_eq!(asked["unmeasured_ms"], figures.times.unmeasured);
            assert_eq!(asked["state"], figures.state.as_str());
        }
        snapshot
    }

    /// Everything on record about incidents.
    fn history(&mut self) -> Vec<String> {
        let events = read_all(self.engine().store.as_ref(), RecordKind::IncidentEvent).unwrap();
        let seconds = |at_: Instant| at_.since_ms(at(0)) / 1_000;
        let shown = |(_, value): &Record| {
            let event: Event = pack::unpack(value).unwrap();
            let number = event.number;
            match event.change {
                Change::Opened(Opening {
                    subject: Subject::CapacityAbove { threshold, .. },
                    started,
                    priority,
                    ..
                }) => {
                    format!("{number} {} from {} {}", threshold.as_str(), seconds(started), priority.0.as_str())
                }
                Change::Resolved { ended, resolution, .. } => format!("{number} {resolution:?} at {}", seconds(ended)),
                other => format!("{number} {other}"),
            }
        };
        events.iter().map(shown).collect()
    }

    fn waiting(&mut self) -> usize {
        read_all(self.engine().store.as_ref(), RecordKind::Outbox).unwrap().len()
    }
}

#[test]
fn each_threshold_is_raised_once_it_has_held_and_resolved_once_it_is_left() {
    let mut world = World::new(0);
    world.push(0, &[50, 80, 85, 89], 46, 0);
    world.tick(46);
    assert!(world.history().is_empty(), "it has not held for a minute yet");
    world.push(60, &[91, 95, 95, 95, 92], 121, 0);
    world.open(121);
    world.push(135, &[95], 136, 0);
    world.tick(137);
    let opened = ["INC-1 warning from 15 P3", "INC-2 critical from 60 P2"];
    assert_eq!(world.history(), opened);
    for now in [138, 139] {
        world.open(now);
        world.push(now + 1, &[95], now + 2, 0);
        world.tick(now + 2);
    }
    assert_eq!((world.history().len(), world.waiting()), (2, 2), "a restart raises nothing anew");
    world.push(150, &[82, 82, 79], 181, 0);
    world.tick(182);
    let resolved = world.history();
    assert!(resolved.contains(&"INC-2 BelowAgain at 150".to_owned()), "{resolved:?}");
    assert!(resolved.contains(&"INC-1 BelowAgain at 180".to_owned()), "{resolved:?}");
    assert_eq!(world.waiting(), 4);
}

#[test]
fn late_readings_withdraw_what_never_was_and_record_what_was_over() {
    let mut world = World::new(0);
    world.push(0, &[50], 5, 0);
    world.push(60, &[85, 85, 85, 85, 85], 121, 0);
    world.tick(125);
    assert_eq!(world.history(), ["INC-1 warning from 60 P3"]);
    world.push(83, &[10], 126, 0);
    world.tick(127);
    assert_eq!(world.history().len(), 1, "what runs since may still last long enough");
    world.push(127, &[10], 128, 0);
    world.tick(129);
    assert_eq!(world.history()[1..], ["INC-1 NeverWas at 60", "INC-1 closed"]);
    let hour = 3_600;
    world.push(hour, &[50], hour + 1, 0);
    world.push(600, &[95, 95, 95, 95, 95, 95, 40], hour + 2, 0);
    world.tick(hour + 3);
    let recorded = [
        "INC-2 warning from 600 P3",
        "INC-2 BelowAgain at 690",
        "INC-3 critical from 600 P2",
        "INC-3 BelowAgain at 690",
    ];
    assert_eq!(world.history()[3..], recorded);
    assert_eq!(world.waiting(), 4, "each of the two is told once, after the first incident's two messages");
}

#[test]
fn a_backlog_of_the_host_s_agent_holds_and_a_target_that_goes_is_withdrawn() {
    let mut world = World::new(0);
    world.tick(30);
    world.push(0, &[95, 95, 95, 95, 95, 95, 95], 100, 3);
    world.tick(101);
    assert!(world.history().is_empty(), "nothing is concluded while it delivers a backlog");
    world.push(105, &[95], 106, 0);
    world.tick(107);
    assert_eq!(world.history().len(), 2);
    world.catalogue = CATALOGUE.replace("id: disk", "id: other").replace("for: 1m", "for: 12h");
    world.open(108);
    world.push(120, &[95], 121, 0);
    world.tick(122);
    assert_eq!(world.history().iter().filter(|line| line.contains("Withdrawn")).count(), 2);
}

#[test]
fn what_was_over_before_a_target_was_promised_raises_nothing() {
    let mut world = World::new(0);
    world.push(0, &[95, 95, 95, 95, 95, 95, 95, 40], 120, 0);
    world.catalogue = CATALOGUE.replace("id: disk", "id: other");
    world.open(130);
    world.push(121, &[50], 131, 0);
    let snapshot = world.tick(132);
    assert!(world.history().is_empty());
    let figures = snapshot.services[&Id::new("shop").unwrap()].capacity.values().next().unwrap().clone();
    assert_eq!((figures.n, figures.times.critical), (9, 105_000), "its figures count them all the same");
    world.push(135, &[95, 95, 95, 95, 95, 95], 220, 0);
    world.tick(221);
    assert_eq!(world.history().len(), 2);
}

#[test]
fn the_reading_that_speaks_is_shown_also_when_a_newer_one_lies_ahead() {
    let mut world = World::new(0);
    world.push(0, &[50, 60, 70], 20, 0);
    let shown = |snapshot: &Snapshot| snapshot.readings.iter().map(|(_, reading)| reading.used).collect::<Vec<_>>();
    assert_eq!(shown(&world.tick(20)), [60], "the agent's clock is ahead of the collector's");
    assert_eq!(shown(&world.tick(31)), [70]);
    assert_eq!(shown(&world.tick(60)), [0; 0]);
}

#[test]
fn acts_in_between_change_nothing_of_what_is_decided_by_itself() {
    use crate::identity::deed::Actor;
    use crate::incident::act::{Act, Comment};
    use crate::incident::model::Number;
    let local = Actor::Local { uid: Some(7) };
    let say = |text| Act::Comment(Comment::new(text).unwrap());
    let mut world = World::new(0);
    world.push(0, &[50], 5, 0);
    world.push(60, &[85, 85, 85, 85, 85], 121, 0);
    world.tick(125);
    world.engine().act(Number(1), Act::Acknowledge(None), &local, at(126)).unwrap();
    world.push(83, &[10], 126, 0);
    world.engine().act(Number(1), say("one"), &local, at(127)).unwrap();
    world.push(135, &[10], 136, 0);
    world.tick(137);
    world.engine().act(Number(1), say("two"), &local, at(138)).unwrap();
    world.open(138);
    world.engine().act(Number(1), say("three"), &local, at(139)).unwrap();
    world.push(150, &[10], 151, 0);
    world.tick(152);
    world.open(153);
    let history = world.history();
    assert_eq!(history.iter().filter(|line| line.contains("NeverWas")).count(), 1, "{history:?}");
    assert_eq!(history.len(), 7, "{history:?}");
    assert_eq!(world.waiting(), 6);
}

#[test]
fn a_service_that_enters_in_the_future_has_no_figures_and_raises_nothing() {
    let mut world = World::new(0);
    world.catalogue = CATALOGUE
        .replace("2026-03-01", "2026-03-20")
        .replace("id: shop\n", "id: late\n")
        .replace("service: shop", "service: late");
    world.dir = tempfile::tempdir().unwrap();
    world.open(0);
    world.push(0, &[95; 12], 170, 0);
    let snapshot = world.engine().tick(at(171)).unwrap();
    let figures = snapshot.services[&Id::new("late").unwrap()].capacity.values().next().unwrap().clone();
    assert_eq!((figures.n, figures.times.total()), (0, 0));
    let query =
        FiguresQuery { service: Id::new("late").unwrap(), window: None, at: None, as_of: None, timelines: false };
    world.engine().figures(&query, at(171), at(171)).unwrap();
    assert!(world.history().is_empty(), "{:?}", world.history());
}
#[test]
fn days_turn_in_the_middle_of_what_speaks() {
    let day = 86_400;
    let mut world = World::new(0);
    world.catalogue = CATALOGUE.replace("window: month", "window: day").replace("id: disk", "id: daily");
    world.open(1);
    world.push(day - 60, &[50, 50, 50, 50, 60], day, 0);
    let figures = |snapshot: &Snapshot| {
        let figures = snapshot.services[&Id::new("shop").unwrap()].capacity.values().next().unwrap();
        (figures.n, figures.times.total(), figures.times.unmeasured)
    };
    assert_eq!(figures(&world.tick(day - 1)), (4, (day - 1) * 1_000, (day - 60) * 1_000));
    assert_eq!(figures(&world.tick(day)), (0, 0, 0));
    assert_eq!(figures(&world.tick(day + 31)), (1, 31_000, 1_000), "a reading speaks for 30 s");
    world.push(day - 45, &[99], day + 32, 0);
    world.push(day - 1, &[99], day + 32, 0);
    assert_eq!(figures(&world.tick(day + 33)), (1, 33_000, 3_000), "what came late belongs to the day before");
    world.open(day + 34);
    assert_eq!(figures(&world.tick(day + 35)), (1, 35_000, 5_000));
}

#[test]
fn what_was_taken_in_since_the_tick_counts_in_what_is_asked_for_after_it() {
    let mut world = World::new(0);
    world.push(0, &[50, 50, 50], 31, 0);
    world.tick(40);
    world.push(35, &[60], 41, 0);
    let query = FiguresQuery {
        service: Id::new("shop").unwrap(),
        window: None,
        at: None,
        as_of: Some(at(42)),
        timelines: false,
    };
    let asked = world.engine().figures(&query, at(40), at(43)).unwrap();
    world.tick(43);
    assert_eq!(asked, world.engine().figures(&query, at(43), at(44)).unwrap());
}

#[test]
fn readings_that_come_late_revise_the_closed_windows_that_hold_them() {
    const DAY: i64 = 86_400;
    let catalogue = CATALOGUE.replace("window: month", "window: day").replace("2026-03-01", "2026-03-08");
    let mut world = World::with(catalogue, 0);
    for (from, now) in [(-DAY - 3_600, 10), (-3_600, 20), (0, 30)] {
        world.push(from, &[50; 4], now, 0);
    }
    for now in 100..103 {
        world.tick(now);
    }
    let of_shop = || RevisionsQuery::of(Id::new("shop").unwrap());
    let before = world.engine().revisions(&of_shop()).unwrap().revisions;
    assert_eq!(before.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 1]);
    // Before midnight, and up to it: the day before yesterday stays as it was issued.
    world.push(-7_200, &[95; 8], 110, 0);
    for now in 110..130 {
        world.tick(now);
    }
    let after = world.engine().revisions(&of_shop()).unwrap().revisions;
    assert_eq!(after[1..], before);
    let revised = &after[0];
    let late = revised.why.late_data.as_ref().unwrap();
    assert_eq!((revised.number, late.of.as_slice()), (2, ["web-1 filesystem /var".to_owned()].as_slice()));
    assert_eq!((late.from_ms, revised.headline.capacity.as_ref().unwrap().n), (at(-7_200), 12));
    let critical = revised.changes.iter().find(|changed| changed.figure == "capacity.critical").unwrap();
    assert_eq!(
        (critical.before.as_str(), critical.after.as_str()),
        ("0s", "2m 15s"),
        "and the last one speaks for 30 s"
    );
}
