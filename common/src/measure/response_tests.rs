//! Response times by hand: ranks, bounds met at themselves, what is left out, and two passes against sorting.

use super::*;
use crate::catalogue::model::WindowKind;
use crate::ids::Id;
use crate::observation::{Cause, Phases};

fn promise(bound: ResponseBound, below_us: i64) -> ResponsePromise {
    ResponsePromise { probe: Id::new("door").unwrap(), bound, below_us }
}

fn percentile(p: &str, below_us: i64) -> ResponsePromise {
    promise(ResponseBound::Percentile(Ppb::parse(&format!("{p}%")).unwrap()), below_us)
}

fn share(s: &str, below_us: i64) -> ResponsePromise {
    promise(ResponseBound::Share(Ppb::parse(s).unwrap()), below_us)
}

fn span(start: i64, end: i64) -> Interval {
    Interval::new(Instant::from_ms(start), Instant::from_ms(end))
}

fn observation(at: i64, outcome: Outcome, us: Option<u64>) -> Observation {
    let total = us.map_or(Micros::NONE, Micros::new);
    Observation { at: Instant::from_ms(at), outcome, cause: Cause::None, code: 0, total, phases: Phases::default() }
}

fn measured(promise: &ResponsePromise, committed: &[Interval], observations: &[Observation]) -> ResponseFigures {
    let as_of = Instant::from_ms(1_000_000);
    let kind = WindowKind::Rolling { length_ms: 1_000_000 };
    let window = Window { kind, interval: span(0, 1_000_000), as_of };
    let asked = Asked { promise, window, settled: false, entry: Instant::from_ms(0) };
    ResponseFigures::measure(&asked, committed, observations)
}

/// Answers that took these times, one each second.
fn answers(durations_us: &[u64]) -> Vec<Observation> {
    (0..).zip(durations_us).map(|(place, us)| observation(place * 1_000, Outcome::Up, Some(*us))).collect()
}

#[test]
fn the_nearest_rank_is_exact_and_met_at_the_bound_itself() {
    let all = [span(0, 1_000_000)];
    let twenty: Vec<u64> = (1..=20).map(|us| us * 10).rev().collect();
    for (p, below_us, rank, value_us, verdict) in [
        ("95", 190, 19, 190, Verdict::Met),
        ("95", 189, 19, 190, Verdict::Breached),
        ("95.0000001", 190, 20, 200, Verdict::Breached),
        ("100", 200, 20, 200, Verdict::Met),
        ("0.0000001", 10, 1, 10, Verdict::Met),
        ("5", 10, 1, 10, Verdict::Met),
        ("5.1", 20, 2, 20, Verdict::Met),
    ] {
        let found = measured(&percentile(p, below_us), &all, &answers(&twenty));
        assert_eq!(
            (found.rank, found.value_us, found.verdict),
            (Some(rank), Some(value_us), verdict),
            "{p} {below_us}"
        );
    }
}

#[test]
fn a_share_is_met_when_exactly_so_many_are_quick_enough() {
    let all = [span(0, 1_000_000)];
    for (s, below_us, within, verdict) in [
        ("75%", 30, 3, Verdict::Met),
        ("75.0000001%", 30, 3, Verdict::Breached),
        ("100%", 40, 4, Verdict::Met),
        ("0%", 1, 0, Verdict::Met),
        ("25%", 9, 0, Verdict::Breached),
    ] {
        let found = measured(&share(s, below_us), &all, &answers(&[10, 20, 30, 40]));
        assert_eq!((found.tally.within, found.verdict, found.rank), (within, verdict, None), "{s} {below_us}");
    }
}

#[test]
fn only_answers_with_a_duration_inside_committed_time_count() {
    let committed = [span(10, 20), span(30, 40)];
    let at = |at, outcome, us| observation(at, outcome, us);
    let seen = [
        at(9, Outcome::Up, Some(1)),
        at(10, Outcome::Up, Some(100)),
        at(19, Outcome::Degraded, Some(900)),
        at(20, Outcome::Down, Some(1)),
        at(30, Outcome::Down, Some(5_000)),
        at(31, Outcome::Unknown, None),
        at(32, Outcome::Up, None),
        at(39, Outcome::Up, Some(0)),
        at(40, Outcome::Up, Some(1)),
    ];
    let found = measured(&percentile("50", 100), &committed, &seen);
    assert_eq!(found.tally, Tally { n: 3, within: 2, failed: 1, unknown: 1, no_duration: 1 });
    assert_eq!((found.rank, found.value_us, found.verdict), (Some(2), Some(100), Verdict::Met));
}

#[test]
fn nothing_observed_is_no_data_whatever_was_promised() {
    let failed = [observation(5, Outcome::Down, Some(10)), observation(6, Outcome::Unknown, None)];
    for promise in [percentile("95", 1_000), share("0%", 1_000)] {
        for committed in [&[span(0, 100)][..], &[]] {
            let found = measured(&promise, committed, &failed);
            assert_eq!((found.verdict, found.rank, found.value_us), (Verdict::NoData, None, None));
        }
    }
}

#[test]
fn two_passes_find_what_sorting_finds() {
    // Numbers that look like chance and are the same every time, in clusters and spread out.
    let mix = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32;
    for (count, spread) in [(1, 10_u64), (40, 3), (5_000, 70_000), (5_000, 1 << 32), (3_000, 400_000)] {
        let durations: Vec<u32> = (0..count).map(|i| u32::try_from(mix(i) % spread).unwrap()).collect();
        let mut sorted = durations.clone();
        sorted.sort_unstable();
        for (first, last) in
            [(1, 1), (count, count), (count / 2 + 1, count / 2 + 1), (1, count), (count / 3 + 1, count)]
        {
            let mut coarse = Coarse::default();
            for us in &durations {
                coarse.add(*us);
            }
            let mut fine = coarse.fine(first, last);
            for us in &durations {
                fine.add(*us);
            }
            let place = |rank: u64| usize::try_from(rank).unwrap();
            assert_eq!(fine.durations(), sorted[place(first) - 1..place(last)], "{first} to {last} of {count}");
        }
    }
    assert!(Coarse::default().fine(1, 1).durations().is_empty());
}
