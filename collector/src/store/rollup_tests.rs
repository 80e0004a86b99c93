//! Roll-ups against a naive reckoning, their bytes, and the store that keeps them.

use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases, Reading, Volume};
use uphold_common::time::Interval;
use uphold_common::wire::columns::Rows;

use super::*;
use crate::store::rows::Block;
use crate::store::testing::*;
use crate::store::twin::Twin;
use crate::store::{EmbeddedStore, Store, StoreOptions, StreamId};

/// The day of [`MIDNIGHT`].
const DAY: i32 = 20_454;

/// Some attempts of a day, no two at one instant.
fn attempts(dice: &mut Dice, count: u64) -> Vec<Observation> {
    let mut rows: Vec<Observation> = (0..count)
        .map(|_| {
            let outcome = Outcome::from_code(u8::try_from(dice.below(4)).unwrap()).unwrap();
            let bits = dice.below(31);
            let total = if dice.below(5) == 0 { Micros::NONE } else { Micros::new(dice.below(1 << bits)) };
            let at = at(dice.below(DAY_MS.unsigned_abs()).cast_signed());
            Observation { at, outcome, cause: Cause::None, code: 0, total, phases: Phases::default() }
        })
        .collect();
    uphold_common::observation::settle_all(&mut rows);
    rows
}

/// An hour as somebody would reckon it by hand.
fn naive(rows: &[Observation], hour: i64) -> Option<ProbeHour> {
    let (start, end) = (at(hour * HOUR_MS), at((hour + 1) * HOUR_MS));
    let rows: Vec<_> = rows.iter().filter(|row| row.at >= start && row.at < end).collect();
    let of = |outcome| rows.iter().filter(|row| row.outcome == outcome).count() as u64;
    let mut took: Vec<u64> = rows.iter().filter_map(|row| row.total.get()).collect();
    took.sort_unstable();
    // The least that at least so many of a hundred do not exceed.
    let rank = |percent: usize| {
        let reaches = |one: &&u64| took.iter().filter(|other| other <= one).count() * 100 >= percent * took.len();
        *took.iter().find(reaches).unwrap()
    };
    let durations = (!took.is_empty()).then(|| Durations {
        count: took.len() as u64,
        sum_us: took.iter().sum(),
        min_us: took[0],
        p50_us: rank(50),
        p95_us: rank(95),
        max_us: took[took.len() - 1],
    });
    let (up, degraded, down) = (of(Outcome::Up), of(Outcome::Degraded), of(Outcome::Down));
    (!rows.is_empty()).then(|| ProbeHour { start, up, degraded, down, unknown: of(Outcome::Unknown), durations })
}

#[test]
fn attempts_come_to_what_is_reckoned_by_hand() {
    for seed in 0..60 {
        let dice = &mut Dice(seed);
        let count = 1 << dice.below(12);
        let rows = attempts(dice, count);
        let expected: Vec<ProbeHour> = (0..24).filter_map(|hour| naive(&rows, hour)).collect();
        let hours = Hours::of(&Block::Probe(rows));
        assert_eq!(hours, Hours::Probe(expected), "seed {seed}");
        let rolled = Rolled::from([(64, hours)]);
        assert_eq!(decode(DAY, 1, &encode(DAY, 1, &rolled).unwrap()).unwrap(), rolled);
    }
}

#[test]
fn percentiles_are_at_the_nearest_rank() {
    for (all, p50, p95) in [
        (vec![7], 7, 7),
        (vec![9, 1], 1, 9),
        (vec![3, 1, 2], 2, 3),
        ((1..=20).collect(), 10, 19),
        ((1..=21).rev().collect(), 11, 20),
        ((1..=100).collect(), 50, 95),
        (vec![5; 40], 5, 5),
    ] {
        let attempt = |(ms, us): (i64, u64)| Observation { total: Micros::new(us), ..up(ms) };
        let rows = all.iter().enumerate().map(|(ms, us)| attempt((i64::try_from(ms).unwrap(), *us))).collect();
        let Hours::Probe(hours) = Hours::of(&Block::Probe(rows)) else { panic!() };
        let durations = hours[0].durations.unwrap();
        assert_eq!((durations.p50_us, durations.p95_us), (p50, p95), "{all:?}");
    }
}

