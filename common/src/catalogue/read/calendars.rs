//! Calendars: in which hours of which dates services are agreed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::every;
use super::holidays::{DAYS_MAX, HolidayFiles};
use crate::catalogue::calendar::{Calendar, Hours};
use crate::catalogue::promise::MaintenanceRules;
use crate::ids::Id;
use crate::time::DAY_MS;
use crate::yaml::declared::{Declared, Item};
use crate::yaml::problem::Read;
use crate::yaml::walk::{At, Keys};

const DAYS: [(&str, usize); 7] = [("mon", 0), ("tue", 1), ("wed", 2), ("thu", 3), ("fri", 4), ("sat", 5), ("sun", 6)];
/// Most hours of one day, as far as one entry says them.
const HOURS_MAX: usize = 48;
/// Notice and allowance.
const LENGTH_MS: RangeInclusive<i64> = 0..=366 * DAY_MS;

/// The calendars, by name and as far as they could be read.
#[derive(Debug)]
pub(super) struct Calendars {
    declared: Declared,
    known: BTreeMap<Id, Read<Arc<Calendar>>>,
}

impl Calendars {
    pub(super) fn declared(declared: Declared) -> Self {
        Self { declared, known: BTreeMap::new() }
    }

    /// Reads all of them; `zone` is the organisation's.
    pub(super) fn read(&mut self, items: &[Item<'_>], zone: &TimeZone, files: &HolidayFiles<'_>) -> Read<()> {
        let mut read = Ok(());
        for item in items {
            let calendar = calendar(item, zone, files).map(Arc::new);
            if let Err(told) = calendar {
                read = Err(told);
            }
            if let Ok(id) = &item.id {
                self.known.insert(id.clone(), calendar);
            }
        }
        read
    }

    /// Those that could be read.
    pub(super) fn sound(&self) -> BTreeMap<Id, Arc<Calendar>> {
        let sound = self.known.iter().filter_map(|(id, calendar)| Some((id.clone(), calendar.clone().ok()?)));
        sound.collect()
    }

    /// The calendar that is named here.
    pub(super) fn refer(&self, at: &At<'_>) -> Read<Arc<Calendar>> {
        let id = self.declared.refer(at)?;
        self.known.get(&id).cloned().unwrap_or_else(|| Err(at.problem("this calendar could not be read")))
    }
}

/// `min_notice` and `maintenance_allowance` of a target.
pub(super) fn maintenance(keys: &Keys<'_>) -> Read<MaintenanceRules> {
    let min_notice = keys.or("min_notice", 0, |at| at.duration_ms(LENGTH_MS));
    let allowance = keys.optional("maintenance_allowance", |at| at.duration_ms(LENGTH_MS));
    Ok(MaintenanceRules { min_notice_ms: min_notice?, allowance_ms: allowance? })
}

fn calendar(item: &Item<'_>, zone: &TimeZone, files: &HolidayFiles<'_>) -> Read<Calendar> {
    item.mapping(|keys| {
        let time_zone = keys.or("time_zone", zone.clone(), At::time_zone);
        let weekly = keys.list("weekly", weekly);
        let holidays = keys.get("holidays").map_or(Ok(Vec::new()), |at| holidays(&at, files));
        let extra_days = keys.list("extra_days", extra_day);
        let mut of_days: [Vec<Hours>; 7] = Default::default();
        for (days, hours) in weekly? {
            for day in days {
                of_days.get_mut(day).into_iter().for_each(|of_day| of_day.extend(&hours));
            }
        }
        let mut extra: BTreeMap<Date, Vec<Hours>> = BTreeMap::new();
        for (date, hours) in extra_days? {
            extra.entry(date).or_default().extend(hours);
        }
        of_days.iter_mut().chain(extra.values_mut()).for_each(|hours| {
            hours.sort_unstable();
            hours.dedup();
        });
        let (id, time_zone, holidays) = (item.id.clone()?, time_zone?, holidays?);
        Ok(Calendar { id, time_zone, weekly: of_days, holidays, extra_days: extra })
    })
}

/// `{ days: [mon, tue], hours: ["08:00-18:00"] }`
fn weekly(at: &At<'_>) -> Read<(Vec<usize>, Vec<Hours>)> {
    at.mapping(|keys| {
        let days = keys.required("days", |at| at.set("days", DAYS.len(), |at| at.word(&DAYS)));
        let hours = keys.required("hours", |at| at.set("hours", HOURS_MAX, hours));
        Ok((days?, hours?))
    })
}

/// `{ date: 2026-12-19, hours: ["09:00-16:00"] }`; with no hours, nothing is agreed on that date.
fn extra_day(at: &At<'_>) -> Read<(Date, Vec<Hours>)> {
    at.mapping(|keys| {
        let date = keys.required("date", At::date);
        let hours = keys.required("hours", |at| match at.items()?.as_slice() {
            [] => Ok(Vec::new()),
            _ => at.set("hours", HOURS_MAX, hours),
        });
        Ok((date?, hours?))
    })
}

fn hours(at: &At<'_>) -> Read<Hours> {
    let wanted = "hours such as \"08:00-18:00\"";
    Hours::parse(at.scalar(wanted)?).ok_or_else(|| at.expected(wanted))
}

/// `[2026-12-25, { file: holidays.ics }]`, in order, each date once.
fn holidays(at: &At<'_>, files: &HolidayFiles<'_>) -> Read<Vec<Date>> {
    let holiday = |at: &At<'_>| {
        if at.is_mapping() {
            return at.mapping(|keys| keys.required("file", |at| files.dates(at)));
        }
        Ok(vec![at.date()?])
    };
    let mut dates = every(at.items()?.iter().map(holiday))?.concat();
    dates.sort_unstable();
    dates.dedup();
    if dates.len() > DAYS_MAX {
        return Err(at.problem(format!("more than {DAYS_MAX} holidays")));
    }
    Ok(dates)
}
