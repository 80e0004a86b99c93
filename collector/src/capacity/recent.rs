//! The newest readings of a resource, as they were read.

use uphold_common::measure::capacity::Utilisation;
use uphold_common::observation::{Reading, ResourceId};
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::assignment::CAPACITY_REACH_MS;

use crate::store::{Store, StoreError};

/// How far back they reach at least, unless there are too many.
const KEPT_MS: i64 = 2 * DAY_MS;
/// How far back they may come to reach before the oldest are let go.
const KEPT_MS_MAX: i64 = 3 * DAY_MS;
/// Most of them; half is let go when there are more.
const READINGS_MAX: usize = 20_000;
/// How old a reading is before it is taken as settled: later than this they are late.
const SETTLES_MS: i64 = 3_600_000;
/// Most readings that are not taken as settled.
const UNSETTLED_MAX: usize = 6_000;

/// All readings of a resource from an instant on.
#[derive(Debug)]
pub(super) struct Recent {
    from: Instant,
    readings: Vec<Utilisation>,
}

impl Recent {
    /// Reads them from the store.
    pub(super) fn load(store: &dyn Store, resource: &ResourceId, as_of: Instant) -> Result<Self, StoreError> {
        let mut recent = Self { from: as_of.minus_ms(KEPT_MS), readings: Vec::new() };
        recent.refresh(store, resource, Interval::new(recent.from, Instant::MAX))?;
        recent.trim(as_of);
        Ok(recent)
    }

    /// Whether they reach back far enough to say something about `as_of`; after a clock was set back they do not.
    pub(super) fn serves(&self, as_of: Instant) -> bool {
        self.from.plus_ms(CAPACITY_REACH_MS) < as_of
    }

    /// Reads those within `rows` again.
    pub(super) fn refresh(
        &mut self,
        store: &dyn Store,
        resource: &ResourceId,
        rows: Interval,
    ) -> Result<(), StoreError> {
        let part = Interval::new(rows.start.max(self.from), rows.end);
        if part.is_empty() {
            return Ok(());
        }
        let fresh = readings(store, resource, part)?;
        let (first, last) = (self.place(part.start), self.place(part.end));
        self.readings.splice(first..last, fresh);
        Ok(())
    }

    /// Lets the oldest go.
    pub(super) fn trim(&mut self, as_of: Instant) {
        let mut from = self.from;
        if from < as_of.minus_ms(KEPT_MS_MAX) {
            from = as_of.minus_ms(KEPT_MS);
        }
        if self.readings.len() > READINGS_MAX {
            let half = self.readings.get(self.readings.len() / 2);
            from = half.map_or(from, |reading| reading.at.max(from));
        }
        if from > self.from {
            self.readings.drain(..self.place(from));
            self.from = from;
        }
    }

    /// Lets those before `day` go, which are forgotten: before it nothing was read.
    pub(super) fn forget_before(&mut self, day: Instant) {
        self.readings.drain(..self.place(day));
    }

    /// Up to where readings are taken as settled.
    pub(super) fn settles_at(&self, as_of: Instant) -> Instant {
        let past = self.readings.get(..self.place(as_of)).unwrap_or_default();
        let many = past.len().checked_sub(UNSETTLED_MAX).and_then(|place| past.get(place));
        let settles = many.map_or(Instant::MIN, |reading| reading.at).max(as_of.minus_ms(SETTLES_MS));
        // What an agent still has to tell comes after the newest that it told: it is not late.
        let told = past.last().map_or(settles, |newest| newest.at.plus_ms(1));
        settles.min(told).max(self.from.plus_ms(CAPACITY_REACH_MS)).min(as_of)
    }

    /// Whether they hold everything that speaks from `at` on.
    pub(super) fn covers(&self, at: Instant) -> bool {
        self.from.plus_ms(CAPACITY_REACH_MS) <= at
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> &[Utilisation] {
        &self.readings
    }

    /// Those within `span`.
    pub(super) fn within(&self, span: Interval) -> &[Utilisation] {
        self.readings.get(self.place(span.start)..self.place(span.end)).unwrap_or_default()
    }

    /// The newest before `as_of`, as long as it speaks.
    pub(super) fn newest(&self, as_of: Instant) -> Option<Utilisation> {
        let newest = self.readings.get(self.place(as_of).checked_sub(1)?)?;
        (as_of < newest.at.plus_ms(CAPACITY_REACH_MS)).then_some(*newest)
    }

    fn place(&self, at: Instant) -> usize {
        self.readings.partition_point(|reading| reading.at < at)
    }
}

/// The readings of a resource in `span`, as shares.
pub(super) fn readings(
    store: &dyn Store,
    resource: &ResourceId,
    span: Interval,
) -> Result<Vec<Utilisation>, StoreError> {
    Ok(store.readings(resource, span)?.iter().map(|reading: &Reading| Utilisation::from(reading)).collect())
}

/// Walks the readings of `span` day by day. Each part comes with its readings and, before them, the one that still
/// speaks when it begins, so that only one day of a long window is in memory.
pub(crate) fn walk(
    store: &dyn Store,
    resource: &ResourceId,
    span: Interval,
    mut each: impl FnMut(Interval, &[Utilisation]),
) -> Result<(), StoreError> {
    let mut before =
        readings(store, resource, Interval::new(span.start.minus_ms(CAPACITY_REACH_MS), span.start))?.pop();
    let mut start = span.start;
    while start < span.end {
        let midnight = Instant::from_ms((start.utc_day() + 1).saturating_mul(DAY_MS));
        let part = Interval::new(start, midnight.min(span.end));
        let mut day: Vec<Utilisation> = before.into_iter().collect();
        day.extend(readings(store, resource, part)?);
        each(part, &day);
        before = day.pop();
        start = part.end;
    }
    Ok(())
}
