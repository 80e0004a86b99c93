//! Observations that are counted one by one: the response times of targets, and the failures that alerts need.
//!
//! Of every target on response time the part of its window that late rows alone can change is condensed ([`settled`]):
//! counts, and of the durations those that can still become the percentile. The newest observations of its vantage points
//! are kept as they came ([`recent`]) and are put to it at each tick. For alerts the instants of the newest failures are
//! kept, which are few.
//!
//! Nothing of it is stored: it is derived again after a restart, when rows arrive that are older than the recent part,
//! when committed time turns out to have been otherwise, and when rows of the window are forgotten. What is derived at one
//! tick is bounded; a target whose turn has not come is left out of that tick. Whatever is kept, the figures are those
//! of all rows: [`settled::at_once`] finds the same out of the store alone, in two passes and bounded memory.
//!
//! **Bounds.** Of a vantage point at most 20,000 observations and 20,000 failures (320 KB each) are kept; of a target at
//! most 14,001 durations, 6,000 observations of a rolling window's edge and 14,000 that joined (264 KB). Deriving a window
//! takes a day of one vantage point and 1.5 MB.

mod recent;
mod settled;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uphold_common::ids::{TargetId, VantagePoint};
use uphold_common::measure::response::{self, ResponseFigures, is_within};
use uphold_common::observation::Outcome;
use uphold_common::time::{DAY_MS, Instant, Interval};

use crate::retention::start_of;
use crate::store::{Store, StoreError};

use recent::Recent;
use settled::Settled;

/// About how many observations are read at one tick to derive what is missing; the others wait for the next.
const OBSERVATIONS_AT_ONCE: usize = 1_000_000;
/// As how many each derivation counts at least.
const DERIVED_COST: usize = 1_000;
/// How far back the observations of targets on response time are kept as they came.
const RECENT_MS: i64 = 2 * DAY_MS;

/// A target on response time, as it is measured.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The target.
    pub target: &'a TargetId,
    /// What it promises, and when.
    pub of: response::Asked<'a>,
    /// All vantage points that were assigned in the window.
    pub points: Vec<Counted>,
}

/// A vantage point whose observations count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Which.
    pub point: VantagePoint,
    /// When they count: committed time of the window so far in which it was assigned, in order.
    pub committed: Arc<[Interval]>,
}

/// What is kept of vantage points and targets.
#[derive(Debug, Default)]
pub struct Attempts {
    recent: BTreeMap<VantagePoint, Recent>,
    failures: BTreeMap<VantagePoint, Recent>,
    /// From when on failures were asked for since the last tick began.
    watched: BTreeMap<VantagePoint, Instant>,
    settled: BTreeMap<TargetId, Settled>,
    /// How many observations may still be read at this tick.
    allowance: usize,
}

impl Attempts {
    /// A tick begins. What rows were counted that are forgotten is counted anew.
    pub fn begin_tick(&mut self, store: &dyn Store) {
        self.allowance = OBSERVATIONS_AT_ONCE;
        self.settled.retain(|_, settled| settled.is_derived_from(store));
        let watched = std::mem::take(&mut self.watched);
        self.failures.retain(|point, _| watched.contains_key(point));
        for (point, failures) in &mut self.failures {
            if let Some(from) = watched.get(point) {
                failures.forget_before(*from);
            }
        }
    }

    /// Takes notice of rows of a vantage point within `rows`, and drops what they may have changed.
    pub fn touch(&mut self, store: &dyn Store, point: &VantagePoint, rows: Interval) -> Result<(), StoreError> {
        for kept in [&mut self.recent, &mut self.failures] {
            if let Some(recent) = kept.get_mut(point) {
                recent.refresh(store, point, rows)?;
            }
        }
        self.settled.retain(|_, settled| !settled.is_changed_by(point, rows.start));
        Ok(())
    }

    /// Keeps what is kept of these targets and vantage points alone.
    pub fn retain(&mut self, targets: &BTreeSet<TargetId>, points: &BTreeSet<VantagePoint>) {
        self.settled.retain(|target, _| targets.contains(target));
        self.recent.retain(|point, _| points.contains(point));
        self.failures.retain(|point, _| points.contains(point));
    }

