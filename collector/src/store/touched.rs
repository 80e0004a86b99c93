//! Which rows of a vantage point have arrived since somebody took notice.
//!
//! Each day is told for itself, so that a row of last year beside one of today does not touch the year in between. The
//! rows themselves come along while they are few, as they are from tick to tick, so that nobody has to read them back.

use std::collections::BTreeMap;

use uphold_common::observation::Observation;
use uphold_common::time::Interval;

/// Most rows that are handed over themselves.
pub const TOUCHED_ROWS_MAX: usize = 128;

/// Which rows of a vantage point have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchedRows {
    /// Of each UTC day that has any, the stretch from the earliest of them to just after the latest. Of rows that came
    /// with a file, one stretch of whole days.
    pub days: BTreeMap<i64, Interval>,
    /// All of them, in no order; none if they are more than [`TOUCHED_ROWS_MAX`].
    pub rows: Option<Vec<Observation>>,
}

impl Default for TouchedRows {
    fn default() -> Self {
        Self { days: BTreeMap::new(), rows: Some(Vec::new()) }
    }
}

impl TouchedRows {
    /// Of which nobody wants to know the rows.
    pub const fn untold() -> Self {
        Self { days: BTreeMap::new(), rows: None }
    }

    /// Adds a stretch in which any row may be another: all that is known becomes one stretch with it, so that years of
    /// days are not as many entries.
    pub(super) fn add_stretch(&mut self, stretch: Interval) {
        let known = std::mem::take(&mut self.days).into_values();
        let whole = known.fold(stretch, |a, b| Interval::new(a.start.min(b.start), a.end.max(b.end)));
        self.days.insert(whole.start.utc_day(), whole);
        self.rows = None;
    }

    /// Adds rows that have arrived: of one day, in their order.
    pub fn add(&mut self, rows: &[Observation]) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        let stretch = Interval::new(first.at, last.at.plus_ms(1));
        let day = self.days.entry(first.at.utc_day()).or_insert(stretch);
        *day = Interval::new(day.start.min(stretch.start), day.end.max(stretch.end));
        self.rows = self.rows.take().filter(|known| known.len() + rows.len() <= TOUCHED_ROWS_MAX);
        if let Some(known) = &mut self.rows {
            known.extend_from_slice(rows);
        }
    }
}
