//! The store on a disk in memory that forgets, tears, refuses and fills up: nothing acknowledged is lost, nothing counts
//! twice, and what is lost behind its back is said.

use std::collections::BTreeMap;

use uphold_common::observation::{Micros, Observation, settle_all};
use uphold_common::time::DAY_MS;
use uphold_common::wire::columns::Rows;

use super::files::Files;
use super::rows::Block;
use super::testing::*;
use super::twin::Twin;
use super::*;

const HOUR_MS: i64 = 3_600_000;

fn open_on(twin: &Twin) -> EmbeddedStore {
    let options = StoreOptions { head_bytes_max: 6_000, merge_after_ms: HOUR_MS, parts_max: 6, ..options() };
    EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), options).unwrap()
}

/// What was acknowledged.
#[derive(Default)]
struct Model {
    rows: BTreeMap<&'static str, Vec<Observation>>,
    /// Rows that were sent and not acknowledged: they may be there or not.
    unsure: BTreeMap<&'static str, Vec<Observation>>,
    record: Option<Vec<u8>>,
    unsure_record: Option<Vec<u8>>,
}

impl Model {
    fn compare(&mut self, store: &EmbeddedStore, place: &str) {
        for (probe, rows) in &mut self.rows {
            let found = store.observations(&vantage(probe), all()).unwrap();
            let mut with = rows.clone();
            // Of what nobody was told about, that is taken for acknowledged which is there.
            with.extend(self.unsure.get(probe).into_iter().flatten().filter(|row| found.contains(row)));
            settle_all(&mut with);
            assert_eq!(found, with, "{place}, probe {probe}");
            let hours = store.rollups(&StreamId::Probe(vantage(probe)), all()).unwrap();
            assert_eq!(hours, Hours::of(&Block::Probe(found)), "{place}, hours of {probe}");
            *rows = with;
        }
        self.unsure.clear();
        let record = store.record(RecordKind::Meta, b"k").unwrap();
        let unsure = self.unsure_record.take();
        assert!(record == self.record || (unsure.is_some() && record == unsure), "{place}: the record");
        self.record = record;
    }
}

fn batch(dice: &mut Dice, seq: u64, now_ms: i64) -> (&'static str, Vec<Observation>, Admitted) {
    let probe = ["a", "b", "c"][usize::try_from(dice.below(3)).unwrap()];
    let instants: std::collections::BTreeSet<i64> =
        (0..=dice.below(30)).map(|_| now_ms - dice.below(2 * 24 * 60).cast_signed() * 60_000).collect();
    let mut rows: Vec<Observation> = instants.into_iter().map(up).collect();
    for row in &mut rows {
        row.total = Micros::new(dice.below(900));
    }
    let admitted = admitted(seq, vec![Rows::Probe(vantage(probe).probe, rows.clone())]);
    (probe, rows, admitted)
}

#[test]
fn whatever_the_disk_does_what_was_acknowledged_is_there_once() {
    let mut crashes = 0;
    for seed in 0..40 {
        let (twin, mut dice, mut model) = (Twin::default(), Dice(seed), Model::default());
        for probe in ["a", "b", "c"] {
            model.rows.insert(probe, Vec::new());
        }
        let mut store = open_on(&twin);
        let mut now_ms = 0;
        for seq in 1..=80 {
            now_ms += dice.below(4).cast_signed() * HOUR_MS / 2;
            let (probe, rows, admitted) = batch(&mut dice, seq, now_ms);
            if dice.below(6) == 0 {
                twin.refuse_after(dice.below(40));
            }
            match store.append(at(now_ms), vec![admitted]) {
                Ok(answers) => {
                    assert_eq!(answers, [Appended::Kept]);
                    model.rows.entry(probe).or_default().extend(&rows);
                }
                Err(_) => drop(model.unsure.insert(probe, rows)),
            }
            let value = Some(seq.to_be_bytes().to_vec());
            let change = RecordChange { kind: RecordKind::Meta, key: b"k".to_vec(), value: value.clone() };
            match store.commit(&[change]) {
                Ok(()) => model.record = value,
                Err(_) => model.unsure_record = model.unsure_record.take().or(value),
            }
            let mut dead = store.disk.alive().is_err();
            for _ in 0..dice.below(4) {
                dead |= store.maintain(at(now_ms)).is_err();
            }
            if dead || dice.below(9) == 0 {
                drop(store);
                twin.crash(&mut dice);
                crashes += 1;
                store = open_on(&twin);
                model.compare(&store, &format!("seed {seed}, batch {seq}"));
                assert_eq!((store.stats().older, store.stats().missing_files, store.stats().corrupt_chunks), (0, 0, 0));
            }
        }
        drop(store);
        twin.crash(&mut dice);
        store = open_on(&twin);
        while store.compact(at(now_ms)).unwrap().more {}
        model.compare(&store, &format!("seed {seed} at the end"));
    }
    assert!(crashes > 200, "{crashes}");
}

