//! The schedule: phases that never change, lateness that is skipped and counted.

use super::*;
use uphold_common::wire::assignment::Confirm;
use uphold_common::wire::check::{Check, TcpCheck};

fn agent() -> Id {
    Id::new("zurich-1").unwrap()
}

fn probe(name: &str, interval_ms: i64) -> ProbeSpec {
    let id = ProbeId::new(Id::new("webshop").unwrap(), Id::new(name).unwrap());
    let check = Check::Tcp(TcpCheck { address: "127.0.0.1:1".to_owned(), ..TcpCheck::default() });
    ProbeSpec { id, interval_ms, timeout_ms: 1_000, slow_after_ms: None, confirm: None, check }
}

fn assigned(probes: &[ProbeSpec]) -> Arc<Assignment> {
    Arc::new(Assignment { probes: probes.to_vec(), hosts: Vec::new() })
}

fn at(ms: i64) -> Instant {
    Instant::from_ms(1_767_225_600_000 + ms)
}

/// A schedule of one probe with an interval of 10 s, at its first due instant.
fn one() -> (Schedule, ProbeId, Instant) {
    let mut schedule = Schedule::new(agent());
    schedule.assign(assigned(&[probe("web", 10_000)]), at(0));
    let first = schedule.next().unwrap();
    (schedule, probe("web", 1).id, first)
}

#[test]
fn phases_are_these_in_every_build() {
    let phases: Vec<i64> = ["web", "web-1", "web-2", "uplink"]
        .into_iter()
        .map(|name| phase_ms(&agent(), &probe(name, 60_000).id, 60_000))
        .collect();
    assert_eq!(phases, PHASES);
    assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325 ^ 0xcbf2_9ce4);
}

const PHASES: [i64; 4] = [54_169, 27_782, 40_715, 19_231];

#[test]
fn a_thousand_probes_spread_over_their_interval() {
    let mut seconds = [0_u32; 60];
    for n in 0..1_000 {
        let phase = phase_ms(&agent(), &probe(&format!("p{n}"), 60_000).id, 60_000);
        seconds[usize::try_from(phase / 1_000).unwrap()] += 1;
    }
    assert!(seconds.iter().all(|n| (3..=40).contains(n)), "{seconds:?}");
}

#[test]
fn a_probe_is_due_once_in_each_interval_and_not_at_once_after_a_start() {
    let (mut schedule, id, first) = one();
    assert!((0..10_000).contains(&first.since_ms(at(0))));
    assert_eq!(schedule.due(first.minus_ms(1)), Due::default());
    for n in 0..5 {
        let now = first.plus_ms(n * 10_000 + 3);
        assert_eq!(schedule.due(now), Due { start: vec![id.clone()], skipped: 0 });
        assert_eq!(schedule.due(now), Due::default(), "not twice");
        assert_eq!(schedule.next(), Some(first.plus_ms((n + 1) * 10_000)), "lateness does not add up");
        schedule.finished(&id, None, first);
    }
}

#[test]
fn lateness_and_overlap_are_skipped_and_counted() {
    // milliseconds late, still running, starts, skipped
    for (late_ms, running, starts, skipped) in [
        (0, false, 1, 0),
        (1_000, false, 1, 0),
        (1_001, false, 0, 1),
        (9_999, false, 0, 1),
        (10_000, false, 0, 2),
        (18_000_000, false, 0, 1_801),
        (0, true, 0, 1),
        (10_000, true, 0, 2),
    ] {
        let (mut schedule, _, first) = one();
        let mut turn = first;
        if running {
            assert_eq!(schedule.due(first).start.len(), 1);
            turn = first.plus_ms(10_000);
        }
        let due = schedule.due(turn.plus_ms(late_ms));
        assert_eq!((due.start.len(), due.skipped), (starts, skipped), "late by {late_ms}, running: {running}");
        assert_eq!(schedule.next().unwrap().since_ms(first) % 10_000, 0, "the phase holds");
    }
}

#[test]
fn after_a_pause_everybody_waits_for_their_own_turn() {
    let mut schedule = Schedule::new(agent());
    let probes: Vec<ProbeSpec> = (0..5_000).map(|n| probe(&format!("p{n}"), 30_000)).collect();
    schedule.assign(assigned(&probes), at(0));
    let after = at(3_600_000);
    let due = schedule.due(after);
    assert!(due.start.len() < 300, "{} start at once after an hour's sleep", due.start.len());
    assert_eq!(due.start.len() as u64 + due.skipped, 5_000 * 120, "each of the hour's turns is made or counted");
    let (mut now, mut most) = (after, 0);
    for _ in 0..300 {
        now = now.plus_ms(100);
        most = most.max(schedule.due(now).start.len());
    }
    assert!(most <= 60, "{most} within a tenth of a second, where 17 are usual");
}

