//! Pushes against a collector that answers as its script says.

use std::net::SocketAddr;

use super::*;
use crate::config::{Access, Config, SpoolConfig};
use crate::fake_collector::{Collector, STORE};
use crate::spool::Spool;
use uphold_common::ids::PathId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::time::Instant;
use uphold_common::wire::builder::Row;

fn row(ms: i64) -> Row {
    let (outcome, cause) = (Outcome::Up, Cause::None);
    let probe = PathId::new(Id::new("shop").unwrap(), Id::new("web").unwrap());
    let (at, total) = (Instant::from_ms(ms), Micros::new(5));
    Row::Probe(probe, Observation { at, outcome, cause, code: 200, total, phases: Phases::default() })
}

/// A pusher with `batches` batches in its spool.
async fn pusher(folder: &tempfile::TempDir, collectors: &[SocketAddr], batches: i64) -> Pusher {
    let config = Config {
        name: Id::new("zurich-1").unwrap(),
        collectors: collectors.iter().map(|address| Url::parse(&format!("http://{address}")).unwrap()).collect(),
        data_dir: folder.path().to_owned(),
        listen: None,
        spool: SpoolConfig::default(),
        access: Access::default(),
    };
    let (clock, metrics) = (Arc::new(Clock::new()), Arc::new(Metrics::new().unwrap()));
    let spool = Spool::open(&config).unwrap();
    let (recorder, _) = Recorder::start(spool, Arc::clone(&clock), Arc::clone(&metrics)).unwrap();
    for ms in 1..=batches {
        recorder.observed(row(ms)).await;
        recorder.close().await;
    }
    Pusher::new(config.name, config.collectors, Remote::new(&Access::default()).unwrap(), recorder, clock, metrics)
}

#[tokio::test]
async fn batches_go_in_their_order_and_say_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (_, address, mut heard) = Collector::serve().await;
    let mut pusher = pusher(&folder, &[address], 3).await;
    for seq in 1..=3 {
        assert_eq!(pusher.step().await, Step::Moved);
        let (status, push, batch) = heard.recv().await.unwrap();
        assert_eq!((status, batch.key.seq, push.acknowledged), (200, seq, seq - 1));
        assert_eq!((push.backlog_batches, &batch.key.agent), (3 - seq, &push.agent));
        let oldest = (seq < 3).then(|| Instant::from_ms(i64::try_from(seq).unwrap() + 1));
        assert_eq!(push.backlog_oldest, oldest);
    }
    assert_eq!(pusher.step().await, Step::Empty);
    assert!(pusher.metrics.text().unwrap().contains(r#"uphold_agent_pushes_total{result="done"} 3"#));
    assert!(pusher.metrics.text().unwrap().contains("uphold_agent_acknowledged_seq 3"));
}

#[tokio::test]
async fn a_busy_collector_is_obeyed_and_gets_the_same_bytes_again() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    collector.script(&[(503, Some("2")), (429, Some("7")), (425, None), (500, None)]);
    let mut pusher = pusher(&folder, &[address], 1).await;
    for at_least_ms in [2_000, 7_000, 0, 0] {
        let Step::Wait { ms } = pusher.step().await else { panic!("it waits") };
        assert!(ms >= at_least_ms && ms <= 30_000.max(at_least_ms), "{ms}");
    }
    assert_eq!(pusher.step().await, Step::Moved);
    let (_, first, _) = heard.recv().await.unwrap();
    for status in [429, 425, 500, 200] {
        let (answered, again, _) = heard.recv().await.unwrap();
        assert_eq!((answered, &again.batch), (status, &first.batch));
    }
}

#[tokio::test]
async fn a_refused_batch_is_put_aside_and_reported_in_a_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    collector.script(&[(400, None)]);
    let mut pusher = pusher(&folder, &[address], 2).await;
    assert_eq!(pusher.step().await, Step::Moved);
    assert_eq!(pusher.step().await, Step::Moved);
    pusher.recorder.close().await;
    assert_eq!(pusher.step().await, Step::Moved);
    let mut answers = Vec::new();
    let mut facts = Vec::new();
    for _ in 0..3 {
        let (status, _, batch) = heard.recv().await.unwrap();
        answers.push((status, batch.key.seq));
        facts.extend(batch.facts);
    }
    assert_eq!(answers, [(400, 1), (200, 2), (200, 3)]);
    assert_eq!(facts, [uphold_common::wire::batch::AgentFact::Quarantined { batches: 1 }]);
    assert_eq!(std::fs::read_dir(folder.path().join("spool/quarantine")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_conflict_begins_a_new_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    collector.script(&[(409, None)]);
    let mut pusher = pusher(&folder, &[address], 2).await;
    assert_eq!(pusher.step().await, Step::Moved);
    assert_eq!(pusher.step().await, Step::Moved);
    let (_, refused, _) = heard.recv().await.unwrap();
    let (status, taken, batch) = heard.recv().await.unwrap();
    assert_eq!((status, batch.key.epoch, taken.acknowledged), (200, taken.epoch, 0));
    assert_ne!(refused.epoch, taken.epoch);
    assert_eq!(batch.streams[0].instants().next(), Some(Instant::from_ms(2)));
}

#[tokio::test]
async fn the_next_collector_is_tried_when_one_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (_, address, mut heard) = Collector::serve().await;
    let mut pusher = pusher(&folder, &[closed, address], 1).await;
    assert_eq!(pusher.step().await, Step::Moved, "on to the next at once");
    assert_eq!(pusher.step().await, Step::Moved);
    assert_eq!(heard.recv().await.unwrap().0, 200);
    assert_eq!(pusher.step().await, Step::Empty);
    let folder = tempfile::tempdir().unwrap();
    let mut alone = self::pusher(&folder, &[closed, closed], 1).await;
    assert_eq!(alone.step().await, Step::Moved);
    assert!(matches!(alone.step().await, Step::Wait { .. }), "each was tried once");
}

#[tokio::test]
async fn a_wish_for_replay_is_counted_and_the_store_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, _heard) = Collector::serve().await;
    collector.ask_for_replay(1);
    let mut pusher = pusher(&folder, &[address], 2).await;
    pusher.drain().await;
    assert!(pusher.metrics.text().unwrap().contains("uphold_agent_replay_requests_total 2"));
    pusher.recorder.observed(row(9)).await;
    pusher.recorder.close().await;
    assert_eq!(pusher.recorder.front().await.unwrap().store, Some(STORE));
}
