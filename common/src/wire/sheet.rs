//! A batch laid out flat, as a collector reads it: all rows of one kind in one vector, in the order of its streams.
//!
//! A collector takes thousands of batches a second with dozens of streams each, so it must not make a vector and two
//! names for every stream. Names stand in a list that batches share: those of an agent hardly change from one batch to
//! the next, and reading holds what stands on the wire against the list of before ([`Names`]). When all of them are in
//! it, in its order, that list is taken; otherwise the batch gets one of its own.

use std::sync::Arc;

use super::batch::{AgentFact, Batch, BatchKey};
use super::columns::Rows;
use crate::ids::ProbeId;
use crate::observation::{FlowId, Observation, Reading, ResourceId, Volume};
use crate::time::Instant;

/// Most names that are kept of an agent from one batch to the next.
const NAMES_MAX: usize = 16_384;

/// What a stream is of, as a batch names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamName {
    /// Attempts of a probe by the batch's agent.
    Probe(ProbeId),
    /// Readings of a resource.
    Capacity(ResourceId),
    /// Volumes of a flow.
    Volume(FlowId),
}

/// Names that batches share.
pub type Names = Arc<[StreamName]>;

/// The rows of one stream, which ascend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsOf<'a> {
    /// Of a probe.
    Probe(&'a ProbeId, &'a [Observation]),
    /// Of a resource.
    Capacity(&'a ResourceId, &'a [Reading]),
    /// Of a flow.
    Volume(&'a FlowId, &'a [Volume]),
}

/// A stream of a batch: where its name stands in the list, and how many rows it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) name: usize,
    pub(super) rows: usize,
}

/// The rows of all streams, those of one kind together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Laid {
    pub(super) observations: Vec<Observation>,
    pub(super) readings: Vec<Reading>,
    pub(super) volumes: Vec<Volume>,
}

/// A batch laid out flat.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Its key.
    pub key: BatchKey,
    /// When the agent closed it.
    pub closed_at: Instant,
    /// What the agent says of its own measuring.
    pub facts: Vec<AgentFact>,
    pub(super) names: Names,
    pub(super) places: Vec<Place>,
    pub(super) laid: Laid,
}

/// Two are the same when they say the same, whatever list their names stand in.
impl PartialEq for Sheet {
    fn eq(&self, other: &Self) -> bool {
        let said = |sheet: &Self| (sheet.key.clone(), sheet.closed_at, sheet.facts.clone(), sheet.len());
        said(self) == said(other) && self.streams().map(|(_, rows)| rows).eq(other.streams().map(|(_, rows)| rows))
    }
}

impl Eq for Sheet {}

impl Sheet {
    /// The list that its names stand in, others among them.
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// How many streams it has.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many rows it holds.
    pub const fn rows(&self) -> usize {
        self.laid.observations.len() + self.laid.readings.len() + self.laid.volumes.len()
    }

    /// What it takes in memory, beside the names themselves.
    pub const fn bytes(&self) -> usize {
        let Laid { observations, readings, volumes } = &self.laid;
        let rows = observations.capacity() * size_of::<Observation>()
            + readings.capacity() * size_of::<Reading>()
            + volumes.capacity() * size_of::<Volume>();
        rows + self.places.capacity() * (size_of::<Place>() + size_of::<StreamName>())
    }

    /// The instants of all rows, in no order.
    pub fn instants(&self) -> impl Iterator<Item = Instant> {
        let Laid { observations, readings, volumes } = &self.laid;
        let sampled = readings.iter().map(|row| row.at).chain(volumes.iter().map(|row| row.at));
        observations.iter().map(|row| row.at).chain(sampled)
    }

    /// Its streams, each with where its name stands in [`Self::names`].
    pub fn streams(&self) -> impl Iterator<Item = (usize, RowsOf<'_>)> {
        let Laid { observations, readings, volumes } = &self.laid;
        let (mut observations, mut readings, mut volumes) = (&**observations, &**readings, &**volumes);
        self.places.iter().filter_map(move |place| {
            let rows = match self.names.get(place.name)? {
                StreamName::Probe(id) => RowsOf::Probe(id, next(&mut observations, place.rows)?),
                StreamName::Capacity(id) => RowsOf::Capacity(id, next(&mut readings, place.rows)?),
                StreamName::Volume(id) => RowsOf::Volume(id, next(&mut volumes, place.rows)?),
            };
            Some((place.name, rows))
        })
    }
}

fn next<'a, R>(rows: &mut &'a [R], count: usize) -> Option<&'a [R]> {
    let (taken, rest) = rows.split_at_checked(count)?;
    *rows = rest;
    Some(taken)
}

impl From<Batch> for Sheet {
    fn from(batch: Batch) -> Self {
        let Batch { key, closed_at, streams, facts } = batch;
        let (mut laid, mut places) = (Laid::default(), Vec::with_capacity(streams.len()));
        let names = streams.into_iter().enumerate().map(|(name, rows)| {
            places.push(Place { name, rows: rows.len() });
            match rows {
                Rows::Probe(id, rows) => {
                    laid.observations.extend(rows);
                    StreamName::Probe(id)
                }
                Rows::Capacity(id, rows) => {
                    laid.readings.extend(rows);
                    StreamName::Capacity(id)
                }
                Rows::Volume(id, rows) => {
                    laid.volumes.extend(rows);
                    StreamName::Volume(id)
                }
            }
        });
        Self { names: names.collect(), key, closed_at, facts, places, laid }
    }
}

impl From<Sheet> for Batch {
    fn from(sheet: Sheet) -> Self {
        let streams = sheet.streams().map(|(_, rows)| match rows {
            RowsOf::Probe(id, rows) => Rows::Probe(id.clone(), rows.to_vec()),
            RowsOf::Capacity(id, rows) => Rows::Capacity(id.clone(), rows.to_vec()),
            RowsOf::Volume(id, rows) => Rows::Volume(id.clone(), rows.to_vec()),
        });
        Self { streams: streams.collect(), key: sheet.key, closed_at: sheet.closed_at, facts: sheet.facts }
    }
}

/// The list to hold the next batch against, after one whose names stand in `new`: all that both have, in their order, as
/// long as they are not too many; none if that is `known` itself.
pub fn extended(known: Option<&Names>, new: &Names) -> Option<Names> {
    let Some(known) = known else { return Some(sorted(new.to_vec())) };
    if Arc::ptr_eq(known, new) || new.iter().all(|name| known.binary_search(name).is_ok()) {
        return None;
    }
    let all = sorted(known.iter().chain(new.iter()).cloned().collect());
    let list = if all.len() < NAMES_MAX { all } else { sorted(new.to_vec()) };
    (list != *known).then_some(list)
}

fn sorted(mut names: Vec<StreamName>) -> Names {
    names.sort_unstable();
    names.dedup();
    names.truncate(NAMES_MAX);
    names.into()
}

#[cfg(test)]
#[path = "sheet_tests.rs"]
mod tests;
