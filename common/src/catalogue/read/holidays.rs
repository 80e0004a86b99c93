//! Holidays as calendars publish them: an iCalendar file (RFC 5545) → dates.
//!
//! Events of whole days count, with one day, with several (`DTEND` is the day after the last), every year by a rule, and
//! with single instances added, left out, moved or cancelled. What is not a whole day is refused, for a holiday has no
//! hours. Everything else in the file takes no part. A rule is followed up to the end of [`YEAR_MAX`], whatever end it has
//! itself; all rules of a file together to so many years at most, because each of their days is looked at.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use ical::recur::expand::IcalRecurExpand;
use ical::recur::{IcalRecurDateTime, IcalRecurFreq, IcalRecurRule};
use ical::tree::cst::{IcalCst, IcalItem};
use ical::tree::line::IcalLine;
use jiff::civil::Date;

use crate::yaml::problem::{Place, Read, Report, Told};
use crate::yaml::tree::{self, Node, Value};
use crate::yaml::walk::At;

/// The last year that a rule is followed to.
const YEAR_MAX: i16 = 2199;
/// Most bytes of a file.
const BYTES_MAX: usize = 1024 * 1024;
/// Most events of a file.
const EVENTS_MAX: usize = 5_000;
/// Most days of a calendar's holidays, and of a file's.
pub(super) const DAYS_MAX: usize = 20_000;
/// Most days of one event.
const EVENT_DAYS_MAX: i64 = 366;
/// Most bytes of a rule.
const RULE_BYTES_MAX: usize = 200;
/// Most years that the rules of a file are followed, added up.
const RULE_YEARS_MAX: i32 = 100_000;
/// Deepest nesting; a calendar with alarms in its events has three levels.
const DEPTH_MAX: usize = 8;
/// How the names of these files end.
const ENDING: &str = ".ics";

/// Whether a file of a catalogue holds holidays.
pub(super) fn is_one(name: &str) -> bool {
    name.len() > ENDING.len() && name.to_ascii_lowercase().ends_with(ENDING)
}

/// Whether this names a file that lies beside the catalogue, and none elsewhere.
fn is_plain(name: &str) -> bool {
    is_one(name)
        && !name.starts_with('.')
        && name.len() <= 255
        && !name.contains(['/', '\\'])
        && !name.contains(char::is_control)
}

/// The names of the holiday files that a catalogue's files refer to, in order, each once. What is wrong with the files is
/// told when they are read.
pub fn holiday_files<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Vec<String> {
    let mut names = BTreeSet::new();
    for (name, text) in files.iter().filter(|(_, text)| text.as_ref().contains(ENDING)) {
        let Ok(Some(tree)) = tree::read(name.as_ref(), text.as_ref(), &Report::default()) else { continue };
        let calendars = below(&tree, "calendars").into_iter().flat_map(items);
        let holidays = calendars.filter_map(|calendar| below(calendar, "holidays")).flat_map(items);
        let referred = holidays.filter_map(|holiday| below(holiday, "file")).filter_map(|file| match &file.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        });
        names.extend(referred.filter(|name| is_plain(name)).cloned());
    }
    names.into_iter().collect()
}

fn below<'t>(node: &'t Node, key: &str) -> Option<&'t Node> {
    let Value::Mapping(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::Sequence(items) => items,
        _ => &[],
    }
}

/// The holiday files that were handed in, each read when it is first referred to.
#[derive(Debug)]
pub(super) struct HolidayFiles<'f> {
    texts: BTreeMap<&'f str, (&'f str, &'f str)>,
    read: RefCell<BTreeMap<String, Read<Vec<Date>>>>,
    report: &'f Report,
}

impl<'f> HolidayFiles<'f> {
    /// Those among the files of a catalogue; they are referred to by the last part of their names.
    pub(super) fn among<N: AsRef<str>, T: AsRef<str>>(files: &'f [(N, T)], report: &'f Report) -> Self {
        let ours = files.iter().map(|(name, text)| (name.as_ref(), text.as_ref())).filter(|(name, _)| is_one(name));
        let by_name = ours.map(|(name, text)| (name.rsplit(['/', '\\']).next().unwrap_or(name), (name, text)));
        Self { texts: by_name.collect(), read: RefCell::default(), report }
    }

