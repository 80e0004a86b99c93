//! When each probe is due; pure.
//!
//! A probe is due at the instants that leave its phase when divided by its interval. The phase comes from a hash of the
//! agent's and the probe's names that is written down here, so it is the same after a restart and in every build:
//! attempts keep their rhythm, and a thousand probes spread over their interval instead of starting together.
//!
//! An attempt that is late by over a second is not made, nor is one while another of its probe runs: after a pause
//! every probe goes on at its own next turn. What is skipped is counted and never made up for in a bunch.
//!
//! A failure may be confirmed sooner than with the interval: then further attempts follow, each soon after the one before
//! it began, until one succeeds or as many were made as confirm an outage. They are besides the rhythm, which stays.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uphold_common::ids::{Id, ProbeId};
use uphold_common::time::Instant;
use uphold_common::wire::assignment::{Assignment, Confirm, ProbeSpec};

/// The least interval a schedule keeps; the catalogue's own bound is higher.
const INTERVAL_MS_MIN: i64 = 10;
/// What is late by more is skipped.
const LATE_MS_MAX: i64 = 1_000;

/// When each probe is due.
#[derive(Debug)]
pub struct Schedule {
    agent: Id,
    /// What is assigned, shared with everybody else who knows it.
    assignment: Arc<Assignment>,
    entries: BTreeMap<ProbeId, Entry>,
    /// The same instants as in the entries, soonest first.
    queue: BTreeSet<(Instant, ProbeId)>,
    looked_at: Instant,
}

#[derive(Debug)]
struct Entry {
    /// Which of the probes that are assigned it is.
    place: usize,
    rhythm: Rhythm,
    confirm: Option<Confirm>,
    next_due: Instant,
    /// When a failure is to be confirmed.
    confirm_due: Option<Instant>,
    /// Failures in a row.
    failures: u32,
    running: bool,
}

impl Entry {
    fn next(&self) -> Instant {
        self.confirm_due.map_or(self.next_due, |confirm| confirm.min(self.next_due))
    }
}

/// The instants that leave the phase when divided by the interval.
#[derive(Clone, Copy, Debug)]
struct Rhythm {
    interval_ms: i64,
    phase_ms: i64,
}

impl Rhythm {
    fn of(agent: &Id, spec: &ProbeSpec) -> Self {
        let interval_ms = spec.interval_ms.max(INTERVAL_MS_MIN);
        Self { interval_ms, phase_ms: phase_ms(agent, &spec.id, interval_ms) }
    }

    /// The first of them after `after`.
    fn next_due(self, after: Instant) -> Instant {
        let since_phase = after.as_ms().saturating_sub(self.phase_ms);
        after.plus_ms(self.interval_ms - since_phase.rem_euclid(self.interval_ms))
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When it began.
    pub began: Instant,
    /// Whether it failed.
    pub failed: bool,
}

/// What is to be done now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The probes to start.
    pub start: Vec<ProbeId>,
    /// How many attempts were due and are not made.
    pub skipped: u64,
}

/// What a new assignment changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Probes that are new or have another specification.
    pub changed: Vec<ProbeId>,
    /// Probes that are no longer run.
    pub removed: Vec<ProbeId>,
}

impl Schedule {
    /// A schedule without probes.
    pub fn new(agent: Id) -> Self {
        let (assignment, entries, queue) = (Arc::default(), BTreeMap::new(), BTreeSet::new());
        Self { agent, assignment, entries, queue, looked_at: Instant::MIN }
    }

