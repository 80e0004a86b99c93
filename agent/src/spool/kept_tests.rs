//! What was acknowledged: kept with its bytes and key within its budget, found again after any end, and never in the way.

use super::tests::{NOW, STORE, append, config, drain, file, names};
use super::*;
use crate::config::SpoolConfig;

const ACK: &str = "acknowledged";

fn acknowledge_all(spool: &mut Spool, now: Instant) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    while let Some(parcel) = spool.front(None) {
        spool.acknowledge(parcel.seq, STORE, now).unwrap();
        sent.push(parcel.framed);
    }
    sent
}

/// What is sent again from a seq on, by seq.
fn again(spool: &mut Spool, from: u64) -> Vec<u64> {
    let mut seqs = Vec::new();
    let mut next = from;
    while let Some(parcel) = spool.again(next) {
        let batch = Batch::decode(&parcel.framed).unwrap();
        assert_eq!((batch.key.seq, batch.key.epoch), (parcel.seq, parcel.epoch));
        seqs.push(parcel.seq);
        next = parcel.seq + 1;
    }
    seqs
}

#[test]
fn what_was_acknowledged_is_sent_again_with_the_same_bytes_also_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!(spool.again(1), None);
    for ms in [10, 20, 30] {
        append(&mut spool, ms);
    }
    assert_eq!(spool.front(Some(1)).unwrap().kept_from, None);
    let sent = acknowledge_all(&mut spool, NOW);
    for _ in 0..2 {
        assert_eq!(again(&mut spool, 1), [1, 2, 3]);
        assert_eq!(again(&mut spool, 3), [3]);
        let parcel = spool.again(2).unwrap();
        assert_eq!((&parcel.framed, parcel.acknowledged_seq, parcel.kept_from), (&sent[1], 3, Some(1)));
        assert_eq!((parcel.backlog_batches, parcel.absent), (0, None));
        assert_eq!((spool.level().kept_batches, spool.level().kept_disk_bytes), (3, 3 * 4096));
        assert_eq!(spool.take_losses(), Losses::default());
        drop(spool);
        spool = Spool::open(&config(&folder)).unwrap();
    }
    assert_eq!(append(&mut spool, 40), 4);
    let fresh = spool.front(Some(2)).unwrap();
    assert_eq!((fresh.seq, fresh.kept_from, fresh.absent), (4, Some(1), None));
    assert_eq!(spool.again(2).unwrap().backlog_batches, 1, "what waits is said");
}

#[test]
fn what_is_not_kept_is_said_before_it_and_where_nothing_follows() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    for ms in 1..=6 {
        append(&mut spool, ms * 10);
    }
    for seq in 1..=6 {
        if [2, 3, 6].contains(&seq) {
            spool.refuse(seq).unwrap();
        } else {
            spool.acknowledge(seq, STORE, NOW).unwrap();
        }
    }
    assert_eq!(again(&mut spool, 1), [1, 4, 5]);
    assert_eq!(spool.again(2).unwrap().absent, Some(SeqRange { first: 2, last: 3 }));
    // A file that has turned bad since is no batch any more, and is counted.
    fs::write(names(&folder, ACK).pop().unwrap(), b"garbage").unwrap();
    spool.take_losses();
    assert_eq!(spool.again(5), None);
    assert_eq!(spool.take_losses().corrupt_files, 1);
    append(&mut spool, 70);
    let front = spool.front(Some(5)).unwrap();
    assert_eq!((front.seq, front.absent), (7, Some(SeqRange { first: 5, last: 5 })));
    assert_eq!(spool.front(Some(6)).unwrap().absent, None, "6 was never acknowledged");
    assert_eq!(spool.front(Some(4)).unwrap().absent, None, "4 is kept");
}

