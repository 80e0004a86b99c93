//! Major incidents by table: when one is one, and who is reminded of what.

use std::collections::BTreeSet;

use uphold_common::catalogue::model::Priority;
use uphold_common::ids::Id;

use super::super::model::{Event, Number, Opening, PriorityText, Resolution, Subject};
use super::*;
use crate::identity::deed::Actor;

const HOUR_MS: i64 = 3_600_000;
const BY: Actor = Actor::Local { uid: None };

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn at(hours: i64) -> Instant {
    Instant::from_ms(hours * HOUR_MS)
}

fn priority(text: &str) -> Priority {
    Priority::parse(text).unwrap()
}

/// An outage that began at 9 and was opened at 10, with what happened since.
fn incident(changes: &[(i64, Change)]) -> Incident {
    let subject = Subject::ServiceDown { service: id("shop") };
    let opened = (10, Change::Opened(Opening::new(subject, at(9), PriorityText(priority("P1")), "down")));
    let mut incident = None;
    for (place, (hour, change)) in (1..).zip(std::iter::once(&opened).chain(changes)) {
        let event = Event { number: Number(1), place, decided_at: at(*hour), change: change.clone() };
        incident = Some(Incident::after(incident, &event).unwrap());
    }
    incident.unwrap()
}

fn rule(when: Vec<MajorCondition>) -> Handling {
    let major = MajorRule {
        when,
        owner: "Head of operations".to_owned(),
        notice: Some(id("board")),
        notice_within_ms: 2 * HOUR_MS,
        review_within_ms: 48 * HOUR_MS,
    };
    Handling { major: Some(major), ..Handling::default() }
}

const NOTHING: MajorCondition =
    MajorCondition { priorities: Vec::new(), services: None, customers: None, after_ms: None };

#[test]
fn an_incident_is_a_major_one_when_all_of_a_condition_holds() {
    let names = |many: usize| -> BTreeSet<Id> { (0..many).map(|n| id(&format!("s{n}"))).collect() };
    let p1 = MajorCondition { priorities: vec![priority("P1")], ..NOTHING };
    let p2 = MajorCondition { priorities: vec![priority("P2")], ..NOTHING };
    let services = |many| MajorCondition { services: Some(many), ..p1.clone() };
    let customers = |many| MajorCondition { customers: Some(many), ..NOTHING };
    let after = |hours| MajorCondition { after_ms: Some(hours * HOUR_MS), ..NOTHING };
    for (when, expected) in [
        (vec![p1.clone()], Some("it is P1")),
        (vec![p2.clone()], None),
        (vec![p2, p1.clone()], Some("it is P1")),
        // The service itself is one of those that fail.
        (vec![services(5)], Some("it is P1; 5 of its services fail, of 5 that make it one")),
        (vec![services(6)], None),
        (vec![customers(3)], Some("3 customers are concerned, of 3 that make it one")),
        (vec![customers(4)], None),
        (vec![after(3)], Some("it has lasted 3h")),
        (vec![after(4)], None),
        (vec![after(4), services(5)], Some("it is P1; 5 of its services fail, of 5 that make it one")),
    ] {
        let incident = Incident { affected: names(4), customers: names(3), ..incident(&[]) };
        let found = declared(&incident, &rule(when.clone()), at(12));
        let because = found.as_ref().map(|change| match change {
            Change::Major { because, owner, notice_to, by } => {
                assert_eq!((owner.as_str(), notice_to, by), ("Head of operations", &Some(id("board")), &None));
                because.as_str()
            }
            other => panic!("{other}"),
        });
        assert_eq!(because, expected, "{when:?}");
    }
    let always = rule(vec![p1]);
    let over = incident(&[(11, Change::over(at(11), Resolution::Recovered))]);
    assert_eq!(declared(&over, &always, at(12)), None);
    let change = declared(&incident(&[]), &always, at(12)).unwrap();
    assert_eq!(declared(&incident(&[(12, change)]), &always, at(13)), None, "it is declared once");
    let quiet = Incident { quiet: Some(id("window")), ..incident(&[]) };
    assert_eq!(declared(&quiet, &always, at(12)), None);
    assert_eq!(declared(&incident(&[]), &Handling::default(), at(12)), None, "without a rule none is one");
}

#[test]
fn who_has_not_heard_is_reminded_again_and_not_for_ever() {
    let handling = rule(vec![NOTHING]);
    let major = |notice: Option<&str>| {
        let (because, owner) = (String::new(), String::new());
        (12, Change::Major { because, by: None, owner, notice_to: notice.map(id) })
    };
    let reminder = |of| Change::Reminded { of, to: None, because: String::new() };
    let notice = |hour| (hour, reminder(Reminder::Notice));
    let review = |hour| (hour, reminder(Reminder::Review));
    let over = (20, Change::over(at(19), Resolution::Recovered));
    let five = |from: i64, one: &dyn Fn(i64) -> (i64, Change)| (0..5).map(|n| one(from + n)).collect::<Vec<_>>();
    for (changes, hour, expected) in [
        (vec![], 99, None),
        (vec![major(Some("board"))], 13, None),
        (vec![major(Some("board"))], 14, Some(Reminder::Notice)),
        (vec![major(None)], 99, None),
        (vec![major(Some("board")), notice(14)], 15, None),
        (vec![major(Some("board")), notice(14)], 16, Some(Reminder::Notice)),
        ([vec![major(Some("board"))], five(14, &notice)].concat(), 99, None),
        (vec![major(Some("board")), (13, Change::NoticeReceived { by: BY })], 99, None),
        (vec![major(Some("board")), over.clone()], 67, None),
        (vec![major(None), over.clone()], 68, Some(Reminder::Review)),
        (vec![major(None), over.clone(), review(68)], 91, None),
        (vec![major(None), over.clone(), review(68)], 92, Some(Reminder::Review)),
        ([vec![major(None), over.clone()], five(68, &review)].concat(), 999, None),
        (vec![major(None), over.clone(), (30, Change::Reviewed { by: BY, text: "why".to_owned() })], 99, None),
    ] {
        let found = reminded(&incident(&changes), &handling, at(hour));
        let of = found.as_ref().map(|change| match change {
            Change::Reminded { of, .. } => *of,
            other => panic!("{other}"),
        });
        assert_eq!(of, expected, "{changes:?} at {hour}");
    }
    let told = reminded(&incident(&[major(Some("board"))]), &handling, at(14)).unwrap();
    assert_eq!(told.to_string(), "board reminded: nobody said within 2h that the notice was received");
}
