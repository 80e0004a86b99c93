//! A push: the envelope in which a batch travels, and the collector's answer.
//!
//! The envelope says what may change between two attempts to deliver the same batch: what the agent holds
//! acknowledged, how old its backlog is, what time it believes it is. The batch inside stays the same bytes.

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

/// The envelope of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Who pushes.
    pub agent: Id,
    /// The spool it pushes from.
    pub epoch: Epoch,
    /// The highest seq of this epoch that the agent holds acknowledged; 0 for none.
    pub acknowledged: u64,
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

    /// The push in a posted body.
    pub fn decode(body: &[u8]) -> Result<Self, PushError> {
        Ok(pack::unpack(&frame::open_in_place(frame::PUSH, WIRE_VERSION, PUSH_BYTES_MAX, body)?)?)
    }
}

/// What the collector answers once the batch is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PushAnswer {
    /// The id of the store that holds the batch now.
    pub store: Epoch,
    /// The seq that was acknowledged.
    pub acknowledged: u64,
    /// Set when the store knows less of this epoch than the agent holds acknowledged: the first seq that it misses.
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

    #[test]
    fn a_push_is_decoded_to_what_was_encoded() {
        let push = Push {
            agent: Id::new("zurich-1").unwrap(),
            epoch: Epoch([1; 16]),
            acknowledged: 6,
            backlog_batches: 2,
            backlog_oldest: Some(Instant::from_ms(5)),
            sent_at: Instant::from_ms(9),
            batch: vec![1, 2, 3],
        };
        let body = push.encode().unwrap();
        assert_eq!(Push::decode(&body).unwrap(), push);
        for place in 0..body.len() {
            let mut flipped = body.clone();
            flipped[place] ^= 1;
            assert!(Push::decode(&flipped).is_err(), "byte {place}");
        }
    }
}
