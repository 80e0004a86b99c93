//! What the store keeps in memory, and how an arriving batch changes it: the same way when it is appended and when it
//! is replayed from the journal.

use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::Batch;

use super::delivery::{Deliveries, Digest};
use super::head::Head;
use super::numbered::ByNumber;
use super::rows::Block;
use super::stream::{StreamId, Streams};
use super::touched::TouchedRows;
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
    /// The vantage points that have rows nobody has taken notice of, and those rows.
    touched_probes: ByNumber<TouchedRows>,
    /// The resources that have some, and where those lie.
    touched: ByNumber<Interval>,
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

    /// Whether a bound is so near that those before it in the same call have to be taken in before `batch` is judged.
    pub(super) fn near_bounds(&self, batch: &Batch, before: &[Admitted], options: &StoreOptions) -> bool {
        let streams = |batch: &Batch| batch.streams.len();
        let more = before.iter().map(|one| streams(&one.batch)).sum::<usize>() + streams(batch);
        self.streams.len() + more > options.streams_max
            || self.streams.brought_by(&batch.key.agent) + more > options.streams_per_agent_max
            || self.deliveries.agents() + before.len() + 1 > options.agents_max
    }

    /// Takes a batch in; rows before `from` are left out, because nothing so old is kept.
    pub(super) fn absorb(&mut self, received_at: Instant, batch: Batch, digest: Digest, from: Instant) {
        let Batch { key, streams, .. } = batch;
        for rows in streams {
            let number = self.streams.number_of(&key.agent, &rows);
            self.streams.brings(&key.agent, number);
            let mut block = Block::of(rows);
            if block.span().is_some_and(|span| span.start < from) {
                let mut kept = Block::empty(block.kind());
                kept.take_from(&block, Interval::new(from, Instant::MAX));
                block = kept;
            }
            let Some(span) = block.span() else { continue };
            self.streams.observe(number, &block);
            match &block {
                Block::Probe(rows) => self.touched_probes.entry(number).or_default().add(rows),
                Block::Capacity(_) => {
                    let whole = self.touched.entry(number).or_insert(span);
                    *whole = Interval::new(whole.start.min(span.start), whole.end.max(span.end));
                }
                Block::Volume(_) => {}
            }
            self.head.add(number, block);
        }
        self.deliveries.note(&key, digest, received_at);
    }

    /// What was touched since the last call.
    pub(super) fn take_touched(&mut self) -> Touched {
        let mut touched = Touched::default();
        for (number, rows) in std::mem::take(&mut self.touched_probes) {
            if let Some(StreamId::Probe(from)) = self.streams.id(number) {
                touched.vantage_points.insert(from.clone(), rows);
            }
        }
        for (number, span) in std::mem::take(&mut self.touched) {
            if let Some(StreamId::Capacity(of)) = self.streams.id(number) {
                touched.resources.insert(of.clone(), span);
            }
        }
        touched
    }

    /// The head is durable in a part.
    pub(super) fn sealed(&mut self) {
        self.head = Head::default();
        self.streams.saved();
        self.deliveries.saved();
    }
}