    /// Takes a new assignment. A probe that stays as it was keeps its place, running or not; one that was changed keeps
    /// its phase as long as its interval is the same.
    pub fn assign(&mut self, assignment: Arc<Assignment>, now: Instant) -> Changes {
        let mut before = std::mem::take(&mut self.entries);
        let assigned_before = std::mem::replace(&mut self.assignment, assignment);
        let mut changes = Changes::default();
        for (place, spec) in self.assignment.probes.iter().enumerate() {
            let entry = match before.remove(&spec.id) {
                Some(entry) if assigned_before.probes.get(entry.place) == Some(spec) => Entry { place, ..entry },
                old => {
                    changes.changed.push(spec.id.clone());
                    let rhythm = Rhythm::of(&self.agent, spec);
                    let next_due = rhythm.next_due(now.minus_ms(1));
                    let (confirm, running) = (spec.confirm, old.is_some_and(|entry| entry.running));
                    Entry { place, rhythm, confirm, next_due, confirm_due: None, failures: 0, running }
                }
            };
            self.entries.insert(spec.id.clone(), entry);
        }
        changes.removed = before.into_keys().collect();
        self.looked_at = now;
        self.queue_up();
        changes
    }

    /// The probes to start now; each counts as running until [`Self::finished`].
    pub fn due(&mut self, now: Instant) -> Due {
        if now < self.looked_at {
            // The clock was set back: what was next lies far ahead of what is next now.
            for entry in self.entries.values_mut() {
                entry.next_due = entry.rhythm.next_due(now);
                entry.confirm_due = None;
            }
            self.queue_up();
        }
        self.looked_at = now;
        let mut due = Due::default();
        while self.queue.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, id)) = self.queue.pop_first() else { break };
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            let confirms = entry.confirm_due.take_if(|at| *at <= now).is_some_and(|at| !is_late(at, now));
            let mut in_turn = false;
            if entry.next_due <= now {
                in_turn = !entry.running && !is_late(entry.next_due, now);
                let turns = now.since_ms(entry.next_due) / entry.rhythm.interval_ms;
                let turns = u64::try_from(turns).unwrap_or_default() + 1;
                due.skipped = due.skipped.saturating_add(turns - u64::from(in_turn));
                entry.next_due = entry.rhythm.next_due(now);
            }
            self.queue.insert((entry.next(), id.clone()));
            if in_turn || (confirms && !entry.running) {
                entry.running = true;
                due.start.push(id);
            }
        }
        due
    }

    /// An attempt of this probe ended now; `None` when it could not be started.
    pub fn finished(&mut self, id: &ProbeId, ended: Option<Ended>, now: Instant) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        entry.running = false;
        let Some(ended) = ended else { return };
        entry.failures = if ended.failed { entry.failures.saturating_add(1) } else { 0 };
        let Some(confirm) = entry.confirm else { return };
        if !ended.failed || entry.failures > confirm.attempts {
            return;
        }
        let at = ended.began.plus_ms(confirm.after_ms.max(INTERVAL_MS_MIN)).max(now);
        // What comes in its turn before that confirms as well.
        if at < entry.next_due {
            self.queue.remove(&(entry.next(), id.clone()));
            entry.confirm_due = Some(at);
            self.queue.insert((entry.next(), id.clone()));
        }
    }

    /// When something is due next.
    pub fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// The specification of a probe.
    pub fn spec(&self, id: &ProbeId) -> Option<&ProbeSpec> {
        self.assignment.probes.get(self.entries.get(id)?.place)
    }

    fn queue_up(&mut self) {
        self.queue = self.entries.iter().map(|(id, entry)| (entry.next(), id.clone())).collect();
    }
}

fn is_late(due: Instant, now: Instant) -> bool {
    now.since_ms(due) > LATE_MS_MAX
}

/// The place of a probe in its interval.
fn phase_ms(agent: &Id, probe: &ProbeId, interval_ms: i64) -> i64 {
    let name = format!("{agent}/{probe}");
    let hash = fnv1a(name.as_bytes()) % interval_ms.max(1).unsigned_abs();
    i64::try_from(hash).unwrap_or_default()
}

/// FNV-1a of 64 bits, written down so that no library can change it; its upper half is folded in, since the lower bits
/// of short texts that differ only at their end are alike.
fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in bytes {
        hash ^= u64::from(*byte);
        hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^ (hash >> 32)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
