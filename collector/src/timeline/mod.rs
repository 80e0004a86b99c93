//! Timelines of vantage points, kept by the day so that a month or a year is read without its observations.
//!
//! A UTC day of a vantage point is **settled** once its context has passed: from then on only late data can change it.
//! Settled days are derived once, kept in the store as stretches ([`stretches`]) and in memory; everything after them is
//! the *tail*, derived from observations each time it is touched.
//!
//! ```text
//!          settled days: stretches, kept                tail: from observations
//! ├────────┼────────┼────────┼────────┼────────┼──────────────────────────▶ as_of
//!                        ▲ late data: the days within its context are dropped and derived again
//! ```
//!
//! What is kept can always be derived again. A row leaves the journal only after the days it touches were dropped here
//! (the engine calls [`Timelines::touch`] before it lets the store seal), so no crash can leave a stale day behind.

pub mod stretches;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use uphold_common::ids::VantagePoint;
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::vantage::{VantageRules, vantage_timeline};
use uphold_common::observation::Observation;
use uphold_common::time::{DAY_MS, Instant, Interval};

use crate::store::{RecordChange, RecordKind, Store, StoreError};

/// Most settled days held in memory for each vantage point; older ones are read from the store.
const DAYS_IN_MEMORY: usize = 400;
/// How far after the present observations are looked for, to know until when a tail stays as it is.
const LOOK_AHEAD_MS: i64 = DAY_MS;

/// The timelines of all vantage points, as far as they were asked for.
#[derive(Debug, Default)]
pub struct Timelines {
    known: BTreeMap<VantagePoint, Known>,
}

/// What is known of one vantage point.
#[derive(Debug, Default)]
struct Known {
    settled: BTreeMap<i64, Timeline>,
    tail: Option<Tail>,
}

/// The unsettled part, as derived from all observations since `from`.
#[derive(Debug)]
struct Tail {
    from: Instant,
    rules: VantageRules,
    timeline: Timeline,
    /// The newest observation it was derived from.
    last: Option<Observation>,
    /// It holds for each `as_of` after the newest observation, up to the next or to where observations were looked for.
    holds: Interval,
}

impl Timelines {
    /// The timeline of a vantage point over `span`, by what was observed before `as_of`. `now` is at or after `as_of`.
    pub fn vantage(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        rules: VantageRules,
        span: Interval,
        as_of: Instant,
    ) -> Result<Timeline, StoreError> {
        let mut timeline = Timeline::default();
        let settled_to = settled_day(rules, as_of);
        let mut derived = Vec::new();
        let known = self.known.entry(point.clone()).or_default();
        for day in span.start.utc_day()..settled_to.min(span.end.utc_day() + 1) {
            let part = day_interval(day).intersect(span);
            if part.is_empty() {
                continue;
            }
            let kept = match known.settled.entry(day) {
                Entry::Occupied(kept) => kept.into_mut(),
                Entry::Vacant(missing) => {
                    let (kept, fresh) = settled(store, point, rules, day)?;
                    if fresh {
                        derived.push(stretches::change(point, day, rules, &kept)?);
                    }
                    missing.insert(kept)
                }
            };
            for stretch in kept.stretches() {
                timeline.push(stretch.interval.intersect(part), stretch.state);
            }
        }
        if !derived.is_empty() {
            store.commit_derived(&derived)?;
        }
        let tail = Interval::new(span.start.max(day_interval(settled_to).start), span.end);
        if !tail.is_empty() {
            let tail = known.tail_within(store, point, rules, settled_to, tail, as_of)?;
            for stretch in tail.stretches() {
                timeline.push(stretch.interval, stretch.state);
            }
        }
        known.forget_oldest();
        Ok(timeline.clip(span))
    }

    /// The newest observation of `point` before `as_of`, if that is known without asking the store; it is one of the last
    /// days, or none.
    pub fn newest(&self, point: &VantagePoint, as_of: Instant) -> Option<Option<Observation>> {
        let tail = self.known.get(point)?.tail.as_ref()?;
        (tail.holds.start < as_of && as_of <= tail.holds.end).then_some(tail.last)
    }

