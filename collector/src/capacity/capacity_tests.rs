//! What is kept gives the same figures and episodes as the store alone, whatever arrives when, and is bounded.

use uphold_common::catalogue::model::MaintenanceRules;
use uphold_common::catalogue::model::{Threshold, Thresholds, WindowKind};
use uphold_common::ids::{Id, PathId};
use uphold_common::measure::agreed::union;
use uphold_common::measure::capacity::levels;
use uphold_common::measure::committed::{Committed, Facts};
use uphold_common::observation::{Reading, Resource};
use uphold_common::percent::Ppb;
use uphold_common::time::DAY_MS;
use uphold_common::wire::batch::{Batch, BatchKey, Epoch, digest};
use uphold_common::wire::columns::Rows;

use super::*;
use crate::store::{Admitted, DataDir, EmbeddedStore, StoreOptions};

/// 2026-03-01T00:00:00Z.
const START_MS: i64 = 1_772_323_200_000;

fn at(seconds: i64) -> Instant {
    Instant::from_ms(START_MS + seconds * 1_000)
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

struct World {
    _dir: tempfile::TempDir,
    store: EmbeddedStore,
    capacity: Capacity,
    seq: u64,
    /// In which hours of each day time is committed.
    hours: std::ops::Range<i64>,
    /// What of it is excluded, in seconds.
    excluded: Vec<(i64, i64)>,
}

/// A share of use that wanders, the same every time.
fn used(seconds: i64) -> u64 {
    let mixed = seconds.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let hour = seconds.rem_euclid(86_400).unsigned_abs() / 3_600;
    500_000 + hour * 12_000 + mixed % 150_000
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store =
            EmbeddedStore::open(DataDir::claim(dir.path(), "test", at(0)).unwrap(), StoreOptions::default()).unwrap();
        Self { _dir: dir, store, capacity: Capacity::default(), seq: 0, hours: 0..24, excluded: Vec::new() }
    }

    /// The committed time of a window so far.
    fn committed(&self, entry: Instant, window: &Window) -> Vec<Interval> {
        let span = |(from, to): &(i64, i64)| Interval::new(at(*from), at(*to));
        let hour = |day: i64, hour: i64| day * DAY + hour * 3_600;
        let hours = (-40..80).map(|day| span(&(hour(day, self.hours.start), hour(day, self.hours.end))));
        let facts = Facts { maintenance: Vec::new(), excluded: self.excluded.iter().map(span).collect() };
        let hours = union(hours.collect());
        let committed = Committed::of(window.interval, entry, Some(&hours), MaintenanceRules::default(), &facts);
        committed.contractual.committed(window.elapsed())
    }

    fn resource() -> ResourceId {
        ResourceId { host: id("web-1"), resource: Resource::Memory, of: String::new() }
    }

    /// Readings every `step` seconds of `span`, as `used` says.
    fn read(&mut self, span: std::ops::Range<i64>, step: usize, used: impl Fn(i64) -> u64) {
        let seconds: Vec<i64> = span.step_by(step).collect();
        for part in seconds.chunks(4_000) {
            let reading = |s: &i64| Reading { at: at(*s), used: used(*s), limit: 1_000_000 };
            let streams = vec![Rows::Capacity(Self::resource(), part.iter().map(reading).collect())];
            self.seq += 1;
            let key = BatchKey { agent: id("a"), epoch: Epoch([1; 16]), seq: self.seq };
            let batch = Batch { key, closed_at: at(0), streams, facts: Vec::new() };
            let framed = batch.encode().unwrap();
            self.store.append(at(0), vec![Admitted { digest: digest(&framed), framed, batch: batch.into() }]).unwrap();
        }
        for (resource, rows) in self.store.take_touched(&|_| true).resources {
            self.capacity.touch(&self.store, &resource, rows).unwrap();
        }
    }

    /// The figures and episodes at `now`, each found to be the same without anything kept.
    fn compare(&mut self, promise: &CapacityPromise, kind: WindowKind, entry: i64, now: i64) -> Found {
        let target = PathId::new(id("sla"), id(&kind.text()));
        let zone = jiff::tz::TimeZone::get("Europe/Zurich").unwrap();
        let (as_of, entry) = (at(now), at(entry));
        let window = Window::holding(kind, &zone, as_of, as_of);
        let committed = &self.committed(entry, &window);
        let asked = Asked { target: &target, promise, entry, window, committed };
        let horizon = as_of.minus_ms(35 * DAY_MS).max(entry);
        self.capacity.begin_tick();
        let found = self.capacity.measure(&self.store, &asked, horizon, as_of).unwrap().unwrap();

        let all = Interval::new(Instant::from_ms(0), as_of);
        let readings = recent::readings(&self.store, &promise.resource, all).unwrap();
        let expected = CapacityFigures::measure(promise, entry, window, committed, &readings);
        assert_eq!(found.figures, expected, "{kind:?} at {now}");
        assert_eq!(self.capacity.figures(&self.store, &asked).unwrap(), expected, "asked for, {kind:?} at {now}");
        assert_eq!(window::at_once(&self.store, &asked).unwrap(), expected, "at once, {kind:?} at {now}");
        for holding in &found.holdings {
            let mut fresh = Holding::new(holding.threshold(), promise.held_ms);
            levels(&readings, promise.thresholds, Interval::new(horizon, as_of), |i, level| fresh.push(i, level));
            let of = |holding: &Holding| {
                holding.episodes(Instant::MIN).into_iter().filter(|e| e.started > horizon).collect::<Vec<_>>()
            };
            assert_eq!(of(holding), of(&fresh), "{kind:?} at {now}");
        }
        found
    }
}

