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
use uphold_common::wire::batch::{self, BatchError, BatchKey, Epoch};
use uphold_common::wire::frame::{self, FrameError};
use uphold_common::wire::push::{Push, PushError};
use uphold_common::wire::sheet::{Names, Sheet};

use super::names::KnownNames;
use super::refusal::Refusal;
use crate::limits::{Limit, Limits};
use crate::store::{Admitted, Delivery, Told};

/// Under which bounds a push is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushBounds {
    /// Most bytes of the body.
    pub push_bytes_max: usize,
    /// Most bytes of the batch once decompressed.
    pub batch_bytes_max: usize,
    /// How far ahead of the collector's clock a row may lie.
    pub ahead_max_ms: i64,
    /// How far back a row may lie. A clock that was never set says 1970, and days without end cost memory.
    pub age_max_ms: i64,
    /// How much memory all pushes share, for whom there is none left.
    pub memory_bytes_max: usize,
}

impl PushBounds {
    /// As the limits say.
    pub fn of(limits: &Limits) -> Self {
        Self {
            push_bytes_max: limits.size(Limit::PushBytes),
            batch_bytes_max: limits.size(Limit::BatchBytes),
            ahead_max_ms: limits.ms(Limit::BatchAhead),
            age_max_ms: limits.ms(Limit::BatchAge),
            memory_bytes_max: limits.size(Limit::BodiesInMemory),
        }
    }
}

/// What an agent says of its other batches: those behind the one it pushes, and those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// What it holds acknowledged, and what of that it can send again.
    pub told: Told,
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
    /// The token that it came with, for whoever takes it in: it may have ended while the push was on its way.
    pub token: Option<Id>,
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
    Append(Admitted),
    /// Acknowledge it: it has arrived before.
    Duplicate,
    /// Refuse it.
    Refuse(Refusal),
}

/// Reads the body of a push and checks what the bytes tell. `authenticated` is the agent that the credentials belong
/// to, or none where pushes are open to everyone. `names` are those that batches may share. `more` is asked for the memory of what is to be decompressed.
pub fn decode(
    body: &[u8],
    authenticated: Option<&Id>,
    bounds: &PushBounds,
    names: &KnownNames,
    more: impl FnOnce(usize) -> bool,
    now: Instant,
) -> Result<Arrived, Refusal> {
    let most = bounds.push_bytes_max;
    if body.len() > most {
        let what = format!("the push has {} bytes, and at most {most} are taken", body.len());
        return Err(Refusal::TooLarge { what, limit: Some(Limit::PushBytes) });
    }
    let push = Push::decode(body).map_err(|why| unsound_push(&why))?;
    if push.epoch == Epoch::IMPORT {
        return Err(Refusal::UnsoundPush { why: "its epoch is the one of imports, which no agent has".to_owned() });
    }
    if let Some(name) = authenticated.filter(|name| **name != push.agent) {
        return Err(Refusal::WrongAgent { authenticated: name.clone(), claimed: push.agent });
    }
    let batch = unpack(&push.batch, names.of(&push.agent).as_ref(), bounds, more)?;
    if batch.key.agent != push.agent || batch.key.epoch != push.epoch {
        return Err(Refusal::KeyMismatch { batch: batch.key });
    }
    if batch.key.seq == 0 {
        return Err(Refusal::NoSeq);
    }
    check_instants(&batch, bounds, now)?;
    let backlog = Backlog {
        told: Told { acknowledged: push.acknowledged, kept_from: push.kept_from, absent: push.absent },
        batches: push.backlog_batches,
        oldest: push.backlog_oldest,
        sent_at: push.sent_at,
    };
    let batch = Admitted { digest: batch::digest(&push.batch), framed: push.batch, batch };
    Ok(Arrived { authenticated: authenticated.is_some(), token: None, backlog, batch })
}

/// How long an import may take before what it brings grows too old.
const IMPORT_TAKES_MS: i64 = DAY_MS;

