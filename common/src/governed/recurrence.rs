//! A rule of RFC 5545 and a time zone → the times at which something takes place.
//!
//! The rule is about local dates; the time of day is that of the first start and end. The library that knows the rules
//! knows local times only and no time zones; what it gives back is turned into instants here, by the rules of the
//! measurement: a local time that does not exist means the first instant after the gap, one that occurs twice the earlier
//! instant as a start and the later one as an end. What would be empty by that, or begin on a date that the zone skipped,
//! does not take place. The first time is what was written, to the millisecond.
//!
//! What the clock showed at the first start and end is kept with the rule, because that is what was agreed: with other time
//! zone data «Sundays at two» stay Sundays at two, and those that are to come are other instants.
//!
//! It ends with its `COUNT`, with its `UNTIL`, or ten years after its first start, whichever comes first. Refused by name
//! is what is not agreed: rules that repeat within a day, and weekdays with and without a number in one `BYDAY`, of which
//! some programs take only those that are both.

use ical::recur::expand::IcalRecurExpand;
use ical::recur::{IcalRecurDateTime, IcalRecurRule};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::time::{DAY_MS, Instant, Interval};
use crate::yaml::words::{did_you_mean, listed, shown};

/// For how long a rule without an end goes on.
const YEARS_MAX: i64 = 10;
/// Most times that one takes place: more than there are days in those years.
pub const OCCURRENCES_MAX: usize = 4_000;
/// How long one time of it may be.
const LENGTH_MS_MAX: i64 = 31 * DAY_MS;
/// Most bytes of a rule.
const RULE_BYTES_MAX: usize = 200;
/// Most units between one time and the next.
const INTERVAL_MAX: u32 = 1_000;

/// The parts of a rule that are understood.
const PARTS: [&str; 11] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYDAY",
    "BYMONTH",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYSETPOS",
];
/// How often something can take place.
const FREQUENCIES: [&str; 4] = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
/// What RFC 5545 knows too, and is refused.
const WITHIN_A_DAY: [&str; 6] = ["SECONDLY", "MINUTELY", "HOURLY", "BYSECOND", "BYMINUTE", "BYHOUR"];

/// A rule, and the time zone of its dates.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recurrence {
    rule: String,
    time_zone: String,
    /// What the clock showed at its first start and end when it was recorded, as the instants at which one in UTC does.
    #[serde(default)]
    shown: Option<(Instant, Instant)>,
}

/// What the clock showed follows from the rest by the time zone data of its day, so it does not make another rule of it.
impl PartialEq for Recurrence {
    fn eq(&self, other: &Self) -> bool {
        (&self.rule, &self.time_zone) == (&other.rule, &other.time_zone)
    }
}

impl Eq for Recurrence {}

/// Where a local time stands in an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Start,
    End,
}

impl Recurrence {
    /// Reads a rule, with or without `RRULE:` before it; a problem names its key.
    pub(super) fn read(rule: &str, time_zone: &str) -> Result<Self, (&'static str, String)> {
        zone(time_zone).map_err(|says| ("time_zone", says))?;
        let rule = rule.trim().to_ascii_uppercase();
        let rule = rule.strip_prefix("RRULE:").unwrap_or(&rule);
        parts(rule).map_err(|says| ("recurrence", says))?;
        Ok(Self { rule: rule.to_owned(), time_zone: time_zone.to_owned(), shown: None })
    }

    /// The same with what the clock shows at its first start and end, by the time zone data of now.
    pub(super) fn shown_at(self, first: Interval) -> Result<Self, String> {
        let zone = zone(&self.time_zone)?;
        let (start, end) = local(&zone, first);
        let in_utc =
            |shown| TimeZone::UTC.to_timestamp(shown).map(Instant::from).map_err(|_| "starts too late".to_owned());
        Ok(Self { shown: Some((in_utc(start)?, in_utc(end)?)), ..self })
    }

    /// The rule, as RFC 5545 writes it.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The name of its time zone.
    pub fn time_zone(&self) -> &str {
        &self.time_zone
    }

    /// Whether its first start or end is no longer what the clock showed then, in words.
    pub(super) fn moved(&self, first: Interval) -> Option<String> {
        let zone = zone(&self.time_zone).ok()?;
        let ((start, end), now) = (self.recorded()?, local(&zone, first));
        (now != (start, end)).then(|| {
            let (zone, now) = (&self.time_zone, now.0);
            format!(
                "by newer time zone data its first start is at {now} in {zone}; it recurs as recorded, with {start}"
            )
        })
    }

    fn recorded(&self) -> Option<(DateTime, DateTime)> {
        let (start, end) = self.shown?;
        Some((TimeZone::UTC.to_datetime(start.to_timestamp()), TimeZone::UTC.to_datetime(end.to_timestamp())))
    }