    /// The dates of the file that is named here.
    pub(super) fn dates(&self, at: &At<'_>) -> Read<Vec<Date>> {
        let wanted = "the name of an iCalendar file beside the catalogue, such as \"holidays.ics\"";
        let name = at.scalar(wanted)?;
        if !is_plain(name) {
            return Err(at.expected(wanted));
        }
        if let Some(read) = self.read.borrow().get(name) {
            return read.clone();
        }
        let Some((file, text)) = self.texts.get(name) else {
            return Err(at.problem(format!("there is no file \"{name}\" beside the catalogue")));
        };
        let dates = File { name: file, report: self.report, years: &Cell::default() }.dates(text);
        self.read.borrow_mut().insert(name.to_owned(), dates.clone());
        dates
    }
}

/// The file that is read, for what is told about it.
#[derive(Clone, Copy, Debug)]
struct File<'f> {
    name: &'f str,
    report: &'f Report,
    /// For how many years rules were followed so far.
    years: &'f Cell<i32>,
}

/// An event of the file: where it begins, and its lines.
struct Event<'c> {
    line: usize,
    component: &'c IcalCst<'c>,
}

impl File<'_> {
    fn tell(self, line: usize, message: impl Into<String>) -> Told {
        let place = Place { file: self.name.into(), line, column: 1 };
        self.report.add(&place, "", message)
    }

    fn dates(self, text: &str) -> Read<Vec<Date>> {
        if text.len() > BYTES_MAX {
            let message = format!("the file has {} bytes, more than the {BYTES_MAX} that are read", text.len());
            return Err(self.tell(1, message));
        }
        let text = text.trim_start_matches('\u{feff}');
        if is_nested_deeper(text, DEPTH_MAX) {
            return Err(self.tell(1, format!("components are nested deeper than {DEPTH_MAX} levels")));
        }
        let calendars: Result<Vec<IcalCst<'_>>, _> = IcalCst::parse_many(text).collect();
        let calendars = calendars.map_err(|why| self.tell(1, format!("not an iCalendar file: {why}")))?;
        if calendars.is_empty() || calendars.iter().any(|calendar| kind(calendar) != "VCALENDAR") {
            return Err(self.tell(1, "not an iCalendar file: expected \"BEGIN:VCALENDAR\""));
        }
        let places = text.lines().zip(1..).filter(|(line, _)| line.trim().eq_ignore_ascii_case("BEGIN:VEVENT"));
        let mut places = places.map(|(_, line)| line);
        let components = calendars.iter().flat_map(components).filter(|component| kind(component) == "VEVENT");
        let events: Vec<Event<'_>> =
            components.map(|component| Event { line: places.next().unwrap_or(1), component }).collect();
        if events.len() > EVENTS_MAX {
            return Err(self.tell(1, format!("the file has more than {EVENTS_MAX} events")));
        }
        self.days_of(&events)
    }

    /// The days of all events; an instance that an event of its own replaces is left out of its series.
    fn days_of(self, events: &[Event<'_>]) -> Read<Vec<Date>> {
        let mut replaced = BTreeSet::new();
        for event in events {
            let parameters = event.lines("RECURRENCE-ID").flat_map(|line| &line.params);
            if parameters.into_iter().any(|parameter| parameter.name.get().eq_ignore_ascii_case("RANGE")) {
                let message = "an event that changes all later ones (\"RANGE\") is not read: give it a rule of its own";
                return Err(self.tell(event.line, message));
            }
            if let Some(id) = event.value("RECURRENCE-ID") {
                replaced.insert((event.value("UID"), self.date(event, "RECURRENCE-ID", &id)?));
            }
        }
        let mut days = BTreeSet::new();
        let mut told = Ok(());
        for event in events.iter().filter(|event| !event.says("STATUS", "CANCELLED")) {
            let uid = event.value("UID");
            let is_instance = event.value("RECURRENCE-ID").is_some();
            let is_kept = |start: &Date| is_instance || !replaced.contains(&(uid.clone(), *start));
            match self.days(event, is_kept) {
                Ok(of_event) => days.extend(of_event),
                Err(one) => told = Err(one),
            }
            if days.len() > DAYS_MAX {
                return Err(self.tell(event.line, format!("up to here there are more than {DAYS_MAX} days")));
            }
        }
        told.map(|()| days.into_iter().collect())
    }

    /// The days of an event, of every instance that is kept.
    fn days(self, event: &Event<'_>, is_kept: impl Fn(&Date) -> bool) -> Read<Vec<Date>> {
        let Some(text) = event.value("DTSTART") else {
            return Err(self.tell(event.line, "the event has no \"DTSTART\""));
        };
        let first = self.date(event, "DTSTART", &text)?;
        let long = self.length(event, first)?;
        let mut starts: BTreeSet<Date> = BTreeSet::from([first]);
        if event.value("EXRULE").is_some() {
            return Err(self.tell(event.line, "\"EXRULE\" is not read: RFC 5545 has withdrawn it"));
        }
        for rule in event.values("RRULE") {
            starts.extend(self.instances(event, &rule, first)?);
        }
        for text in event.list("RDATE") {
            starts.insert(self.date(event, "RDATE", &text)?);
        }
        for text in event.list("EXDATE") {
            starts.remove(&self.date(event, "EXDATE", &text)?);
        }
        let day = |start: Date, after: i64| start.checked_add(jiff::Span::new().days(after)).unwrap_or(Date::MAX);
        Ok(starts.into_iter().filter(is_kept).flat_map(|start| (0..long).map(move |after| day(start, after))).collect())
    }

    /// How many days an event has.
    fn length(self, event: &Event<'_>, first: Date) -> Read<i64> {
        let days = match (event.value("DTEND"), event.value("DURATION")) {
            (Some(end), _) => {
                let end = self.date(event, "DTEND", &end)?;
                i64::from(first.until(end).map_or(0, |span| span.get_days()))
            }
            (None, Some(duration)) => whole_days(&duration).ok_or_else(|| {
                self.tell(event.line, "a holiday is a whole day: expected a \"DURATION\" such as \"P1D\" or \"P1W\"")
            })?,
            (None, None) => 1,
        };
        if (1..=EVENT_DAYS_MAX).contains(&days) {
            return Ok(days);
        }
        Err(self.tell(
            event.line,
            format!(
                "expected an event of 1 to {EVENT_DAYS_MAX} days, found {days}; \"DTEND\" is the day after the last"
            ),
        ))
    }

    /// The starts that a rule gives.
    fn instances(self, event: &Event<'_>, rule: &str, first: Date) -> Read<Vec<Date>> {
        if rule.len() > RULE_BYTES_MAX {
            return Err(self.tell(event.line, format!("expected a rule of at most {RULE_BYTES_MAX} bytes")));
        }
        let parsed =
            IcalRecurRule::parse(rule).map_err(|why| self.tell(event.line, format!("a rule cannot be read: {why}")))?;
        let timed = [&parsed.by_hour, &parsed.by_minute, &parsed.by_second].iter().any(|by| !by.is_empty());
        let foreign = parsed.scale.as_deref().is_some_and(|scale| scale != "GREGORIAN");
        if parsed.freq != IcalRecurFreq::Yearly || timed || foreign {
            let message = "only rules that give whole days every year are read: expected \"FREQ=YEARLY\", in the Gregorian calendar and without hours";
            return Err(self.tell(event.line, message));
        }
        let horizon = IcalRecurDateTime { hour: 23, minute: 59, second: 59, ..civil(Date::constant(YEAR_MAX, 12, 31)) };
        let until = parsed.until.map_or(horizon, |until| until.min(horizon));
        let years =
            (until.year - i32::from(first.year())).max(0) / i32::try_from(parsed.interval).unwrap_or(i32::MAX) + 1;
        let followed = self.years.get().saturating_add(years);
        self.years.set(followed);
        if followed > RULE_YEARS_MAX {
            let message = format!(
                "up to here the rules are to be followed for more than {RULE_YEARS_MAX} years together: give those that are endless an \"UNTIL\" or an event a year"
            );
            return Err(self.tell(event.line, message));
        }
        let bounded = IcalRecurRule { until: Some(until), ..parsed };
        let instances = IcalRecurExpand::new(bounded, civil(first));
        let starts: Vec<Date> = instances.take(DAYS_MAX + 1).filter_map(date_of).collect();
        if starts.len() > DAYS_MAX {
            return Err(self.tell(event.line, format!("a rule gives more than {DAYS_MAX} days")));
        }
        Ok(starts)
    }

    /// `20261225`
    fn date(self, event: &Event<'_>, key: &str, text: &str) -> Read<Date> {
        let digits = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
        let date = digits.then(|| Date::strptime("%Y%m%d", text).ok()).flatten();
        date.ok_or_else(|| {
            let message = format!("a holiday is a whole day: expected a date such as \"20261225\" as \"{key}\"");
            self.tell(event.line, message)
        })
    }
}

