//! A push: the envelope in which a batch travels, and the collector's answer.
//!
//! The envelope says what may change between two attempts to deliver the same batch: what the agent holds
//! acknowledged, how old its backlog is, what time it believes it is. The batch inside stays the same bytes.
//!
//! ```text
//! version 2   the keys of Push
//! version 1   the same without kept_from and absent: of what was acknowledged nothing can be sent again
//! ```
//!
//! Version 1 is read for ever; an agent writes it to a collector that does not know version 2 yet.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::batch::Epoch;
use super::frame::{self, Compression, FrameError};
use super::pack::{self, PackError};
use super::{PUSH_BYTES_MAX, WIRE_VERSION};
use crate::ids::Id;
use crate::time::Instant;

/// The content type of a push.
pub const PUSH_CONTENT_TYPE: &str = "application/vnd.uphold.push";

/// The version of a push in which nothing is said of what can be sent again.
const VERSION_1: u16 = 1;

/// Seqs that follow each other, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeqRange {
    /// The lowest of them.
    pub first: u64,
    /// The highest of them.
    pub last: u64,
}

/// The envelope of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Who pushes.
    pub agent: Id,
    /// The spool it pushes from.
    pub epoch: Epoch,
    /// The highest seq of this epoch that the agent holds acknowledged; 0 for none. A batch of a higher seq is pushed
    /// for the first time, and what lies between was never acknowledged and never will be; one of a lower seq is sent
    /// again because a collector asked.
    pub acknowledged: u64,
    /// The lowest acknowledged seq that the agent can still send again; none when it keeps nothing.
    pub kept_from: Option<u64>,
    /// Seqs that a collector asked for and that the agent does not keep, though it keeps lower or higher ones.
    pub absent: Option<SeqRange>,
    /// How many batches wait behind this one.
    pub backlog_batches: u64,
    /// The instant of the oldest row that waits behind this one, if any waits.
    pub backlog_oldest: Option<Instant>,
    /// The agent's clock when it pushed.
    pub sent_at: Instant,
    /// The framed batch.
    #[serde(with = "serde_bytes")]
    pub batch: Vec<u8>,
}

/// The envelope as version 1 has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PushV1 {
    agent: Id,
    epoch: Epoch,
    acknowledged: u64,
    backlog_batches: u64,
    backlog_oldest: Option<Instant>,
    sent_at: Instant,
    #[serde(with = "serde_bytes")]
    batch: Vec<u8>,
}

/// Why bytes are no push.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The frame is not sound.
    #[error("the push is not sound: {0}")]
    Frame(#[from] FrameError),
    /// The content is no push.
    #[error("the push is not understood: {0}")]
    Pack(#[from] PackError),
}

impl Push {
    /// The body to post.
    pub fn encode(&self) -> Result<Vec<u8>, PushError> {
        Ok(frame::seal(frame::PUSH, WIRE_VERSION, Compression::Plain, &pack::pack(self)?)?)
    }

    /// The body to post to a collector that reads version 1 alone.
    pub fn encode_version_1(self) -> Result<Vec<u8>, PushError> {
        let Self { agent, epoch, acknowledged, backlog_batches, backlog_oldest, sent_at, batch, .. } = self;
        let push = PushV1 { agent, epoch, acknowledged, backlog_batches, backlog_oldest, sent_at, batch };
        Ok(frame::seal(frame::PUSH, VERSION_1, Compression::Plain, &pack::pack(&push)?)?)
    }

    /// The push in a posted body, of either version.
    pub fn decode(body: &[u8]) -> Result<Self, PushError> {
        if frame::version(body) != Some(VERSION_1) {
            return Ok(pack::unpack(&frame::open_in_place(frame::PUSH, WIRE_VERSION, PUSH_BYTES_MAX, body)?)?);
        }
        let content = frame::open_in_place(frame::PUSH, VERSION_1, PUSH_BYTES_MAX, body)?;
        let PushV1 { agent, epoch, acknowledged, backlog_batches, backlog_oldest, sent_at, batch } =
            pack::unpack(&content)?;
        let (kept_from, absent) = (None, None);
        Ok(Self { agent, epoch, acknowledged, kept_from, absent, backlog_batches, backlog_oldest, sent_at, batch })
    }
}

/// What the collector answers once the batch is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PushAnswer {
    /// The id of the store that holds the batch now.
    pub store: Epoch,
    /// The seq that was acknowledged.
    pub acknowledged: u64,
    /// Set when the store misses batches of this epoch that were acknowledged and that the agent still keeps: the first
    /// seq that it asks for again.
    pub replay_from: Option<u64>,
    /// The collector's clock when it answered.
    pub now: Instant,
}

