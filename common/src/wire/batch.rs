//! A batch: what one agent saw over a short while, under a key that makes it arrive once.
//!
//! The key is (agent, epoch, seq). The epoch is 128 random bits made together with the agent's spool; seq counts the
//! batches in it from 1. [`Batch::encode`] frames a batch once; those bytes are spooled, pushed and digested.
//!
//! Version 3 is what is written, drawn in `content`. Version 2 is laid out in the same way and knows fewer facts and
//! resources; version 1 is MessagePack of [`Columns`]. Both are read: they lie in spools and stores, and come from agents
//! that are older than their collector.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::columns::{Columns, ColumnsError, Rows};
use super::content;
use super::frame::{self, Compression, FrameError};
use super::pack::{self, PackError};
use super::sheet::{Names, Sheet};
use super::{BATCH_BYTES_MAX, BATCH_RAW_BYTES_MAX, BATCH_ROWS_MAX, BATCH_STREAMS_MAX, BATCH_VERSION};
use crate::bytes::Hex;
use crate::ids::{BadId, Id};
use crate::time::Instant;

/// 128 random bits, made together with a spool; 32 hexadecimal digits in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epoch(pub [u8; 16]);

impl Epoch {
    /// The epoch of every batch of an import, whatever agent it names. No agent pushes under it, and nobody counts the
    /// batches that arrive under it: an import may be repeated, and rows that arrive twice are settled.
    pub const IMPORT: Self = Self(*b"uphold-import\0\0\0");
}

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
    /// The spool was full: its oldest batches went unsent. When their rows are from is not known.
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
    /// The spool or its disk was full: the oldest batches went unsent, and with them rows of this time. Version 3.
    Dropped {
        /// How many batches went.
        batches: u64,
        /// How many rows were in them.
        rows: u64,
        /// The instant of the earliest of the rows.
        from: Instant,
        /// That of the latest.
        to: Instant,
    },
    /// How far the agent's clock was ahead of the collector's, measured with a push. Version 3.
    ClockOffset {
        /// When, by the agent's clock.
        at: Instant,
        /// By how much it was ahead; negative when it was behind.
        ahead_ms: i64,
        /// The true offset lies no farther from that than this: half of what the question and its answer took.
        within_ms: u32,
    },
    /// The agent began to observe. Version 3.
    Started {
        /// When.
        at: Instant,
        /// Whether it had been ended in order before, or was never there; else it was killed or its host failed.
        in_order: bool,
    },
    /// The agent was asked to end, and ended in order: what follows is silence on purpose. Version 3.
    Stopped {
        /// When.
        at: Instant,
    },
}

impl AgentFact {
    /// Whether something is lost for good, or was not seen.
    pub const fn is_loss(&self) -> bool {
        match self {
            Self::SpoolOverflow { .. }
            | Self::SpoolCorrupt { .. }
            | Self::Quarantined { .. }
            | Self::Skipped { .. }
            | Self::Dropped { .. } => true,
            Self::ClockStep { .. } | Self::ClockOffset { .. } | Self::Started { .. } | Self::Stopped { .. } => false,
        }
    }
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

/// The versions before, which are read.
const VERSION_1: u16 = 1;
const VERSION_2: u16 = 2;

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
    /// Something else stands where something is expected, or the bytes end there.
    #[error("the batch is not understood: {0} is expected")]
    Expected(&'static str),
    /// A name that is none.
    #[error("the batch is not understood: {whose} has {bad}")]
    Id {
        /// Whose name it is.
        whose: &'static str,
        /// What a name is.
        bad: BadId,
    },
    /// The batch ends before the bytes do.
    #[error("the batch is not understood: {0} bytes follow its end")]
    Trailing(usize),
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

/// The content of a batch as version 1 has it.
#[derive(Deserialize)]
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
        let content = content::write(self)?;
        bound("bytes once decompressed", content.len(), BATCH_RAW_BYTES_MAX)?;
        let framed = frame::seal(frame::BATCH, BATCH_VERSION, Compression::Zstd, &content)?;
        bound("bytes", framed.len(), BATCH_BYTES_MAX)?;
        Ok(framed)
    }

    /// The batch in framed bytes of any version, with everything about it checked.
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        Sheet::decode(bytes, BATCH_RAW_BYTES_MAX, None).map(Self::from)
    }

    fn read_version_1(content: &[u8]) -> Result<Self, BatchError> {
        let packed: Packed = pack::unpack(content)?;
        let mut streams = Vec::with_capacity(packed.streams.len());
        for (stream, columns) in packed.streams.into_iter().enumerate() {
            streams.push(Rows::try_from(columns).map_err(|source| BatchError::Columns { stream, source })?);
        }
        let key = BatchKey { agent: packed.agent, epoch: Epoch(packed.epoch.into_array()), seq: packed.seq };
        // What is out of range comes as its end: a batch of the spool may be written anew, with differences to it.
        let closed_at = Instant::from_ms(packed.closed_at.as_ms());
        Ok(Self { key, closed_at, streams, facts: packed.facts })
    }

    fn check_bounds(&self) -> Result<(), BatchError> {
        bound("streams", self.streams.len(), BATCH_STREAMS_MAX)?;
        bound("facts", self.facts.len(), BATCH_FACTS_MAX)?;
        bound("rows", self.rows(), BATCH_ROWS_MAX)
    }
}

impl Sheet {
    /// The batch in framed bytes of any version, with everything about it checked, of at most `raw_bytes_max` bytes
    /// once decompressed if that is less than the wire allows. `known` are names that it may share.
    pub fn decode(bytes: &[u8], raw_bytes_max: usize, known: Option<&Names>) -> Result<Self, BatchError> {
        bound("bytes", bytes.len(), BATCH_BYTES_MAX)?;
        let before = frame::version(bytes).filter(|version| matches!(*version, VERSION_1 | VERSION_2));
        let version = before.unwrap_or(BATCH_VERSION);
        let content = frame::open_in_place(frame::BATCH, version, raw_bytes_max.min(BATCH_RAW_BYTES_MAX), bytes)?;
        if version != VERSION_1 {
            return content::read(&content, known);
        }
        let batch = Batch::read_version_1(&content)?;
        batch.check_bounds()?;
        Ok(batch.into())
    }
}

/// The digest of a framed batch: the same key with another digest is another batch.
pub fn digest(framed: &[u8]) -> [u8; 16] {
    let full = Sha256::digest(framed);
    std::array::from_fn(|i| full.get(i).copied().unwrap_or_default())
}

/// Whether so many are within their bound.
pub(super) fn bound(what: &'static str, found: usize, limit: usize) -> Result<(), BatchError> {
    if found > limit { Err(BatchError::Bound { what, found, limit }) } else { Ok(()) }
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
