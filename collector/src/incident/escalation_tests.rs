//! Escalation by table: when which step is told, and when none.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use uphold_common::catalogue::calendar::Hours;
use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Priority;
use uphold_common::ids::Id;

use super::super::model::{Event, Number, Opening, PriorityText, Resolution, Subject};
use super::*;
use crate::identity::deed::Actor;

const MINUTE_MS: i64 = 60_000;
const BY: Actor = Actor::Local { uid: None };

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn at(minutes: i64) -> Instant {
    Instant::from_ms(minutes * MINUTE_MS)
}

/// An outage of the shop that was opened at 09:00 on a Thursday in 1970, with what happened since, minute by minute.
fn incident(changes: &[(i64, Change)]) -> Incident {
    let subject = Subject::ServiceDown { service: id("shop") };
    let mut opening = Opening::new(subject, at(535), PriorityText(Priority::parse("P1").unwrap()), "down");
    opening.customers = vec![id("retail")];
    let opened = (540, Change::Opened(opening));
    let mut incident = None;
    for (place, (minute, change)) in (1..).zip(std::iter::once(&opened).chain(changes)) {
        let event = Event { number: Number(1), place, decided_at: at(*minute), change: change.clone() };
        incident = Some(Incident::after(incident, &event).unwrap());
    }
    incident.unwrap()
}

fn step(after_min: i64, unless: Unless, to: &str) -> EscalationStep {
    EscalationStep { after_ms: after_min * MINUTE_MS, unless, to: id(to) }
}

fn steps() -> Handling {
    let steps = vec![
        step(15, Unless::Acknowledged, "duty"),
        step(60, Unless::Resolved, "lead"),
        step(120, Unless::Acknowledged, "head"),
    ];
    let rule = EscalationRule { when: Condition::default(), calendar: None, steps };
    Handling { escalation: vec![rule], ..Handling::default() }
}

fn told(incident: &Incident, handling: &Handling, minute: i64) -> Option<(u32, String)> {
    escalated(incident, handling, at(minute)).map(|change| match change {
        Change::Escalated { step, to, .. } => (step, to.to_string()),
        other => panic!("{other}"),
    })
}

#[test]
fn each_step_is_told_once_in_order_unless_it_is_needless() {
    let told_of = |step| Change::Escalated { step, to: id("duty"), because: String::new() };
    let taken = Change::Acknowledged { by: BY, text: None };
    let over = Change::over(at(545), Resolution::Recovered);
    let again = Change::again();
    for (changes, minute, expected) in [
        (vec![], 530, None),
        (vec![], 554, None),
        (vec![], 555, Some((1, "duty"))),
        (vec![(555, told_of(1))], 556, None),
        (vec![(555, told_of(1))], 600, Some((2, "lead"))),
        (vec![(555, told_of(1)), (600, told_of(2))], 659, None),
        (vec![(555, told_of(1)), (600, told_of(2))], 660, Some((3, "head"))),
        (vec![(660, told_of(3))], 9_999, None),
        // Nobody looked for long: only the newest is told, and those before it never.
        (vec![], 9_999, Some((3, "head"))),
        (vec![(545, taken.clone())], 555, None),
        (vec![(545, taken.clone())], 600, Some((2, "lead"))),
        (vec![(545, taken.clone())], 9_999, Some((2, "lead"))),
        (vec![(545, taken), (600, told_of(2))], 9_999, None),
        (vec![(545, over.clone())], 9_999, None),
        (vec![(555, told_of(1)), (556, over.clone()), (558, again.clone())], 559, None),
        (vec![(545, over), (550, again)], 555, Some((1, "duty"))),
    ] {
        let found = told(&incident(&changes), &steps(), minute);
        assert_eq!(found, expected.map(|(step, to)| (step, to.to_owned())), "{changes:?} at {minute}");
    }
    let quiet = Incident { quiet: Some(id("window")), ..incident(&[]) };
    assert_eq!(told(&quiet, &steps(), 9_999), None, "what began in maintenance is nobody's");
}

#[test]
fn time_passes_in_the_hours_of_the_calendar() {
    let mut weekly: [Vec<Hours>; 7] = Default::default();
    weekly.iter_mut().take(5).for_each(|day| *day = vec![Hours::parse("08:00-09:30").unwrap()]);
    let (holidays, extra_days) = (Vec::new(), BTreeMap::new());
    let office = Calendar { id: id("office"), time_zone: TimeZone::UTC, weekly, holidays, extra_days };
    let mut handling = steps();
    handling.escalation[0].calendar = Some(Arc::new(office));
    handling.escalation[0].steps[2].after_ms = 150 * MINUTE_MS;
    let day = 1_440;
    for (minute, expected) in [
        (554, None),
        (555, Some(1)),
        (600, Some(1)),
        (day + 509, Some(1)),
        (day + 510, Some(2)),
        (4 * day + 509, Some(2)),
        (4 * day + 510, Some(3)),
    ] {
        let found = told(&incident(&[]), &handling, minute).map(|(step, _)| step);
        assert_eq!(found, expected, "at {minute}");
    }
    let change = escalated(&incident(&[]), &handling, at(555)).unwrap();
    assert_eq!(change.to_string(), "escalated to duty, step 1: nobody took it on within 15m of office");
}

#[test]
fn the_first_rule_that_fits_is_taken() {
    let p1 = Priority::parse("P1").unwrap();
    let p2 = Priority::parse("P2").unwrap();
    let none = Condition::default();
    for (when, is_so) in [
        (none.clone(), true),
        (Condition { priorities: vec![p2, p1], ..none.clone() }, true),
        (Condition { priorities: vec![p2], ..none.clone() }, false),
        (Condition { causes: vec![Cause::ServiceDown], ..none.clone() }, true),
        (Condition { causes: vec![Cause::AgentSilent], ..none.clone() }, false),
        (Condition { services: vec![id("shop")], priorities: vec![p1], ..none.clone() }, true),
        (Condition { services: vec![id("mail")], priorities: vec![p1], ..none.clone() }, false),
        (Condition { customers: vec![id("bank"), id("retail")], ..none.clone() }, true),
        (Condition { customers: vec![id("bank")], ..none.clone() }, false),
    ] {
        let first =
            EscalationRule { when: when.clone(), calendar: None, steps: vec![step(1, Unless::Resolved, "first")] };
        let other =
            EscalationRule { when: none.clone(), calendar: None, steps: vec![step(1, Unless::Resolved, "other")] };
        let handling = Handling { escalation: vec![first, other], ..Handling::default() };
        let expected = if is_so { "first" } else { "other" };
        assert_eq!(told(&incident(&[]), &handling, 600), Some((1, expected.to_owned())), "{when:?}");
    }
}
