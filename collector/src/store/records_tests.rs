//! Commits of records through the journal: which are taken, and that what was taken comes back from the journal alone.

use std::collections::BTreeMap;

use super::*;
use crate::store::database::Writes;
use crate::store::journal_entry::EntryKind;
use crate::store::testing::{Dice, open, options};
use crate::store::twin::Twin;
use crate::store::{RECORD_BYTES_MAX, Store, StoreOptions};

fn open_on(twin: &Twin) -> EmbeddedStore {
    EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), StoreOptions { ..options() }).unwrap()
}

/// Bytes that no compression makes shorter.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut dice = Dice(seed);
    (0..len.div_ceil(8)).flat_map(|_| dice.next().to_be_bytes()).take(len).collect()
}

fn change(key: impl Into<Vec<u8>>, value: Vec<u8>) -> RecordChange {
    RecordChange { kind: RecordKind::Catalogue, key: key.into(), value: Some(value) }
}

/// What a store holds whose database was lost, and which has its journal only.
fn from_the_journal(twin: &Twin) -> EmbeddedStore {
    twin.put_back(BTreeMap::new());
    open_on(twin)
}

#[test]
fn the_largest_commits_come_back_from_the_journal() {
    let small = |key: u8| change([key], vec![key; 10]);
    let largest = change("largest", noise(1, RECORD_BYTES_MAX));
    let many: Vec<RecordChange> = (0..3_u8)
        .map(|key| change([key], vec![key; RECORD_BYTES_MAX]))
        .chain([change("k", vec![1; 15 << 20])])
        .collect();
    for commit in [vec![small(1), largest, small(2)], many] {
        let twin = Twin::default();
        let mut store = open_on(&twin);
        store.commit(&commit).unwrap();
        drop(store);
        let store = from_the_journal(&twin);
        for change in &commit {
            let found = store.record(RecordKind::Catalogue, &change.key).unwrap();
            assert!(found == change.value, "record {}", change.key.escape_ascii());
        }
        assert_eq!(store.stats().corrupt_journal, 0);
    }
}

#[test]
fn a_commit_that_could_not_be_read_again_is_refused_and_leaves_nothing() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let before = twin.bytes_of_files();
    let many =
        |count: u8, value: fn(u8) -> Vec<u8>| (0..count).map(|key| change([key], value(key))).collect::<Vec<_>>();
    for (commit, what) in [
        (many(5, |key| vec![key; RECORD_BYTES_MAX]), "a commit of records of "),
        (many(2, |key| noise(u64::from(key), RECORD_BYTES_MAX)), "a commit of records, compressed, of "),
        (vec![change("k", vec![0; RECORD_BYTES_MAX + 1])], "a record of "),
        (vec![change(vec![b'k'; RECORD_KEY_BYTES_MAX + 1], vec![])], "a record's key of "),
    ] {
        let refused = store.commit(&commit).unwrap_err();
        assert!(matches!(refused, StoreError::TooLarge { .. }) && refused.to_string().starts_with(what), "{refused}");
        assert_eq!(store.record(RecordKind::Catalogue, &commit[0].key).unwrap(), None);
        assert_eq!(twin.bytes_of_files(), before, "{what}");
    }
    store.commit(&[change("k", vec![7])]).unwrap();
    drop(store);
    assert_eq!(from_the_journal(&twin).record(RecordKind::Catalogue, b"k").unwrap(), Some(vec![7]));
}

#[test]
fn many_commits_are_replayed_in_their_order_and_a_few_at_a_time() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    // Each commit changes one record of its own, and one that all of them change.
    for round in 0..40_u8 {
        let both = [change([round], noise(u64::from(round), 100_000)), change("last", noise(u64::from(round), 50_000))];
        store.commit(&both).unwrap();
    }
    drop(store);
    let (_before, read) = (twin.largest_batch(), twin.bytes_read());
    let store = from_the_journal(&twin);
    assert!(twin.bytes_read() - read <= twin.bytes_of_files() + 4 * 1024, "the journal is read once");
    let largest = twin.largest_batch();
    assert!(largest <= REPLAYED_BYTES + 200_000, "{largest}");
    for round in 0..40_u8 {
        let found = store.record(RecordKind::Catalogue, &[round]).unwrap();
        assert!(found == Some(noise(u64::from(round), 100_000)), "record {round}");
    }
    assert!(store.record(RecordKind::Catalogue, b"last").unwrap() == Some(noise(39, 50_000)));
}

