//! Maintenance as an iCalendar, for calendars that people subscribe to. Pure.
//!
//! Each time that maintenance takes place is an event of its own, in UTC, so that no reader has to know our time zones or our
//! rules about clocks that change. Its `UID` is made of the record, its start and the store, and stays; maintenance that
//! was revoked stays too, with a later `SEQUENCE` and `STATUS:CANCELLED`, so that it vanishes from calendars that have it.

use ical::prop::IcalProp;
use ical::tree::cst::IcalCst;
use ical::value::IcalValue;
use ical::value::text::IcalTextList;
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
    let name = format!("Maintenance of {organisation}");
    let mut calendar = IcalCst::v2();
    calendar.push(line("PRODID", "-//Uphold//maintenance//EN")).push(line("CALSCALE", "GREGORIAN"));
    calendar.push(line("METHOD", "PUBLISH")).push(line("NAME", &name)).push(line("X-WR-CALNAME", &name));
    for (time, kept, maintenance) in all.into_iter().take(EVENTS_MAX) {
        calendar.push_component(event(time, kept, maintenance, store));
    }
    String::from_utf8_lossy(&calendar.to_bytes()).into_owned()
}

fn event(time: Interval, kept: &Kept, maintenance: &Maintenance, store: Epoch) -> IcalCst<'static> {
    let changed = stamp(kept.revoked.as_ref().map_or(kept.recorded_at, |revoked| revoked.at));
    let mut event = IcalCst::empty("VEVENT");
    event
        .push(line("UID", &format!("{}-{}@{store}", maintenance.id(), stamp(time.start))))
        .push(line("DTSTAMP", &changed))
        .push(line("CREATED", &stamp(kept.recorded_at)))
        .push(line("LAST-MODIFIED", &changed))
        .push(line("DTSTART", &stamp(time.start)))
        .push(line("DTEND", &stamp(time.end)))
        .push(line("SEQUENCE", if kept.is_in_force() { "0" } else { "1" }))
        .push(line("STATUS", if kept.is_in_force() { "CONFIRMED" } else { "CANCELLED" }))
        .push(line("SUMMARY", &format!("Maintenance: {}", maintenance.services())));
    if let Some(change) = maintenance.change() {
        event.push(line("DESCRIPTION", change));
    }
    if let Some(category) = maintenance.category() {
        let one = IcalTextList(vec![category.to_owned().into()]);
        event.push(IcalProp { name: "CATEGORIES".into(), params: Vec::new(), value: IcalValue::TextList(one) });
    }
    event
}

/// A line of text, escaped where it has to be.
fn line(name: &'static str, text: &str) -> IcalProp<'static> {
    IcalProp { name: name.into(), params: Vec::new(), value: IcalValue::Text(text.to_owned().into()) }
}

/// An instant in UTC, to the second, as RFC 5545 has it.
fn stamp(at: Instant) -> String {
    at.to_timestamp().strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
