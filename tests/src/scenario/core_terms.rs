//! What the terms of a scenario are to the core: calendars, and what is on record.

use uphold_common::catalogue::calendar::{Calendar, Hours, place};
use uphold_common::catalogue::course::ServiceCourse;
use uphold_common::catalogue::model::Target;
use uphold_common::ids::Id;
use uphold_common::measure::agreed::{agreed, union};
use uphold_common::measure::committed::{Committed, Facts as Record, Planned};
use uphold_common::time::{Instant, Interval};

use super::by_core::entry;
use super::{Facts, Span};
use crate::reference::calendar as naive;

/// What of a window is committed for a target as it holds for the window.
pub(super) fn committed(facts: Facts<'_>, course: &ServiceCourse, target: &Target, window: Interval) -> Committed {
    let hours = match &target.calendar {
        Some(calendar) => Some(agreed(calendar, window)),
        None => hours_of(course, window),
    };
    Committed::of(window, entry(course), hours.as_deref(), target.maintenance, &record(facts, target))
}

/// The agreed service time by the service's own calendar, which may be another from a version on; none: always.
fn hours_of(course: &ServiceCourse, window: Interval) -> Option<Vec<Interval>> {
    let pieces: Vec<_> = course.within(window).collect();
    pieces.iter().find(|(_, piece)| piece.service.calendar.is_some())?;
    let mut hours = Vec::new();
    for (part, piece) in pieces {
        match &piece.service.calendar {
            Some(calendar) => hours.extend(agreed(calendar, part)),
            None => hours.push(part),
        }
    }
    Some(union(hours))
}

fn record(facts: Facts<'_>, target: &Target) -> Record {
    let interval = |(from, to): Span| Interval::new(Instant::from_ms(from), Instant::from_ms(to));
    let planned =
        |m: &super::Maintenance| Planned { interval: interval(m.span), announced_at: Instant::from_ms(m.announced) };
    Record {
        maintenance: facts.maintenance(target.service.as_str()).map(planned).collect(),
        excluded: facts
            .exclusions(target.service.as_str(), target.id.child.as_str())
            .map(|x| interval(x.span))
            .collect(),
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
