//! The open batch: rows go in one by one, and a batch comes out when it is full, old enough or urgent.
//!
//! A batch closes
//! - before a row that would take it over its bounds of rows, streams, facts or bytes;
//! - once it is as old as the shortest interval of the streams in it, and never older than 30 s;
//! - at once when the outcome of a stream changed; the first outcome of a stream is a change. So are the next few that say
//!   the same after a change, since they confirm it: a failure that is tried again in half a second is not to wait for the
//!   batch's age then. What changes within half a
//!   second of the batch before, shares one: thousands of probes begin, or fail, one after the other, and each batch costs
//!   its agent a synced file and its collector a push.
//!
//! Within a stream every row is later than the one before it, also from one batch to the next: what is not, is
//! refused, and the caller counts it. The builder reads no clock; `now` is an argument.

use std::collections::BTreeMap;

use super::batch::{AgentFact, BATCH_FACTS_MAX};
use super::columns::Rows;
use super::sheet::StreamName;
use super::{BATCH_ROWS_MAX, BATCH_STREAMS_MAX};
use crate::ids::{Id, ProbeId};
use crate::observation::{FlowId, Observation, Outcome, Reading, ResourceId, Volume};
use crate::time::Instant;

/// The oldest a batch gets.
pub const BATCH_AGE_MS_MAX: i64 = 30_000;

/// How long after the one before it was opened a batch waits at least, though something changed.
const TOGETHER_MS: i64 = 500;

/// How many outcomes in a row that are the same after a change are as urgent as it: as many as mostly confirm something.
pub const CONFIRMING: u8 = 4;

/// Most streams whose last row is remembered; beyond, those that were silent longest are forgotten.
const SEEN_MAX: usize = 2 * BATCH_STREAMS_MAX;

/// Bytes of a stream's columns besides its rows and names: keys, headers, the first instant.
const STREAM_BYTES: usize = 200;
/// Bytes of an attempt at most: five phases, total, code, time, outcome, cause.
const OBSERVATION_BYTES: usize = 44;
/// Bytes of a reading or volume at most.
const SAMPLE_BYTES: usize = 27;
/// Bytes of a fact at most.
const FACT_BYTES: usize = 80;

/// One row on its way into a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// An attempt of a probe.
    Probe(ProbeId, Observation),
    /// A reading of a resource.
    Capacity(ResourceId, Reading),
    /// A volume of a flow.
    Volume(FlowId, Volume),
}

impl Row {
    /// When it was observed.
    pub const fn at(&self) -> Instant {
        match self {
            Self::Probe(_, row) => row.at,
            Self::Capacity(_, row) => row.at,
            Self::Volume(_, row) => row.at,
        }
    }
}

/// What one batch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Most rows.
    pub rows_max: usize,
    /// Most streams.
    pub streams_max: usize,
    /// Most bytes by estimate, before compression. The estimate is never too low, and zstd adds next to nothing to
    /// what it cannot compress, so a bound below the frame's keeps the frame within its own.
    pub raw_bytes_max: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { rows_max: BATCH_ROWS_MAX, streams_max: BATCH_STREAMS_MAX, raw_bytes_max: 1_000_000 }
    }
}

/// What a closed batch holds, still without its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The rows, stream by stream.
    pub streams: Vec<Rows>,
    /// What the agent says of its own measuring.
    pub facts: Vec<AgentFact>,
}

/// Why a row was not taken: it is not later than the last one of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the row at {at} is not later than the last one of its stream, at {last}")]
pub struct NotLater {
    /// The instant of the row.
    pub at: Instant,
    /// The instant of the last row of its stream.
    pub last: Instant,
}

/// The open batch, and what it remembers from one batch to the next.
#[derive(Debug)]
pub struct BatchBuilder {
    limits: BatchLimits,
    streams: BTreeMap<StreamName, Rows>,
    facts: Vec<AgentFact>,
    rows: usize,
    raw_bytes: usize,
    opened_at: Option<Instant>,
    /// When the batch before was opened.
    before_opened_at: Option<Instant>,
    age_ms_max: i64,
    urgent: bool,
    seen: BTreeMap<StreamName, Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    at: Instant,
    outcome: Option<Outcome>,
    /// How many more of the same outcome confirm the last change.
    confirming: u8,
}

