//! Incidents and problems that tests of these rooms are made of.

use uphold_common::catalogue::model::Priority;
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::model::ProblemEvent;
use super::register::Problems;
use crate::identity::deed::Actor;
use crate::incident::model::{Change, Event, Number, Opening, PriorityText, Resolution, Subject};
use crate::incident::register::Register;

pub(super) const DAY_MS: i64 = 86_400_000;
pub(super) const BY: Actor = Actor::Local { uid: Some(7) };

pub(super) fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

pub(super) fn at(days: i64) -> Instant {
    Instant::from_ms(days * DAY_MS)
}

/// An outage: its service, its components, the day on which it began, and after how many minutes it ended, if it did.
pub(super) type Outage<'a> = (&'a str, &'a [&'a str], i64, Option<i64>);

/// Outages, numbered from 1.
pub(super) fn outages(outages: &[Outage<'_>]) -> Register {
    let mut register = Register::default();
    for (number, (service, components, day, minutes)) in (1..).map(Number).zip(outages) {
        let priority = PriorityText(Priority::parse("P1").unwrap());
        let subject = Subject::ServiceDown { service: id(service) };
        let mut opening = Opening::new(subject, at(*day), priority, "down");
        opening.components = components.iter().map(|name| id(name)).collect();
        let opened = Event { number, place: 1, decided_at: at(*day), change: Change::Opened(opening) };
        register.apply(&opened).unwrap();
        if let Some(minutes) = minutes {
            resolve(&mut register, number, at(*day).plus_ms(minutes * 60_000), Resolution::Recovered);
        }
    }
    register
}

pub(super) fn resolve(register: &mut Register, number: Number, ended: Instant, resolution: Resolution) {
    let change = Change::over(ended, resolution);
    register.apply(&Event { number, place: 2, decided_at: ended, change }).unwrap();
}

pub(super) fn apply(problems: &mut Problems, events: &[ProblemEvent]) {
    for event in events {
        problems.apply(event).unwrap();
    }
}
