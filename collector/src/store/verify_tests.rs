//! Each kind of damage is found where it is, and a store without any is sound.

use std::fs;
use std::path::{Path, PathBuf};

use uphold_common::time::DAY_MS;

use super::testing::*;
use super::*;

/// A store with two merged days, a part, records, and entries in the journal.
fn store_in(path: &Path) {
    let mut store = open(path);
    for (seq, day) in [(1, 0), (2, 1)] {
        let rows = vec![probed("web", [0, 5_000].map(|ms| ms + day * DAY_MS)), read(7 + day * DAY_MS, 40)];
        store.append(at(0), vec![admitted(seq, rows)]).unwrap();
    }
    while store.compact(at(0)).unwrap().more {}
    let value = Some(b"a value".to_vec());
    store.commit(&[RecordChange { kind: RecordKind::Meta, key: b"key".to_vec(), value }]).unwrap();
    store.append(at(1), vec![admitted(3, vec![probed("web", 10..90), flowed(8, 99)])]).unwrap();
    assert!(store.seal().unwrap() > 0);
    store.append(at(2), vec![admitted(4, vec![probed("web", [9_000])])]).unwrap();
    store.close().unwrap();
}

fn verified(path: &Path) -> Verified {
    open(path).verify(&mut |_, _| {}).unwrap()
}

fn file(path: &Path, prefix: &str) -> PathBuf {
    let mut found: Vec<PathBuf> =
        fs::read_dir(path.join("store/series")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    let named = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(prefix);
    found.into_iter().rfind(named).unwrap()
}

fn flip(file: &Path, place: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[place] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

/// Where the first of these bytes stand.
fn place_of(file: &Path, magic: &[u8]) -> usize {
    fs::read(file).unwrap().windows(magic.len()).position(|bytes| bytes == magic).unwrap()
}

#[test]
fn a_sound_store_is_sound_and_everything_in_it_was_looked_at() {
    let scratch = tempfile::tempdir().unwrap();
    store_in(scratch.path());
    let verified = verified(scratch.path());
    assert!(verified.is_sound(), "{:?}", verified.findings);
    let count = |sort| verified.looked_at.get(sort).map_or(0, |(count, _)| *count);
    assert_eq!((count("tables of days"), count("chunks of days")), (2, 4));
    assert_eq!((count("parts"), count("blocks of parts")), (1, 1));
    assert!(count("entries of the journal") >= 2 && count("records") == 1 && count("entries of the database") > 5);
}

#[test]
fn each_kind_of_damage_is_found_in_its_place() {
    // The part of a file by the magic of its frame, or the place from its end; and what is said of it.
    type Harm = fn(&Path);
    let cases: [(&str, Harm); 11] = [
        ("the chunk of stream", |path| flip(&file(path, "day-"), place_of(&file(path, "day-"), b"UPHc") + 30)),
        ("the block of group", |path| flip(&file(path, "part-"), place_of(&file(path, "part-"), b"UPHg") + 30)),
        ("the page that begins", |path| flip(&file(path, "day-"), place_of(&file(path, "day-"), b"UPHi") + 40)),
        ("its dictionary", |path| flip(&file(path, "day-"), place_of(&file(path, "day-"), b"UPHn") + 30)),
        ("its checksum is wrong", |path| flip(&file(path, "day-"), place_of(&file(path, "day-"), b"UPHo") + 30)),
        ("a page of it: its checksum is wrong", |path| {
            flip(&file(path, "part-"), place_of(&file(path, "part-"), b"UPHi") + 40);
        }),
        ("no entr", |path| flip(&file(path, "journal-"), place_of(&file(path, "journal-"), b"UPHj") + 40)),
        ("it is missing or unreadable", |path| fs::remove_file(file(path, "day-")).unwrap()),
        ("part 4", |path| fs::remove_file(file(path, "part-")).unwrap()),
        ("journal file", |path| fs::remove_file(file(path, "journal-")).unwrap()),
        ("nobody knows of this file", |path| fs::write(path.join("store/series/notes"), "mine").unwrap()),
    ];
    for (number, (said, harm)) in cases.into_iter().enumerate() {
        let scratch = tempfile::tempdir().unwrap();
        store_in(scratch.path());
        harm(scratch.path());
        let verified = verified(scratch.path());
        let told = format!("{:?}", verified.findings);
        assert!(!verified.is_sound() && told.contains(said), "{number}: {said}: {told}");
    }
}

#[test]
fn a_manifest_that_is_not_its_tables_and_a_damaged_record_are_found() {
    let scratch = tempfile::tempdir().unwrap();
    store_in(scratch.path());
    let mut store = open(scratch.path());
    let (day, mut record) = store.days.iter().next().map(|(day, known)| (*day, known.record.clone())).unwrap();
    record.tables[0].rows += 1;
    let mut writes = super::database::Writes::default();
    super::recovery::put_day(&mut writes, day, &record).unwrap();
    let key = super::keys::record_key(RecordKind::Meta as u8, b"key");
    let mut entry = store.disk.get(&key).unwrap().unwrap();
    *entry.last_mut().unwrap() ^= 1;
    writes.put(key, entry);
    writes.put(vec![0x77], Vec::new());
    store.disk.apply(writes).unwrap();
    store.disk.sync().unwrap();
    store.close().unwrap();
    drop(store);
    let told = format!("{:?}", verified(scratch.path()).findings);
    for said in ["the one that the day's manifest names", "record Meta key", "nobody knows of its kind"] {
        assert!(told.contains(said), "{said}: {told}");
    }
}
