//! Imports over a real store: taken under the same rules as pushes, settled however often they come, and no deliveries of
//! the agents that they name.

use uphold_common::ids::{Id, PathId, VantagePoint};
use uphold_common::time::{DAY_MS, Interval};
use uphold_common::wire::batch::{Batch, Epoch};
use uphold_common::wire::columns::Rows;

use super::import::IMPORT_HOLDS_MS;
use super::query::{BadStretch, FiguresQuery, Over};
use super::tests::{World, arrived, at};
use crate::identity::deed::Actor;
use crate::ingest::{PushBounds, Refusal, decode_import};
use crate::limits::Limits;
use crate::retention::Retention;
use crate::store::{Admitted, Gaps, StreamId};

const WHO: Actor = Actor::Local { uid: Some(7) };
const DAY_S: i64 = DAY_MS / 1_000;

/// A batch of an import: observations 10 s apart from `from`.
fn batch(from: i64, row: &str, now: i64) -> Admitted {
    let mut batch = Batch::from(arrived(1, from, row, now, 0).batch.batch);
    batch.key.epoch = Epoch::IMPORT;
    let bounds = PushBounds::of(&Limits::default());
    decode_import(batch.encode().unwrap(), &bounds, |_| true, at(now)).unwrap()
}

impl World {
    fn begin(&mut self, now: i64) {
        self.engine().begin_import("history.jsonl", &WHO, at(now)).unwrap();
    }

    fn import(&mut self, from: i64, row: &str, now: i64) -> Result<usize, Refusal> {
        let done = self.engine().import(batch(from, row, now), &WHO, at(now)).unwrap();
        done.map(|taken| taken.rows)
    }

    fn gaps(&mut self) -> Gaps {
        self.engine().store.gaps(&Id::new("a").unwrap())
    }
}

#[test]
fn an_import_is_begun_first_and_goes_on_for_as_long_as_batches_come() {
    let mut world = World::new(0);
    assert_eq!(world.import(0, "uu", 100), Err(Refusal::NoImport));
    world.begin(100);
    assert!(world.engine().deeds(9).unwrap().iter().any(|deed| deed.action.to_string().contains("history.jsonl")));
    let held_s = IMPORT_HOLDS_MS / 1_000;
    assert_eq!(world.import(0, "uu", 100 + held_s - 1), Ok(2));
    assert_eq!(world.import(20, "uu", 100 + 2 * held_s - 2), Ok(2));
    assert_eq!(world.import(40, "uu", 100 + 3 * held_s), Err(Refusal::NoImport));
    world.begin(50_000);
    assert_eq!(world.import(40, "uu", 49_000), Err(Refusal::NoImport), "a clock that was set back holds nothing");
}

#[test]
fn an_import_that_is_ended_is_over_once_no_other_is_under_way() {
    let mut world = World::new(0);
    world.begin(100);
    world.begin(100);
    world.engine().end_import();
    assert_eq!(world.import(0, "uu", 101), Ok(2), "the other goes on");
    world.engine().end_import();
    assert_eq!(world.import(0, "uu", 102), Err(Refusal::NoImport));
    world.engine().end_import();
    // One that was never ended counts no longer than it is under way.
    world.begin(200);
    let later = 200 + 2 * IMPORT_HOLDS_MS / 1_000;
    world.begin(later);
    assert_eq!(world.import(0, "uu", later), Ok(2));
    world.engine().end_import();
    assert_eq!(world.import(0, "uu", later), Err(Refusal::NoImport));
}

#[test]
fn the_same_rows_count_once_and_nothing_of_the_agents_own_is_missing_because_of_them() {
    let mut world = World::new(0);
    world.push(0, "uuuu", 40, 0);
    world.begin(41);
    for now in 42..45 {
        assert_eq!(world.import(-100, "uuuuDDDDuu", now), Ok(10));
        assert_eq!(world.import(-60, "DD", now), Ok(2));
    }
    // After a crash the journal brings the same again.
    for _ in 0..2 {
        world.tick(60);
        assert_eq!(world.gaps(), Gaps::default());
        assert!(world.engine().store.delivery(&Id::new("a").unwrap(), Epoch::IMPORT).is_none());
        let figures = world.figures(60, 60);
        assert_eq!((&figures["D"], &figures["break_count"]), (&40_000.into(), &1.into()), "{figures}");
        world.open(60);
    }
    world.push(40, "uuuu", 80, 0);
    assert_eq!(world.gaps(), Gaps::default());
}

