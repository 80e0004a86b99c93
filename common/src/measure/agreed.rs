//! Sections 1 and 6 of the rules: the agreed service time that a calendar gives in a span of time.
//!
//! Of a local date, an extra day's hours come first, then a holiday, then the weekly hours. Hours belong to the date they
//! open on, also where they end on the next; on a date that the zone skipped none occur. A time of the clock that does
//! not exist means the first instant after the gap; one that occurs twice means the earlier instant as a start and the
//! later one as an end; 24:00 is the first instant of the next day.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::catalogue::calendar::{Calendar, ClockTime, Hours};
use crate::time::{DAY_MS, Instant, Interval};

use super::window::{Side, clock_instant, day_start, local_date};

/// How many dates before a span may have hours that reach into it: those from 24:00 to 24:00 open on the next date and
/// close on the one after.
const DATES_BEFORE: usize = 2;
/// How far ahead a deadline is looked for.
const LOOKED_AHEAD_MS: i64 = 10 * 366 * DAY_MS;

/// The agreed service time in `span`: in order, parted by time that is not agreed.
pub fn agreed(calendar: &Calendar, span: Interval) -> Vec<Interval> {
    let mut found = Vec::new();
    if span.is_empty() {
        return found;
    }
    let zone = &calendar.time_zone;
    let mut date = local_date(zone, span.start);
    for _ in 0..DATES_BEFORE {
        date = date.yesterday().unwrap_or(date);
    }
    loop {
        let hours = calendar.hours_of(date);
        if !hours.is_empty() && !is_skipped(zone, date) {
            found.extend(hours.iter().map(|hours| interval(zone, date, *hours).intersect(span)));
        }
        match date.tomorrow() {
            Ok(next) if day_start(zone, next) < span.end => date = next,
            _ => break,
        }
    }
    union(found)
}

/// The instant by which so much agreed service time has passed since `from`; none if it does not within ten years.
pub fn passed_by(calendar: &Calendar, from: Instant, length_ms: i64) -> Option<Instant> {
    let (mut left_ms, mut start) = (length_ms.max(1), from);
    let last = from.plus_ms(LOOKED_AHEAD_MS);
    // Longer and longer pieces: most deadlines lie within a few days.
    let mut piece_ms = 4 * DAY_MS;
    while start < last {
        let piece = Interval::new(start, start.plus_ms(piece_ms));
        for hours in agreed(calendar, piece) {
            if hours.len_ms() >= left_ms {
                return Some(hours.start.plus_ms(left_ms));
            }
            left_ms -= hours.len_ms();
        }
        start = piece.end;
        piece_ms *= 2;
    }
    None
}

/// When hours are that open on a date.
fn interval(zone: &TimeZone, date: Date, hours: Hours) -> Interval {
    let at = |time, side| match time {
        ClockTime::Time(time) => clock_instant(zone, time, side),
        ClockTime::StartOf(date) => day_start(zone, date),
    };
    Interval::new(at(hours.opens_on(date), Side::Start), at(hours.closes_after(date), Side::End))
}

/// Whether the zone went past a date altogether.
fn is_skipped(zone: &TimeZone, date: Date) -> bool {
    date.tomorrow().is_ok_and(|next| day_start(zone, date) == day_start(zone, next))
}

/// What any of these covers: in order, without overlaps, neighbours made one.
pub fn union(mut intervals: Vec<Interval>) -> Vec<Interval> {
    intervals.retain(|interval| !interval.is_empty());
    intervals.sort_unstable_by_key(|interval| (interval.start, interval.end));
    let mut joined: Vec<Interval> = Vec::with_capacity(intervals.len());
    for interval in intervals {
        match joined.last_mut() {
            Some(last) if interval.start <= last.end => last.end = last.end.max(interval.end),
            _ => joined.push(interval),
        }
    }
    joined
}

/// What lies in both; each is in order and without overlaps.
pub fn intersection(one: &[Interval], other: &[Interval]) -> Vec<Interval> {
    let mut common = Vec::new();
    let (mut here, mut there) = (0, 0);
    while let (Some(a), Some(b)) = (one.get(here), other.get(there)) {
        let both = a.intersect(*b);
        if !both.is_empty() {
            common.push(both);
        }
        // Whichever ends first has nothing more in common with anything.
        if a.end <= b.end {
            here += 1;
        } else {
            there += 1;
        }
    }
    common
}

/// Those that `part` touches, cut to it; they are in order and without overlaps.
pub fn within(intervals: &[Interval], part: Interval) -> impl Iterator<Item = Interval> {
    let first = intervals.partition_point(|interval| interval.end <= part.start);
    let inside = intervals.get(first..).unwrap_or_default();
    let touched = inside.iter().take_while(move |interval| interval.start < part.end);
    touched.map(move |interval| interval.intersect(part)).filter(|cut| !cut.is_empty())
}

/// How long they are together; they do not overlap.
pub fn length_ms(intervals: &[Interval]) -> i64 {
    intervals.iter().map(|interval| interval.len_ms()).sum()
}

/// Whether `at` lies in one of them; they are in order and without overlaps.
pub fn contains(intervals: &[Interval], at: Instant) -> bool {
    let place = intervals.partition_point(|interval| interval.end <= at);
    intervals.get(place).is_some_and(|interval| interval.contains(at))
}

#[cfg(test)]
#[path = "agreed_tests.rs"]
mod tests;
