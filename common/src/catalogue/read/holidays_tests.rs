//! Holiday files as calendars publish them, and what is refused in them.

use super::*;
use crate::catalogue::read;

/// A calendar with these events, the lines of each parted by spaces.
fn file(events: &[&str]) -> String {
    let event = |lines: &&str| format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", lines.replace(' ', "\r\n"));
    let events: String = events.iter().map(event).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\n{events}END:VCALENDAR\r\n")
}

fn dates(text: &str) -> Result<Vec<String>, String> {
    let report = Report::default();
    let read = File { name: "holidays.ics", report: &report, years: &Cell::default() }.dates(text);
    let dates = report.finish(read).map_err(|problems| problems.shown()[0].to_string())?;
    Ok(dates.iter().map(ToString::to_string).collect())
}

fn days(events: &[&str]) -> Vec<String> {
    dates(&file(events)).unwrap()
}

#[test]
fn whole_days_are_read() {
    assert_eq!(days(&["UID:a DTSTART;VALUE=DATE:20261225 SUMMARY:Christmas"]), ["2026-12-25"]);
    assert_eq!(days(&["DTSTART:20261225"]), ["2026-12-25"]);
    let two = ["2026-12-31", "2027-01-01"];
    assert_eq!(days(&["DTSTART;VALUE=DATE:20261231 DTEND;VALUE=DATE:20270102"]), two);
    assert_eq!(days(&["DTSTART;VALUE=DATE:20261231 DURATION:P2D"]), two);
    assert_eq!(days(&["DTSTART;VALUE=DATE:20270101", "DTSTART;VALUE=DATE:20261231", "DTSTART:20270101"]), two);
    assert_eq!(days(&["DTSTART;VALUE=DATE:20261231 DURATION:P1W"]).len(), 7);
    assert_eq!(days(&["DTSTART;VALUE=DATE:20261231 STATUS:CANCELLED"]), [""; 0]);
    assert_eq!(days(&[]), [""; 0]);
}

#[test]
fn lines_may_be_folded_and_calendars_follow_each_other() {
    let folded = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALU\n E=DATE:2026\n 1225\nEND:VEVENT\nBEGIN:VTIMEZONE\nTZID:x\n\
                  END:VTIMEZONE\nEND:VCALENDAR\n";
    let text = format!("\u{feff}{folded}\n{}", file(&["DTSTART:20260101"]));
    assert_eq!(dates(&text).unwrap(), ["2026-01-01", "2026-12-25"]);
}

#[test]
fn rules_give_a_day_every_year() {
    let fixed = days(&["DTSTART;VALUE=DATE:20200801 RRULE:FREQ=YEARLY"]);
    assert_eq!((fixed.len(), fixed[0].as_str(), fixed[179].as_str()), (180, "2020-08-01", "2199-08-01"));
    let bounded = "DTSTART;VALUE=DATE:20240229 RRULE:FREQ=YEARLY;UNTIL=20320301";
    assert_eq!(days(&[bounded]), ["2024-02-29", "2028-02-29", "2032-02-29"]);
    // The fourth Thursday of November, and with it the day after.
    let moving = "DTSTART;VALUE=DATE:20261126 DTEND;VALUE=DATE:20261128 RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=2";
    assert_eq!(days(&[moving]), ["2026-11-26", "2026-11-27", "2027-11-25", "2027-11-26"]);
    for endless in ["99991231", "99991231T235959Z", "22000101"] {
        let event = format!("DTSTART;VALUE=DATE:20200801 RRULE:FREQ=YEARLY;UNTIL={endless}");
        assert_eq!(days(&[&event]), fixed, "an end beyond the horizon is none");
    }
    let never = "DTSTART;VALUE=DATE:20260230 RRULE:FREQ=YEARLY";
    assert!(dates(&file(&[never])).is_err());
    assert_eq!(days(&["DTSTART;VALUE=DATE:20260301 RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"]), ["2026-03-01"]);
}

#[test]
fn single_instances_are_added_left_out_moved_and_cancelled() {
    let series = "UID:a DTSTART;VALUE=DATE:20260501 RRULE:FREQ=YEARLY;COUNT=4 EXDATE;VALUE=DATE:20270501 \
                  RDATE;VALUE=DATE:20260601,20260602";
    assert_eq!(days(&[series]), ["2026-05-01", "2026-06-01", "2026-06-02", "2028-05-01", "2029-05-01"]);
    let moved = "UID:a RECURRENCE-ID;VALUE=DATE:20280501 DTSTART;VALUE=DATE:20280503";
    let cancelled = "UID:a RECURRENCE-ID;VALUE=DATE:20290501 DTSTART;VALUE=DATE:20290501 STATUS:CANCELLED";
    let of_another = "UID:b RECURRENCE-ID;VALUE=DATE:20260501 DTSTART;VALUE=DATE:20260501";
    let found = days(&[moved, series, cancelled, of_another]);
    assert_eq!(found, ["2026-05-01", "2026-06-01", "2026-06-02", "2028-05-03"]);
}

