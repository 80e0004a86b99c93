//! What is known of each agent's deliveries: which batches of which epoch have arrived, and which are missing.
//!
//! ```text
//! key    04 epoch:16 agent
//! value  frame UPHd, version 1:  highest:u64 used_at:i64 count:u8, then count times seq:u64 digest:16
//!        02 accounted:u64, then missing and lost: each count:u8, then count times first:u64 last:u64
//! ```
//!
//! Records of before replay end with the digests: nothing is missing in them. A record becomes durable with each seal;
//! what arrived since is told by the journal. Of an agent the eight epochs used last are kept, of an epoch the digests
//! of its 64 highest batches: an older one that arrives again is taken again, which settling makes harmless.
//!
//! **Missing** are the seqs that an agent holds acknowledged and that did not arrive here. Up to `accounted` that is
//! settled; what a push tells settles more, by these rules alone:
//!
//! 1. Its `acknowledged` is above `accounted`: what lies between is missing, but for its own seq.
//! 2. Its seq is above its `acknowledged`: what lies between was never acknowledged, since an agent sends in order. It was
//!    dropped, refused or unreadable, which the agent reports by itself, and is not missing.
//! 3. Missing seqs below its `kept_from`, or all up to `acknowledged` when it keeps nothing, are **lost** for good. What of
//!    them was never acknowledged cannot be told any more, and counts as well.
//! 4. Missing seqs in its `absent` at or above `kept_from`: the agent was asked and has none. They were never acknowledged,
//!    or their files have become unreadable, which the agent reports; they are not asked for again.
//!
//! What is missing then is asked for from its first seq on, with every answer, until it has arrived. The journal knows
//! nothing of what pushes told: after a crash whatever is not there counts as missing until the next push tells better.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::{BatchKey, Epoch};
use uphold_common::wire::push::SeqRange;

use super::seqs::SeqRanges;

/// How many digests of an epoch are kept.
pub const RECENT_MAX: usize = 64;
/// How many epochs of an agent are kept.
const EPOCHS_MAX: usize = 8;

/// What begins the part of a record that says what is missing.
const GAPS_VERSION: u8 = 2;

/// The digest of a framed batch.
pub type Digest = [u8; 16];

/// What a push tells of the batches that its agent holds acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The highest of their seqs; 0 for none.
    pub acknowledged: u64,
    /// The lowest that the agent can still send again; none when it keeps nothing.
    pub kept_from: Option<u64>,
    /// Seqs that it was asked for and does not keep, though it keeps lower or higher ones.
    pub absent: Option<SeqRange>,
}

/// What follows from what a push told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reckoned {
    /// The first seq to ask for again.
    pub replay_from: Option<u64>,
    /// How many batches are missing that the agent still keeps.
    pub missing: u64,
    /// What turned out to be lost for good, just now.
    pub lost: SeqRanges,
}

/// What is not here of an agent's epochs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// How many batches are missing and asked for.
    pub missing_batches: u64,
    /// How many are lost for good.
    pub lost_batches: u64,
    /// Which ones.
    pub lost: Vec<(Epoch, SeqRange)>,
}

