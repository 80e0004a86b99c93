//! Thresholds that are just reached, silence, readings at the edges of a window, and ranks that are exact.

use super::*;
use crate::catalogue::model::WindowKind;
use crate::ids::Id;
use crate::measure::committed::Committed;
use crate::observation::{Resource, ResourceId};

fn share(text: &str) -> Ppb {
    Ppb::parse(text).unwrap()
}

fn promise(percentile: &str, warning: Option<&str>, critical: Option<&str>) -> CapacityPromise {
    CapacityPromise {
        resource: ResourceId { host: Id::new("web-1").unwrap(), resource: Resource::Memory, of: String::new() },
        percentile: share(percentile),
        thresholds: Thresholds::new(warning.map(share), critical.map(share)).unwrap(),
        held_ms: 0,
    }
}

fn window(start_s: i64, end_s: i64, as_of_s: i64) -> Window {
    let at = |s: i64| Instant::from_ms(s * 1_000);
    Window { kind: WindowKind::Month, interval: Interval::new(at(start_s), at(end_s)), as_of: at(as_of_s) }
}

/// The figures of a window that is committed from the entry on.
fn measured(promise: &CapacityPromise, entry: Instant, window: Window, readings: &[Utilisation]) -> CapacityFigures {
    let committed = Committed::always(window.interval, entry).contractual.committed(window.elapsed());
    CapacityFigures::measure(promise, entry, window, &committed, readings)
}

/// Readings as seconds and percent.
fn readings(rows: &[(i64, u64)]) -> Vec<Utilisation> {
    let reading = |(s, used): &(i64, u64)| Reading { at: Instant::from_ms(s * 1_000), used: *used, limit: 100 };
    rows.iter().map(|row| Utilisation::from(&reading(row))).collect()
}

#[test]
fn reached_is_crossed_and_every_instant_is_something() {
    let both = promise("50%", Some("80%"), Some("90%"));
    let rows = readings(&[(-10, 90), (10, 79), (25, 80), (40, 89), (55, 90), (70, 10), (150, 95), (160, 1)]);
    let entry = Instant::from_ms(0);
    let figures = measured(&both, entry, window(0, 300, 155), &rows[..7]);
    // 0–10 critical by the reading before the window, 10–25 below, 25–55 warning, 55–70 critical, 70–100 below.
    let expected = LevelTimes { unmeasured: 50_000, below: 45_000, warning: 30_000, critical: 30_000 };
    assert_eq!(figures.times, expected);
    assert_eq!((figures.n, figures.rank, figures.percentile_ppb), (6, Some(3), Some(800_000_000)));
    assert_eq!(figures.state, CapacityState::Warning);
    assert_eq!(figures.above_ms(Threshold::Warning), Some(60_000));
    assert_eq!(figures.above_ms(Threshold::Critical), Some(30_000));
    assert!(!figures.is_settled());

    let warning_only = measured(&promise("100%", Some("80%"), None), entry, window(0, 300, 155), &rows);
    assert_eq!((warning_only.times.warning, warning_only.above_ms(Threshold::Critical)), (60_000, None));
}

#[test]
fn nothing_read_is_no_data_and_time_before_the_entry_does_not_count() {
    let both = promise("95%", Some("80%"), Some("90%"));
    let rows = readings(&[(10, 99), (25, 99), (40, 50)]);
    let entry = Instant::from_ms(30_000);
    let figures = measured(&both, entry, window(0, 300, 60), &rows);
    assert_eq!((figures.n, figures.percentile_ppb, figures.state), (1, Some(500_000_000), CapacityState::Fine));
    assert_eq!(figures.times, LevelTimes { critical: 10_000, below: 20_000, ..LevelTimes::default() });
    for as_of in [0, 20] {
        let nothing = measured(&both, entry, window(0, 300, as_of), &[]);
        assert_eq!((nothing.rank, nothing.state, nothing.times.total()), (None, CapacityState::NoData, 0));
    }
    let silent = measured(&both, entry, window(100, 300, 400), &rows);
    assert_eq!((silent.state, silent.times.unmeasured, silent.is_settled()), (CapacityState::NoData, 200_000, true));
}

#[test]
fn readings_outside_of_committed_time_speak_for_it_and_are_not_counted() {
    let both = promise("100%", Some("80%"), Some("90%"));
    let rows = readings(&[(0, 85), (20, 99), (40, 10), (60, 95), (80, 1)]);
    let (entry, window) = (Instant::from_ms(0), window(0, 300, 100));
    let part = |start: i64, end: i64| Interval::new(Instant::from_ms(start * 1_000), Instant::from_ms(end * 1_000));
    let figures = CapacityFigures::measure(&both, entry, window, &[part(10, 20), part(30, 50), part(70, 80)], &rows);
    // 10–20 by the reading at 0, 30–40 by that at 20, 40–50 by that at 40, 70–80 by that at 60.
    let expected = LevelTimes { unmeasured: 0, below: 10_000, warning: 10_000, critical: 20_000 };
    assert_eq!((figures.times, figures.n, figures.percentile_ppb), (expected, 1, Some(100_000_000)));
    let nothing = CapacityFigures::measure(&both, entry, window, &[], &rows);
    assert_eq!((nothing.state, nothing.times), (CapacityState::NoData, LevelTimes::default()));
}

#[test]
fn ranks_are_exact() {
    for (percentile, n, rank) in [
        ("95%", 0, None),
        ("95%", 1, Some(1)),
        ("95%", 20, Some(19)),
        ("95%", 21, Some(20)),
        ("99.9%", 1_000, Some(999)),
        ("99.9%", 1_001, Some(1_000)),
        ("100%", 7, Some(7)),
        ("0.0000001%", 175_200, Some(1)),
        ("33.3333333%", 3, Some(1)),
        ("33.3333334%", 3, Some(2)),
        ("95%", u64::MAX, Some(u64::MAX / 20 * 19 + 15)),
    ] {
        assert_eq!(nearest_rank(share(percentile), n), rank, "{percentile} of {n}");
    }
}

#[test]
fn utilisation_is_cut_and_never_overflows() {
    for (used, limit, ppb) in [
        (2, 3, 666_666_666),
        (u64::MAX, u64::MAX, BILLION),
        (u64::MAX, 1, i64::MAX),
        (0, 5, 0),
        (3, 2, 1_500_000_000),
        (1, 0, i64::MAX),
    ] {
        assert_eq!(Utilisation::from(&Reading { at: Instant::from_ms(0), used, limit }).ppb, ppb, "{used}/{limit}");
    }
}
