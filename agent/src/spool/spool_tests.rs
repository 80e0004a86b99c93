//! The spool: nothing is lost, sent twice or renumbered, whatever lies in its directory after a kill.
//!
//! A kill is a spool that is dropped where it stands, or files put into the state that a kill leaves.

use super::*;
use crate::config::{Access, SpoolConfig};
use uphold_common::ids::PathId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};

pub(super) const STORE: Epoch = Epoch([7; 16]);
pub(super) const NOW: Instant = Instant::from_ms(1_000);

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(super) fn config(folder: &tempfile::TempDir) -> Config {
    Config {
        name: id("zurich-1"),
        collectors: Vec::new(),
        data_dir: folder.path().join("data"),
        listen: None,
        spool: SpoolConfig::default(),
        access: Access::default(),
        accept: crate::accept::Accept::default(),
        links: Vec::new(),
        modules: None,
    }
}

fn content(ms: i64) -> Content {
    let at = Instant::from_ms(ms);
    let (outcome, cause) = (Outcome::Up, Cause::None);
    let row = Observation { at, outcome, cause, code: 200, total: Micros::new(5), phases: Phases::default() };
    Content { streams: vec![Rows::Probe(PathId::new(id("shop"), id("web")), vec![row])], facts: Vec::new() }
}

pub(super) fn append(spool: &mut Spool, ms: i64) -> u64 {
    spool.append(content(ms), Instant::from_ms(ms)).unwrap()
}

/// What would be sent, in its order, as (seq, instant of its row), until nothing waits.
pub(super) fn drain(spool: &mut Spool) -> Vec<(u64, i64)> {
    let mut sent = Vec::new();
    while let Some(parcel) = spool.front(None) {
        let batch = Batch::decode(&parcel.framed).unwrap();
        assert_eq!((batch.key.seq, batch.key.epoch, &batch.key.agent), (parcel.seq, spool.epoch(), &spool.agent));
        sent.push((parcel.seq, batch.streams[0].instants().next().unwrap().as_ms()));
        spool.acknowledge(parcel.seq, STORE, NOW).unwrap();
    }
    sent
}

pub(super) fn file(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join("data/spool").join(name)
}

/// What lies in a folder of the spool, by name.
pub(super) fn names(folder: &tempfile::TempDir, of: &str) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = fs::read_dir(file(folder, of)).unwrap().flatten().map(|e| e.path()).collect();
    names.sort();
    names
}

#[test]
fn batches_come_out_in_their_order_also_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    let epoch = spool.epoch();
    assert_eq!([append(&mut spool, 10), append(&mut spool, 20), append(&mut spool, 30)], [1, 2, 3]);
    let parcel = spool.front(None).unwrap();
    assert_eq!((parcel.seq, parcel.acknowledged_seq, parcel.backlog_batches), (1, 0, 2));
    assert_eq!((parcel.backlog_oldest, parcel.store), (Some(Instant::from_ms(20)), None));
    spool.acknowledge(1, STORE, NOW).unwrap();
    assert!(matches!(Spool::open(&config(&folder)), Err(SpoolError::Held(_))), "one agent at a time");
    drop(spool);

    let mut spool = Spool::open(&config(&folder)).unwrap();
    let parcel = spool.front(None).unwrap();
    assert_eq!((spool.epoch(), parcel.acknowledged_seq, parcel.store), (epoch, 1, Some(STORE)));
    assert_eq!(append(&mut spool, 40), 4);
    assert_eq!(drain(&mut spool), [(2, 20), (3, 30), (4, 40)]);
    drop(spool);

    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!(spool.front(None), None);
    assert_eq!(append(&mut spool, 50), 5, "a seq is never used twice, though no file is left");
    assert_eq!(spool.take_losses(), Losses::default());
}

#[test]
fn leftovers_of_a_kill_are_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    append(&mut spool, 10);
    append(&mut spool, 20);
    let acknowledged = fs::read(file(&folder, "00000000000000000001.batch")).unwrap();
    spool.acknowledge(1, STORE, NOW).unwrap();
    drop(spool);
    // Killed after the cursor and before the file; killed while writing a batch and while writing the cursor.
    fs::write(file(&folder, "00000000000000000001.batch"), acknowledged).unwrap();
    fs::write(file(&folder, "00000000000000000003.tmp"), b"half a ba").unwrap();
    fs::write(file(&folder, "cursor.tmp"), b"half").unwrap();
    fs::write(file(&folder, "README"), b"not ours").unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!(drain(&mut spool), [(2, 20)]);
    assert_eq!(spool.take_losses(), Losses::default());
    let left: Vec<_> =
        fs::read_dir(folder.path().join("data/spool")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 4, "cursor, what is kept, quarantine and the stranger's file: {left:?}");
}

