//! A settled day of a vantage point as it is kept: run-length stretches, and the rules they were derived by.
//!
//! ```text
//! key    "service/probe" 0 "agent" 0 day (8 bytes, big endian, sign flipped so that days are in order)
//! value  frame "UPHs" version 1, holding MessagePack:
//!        { reach_ms, fall, rise, stretches: [(length in ms, state's number), …], then: [(from in ms, reach_ms, fall, rise), …] }
//! ```
//!
//! Where the rules changed so close to the day that the change has a part in it, `then` says from when on which others hold;
//! else it is left out.
//!
//! Stretches of other rules than those in force, and damaged ones, are as if they were not kept: they are derived again.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};
use uphold_common::ids::VantagePoint;
use uphold_common::measure::law::{Step, VantageLaw};
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::vantage::VantageRules;
use uphold_common::observation::State;
use uphold_common::time::{Instant, Interval};
use uphold_common::wire::frame::{self, Compression, Magic};
use uphold_common::wire::pack;

use super::day_interval;
use crate::store::{KeyRange, Record, RecordChange, RecordKind, Store, StoreError};

const STRETCHES: Magic = Magic(*b"UPHs");
const VERSION: u16 = 1;
/// A day has at most so many bytes of stretches, enough for one each second: a day of more is not kept, and is unmeasured
/// once its observations are forgotten.
const BYTES_MAX: usize = 1024 * 1024;

/// What is longer is compressed.
const PLAIN_BYTES_MAX: usize = 512;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Day {
    reach_ms: i64,
    fall: u32,
    rise: u32,
    stretches: Vec<(i64, u8)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    then: Vec<(i64, i64, u32, u32)>,
}

impl Day {
    /// By which rules it was derived.
    fn law(&self) -> Option<VantageLaw> {
        let step = |from, reach_ms, fall, rise| Step { from, rules: VantageRules { reach_ms, fall, rise } };
        let first = step(Instant::MIN, self.reach_ms, self.fall, self.rise);
        let then =
            self.then.iter().map(|(from, reach, fall, rise)| step(Instant::from_ms(*from), *reach, *fall, *rise));
        VantageLaw::of(std::iter::once(first).chain(then))
    }
}

/// The kept days from `first` to `last` that were derived by these rules and are sound.
pub fn kept(
    store: &dyn Store,
    point: &VantagePoint,
    first: i64,
    last: i64,
    law: &VantageLaw,
) -> Result<BTreeMap<i64, Timeline>, StoreError> {
    let records = store.records(RecordKind::Stretches, &days(point, first, last), usize::MAX)?;
    let sound = |(key, value): Record| {
        let day = day_of(&key)?;
        Some((day, read(&value, day, law)?))
    };
    Ok(records.into_iter().filter_map(sound).collect())
}

/// The newest day that is kept, by whatever rules.
pub fn newest(store: &dyn Store, point: &VantagePoint) -> Result<Option<i64>, StoreError> {
    let newest = store.records(RecordKind::Stretches, &days(point, i64::MIN, i64::MAX).reversed(), 1)?;
    Ok(newest.first().and_then(|(key, _)| day_of(key)))
}

/// The change that keeps a day.
pub fn change(
    point: &VantagePoint,
    day: i64,
    law: &VantageLaw,
    timeline: &Timeline,
) -> Result<RecordChange, StoreError> {
    let stretches = timeline.stretches().iter().map(|s| (s.interval.len_ms(), s.state as u8)).collect();
    let law = law.deciding(day_interval(day));
    let VantageRules { reach_ms, fall, rise } = law.at(Instant::MIN);
    let later = law.steps().iter().skip(1);
    let then = later.map(|Step { from, rules }| (from.as_ms(), rules.reach_ms, rules.fall, rules.rise)).collect();
    let packed = Day { reach_ms, fall, rise, stretches, then };
    let damaged = |reason: String| StoreError::Corrupt { place: format!("day {day} of {point}"), reason };
    let content = pack::pack(&packed).map_err(|error| damaged(error.to_string()))?;
    // Most days are a stretch or two: to set up the compression would cost more than all the rest.
    let compression = if content.len() > PLAIN_BYTES_MAX { Compression::Zstd } else { Compression::Plain };
    let sealed = frame::seal(STRETCHES, VERSION, compression, &content);
    // A day of so many stretches is derived each time it is asked for.
    let value = sealed.ok().filter(|value| value.len() <= BYTES_MAX && content.len() <= BYTES_MAX);
    Ok(RecordChange { kind: RecordKind::Stretches, key: key(point, day), value })
}

/// The keys of the days from `first` to `last`.
pub fn days(point: &VantagePoint, first: i64, last: i64) -> KeyRange {
    KeyRange { start: Bound::Included(key(point, first)), end: Bound::Included(key(point, last)), newest_first: false }
}

fn read(value: &[u8], day: i64, law: &VantageLaw) -> Option<Timeline> {
    let content = frame::open(STRETCHES, VERSION, BYTES_MAX, value).ok()?;
    let kept: Day = pack::unpack(&content).ok()?;
    let span = day_interval(day);
    if kept.law()? != law.deciding(span) {
        return None;
    }
    let mut timeline = Timeline::default();
    let mut at = span.start;
    for (length_ms, state) in kept.stretches {
        let end: Instant = at.plus_ms(length_ms);
        timeline.push(Interval::new(at, end), State::from_code(state)?);
        at = end;
    }
    (timeline.span() == Some(span)).then_some(timeline)
}

fn key(point: &VantagePoint, day: i64) -> Vec<u8> {
    let mut key = format!("{}\0{}\0", point.probe, point.agent).into_bytes();
    key.extend_from_slice(&(day ^ i64::MIN).to_be_bytes());
    key
}

fn day_of(key: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(*key.last_chunk::<8>()?) ^ i64::MIN)
}
