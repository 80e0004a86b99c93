//! The roll-ups of a group of streams on one UTC day, in bytes.
//!
//! ```text
//! table  rollup-DDDDDD-NNNNNNNNNNNN (see `table`); one for a day; a block's rows are its hours
//! key    group:u64 (see `part`)
//! block  frame UPHh, version 1, zstd; all numbers as in uphold_common::wire::flat:
//!          number of streams, then of each: its number less the group's first, kind (one byte),
//!          which hours it has (bit 0 is the one from 00:00), and these columns, each over all of those hours
//!
//! probe     up degraded down unknown  how many durations;
//!           then of each hour that has any: min  p50 - min  p95 - p50  max - p95  sum
//! capacity  readings  used_min  used_max - used_min  used_last - used_min  limit_last (signed, to the hour before)  peak
//! volume    volumes  amount  over_ms
//! ```
//!
//! Numbers of streams ascend, and a stream that is there has an hour at least.

use uphold_common::time::{DAY_MS, Instant};
use uphold_common::wire::flat::{put, put_signed, take, take_signed};
use uphold_common::wire::frame::{self, Compression, Magic};

use super::error::StoreError;
use super::part::GROUP_STREAMS;
use super::rollup::{CapacityHour, Durations, HOUR_MS, Hours, ProbeHour, VolumeHour};
use super::stream::StreamKind;
use super::table::TableError;

const BLOCK: Magic = Magic(*b"UPHh");
const VERSION: u16 = 1;
/// Most bytes of a block once decompressed: a stream's 24 hours take less than 3,000.
const BLOCK_BYTES_MAX: usize = 1024 * 1024;
const HOURS_OF_DAY: i64 = 24;

/// The roll-ups of some streams on one day.
pub(super) type Rolled = std::collections::BTreeMap<u32, Hours>;

/// The name of the file of a day's roll-ups.
pub(super) fn name(day: i32, made: u64) -> String {
    format!("rollup-{day:06}-{made:012}")
}

/// How many hours there are in all.
pub(super) fn hours_in(rolled: &Rolled) -> u32 {
    u32::try_from(rolled.values().map(Hours::len).sum::<usize>()).unwrap_or(u32::MAX)
}

/// The block of the roll-ups of a group's streams, which lie in the day.
pub(super) fn encode(day: i32, group: u32, rolled: &Rolled) -> Result<Vec<u8>, StoreError> {
    let refused =
        |_| StoreError::Corrupt { place: format!("roll-ups of group {group}"), reason: "too many".to_owned() };
    let mut out = Vec::new();
    put(&mut out, rolled.values().filter(|hours| !hours.is_empty()).count() as u64);
    for (stream, hours) in rolled.iter().filter(|(_, hours)| !hours.is_empty()) {
        put(&mut out, u64::from(stream.wrapping_sub(group.wrapping_mul(GROUP_STREAMS))));
        out.push(hours.kind() as u8);
        let place = |start: &Instant| (start.as_ms() - midnight_ms(day)).div_euclid(HOUR_MS).clamp(0, HOURS_OF_DAY - 1);
        put(&mut out, hours.starts().iter().fold(0, |mask, start| mask | 1 << place(start)));
        match hours {
            Hours::Probe(hours) => put_probe(&mut out, hours),
            Hours::Capacity(hours) => put_capacity(&mut out, hours),
            Hours::Volume(hours) => {
                column(&mut out, hours, |hour| hour.volumes);
                column(&mut out, hours, |hour| hour.amount);
                column(&mut out, hours, |hour| hour.over_ms);
            }
        }
    }
    frame::seal(BLOCK, VERSION, Compression::Zstd, &out).map_err(refused)
}

/// The roll-ups in a block.
pub(super) fn decode(day: i32, group: u32, bytes: &[u8]) -> Result<Rolled, TableError> {
    let damaged = |what: &str| TableError::Damaged(format!("roll-ups of group {group} of day {day}: {what}"));
    let content = frame::open(BLOCK, VERSION, BLOCK_BYTES_MAX, bytes).map_err(|why| damaged(&why.to_string()))?;
    let mut rest: &[u8] = &content;
    let rolled = take_all(&mut rest, day, group).ok_or_else(|| damaged("they are not what was written"))?;
    if rest.is_empty() { Ok(rolled) } else { Err(damaged("more than its streams")) }
}

fn take_all(rest: &mut &[u8], day: i32, group: u32) -> Option<Rolled> {
    let count = take(rest).filter(|count| *count <= u64::from(GROUP_STREAMS))?;
    let mut rolled = Rolled::new();
    for _ in 0..count {
        let place = u32::try_from(take(rest)?).ok().filter(|place| *place < GROUP_STREAMS)?;
        let (kind, after) = rest.split_first()?;
        *rest = after;
        let mask = take(rest).filter(|mask| (1..1 << HOURS_OF_DAY).contains(mask))?;
        let hours = (0..HOURS_OF_DAY).filter(|hour| mask >> hour & 1 == 1);
        let starts: Vec<Instant> = hours.map(|hour| Instant::from_ms(midnight_ms(day) + hour * HOUR_MS)).collect();
        let hours = match StreamKind::from_code(*kind)? {
            StreamKind::Probe => Hours::Probe(take_probe(rest, &starts)?),
            StreamKind::Capacity => Hours::Capacity(take_capacity(rest, &starts)?),
            StreamKind::Volume => Hours::Volume(take_volume(rest, &starts)?),
        };
        let stream = group.wrapping_mul(GROUP_STREAMS).wrapping_add(place);
        if rolled.insert(stream, hours).is_some() {
            return None;
        }
    }
    Some(rolled)
}

