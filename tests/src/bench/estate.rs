//! The estate that is watched: agents, and what each of them saw in each half minute.
//!
//! Each agent has as many probes as the shape says, of one service of its own, and 40 gauges of its host. A probe is
//! attempted every 30 s, 20 ms early or late, with lognormal durations; 0.2 % of the attempts fail, in bursts of ten or
//! so. Gauges are read every 15 s: shares, memory, disks, counters, loads, and some that never change.
//!
//! What comes out is what agents push; the peer is given the same values in its own format.

use std::io;

use uphold_common::ids::{Id, ProbeId};
use uphold_common::observation::{Cause, Micros, Observation, Outcome, Phases, Reading, ResourceId};
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::columns::Rows;

use super::chance::{Chance, Lognormal};
use super::gauges::{self, Gauge};

/// How much time one push covers, which is also how often a probe is attempted.
pub(super) const PUSH_MS: i64 = 30_000;
/// How often a gauge is read.
const READING_MS: i64 = 15_000;
/// How much earlier or later than planned anything may be.
const JITTER_MS: i64 = 20;
/// Values in an attempt: its outcome, how long it took, and four phases.
pub(super) const VALUES_PER_ATTEMPT: usize = 6;
/// How often a burst of failures begins.
const BURSTS: f64 = 0.0002;
/// How many attempts fail in a burst, in the mean.
const BURST_ATTEMPTS: f64 = 10.0;
/// How long a failed attempt waits.
const TIMEOUT_US: f64 = 5_000_000.0;
/// Medians of the phases that are measured, in microseconds: resolve, connect, TLS, first byte.
const MEDIANS_US: [f64; 4] = [2_000.0, 10_000.0, 14_000.0, 17_000.0];

/// How large an estate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// How many agents.
    pub(super) agents: usize,
    /// How many probes each of them has.
    pub(super) probes: usize,
    /// Whether hosts have gauges.
    pub(super) gauges: bool,
}

impl Shape {
    /// Values in one push of one agent.
    pub(super) fn values_per_push(self) -> u64 {
        (self.probes * VALUES_PER_ATTEMPT + self.readings_per_push()) as u64
    }

    /// Rows in one push of one agent: attempts and readings.
    pub(super) fn rows_per_push(self) -> u64 {
        (self.probes + self.readings_per_push()) as u64
    }

    fn readings_per_push(self) -> usize {
        if self.gauges { gauges::COUNT * (PUSH_MS / READING_MS) as usize } else { 0 }
    }

    /// Values of all agents over so many pushes of each.
    pub(super) fn values(self, pushes: u64) -> u64 {
        pushes * self.agents as u64 * self.values_per_push()
    }
}

/// The agents, and how far they have come.
#[derive(Debug)]
pub(super) struct Estate {
    /// The agents.
    pub(super) agents: Vec<Agent>,
    /// Durations are drawn from it.
    pub(super) durations: Lognormal,
    /// The beginning of what is to be pushed next.
    pub(super) next: Instant,
}

impl Estate {
    /// An estate whose first attempt is made at `start`.
    pub(super) fn new(shape: Shape, start: Instant) -> io::Result<Self> {
        let durations = Lognormal::new();
        let agents =
            (0..shape.agents).map(|number| Agent::new(number, shape, &durations)).collect::<io::Result<_>>()?;
        Ok(Self { agents, durations, next: start })
    }
}

/// The id of the service that an agent watches.
pub(super) fn service(agent: usize) -> String {
    format!("svc-{agent:04}")
}

/// The id of a probe.
pub(super) fn probe(number: usize) -> String {
    format!("http-{number:02}")
}

/// The id of a probe under its service.
pub(super) fn probe_id(agent: usize, number: usize) -> io::Result<ProbeId> {
    Ok(ProbeId::new(id(&service(agent))?, id(&probe(number))?))
}

/// The id of an agent, which is also that of its host.
pub(super) fn agent(number: usize) -> String {
    format!("agent-{number:04}")
}

