//! From a scenario's text to its terms: calendars, targets and their options, maintenance, exclusions.

use std::collections::BTreeSet;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::clock::date_word;
use super::words::{Reading, Words, decimal, length, micros, percentage};
use super::{Clock, Exclusion, LONG_AFTERWARDS_MS, MIDNIGHT_MS, Maintenance, Response, Scenario, Target, Unmeasured};
use crate::reference::burn::Rule;
use crate::reference::calendar::{Calendar, Hours};
use crate::reference::local::{Window, first_of};
use crate::reference::response::Wanted;

/// Lines that add to a scenario's terms.
impl Scenario {
    /// `day 2026-03-29 in Europe/Zurich`; tells when a question is asked unless it says otherwise.
    pub(super) fn read_day(&mut self, words: &mut Words) -> Reading<i64> {
        let date = words.parse("a date such as 2026-03-29", date_word)?;
        let zone = if words.take("in") { words.parse("a time zone", zone)? } else { TimeZone::UTC };
        if self.clock != Clock::default() || !self.arrivals.is_empty() {
            return Err(words.wrong("the day before everything else, and once", "another"));
        }
        self.clock = Clock { date, zone };
        Ok(first_of(&self.clock.zone, date) + (LONG_AFTERWARDS_MS - MIDNIGHT_MS))
    }

    /// `calendar office mon-fri 08:00-18:00`.
    pub(super) fn read_calendar(&mut self, words: &mut Words) -> Reading<()> {
        let name = words.next("the calendar's name")?.to_owned();
        let zone = if words.take("in") { words.parse("a time zone", zone)? } else { self.clock.zone.clone() };
        let mut calendar = Calendar { zone, weekly: Vec::new(), holidays: Vec::new(), extra_days: Vec::new() };
        while words.peek().is_some() {
            let days = words.parse("days such as mon-fri or sat,sun", days)?;
            let hours = some_hours(words)?;
            calendar.weekly.extend(days.iter().flat_map(|day| hours.iter().map(|hours| (*day, *hours))));
        }
        self.calendars.insert(name, calendar);
        Ok(())
    }

    /// `holiday of office 2026-12-25`.
    pub(super) fn read_holiday(&mut self, words: &mut Words) -> Reading<()> {
        let calendar = self.calendar_of(words)?;
        while words.peek().is_some() {
            calendar.holidays.push(words.parse("a date such as 2026-12-25", date_word)?);
        }
        Ok(())
    }

    /// `extra-day of office 2026-12-19 09:00-16:00`.
    pub(super) fn read_extra_day(&mut self, words: &mut Words) -> Reading<()> {
        let calendar = self.calendar_of(words)?;
        let date = words.parse("a date such as 2026-12-19", date_word)?;
        let hours = some_hours(words)?;
        calendar.extra_days.push((date, hours));
        Ok(())
    }

    fn calendar_of(&mut self, words: &mut Words) -> Reading<&mut Calendar> {
        words.parse("of", |w| (w == "of").then_some(()))?;
        let name = words.next("a calendar's name")?;
        self.calendars.get_mut(name).ok_or_else(|| words.wrong("a calendar from further up", name))
    }

    /// `maintenance of shop 10:00-11:00 announced 07:00`.
    pub(super) fn read_maintenance(&mut self, words: &mut Words) -> Reading<()> {
        let services = self.services_of(words)?;
        let span = words.span("a span such as 10:00-11:00")?;
        let announced = words.time_after("announced")?.ok_or_else(|| words.wrong("`announced` and a time", "none"))?;
        let added = words.time_after("added")?.unwrap_or(announced);
        let cancelled = words.time_after("cancelled")?;
        self.maintenance.push(Maintenance { services, span, announced, added, cancelled });
        Ok(())
    }

