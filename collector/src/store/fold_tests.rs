//! Parts of a day that is not over stay few, their rows are written seldom, and no crash loses or doubles any.

use uphold_common::observation::Observation;
use uphold_common::time::{DAY_MS, Interval};

use super::*;
use crate::store::files::{Files, TEMPORARY};
use crate::store::testing::*;
use crate::store::twin::Twin;
use crate::store::{Hours, Store, StoreOptions};

const PARTS_MAX: usize = 24;

fn open_on(twin: &Twin) -> EmbeddedStore {
    let options = StoreOptions { parts_max: PARTS_MAX, ..options() };
    EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), options).unwrap()
}

/// Seals rows of some probes at `ms`.
fn seal(store: &mut EmbeddedStore, seq: u64, ms: i64) {
    let streams = (0..30).map(|n| probed(&format!("p{n:02}"), (0..10).map(|k| ms + k * 100))).collect();
    store.append(at(ms), vec![admitted(seq, streams)]).unwrap();
    store.seal().unwrap();
}

fn expected(seals: u64, step_ms: i64) -> Vec<Observation> {
    (1..=seals.cast_signed()).flat_map(|seal| (0..10).map(move |k| up(seal * step_ms + k * 100))).collect()
}

fn parts_in(twin: &Twin) -> usize {
    twin.names().iter().filter(|name| name.starts_with("part-")).count()
}

#[test]
fn parts_stay_few_and_each_row_is_written_once_for_each_level() {
    let (twin, seals) = (Twin::default(), 400);
    let mut store = open_on(&twin);
    let mut sealed_bytes = 0;
    for seq in 1..=seals {
        seal(&mut store, seq, seq.cast_signed() * 60_000);
        sealed_bytes += store.parts.last().unwrap().table.bytes;
        while store.maintain(at(seq.cast_signed() * 60_000)).unwrap().more {}
        assert!(store.stats().parts <= PARTS_MAX && parts_in(&twin) == store.stats().parts, "after {seq} seals");
    }
    let highest = store.parts.iter().map(Part::level).max().unwrap();
    let written = ["part-", "day-", "rollup-"].map(|kind| twin.appended(kind));
    assert_eq!((store.stats().days, written[1], written[2]), (0, 0, 0), "a day that is not over is not merged");
    assert!((2..=4).contains(&highest), "{highest}");
    assert!(written[0] < sealed_bytes * u64::from(highest + 1), "{written:?} for {sealed_bytes}");
    assert_eq!(store.observations(&vantage("p07"), all()).unwrap(), expected(seals, 60_000));
    drop(store);
    let mut store = open_on(&twin);
    assert_eq!(store.observations(&vantage("p29"), all()).unwrap(), expected(seals, 60_000));
    assert!(store.verify(&mut |_, _| {}).unwrap().is_sound());
    while store.maintain(at(3 * DAY_MS)).unwrap().more {}
    assert_eq!((store.stats().parts, store.stats().days, parts_in(&twin)), (0, 1, 0));
    assert_eq!(store.observations(&vantage("p29"), all()).unwrap(), expected(seals, 60_000));
}

#[test]
fn rows_of_days_that_are_merged_are_left_out_and_late_ones_are_kept() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let mut rows = Vec::new();
    for seq in 1..=100_u64 {
        let ms = seq.cast_signed() * 1_800_000;
        let late = ms - DAY_MS - 7;
        store.append(at(ms), vec![admitted(seq, vec![probed("a", [late, ms])])]).unwrap();
        rows.extend([up(late), up(ms)]);
        store.seal().unwrap();
        while store.maintain(at(ms)).unwrap().more {}
        assert!(store.stats().parts <= PARTS_MAX);
        rows.sort_by_key(|row| row.at);
        assert_eq!(store.observations(&vantage("a"), all()).unwrap(), rows, "after {seq} seals");
        let hours = store.rollups(&StreamId::Probe(vantage("a")), all()).unwrap();
        assert_eq!(hours, Hours::of(&Block::Probe(rows.clone())));
    }
    store.forget_rows_before(20_455).unwrap();
    rows.retain(|row| row.at >= at(DAY_MS));
    drop(store);
    let mut store = open_on(&twin);
    while store.compact(at(9 * DAY_MS)).unwrap().more {}
    assert_eq!(store.observations(&vantage("a"), all()).unwrap(), rows);
    assert_eq!((store.stats().parts, store.stats().damaged()), (0, 0));
}

