//! Refusals: every reason a push is not taken, with the HTTP status, the word for programs, the sentence for people,
//! and whether to come again.
//!
//! | status | word | the agent |
//! |---|---|---|
//! | 400 | `unsound-push` | puts the batch into quarantine |
//! | 401 | `token-expired`, `token-revoked` | holds, and reads its token's file again |
//! | 403 | `wrong-agent` | holds; its credentials belong to another name |
//! | 409 | `key-conflict` | starts a new epoch |
//! | 409 | `no-import` | no agent is told this: an import has to be begun first |
//! | 413 | `too-large` | puts the batch into quarantine |
//! | 415 | `unknown-version` | pushes as version 1 has it, or holds until the collector is newer |
//! | 422 | `unsound-batch`, `key-mismatch`, `no-seq`, `too-old`, `too-many-rows`, `not-assigned` | puts the batch into quarantine |
//! | 425 | `too-early` | holds, its clock or the collector's is wrong |
//! | 503 | `too-many-streams`, `too-many-streams-of-agent`, `too-many-agents`, `busy`, `head-full`, `disk-reserve` | tries again later |

use uphold_common::ids::Id;
use uphold_common::time::{DurationText, Instant};
use uphold_common::wire::batch::BatchKey;
use uphold_common::wire::push::Problem;

use crate::access::caller::BadToken;
use crate::identity::token::Standing;
use crate::limits::Limit;
use crate::store::{Appended, StoreError};

/// After how many seconds to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// For the `Retry-After` header.
    pub after_s: u32,
}

/// How long to wait when the store has reached a bound that only people can move.
const RETRY_BOUND_S: u32 = 300;
/// How long to wait when the store is busy.
const RETRY_BUSY_S: u32 = 5;
/// How long to wait when the disk is nearly full, which passes when somebody makes room.
pub const RETRY_RESERVE_S: u32 = 30;
/// The longest wait for a clock.
const RETRY_EARLY_MAX_S: u32 = 300;

/// Why a push is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The body, or the batch in it, is larger than is taken.
    TooLarge {
        /// What is too large, and by how much.
        what: String,
        /// The limit that says so, if it is one of the configured ones.
        limit: Option<Limit>,
    },
    /// It is of a wire version that this program does not read.
    UnknownVersion {
        /// The version it names.
        found: u16,
        /// The newest version that is read.
        readable: u16,
    },
    /// The envelope is not sound.
    UnsoundPush {
        /// What is wrong with it.
        why: String,
    },
    /// The batch is not sound.
    UnsoundBatch {
        /// What is wrong with it.
        why: String,
    },
    /// The batch's key is not the envelope's.
    KeyMismatch {
        /// The key of the batch.
        batch: BatchKey,
    },
    /// Who pushes is not who it says.
    WrongAgent {
        /// The name that the credentials belong to.
        authenticated: Id,
        /// The name in the push.
        claimed: Id,
    },
    /// The token that it came with has ended meanwhile.
    TokenEnded(Standing),
    /// A stream of it was never assigned to its agent.
    NotAssigned {
        /// The agent.
        agent: Id,
        /// The stream, in words.
        stream: String,
    },
    /// Its seq is 0.
    NoSeq,
    /// A row lies too far ahead.
    TooEarly {
        /// The latest instant in the batch.
        latest: Instant,
        /// The collector's clock.
        now: Instant,
        /// How far ahead is taken.
        ahead_max_ms: i64,
    },
    /// A row lies too far back.
    TooOld {
        /// The earliest instant in the batch.
        earliest: Instant,
        /// How far back is taken.
        age_max_ms: i64,
    },
    /// Another batch has arrived under its key.
    KeyConflict {
        /// The key.
        key: BatchKey,
    },
    /// No import was begun, or none that goes on.
    NoImport,
    /// It would bring more streams than the store may know.
    TooManyStreams,
    /// It would bring more streams than its agent may.
    TooManyStreamsOfAgent {
        /// How many one agent may bring.
        most: usize,
    },
    /// Its agent is one more than the store may know.
    TooManyAgents,
    /// A stream of it would have more rows on a day than are kept.
    TooManyRows {
        /// About how many are kept.
        most: u64,
    },
    /// The store, or the way to it, is full.
    Busy,
    /// As much waits in memory to be sealed as may.
    HeadFull {
        /// How many bytes may.
        most: usize,
    },
    /// The disk has less free than is kept free.
    DiskReserve {
        /// The same as a sentence with its figures.
        why: String,
    },
    /// All bodies together hold as much memory as they may.
    NoMemory {
        /// How many bytes that is.
        most: usize,
    },
}