    /// `exclusion of shop target gold 10:00-11:00 customer added 12:00`.
    pub(super) fn read_exclusion(&mut self, words: &mut Words) -> Reading<()> {
        let services = self.services_of(words)?;
        let known: BTreeSet<&str> = self.targets.iter().map(|t| t.name.as_str()).collect();
        let targets = if words.take("target") {
            words.parse("targets from further up", |w| named(w, &known))?
        } else {
            Vec::new()
        };
        let span = words.span("a span such as 10:00-11:00")?;
        let classes = ["planned", "customer", "supplier", "force_majeure", "other"];
        let class = words.parse("a class: planned, customer, supplier, force_majeure or other", |w| {
            classes.contains(&w).then(|| w.to_owned())
        })?;
        let (added, revoked) = (words.time_after("added")?, words.time_after("revoked")?);
        self.exclusions.push(Exclusion { services, targets, span, class, added, revoked });
        Ok(())
    }

    fn services_of(&self, words: &mut Words) -> Reading<Vec<String>> {
        words.parse("of", |w| (w == "of").then_some(()))?;
        let known: BTreeSet<&str> = self.services.iter().map(|s| s.name.as_str()).collect();
        words.parse("`all`, or services from further up", |w| if w == "all" { Some(vec![]) } else { named(w, &known) })
    }

    /// `target gold of shop 99.9% window 08:00-09:00`.
    pub(super) fn read_target(&mut self, words: &mut Words) -> Reading<()> {
        let name = words.next("the target's name")?.to_owned();
        words.parse("of", |w| (w == "of").then_some(()))?;
        let services = &self.services;
        let service =
            words.parse("a service from further up", |w| services.iter().any(|s| s.name == w).then(|| w.to_owned()))?;
        let mut target = Target::new(&name, &service, 0, (0, 0));
        if words.take("response") {
            target.response = Some(self.response(words)?);
        } else {
            (target.ppb, target.decimals) = words.parse("a percentage such as 99.9%", percentage)?;
        }
        words.parse("window", |w| (w == "window").then_some(()))?;
        self.window(words, &mut target)?;
        while let Some(option) = words.peek() {
            words.next("an option")?;
            self.option(words, option, &mut target)?;
        }
        self.targets.push(target);
        Ok(())
    }

    fn response(&self, words: &mut Words) -> Reading<Response> {
        let known = |w: &str| self.probes.iter().any(|p| p.name == w).then(|| w.to_owned());
        let probe = words.parse("a probe from further up", known)?;
        let kind =
            words.parse("percentile or share", |w| ["percentile", "share"].contains(&w).then(|| w.to_owned()))?;
        let share = |w: &str| percentage(w).map(|(share, _)| share).filter(|share| (1..=1_000_000_000).contains(share));
        let wanted = if kind == "share" {
            Wanted::Share(words.parse("a share such as 99.5%", share)?)
        } else {
            Wanted::Percentile(words.parse("a number such as 95", |w| share(&format!("{w}%")))?)
        };
        words.parse("below", |w| (w == "below").then_some(()))?;
        Ok(Response { probe, wanted, below_us: words.parse("a length such as 800ms", micros)? })
    }

    fn window(&self, words: &mut Words, target: &mut Target) -> Reading<()> {
        let kind = match words.peek() {
            Some("day") => Window::Day,
            Some("week") => Window::Week,
            Some("month") => Window::Month,
            Some("quarter") => Window::Quarter,
            Some("year") => Window::Year,
            Some("last") => {
                words.next("last")?;
                target.window = Window::Rolling(words.parse("a length", length)?);
                return Ok(());
            }
            _ => {
                let (from, to) =
                    words.span("a span such as 08:00-09:00, a kind of window and a date, or `last 24h`")?;
                (target.window, target.at) = (Window::Span(from, to), from);
                return Ok(());
            }
        };
        words.next("a kind of window")?;
        let date = words.parse("a date such as 2026-03-29", date_word)?;
        (target.window, target.at) = (kind, first_of(&self.clock.zone, date));
        Ok(())
    }

