//! What is kept for how long: a length for each kind, and a bound on the bytes of the whole store.
//!
//! ```yaml
//! retention:
//!   raw: 400d         # rows: every observation, reading and volume
//!   states: 1830d     # what they say, day by day: figures of availability need no more
//!   incidents: 1830d  # once they are resolved
//!   records: 1830d    # who did what, messages that were given up, revisions of closed windows
//!   bytes: 20GiB      # of the whole store; beyond it the oldest rows go
//! ```
//!
//! This file decides, [`crate::engine`] does it. Rows go by whole UTC days, the oldest first, one at a time, and only once
//! no day that they decide can change any more. What accepts late data relies on it: a row that is younger than `raw`
//! finds everything that it needs to count. Today and yesterday never go.
//!
//! Time is what the rows say it is as much as what the clock says: a clock that leaps ahead by a year forgets nothing.

use uphold_common::time::{DAY_MS, Instant};
use uphold_common::yaml::problem::Read;
use uphold_common::yaml::scalars::exact_duration;
use uphold_common::yaml::walk::At;

/// The longest that can be said.
const LENGTH_MS_MAX: i64 = 3_653 * DAY_MS;
/// Rows are kept at least so long.
const RAW_MS_MIN: i64 = 7 * DAY_MS;
/// Everything else at least so long: the page shows 90 days, and incidents are decided by the last 35.
const OTHERS_MS_MIN: i64 = 92 * DAY_MS;
/// The least bound on bytes: below it the database alone might take all of it.
const BYTES_MIN: u64 = 256 << 20;
/// The largest.
const BYTES_MAX: u64 = 1 << 50;
/// How far the clock may be ahead of the newest row before it is no longer followed.
const AHEAD_OF_ROWS_MS: i64 = 2 * DAY_MS;

/// How long each kind is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Rows.
    pub raw_ms: i64,
    /// States, by vantage point and day.
    pub states_ms: i64,
    /// Incidents, from when they were resolved.
    pub incidents_ms: i64,
    /// Deeds, dead letters and revisions.
    pub records_ms: i64,
    /// How many bytes the store may take; none: as many as it takes.
    pub bytes_max: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        let five_years = 1_830 * DAY_MS;
        Self {
            raw_ms: 400 * DAY_MS,
            states_ms: five_years,
            incidents_ms: five_years,
            records_ms: five_years,
            bytes_max: None,
        }
    }
}

/// What of the store decides which rows go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The first and the last day that have rows.
    pub days: Option<(i32, i32)>,
    /// What the store takes on disk.
    pub bytes: u64,
    /// How far from a row a state may lie that it decides, at most.
    pub context_ms: i64,
}

/// Which rows go now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// None.
    Stay,
    /// Those of this day, the first that has any: they are old, or there are too many bytes.
    Go(i32),
    /// None, though there are too many bytes: only what must not go is left.
    Stuck,
}

impl Retention {
    /// Everything is kept for ever.
    pub const fn endless() -> Self {
        let ms = i64::MAX;
        Self { raw_ms: ms, states_ms: ms, incidents_ms: ms, records_ms: ms, bytes_max: None }
    }

    /// Reads the section `retention` of the configuration.
    pub fn read(at: &At<'_>) -> Read<Self> {
        let default = Self::default();
        at.mapping(|keys| {
            let length = |key, default, least| keys.or(key, default, |at| at.duration_ms(least..=LENGTH_MS_MAX));
            let raw_ms = length("raw", default.raw_ms, RAW_MS_MIN);
            let states_ms = length("states", default.states_ms, OTHERS_MS_MIN);
            let incidents_ms = length("incidents", default.incidents_ms, OTHERS_MS_MIN);
            let records_ms = length("records", default.records_ms, OTHERS_MS_MIN);
            let bytes_max = keys.optional("bytes", |at| at.bytes(BYTES_MIN..=BYTES_MAX))?;
            let read = Self {
                raw_ms: raw_ms?,
                states_ms: states_ms?,
                incidents_ms: incidents_ms?,
                records_ms: records_ms?,
                bytes_max,
            };
            for (key, length_ms) in [("states", read.states_ms), ("incidents", read.incidents_ms)] {
                if length_ms < read.raw_ms {
                    return Err(keys.at().problem(format!(
                        "{key} is shorter than raw, {}: what rows say is kept at least as long as they are",
                        exact_duration(read.raw_ms)
                    )));
                }
            }
            Ok(read)
        })
    }

    /// The present, as far as the rows vouch for it; none while there are none.
    pub fn present(now: Instant, held: &Held) -> Option<Instant> {
        let (_, last) = held.days?;
        Some(now.min(start_of(last).plus_ms(AHEAD_OF_ROWS_MS)))
    }

    /// Which rows go at `now`.
    pub fn rows(&self, now: Instant, held: &Held) -> Rows {
        let (Some((first, _)), Some(present)) = (held.days, Self::present(now, held)) else { return Rows::Stay };
        let too_large = self.bytes_max.is_some_and(|most| held.bytes > most);
        let day = i64::from(first);
        if day < self.first_day(present, held.context_ms) {
            return Rows::Go(first);
        }
        match (too_large, day < present.utc_day() - 1 && last_decided(first, held.context_ms) < settled(present, held))
        {
            (false, _) => Rows::Stay,
            (true, true) => Rows::Go(first),
            (true, false) => Rows::Stuck,
        }
    }

    /// The first day whose rows are kept at `present`: a row that is younger than `raw` lies so far after it that
    /// every day which it may change can be derived anew.
    fn first_day(&self, present: Instant, context_ms: i64) -> i64 {
        present.minus_ms(self.raw_ms).minus_ms(context_ms).minus_ms(context_ms).minus_ms(DAY_MS).utc_day()
    }
}

/// The last day that rows of `day` decide.
pub fn last_decided(day: i32, context_ms: i64) -> i64 {
    start_of(day).plus_ms(DAY_MS).plus_ms(context_ms).utc_day()
}

/// The first day that may still change.
fn settled(present: Instant, held: &Held) -> i64 {
    present.minus_ms(held.context_ms).utc_day()
}

/// From when on rows are taken, where those before `raw_from` were forgotten: what was kept of earlier days stands.
pub fn takes_from(raw_from: Option<i32>, context_ms: i64) -> Instant {
    let Some(raw_from) = raw_from else { return Instant::MIN };
    let whole = start_of(raw_from).plus_ms(context_ms).minus_ms(1).utc_day() + 1;
    Instant::from_ms(whole.saturating_mul(DAY_MS)).plus_ms(context_ms)
}

/// Midnight at the beginning of a day.
pub fn start_of(day: i32) -> Instant {
    Instant::from_ms(i64::from(day).saturating_mul(DAY_MS))
}

/// What was forgotten since the collector started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Days of rows.
    pub raw: u64,
    /// Days of states, of one vantage point each.
    pub states: u64,
    /// Incidents.
    pub incidents: u64,
    /// Deeds, dead letters and revisions.
    pub records: u64,
}

/// How forgetting goes, as it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionSnapshot {
    /// Before when rows, states, incidents and records are let go; none where nothing is.
    pub before: [Option<Instant>; 4],
    /// What was forgotten.
    pub forgotten: Forgotten,
    /// How many bytes the store may take.
    pub bytes_max: Option<u64>,
    /// Since when it takes more and nothing may go any more.
    pub stuck_since: Option<Instant>,
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
