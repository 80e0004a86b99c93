//! The calendar, line by line.

use std::sync::Arc;

use serde_json::json;
use uphold_common::governed::{Asked, Content, Defaults};
use uphold_common::ids::Id;

use super::*;
use crate::governed::Revocation;
use crate::identity::deed::Actor;

/// 2026-03-01T00:00:00Z.
const NOW: Instant = Instant::from_ms(1_772_323_200_000);

fn kept(id: &str, written: serde_json::Value) -> Kept {
    let asked = Asked::Maintenance(serde_json::from_value(written).unwrap());
    let defaults = Defaults { at: NOW, time_zone: Some("Europe/Zurich".to_owned()) };
    let content: Content = asked.read(Id::new(id).unwrap(), &defaults).unwrap();
    Kept { content, recorded_at: NOW, recorded_by: Actor::Local { uid: None }, revoked: None }
}

#[test]
fn each_time_is_an_event_and_what_was_revoked_is_cancelled() {
    let mut register = Register::default();
    let weekly = json!({ "services": ["shop", "mail"], "start": "2026-03-22T02:30:00+01:00", "change": "CHG-1; new\nswitch",
        "end": "2026-03-22T03:30:00+01:00", "recurrence": "FREQ=WEEKLY;COUNT=2", "category": "a,b" });
    register.put(Arc::new(kept("weekly", weekly)), 1);
    let mut gone = kept("gone", json!({ "services": "all", "start": NOW.as_ms(), "end": NOW.as_ms() + 60_000 }));
    gone.revoked = Some(Revocation { at: NOW.plus_ms(5_000), by: Actor::Collector, reason: "moved".to_owned() });
    register.put(Arc::new(gone), 1);
    let far = json!({ "services": "all", "start": "2030-01-01T00:00:00Z", "end": "2030-01-01T01:00:00Z" });
    register.put(Arc::new(kept("far", far)), 1);
    let text = calendar(&register, "Example, Ltd", Epoch([7; 16]), NOW);
    assert!(text.ends_with("END:VCALENDAR\r\n") && text.lines().all(|line| line.len() <= 75), "{text}");
    let unfolded = text.replace("\r\n ", "");
    let events: Vec<&str> = unfolded.split("BEGIN:VEVENT").skip(1).collect();
    assert_eq!(events.len(), 3, "{unfolded}");
    let has = |event: &str, lines: &[&str]| {
        for line in lines {
            assert!(event.lines().any(|there| there == *line), "{line} is not in {event}");
        }
    };
    let store = "07".repeat(16);
    has(events[0], &[&format!("UID:gone-20260301T000000Z@{store}"), "STATUS:CANCELLED", "SEQUENCE:1"]);
    has(events[0], &["DTSTAMP:20260301T000005Z", "LAST-MODIFIED:20260301T000005Z", "SUMMARY:Maintenance: all"]);
    has(events[1], &["STATUS:CONFIRMED", "SEQUENCE:0", "DTSTART:20260322T013000Z", "DTEND:20260322T023000Z"]);
    has(events[1], &["DESCRIPTION:CHG-1\\; new\\nswitch", "CATEGORIES:a\\,b", "SUMMARY:Maintenance: mail\\, shop"]);
    // The clock goes from two to three on this day.
    has(events[2], &["DTSTART:20260329T010000Z", "DTEND:20260329T013000Z"]);
    assert_eq!(calendar(&register, "Example, Ltd", Epoch([7; 16]), NOW), text, "it is the same every time");
}