#[test]
fn wherever_a_fold_is_interrupted_nothing_is_lost_or_left() {
    let make = || {
        let twin = Twin::default();
        let mut store = open_on(&twin);
        for seq in 1..=PARTS_MAX as u64 + 1 {
            seal(&mut store, seq, seq.cast_signed() * 1_000);
        }
        (twin, store)
    };
    let (seals, fold) = (PARTS_MAX as u64 + 1, |store: &mut EmbeddedStore| {
        while store.maintain(at(0))?.more {}
        Ok::<_, StoreError>(())
    });
    let operations = {
        let (twin, mut store) = make();
        let before = twin.operations();
        fold(&mut store).unwrap();
        assert_eq!(store.stats().parts, PARTS_MAX - 2);
        twin.operations() - before
    };
    assert!(operations > 10);
    for most in 0..operations {
        let (twin, mut store) = make();
        twin.refuse_after(most);
        assert!(fold(&mut store).is_err(), "after {most}");
        drop(store);
        twin.crash(&mut Dice(most));
        for _ in 0..2 {
            let mut store = open_on(&twin);
            assert_eq!(store.stats().damaged(), 0, "after {most}");
            assert_eq!(store.observations(&vantage("p07"), all()).unwrap(), expected(seals, 1_000), "after {most}");
            assert_eq!(parts_in(&twin), store.stats().parts, "after {most}: {:?}", twin.names());
            fold(&mut store).unwrap();
            assert!(store.stats().parts <= PARTS_MAX);
        }
        assert!(open_on(&twin).verify(&mut |_, _| {}).unwrap().is_sound());
    }
}

#[test]
fn an_older_database_knows_what_was_folded_and_what_was_merged_of_it() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let empty = twin.database();
    for seq in 1..=PARTS_MAX as u64 + 1 {
        seal(&mut store, seq, seq.cast_signed() * 1_000);
    }
    let before = twin.database();
    while store.maintain(at(0)).unwrap().more {}
    for merged in [false, true] {
        if merged {
            while store.compact(at(0)).unwrap().more {}
        }
        drop(store);
        for database in [&before, &empty] {
            twin.put_back(database.clone());
            let store = open_on(&twin);
            assert_eq!(store.stats().older, 1, "merged: {merged}");
            let damage = store.damage.borrow();
            assert!(!damage.places().keys().any(|place| place.contains("part")), "merged: {merged}: {damage:?}");
            let rows = store.observations(&vantage("p07"), all()).unwrap();
            assert_eq!(rows, expected(PARTS_MAX as u64 + 1, 1_000), "merged: {merged}");
            assert_eq!(parts_in(&twin), store.stats().parts);
        }
        store = open_on(&twin);
        store.append(at(0), vec![admitted(90 + u64::from(merged), vec![probed("z", [1])])]).unwrap();
        store.seal().unwrap();
        drop(store);
        store = open_on(&twin);
        let damage = format!("{:?}", store.damage.borrow());
        assert!(store.stats().older == 0 && !damage.contains("part"), "said once: {damage}");
    }
}

#[test]
fn a_merge_a_forgotten_day_and_a_full_disk_make_a_fold_void() {
    for voided in 0..3 {
        let twin = Twin::default();
        let mut store = open_on(&twin);
        for seq in 1..=PARTS_MAX as u64 + 1 {
            // The first few are of the day before.
            let ms = if seq < 4 { -DAY_MS } else { 0 } + seq.cast_signed();
            store.append(at(0), vec![admitted(seq, vec![probed("a", [ms])])]).unwrap();
            store.seal().unwrap();
        }
        let places = store.parts_to_fold().unwrap();
        store.fold_step(places).unwrap();
        assert!(store.folding.is_some());
        match voided {
            0 => while store.compact(at(0)).unwrap().more {},
            1 => store.forget_rows_before(20_454).unwrap(),
            _ => {
                twin.fill_at(Some(0));
                assert!((0..9).any(|_| matches!(store.maintain(at(0)), Err(StoreError::NoSpace { .. }))));
                twin.fill_at(None);
            }
        }
        while store.maintain(at(0)).unwrap().more {}
        let kept = if voided == 1 { PARTS_MAX - 2 } else { PARTS_MAX + 1 };
        assert_eq!(store.observations(&vantage("a"), all()).unwrap().len(), kept, "{voided}");
        assert!(
            twin.list().unwrap().iter().all(|(name, _)| !name.ends_with(TEMPORARY)),
            "{voided}: {:?}",
            twin.names()
        );
        drop(store);
        let store = open_on(&twin);
        assert_eq!((store.observations(&vantage("a"), all()).unwrap().len(), store.stats().damaged()), (kept, 0));
    }
}

