//! Entries of groups come back, stay small, and take the place of the lone entries of before.

use uphold_common::ids::{PathId, VantagePoint};
use uphold_common::observation::{Resource, ResourceId};
use uphold_common::wire::OF_BYTES_MAX;

use super::*;
use crate::store::testing::*;
use crate::store::twin::Twin;
use crate::store::{Store, StoreOptions};

fn open_on(twin: &Twin) -> EmbeddedStore {
    EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), StoreOptions { ..options() }).unwrap()
}

fn entries(store: &EmbeddedStore, kind: u8) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.disk.scan(&KeyRange::prefix(&[kind]), visit).unwrap();
    found
}

/// What is known of streams and newest rows, by number.
fn known(store: &EmbeddedStore) -> Vec<(StreamId, Option<[u8; NEWEST_BYTES]>)> {
    let streams = &store.memory.streams;
    (0..200).filter_map(|number| Some((streams.id(number)?.clone(), streams.newest(number)))).collect()
}

fn disk_named(number: usize, len: usize) -> ResourceId {
    ResourceId { host: id("web-1"), resource: Resource::Filesystem, of: format!("{number:0>len$}") }
}

#[test]
fn groups_come_back_and_the_longest_names_fit() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let long = "x".repeat(64);
    let probe = |number: usize| PathId::new(id(&long), id(&format!("{number:0>64}")));
    let rows = |number| uphold_common::wire::columns::Rows::Probe(probe(number), vec![up(5)]);
    let reading = uphold_common::observation::Reading { at: at(5), used: u64::MAX, limit: u64::MAX };
    let read = |n| uphold_common::wire::columns::Rows::Capacity(disk_named(n, OF_BYTES_MAX), vec![reading]);
    store.append(at(0), vec![admitted(1, (0..70).map(rows).chain((0..70).map(read)).collect())]).unwrap();
    store.seal().unwrap();
    let before = known(&store);
    assert_eq!(before.len(), 140);
    let sizes = |kind| entries(&store, kind).iter().map(|(_, value)| value.len()).collect::<Vec<_>>();
    assert_eq!((sizes(keys::STREAMS).len(), sizes(keys::NEWEST).len()), (140_usize.div_ceil(8), 2));
    let largest = sizes(keys::STREAMS).into_iter().chain(sizes(keys::NEWEST)).max().unwrap();
    assert!(largest <= parts::PART_BYTES_MAX, "{largest}");
    drop(store);
    let mut store = open_on(&twin);
    assert_eq!(known(&store), before);
    // Another row of one stream rewrites its group, and nothing else.
    store.append(at(0), vec![admitted(2, vec![read(3)])]).unwrap();
    store.seal().unwrap();
    drop(store);
    assert_eq!(known(&open_on(&twin)), before);
}

#[test]
fn lone_entries_of_before_are_grouped() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    store.append(at(0), vec![admitted(1, vec![probed("web", [1]), read(5, 1), flowed(6, 2)])]).unwrap();
    store.seal().unwrap();
    let before = known(&store);
    let mut writes = Writes::default();
    for kind in [keys::STREAMS, keys::NEWEST] {
        for (key, _) in entries(&store, kind) {
            writes.remove(key);
        }
    }
    for (number, (stream, newest)) in before.iter().enumerate() {
        let number = u32::try_from(number).unwrap();
        let stream = parts::framed(STREAM_MAGIC, &packed(stream).unwrap()).unwrap();
        writes.put(keys::numbered(keys::STREAM, number), stream);
        let Some(newest) = newest else { continue };
        writes.put(keys::numbered(keys::NEWEST_ROW, number), parts::framed(NEWEST_ROW_MAGIC, newest).unwrap());
    }
    store.disk.apply(writes).unwrap();
    store.disk.sync().unwrap();
    drop(store);
    for _ in 0..2 {
        let store = open_on(&twin);
        assert_eq!(known(&store), before);
        assert_eq!((entries(&store, keys::STREAM).len(), entries(&store, keys::NEWEST_ROW).len()), (0, 0));
        assert_eq!((entries(&store, keys::STREAMS).len(), entries(&store, keys::NEWEST).len()), (1, 1));
        assert_eq!(store.stats().corrupt_records, 0);
    }
}

#[test]
fn the_vantage_points_keep_the_order_in_which_they_were_first_seen() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let names: Vec<String> = (0..20).rev().map(|number| format!("p{number:02}")).collect();
    let streams = names.iter().map(|name| probed(name, [1])).collect();
    store.append(at(0), vec![admitted(1, streams)]).unwrap();
    store.seal().unwrap();
    drop(store);
    let expected: Vec<VantagePoint> = names.iter().map(|name| vantage(name)).collect();
    assert_eq!(open_on(&twin).vantage_points(), expected);
}
