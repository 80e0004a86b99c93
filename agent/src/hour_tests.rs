//! An hour that passes at once, with no collector to be reached: what was seen is delivered once, and what is not
//! delivered is known to the record.
//!
//! The schedule, the recorder and the spool are the real ones; the clock is set by hand, and an attempt succeeds or fails by
//! its instant. The spool is too small, a file of it is damaged, and the wall clock is stepped by a minute, once ahead and
//! once back.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::Ordering::Relaxed;

use super::*;
use crate::clock::Hand;
use crate::config::{Access, Config, SpoolConfig};
use crate::schedule::{Ended, Schedule};
use uphold_common::ids::PathId;
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::wire::assignment::ProbeSpec;
use uphold_common::wire::batch::Batch;
use uphold_common::wire::check::{Check, TcpCheck};
use uphold_common::wire::columns::Rows;

const MINUTE_MS: i64 = 60_000;
const START_MS: i64 = 1_772_323_200_000;
/// How much time passes at once.
const STRIDE_MS: i64 = 200;
/// Blocks of the disk that the spool may take.
const SPOOL_BLOCKS: u64 = 40;

/// Everything of an agent but its network.
struct Host {
    hand: Arc<Hand>,
    clock: Arc<Clock>,
    schedule: Schedule,
    desk: Desk,
    /// The instants at which each probe was attempted.
    made: BTreeMap<ProbeId, Vec<Instant>>,
    skipped: u64,
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn config(folder: &tempfile::TempDir) -> Config {
    Config {
        name: id("zurich-1"),
        collectors: Vec::new(),
        data_dir: folder.path().to_owned(),
        listen: None,
        spool: SpoolConfig { bytes_max: SPOOL_BLOCKS * 4096, ..SpoolConfig::default() },
        access: Access::default(),
        links: Vec::new(),
        modules: None,
        accept: crate::accept::Accept::default(),
    }
}

fn probes() -> Vec<ProbeSpec> {
    let spec = |name: &str, interval_ms| {
        let check = Check::Tcp(TcpCheck { address: "127.0.0.1:1".to_owned(), ..TcpCheck::default() });
        let id = PathId::new(id("webshop"), id(name));
        ProbeSpec { id, interval_ms, timeout_ms: 1_000, slow_after_ms: None, confirm: None, check }
    };
    vec![spec("front-page", 10_000), spec("uplink", 30_000)]
}

impl Host {
    fn start(folder: &tempfile::TempDir, hand: Arc<Hand>) -> Self {
        let clock = Arc::new(Clock::by_hand(&hand));
        let mut schedule = Schedule::new(id("zurich-1"));
        let assignment = Arc::new(Assignment { probes: probes(), hosts: Vec::new() });
        schedule.assign(Arc::clone(&assignment), clock.now());
        let mut desk = Desk {
            builder: BatchBuilder::new(BatchLimits::default()),
            spool: Spool::open(&config(folder)).unwrap(),
            clock: Arc::clone(&clock),
            metrics: Arc::new(Metrics::new().unwrap()),
            probes: BTreeMap::new(),
            hosts: BTreeSet::new(),
            unread: BTreeMap::new(),
            woken: watch::channel(0).0,
            writable: Arc::new(AtomicBool::new(true)),
        };
        desk.assign(&assignment);
        Self { hand, clock, schedule, desk, made: BTreeMap::new(), skipped: 0 }
    }

    /// What the runner and the recorder do in so many minutes.
    fn pass(&mut self, minutes: i64) {
        for _ in 0..minutes * MINUTE_MS / STRIDE_MS {
            for reading in [&self.hand.wall_ms, &self.hand.monotonic_ms] {
                reading.fetch_add(STRIDE_MS, Relaxed);
            }
            let now = self.clock.now();
            let due = self.schedule.due(now);
            self.skipped += due.skipped;
            if due.skipped > 0 {
                self.desk.take(Message::Skipped(due.skipped), now);
            }
            for probe in due.start {
                let outcome = if now.as_ms() / MINUTE_MS % 7 == 3 { Outcome::Down } else { Outcome::Up };
                let (total, phases) = (Micros::new(1_000), Phases::default());
                let observation = Observation { at: now, outcome, cause: Cause::None, code: 0, total, phases };
                self.desk.take(Message::Observed(Row::Probe(probe.clone(), observation)), now);
                self.schedule.finished(&probe, Some(Ended { began: now, failed: outcome == Outcome::Down }), now);
                self.made.entry(probe).or_default().push(now);
            }
            self.desk.look(now);
        }
    }

