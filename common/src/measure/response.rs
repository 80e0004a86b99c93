//! Section 11 of the rules: how soon a probe was answered, over the observations of its vantage points together.
//!
//! What counts are the observations of committed time whose reported outcome, before confirmation, was `up` or
//! `degraded`, with their durations in whole microseconds. The others are counted beside them. A percentile is the nearest
//! rank and exact, and kept by a duration of the bound itself; there is no float in it.
//!
//! Of a million durations the one of a rank is found in two passes ([`Coarse`], then [`Fine`]), so that they need not be in
//! memory together. Observations are given settled, those before `as_of` only.

use crate::catalogue::model::{ResponseBound, ResponsePromise};
use crate::observation::{Micros, Observation, Outcome};
use crate::percent::{BILLION, Ppb};
use crate::time::{Instant, Interval};

use super::availability::Verdict;
use super::capacity::nearest_rank;
use super::window::Window;

/// What was observed, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Observations that count.
    pub n: u64,
    /// Of them, those that took no longer than promised.
    pub within: u64,
    /// Those reported `down`.
    pub failed: u64,
    /// Those reported `unknown`.
    pub unknown: u64,
    /// Those that were answered, and say not how soon.
    pub no_duration: u64,
}

impl Tally {
    /// Counts an observation, and tells how long it took if it is one of those that count.
    pub fn count(&mut self, outcome: Outcome, total: Micros, promise: &ResponsePromise) -> Option<u32> {
        let counter = match (outcome, total.get()) {
            (Outcome::Down, _) => &mut self.failed,
            (Outcome::Unknown, _) => &mut self.unknown,
            (Outcome::Up | Outcome::Degraded, None) => &mut self.no_duration,
            (Outcome::Up | Outcome::Degraded, Some(us)) => {
                self.n += 1;
                self.within += u64::from(u64::try_from(promise.below_us).is_ok_and(|below| us <= below));
                return u32::try_from(us).ok();
            }
        };
        *counter += 1;
        None
    }

    /// These and others.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            within: self.within + other.within,
            failed: self.failed + other.failed,
            unknown: self.unknown + other.unknown,
            no_duration: self.no_duration + other.no_duration,
        }
    }
}

/// A target on response time in one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseFigures {
    /// What was promised.
    pub promise: ResponsePromise,
    /// When.
    pub window: Window,
    /// Whether confirmation can still change what the service was.
    pub settled: bool,
    /// The service's entry into the catalogue.
    pub entry: Instant,
    /// What was observed.
    pub tally: Tally,
    /// Of a percentile, which observation it is, counted from the quickest.
    pub rank: Option<u64>,
    /// How long that one took, in microseconds.
    pub value_us: Option<u32>,
    /// Whether the promise was kept.
    pub verdict: Verdict,
}

/// Where and when a target on response time is measured.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// What was promised.
    pub promise: &'a ResponsePromise,
    /// When.
    pub window: Window,
    /// Whether confirmation can still change what the service was.
    pub settled: bool,
    /// The service's entry into the catalogue.
    pub entry: Instant,
}

impl ResponseFigures {
    /// The figures out of what was counted; `ranked` finds how long the observation of a rank took.
    pub fn of<E>(
        asked: &Asked<'_>,
        tally: Tally,
        ranked: impl FnOnce(u64) -> Result<Option<u32>, E>,
    ) -> Result<Self, E> {
        let rank = match asked.promise.bound {
            ResponseBound::Percentile(percentile) => nearest_rank(percentile, tally.n),
            ResponseBound::Share(_) => None,
        };
        let value_us = match rank {
            Some(rank) => ranked(rank)?,
            None => None,
        };
        // The observation of a rank is quick enough exactly when at least so many are.
        let kept = match (asked.promise.bound, rank) {
            (ResponseBound::Percentile(_), rank) => rank.is_some_and(|rank| tally.within >= rank),
            (ResponseBound::Share(share), _) => is_share(tally.within, tally.n, share),
        };
        let verdict = match (tally.n, kept) {
            (0, _) => Verdict::NoData,
            (_, true) => Verdict::Met,
            (_, false) => Verdict::Breached,
        };
        let Asked { promise, window, settled, entry } = *asked;
        Ok(Self { promise: promise.clone(), window, settled, entry, tally, rank, value_us, verdict })
    }

