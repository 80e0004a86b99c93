//! Seals, merges, bounds and records in an open store, and a model that random use is held against.

use std::collections::BTreeSet;
use std::fs;

use uphold_common::observation::{Micros, Observation, Phases, settle_all};
use uphold_common::time::DAY_MS;
use uphold_common::wire::batch::{BatchKey, Epoch};
use uphold_common::wire::columns::Rows;

use super::testing::*;
use super::*;

const HOUR_MS: i64 = 3_600_000;

/// How many chunks the tables of a day hold, those that newer ones replace too.
fn chunks(store: &EmbeddedStore, day: i32) -> u64 {
    store.days.get(&day).map_or(0, |day| day.tables.iter().map(|table| table.directory.blocks).sum())
}

#[test]
fn a_seal_is_due_by_age_by_journal_and_by_head() {
    let scratch = tempfile::tempdir().unwrap();
    let small = StoreOptions { head_bytes_max: 4_000, ..options() };
    let mut store = open_with(scratch.path(), small);
    store.commit(&[RecordChange { kind: RecordKind::Meta, key: vec![1], value: None }]).unwrap();
    assert_eq!(store.maintain(at(0)).unwrap(), Maintained::default(), "records wait as long as rows");
    store.append(at(0), vec![admitted(1, vec![probed("web", [1])])]).unwrap();
    assert_eq!(store.maintain(at(HOUR_MS - 1)).unwrap().sealed_rows, None);
    assert_eq!(store.maintain(at(HOUR_MS)).unwrap().sealed_rows, Some(1));
    assert_eq!((store.stats().journal_bytes, store.stats().head_bytes, store.stats().seals), (0, 0, 1));

    store.append(at(HOUR_MS), vec![admitted(2, vec![probed("web", 10..120)])]).unwrap();
    assert_eq!(store.maintain(at(HOUR_MS)).unwrap().sealed_rows, Some(110));

    store.options.journal_bytes_max = 10;
    store.append(at(HOUR_MS), vec![admitted(3, vec![probed("web", [200])])]).unwrap();
    assert_eq!(store.maintain(at(HOUR_MS)).unwrap().sealed_rows, Some(1));
    assert_eq!(store.observations(&vantage("web"), all()).unwrap().len(), 112);
}

#[test]
fn a_journal_that_holds_only_records_is_sealed_too() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open_with(scratch.path(), StoreOptions { journal_bytes_max: 5_000, ..options() });
    let change = |n: u8| RecordChange { kind: RecordKind::Meta, key: vec![n], value: Some(vec![n; 100]) };
    for round in 0..10_u8 {
        let now = 2 * i64::from(round) * HOUR_MS;
        store.commit(&[change(round)]).unwrap();
        assert_eq!(store.maintain(at(now)).unwrap(), Maintained::default(), "round {round}");
        store.commit(&[change(round)]).unwrap();
        assert_eq!(store.maintain(at(now + HOUR_MS - 1)).unwrap().sealed_rows, None);
        assert_eq!(store.maintain(at(now + HOUR_MS)).unwrap().sealed_rows, Some(0), "round {round}");
        assert_eq!((store.stats().journal_bytes, store.stats().journal_oldest), (0, None));
        assert_eq!(store.maintain(at(now + 9 * HOUR_MS)).unwrap(), Maintained::default(), "once");
        assert!(store.journal.bytes_of_files() < 2_000);
    }
    let mut seals = 0;
    for n in 0..200_u8 {
        store.commit(&[change(n)]).unwrap();
        seals += u64::from(store.maintain(at(40 * HOUR_MS)).unwrap().sealed_rows.is_some());
    }
    assert!(seals > 0 && store.journal.bytes_of_files() < 15_000, "by its size");
    drop(store);
    let store = open(scratch.path());
    assert!((0..200).all(|n| store.record(RecordKind::Meta, &[n]).unwrap() == change(n).value));
}