#[test]
fn corrupt_files_are_put_aside_counted_and_never_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    for ms in [10, 20, 30, 40, 50] {
        append(&mut spool, ms);
    }
    drop(spool);
    let flipped = file(&folder, "00000000000000000002.batch");
    let mut bytes = fs::read(&flipped).unwrap();
    bytes[20] ^= 1;
    fs::write(&flipped, bytes).unwrap();
    fs::write(file(&folder, "00000000000000000003.batch"), b"").unwrap();
    fs::write(file(&folder, "00000000000000000005.batch"), b"garbage").unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!(spool.take_losses().corrupt_files, 3);
    assert_eq!(fs::read_dir(file(&folder, "quarantine")).unwrap().count(), 3);
    // Turning bad while the agent runs is no other matter.
    fs::write(file(&folder, "00000000000000000001.batch"), b"").unwrap();
    assert_eq!(drain(&mut spool), [(4, 40)]);
    assert_eq!(spool.take_losses().corrupt_files, 1);
    drop(spool);
    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!(append(&mut spool, 60), 6, "the seq of a corrupt file is spent");
}

#[test]
fn without_a_cursor_a_new_epoch_begins_and_nothing_is_lost() {
    for cursor in [None, Some(&b"garbage"[..]), Some(b"")] {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(&config(&folder)).unwrap();
        let before = spool.epoch();
        append(&mut spool, 10);
        append(&mut spool, 20);
        drop(spool);
        match cursor {
            Some(bytes) => fs::write(file(&folder, "cursor"), bytes).unwrap(),
            None => fs::remove_file(file(&folder, "cursor")).unwrap(),
        }
        let mut spool = Spool::open(&config(&folder)).unwrap();
        assert_ne!(spool.epoch(), before);
        assert_eq!(spool.front(None).unwrap().acknowledged_seq, 0);
        assert_eq!(drain(&mut spool), [(3, 10), (4, 20)]);
        assert_eq!(spool.take_losses(), Losses::default());
    }
}

#[test]
fn a_renamed_agent_delivers_what_it_had_under_its_new_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    append(&mut spool, 10);
    drop(spool);
    let renamed = Config { name: id("geneva-1"), ..config(&folder) };
    let mut spool = Spool::open(&renamed).unwrap();
    assert_eq!(drain(&mut spool), [(2, 10)]);
}

#[test]
fn the_oldest_go_when_the_spool_is_full_and_the_loss_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let spool = SpoolConfig { bytes_max: 3 * 4096, ..SpoolConfig::default() };
    let config = Config { spool, ..config(&folder) };
    let mut spool = Spool::open(&config).unwrap();
    for ms in [10, 20, 30, 40, 50] {
        append(&mut spool, ms);
    }
    assert_eq!(spool.level(), Level { batches: 3, disk_bytes: 3 * 4096, ..Level::default() });
    let dropped_span = Some((Instant::from_ms(10), Instant::from_ms(20)));
    assert_eq!(spool.take_losses(), Losses { dropped_batches: 2, dropped_rows: 2, dropped_span, ..Losses::default() });
    drop(spool);
    let mut spool = Spool::open(&config).unwrap();
    assert_eq!(drain(&mut spool), [(3, 30), (4, 40), (5, 50)]);
    spool.acknowledge(1, STORE, NOW).unwrap();
    assert_eq!(spool.level().acknowledged_seq, 5, "a late word on a dropped batch takes nothing back");
}

#[test]
fn a_refused_batch_is_put_aside_and_the_queue_moves_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    append(&mut spool, 10);
    append(&mut spool, 20);
    spool.refuse(1).unwrap();
    spool.refuse(1).unwrap();
    assert_eq!(spool.take_losses(), Losses { refused_batches: 1, ..Losses::default() });
    drop(spool);
    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!(drain(&mut spool), [(2, 20)]);
    assert_eq!(fs::read_dir(file(&folder, "quarantine")).unwrap().count(), 1);
}

#[test]
fn a_new_epoch_takes_what_waits_along_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    for ms in [10, 20, 30] {
        append(&mut spool, ms);
    }
    spool.acknowledge(1, STORE, NOW).unwrap();
    let before = spool.epoch();
    spool.refuse(2).unwrap();
    spool.new_epoch().unwrap();
    assert_ne!(spool.epoch(), before);
    append(&mut spool, 40);
    drop(spool);
    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!(spool.front(None).map(|parcel| parcel.acknowledged_seq), Some(0));
    assert_eq!(drain(&mut spool), [(4, 30), (5, 40)]);
}

#[test]
fn a_kill_in_the_middle_of_a_new_epoch_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    append(&mut spool, 10);
    append(&mut spool, 20);
    // As it stands right after the new cursor: every file is still of the old epoch.
    Cursor::new(Epoch([1; 16]), 2).write(&file(&folder, "cursor")).unwrap();
    drop(spool);
    let mut spool = Spool::open(&config(&folder)).unwrap();
    assert_eq!(drain(&mut spool), [(3, 10), (4, 20)]);
}

#[test]
fn a_disk_that_refuses_loses_the_batch_and_counts_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&config(&folder)).unwrap();
    append(&mut spool, 10);
    // A directory where the next file belongs refuses every write, also root's.
    fs::create_dir(file(&folder, "00000000000000000002.tmp")).unwrap();
    assert!(matches!(spool.append(content(20), Instant::from_ms(20)), Err(SpoolError::Disk { .. })));
    let dropped_span = Some((Instant::from_ms(20), Instant::from_ms(20)));
    assert_eq!(spool.take_losses(), Losses { dropped_batches: 1, dropped_rows: 1, dropped_span, ..Losses::default() });
    assert_eq!(append(&mut spool, 30), 3);
    assert_eq!(drain(&mut spool), [(1, 10), (3, 30)]);
}
