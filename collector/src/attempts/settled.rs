//! The part of a window that late rows alone can change, condensed.
//!
//! Of a window that rolls, the observations of its first day (its *edge*) are kept as they are, so that it can move on
//! over them; any other window has no edge.

use std::sync::Arc;

use uphold_common::catalogue::model::{ResponseBound, ResponsePromise, WindowKind};
use uphold_common::ids::VantagePoint;
use uphold_common::measure::response::{Coarse, ResponseFigures, Tally, is_within};
use uphold_common::time::{DAY_MS, Instant, Interval};

use super::recent::{Recent, Row, walk};
use super::{Asked, Counted};
use crate::capacity::ranked::{LOOSE_MAX, Ranked};
use crate::store::{Store, StoreError};

/// How long the edge of a rolling window is.
const EDGE_MS: i64 = DAY_MS;
/// Most observations of an edge.
const EDGE_ROWS_MAX: usize = 6_000;
/// How much more could be settled before the window is settled anew.
const GROWN_MS: i64 = DAY_MS;
/// How old an observation is before it is taken as settled: later than this it is late.
const SETTLES_MS: i64 = 3_600_000;
/// Most observations of all vantage points that are not taken as settled.
const UNSETTLED_MAX: usize = 6_000;

/// The settled part of a window, and the edge before it.
#[derive(Debug)]
pub(super) struct Settled {
    promise: ResponsePromise,
    /// The vantage points, each with the committed time of edge and settled part in which it counts.
    points: Vec<Counted>,
    /// The observations of the edge, in order, each with the place of its vantage point.
    edge: Vec<(usize, Row)>,
    edge_from: Instant,
    /// The first day whose rows were kept when it was derived.
    raw_from: Option<i32>,
    part: Interval,
    tally: Tally,
    ranked: Ranked,
    /// The durations that joined when the percentile was looked for last, and which it was of which rank.
    found: Option<(Vec<u32>, u64, u32)>,
}

/// Up to where observations are taken as settled.
pub(super) fn settles_at(recents: &[&Recent], as_of: Instant) -> Instant {
    let from = recents.iter().map(|recent| recent.from()).max().unwrap_or(as_of);
    let mut settles = as_of.minus_ms(SETTLES_MS).max(from).min(as_of);
    // The span is halved until there are few enough; each vantage point's rows are in order.
    while rows_within(recents, Interval::new(settles, as_of)) > UNSETTLED_MAX {
        settles = settles.plus_ms((as_of.since_ms(settles) / 2).max(1));
    }
    settles
}

fn rows_within(recents: &[&Recent], span: Interval) -> usize {
    recents.iter().map(|recent| recent.within(span).len()).sum()
}

/// What of the vantage points' committed time lies in `span`; those that share theirs share what is left.
fn counted(points: &[Counted], span: Interval) -> Vec<Counted> {
    let mut kept: Vec<Counted> = Vec::with_capacity(points.len());
    for one in points {
        let before = kept.len().checked_sub(1).and_then(|place| points.get(place)).zip(kept.last());
        let committed = match before {
            Some((whole, part)) if Arc::ptr_eq(&whole.committed, &one.committed) => Arc::clone(&part.committed),
            _ => Arc::from(cut(&one.committed, span)),
        };
        kept.push(Counted { point: one.point.clone(), committed });
    }
    kept
}

/// What of `committed` lies in `span`.
fn cut(committed: &[Interval], span: Interval) -> Vec<Interval> {
    committed.iter().map(|interval| interval.intersect(span)).filter(|part| !part.is_empty()).collect()
}

impl Settled {
    /// Derives it; observations before `to` are settled.
    pub(super) fn derive(store: &dyn Store, asked: &Asked<'_>, to: Instant) -> Result<Self, StoreError> {
        let span = asked.of.window.elapsed();
        let to = to.min(span.end).max(span.start);
        let (edge, from) = match asked.of.window.kind {
            WindowKind::Rolling { .. } => edge(store, asked, span.start.plus_ms(EDGE_MS).min(to))?,
            _ => (Vec::new(), span.start),
        };
        let part = Interval::new(from, to);
        let (tally, coarse) = count(store, asked, part)?;
        let ranked = match asked.of.promise.bound {
            ResponseBound::Percentile(percentile) => {
                let (first, last) = Ranked::reach(percentile, tally.n);
                let values = pick(store, asked, part, &coarse, first, last)?;
                Ranked::picked(tally.n, first, values.into_iter().map(i64::from).collect())
            }
            ResponseBound::Share(_) => Ranked::picked(tally.n, 1, Vec::new()),
        };
        Ok(Self {
            promise: asked.of.promise.clone(),
            points: counted(&asked.points, Interval::new(span.start, to)),
            edge,
            edge_from: span.start,
            raw_from: store.raw_from(),
            part,
            tally,
            ranked,
            found: None,
        })
    }

    /// Whether rows of `point` from `at` on change it.
    pub(super) fn is_changed_by(&self, point: &VantagePoint, at: Instant) -> bool {
        at < self.part.end && self.points.iter().any(|one| one.point == *point)
    }

    /// Whether nothing that was counted has been forgotten since.
    pub(super) fn is_derived_from(&self, store: &dyn Store) -> bool {
        let raw_from = store.raw_from().map_or(Instant::MIN, super::start_of);
        store.raw_from() == self.raw_from
            || raw_from <= self.edge_from
            || self.points.iter().all(|one| one.committed.first().is_none_or(|first| raw_from <= first.start))
    }