#[test]
fn a_collector_that_is_killed_again_and_again_leaves_no_files_without_end() {
    let scratch = tempfile::tempdir().unwrap();
    let files = || fs::read_dir(scratch.path().join("store/series")).unwrap().count();
    for seq in 1..=120 {
        let mut store = open(scratch.path());
        store.append(at(0), vec![admitted(seq, vec![probed("web", [seq.cast_signed()])])]).unwrap();
        assert!(store.maintain(at(1)).is_ok());
        assert_eq!(store.observations(&vantage("web"), all()).unwrap().len() as u64, seq);
        assert!(files() < 80, "{} files after {seq} starts", files());
        let on_disk: u64 = store.files.list().unwrap().iter().map(|(_, bytes)| *bytes).sum();
        let stats = store.stats();
        assert_eq!(stats.disk_bytes - stats.database_bytes, on_disk, "what is told is what is there");
    }
}

#[test]
fn a_full_head_refuses_and_a_seal_makes_room() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open_with(scratch.path(), StoreOptions { head_bytes_max: 2_000, ..options() });
    store.append(at(0), vec![admitted(1, vec![probed("web", 0..200)])]).unwrap();
    let refused = store.append(at(0), vec![admitted(2, vec![probed("web", [300])])]).unwrap_err();
    assert!(matches!(refused, StoreError::Full { limit: 4_000, .. }), "{refused}");
    assert!(store.maintain(at(0)).unwrap().sealed_rows.is_some());
    assert_eq!(store.append(at(0), vec![admitted(2, vec![probed("web", [300])])]).unwrap(), vec![Appended::Kept]);
}

#[test]
fn what_arrives_in_one_call_is_decided_in_its_order() {
    use Appended::{Conflict, Duplicate, Kept, TooManyAgents, TooManyStreams};
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open_with(scratch.path(), StoreOptions { streams_max: 2, agents_max: 1, ..options() });
    let stranger = BatchKey { agent: id("berlin-1"), epoch: Epoch([1; 16]), seq: 1 };
    let batches = vec![
        admitted(1, vec![probed("a", [1])]),
        admitted(1, vec![probed("a", [1])]),
        admitted(1, vec![probed("a", [2])]),
        admitted(2, vec![probed("a", [3]), probed("b", [3]), probed("c", [3])]),
        admitted(3, vec![probed("b", [4])]),
        admitted(4, vec![probed("a", [5]), probed("b", [5])]),
        admitted_as(stranger, vec![]),
    ];
    let answers = store.append(at(0), batches).unwrap();
    assert_eq!(answers, vec![Kept, Duplicate, Conflict, TooManyStreams, Kept, Kept, TooManyAgents]);
    assert_eq!(store.observations(&vantage("a"), all()).unwrap(), vec![up(1), up(5)]);
    assert_eq!((store.stats().streams, store.stats().agents, store.stats().duplicate_batches), (2, 1, 1));
}

#[test]
fn an_agent_brings_so_many_streams_and_others_are_not_touched_by_that() {
    let full = Appended::TooManyStreamsOfAgent { most: 3 };
    let scratch = tempfile::tempdir().unwrap();
    let small = StoreOptions { streams_per_agent_max: 3, ..options() };
    let mut store = open_with(scratch.path(), small.clone());
    let append = |store: &mut EmbeddedStore, seq: u64, streams: Vec<Rows>| {
        store.append(at(0), vec![admitted(seq, streams)]).unwrap()[0]
    };
    let both = || vec![probed("a", [1]), probed("b", [1])];
    assert_eq!(append(&mut store, 1, both()), Appended::Kept);
    assert_eq!(append(&mut store, 2, vec![read(1, 1), probed("c", [1])]), full, "of a host and of a probe");
    assert_eq!(append(&mut store, 3, vec![read(1, 1)]), Appended::Kept);
    assert_eq!(append(&mut store, 4, vec![flowed(1, 1)]), full);
    assert_eq!(append(&mut store, 5, vec![probed("a", [2]), probed("b", [2]), read(2, 1)]), Appended::Kept);
    let other = BatchKey { agent: id("berlin-1"), epoch: Epoch([1; 16]), seq: 1 };
    assert_eq!(store.append(at(0), vec![admitted_as(other, both())]).unwrap(), vec![Appended::Kept]);
    drop(store);
    let mut store = open_with(scratch.path(), small);
    assert_eq!(append(&mut store, 6, vec![probed("c", [3])]), full, "also after it was opened again");
    assert_eq!(append(&mut store, 7, both()), Appended::Kept);
}