/// Rows of two days, of which the first is merged and left out of the fold that follows.
fn of_two_days(twin: &Twin) -> (EmbeddedStore, BTreeMap<Vec<u8>, Vec<u8>>, Vec<Observation>) {
    let mut store = open_on(twin);
    let instants = |day: i64| (1..=i64::try_from(PARTS_MAX).unwrap() + 1).map(move |seq| day * DAY_MS + seq);
    for seq in instants(0) {
        let rows = vec![probed("a", [seq, DAY_MS + seq])];
        store.append(at(0), vec![admitted(seq.unsigned_abs(), rows)]).unwrap();
        store.seal().unwrap();
    }
    let before = twin.database();
    (store, before, instants(0).chain(instants(1)).map(up).collect())
}

#[test]
fn an_older_database_keeps_a_day_that_was_merged_before_its_parts_were_folded() {
    for left in [false, true] {
        let twin = Twin::default();
        let (mut store, before, rows) = of_two_days(&twin);
        let sources: Vec<String> = store.parts.iter().take(4).map(|part| part.table.name.clone()).collect();
        let sources: Vec<(&String, Vec<u8>)> =
            sources.iter().map(|name| (name, Files::read(&twin, name, 0, usize::MAX).unwrap())).collect();
        while store.maintain(at(DAY_MS + 3_600_000)).unwrap().more {}
        assert!(store.days.len() == 1 && store.parts[0].level() == 1 && store.parts[0].days().len() == 1);
        drop(store);
        twin.put_back(before);
        if left {
            // It stopped before the files of the parts went.
            for (name, bytes) in &sources {
                twin.put_file(name, bytes);
            }
        }
        for older in [1, 0] {
            let mut store = open_on(&twin);
            let touched = store.take_touched(&|_| true).vantage_points;
            let stretches: Vec<_> = touched.values().flat_map(|touched| touched.days.values().copied()).collect();
            let first_day = Interval::new(at(0), at(DAY_MS));
            assert_eq!(stretches, [first_day].repeat(usize::try_from(older).unwrap()), "the day that was merged");
            assert!(touched.values().all(|touched| touched.rows.is_none()));
            assert_eq!(store.observations(&vantage("a"), all()).unwrap(), rows, "left: {left}");
            assert_eq!((store.stats().older, store.stats().missing_files), (older, 0), "left: {left}");
            assert_eq!(store.stats().days, 1);
        }
    }
}

#[test]
fn an_older_database_keeps_a_day_that_was_written_anew_since() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let merge = |store: &mut EmbeddedStore, seq: u64| {
        store.append(at(0), vec![admitted(seq, vec![probed("a", [seq.cast_signed()])])]).unwrap();
        store.seal().unwrap();
        let sealed = twin.database();
        while store.compact(at(0)).unwrap().more {}
        assert_eq!(store.days.values().next().unwrap().tables.len(), 1, "written anew");
        sealed
    };
    let before = merge(&mut store, 1);
    let between = twin.database();
    let sealed = merge(&mut store, 2);
    drop(store);
    let files: Vec<(String, Vec<u8>)> = twin
        .names()
        .into_iter()
        .map(|name| (name.clone(), Files::read(&twin, &name, 0, usize::MAX).unwrap()))
        .collect();
    for (database, what) in [(before, "of before"), (between, "of between"), (sealed, "of the second seal")] {
        for name in twin.names() {
            twin.lose(&name);
        }
        for (name, bytes) in &files {
            twin.put_file(name, bytes);
        }
        twin.put_back(database);
        for _ in 0..2 {
            let store = open_on(&twin);
            assert_eq!(store.observations(&vantage("a"), all()).unwrap(), [up(1), up(2)], "{what}");
        }
    }
}

