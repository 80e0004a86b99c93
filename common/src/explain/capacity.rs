//! What the use of a resource is made of: which readings lie at the rank, which were the highest, and the stretches of
//! committed time below, at or above the thresholds, and not measured.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::model::{CapacityPromise, Threshold};
use crate::ids::Id;
use crate::measure::capacity::{CapacityFigures, CapacityState, Level, LevelTimes, Utilisation, levels};
use crate::observation::Resource;
use crate::percent::Ppb;
use crate::time::{Instant, Interval};

use super::{AT_RANK_MAX, HIGHEST_MAX, STRETCHES_MAX};

/// A reading: when, and the share in use in parts per billion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Read {
    /// When it was read.
    pub at_ms: Instant,
    /// The share in use.
    pub ppb: i64,
}

impl From<Utilisation> for Read {
    fn from(reading: Utilisation) -> Self {
        Self { at_ms: reading.at, ppb: reading.ppb }
    }
}

/// How long each level lasted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Times {
    /// Not measured.
    pub unmeasured: i64,
    /// Below every threshold.
    pub below: i64,
    /// At or above the warning, below the critical threshold.
    pub warning: i64,
    /// At or above the critical threshold.
    pub critical: i64,
}

impl From<LevelTimes> for Times {
    fn from(times: LevelTimes) -> Self {
        let LevelTimes { unmeasured, below, warning, critical } = times;
        Self { unmeasured, below, warning, critical }
    }
}

/// A stretch of committed time on one level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LevelStretch {
    /// When it begins.
    pub start_ms: Instant,
    /// The first instant after it.
    pub end_ms: Instant,
    /// How long it is.
    pub length_ms: i64,
    /// Its level.
    pub level: Level,
    /// How many readings were made in it.
    pub readings: u64,
    /// The highest of these; null without one.
    pub highest: Option<Read>,
}

/// What is not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LevelsLeftOut {
    /// How many stretches.
    pub stretches: u64,
    /// Where the first of them begins.
    pub from_ms: Option<Instant>,
    /// How long they are, by level.
    pub times: Times,
}

/// What the use of a resource is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CapacityMade {
    /// The host.
    pub host: Id,
    /// The resource.
    #[schema(value_type = String)]
    pub resource: Resource,
    /// Which one of its kind.
    pub of: String,
    /// Which percentile is held against the thresholds.
    pub percentile: String,
    /// The warning, if there is one.
    pub warning_ppb: Option<i64>,
    /// The critical threshold, if there is one.
    pub critical_ppb: Option<i64>,
    /// How many readings count.
    pub n: u64,
    /// Which of them is the percentile, from the lowest.
    pub rank: Option<u64>,
    /// What it says.
    pub percentile_ppb: Option<i64>,
    /// What that comes to.
    pub state: CapacityState,
    /// How many readings that count were lower than the percentile.
    pub lower: u64,
    /// Those that are exactly as high: the one of the rank is among them.
    pub at_rank: Vec<Read>,
    /// How many more are exactly as high.
    pub at_rank_left_out: u64,
    /// The highest that count, the highest first.
    pub highest: Vec<Read>,
    /// The stretches of committed time, in order.
    pub stretches: Vec<LevelStretch>,
    /// What is not listed.
    pub left_out: LevelsLeftOut,
    /// How long the levels lasted in the figure.
    pub figure: Times,
    /// The committed time so far.
    pub committed_ms: i64,
    /// Whether the stretches that are listed and left out are the figure, and the rank lies among the readings named.
    pub adds_up: bool,
}

impl CapacityMade {
    /// What figures are made of, before a reading was looked at.
    pub fn of(figures: &CapacityFigures, promise: &CapacityPromise) -> Self {
        let at = |threshold| figures.thresholds.of(threshold).map(Ppb::parts);
        Self {
            host: promise.resource.host.clone(),
            resource: promise.resource.resource,
            of: promise.resource.of.clone(),
            percentile: figures.percentile.to_string(),
            warning_ppb: at(Threshold::Warning),
            critical_ppb: at(Threshold::Critical),
            n: figures.n,
            rank: figures.rank,
            percentile_ppb: figures.percentile_ppb,
            state: figures.state,
            lower: 0,
            at_rank: Vec::new(),
            at_rank_left_out: 0,
            highest: Vec::new(),
            stretches: Vec::new(),
            left_out: LevelsLeftOut::default(),
            figure: figures.times.into(),
            committed_ms: figures.times.total(),
            adds_up: false,
        }
    }

