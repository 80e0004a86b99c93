//! The rows themselves, as they are kept: which streams there are, and a page of one of them.

use uphold_common::time::{Instant, Interval};
use uphold_common::wire::columns::Rows;

use super::Engine;
use crate::retention::start_of;
use crate::store::{StoreError, StreamId};

/// Most rows of a page.
pub const PAGE_ROWS_MAX: usize = 100_000;
/// Most days that a page looks at.
const PAGE_DAYS_MAX: usize = 31;

/// Some rows of a stream, sorted and settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The rows.
    pub rows: Rows,
    /// From when on there may be more of what was asked for.
    pub next: Option<Instant>,
}

impl Engine {
    /// Every stream that is known: probes, resources, flows, each in order.
    pub fn streams(&self) -> Vec<StreamId> {
        let probes = self.store.vantage_points().into_iter().map(StreamId::Probe);
        let resources = self.store.latest_readings(&|_| true).into_iter().map(|(of, _)| StreamId::Capacity(of));
        let flows = self.store.latest_volumes(&|_| true).into_iter().map(|(of, _)| StreamId::Volume(of));
        let mut all: Vec<StreamId> = probes.chain(resources).chain(flows).collect();
        all.sort();
        all
    }

    /// The first rows of a stream in `span`.
    pub fn page(&self, of: &StreamId, span: Interval) -> Result<Page, StoreError> {
        let mut rows = match of {
            StreamId::Probe(point) => Rows::Probe(point.probe.clone(), Vec::new()),
            StreamId::Capacity(of) => Rows::Capacity(of.clone(), Vec::new()),
            StreamId::Volume(of) => Rows::Volume(of.clone(), Vec::new()),
        };
        let stats = self.store.stats();
        let Some((first, last)) = stats.first_day.zip(stats.last_day) else { return Ok(Page { rows, next: None }) };
        let kept = Interval::new(start_of(first), start_of(last.saturating_add(1)));
        let (mut from, end) = (span.start.max(kept.start), span.end.min(kept.end));
        for _ in 0..PAGE_DAYS_MAX {
            if from >= end || rows.len() >= PAGE_ROWS_MAX {
                break;
            }
            let midnight = Instant::from_ms((from.utc_day() + 1) * uphold_common::time::DAY_MS);
            let part = Interval::new(from, midnight.min(end));
            match (&mut rows, of) {
                (Rows::Probe(_, rows), StreamId::Probe(point)) => rows.extend(self.store.observations(point, part)?),
                (Rows::Capacity(_, rows), StreamId::Capacity(of)) => rows.extend(self.store.readings(of, part)?),
                (Rows::Volume(_, rows), StreamId::Volume(of)) => rows.extend(self.store.volumes(of, part)?),
                _ => {}
            }
            from = part.end;
        }
        let next = cut(&mut rows).unwrap_or(from);
        Ok(Page { rows, next: (next < end).then_some(next) })
    }
}

/// Leaves as many rows as a page may have; the instant of the first that goes, if one does.
fn cut(rows: &mut Rows) -> Option<Instant> {
    let first = rows.instants().nth(PAGE_ROWS_MAX)?;
    match rows {
        Rows::Probe(_, rows) => rows.truncate(PAGE_ROWS_MAX),
        Rows::Capacity(_, rows) => rows.truncate(PAGE_ROWS_MAX),
        Rows::Volume(_, rows) => rows.truncate(PAGE_ROWS_MAX),
    }
    Some(first)
}
