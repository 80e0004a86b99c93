//! Response and restore targets: by when an incident is to be taken on and to be over, and whether it was. Pure.
//!
//! Somebody can answer for an incident only once it is known, so the time to respond begins as it was opened. A customer is
//! without the service from the moment it failed, so the time to restore begins and ends as measured. What is over before
//! anybody took it on in time wants no answer any more. An incident that never was, or began in maintenance, has no targets.
//! They are those of the catalogue in force: nothing of them is kept with the incident.

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::model::{Calendar, Handling};
use uphold_common::measure::agreed::passed_by;
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::model::{Incident, Resolution};

/// By when an incident is to be taken on and to be over, and whether it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IncidentResponse)]
pub struct Response {
    /// By when somebody is to take it on; null where nothing is said of it.
    pub respond_by: Option<Instant>,
    /// Whether somebody did.
    pub respond: Option<Outcome>,
    /// By when it is to be over, as measured; null where nothing is said of it.
    pub restore_by: Option<Instant>,
    /// Whether it was.
    pub restore: Option<Outcome>,
}

/// What became of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ResponseOutcome)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There is still time.
    Running,
    /// It was done in time.
    Met,
    /// It was not.
    Missed,
}

impl Outcome {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Met => "met",
            Self::Missed => "missed",
        }
    }
}

/// The targets of an incident and what became of them by `now`; none where it has none.
pub fn response(incident: &Incident, handling: &Handling, now: Instant) -> Option<Response> {
    let target = handling.response.get(&incident.priority.0)?;
    let resolved = incident.resolved.as_ref();
    let counts = resolved.is_none_or(|end| !matches!(end.resolution, Resolution::NeverWas | Resolution::Withdrawn));
    if !counts || incident.quiet.is_some() {
        return None;
    }
    let calendar = target.calendar.as_deref();
    let respond_by = target.respond_ms.and_then(|ms| by(calendar, incident.opened, ms));
    let restore_by = target.restore_ms.and_then(|ms| by(calendar, incident.started, ms));
    let taken_on = incident.acknowledged.as_ref().map(|taken| taken.at);
    let answered = taken_on.or_else(|| resolved.map(|end| end.decided_at));
    let ended = resolved.map(|end| end.ended);
    Some(Response {
        respond_by,
        respond: respond_by.map(|by| outcome(by, answered, now)),
        restore_by,
        restore: restore_by.map(|by| outcome(by, ended, now)),
    })
}

/// When so much time has passed in the hours of a calendar; none if it never does.
fn by(calendar: Option<&Calendar>, from: Instant, length_ms: i64) -> Option<Instant> {
    match calendar {
        None => Some(from.plus_ms(length_ms)),
        Some(calendar) => passed_by(calendar, from, length_ms),
    }
}