    /// Measures a target at a tick. None if something has to be derived first, and enough was at this tick.
    pub fn measure(
        &mut self,
        store: &dyn Store,
        asked: &Asked<'_>,
        as_of: Instant,
    ) -> Result<Option<ResponseFigures>, StoreError> {
        for Counted { point, .. } in &asked.points {
            if let Some(recent) = self.recent.get_mut(point).filter(|recent| recent.serves(as_of)) {
                recent.trim(as_of);
                continue;
            }
            if self.allowance == 0 {
                return Ok(None);
            }
            let recent = Recent::load(store, point, as_of.minus_ms(RECENT_MS), |_| true)?;
            self.allowance = self.allowance.saturating_sub(recent.len() + DERIVED_COST);
            self.recent.insert(point.clone(), recent);
        }
        let recents: Vec<&Recent> = asked.points.iter().filter_map(|one| self.recent.get(&one.point)).collect();
        let kept = self.settled.get_mut(asked.target);
        let (known, grown) = match kept {
            Some(settled) => (settled.figures(asked, &recents), settled.has_grown(&recents, as_of)),
            None => (None, false),
        };
        if (known.is_some() && !grown) || self.allowance == 0 {
            return Ok(known);
        }
        let mut settled = Settled::derive(store, asked, settled::settles_at(&recents, as_of))?;
        self.allowance = self.allowance.saturating_sub(settled.observations() + DERIVED_COST);
        let figures = settled.figures(asked, &recents);
        self.settled.insert(asked.target.clone(), settled);
        figures.map_or_else(|| settled::at_once(store, asked), Ok).map(Some)
    }

    /// The figures of a target in any window, as of any instant: out of what is kept if that serves.
    pub fn figures(&mut self, store: &dyn Store, asked: &Asked<'_>) -> Result<ResponseFigures, StoreError> {
        let recents: Option<Vec<&Recent>> = asked.points.iter().map(|one| self.recent.get(&one.point)).collect();
        let settled = self.settled.get_mut(asked.target);
        let known = recents.zip(settled).and_then(|(recents, settled)| settled.figures(asked, &recents));
        known.map_or_else(|| settled::at_once(store, asked), Ok)
    }

    /// Keeps the failures of a vantage point from `from` on, or from earlier if others ask for that, until a tick in which nobody asks.
    pub fn watch(&mut self, store: &dyn Store, point: &VantagePoint, from: Instant) -> Result<(), StoreError> {
        let earliest = self.watched.entry(point.clone()).or_insert(from);
        *earliest = from.min(*earliest);
        if self.failures.get(point).is_some_and(|known| known.covers(from) || known.is_full()) {
            return Ok(());
        }
        let failures = Recent::load(store, point, from, |outcome| outcome == Outcome::Down)?;
        self.failures.insert(point.clone(), failures);
        Ok(())
    }

    /// How many observations of a vantage point were reported `down` in each of `committed`, which are in order; what lies
    /// in the store is read once for all of them.
    pub fn failures(
        &self,
        store: &dyn Store,
        point: &VantagePoint,
        committed: &[Vec<Interval>],
    ) -> Result<Vec<u64>, StoreError> {
        let mut counts = vec![0; committed.len()];
        let first = committed.iter().filter_map(|one| one.first()).map(|part| part.start).min();
        let last = committed.iter().filter_map(|one| one.last()).map(|part| part.end).max();
        let (Some(first), Some(last)) = (first, last) else { return Ok(counts) };
        let span = Interval::new(first, last);
        let mut count = |at: Instant| {
            for (count, committed) in counts.iter_mut().zip(committed) {
                *count += u64::from(is_within(committed, at));
            }
        };
        match self.failures.get(point).filter(|failures| failures.covers(span.start)) {
            Some(failures) => failures.within(span).iter().for_each(|row| count(row.at)),
            None => recent::walk(store, point, span, |row| {
                if row.outcome == Outcome::Down {
                    count(row.at);
                }
            })?,
        }
        Ok(counts)
    }
}

#[cfg(test)]
#[path = "attempts_tests.rs"]
mod tests;