/// One agent.
#[derive(Debug)]
pub(super) struct Agent {
    /// Its id.
    pub(super) name: Id,
    /// Its spool.
    pub(super) epoch: Epoch,
    /// How many pushes it has made.
    pub(super) pushed: u64,
    chance: Chance,
    probes: Vec<Probe>,
    gauges: Vec<Gauge>,
}

impl Agent {
    fn new(number: usize, shape: Shape, durations: &Lognormal) -> io::Result<Self> {
        let mut chance = Chance::new(number as u64 + 1);
        let name = id(&agent(number))?;
        let one = |of| Ok(Probe::new(probe_id(number, of)?, &mut chance, durations));
        let probes = (0..shape.probes).map(one).collect::<io::Result<_>>()?;
        let mut gauges = if shape.gauges { gauges::of_a_host(&mut chance) } else { Vec::new() };
        // As an agent sends them.
        gauges.sort_by(|a, b| (a.resource(), a.of()).cmp(&(b.resource(), b.of())));
        let epoch = Epoch((number as u128 + 1).to_be_bytes());
        Ok(Self { name, epoch, pushed: 0, chance, probes, gauges })
    }

    /// What it saw in the half minute that begins at `base`; the streams are in the order in which agents send them.
    pub(super) fn see(&mut self, base: Instant, durations: &Lognormal) -> Vec<Rows> {
        let Self { name, chance, probes, gauges, .. } = self;
        let mut streams = Vec::with_capacity(probes.len() + gauges.len());
        for probe in probes {
            let at = base.plus_ms(probe.offset_ms + chance.between(-JITTER_MS, JITTER_MS));
            streams.push(Rows::Probe(probe.id.clone(), vec![probe.attempt(at, chance, durations)]));
        }
        let mut jittered = |ms| base.plus_ms(ms + chance.between(-JITTER_MS, JITTER_MS));
        let instants = [jittered(0), jittered(READING_MS)];
        for gauge in gauges {
            let of = ResourceId { host: name.clone(), resource: gauge.resource(), of: gauge.of().to_owned() };
            let read = instants.map(|at| Reading { at, used: gauge.read(chance), limit: gauge.limit() });
            streams.push(Rows::Capacity(of, read.to_vec()));
        }
        streams
    }

    /// What it saw in so many half minutes from `base` on, as one batch.
    pub(super) fn see_long(&mut self, base: Instant, pushes: u64, durations: &Lognormal) -> Vec<Rows> {
        let mut all = self.see(base, durations);
        for push in 1..pushes {
            for (stream, more) in all.iter_mut().zip(self.see(after(base, push), durations)) {
                match (stream, more) {
                    (Rows::Probe(_, rows), Rows::Probe(_, more)) => rows.extend(more),
                    (Rows::Capacity(_, rows), Rows::Capacity(_, more)) => rows.extend(more),
                    _ => {}
                }
            }
        }
        all
    }
}

/// The beginning of what is pushed after so many pushes.
pub(super) fn after(first: Instant, pushes: u64) -> Instant {
    first.plus_ms(PUSH_MS.saturating_mul(i64::try_from(pushes).unwrap_or(i64::MAX)))
}

/// One probe.
#[derive(Debug)]
struct Probe {
    id: ProbeId,
    /// When in the half minute it is attempted.
    offset_ms: i64,
    medians_us: [f64; 4],
    failures_left: u32,
}

impl Probe {
    fn new(id: ProbeId, chance: &mut Chance, durations: &Lognormal) -> Self {
        let of_this_one = durations.draw(chance);
        let offset_ms = chance.between(JITTER_MS, PUSH_MS - 1_000);
        Self { id, offset_ms, medians_us: MEDIANS_US.map(|median| median * of_this_one), failures_left: 0 }
    }