#[test]
fn a_finished_day_is_merged_and_late_rows_merge_it_again() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    for seq in 1..=6_u64 {
        let ms = seq.cast_signed() * HOUR_MS;
        let streams = ["a", "b", "c", "d", "e"].map(|probe| probed(probe, [ms, ms + 5, ms + 9]));
        store.append(at(ms), vec![admitted(seq, streams.to_vec())]).unwrap();
        store.seal().unwrap();
    }
    assert_eq!((store.stats().parts, store.stats().days_unmerged), (6, 1));
    assert_eq!(store.maintain(at(DAY_MS + HOUR_MS - 1)).unwrap(), Maintained::default(), "not rested yet");
    let over = at(DAY_MS + HOUR_MS);
    let step = store.maintain(over).unwrap();
    assert_eq!((step.merged_streams, step.more), (5, false));
    assert_eq!(store.maintain(over).unwrap(), Maintained::default());
    assert_eq!((chunks(&store, 20_454), store.stats().parts, store.stats().days_unmerged), (5, 0, 0));
    assert_eq!(store.observations(&vantage("c"), all()).unwrap().len(), 18);

    store.append(over, vec![admitted(7, vec![probed("c", [HOUR_MS, HOUR_MS + 1])])]).unwrap();
    store.seal().unwrap();
    drop(store);
    let mut store = open(scratch.path());
    assert_eq!(store.stats().days_unmerged, 1);
    assert_eq!(store.maintain(over).unwrap(), Maintained::default(), "late rows rest too");
    let rested = at(DAY_MS + 2 * HOUR_MS);
    let step = store.maintain(rested).unwrap();
    assert_eq!((step.merged_streams, step.more, chunks(&store, 20_454)), (1, false, 6), "one table more");
    assert_eq!(store.observations(&vantage("c"), all()).unwrap().len(), 19);
    let span = Interval::new(at(HOUR_MS + 1), at(HOUR_MS + 9));
    assert_eq!(store.observations(&vantage("c"), span).unwrap(), vec![up(HOUR_MS + 1), up(HOUR_MS + 5)]);
    assert!(store.observations(&vantage("c"), Interval::new(at(5), at(5))).unwrap().is_empty());
}

#[test]
fn tables_that_pile_up_are_written_into_one() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    let many = (0..40).map(|n| probed(&format!("p{n:02}"), (0..50).map(|k| k * 1_000))).collect();
    store.append(at(0), vec![admitted(1, many)]).unwrap();
    let mut tables = Vec::new();
    for seq in 2..=8_u64 {
        while store.compact(at(0)).unwrap().more {}
        tables.push(store.days[&20_454].tables.len());
        let late = vec![probed("p07", [HOUR_MS + seq.cast_signed()]), probed("p99", [seq.cast_signed()])];
        store.append(at(0), vec![admitted(seq, late)]).unwrap();
    }
    assert_eq!(tables, [1, 2, 3, 4, 1, 2, 3]);
    drop(store);
    let store = open(scratch.path());
    assert_eq!(store.observations(&vantage("p07"), all()).unwrap().len(), 57);
    assert_eq!(store.observations(&vantage("p99"), all()).unwrap().len(), 7);
    assert_eq!(store.observations(&vantage("p12"), all()).unwrap().len(), 50);
    let files = std::fs::read_dir(scratch.path().join("store/series")).unwrap().count();
    assert!(files <= 4 + 3, "{files} files: three tables, one of roll-ups, and the journal's");
}

#[test]
fn days_that_are_forgotten_take_no_room_and_never_come_back() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    for day in 0..4_i64 {
        let seq = day.unsigned_abs() + 1;
        store.append(at(day * DAY_MS), vec![admitted(seq, vec![probed("a", [day * DAY_MS])])]).unwrap();
        store.seal().unwrap();
        if day == 1 {
            while store.compact(at(DAY_MS)).unwrap().more {}
        }
    }
    store.forget_rows_before(20_457).unwrap();
    assert_eq!((store.stats().days, store.stats().parts), (0, 1));
    let late = vec![admitted(9, vec![probed("a", [DAY_MS - 1, DAY_MS, 3 * DAY_MS + 7])])];
    assert_eq!(store.append(at(0), late).unwrap(), vec![Appended::Kept]);
    for _ in 0..2 {
        assert_eq!(store.observations(&vantage("a"), all()).unwrap(), vec![up(3 * DAY_MS), up(3 * DAY_MS + 7)]);
        while store.compact(at(5 * DAY_MS)).unwrap().more {}
        drop(store);
        store = open(scratch.path());
    }
    assert_eq!((store.stats().days, store.stats().first_day), (1, Some(20_457)));
}

