//! Roll-ups: what the rows of a stream come to in each hour of a UTC day, for graphs over long stretches. Pure.
//!
//! An hour without rows has no roll-up, so that a gap stays one. A row counts in the hour that its instant lies in; a
//! volume, which stands at the end of its stretch, in the hour in which that ends. Percentiles are nearest-rank: of `n`
//! durations in order the one at rank ⌈p·n/100⌉, exact. All numbers are whole, and sums that do not fit are the most
//! that does.
//!
//! Roll-ups may know more than the rows that are left: where what is kept of an hour is not what its merged rows come to, rows
//! of it were lost. Such an hour stays as it is kept, and late rows do not count in it, because together with what is
//! left they would come to less than there was, or count what is already counted. Hours that lost nothing, or are not
//! kept, are reckoned from all their rows.

use uphold_common::measure::capacity::Utilisation;
use uphold_common::observation::{Observation, Outcome, Reading, Volume};
use uphold_common::time::Instant;

use super::rows::{Block, Row, utilisation};
use super::stream::StreamKind;

/// An hour.
pub(super) const HOUR_MS: i64 = 3_600_000;

/// An hour of the attempts of a vantage point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeHour {
    /// When the hour begins.
    pub start: Instant,
    /// How many attempts were answered as expected.
    pub up: u64,
    /// How many were answered slowly.
    pub degraded: u64,
    /// How many were not answered as expected.
    pub down: u64,
    /// How many could not be made.
    pub unknown: u64,
    /// How long those took that have a duration; none if none has.
    pub durations: Option<Durations>,
}

/// How long attempts took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    /// How many there are.
    pub count: u64,
    /// All of them together.
    pub sum_us: u64,
    /// The shortest.
    pub min_us: u64,
    /// The one in the middle, by nearest rank.
    pub p50_us: u64,
    /// The one that 95 of 100 do not exceed, by nearest rank.
    pub p95_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// An hour of the readings of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityHour {
    /// When the hour begins.
    pub start: Instant,
    /// How many readings there are.
    pub readings: u64,
    /// The least that was in use.
    pub used_min: u64,
    /// The most that was in use.
    pub used_max: u64,
    /// What was in use at the last reading.
    pub used_last: u64,
    /// How much there was to use at the last reading.
    pub limit_last: u64,
    /// The highest utilisation, in billionths.
    pub peak_ppb: u64,
}

/// An hour of the volumes of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeHour {
    /// When the hour begins.
    pub start: Instant,
    /// How many volumes there are.
    pub volumes: u64,
    /// How much flowed.
    pub amount: u64,
    /// Over how long.
    pub over_ms: u64,
}

/// The hours of one stream that have rows, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Of a vantage point.
    Probe(Vec<ProbeHour>),
    /// Of a resource.
    Capacity(Vec<CapacityHour>),
    /// Of a flow.
    Volume(Vec<VolumeHour>),
}

impl Hours {
    /// No hours of this kind.
    pub(super) const fn empty(kind: StreamKind) -> Self {
        match kind {
            StreamKind::Probe => Self::Probe(Vec::new()),
            StreamKind::Capacity => Self::Capacity(Vec::new()),
            StreamKind::Volume => Self::Volume(Vec::new()),
        }
    }

    /// What rows come to, which are sorted and settled.
    pub(super) fn of(rows: &Block) -> Self {
        match rows {
            Block::Probe(rows) => Self::Probe(by_hour(rows, probe_hour)),
            Block::Capacity(rows) => Self::Capacity(by_hour(rows, capacity_hour)),
            Block::Volume(rows) => Self::Volume(by_hour(rows, volume_hour)),
        }
    }

