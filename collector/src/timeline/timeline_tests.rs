//! Days that are kept against the whole derived at once, over a real store: late rows, restarts, any instant.

use uphold_common::ids::{Id, PathId};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::wire::batch::{Batch, BatchKey, Epoch, digest};
use uphold_common::wire::columns::Rows;

use uphold_common::measure::vantage::VantageRules;

use super::*;
use crate::store::{Admitted, DataDir, EmbeddedStore, RecordKind, StoreOptions};

const RULES: VantageRules = VantageRules { reach_ms: 150_000, fall: 2, rise: 1 };
const INTERVAL_MS: i64 = 60_000;

fn point() -> VantagePoint {
    let id = |text| Id::new(text).unwrap();
    VantagePoint { probe: PathId::new(id("shop"), id("web")), agent: id("a") }
}

fn open(dir: &std::path::Path) -> EmbeddedStore {
    let data_dir = DataDir::claim(dir, "test", Instant::from_ms(0)).unwrap();
    EmbeddedStore::open(data_dir, StoreOptions::default()).unwrap()
}

fn observation(minute: i64, outcome: Outcome) -> Observation {
    let (cause, code, total, phases) = (Cause::None, 0, Micros::NONE, Phases::default());
    Observation { at: Instant::from_ms(minute * INTERVAL_MS), outcome, cause, code, total, phases }
}

fn append(store: &mut EmbeddedStore, seq: u64, rows: Vec<Observation>) {
    let key = BatchKey { agent: point().agent, epoch: Epoch([7; 16]), seq };
    let closed_at = rows.last().map_or(Instant::from_ms(0), |row| row.at);
    let batch = Batch { key, closed_at, streams: vec![Rows::Probe(point().probe, rows)], facts: Vec::new() };
    let framed = batch.encode().unwrap();
    store.append(closed_at, vec![Admitted { digest: digest(&framed), framed, batch: batch.into() }]).unwrap();
}

/// A history of five days with outages, single failures, silence, and an outage over midnight.
fn history() -> Vec<Observation> {
    let outcome = |minute: i64| match minute {
        1_430..=1_450 | 3_000 | 4_000..=4_001 | 5_700..=5_800 => Some(Outcome::Down),
        2_000..=2_300 | 5_000..=5_002 => None,
        2_500 => Some(Outcome::Unknown),
        _ => Some(Outcome::Up),
    };
    (0..5 * 1_440).filter_map(|minute| Some(observation(minute, outcome(minute)?))).collect()
}

/// The whole derived at once from what the store holds before `as_of`.
fn at_once(store: &EmbeddedStore, span: Interval, as_of: Instant) -> Timeline {
    let everything = Interval::new(Instant::MIN, Instant::MAX);
    let mut all = store.observations(&point(), everything).unwrap();
    all.retain(|observation| observation.at < as_of);
    vantage_timeline(&all, &RULES.into(), span)
}

fn compare(timelines: &mut Timelines, store: &mut EmbeddedStore, as_of_minute: i64) {
    let as_of = Instant::from_ms(as_of_minute * INTERVAL_MS + 1);
    for (start, end) in [(0, as_of_minute), (700, as_of_minute), (1_439, 1_441), (1_000, 4_000)] {
        let minute = |m: i64| Instant::from_ms(m.min(as_of_minute) * INTERVAL_MS);
        let span = Interval::new(minute(start), minute(end));
        let found = timelines.vantage(store, &point(), &RULES.into(), span, as_of).unwrap();
        assert_eq!(found, at_once(store, span, as_of), "{start} to {end} as of {as_of_minute}");
    }
}

/// A tick, and what upkeep does after it.
fn tick(timelines: &mut Timelines, store: &mut EmbeddedStore, as_of: Instant) {
    touch(timelines, store);
    timelines.begin_tick(as_of);
    let span = Interval::new(as_of.minus_ms(3 * DAY_MS), as_of);
    let found = timelines.vantage(store, &point(), &RULES.into(), span, as_of).unwrap();
    assert_eq!(found, at_once(store, span, as_of), "at {as_of}");
    let newest = timelines.newest(&point(), as_of).expect("it is live");
    let past = Interval::new(as_of.minus_ms(RULES.reach_ms), as_of);
    assert_eq!(newest.filter(|o| past.contains(o.at)), store.observations(&point(), past).unwrap().pop());
    while timelines.settle(store, 1).unwrap() {}
}

