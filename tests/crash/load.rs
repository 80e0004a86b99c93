//! The load: batches made up from a number, so that what was delivered can be made again and looked for.
//!
//! Each agent has its own list of batches without end. A batch holds twenty minutes of both probes; of the first agent
//! also of a disk and of a network interface. The stretches come in no order, so that most are late and touch days that
//! were sealed and merged long ago; on a second pass through all stretches the instants lie between those of the first.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use uphold_common::ids::{Id, ProbeId, VantagePoint};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases};
use uphold_common::observation::{Flow, FlowId, Reading, Resource, ResourceId, Volume};
use uphold_common::time::{DAY_MS, Instant};
use uphold_common::wire::batch::{Batch, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::push::{PUSH_CONTENT_TYPE, Push, PushAnswer};
use uphold_tests::process::http::{self, Answer};
use uphold_tests::process::wait::{rest, wall_ms};

use crate::site::{AGENTS, DAYS, INTERVAL_MS, retry_after};

/// How long the stretch of a batch is.
const STRETCH_MS: i64 = 20 * 60_000;
/// How many stretches there are, and a step that has no divisor in common with that, and so leads through all of them.
const STRETCHES: i64 = DAYS * DAY_MS / STRETCH_MS;
const STEP: i64 = 7 * 13;
/// By how much instants move with each pass.
const PASS_MS: i64 = 37;
/// How often hosts are read.
const READ_EVERY_MS: i64 = 15_000;
/// Between two batches of an agent.
const PAUSE: Duration = Duration::from_millis(60);
/// Before a batch is tried again; these agents are hastier than they are told to be.
const AGAIN: Duration = Duration::from_millis(50);

/// Random numbers that are the same every time (`SplitMix64`).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

pub(crate) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn probe(name: &str) -> ProbeId {
    ProbeId::new(id("shop"), id(name))
}

fn disk() -> ResourceId {
    ResourceId { host: id("web-1"), resource: Resource::Filesystem, of: "/var".to_owned() }
}

fn net() -> FlowId {
    FlowId { host: id("web-1"), flow: Flow::NetworkSent, of: "eth0".to_owned() }
}

/// One try of a probe: outages of ten minutes that all agents see, and minutes in which everything is slow.
fn attempt(at: i64, salt: u64) -> Observation {
    let within = |length_ms: i64| Dice(at.div_euclid(length_ms).cast_unsigned());
    let mut dice = Dice(at.cast_unsigned() ^ (salt << 56));
    let (outcome, cause) = match (within(600_000).below(6), within(60_000).below(20)) {
        (0, _) => (Outcome::Down, Cause::Timeout),
        (_, 0) => (Outcome::Degraded, Cause::Slow),
        _ => (Outcome::Up, Cause::None),
    };
    let mut micros = || Micros::new(dice.below(30_000));
    let phases = Phases { connect: micros(), first_byte: micros(), ..Phases::default() };
    Observation { at: Instant::from_ms(at), outcome, cause, code: 200, total: micros(), phases }
}

/// The key of an agent's batch.
pub(crate) fn key(agent: usize, seq: u64) -> BatchKey {
    let place = u8::try_from(agent).unwrap();
    BatchKey { agent: id(AGENTS[agent]), epoch: Epoch([place + 1; 16]), seq }
}

/// An agent's batch with this number, from 1; everything in it lies before `present`.
pub(crate) fn batch(agent: usize, seq: u64, present: i64) -> Batch {
    let (number, offset) = (seq.cast_signed() - 1, i64::try_from(agent).unwrap());
    let (pass, place) = (number / STRETCHES, (number * STEP + offset * 31) % STRETCHES);
    batch_of(key(agent, seq), present - DAYS * DAY_MS + place * STRETCH_MS + pass * PASS_MS + offset, STRETCH_MS)
}

/// A batch of what its agent saw from `start` on for `length_ms`.
pub(crate) fn batch_of(key: BatchKey, start: i64, length_ms: i64) -> Batch {
    let end = start + length_ms - PASS_MS * 100;
    let every = |ms: i64| (start..end).step_by(usize::try_from(ms).unwrap());
    let probed =
        |name: &str, salt: u64| Rows::Probe(probe(name), every(INTERVAL_MS).map(|at| attempt(at, salt)).collect());
    let mut streams = vec![probed("front", 1), probed("back", 2)];
    if key.agent.as_str() == AGENTS[0] {
        let used = |at: i64| 500 + Dice(at.cast_unsigned()).below(480);
        let read = |at: i64| Reading { at: Instant::from_ms(at), used: used(at), limit: 1_000 };
        let flowed = |at: i64| Volume { at: Instant::from_ms(at), over_ms: 15_000, amount: used(at) };
        streams.push(Rows::Capacity(disk(), every(READ_EVERY_MS).map(read).collect()));
        streams.push(Rows::Volume(net(), every(READ_EVERY_MS).map(flowed).collect()));
    }
    Batch { key, closed_at: Instant::from_ms(end), streams, facts: Vec::new() }
}

/// The body of a push of `batch` by an agent that holds everything before it acknowledged.
pub(crate) fn push(batch: &Batch, framed: Vec<u8>, acknowledged: u64) -> Vec<u8> {
    let push = Push {
        agent: batch.key.agent.clone(),
        epoch: batch.key.epoch,
        acknowledged,
        kept_from: None,
        absent: None,
        backlog_batches: 0,
        backlog_oldest: None,
        sent_at: Instant::from_ms(wall_ms()),
        batch: framed,
    };
    push.encode().unwrap()
}

/// Pushes once.
pub(crate) fn try_push(port: u16, batch: &Batch, acknowledged: u64) -> std::io::Result<Answer> {
    let body = push(batch, batch.encode().unwrap(), acknowledged);
    http::post(port, "/api/v1/push", PUSH_CONTENT_TYPE, &body)
}

/// What came of an agent's pushing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivered {
    /// How many batches were acknowledged: those with the numbers from 1 to this.
    pub(crate) batches: u64,
    /// Tries that broke because nobody answered.
    pub(crate) broken: u64,
    /// Refusals by status, word and `Retry-After`.
    pub(crate) refused: BTreeMap<(u16, String, Option<u64>), u64>,
    /// What the collector missed of what it had acknowledged, by what it said itself.
    pub(crate) missed: Vec<String>,
}

