//! Damaged files are kept aside, within bounds, and never come back as data.

use uphold_common::time::DAY_MS;

use super::*;
use crate::store::files::Files;
use crate::store::testing::*;
use crate::store::twin::Twin;
use crate::store::{Hours, Store, StoreOptions, StreamId};

const TODAY: i32 = 20_454;

fn open_on(twin: &Twin) -> EmbeddedStore {
    EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), options()).unwrap()
}

fn named(twin: &Twin, beginning: &str) -> Vec<String> {
    twin.names().into_iter().filter(|name| name.starts_with(beginning)).collect()
}

/// Flips a bit in the first place of a file that begins with these bytes.
fn harm(twin: &Twin, name: &str, magic: &[u8]) {
    let bytes = twin.read(name, 0, usize::MAX).unwrap();
    let place = bytes.windows(magic.len()).position(|found| found == magic).unwrap();
    twin.flip(name, place + 30);
}

fn compact(store: &mut EmbeddedStore) {
    while store.compact(at(9)).unwrap().more {}
}

fn findings(store: &EmbeddedStore) -> String {
    format!("{:?}", store.verify(&mut |_, _| {}).unwrap().findings)
}

#[test]
fn a_damaged_part_is_put_aside_named_counted_and_forgotten_with_the_rows() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    for (seq, probe) in [(1, "a"), (2, "b")] {
        store.append(at(0), vec![admitted(seq, vec![probed(probe, 0..50)])]).unwrap();
        store.seal().unwrap();
    }
    let part = named(&twin, "part-").remove(0);
    harm(&twin, &part, b"UPHg");
    let bytes = twin.read(&part, 0, usize::MAX).unwrap();
    compact(&mut store);
    let aside = format!("damaged-{TODAY:06}-{part}");
    for round in 0..2 {
        assert_eq!(twin.read(&aside, 0, usize::MAX).unwrap(), bytes, "round {round}");
        assert!(named(&twin, "part-").is_empty());
        assert_eq!(store.observations(&vantage("b"), all()).unwrap().len(), 50);
        assert!(store.observations(&vantage("a"), all()).unwrap().is_empty(), "it is not read");
        assert!(findings(&store).contains(&aside), "{}", findings(&store));
        let (stats, on_disk) = (store.stats(), twin.list().unwrap().iter().map(|(_, bytes)| *bytes).sum::<u64>());
        assert_eq!((stats.aside_bytes, stats.disk_bytes - stats.database_bytes), (bytes.len() as u64, on_disk));
        assert_eq!(stats.bytes_by_kind().iter().map(|(_, bytes)| bytes).sum::<u64>(), stats.disk_bytes);
        assert_eq!(stats.missing_files, 0);
        drop(store);
        store = open_on(&twin);
    }
    store.forget_rows_before(TODAY).unwrap();
    assert_eq!(named(&twin, "damaged-"), [aside]);
    store.forget_rows_before(TODAY + 1).unwrap();
    assert_eq!((named(&twin, "damaged-").len(), store.stats().aside_bytes), (0, 0));
}

#[test]
fn so_many_are_put_aside_and_no_more_the_oldest_go_first() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let mut last = String::new();
    for seq in 1..=40_u64 {
        store.append(at(0), vec![admitted(seq, vec![probed("a", [seq.cast_signed()])])]).unwrap();
        store.seal().unwrap();
        last = named(&twin, "part-").remove(0);
        harm(&twin, &last, b"UPHg");
        compact(&mut store);
        assert!(named(&twin, "damaged-").len() <= FILES_MAX);
    }
    let aside = named(&twin, "damaged-");
    assert_eq!(aside.len(), FILES_MAX);
    assert!(aside.iter().any(|name| name.ends_with(&last)));
}

#[test]
fn of_a_damaged_table_everything_that_is_sound_is_kept_and_tables_do_not_pile_up() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let names: Vec<String> = (0..300).map(|n| format!("p{n:03}")).collect();
    let streams = names.iter().map(|name| probed(name, 0..5)).collect();
    store.append(at(0), vec![admitted(1, streams)]).unwrap();
    compact(&mut store);
    let table = named(&twin, "day-").remove(0);
    // The first page and with it 128 chunks, and the chunk of one stream more, the last.
    harm(&twin, &table, b"UPHi");
    let bytes = twin.read(&table, 0, usize::MAX).unwrap();
    let chunk = bytes.windows(4).enumerate().rfind(|(_, found)| *found == b"UPHc").unwrap().0;
    twin.flip(&table, chunk + 30);
    let kept: Vec<Hours> =
        names.iter().map(|name| store.rollups(&StreamId::Probe(vantage(name)), all()).unwrap()).collect();
    for seq in 2..=12 {
        let late = vec![probed("p200", [i64::try_from(seq).unwrap() * 1_000])];
        store.append(at(0), vec![admitted(seq, late)]).unwrap();
        compact(&mut store);
        let left = |name: &String| store.observations(&vantage(name), all()).unwrap().len();
        assert!(names[..128].iter().chain([&names[299]]).all(|name| left(name) == 0), "after batch {seq}");
        assert!(names[128..299].iter().all(|name| left(name) >= 5), "after batch {seq}");
        assert!(store.days[&TODAY].tables.len() <= 4);
    }
    assert_eq!(named(&twin, "damaged-"), [format!("damaged-{TODAY:06}-{table}")]);
    drop(store);
    let store = open_on(&twin);
    assert_eq!(store.stats().damaged(), 0, "the new one is sound");
    for (name, kept) in names.iter().zip(kept).filter(|(name, _)| *name != "p200") {
        assert_eq!(store.rollups(&StreamId::Probe(vantage(name)), all()).unwrap(), kept, "{name}");
    }
}

