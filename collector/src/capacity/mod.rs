//! Readings of resources → the figures of targets on capacity, without reading a month again each second.
//!
//! Of every target that is measured at each tick two things are kept in memory, both derived from readings that are a
//! while old: the part of its window that late readings alone can change ([`window`]), and what its readings said of its
//! thresholds since incidents are looked at ([`watch`]). The newest readings are kept as they are, by resource
//! ([`recent`]), and are put to both at each tick.
//!
//! ```text
//!   window: ├─ edge ─┼──────── settled ─────────────────────┼──── recent ────▶ as_of
//!                     levels in sums, and of the values those    as they were read
//!                     that can still become the percentile
//! ```
//!
//! Nothing of it is stored: it is derived again after a restart, and dropped as soon as a reading arrives that is older
//! than the recent part of it or other time of it is committed, so no crash can leave anything stale behind. What is derived at one tick is bounded; a target
//! whose turn has not come is left out of that tick, and is never shown with figures of before. Nothing after the newest
//! reading is taken as settled, so what an agent delivers after an interruption is not late.
//!
//! **Bounds.** Of a resource at most 20,000 readings (320 KB) are kept; of a target at most 14,001 values (112 KB), for a
//! rolling window 6,000 readings of its edge (96 KB), and 5,000 episodes for each threshold. Deriving a window takes
//! 8 bytes for each of its readings while it lasts.

pub(crate) mod ranked;
mod recent;
mod watch;
mod window;

use std::collections::BTreeMap;

use uphold_common::catalogue::model::CapacityPromise;
use uphold_common::ids::TargetId;
use uphold_common::measure::capacity::{CapacityFigures, Utilisation};
use uphold_common::measure::window::Window;
use uphold_common::observation::ResourceId;
use uphold_common::time::{Instant, Interval};

use crate::incident::holding::Holding;
use crate::store::{Store, StoreError};

use recent::Recent;
pub(crate) use recent::walk;
use watch::Watch;
use window::Settled;

/// About how many readings are read at one tick to derive what is missing: after a start, after late readings, and when a
/// recent part has grown long. The others wait for the next.
const READINGS_AT_ONCE: usize = 1_000_000;
/// As how many readings each derivation counts at least.
const DERIVED_COST: usize = 1_000;

/// A target on capacity, as it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The target.
    pub target: &'a TargetId,
    /// What it promises.
    pub promise: &'a CapacityPromise,
    /// Its service's entry into the catalogue.
    pub entry: Instant,
    /// Its window.
    pub window: Window,
    /// The committed time of the window so far.
    pub committed: &'a [Interval],
}

/// What a tick finds of a target on capacity.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its figures.
    pub figures: CapacityFigures,
    /// What its readings said of each of its thresholds.
    pub holdings: Vec<Holding>,
    /// Its newest reading, as long as it speaks.
    pub newest: Option<Utilisation>,
}

/// What is kept of resources and targets.
#[derive(Debug, Default)]
pub struct Capacity {
    recent: BTreeMap<ResourceId, Recent>,
    kept: BTreeMap<TargetId, Kept>,
    /// How many readings may still be read at this tick.
    allowance: usize,
}

/// What is kept of one target.
#[derive(Debug)]
struct Kept {
    resource: ResourceId,
    settled: Option<Settled>,
    watch: Option<Watch>,
}

impl Capacity {
    /// A tick begins.
    pub fn begin_tick(&mut self) {
        self.allowance = READINGS_AT_ONCE;
    }

    /// Whether anything is kept of a resource that its rows may change.
    pub fn measures(&self, resource: &ResourceId) -> bool {
        self.recent.contains_key(resource)
    }

