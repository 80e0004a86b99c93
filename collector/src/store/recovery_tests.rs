//! Opening again: after a drop, after a crash, after a crash at the worst moments, with damage in every place.

use std::ops::ControlFlow;

use uphold_common::time::Interval;
use uphold_common::wire::batch::Epoch;

use super::database::Writes;
use super::parts::PART_BYTES_MAX;
use super::recovery::{State, packed, put_state};
use super::seal::PARTS_NAMED_MAX;
use super::testing::*;
use super::twin::Twin;
use super::*;

/// Flips a byte of every value in a range of the database, and gives their number.
fn damage(store: &EmbeddedStore, range: &KeyRange) -> usize {
    let mut found: Vec<Record> = Vec::new();
    let mut collect = |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.disk.scan(range, &mut collect).unwrap();
    let (count, mut writes) = (found.len(), Writes::default());
    for (key, mut value) in found {
        let middle = value.len() / 2;
        value[middle] ^= 1;
        writes.put(key, value);
    }
    store.disk.apply(writes).unwrap();
    count
}

/// Flips a bit in a file of the store, counted from its end if `at` is negative.
fn flip(root: &std::path::Path, prefix: &str, at: i64) {
    let folder = root.join("store/series");
    let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let name = names.iter().rfind(|name| name.to_str().unwrap().starts_with(prefix)).unwrap();
    let mut bytes = std::fs::read(folder.join(name)).unwrap();
    let place = usize::try_from(if at < 0 { i64::try_from(bytes.len()).unwrap() + at } else { at }).unwrap();
    bytes[place] ^= 1;
    std::fs::write(folder.join(name), bytes).unwrap();
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_without_a_close() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    let rows = vec![probed("web", [0, 5_000]), read(7, 40), flowed(8, 99)];
    let answers =
        store.append(at(10), vec![admitted(1, rows.clone()), admitted(2, vec![probed("web", [5_000, 9_000])])]);
    assert_eq!(answers.unwrap(), vec![Appended::Kept; 2]);
    let (id, seen) = (store.id(), store.observations(&vantage("web"), all()).unwrap());
    drop(store);

    let mut store = open(scratch.path());
    assert_eq!((store.id(), store.stats().journal_batches), (id, 2));
    assert_eq!(store.observations(&vantage("web"), all()).unwrap(), seen);
    assert_eq!(seen, vec![up(0), up(5_000), up(9_000)]);
    assert_eq!(store.readings(&disk(), all()).unwrap().len(), 1);
    assert_eq!(store.latest_readings(&|_| true)[0].1.used, 40);
    assert_eq!(store.latest_volumes(&|_| true)[0].1.amount, 99);
    assert_eq!(store.vantage_points(), vec![vantage("web")]);
    assert_eq!(store.delivery(&vantage("web").agent, Epoch([1; 16])).map(Delivery::highest), Some(2));
    let touched = store.take_touched(&|_| true);
    let days = touched.vantage_points[&vantage("web")].days.clone();
    assert_eq!(days.into_values().collect::<Vec<_>>(), [Interval::new(at(0), at(9_001))]);
    assert!(touched.resources.keys().eq([&disk()]));
    assert_eq!(store.take_touched(&|_| true), Touched::default());
    assert_eq!(store.append(at(11), vec![admitted(1, rows)]).unwrap(), vec![Appended::Duplicate]);
}

#[test]
fn a_crash_right_after_the_answer_loses_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let (path, image) = (scratch.path().join("data"), scratch.path().join("image"));
    let mut store = open(&path);
    // Large enough for several parts in the journal.
    let noise = |seq: u64| probed("web", (0..20_000).map(|n| n * 1_000 + i64::try_from(seq).unwrap()));
    for seq in 1..=5 {
        store.append(at(0), vec![admitted(seq, vec![noise(seq)])]).unwrap();
    }
    let change = RecordChange { kind: RecordKind::Catalogue, key: b"v1".to_vec(), value: Some(vec![7; 200_000]) };
    store.commit(std::slice::from_ref(&change)).unwrap();
    crash_image(&path, &image);
    let survivor = open(&image);
    assert_eq!(survivor.observations(&vantage("web"), all()).unwrap().len(), 100_000);
    assert_eq!(survivor.record(RecordKind::Catalogue, b"v1").unwrap(), change.value);
    assert_eq!((survivor.id(), survivor.stats().corrupt_journal), (store.id(), 0));
}

