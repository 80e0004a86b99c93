//! What the store keeps in memory, and how an arriving batch changes it: the same way when it is appended and when it
//! is replayed from the journal.

use std::collections::BTreeMap;

use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::Batch;

use super::delivery::{Deliveries, Digest};
use super::head::Head;
use super::rows::Block;
use super::stream::{StreamId, Streams};
use super::{Admitted, Appended, StoreOptions, Touched};

/// Streams, deliveries, head, and what was touched.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The streams and their numbers.
    pub(super) streams: Streams,
    /// Which batches have arrived.
    pub(super) deliveries: Deliveries,
    /// Rows that wait to be sealed.
    pub(super) head: Head,
    /// What has rows that nobody has taken notice of.
    pub(super) touched: Touched,
}

impl Memory {
    /// Whether a batch can be kept; changes nothing.
    pub(super) fn judge(&self, admitted: &Admitted, options: &StoreOptions) -> Appended {
        let key = &admitted.batch.key;
        let known = self.deliveries.get(&key.agent, key.epoch).and_then(|delivery| delivery.digest(key.seq));
        match known {
            Some(digest) if digest == admitted.digest => return Appended::Duplicate,
            Some(_) => return Appended::Conflict,
            None => {}
        }
        if !self.deliveries.contains(&key.agent) && self.deliveries.agents() >= options.agents_max {
            return Appended::TooManyAgents;
        }
        // Each of a batch's streams is one at most, so only where a bound is near has anybody to look at them.
        let (brought, most) = (self.streams.brought_by(&key.agent), options.streams_per_agent_max);
        let more = admitted.batch.streams.len();
        if self.streams.len() + more > options.streams_max || brought + more > most {
            let new = |id: &StreamId| !self.streams.contains(id);
            let ids = admitted.batch.streams.iter().map(|rows| StreamId::of(&key.agent, rows));
            let mut new: Vec<StreamId> = ids.filter(new).collect();
            new.sort_unstable();
            new.dedup();
            if !new.is_empty() && brought + new.len() > most {
                return Appended::TooManyStreamsOfAgent { most };
            }
            if !new.is_empty() && self.streams.len() + new.len() > options.streams_max {
                return Appended::TooManyStreams;
            }
        }
        Appended::Kept
    }

    /// Takes a batch in.
    pub(super) fn absorb(&mut self, received_at: Instant, batch: &Batch, digest: Digest) {
        for rows in &batch.streams {
            let block = Block::of(rows);
            let Some(span) = block.span() else { continue };
            let id = StreamId::of(&batch.key.agent, rows);
            let number = self.streams.number_or_new(&id);
            self.streams.brings(&batch.key.agent, number);
            self.streams.observe(number, &block);
            self.head.add(number, &block);
            match (id, &block) {
                (StreamId::Probe(from), Block::Probe(rows)) => {
                    self.touched.vantage_points.entry(from).or_default().add(rows);
                }
                (StreamId::Capacity(of), _) => touch(&mut self.touched.resources, of, span),
                _ => {}
            }
        }
        self.deliveries.note(&batch.key, digest, received_at);
    }

    /// The head is durable in chunks.
    pub(super) fn sealed(&mut self) {
        self.head = Head::default();
        self.streams.saved();
        self.deliveries.saved();
    }
}

fn touch<K: Ord>(touched: &mut BTreeMap<K, Interval>, of: K, span: Interval) {
    let whole = touched.entry(of).or_insert(span);
    *whole = Interval::new(whole.start.min(span.start), whole.end.max(span.end));
}
