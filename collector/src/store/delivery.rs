//! What is known of each agent's deliveries: which batches of which epoch have arrived.
//!
//! ```text
//! key    04 epoch:16 agent
//! value  frame UPHd, version 1:  highest:u64 used_at:i64 count:u8, then count times seq:u64 digest:16
//! ```
//!
//! It becomes durable with each seal; what arrived since is told by the journal. Of an agent the eight epochs used
//! last are kept, of an epoch the digests of its 64 highest batches: an older one that arrives again is taken again,
//! which settling makes harmless.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::{BatchKey, Epoch};

/// How many digests of an epoch are kept.
pub const RECENT_MAX: usize = 64;
/// How many epochs of an agent are kept.
const EPOCHS_MAX: usize = 8;

/// The digest of a framed batch.
pub type Digest = [u8; 16];

/// What is known of one epoch of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    highest: u64,
    used_at: Instant,
    recent: BTreeMap<u64, Digest>,
}

impl Delivery {
    /// The highest seq that has arrived.
    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// When a batch of the epoch arrived last.
    pub const fn used_at(&self) -> Instant {
        self.used_at
    }

    /// The digest of a batch, if it is among those that are remembered.
    pub fn digest(&self, seq: u64) -> Option<Digest> {
        self.recent.get(&seq).copied()
    }

    /// A delivery of these batches, for deciding on the next one without a store.
    pub fn of(used_at: Instant, batches: impl IntoIterator<Item = (u64, Digest)>) -> Self {
        let mut delivery = Self { highest: 0, used_at, recent: BTreeMap::new() };
        for (seq, digest) in batches {
            delivery.note(seq, digest, used_at);
        }
        delivery
    }

    fn note(&mut self, seq: u64, digest: Digest, at: Instant) {
        self.highest = self.highest.max(seq);
        self.used_at = self.used_at.max(at);
        self.recent.insert(seq, digest);
        while self.recent.len() > RECENT_MAX {
            self.recent.pop_first();
        }
    }

    /// As it stands in the store, without its frame.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(17 + self.recent.len() * 24);
        bytes.extend_from_slice(&self.highest.to_be_bytes());
        bytes.extend_from_slice(&self.used_at.as_ms().to_be_bytes());
        bytes.push(u8::try_from(self.recent.len()).unwrap_or(u8::MAX));
        for (seq, digest) in &self.recent {
            bytes.extend_from_slice(&seq.to_be_bytes());
            bytes.extend_from_slice(digest);
        }
        bytes
    }

    /// Back from [`Self::to_bytes`].
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (highest, rest) = bytes.split_first_chunk::<8>()?;
        let (used_at, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first()?;
        let (entries, rest) = rest.as_chunks::<24>();
        if !rest.is_empty() || entries.len() != usize::from(*count) || entries.len() > RECENT_MAX {
            return None;
        }
        let entry = |entry: &[u8; 24]| {
            let (seq, digest) = entry.split_first_chunk::<8>()?;
            Some((u64::from_be_bytes(*seq), Digest::try_from(digest).ok()?))
        };
        Some(Self {
            highest: u64::from_be_bytes(*highest),
            used_at: Instant::from_ms(i64::from_be_bytes(*used_at)),
            recent: entries.iter().map(entry).collect::<Option<_>>()?,
        })
    }
}

/// The deliveries of all agents.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    agents: BTreeMap<Id, BTreeMap<Epoch, Delivery>>,
    unsaved: BTreeSet<(Id, Epoch)>,
}

impl Deliveries {
    /// How many agents are known.
    pub(super) fn agents(&self) -> usize {
        self.agents.len()
    }

    /// Whether this agent is known.
    pub(super) fn contains(&self, agent: &Id) -> bool {
        self.agents.contains_key(agent)
    }

    /// What is known of an agent's epoch.
    pub(super) fn get(&self, agent: &Id, epoch: Epoch) -> Option<&Delivery> {
        self.agents.get(agent)?.get(&epoch)
    }

    /// Notes that a batch has arrived, and forgets the epoch used longest ago when there are too many.
    pub(super) fn note(&mut self, key: &BatchKey, digest: Digest, at: Instant) {
        let epochs = self.agents.entry(key.agent.clone()).or_default();
        epochs.entry(key.epoch).or_insert_with(|| Delivery::of(at, [])).note(key.seq, digest, at);
        self.unsaved.insert((key.agent.clone(), key.epoch));
        if epochs.len() > EPOCHS_MAX {
            let others = epochs.iter().filter(|(epoch, _)| **epoch != key.epoch);
            if let Some(oldest) = others.min_by_key(|(_, known)| known.used_at).map(|(epoch, _)| *epoch) {
                epochs.remove(&oldest);
                self.unsaved.insert((key.agent.clone(), oldest));
            }
        }
    }

    /// Puts back what was read from the store.
    pub(super) fn restore(&mut self, agent: Id, epoch: Epoch, delivery: Delivery) {
        self.agents.entry(agent).or_default().insert(epoch, delivery);
    }

    /// What is not durable yet: the new content, or none for what was forgotten.
    pub(super) fn unsaved(&self) -> impl Iterator<Item = (&Id, Epoch, Option<&Delivery>)> {
        self.unsaved.iter().map(|(agent, epoch)| (agent, *epoch, self.get(agent, *epoch)))
    }

    /// Everything is durable now.
    pub(super) fn saved(&mut self) {
        self.unsaved.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_batches_are_remembered() {
        let at = Instant::from_ms(5);
        let delivery = Delivery::of(at, (1..=100).map(|seq| (seq, [7; 16])).chain([(3, [1; 16])]));
        assert_eq!((delivery.highest(), delivery.digest(3), delivery.digest(36)), (100, None, None));
        assert_eq!(delivery.digest(37), Some([7; 16]));
        let bytes = delivery.to_bytes();
        assert_eq!(Delivery::from_bytes(&bytes), Some(delivery));
        for end in 0..bytes.len() {
            assert_eq!(Delivery::from_bytes(&bytes[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn of_an_agent_the_epochs_used_last_are_kept() {
        let mut all = Deliveries::default();
        let agent = Id::new("a").unwrap();
        let key = |epoch: u8| BatchKey { agent: agent.clone(), epoch: Epoch([epoch; 16]), seq: 1 };
        for epoch in 0..8 {
            all.note(&key(epoch), [0; 16], Instant::from_ms(i64::from(epoch)));
        }
        all.note(&key(0), [0; 16], Instant::from_ms(50));
        all.note(&key(99), [0; 16], Instant::from_ms(60));
        assert!(all.get(&agent, Epoch([0; 16])).is_some(), "used again");
        assert!(all.get(&agent, Epoch([1; 16])).is_none(), "used longest ago");
        let forgotten: Vec<_> = all.unsaved().filter(|(_, _, known)| known.is_none()).map(|(_, e, _)| e).collect();
        assert_eq!(forgotten, vec![Epoch([1; 16])]);
    }
}