impl BatchBuilder {
    /// An empty batch.
    pub const fn new(limits: BatchLimits) -> Self {
        Self {
            limits,
            streams: BTreeMap::new(),
            facts: Vec::new(),
            rows: 0,
            raw_bytes: 0,
            opened_at: None,
            before_opened_at: None,
            age_ms_max: BATCH_AGE_MS_MAX,
            urgent: false,
            seen: BTreeMap::new(),
        }
    }

    /// Takes a row of a stream that is observed every `interval_ms`. What comes back is the batch as it was, closed
    /// because it had no room for the row, which is the first of the next one.
    pub fn add(&mut self, row: Row, interval_ms: i64, now: Instant) -> Result<Option<Content>, NotLater> {
        let key = name_of(&row);
        let at = row.at();
        let before = self.seen.get(&key).copied();
        if let Some(last) = before.map(|seen| seen.at).filter(|last| at <= *last) {
            return Err(NotLater { at, last });
        }
        let outcome = match &row {
            Row::Probe(_, observation) => Some(observation.outcome),
            Row::Capacity(..) | Row::Volume(..) => None,
        };
        let fresh_bytes = STREAM_BYTES + name_bytes(&key);
        let row_bytes = if outcome.is_some() { OBSERVATION_BYTES } else { SAMPLE_BYTES };
        let full = self.has_no_room(&key, fresh_bytes + row_bytes).then(|| self.close()).flatten();
        if !self.streams.contains_key(&key) {
            self.raw_bytes += fresh_bytes;
        }
        self.rows += 1;
        self.raw_bytes += row_bytes;
        self.opened_at.get_or_insert(now);
        self.age_ms_max = self.age_ms_max.min(interval_ms.max(0));
        let known = before.and_then(|seen| seen.outcome);
        let confirming = match (known, outcome) {
            (Some(before), Some(now)) if before != now => CONFIRMING,
            // That something works as it begins needs nobody to confirm it.
            (None, Some(now)) if now != Outcome::Up => CONFIRMING,
            _ => before.map_or(0, |seen| seen.confirming.saturating_sub(1)),
        };
        let confirms = before.is_some_and(|seen| seen.confirming > 0);
        self.urgent |= outcome.is_some() && (known != outcome || confirms);
        self.remember(key.clone(), Seen { at, outcome, confirming });
        put(&mut self.streams, key, row);
        Ok(full)
    }

    /// Takes a fact. Facts that count are added up; a batch that is full of other facts is closed and comes back.
    pub fn add_fact(&mut self, fact: AgentFact, now: Instant) -> Option<Content> {
        if self.facts.iter_mut().any(|held| merge(held, &fact)) {
            return None;
        }
        let no_room = self.facts.len() >= BATCH_FACTS_MAX || self.raw_bytes + FACT_BYTES > self.limits.raw_bytes_max;
        let full = no_room.then(|| self.close()).flatten();
        self.raw_bytes += FACT_BYTES;
        self.opened_at.get_or_insert(now);
        self.facts.push(fact);
        full
    }

    /// Whether the batch should be closed now. A clock that was set back makes the batch due, not eternal.
    pub fn is_due(&self, now: Instant) -> bool {
        let Some(opened_at) = self.opened_at else { return false };
        let age_ms = now.since_ms(opened_at);
        let shares = self.before_opened_at.is_some_and(|before| (0..TOGETHER_MS).contains(&now.since_ms(before)));
        (self.urgent && !shares) || age_ms < 0 || age_ms >= self.age_ms_max
    }

    /// Closes the batch; `None` when nothing is in it.
    pub fn close(&mut self) -> Option<Content> {
        self.before_opened_at = Some(self.opened_at.take()?);
        self.rows = 0;
        self.raw_bytes = 0;
        self.age_ms_max = BATCH_AGE_MS_MAX;
        self.urgent = false;
        let streams = std::mem::take(&mut self.streams).into_values().collect();
        Some(Content { streams, facts: std::mem::take(&mut self.facts) })
    }

