//! What is kept gives the same figures as all rows at once, whatever arrives when and whatever is committed.

use uphold_common::catalogue::model::{ResponseBound, ResponsePromise, WindowKind};
use uphold_common::ids::{Id, PathId};
use uphold_common::measure::window::Window;
use uphold_common::observation::{Cause, Micros, Observation, Phases};
use uphold_common::percent::Ppb;
use uphold_common::wire::batch::{Batch, BatchKey, Epoch, digest};
use uphold_common::wire::columns::Rows;

use super::*;
use crate::store::{Admitted, DataDir, EmbeddedStore, StoreOptions};

/// 2026-03-01T00:00:00Z.
const START_MS: i64 = 1_772_323_200_000;
const DAY: i64 = 86_400;
const KINDS: [WindowKind; 4] = [
    WindowKind::Month,
    WindowKind::Day,
    WindowKind::Rolling { length_ms: 3 * DAY_MS },
    WindowKind::Rolling { length_ms: 6 * 3_600_000 },
];

fn at(seconds: i64) -> Instant {
    Instant::from_ms(START_MS + seconds * 1_000)
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn point(agent: &str) -> VantagePoint {
    VantagePoint { probe: PathId::new(id("shop"), id("door")), agent: id(agent) }
}

/// An attempt that looks like chance and is the same every time.
fn attempt(seconds: i64, agent: &str) -> Observation {
    let salt = u64::from(agent.bytes().next().unwrap_or(0));
    let mixed = seconds.unsigned_abs().wrapping_add(salt << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let outcome = match mixed % 40 {
        0 => Outcome::Down,
        1 => Outcome::Unknown,
        2..=6 => Outcome::Degraded,
        _ => Outcome::Up,
    };
    let total = if mixed % 37 == 5 { Micros::NONE } else { Micros::new(40_000 + mixed % 90_000 + mixed % 3 * 70_000) };
    Observation { at: at(seconds), outcome, cause: Cause::None, code: 0, total, phases: Phases::default() }
}

struct World {
    _dir: tempfile::TempDir,
    store: EmbeddedStore,
    attempts: Attempts,
    seq: u64,
    /// What is not committed, in seconds.
    spared: std::ops::Range<i64>,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store =
            EmbeddedStore::open(DataDir::claim(dir.path(), "test", at(0)).unwrap(), StoreOptions::default()).unwrap();
        Self { _dir: dir, store, attempts: Attempts::default(), seq: 0, spared: 0..0 }
    }

    /// Attempts of an agent every `step` seconds of `span`.
    fn observe(&mut self, agent: &str, span: std::ops::Range<i64>, step: usize, make: impl Fn(i64) -> Observation) {
        let seconds: Vec<i64> = span.step_by(step).collect();
        for part in seconds.chunks(3_000) {
            let streams = vec![Rows::Probe(point(agent).probe, part.iter().map(|s| make(*s)).collect())];
            self.seq += 1;
            let key = BatchKey { agent: id(agent), epoch: Epoch([1; 16]), seq: self.seq };
            let batch = Batch { key, closed_at: at(0), streams, facts: Vec::new() };
            let framed = batch.encode().unwrap();
            self.store.append(at(0), vec![Admitted { digest: digest(&framed), framed, batch: batch.into() }]).unwrap();
        }
        for (point, rows) in self.store.take_touched(&|_| true).vantage_points {
            for stretch in rows.days.values() {
                self.attempts.touch(&self.store, &point, *stretch).unwrap();
            }
        }
    }

    fn both(&mut self, span: std::ops::Range<i64>, step: usize) {
        for agent in ["a", "b"] {
            self.observe(agent, span.clone(), step, |s| attempt(s, agent));
        }
    }

    /// The figures at `now`, found to be the same without anything kept.
    fn compare(&mut self, promise: &ResponsePromise, kind: WindowKind, now: i64) -> ResponseFigures {
        let target = PathId::new(id("sla"), id(&format!("{}-{}", kind.text(), promise.below_us)));
        let as_of = at(now);
        let window = Window::holding(kind, &jiff::tz::TimeZone::UTC, as_of, as_of);
        let of = response::Asked { promise, window, settled: false, entry: at(-40 * DAY) };
        let (elapsed, spared) = (window.elapsed(), Interval::new(at(self.spared.start), at(self.spared.end)));
        let parts = [Interval::new(elapsed.start, spared.start), Interval::new(spared.end, elapsed.end)];
        let committed: Vec<Interval> = if spared.overlaps(elapsed) {
            parts.into_iter().map(|part| part.intersect(elapsed)).filter(|part| !part.is_empty()).collect()
        } else {
            vec![elapsed]
        };
        let points = vec![point("a"), point("b")];
        let committed: Arc<[Interval]> = committed.into();
        let counted = |point: &VantagePoint| Counted { point: point.clone(), committed: Arc::clone(&committed) };
        let asked = Asked { target: &target, of, points: points.iter().map(counted).collect() };
        self.attempts.begin_tick(&self.store);
        let found = self.attempts.measure(&self.store, &asked, as_of).unwrap().unwrap();

        let mut all = Vec::new();
        for point in &points {
            all.extend(self.store.observations(point, Interval::new(Instant::from_ms(0), as_of)).unwrap());
        }
        let expected = ResponseFigures::measure(&of, &committed, &all);
        assert_eq!(found, expected, "{kind:?} at {now}");
        assert_eq!(self.attempts.figures(&self.store, &asked).unwrap(), expected, "asked for, {kind:?} at {now}");
        assert_eq!(settled::at_once(&self.store, &asked).unwrap(), expected, "at once, {kind:?} at {now}");
        found
    }
}

fn promises() -> [ResponsePromise; 3] {
    let share = |text| Ppb::parse(text).unwrap();
    let promise = |bound, below_us| ResponsePromise { probe: id("door"), bound, below_us };
    [
        promise(ResponseBound::Percentile(share("95%")), 200_000),
        promise(ResponseBound::Percentile(share("50%")), 90_000),
        promise(ResponseBound::Share(share("90%")), 150_000),
    ]
}

#[test]
fn what_is_kept_says_the_same_as_all_rows_at_once() {
    let mut world = World::new();
    world.both(0..4 * DAY, 60);
    let mut now = 4 * DAY;
    // Steps of seconds, of hours, and of days: past the time for which anything is kept.
    for step in [1, 30, 31, 600, 9_000, 95_000, 1, 300_000] {
        world.both(now..now + step, 15);
        now += step;
        for kind in KINDS {
            for promise in promises() {
                world.compare(&promise, kind, now);
            }
        }
    }
}

#[test]
fn late_rows_count_wherever_they_belong() {
    let [promise, ..] = promises();
    let mut world = World::new();
    world.both(0..4 * DAY, 60);
    let mut now = 4 * DAY;
    let slow = |s| Observation { total: Micros::new(3_000_000), outcome: Outcome::Degraded, ..attempt(s, "a") };
    let before = KINDS.map(|kind| world.compare(&promise, kind, now));
    world.observe("a", DAY + 1..2 * DAY, 7, slow);
    let after = KINDS.map(|kind| world.compare(&promise, kind, now));
    assert!(before[0].value_us < after[0].value_us && before[0].tally.n < after[0].tally.n);
    for late in [3_701, 3 * DAY + 41, now - 4_000, now - 101, now + 30] {
        world.observe("b", late..late + 1, 1, slow);
        now += 5;
        for kind in KINDS {
            world.compare(&promise, kind, now);
        }
    }
    // The same attempt told again, and worse.
    world.observe("b", now - 101 - 20..now - 101 - 19, 1, |s| Observation { outcome: Outcome::Down, ..slow(s) });
    for kind in KINDS {
        world.compare(&promise, kind, now);
    }
}

#[test]
fn committed_time_that_turns_out_otherwise_is_counted_anew() {
    let [promise, ..] = promises();
    let mut world = World::new();
    world.both(0..4 * DAY, 60);
    let now = 4 * DAY;
    let whole = KINDS.map(|kind| world.compare(&promise, kind, now).tally.n);
    for spared in [DAY..2 * DAY, 2 * DAY..4 * DAY - 40, 4 * DAY - 3_600..4 * DAY - 60, 0..5 * DAY, 0..0] {
        world.spared = spared.clone();
        let counted = KINDS.map(|kind| world.compare(&promise, kind, now + 60).tally.n);
        assert!(spared.is_empty() || counted[0] < whole[0], "{spared:?}");
    }
}

#[test]
fn rows_that_are_forgotten_are_no_longer_counted() {
    let [promise, ..] = promises();
    let mut world = World::new();
    world.both(0..4 * DAY, 60);
    let before = KINDS.map(|kind| world.compare(&promise, kind, 4 * DAY).tally.n);
    let first = i32::try_from(at(0).utc_day()).unwrap();
    world.store.forget_rows_before(first + 2).unwrap();
    let after = KINDS.map(|kind| world.compare(&promise, kind, 4 * DAY).tally.n);
    assert!(after[0] < before[0] && after[3] == before[3], "{before:?} {after:?}");
}

#[test]
fn a_clock_that_is_set_back_or_jumps_ahead_changes_no_figure() {
    let [promise, ..] = promises();
    let mut world = World::new();
    world.both(0..5 * DAY, 60);
    for now in [5 * DAY, 2 * DAY, 2 * DAY + 1, 40 * DAY, 5 * DAY - 30, 5 * DAY] {
        for kind in KINDS {
            world.compare(&promise, kind, now);
        }
    }
}

#[test]
fn more_than_is_reckoned_with_is_counted_all_the_same_and_kept_within_bounds() {
    let [promise, ..] = promises();
    let mut world = World::new();
    world.compare(&promise, WindowKind::Month, DAY);
    world.both(DAY..DAY + 30_000, 1);
    for now in [DAY + 29_000, DAY + 30_000] {
        for kind in KINDS {
            world.compare(&promise, kind, now);
        }
    }
    let kept: Vec<usize> = world.attempts.recent.values().map(Recent::len).collect();
    assert!(kept.iter().all(|rows| *rows <= 20_000), "{kept:?}");
}

#[test]
fn failures_are_counted_in_committed_time_out_of_what_is_kept_and_without() {
    let mut world = World::new();
    world.both(0..2 * DAY, 30);
    let now = at(2 * DAY);
    let halves = |from: i64| [Interval::new(at(from), at(from + 5_000)), Interval::new(at(from + 9_000), now)];
    let slow = |world: &World, committed: &[Interval]| {
        let all = world.store.observations(&point("a"), Interval::new(at(0), now)).unwrap();
        let bad = all.iter().filter(|row| row.outcome == Outcome::Down && is_within(committed, row.at));
        bad.count() as u64
    };
    world.attempts.watch(&world.store, &point("a"), at(DAY)).unwrap();
    for from in [DAY - 20_000, DAY, DAY + 300, 2 * DAY - 9_001] {
        let both = [halves(from).to_vec(), vec![halves(from)[1]], Vec::new()];
        let found = world.attempts.failures(&world.store, &point("a"), &both).unwrap();
        assert_eq!(found, both.each_ref().map(|committed| slow(&world, committed)), "{from}");
        assert!(found[0] > 0);
    }
    let failures =
        |world: &World| world.attempts.failures(&world.store, &point("a"), &[halves(DAY).to_vec()]).unwrap()[0];
    assert_eq!(world.attempts.failures(&world.store, &point("a"), &[]).unwrap(), [0; 0]);
    let before = failures(&world);
    world.observe("a", DAY + 7..DAY + 8, 1, |s| Observation { outcome: Outcome::Down, ..attempt(s, "a") });
    assert_eq!(failures(&world), before + 1);
}
