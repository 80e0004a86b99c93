//! What the terms of a scenario are to the core: calendars, and what is on record.

use uphold_common::catalogue::calendar::{Calendar, Hours, place};
use uphold_common::catalogue::promise::MaintenanceRules;
use uphold_common::ids::Id;
use uphold_common::measure::agreed::agreed;
use uphold_common::measure::committed::{Committed, Facts as Record, Planned};
use uphold_common::time::{Instant, Interval};

use super::{Facts, Span, Target};
use crate::reference::calendar as naive;

/// What of a window is committed for a target of a service with this entry.
pub(super) fn committed(facts: Facts<'_>, target: &Target, entry: Instant, window: Interval) -> Committed {
    let service = facts.scenario.services.iter().find(|s| s.name == target.service).expect("a known service");
    let name = target.calendar.as_ref().or(service.calendar.as_ref());
    let calendar = name.and_then(|name| facts.scenario.calendars.get(name));
    let hours = calendar.map(|calendar| agreed(&checked(calendar), window));
    let rules = MaintenanceRules { min_notice_ms: target.min_notice_ms, allowance_ms: target.allowance_ms };
    Committed::of(window, entry, hours.as_deref(), rules, &record(facts, target))
}

fn record(facts: Facts<'_>, target: &Target) -> Record {
    let interval = |(from, to): Span| Interval::new(Instant::from_ms(from), Instant::from_ms(to));
    let planned =
        |m: &super::Maintenance| Planned { interval: interval(m.span), announced_at: Instant::from_ms(m.announced) };
    Record {
        maintenance: facts.maintenance(&target.service).map(planned).collect(),
        excluded: facts.exclusions(target).map(|x| interval(x.span)).collect(),
    }
}

/// A calendar as the catalogue would hold it.
pub fn checked(of: &naive::Calendar) -> Calendar {
    let hours = |hours: &naive::Hours| Hours::new(hours.open.unsigned_abs(), hours.close.unsigned_abs());
    let hours = |of: &naive::Hours| hours(of).expect("hours of a day");
    let mut weekly: [Vec<Hours>; 7] = Default::default();
    for (day, of) in &of.weekly {
        weekly[place(*day)].push(hours(of));
    }
    let mut holidays = of.holidays.clone();
    holidays.sort_unstable();
    holidays.dedup();
    let extra_days = of.extra_days.iter().map(|(date, of)| (*date, of.iter().map(hours).collect()));
    Calendar {
        id: Id::new("made-up").expect("an id"),
        time_zone: of.zone.clone(),
        weekly,
        holidays,
        extra_days: extra_days.collect(),
    }
}