impl Event<'_> {
    fn lines<'e>(&'e self, key: &'e str) -> impl Iterator<Item = &'e IcalLine<'e>> {
        let line = |item: &'e IcalItem<'e>| match item {
            IcalItem::Prop(line) => Some(line),
            _ => None,
        };
        self.component.items.iter().filter_map(line).filter(move |line| line.name.get().eq_ignore_ascii_case(key))
    }

    fn values<'e>(&'e self, key: &'e str) -> impl Iterator<Item = String> {
        self.lines(key).map(|line| line.raw_value_str().trim().to_owned())
    }

    fn value(&self, key: &str) -> Option<String> {
        self.values(key).next()
    }

    fn says(&self, key: &str, value: &str) -> bool {
        self.value(key).is_some_and(|said| said.eq_ignore_ascii_case(value))
    }

    /// Values that commas part, over all lines.
    fn list(&self, key: &str) -> Vec<String> {
        self.values(key)
            .flat_map(|line| line.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>())
            .collect()
    }
}

fn kind(component: &IcalCst<'_>) -> String {
    component.begin.as_ref().map_or_else(String::new, |begin| begin.raw_value_str().trim().to_ascii_uppercase())
}

fn components<'c>(calendar: &'c IcalCst<'c>) -> impl Iterator<Item = &'c IcalCst<'c>> {
    calendar.items.iter().filter_map(|item| match item {
        IcalItem::Component(component) => Some(&**component),
        _ => None,
    })
}