fn promise(percentile: &str, held_ms: i64) -> CapacityPromise {
    let share = |text| Some(Ppb::parse(text).unwrap());
    CapacityPromise {
        resource: World::resource(),
        percentile: Ppb::parse(percentile).unwrap(),
        thresholds: Thresholds::new(share("75%"), share("85%")).unwrap(),
        held_ms,
    }
}

const DAY: i64 = 86_400;
const KINDS: [WindowKind; 5] = [
    WindowKind::Month,
    WindowKind::Day,
    WindowKind::Week,
    WindowKind::Rolling { length_ms: 3 * DAY_MS },
    WindowKind::Rolling { length_ms: 6 * 3_600_000 },
];

#[test]
fn what_is_kept_says_the_same_as_the_store_alone() {
    let promise = promise("95%", 40_000);
    let mut world = World::new();
    world.read(0..5 * DAY, 60, used);
    let mut now = 5 * DAY;
    // Steps of seconds, of hours, and of days: past the time for which anything is kept.
    for step in [1, 14, 15, 31, 600, 3_600, 9_000, 40_000, 95_000, 1, 200_000, 7] {
        world.read(now..now + step, 15, used);
        now += step;
        for kind in KINDS {
            world.compare(&promise, kind, -DAY, now);
        }
    }
    // A new month in which nothing was read yet, and then something.
    for now in [31 * DAY, 31 * DAY + 20] {
        world.read(now - 50..now, 15, used);
        for kind in KINDS {
            world.compare(&promise, kind, -DAY, now);
        }
    }
}

#[test]
fn what_is_forgotten_counts_no_longer() {
    let promise = promise("95%", 40_000);
    let mut world = World::new();
    world.read(0..12 * DAY, 60, used);
    let now = 12 * DAY - 3_600;
    let count = |world: &mut World| KINDS.map(|kind| world.compare(&promise, kind, -DAY, now).figures.n);
    let before = count(&mut world);
    for day in [2, 5, 11] {
        let first = at(day * DAY);
        world.store.forget_rows_before(i32::try_from(first.utc_day()).unwrap()).unwrap();
        world.capacity.forget_before(first);
        count(&mut world);
    }
    assert!(count(&mut world)[0] < before[0] / 5, "of the month a day is left");
}