    /// The figures out of all observations, of which those in committed time count.
    pub fn measure<'a>(
        asked: &Asked<'_>,
        committed: &[Interval],
        observations: impl IntoIterator<Item = &'a Observation>,
    ) -> Self {
        let mut tally = Tally::default();
        let inside = observations.into_iter().filter(|one| is_within(committed, one.at));
        let mut durations: Vec<u32> =
            inside.filter_map(|one| tally.count(one.outcome, one.total, asked.promise)).collect();
        durations.sort_unstable();
        let ranked = |rank: u64| {
            let place = usize::try_from(rank - 1).unwrap_or(usize::MAX);
            Ok::<_, std::convert::Infallible>(durations.get(place).copied())
        };
        match Self::of(asked, tally, ranked) {
            Ok(figures) => figures,
            Err(never) => match never {},
        }
    }
}

/// Whether `at` lies in one of `intervals`, which are in order and apart.
pub fn is_within(intervals: &[Interval], at: Instant) -> bool {
    let place = intervals.partition_point(|interval| interval.end <= at);
    intervals.get(place).is_some_and(|interval| interval.contains(at))
}

/// `within ≥ share × n`
fn is_share(within: u64, n: u64, share: Ppb) -> bool {
    let share = u128::from(share.parts().unsigned_abs());
    u128::from(within) * u128::from(BILLION.unsigned_abs()) >= share * u128::from(n)
}

/// How many values a half of 16 bits has.
const HALVES: usize = 1 << 16;

/// The first pass: how many durations there are of each upper half.
#[derive(Clone, Debug)]
pub struct Coarse {
    counts: Vec<u64>,
}

impl Default for Coarse {
    fn default() -> Self {
        Self { counts: vec![0; HALVES] }
    }
}

impl Coarse {
    /// Takes notice of a duration.
    pub fn add(&mut self, us: u32) {
        if let Some(count) = self.counts.get_mut((us >> 16) as usize) {
            *count += 1;
        }
    }

    /// The second pass for the durations of the ranks from `first` to `last`, counted from 1.
    pub fn fine(&self, first: u64, last: u64) -> Fine {
        let (low, skipped) = self.half_of(first);
        let (high, _) = self.half_of(last);
        let (below, above) = (vec![0; HALVES], vec![0; HALVES]);
        Fine { low, high, below, between: Vec::new(), above, skip: first.saturating_sub(skipped + 1), first, last }
    }

    /// The upper half of the duration of a rank, and how many durations have a lower one.
    fn half_of(&self, rank: u64) -> (u32, u64) {
        let mut before = 0;
        for (half, count) in (0_u32..).zip(&self.counts) {
            if before + count >= rank {
                return (half, before);
            }
            before += count;
        }
        (u32::MAX, before)
    }
}

/// The second pass: the durations of some ranks in order, out of all of them once more.
#[derive(Clone, Debug)]
pub struct Fine {
    low: u32,
    high: u32,
    below: Vec<u64>,
    between: Vec<u32>,
    above: Vec<u64>,
    skip: u64,
    first: u64,
    last: u64,
}

impl Fine {
    /// Takes notice of a duration.
    pub fn add(&mut self, us: u32) {
        let (half, rest) = (us >> 16, (us & 0xffff) as usize);
        let counter = match half {
            half if half == self.low => self.below.get_mut(rest),
            half if half == self.high => self.above.get_mut(rest),
            half if self.low < half && half < self.high => {
                self.between.push(us);
                return;
            }
            _ => return,
        };
        if let Some(counter) = counter {
            *counter += 1;
        }
    }

    /// The durations of the ranks, in order; fewer where there are no more.
    pub fn durations(mut self) -> Vec<u32> {
        let wanted = usize::try_from((self.last + 1).saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.between.sort_unstable();
        let counted = |half: u32, counts: Vec<u64>| {
            let repeated = move |(rest, count): (u32, u64)| (0..count).map(move |_| (half << 16) | rest);
            (0_u32..).zip(counts).filter(|(_, count)| *count > 0).flat_map(repeated)
        };
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
        let all = counted(self.low, self.below).chain(self.between).chain(counted(self.high, self.above));
        all.skip(skip).take(wanted).collect()
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