#[test]
fn a_full_disk_refuses_and_the_store_goes_on_when_there_is_room() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    store.append(at(0), vec![admitted(1, vec![probed("a", 0..50)])]).unwrap();
    twin.fill_at(Some(twin.bytes_of_files() + 40));
    for _ in 0..3 {
        let refused = store.append(at(0), vec![admitted(2, vec![probed("a", 100..150)])]).unwrap_err();
        assert!(matches!(refused, StoreError::NoSpace { .. }), "{refused}");
    }
    let change = RecordChange { kind: RecordKind::Meta, key: b"k".to_vec(), value: Some(vec![9; 50]) };
    assert!(matches!(store.commit(std::slice::from_ref(&change)), Err(StoreError::NoSpace { .. })));
    assert_eq!(store.record(RecordKind::Meta, b"k").unwrap(), None);
    assert!(matches!(store.compact(at(0)), Err(StoreError::NoSpace { .. })));
    assert_eq!(store.observations(&vantage("a"), all()).unwrap().len(), 50, "what is there is served");
    twin.fill_at(None);
    assert_eq!(
        store.append(at(0), vec![admitted(2, vec![probed("a", 100..150)])]).unwrap(),
        vec![Appended::Kept],
        "nothing of what was refused is remembered"
    );
    while store.compact(at(0)).unwrap().more {}
    drop(store);
    twin.crash(&mut Dice(1));
    assert_eq!(open_on(&twin).observations(&vantage("a"), all()).unwrap().len(), 100);
}

#[test]
fn a_seal_that_finds_the_disk_full_leaves_nothing_behind() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    store.append(at(0), vec![admitted(1, vec![probed("a", 0..50)])]).unwrap();
    let (names, bytes) = (twin.names(), twin.bytes_of_files());
    let mut finds_none = |room: &usize| {
        twin.fill_at(Some(bytes + 10 * room));
        let sealed = store.seal();
        assert!(matches!(sealed, Ok(50) | Err(StoreError::NoSpace { .. })), "{sealed:?}");
        assert!(
            sealed.is_ok() || (twin.names(), twin.bytes_of_files()) == (names.clone(), bytes),
            "{:?}",
            twin.names()
        );
        sealed.is_err()
    };
    assert!((0..1_000).take_while(&mut finds_none).count() > 20);
    assert_eq!(store.observations(&vantage("a"), all()).unwrap().len(), 50);
}

#[test]
fn a_store_is_opened_and_read_on_a_full_disk() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    store.append(at(0), vec![admitted(1, vec![probed("a", 0..50)])]).unwrap();
    let change = |value: u8| RecordChange { kind: RecordKind::Meta, key: b"k".to_vec(), value: Some(vec![value; 50]) };
    store.commit(&[change(1)]).unwrap();
    drop(store);
    for room in [0, 60] {
        twin.fill_at(Some(twin.bytes_of_files() + room));
        let mut store = open_on(&twin);
        assert_eq!(store.observations(&vantage("a"), all()).unwrap().len(), 50);
        assert_eq!(store.record(RecordKind::Meta, b"k").unwrap(), change(1).value);
        for _ in 0..2 {
            let refused = store.append(at(0), vec![admitted(2, vec![probed("a", 100..150)])]).unwrap_err();
            assert!(matches!(refused, StoreError::NoSpace { .. }), "{refused}");
            assert!(matches!(store.commit(&[change(2)]), Err(StoreError::NoSpace { .. })));
            assert!(matches!(store.seal(), Err(StoreError::NoSpace { .. })));
        }
        assert_eq!(store.record(RecordKind::Meta, b"k").unwrap(), change(1).value);
        assert_eq!(twin.names().iter().filter(|name| name.starts_with("journal-")).count(), 1);
    }
    let mut store = open_on(&twin);
    twin.fill_at(None);
    assert_eq!(
        store.append(at(0), vec![admitted(2, vec![probed("a", 100..150)])]).unwrap(),
        vec![Appended::Kept],
        "as soon as there is room"
    );
    store.commit(&[change(2)]).unwrap();
    drop(store);
    twin.crash(&mut Dice(1));
    let (database, journals) = (twin.database(), twin.names());
    let store = open_on(&twin);
    assert_eq!(store.observations(&vantage("a"), all()).unwrap().len(), 100);
    assert_eq!(store.record(RecordKind::Meta, b"k").unwrap(), change(2).value);
    assert_eq!((store.stats().missing_files, store.stats().older, store.stats().corrupt_journal), (0, 0, 0));
    drop(store);
    twin.put_back(database);
    twin.names().iter().filter(|name| !journals.contains(name)).for_each(|name| twin.lose(name));
    twin.lose(journals.iter().rfind(|name| name.starts_with("journal-")).unwrap());
    assert_eq!(open_on(&twin).stats().missing_files, 1, "a file that was begun late is missed too");
}

