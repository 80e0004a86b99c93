//! What the readings of a target said of its thresholds, for its incidents.
//!
//! What is settled is folded once and goes on from there; at a tick the recent readings are folded onto a copy of it.

use uphold_common::catalogue::model::{CapacityPromise, Threshold, Thresholds};
use uphold_common::measure::capacity::{Utilisation, levels};
use uphold_common::time::{Instant, Interval};

use super::recent::{Recent, walk};
use crate::incident::holding::Holding;
use crate::store::{Store, StoreError};

/// How old the end of what is folded becomes before it goes on.
const GROWN_MS: i64 = 2 * 3_600_000;

/// What is folded, and of which time.
#[derive(Debug)]
pub(super) struct Watch {
    folded: Interval,
    holdings: Vec<Holding>,
}

impl Watch {
    /// Folds everything since `horizon` that is settled; and how many readings that were.
    pub(super) fn derive(
        store: &dyn Store,
        promise: &CapacityPromise,
        horizon: Instant,
        to: Instant,
    ) -> Result<(Self, usize), StoreError> {
        let mut holdings: Vec<Holding> = Threshold::ALL
            .into_iter()
            .filter(|threshold| promise.thresholds.of(*threshold).is_some())
            .map(|threshold| Holding::new(threshold, promise.held_ms))
            .collect();
        let folded = Interval::new(horizon, to.max(horizon));
        let mut readings = 0;
        walk(store, &promise.resource, folded, |part, day| {
            readings += day.len();
            fold(&mut holdings, day, promise.thresholds, part);
        })?;
        Ok((Self { folded, holdings }, readings))
    }

    /// Where what is folded begins.
    pub(super) const fn from(&self) -> Instant {
        self.folded.start
    }

    /// Where what is folded ends.
    pub(super) const fn to(&self) -> Instant {
        self.folded.end
    }

    /// Whether it begins early enough, and `recent` goes on from it.
    pub(super) fn serves(&self, horizon: Instant, as_of: Instant, recent: &Recent) -> bool {
        self.folded.start <= horizon && self.folded.end <= as_of && recent.covers(self.folded.end)
    }

    /// What all readings before `as_of` said, of what ended after `horizon`.
    pub(super) fn holdings(
        &mut self,
        recent: &Recent,
        promise: &CapacityPromise,
        horizon: Instant,
        as_of: Instant,
    ) -> Vec<Holding> {
        if self.folded.end < as_of.minus_ms(GROWN_MS) {
            let to = recent.settles_at(as_of).max(self.folded.end);
            fold(&mut self.holdings, recent.all(), promise.thresholds, Interval::new(self.folded.end, to));
            self.folded.end = to;
        }
        for holding in &mut self.holdings {
            holding.forget_before(horizon);
        }
        let mut holdings = self.holdings.clone();
        fold(&mut holdings, recent.all(), promise.thresholds, Interval::new(self.folded.end, as_of));
        holdings
    }
}

fn fold(holdings: &mut [Holding], readings: &[Utilisation], thresholds: Thresholds, span: Interval) {
    levels(readings, thresholds, span, |interval, level| {
        for holding in holdings.iter_mut() {
            holding.push(interval, level);
        }
    });
}
