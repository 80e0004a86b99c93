//! Section 12 of the rules: what the readings of a resource say of a window.
//!
//! A reading speaks for time as an observation does: from its instant to the next one, at most for its reach. Every
//! instant of the committed time is below the thresholds, at or above one of them, or not measured, and these add up.
//! Beside it stands the nearest-rank percentile of the readings made in the committed time; reached is crossed. There is
//! no float in it.
//!
//! Readings are given sorted, one of each instant (of two the higher counts), those before `as_of` only.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::model::{CapacityPromise, Threshold, Thresholds};
use crate::observation::Reading;
use crate::percent::{BILLION, Ppb, Ratio};
use crate::time::{Instant, Interval};
use crate::wire::assignment::CAPACITY_REACH_MS;

use super::agreed::length_ms;
use super::window::Window;

/// How much of a resource was in use when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utilisation {
    /// When it was read.
    pub at: Instant,
    /// The share in use, in parts per billion, cut; above a billion where more is in use than there is.
    pub ppb: i64,
}

impl From<&Reading> for Utilisation {
    fn from(reading: &Reading) -> Self {
        let parts = u128::from(reading.used) * u128::from(BILLION.unsigned_abs());
        // A limit of 0 is refused where readings come in; should there be one, all of it is in use.
        let cut = parts.checked_div(u128::from(reading.limit)).unwrap_or(u128::MAX);
        Self { at: reading.at, ppb: i64::try_from(cut).unwrap_or(i64::MAX) }
    }
}

/// What an instant is, by the reading that speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// No reading speaks for it.
    Unmeasured,
    /// Below every threshold.
    Below,
    /// At or above the warning, and below the critical threshold if there is one.
    Warning,
    /// At or above the critical threshold.
    Critical,
}

impl Level {
    /// The level of a share in use.
    pub fn of(ppb: i64, thresholds: Thresholds) -> Self {
        let reached = |threshold| thresholds.of(threshold).is_some_and(|at: Ppb| at.parts() <= ppb);
        match () {
            () if reached(Threshold::Critical) => Self::Critical,
            () if reached(Threshold::Warning) => Self::Warning,
            () => Self::Below,
        }
    }

    /// Whether `threshold` is reached; none while nobody knows.
    pub fn reaches(self, threshold: Threshold) -> Option<bool> {
        let least = match threshold {
            Threshold::Warning => Self::Warning,
            Threshold::Critical => Self::Critical,
        };
        (self != Self::Unmeasured).then_some(self >= least)
    }
}

/// Walks `span` from its start to its end in stretches of one level, as `readings` say. The reading before the span that
/// still speaks must be among them.
pub fn levels(readings: &[Utilisation], thresholds: Thresholds, span: Interval, mut each: impl FnMut(Interval, Level)) {
    let first = readings.partition_point(|reading| reading.at <= span.start).saturating_sub(1);
    let inside = readings.get(first..).unwrap_or_default();
    let mut at = span.start;
    for (place, reading) in inside.iter().enumerate().take_while(|(_, reading)| reading.at < span.end) {
        let next = inside.get(place + 1).map_or(Instant::MAX, |next| next.at);
        let speaks = Interval::new(reading.at, next.min(reading.at.plus_ms(CAPACITY_REACH_MS))).intersect(span);
        if speaks.is_empty() {
            continue;
        }
        if at < speaks.start {
            each(Interval::new(at, speaks.start), Level::Unmeasured);
        }
        each(speaks, Level::of(reading.ppb, thresholds));
        at = speaks.end;
    }
    if at < span.end {
        each(Interval::new(at, span.end), Level::Unmeasured);
    }
}

/// How long each level lasted, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelTimes {
    /// Not measured.
    pub unmeasured: i64,
    /// Below every threshold.
    pub below: i64,
    /// At or above the warning, below the critical threshold.
    pub warning: i64,
    /// At or above the critical threshold.
    pub critical: i64,
}

impl LevelTimes {
    /// What `readings` say of `span`.
    pub fn of(readings: &[Utilisation], thresholds: Thresholds, span: Interval) -> Self {
        let mut times = Self::default();
        levels(readings, thresholds, span, |interval, level| times.add(level, interval.len_ms()));
        times
    }

    /// What `readings` say of these intervals together.
    pub fn over(readings: &[Utilisation], thresholds: Thresholds, intervals: impl Iterator<Item = Interval>) -> Self {
        intervals.fold(Self::default(), |times, interval| times.plus(Self::of(readings, thresholds, interval)))
    }

    /// Adds a stretch.
    pub fn add(&mut self, level: Level, ms: i64) {
        let total = match level {
            Level::Unmeasured => &mut self.unmeasured,
            Level::Below => &mut self.below,
            Level::Warning => &mut self.warning,
            Level::Critical => &mut self.critical,
        };
        *total += ms;
    }

    /// These and those of another stretch.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            unmeasured: self.unmeasured + other.unmeasured,
            below: self.below + other.below,
            warning: self.warning + other.warning,
            critical: self.critical + other.critical,
        }
    }

    /// All of them together.
    pub const fn total(self) -> i64 {
        self.unmeasured + self.below + self.warning + self.critical
    }

    /// The time at or above `threshold`.
    pub const fn at_or_above(self, threshold: Threshold) -> i64 {
        match threshold {
            Threshold::Warning => self.warning + self.critical,
            Threshold::Critical => self.critical,
        }
    }
}