    /// Which kind they are.
    pub(super) const fn kind(&self) -> StreamKind {
        match self {
            Self::Probe(_) => StreamKind::Probe,
            Self::Capacity(_) => StreamKind::Capacity,
            Self::Volume(_) => StreamKind::Volume,
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Probe(hours) => hours.len(),
            Self::Capacity(hours) => hours.len(),
            Self::Volume(hours) => hours.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// These, of all rows that are there, but for the hours in which `kept` is not what the `merged` rows come to: those stay.
    pub(super) fn beside(self, kept: Self, merged: &Self) -> Self {
        match (self, kept, merged) {
            (Self::Probe(all), Self::Probe(kept), Self::Probe(merged)) => {
                Self::Probe(beside(all, kept, merged, |hour| hour.start))
            }
            (Self::Capacity(all), Self::Capacity(kept), Self::Capacity(merged)) => {
                Self::Capacity(beside(all, kept, merged, |hour| hour.start))
            }
            (Self::Volume(all), Self::Volume(kept), Self::Volume(merged)) => {
                Self::Volume(beside(all, kept, merged, |hour| hour.start))
            }
            (all, ..) => all,
        }
    }

    /// When each of them begins.
    pub(super) fn starts(&self) -> Vec<Instant> {
        match self {
            Self::Probe(hours) => hours.iter().map(|hour| hour.start).collect(),
            Self::Capacity(hours) => hours.iter().map(|hour| hour.start).collect(),
            Self::Volume(hours) => hours.iter().map(|hour| hour.start).collect(),
        }
    }

    /// Adds the hours of the same kind that begin at an instant that is `wanted`.
    pub(super) fn take_from(&mut self, other: Self, wanted: impl Fn(Instant) -> bool) {
        match (self, other) {
            (Self::Probe(hours), Self::Probe(more)) => hours.extend(more.into_iter().filter(|h| wanted(h.start))),
            (Self::Capacity(hours), Self::Capacity(more)) => hours.extend(more.into_iter().filter(|h| wanted(h.start))),
            (Self::Volume(hours), Self::Volume(more)) => hours.extend(more.into_iter().filter(|h| wanted(h.start))),
            _ => {}
        }
    }
}

fn beside<T: PartialEq>(all: Vec<T>, kept: Vec<T>, merged: &[T], start: impl Fn(&T) -> Instant) -> Vec<T> {
    let kept: Vec<T> = kept.into_iter().filter(|hour| !merged.contains(hour)).collect();
    let taken: Vec<T> = all.into_iter().filter(|hour| !kept.iter().any(|one| start(one) == start(hour))).collect();
    let mut hours: Vec<T> = kept.into_iter().chain(taken).collect();
    hours.sort_by_key(start);
    hours
}

/// When the hour begins that an instant lies in.
fn hour_of(at: Instant) -> Instant {
    Instant::from_ms(at.as_ms().div_euclid(HOUR_MS) * HOUR_MS)
}

fn by_hour<R: Row, T>(rows: &[R], roll_up: impl Fn(Instant, &[R]) -> Option<T>) -> Vec<T> {
    let same = |a: &R, b: &R| hour_of(a.at()) == hour_of(b.at());
    let roll_up = |rows: &[R]| rows.first().and_then(|first| roll_up(hour_of(first.at()), rows));
    rows.chunk_by(same).filter_map(roll_up).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "as the other two kinds")]
fn probe_hour(start: Instant, rows: &[Observation]) -> Option<ProbeHour> {
    let (mut up, mut degraded, mut down, mut unknown) = (0, 0, 0, 0);
    for row in rows {
        *match row.outcome {
            Outcome::Up => &mut up,
            Outcome::Degraded => &mut degraded,
            Outcome::Down => &mut down,
            Outcome::Unknown => &mut unknown,
        } += 1;
    }
    let durations = durations(rows.iter().filter_map(|row| row.total.get()).collect());
    Some(ProbeHour { start, up, degraded, down, unknown, durations })
}

fn durations(mut all: Vec<u64>) -> Option<Durations> {
    let (min_us, max_us) = (*all.iter().min()?, *all.iter().max()?);
    let sum_us = all.iter().fold(0, |sum: u64, one| sum.saturating_add(*one));
    let count = all.len();
    let place = |percent: usize| (count * percent).div_ceil(100).saturating_sub(1);
    // What lies below the one at a rank is all that the lower rank is looked for in.
    let (below, p95_us, _) = all.select_nth_unstable(place(95));
    let p95_us = *p95_us;
    let middle = place(50);
    let p50_us = if middle < below.len() { *below.select_nth_unstable(middle).1 } else { p95_us };
    Some(Durations { count: count as u64, sum_us, min_us, p50_us, p95_us, max_us })
}

fn capacity_hour(start: Instant, rows: &[Reading]) -> Option<CapacityHour> {
    let last = rows.last()?;
    let peak = rows.iter().max_by(|a, b| utilisation(a, b))?;
    Some(CapacityHour {
        start,
        readings: rows.len() as u64,
        used_min: rows.iter().map(|row| row.used).min()?,
        used_max: rows.iter().map(|row| row.used).max()?,
        used_last: last.used,
        limit_last: last.limit,
        peak_ppb: u64::try_from(Utilisation::from(peak).ppb).unwrap_or_default(),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "as the other two kinds")]
fn volume_hour(start: Instant, rows: &[Volume]) -> Option<VolumeHour> {
    let amount = rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.amount));
    let over_ms = rows.iter().map(|row| u64::from(row.over_ms)).sum();
    Some(VolumeHour { start, volumes: rows.len() as u64, amount, over_ms })
}