    pub(super) fn option(&self, words: &mut Words, option: &str, target: &mut Target) -> Reading<()> {
        match option {
            "calendar" => target.calendar = Some(self.known_calendar(words)?),
            "min_notice" => target.min_notice_ms = words.parse("a length", length)?,
            "allowance" => target.allowance_ms = Some(words.parse("a length", length)?),
            "unmeasured" => {
                target.unmeasured = words.parse("exclude, count_as_down or count_as_up", |w| match w {
                    "exclude" => Some(Unmeasured::Exclude),
                    "count_as_down" => Some(Unmeasured::CountAsDown),
                    "count_as_up" => Some(Unmeasured::CountAsUp),
                    _ => None,
                })?;
            }
            "degraded" => {
                target.degraded_is_lost = words.parse("count_as_up or count_as_down", |w| match w {
                    "count_as_up" => Some(false),
                    "count_as_down" => Some(true),
                    _ => None,
                })?;
            }
            "breaks" => target.breaks.at_most = Some(words.parse("a number", |w| w.parse().ok())?),
            "longest" => target.breaks.longest = Some(words.parse("a length", length)?),
            "mtrs" => target.breaks.mtrs = Some(words.parse("a length", length)?),
            "mtbsi" => target.breaks.mtbsi = Some(words.parse("a length", length)?),
            "credit" => target.credits.push(credit(words)?),
            "alert" => target.alerts.get_or_insert_default().push(alert(words)?),
            "min_bad" => target.min_bad = words.parse("a number", |w| w.parse().ok())?,
            other => return Err(words.wrong("an option of a target", other)),
        }
        Ok(())
    }

    /// A calendar's name.
    pub(super) fn known_calendar(&self, words: &mut Words) -> Reading<String> {
        words.parse("a calendar from further up", |w| self.calendars.contains_key(w).then(|| w.to_owned()))
    }
}

/// `below 99.9% 10%`.
fn credit(words: &mut Words) -> Reading<(i64, i64)> {
    words.parse("below", |w| (w == "below").then_some(()))?;
    let share = |w: &str| percentage(w).map(|(share, _)| share);
    Ok((words.parse("a percentage", share)?, words.parse("a percentage", share)?))
}

/// `1h/5m at 14.4`.
fn alert(words: &mut Words) -> Reading<Rule> {
    let (long, short) = words.parse("look-backs such as 1h/5m", look_backs)?;
    words.parse("at", |w| (w == "at").then_some(()))?;
    let factor = words.parse("a factor such as 14.4", decimal)?;
    Ok(Rule { long, short, factor, urgent: false })
}

/// `1h/5m`.
pub(super) fn look_backs(word: &str) -> Option<(i64, i64)> {
    let (long, short) = word.split_once('/')?;
    Some((length(long)?, length(short)?))
}

/// Names with commas between them, all of which are known.
fn named(word: &str, known: &BTreeSet<&str>) -> Option<Vec<String>> {
    word.split(',').map(|name| known.contains(name).then(|| name.to_owned())).collect()
}

fn zone(word: &str) -> Option<TimeZone> {
    TimeZone::get(word).ok()
}

const WEEK: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// `mon-fri`, `sat,sun`.
fn days(word: &str) -> Option<Vec<Weekday>> {
    let place = |name: &str| WEEK.iter().position(|(known, _)| *known == name);
    let (from, to) = match word.split_once('-') {
        Some((from, to)) => (place(from)?, place(to)?),
        None => return word.split(',').map(|name| Some(WEEK[place(name)?].1)).collect(),
    };
    Some(WEEK.get(from..=to)?.iter().map(|(_, day)| *day).collect())
}

/// `08:00-12:00`, as often as it comes.
fn some_hours(words: &mut Words) -> Reading<Vec<Hours>> {
    let mut all = vec![words.parse("hours such as 08:00-18:00", hours)?];
    while words.peek().is_some_and(|word| hours(word).is_some()) {
        all.extend(hours(words.next("hours")?));
    }
    Ok(all)
}

fn hours(word: &str) -> Option<Hours> {
    let minutes = |word: &str| {
        let (hour, minute) = word.split_once(':')?;
        let minutes = hour.parse::<i16>().ok()? * 60 + minute.parse::<i16>().ok()?;
        (word.len() == 5 && (0..=1440).contains(&minutes)).then_some(minutes)
    };
    let (open, close) = word.split_once('-')?;
    Some(Hours { open: minutes(open).filter(|open| *open < 1440)?, close: minutes(close)? })
}