/// An RFC 9457 problem: how every refusal is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A word for programs, as `urn:uphold:problem:<word>`.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:uphold:problem:[a-z-]+$")]
    pub kind: String,
    /// The same in a few words for people.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What was wrong this time, and what would be right.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push() -> Push {
        Push {
            agent: Id::new("zurich-1").unwrap(),
            epoch: Epoch([1; 16]),
            acknowledged: 6,
            kept_from: Some(2),
            absent: Some(SeqRange { first: 3, last: 4 }),
            backlog_batches: 2,
            backlog_oldest: Some(Instant::from_ms(5)),
            sent_at: Instant::from_ms(9),
            batch: vec![1, 2, 3],
        }
    }

    #[test]
    fn a_push_is_decoded_to_what_was_encoded() {
        let silent = Push { kept_from: None, absent: None, ..push() };
        for (body, read) in [
            (push().encode().unwrap(), push()),
            (silent.encode().unwrap(), silent.clone()),
            (push().encode_version_1().unwrap(), silent),
        ] {
            assert_eq!(Push::decode(&body).unwrap(), read);
            for place in 0..body.len() {
                let mut flipped = body.clone();
                flipped[place] ^= 1;
                assert!(Push::decode(&flipped).is_err(), "byte {place}");
            }
        }
    }

    /// These bytes are never changed: agents of every version push them.
    #[test]
    fn the_bytes_of_each_version_are_these() {
        let shown = |body: &[u8]| crate::bytes::Hex(body).to_string();
        assert_eq!(shown(&push().encode().unwrap()), VERSION_2_BYTES);
        assert_eq!(shown(&push().encode_version_1().unwrap()), VERSION_1_BYTES);
    }

    #[test]
    fn a_later_version_and_a_key_of_another_version_are_refused() {
        let version = |body: &[u8]| match Push::decode(body) {
            Err(PushError::Frame(FrameError::Version { found, readable })) => Some((found, readable)),
            _ => None,
        };
        for found in [0, 3, 9] {
            let body = frame::seal(frame::PUSH, found, Compression::Plain, b"").unwrap();
            assert_eq!(version(&body), Some((found, WIRE_VERSION)));
        }
        let content = pack::pack(&push()).unwrap();
        let mixed = frame::seal(frame::PUSH, VERSION_1, Compression::Plain, &content).unwrap();
        assert!(matches!(Push::decode(&mixed), Err(PushError::Pack(_))));
    }

    const VERSION_1_BYTES: &str = "55504870000100000000007b7c1e7bb987a56167656e74a87a75726963682d31a565706f6368d92030313031303130313031\
        30313031303130313031303130313031303130313031ac61636b6e6f776c656467656406af6261636b6c6f675f6261746368\
        657302ae6261636b6c6f675f6f6c6465737405a773656e745f617409a56261746368c403010203";
    const VERSION_2_BYTES: &str = "55504870000200000000009bb20493c589a56167656e74a87a75726963682d31a565706f6368d92030313031303130313031\
        30313031303130313031303130313031303130313031ac61636b6e6f776c656467656406a96b6570745f66726f6d02a66162\
        73656e7482a5666972737403a46c61737404af6261636b6c6f675f6261746368657302ae6261636b6c6f675f6f6c64657374\
        05a773656e745f617409a56261746368c403010203";
}