fn outcome(by: Instant, done: Option<Instant>, now: Instant) -> Outcome {
    match done {
        Some(at) if at <= by => Outcome::Met,
        None if now <= by => Outcome::Running,
        _ => Outcome::Missed,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use jiff::tz::TimeZone;
    use uphold_common::catalogue::calendar::Hours;
    use uphold_common::catalogue::model::{Priority, ResponseTarget};
    use uphold_common::ids::Id;

    use super::super::model::{Change, Event, Number, Opening, PriorityText, Subject};
    use super::*;
    use crate::identity::deed::Actor;

    const HOUR_MS: i64 = 3_600_000;
    const BY: Actor = Actor::Local { uid: None };

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    fn p1() -> Priority {
        Priority::parse("P1").unwrap()
    }

    fn incident(started: &str, opened: &str, changes: &[(&str, Change)]) -> Incident {
        let subject = Subject::ServiceDown { service: id("shop") };
        let first = (opened, Change::Opened(Opening::new(subject, at(started), PriorityText(p1()), "down")));
        let mut incident = None;
        for (place, (when, change)) in (1..).zip(std::iter::once(&first).chain(changes)) {
            let event = Event { number: Number(1), place, decided_at: at(when), change: change.clone() };
            incident = Some(Incident::after(incident, &event).unwrap());
        }
        incident.unwrap()
    }

    fn handling(respond_h: i64, restore_h: i64, hours: Option<&str>) -> Handling {
        let calendar = hours.map(|hours| {
            let weekly = std::array::from_fn(|_| vec![Hours::parse(hours).unwrap()]);
            let time_zone = TimeZone::get("Europe/Zurich").unwrap();
            let (holidays, extra_days) = (Vec::new(), BTreeMap::new());
            Arc::new(Calendar { id: id("hours"), time_zone, weekly, holidays, extra_days })
        });
        let (respond_ms, restore_ms) = (Some(respond_h * HOUR_MS), Some(restore_h * HOUR_MS));
        let target = ResponseTarget { respond_ms, restore_ms, calendar };
        Handling { response: BTreeMap::from([(p1(), target)]), ..Handling::default() }
    }

    #[test]
    fn an_answer_is_due_from_the_opening_and_an_end_from_the_measured_beginning() {
        use Outcome::{Met, Missed, Running};
        let (started, opened) = ("2026-03-28T10:00:00Z", "2026-03-28T12:00:00Z");
        let taken = |when| (when, Change::Acknowledged { by: BY, text: None });
        let over = |when, ended: &str| (when, Change::over(at(ended), Resolution::Recovered));
        for (changes, now, expected) in [
            (vec![], "2026-03-28T13:00:00Z", (Running, Running)),
            (vec![], "2026-03-28T13:00:00.001Z", (Missed, Running)),
            (vec![], "2026-03-28T14:00:00.001Z", (Missed, Missed)),
            (vec![taken("2026-03-28T13:00:00Z")], "2026-03-28T13:30:00Z", (Met, Running)),
            (vec![taken("2026-03-28T13:01:00Z")], "2026-03-28T13:30:00Z", (Missed, Running)),
            // Over before anybody took it on; and over in time, though it became known too late.
            (vec![over("2026-03-28T12:30:00Z", "2026-03-28T12:29:00Z")], "2026-03-29T00:00:00Z", (Met, Met)),
            (vec![over("2026-03-28T18:00:00Z", "2026-03-28T14:00:00Z")], "2026-03-29T00:00:00Z", (Missed, Met)),
        ] {
            let found = response(&incident(started, opened, &changes), &handling(1, 4, None), at(now)).unwrap();
            assert_eq!((found.respond, found.restore), (Some(expected.0), Some(expected.1)), "{changes:?} at {now}");
            assert_eq!(found.respond_by, Some(at("2026-03-28T13:00:00Z")));
            assert_eq!(found.restore_by, Some(at("2026-03-28T14:00:00Z")));
        }
    }

    #[test]
    fn deadlines_count_the_hours_of_the_calendar_also_where_clocks_change() {
        // In the night to the 29th of March 2026 clocks in Zurich go forward.
        for (hours, respond_by, restore_by) in [
            ("08:00-18:00", "2026-03-29T07:30:00Z", "2026-03-29T09:00:00Z"),
            ("00:00-24:00", "2026-03-28T18:30:00Z", "2026-03-28T20:00:00Z"),
            ("00:00-04:00", "2026-03-29T01:00:00Z", "2026-03-29T23:00:00Z"),
        ] {
            let incident = incident("2026-03-28T16:00:00Z", "2026-03-28T16:30:00Z", &[]);
            let found = response(&incident, &handling(2, 4, Some(hours)), at("2026-03-28T17:00:00Z")).unwrap();
            let expected = (Some(at(respond_by)), Some(at(restore_by)));
            assert_eq!((found.respond_by, found.restore_by), expected, "{hours}");
        }
    }

    #[test]
    fn what_never_was_or_was_planned_has_no_targets() {
        let (opened, now) = ("2026-03-28T12:00:00Z", at("2026-03-30T00:00:00Z"));
        let never = (opened, Change::over(at(opened), Resolution::NeverWas));
        assert_eq!(response(&incident(opened, opened, &[never]), &handling(1, 4, None), now), None);
        let quiet = Incident { quiet: Some(id("window")), ..incident(opened, opened, &[]) };
        assert_eq!(response(&quiet, &handling(1, 4, None), now), None);
        assert_eq!(response(&incident(opened, opened, &[]), &Handling::default(), now), None);
    }
}
