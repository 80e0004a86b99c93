//! A store of format 1 is taken up once and whole, whenever it is interrupted, within the bounds of the head.

use std::collections::BTreeMap;

use uphold_common::observation::Observation;
use uphold_common::time::DAY_MS;
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::columns::Rows;
use uphold_common::wire::frame::{self, Compression};

use super::*;
use crate::store::chunk::Of;
use crate::store::database::Database as _;
use crate::store::dictionary::STREAM_MAGIC;
use crate::store::recovery::{DAY, State, packed};
use crate::store::rows::Block;
use crate::store::stream::StreamKind;
use crate::store::testing::*;
use crate::store::twin::Twin;
use crate::store::{Store as _, StoreOptions};

const TODAY: i32 = 20_454;
const HEAD_BYTES_MAX: usize = 6_000;
/// How many rows each chunk has.
const ROWS: i64 = 50;
const CHUNKS: i64 = 40;

fn open_on(twin: &Twin) -> Result<EmbeddedStore, StoreError> {
    open_with(twin, options().parts_max)
}

fn open_with(twin: &Twin, parts_max: usize) -> Result<EmbeddedStore, StoreError> {
    let options = StoreOptions { head_bytes_max: HEAD_BYTES_MAX, parts_max, ..options() };
    EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), options)
}

/// A chunk of version 1: what one of version 2 says in its header of itself stood in the key.
fn chunk_1(stream: u32, rows: Vec<Observation>) -> Vec<u8> {
    let of = Of { day: TODAY, stream, kind: StreamKind::Probe };
    let whole = chunk::encode(of, &Block::Probe(rows)).unwrap();
    let content = &whole[frame::HEADER_BYTES..];
    let content = [&content[..1], &content[9..]].concat();
    frame::seal(Magic(*b"UPHc"), 1, Compression::Plain, &content).unwrap()
}

fn chunk_key(stream: u32, made: u32, piece: u16) -> Vec<u8> {
    let day = keys::day_bytes(TODAY);
    [&[keys::CHUNK][..], &day, &stream.to_be_bytes(), &made.to_be_bytes(), &piece.to_be_bytes()].concat()
}

fn instants(chunk: i64) -> impl Iterator<Item = i64> {
    (0..ROWS).map(move |n| (chunk * ROWS + n) * 1_000)
}

fn journal_entry(number: u64, admitted: &[u8], parts: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pieces: Vec<&[u8]> = admitted.chunks(admitted.len().div_ceil(parts)).collect();
    let entry = |(part, bytes): (usize, &&[u8])| {
        let part = u16::try_from(part).unwrap();
        let header = [&at(9).as_ms().to_be_bytes()[..], &u16::try_from(pieces.len()).unwrap().to_be_bytes()].concat();
        let content = if part == 0 { [&header, *bytes].concat() } else { bytes.to_vec() };
        let key = [&number.to_be_bytes()[..], &part.to_be_bytes()].concat();
        (key, crate::store::parts::framed(JOURNAL, &content).unwrap())
    };
    pieces.iter().enumerate().map(entry).collect()
}

/// A store of format 1 with chunks of two probes, two chunks that cannot be read, and a journal.
fn store_1() -> Twin {
    let (twin, mut writes) = (Twin::default(), Writes::default());
    let state = State {
        format: 1,
        id: Epoch([7; 16]),
        watermark: 5,
        made: 3,
        journal: (0, 0),
        parts: Vec::new(),
        raw_from: None,
        salt: None,
    };
    put_state(&mut writes, &state).unwrap();
    for (number, probe) in [(0, "a"), (1, "b")] {
        let id = packed(&StreamId::Probe(vantage(probe))).unwrap();
        writes.put(keys::numbered(keys::STREAM, number), parts::framed(STREAM_MAGIC, &id).unwrap());
        for chunk in 0..CHUNKS / 2 {
            let rows = instants(chunk).map(up).collect();
            writes.put(chunk_key(number, 1, u16::try_from(chunk).unwrap()), chunk_1(number, rows));
        }
    }
    writes.put(chunk_key(9, 1, 0), chunk_1(9, vec![up(1)]));
    let mut damaged = chunk_1(0, vec![up(DAY_MS - 1)]);
    *damaged.last_mut().unwrap() ^= 1;
    writes.put(chunk_key(0, 2, 0), damaged);
    writes.put(keys::day_key(TODAY), frame::seal(DAY, 1, Compression::Plain, &[1]).unwrap());
    twin.apply(writes).unwrap();
    twin.sync().unwrap();
    let mut journal = BTreeMap::new();
    for (number, parts) in [(5, 1), (6, 1), (7, 3)] {
        let ms = DAY_MS + i64::try_from(number).unwrap();
        let framed = admitted(number, vec![probed("a", [ms]), probed("c", [ms])]).framed;
        journal.extend(journal_entry(number, &framed, parts));
    }
    twin.put_journal_1(journal);
    twin
}