#[test]
fn the_newest_row_stays_the_newest_through_late_rows_and_restarts() {
    let scratch = tempfile::tempdir().unwrap();
    for (seq, ms, used) in [(1, 50, 10), (2, 20, 99), (3, 50, 30), (4, 50, 20)] {
        let mut store = open(scratch.path());
        store.append(at(0), vec![admitted(seq, vec![read(ms, used), flowed(ms, used)])]).unwrap();
        store.seal().unwrap();
    }
    let store = open(scratch.path());
    let reading = store.latest_readings(&|_| true);
    assert_eq!((reading.len(), reading[0].1.at, reading[0].1.used), (1, at(50), 30));
    assert_eq!(store.latest_volumes(&|_| true)[0].1.amount, 30);
    assert_eq!(store.readings(&disk(), all()).unwrap().iter().map(|r| r.used).collect::<Vec<_>>(), vec![99, 30]);
    assert_eq!(store.volumes(&net(), all()).unwrap().iter().map(|v| v.amount).collect::<Vec<_>>(), vec![99, 30]);
}

#[test]
fn many_seals_keep_the_disk_bounded() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    let mut seq = 0;
    let (mut sizes, mut dice) = (Vec::new(), Dice(9));
    for round in 0..24_i64 {
        for _ in 0..20 {
            seq += 1;
            let base = round * HOUR_MS;
            let mut rows: Vec<Observation> = (0..3_600).map(|n| up(base + n * 1_000)).collect();
            for row in &mut rows {
                row.total = Micros::new(dice.next() >> 33);
            }
            store.append(at(base), vec![admitted(seq, vec![Rows::Probe(vantage("web").probe, rows)])]).unwrap();
        }
        assert!(store.stats().journal_bytes > 200_000);
        store.seal().unwrap();
        assert_eq!(store.stats().journal_bytes, 0);
        sizes.push(store.stats().disk_bytes);
    }
    while store.maintain(at(DAY_MS + HOUR_MS)).unwrap().more {}
    assert_eq!(store.observations(&vantage("web"), all()).unwrap().len(), 86_400);
    assert_eq!(blobs(&scratch), 0);
    let (highest, merged) = (sizes.iter().max().copied().unwrap_or_default(), store.stats().day_bytes);
    // 20 rounds of one hour arrive under the same instants, of which one each is kept.
    assert!(merged < 86_400 * 5, "{merged} bytes for 86,400 rows of four bytes of noise each");
    assert!(store.stats().disk_bytes < highest, "{} bytes at the end, {highest} at most", store.stats().disk_bytes);
}

/// Files beside the log: a page over a quarter of a segment would stand in one.
fn blobs(scratch: &tempfile::TempDir) -> usize {
    fs::read_dir(scratch.path().join("store/blobs")).unwrap().count()
}

#[test]
fn the_largest_batches_chunks_and_records_stay_in_the_log() {
    let scratch = tempfile::tempdir().unwrap();
    let (mut store, mut dice) = (open(scratch.path()), Dice(3));
    for seq in 1..=6_u64 {
        let mut rows: Vec<Observation> = (0..50_000).map(|n| up(n * 1_000 + seq.cast_signed())).collect();
        for row in &mut rows {
            let mut noise = || Micros::new(dice.next() >> 32);
            row.phases =
                Phases { connect: noise(), tls: noise(), first_byte: noise(), transfer: noise(), ..row.phases };
        }
        let batch = admitted(seq, vec![Rows::Probe(vantage("web").probe, rows)]);
        assert!(batch.framed.len() > 800_000, "{}", batch.framed.len());
        store.append(at(0), vec![batch]).unwrap();
        let value: Vec<u8> = (0..40_000).flat_map(|_| dice.next().to_be_bytes()).collect();
        let key = seq.to_be_bytes().to_vec();
        store.commit(&[RecordChange { kind: RecordKind::Catalogue, key, value: Some(value) }]).unwrap();
        if seq % 3 == 0 {
            store.seal().unwrap();
        }
    }
    while store.maintain(at(DAY_MS + HOUR_MS)).unwrap().more {}
    assert_eq!(blobs(&scratch), 0);
    assert_eq!(store.observations(&vantage("web"), all()).unwrap().len(), 300_000);
}