/// What is known of one epoch of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    highest: u64,
    used_at: Instant,
    recent: BTreeMap<u64, Digest>,
    /// Up to which seq it is known what is missing.
    accounted: u64,
    missing: SeqRanges,
    lost: SeqRanges,
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

    /// The seqs up to the highest that are missing.
    pub const fn missing(&self) -> &SeqRanges {
        &self.missing
    }

    /// The seqs that are lost for good.
    pub const fn lost(&self) -> &SeqRanges {
        &self.lost
    }

    /// A delivery of these batches, for deciding on the next one without a store.
    pub fn of(used_at: Instant, batches: impl IntoIterator<Item = (u64, Digest)>) -> Self {
        let (missing, lost) = (SeqRanges::default(), SeqRanges::default());
        let mut delivery = Self { highest: 0, used_at, recent: BTreeMap::new(), accounted: 0, missing, lost };
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
        if seq > self.accounted {
            self.missing.add(self.accounted.saturating_add(1), seq.saturating_sub(1));
            self.accounted = seq;
        }
        self.missing.remove(seq, seq);
        self.lost.remove(seq, seq);
    }

    /// Settles what the push of the batch `seq`, which has been noted, told.
    pub fn reckon(&mut self, seq: u64, told: &Told) -> Reckoned {
        let Told { acknowledged, kept_from, absent } = *told;
        if acknowledged > self.accounted {
            self.missing.add(self.accounted.saturating_add(1), acknowledged);
            self.accounted = acknowledged;
        }
        self.missing.remove(acknowledged.saturating_add(1), seq.saturating_sub(1));
        let gone = kept_from.map_or(acknowledged, |kept| kept.saturating_sub(1).min(acknowledged));
        let lost = self.missing.cut(0, gone);
        for range in lost.ranges() {
            self.lost.add(range.first, range.last);
        }
        if let Some(SeqRange { first, last }) = absent {
            self.missing.remove(first, last.min(acknowledged));
        }
        let replay_from = self.missing.first().filter(|first| *first <= acknowledged);
        Reckoned { replay_from, missing: self.missing.count(0, acknowledged), lost }
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
        bytes.push(GAPS_VERSION);
        bytes.extend_from_slice(&self.accounted.to_be_bytes());
        self.missing.put(&mut bytes);
        self.lost.put(&mut bytes);
        bytes
    }

    /// Back from [`Self::to_bytes`].
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (highest, rest) = bytes.split_first_chunk::<8>()?;
        let (used_at, rest) = rest.split_first_chunk::<8>()?;
        let (count, rest) = rest.split_first()?;
        let (entries, rest) = rest.split_at_checked(usize::from(*count) * 24)?;
        if usize::from(*count) > RECENT_MAX {
            return None;
        }
        let entry = |entry: &[u8; 24]| {
            let (seq, digest) = entry.split_first_chunk::<8>()?;
            Some((u64::from_be_bytes(*seq), Digest::try_from(digest).ok()?))
        };
        let highest = u64::from_be_bytes(*highest);
        let (accounted, missing, lost) = match rest.split_first() {
            None => (highest, SeqRanges::default(), SeqRanges::default()),
            Some((&GAPS_VERSION, rest)) => gaps_from_bytes(rest)?,
            Some(_) => return None,
        };
        Some(Self {
            highest,
            used_at: Instant::from_ms(i64::from_be_bytes(*used_at)),
            recent: entries.as_chunks().0.iter().map(entry).collect::<Option<_>>()?,
            accounted,
            missing,
            lost,
        })
    }
}

/// `accounted`, what is missing and what is lost.
fn gaps_from_bytes(bytes: &[u8]) -> Option<(u64, SeqRanges, SeqRanges)> {
    let (accounted, rest) = bytes.split_first_chunk::<8>()?;
    let (missing, rest) = SeqRanges::take(rest)?;
    let (lost, rest) = SeqRanges::take(rest)?;
    rest.is_empty().then_some((u64::from_be_bytes(*accounted), missing, lost))
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

    /// Settles what the push of a batch that was noted told.
    pub(super) fn reckon(&mut self, key: &BatchKey, told: &Told) -> Reckoned {
        let known = self.agents.get_mut(&key.agent).and_then(|epochs| epochs.get_mut(&key.epoch));
        let Some(delivery) = known else { return Reckoned::default() };
        self.unsaved.insert((key.agent.clone(), key.epoch));
        delivery.reckon(key.seq, told)
    }

    /// What is not here of an agent's epochs.
    pub(super) fn gaps(&self, agent: &Id) -> Gaps {
        let mut gaps = Gaps::default();
        for (epoch, delivery) in self.agents.get(agent).into_iter().flatten() {
            gaps.missing_batches = gaps.missing_batches.saturating_add(delivery.missing.count(0, u64::MAX));
            gaps.lost_batches = gaps.lost_batches.saturating_add(delivery.lost.count(0, u64::MAX));
            gaps.lost.extend(delivery.lost.ranges().iter().map(|range| (*epoch, *range)));
        }
        gaps
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
#[path = "delivery_tests.rs"]
mod tests;