    /// Forgets the streams of probes and hosts for which `assigned` is false.
    pub fn forget_unless(&mut self, probe: impl Fn(&ProbeId) -> bool, host: impl Fn(&Id) -> bool) {
        self.seen.retain(|key, _| match key {
            StreamName::Probe(id) => probe(id),
            StreamName::Capacity(id) => host(&id.host),
            StreamName::Volume(id) => host(&id.host),
        });
    }

    fn has_no_room(&self, key: &StreamName, bytes: usize) -> bool {
        let fresh = !self.streams.contains_key(key);
        self.rows + 1 > self.limits.rows_max
            || (fresh && self.streams.len() + 1 > self.limits.streams_max)
            || self.raw_bytes + bytes > self.limits.raw_bytes_max
    }

    fn remember(&mut self, key: StreamName, seen: Seen) {
        if self.seen.len() >= SEEN_MAX && !self.seen.contains_key(&key) {
            let mut instants: Vec<Instant> = self.seen.values().map(|seen| seen.at).collect();
            instants.sort_unstable();
            let cut = instants.get(SEEN_MAX / 4).copied().unwrap_or(Instant::MIN);
            self.seen.retain(|_, seen| seen.at > cut);
        }
        self.seen.insert(key, seen);
    }
}

fn name_of(row: &Row) -> StreamName {
    match row {
        Row::Probe(id, _) => StreamName::Probe(id.clone()),
        Row::Capacity(id, _) => StreamName::Capacity(id.clone()),
        Row::Volume(id, _) => StreamName::Volume(id.clone()),
    }
}

fn name_bytes(name: &StreamName) -> usize {
    match name {
        StreamName::Probe(id) => id.parent.as_str().len() + id.child.as_str().len(),
        StreamName::Capacity(id) => id.host.as_str().len() + id.of.len(),
        StreamName::Volume(id) => id.host.as_str().len() + id.of.len(),
    }
}

fn put(streams: &mut BTreeMap<StreamName, Rows>, key: StreamName, row: Row) {
    match (streams.get_mut(&key), row) {
        (Some(Rows::Probe(_, rows)), Row::Probe(_, row)) => rows.push(row),
        (Some(Rows::Capacity(_, rows)), Row::Capacity(_, row)) => rows.push(row),
        (Some(Rows::Volume(_, rows)), Row::Volume(_, row)) => rows.push(row),
        (_, Row::Probe(id, row)) => {
            streams.insert(key, Rows::Probe(id, vec![row]));
        }
        (_, Row::Capacity(id, row)) => {
            streams.insert(key, Rows::Capacity(id, vec![row]));
        }
        (_, Row::Volume(id, row)) => {
            streams.insert(key, Rows::Volume(id, vec![row]));
        }
    }
}

/// Losses that are no farther apart are one.
const APART_MS: i64 = 60_000;

/// Adds `fact` to `held` where both count the same; a step of the clock, a start and an end stand for themselves.
fn merge(held: &mut AgentFact, fact: &AgentFact) -> bool {
    match (held, fact) {
        (
            AgentFact::SpoolOverflow { batches, rows },
            AgentFact::SpoolOverflow { batches: more_batches, rows: more_rows },
        ) => {
            *batches = batches.saturating_add(*more_batches);
            *rows = rows.saturating_add(*more_rows);
            true
        }
        (AgentFact::SpoolCorrupt { batches }, AgentFact::SpoolCorrupt { batches: more })
        | (AgentFact::Quarantined { batches }, AgentFact::Quarantined { batches: more })
        | (AgentFact::Skipped { attempts: batches }, AgentFact::Skipped { attempts: more }) => {
            *batches = batches.saturating_add(*more);
            true
        }
        (
            AgentFact::Dropped { batches, rows, from, to },
            AgentFact::Dropped { batches: more_batches, rows: more_rows, from: earlier, to: later },
        ) if from.minus_ms(APART_MS) <= *later && *earlier <= to.plus_ms(APART_MS) => {
            *batches = batches.saturating_add(*more_batches);
            *rows = rows.saturating_add(*more_rows);
            (*from, *to) = ((*from).min(*earlier), (*to).max(*later));
            true
        }
        // Of several measurements in one batch the newest tells most.
        (held @ AgentFact::ClockOffset { .. }, AgentFact::ClockOffset { .. }) => {
            held.clone_from(fact);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
