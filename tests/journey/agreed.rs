//! A service that is agreed in the hours of a calendar, with holidays out of a file beside the catalogue.

use std::fs;

use serde_json::Value;

use crate::world::{World, run, until};

const HOUR_MS: i64 = 3_600_000;
const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:1\r\n\
                        DTSTART;VALUE=DATE:20250401\r\nRRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1FR\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const CALENDARS: &str = r#"calendars:
  - id: office
    time_zone: Europe/Zurich
    weekly: [{ days: [mon, tue, wed, thu, fri], hours: ["08:00-18:00"] }]
    holidays: [{ file: holidays.ics }]
    extra_days: [{ date: 2026-04-04, hours: ["22:00-02:00"] }]
  - { id: whole, weekly: [{ days: [mon, tue, wed, thu, fri, sat, sun], hours: ["00:00-24:00"] }] }
services:
"#;

/// The usual catalogue, the shop agreed in office hours, and one of its targets all the same always.
fn with_calendars(world: &World, text: &str) -> String {
    fs::write(world.path("holidays.ics"), HOLIDAYS).unwrap();
    let always =
        "      - { id: always, service: shop, window: month, calendar: whole, availability: \"99%\" }\nreceivers:\n";
    text.replace("services:\n", CALENDARS)
        .replace("    criticality: high\n", "    since: 2026-01-01T00:00:00Z\n    calendar: office\n")
        .replace("receivers:\n", always)
}

/// The figures of the shop in April 2026, of which nobody saw anything, by target.
fn of_april(world: &World) -> Value {
    world.ask("/api/v1/services/shop/figures?at=2026-04-15T12:00:00Z")["targets"].clone()
}

#[test]
fn only_the_hours_of_the_calendar_count_and_a_version_knows_its_holidays() {
    let mut world = World::watched_under(|world, text| with_calendars(world, &text));
    let april = of_april(&world);
    let kinds = &april["shop-sla/availability"]["contractual"]["kinds"];
    // 21 working days without the Friday that is a holiday, of ten hours each, and one night of four.
    let agreed = (21 * 10 + 4) * HOUR_MS;
    assert_eq!((&kinds["unmeasured"], &kinds["not_agreed"]), (&agreed.into(), &(30 * 24 * HOUR_MS - agreed).into()));
    let of_whole = &april["shop-sla/always"]["contractual"]["kinds"];
    assert_eq!((&of_whole["unmeasured"], &of_whole["not_agreed"]), (&(30 * 24 * HOUR_MS).into(), &0.into()));
    for target in ["shop-sla/availability", "shop-sla/always"] {
        for beside in ["without_exclusions", "experienced"] {
            assert_eq!(april[target]["contractual"], april[target][beside], "nothing was taken out of {target}");
        }
    }
    until("the shop to be seen", || {
        let now = world.figures();
        (now.0["targets"]["shop-sla/always"]["contractual"]["kinds"]["up"].as_i64()? > 0).then_some(())
    });

    world.stop_collector();
    world.start_collector();
    assert_eq!(of_april(&world), april);
    world.stop_collector();
    fs::remove_file(world.path("holidays.ics")).unwrap();
    let catalogue = world.catalogue().display().to_string();
    let checked = run("uphold-collector", &["check", &catalogue]);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(told.contains("calendars.office.holidays[0].file: there is no file \"holidays.ics\""), "{told}");
}