    /// Every time it takes place, `first` being the first; in order.
    pub(super) fn occurrences(&self, first: Interval) -> Result<Vec<Interval>, String> {
        let zone = zone(&self.time_zone)?;
        let (start, end) = self.recorded().unwrap_or_else(|| local(&zone, first));
        let length = end.duration_since(start);
        if first.len_ms() > LENGTH_MS_MAX || length <= SignedDuration::ZERO {
            return Err(
                "expected each time to be of at most 31d, and to end after its start on the clock too".to_owned()
            );
        }
        let whole = start.with().subsec_nanosecond(0).build().unwrap_or(start);
        let part = start.duration_since(whole);
        let last = whole.checked_add(Span::new().years(YEARS_MAX)).map_err(|_| "starts too late".to_owned())?;
        let mut dates = self.dates(&zone, whole, last)?;
        match dates.next() {
            Some(date) if date == whole => {}
            Some(date) => return Err(format!("its start is no time of the rule, whose first one would be {date}")),
            None => return Err("its start is no time of the rule, and the rule has none after it".to_owned()),
        }
        let mut all = vec![first];
        for date in dates.take(OCCURRENCES_MAX - 1) {
            let Some((start, end)) = date.checked_add(part).ok().and_then(|s| Some((s, s.checked_add(length).ok()?)))
            else {
                break;
            };
            let start = instant(&zone, start, Side::Start);
            let end = instant(&zone, end, Side::End);
            if let (Some(start), Some(end)) = (start, end) {
                let occurrence = Interval::new(start, end);
                // The first time is as it was written, whatever the zone has come to say of it.
                let follows = all.last().is_none_or(|before| before.start < start && before.end <= end);
                all.extend(Some(occurrence).filter(|occurrence| follows && !occurrence.is_empty()));
            }
        }
        Ok(all)
    }

    /// The local times of the rule from `start` to `last`. That bounds the work too: of a rule that never takes place the
    /// library looks at each period up to its end.
    fn dates(
        &self,
        zone: &TimeZone,
        start: DateTime,
        last: DateTime,
    ) -> Result<impl Iterator<Item = DateTime> + use<>, String> {
        let mut rule = IcalRecurRule::parse(&self.rule).map_err(|why| format!("is no rule: {why}"))?;
        let problem = rule.problems().into_iter().next();
        problem.map_or(Ok(()), |why| Err(format!("is no rule: {why}")))?;
        let until = parts(&self.rule)?.into_iter().find(|(key, _)| *key == "UNTIL").map(|(_, value)| until(value));
        let until = until.transpose()?.map(|until| zone.to_datetime(until));
        if until.is_some_and(|until| until < start) {
            return Err("is no rule: its UNTIL is before its start".to_owned());
        }
        rule.until = Some(civil(until.map_or(last, |until| until.min(last))));
        Ok(IcalRecurExpand::new(rule, civil(start)).map_while(date_time))
    }
}

/// What the clock shows at both ends of an interval.
fn local(zone: &TimeZone, of: Interval) -> (DateTime, DateTime) {
    let shown = |at: Instant| zone.to_datetime(at.to_timestamp());
    (shown(of.start), shown(of.end))
}

fn civil(at: DateTime) -> IcalRecurDateTime {
    let part = |number: i8| u8::try_from(number).unwrap_or_default();
    IcalRecurDateTime {
        year: at.year().into(),
        month: part(at.month()),
        day: part(at.day()),
        hour: part(at.hour()),
        minute: part(at.minute()),
        second: part(at.second()),
    }
}

fn date_time(at: IcalRecurDateTime) -> Option<DateTime> {
    let part = |number: u8| i8::try_from(number).ok();
    let (year, month, day) = (i16::try_from(at.year).ok()?, part(at.month)?, part(at.day)?);
    DateTime::new(year, month, day, part(at.hour)?, part(at.minute)?, part(at.second)?, 0).ok()
}

/// The parts of a rule, each once.
fn parts(rule: &str) -> Result<Vec<(&str, &str)>, String> {
    if rule.len() > RULE_BYTES_MAX {
        return Err(format!("expected a rule of at most {RULE_BYTES_MAX} bytes"));
    }
    let mut parts: Vec<(&str, &str)> = Vec::new();
    for part in rule.split(';') {
        let shape = || format!("expected a rule such as FREQ=MONTHLY;BYDAY=1SU, found {}", shown(part));
        let (key, value) = part.split_once('=').ok_or_else(shape)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ',' | '+' | '-');
        if value.is_empty() || !value.chars().all(plain) {
            return Err(shape());
        }
        if WITHIN_A_DAY.contains(&key) {
            return Err(format!("{key} is not taken: the time of day is that of the start"));
        }
        if !PARTS.contains(&key) {
            return Err(format!("there is no {}{} in a rule", shown(key), did_you_mean(key, PARTS)));
        }
        if parts.iter().any(|(known, _)| *known == key) {
            return Err(format!("{key} is there twice"));
        }
        parts.push((key, value));
    }
    check(&parts)?;
    Ok(parts)
}

