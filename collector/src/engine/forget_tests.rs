//! What is forgotten and what stays: figures of days whose rows are gone, what is late for them, incidents, the bound.

use serde_json::Value;
use uphold_common::time::{DAY_MS, Interval};

use super::*;
use crate::retention::Retention;
use crate::store::RecordChange;

const DAY: i64 = 86_400;

/// Rows are kept for 20 days, everything else for `others`.
fn keeping(others: i64) -> Retention {
    let others = others * DAY_MS;
    Retention { raw_ms: 20 * DAY_MS, states_ms: others, incidents_ms: others, records_ms: others, bytes_max: None }
}

impl World {
    pub(in crate::engine) fn keeps(&mut self, retention: Retention) {
        self.engine = self.engine.take().map(|engine| engine.forgetting(retention));
    }

    /// A tick, and everything that is to be done after it.
    pub(in crate::engine) fn settle(&mut self, now: i64) -> Arc<crate::snapshot::Snapshot> {
        self.tick(now);
        for _ in 0..10_000 {
            if !self.engine().upkeep(at(now)).unwrap() {
                return self.tick(now);
            }
        }
        panic!("upkeep has no end");
    }

    /// The figures of March, in which `at(0)` lies.
    fn march(&mut self, now: i64) -> Value {
        let query = FiguresQuery {
            service: Id::new("shop").unwrap(),
            window: None,
            at: Some(at(0)),
            as_of: Some(at(now)),
            timelines: false,
        };
        let body = self.engine().figures(&query, at(now), at(now)).unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()["targets"]["sla/month"]["contractual"].clone()
    }

    fn rows(&mut self) -> usize {
        let point = self.engine().store.vantage_points().remove(0);
        self.engine().store.observations(&point, Interval::new(at(-99 * DAY), at(2 * DAY))).unwrap().len()
    }
}

/// A world in which the rows of the first day are forgotten, with the figures of March before.
fn forgotten(others: i64) -> (World, Value) {
    let mut world = World::new(0);
    world.keeps(keeping(others));
    world.push(0, "uuuDDDDuuu", 100, 0);
    world.settle(101);
    world.push(30 * DAY, "uuu", 30 * DAY + 30, 0);
    world.tick(30 * DAY + 31);
    let (march, rows) = (world.march(30 * DAY + 31), world.rows());
    assert_eq!((march["D"].clone(), rows), (40_000.into(), 10));
    world.settle(30 * DAY + 31);
    assert_eq!(world.rows(), 0);
    (world, march)
}

#[test]
fn figures_stay_when_their_rows_are_gone_also_after_a_restart() {
    let (mut world, before) = forgotten(200);
    assert_eq!(world.march(30 * DAY + 31), before);
    world.open(30 * DAY + 40);
    world.tick(30 * DAY + 41);
    assert_eq!(world.march(30 * DAY + 31), before);
}

#[test]
fn what_is_late_for_a_forgotten_day_is_refused_and_changes_nothing() {
    let (mut world, before) = forgotten(200);
    let now = 30 * DAY + 40;
    for (from, status) in [(100, 422), (DAY, 422), (10 * DAY, 200)] {
        world.seq += 1;
        let late = arrived(world.seq, from, "uuuDDDDDDDDu", now, 0);
        let answer = world.engine().take_in(vec![late], at(now)).unwrap().remove(0);
        assert_eq!(answer.as_ref().err().map_or(200, Refusal::status), status, "{from}: {answer:?}");
    }
    world.settle(now + 1);
    let after = world.march(now + 1);
    assert_eq!(after["D"], 40_000 + 80_000, "what is late for a day that is there counts");
    let day = |figures: &Value| figures["days"].as_array().unwrap().iter().find(|d| d["date"] == "2026-03-10").cloned();
    assert_eq!(day(&after), day(&before));
}

#[test]
fn where_neither_rows_nor_states_are_left_nothing_is_measured_and_nothing_kept_anew() {
    let (mut world, _) = forgotten(200);
    let kept = |world: &mut World| read_all(world.engine().store.as_ref(), RecordKind::Stretches).unwrap();
    let gone = |(key, _): Record| RecordChange { kind: RecordKind::Stretches, key, value: None };
    let gone: Vec<RecordChange> = kept(&mut world).into_iter().map(gone).collect();
    world.engine().store.commit_derived(&gone).unwrap();
    world.open(30 * DAY + 40);
    world.tick(30 * DAY + 41);
    let march = world.march(30 * DAY + 41);
    assert_eq!((march["N"].clone(), march["D"].clone()), (0.into(), 0.into()));
    assert_eq!(march["verdict"], "no data");
    // The first day is gone, and with it what decides how the second begins.
    let days: Vec<i64> = kept(&mut world).iter().map(|(key, _)| stretch_day(key) - at(0).utc_day()).collect();
    assert!(days.iter().all(|day| *day >= 2), "{days:?}");
}

