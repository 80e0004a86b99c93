//! What an agent does not see is unmeasured, neither up nor down; what it had seen and spooled is delivered, whatever
//! happened to it or to its files meanwhile.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::figures::{Stretch, assert_near};
use crate::world::{CLOCK_MS, Done, INTERVAL_MS, STALE_AFTER_MS, TIMEOUT_MS, World, until};

/// How old the open batch may be, with what was observed since, when an agent is killed: the look at it comes five
/// times a second.
const OPEN_BATCH_MS: i64 = INTERVAL_MS + 200;

/// The hole begins where the last observation before the end no longer speaks, and ends with the first after the start.
fn assert_hole(hole: &Stretch, ended: Done, lost_ms: i64, started: Done, late_ms: i64) {
    let speaks_until = Done { before: ended.before + STALE_AFTER_MS, after: ended.after + STALE_AFTER_MS };
    assert_near("the silence's start", hole.start, speaks_until, late_ms + lost_ms + TIMEOUT_MS + CLOCK_MS, CLOCK_MS);
    assert_near("the silence's end", hole.end, started, CLOCK_MS, late_ms + TIMEOUT_MS + CLOCK_MS);
}

/// Waits until the collector has noticed the silence.
fn wait_for_silence(world: &World) {
    world.wait_for_state("unmeasured");
    until("the silence to last", || {
        let figures = world.figures();
        let last = figures.stretches().pop()?;
        (last.kind == "unmeasured" && last.end - last.start >= 2 * INTERVAL_MS).then_some(())
    });
}

#[test]
fn while_no_agent_looks_nothing_is_measured_and_nothing_is_said_to_be_down() {
    let mut world = World::watched();
    let late = world.late_ms();
    let stopped = world.stop_agent();
    wait_for_silence(&world);
    let started = world.start_agent();
    world.wait_for_state("up");
    let late = late.max(world.late_ms());
    let killed = world.kill_agent();
    wait_for_silence(&world);
    let started_again = world.start_agent();
    world.wait_for_state("up");

    let figures = world.figures_after(started_again);
    let holes = figures.holes();
    let [first, second] = holes.as_slice() else { panic!("two silences are expected: {:?}", figures.stretches()) };
    let late = late.max(world.late_ms());
    assert_hole(first, stopped, 0, started, late);
    assert_hole(second, killed, OPEN_BATCH_MS, started_again, late);

    assert_eq!(figures.breaks(), Vec::<[i64; 3]>::new());
    assert_eq!((figures.number("D"), figures.number("L")), (0, 0));
    let kinds = &figures.contractual()["kinds"];
    assert_eq!(kinds["unmeasured"], figures.number("U"));
    assert_eq!(figures.number("C") - figures.number("U"), figures.number("N"));
    let silent: i64 = holes.iter().map(|hole| hole.end - hole.start).sum();
    assert!(figures.number("U") >= silent);
    let (measured, of) = ratio(&figures.contractual()["coverage"]);
    let (counted, committed) = (i128::from(figures.number("N")), i128::from(figures.number("C")));
    assert_eq!(measured * committed, of * counted, "the coverage is what was measured of what was committed");
    assert!(measured < of);
    assert_eq!(figures.contractual()["A"], "1/1");
    assert_eq!(world.incidents(), Vec::<Value>::new());
    assert_eq!(world.messages(), Vec::<Value>::new());
}

/// The two numbers of a ratio such as `3/4`.
fn ratio(text: &Value) -> (i128, i128) {
    let (numerator, denominator) = text.as_str().unwrap().split_once('/').unwrap();
    (numerator.parse().unwrap(), denominator.parse().unwrap())
}

#[test]
fn what_was_spooled_when_the_agent_was_killed_is_delivered_and_its_numbers_go_on() {
    let mut world = World::watched();
    let epoch = epoch(&world);
    world.stop_collector();
    world.wait_for_backlog(4);
    let acknowledged = world.agent_count("uphold_agent_acknowledged_seq");
    let late = world.late_ms();
    let killed = world.kill_agent();
    let waiting = batches(&world);
    assert!(waiting.len() >= 4, "{waiting:?}");
    let started = world.start_agent();
    let spooled = i64::try_from(waiting.len()).unwrap();
    until("the spool to be counted", || (world.agent_count("uphold_agent_spool_batches") >= spooled).then_some(()));
    world.start_collector();
    world.wait_until_delivered();
    world.wait_for_state("up");

    let newest = acknowledged + i64::try_from(waiting.len()).unwrap();
    assert!(world.agent_count("uphold_agent_acknowledged_seq") > newest, "the numbers go on after what was spooled");
    assert_eq!(self::epoch(&world), epoch, "it is the same spool");
    assert_eq!(world.agent_count("uphold_agent_replay_requests_total"), 0);
    let figures = world.figures_after(started);
    // A start that is quicker than an observation goes stale leaves no hole at all.
    if let [hole] = figures.holes().as_slice() {
        assert_hole(hole, killed, OPEN_BATCH_MS, started, late.max(world.late_ms()));
    } else {
        assert_eq!(figures.holes(), [], "at most the time in which no agent ran is missing");
    }
}

#[test]
fn a_damaged_spool_is_put_aside_counted_and_left_behind() {
    let mut world = World::watched();
    let epoch = epoch(&world);
    world.stop_collector();
    world.wait_for_backlog(4);
    world.stop_agent();
    let waiting = batches(&world);
    fs::write(&waiting[0], b"garbage").unwrap();
    let mut flipped = fs::read(&waiting[1]).unwrap();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(&waiting[1], flipped).unwrap();
    fs::write(world.path("agent/spool/left.tmp"), b"half a batch").unwrap();
    world.start_agent();
    let counted = "uphold_agent_spool_corrupt_files_total";
    until("the damage to be counted", || (world.agent_count(counted) == 2).then_some(()));
    assert_eq!(quarantined(&world), 2);
    world.start_collector();
    world.wait_until_delivered();
    world.wait_for_state("up");
    until("the collector to hear of it", || {
        let told = world.collector_metric(r#"uphold_agent_spool_corrupt_total{agent="zurich-1"}"#)?;
        (told > 1.5).then_some(())
    });
    assert_eq!(self::epoch(&world), epoch, "the numbers go on");

    world.stop_agent();
    fs::write(world.path("agent/spool/cursor"), b"garbage").unwrap();
    let started = world.start_agent();
    let seen = world.attempts("up") + 2;
    until("attempts after the start", || (world.attempts("up") >= seen).then_some(()));
    world.wait_until_delivered();
    world.wait_for_state("up");
    assert_ne!(self::epoch(&world), epoch, "without a cursor it is a new spool");
    let figures = world.figures_after(started);
    assert_eq!(figures.breaks(), Vec::<[i64; 3]>::new());
}

/// The batches that wait in the agent's spool, oldest first.
fn batches(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.path("agent/spool")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "batch")).collect();
    found.sort();
    found
}

fn quarantined(world: &World) -> usize {
    fs::read_dir(world.path("agent/spool/quarantine")).unwrap().count()
}

/// The epoch of the agent's spool, as its cursor says it.
fn epoch(world: &World) -> String {
    let bytes = fs::read(world.path("agent/spool/cursor")).unwrap();
    // The checksum before it may hold any byte.
    let json = bytes.windows(2).position(|two| two == b"{\"").unwrap();
    let cursor: Value = serde_json::from_slice(&bytes[json..]).unwrap();
    cursor["epoch"].as_str().unwrap().to_owned()
}
