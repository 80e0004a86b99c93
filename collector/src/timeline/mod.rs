//! Timelines of vantage points, kept by the day so that a month or a year is read without its observations.
//!
//! A UTC day of a vantage point is **settled** once its context has passed: from then on only late data can change it.
//! Settled days are derived once and kept in the store as stretches ([`stretches`]), the newest of them in memory too
//! ([`days`]). Everything after them is **live** ([`live`]): it goes on as observations arrive, and is read from the store
//! at a start and after late data only. A live day that has settled is kept as it is.
//!
//! ```text
//!          settled days: stretches, kept                live: goes on
//! ├────────┼────────┼────────┼────────┼────────┼──────────────────────────▶ as_of
//!                        ▲ late data: the days within its context are dropped and derived again
//! ```
//!
//! Late data reaches exactly as far as its context ([`VantageLaw::context_ms`]): beyond it no state depends on it, so
//! the days it touches are dropped and no others.
//!
//! What is kept can be derived again as long as its observations are there. Those of long ago are forgotten day by day,
//! and only after what they say is kept ([`Timelines::secure`]). From then on such a day is as it was kept: late data
//! does not drop it, and where nothing was kept of it, or by other rules, it is unmeasured ([`derivable_from`]).
//!
//! A row leaves the journal only after the days it touches were dropped here
//! (the engine calls [`Timelines::touch`] before it lets the store seal), so no crash can leave a stale day behind.

mod days;
mod keeping;
mod live;
pub mod recheck;
pub mod stretches;

use std::collections::BTreeMap;

use uphold_common::ids::VantagePoint;
use uphold_common::measure::law::VantageLaw;
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::vantage::vantage_timeline;
use uphold_common::observation::Observation;
use uphold_common::time::{DAY_MS, Instant, Interval};

use crate::store::{RecordChange, Store, StoreError, TouchedRows};

use days::Days;
use live::Live;

/// Most bytes of settled days in memory, of all vantage points together; others are read from the store.
pub const DAYS_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How many days the live part may grow before it is read anew instead: a clock that leaps ahead.
const LIVE_DAYS_MAX: i64 = 4;
/// As how many observations reading a kept day counts.
const KEPT_DAY_COST: usize = 16;

/// The timelines of all vantage points, as far as they were asked for.
#[derive(Debug)]
pub struct Timelines {
    known: BTreeMap<VantagePoint, Known>,
    days: Days,
    /// The newest instant that a tick asked for. What is live is held at it or later.
    present: Instant,
    /// Before this instant no live day has settled.
    nothing_settles_before: Instant,
    /// How many settled days were derived from their observations.
    derived: u64,
}

/// What is known of one vantage point.
#[derive(Debug)]
struct Known {
    /// By which rules it was derived.
    law: VantageLaw,
    /// The days before this one may be kept in the store; none from it on is.
    kept_to: i64,
    live: Option<Live>,
    /// From when on everything is derived; where that does not fit into memory it is in the store.
    prepared_from: Option<Instant>,
}

impl Default for Timelines {
    fn default() -> Self {
        Self::bounded(DAYS_BYTES_MAX)
    }
}

impl Timelines {
    /// With at most `bytes_max` of settled days in memory.
    pub fn bounded(bytes_max: usize) -> Self {
        let nothing_settles_before = Instant::MIN;
        Self {
            known: BTreeMap::new(),
            days: Days::new(bytes_max),
            present: Instant::MIN,
            nothing_settles_before,
            derived: 0,
        }
    }

    /// A tick begins. When the clock was set back, nothing that is live may know what is the future again.
    pub fn begin_tick(&mut self, as_of: Instant) {
        if as_of < self.present {
            self.known.values_mut().for_each(|known| known.live = None);
        }
        self.present = as_of;
    }

    /// The timeline of a vantage point over `span`, by what was observed before `as_of`. `now` is at or after `as_of`.
    pub fn vantage(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
        span: Interval,
        as_of: Instant,
    ) -> Result<Timeline, StoreError> {
        let (live_from, live) = self.live(store, point, law, span, as_of)?;
        let settled = Interval::new(span.start, span.end.min(live_from));
        let mut timeline = self.settled(store, point, law, settled)?;
        for stretch in live.stretches() {
            timeline.push(stretch.interval, stretch.state);
        }
        Ok(timeline.clip(span))
    }