/// Random appends, seals, merges and restarts, held against a plain list of everything that was ever delivered.
#[test]
fn random_use_agrees_with_a_plain_model() {
    for seed in 0..6 {
        let scratch = tempfile::tempdir().unwrap();
        let mut dice = Dice(seed);
        let mut store = open_with(scratch.path(), options());
        let mut model: BTreeMap<&str, Vec<Observation>> = BTreeMap::new();
        let mut now_ms = 0;
        for seq in 1..=60 {
            now_ms += dice.below(6).cast_signed() * HOUR_MS / 2;
            let probe = ["a", "b", "c"][usize::try_from(dice.below(3)).unwrap()];
            // Late by up to three days, on a coarse grid, so that instants and days meet again.
            let instants: BTreeSet<i64> =
                (0..dice.below(40)).map(|_| now_ms - dice.below(3 * 24 * 60).cast_signed() * 60_000).collect();
            let mut rows: Vec<Observation> = instants.into_iter().map(up).collect();
            for row in &mut rows {
                row.total = Micros::new(dice.below(900));
            }
            model.entry(probe).or_default().extend(&rows);
            let streams = vec![Rows::Probe(vantage(probe).probe, rows)];
            store.append(at(now_ms), vec![admitted(seq, streams)]).unwrap();
            match dice.below(8) {
                0 => {
                    drop(store);
                    store = open_with(scratch.path(), options());
                }
                1 => assert!(store.seal().is_ok()),
                2 | 3 => assert!(store.maintain(at(now_ms)).is_ok()),
                4 => assert!(store.compact(at(now_ms)).is_ok()),
                _ => {}
            }
            let span = Interval::new(at(now_ms - 2 * DAY_MS - 777_777), at(now_ms - 60_000));
            for (probe, rows) in &model {
                for span in [all(), span] {
                    let mut expected: Vec<Observation> = rows.iter().filter(|r| span.contains(r.at)).copied().collect();
                    settle_all(&mut expected);
                    assert_eq!(
                        store.observations(&vantage(probe), span).unwrap(),
                        expected,
                        "seed {seed}, batch {seq}"
                    );
                }
            }
        }
        assert!(store.stats().corrupt_chunks == 0 && store.stats().corrupt_journal == 0);
    }
}

#[test]
fn a_compaction_ends_with_what_had_arrived_when_it_began() {
    let scratch = tempfile::tempdir().unwrap();
    let mut store = open(scratch.path());
    let append = |store: &mut EmbeddedStore, seq: u64| {
        let rows = [0, DAY_MS].map(|day| probed("web", [day + i64::try_from(seq).unwrap()]));
        store.append(at(0), vec![admitted(seq, rows.to_vec())]).unwrap();
    };
    append(&mut store, 1);
    let (mut seq, mut steps) = (1, 0);
    loop {
        let more = store.compact(at(0)).unwrap().more;
        steps += 1;
        assert!(steps < 10, "every step is met by something new, and it would never end");
        if !more {
            break;
        }
        seq += 1;
        append(&mut store, seq);
    }
    assert_eq!((store.stats().seals, store.stats().parts, store.stats().days), (1, 0, 2));
    assert_eq!(store.stats().head_rows as u64, (seq - 1) * 2);
    while store.compact(at(0)).unwrap().more {}
    assert_eq!((store.stats().head_rows, store.stats().parts), (0, 0));
    assert_eq!(store.observations(&vantage("web"), all()).unwrap().len() as u64, seq * 2);
}

#[test]
fn every_stream_of_a_group_has_its_turn_once_in_a_merge() {
    for rows in [0, 1, 10, 11, 95, 640, 6_400, u64::MAX] {
        let turns = super::merge::group::at_once(3, rows, 10);
        let all: Vec<u32> = turns.iter().cloned().flatten().collect();
        assert_eq!(all, (192..256).collect::<Vec<_>>(), "{rows} rows");
        assert!(turns.len() as u64 >= rows.div_ceil(10).clamp(1, 64) / 2);
    }
}
