//! What follows from incidents as time passes: which are major, who is reminded, who is told that nobody did anything. Pure.
//!
//! One decision at a time for each incident, and none for one about which something was decided at the same instant: what
//! follows is decided at the next, from its outcome. Deciding again over the same incidents changes nothing. Nothing is
//! decided about an incident that is *held*: its newest state is not the present.

use std::collections::BTreeSet;

use uphold_common::catalogue::model::Handling;
use uphold_common::time::Instant;

use super::decide::Decision;
use super::model::{Change, Event, Incident, Number};
use super::register::Register;
use super::{escalation, major};

/// Decides what follows, beside what was `decided` at the same instant.
pub fn handle(
    register: &Register,
    handling: &Handling,
    held: impl Fn(&Incident) -> bool,
    decided: &[Decision],
    now: Instant,
) -> Vec<Decision> {
    let busy: BTreeSet<Number> = decided.iter().flat_map(|one| &one.events).map(|event| event.number).collect();
    let mut decisions = Vec::new();
    for incident in register.all().filter(|incident| incident.is_open() || incident.wants_review()) {
        if busy.contains(&incident.number) || held(incident) {
            continue;
        }
        let Some(change) = next(incident, handling, now) else { continue };
        let (number, place) = (incident.number, incident.events + 1);
        decisions.push(Decision { events: vec![Event { number, place, decided_at: now, change }] });
    }
    decisions
}

fn next(incident: &Incident, handling: &Handling, now: Instant) -> Option<Change> {
    major::declared(incident, handling, now)
        .or_else(|| major::reminded(incident, handling, now))
        .or_else(|| escalation::escalated(incident, handling, now))
}

#[cfg(test)]
mod tests {
    use uphold_common::catalogue::model::{
        Condition, EscalationRule, EscalationStep, MajorCondition, MajorRule, Priority, Unless,
    };
    use uphold_common::ids::Id;

    use super::super::model::{Opening, PriorityText, Subject};
    use super::*;

    fn id(text: &str) -> Id {
        Id::new(text).unwrap()
    }

    fn at(ms: i64) -> Instant {
        Instant::from_ms(ms)
    }

    fn handling() -> Handling {
        let step = EscalationStep { after_ms: 1_000, unless: Unless::Acknowledged, to: id("duty") };
        let rule = EscalationRule { when: Condition::default(), calendar: None, steps: vec![step] };
        let when = MajorCondition { priorities: Vec::new(), services: Some(1), customers: None, after_ms: None };
        let (owner, notice) = ("Somebody".to_owned(), Some(id("board")));
        let major = MajorRule { when: vec![when], owner, notice, notice_within_ms: 9_000, review_within_ms: 9_000 };
        Handling { escalation: vec![rule], major: Some(major), ..Handling::default() }
    }

    #[test]
    fn one_thing_follows_at_a_time_and_nothing_follows_twice() {
        let mut register = Register::default();
        let subject = Subject::ServiceDown { service: id("shop") };
        let priority = PriorityText(Priority::parse("P1").unwrap());
        let change = Change::Opened(Opening::new(subject, at(0), priority, "down"));
        register.apply(&Event { number: Number(1), place: 1, decided_at: at(0), change }).unwrap();

        let handling = handling();
        let first = handle(&register, &handling, |_| false, &[], at(5_000));
        assert!(handle(&register, &handling, |_| true, &[], at(5_000)).is_empty(), "it is held");
        assert!(handle(&register, &handling, |_| false, &first, at(5_000)).is_empty(), "something was decided of it");
        let mut told = Vec::new();
        for _ in 0..4 {
            for event in handle(&register, &handling, |_| false, &[], at(5_000)).iter().flat_map(|one| &one.events) {
                told.push(event.change.to_string());
                register.apply(event).unwrap();
            }
        }
        assert_eq!(
            told,
            [
                "a major incident, for which Somebody answers: 1 of its services fail, of 1 that make it one",
                "escalated to duty, step 1: nobody took it on within 1s"
            ]
        );
    }
}
