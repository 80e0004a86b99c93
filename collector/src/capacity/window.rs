//! The part of a window that late readings alone can change, or another committed time.
//!
//! Of a window that rolls, the readings of its first day (its *edge*) are kept as they are, so that it can move on over
//! them; any other window has no edge.

use uphold_common::catalogue::model::WindowKind;
use uphold_common::measure::agreed::within;
use uphold_common::measure::capacity::{CapacityFigures, LevelTimes, Utilisation, shares_in, since_entry};
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
    /// What of it is committed.
    committed: Vec<Interval>,
    times: LevelTimes,
    ranked: Ranked,
    /// The percentile as it was found last, with the numbers of readings of edge and recent part it was found among.
    found: Option<Percentile>,
}

#[derive(Debug)]
struct Percentile {
    edge: usize,
    recent: usize,
    committed: Vec<Interval>,
    ppb: Option<i64>,
}

impl Percentile {
    /// Whether this is still the percentile of so many readings of edge and recent part. The edge only loses readings and
    /// the recent part only gains some, so the same numbers are the same readings, unless other time is committed.
    fn is_of(&self, edge: usize, recent: usize, committed: &[Interval]) -> bool {
        let (Some(first), Some(last)) = (committed.first(), self.committed.last()) else {
            return (self.edge, self.recent) == (edge, recent) && self.committed.as_slice() == committed;
        };
        let common = Interval::new(first.start, last.end);
        (self.edge, self.recent) == (edge, recent) && within(committed, common).eq(within(&self.committed, common))
    }
}

impl Settled {
    /// Derives it; readings before `to` are settled.
    pub(super) fn derive(store: &dyn Store, asked: &Asked<'_>, to: Instant) -> Result<Self, StoreError> {
        let whole = since_entry(asked.entry, &asked.window);
        let to = to.min(whole.end).max(whole.start);
        let mut from = whole.start;
        let mut edge = Vec::new();
        if matches!(asked.window.kind, WindowKind::Rolling { .. }) {
            from = from.plus_ms(EDGE_MS).min(to);
            let span = Interval::new(whole.start.minus_ms(CAPACITY_REACH_MS), from);
            edge = readings(store, &asked.promise.resource, span)?;
            if let Some(beyond) = edge.get(EDGE_READINGS_MAX) {
                from = beyond.at.max(whole.start);
                edge.truncate(EDGE_READINGS_MAX);
            }
        }
        let part = Interval::new(from, to);
        let (times, shares) = sums(store, asked, part)?;
        let ranked = Ranked::of(shares, asked.promise.percentile);
        let committed = within(asked.committed, part).collect();
        Ok(Self { edge, edge_from: whole.start, part, committed, times, ranked, found: None })
    }

    /// What is left of it when readings from `at` on have changed: nothing of it, or all but the percentile.
    pub(super) fn touched_from(self, at: Instant) -> Option<Self> {
        (self.part.end <= at).then_some(Self { found: None, ..self })
    }

    /// From when on readings take part in it; the one that speaks when it begins may be a little older.
    pub(super) const fn from(&self) -> Instant {
        self.edge_from
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
        let whole = since_entry(asked.entry, &asked.window);
        let fits = self.edge_from <= whole.start && whole.start <= self.part.start;
        if !fits || whole.end < self.part.end || !recent.covers(self.part.end) {
            return None;
        }
        if !within(asked.committed, self.part).eq(self.committed.iter().copied()) {
            return None;
        }
        let (head, tail) =
            (Interval::new(whole.start, self.part.start), Interval::new(self.part.end, whole.end.max(self.part.end)));
        let (head, tail) = (|| within(asked.committed, head), || within(asked.committed, tail));
        let thresholds = asked.promise.thresholds;
        let edge_times = LevelTimes::over(&self.edge, thresholds, head());
        let times = edge_times.plus(self.times).plus(LevelTimes::over(recent.all(), thresholds, tail()));
        let (edge, newest) = (shares_in(&self.edge, head()).count(), shares_in(recent.all(), tail()).count());
        let n = (edge + newest) as u64 + self.ranked.n();
        let known = self.found.take().filter(|found| found.is_of(edge, newest, asked.committed));
        let ranked = |rank| {
            if let Some(known) = &known {
                return Ok(known.ppb);
            }
            let loose = shares_in(&self.edge, head()).chain(shares_in(recent.all(), tail())).collect();
            nth(&self.ranked, rank, loose).map(Some).ok_or(TooMany)
        };
        let figures =
            CapacityFigures::of(asked.promise, asked.entry, asked.window, asked.committed, times, n, ranked).ok()?;
        let (committed, ppb) = (asked.committed.to_vec(), figures.percentile_ppb);
        self.found = Some(Percentile { edge, recent: newest, committed, ppb });
        Some(figures)
    }
}

/// More readings have joined than were reckoned with.
struct TooMany;

fn nth(ranked: &Ranked, rank: u64, mut loose: Vec<i64>) -> Option<i64> {
    loose.sort_unstable();
    ranked.nth(rank, &loose)
}

/// The figures of a window out of the store alone.
pub(super) fn at_once(store: &dyn Store, asked: &Asked<'_>) -> Result<CapacityFigures, StoreError> {
    let (times, shares) = sums(store, asked, since_entry(asked.entry, &asked.window))?;
    let n = shares.len() as u64;
    let ranked = Ranked::of(shares, asked.promise.percentile);
    let nth = |rank| Ok(ranked.nth(rank, &[]));
    CapacityFigures::of(asked.promise, asked.entry, asked.window, asked.committed, times, n, nth)
}

/// How long each level lasted in the committed time of `span`, and every share that was read in it.
fn sums(store: &dyn Store, asked: &Asked<'_>, span: Interval) -> Result<(LevelTimes, Vec<i64>), StoreError> {
    let (mut times, mut shares) = (LevelTimes::default(), Vec::new());
    walk(store, &asked.promise.resource, span, |part, day| {
        let committed = || within(asked.committed, part);
        times = times.plus(LevelTimes::over(day, asked.promise.thresholds, committed()));
        shares.extend(shares_in(day, committed()));
    })?;
    Ok((times, shares))
}
