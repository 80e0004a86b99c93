//! Stores of every format that ever was are opened for good.

use std::fs;

use uphold_common::time::DAY_MS;
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::frame::{self, Compression, Magic};
use uphold_common::wire::pack;

use super::database::{Database, Writes};
use super::journal_entry::{EntryKind, Salt, put};
use super::recovery::put_state;
use super::testing::*;
use super::twin::Twin;
use super::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/fixtures");

fn unpack(format: &str, to: &std::path::Path) {
    let folder = to.join("store");
    fs::create_dir_all(&folder).unwrap();
    for name in ["db", "conf"] {
        let packed = fs::read(format!("{FIXTURES}/{format}/{name}.zst")).unwrap();
        fs::write(folder.join(name), zstd::bulk::decompress(&packed, 16 << 20).unwrap()).unwrap();
    }
}

#[test]
fn a_store_of_format_1_is_taken_up_whole() {
    let scratch = tempfile::tempdir().unwrap();
    unpack("format-1", scratch.path());
    let expected = fs::read_to_string(format!("{FIXTURES}/format-1/rows.txt")).unwrap();
    for round in 0..3 {
        let mut store = open(scratch.path());
        let mut found: Vec<String> = Vec::new();
        for point in store.vantage_points() {
            let rows = store.observations(&point, all()).unwrap();
            found.extend(
                rows.iter()
                    .map(|row| format!("{} {} {} {}", point.probe, point.agent, row.at.as_ms(), row.total.code())),
            );
        }
        found.sort();
        assert_eq!(found.join("\n"), expected, "opened for the time {round}");
        assert_eq!(store.latest_volumes().len(), 2);
        assert_eq!(store.record(RecordKind::Meta, b"greeting").unwrap(), Some(b"hello".to_vec()));
        assert_eq!(store.record(RecordKind::Catalogue, b"long").unwrap().map(|value| value.len()), Some(80_000));
        assert_eq!(store.stats().corrupt_chunks + store.stats().corrupt_records + store.stats().missing_files, 0);
        // What waited in the journal was touched, as after every start.
        assert_eq!(store.take_touched(&|_| true).vantage_points.is_empty(), round > 0);
        if round == 1 {
            while store.compact(at(3 * DAY_MS)).unwrap().more {}
        }
    }
}

/// The head of a file of version 1 of the journal.
#[derive(serde::Serialize)]
struct Head {
    store: Epoch,
    first: u64,
    sealed: u64,
}

/// An entry as in a file of version 1 of the journal.
fn untagged(kind: EntryKind, number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, Salt::random().unwrap(), (kind, number, at(0)), content).unwrap();
    let checksum = crc32fast::hash(&[&bytes[..28], content].concat());
    [&bytes[..28], &checksum.to_be_bytes(), content].concat()
}

#[test]
fn a_journal_without_tags_is_replayed_and_goes_on_with_them() {
    let open_on =
        |twin: &Twin| EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), options()).unwrap();
    let twin = Twin::default();
    let store = open_on(&twin);
    let state = super::recovery::State { salt: None, ..store.state.clone() };
    drop(store);
    let mut writes = Writes::default();
    put_state(&mut writes, &state).unwrap();
    Database::apply(&twin, writes).unwrap();
    Database::sync(&twin).unwrap();
    let head = pack::pack(&Head { store: state.id, first: 1, sealed: 0 }).unwrap();
    let change = RecordChange { kind: RecordKind::Meta, key: b"k".to_vec(), value: Some(b"v".to_vec()) };
    let file = [
        frame::seal(Magic(*b"UPHq"), 1, Compression::Plain, &head).unwrap(),
        untagged(EntryKind::Batch, 1, &admitted(1, vec![probed("web", [1])]).framed),
        untagged(EntryKind::Records, 2, &super::records::pack_changes(std::slice::from_ref(&change)).unwrap()),
    ];
    twin.put_file("journal-000000000001", &file.concat());
    let mut store = open_on(&twin);
    let salt = store.state.salt;
    assert!(salt.is_some());
    store.append(at(0), vec![admitted(2, vec![probed("web", [2])])]).unwrap();
    for round in 0..2 {
        assert_eq!(store.observations(&vantage("web"), all()).unwrap(), vec![up(1), up(2)], "round {round}");
        assert_eq!(store.record(RecordKind::Meta, b"k").unwrap(), change.value);
        assert_eq!((store.state.salt, store.stats().damaged(), store.stats().journal_torn_bytes), (salt, 0, 0));
        drop(store);
        store = open_on(&twin);
    }
    drop(store);
    // The salt is in the files too, should the database be lost.
    twin.put_back(std::collections::BTreeMap::new());
    let store = open_on(&twin);
    assert_eq!((store.state.salt, store.observations(&vantage("web"), all()).unwrap().len()), (salt, 2));
}