/// What the library takes without a word, or refuses in words of its own.
fn check(parts: &[(&str, &str)]) -> Result<(), String> {
    let of = |wanted: &str| parts.iter().find(|(key, _)| *key == wanted).map(|(_, value)| *value);
    let frequency = of("FREQ").ok_or("expected a FREQ in the rule")?;
    if WITHIN_A_DAY.contains(&frequency) {
        return Err(format!("FREQ={frequency} is not taken: what takes place within a day is recorded by itself"));
    }
    if !FREQUENCIES.contains(&frequency) {
        let hint = did_you_mean(frequency, FREQUENCIES);
        return Err(format!("FREQ: expected {}, found {}{hint}", listed(FREQUENCIES), shown(frequency)));
    }
    for (key, most) in [("INTERVAL", INTERVAL_MAX), ("COUNT", u32::MAX)] {
        let number = of(key).map(|value| value.parse::<u32>().ok().filter(|number| (1..=most).contains(number)));
        if number == Some(None) {
            return Err(format!("{key}: expected a whole number from 1 to {most}"));
        }
    }
    let days = || of("BYDAY").into_iter().flat_map(|days| days.split(','));
    let number = |day: &str| day.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).to_owned();
    // A zeroth Sunday is none, and one without a number is every one.
    if let Some(day) = days().find(|day| !number(day).is_empty() && number(day).parse::<i32>().is_ok_and(|n| n == 0)) {
        return Err(format!("BYDAY: expected a day such as SU or -1SU, found {}", shown(day)));
    }
    let numbered = days().filter(|day| !number(day).is_empty()).count();
    if numbered != 0 && numbered != days().count() {
        return Err("BYDAY: weekdays with and without a number are not taken together; record two of it".to_owned());
    }
    if of("COUNT").is_some() && of("UNTIL").is_some() {
        return Err("a rule has a COUNT or an UNTIL, not both".to_owned());
    }
    of("UNTIL").map_or(Ok(()), |value| until(value).map(drop))
}

/// The end of a rule, which RFC 5545 writes in UTC where the start has a time zone.
fn until(value: &str) -> Result<Timestamp, String> {
    let expected = || format!("UNTIL: expected an instant in UTC such as 20261231T225959Z, found {}", shown(value));
    let local = value.strip_suffix('Z').ok_or_else(expected)?;
    let local = DateTime::strptime("%Y%m%dT%H%M%S", local).map_err(|_| expected())?;
    // Calendars write the last of all dates for «without an end», which lies beyond the last of all instants.
    Ok(TimeZone::UTC.to_timestamp(local).unwrap_or(Timestamp::MAX))
}

/// The time zone of a name, out of the bundled data.
fn zone(name: &str) -> Result<TimeZone, String> {
    let database = TimeZoneDatabase::bundled();
    let zone = database.get(name).ok().filter(|zone| zone.iana_name() == Some(name) && !zone.is_unknown());
    zone.ok_or_else(|| {
        let names: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
        let hint = did_you_mean(name, names.iter().map(String::as_str));
        format!("expected a time zone such as \"Europe/Zurich\", found {}{hint}", shown(name))
    })
}

/// The instant of a local time; none on a date that the zone skipped.
fn instant(zone: &TimeZone, local: DateTime, side: Side) -> Option<Instant> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match (ambiguous.offset(), side) {
        (AmbiguousOffset::Gap { before, after }, _) => {
            let skipped_s = after.seconds().saturating_sub(before.seconds());
            if side == Side::Start && i64::from(skipped_s) * 1_000 >= DAY_MS {
                return None;
            }
            // The later reading lies behind the change of the clock, so that is the last change before it.
            let later = ambiguous.compatible().ok()?;
            let just_after = later.checked_add(SignedDuration::from_millis(1)).ok()?;
            let change = zone.preceding(just_after).next().map(|change| change.timestamp());
            Some(Instant::from(change.unwrap_or(later)))
        }
        (_, Side::Start) => ambiguous.earlier().ok().map(Instant::from),
        (_, Side::End) => ambiguous.later().ok().map(Instant::from),
    }
}

#[cfg(test)]
#[path = "recurrence_tests.rs"]
mod tests;
