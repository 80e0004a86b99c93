//! A stream's rows, and the columns that they are in version 1 of a batch, which is read and no longer written.
//!
//! The time is kept once a row, as differences. Rows of a stream are in strictly ascending order of time. [`TryFrom`] checks everything a stranger could get wrong: equal
//! lengths, known codes, order, limits above zero, names within their bound.

use serde::Deserialize;

use super::OF_BYTES_MAX;
use crate::ids::Id;
use crate::ids::ProbeId;
use crate::observation::{
    Cause, Flow, FlowId, Micros, Observation, Outcome, Phases, Reading, Resource, ResourceId, Volume,
};
use crate::time::Instant;

/// The rows of one stream in one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Attempts of a probe by the batch's agent.
    Probe(ProbeId, Vec<Observation>),
    /// Readings of a resource.
    Capacity(ResourceId, Vec<Reading>),
    /// Volumes of a flow.
    Volume(FlowId, Vec<Volume>),
}

impl Rows {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Probe(_, rows) => rows.len(),
            Self::Capacity(_, rows) => rows.len(),
            Self::Volume(_, rows) => rows.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The instant of the first row.
    pub fn first_instant(&self) -> Option<Instant> {
        match self {
            Self::Probe(_, rows) => rows.first().map(|row| row.at),
            Self::Capacity(_, rows) => rows.first().map(|row| row.at),
            Self::Volume(_, rows) => rows.first().map(|row| row.at),
        }
    }

    /// The instants of the rows, in their order.
    pub fn instants(&self) -> Box<dyn Iterator<Item = Instant> + '_> {
        match self {
            Self::Probe(_, rows) => Box::new(rows.iter().map(|r| r.at)),
            Self::Capacity(_, rows) => Box::new(rows.iter().map(|r| r.at)),
            Self::Volume(_, rows) => Box::new(rows.iter().map(|r| r.at)),
        }
    }
}

/// Why columns are no rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColumnsError {
    /// Columns of different lengths.
    #[error("its columns differ in length")]
    Lengths,
    /// A code that no outcome or cause has.
    #[error("row {0} has a code that is not known")]
    Code(usize),
    /// An instant that is not after the one before it, or out of range.
    #[error("row {0} is not later than the row before it")]
    Order(usize),
    /// A limit of zero: nothing can be used of nothing.
    #[error("row {0} has a limit of 0")]
    Limit(usize),
    /// A name that is too long.
    #[error("the name of what was read is longer than {OF_BYTES_MAX} bytes")]
    Name,
}

/// The columns of one stream as they are sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Columns {
    /// Attempts of a probe.
    Probe(ProbeColumns),
    /// Readings of a resource.
    Capacity(CapacityColumns),
    /// Volumes of a flow.
    Volume(VolumeColumns),
}

/// Attempts as columns. A phase column is empty when no row has that phase.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeColumns {
    probe: ProbeId,
    /// The first instant, then differences.
    at: Vec<i64>,
    #[serde(with = "serde_bytes")]
    outcome: Vec<u8>,
    #[serde(with = "serde_bytes")]
    cause: Vec<u8>,
    code: Vec<u16>,
    total: Vec<u32>,
    phases: [Vec<u32>; 5],
}

/// Readings as columns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapacityColumns {
    host: Id,
    resource: Resource,
    of: String,
    at: Vec<i64>,
    used: Vec<u64>,
    limit: Vec<u64>,
}

/// Volumes as columns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeColumns {
    host: Id,
    flow: Flow,
    of: String,
    at: Vec<i64>,
    over_ms: Vec<u32>,
    amount: Vec<u64>,
}

impl TryFrom<Columns> for Rows {
    type Error = ColumnsError;

    fn try_from(columns: Columns) -> Result<Self, ColumnsError> {
        match columns {
            Columns::Probe(c) => probe_rows(&c).map(|rows| Self::Probe(c.probe, rows)),
            Columns::Capacity(c) => {
                let rows = capacity_rows(&c)?;
                Ok(Self::Capacity(ResourceId { host: c.host, resource: c.resource, of: bounded(c.of)? }, rows))
            }
            Columns::Volume(c) => {
                let rows = volume_rows(&c)?;
                Ok(Self::Volume(FlowId { host: c.host, flow: c.flow, of: bounded(c.of)? }, rows))
            }
        }
    }
}

fn probe_rows(c: &ProbeColumns) -> Result<Vec<Observation>, ColumnsError> {
    let n = c.at.len();
    let phases_fit = c.phases.iter().all(|p| p.is_empty() || p.len() == n);
    if [c.outcome.len(), c.cause.len(), c.code.len(), c.total.len()] != [n; 4] || !phases_fit {
        return Err(ColumnsError::Lengths);
    }
    let mut rows = Vec::with_capacity(n);
    for (i, at) in instants(&c.at)?.into_iter().enumerate() {
        let known = c.outcome.get(i).copied().and_then(Outcome::from_code);
        let cause = c.cause.get(i).copied().and_then(Cause::from_code);
        let (Some(outcome), Some(cause)) = (known, cause) else { return Err(ColumnsError::Code(i)) };
        let phase = |p: &Vec<u32>| Micros::from_code(p.get(i).copied().unwrap_or_default());
        rows.push(Observation {
            at,
            outcome,
            cause,
            code: c.code.get(i).copied().unwrap_or_default(),
            total: Micros::from_code(c.total.get(i).copied().unwrap_or_default()),
            phases: Phases::from_array(c.phases.each_ref().map(phase)),
        });
    }
    Ok(rows)
}

fn capacity_rows(c: &CapacityColumns) -> Result<Vec<Reading>, ColumnsError> {
    if c.used.len() != c.at.len() || c.limit.len() != c.at.len() {
        return Err(ColumnsError::Lengths);
    }
    if let Some(row) = c.limit.iter().position(|limit| *limit == 0) {
        return Err(ColumnsError::Limit(row));
    }
    let values = c.used.iter().zip(&c.limit);
    Ok(instants(&c.at)?
        .into_iter()
        .zip(values)
        .map(|(at, (used, limit))| Reading { at, used: *used, limit: *limit })
        .collect())
}

fn volume_rows(c: &VolumeColumns) -> Result<Vec<Volume>, ColumnsError> {
    if c.over_ms.len() != c.at.len() || c.amount.len() != c.at.len() {
        return Err(ColumnsError::Lengths);
    }
    let values = c.over_ms.iter().zip(&c.amount);
    let row = |(at, (over_ms, amount)): (Instant, (&u32, &u64))| Volume { at, over_ms: *over_ms, amount: *amount };
    Ok(instants(&c.at)?.into_iter().zip(values).map(row).collect())
}

fn instants(differences: &[i64]) -> Result<Vec<Instant>, ColumnsError> {
    let mut at: i64 = 0;
    let mut all = Vec::with_capacity(differences.len());
    for (row, step) in differences.iter().enumerate() {
        at = at.checked_add(*step).ok_or(ColumnsError::Order(row))?;
        let in_range = (Instant::MIN.as_ms()..=Instant::MAX.as_ms()).contains(&at);
        if !in_range || (row > 0 && *step <= 0) {
            return Err(ColumnsError::Order(row));
        }
        all.push(Instant::from_ms(at));
    }
    Ok(all)
}

fn bounded(of: String) -> Result<String, ColumnsError> {
    if of.len() > OF_BYTES_MAX { Err(ColumnsError::Name) } else { Ok(of) }
}
