//! Rows in any order → batches: a bounded number of rows is gathered, sorted by agent and stream, settled, and framed.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::ids::{Id, VantagePoint};
use uphold_common::observation::{Observation, Reading, Volume, settle_all};
use uphold_common::time::Instant;
use uphold_common::wire::batch::{Batch, BatchError, BatchKey, Epoch};
use uphold_common::wire::columns::Rows;
use uphold_common::wire::sheet::StreamName;
use uphold_common::wire::{BATCH_ROWS_MAX, BATCH_STREAMS_MAX};

use super::known::{Known, Numbered};
use super::line::Row;
use crate::store::{StreamId, settle_readings, settle_volumes};

/// How many rows are gathered at once. They take some 20 MB.
pub const SHEAF_ROWS: usize = 4 * BATCH_ROWS_MAX;

/// The rows of one stream.
#[derive(Debug)]
enum Gathered {
    Probe(Vec<Observation>),
    Capacity(Vec<Reading>),
    Volume(Vec<Volume>),
}

/// Rows that are gathered.
#[derive(Debug, Default)]
pub struct Sheaf {
    /// By the number of their stream. A stream that has rows again finds its room again.
    streams: Vec<Gathered>,
    touched: BTreeSet<usize>,
    rows: usize,
}

impl Sheaf {
    /// Adds a row.
    pub fn add(&mut self, (number, row): Numbered) {
        while self.streams.len() <= number {
            self.streams.push(Gathered::Probe(Vec::new()));
        }
        let Some(stream) = self.streams.get_mut(number) else { return };
        match (stream, row) {
            (Gathered::Probe(rows), Row::Probe(row)) => rows.push(row),
            (Gathered::Capacity(rows), Row::Capacity(row)) => rows.push(row),
            (Gathered::Volume(rows), Row::Volume(row)) => rows.push(row),
            // The first row of a stream says of what kind it is.
            (stream, Row::Probe(row)) => *stream = Gathered::Probe(vec![row]),
            (stream, Row::Capacity(row)) => *stream = Gathered::Capacity(vec![row]),
            (stream, Row::Volume(row)) => *stream = Gathered::Volume(vec![row]),
        }
        self.touched.insert(number);
        self.rows += 1;
    }

    /// Whether it is time to bind what was gathered.
    pub const fn is_full(&self) -> bool {
        self.rows >= SHEAF_ROWS
    }

    /// The framed batches of everything that was gathered, closed at this instant, and the last row of the last of them;
    /// then it is empty.
    pub fn bind(&mut self, known: &Known, closed_at: Instant) -> Result<(Vec<Vec<u8>>, Option<LastRow>), BatchError> {
        let mut agents: BTreeMap<&Id, BTreeMap<&StreamName, Rows>> = BTreeMap::new();
        for number in std::mem::take(&mut self.touched) {
            let (Some((agent, name)), Some(stream)) = (known.stream(number), self.streams.get_mut(number)) else {
                continue;
            };
            if let Some(rows) = stream.settled(name) {
                agents.entry(agent).or_default().insert(name, rows);
            }
        }
        self.rows = 0;
        let last = last_row(&agents);
        let mut framed = Vec::new();
        for (agent, streams) in agents {
            for streams in bundles(streams.into_values()) {
                frame(agent, closed_at, streams, &mut framed)?;
            }
        }
        Ok((framed, last))
    }
}

/// Of which stream a row is, and its instant.
pub type LastRow = (StreamId, Instant);

/// The row that comes last in the order in which batches are made.
fn last_row(agents: &BTreeMap<&Id, BTreeMap<&StreamName, Rows>>) -> Option<LastRow> {
    let (agent, streams) = agents.last_key_value()?;
    let (name, rows) = streams.last_key_value()?;
    let of = match name {
        StreamName::Probe(probe) => StreamId::Probe(VantagePoint { probe: probe.clone(), agent: Id::clone(agent) }),
        StreamName::Capacity(of) => StreamId::Capacity(of.clone()),
        StreamName::Volume(of) => StreamId::Volume(of.clone()),
    };
    Some((of, rows.instants().last()?))
}

impl Gathered {
    /// What was gathered, sorted, one row for each instant; none if its name is of another kind.
    fn settled(&mut self, name: &StreamName) -> Option<Rows> {
        Some(match (self, name) {
            (Self::Probe(rows), StreamName::Probe(id)) => {
                settle_all(rows);
                Rows::Probe(id.clone(), std::mem::take(rows))
            }
            (Self::Capacity(rows), StreamName::Capacity(id)) => {
                settle_readings(rows);
                Rows::Capacity(id.clone(), std::mem::take(rows))
            }
            (Self::Volume(rows), StreamName::Volume(id)) => {
                settle_volumes(rows);
                Rows::Volume(id.clone(), std::mem::take(rows))
            }
            _ => return None,
        })
    }
}

/// Streams together that make one batch each.
fn bundles(streams: impl Iterator<Item = Rows>) -> Vec<Vec<Rows>> {
    let (mut all, mut open, mut held) = (Vec::new(), Vec::new(), 0);
    for mut rows in streams {
        while !rows.is_empty() {
            let room = BATCH_ROWS_MAX - held;
            let rest = split_off(&mut rows, room);
            held += rows.len();
            open.push(rows);
            rows = rest;
            if held >= BATCH_ROWS_MAX || open.len() >= BATCH_STREAMS_MAX {
                all.push(std::mem::take(&mut open));
                held = 0;
            }
        }
    }
    if !open.is_empty() {
        all.push(open);
    }
    all
}

/// Leaves the first `at` rows, and gives the others.
fn split_off(rows: &mut Rows, at: usize) -> Rows {
    match rows {
        Rows::Probe(id, rows) => Rows::Probe(id.clone(), rows.split_off(at.min(rows.len()))),
        Rows::Capacity(id, rows) => Rows::Capacity(id.clone(), rows.split_off(at.min(rows.len()))),
        Rows::Volume(id, rows) => Rows::Volume(id.clone(), rows.split_off(at.min(rows.len()))),
    }
}

/// Frames a batch, or halves of it where its bytes are more than a batch may have.
fn frame(agent: &Id, closed_at: Instant, streams: Vec<Rows>, framed: &mut Vec<Vec<u8>>) -> Result<(), BatchError> {
    let key = BatchKey { agent: agent.clone(), epoch: Epoch::IMPORT, seq: framed.len() as u64 + 1 };
    let mut batch = Batch { key, closed_at, streams, facts: Vec::new() };
    match batch.encode() {
        Ok(bytes) => framed.push(bytes),
        Err(BatchError::Bound { .. }) if batch.rows() > 1 => {
            let (mut first, mut second, mut left) = (Vec::new(), Vec::new(), batch.rows() / 2);
            for mut rows in std::mem::take(&mut batch.streams) {
                let rest = split_off(&mut rows, left);
                left -= rows.len();
                first.extend((!rows.is_empty()).then_some(rows));
                second.extend((!rest.is_empty()).then_some(rest));
            }
            frame(agent, closed_at, first, framed)?;
            frame(agent, closed_at, second, framed)?;
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
