//! The open batch: when it closes, what it refuses, and that what it closes can always be encoded.

use super::*;
use crate::ids::PathId;
use crate::observation::{Cause, Flow, Micros, Phases, Resource};
use crate::wire::batch::{Batch, BatchKey, Epoch};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn at(ms: i64) -> Instant {
    Instant::from_ms(1_767_225_600_000 + ms)
}

fn attempt(probe: &str, ms: i64, outcome: Outcome) -> Row {
    let total = Micros::new(ms.unsigned_abs().wrapping_mul(2_654_435_761) % u64::from(u32::MAX));
    let phases = Phases::from_array([total; 5]);
    let observation = Observation { at: at(ms), outcome, cause: Cause::None, code: 200, total, phases };
    Row::Probe(PathId::new(id("shop"), id(probe)), observation)
}

fn reading(ms: i64) -> Row {
    let disk = ResourceId { host: id("web-1"), resource: Resource::Filesystem, of: "/".to_owned() };
    Row::Capacity(disk, Reading { at: at(ms), used: 1, limit: 2 })
}

fn volume(ms: i64) -> Row {
    let net = FlowId { host: id("web-1"), flow: Flow::NetworkSent, of: "eth0".to_owned() };
    Row::Volume(net, Volume { at: at(ms), over_ms: 15_000, amount: 2 })
}

fn rows(content: &Content) -> usize {
    content.streams.iter().map(Rows::len).sum()
}

#[test]
fn a_batch_is_due_by_age_or_by_a_change_of_outcome() {
    // rows before, row added, its interval, milliseconds waited, due?
    let steady = [attempt("web", 0, Outcome::Up)];
    for (name, row, interval_ms, waited_ms, due) in [
        ("the same outcome waits", attempt("web", 1, Outcome::Up), 10_000, 9_999, false),
        ("as long as the interval", attempt("web", 1, Outcome::Up), 10_000, 10_000, true),
        ("at most 30 s", attempt("web", 1, Outcome::Up), 300_000, 29_999, false),
        ("30 s", attempt("web", 1, Outcome::Up), 300_000, 30_000, true),
        ("another outcome is urgent", attempt("web", 1, Outcome::Down), 10_000, 499, true),
        ("though not right after the batch before", attempt("web", 1, Outcome::Down), 10_000, 498, false),
        ("a first outcome is urgent", attempt("other", 1, Outcome::Up), 10_000, 499, true),
        ("a reading is not", reading(1), 15_000, 14_999, false),
        ("a volume is not", volume(1), 15_000, 14_999, false),
        ("a change, and a clock set back", attempt("web", 1, Outcome::Down), 10_000, -2, true),
        ("a clock set back", reading(1), 15_000, -1, true),
    ] {
        let mut builder = BatchBuilder::new(BatchLimits::default());
        for row in steady.clone() {
            assert_eq!(builder.add(row, 10_000, at(0)), Ok(None));
        }
        assert!(builder.is_due(at(0)), "the first outcome is urgent");
        assert_eq!(builder.close().map(|c| rows(&c)), Some(1));
        assert!(!builder.is_due(at(0)) && builder.close().is_none(), "an empty batch is never due");
        assert_eq!(builder.add(row, interval_ms, at(1)), Ok(None));
        assert_eq!(builder.is_due(at(1 + waited_ms)), due, "{name}");
    }
}

#[test]
fn what_confirms_a_change_is_as_urgent_as_it() {
    let mut builder = BatchBuilder::new(BatchLimits::default());
    let mut urgent = Vec::new();
    for (row, outcome) in "uuDDDDDDuuu".chars().enumerate() {
        let outcome = if outcome == 'u' { Outcome::Up } else { Outcome::Down };
        let ms = 1_000 * i64::try_from(row).unwrap();
        assert_eq!(builder.add(attempt("web", ms, outcome), 30_000, at(ms)), Ok(None));
        let due = builder.is_due(at(ms + 500));
        urgent.push(if due { '!' } else { '.' });
        builder.close();
    }
    assert_eq!(urgent.iter().collect::<String>(), "!.!!!!!.!!!");
}

#[test]
fn changes_one_after_the_other_share_batches() {
    let mut builder = BatchBuilder::new(BatchLimits::default());
    let mut batches = 0;
    for ms in 0..10_000 {
        assert_eq!(builder.add(attempt(&format!("web-{ms}"), ms, Outcome::Up), 30_000, at(ms)), Ok(None));
        if builder.is_due(at(ms)) {
            batches += 1;
            builder.close();
        }
    }
    assert!((20..=40).contains(&batches), "{batches} batches in ten seconds");
}