#[test]
fn what_was_never_assigned_and_what_is_too_old_is_refused() {
    let mut world = World::new(0);
    world.begin(0);
    let mut stranger = Batch::from(batch(0, "u", 5).batch);
    stranger.key.agent = Id::new("b").unwrap();
    let stranger = Admitted { batch: stranger.into(), ..batch(0, "u", 5) };
    let refused = world.engine().import(stranger, &WHO, at(5)).unwrap();
    assert!(matches!(refused, Err(Refusal::NotAssigned { .. })), "{refused:?}");
    world.engine().store.forget_rows_before(i32::try_from(at(0).utc_day()).unwrap()).unwrap();
    assert!(matches!(world.import(-3 * DAY_S, "u", 6), Err(Refusal::TooOld { .. })));
    assert_eq!(world.import(DAY_S, "u", 2 * DAY_S), Err(Refusal::NoImport));
}

#[test]
fn nothing_is_forgotten_while_an_import_is_under_way() {
    let mut world = World::new(0);
    let endless = Retention::endless();
    world.engine().forgetting.retention = Retention { raw_ms: 7 * DAY_MS, ..endless };
    let rows = |world: &mut World| world.engine().page(&stream(), Interval::new(at(-100 * DAY_S), at(DAY_S))).unwrap();
    world.begin(0);
    assert_eq!(world.import(0, "u", 1), Ok(1));
    for day in 5..15 {
        assert_eq!(world.import(-day * DAY_S, "uu", 2), Ok(2), "{day}");
        world.tick(3);
        while world.engine().upkeep(at(3)).unwrap() {}
    }
    assert_eq!(rows(&mut world).rows.len(), 21);
    let later = 3 + IMPORT_HOLDS_MS / 1_000;
    world.tick(later);
    while world.engine().upkeep(at(later)).unwrap() {}
    assert!(rows(&mut world).rows.len() < 21, "and then it is");
}

fn stream() -> StreamId {
    let name = |text| Id::new(text).unwrap();
    StreamId::Probe(VantagePoint { probe: PathId::new(name("shop"), name("web")), agent: name("a") })
}

#[test]
fn rows_are_read_page_by_page_without_one_lost_or_twice() {
    let mut world = World::new(0);
    world.begin(0);
    for day in [90, 40, 3] {
        assert_eq!(world.import(-day * DAY_S, "uuu", 1), Ok(3));
    }
    let span = Interval::new(at(-90 * DAY_S + 10), at(-3 * DAY_S + 20));
    let (mut next, mut pages, mut found) = (Some(span.start), 0, Vec::new());
    while let Some(start) = next {
        let page = world.engine().page(&stream(), Interval::new(start, span.end)).unwrap();
        let Rows::Probe(_, rows) = page.rows else { panic!("{:?}", page.rows) };
        found.extend(rows.into_iter().map(|row| row.at.since_ms(at(0)) / 1_000));
        (next, pages) = (page.next, pages + 1);
    }
    let expected: Vec<i64> = [(90, 1..3), (40, 0..3), (3, 0..2)]
        .into_iter()
        .flat_map(|(day, rows)| rows.map(move |row: i64| -day * DAY_S + row * 10))
        .collect();
    assert!(found == expected && pages > 1, "{pages} pages: {found:?}");
}

#[test]
fn a_stretch_is_a_window_of_its_own_with_the_timelines_it_was_taken_from() {
    let mut world = World::new(0);
    world.push(0, "uuuuDDDDuuuuuu", 140, 0);
    world.tick(140);
    let shop = Id::new("shop").unwrap();
    let over = Over { from: Some(at(20)), to: Some(at(100)), ..Over::default() };
    let query = over.query(shop.clone(), Some(at(140)), true).unwrap();
    let body = world.engine().figures(&query, at(140), at(140)).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let target = &told["targets"]["sla/month"];
    assert_eq!((&target["window"]["kind"], &target["contractual"]["D"]), (&"stretch".into(), &40_000.into()));
    let ms = |seconds: i64| at(seconds).as_ms();
    let stretches = serde_json::json!([[ms(20), ms(40), "up"], [ms(40), ms(80), "down"], [ms(80), ms(100), "up"]]);
    assert_eq!(told["vantage"]["shop/web"]["a"], stretches);
    assert_eq!((&told["probes"]["shop/web"], &told["services"]["shop"]), (&stretches, &stretches));
    let plain = FiguresQuery { timelines: false, ..query };
    let body = world.engine().figures(&plain, at(140), at(140)).unwrap();
    let plain: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert!(plain.get("vantage").is_none() && plain["targets"] == told["targets"]);
    for (from, to, at_, expected) in [
        (Some(0), None, None, BadStretch::OneEnd),
        (None, Some(0), None, BadStretch::OneEnd),
        (Some(0), Some(1), Some(at(0)), BadStretch::WindowToo),
        (Some(1), Some(1), None, BadStretch::Length),
        (Some(0), Some(4_000 * DAY_S), None, BadStretch::Length),
    ] {
        let over = Over { window: None, at: at_, from: from.map(at), to: to.map(at) };
        assert_eq!(over.query(shop.clone(), None, false).unwrap_err(), expected);
    }
}