fn midnight_ms(day: i32) -> i64 {
    i64::from(day) * DAY_MS
}

fn column<T>(out: &mut Vec<u8>, hours: &[T], value: impl Fn(&T) -> u64) {
    for hour in hours {
        put(out, value(hour));
    }
}

fn put_probe(out: &mut Vec<u8>, hours: &[ProbeHour]) {
    column(out, hours, |hour| hour.up);
    column(out, hours, |hour| hour.degraded);
    column(out, hours, |hour| hour.down);
    column(out, hours, |hour| hour.unknown);
    column(out, hours, |hour| hour.durations.map_or(0, |of| of.count));
    let durations: Vec<Durations> = hours.iter().filter_map(|hour| hour.durations).collect();
    column(out, &durations, |of| of.min_us);
    column(out, &durations, |of| of.p50_us - of.min_us);
    column(out, &durations, |of| of.p95_us - of.p50_us);
    column(out, &durations, |of| of.max_us - of.p95_us);
    column(out, &durations, |of| of.sum_us);
}

fn take_column(rest: &mut &[u8], len: usize) -> Option<Vec<u64>> {
    (0..len).map(|_| take(rest)).collect()
}

fn take_probe(rest: &mut &[u8], starts: &[Instant]) -> Option<Vec<ProbeHour>> {
    let len = starts.len();
    let [up, degraded, down, unknown, counts] = [(); 5].map(|()| take_column(rest, len));
    let (up, degraded, down, unknown, counts) = (up?, degraded?, down?, unknown?, counts?);
    let timed: Vec<u64> = counts.iter().copied().filter(|count| *count > 0).collect();
    let [min, middle, high, max, sum] = [(); 5].map(|()| take_column(rest, timed.len()));
    let (min, middle, high, max, sum) = (min?, middle?, high?, max?, sum?);
    let mut durations = Vec::with_capacity(timed.len());
    for (place, count) in timed.iter().enumerate() {
        let min_us = *min.get(place)?;
        let p50_us = min_us.checked_add(*middle.get(place)?)?;
        let p95_us = p50_us.checked_add(*high.get(place)?)?;
        let max_us = p95_us.checked_add(*max.get(place)?)?;
        durations.push(Durations { count: *count, sum_us: *sum.get(place)?, min_us, p50_us, p95_us, max_us });
    }
    let mut durations = durations.into_iter();
    let mut hours = Vec::with_capacity(len);
    for (place, start) in starts.iter().enumerate() {
        hours.push(ProbeHour {
            start: *start,
            up: *up.get(place)?,
            degraded: *degraded.get(place)?,
            down: *down.get(place)?,
            unknown: *unknown.get(place)?,
            durations: if *counts.get(place)? > 0 { Some(durations.next()?) } else { None },
        });
    }
    Some(hours)
}

fn put_capacity(out: &mut Vec<u8>, hours: &[CapacityHour]) {
    column(out, hours, |hour| hour.readings);
    column(out, hours, |hour| hour.used_min);
    column(out, hours, |hour| hour.used_max - hour.used_min);
    column(out, hours, |hour| hour.used_last - hour.used_min);
    let mut before = 0_u64;
    for hour in hours {
        put_signed(out, hour.limit_last.wrapping_sub(before).cast_signed());
        before = hour.limit_last;
    }
    column(out, hours, |hour| hour.peak_ppb);
}

fn take_capacity(rest: &mut &[u8], starts: &[Instant]) -> Option<Vec<CapacityHour>> {
    let len = starts.len();
    let [readings, min, max, last] = [(); 4].map(|()| take_column(rest, len));
    let (readings, min, max, last) = (readings?, min?, max?, last?);
    let mut before = 0_u64;
    let mut limits = Vec::with_capacity(len);
    for _ in starts {
        before = before.wrapping_add_signed(take_signed(rest)?);
        limits.push(before);
    }
    let peaks = take_column(rest, len)?;
    let mut hours = Vec::with_capacity(len);
    for (place, start) in starts.iter().enumerate() {
        let used_min = *min.get(place)?;
        hours.push(CapacityHour {
            start: *start,
            readings: *readings.get(place)?,
            used_min,
            used_max: used_min.checked_add(*max.get(place)?)?,
            used_last: used_min.checked_add(*last.get(place)?)?,
            limit_last: *limits.get(place)?,
            peak_ppb: *peaks.get(place)?,
        });
    }
    Some(hours)
}

fn take_volume(rest: &mut &[u8], starts: &[Instant]) -> Option<Vec<VolumeHour>> {
    let [volumes, amounts, stretches] = [(); 3].map(|()| take_column(rest, starts.len()));
    let values = volumes?.into_iter().zip(amounts?).zip(stretches?);
    let hour =
        |(start, ((volumes, amount), over_ms)): (&Instant, _)| VolumeHour { start: *start, volumes, amount, over_ms };
    Some(starts.iter().zip(values).map(hour).collect())
}

#[cfg(test)]
#[path = "rollup_tests.rs"]
mod tests;