#[test]
fn a_part_that_is_missing_is_not_folded_over() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    for seq in 1..=PARTS_MAX as u64 {
        seal(&mut store, seq, seq.cast_signed() * 1_000);
    }
    let name = store.parts[2].table.name.clone();
    let part = Files::read(&twin, &name, 0, usize::MAX).unwrap();
    drop(store);
    twin.lose(&name);
    let mut store = open_on(&twin);
    let seals = 3 * PARTS_MAX as u64;
    for seq in PARTS_MAX as u64 + 1..=seals {
        seal(&mut store, seq, seq.cast_signed() * 1_000);
        while store.maintain(at(0)).unwrap().more {}
    }
    assert!(store.parts.len() <= PARTS_MAX && store.parts.iter().any(|part| part.level() > 0));
    assert_eq!(store.stats().days, 0);
    for _ in 0..2 {
        drop(store);
        store = open_on(&twin);
        assert_eq!((store.stats().older, store.stats().missing_files), (0, 1));
    }
    drop(store);
    twin.put_file(&name, &part);
    let store = open_on(&twin);
    assert_eq!(store.stats().damaged(), 0);
    assert_eq!(store.observations(&vantage("p07"), all()).unwrap(), expected(seals, 1_000));
}

#[test]
fn twice_as_many_parts_as_may_wait_are_merged_whatever_could_be_folded() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let seals = 2 * PARTS_MAX as u64 + 1;
    for seq in 1..=seals {
        seal(&mut store, seq, seq.cast_signed() * 1_000);
    }
    let places = store.parts_to_fold().unwrap();
    store.fold_step(places).unwrap();
    while store.maintain(at(0)).unwrap().more {}
    assert_eq!((store.stats().parts, store.stats().days), (0, 1));
    assert_eq!(store.observations(&vantage("p07"), all()).unwrap(), expected(seals, 1_000));
    assert!(!twin.names().iter().any(|name| name.ends_with(TEMPORARY)), "{:?}", twin.names());
}

#[test]
fn parts_that_come_back_after_their_day_was_merged_are_merged_as_late_rows() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    for seq in 1..=6 {
        seal(&mut store, seq, seq.cast_signed() * 1_000);
    }
    let lost: Vec<(String, Vec<u8>)> = store.parts[..5]
        .iter()
        .map(|part| part.table.name.clone())
        .map(|name| {
            let bytes = Files::read(&twin, &name, 0, usize::MAX).unwrap();
            (name, bytes)
        })
        .collect();
    drop(store);
    for (name, _) in &lost {
        twin.lose(name);
    }
    let mut store = open_on(&twin);
    while store.compact(at(0)).unwrap().more {}
    drop(store);
    store = open_on(&twin);
    assert_eq!((store.stats().missing_files, store.stats().days), (5, 1));
    drop(store);
    for (name, bytes) in &lost {
        twin.put_file(name, bytes);
    }
    let mut store = open_on(&twin);
    assert_eq!((store.stats().damaged(), store.take_touched(&|_| true).vantage_points.len()), (0, 30));
    assert_eq!(store.observations(&vantage("p07"), all()).unwrap(), expected(6, 1_000));
    let seals = PARTS_MAX as u64 + 6;
    for seq in 7..=seals {
        seal(&mut store, seq, seq.cast_signed() * 1_000);
        while store.maintain(at(0)).unwrap().more {}
    }
    assert!(store.parts.iter().any(|part| part.level() > 0));
    assert_eq!(store.observations(&vantage("p07"), all()).unwrap(), expected(seals, 1_000));
    let merged = store.days.values().next().unwrap().record.merged;
    while store.maintain(at(3 * DAY_MS)).unwrap().more {}
    let record = store.days.values().next().unwrap().record.clone();
    assert!(record.merged > merged && record.without.is_empty() && store.parts.is_empty());
    assert_eq!(store.observations(&vantage("p07"), all()).unwrap(), expected(seals, 1_000));
    drop(store);
    assert_eq!(open_on(&twin).stats().damaged(), 0);
}