#[test]
fn a_crash_between_seal_and_emptying_the_journal_doubles_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let (path, image) = (scratch.path().join("data"), scratch.path().join("image"));
    let mut store = open(&path);
    store.append(at(0), vec![admitted(1, vec![probed("web", [1, 2]), read(3, 4)])]).unwrap();
    store.commit_seal().unwrap();
    crash_image(&path, &image);

    let mut survivor = open(&image);
    let stats = survivor.stats();
    assert_eq!((stats.head_rows, stats.journal_batches, stats.journal_bytes), (0, 0, 0));
    assert_eq!(survivor.take_touched(&|_| true), Touched::default());
    assert_eq!(survivor.observations(&vantage("web"), all()).unwrap(), vec![up(1), up(2)]);
    assert_eq!(survivor.latest_readings(&|_| true)[0].1.used, 4);
    let again = survivor.append(at(1), vec![admitted(1, vec![probed("web", [1, 2]), read(3, 4)])]).unwrap();
    assert_eq!(again, vec![Appended::Duplicate], "the delivery was sealed too");
    survivor.append(at(1), vec![admitted(2, vec![probed("web", [3])])]).unwrap();
    drop(survivor);
    assert_eq!(open(&image).observations(&vantage("web"), all()).unwrap(), vec![up(1), up(2), up(3)]);
}

#[test]
fn a_damaged_block_is_left_out_counted_once_and_said() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    store.append(at(0), vec![admitted(1, vec![probed("web", [1]), probed("shop", [1])])]).unwrap();
    store.seal().unwrap();
    flip(scratch.path(), "part-", 20);
    for (seq, ms) in [(2, 2), (3, 3)] {
        store.append(at(0), vec![admitted(seq, vec![probed("web", [ms])])]).unwrap();
        store.seal().unwrap();
    }
    for _ in 0..3 {
        assert_eq!(store.observations(&vantage("web"), all()).unwrap(), vec![up(2), up(3)]);
    }
    while store.compact(at(0)).unwrap().more {}
    assert_eq!(store.observations(&vantage("web"), all()).unwrap(), vec![up(2), up(3)]);
    assert_eq!(store.stats().corrupt_chunks, 1);
    flip(scratch.path(), "day-", 30);
    assert_eq!(store.observations(&vantage("web"), all()).unwrap(), vec![]);
    assert_eq!(store.stats().corrupt_chunks, 2);
}

#[test]
fn a_damaged_journal_entry_is_left_out_and_what_a_dictionary_named_is_asked_of_tables() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    store.append(at(0), vec![admitted(1, vec![read(5, 1)])]).unwrap();
    store.seal().unwrap();
    for (seq, ms) in [(2, 1), (3, 2)] {
        store.append(at(0), vec![admitted(seq, vec![probed("web", [ms])])]).unwrap();
    }
    assert_eq!(damage(&store, &KeyRange::prefix(&[keys::STREAMS])), 1);
    store.close().unwrap();
    drop(store);
    flip(scratch.path(), "journal-", 140);
    let mut store = open(scratch.path());
    assert_eq!(store.stats().corrupt_journal, 1);
    assert_eq!(
        store.stats().corrupt_records,
        2,
        "the stream, and its newest row that fitted nothing before tables were asked"
    );
    assert_eq!(store.observations(&vantage("web"), all()).unwrap(), vec![up(2)]);
    assert_eq!(store.readings(&disk(), all()).unwrap().len(), 1, "the part names its stream");
    store.append(at(0), vec![admitted(4, vec![read(6, 2)])]).unwrap();
    store.seal().unwrap();
    drop(store);
    let store = open(scratch.path());
    assert_eq!(store.readings(&disk(), all()).unwrap().len(), 2);
    assert_eq!(store.stats().corrupt_records, 0, "what was damaged was written anew");
}

