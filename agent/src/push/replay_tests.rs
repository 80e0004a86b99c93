//! What a collector asks for again is sent, after what waits, as often as it has to be and no longer.

use super::tests::{pusher, row};
use super::*;
use crate::fake_collector::{Collector, STORE};
use tokio::sync::mpsc;
use uphold_common::wire::batch::Batch;
use uphold_common::wire::push::SeqRange;

type Hearing = mpsc::Receiver<(u16, Push, Batch)>;

/// Pushes until nothing is left to be sent, whatever the pauses; the seqs as they were heard.
async fn settle(pusher: &mut Pusher, heard: &mut Hearing) -> Vec<(u16, u64)> {
    while pusher.step().await != Step::Empty {
        pusher.replay.failed(0, Instant::MIN);
    }
    std::iter::from_fn(|| heard.try_recv().ok()).map(|(status, _, batch)| (status, batch.key.seq)).collect()
}

fn taken(seqs: &[u64]) -> Vec<(u16, u64)> {
    seqs.iter().map(|seq| (200, *seq)).collect()
}

async fn observe(pusher: &Pusher, ms: i64) {
    pusher.recorder.observed(row(ms)).await;
    pusher.recorder.close().await;
}

#[tokio::test]
async fn what_is_asked_for_is_sent_again_with_the_same_bytes_once_nothing_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    let mut pusher = pusher(&folder, &[address], 5).await;
    let mut first = Vec::new();
    for _ in 1..=5 {
        assert_eq!(pusher.step().await, Step::Moved);
        let (_, push, _) = heard.recv().await.unwrap();
        assert_eq!(push.kept_from, (push.acknowledged > 0).then_some(1));
        first.push(push.batch);
    }
    assert_eq!(pusher.step().await, Step::Empty);
    collector.miss([2, 3, 4]);
    for ms in [6, 7] {
        observe(&pusher, ms).await;
    }
    assert_eq!((pusher.step().await, pusher.step().await), (Step::Moved, Step::Moved), "what waits goes first");
    assert!(matches!(pusher.step().await, Step::Pause { ms: 1..=50 }), "2 is sent");
    observe(&pusher, 8).await;
    assert_eq!(pusher.step().await, Step::Moved, "and what is new goes before 3, without a pause");
    assert!(matches!(pusher.step().await, Step::Pause { .. }));
    let heard_now: Vec<(u64, Vec<u8>)> =
        std::iter::from_fn(|| heard.try_recv().ok()).map(|(_, push, batch)| (batch.key.seq, push.batch)).collect();
    let seqs: Vec<u64> = heard_now.iter().map(|(seq, _)| *seq).collect();
    // Where the machine is slow the pause before 3 may be over by then.
    let again = usize::from(seqs.len() == 5);
    assert_eq!(seqs, [6, 7, 2, 8, 3][..4 + again]);
    assert_eq!(heard_now[2].1, first[1], "the same bytes");
    assert_eq!(settle(&mut pusher, &mut heard).await, taken(&[3, 4][again..]));
    assert_eq!(collector.missed(), [0; 0]);
    let text = pusher.metrics.text().unwrap();
    for line in
        ["uphold_agent_replayed_batches_total 3", "uphold_agent_replay_requests_total 5", "uphold_agent_kept_batches 8"]
    {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(text.contains("uphold_agent_acknowledged_seq 8"), "{text}");
    assert_eq!(pusher.recorder.front(None).await, None);
}

#[tokio::test]
async fn what_is_asked_for_and_not_kept_is_said_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    collector.script(&[(200, None), (400, None), (422, None), (200, None), (400, None)]);
    let mut pusher = pusher(&folder, &[address], 5).await;
    settle(&mut pusher, &mut heard).await;
    collector.miss([1, 2, 3, 4, 5]);
    observe(&pusher, 6).await;
    assert_eq!(settle(&mut pusher, &mut heard).await.len(), 4, "6 with the report of what was refused, 1, 4");
    assert_eq!(collector.missed(), [0; 0]);

    collector.miss([2, 3]);
    observe(&pusher, 7).await;
    pusher.step().await;
    pusher.replay.failed(0, Instant::MIN);
    pusher.step().await;
    let sent: Vec<Push> = std::iter::from_fn(|| heard.try_recv().ok()).map(|(_, push, _)| push).collect();
    assert_eq!(sent.last().unwrap().absent, Some(SeqRange { first: 2, last: 3 }), "4 is sent in their place");
    assert_eq!(collector.missed(), [0; 0]);
}

