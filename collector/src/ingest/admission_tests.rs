//! Admission by table: what is taken, and each reason for which something is not.

use uphold_common::ids::PathId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::time::DAY_MS;
use uphold_common::wire::PUSH_BYTES_MAX;
use uphold_common::wire::batch::{Batch, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::frame::{self, Compression};
use uphold_common::wire::push::SeqRange;

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
        kept_from: None,
        absent: None,
        backlog_batches: 0,
        backlog_oldest: None,
        sent_at: NOW,
        batch: batch.encode().unwrap(),
    }
}

fn bounds() -> PushBounds {
    PushBounds::of(&Limits::default())
}

fn read(body: &[u8], authenticated: Option<&Id>) -> Result<Arrived, Refusal> {
    decode(body, authenticated, &bounds(), &KnownNames::default(), |_| true, NOW)
}

fn refused(push: &Push) -> Refusal {
    read(&push.encode().unwrap(), None).unwrap_err()
}

#[test]
fn a_sound_push_is_taken() {
    let absent = Some(SeqRange { first: 3, last: 4 });
    let sent = Push { acknowledged: 6, kept_from: Some(2), absent, ..push(&batch(7, &[NOW])) };
    let sent = Push { backlog_batches: 2, backlog_oldest: Some(NOW), ..sent };
    let arrived = read(&sent.encode().unwrap(), Some(&id("zurich-1"))).unwrap();
    assert_eq!(
        arrived.backlog,
        Backlog {
            told: Told { acknowledged: 6, kept_from: Some(2), absent },
            batches: 2,
            oldest: Some(NOW),
            sent_at: NOW
        }
    );
    let old = read(&sent.clone().encode_version_1().unwrap(), Some(&id("zurich-1"))).unwrap();
    assert_eq!(old.backlog.told, Told { acknowledged: 6, ..Told::default() }, "of version 1 nothing is kept");
    assert_eq!(old.batch, arrived.batch);
    assert_eq!((arrived.key().seq, arrived.batch.digest), (7, batch::digest(&sent.batch)));
    assert_eq!((arrived.batch.framed.clone(), arrived.batch.batch.clone()), (sent.batch, batch(7, &[NOW]).into()));
}

#[test]
fn each_reason_to_refuse_has_its_own_status_and_word() {
    let sound = push(&batch(7, &[NOW]));
    let mut damaged = sound.encode().unwrap();
    damaged[40] ^= 1;
    let version = frame::version(&sound.batch).unwrap();
    let content = frame::open(frame::BATCH, version, 1_000_000, &sound.batch).unwrap();
    let newer = frame::seal(frame::BATCH, 9, Compression::Plain, &content).unwrap();
    let newer_push = frame::seal(frame::PUSH, 9, Compression::Plain, b"").unwrap();
    let mut cut = sound.batch.clone();
    cut.pop();
    let plus = |ms: i64| push(&batch(7, &[NOW.plus_ms(ms)]));
    let body = |bytes: &[u8]| read(bytes, None).unwrap_err();
    let wrong = read(&sound.encode().unwrap(), Some(&id("berlin-1"))).unwrap_err();
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
        (refused(&Push { epoch: Epoch::IMPORT, ..sound.clone() }), 400, "unsound-push"),
        (refused(&plus(bounds().ahead_max_ms + 1)), 425, "too-early"),
        (refused(&plus(-bounds().age_max_ms - 1)), 422, "too-old"),
        (wrong, 403, "wrong-agent"),
    ];
    for (refusal, status, word) in table {
        let problem = refusal.problem();
        assert_eq!((problem.status, problem.kind), (status, format!("urn:uphold:problem:{word}")), "{refusal:?}");
        assert!(!problem.title.is_empty() && !problem.detail.is_empty());
        assert_eq!(refusal.retry().is_some(), matches!(status, 425 | 503), "{refusal:?}");
    }
    for ms in [bounds().ahead_max_ms, -bounds().age_max_ms] {
        assert!(read(&plus(ms).encode().unwrap(), None).is_ok(), "{ms}");
    }
    assert!(read(&push(&batch(7, &[])).encode().unwrap(), None).is_ok(), "no rows are no reason");
}