impl Refusal {
    /// The refusal in what became of a batch, if it is one.
    pub fn of_appended(appended: Appended, key: &BatchKey) -> Option<Self> {
        match appended {
            Appended::Kept | Appended::Duplicate => None,
            Appended::Conflict => Some(Self::KeyConflict { key: key.clone() }),
            Appended::TooManyStreams => Some(Self::TooManyStreams),
            Appended::TooManyStreamsOfAgent { most } => Some(Self::TooManyStreamsOfAgent { most }),
            Appended::TooManyAgents => Some(Self::TooManyAgents),
            Appended::TooManyRowsOfDay { most } => Some(Self::TooManyRows { most }),
        }
    }

    /// How a failure of the store is told to an agent: its cause stays in the log.
    pub fn of_store_error(error: &StoreError) -> Self {
        match error {
            StoreError::TooLarge { .. } => Self::TooLarge { what: error.to_string(), limit: None },
            StoreError::Full { limit, .. } => Self::HeadFull { most: *limit },
            StoreError::NoSpace { .. } => Self::DiskReserve { why: error.to_string() },
            _ => Self::Busy,
        }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::UnsoundPush { .. } => 400,
            Self::TokenEnded(_) => 401,
            Self::WrongAgent { .. } => 403,
            Self::KeyConflict { .. } | Self::NoImport => 409,
            Self::TooLarge { .. } => 413,
            Self::UnknownVersion { .. } => 415,
            Self::UnsoundBatch { .. }
            | Self::KeyMismatch { .. }
            | Self::NotAssigned { .. }
            | Self::NoSeq
            | Self::TooManyRows { .. }
            | Self::TooOld { .. } => 422,
            Self::TooEarly { .. } => 425,
            Self::TooManyStreams
            | Self::TooManyStreamsOfAgent { .. }
            | Self::TooManyAgents
            | Self::Busy
            | Self::HeadFull { .. }
            | Self::DiskReserve { .. }
            | Self::NoMemory { .. } => 503,
        }
    }

    /// The word for programs.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::UnknownVersion { .. } => "unknown-version",
            Self::UnsoundPush { .. } => "unsound-push",
            Self::UnsoundBatch { .. } => "unsound-batch",
            Self::KeyMismatch { .. } => "key-mismatch",
            Self::WrongAgent { .. } => "wrong-agent",
            Self::TokenEnded(standing) => BadToken::of_ended(*standing).word(),
            Self::NotAssigned { .. } => "not-assigned",
            Self::NoSeq => "no-seq",
            Self::TooEarly { .. } => "too-early",
            Self::TooOld { .. } => "too-old",
            Self::KeyConflict { .. } => "key-conflict",
            Self::NoImport => "no-import",
            Self::TooManyStreams => "too-many-streams",
            Self::TooManyStreamsOfAgent { .. } => "too-many-streams-of-agent",
            Self::TooManyAgents => "too-many-agents",
            Self::TooManyRows { .. } => "too-many-rows",
            Self::Busy | Self::NoMemory { .. } => "busy",
            Self::HeadFull { .. } => "head-full",
            Self::DiskReserve { .. } => "disk-reserve",
        }
    }

    /// A few words for people.
    pub const fn title(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "the push is too large",
            Self::UnknownVersion { .. } => "the wire version is not known",
            Self::UnsoundPush { .. } => "the push is not sound",
            Self::UnsoundBatch { .. } => "the batch is not sound",
            Self::KeyMismatch { .. } => "the batch is not the one announced",
            Self::WrongAgent { .. } => "the push comes from another agent",
            Self::TokenEnded(_) => "the token has ended",
            Self::NotAssigned { .. } => "the agent was never assigned this",
            Self::NoSeq => "the batch has no number",
            Self::TooEarly { .. } => "the batch lies in the future",
            Self::TooOld { .. } => "the batch lies too far back",
            Self::KeyConflict { .. } => "another batch has this key",
            Self::NoImport => "no import is under way",
            Self::TooManyStreams => "the collector knows too many streams",
            Self::TooManyStreamsOfAgent { .. } => "the agent has too many streams",
            Self::TooManyAgents => "the collector knows too many agents",
            Self::TooManyRows { .. } => "a stream has too many rows on a day",
            Self::Busy | Self::NoMemory { .. } => "the collector is busy",
            Self::HeadFull { .. } => "too much waits to be sealed",
            Self::DiskReserve { .. } => "the disk is nearly full",
        }
    }

    /// What was wrong this time, and what would be right.
    pub fn detail(&self) -> String {
        match self {
            Self::TooLarge { what: text, .. } | Self::UnsoundPush { why: text } | Self::UnsoundBatch { why: text } => {
                text.clone()
            }
            Self::UnknownVersion { found, readable } => {
                format!("it is of wire version {found}, and this collector reads versions up to {readable}")
            }
            Self::KeyMismatch { batch } => format!("the batch inside is {batch}, which the envelope does not say"),
            Self::WrongAgent { authenticated, claimed } => {
                format!("these are the credentials of {authenticated}, and the push says it is from {claimed}")
            }
            Self::NotAssigned { agent, stream } => {
                format!("it holds rows of {stream}, which no version of the catalogue assigns to {agent}")
            }
            Self::TokenEnded(standing) => BadToken::of_ended(*standing).to_string(),
            Self::NoSeq => "batches are numbered from 1".to_owned(),
            Self::TooEarly { latest, now, ahead_max_ms } => format!(
                "its latest row is of {latest}, which is {} after the collector's clock; at most {} is taken",
                DurationText(latest.since_ms(*now)),
                DurationText(*ahead_max_ms)
            ),
            Self::TooOld { earliest, age_max_ms } => {
                format!("its earliest row is of {earliest}; at most {} back is taken", DurationText(*age_max_ms))
            }
            Self::KeyConflict { key } => format!("{key} has arrived with other content; begin a new epoch"),
            Self::NoImport => "an import is begun first, so that it is on record who did it".to_owned(),
            Self::TooManyStreams => "the batch has streams that are new, and no more fit; raise the bound".to_owned(),
            Self::TooManyStreamsOfAgent { most } => {
                format!("the batch has streams that are new, and one agent may bring {most}; raise streams_per_agent")
            }
            Self::TooManyAgents => "the agent is new, and no more fit; raise the bound".to_owned(),
            Self::TooManyRows { most } => {
                format!("of a stream about {most} rows are kept of a day, and with this batch it would have more")
            }
            Self::Busy => "it cannot keep more at the moment; push the same batch again".to_owned(),
            Self::HeadFull { most } => {
                format!("{most} bytes wait in memory to be sealed, which is as much as may; push the same batch again")
            }
            Self::DiskReserve { why } => format!("{why} Push the same batch again later."),
            Self::NoMemory { most } => {
                format!("all pushes being received share {most} bytes, which are in use; push the same batch again")
            }
        }
    }

    /// When to come again, if coming again can help.
    pub fn retry(&self) -> Option<Retry> {
        let after_s = match self {
            Self::TooEarly { latest, now, ahead_max_ms } => {
                let ahead_s = latest.since_ms(*now).saturating_sub(*ahead_max_ms) / 1000 + 1;
                u32::try_from(ahead_s).unwrap_or(RETRY_EARLY_MAX_S).clamp(1, RETRY_EARLY_MAX_S)
            }
            Self::TooManyStreams | Self::TooManyStreamsOfAgent { .. } | Self::TooManyAgents => RETRY_BOUND_S,
            Self::Busy | Self::HeadFull { .. } | Self::NoMemory { .. } => RETRY_BUSY_S,
            Self::DiskReserve { .. } => RETRY_RESERVE_S,
            _ => return None,
        };
        Some(Retry { after_s })
    }

    /// The configured limit that was reached, if one was.
    pub const fn limit(&self) -> Option<Limit> {
        match self {
            Self::TooLarge { limit, .. } => *limit,
            Self::TooEarly { .. } => Some(Limit::BatchAhead),
            Self::TooOld { .. } => Some(Limit::BatchAge),
            Self::TooManyStreamsOfAgent { .. } => Some(Limit::StreamsPerAgent),
            Self::NoMemory { .. } => Some(Limit::BodiesInMemory),
            _ => None,
        }
    }

    /// The answer's body.
    pub fn problem(&self) -> Problem {
        Problem {
            kind: format!("urn:uphold:problem:{}", self.word()),
            title: self.title().to_owned(),
            status: self.status(),
            detail: self.detail(),
        }
    }
}
