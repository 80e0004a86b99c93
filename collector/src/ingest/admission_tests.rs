//! Admission by table: what is taken, and each reason for which something is not.

use uphold_common::ids::PathId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::frame::{self, Compression};

use super::super::refusal::Retry;
use super::*;

const NOW: Instant = Instant::from_ms(1_767_225_600_000);

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn batch(seq: u64, at: &[Instant]) -> Batch {
    let observation = |at: &Instant| Observation {
        at: *at,
        outcome: Outcome::Up,
        cause: Cause::None,
        code: 200,
        total: Micros::new(900),
        phases: Phases::default(),
    };
    Batch {
        key: BatchKey { agent: id("zurich-1"), epoch: Epoch([1; 16]), seq },
        closed_at: NOW,
        streams: vec![Rows::Probe(PathId::new(id("shop"), id("web")), at.iter().map(observation).collect())],
        facts: Vec::new(),
    }
}

fn push(batch: &Batch) -> Push {
    Push {
        agent: batch.key.agent.clone(),
        epoch: batch.key.epoch,
        acknowledged: 0,
        backlog_batches: 0,
        backlog_oldest: None,
        sent_at: NOW,
        batch: batch.encode().unwrap(),
    }
}

fn refused(push: &Push) -> Refusal {
    decode(&push.encode().unwrap(), None, NOW).unwrap_err()
}

#[test]
fn a_sound_push_is_taken() {
    let sent = Push { acknowledged: 6, backlog_batches: 2, backlog_oldest: Some(NOW), ..push(&batch(7, &[NOW])) };
    let arrived = decode(&sent.encode().unwrap(), Some(&id("zurich-1")), NOW).unwrap();
    assert_eq!(arrived.backlog, Backlog { acknowledged: 6, batches: 2, oldest: Some(NOW), sent_at: NOW });
    assert_eq!((arrived.key().seq, arrived.batch.digest), (7, batch::digest(&sent.batch)));
    assert_eq!((arrived.batch.framed.clone(), arrived.batch.batch.clone()), (sent.batch, batch(7, &[NOW])));
}

#[test]
fn each_reason_to_refuse_has_its_own_status_and_word() {
    let sound = push(&batch(7, &[NOW]));
    let mut damaged = sound.encode().unwrap();
    damaged[40] ^= 1;
    let content = frame::open(frame::BATCH, 1, 1_000_000, &sound.batch).unwrap();
    let newer = frame::seal(frame::BATCH, 9, Compression::Plain, &content).unwrap();
    let newer_push = frame::seal(frame::PUSH, 9, Compression::Plain, b"").unwrap();
    let mut cut = sound.batch.clone();
    cut.pop();
    let plus = |ms: i64| push(&batch(7, &[NOW.plus_ms(ms)]));
    let body = |bytes: &[u8]| decode(bytes, None, NOW).unwrap_err();
    let wrong = decode(&sound.encode().unwrap(), Some(&id("berlin-1")), NOW).unwrap_err();
    let table = [
        (body(&[]), 400, "unsound-push"),
        (body(&damaged), 400, "unsound-push"),
        (body(&vec![0; PUSH_BYTES_MAX + 1]), 413, "too-large"),
        (body(&newer_push), 415, "unknown-version"),
        (refused(&Push { batch: newer, ..sound.clone() }), 415, "unknown-version"),
        (refused(&Push { batch: cut, ..sound.clone() }), 422, "unsound-batch"),
        (refused(&Push { batch: Vec::new(), ..sound.clone() }), 422, "unsound-batch"),
        (refused(&Push { agent: id("berlin-1"), ..sound.clone() }), 422, "key-mismatch"),
        (refused(&Push { epoch: Epoch([2; 16]), ..sound.clone() }), 422, "key-mismatch"),
        (refused(&push(&batch(0, &[NOW]))), 422, "no-seq"),
        (refused(&plus(ROW_AHEAD_MAX_MS + 1)), 425, "too-early"),
        (refused(&plus(-ROW_AGE_MAX_MS - 1)), 422, "too-old"),
        (wrong, 403, "wrong-agent"),
    ];
    for (refusal, status, word) in table {
        let problem = refusal.problem();
        assert_eq!((problem.status, problem.kind), (status, format!("urn:uphold:problem:{word}")), "{refusal:?}");
        assert!(!problem.title.is_empty() && !problem.detail.is_empty());
        assert_eq!(refusal.retry().is_some(), matches!(status, 425 | 503), "{refusal:?}");
    }
    for ms in [ROW_AHEAD_MAX_MS, -ROW_AGE_MAX_MS] {
        assert!(decode(&plus(ms).encode().unwrap(), None, NOW).is_ok(), "{ms}");
    }
    assert!(decode(&push(&batch(7, &[])).encode().unwrap(), None, NOW).is_ok(), "no rows are no reason");
}

