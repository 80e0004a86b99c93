//! Admission: whether a pushed batch is taken, whole or not at all.
//!
//! It is decided in two steps, so that the costly one runs beside the engine and only the cheap one on its thread.
//! [`decode`] checks everything that the bytes themselves tell; [`decide`] holds the batch against what the store
//! knows of its epoch. Nothing here reads a clock or the store.
//!
//! A batch whose seq is not above the highest one known, and whose digest is no longer remembered, is taken: it may be
//! a replay, and rows that arrive twice are settled.

use uphold_common::ids::Id;
use uphold_common::time::{DAY_MS, Instant};
use uphold_common::wire::PUSH_BYTES_MAX;
use uphold_common::wire::batch::{self, Batch, BatchError, BatchKey};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::frame::FrameError;
use uphold_common::wire::push::{Push, PushError};

use super::refusal::Refusal;
use crate::store::{Admitted, Delivery};

/// How far ahead of the collector's clock a row may lie.
pub const ROW_AHEAD_MAX_MS: i64 = 5 * 60_000;
/// How far back a row may lie: ten years. A clock that was never set says 1970, and days without end cost memory.
pub const ROW_AGE_MAX_MS: i64 = 3653 * DAY_MS;

/// What an agent says of the batches behind the one it pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// The highest seq of the epoch that it holds acknowledged; 0 for none.
    pub acknowledged: u64,
    /// How many batches wait.
    pub batches: u64,
    /// The instant of the oldest row that waits, if any waits.
    pub oldest: Option<Instant>,
    /// Its clock when it pushed.
    pub sent_at: Instant,
}

/// A push whose bytes are sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Whether credentials have shown that it comes from the agent that it names.
    pub authenticated: bool,
    /// What waits behind it.
    pub backlog: Backlog,
    /// The batch, not yet held against what is known.
    pub batch: Admitted,
}

impl Arrived {
    /// The key of its batch.
    pub const fn key(&self) -> &BatchKey {
        &self.batch.batch.key
    }
}

/// What to do with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Append it, and acknowledge it once that is durable.
    Append {
        /// The batch.
        batch: Admitted,
        /// The first seq to ask for again, if the store misses what the agent holds acknowledged.
        replay_from: Option<u64>,
    },
    /// Acknowledge it: it has arrived before.
    Duplicate {
        /// Its seq.
        seq: u64,
        /// The first seq to ask for again, if the store misses what the agent holds acknowledged.
        replay_from: Option<u64>,
    },
    /// Refuse it.
    Refuse(Refusal),
}

/// Reads the body of a push and checks what the bytes tell. `authenticated` is the agent that the credentials belong
/// to, or none where pushes are open to everyone.
pub fn decode(body: &[u8], authenticated: Option<&Id>, now: Instant) -> Result<Arrived, Refusal> {
    if body.len() > PUSH_BYTES_MAX {
        let what = format!("the push has {} bytes, and at most {PUSH_BYTES_MAX} are taken", body.len());
        return Err(Refusal::TooLarge { what });
    }
    let push = Push::decode(body).map_err(|why| unsound_push(&why))?;
    if let Some(name) = authenticated.filter(|name| **name != push.agent) {
        return Err(Refusal::WrongAgent { authenticated: name.clone(), claimed: push.agent });
    }
    let batch = Batch::decode(&push.batch).map_err(|why| unsound_batch(&why))?;
    if batch.key.agent != push.agent || batch.key.epoch != push.epoch {
        return Err(Refusal::KeyMismatch { batch: batch.key });
    }
    if batch.key.seq == 0 {
        return Err(Refusal::NoSeq);
    }
    check_instants(&batch, now)?;
    let backlog = Backlog {
        acknowledged: push.acknowledged,
        batches: push.backlog_batches,
        oldest: push.backlog_oldest,
        sent_at: push.sent_at,
    };
    let batch = Admitted { digest: batch::digest(&push.batch), framed: push.batch, batch };
    Ok(Arrived { authenticated: authenticated.is_some(), backlog, batch })
}

/// Holds a batch against what is known of its epoch.
pub fn decide(arrived: Arrived, known: Option<&Delivery>) -> Admission {
    let Arrived { backlog, batch, .. } = arrived;
    let seq = batch.batch.key.seq;
    let replay_from = replay_from(backlog.acknowledged, known);
    match known.and_then(|delivery| delivery.digest(seq)) {
        Some(digest) if digest == batch.digest => Admission::Duplicate { seq, replay_from },
        Some(_) => Admission::Refuse(Refusal::KeyConflict { key: batch.batch.key }),
        None => Admission::Append { batch, replay_from },
    }
}

/// The first seq to ask for again: the one after the highest that is known, if the agent holds later ones
/// acknowledged.
fn replay_from(acknowledged: u64, known: Option<&Delivery>) -> Option<u64> {
    let highest = known.map_or(0, Delivery::highest);
    (acknowledged > highest).then(|| highest.saturating_add(1))
}

fn check_instants(batch: &Batch, now: Instant) -> Result<(), Refusal> {
    // Rows of a stream are in order, which decoding has checked.
    let latest = batch.streams.iter().filter_map(|rows| rows.instants().last()).max();
    if let Some(latest) = latest.filter(|at| at.since_ms(now) > ROW_AHEAD_MAX_MS) {
        return Err(Refusal::TooEarly { latest, now });
    }
    let first = |rows: &Rows| rows.instants().next();
    let earliest = batch.streams.iter().filter_map(first).min();
    match earliest.filter(|at| now.since_ms(*at) > ROW_AGE_MAX_MS) {
        Some(earliest) => Err(Refusal::TooOld { earliest }),
        None => Ok(()),
    }
}

fn unsound_push(why: &PushError) -> Refusal {
    match why {
        PushError::Frame(FrameError::Version { found, .. }) => Refusal::UnknownVersion { found: *found },
        PushError::Frame(FrameError::TooLarge { .. }) => Refusal::TooLarge { what: why.to_string() },
        _ => Refusal::UnsoundPush { why: why.to_string() },
    }
}

fn unsound_batch(why: &BatchError) -> Refusal {
    match why {
        BatchError::Frame(FrameError::Version { found, .. }) => Refusal::UnknownVersion { found: *found },
        BatchError::Frame(FrameError::TooLarge { .. }) | BatchError::Bound { .. } => {
            Refusal::TooLarge { what: why.to_string() }
        }
        _ => Refusal::UnsoundBatch { why: why.to_string() },
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