/// The readings made in these intervals, as shares.
pub fn shares_in(readings: &[Utilisation], intervals: impl Iterator<Item = Interval>) -> impl Iterator<Item = i64> {
    let place = |at| readings.partition_point(|reading| reading.at < at);
    let inside = move |interval: Interval| readings.get(place(interval.start)..place(interval.end));
    intervals.filter_map(inside).flatten().map(|reading| reading.ppb)
}

/// The nearest rank of a percentile among `n` values, counted from 1: `⌈p / 100 × n⌉`; none among none.
pub fn nearest_rank(percentile: Ppb, n: u64) -> Option<u64> {
    let whole = u128::from(BILLION.unsigned_abs());
    let rank = (u128::from(percentile.parts().unsigned_abs()) * u128::from(n)).div_ceil(whole);
    u64::try_from(rank).ok().filter(|rank| n > 0 && *rank > 0)
}

/// What the percentile says of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum CapacityState {
    /// Nothing was read.
    #[serde(rename = "no data")]
    NoData,
    /// Below every threshold.
    #[serde(rename = "ok")]
    Fine,
    /// At or above the warning.
    #[serde(rename = "warning")]
    Warning,
    /// At or above the critical threshold.
    #[serde(rename = "critical")]
    Critical,
}

impl CapacityState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NoData, Self::Fine, Self::Warning, Self::Critical];

    /// As the figures write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoData => "no data",
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    fn of(ppb: Option<i64>, thresholds: Thresholds) -> Self {
        match ppb.map(|ppb| Level::of(ppb, thresholds)) {
            None | Some(Level::Unmeasured) => Self::NoData,
            Some(Level::Below) => Self::Fine,
            Some(Level::Warning) => Self::Warning,
            Some(Level::Critical) => Self::Critical,
        }
    }
}

/// A target on capacity in one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapacityFigures {
    /// When.
    pub window: Window,
    /// The service's entry into the catalogue.
    pub entry: Instant,
    /// What is held against the thresholds.
    pub percentile: Ppb,
    /// What must not be reached.
    pub thresholds: Thresholds,
    /// How many readings were made in the committed time.
    pub n: u64,
    /// Which of them, from the lowest on, is the percentile.
    pub rank: Option<u64>,
    /// The percentile, in parts per billion.
    pub percentile_ppb: Option<i64>,
    /// What it says.
    pub state: CapacityState,
    /// What the committed time was; it adds up to it.
    pub times: LevelTimes,
}

impl CapacityFigures {
    /// The figures out of their parts: the committed time so far, and by level, the number of readings in it, and which
    /// of them has a rank.
    pub fn of<E>(
        promise: &CapacityPromise,
        entry: Instant,
        window: Window,
        committed: &[Interval],
        times: LevelTimes,
        n: u64,
        ranked: impl FnOnce(u64) -> Result<Option<i64>, E>,
    ) -> Result<Self, E> {
        debug_assert_eq!(times.total(), length_ms(committed), "the levels add up to the committed time");
        let rank = nearest_rank(promise.percentile, n);
        let percentile_ppb = match rank {
            Some(rank) => ranked(rank)?,
            None => None,
        };
        let (percentile, thresholds) = (promise.percentile, promise.thresholds);
        let state = CapacityState::of(percentile_ppb, thresholds);
        Ok(Self { window, entry, percentile, thresholds, n, rank, percentile_ppb, state, times })
    }

    /// The figures out of all readings of the window, and the one before it that still speaks; `committed` is the
    /// committed time of the window so far.
    pub fn measure(
        promise: &CapacityPromise,
        entry: Instant,
        window: Window,
        committed: &[Interval],
        readings: &[Utilisation],
    ) -> Self {
        let times = LevelTimes::over(readings, promise.thresholds, committed.iter().copied());
        let mut shares: Vec<i64> = shares_in(readings, committed.iter().copied()).collect();
        shares.sort_unstable();
        let ranked = |rank: u64| {
            let place = usize::try_from(rank - 1).unwrap_or(usize::MAX);
            Ok::<_, std::convert::Infallible>(shares.get(place).copied())
        };
        match Self::of(promise, entry, window, committed, times, shares.len() as u64, ranked) {
            Ok(figures) => figures,
            Err(never) => match never {},
        }
    }

    /// Whether late data alone can still change it.
    pub fn is_settled(&self) -> bool {
        self.window.is_settled(CAPACITY_REACH_MS)
    }

    /// The percentile as a percentage with two decimals, cut: `81.23`.
    pub fn percentile_percent(&self) -> Option<String> {
        Some(Ratio::new(self.percentile_ppb?, BILLION)?.percent(2))
    }

    /// The time at or above a threshold; none without one.
    pub fn above_ms(&self, threshold: Threshold) -> Option<i64> {
        self.thresholds.of(threshold).map(|_| self.times.at_or_above(threshold))
    }
}

/// The part of a window so far in which time can be committed: from the service's entry on.
pub fn since_entry(entry: Instant, window: &Window) -> Interval {
    let elapsed = window.elapsed();
    Interval::new(elapsed.start.max(entry), elapsed.end)
}

#[cfg(test)]
#[path = "capacity_tests.rs"]
mod tests;