fn stretch_day(key: &[u8]) -> i64 {
    i64::from_be_bytes(*key.last_chunk::<8>().unwrap()) ^ i64::MIN
}

#[test]
fn states_incidents_and_deeds_go_in_their_time_and_numbers_go_on() {
    let mut world = World::new(0);
    world.keeps(keeping(40));
    world.push(0, "uuuDDuuu", 100, 0);
    world.settle(101);
    world.push(60, "uuuuDD", 140, 0);
    world.settle(141);
    assert_eq!(world.history().len(), 4, "{:?}", world.history());
    world.push(70 * DAY, "uuu", 70 * DAY + 30, 0);
    let forgotten = world.settle(70 * DAY + 31).health.retention.forgotten;
    assert!(forgotten.raw == 1 && forgotten.states > 0 && forgotten.incidents == 1, "{forgotten:?}");
    let open_at_the_end: Vec<String> = world.history();
    assert!(!open_at_the_end.iter().any(|line| line.starts_with("INC-1 ")), "{open_at_the_end:?}");
    assert!(open_at_the_end.iter().any(|line| line.starts_with("INC-3 down from 100")), "{open_at_the_end:?}");
    let next = world.engine().register.next_number();
    world.open(70 * DAY + 50);
    assert_eq!(world.engine().register.next_number(), next);
    assert_eq!(world.tick(70 * DAY + 51).open_incidents.len(), world.engine().register.open().count());
    assert_eq!(world.history(), open_at_the_end, "nothing is raised again");
}

#[test]
fn beyond_the_bound_the_oldest_days_go_down_to_yesterday_and_then_it_is_said() {
    let mut world = World::new(0);
    world.keeps(Retention { bytes_max: Some(1), ..Retention::endless() });
    for day in 0..5 {
        world.push(day * DAY + 43_200, "uuuDDDuuu", day * DAY + 43_300, 0);
    }
    let now = 4 * DAY + 43_400;
    let shown = world.settle(now).health.retention;
    assert_eq!((shown.forgotten.raw, shown.stuck_since), (3, Some(at(now))));
    let first = i32::try_from(at(3 * DAY).utc_day()).ok();
    assert_eq!(world.engine().store.stats().first_day, first, "yesterday stays");
    assert_eq!(world.march(now)["D"], 5 * 30_000, "figures stay");
    world.push(now + 10, "u", now + 20, 0);
    world.keeps(Retention { bytes_max: Some(u64::MAX), ..Retention::endless() });
    assert_eq!(world.settle(now + 30).health.retention.stuck_since, None);
}

#[test]
fn forgetting_on_a_disk_that_is_full_now_and_then_comes_to_the_same() {
    let late = |filled: bool| {
        let mut world = World::new(0);
        world.keeps(keeping(92));
        world.push(0, "uuuDDDDuuu", 100, 0);
        world.tick(101);
        world.push(10 * DAY, "uDDDDu", 10 * DAY + 60, 0);
        world.tick(10 * DAY + 61);
        world.push(150 * DAY, "uuu", 150 * DAY + 30, 0);
        world.tick(150 * DAY + 31);
        let mut now = 150 * DAY + 31;
        for _ in 0..1_000 {
            now += 61;
            if filled {
                // The store's own step finds no room, then what is to be forgotten does not.
                world.full.fill_for(2);
                world.engine().upkeep(at(now)).unwrap();
                world.full.make_room();
                now += 61;
            }
            world.tick(now);
            if !world.engine().upkeep(at(now)).unwrap() {
                break;
            }
        }
        let forgotten = world.engine().forgetting.forgotten;
        (forgotten, world.history(), world.rows())
    };
    let undisturbed = late(false);
    assert!(undisturbed.0.incidents > 0 && undisturbed.0.raw > 0, "{undisturbed:?}");
    assert_eq!(late(true), undisturbed);
}