/// Everything is there once, and nothing of format 1 is left.
fn check(twin: &Twin, store: &mut EmbeddedStore, place: &str) {
    let chunks: Vec<Observation> = (0..CHUNKS / 2).flat_map(instants).map(up).collect();
    let journal = [up(DAY_MS + 6), up(DAY_MS + 7)];
    assert_eq!(store.observations(&vantage("a"), all()).unwrap(), [&chunks[..], &journal].concat(), "{place}");
    assert_eq!(store.observations(&vantage("b"), all()).unwrap(), chunks, "{place}");
    assert_eq!(store.observations(&vantage("c"), all()).unwrap(), journal, "{place}");
    assert_eq!(store.state.format, FORMAT);
    let stats = store.stats();
    assert_eq!((stats.older, stats.missing_files, stats.corrupt_journal), (0, 0, 0), "{place}");
    let rows: u64 = store.parts.iter().map(|part| part.rows_of(TODAY)).sum();
    let merged: u64 = store.days.values().flat_map(|day| &day.tables).map(|table| table.directory.rows).sum();
    assert!(rows == u64::try_from(CHUNKS * ROWS).unwrap() || merged > 0, "{place}: what attempts left was removed");
    let parts = twin.names().iter().filter(|name| name.starts_with("part-")).count();
    assert_eq!(parts, stats.parts, "{place}: {:?}", twin.names());
    let left = |kind: u8| twin.database().keys().filter(|key| key[0] == kind).count();
    assert_eq!((left(keys::CHUNK), left(keys::DAY)), (0, stats.days), "{place}: entries are left");
    let mut entries = 0;
    twin.scan_journal_of_format_1(&mut |_, _| {
        entries += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(entries, 0, "{place}");
}

#[test]
fn a_head_is_sealed_when_it_is_full_and_chunks_that_cannot_be_read_are_said_once() {
    let twin = store_1();
    let mut store = open_on(&twin).unwrap();
    check(&twin, &mut store, "at once");
    assert_eq!(store.stats().corrupt_chunks, 2);
    let rows = |part: &crate::store::part::Part| usize::try_from(part.table.directory.rows).unwrap();
    let bytes = |rows: usize| rows * size_of::<Observation>();
    let chunk = usize::try_from(ROWS).unwrap();
    assert!(store.parts.len() > 10);
    assert!(store.parts.iter().all(|part| bytes(rows(part)) < HEAD_BYTES_MAX + bytes(chunk)), "a chunk more at most");
    drop(store);
    let mut store = open_on(&twin).unwrap();
    check(&twin, &mut store, "opened again");
    assert_eq!(store.stats().corrupt_chunks, 0);
    // A day of the new format stays when the old ones go.
    while store.compact(at(3 * DAY_MS)).unwrap().more {}
    drop(store);
    let store = open_on(&twin).unwrap();
    assert_eq!((store.stats().days, store.observations(&vantage("b"), all()).unwrap().len()), (2, 1_000));
}

#[test]
fn wherever_it_is_interrupted_it_is_taken_up_once_and_nothing_is_left() {
    let operations = {
        let twin = store_1();
        let before = twin.operations();
        open_on(&twin).unwrap();
        twin.operations() - before
    };
    assert!(operations > 100, "{operations}");
    let mut interrupted = 0;
    for first in 0..operations {
        let (twin, mut dice) = (store_1(), Dice(first));
        for most in [first, dice.below(operations), dice.below(operations)] {
            twin.refuse_after(most);
            let refused = open_on(&twin).is_err();
            interrupted += u64::from(refused);
            twin.crash(&mut dice);
        }
        let mut store = open_on(&twin).unwrap();
        check(&twin, &mut store, &format!("interrupted after {first} of {operations}"));
        let batch = admitted(8, vec![Rows::Probe(vantage("d").probe, vec![up(1)])]);
        store.append(at(0), vec![batch]).unwrap();
        drop(store);
        twin.crash(&mut dice);
        assert_eq!(open_on(&twin).unwrap().observations(&vantage("d"), all()).unwrap(), [up(1)]);
    }
    assert!(interrupted > operations, "{interrupted}");
}

#[test]
fn parts_stay_few_while_it_is_taken_up_wherever_that_is_interrupted() {
    // With 2 they cannot be folded at some time, and the day is merged.
    for (parts_max, days) in [(8, 0), (2, 1)] {
        let operations = {
            let twin = store_1();
            let before = twin.operations();
            let mut store = open_with(&twin, parts_max).unwrap();
            check(&twin, &mut store, "at once");
            // The last seal of chunks and that of the journal come after.
            assert!(store.stats().parts <= parts_max + 2, "{} parts", store.stats().parts);
            assert_eq!(store.stats().days, days);
            twin.operations() - before
        };
        for first in (0..operations).step_by(3) {
            let (twin, mut dice) = (store_1(), Dice(first));
            for most in [first, dice.below(operations)] {
                twin.refuse_after(most);
                let _refused = open_with(&twin, parts_max);
                twin.crash(&mut dice);
            }
            let mut store = open_with(&twin, parts_max).unwrap();
            check(&twin, &mut store, &format!("interrupted after {first} of {operations}"));
        }
    }
}