/// `P3D` or `P1W`
fn whole_days(duration: &str) -> Option<i64> {
    let number = duration.strip_prefix("+").unwrap_or(duration).strip_prefix('P')?;
    let (digits, days) =
        number.strip_suffix('D').map(|d| (d, 1)).or_else(|| number.strip_suffix('W').map(|w| (w, 7)))?;
    let digits = digits.bytes().all(|b| b.is_ascii_digit()).then_some(digits)?;
    digits.parse::<i64>().ok()?.checked_mul(days)
}

/// Whether components begin inside each other more than `most` times; lines may be folded.
fn is_nested_deeper(text: &str, most: usize) -> bool {
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut depth = 0_usize;
    unfolded.lines().any(|line| {
        let name = line.split([':', ';']).next().unwrap_or_default().trim();
        if name.eq_ignore_ascii_case("BEGIN") {
            depth = depth.saturating_add(1);
        } else if name.eq_ignore_ascii_case("END") {
            depth = depth.saturating_sub(1);
        }
        depth > most
    })
}

fn civil(date: Date) -> IcalRecurDateTime {
    let part = |number: i8| u8::try_from(number).unwrap_or(1);
    IcalRecurDateTime::date(i32::from(date.year()), part(date.month()), part(date.day()))
}

fn date_of(at: IcalRecurDateTime) -> Option<Date> {
    let part = |number: u8| i8::try_from(number).ok();
    Date::new(i16::try_from(at.year).ok()?, part(at.month)?, part(at.day)?).ok()
}

#[cfg(test)]
#[path = "holidays_tests.rs"]
mod tests;