#[test]
fn readings_and_volumes_come_to_their_hours() {
    let reading = |ms, used, limit| Reading { at: at(ms), used, limit };
    // The one in use most is not the one used most.
    let rows = vec![reading(0, 90, 100), reading(1, 95, 1_000), reading(HOUR_MS - 1, 40, 50), reading(HOUR_MS, 0, 1)];
    let first = CapacityHour {
        start: at(0),
        readings: 3,
        used_min: 40,
        used_max: 95,
        used_last: 40,
        limit_last: 50,
        peak_ppb: 900_000_000,
    };
    let (start, nothing) = (at(HOUR_MS), 0);
    let second = CapacityHour {
        start,
        readings: 1,
        used_min: nothing,
        used_max: nothing,
        used_last: nothing,
        limit_last: 1,
        peak_ppb: 0,
    };
    let capacity = Hours::of(&Block::Capacity(rows));
    assert_eq!(capacity, Hours::Capacity(vec![first, second]));
    let volume = |ms, over_ms, amount| Volume { at: at(ms), over_ms, amount };
    let rows = vec![volume(5, 10, 7), volume(6, 1, u64::MAX), volume(23 * HOUR_MS, 9, 2)];
    let hour = |hour: i64, volumes, amount, over_ms| VolumeHour { start: at(hour * HOUR_MS), volumes, amount, over_ms };
    let volumes = Hours::of(&Block::Volume(rows));
    assert_eq!(volumes, Hours::Volume(vec![hour(0, 2, u64::MAX, 11), hour(23, 1, 2, 9)]), "at most what fits");
    let rolled = Rolled::from([(3, capacity), (9, volumes)]);
    assert_eq!(decode(DAY, 0, &encode(DAY, 0, &rolled).unwrap()).unwrap(), rolled);
    assert!(Hours::of(&Block::Probe(Vec::new())).is_empty());
}

#[test]
fn the_bytes_of_a_block_are_these_and_every_change_is_noticed() {
    let none = Observation { total: Micros::NONE, outcome: Outcome::Down, ..up(5 * HOUR_MS) };
    let probe = Hours::of(&Block::Probe(vec![up(0), up(30_000), none]));
    let capacity = Hours::of(&Block::Capacity(vec![Reading { at: at(7), used: 40, limit: 100 }]));
    let volume = Hours::of(&Block::Volume(vec![Volume { at: at(7), over_ms: 15_000, amount: 99 }]));
    let rolled = Rolled::from([(64, probe), (66, capacity), (127, volume)]);
    let block = encode(DAY, 1, &rolled).unwrap();
    let hex: String = block.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, GOLDEN);
    for end in 0..block.len() {
        assert!(decode(DAY, 1, &block[..end]).is_err(), "cut at {end}");
    }
    for place in 0..block.len() {
        let mut flipped = block.clone();
        flipped[place] ^= 1;
        assert!(decode(DAY, 1, &flipped).is_err(), "byte {place}");
    }
}

const GOLDEN: &str = concat!(
    "55504868000101000000002d2de2ded328b52ffd202d6901000300002102000000000100000200a09c0100e30100",
    "a3ba0202010101280000c8018088debe013f020101639875"
);

fn open_on(twin: &Twin) -> EmbeddedStore {
    let options = StoreOptions { merge_after_ms: HOUR_MS, ..options() };
    EmbeddedStore::open_in(Box::new(twin.clone()), Box::new(twin.clone()), options).unwrap()
}

fn probe(name: &str) -> StreamId {
    StreamId::Probe(vantage(name))
}

/// The roll-ups that the store gives are those of the rows that it gives.
fn check(store: &EmbeddedStore, names: &[&str], place: &str) {
    for name in names {
        let rows = store.observations(&vantage(name), all()).unwrap();
        assert_eq!(store.rollups(&probe(name), all()).unwrap(), Hours::of(&Block::Probe(rows)), "{name} {place}");
    }
    for id in [StreamId::Capacity(disk()), StreamId::Volume(net())] {
        let rows = match &id {
            StreamId::Capacity(of) => Block::Capacity(store.readings(of, all()).unwrap()),
            StreamId::Volume(of) => Block::Volume(store.volumes(of, all()).unwrap()),
            StreamId::Probe(_) => continue,
        };
        assert_eq!(store.rollups(&id, all()).unwrap(), Hours::of(&rows), "{id:?} {place}");
    }
}

fn tables(twin: &Twin) -> Vec<String> {
    twin.names().into_iter().filter(|name| name.starts_with("rollup-")).collect()
}

