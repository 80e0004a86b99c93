//! The content of a batch, versions 2 and 3: written and read by hand, because a collector does little else all day.
//! Version 3 knows more facts and more kinds of streams, and is otherwise version 2.
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
//!            in version 3 also the others of [`What`]; and 0x80 when its service or host is that of the stream before,
//!            and is not repeated
//!   of whom  name: the service or the host
//!   which    name: the probe, or which one of its kind (a mount point, an interface); may be empty but for a probe
//!   rows     number: how many
//!            then for each stream, in the same order, its rows as [`flat`] has them; their base is the first instant
//!            of the nearest stream before that has rows, and closed_at where there is none
//! ```
//!
//! Numbers are those of [`flat`]. Reading trusts nothing: what is counted is held against its bound before it is
//! allocated, names are checked, and no byte may follow the last row.

use super::batch::{AgentFact, BATCH_FACTS_MAX, Batch, BatchError, BatchKey, Epoch, bound};
use super::columns::{ColumnsError, Rows};
use super::kinds::What;
use super::sheet::{Laid, Names, Place, Sheet, StreamName};
use super::{BATCH_ROWS_MAX, BATCH_STREAMS_MAX, OF_BYTES_MAX, flat, pack};
use crate::ids::{ID_BYTES_MAX, Id, PathId, ProbeId};
use crate::observation::{FlowId, ResourceId};
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
        let parts = Parts::of_rows(rows);
        put_stream(&mut out, &parts, before.replace(parts.whose));
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

/// The batch whose content these bytes are, to the last of them; `known` are names that it may share.
pub(super) fn read(mut bytes: &[u8], known: Option<&Names>) -> Result<Sheet, BatchError> {
    let bytes = &mut bytes;
    let agent = take_id(bytes, "an agent")?;
    let epoch = Epoch(*take_array(bytes).ok_or(BatchError::Expected("an epoch"))?);
    let seq = flat::take(bytes).ok_or(BatchError::Expected("a seq"))?;
    let closed_at = flat::take_signed(bytes).and_then(in_range).ok_or(BatchError::Expected("when it was closed"))?;
    let facts = take_facts(bytes)?;
    let (names, places) = take_streams(bytes, known)?;
    let laid = take_rows(bytes, closed_at, &names, &places)?;
    if !bytes.is_empty() {
        return Err(BatchError::Trailing(bytes.len()));
    }
    Ok(Sheet { key: BatchKey { agent, epoch, seq }, closed_at, facts, names, places, laid })
}

fn put_stream(out: &mut Vec<u8>, parts: &Parts<'_>, before: Option<&Id>) {
    if before == Some(parts.whose) {
        out.push(parts.what.code() | SAME);
    } else {
        out.push(parts.what.code());
        put_name(out, parts.whose.as_str().as_bytes());
    }
    put_name(out, parts.which.as_bytes());
}

/// The list that the streams' names stand in, and the streams.
fn take_streams(bytes: &mut &[u8], known: Option<&Names>) -> Result<(Names, Vec<Place>), BatchError> {
    let count = take_count(bytes).ok_or(BatchError::Expected("how many streams it has"))?;
    bound("streams", count, BATCH_STREAMS_MAX)?;
    // What the bytes that are left cannot hold is not made room for.
    let mut places = Vec::with_capacity(count.min(bytes.len() / STREAM_BYTES_MIN));
    let begin = *bytes;
    if let Some(known) = known
        && take_known(bytes, known, count, &mut places).is_some()
    {
        return Ok((Names::clone(known), places));
    }
    *bytes = begin;
    places.clear();
    let (mut names, mut total, mut before) = (Vec::with_capacity(places.capacity()), 0_usize, None);
    for stream in 0..count {
        let name = Written::take(bytes)?.name(stream, before.as_ref())?;
        before = Some(Parts::of(&name).whose.clone());
        let rows = take_count(bytes).ok_or(BatchError::Expected("how many rows a stream has"))?;
        total = total.saturating_add(rows);
        bound("rows", total, BATCH_ROWS_MAX)?;
        places.push(Place { name: names.len(), rows });
        names.push(name);
    }
    Ok((names.into(), places))
}

/// The streams, if all their names stand in a list and in its order; it is passed once, whatever the bytes say.
fn take_known(bytes: &mut &[u8], known: &[StreamName], count: usize, places: &mut Vec<Place>) -> Option<()> {
    let (mut total, mut before) = (0_usize, None);
    let mut names = known.iter().enumerate();
    for _ in 0..count {
        let written = Written::take(bytes).ok()?;
        let (name, found) = names.find(|(_, name)| written.is(name, before))?;
        before = Some(Parts::of(found).whose);
        let rows = take_count(bytes)?;
        total = total.checked_add(rows).filter(|total| *total <= BATCH_ROWS_MAX)?;
        places.push(Place { name, rows });
    }
    Some(())
}

/// A name as it is written, not yet looked at.
struct Written<'a> {
    what: What,
    /// None when it is that of the stream before.
    whose: Option<&'a [u8]>,
    which: &'a [u8],
}