#[test]
fn a_batch_of_an_import_is_read_under_the_same_bounds() {
    let imported = |batch: Batch| {
        let framed = Batch { key: BatchKey { epoch: Epoch::IMPORT, ..batch.key.clone() }, ..batch }.encode().unwrap();
        decode_import(framed, &bounds(), |_| true, NOW)
    };
    assert!(imported(batch(7, &[NOW])).is_ok());
    assert_eq!(imported(batch(0, &[NOW])), Err(Refusal::NoSeq));
    assert!(matches!(imported(batch(7, &[NOW.plus_ms(DAY_MS)])), Err(Refusal::TooEarly { .. })));
    let others = decode_import(batch(7, &[NOW]).encode().unwrap(), &bounds(), |_| true, NOW);
    assert!(matches!(others, Err(Refusal::UnsoundBatch { .. })), "an agent's is not one");
    assert!(matches!(decode_import(Vec::new(), &bounds(), |_| true, NOW), Err(Refusal::UnsoundBatch { .. })));
}

#[test]
fn a_batch_ahead_of_time_is_asked_for_when_its_time_has_come() {
    for (ahead_s, after_s) in [(301, 2), (400, 101), (100_000, 300)] {
        let early = Refusal::TooEarly { latest: NOW.plus_ms(ahead_s * 1000), now: NOW, ahead_max_ms: 300_000 };
        assert_eq!(early.retry(), Some(Retry { after_s }));
    }
}

#[test]
fn what_is_known_decides() {
    let arrived = |seq| read(&push(&batch(seq, &[NOW])).encode().unwrap(), None).unwrap();
    let append = |seq| Admission::Append(arrived(seq).batch);
    let upto = |highest: u64| Delivery::of(NOW, (1..=highest).map(|seq| (seq, arrived(seq).batch.digest)));
    assert_eq!(decide(arrived(1), None), append(1), "the first one");
    assert_eq!(decide(arrived(7), Some(&upto(6))), append(7), "the next one");
    assert_eq!(decide(arrived(3), Some(&Delivery::of(NOW, [(7, [0; 16])]))), append(3), "one that was missing");
    assert_eq!(decide(arrived(7), Some(&upto(7))), Admission::Duplicate);
    assert_eq!(decide(arrived(1), Some(&upto(90))), append(1), "no longer remembered");
    let conflict = Refusal::KeyConflict { key: batch(7, &[]).key };
    assert_eq!(conflict.status(), 409);
    assert_eq!(decide(arrived(7), Some(&Delivery::of(NOW, [(7, [0; 16])]))), Admission::Refuse(conflict));
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
    assert_eq!(status(Appended::TooManyStreamsOfAgent { most: 9 }), Some(503));
    let full = Refusal::of_store_error(&StoreError::Full { head_bytes: 2, limit: 1 });
    assert_eq!((full.status(), full.retry()), (503, Some(Retry { after_s: 5 })));
    let failed = Refusal::of_store_error(&StoreError::Io("a cause for the log".to_owned()));
    assert!(!failed.detail().contains("a cause"));
}

#[test]
fn limits_that_are_lower_than_the_wires_hold_and_are_named() {
    let sound = push(&batch(7, &[NOW, NOW.plus_ms(60_000)]));
    let body = sound.encode().unwrap();
    let raw_bytes = frame::announced(&sound.batch).unwrap();
    let read =
        |bounds: PushBounds| decode(&body, None, &bounds, &KnownNames::default(), |bytes| bytes == raw_bytes, NOW);
    assert!(read(bounds()).is_ok(), "memory for all of it is asked for");
    for (bounds, limit, told) in [
        (PushBounds { push_bytes_max: 99, ..bounds() }, Limit::PushBytes, "at most 99 are taken"),
        (PushBounds { ahead_max_ms: 59_999, ..bounds() }, Limit::BatchAhead, "at most 59.999s is taken"),
    ] {
        let refusal = read(bounds).unwrap_err();
        assert_eq!(refusal.limit(), Some(limit), "{refusal:?}");
        assert!(refusal.detail().contains(told), "{}", refusal.detail());
    }
    let small = PushBounds { batch_bytes_max: 9, ..bounds() };
    let refusal = decode(&body, None, &small, &KnownNames::default(), |bytes| bytes == 0, NOW).unwrap_err();
    assert_eq!((refusal.limit(), refusal.status()), (Some(Limit::BatchBytes), 413), "what is refused needs no memory");
    let refusal = decode(&body, None, &bounds(), &KnownNames::default(), |_| false, NOW).unwrap_err();
    assert_eq!((refusal.limit(), refusal.status()), (Some(Limit::BodiesInMemory), 503));
    assert!(refusal.retry().is_some() && refusal.detail().contains("share 67108864 bytes"));
}
