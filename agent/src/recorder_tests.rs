//! The recorder: what it keeps, what it refuses, and that a loss is told as soon as something can be told.

use std::fs;

use super::*;
use crate::config::{Access, Config, SpoolConfig};
use uphold_common::ids::PathId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::wire::batch::Batch;

fn row(ms: i64, outcome: Outcome) -> Row {
    let probe = PathId::new(Id::new("shop").unwrap(), Id::new("web").unwrap());
    let (at, total) = (Instant::from_ms(ms), Micros::new(5));
    Row::Probe(probe, Observation { at, outcome, cause: Cause::None, code: 0, total, phases: Phases::default() })
}

fn start(folder: &tempfile::TempDir) -> (Recorder, JoinHandle<()>, Arc<Metrics>) {
    let config = Config {
        name: Id::new("zurich-1").unwrap(),
        collectors: Vec::new(),
        data_dir: folder.path().to_owned(),
        listen: None,
        spool: SpoolConfig::default(),
        access: Access::default(),
        accept: crate::accept::Accept::default(),
        links: Vec::new(),
        modules: None,
    };
    let metrics = Arc::new(Metrics::new().unwrap());
    let spool = Spool::open(&config).unwrap();
    let (recorder, thread) = Recorder::start(spool, Arc::new(Clock::new()), Arc::clone(&metrics)).unwrap();
    (recorder, thread, metrics)
}

/// Takes every batch that waits.
async fn drain(recorder: &Recorder) -> Vec<Batch> {
    let mut batches = Vec::new();
    while let Some(parcel) = recorder.front(None).await {
        recorder.acknowledged(parcel.epoch, parcel.seq, Epoch([1; 16])).await;
        batches.push(Batch::decode(&parcel.framed).unwrap());
    }
    batches
}

#[tokio::test]
async fn a_change_wakes_at_once_and_what_is_not_later_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, thread, metrics) = start(&folder);
    let mut wake = recorder.wake();
    recorder.observed(row(10, Outcome::Up)).await;
    wake.changed().await.unwrap();
    recorder.observed(row(20, Outcome::Down)).await;
    // So soon after the first it waits for half a second, and for a tick.
    while !wake.has_changed().unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        recorder.tick();
    }
    for ms in [20, 5] {
        recorder.observed(row(ms, Outcome::Up)).await;
    }
    recorder.close().await;
    let rows: Vec<usize> = drain(&recorder).await.iter().map(Batch::rows).collect();
    assert_eq!(rows, [1, 1]);
    assert!(metrics.text().unwrap().contains("uphold_agent_not_later_rows_total 2"));
    recorder.end().await;
    tokio::task::spawn_blocking(|| thread.join()).await.unwrap().unwrap();
    assert_eq!(recorder.front(None).await, None, "an ended recorder answers nobody, and keeps nobody waiting");
    assert!(!recorder.spool_writable());
}

#[tokio::test]
async fn a_batch_that_a_full_disk_refused_is_told_later() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, _thread, metrics) = start(&folder);
    // A directory where the first file belongs refuses every write, also root's.
    let in_the_way = folder.path().join("spool/00000000000000000001.tmp");
    fs::create_dir(&in_the_way).unwrap();
    assert!(recorder.skipped(3));
    recorder.close().await;
    assert!(!recorder.spool_writable());
    recorder.observed(row(10, Outcome::Up)).await;
    recorder.close().await;
    assert!(recorder.spool_writable());
    let facts: Vec<AgentFact> = drain(&recorder).await.into_iter().flat_map(|batch| batch.facts).collect();
    assert!(facts.contains(&AgentFact::Skipped { attempts: 3 }), "a fact outlives the batch it was in: {facts:?}");
    assert!(facts.contains(&AgentFact::SpoolOverflow { batches: 1, rows: 0 }), "{facts:?}");
    assert!(metrics.text().unwrap().contains("uphold_agent_spool_dropped_batches_total 1"));
}

#[tokio::test]
async fn word_of_another_epoch_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, _thread, _) = start(&folder);
    recorder.observed(row(10, Outcome::Up)).await;
    recorder.close().await;
    let other = Epoch([9; 16]);
    recorder.acknowledged(other, 1, other).await;
    recorder.refused(other, 1, true).await;
    assert_eq!(drain(&recorder).await.len(), 1);
}

#[test]
fn nothing_that_waits_is_lost_however_much_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        name: Id::new("zurich-1").unwrap(),
        collectors: Vec::new(),
        data_dir: folder.path().to_owned(),
        listen: None,
        spool: SpoolConfig::default(),
        access: Access::default(),
        accept: crate::accept::Accept::default(),
        links: Vec::new(),
        modules: None,
    };
    let (sender, receiver) = mpsc::channel(MESSAGES_MAX);
    for ms in 1..=1_000 {
        sender.try_send(Message::Observed(row(ms, Outcome::Up))).unwrap();
    }
    let (done, _answer) = oneshot::channel();
    sender.try_send(Message::Close(done)).unwrap();
    drop(sender);
    let desk = Desk {
        builder: BatchBuilder::new(BatchLimits::default()),
        spool: Spool::open(&config).unwrap(),
        clock: Arc::new(Clock::new()),
        metrics: Arc::new(Metrics::new().unwrap()),
        probes: BTreeMap::new(),
        hosts: BTreeSet::new(),
        unread: BTreeMap::new(),
        woken: watch::channel(0).0,
        writable: Arc::new(AtomicBool::new(true)),
    };
    desk.run(receiver);
    let mut spool = Spool::open(&config).unwrap();
    let mut rows = 0;
    while let Some(parcel) = spool.front(None) {
        rows += Batch::decode(&parcel.framed).unwrap().rows();
        spool.acknowledge(parcel.seq, Epoch([1; 16]), Instant::from_ms(0)).unwrap();
    }
    assert_eq!(rows, 1_000);
}
