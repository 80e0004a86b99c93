//! The newest observations of a vantage point, as they came: all of them, or the failures alone.

use uphold_common::ids::VantagePoint;
use uphold_common::observation::{Micros, Observation, Outcome};
use uphold_common::time::{DAY_MS, Instant, Interval};

use crate::store::{Store, StoreError};

/// How much further back than is needed they may come to reach.
const SLACK_MS: i64 = 3_600_000;
/// How far back all observations may come to reach before the oldest are let go.
const KEPT_MS_MAX: i64 = 3 * DAY_MS;
/// Most of them; when there are more, half as many are kept.
const ROWS_MAX: usize = 20_000;

/// What is kept of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) at: Instant,
    pub(super) outcome: Outcome,
    pub(super) total: Micros,
}

impl From<&Observation> for Row {
    fn from(observation: &Observation) -> Self {
        Self { at: observation.at, outcome: observation.outcome, total: observation.total }
    }
}

/// All observations of a vantage point from an instant on, of those outcomes that are kept.
#[derive(Debug)]
pub(super) struct Recent {
    from: Instant,
    rows: Vec<Row>,
    keeps: fn(Outcome) -> bool,
    /// Whether there were ever too many, so that it does not reach back as far as it was asked to.
    is_full: bool,
}

impl Recent {
    /// Reads them from the store.
    pub(super) fn load(
        store: &dyn Store,
        point: &VantagePoint,
        from: Instant,
        keeps: fn(Outcome) -> bool,
    ) -> Result<Self, StoreError> {
        let mut recent = Self { from, rows: Vec::new(), keeps, is_full: false };
        recent.refresh(store, point, Interval::new(from, Instant::MAX))?;
        Ok(recent)
    }

    /// Reads those within `rows` again.
    pub(super) fn refresh(
        &mut self,
        store: &dyn Store,
        point: &VantagePoint,
        rows: Interval,
    ) -> Result<(), StoreError> {
        let part = Interval::new(rows.start.max(self.from), rows.end);
        if part.is_empty() {
            return Ok(());
        }
        let fresh = store.observations(point, part)?;
        let fresh = fresh.iter().map(Row::from).filter(|row| (self.keeps)(row.outcome));
        let (first, last) = (self.place(part.start), self.place(part.end));
        self.rows.splice(first..last, fresh);
        if self.rows.len() > ROWS_MAX {
            let newest = self.rows.get(self.rows.len() - ROWS_MAX / 2).map_or(self.from, |row| row.at);
            self.cut(newest);
            self.is_full = true;
        }
        Ok(())
    }

    /// Lets the oldest go once they reach back too far.
    pub(super) fn trim(&mut self, as_of: Instant) {
        if self.from < as_of.minus_ms(KEPT_MS_MAX) {
            self.cut(as_of.minus_ms(super::RECENT_MS));
        }
    }

    /// Lets those go that lie well before `at`.
    pub(super) fn forget_before(&mut self, at: Instant) {
        if self.from.plus_ms(SLACK_MS) < at {
            self.cut(at);
        }
    }

    fn cut(&mut self, from: Instant) {
        if from > self.from {
            self.rows.drain(..self.place(from));
            self.from = from;
        }
    }

    /// Whether they reach back far enough to say something about `as_of`; after a clock was set back they do not.
    pub(super) fn serves(&self, as_of: Instant) -> bool {
        self.from < as_of
    }

    /// Whether they hold everything from `at` on.
    pub(super) fn covers(&self, at: Instant) -> bool {
        self.from <= at
    }

    /// Whether there were too many to reach back far enough.
    pub(super) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// From when on they hold everything.
    pub(super) const fn from(&self) -> Instant {
        self.from
    }

    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Those within `span`.
    pub(super) fn within(&self, span: Interval) -> &[Row] {
        self.rows.get(self.place(span.start)..self.place(span.end)).unwrap_or_default()
    }

    fn place(&self, at: Instant) -> usize {
        self.rows.partition_point(|row| row.at < at)
    }
}

/// Walks the observations of a vantage point in `span` day by day, so that only one day of them is in memory.
pub(super) fn walk(
    store: &dyn Store,
    point: &VantagePoint,
    span: Interval,
    mut each: impl FnMut(Row),
) -> Result<(), StoreError> {
    let mut start = span.start;
    while start < span.end {
        let midnight = Instant::from_ms((start.utc_day() + 1).saturating_mul(DAY_MS));
        let part = Interval::new(start, midnight.min(span.end));
        store.observations(point, part)?.iter().map(Row::from).for_each(&mut each);
        start = part.end;
    }
    Ok(())
}
