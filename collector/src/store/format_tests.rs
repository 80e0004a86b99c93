//! Stores of every format that ever was are opened for good.

use std::fs;
use std::path::Path;

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

/// Puts the files of a fixture where a store looks for them.
fn unpack(format: &str, to: &Path) {
    for folder in ["", "series"] {
        let target = to.join("store").join(folder);
        fs::create_dir_all(&target).unwrap();
        let Ok(files) = fs::read_dir(format!("{FIXTURES}/{format}/{folder}")) else { continue };
        for file in files {
            let name = file.unwrap().file_name().into_string().unwrap();
            let Some(unpacked) = name.strip_suffix(".zst") else { continue };
            let packed = fs::read(format!("{FIXTURES}/{format}/{folder}/{name}")).unwrap();
            fs::write(target.join(unpacked), zstd::bulk::decompress(&packed, 16 << 20).unwrap()).unwrap();
        }
    }
}

/// Everything that a store answers about rows, line by line.
fn rows_of(store: &EmbeddedStore) -> String {
    let mut found: Vec<String> = Vec::new();
    for from in store.vantage_points() {
        for row in store.observations(&from, all()).unwrap() {
            found.push(format!("{} {} {} {}", from.probe, from.agent, row.at.as_ms(), row.total.code()));
        }
    }
    found.sort();
    found.join("\n")
}

/// That of a fixture of `format` everything is there, however often it is opened, and after it was compacted; `touched` is at
/// how many openings something waited in the journal.
fn opens_whole(format: &str, volumes: usize, touched: usize) {
    let scratch = tempfile::tempdir().unwrap();
    unpack(format, scratch.path());
    let expected = fs::read_to_string(format!("{FIXTURES}/{format}/rows.txt")).unwrap();
    for round in 0..3 {
        let mut store = open(scratch.path());
        assert_eq!(rows_of(&store), expected, "opened for the time {round}");
        assert_eq!(store.latest_volumes(&|_| true).len(), volumes);
        assert_eq!(store.record(RecordKind::Meta, b"greeting").unwrap(), Some(b"hello".to_vec()));
        assert_eq!(store.record(RecordKind::Catalogue, b"long").unwrap().map(|value| value.len()), Some(80_000));
        assert_eq!(store.stats().damaged(), 0);
        // What waited in the journal was touched, as after every start, until it was sealed.
        assert_eq!(store.take_touched(&|_| true).vantage_points.is_empty(), round >= touched, "round {round}");
        if round == 1 {
            while store.compact(at(3 * DAY_MS)).unwrap().more {}
        }
    }
}

#[test]
fn a_store_of_format_1_is_taken_up_whole() {
    opens_whole("format-1", 2, 1);
}

#[test]
fn a_store_of_format_2_is_opened_whole() {
    let scratch = tempfile::tempdir().unwrap();
    unpack("format-2", scratch.path());
    let store = open(scratch.path());
    let expected = fs::read_to_string(format!("{FIXTURES}/format-2/rows.txt")).unwrap();
    assert_eq!(rows_of(&store), expected);
    assert_eq!((store.readings(&disk(), all()).unwrap().len(), store.volumes(&net(), all()).unwrap().len()), (40, 40));
    let hours = store.rollups(&StreamId::Probe(vantage("web")), all()).unwrap();
    assert_eq!(hours.len(), 4 * 2, "two hours of each of four days");
    let stats = store.stats();
    assert!(stats.day_bytes > 0 && stats.rollup_bytes > 0 && stats.part_bytes > 0 && stats.journal_batches > 0);
    assert!(store.parts.iter().any(|part| part.first() < part.made()), "a folded part among them");
    drop(store);
    opens_whole("format-2", 1, 2);
}

/// Wrote the fixture of format 2. It is kept as it was written then; a later format gets one of its own.
#[test]
#[ignore = "writes a fixture"]
fn write_the_fixture_of_format_2() {
    let scratch = tempfile::tempdir().unwrap();
    let small = StoreOptions { parts_max: 6, ..options() };
    let mut store = open_with(scratch.path(), small);
    let long: Vec<u8> = (0..80_000_u32).map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let record = |kind, key: &[u8], value: &[u8]| RecordChange { kind, key: key.to_vec(), value: Some(value.to_vec()) };
    let changes = [record(RecordKind::Meta, b"greeting", b"hello"), record(RecordKind::Catalogue, b"long", &long)];
    store.commit(&changes).unwrap();
    // A day that was merged, one whose parts were folded, one that waits in parts and one that waits in the journal.
    for turn in 0..40 {
        let day = turn / 10;
        let ms = day * DAY_MS + turn % 10 * 700_000;
        let streams = vec![probed("web", [ms, ms + 5_000]), probed("api", [ms + 9]), read(ms, 7), flowed(ms, 9)];
        store.append(at(ms), vec![admitted(u64::try_from(turn).unwrap() + 1, streams)]).unwrap();
        if turn < 38 {
            store.seal().unwrap();
        }
        if turn == 9 {
            while store.compact(at(2 * DAY_MS)).unwrap().more {}
        }
        for _ in 0..20 {
            store.maintain(at(ms)).unwrap();
        }
    }
    store.close().unwrap();
    let fixture = Path::new(FIXTURES).join("format-2");
    fs::create_dir_all(fixture.join("series")).unwrap();
    fs::write(fixture.join("rows.txt"), rows_of(&store)).unwrap();
    drop(store);
    for folder in ["", "series"] {
        for file in fs::read_dir(scratch.path().join("store").join(folder)).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                let packed = zstd::bulk::compress(&fs::read(file.path()).unwrap(), 19).unwrap();
                let name = format!("{}.zst", file.file_name().into_string().unwrap());
                fs::write(fixture.join(folder).join(name), packed).unwrap();
            }
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