#[tokio::test]
async fn a_replay_goes_on_after_the_agent_was_started_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    let mut one = pusher(&folder, &[address], 4).await;
    settle(&mut one, &mut heard).await;
    collector.miss([1, 2, 3]);
    observe(&one, 5).await;
    one.step().await;
    one.step().await;
    assert_eq!(collector.missed(), [2, 3]);
    one.recorder.close().await;
    one.recorder.end().await;
    while one.recorder.front(None).await.is_some() || one.recorder.spool_writable() {}
    drop(one);
    let mut another = pusher(&folder, &[address], 1).await;
    let sent = settle(&mut another, &mut heard).await;
    assert_eq!(sent, taken(&[5, 1, 6, 2, 3]), "the collector asks again with the first answer");
}

#[tokio::test]
async fn a_replay_that_is_refused_holds_up_nothing_that_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    let mut pusher = pusher(&folder, &[address], 3).await;
    settle(&mut pusher, &mut heard).await;
    collector.miss([1, 2, 3]);
    observe(&pusher, 4).await;
    pusher.step().await;
    for (row_ms, (status, retry_after, at_least_ms)) in
        (5..).zip([(503, Some("9"), 9_000), (429, Some("7"), 7_000), (401, Some("8"), 8_000), (500, None, 0)])
    {
        collector.script(&[(status, retry_after)]);
        let Step::Pause { ms } = pusher.step().await else { panic!("{status}: it pauses") };
        assert!(ms + 100 >= at_least_ms, "{status}: {ms}");
        observe(&pusher, row_ms).await;
        let moved = pusher.step().await;
        assert_eq!(moved, Step::Moved, "{status}");
        pusher.replay.failed(0, Instant::MIN);
    }
    // For good: 1 is put aside, 2 conflicts with what the collector has and is put aside as well, without a new epoch.
    collector.script(&[(422, None), (409, None)]);
    let epoch = heard.recv().await.unwrap().1.epoch;
    let sent = settle(&mut pusher, &mut heard).await;
    assert_eq!(sent[sent.len() - 3..], [(422, 1), (409, 2), (200, 3)]);
    assert_eq!(collector.missed(), [0; 0], "the push of 3 said that 1 and 2 are not kept");
    observe(&pusher, 1_000).await;
    pusher.step().await;
    assert_eq!(heard.recv().await.unwrap().1.epoch, epoch);
    assert_eq!(std::fs::read_dir(folder.path().join("spool/quarantine")).unwrap().count(), 2);
}

#[tokio::test]
async fn an_older_collector_gets_pushes_of_version_1_until_it_is_newer() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, address, mut heard) = Collector::serve().await;
    collector.be_old(true);
    let mut pusher = pusher(&folder, &[address], 3).await;
    assert_eq!(pusher.step().await, Step::Moved, "at once again");
    assert!(heard.try_recv().is_err());
    assert_eq!(settle(&mut pusher, &mut heard).await, taken(&[1, 2, 3]));
    let text = pusher.metrics.text().unwrap();
    assert!(text.contains(r#"uphold_agent_pushes_total{result="retry"} 1"#), "it was told once:\n{text}");
    // It is taken to be newer when it asks for something, and is asked itself again.
    collector.be_old(false);
    collector.miss([2]);
    observe(&pusher, 4).await;
    pusher.step().await;
    assert_eq!(heard.recv().await.unwrap().1.kept_from, None);
    assert_eq!(settle(&mut pusher, &mut heard).await, taken(&[2]));
    observe(&pusher, 5).await;
    pusher.step().await;
    assert_eq!(heard.recv().await.unwrap().1.kept_from, Some(1));
    observe(&pusher, 6).await;
    pusher.step().await;
    assert_eq!(pusher.recorder.again(1).await.unwrap().store, Some(STORE), "the store is remembered");
}