#[test]
fn the_budget_of_bytes_and_of_age_holds_and_can_be_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let spool = SpoolConfig { replay_bytes_max: 3 * 4096, replay_age_ms: 500, ..SpoolConfig::default() };
    let small = Config { spool, ..config(&folder) };
    let mut spool = Spool::open(&small).unwrap();
    for ms in [10, 20, 30, 40, 50] {
        append(&mut spool, ms);
    }
    acknowledge_all(&mut spool, NOW);
    assert_eq!(again(&mut spool, 1), [3, 4, 5]);
    assert_eq!(names(&folder, ACK).len(), 3);
    append(&mut spool, 60);
    acknowledge_all(&mut spool, NOW.plus_ms(501));
    assert_eq!(again(&mut spool, 1), [6], "the others are older than is kept");
    drop(spool);
    // Older by its file's time, which says when it was acknowledged; it goes with the next one.
    let mut spool = Spool::open(&small).unwrap();
    assert_eq!(again(&mut spool, 1), [6]);
    append(&mut spool, 70);
    acknowledge_all(&mut spool, NOW.plus_ms(1_002));
    assert_eq!(again(&mut spool, 1), [7]);
    drop(spool);
    let off = Config { spool: SpoolConfig { replay_bytes_max: 0, ..SpoolConfig::default() }, ..config(&folder) };
    let mut spool = Spool::open(&off).unwrap();
    append(&mut spool, 80);
    assert_eq!(acknowledge_all(&mut spool, NOW).len(), 1);
    assert_eq!((spool.again(1), names(&folder, ACK).len()), (None, 0));
}

#[test]
fn a_kill_between_the_cursor_and_the_move_keeps_what_was_delivered_and_drops_what_was_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    for ms in [10, 20, 30] {
        append(&mut spool, ms);
    }
    spool.acknowledge(1, STORE, NOW).unwrap();
    let cursor = Cursor::read(&file(&folder, CURSOR)).unwrap();
    drop(spool);
    // As it stands when 2 was acknowledged and 3 dropped, and the agent ended before their files moved.
    Cursor { acknowledged_seq: 2, passed_seq: 3, ..cursor }.write(&file(&folder, CURSOR)).unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!((again(&mut spool, 1), spool.front(None)), (vec![1, 2], None));
    assert_eq!(append(&mut spool, 40), 4);
    drop(spool);
    // A cursor of before knows nothing of what was delivered since: it is sent anew under no seq that was used.
    Cursor { acknowledged_seq: 1, passed_seq: 1, used_seq: 1, ..cursor }.write(&file(&folder, CURSOR)).unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!(again(&mut spool, 1), [1]);
    assert_eq!(append(&mut spool, 50), 5);
}

#[test]
fn another_epoch_or_another_agent_is_asked_for_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    append(&mut spool, 10);
    acknowledge_all(&mut spool, NOW);
    spool.new_epoch().unwrap();
    assert_eq!((spool.again(1), names(&folder, ACK).len()), (None, 0));
    append(&mut spool, 20);
    acknowledge_all(&mut spool, NOW);
    let before = spool.epoch();
    drop(spool);
    let renamed = Config { name: Id::new("geneva-1").unwrap(), ..config(&folder) };
    let mut spool = Spool::open(&renamed).unwrap();
    assert_ne!(spool.epoch(), before, "what the other one delivered is not this one's to be missed");
    assert_eq!((spool.again(1), spool.level().acknowledged_seq), (None, 0));
    assert_eq!(append(&mut spool, 30), 3);
    assert_eq!(drain(&mut spool), [(3, 30)]);
    drop(spool);
    fs::write(file(&folder, CURSOR), b"garbage").unwrap();
    let mut spool = Spool::open(&renamed).unwrap();
    assert_eq!((spool.again(1), names(&folder, ACK).len()), (None, 0));
    assert_eq!(append(&mut spool, 40), 4, "a seq is never used twice, though only what is kept still says it");
}

#[test]
fn what_is_refused_when_it_is_sent_again_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    append(&mut spool, 10);
    append(&mut spool, 20);
    acknowledge_all(&mut spool, NOW);
    spool.refuse_again(1).unwrap();
    spool.refuse_again(1).unwrap();
    assert_eq!(spool.take_losses(), Losses { refused_batches: 1, ..Losses::default() });
    assert_eq!((again(&mut spool, 1), names(&folder, "quarantine").len()), (vec![2], 1));
    assert_eq!(spool.level().acknowledged_seq, 2, "nothing is taken back");
}

#[test]
fn what_is_kept_gives_way_as_often_as_there_is_any() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    for ms in 1..=600 {
        append(&mut spool, ms);
    }
    acknowledge_all(&mut spool, NOW);
    // A megabyte at least, in blocks.
    for (bytes, left) in [(1, 344), (2 * 1024 * 1024 - 4096, 0)] {
        assert!(spool.kept.give_way(bytes));
        assert_eq!((spool.level().kept_batches, spool.level().kept_disk_bytes), (left, left * 4096));
    }
    assert!(!spool.kept.give_way(1), "then the batch itself is lost");
    assert_eq!(names(&folder, ACK).len(), 0);
}
