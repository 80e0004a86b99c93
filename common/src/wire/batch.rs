//! A batch: what one agent saw over a short while, under a key that makes it arrive once.
//!
//! The key is (agent, epoch, seq). The epoch is 128 random bits made together with the agent's spool; seq counts the
//! batches in it from 1. [`Batch::encode`] frames a batch once; those bytes are spooled, pushed and digested.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::columns::{Columns, ColumnsError, Rows};
use super::frame::{self, Compression, FrameError};
use super::pack::{self, PackError};
use super::{BATCH_BYTES_MAX, BATCH_RAW_BYTES_MAX, BATCH_ROWS_MAX, BATCH_STREAMS_MAX, BATCH_VERSION};
use crate::bytes::Hex;
use crate::ids::Id;
use crate::time::Instant;

/// 128 random bits, made together with a spool; 32 hexadecimal digits in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epoch(pub [u8; 16]);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl From<Epoch> for String {
    fn from(epoch: Epoch) -> Self {
        epoch.to_string()
    }
}

impl TryFrom<String> for Epoch {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "an epoch of 32 hexadecimal digits";
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        u128::from_str_radix(&text, 16).map(|bits| Self(bits.to_be_bytes())).map_err(|_| wrong)
    }
}

/// What makes a batch arrive once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchKey {
    /// Who observed.
    pub agent: Id,
    /// Which spool it came from.
    pub epoch: Epoch,
    /// Its number in that spool, from 1.
    pub seq: u64,
}

impl fmt::Display for BatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.agent, self.epoch, self.seq)
    }
}

/// What an agent has to say about its own measuring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AgentFact {
    /// The spool was full: its oldest batches went unsent.
    SpoolOverflow {
        /// How many batches went.
        batches: u64,
        /// How many rows were in them.
        rows: u64,
    },
    /// A file of the spool could not be read and was put aside.
    SpoolCorrupt {
        /// How many files.
        batches: u64,
    },
    /// A batch was refused for good and put into quarantine.
    Quarantined {
        /// How many batches.
        batches: u64,
    },
    /// The wall clock was stepped, and the agent took a new anchor.
    ClockStep {
        /// When, by the new anchor.
        at: Instant,
        /// By how much; negative when it was set back.
        by_ms: i64,
    },
    /// Attempts that were due and not made, because the agent was late or busy.
    Skipped {
        /// How many attempts.
        attempts: u64,
    },
}

/// What one agent saw over a short while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its key.
    pub key: BatchKey,
    /// When the agent closed it.
    pub closed_at: Instant,
    /// What was observed, stream by stream.
    pub streams: Vec<Rows>,
    /// What the agent says of its own measuring.
    pub facts: Vec<AgentFact>,
}

/// Most facts in one batch.
pub const BATCH_FACTS_MAX: usize = 64;

/// Why a batch could not be encoded or decoded.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The frame is not sound.
    #[error("the batch is not sound: {0}")]
    Frame(#[from] FrameError),
    /// The content is no batch.
    #[error("the batch is not understood: {0}")]
    Pack(#[from] PackError),
    /// A stream is not sound.
    #[error("stream {stream} of the batch is not sound: {source}")]
    Columns {
        /// Its place in the batch, from 0.
        stream: usize,
        /// What is wrong with it.
        source: ColumnsError,
    },
    /// More than a batch may hold.
    #[error("the batch holds {found} {what}, and at most {limit} are taken")]
    Bound {
        /// Of what there is too much.
        what: &'static str,
        /// How much there is.
        found: usize,
        /// The bound.
        limit: usize,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Packed {
    agent: Id,
    epoch: serde_bytes::ByteArray<16>,
    seq: u64,
    closed_at: Instant,
    streams: Vec<Columns>,
    facts: Vec<AgentFact>,
}

impl Batch {
    /// How many rows it holds.
    pub fn rows(&self) -> usize {
        self.streams.iter().map(Rows::len).sum()
    }

    /// The framed bytes: what is spooled, pushed and digested.
    pub fn encode(&self) -> Result<Vec<u8>, BatchError> {
        self.check_bounds()?;
        let packed = pack::pack(&Packed {
            agent: self.key.agent.clone(),
            epoch: serde_bytes::ByteArray::new(self.key.epoch.0),
            seq: self.key.seq,
            closed_at: self.closed_at,
            streams: self.streams.iter().map(Columns::from).collect(),
            facts: self.facts.clone(),
        })?;
        bound("bytes once decompressed", packed.len(), BATCH_RAW_BYTES_MAX)?;
        let framed = frame::seal(frame::BATCH, BATCH_VERSION, Compression::Zstd, &packed)?;
        bound("bytes", framed.len(), BATCH_BYTES_MAX)?;
        Ok(framed)
    }

    /// The batch in framed bytes, with everything about it checked.
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        Self::decode_within(bytes, BATCH_RAW_BYTES_MAX)
    }

    /// As [`Self::decode`], of at most `raw_bytes_max` bytes once decompressed, if that is less than the wire allows.
    pub fn decode_within(bytes: &[u8], raw_bytes_max: usize) -> Result<Self, BatchError> {
        bound("bytes", bytes.len(), BATCH_BYTES_MAX)?;
        let content = frame::open(frame::BATCH, BATCH_VERSION, raw_bytes_max.min(BATCH_RAW_BYTES_MAX), bytes)?;
        let packed: Packed = pack::unpack(&content)?;
        let mut streams = Vec::with_capacity(packed.streams.len());
        for (stream, columns) in packed.streams.into_iter().enumerate() {
            streams.push(Rows::try_from(columns).map_err(|source| BatchError::Columns { stream, source })?);
        }
        let key = BatchKey { agent: packed.agent, epoch: Epoch(packed.epoch.into_array()), seq: packed.seq };
        let batch = Self { key, closed_at: packed.closed_at, streams, facts: packed.facts };
        batch.check_bounds()?;
        Ok(batch)
    }

    fn check_bounds(&self) -> Result<(), BatchError> {
        bound("streams", self.streams.len(), BATCH_STREAMS_MAX)?;
        bound("facts", self.facts.len(), BATCH_FACTS_MAX)?;
        bound("rows", self.rows(), BATCH_ROWS_MAX)
    }
}

/// The digest of a framed batch: the same key with another digest is another batch.
pub fn digest(framed: &[u8]) -> [u8; 16] {
    let full = Sha256::digest(framed);
    std::array::from_fn(|i| full.get(i).copied().unwrap_or_default())
}

fn bound(what: &'static str, found: usize, limit: usize) -> Result<(), BatchError> {
    if found > limit { Err(BatchError::Bound { what, found, limit }) } else { Ok(()) }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