fn touch(timelines: &mut Timelines, store: &mut EmbeddedStore) {
    for (point, rows) in store.take_touched(&|_| true).vantage_points {
        timelines.touch(store, &point, &RULES.into(), &rows).unwrap();
    }
}

#[test]
fn kept_days_are_those_derived_at_once_whenever_rows_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut timelines = Timelines::default();
    let (late, on_time): (Vec<_>, Vec<_>) =
        history().into_iter().partition(|row| (1_400..1_460).contains(&(row.at.as_ms() / INTERVAL_MS)));
    for (seq, rows) in on_time.chunks(500).enumerate() {
        append(&mut store, seq as u64 + 1, rows.to_vec());
        touch(&mut timelines, &mut store);
    }
    for as_of in [1_440, 1_445, 3_001, 4_003, 7_199, 9_000] {
        compare(&mut timelines, &mut store, as_of);
    }
    append(&mut store, 1_000, late);
    touch(&mut timelines, &mut store);
    for as_of in [1_431, 1_440, 7_199, 9_000] {
        compare(&mut timelines, &mut store, as_of);
    }
}

#[test]
fn a_restart_before_late_rows_were_dealt_with_leaves_no_stale_day() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut timelines = Timelines::default();
    append(&mut store, 1, history());
    touch(&mut timelines, &mut store);
    compare(&mut timelines, &mut store, 9_000);
    let kept = store.records(RecordKind::Stretches, &stretches::days(&point(), 0, 10), 100).unwrap();
    assert!(kept.len() >= 4, "days were kept: {}", kept.len());

    append(&mut store, 2, (2_000..2_300).map(|minute| observation(minute, Outcome::Down)).collect());
    drop(store);
    let mut store = open(dir.path());
    let mut timelines = Timelines::default();
    touch(&mut timelines, &mut store);
    compare(&mut timelines, &mut store, 9_000);
}

fn ups(minutes: std::ops::Range<i64>) -> Vec<Observation> {
    minutes.map(|minute| observation(minute, Outcome::Up)).collect()
}

#[test]
fn days_that_were_kept_while_the_clock_ran_ahead_are_dropped_by_the_rows_that_come_later() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut timelines = Timelines::default();
    append(&mut store, 1, ups(0..1_000));
    touch(&mut timelines, &mut store);
    compare(&mut timelines, &mut store, 5 * 1_440);
    append(&mut store, 2, ups(1_000..2_000));
    touch(&mut timelines, &mut store);
    for as_of in [2_000, 2 * 1_440, 4 * 1_440] {
        compare(&mut timelines, &mut store, as_of);
    }
}

#[test]
fn a_tail_of_long_ago_is_not_taken_for_what_came_after_a_long_silence() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut timelines = Timelines::default();
    append(&mut store, 1, ups(0..100).into_iter().chain(ups(4_000..5_000)).collect());
    touch(&mut timelines, &mut store);
    for as_of in [50, 102, 200, 1_600, 3_000, 4_000, 4_500, 6_000, 102, 4_500, 4_501, 4_500, 4_499] {
        compare(&mut timelines, &mut store, as_of);
        let now = Instant::from_ms(as_of * INTERVAL_MS + 1);
        let speaks = Interval::new(now.minus_ms(RULES.reach_ms), now);
        let from_store = store.observations(&point(), speaks).unwrap().pop();
        if let Some(known) = timelines.newest(&point(), now) {
            assert_eq!(known.filter(|o| speaks.contains(o.at)), from_store);
        }
    }
}

#[test]
fn what_is_forgotten_is_derived_again_with_the_rows_that_came_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut timelines = Timelines::default();
    append(&mut store, 1, ups(0..1_000));
    touch(&mut timelines, &mut store);
    compare(&mut timelines, &mut store, 5_000);
    append(&mut store, 2, ups(1_000..1_400));
    for point in store.take_touched(&|_| true).vantage_points.into_keys() {
        timelines.forget(&mut store, &point).unwrap();
    }
    compare(&mut timelines, &mut store, 5_000);
    drop(timelines);
    compare(&mut Timelines::default(), &mut store, 5_000);
}