#[test]
fn a_row_that_is_not_later_is_refused_also_after_the_batch_was_closed() {
    let mut builder = BatchBuilder::new(BatchLimits::default());
    assert_eq!(builder.add(reading(5), 15_000, at(5)), Ok(None));
    let _ = builder.close();
    for ms in [5, 4, -1_000] {
        let refused = builder.add(reading(ms), 15_000, at(9));
        assert_eq!(refused, Err(NotLater { at: at(ms), last: at(5) }));
    }
    assert_eq!(builder.close(), None, "what was refused is in no batch");
    assert_eq!(builder.add(volume(5), 15_000, at(9)), Ok(None), "another stream has its own time");
    builder.forget_unless(|_| true, |host| host.as_str() != "web-1");
    let _ = builder.close();
    assert_eq!(builder.add(reading(5), 15_000, at(9)), Ok(None), "a stream that was forgotten begins anew");
}

#[test]
fn a_full_batch_comes_back_before_the_row_that_has_no_room() {
    for limits in [
        BatchLimits { rows_max: 3, ..BatchLimits::default() },
        BatchLimits {
            raw_bytes_max: STREAM_BYTES + 7 + 3 * OBSERVATION_BYTES + STREAM_BYTES,
            ..BatchLimits::default()
        },
    ] {
        let mut builder = BatchBuilder::new(limits);
        let mut closed = Vec::new();
        for ms in 0..7 {
            closed.extend(builder.add(attempt("web", ms, Outcome::Up), 1_000, at(ms)).unwrap());
        }
        closed.extend(builder.close());
        assert_eq!(closed.iter().map(rows).sum::<usize>(), 7, "{limits:?}");
        assert!(closed.len() > 1 && closed.iter().all(|c| rows(c) > 0), "{limits:?}");
    }
    let mut builder = BatchBuilder::new(BatchLimits { streams_max: 1, ..BatchLimits::default() });
    assert_eq!(builder.add(reading(0), 1_000, at(0)), Ok(None));
    assert_eq!(builder.add(reading(1), 1_000, at(0)), Ok(None));
    assert_eq!(builder.add(volume(0), 1_000, at(0)).unwrap().map(|c| rows(&c)), Some(2));
}

#[test]
fn facts_that_count_are_added_up_and_others_are_bounded() {
    let mut builder = BatchBuilder::new(BatchLimits::default());
    for _ in 0..1_000 {
        assert_eq!(builder.add_fact(AgentFact::Skipped { attempts: 2 }, at(0)), None);
        assert_eq!(builder.add_fact(AgentFact::SpoolOverflow { batches: 1, rows: 9 }, at(0)), None);
    }
    let mut full = 0;
    for ms in 0..100 {
        full += usize::from(builder.add_fact(AgentFact::ClockStep { at: at(ms), by_ms: 1 }, at(0)).is_some());
    }
    assert_eq!(full, 1, "the 65th fact closed the batch");
    let mut builder = BatchBuilder::new(BatchLimits::default());
    builder.add_fact(AgentFact::Skipped { attempts: 2 }, at(0));
    builder.add_fact(AgentFact::Skipped { attempts: u64::MAX }, at(0));
    assert!(!builder.is_due(at(29_999)) && builder.is_due(at(30_000)));
    assert_eq!(builder.close().unwrap().facts, [AgentFact::Skipped { attempts: u64::MAX }]);
}

#[test]
fn what_is_closed_full_can_be_encoded_whatever_its_rows_hold() {
    let mut builder = BatchBuilder::new(BatchLimits::default());
    let mut closed = Vec::new();
    for ms in 0..60_000 {
        let name = format!("probe-{}", ms % 3_000);
        closed.extend(builder.add(attempt(&name, ms * 7_919, Outcome::Up), 1_000, at(0)).unwrap());
    }
    closed.extend(builder.close());
    assert_eq!(closed.iter().map(rows).sum::<usize>(), 60_000);
    for (seq, content) in (1..).zip(closed) {
        let key = BatchKey { agent: id("a"), epoch: Epoch([0; 16]), seq };
        let batch = Batch { key, closed_at: at(0), streams: content.streams, facts: content.facts };
        assert!(batch.encode().is_ok(), "batch {seq} of {} rows", batch.rows());
    }
}