    /// Takes notice of rows of a resource within `rows`, and drops what they may have changed.
    pub fn touch(&mut self, store: &dyn Store, resource: &ResourceId, rows: Interval) -> Result<(), StoreError> {
        let Some(recent) = self.recent.get_mut(resource) else { return Ok(()) };
        recent.refresh(store, resource, rows)?;
        for kept in self.kept.values_mut().filter(|kept| kept.resource == *resource) {
            kept.settled = kept.settled.take().and_then(|settled| settled.touched_from(rows.start));
            kept.watch = kept.watch.take().filter(|watch| watch.to() <= rows.start);
        }
        Ok(())
    }

    /// Lets go of what was derived from readings before `day`, which are forgotten: what they said counts no longer, as it
    /// would not after a restart.
    pub fn forget_before(&mut self, day: Instant) {
        self.recent.values_mut().for_each(|recent| recent.forget_before(day));
        for kept in self.kept.values_mut() {
            kept.settled = kept.settled.take().filter(|settled| settled.from() >= day);
            kept.watch = kept.watch.take().filter(|watch| watch.from() >= day);
        }
    }

    /// Measures a target at a tick; its thresholds are watched since `horizon`. None if something has to be derived first,
    /// and enough was at this tick.
    pub fn measure(
        &mut self,
        store: &dyn Store,
        asked: &Asked<'_>,
        horizon: Instant,
        as_of: Instant,
    ) -> Result<Option<Found>, StoreError> {
        let (resource, promise) = (&asked.promise.resource, asked.promise);
        if self.recent.get(resource).is_none_or(|recent| !recent.serves(as_of)) {
            if self.allowance == 0 {
                return Ok(None);
            }
            let recent = Recent::load(store, resource, as_of)?;
            self.allowance = self.allowance.saturating_sub(recent.all().len() + DERIVED_COST);
            self.recent.insert(resource.clone(), recent);
        }
        let Some(recent) = self.recent.get_mut(resource) else { return Err(StoreError::Dead) };
        recent.trim(as_of);
        let empty = || Kept { resource: resource.clone(), settled: None, watch: None };
        let kept = self.kept.entry(asked.target.clone()).or_insert_with(empty);

        let mut figures = match &mut kept.settled {
            Some(settled) => settled.figures(asked, recent),
            None => None,
        };
        let grown = kept.settled.as_ref().is_some_and(|settled| settled.has_grown(recent, as_of));
        if (figures.is_none() || grown) && self.allowance > 0 {
            let settled = kept.settled.insert(Settled::derive(store, asked, recent.settles_at(as_of))?);
            self.allowance = self.allowance.saturating_sub(settled.readings() + DERIVED_COST);
            figures = match settled.figures(asked, recent) {
                Some(figures) => Some(figures),
                None => Some(window::at_once(store, asked)?),
            };
        }
        let watch = match kept.watch.take().filter(|watch| watch.serves(horizon, as_of, recent)) {
            Some(watch) => kept.watch.insert(watch),
            None if self.allowance == 0 => return Ok(None),
            None => {
                let (watch, readings) = Watch::derive(store, promise, horizon, recent.settles_at(as_of))?;
                self.allowance = self.allowance.saturating_sub(readings + DERIVED_COST);
                kept.watch.insert(watch)
            }
        };
        let Some(figures) = figures else { return Ok(None) };
        let holdings = watch.holdings(recent, promise, horizon, as_of);
        Ok(Some(Found { figures, holdings, newest: recent.newest(as_of) }))
    }

    /// The figures of a target in any window, as of any instant: out of what is kept if that serves.
    pub fn figures(&mut self, store: &dyn Store, asked: &Asked<'_>) -> Result<CapacityFigures, StoreError> {
        let recent = self.recent.get(&asked.promise.resource);
        let settled = self.kept.get_mut(asked.target).and_then(|kept| kept.settled.as_mut());
        let known = recent.zip(settled).and_then(|(recent, settled)| settled.figures(asked, recent));
        known.map_or_else(|| window::at_once(store, asked), Ok)
    }
}

#[cfg(test)]
#[path = "capacity_tests.rs"]
mod tests;