    /// Makes ready what [`Self::vantage`] will need, at the price of about `allowance` observations: the newest days
    /// first. False if there is more to do.
    pub fn prepare(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
        span: Interval,
        allowance: &mut usize,
    ) -> Result<bool, StoreError> {
        if *allowance == 0 {
            return Ok(false);
        }
        let read = self.go_on(store, point, law, self.present)?;
        *allowance = allowance.saturating_sub(read);
        let known = self.known(store, point, law)?;
        if known.prepared_from.is_some_and(|from| from <= span.start) {
            return Ok(true);
        }
        let end = known.live.as_ref().map_or(i64::MIN, Live::first_day).min(span.end.utc_day() + 1);
        let missing = |day: &i64| self.days.get(point, *day).is_none();
        let missing: Vec<i64> = (span.start.utc_day()..end).filter(missing).collect();
        let mut kept = match (missing.first(), missing.last()) {
            (Some(first), Some(last)) => stretches::kept(store, point, *first, *last, law)?,
            _ => BTreeMap::new(),
        };
        *allowance = allowance.saturating_sub(kept.len() * KEPT_DAY_COST);
        let (mut changes, mut left) = (Vec::new(), missing.len());
        for day in missing.iter().rev() {
            let timeline = match kept.remove(day) {
                Some(timeline) => timeline,
                None if *allowance == 0 => continue,
                None => {
                    let derived = derive(store, point, law, *day)?;
                    self.derived += 1;
                    *allowance = allowance.saturating_sub(derived.read.max(KEPT_DAY_COST));
                    changes.extend(derived.change(point, *day, law)?);
                    derived.timeline
                }
            };
            self.days.insert(point, *day, timeline);
            left -= 1;
        }
        self.keep(store, point, law, &changes, end.saturating_sub(1))?;
        // What ends before the present says nothing of the days after it.
        if left == 0 && span.end >= self.present {
            self.known(store, point, law)?.prepared_from = Some(span.start);
        }
        Ok(left == 0)
    }

    /// The newest observation of `point` before `as_of`, if that is known without asking the store; it is one of the last
    /// days, or none.
    pub fn newest(&self, point: &VantagePoint, as_of: Instant) -> Option<Option<Observation>> {
        let live = self.known.get(point)?.live.as_ref()?;
        let settled = settled_day(live.law(), as_of);
        (live.first_day() <= settled && live.holds(as_of)).then(|| live.newest().copied())
    }

    /// Takes notice of rows of `point` that arrived, and drops what they may have changed. Days are dropped whatever the
    /// time is: one that was kept while the clock ran ahead is settled too early, and only the rows that come later can tell.
    pub fn touch(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        law: &VantageLaw,
        touched: &TouchedRows,
    ) -> Result<(), StoreError> {
        self.known(store, point, law)?;
        let derivable_from = derivable_from(store, law);
        for rows in touched.days.values() {
            let first = rows.start.minus_ms(law.context_ms()).utc_day().max(derivable_from);
            let last = rows.end.plus_ms(law.context_ms()).utc_day();
            if first <= last {
                self.drop_days(store, point, first, last)?;
            }
        }
        let known = self.known(store, point, law)?;
        if known.live.as_mut().is_some_and(|live| !live.touch(touched)) {
            known.live = None;
        }
        Ok(())
    }

    /// Drops everything that is kept of `point` and can be derived again, for when it is not known by which rules.
    pub fn forget(&mut self, store: &mut dyn Store, point: &VantagePoint) -> Result<(), StoreError> {
        if let Some(known) = self.known.get_mut(point) {
            known.live = None;
        }
        // What decides the first day that has observations lies before it too, and is gone.
        let first = store.raw_from().map_or(i64::MIN, |from| i64::from(from) + 1);
        self.drop_days(store, point, first, i64::MAX)
    }

