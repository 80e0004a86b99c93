//! Rules around the changes of clocks, and what is refused.

use super::*;

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

fn interval(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end))
}

/// The times of a rule, as `start end`.
fn times(rule: &str, zone: &str, start: &str, end: &str) -> Result<Vec<String>, String> {
    let recurrence = Recurrence::read(rule, zone).map_err(|(key, says)| format!("{key}: {says}"))?;
    let times = recurrence.occurrences(interval(start, end))?;
    assert!(times.windows(2).all(|two| two[0].start < two[1].start && two[0].end <= two[1].end), "they are in order");
    Ok(times.iter().map(|time| format!("{} {}", time.start, time.end)).collect())
}

#[test]
fn local_times_stay_when_the_clock_changes() {
    let night = |rule| times(rule, "Europe/Zurich", "2026-03-22T02:00:00+01:00", "2026-03-22T04:00:00+01:00").unwrap();
    assert_eq!(
        night("FREQ=WEEKLY;COUNT=3"),
        [
            "2026-03-22T01:00:00Z 2026-03-22T03:00:00Z",
            // From two to three there is nothing on this day; it begins at the first instant after the gap.
            "2026-03-29T01:00:00Z 2026-03-29T02:00:00Z",
            "2026-04-05T00:00:00Z 2026-04-05T02:00:00Z",
        ]
    );
    let autumn =
        times("FREQ=DAILY;COUNT=2", "Europe/Zurich", "2026-10-24T02:15:00.500+02:00", "2026-10-24T02:45:00.750+02:00");
    // What occurs twice: the earlier instant as a start, the later one as an end.
    assert_eq!(autumn.unwrap()[1], "2026-10-25T00:15:00.5Z 2026-10-25T01:45:00.75Z");
    let lost = times("FREQ=DAILY;COUNT=3", "Europe/Zurich", "2026-03-28T02:10:00+01:00", "2026-03-28T02:50:00+01:00");
    assert_eq!(lost.unwrap().len(), 2, "what lies in the gap does not take place");
    let half =
        times("FREQ=DAILY;COUNT=2", "Australia/Lord_Howe", "2026-10-03T02:15:00+10:30", "2026-10-03T03:00:00+10:30");
    assert_eq!(half.unwrap()[1], "2026-10-03T15:30:00Z 2026-10-03T16:00:00Z");
    let skipped = times("FREQ=DAILY;COUNT=3", "Pacific/Apia", "2011-12-29T22:00:00-10:00", "2011-12-30T02:00:00-10:00");
    assert!(skipped.is_ok_and(|all| all.len() == 2), "on a skipped date nothing begins");
}

#[test]
fn rules_are_those_of_rfc_5545() {
    let one = |rule| times(rule, "Europe/Zurich", "2026-01-04T22:00:00+01:00", "2026-01-05T02:00:00+01:00").unwrap();
    assert_eq!(one("RRULE:FREQ=MONTHLY;BYDAY=1SU;COUNT=2")[1], "2026-02-01T21:00:00Z 2026-02-02T01:00:00Z");
    // The end of a rule is written in UTC, and a time that begins at it still takes place.
    assert_eq!(one("freq=weekly;until=20260719T200000Z").len(), 29);
    assert_eq!(one("FREQ=WEEKLY;UNTIL=20260719T195959Z").len(), 28);
    // Without an end it goes on for ten years: the Sundays up to 2036-01-04.
    assert_eq!(one("FREQ=WEEKLY").len(), 522);
    assert_eq!(one("FREQ=YEARLY;BYMONTH=1;BYDAY=1SU").len(), 10);
    assert_eq!(one("FREQ=DAILY").len(), 3_653);
    // The last of all dates, which is no instant, stands for «without an end».
    assert_eq!(one("FREQ=WEEKLY;UNTIL=99991231T235959Z").len(), 522);
    // A fifth weekday from behind is one that five of fall into the month.
    assert_eq!(one("FREQ=MONTHLY;BYDAY=1SU,-5SU;COUNT=3")[2], "2026-03-01T21:00:00Z 2026-03-02T01:00:00Z");
}