/// The word of a refusal.
pub(crate) fn word(answer: &Answer) -> String {
    let word = answer.json().ok().and_then(|problem| problem["type"].as_str().map(str::to_owned)).unwrap_or_default();
    word.trim_start_matches("urn:uphold:problem:").to_owned()
}

/// Pushes one batch until it is acknowledged, or until told to give up.
pub(crate) fn deliver(port: u16, batch: &Batch, done: &mut Delivered, give_up: &AtomicBool) -> bool {
    while !give_up.load(Ordering::Relaxed) {
        match try_push(port, batch, done.batches) {
            Ok(answer) if answer.code == 200 => {
                let told: PushAnswer = serde_json::from_slice(&answer.body).unwrap();
                if let Some(from) = told.replay_from {
                    done.missed.push(format!("{}: it asks for what follows from {from} again", batch.key));
                }
                return true;
            }
            Ok(answer) => {
                let after = retry_after(&answer);
                *done.refused.entry((answer.code, word(&answer), after)).or_default() += 1;
                rest(AGAIN);
            }
            Err(_) => {
                done.broken += 1;
                rest(AGAIN);
            }
        }
    }
    false
}

/// One agent: batch after batch until `over`, each until it is acknowledged; every eighth is sent once more, as an agent
/// does that never saw the answer.
pub(crate) fn run(port: u16, agent: usize, present: i64, over: &AtomicBool, give_up: &AtomicBool) -> Delivered {
    let mut done = Delivered::default();
    while !over.load(Ordering::Relaxed) {
        let batch = batch(agent, done.batches + 1, present);
        if !deliver(port, &batch, &mut done, give_up) {
            break;
        }
        done.batches += 1;
        if done.batches % 8 == 0 {
            deliver(port, &batch, &mut done, give_up);
        }
        rest(PAUSE);
    }
    done
}

/// All rows of what was delivered, by stream, each instant once.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    pub(crate) attempts: BTreeMap<VantagePoint, BTreeMap<Instant, Observation>>,
    pub(crate) readings: BTreeMap<ResourceId, BTreeMap<Instant, Reading>>,
    pub(crate) volumes: BTreeMap<FlowId, BTreeMap<Instant, Volume>>,
}

impl Expected {
    /// Adds the rows of a batch.
    pub(crate) fn add(&mut self, batch: Batch) {
        for rows in batch.streams {
            match rows {
                Rows::Probe(probe, rows) => {
                    let of = VantagePoint { probe, agent: batch.key.agent.clone() };
                    self.attempts.entry(of).or_default().extend(rows.into_iter().map(|row| (row.at, row)));
                }
                Rows::Capacity(of, rows) => {
                    self.readings.entry(of).or_default().extend(rows.into_iter().map(|row| (row.at, row)));
                }
                Rows::Volume(of, rows) => {
                    self.volumes.entry(of).or_default().extend(rows.into_iter().map(|row| (row.at, row)));
                }
            }
        }
    }
}