#[test]
fn an_answer_is_whole_wherever_the_rows_are() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let many: Vec<String> = (0..150).map(|n| format!("p{n:03}")).collect();
    let names: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut streams: Vec<Rows> = names.iter().map(|name| probed(name, (0..40).map(|n| n * HOUR_MS))).collect();
    streams.extend([read(5, 5), flowed(6, 7)]);
    store.append(at(0), vec![admitted(1, streams)]).unwrap();
    check(&store, &names, "in the head");
    store.seal().unwrap();
    check(&store, &names, "in a part");
    while store.compact(at(0)).unwrap().more {}
    check(&store, &names, "merged");
    assert_eq!(tables(&twin).len(), 2, "one for each day");
    assert!(store.stats().rollup_bytes > 0);
    for seq in 2..9_u64 {
        let late = vec![probed("p070", [HOUR_MS + seq.cast_signed()]), probed("new", [seq.cast_signed()])];
        store.append(at(0), vec![admitted(seq, late)]).unwrap();
        check(&store, &["p070", "p071", "p000", "new"], "late in the head");
        store.seal().unwrap();
        check(&store, &["p070", "p071", "p000", "new"], "late in a part");
        while store.compact(at(0)).unwrap().more {}
        check(&store, &["p070", "p071", "p000", "new"], "late and merged");
        assert_eq!(tables(&twin).len(), 2, "replaced");
    }
    drop(store);
    let store = open_on(&twin);
    check(&store, &names, "opened again");
    let span = Interval::new(at(HOUR_MS), at(3 * HOUR_MS));
    assert_eq!(store.rollups(&probe("p001"), span).unwrap().len(), 2);
    assert!(store.rollups(&probe("nobody"), all()).unwrap().is_empty());
    assert_eq!(store.stats().damaged(), 0);
}

#[test]
fn roll_ups_outlive_their_rows_and_are_forgotten_on_their_own() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let days = |from: i64| (from..4).map(|day| day * DAY_MS);
    for (seq, rows) in [(1, probed("a", days(0))), (2, read(9, 9)), (3, read(10, 8))] {
        store.append(at(0), vec![admitted(seq, vec![rows])]).unwrap();
        store.seal().unwrap();
    }
    while store.compact(at(0)).unwrap().more {}
    let (probes, readings) =
        (store.rollups(&probe("a"), all()).unwrap(), store.rollups(&StreamId::Capacity(disk()), all()).unwrap());
    store.forget_rows_before(DAY + 3).unwrap();
    for round in 0..2 {
        assert_eq!(store.observations(&vantage("a"), all()).unwrap().len(), 1, "round {round}");
        assert_eq!(store.rollups(&probe("a"), all()).unwrap(), probes, "round {round}");
        assert_eq!(store.rollups(&StreamId::Capacity(disk()), all()).unwrap(), readings, "round {round}");
        drop(store);
        store = open_on(&twin);
    }
    // With a database that knows nothing they still say whose they are.
    drop(store);
    twin.put_back(std::collections::BTreeMap::new());
    store = open_on(&twin);
    assert_eq!(store.stats().older, 1);
    assert_eq!(store.rollups(&probe("a"), all()).unwrap(), probes);
    store.forget_rollups_before(DAY + 2).unwrap();
    assert_eq!(tables(&twin).len(), 2);
    drop(store);
    twin.crash(&mut Dice(1));
    let store = open_on(&twin);
    assert_eq!(store.rollups(&probe("a"), all()).unwrap().len(), 2);
    assert_eq!(store.stats().missing_files, 0);
}

#[test]
fn roll_ups_that_are_lost_or_damaged_are_said_and_made_anew() {
    let make = || {
        let twin = Twin::default();
        let mut store = open_on(&twin);
        store.append(at(0), vec![admitted(1, vec![probed("a", 0..50), probed("b", [5])])]).unwrap();
        while store.compact(at(0)).unwrap().more {}
        twin
    };
    let name = tables(&make()).remove(0);
    let len = crate::store::files::Files::list(&make()).unwrap().into_iter().find(|(n, _)| *n == name).unwrap().1;
    for byte in 0..=usize::try_from(len).unwrap() {
        let twin = make();
        if byte as u64 == len {
            twin.lose(&name);
        } else {
            twin.flip(&name, byte);
        }
        let mut store = open_on(&twin);
        check(&store, &["a", "b"], &format!("byte {byte}"));
        store.append(at(0), vec![admitted(2, vec![probed("b", [HOUR_MS])])]).unwrap();
        while store.compact(at(0)).unwrap().more {}
        check(&store, &["a", "b"], &format!("merged after byte {byte}"));
        drop(store);
        let store = open_on(&twin);
        check(&store, &["a", "b"], &format!("opened after byte {byte}"));
        assert_eq!(store.stats().damaged(), 0, "byte {byte}");
        assert!(store.rolled_table(DAY).is_some());
    }
}