#[test]
fn what_is_no_whole_day_is_refused_with_its_line() {
    let sound = "DTSTART;VALUE=DATE:20261225";
    for (event, expected) in [
        ("SUMMARY:Christmas", "the event has no \"DTSTART\""),
        ("DTSTART:20261225T000000", "a holiday is a whole day: expected a date such as \"20261225\" as \"DTSTART\""),
        ("DTSTART:20261325", "expected a date such as"),
        ("DTSTART:20261225 DTEND:20261225T120000Z", "as \"DTEND\""),
        ("DTSTART:20261225 DTEND:20261225", "expected an event of 1 to 366 days, found 0"),
        ("DTSTART:20261225 DTEND:20281225", "found 731"),
        ("DTSTART:20261225 DURATION:PT24H", "such as \"P1D\""),
        ("DTSTART:20261225 RRULE:FREQ=WEEKLY", "expected \"FREQ=YEARLY\""),
        ("DTSTART:20261225 RRULE:FREQ=YEARLY;BYHOUR=8", "without hours"),
        ("DTSTART:20261225 RRULE:FREQ=YEARLY;RSCALE=HEBREW", "in the Gregorian calendar"),
        ("DTSTART:20261225 RRULE:FREQ=OFTEN", "a rule cannot be read"),
        ("DTSTART:20261225 EXRULE:FREQ=YEARLY", "\"EXRULE\" is not read"),
        ("DTSTART:20261225 RDATE:20261226T080000", "as \"RDATE\""),
        ("DTSTART:20261225 RECURRENCE-ID;RANGE=THISANDFUTURE:20261225", "(\"RANGE\") is not read"),
        ("DTSTART:20261225 RRULE:FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU", "more than 20000 days"),
    ] {
        let told = dates(&file(&[sound, event])).unwrap_err();
        assert!(told.starts_with("holidays.ics:7:1: ") && told.contains(expected), "{event}: {told}");
    }
}

#[test]
fn the_work_of_rules_is_bounded() {
    // Each gives no day, so that no bound on days stops it; without a bound of its own each is followed for 7,974 years.
    let never = "DTSTART:20260101 RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30";
    assert!(dates(&file(&vec![never; 500])).is_ok());
    let told = dates(&file(&vec![never; 600])).unwrap_err();
    assert!(told.contains("for more than 100000 years together"), "{told}");
    let long = format!("DTSTART:20260101 RRULE:FREQ=YEARLY;BYMONTHDAY={}", vec!["30"; 80].join(","));
    assert!(dates(&file(&[&long])).unwrap_err().contains("a rule of at most 200 bytes"));
    // One that takes place every thousand years is looked at once.
    assert!(dates(&file(&vec!["DTSTART:20260101 RRULE:FREQ=YEARLY;INTERVAL=1000"; 5_000])).is_ok());
}

#[test]
fn what_is_no_calendar_is_refused() {
    let deep = format!("{}{}", "BEGIN:X\r\n".repeat(9), "END:X\r\n".repeat(9));
    let folded = deep.replace("BEGIN", "BEG\r\n IN");
    let large = " ".repeat(BYTES_MAX + 1);
    let many = file(&vec!["DTSTART:20261225"; EVENTS_MAX + 1]);
    for (text, expected) in [
        ("", "expected \"BEGIN:VCALENDAR\""),
        ("2026-12-25\n", "not an iCalendar file"),
        ("BEGIN:VEVENT\nEND:VEVENT\n", "expected \"BEGIN:VCALENDAR\""),
        ("BEGIN:VCALENDAR\n", "not an iCalendar file"),
        (&deep, "nested deeper than 8 levels"),
        (&folded, "nested deeper than 8 levels"),
        (&large, "more than the 1048576 that are read"),
        (&many, "more than 5000 events"),
    ] {
        let told = dates(text).unwrap_err();
        assert!(told.starts_with("holidays.ics:1:1: ") && told.contains(expected), "{told}");
    }
}

#[test]
fn no_prefix_and_no_changed_byte_makes_it_panic() {
    let text = file(&[
        "UID:a DTSTART;VALUE=DATE:20260501 RRULE:FREQ=YEARLY;COUNT=4 EXDATE:20270501",
        "DTSTART:20261225 DURATION:P1D",
    ]);
    for (cut, _) in text.char_indices() {
        let _ = dates(text.get(..cut).unwrap());
    }
    for at in 0..text.len() {
        for byte in *b"\r\n :;=,9Z" {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            let _ = dates(&String::from_utf8(bytes).unwrap());
        }
    }
}

const CATALOGUE: &str = "
organisation: { name: Example, time_zone: UTC }
calendars:
  - { id: a, holidays: [2026-01-01, { file: ch.ics }, { file: ch.ics }] }
  - { id: b, holidays: [{ file: de.ics }, { file: ../../etc/passwd.ics }] }
  - { id: c, holidays: [{ file: .hidden.ics }, { file: a.txt }, { file: [x.ics] }, x.ics] }
";

#[test]
fn only_plain_names_that_are_referred_to_are_asked_for() {
    assert_eq!(holiday_files(&[("a.yaml", CATALOGUE), ("b.yaml", "calendars: [ .ics")]), ["ch.ics", "de.ics"]);
    assert_eq!(holiday_files(&[("a.yaml", "services: []\n")]), [""; 0]);
}

#[test]
fn a_file_is_read_once_and_found_by_the_last_part_of_its_name() {
    let text = "
organisation: { name: Example, time_zone: UTC }
calendars: [{ id: a, holidays: [2026-12-26, { file: ch.ics }] }, { id: b, holidays: [{ file: ch.ics }] }]
services:
  - { id: s, name: S, calendar: a, probes: [{ id: p, agents: [a], interval: 1m, timeout: 1s, tcp: { address: 'a:1' } }] }
";
    let sound = file(&["DTSTART:20261225"]);
    let files = [("/etc/uphold/catalogue.yaml", text), ("/etc/uphold/ch.ics", sound.as_str())];
    let service = read(&files).unwrap().services.into_values().next().unwrap();
    let holidays: Vec<String> = service.calendar.unwrap().holidays.iter().map(ToString::to_string).collect();
    assert_eq!(holidays, ["2026-12-25", "2026-12-26"]);
    let problems = read(&[("catalogue.yaml", text), ("ch.ics", "nothing")]).unwrap_err();
    assert_eq!(problems.count(), 1, "{problems}");
    assert_eq!(&*problems.shown()[0].place.file, "ch.ics");
}
