//! The part of a window that late readings alone can change.
//!
//! Of a window that rolls, the readings of its first day (its *edge*) are kept as they are, so that it can move on over
//! them; any other window has no edge.

use uphold_common::catalogue::model::WindowKind;
use uphold_common::measure::capacity::{CapacityFigures, LevelTimes, Utilisation, committed};
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::assignment::CAPACITY_REACH_MS;

use super::Asked;
use super::ranked::{LOOSE_MAX, Ranked};
use super::recent::{Recent, readings, walk};
use crate::store::{Store, StoreError};

/// How long the edge of a rolling window is.
const EDGE_MS: i64 = DAY_MS;
/// Most readings of an edge.
const EDGE_READINGS_MAX: usize = 6_000;
/// How much more could be settled before the window is settled anew.
const GROWN_MS: i64 = DAY_MS;

/// The settled part of a window, and the edge before it.
#[derive(Debug)]
pub(super) struct Settled {
    /// The readings of the edge, and the one before it that still speaks.
    edge: Vec<Utilisation>,
    edge_from: Instant,
    /// The settled part.
    part: Interval,
    times: LevelTimes,
    ranked: Ranked,
    /// The percentile as it was found last, with the numbers of readings of edge and recent part it was found among.
    found: Option<Percentile>,
}

#[derive(Clone, Copy, Debug)]
struct Percentile {
    edge: usize,
    recent: usize,
    ppb: Option<i64>,
}

impl Settled {
    /// Derives it; readings before `to` are settled.
    pub(super) fn derive(store: &dyn Store, asked: &Asked<'_>, to: Instant) -> Result<Self, StoreError> {
        let committed = committed(asked.entry, &asked.window);
        let to = to.min(committed.end).max(committed.start);
        let mut from = committed.start;
        let mut edge = Vec::new();
        if matches!(asked.window.kind, WindowKind::Rolling { .. }) {
            from = from.plus_ms(EDGE_MS).min(to);
            let span = Interval::new(committed.start.minus_ms(CAPACITY_REACH_MS), from);
            edge = readings(store, &asked.promise.resource, span)?;
            if let Some(beyond) = edge.get(EDGE_READINGS_MAX) {
                from = beyond.at.max(committed.start);
                edge.truncate(EDGE_READINGS_MAX);
            }
        }
        let part = Interval::new(from, to);
        let (times, shares) = sums(store, asked, part)?;
        let ranked = Ranked::of(shares, asked.promise.percentile);
        Ok(Self { edge, edge_from: committed.start, part, times, ranked, found: None })
    }

    /// What is left of it when readings from `at` on have changed: nothing of it, or all but the percentile.
    pub(super) fn touched_from(self, at: Instant) -> Option<Self> {
        (self.part.end <= at).then_some(Self { found: None, ..self })
    }

    /// How many readings it was derived from.
    pub(super) fn readings(&self) -> usize {
        self.edge.len().saturating_add(usize::try_from(self.ranked.n()).unwrap_or(usize::MAX))
    }

    /// Whether its recent part has become long.
    pub(super) fn has_grown(&self, recent: &Recent, as_of: Instant) -> bool {
        let loose = self.edge.len() + recent.within(Interval::new(self.part.end, as_of)).len();
        self.part.end < recent.settles_at(as_of).minus_ms(GROWN_MS) || loose > LOOSE_MAX - 1_000
    }

    /// The figures of the window; none if this is not the settled part of it, or `recent` does not go on from it.
    pub(super) fn figures(&mut self, asked: &Asked<'_>, recent: &Recent) -> Option<CapacityFigures> {
        let committed = committed(asked.entry, &asked.window);
        let fits = self.edge_from <= committed.start && committed.start <= self.part.start;
        if !fits || committed.end < self.part.end || !recent.covers(self.part.end) {
            return None;
        }
        let (head, tail) = (
            Interval::new(committed.start, self.part.start),
            Interval::new(self.part.end, committed.end.max(self.part.end)),
        );
        let thresholds = asked.promise.thresholds;
        let edge_times = LevelTimes::of(&self.edge, thresholds, head);
        let times = edge_times.plus(self.times).plus(LevelTimes::of(recent.all(), thresholds, tail));
        let edge = self.edge.get(self.edge.partition_point(|reading| reading.at < head.start)..).unwrap_or_default();
        let tail = recent.within(tail);
        let n = (edge.len() + tail.len()) as u64 + self.ranked.n();
        let known = self.found.filter(|found| (found.edge, found.recent) == (edge.len(), tail.len()));
        let ranked = |rank| match known {
            Some(known) => Ok(known.ppb),
            None => nth(&self.ranked, rank, edge, tail).map(Some).ok_or(TooMany),
        };
        let figures = CapacityFigures::of(asked.promise, asked.entry, asked.window, times, n, ranked).ok()?;
        self.found = Some(Percentile { edge: edge.len(), recent: tail.len(), ppb: figures.percentile_ppb });
        Some(figures)
    }
}

/// More readings have joined than were reckoned with.
struct TooMany;

fn nth(ranked: &Ranked, rank: u64, edge: &[Utilisation], tail: &[Utilisation]) -> Option<i64> {
    let mut loose: Vec<i64> = edge.iter().chain(tail).map(|reading| reading.ppb).collect();
    loose.sort_unstable();
    ranked.nth(rank, &loose)
}

/// The figures of a window out of the store alone.
pub(super) fn at_once(store: &dyn Store, asked: &Asked<'_>) -> Result<CapacityFigures, StoreError> {
    let committed = committed(asked.entry, &asked.window);
    let (times, shares) = sums(store, asked, committed)?;
    let n = shares.len() as u64;
    let ranked = Ranked::of(shares, asked.promise.percentile);
    CapacityFigures::of(asked.promise, asked.entry, asked.window, times, n, |rank| Ok(ranked.nth(rank, &[])))
}

/// How long each level lasted in `span`, and every share that was read in it.
fn sums(store: &dyn Store, asked: &Asked<'_>, span: Interval) -> Result<(LevelTimes, Vec<i64>), StoreError> {
    let (mut times, mut shares) = (LevelTimes::default(), Vec::new());
    walk(store, &asked.promise.resource, span, |part, day| {
        times = times.plus(LevelTimes::of(day, asked.promise.thresholds, part));
        shares.extend(day.iter().filter(|reading| part.contains(reading.at)).map(|reading| reading.ppb));
    })?;
    Ok((times, shares))
}