#[test]
fn only_committed_time_counts_whenever_it_is_said_what_that_is() {
    let promise = promise("95%", 40_000);
    let mut world = World::new();
    world.hours = 8..18;
    world.read(0..6 * DAY, 60, used);
    let mut now = 6 * DAY - 4 * 3_600;
    let mut figures = Vec::new();
    // Exclusions of the settled part, the edge of a rolling window and the recent part, changed and revoked.
    let steps: [&[(i64, i64)]; 8] = [
        &[],
        &[(2 * DAY + 30_000, 2 * DAY + 40_000)],
        &[(2 * DAY + 31_000, 2 * DAY + 41_000)],
        &[(3 * DAY - 20_000, 3 * DAY + 40_000), (now - 9_000, now - 8_000)],
        &[(now - 7_000, now - 6_000)],
        &[(now - 6_000, now - 5_000)],
        &[(now - 50, now + 50)],
        &[],
    ];
    for excluded in steps {
        world.excluded = excluded.to_vec();
        for step in [0, 15, 600] {
            now += step;
            figures.push(KINDS.map(|kind| world.compare(&promise, kind, -DAY, now).figures));
        }
    }
    assert!(figures.iter().flatten().any(|found| found.n > 1_000));
    assert!(figures.windows(2).filter(|pair| pair[0][0] != pair[1][0]).count() > 4, "exclusions change the month");
    // At night nothing of the newest hours counts.
    for now in [6 * DAY + 3_600, 6 * DAY + 8 * 3_600 + 1] {
        for kind in KINDS {
            world.compare(&promise, kind, -DAY, now);
        }
    }
}

#[test]
fn late_readings_count_wherever_they_belong() {
    let promise = promise("90%", 0);
    let mut world = World::new();
    let gap = 2 * DAY..2 * DAY + 7_200;
    world.read(0..gap.start, 60, used);
    world.read(gap.end..6 * DAY, 60, used);
    let mut now = 6 * DAY;
    let before = KINDS.map(|kind| world.compare(&promise, kind, 3_600, now).figures);
    world.read(gap, 60, |_| 990_000);
    let after = KINDS.map(|kind| world.compare(&promise, kind, 3_600, now).figures);
    assert_ne!(before[0], after[0]);
    // Into the settled part, the edge of a rolling window, the recent part, and ahead of the present.
    for late in [3_700, 3 * DAY + 40, 5 * DAY - 7, now - 4_000, now - 100, now + 30] {
        world.read(late..late + 1, 1, |_| 999_999);
        now += 5;
        for kind in KINDS {
            world.compare(&promise, kind, 3_600, now);
        }
    }
    // A second telling of the same instant: the higher counts, and is found at once.
    world.read(now - 4_000..now - 3_999, 1, |_| 1);
    for kind in KINDS {
        world.compare(&promise, kind, 3_600, now);
    }
}

#[test]
fn a_clock_that_is_set_back_or_jumps_ahead_changes_no_figure() {
    let promise = promise("95%", 600_000);
    let mut world = World::new();
    world.read(0..8 * DAY, 60, used);
    for now in [8 * DAY, 2 * DAY, 2 * DAY + 1, 40 * DAY, 8 * DAY - 30, 8 * DAY] {
        for kind in KINDS {
            world.compare(&promise, kind, 0, now);
        }
    }
}

#[test]
fn a_service_that_is_younger_than_its_window_is_measured_from_its_entry() {
    let promise = promise("95%", 0);
    let mut world = World::new();
    world.read(0..4 * DAY, 60, used);
    for now in [3 * DAY - 1, 3 * DAY, 3 * DAY + 1, 3 * DAY + 600, 4 * DAY] {
        for kind in KINDS {
            let found = world.compare(&promise, kind, 3 * DAY, now);
            assert_eq!(found.figures.n == 0, now <= 3 * DAY, "{kind:?} at {now}");
        }
    }
}

#[test]
fn more_readings_than_were_reckoned_with_are_counted_all_the_same() {
    let promise = promise("95%", 0);
    let mut world = World::new();
    let mut now = DAY;
    world.compare(&promise, WindowKind::Month, 0, now);
    world.read(now..now + 30_000, 1, used);
    now += 30_000;
    for kind in KINDS {
        world.compare(&promise, kind, 0, now);
    }
    let recent = &world.capacity.recent[&World::resource()];
    assert!(recent.all().len() <= 20_000, "{} readings are kept", recent.all().len());
    assert_eq!(Threshold::ALL.len(), 2);
}