impl<'a> Written<'a> {
    fn take(bytes: &mut &'a [u8]) -> Result<Self, BatchError> {
        let (head, rest) = bytes.split_first().ok_or(BatchError::Expected("a stream"))?;
        *bytes = rest;
        let what = What::from_code(head & !SAME).ok_or(BatchError::Expected("a stream of a kind that is known"))?;
        let whose = if head & SAME == 0 {
            Some(take_bytes(bytes).ok_or(BatchError::Expected("a service or host"))?)
        } else {
            None
        };
        let which = take_bytes(bytes).ok_or(BatchError::Expected("the name of a stream"))?;
        Ok(Self { what, whose, which })
    }

    /// Whether it is `name`, after a stream of `before`.
    fn is(&self, name: &StreamName, before: Option<&Id>) -> bool {
        let Parts { what, whose, which } = Parts::of(name);
        let written = self.whose.or(before.map(|id| id.as_str().as_bytes()));
        self.what == what && self.which == which.as_bytes() && written == Some(whose.as_str().as_bytes())
    }

    /// The name, checked.
    fn name(&self, stream: usize, before: Option<&Id>) -> Result<StreamName, BatchError> {
        let whose = match self.whose {
            Some(name) => read_id(name, "a service or host")?,
            None => before.cloned().ok_or(BatchError::Expected("a service or host of the first stream"))?,
        };
        let of = || {
            let name = std::str::from_utf8(self.which).ok().filter(|name| name.len() <= OF_BYTES_MAX);
            name.map(str::to_owned).ok_or(BatchError::Columns { stream, source: ColumnsError::Name })
        };
        Ok(match self.what {
            What::Probe => StreamName::Probe(PathId::new(whose, read_id(self.which, "a probe")?)),
            What::Capacity(resource) => StreamName::Capacity(ResourceId { host: whose, resource, of: of()? }),
            What::Volume(flow) => StreamName::Volume(FlowId { host: whose, flow, of: of()? }),
        })
    }
}

fn take_rows(bytes: &mut &[u8], closed_at: Instant, names: &Names, places: &[Place]) -> Result<Laid, BatchError> {
    let (mut laid, mut base) = (Laid::default(), closed_at);
    let room = |probes: bool| {
        let of_kind = |place: &&Place| matches!(names.get(place.name), Some(StreamName::Probe(_))) == probes;
        // Each row takes at least one byte.
        places.iter().filter(of_kind).map(|place| place.rows).sum::<usize>().min(bytes.len())
    };
    laid.observations.reserve_exact(room(true));
    laid.readings.reserve_exact(room(false));
    for (stream, place) in places.iter().enumerate() {
        let wrong = |source| BatchError::Columns { stream, source };
        let Laid { observations, readings, volumes } = &mut laid;
        let first = match names.get(place.name) {
            Some(StreamName::Probe(_)) => {
                let begin = observations.len();
                flat::take_observations(bytes, base, place.rows, observations).map_err(wrong)?;
                observations.get(begin).map(|row| row.at)
            }
            Some(StreamName::Capacity(_)) => {
                let begin = readings.len();
                flat::take_readings(bytes, base, place.rows, readings).map_err(wrong)?;
                readings.get(begin).map(|row| row.at)
            }
            Some(StreamName::Volume(_)) => {
                let begin = volumes.len();
                flat::take_volumes(bytes, base, place.rows, volumes).map_err(wrong)?;
                volumes.get(begin).map(|row| row.at)
            }
            None => None,
        };
        base = first.unwrap_or(base);
    }
    Ok(laid)
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

/// The parts of a stream's name: what it is of, the service or host, and which of its probes, mount points, interfaces.
struct Parts<'a> {
    what: What,
    whose: &'a Id,
    which: &'a str,
}

impl<'a> Parts<'a> {
    fn of(name: &'a StreamName) -> Self {
        match name {
            StreamName::Probe(id) => Self::of_probe(id),
            StreamName::Capacity(id) => Self::of_resource(id),
            StreamName::Volume(id) => Self::of_flow(id),
        }
    }

    fn of_rows(rows: &'a Rows) -> Self {
        match rows {
            Rows::Probe(id, _) => Self::of_probe(id),
            Rows::Capacity(id, _) => Self::of_resource(id),
            Rows::Volume(id, _) => Self::of_flow(id),
        }
    }

    fn of_probe(id: &'a ProbeId) -> Self {
        Self { what: What::Probe, whose: &id.parent, which: id.child.as_str() }
    }

    const fn of_resource(id: &'a ResourceId) -> Self {
        Self { what: What::Capacity(id.resource), whose: &id.host, which: id.of.as_str() }
    }

    const fn of_flow(id: &'a FlowId) -> Self {
        Self { what: What::Volume(id.flow), whose: &id.host, which: id.of.as_str() }
    }
}

fn put_name(out: &mut Vec<u8>, name: &[u8]) {
    flat::put(out, name.len() as u64);
    out.extend_from_slice(name);
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_count(bytes)?;
    let (name, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(name)
}

fn take_id(bytes: &mut &[u8], whose: &'static str) -> Result<Id, BatchError> {
    read_id(take_bytes(bytes).ok_or(BatchError::Expected(whose))?, whose)
}

fn read_id(name: &[u8], whose: &'static str) -> Result<Id, BatchError> {
    let name = std::str::from_utf8(name).ok().filter(|name| name.len() <= ID_BYTES_MAX);
    Id::new(name.ok_or(BatchError::Expected(whose))?).map_err(|bad| BatchError::Id { whose, bad })
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