#[test]
fn what_the_clock_showed_recurs_whatever_newer_time_zone_data_says() {
    let first = interval("2026-03-01T01:00:00Z", "2026-03-01T03:00:00Z");
    let rule = "FREQ=WEEKLY;BYDAY=SU;COUNT=3";
    let recorded = Recurrence::read(rule, "Europe/Zurich").unwrap().shown_at(first).unwrap();
    assert_eq!(recorded.moved(first), None);
    // As if the zone had been four hours behind when this was recorded: still on Saturday, from nine to eleven at night.
    let shown = (at("2026-02-28T21:00:00Z"), at("2026-02-28T23:00:00Z"));
    let before = Recurrence { shown: Some(shown), rule: rule.replace("SU", "SA"), ..recorded.clone() };
    let times = before.occurrences(first).unwrap();
    assert_eq!(
        times,
        [
            first,
            interval("2026-03-07T20:00:00Z", "2026-03-07T22:00:00Z"),
            interval("2026-03-14T20:00:00Z", "2026-03-14T22:00:00Z"),
        ]
    );
    let moved = before.moved(first).unwrap();
    assert!(
        moved.contains("at 2026-03-01T02:00:00 in Europe/Zurich") && moved.contains("2026-02-28T21:00:00"),
        "{moved}"
    );
}

#[test]
fn what_is_no_rule_is_refused_with_what_would_be_one() {
    for (rule, zone, expected) in [
        ("", "UTC", "recurrence: expected a rule such as FREQ=MONTHLY;BYDAY=1SU"),
        ("FREQ=WEEKLI", "UTC", "did you mean \"WEEKLY\"?"),
        ("FREQ=HOURLY", "UTC", "FREQ=HOURLY is not taken"),
        ("FREQ=DAILY;BYHOUR=3", "UTC", "BYHOUR is not taken"),
        ("FREQ=DAILY;BYDAYS=MO", "UTC", "did you mean \"BYDAY\"?"),
        ("FREQ=DAILY;FREQ=DAILY", "UTC", "FREQ is there twice"),
        ("FREQ=DAILY;INTERVAL=0", "UTC", "INTERVAL: expected a whole number from 1 to 1000"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101T000000Z", "UTC", "not both"),
        ("FREQ=DAILY;UNTIL=20270101", "UTC", "UNTIL: expected an instant in UTC"),
        ("FREQ=DAILY;UNTIL=20250101T000000Z", "UTC", "is no rule"),
        ("FREQ=MONTHLY;BYDAY=1SU,SA", "UTC", "with and without a number"),
        ("FREQ=WEEKLY;BYDAY=1SU", "UTC", "is no rule: a BYDAY ordinal may not be used with FREQ=WEEKLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=4", "UTC", "is no rule"),
        ("FREQ=MONTHLY;BYSETPOS=1", "UTC", "is no rule: BYSETPOS needs another BY part"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "UTC", "is no rule"),
        ("FREQ=DAILY\nRDATE:20270101T000000Z", "UTC", "expected a rule such as"),
        ("FREQ=WEEKLY;BYDAY=MO", "UTC", "whose first one would be 2026-01-05T22:00:00"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "UTC", "the rule has none after it"),
        ("FREQ=DAILY", "Europe/Zuerich", "time_zone: expected a time zone"),
    ] {
        let refused = times(rule, zone, "2026-01-04T22:00:00Z", "2026-01-05T02:00:00Z").unwrap_err();
        assert!(refused.contains(expected), "{rule}: {refused}");
    }
    let long = times("FREQ=YEARLY", "UTC", "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z");
    assert!(long.unwrap_err().contains("at most 31d"));
}