#[test]
fn a_table_that_is_missing_stays_named_when_its_day_is_written_anew_and_is_read_when_it_is_back() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    store.append(at(0), vec![admitted(1, vec![probed("a", 0..50)])]).unwrap();
    compact(&mut store);
    drop(store);
    let name = named(&twin, "day-").remove(0);
    let bytes = twin.read(&name, 0, usize::MAX).unwrap();
    twin.lose(&name);
    for seq in 2..=9 {
        let mut store = open_on(&twin);
        assert_eq!(store.stats().missing_files, 1);
        store.append(at(0), vec![admitted(seq, vec![probed("b", [i64::try_from(seq).unwrap()])])]).unwrap();
        compact(&mut store);
    }
    twin.create("back.put").unwrap();
    twin.append("back.put", &bytes).unwrap();
    twin.rename("back.put", &name).unwrap();
    let store = open_on(&twin);
    assert_eq!((store.stats().missing_files, store.observations(&vantage("a"), all()).unwrap().len()), (0, 50));
    assert_eq!(store.observations(&vantage("b"), all()).unwrap().len(), 8);
}

#[test]
fn files_that_cannot_be_opened_are_forgotten_too() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    for (seq, day) in [(1, 0), (2, 1), (3, 2)] {
        store.append(at(0), vec![admitted(seq, vec![probed("a", [day * DAY_MS])])]).unwrap();
        store.seal().unwrap();
        if day < 2 {
            compact(&mut store);
        }
    }
    drop(store);
    for beginning in ["day-", "rollup-", "part-"] {
        let name = named(&twin, beginning).remove(0);
        let len = twin.read(&name, 0, usize::MAX).unwrap().len();
        twin.flip(&name, len - 1);
    }
    let mut store = open_on(&twin);
    assert!(store.stats().damaged() >= 3);
    assert_eq!(store.maintain(at(2 * DAY_MS)).unwrap().sealed_rows, None);
    store.forget_rows_before(TODAY + 1).unwrap();
    store.forget_rollups_before(TODAY + 1).unwrap();
    assert_eq!(["day-", "rollup-", "part-", "damaged-"].map(|kind| named(&twin, kind).len()), [1, 1, 0, 1]);
    drop(store);
    let mut store = open_on(&twin);
    assert_eq!(store.stats().damaged(), 0, "what was forgotten or put aside is not missed");
    assert!(findings(&store).contains("damaged-020456-part-"), "{}", findings(&store));
    store.forget_rows_before(TODAY + 3).unwrap();
    assert!(named(&twin, "damaged-").is_empty());
}

#[test]
fn what_is_being_written_is_not_taken_for_a_file_that_cannot_be_opened() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let streams = (0..70).map(|n| probed(&format!("p{n}"), [n])).collect();
    store.append(at(0), vec![admitted(1, streams)]).unwrap();
    store.seal().unwrap();
    assert!(store.compact(at(0)).unwrap().more && store.merging.is_some());
    store.forget_rows_before(TODAY + 1).unwrap();
    store.forget_rollups_before(TODAY + 1).unwrap();
    compact(&mut store);
    store.append(at(0), vec![admitted(2, vec![probed("p1", [DAY_MS])])]).unwrap();
    compact(&mut store);
    assert_eq!(store.observations(&vantage("p1"), all()).unwrap().len(), 1);
    assert!(named(&twin, "damaged-").is_empty() && store.stats().damaged() == 0);
    assert!(!twin.names().iter().any(|name| name.ends_with(TEMPORARY)), "{:?}", twin.names());
}

#[test]
fn a_part_that_is_missing_is_missed_as_long_as_its_rows_would_be_kept() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    for (seq, ms) in [(1, 1), (2, 2), (3, DAY_MS)] {
        store.append(at(ms), vec![admitted(seq, vec![probed("a", [ms])])]).unwrap();
        store.seal().unwrap();
    }
    drop(store);
    twin.lose(&named(&twin, "part-")[0]);
    for (forgotten, missing) in [(TODAY - 1, 1), (TODAY, 1), (TODAY + 1, 0)] {
        let mut store = open_on(&twin);
        store.forget_rows_before(forgotten).unwrap();
        drop(store);
        assert_eq!(open_on(&twin).stats().missing_files, missing, "before {forgotten}");
    }
    assert_eq!(open_on(&twin).observations(&vantage("a"), all()).unwrap().len(), 1);
}

#[test]
fn a_file_that_was_left_of_a_fold_is_not_taken_for_the_folded_part() {
    let twin = Twin::default();
    let options = StoreOptions { parts_max: 1, ..options() };
    let mut store = EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), options).unwrap();
    let mut left = Vec::new();
    for seq in 1..=2 {
        store.append(at(0), vec![admitted(seq, vec![probed("a", [DAY_MS + seq.cast_signed()])])]).unwrap();
        store.seal().unwrap();
        left = named(&twin, "part-");
    }
    let last = left.pop().unwrap();
    let bytes = twin.read(&last, 0, usize::MAX).unwrap();
    while store.maintain(at(0)).unwrap().more {}
    assert_eq!(store.stats().parts, 1);
    twin.put_file(&last, &bytes);
    store.forget_rows_before(TODAY + 1).unwrap();
    drop(store);
    twin.lose(&named(&twin, "part-")[0]);
    assert_eq!(open_on(&twin).stats().missing_files, 1, "it is still named");
}
