//! Maintenance as an iCalendar, for calendars that people subscribe to. Pure.
//!
//! Each time that maintenance takes place is an event of its own, in UTC, so that no reader has to know our time zones or our
//! rules about clocks that change. Its `UID` is made of the record, its start and the store, and stays; maintenance that
//! was revoked stays too, with a later `SEQUENCE` and `STATUS:CANCELLED`, so that it vanishes from calendars that have it.

use icalendar::{Calendar, Component as _, Event, EventLike as _, EventStatus};
use uphold_common::governed::Sort;
use uphold_common::governed::maintenance::Maintenance;
use uphold_common::time::{DAY_MS, Instant, Interval};
use uphold_common::wire::batch::Epoch;

use super::Kept;
use super::register::Register;

/// The media type.
pub const CALENDAR_CONTENT_TYPE: &str = "text/calendar; charset=utf-8";
/// How far back the feed reaches.
const BEFORE_MS: i64 = 92 * DAY_MS;
/// How far ahead.
const AHEAD_MS: i64 = 400 * DAY_MS;
/// Most events of the feed.
const EVENTS_MAX: usize = 5_000;

/// The calendar of an organisation's maintenance around `now`, at most so many events, the earliest first.
pub fn calendar(register: &Register, organisation: &str, store: Epoch, now: Instant) -> String {
    let around = Interval::new(now.minus_ms(BEFORE_MS), now.plus_ms(AHEAD_MS));
    let mut all: Vec<(Interval, &Kept, &Maintenance)> = Vec::new();
    for kept in register.of(Sort::Maintenance) {
        let Some(maintenance) = kept.content.maintenance() else { continue };
        let times = maintenance.occurrences().iter().filter(|time| time.overlaps(around));
        all.extend(times.map(|time| (*time, kept.as_ref(), maintenance)));
    }
    all.sort_by_key(|(time, _, maintenance)| (time.start, maintenance.id().clone()));
    let mut calendar = Calendar::empty();
    calendar.append_property(("VERSION", "2.0")).append_property(("PRODID", "-//Uphold//maintenance//EN"));
    calendar.append_property(("CALSCALE", "GREGORIAN")).append_property(("METHOD", "PUBLISH"));
    calendar.name(&format!("Maintenance of {organisation}"));
    for (time, kept, maintenance) in all.into_iter().take(EVENTS_MAX) {
        calendar.push(event(time, kept, maintenance, store));
    }
    calendar.to_string()
}

fn event(time: Interval, kept: &Kept, maintenance: &Maintenance, store: Epoch) -> Event {
    let changed = kept.revoked.as_ref().map_or(kept.recorded_at, |revoked| revoked.at);
    let mut event = Event::new();
    event
        .uid(&format!("{}-{}@{store}", maintenance.id(), stamp(time.start)))
        .summary(&format!("Maintenance: {}", maintenance.services()))
        .add_property("DTSTAMP", stamp(changed))
        .add_property("CREATED", stamp(kept.recorded_at))
        .add_property("LAST-MODIFIED", stamp(changed))
        .add_property("DTSTART", stamp(time.start))
        .add_property("DTEND", stamp(time.end))
        .sequence(u32::from(kept.revoked.is_some()))
        .status(if kept.is_in_force() { EventStatus::Confirmed } else { EventStatus::Cancelled });
    if let Some(change) = maintenance.change() {
        event.description(change);
    }
    if let Some(category) = maintenance.category() {
        event.categories([category]);
    }
    event
}

/// An instant in UTC, to the second, as RFC 5545 has it.
fn stamp(at: Instant) -> String {
    at.to_timestamp().strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
