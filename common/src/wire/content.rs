//! The content of a batch, version 2: written and read by hand, because a collector does little else all day.
//!
//! ```text
//! name       how many bytes, a number; then the bytes
//!
//! agent      name
//! epoch      16 bytes
//! seq        number
//! closed_at  signed: milliseconds since 1970-01-01 UTC
//! facts      how many bytes, a number; then so much MessagePack, and none for no facts
//! streams    number: how many
//!            then for each stream
//!   what     one byte: 0 a probe;  1 cpu  2 memory  3 swap  4 filesystem;  5 network received  6 network sent;
//!            and 0x80 when its service or host is that of the stream before, and is not repeated
//!   of whom  name: the service or the host
//!   which    name: the probe, the mount point, the interface; may be empty but for a probe
//!   rows     number: how many
//!            then for each stream, in the same order, its rows as [`flat`] has them; their base is the first instant
//!            of the nearest stream before that has rows, and closed_at where there is none
//! ```
//!
//! Numbers are those of [`flat`]. Reading trusts nothing: what is counted is held against its bound before it is
//! allocated, names are checked, and no byte may follow the last row.

use super::batch::{AgentFact, BATCH_FACTS_MAX, Batch, BatchError, BatchKey, Epoch, bound};
use super::columns::{ColumnsError, Rows};
use super::{BATCH_ROWS_MAX, BATCH_STREAMS_MAX, OF_BYTES_MAX, flat, pack};
use crate::ids::{ID_BYTES_MAX, Id, PathId};
use crate::observation::{Flow, FlowId, Resource, ResourceId};
use crate::time::Instant;

/// Most bytes of the facts: a single one takes less than 128.
const FACTS_BYTES_MAX: usize = BATCH_FACTS_MAX * 128;
/// Fewest bytes of what is said of a stream before its rows: what, an empty name, how many rows.
const STREAM_BYTES_MIN: usize = 3;
/// Set when the service or host is that of the stream before.
const SAME: u8 = 0x80;

/// The content of `batch`, which is within its bounds.
pub(super) fn write(batch: &Batch) -> Result<Vec<u8>, BatchError> {
    let mut out = Vec::with_capacity(128 + 32 * batch.streams.len() + 24 * batch.rows());
    put_name(&mut out, batch.key.agent.as_str().as_bytes());
    out.extend_from_slice(&batch.key.epoch.0);
    flat::put(&mut out, batch.key.seq);
    flat::put_signed(&mut out, batch.closed_at.as_ms());
    let facts = if batch.facts.is_empty() { Vec::new() } else { pack::pack(&batch.facts)? };
    put_name(&mut out, &facts);
    flat::put(&mut out, batch.streams.len() as u64);
    let mut before = None;
    for rows in &batch.streams {
        put_stream(&mut out, rows, before.replace(of_whom(rows)));
        flat::put(&mut out, rows.len() as u64);
    }
    let mut base = batch.closed_at;
    for rows in &batch.streams {
        match rows {
            Rows::Probe(_, rows) => flat::put_observations(&mut out, base, rows),
            Rows::Capacity(_, rows) => flat::put_readings(&mut out, base, rows),
            Rows::Volume(_, rows) => flat::put_volumes(&mut out, base, rows),
        }
        base = rows.first_instant().unwrap_or(base);
    }
    Ok(out)
}

/// The batch whose content these bytes are, to the last of them.
pub(super) fn read(mut bytes: &[u8]) -> Result<Batch, BatchError> {
    let bytes = &mut bytes;
    let agent = take_id(bytes, "an agent")?;
    let epoch = Epoch(*take_array(bytes).ok_or(BatchError::Expected("an epoch"))?);
    let seq = flat::take(bytes).ok_or(BatchError::Expected("a seq"))?;
    let closed_at = flat::take_signed(bytes).and_then(in_range).ok_or(BatchError::Expected("when it was closed"))?;
    let facts = take_facts(bytes)?;
    let (mut streams, counts) = take_streams(bytes)?;
    let mut base = closed_at;
    for (stream, (rows, count)) in streams.iter_mut().zip(counts).enumerate() {
        take_rows(bytes, base, rows, count).map_err(|source| BatchError::Columns { stream, source })?;
        base = rows.first_instant().unwrap_or(base);
    }
    if !bytes.is_empty() {
        return Err(BatchError::Trailing(bytes.len()));
    }
    Ok(Batch { key: BatchKey { agent, epoch, seq }, closed_at, streams, facts })
}

fn put_stream(out: &mut Vec<u8>, rows: &Rows, before: Option<&Id>) {
    let (what, which) = match rows {
        Rows::Probe(probe, _) => (What::Probe, probe.child.as_str()),
        Rows::Capacity(id, _) => (What::Capacity(id.resource), id.of.as_str()),
        Rows::Volume(id, _) => (What::Volume(id.flow), id.of.as_str()),
    };
    let of_whom = of_whom(rows);
    if before == Some(of_whom) {
        out.push(what.code() | SAME);
    } else {
        out.push(what.code());
        put_name(out, of_whom.as_str().as_bytes());
    }
    put_name(out, which.as_bytes());
}