#[test]
fn a_batch_ahead_of_time_is_asked_for_when_its_time_has_come() {
    for (ahead_s, after_s) in [(301, 2), (400, 101), (100_000, 300)] {
        let early = Refusal::TooEarly { latest: NOW.plus_ms(ahead_s * 1000), now: NOW };
        assert_eq!(early.retry(), Some(Retry { after_s }));
    }
}

#[test]
fn what_is_known_decides() {
    let arrived = |seq, acknowledged| {
        let sent = Push { acknowledged, ..push(&batch(seq, &[NOW])) };
        decode(&sent.encode().unwrap(), None, NOW).unwrap()
    };
    let digest = |seq| arrived(seq, 0).batch.digest;
    let append = |seq, replay_from| Admission::Append { batch: arrived(seq, 0).batch, replay_from };
    let upto = |highest: u64| Delivery::of(NOW, (1..=highest).map(|seq| (seq, digest(seq))));
    let other = Delivery::of(NOW, [(7, [0; 16])]);

    assert_eq!(decide(arrived(1, 0), None), append(1, None), "the first one");
    assert_eq!(decide(arrived(7, 6), None), append(7, Some(1)), "a store that knows nothing");
    assert_eq!(decide(arrived(7, 6), Some(&upto(6))), append(7, None), "the next one");
    assert_eq!(decide(arrived(7, 6), Some(&upto(3))), append(7, Some(4)), "a store that lost some");
    assert_eq!(decide(arrived(7, 6), Some(&upto(7))), Admission::Duplicate { seq: 7, replay_from: None });
    assert_eq!(decide(arrived(7, 9), Some(&upto(7))), Admission::Duplicate { seq: 7, replay_from: Some(8) });
    assert_eq!(decide(arrived(1, 90), Some(&upto(90))), append(1, None), "no longer remembered");
    let conflict = Refusal::KeyConflict { key: batch(7, &[]).key };
    assert_eq!(conflict.status(), 409);
    assert_eq!(decide(arrived(7, 6), Some(&other)), Admission::Refuse(conflict));
}

#[test]
fn what_the_store_answers_becomes_a_refusal() {
    use crate::store::{Appended, StoreError};
    let key = batch(7, &[]).key;
    let status = |appended| Refusal::of_appended(appended, &key).map(|refusal| refusal.status());
    assert_eq!(status(Appended::Kept), None);
    assert_eq!(status(Appended::Duplicate), None);
    assert_eq!(status(Appended::Conflict), Some(409));
    assert_eq!(status(Appended::TooManyStreams), Some(503));
    assert_eq!(status(Appended::TooManyAgents), Some(503));
    let full = Refusal::of_store_error(&StoreError::Full { head_bytes: 2, limit: 1 });
    assert_eq!((full.status(), full.retry()), (503, Some(Retry { after_s: 5 })));
    let failed = Refusal::of_store_error(&StoreError::Io("a cause for the log".to_owned()));
    assert!(!failed.detail().contains("a cause"));
}