#[test]
fn what_goes_on_as_it_arrives_is_what_is_derived_at_once_and_is_kept_when_it_has_settled() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut timelines = Timelines::default();
    // From the newest on, several at once, ahead of the present, twice, late, and all of it with the clock set back.
    let rows = history();
    let (mut seq, mut sent) = (0, 0);
    for (turn, as_of) in (0..).zip((5..5 * 1_440).step_by(7)) {
        let ahead = if turn % 50 == 7 { 30 } else { 0 };
        let end = rows.partition_point(|row| row.at.as_ms() <= (as_of + ahead) * INTERVAL_MS).max(sent);
        // What is not sent now is sent with the next, or is late.
        if turn % 5 != 3 && end > sent {
            seq += 1;
            let late = if turn % 40 == 11 { sent.saturating_sub(20)..sent } else { 0..0 };
            let again = rows[late].iter().map(|row| Observation { outcome: Outcome::Down, ..*row });
            append(&mut store, seq, again.chain(rows[sent..end].iter().copied()).collect());
            sent = end;
        }
        let set_back = if turn % 90 == 60 { 40 } else { 0 };
        tick(&mut timelines, &mut store, Instant::from_ms((as_of - set_back) * INTERVAL_MS + 1));
    }
    let kept = store.records(RecordKind::Stretches, &stretches::days(&point(), i64::MIN, i64::MAX), 100).unwrap();
    assert!(kept.len() >= 4, "{} days were kept", kept.len());
    assert!(timelines.bytes() > 0);
    for as_of in [1_440, 7_199, 9_000] {
        compare(&mut timelines, &mut store, as_of);
    }
}

#[test]
fn without_room_for_a_single_day_in_memory_all_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut timelines = Timelines::bounded(0);
    append(&mut store, 1, history());
    touch(&mut timelines, &mut store);
    for as_of in [1_440, 4_003, 7_199, 9_000] {
        compare(&mut timelines, &mut store, as_of);
    }
}

#[test]
fn what_is_prepared_bit_by_bit_is_kept_and_is_done_once_whatever_room_there_is() {
    for bytes_max in [DAYS_BYTES_MAX, 0] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        append(&mut store, 1, history());
        let mut timelines = Timelines::bounded(bytes_max);
        touch(&mut timelines, &mut store);
        let as_of = Instant::from_ms(5 * DAY_MS);
        timelines.begin_tick(as_of);
        let span = Interval::new(Instant::from_ms(0), as_of);
        let mut steps = 0;
        while !timelines.prepare(&mut store, &point(), &RULES.into(), span, &mut 1_000).unwrap() {
            steps += 1;
            let days = stretches::days(&point(), i64::MIN, i64::MAX);
            assert_eq!(
                store.records(RecordKind::Stretches, &days, 100).unwrap().len(),
                steps - 1,
                "after step {steps}"
            );
        }
        assert_eq!(steps, 4, "what is live, then three days, one a step; the fourth is the last");
        let mut allowance = 1;
        assert!(timelines.prepare(&mut store, &point(), &RULES.into(), span, &mut allowance).unwrap());
        assert_eq!(allowance, 1, "nothing is left to do");
        assert!(!timelines.prepare(&mut store, &point(), &RULES.into(), span, &mut 0).unwrap());
        append(&mut store, 2, vec![observation(2_100, Outcome::Down)]);
        touch(&mut timelines, &mut store);
        let mut allowance = 10_000;
        assert!(timelines.prepare(&mut store, &point(), &RULES.into(), span, &mut allowance).unwrap());
        assert!(allowance < 10_000, "late data makes more to do");
        compare(&mut timelines, &mut store, 7_199);
    }
}

#[test]
fn rows_of_two_days_far_apart_leave_the_days_in_between_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut timelines = Timelines::default();
    append(&mut store, 1, history());
    touch(&mut timelines, &mut store);
    compare(&mut timelines, &mut store, 7_199);
    let late = |minute| observation(minute, Outcome::Down);
    append(&mut store, 2, vec![late(2_100), late(7_190)]);
    touch(&mut timelines, &mut store);
    let kept = stretches::kept(&store, &point(), i64::MIN, i64::MAX, &RULES.into()).unwrap();
    assert_eq!(kept.into_keys().collect::<Vec<_>>(), [0, 2, 3]);
    compare(&mut timelines, &mut store, 7_199);
}