    /// Takes notice of `part` of the committed time; `readings` are those in it and the one before that still speaks. Parts
    /// come in order.
    pub fn look(&mut self, promise: &CapacityPromise, readings: &[Utilisation], part: Interval) {
        levels(readings, promise.thresholds, part, |interval, level| self.stretch(interval, level));
        let place = |at| readings.partition_point(|reading| reading.at < at);
        for reading in readings.get(place(part.start)..place(part.end)).into_iter().flatten() {
            self.take(*reading);
        }
    }

    fn stretch(&mut self, interval: Interval, level: Level) {
        let is_room = self.stretches.len() < STRETCHES_MAX;
        match self.stretches.last_mut() {
            Some(last) if last.level == level && last.end_ms == interval.start && self.left_out.stretches == 0 => {
                last.end_ms = interval.end;
                last.length_ms += interval.len_ms();
            }
            _ if is_room => self.stretches.push(LevelStretch {
                start_ms: interval.start,
                end_ms: interval.end,
                length_ms: interval.len_ms(),
                level,
                readings: 0,
                highest: None,
            }),
            _ => {
                self.left_out.stretches += 1;
                self.left_out.from_ms.get_or_insert(interval.start);
                self.left_out.times = plus(self.left_out.times, level, interval.len_ms());
            }
        }
    }

    fn take(&mut self, reading: Utilisation) {
        let read = Read::from(reading);
        match self.percentile_ppb {
            Some(ppb) if reading.ppb == ppb && self.at_rank.len() < AT_RANK_MAX => self.at_rank.push(read),
            Some(ppb) if reading.ppb == ppb => self.at_rank_left_out += 1,
            Some(ppb) if reading.ppb < ppb => self.lower += 1,
            _ => {}
        }
        let place = self.highest.partition_point(|high| high.ppb >= reading.ppb);
        if place < HIGHEST_MAX {
            self.highest.insert(place, read);
            self.highest.truncate(HIGHEST_MAX);
        }
        let of = self.stretches.partition_point(|stretch| stretch.end_ms <= reading.at);
        if let Some(stretch) = self.stretches.get_mut(of).filter(|stretch| stretch.start_ms <= reading.at) {
            stretch.readings += 1;
            stretch.highest = stretch.highest.filter(|high| high.ppb >= reading.ppb).or(Some(read));
        }
    }

    /// Says whether it adds up, once everything was looked at.
    #[must_use]
    pub fn summed(mut self) -> Self {
        self.adds_up = self.is_sum();
        self
    }

    fn is_sum(&self) -> bool {
        let sum = |sum, stretch: &LevelStretch| plus(sum, stretch.level, stretch.end_ms.since_ms(stretch.start_ms));
        let times = self.stretches.iter().fold(self.left_out.times, sum);
        let at_rank = self.at_rank.len() as u64 + self.at_rank_left_out;
        let is_among = |rank: u64| self.lower < rank && rank <= self.lower + at_rank;
        let Times { unmeasured, below, warning, critical } = times;
        times == self.figure
            && unmeasured + below + warning + critical == self.committed_ms
            && self.rank.is_none_or(is_among)
    }

    pub(super) fn broken(&self) -> Option<String> {
        let sound = self.adds_up && self.is_sum();
        (!sound).then(|| "the stretches and readings do not add up to the use of the resource".to_owned())
    }
}

const fn plus(mut times: Times, level: Level, ms: i64) -> Times {
    let of_level = match level {
        Level::Unmeasured => &mut times.unmeasured,
        Level::Below => &mut times.below,
        Level::Warning => &mut times.warning,
        Level::Critical => &mut times.critical,
    };
    *of_level += ms;
    times
}