#[test]
fn a_database_that_comes_up_older_is_noticed_and_loses_no_row() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let empty = twin.database();
    for seq in 1..=4_u64 {
        let from = seq.cast_signed() * 1_000;
        store.append(at(0), vec![admitted(seq, vec![probed("a", from..from + 50), read(from, seq)])]).unwrap();
        store.seal().unwrap();
    }
    let before_merge = twin.database();
    while store.compact(at(0)).unwrap().more {}
    store.append(at(0), vec![admitted(9, vec![probed("a", [9_000]), probed("b", [9_000])])]).unwrap();
    let expected = store.observations(&vantage("a"), all()).unwrap();
    store.seal().unwrap();
    drop(store);
    for (database, what) in [(before_merge, "before the merge"), (empty, "of the beginning"), (BTreeMap::new(), "lost")]
    {
        twin.put_back(database);
        let mut store = open_on(&twin);
        assert_eq!(store.stats().older, 1, "{what}");
        assert_eq!(store.observations(&vantage("a"), all()).unwrap(), expected, "{what}");
        assert_eq!(store.observations(&vantage("b"), all()).unwrap().len(), 1, "{what}");
        while store.compact(at(0)).unwrap().more {}
        store.append(at(0), vec![admitted(10, vec![probed("c", [1])])]).unwrap();
        store.seal().unwrap();
        drop(store);
        let store = open_on(&twin);
        assert_eq!((store.stats().older, store.stats().missing_files), (0, 0), "said once, {what}");
        assert_eq!(store.observations(&vantage("a"), all()).unwrap(), expected, "{what}");
    }
}

#[test]
fn an_older_database_loses_no_day_that_was_merged_around_a_seal() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    for seq in 1..=3_u64 {
        let many = (0..70).map(|n| probed(&format!("p{n}"), [seq.cast_signed()])).collect();
        store.append(at(0), vec![admitted(seq, many)]).unwrap();
        store.seal().unwrap();
    }
    assert!(store.compact(at(0)).unwrap().more, "of two groups one is merged");
    store.append(at(0), vec![admitted(4, vec![probed("p1", [9])])]).unwrap();
    store.seal().unwrap();
    let amid = twin.database();
    while store.compact(at(0)).unwrap().more {}
    drop(store);
    twin.put_back(amid);
    let store = open_on(&twin);
    assert_eq!(store.stats().older, 1);
    assert_eq!(store.observations(&vantage("p1"), all()).unwrap(), vec![up(1), up(2), up(3), up(9)]);
    assert_eq!(store.observations(&vantage("p69"), all()).unwrap(), vec![up(1), up(2), up(3)]);
}

#[test]
fn a_day_whose_manifest_is_damaged_is_taken_up_from_its_files() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    store.append(at(0), vec![admitted(1, vec![probed("a", 0..50)])]).unwrap();
    while store.compact(at(0)).unwrap().more {}
    drop(store);
    let mut keys = twin.database();
    let manifest = keys.iter_mut().find(|(key, _)| key[0] == super::keys::DAY).unwrap().1;
    manifest[20] ^= 1;
    twin.put_back(keys);
    for corrupt in [1, 0] {
        let store = open_on(&twin);
        assert_eq!(store.observations(&vantage("a"), all()).unwrap().len(), 50);
        assert_eq!(store.stats().corrupt_records, corrupt, "said once, and made good");
    }
}