/// Reads a batch of an import and checks what its bytes tell. Who its agent is, nobody has to prove: the import itself is
/// on record with who did it.
pub fn decode_import(
    framed: Vec<u8>,
    bounds: &PushBounds,
    more: impl FnOnce(usize) -> bool,
    now: Instant,
) -> Result<Admitted, Refusal> {
    let batch = unpack(&framed, None, bounds, more)?;
    if batch.key.epoch != Epoch::IMPORT {
        let why = format!("its epoch is {}, and an import's is {}", batch.key.epoch, Epoch::IMPORT);
        return Err(Refusal::UnsoundBatch { why });
    }
    if batch.key.seq == 0 {
        return Err(Refusal::NoSeq);
    }
    // What was old enough when the import began is not too old because the import takes its time.
    let age_max_ms = bounds.age_max_ms.saturating_add(IMPORT_TAKES_MS);
    check_instants(&batch, &PushBounds { age_max_ms, ..*bounds }, now)?;
    Ok(Admitted { digest: batch::digest(&framed), framed, batch })
}

/// The batch in its frame, as long as there is memory for it.
fn unpack(
    framed: &[u8],
    known: Option<&Names>,
    bounds: &PushBounds,
    more: impl FnOnce(usize) -> bool,
) -> Result<Sheet, Refusal> {
    // What announces more than is taken is refused for that, and needs no memory.
    let raw_bytes = frame::announced(framed).filter(|bytes| *bytes <= bounds.batch_bytes_max);
    if !more(raw_bytes.unwrap_or_default()) {
        return Err(Refusal::NoMemory { most: bounds.memory_bytes_max });
    }
    Sheet::decode(framed, bounds.batch_bytes_max, known).map_err(|why| unsound_batch(&why))
}

/// Holds a batch against what is known of its epoch.
pub fn decide(arrived: Arrived, known: Option<&Delivery>) -> Admission {
    let batch = arrived.batch;
    match known.and_then(|delivery| delivery.digest(batch.batch.key.seq)) {
        Some(digest) if digest == batch.digest => Admission::Duplicate,
        Some(_) => Admission::Refuse(Refusal::KeyConflict { key: batch.batch.key }),
        None => Admission::Append(batch),
    }
}

fn check_instants(batch: &Sheet, bounds: &PushBounds, now: Instant) -> Result<(), Refusal> {
    let PushBounds { ahead_max_ms, age_max_ms, .. } = *bounds;
    if let Some(latest) = batch.instants().max().filter(|at| at.since_ms(now) > ahead_max_ms) {
        return Err(Refusal::TooEarly { latest, now, ahead_max_ms });
    }
    match batch.instants().min().filter(|at| now.since_ms(*at) > age_max_ms) {
        Some(earliest) => Err(Refusal::TooOld { earliest, age_max_ms }),
        None => Ok(()),
    }
}

fn unsound_push(why: &PushError) -> Refusal {
    match why {
        PushError::Frame(FrameError::Version { found, readable }) => {
            Refusal::UnknownVersion { found: *found, readable: *readable }
        }
        PushError::Frame(FrameError::TooLarge { .. }) => {
            Refusal::TooLarge { what: why.to_string(), limit: Some(Limit::PushBytes) }
        }
        _ => Refusal::UnsoundPush { why: why.to_string() },
    }
}

fn unsound_batch(why: &BatchError) -> Refusal {
    match why {
        BatchError::Frame(FrameError::Version { found, readable }) => {
            Refusal::UnknownVersion { found: *found, readable: *readable }
        }
        BatchError::Frame(FrameError::TooLarge { .. }) => {
            Refusal::TooLarge { what: why.to_string(), limit: Some(Limit::BatchBytes) }
        }
        BatchError::Bound { .. } => Refusal::TooLarge { what: why.to_string(), limit: None },
        _ => Refusal::UnsoundBatch { why: why.to_string() },
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