#[test]
fn a_commit_that_an_agent_made_up_is_not_replayed() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    store.commit(&[change("k", vec![1])]).unwrap();
    // What an agent could send: an entry in the layouts of all versions, with a checksum that is right.
    let made_up = pack_changes(&[change("k", vec![2])]).unwrap();
    let mut forged = vec![0; 60];
    for number in 1..=4_u64 {
        let another = crate::store::journal_entry::Salt::random().unwrap();
        let at = crate::store::testing::at(0);
        let begin = forged.len();
        crate::store::journal_entry::put(&mut forged, another, (EntryKind::Records, number, at), &made_up).unwrap();
        let fields = forged[begin..begin + 28].to_vec();
        forged.extend_from_slice(&fields);
        forged.extend_from_slice(&crc32fast::hash(&[fields.as_slice(), &made_up].concat()).to_be_bytes());
        forged.extend_from_slice(&made_up);
    }
    let before = twin.bytes_of_files();
    store.journal.add(EntryKind::Batch, crate::store::testing::at(0), &forged).unwrap();
    store.journal.commit(&twin).unwrap();
    drop(store);
    twin.flip("journal-000000000001", before + 40 + 5);
    let store = open_on(&twin);
    assert_eq!(store.record(RecordKind::Catalogue, b"k").unwrap(), Some(vec![1]));
    assert_eq!(store.stats().corrupt_journal + u64::from(store.stats().journal_torn_bytes > 0), 1);
}

#[test]
fn records_are_read_as_they_were_committed() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    let mut dice = Dice(5);
    let long: Vec<u8> = (0..300_000).map(|_| dice.next().to_be_bytes()[0]).collect();
    let change = |key: &[u8], value: Option<&[u8]>| RecordChange {
        kind: RecordKind::Outbox,
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
    };
    store.commit(&[change(b"a1", Some(b"x")), change(b"a2", Some(&long)), change(b"b", Some(b""))]).unwrap();
    let keys = |store: &EmbeddedStore, range: &KeyRange, limit| {
        let found = store.records(RecordKind::Outbox, range, limit).unwrap();
        found.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(keys(&store, &KeyRange::all(), 10), ["a1", "a2", "b"]);
    assert_eq!(keys(&store, &KeyRange::all().reversed(), 2), ["b", "a2"]);
    assert_eq!(keys(&store, &KeyRange::prefix(b"a"), 10), ["a1", "a2"]);
    assert_eq!(keys(&store, &KeyRange::all().after(b"a1".to_vec()), 10), ["a2", "b"]);
    assert_eq!(keys(&store, &KeyRange::all().reversed().after(b"a2".to_vec()), 10), ["a1"]);
    assert!(store.records(RecordKind::DeadLetter, &KeyRange::all(), 10).unwrap().is_empty());
    assert_eq!(store.record(RecordKind::Outbox, b"a2").unwrap(), Some(long));

    store.commit(&[change(b"a2", Some(b"lost")), change(b"a2", Some(b"short")), change(b"b", None)]).unwrap();
    assert_eq!(store.record(RecordKind::Outbox, b"a2").unwrap(), Some(b"short".to_vec()));
    assert_eq!(store.record(RecordKind::Outbox, b"b").unwrap(), None);
    assert!(store.disk.get(&keys::record_part_key(RecordKind::Outbox as u8, b"a2", 1)).unwrap().is_none());
    let refused = store.commit(&[change(&[0; RECORD_KEY_BYTES_MAX + 1], None)]).unwrap_err();
    assert!(matches!(refused, StoreError::TooLarge { .. }), "{refused}");
}

#[test]
fn a_damaged_record_is_an_error_unless_it_is_derived() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    for kind in [RecordKind::IncidentEvent, RecordKind::Stretches] {
        let change = RecordChange { kind, key: b"k".to_vec(), value: Some(b"value".to_vec()) };
        store.commit_derived(&[change]).unwrap();
        let mut writes = Writes::default();
        writes.put(keys::record_key(kind as u8, b"k"), b"\x00\x01UPHr".to_vec());
        store.disk.apply(writes).unwrap();
    }
    assert!(matches!(store.record(RecordKind::IncidentEvent, b"k"), Err(StoreError::Corrupt { .. })));
    assert!(store.records(RecordKind::IncidentEvent, &KeyRange::all(), 9).is_err());
    assert_eq!(store.record(RecordKind::Stretches, b"k").unwrap(), None);
    assert!(store.records(RecordKind::Stretches, &KeyRange::all(), 9).unwrap().is_empty());
    assert_eq!(store.stats().corrupt_records, 1);
}