#[test]
fn a_part_that_is_missing_is_said_at_each_start_and_taken_up_when_it_is_back() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    store.append(at(0), vec![admitted(1, vec![probed("a", 0..50)])]).unwrap();
    store.seal().unwrap();
    drop(store);
    let name = twin.names().into_iter().find(|name| name.starts_with("part-")).unwrap();
    let part = Files::read(&twin, &name, 0, usize::MAX).unwrap();
    twin.lose(&name);
    for _ in 0..2 {
        let mut store = open_on(&twin);
        assert_eq!(store.stats().missing_files, 1);
        store.append(at(0), vec![admitted(2, vec![probed("b", [1])])]).unwrap();
        store.seal().unwrap();
    }
    Files::create(&twin, "back.put").unwrap();
    Files::append(&twin, "back.put", &part).unwrap();
    Files::rename(&twin, "back.put", &name).unwrap();
    let store = open_on(&twin);
    assert_eq!((store.stats().missing_files, store.observations(&vantage("a"), all()).unwrap().len()), (0, 50));
}

#[test]
fn files_that_are_lost_are_named() {
    let make = || {
        let twin = Twin::default();
        let mut store = open_on(&twin);
        store.append(at(0), vec![admitted(1, vec![probed("a", 0..50)])]).unwrap();
        while store.compact(at(0)).unwrap().more {}
        store.append(at(0), vec![admitted(2, vec![probed("a", [DAY_MS])])]).unwrap();
        store.seal().unwrap();
        store.append(at(0), vec![admitted(3, vec![probed("a", [DAY_MS + 1])])]).unwrap();
        twin
    };
    let names = make().names();
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let twin = make();
        twin.lose(&name);
        let store = open_on(&twin);
        let stats = store.stats();
        let rows = store.observations(&vantage("a"), all()).unwrap().len();
        let said = stats.missing_files + stats.older + stats.corrupt_journal + stats.corrupt_chunks;
        assert!(said > 0 || !name.starts_with("rollup-"), "{name} is missing, and nothing is said");
        assert!(rows == 52 || said > 0, "{name} is missing, {rows} rows are there, and nothing is said");
    }
}

#[test]
fn every_flipped_bit_of_a_file_is_noticed_or_without_effect() {
    let make = || {
        let twin = Twin::default();
        let mut store = open_on(&twin);
        store.append(at(0), vec![admitted(1, vec![probed("a", 0..50), read(4, 4)])]).unwrap();
        while store.compact(at(0)).unwrap().more {}
        store.append(at(0), vec![admitted(2, vec![probed("a", [DAY_MS])])]).unwrap();
        store.seal().unwrap();
        store.append(at(0), vec![admitted(3, vec![probed("a", [DAY_MS + 1])])]).unwrap();
        twin
    };
    let sound = make();
    let expected = open_on(&sound).observations(&vantage("a"), all()).unwrap();
    let expected_hours = Hours::of(&Block::Probe(expected.clone()));
    let mut noticed = 0;
    for name in make().names() {
        let len = {
            let twin = make();
            Files::list(&twin).unwrap().into_iter().find(|(n, _)| *n == name).unwrap().1
        };
        for byte in 0..usize::try_from(len).unwrap() {
            let twin = make();
            twin.flip(&name, byte);
            let options = StoreOptions { head_bytes_max: 6_000, ..options() };
            let Ok(store) = EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin), options) else {
                noticed += 1;
                continue;
            };
            let found = store.observations(&vantage("a"), all()).unwrap();
            let stats = store.stats();
            let said = stats.missing_files
                + stats.older
                + stats.corrupt_journal
                + stats.corrupt_chunks
                + u64::from(stats.journal_torn_bytes > 0);
            let hours = store.rollups(&StreamId::Probe(vantage("a")), all()).unwrap();
            assert!(hours == expected_hours || said > 0, "{name}, byte {byte}: {hours:?}, and nothing is said");
            assert!(found == expected || said > 0, "{name}, byte {byte}: {} rows, and nothing is said", found.len());
            assert!(found.iter().all(|row| expected.contains(row)), "{name}, byte {byte}: a row that never was");
            noticed += u64::from(said > 0);
        }
    }
    assert!(noticed > 500, "{noticed}");
}