#[test]
fn a_damaged_state_or_one_of_another_version_is_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let reopen = || EmbeddedStore::open(DataDir::claim(scratch.path(), "test", at(0)).unwrap(), options());
    let store = open(scratch.path());
    let mut writes = Writes::default();
    let state = super::recovery::State { format: 3, ..store.state.clone() };
    super::recovery::put_state(&mut writes, &state).unwrap();
    store.disk.apply(writes).unwrap();
    store.disk.sync().unwrap();
    drop(store);
    assert!(matches!(reopen(), Err(StoreError::Version { found: 3, readable: 2 })));
}

#[test]
fn a_store_that_is_held_or_dead_says_so() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    let held = DataDir::claim(scratch.path(), "other", at(0)).unwrap_err();
    assert!(matches!(held, StoreError::Held { .. }), "{held}");
    store.disk.fail();
    assert!(matches!(store.append(at(0), Vec::new()), Err(StoreError::Dead)));
    assert!(matches!(store.observations(&vantage("web"), all()), Err(StoreError::Dead)));
    assert!(matches!(store.commit(&[]), Err(StoreError::Dead)));
    assert!(matches!(store.record(RecordKind::Meta, b"a"), Err(StoreError::Dead)));
    assert!(matches!(store.maintain(at(0)), Err(StoreError::Dead)));
    assert!(matches!(store.close(), Err(StoreError::Dead)));
}

#[test]
fn the_list_of_parts_never_outgrows_the_state() {
    let twin = Twin::default();
    let open_on = |twin: &Twin| {
        let options = StoreOptions { head_bytes_max: 2_000, ..options() };
        EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), options).unwrap()
    };
    let mut store = open_on(&twin);
    let many = (0..PARTS_NAMED_MAX as u64).map(|n| u64::MAX / 2 + n).collect();
    let state = State { parts: many, ..store.state.clone() };
    assert!(packed(&state).unwrap().len() <= PART_BYTES_MAX, "whatever their numbers are");
    let more = State { parts: vec![0; 2 * PART_BYTES_MAX], ..store.state.clone() };
    assert!(matches!(put_state(&mut Writes::default(), &more), Err(StoreError::TooLarge { .. })));

    let state = State { parts: (1..=PARTS_NAMED_MAX as u64).collect(), made: 1_000, ..store.state.clone() };
    store.state = state.clone();
    store.append(at(0), vec![admitted(1, vec![probed("web", 0..200)])]).unwrap();
    assert_eq!(store.maintain(at(0)).unwrap().sealed_rows, None, "merging comes first");
    assert!(!store.compact(at(0)).unwrap().more);
    assert!(matches!(store.seal(), Err(StoreError::TooManyParts { waiting: 512, limit: 512 })));
    let refused = store.append(at(0), vec![admitted(2, vec![probed("web", [300])])]).unwrap_err();
    assert!(matches!(refused, StoreError::Full { .. }), "{refused}");

    // All of them are missing: that is said, and they do not stand in the way of new ones for good.
    let mut writes = Writes::default();
    put_state(&mut writes, &state).unwrap();
    store.disk.apply(writes).unwrap();
    store.disk.sync().unwrap();
    drop(store);
    let mut store = open_on(&twin);
    assert_eq!(store.stats().missing_files, PARTS_NAMED_MAX as u64);
    assert_eq!(store.maintain(at(0)).unwrap().sealed_rows, Some(200));
    drop(store);
    let store = open_on(&twin);
    assert_eq!(store.stats().missing_files, PARTS_NAMED_MAX as u64 / 2);
    assert_eq!(store.observations(&vantage("web"), all()).unwrap().len(), 200);
}
