//! What the store keeps in memory, and how an arriving batch changes it: the same way when it is appended and when it
//! is replayed from the journal.

use uphold_common::time::{Instant, Interval};
use uphold_common::wire::batch::Epoch;
use uphold_common::wire::sheet::Sheet;

use super::crowded::Crowded;
use super::delivery::{Deliveries, Digest};
use super::head::{Head, day_number, end_of};
use super::numbered::Numbers;
use super::rows::Slice;
use super::stream::{StreamId, Streams};
use super::{Admitted, Appended, StoreOptions, Touched, TouchedRows};

/// Streams, deliveries, head, and what was touched.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// The streams and their numbers.
    pub(super) streams: Streams,
    /// Which batches have arrived.
    pub(super) deliveries: Deliveries,
    /// Rows that wait to be sealed.
    pub(super) head: Head,
    /// The rows of days that have many, beside those in the head.
    pub(super) crowded: Crowded,
    /// Up to where somebody has taken notice of the rows of the head.
    noticed: u32,
    /// What nobody has taken notice of and is no longer in the head.
    touched: Touched,
    /// The vantage points of which nobody wanted to know where their rows lie, and which were told.
    unwanted: Numbers,
}

impl Memory {
    /// Whether a batch can be kept; changes nothing.
    pub(super) fn judge(&self, admitted: &Admitted, options: &StoreOptions) -> Appended {
        let key = &admitted.batch.key;
        let counted = key.epoch != Epoch::IMPORT;
        let known = self.deliveries.get(&key.agent, key.epoch).and_then(|delivery| delivery.digest(key.seq));
        match known {
            Some(digest) if digest == admitted.digest => return Appended::Duplicate,
            Some(_) => return Appended::Conflict,
            None => {}
        }
        if counted && !self.deliveries.contains(&key.agent) && self.deliveries.agents() >= options.agents_max {
            return Appended::TooManyAgents;
        }
        // Each of a batch's streams is one at most, so only where a bound is near has anybody to look at them.
        let (brought, most) = (self.streams.brought_by(&key.agent), options.streams_per_agent_max);
        let more = admitted.batch.len();
        if self.streams.len() + more > options.streams_max || brought + more > most {
            let new = |id: &StreamId| !self.streams.contains(id);
            let ids = admitted.batch.streams().map(|(_, rows)| StreamId::of(&key.agent, rows));
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
        if self.overcrowds(&admitted.batch, options.rows_of_a_day_max) {
            return Appended::TooManyRowsOfDay { most: options.rows_of_a_day_max };
        }
        Appended::Kept
    }

    /// Whether a stream of a batch would have more rows on a day than are kept.
    fn overcrowds(&self, batch: &Sheet, most: u64) -> bool {
        // Mostly nobody has a crowd, and nobody is asked.
        if self.crowded.is_empty() && self.head.crowded().is_empty() {
            return false;
        }
        batch.streams().any(|(_, rows)| {
            let Some(stream) = self.streams.number(&StreamId::of(&batch.key.agent, rows)) else { return false };
            Slice::from(rows).by_day().into_iter().any(|(day, rows)| {
                let day = day_number(day);
                let known = self.crowded.rows(day, stream) + self.head.rows_on(day, stream);
                known + rows.len() as u64 > most
            })
        })
    }

    /// Whether a bound is so near that those before it in the same call have to be taken in before `batch` is judged.
    pub(super) fn near_bounds(&self, batch: &Sheet, before: &[Admitted], options: &StoreOptions) -> bool {
        let more = before.iter().map(|one| one.batch.len()).sum::<usize>() + batch.len();
        self.streams.len() + more > options.streams_max
            || self.streams.brought_by(&batch.key.agent) + more > options.streams_per_agent_max
            || self.deliveries.agents() + before.len() + 1 > options.agents_max
    }

    /// Takes a batch in; rows before `from` are left out, because nothing so old is kept.
    pub(super) fn absorb(&mut self, received_at: Instant, batch: &Sheet, digest: Digest, from: Instant) {
        let numbers = self.streams.numbers_of(batch);
        for (place, rows) in batch.streams() {
            let rows = Slice::from(rows).since(from);
            let Some(number) = numbers.get(place).filter(|_| !rows.is_empty()) else { continue };
            self.streams.observe(*number, rows);
            self.head.add(*number, rows);
        }
        // What was imported is no delivery of the agent that it names: nothing of its own is missing because of it.
        if batch.key.epoch != Epoch::IMPORT {
            self.deliveries.note(&batch.key, digest, received_at);
        }
    }

    /// What was touched since the last call; of streams that are not `wanted` only the vantage points, once and without rows.
    pub(super) fn take_touched(&mut self, wanted: &dyn Fn(&StreamId) -> bool) -> Touched {
        self.notice(wanted);
        std::mem::take(&mut self.touched)
    }

    /// Asks of each vantage point anew whether it is wanted.
    pub(super) fn ask_anew(&mut self) {
        self.unwanted = Numbers::default();
    }

    /// Notes that any row of a stream on a day may be another than whoever took notice has seen.
    pub(super) fn touch(&mut self, id: &StreamId, day: i32) {
        let whole = Interval::new(end_of(day.saturating_sub(1)), end_of(day));
        let Touched { vantage_points, resources } = &mut self.touched;
        match id {
            StreamId::Probe(from) => vantage_points.entry(from.clone()).or_default().add_stretch(whole),
            StreamId::Capacity(of) => {
                let known = resources.entry(of.clone()).or_insert(whole);
                *known = Interval::new(known.start.min(whole.start), known.end.max(whole.end));
            }
            StreamId::Volume(_) => {}
        }
    }

    fn notice(&mut self, wanted: &dyn Fn(&StreamId) -> bool) {
        let Touched { vantage_points, resources } = &mut self.touched;
        for (number, rows) in self.head.added_since(self.noticed) {
            if self.unwanted.contains(number) {
                continue;
            }
            let Some(id) = self.streams.id(number) else { continue };
            match (id, wanted(id)) {
                (StreamId::Probe(from), true) => {
                    let mut touched = vantage_points.remove(from).unwrap_or_default();
                    let rows = rows.filter_map(|rows| if let Slice::Probe(rows) = rows { Some(rows) } else { None });
                    rows.for_each(|rows| touched.add(rows));
                    vantage_points.insert(from.clone(), touched);
                }
                (StreamId::Probe(from), false) => {
                    vantage_points.insert(from.clone(), TouchedRows::untold());
                    self.unwanted.insert(number, ());
                }
                (StreamId::Capacity(of), true) => {
                    let union = |a: Interval, b: Interval| Interval::new(a.start.min(b.start), a.end.max(b.end));
                    let Some(span) = rows.filter_map(Slice::span).reduce(union) else { continue };
                    let whole = resources.get(of).map_or(span, |known| union(*known, span));
                    resources.insert(of.clone(), whole);
                }
                (StreamId::Capacity(_), false) | (StreamId::Volume(_), _) => {}
            }
        }
        self.noticed = self.head.mark();
    }

    /// The head is durable in a part.
    pub(super) fn sealed(&mut self) {
        // Mostly all of it was noticed before.
        self.notice(&|_| true);
        (self.head, self.noticed) = (Head::default(), 0);
        self.streams.saved();
        self.deliveries.saved();
    }
}
