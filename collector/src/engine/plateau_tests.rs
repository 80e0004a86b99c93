//! The bytes of a store at work for 60 days that keeps 20: they grow, and then they stay.

use std::os::unix::fs::MetadataExt as _;

use uphold_common::time::DAY_MS;

use super::*;
use crate::retention::Retention;

/// How long the world works before it is looked at again, in seconds.
const TURN: i64 = 7_200;
const DAY: i64 = 86_400;
const PROBES: usize = 96;
const DAYS: i64 = 60;
/// How far apart the observations of a probe are, in seconds.
const STEP: i64 = 300;
/// From this day on the line is flat.
const FLAT_FROM: usize = 25;
/// By how much of the mean a day may lie beside it, in percent: the database takes and gives room by segments of 512 KiB,
/// which is a twelfth of it all.
const TOLERANCE_PERCENT: u64 = 10;

fn catalogue() -> String {
    let probe = |n| {
        format!(
            "      - {{ id: p{n}, agents: [a], interval: {STEP}s, timeout: 5s, tcp: {{ address: \"127.0.0.1:1\" }} }}\n"
        )
    };
    let probes: String = (0..PROBES).map(probe).collect();
    let before = CATALOGUE.split("    probes:\n").next().unwrap();
    format!("{before}    probes:\n{probes}agreements:{}", CATALOGUE.split("agreements:").nth(1).unwrap())
        .split("receivers:")
        .next()
        .unwrap()
        .to_owned()
}

/// Numbers without a pattern, the same every time (`SplitMix64`).
fn noise(of: u64) -> Micros {
    let mixed = of.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Micros::new(3_000 + (mixed >> 50))
}

/// A turn of a probe: times without a pattern, and on some an outage of its first three observations.
fn turn(probe: usize, from: i64, down: bool) -> Rows {
    let time = |at: i64, n: u64| noise(at.unsigned_abs() ^ (probe as u64) << 40 ^ n << 56);
    let observation = |second: i64| {
        let failed = down && (second - from) < 3 * STEP;
        let phases = Phases { resolve: time(second, 1), connect: time(second, 2), ..Phases::default() };
        let outcome = if failed { Outcome::Down } else { Outcome::Up };
        Observation { at: at(second), outcome, cause: Cause::None, code: 0, total: time(second, 0), phases }
    };
    let id = |text: &str| Id::new(text).unwrap();
    let rows = (from..from + TURN).step_by(usize::try_from(STEP).unwrap()).map(observation).collect();
    Rows::Probe(PathId::new(id("shop"), id(&format!("p{probe}"))), rows)
}

impl World {
    fn push_streams(&mut self, streams: Vec<Rows>, now: i64) {
        self.seq += 1;
        let mut pushed = arrived(self.seq, 0, "", now, 0);
        let batch = Batch { streams, ..Batch::from(pushed.batch.batch) };
        let framed = batch.encode().unwrap();
        pushed.batch = Admitted { digest: digest(&framed), framed, batch: batch.into() };
        let answer = self.engine().take_in(vec![pushed], at(now)).unwrap().remove(0);
        assert!(answer.is_ok(), "{answer:?}");
    }

    /// A turn at work: what came in it, and what is kept up after it.
    fn work(&mut self, from: i64) {
        let (now, day, turn_of_day) = (from + TURN, from / DAY, from % DAY / TURN);
        let withheld = |probe: usize| turn_of_day % 4 == 1 && probe < 2;
        let down = |probe: usize| turn_of_day == 6 && probe == 0;
        let probes = (0..PROBES).filter(|probe| !withheld(*probe));
        self.push_streams(probes.map(|probe| turn(probe, from, down(probe))).collect(), now);
        // What was withheld comes after days: the day is merged long since, and is merged again.
        for (probe, late_days) in [(0, 3), (1, 15)] {
            if turn_of_day % 4 == 2 && day >= late_days {
                self.push_streams(vec![turn(probe, from - TURN - late_days * DAY, false)], now);
            }
        }
        self.tick(now);
        while self.engine().upkeep(at(now)).unwrap() {}
    }
}

/// What a directory takes on disk, in allocated blocks.
fn allocated(dir: &std::path::Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        bytes += if metadata.is_dir() { allocated(&entry.path()) } else { metadata.blocks() * 512 };
    }
    bytes
}

#[test]
fn after_the_first_weeks_the_bytes_on_disk_stay_what_they_are() {
    let mut world = World::with(catalogue(), 0);
    let kept = 20 * DAY_MS;
    let retention = Retention { raw_ms: kept, states_ms: kept, incidents_ms: kept, records_ms: kept, bytes_max: None };
    world.engine = world.engine.take().map(|engine| engine.forgetting(retention));
    let mut line = Vec::new();
    for day in 0..DAYS {
        (0..DAY / TURN).for_each(|turn| world.work(day * DAY + turn * TURN));
        let stats = world.engine().store.stats();
        line.push(allocated(world.dir.path()));
        println!(
            "day {day:2}  {:6} KiB  (days {:5}, database {:5}, {:2} dates)",
            line.last().unwrap() / 1024,
            stats.day_bytes / 1024,
            stats.database_bytes / 1024,
            stats.days
        );
    }
    let flat = &line[FLAT_FROM..];
    let mean = flat.iter().sum::<u64>() / flat.len() as u64;
    let furthest = flat.iter().map(|bytes| bytes.abs_diff(mean)).max().unwrap();
    println!("from day {FLAT_FROM} on {} KiB, and never {} KiB beside it", mean / 1024, furthest / 1024 + 1);
    assert!(furthest * 100 <= mean * TOLERANCE_PERCENT, "{furthest} of {mean} bytes");
    assert!(line[20] > line[5] * 3 / 2, "before that it grows: the load is large enough to tell");
    let forgotten = world.tick(DAYS * DAY).health.retention.forgotten;
    assert!(forgotten.raw >= 37 && forgotten.incidents >= 37 && forgotten.states > 500, "{forgotten:?}");
}