    fn step(&self, by_ms: i64) {
        self.hand.wall_ms.fetch_add(by_ms, Relaxed);
    }
}

/// What a collector hears that is there at last: every row once, and every fact.
#[derive(Default)]
struct Heard {
    rows: BTreeMap<ProbeId, Vec<Instant>>,
    facts: Vec<AgentFact>,
}

fn deliver(spool: &mut Spool, heard: &mut Heard) {
    while let Some(parcel) = spool.front(None) {
        let batch = Batch::decode(&parcel.framed).unwrap();
        for rows in &batch.streams {
            let Rows::Probe(probe, _) = rows else { panic!("{rows:?}") };
            heard.rows.entry(probe.clone()).or_default().extend(rows.instants());
        }
        heard.facts.extend(batch.facts);
        spool.acknowledge(parcel.seq, Epoch([1; 16]), Instant::from_ms(START_MS)).unwrap();
    }
}

/// The rows of one file of the spool, which is then no batch any more, and what it said of rows that went before.
fn damage(folder: &tempfile::TempDir, nth: usize) -> (u64, u64) {
    let entries = fs::read_dir(folder.path().join("spool")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "batch")).collect();
    files.sort();
    let mut bytes = fs::read(&files[nth]).unwrap();
    let batch = Batch::decode(&bytes).unwrap();
    let told = batch.facts.iter().map(|fact| match fact {
        AgentFact::Dropped { rows, .. } => *rows,
        _ => 0,
    });
    let found = (batch.rows() as u64, told.sum());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&files[nth], bytes).unwrap();
    found
}

#[test]
fn an_hour_without_a_collector_is_delivered_once_and_what_is_not_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let hand = Arc::new(Hand::default());
    hand.wall_ms.store(START_MS, Relaxed);
    let mut host = Host::start(&folder, Arc::clone(&hand));
    host.pass(20);
    host.step(MINUTE_MS);
    host.pass(20);
    host.step(-MINUTE_MS);
    host.pass(20);
    let now = host.clock.now();
    host.desk.close(now);
    let Host { made, skipped, desk, .. } = host;
    let not_later = desk.metrics.text().unwrap();
    let not_later: u64 = not_later
        .lines()
        .find_map(|line| line.strip_prefix("uphold_agent_not_later_rows_total ")?.parse().ok())
        .unwrap();
    drop(desk);
    let (corrupt_rows, told_in_it) = damage(&folder, 7);

    // It is started again, as after a failure of its host, and what it has to say of that goes along.
    let mut host = Host::start(&folder, hand);
    assert!(!host.desk.spool.ended_in_order(), "it was not asked to end");
    let now = host.clock.now();
    host.desk.look(now);
    host.desk.close(now);
    let mut heard = Heard::default();
    deliver(&mut host.desk.spool, &mut heard);
    // What this batch pushed out of the full spool is told in the next one.
    host.desk.look(now);
    host.desk.close(now);
    deliver(&mut host.desk.spool, &mut heard);

    let all: u64 = made.values().map(|instants| instants.len() as u64).sum();
    let delivered: u64 = heard.rows.values().map(|instants| instants.len() as u64).sum();
    let (mut dropped_rows, mut spans, mut corrupt, mut steps, mut told_skipped) = (0, Vec::new(), 0, Vec::new(), 0);
    for fact in &heard.facts {
        match fact {
            AgentFact::Dropped { rows, from, to, .. } => {
                dropped_rows += rows;
                spans.push((*from, *to));
            }
            // A batch of facts alone went, and its facts stand in another one.
            AgentFact::SpoolOverflow { rows: 0, .. } => {}
            AgentFact::SpoolCorrupt { batches } => corrupt += batches,
            AgentFact::ClockStep { by_ms, .. } => steps.push(*by_ms),
            AgentFact::Skipped { attempts } => told_skipped += attempts,
            other => panic!("{other:?}"),
        }
    }
    assert!(dropped_rows > 100 && corrupt_rows > 0 && not_later > 0, "{dropped_rows} {corrupt_rows} {not_later}");
    let accounted = delivered + dropped_rows + corrupt_rows + told_in_it + not_later;
    assert_eq!(all, accounted, "every attempt is delivered, or known to be lost");
    assert_eq!((corrupt, told_skipped), (1, skipped));
    assert_eq!(
        steps,
        [MINUTE_MS, -MINUTE_MS],
        "both steps are told, whatever became of the batches that they stood in"
    );
    let total_in_order = heard.rows.values().all(|instants| instants.is_sorted_by(|one, next| one < next));
    assert!(total_in_order, "no instant of a stream twice, and none before another");
    // What went lies in a time that was named, but for what the damaged file alone knew of.
    let earliest = heard.rows.values().filter_map(|instants| instants.first()).min().unwrap();
    let named = |at: &&Instant| spans.iter().any(|(from, to)| from <= *at && *at <= to);
    let unnamed = made.values().flatten().filter(|at| *at < earliest && !named(at)).count() as u64;
    assert!(unnamed <= told_in_it, "{unnamed} are missing and lie in none of {spans:?}");
}