    /// From how many observations it was derived.
    pub(super) fn observations(&self) -> usize {
        let Tally { n, failed, unknown, no_duration, .. } = self.tally;
        let counted = usize::try_from(n + failed + unknown + no_duration).unwrap_or(usize::MAX);
        counted.saturating_add(self.edge.len())
    }

    /// Whether its recent part has become long.
    pub(super) fn has_grown(&self, recents: &[&Recent], as_of: Instant) -> bool {
        let joined = self.edge.len() + rows_within(recents, Interval::new(self.part.end, as_of));
        self.part.end < settles_at(recents, as_of).minus_ms(GROWN_MS) || joined > LOOSE_MAX - 1_000
    }

    /// The figures of the window; none if this is not the settled part of it, or the newest do not go on from it.
    pub(super) fn figures(&mut self, asked: &Asked<'_>, recents: &[&Recent]) -> Option<ResponseFigures> {
        let span = asked.of.window.elapsed();
        let begins = self.edge_from <= span.start && span.start <= self.part.start;
        let settled = Interval::new(span.start, self.part.end);
        if !begins
            || span.end < self.part.end
            || *asked.of.promise != self.promise
            || recents.iter().any(|recent| !recent.covers(self.part.end))
            || counted(&asked.points, settled) != counted(&self.points, settled)
        {
            return None;
        }
        let tail = Interval::new(self.part.end, span.end);
        let edge = self.edge.get(self.edge.partition_point(|(_, row)| row.at < span.start)..).unwrap_or_default();
        let recent = recents.iter().enumerate();
        let recent = recent.flat_map(|(place, recent)| recent.within(tail).iter().map(move |row| (place, row)));
        let joined = edge.iter().map(|(place, row)| (*place, row)).chain(recent);
        let counts = |place: usize, at| asked.points.get(place).is_some_and(|one| is_within(&one.committed, at));
        let mut tally = self.tally;
        let joined: Vec<u32> = joined
            .filter(|(place, row)| counts(*place, row.at))
            .filter_map(|(_, row)| tally.count(row.outcome, row.total, &self.promise))
            .collect();
        ResponseFigures::of(&asked.of, tally, |rank| self.nth(rank, joined).map(Some).ok_or(TooMany)).ok()
    }

    /// The duration of a rank, those that `joined` being among them.
    fn nth(&mut self, rank: u64, joined: Vec<u32>) -> Option<u32> {
        if let Some((known, of, us)) = &self.found
            && (known, *of) == (&joined, rank)
        {
            return Some(*us);
        }
        let mut sorted: Vec<i64> = joined.iter().copied().map(i64::from).collect();
        sorted.sort_unstable();
        let us = self.ranked.nth(rank, &sorted).and_then(|us| u32::try_from(us).ok())?;
        self.found = Some((joined, rank, us));
        Some(us)
    }
}

/// More observations have joined than were reckoned with.
struct TooMany;

/// The observations of a rolling window up to `to`, and up to where there are few enough of them.
fn edge(store: &dyn Store, asked: &Asked<'_>, to: Instant) -> Result<(Vec<(usize, Row)>, Instant), StoreError> {
    let span = Interval::new(asked.of.window.elapsed().start, to);
    let mut rows = Vec::new();
    for (place, one) in asked.points.iter().enumerate() {
        walk(store, &one.point, span, |row| rows.push((place, row)))?;
    }
    rows.sort_by_key(|(_, row)| row.at);
    let to = rows.get(EDGE_ROWS_MAX).map_or(to, |(_, beyond)| beyond.at);
    rows.truncate(rows.partition_point(|(_, row)| row.at < to));
    Ok((rows, to))
}

/// The figures of a window out of the store alone.
pub(super) fn at_once(store: &dyn Store, asked: &Asked<'_>) -> Result<ResponseFigures, StoreError> {
    let span = asked.of.window.elapsed();
    let (tally, coarse) = count(store, asked, span)?;
    let ranked = |rank| Ok(pick(store, asked, span, &coarse, rank, rank)?.pop());
    ResponseFigures::of(&asked.of, tally, ranked)
}

/// The first pass over the committed time of `span`.
fn count(store: &dyn Store, asked: &Asked<'_>, span: Interval) -> Result<(Tally, Coarse), StoreError> {
    let (mut tally, mut coarse) = (Tally::default(), Coarse::default());
    durations(store, asked, span, &mut tally, |us| coarse.add(us))?;
    Ok((tally, coarse))
}

/// The second pass: the durations of the ranks from `first` to `last`.
fn pick(
    store: &dyn Store,
    asked: &Asked<'_>,
    span: Interval,
    coarse: &Coarse,
    first: u64,
    last: u64,
) -> Result<Vec<u32>, StoreError> {
    let mut fine = coarse.fine(first, last);
    durations(store, asked, span, &mut Tally::default(), |us| fine.add(us))?;
    Ok(fine.durations())
}

/// Counts every observation in the committed time of `span`, and tells the durations of those that count.
fn durations(
    store: &dyn Store,
    asked: &Asked<'_>,
    span: Interval,
    tally: &mut Tally,
    mut each: impl FnMut(u32),
) -> Result<(), StoreError> {
    for Counted { point, committed } in counted(&asked.points, span) {
        let (Some(first), Some(last)) = (committed.first(), committed.last()) else { continue };
        walk(store, &point, Interval::new(first.start, last.end), |row| {
            if is_within(&committed, row.at)
                && let Some(us) = tally.count(row.outcome, row.total, asked.of.promise)
            {
                each(us);
            }
        })?;
    }
    Ok(())
}