    /// Drops what rows of `point` within `rows` may have changed. Days are dropped whatever the time is: one that was
    /// kept while the clock ran ahead is settled too early, and only the rows that come later can tell.
    pub fn touch(
        &mut self,
        store: &mut dyn Store,
        point: &VantagePoint,
        rules: VantageRules,
        rows: Interval,
    ) -> Result<(), StoreError> {
        let first = rows.start.minus_ms(rules.context_ms()).utc_day();
        let last = rows.end.plus_ms(rules.context_ms()).utc_day();
        if let Some(known) = self.known.get_mut(point) {
            known.tail = None;
            known.settled.retain(|day, _| *day < first || *day > last);
        }
        drop_days(store, point, first, last)
    }

    /// Drops everything that is kept of `point`, for when it is not known by which rules.
    pub fn forget(&mut self, store: &mut dyn Store, point: &VantagePoint) -> Result<(), StoreError> {
        self.known.remove(point);
        drop_days(store, point, i64::MIN, i64::MAX)
    }
}

/// Drops the days from `first` to `last` from the store.
fn drop_days(store: &mut dyn Store, point: &VantagePoint, first: i64, last: i64) -> Result<(), StoreError> {
    let kept = store.records(RecordKind::Stretches, &stretches::days(point, first, last), usize::MAX)?;
    let dropped: Vec<RecordChange> =
        kept.into_iter().map(|(key, _)| RecordChange { kind: RecordKind::Stretches, key, value: None }).collect();
    if dropped.is_empty() { Ok(()) } else { store.commit_derived(&dropped) }
}

impl Known {
    /// The part of the tail inside `part`, derived anew unless nothing changed since it was.
    fn tail_within(
        &mut self,
        store: &dyn Store,
        point: &VantagePoint,
        rules: VantageRules,
        settled_to: i64,
        part: Interval,
        as_of: Instant,
    ) -> Result<Timeline, StoreError> {
        let from = day_interval(settled_to).start;
        let reusable = |tail: &&Tail| {
            tail.rules == rules && tail.from <= from && tail.holds.start < as_of && as_of <= tail.holds.end
        };
        if let Some(tail) = self.tail.as_ref().filter(reusable) {
            return Ok(tail.timeline.clip(part));
        }
        // Not to the end of time: asked of long ago, that would be everything since.
        let looked_to = as_of.plus_ms(LOOK_AHEAD_MS);
        let context = Interval::new(from.minus_ms(rules.context_ms()), looked_to);
        let mut observations = store.observations(point, context)?;
        // An agent's clock may be ahead: its observations count once now has passed them, and until then it holds.
        let holds_to = observations.iter().map(|o| o.at).find(|at| *at >= as_of).unwrap_or(looked_to);
        observations.retain(|observation| observation.at < as_of);
        let newest = observations.last().map_or(from, |newest| newest.at);
        let last = observations.last().copied();
        let until = newest.plus_ms(rules.reach_ms).max(part.end);
        let timeline = vantage_timeline(&observations, rules, Interval::new(from, until));
        let inside = timeline.clip(part);
        self.tail = Some(Tail { from, rules, timeline, last, holds: Interval::new(newest, holds_to) });
        Ok(inside)
    }

    fn forget_oldest(&mut self) {
        while self.settled.len() > DAYS_IN_MEMORY {
            self.settled.pop_first();
        }
    }
}

/// A settled day: as kept in the store, or derived; and whether it was derived just now.
fn settled(
    store: &dyn Store,
    point: &VantagePoint,
    rules: VantageRules,
    day: i64,
) -> Result<(Timeline, bool), StoreError> {
    let span = day_interval(day);
    if let Some(kept) = stretches::kept(store, point, day, rules)? {
        return Ok((kept, false));
    }
    let context = Interval::new(span.start.minus_ms(rules.context_ms()), span.end.plus_ms(rules.context_ms()));
    Ok((vantage_timeline(&store.observations(point, context)?, rules, span), true))
}

/// The first day that is not settled at `as_of`: its context has not passed.
fn settled_day(rules: VantageRules, as_of: Instant) -> i64 {
    as_of.minus_ms(rules.context_ms()).utc_day()
}

fn day_interval(day: i64) -> Interval {
    let start = Instant::from_ms(day.saturating_mul(DAY_MS));
    Interval::new(start, start.plus_ms(DAY_MS))
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