/// The streams, still without rows, and how many rows each is to have.
fn take_streams(bytes: &mut &[u8]) -> Result<(Vec<Rows>, Vec<usize>), BatchError> {
    let count = take_count(bytes).ok_or(BatchError::Expected("how many streams it has"))?;
    bound("streams", count, BATCH_STREAMS_MAX)?;
    // What the bytes that are left cannot hold is not made room for.
    let room = count.min(bytes.len() / STREAM_BYTES_MIN);
    let (mut streams, mut counts) = (Vec::with_capacity(room), Vec::with_capacity(room));
    let (mut total, mut before) = (0_usize, None);
    for stream in 0..count {
        let rows = take_stream(bytes, stream, before.as_ref())?;
        before = Some(of_whom(&rows).clone());
        let count = take_count(bytes).ok_or(BatchError::Expected("how many rows a stream has"))?;
        total = total.saturating_add(count);
        bound("rows", total, BATCH_ROWS_MAX)?;
        streams.push(rows);
        counts.push(count);
    }
    Ok((streams, counts))
}

fn take_stream(bytes: &mut &[u8], stream: usize, before: Option<&Id>) -> Result<Rows, BatchError> {
    let (head, rest) = bytes.split_first().ok_or(BatchError::Expected("a stream"))?;
    *bytes = rest;
    let what = What::from_code(head & !SAME).ok_or(BatchError::Expected("a stream of a kind that is known"))?;
    let of_whom = if head & SAME == 0 {
        take_id(bytes, "a service or host")?
    } else {
        before.cloned().ok_or(BatchError::Expected("a service or host of the first stream"))?
    };
    let of = |bytes: &mut &[u8]| {
        let name = take_name(bytes, OF_BYTES_MAX);
        name.map(str::to_owned).ok_or(BatchError::Columns { stream, source: ColumnsError::Name })
    };
    Ok(match what {
        What::Probe => Rows::Probe(PathId::new(of_whom, take_id(bytes, "a probe")?), Vec::new()),
        What::Capacity(resource) => Rows::Capacity(ResourceId { host: of_whom, resource, of: of(bytes)? }, Vec::new()),
        What::Volume(flow) => Rows::Volume(FlowId { host: of_whom, flow, of: of(bytes)? }, Vec::new()),
    })
}

fn take_rows(bytes: &mut &[u8], base: Instant, rows: &mut Rows, count: usize) -> Result<(), ColumnsError> {
    match rows {
        Rows::Probe(_, rows) => *rows = flat::take_observations(bytes, base, count)?,
        Rows::Capacity(_, rows) => *rows = flat::take_readings(bytes, base, count)?,
        Rows::Volume(_, rows) => *rows = flat::take_volumes(bytes, base, count)?,
    }
    Ok(())
}

fn take_facts(bytes: &mut &[u8]) -> Result<Vec<AgentFact>, BatchError> {
    let length = take_count(bytes).ok_or(BatchError::Expected("its facts"))?;
    bound("bytes of facts", length, FACTS_BYTES_MAX)?;
    let (packed, rest) = bytes.split_at_checked(length).ok_or(BatchError::Expected("its facts"))?;
    *bytes = rest;
    let facts = if packed.is_empty() { Vec::new() } else { pack::unpack(packed)? };
    bound("facts", facts.len(), BATCH_FACTS_MAX)?;
    Ok(facts)
}

/// What a stream is of, by the number that stands on the wire.
#[derive(Clone, Copy)]
enum What {
    Probe,
    Capacity(Resource),
    Volume(Flow),
}

impl What {
    const fn code(self) -> u8 {
        match self {
            Self::Probe => 0,
            Self::Capacity(Resource::Cpu) => 1,
            Self::Capacity(Resource::Memory) => 2,
            Self::Capacity(Resource::Swap) => 3,
            Self::Capacity(Resource::Filesystem) => 4,
            Self::Volume(Flow::NetworkReceived) => 5,
            Self::Volume(Flow::NetworkSent) => 6,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Probe,
            1 => Self::Capacity(Resource::Cpu),
            2 => Self::Capacity(Resource::Memory),
            3 => Self::Capacity(Resource::Swap),
            4 => Self::Capacity(Resource::Filesystem),
            5 => Self::Volume(Flow::NetworkReceived),
            6 => Self::Volume(Flow::NetworkSent),
            _ => return None,
        })
    }
}

const fn of_whom(rows: &Rows) -> &Id {
    match rows {
        Rows::Probe(id, _) => &id.parent,
        Rows::Capacity(id, _) => &id.host,
        Rows::Volume(id, _) => &id.host,
    }
}

fn put_name(out: &mut Vec<u8>, name: &[u8]) {
    flat::put(out, name.len() as u64);
    out.extend_from_slice(name);
}

fn take_name<'a>(bytes: &mut &'a [u8], most: usize) -> Option<&'a str> {
    let length = take_count(bytes).filter(|length| *length <= most)?;
    let (name, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(name).ok()
}

fn take_id(bytes: &mut &[u8], whose: &'static str) -> Result<Id, BatchError> {
    let name = take_name(bytes, ID_BYTES_MAX).ok_or(BatchError::Expected(whose))?;
    Id::new(name).map_err(|bad| BatchError::Id { whose, bad })
}

fn take_array<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8; 16]> {
    let (array, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(array)
}

fn take_count(bytes: &mut &[u8]) -> Option<usize> {
    flat::take(bytes).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
}

fn in_range(ms: i64) -> Option<Instant> {
    let at = Instant::from_ms(ms);
    (at.as_ms() == ms).then_some(at)
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