    /// Keeps the live days of some vantage points that have settled; whether there are more.
    pub fn settle(&mut self, store: &mut dyn Store, points_max: usize) -> Result<bool, StoreError> {
        let as_of = self.present;
        if as_of < self.nothing_settles_before {
            return Ok(false);
        }
        let settles = |known: &&mut Known| {
            known
                .live
                .as_ref()
                .is_some_and(|live| live.holds(as_of) && live.first_day() < settled_day(live.law(), as_of))
        };
        let mut changes = Vec::new();
        let mut settled = 0;
        for (point, known) in &mut self.known {
            if !settles(&known) {
                continue;
            }
            settled += 1;
            if settled > points_max {
                break;
            }
            let Some(live) = &mut known.live else { continue };
            let end = settled_day(live.law(), as_of);
            for day in live.first_day()..end {
                let timeline = live.clip(day_interval(day));
                changes.push(stretches::change(point, day, live.law(), &timeline)?);
                self.days.insert(point, day, timeline);
            }
            live.forget_before(day_interval(end).start);
            known.kept_to = known.kept_to.max(end);
        }
        if !changes.is_empty() {
            store.commit_derived(&changes)?;
        }
        if settled <= points_max {
            let next = |known: &Known| known.live.as_ref().map(|live| settles_at(live.law(), live.first_day()));
            self.nothing_settles_before = self.known.values().filter_map(next).min().unwrap_or(Instant::MIN);
        }
        Ok(settled > points_max)
    }

    /// The newest instant that a tick asked for.
    pub const fn present(&self) -> Instant {
        self.present
    }

    /// How many settled days of vantage points were derived from their observations, each as often as it was.
    pub const fn derived(&self) -> u64 {
        self.derived
    }

    /// What is held in memory, in bytes, about: settled days, and what is live.
    pub fn bytes(&self) -> usize {
        let live = self.known.values().filter_map(|known| known.live.as_ref()).map(Live::bytes);
        self.days.bytes() + live.sum::<usize>()
    }
}

/// A settled day as it was derived.
struct Derived {
    timeline: Timeline,
    /// From how many observations.
    read: usize,
    /// Whether all of them were still there; else nothing is said about the day.
    whole: bool,
}

impl Derived {
    /// The change that keeps it; none if it says nothing.
    fn change(&self, point: &VantagePoint, day: i64, law: &VantageLaw) -> Result<Option<RecordChange>, StoreError> {
        self.whole.then(|| stretches::change(point, day, law, &self.timeline)).transpose()
    }
}

/// Derives a settled day. One of which observations were forgotten is unmeasured: the rest might say anything.
fn derive(store: &dyn Store, point: &VantagePoint, law: &VantageLaw, day: i64) -> Result<Derived, StoreError> {
    let span = day_interval(day);
    if day < derivable_from(store, law) {
        return Ok(Derived { timeline: vantage_timeline(&[], law, span), read: 0, whole: false });
    }
    let context = Interval::new(span.start.minus_ms(law.context_ms()), span.end.plus_ms(law.context_ms()));
    let observations = store.observations(point, context)?;
    let timeline = vantage_timeline(&observations, law, span);
    Ok(Derived { timeline, read: observations.len(), whole: true })
}

/// The first day of which nothing that decides it was forgotten.
pub fn derivable_from(store: &dyn Store, law: &VantageLaw) -> i64 {
    let first = |from: i32| day_interval(from.into()).start.plus_ms(law.context_ms()).minus_ms(1).utc_day() + 1;
    store.raw_from().map_or(i64::MIN, first)
}

/// The first day that is not settled at `as_of`: its context has not passed.
fn settled_day(law: &VantageLaw, as_of: Instant) -> i64 {
    as_of.minus_ms(law.context_ms()).utc_day()
}

/// From when on a day is settled.
fn settles_at(law: &VantageLaw, day: i64) -> Instant {
    day_interval(day).end.plus_ms(law.context_ms())
}

fn day_interval(day: i64) -> Interval {
    let start = Instant::from_ms(day.saturating_mul(DAY_MS));
    Interval::new(start, start.plus_ms(DAY_MS))
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