    fn attempt(&mut self, at: Instant, chance: &mut Chance, durations: &Lognormal) -> Observation {
        if self.failures_left == 0 && chance.fraction() < BURSTS {
            self.failures_left = 1 + (-BURST_ATTEMPTS * (1.0 - chance.fraction()).ln()) as u32;
        }
        let mut draw = |median: f64| (median * durations.draw(chance)) as u64;
        let [resolve, connect, tls, first_byte] = self.medians_us;
        let resolve = draw(resolve);
        if self.failures_left > 0 {
            self.failures_left -= 1;
            let total = (TIMEOUT_US + 2_000.0 * chance.fraction()) as u64;
            let phases = Phases { resolve: Micros::new(resolve), ..Phases::default() };
            let (outcome, cause) = (Outcome::Down, Cause::Timeout);
            return Observation { at, outcome, cause, code: 0, total: Micros::new(total), phases };
        }
        let [connect, tls, first_byte] = [connect, tls, first_byte].map(&mut draw);
        // What lies between the phases.
        let rest = (500.0 * chance.fraction()) as u64;
        let total = Micros::new(resolve + connect + tls + first_byte + rest);
        let [resolve, connect, tls, first_byte] = [resolve, connect, tls, first_byte].map(Micros::new);
        let phases = Phases { resolve, connect, tls, first_byte, transfer: Micros::NONE };
        Observation { at, outcome: Outcome::Up, cause: Cause::None, code: 200, total, phases }
    }
}

/// The values of an attempt as the peer is given them, in seconds and as 1 or 0; a phase that was not reached is 0.
pub(super) fn values(attempt: &Observation) -> [f64; VALUES_PER_ATTEMPT] {
    let seconds = |micros: Micros| micros.get().map_or(0.0, |us| us as f64 / 1e6);
    let Phases { resolve, connect, tls, first_byte, .. } = attempt.phases;
    let up = f64::from(u8::from(attempt.outcome == Outcome::Up));
    let [total, resolve, connect, tls, first_byte] = [attempt.total, resolve, connect, tls, first_byte].map(seconds);
    [up, total, resolve, connect, tls, first_byte]
}

/// An id out of what is an id.
pub(super) fn id(text: &str) -> io::Result<Id> {
    Id::new(text).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What all agents of a small estate saw in so many half minutes.
    fn seen(pushes: u64) -> Vec<Vec<Rows>> {
        let shape = Shape { agents: 2, probes: 5, gauges: true };
        let start = Instant::from_ms(1_763_800_000_000);
        let Estate { mut agents, durations, .. } = Estate::new(shape, start).unwrap();
        agents.iter_mut().map(|agent| agent.see_long(start, pushes, &durations)).collect()
    }

    #[test]
    fn rows_and_values_are_as_many_as_the_shape_says_and_the_same_each_time() {
        let shape = Shape { agents: 2, probes: 5, gauges: true };
        let all = seen(3);
        let rows: usize = all.iter().flatten().map(Rows::len).sum();
        assert_eq!(rows as u64, 3 * 2 * shape.rows_per_push());
        assert_eq!((shape.values_per_push(), shape.values(3)), (5 * 6 + 80, 3 * 2 * 110));
        assert_eq!(all, seen(3));
        let in_order = |rows: &Rows| rows.instants().zip(rows.instants().skip(1)).all(|(one, next)| one < next);
        assert!(all.iter().flatten().all(in_order));
    }

    #[test]
    fn few_attempts_fail_most_of_them_right_after_another_one() {
        let all = seen(20_000);
        let (mut attempts, mut failed, mut again) = (0, 0, 0);
        for rows in all.iter().flatten() {
            let Rows::Probe(_, rows) = rows else { continue };
            let down = |row: &Observation| row.outcome == Outcome::Down;
            attempts += rows.len();
            failed += rows.iter().filter(|row| down(row)).count();
            again += rows.iter().zip(rows.iter().skip(1)).filter(|(one, next)| down(one) && down(next)).count();
        }
        assert!((attempts / 1_000..attempts / 300).contains(&failed), "{failed} of {attempts}");
        assert!(again * 10 > failed * 8, "{again} of {failed}");
    }
}