#[test]
fn a_failure_is_confirmed_soon_until_a_success_and_no_more_often_than_needed() {
    let mut schedule = Schedule::new(agent());
    let mut web = probe("web", 10_000);
    web.confirm = Some(Confirm { after_ms: 500, attempts: 2 });
    schedule.assign(assigned(&[web.clone()]), at(0));
    let first = schedule.next().unwrap();
    // when an attempt began and ended after the first was due, whether it failed, and when the next is due
    for (began_ms, ended_ms, failed, next_ms) in [
        (0, 100, true, 500),
        (500, 3_500, true, 3_500),
        (3_500, 3_600, true, 10_000),
        (10_000, 10_001, true, 20_000),
        (20_000, 20_001, false, 30_000),
        (30_000, 30_001, true, 30_500),
        (30_500, 30_501, false, 40_000),
        (40_000, 49_800, true, 49_800),
        (49_800, 50_100, true, 50_300),
    ] {
        let began = first.plus_ms(began_ms);
        let due = schedule.due(began);
        assert_eq!(due.start, [web.id.clone()], "at {began_ms}");
        if began_ms == 49_800 {
            // The turn at 50 s comes while the confirmation runs.
            schedule.due(first.plus_ms(50_000));
        }
        schedule.finished(&web.id, Some(Ended { began, failed }), first.plus_ms(ended_ms));
        assert_eq!(schedule.next().unwrap().since_ms(first), next_ms, "after {began_ms}");
    }
}

#[test]
fn a_confirmation_that_is_late_is_not_made_and_is_no_turn_that_was_skipped() {
    let mut schedule = Schedule::new(agent());
    let mut web = probe("web", 60_000);
    web.confirm = Some(Confirm { after_ms: 500, attempts: 1 });
    schedule.assign(assigned(&[web.clone()]), at(0));
    let first = schedule.next().unwrap();
    schedule.due(first);
    schedule.finished(&web.id, Some(Ended { began: first, failed: true }), first.plus_ms(1));
    assert_eq!(schedule.due(first.plus_ms(5_000)), Due::default());
    assert_eq!(schedule.next(), Some(first.plus_ms(60_000)));
}

#[test]
fn a_clock_that_is_set_back_does_not_silence_a_probe() {
    let (mut schedule, _, first) = one();
    assert_eq!(schedule.due(first.minus_ms(3_600_000).plus_ms(5)), Due::default());
    let next = schedule.next().unwrap();
    assert_eq!(next, first.minus_ms(3_600_000).plus_ms(10_000));
}

#[test]
fn a_new_assignment_leaves_unchanged_probes_alone() {
    let (mut schedule, id, first) = one();
    schedule.due(first);
    let mut slower = probe("api", 10_000);
    let changes = schedule.assign(assigned(&[slower.clone(), probe("web", 10_000)]), first.plus_ms(1));
    assert_eq!(changes, Changes { changed: vec![slower.id.clone()], removed: vec![] });
    let turn = schedule.next().unwrap();
    assert_eq!(schedule.due(turn), Due { start: vec![slower.id.clone()], skipped: 0 });
    assert_eq!(
        schedule.due(first.plus_ms(10_000)),
        Due { start: vec![], skipped: 1 },
        "web runs, and its place was kept"
    );

    let phase_before = schedule.spec(&slower.id).map(|spec| Rhythm::of(&agent(), spec).next_due(first)).unwrap();
    slower.timeout_ms = 2_000;
    let changes = schedule.assign(assigned(&[slower.clone()]), first.plus_ms(10_001));
    assert_eq!(changes, Changes { changed: vec![slower.id.clone()], removed: vec![id] });
    let phase_after = schedule.spec(&slower.id).map(|spec| Rhythm::of(&agent(), spec).next_due(first)).unwrap();
    assert_eq!(phase_before, phase_after);
    assert_eq!(schedule.assign(assigned(&[]), at(0)).removed, [slower.id]);
    assert_eq!(schedule.next(), None);
}