#[test]
fn hours_that_are_kept_outlive_the_chunk_of_their_rows() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let hours =
        |of: &[i64]| of.iter().flat_map(|hour| (0..50).map(move |n| hour * HOUR_MS + n * 1_000)).collect::<Vec<_>>();
    let streams = |of: &[i64]| vec![probed("a", hours(of)), read(of[0] * HOUR_MS, 5), flowed(of[0] * HOUR_MS, 6)];
    store.append(at(0), vec![admitted(1, streams(&[3, 5]))]).unwrap();
    while store.compact(at(0)).unwrap().more {}
    let ids = [probe("a"), StreamId::Capacity(disk()), StreamId::Volume(net())];
    let sound = ids.each_ref().map(|id| store.rollups(id, all()).unwrap());
    let day = twin.names().into_iter().find(|name| name.starts_with("day-")).unwrap();
    let bytes = crate::store::files::Files::read(&twin, &day, 0, usize::MAX).unwrap();
    for (place, _) in bytes.windows(4).enumerate().filter(|(_, magic)| *magic == b"UPHc") {
        twin.flip(&day, place + 30);
    }
    // Late rows in an hour that lost its rows, and in one that had none.
    let late = [probed("a", [3 * HOUR_MS + 7, 9 * HOUR_MS]), read(3 * HOUR_MS + 7, 99), flowed(9 * HOUR_MS, 1)];
    let check = |store: &EmbeddedStore, place: &str| {
        for (id, sound) in ids.iter().zip(&sound) {
            let found = store.rollups(id, all()).unwrap();
            let mut before = Hours::empty(id.kind());
            before.take_from(found.clone(), |start| start < at(9 * HOUR_MS));
            assert_eq!(before, *sound, "{id:?} {place}");
            let new = usize::from(!matches!(id, StreamId::Capacity(_)));
            assert_eq!(found.len(), sound.len() + new, "{id:?} {place}");
            assert!(found.starts().is_sorted());
        }
    };
    store.append(at(0), vec![admitted(2, late.to_vec())]).unwrap();
    check(&store, "before it is merged");
    for seq in 3..9 {
        while store.compact(at(0)).unwrap().more {}
        check(&store, &format!("merged before batch {seq}"));
        drop(store);
        store = open_on(&twin);
        check(&store, &format!("opened before batch {seq}"));
        let ms = 5 * HOUR_MS + i64::try_from(seq).unwrap();
        store.append(at(0), vec![admitted(seq, vec![probed("a", [ms]), read(3 * HOUR_MS + 9, 7)])]).unwrap();
    }
    // An hour that lost nothing takes late rows.
    store.append(at(0), vec![admitted(9, vec![probed("a", [9 * HOUR_MS + 1])])]).unwrap();
    while store.compact(at(0)).unwrap().more {}
    let Hours::Probe(found) = store.rollups(&ids[0], all()).unwrap() else { panic!() };
    assert_eq!(found.iter().map(|hour| hour.up).collect::<Vec<_>>(), [50, 50, 2]);
}

#[test]
fn whatever_crashes_roll_ups_are_those_of_the_rows() {
    for seed in 0..40 {
        let (twin, dice) = (Twin::default(), &mut Dice(seed));
        let names = ["a", "b", "c"];
        for seq in 1..40_u64 {
            let mut store = open_on(&twin);
            check(&store, &names, &format!("seed {seed} at {seq}"));
            twin.refuse_after(dice.below(400));
            let ms = dice.below(3 * DAY_MS.unsigned_abs()).cast_signed();
            let name = names[usize::try_from(dice.below(3)).unwrap()];
            let _lost = store.append(at(0), vec![admitted(seq, vec![probed(name, ms..ms + 9), read(ms, seq)])]);
            for _ in 0..dice.below(6) {
                let _lost = if dice.below(3) == 0 {
                    store.forget_rollups_before(DAY + 1).map(|()| false)
                } else {
                    store.compact(at(0)).map(|done| done.more)
                };
            }
            drop(store);
            twin.crash(dice);
        }
    }
}

#[test]
fn roll_ups_are_small_beside_their_rows() {
    let twin = Twin::default();
    let mut store = open_on(&twin);
    let dice = &mut Dice(7);
    for probe in 0..30_u64 {
        let attempt = |n: i64, dice: &mut Dice| {
            let mut phase = |about: u64| Micros::new(about + dice.below(about));
            let phases = Phases::from_array([phase(300), phase(900), phase(4_000), phase(9_000), phase(200)]);
            Observation { total: phase(15_000), phases, ..up(n * 30_000) }
        };
        let rows = (0..2_880).map(|n| attempt(n, dice)).collect();
        let name = format!("p{probe}");
        store.append(at(0), vec![admitted(probe + 1, vec![Rows::Probe(vantage(&name).probe, rows)])]).unwrap();
    }
    while store.compact(at(DAY_MS)).unwrap().more {}
    let stats = store.stats();
    assert!(stats.rollup_bytes > 0);
    assert!(stats.rollup_bytes * 20 < stats.day_bytes, "{} beside {}", stats.rollup_bytes, stats.day_bytes);
}
