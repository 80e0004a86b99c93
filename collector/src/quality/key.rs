//! The keys under which stands what agents told: by agent, then by when the batch was closed, then by the batch's own key.

use std::ops::Bound;

use uphold_common::ids::Id;
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::{BatchKey, Epoch};

use crate::store::KeyRange;

/// With this bit turned, numbers with a sign are in order as bytes.
const SIGN: i64 = i64::MIN;

/// Under what a record stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The agent.
    pub agent: Id,
    /// When it closed the batch.
    pub closed_at: Instant,
    /// The batch's epoch.
    pub epoch: Epoch,
    /// Its number in that.
    pub seq: u64,
}

/// What all keys of an agent begin with, and no others do.
pub fn prefix(agent: &Id) -> Vec<u8> {
    let mut bytes = agent.as_str().as_bytes().to_vec();
    // No id holds it.
    bytes.push(0);
    bytes
}

/// The keys of an agent whose batches were closed within `span`.
pub fn within(agent: &Id, span: Interval) -> KeyRange {
    let edge = |at: Instant| [prefix(agent), at_bytes(at).to_vec()].concat();
    KeyRange { start: Bound::Included(edge(span.start)), end: Bound::Excluded(edge(span.end)), newest_first: false }
}

fn at_bytes(at: Instant) -> [u8; 8] {
    (at.as_ms() ^ SIGN).to_be_bytes()
}

impl Key {
    /// That of a batch.
    pub fn of(batch: &BatchKey, closed_at: Instant) -> Self {
        Self { agent: batch.agent.clone(), closed_at, epoch: batch.epoch, seq: batch.seq }
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = prefix(&self.agent);
        bytes.extend_from_slice(&at_bytes(self.closed_at));
        bytes.extend_from_slice(&self.epoch.0);
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes
    }

    /// The key of these bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (rest, seq) = bytes.split_last_chunk::<8>()?;
        let (rest, epoch) = rest.split_last_chunk::<16>()?;
        let (agent, closed_at) = rest.split_last_chunk::<8>()?;
        let agent = Id::new(std::str::from_utf8(agent.strip_suffix(&[0])?).ok()?).ok()?;
        let closed_at = Instant::from_ms(i64::from_be_bytes(*closed_at) ^ SIGN);
        Some(Self { agent, closed_at, epoch: Epoch(*epoch), seq: u64::from_be_bytes(*seq) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written_and_are_in_order() {
        let mut keys = Vec::new();
        for agent in ["a", "a-b", "zurich-1"] {
            for ms in [-1, 0, 1, 1_773_100_800_000] {
                for (epoch, seq) in [([0; 16], 1), ([0; 16], 256), ([9; 16], 1)] {
                    let (agent, closed_at) = (Id::new(agent).unwrap(), Instant::from_ms(ms));
                    keys.push(Key { agent, closed_at, epoch: Epoch(epoch), seq });
                }
            }
        }
        let bytes: Vec<Vec<u8>> = keys.iter().map(Key::bytes).collect();
        assert!(bytes.is_sorted());
        assert_eq!(bytes.iter().map(|bytes| Key::read(bytes).unwrap()).collect::<Vec<_>>(), keys);
        for unsound in [&b""[..], b"a", &bytes[0][1..], &bytes[0][..12]] {
            assert_eq!(Key::read(unsound), None, "{unsound:?}");
        }
    }

    #[test]
    fn a_range_holds_one_agent_and_the_end_is_outside() {
        let key = |agent, ms| {
            Key { agent: Id::new(agent).unwrap(), closed_at: Instant::from_ms(ms), epoch: Epoch([1; 16]), seq: 1 }
                .bytes()
        };
        let span = Interval::new(Instant::from_ms(10), Instant::from_ms(20));
        let KeyRange { start, end, .. } = within(&Id::new("a").unwrap(), span);
        let holds = |key: Vec<u8>| std::ops::RangeBounds::contains(&(start.clone(), end.clone()), &key);
        for (agent, ms, expected) in
            [("a", 9, false), ("a", 10, true), ("a", 19, true), ("a", 20, false), ("a-b", 15, false), ("b", 15, false)]
        {
            assert_eq!(holds(key(agent, ms)), expected, "{agent} {ms}");
        }
    }
}
