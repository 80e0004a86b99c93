//! The use of a resource against the reference: levels that add up, exact percentiles, in any order and cut anywhere.

#![expect(clippy::expect_used, reason = "what is made up here is sound")]

use proptest::prelude::*;
use uphold_common::catalogue::model::{CapacityPromise, Threshold, Thresholds, WindowKind};
use uphold_common::ids::Id;
use uphold_common::measure::capacity::{CapacityFigures, LevelTimes, Utilisation};
use uphold_common::measure::committed::Committed;
use uphold_common::measure::window::Window;
use uphold_common::observation::{Reading, Resource, ResourceId};
use uphold_common::percent::Ppb;
use uphold_common::time::{Instant, Interval};
use uphold_tests::reference::capacity::{Ask, Read, Use};

use crate::made_up::config;

const TICK_MS: i64 = 5_000;
/// How many ticks everything happens in.
const TICKS: i64 = 120;

/// Readings at any tick, many at the same one, with limits that make shares meet thresholds exactly.
fn readings() -> impl Strategy<Value = Vec<Read>> {
    let read = (-10..TICKS, 0_u64..=12, prop_oneof![4 => Just(10_u64), 1 => 1_u64..=12]);
    let read = read.prop_map(|(tick, used, limit)| Read { at: tick * TICK_MS, used, limit });
    prop::collection::vec(read, 0..60)
}

fn ask() -> impl Strategy<Value = Ask> {
    let percentile = prop_oneof![Just(950_000_000), Just(1_000_000_000), Just(500_000_000), 1_i64..=1_000_000_000];
    let thresholds = prop_oneof![
        Just((Some(500_000_000), Some(800_000_000))),
        Just((Some(800_000_000), None)),
        Just((None, Some(900_000_000))),
        (0_i64..500_000_000, 500_000_000..=1_000_000_000_i64).prop_map(|(a, b)| (Some(a), Some(b))),
    ];
    (percentile, thresholds, 0..TICKS, 0..TICKS, -5..TICKS, 0..TICKS + 20).prop_map(
        |(percentile_ppb, (warning_ppb, critical_ppb), from, length, entry, now)| Ask {
            tick_ms: TICK_MS,
            window: (from * TICK_MS, (from + length) * TICK_MS),
            entry: entry * TICK_MS,
            now: now * TICK_MS,
            percentile_ppb,
            warning_ppb,
            critical_ppb,
        },
    )
}

fn share(parts: i64) -> Ppb {
    Ppb::parse(&format!("{}.{:07}%", parts / 10_000_000, parts % 10_000_000)).expect("a share of at most the whole")
}

fn promise(ask: &Ask) -> CapacityPromise {
    let host = Id::new("web-1").expect("an id");
    CapacityPromise {
        resource: ResourceId { host, resource: Resource::Memory, of: String::new() },
        percentile: share(ask.percentile_ppb),
        thresholds: Thresholds::new(ask.warning_ppb.map(share), ask.critical_ppb.map(share)).expect("thresholds"),
        held_ms: 0,
    }
}

/// The readings as the store gives them: those before now, sorted, of two at one instant the higher.
fn settled(ask: &Ask, readings: &[Read]) -> Vec<Utilisation> {
    let of =
        |read: &Read| Utilisation::from(&Reading { at: Instant::from_ms(read.at), used: read.used, limit: read.limit });
    let mut all: Vec<Utilisation> = readings.iter().filter(|read| read.at < ask.now).map(of).collect();
    all.sort_by_key(|one| (one.at, std::cmp::Reverse(one.ppb)));
    all.dedup_by_key(|one| one.at);
    all
}

fn interval((start, end): (i64, i64)) -> Interval {
    Interval::new(Instant::from_ms(start), Instant::from_ms(end))
}

fn by_core(ask: &Ask, readings: &[Read]) -> Use {
    let window = Window { kind: WindowKind::Day, interval: interval(ask.window), as_of: Instant::from_ms(ask.now) };
    let entry = Instant::from_ms(ask.entry);
    let committed = Committed::always(window.interval, entry).contractual.committed(window.elapsed());
    let figures = CapacityFigures::measure(&promise(ask), entry, window, &committed, &settled(ask, readings));
    Use {
        committed_ms: figures.times.total(),
        warning_ms: figures.above_ms(Threshold::Warning),
        critical_ms: figures.above_ms(Threshold::Critical),
        unmeasured_ms: figures.times.unmeasured,
        n: figures.n,
        rank: figures.rank,
        percentile_ppb: figures.percentile_ppb,
        state: figures.state.as_str(),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_core_and_the_reference_agree(ask in ask(), readings in readings()) {
        let expected = ask.answer(&readings);
        prop_assert_eq!(by_core(&ask, &readings), expected.clone());
        let backwards: Vec<Read> = readings.iter().rev().copied().collect();
        prop_assert_eq!(by_core(&ask, &backwards), expected);
    }

    #[test]
    fn levels_cut_anywhere_add_up(ask in ask(), readings in readings(), cut in 0..TICKS) {
        let (readings, thresholds) = (settled(&ask, &readings), promise(&ask).thresholds);
        let (from, to) = ask.window;
        let middle = (from + cut * TICK_MS).min(to);
        let of = |span| LevelTimes::of(&readings, thresholds, interval(span));
        prop_assert_eq!(of((from, to)), of((from, middle)).plus(of((middle, to))));
        prop_assert_eq!(of((from, to)).total(), to - from);
    }
}
