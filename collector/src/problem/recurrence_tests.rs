//! What comes again by scenario: when a problem opens, what is linked to it, and that nothing happens twice.

use std::convert::Infallible;

use super::super::register::PROBLEMS_MAX;
use super::super::testing::{BY, apply, at, id, outages, resolve};
use super::*;
use crate::incident::model::{Change, Event};
use crate::incident::register::Register;

fn look(problems: &mut Problems, incidents: &Register, day: i64) -> Vec<String> {
    let rule = Recurrence { raise: true, times: 3, within_ms: 30 * 86_400_000 };
    let draw = || Ok::<_, Infallible>(Uid(7));
    let events = recurring(problems, incidents.all(), &rule, at(day), draw).unwrap().events;
    apply(problems, &events);
    events.iter().map(|event| format!("{} {}", event.number, event.change)).collect()
}

#[test]
fn what_comes_again_often_enough_is_a_problem_once() {
    let nothing: [&str; 0] = [];
    for (rows, day, expected) in [
        (vec![("shop", &["db"][..], 1, Some(5)), ("shop", &["db"], 2, Some(5))], 3, vec![]),
        (
            vec![("shop", &["db"], 1, Some(5)), ("shop", &["db"], 2, Some(5)), ("shop", &["db"], 3, None)],
            3,
            vec![
                "PRB-1 opened, since it came again: service_down of shop by db",
                "PRB-1 3 of its incidents found: INC-1, INC-2, INC-3",
            ],
        ),
        // Another service, another component, no component, too long ago: not the same.
        (vec![("shop", &["db"], 1, None), ("shop", &["db"], 2, None), ("mail", &["db"], 3, None)], 3, vec![]),
        (vec![("shop", &["db"], 1, None), ("shop", &["db"], 2, None), ("shop", &["web"], 3, None)], 3, vec![]),
        (vec![("shop", &["db"], 1, None), ("shop", &["db"], 2, None), ("shop", &[], 3, None)], 3, vec![]),
        (vec![("shop", &[], 1, Some(1)), ("shop", &[], 20, Some(1)), ("shop", &[], 32, Some(1))], 32, vec![]),
        // Of two components that always fail together one problem is made, not two.
        (
            vec![
                ("shop", &["db", "web"], 1, None),
                ("shop", &["db", "web"], 2, None),
                ("shop", &["web", "db"], 3, None),
            ],
            3,
            vec![
                "PRB-1 opened, since it came again: service_down of shop by db",
                "PRB-1 3 of its incidents found: INC-1, INC-2, INC-3",
            ],
        ),
    ] {
        let incidents = outages(&rows);
        let mut problems = Problems::default();
        assert_eq!(look(&mut problems, &incidents, day), expected, "{rows:?}");
        assert_eq!(look(&mut problems, &incidents, day), nothing, "looking again changes nothing: {rows:?}");
    }
}

#[test]
fn what_never_was_or_was_planned_is_not_counted() {
    let mut incidents = outages(&[("shop", &[], 1, Some(1)), ("shop", &[], 2, Some(1)), ("shop", &[], 3, None)]);
    resolve(&mut incidents, Number(3), at(3), Resolution::NeverWas);
    assert!(look(&mut Problems::default(), &incidents, 4).is_empty());
}

#[test]
fn what_turns_out_never_to_have_been_is_taken_out_and_found_again_if_it_was_after_all() {
    let mut incidents = outages(&[("shop", &[], 1, Some(1)), ("shop", &[], 2, Some(1)), ("shop", &[], 3, None)]);
    let mut problems = Problems::default();
    assert_eq!(look(&mut problems, &incidents, 3).len(), 2);
    resolve(&mut incidents, Number(3), at(3), Resolution::NeverWas);
    assert_eq!(look(&mut problems, &incidents, 4), ["PRB-1 INC-3 taken out, for it never was"]);
    assert!(look(&mut problems, &incidents, 4).is_empty());
    incidents.apply(&Event { number: Number(3), place: 3, decided_at: at(4), change: Change::again() }).unwrap();
    assert_eq!(look(&mut problems, &incidents, 4), ["PRB-1 1 of its incidents found: INC-3"]);
}

#[test]
fn what_somebody_took_out_is_not_found_again_and_makes_no_second_problem_about_the_same() {
    let rows: Vec<_> = (1..=7).map(|day| ("shop", &[][..], day, Some(1))).collect();
    let (mut problems, incidents) = (Problems::default(), outages(&rows));
    assert_eq!(look(&mut problems, &incidents, 7).len(), 2);
    let one = ProblemNumber(1);
    for (place, number) in (3..).zip([1, 2, 3, 4]) {
        let change = ProblemChange::Unlinked { incident: Number(number), by: Some(BY) };
        apply(&mut problems, &[ProblemEvent { number: one, place, at: at(7), change }]);
    }
    assert!(look(&mut problems, &incidents, 7).is_empty());
    assert_eq!(problems.get(one).unwrap().incidents.len(), 3);
}

#[test]
fn what_finds_no_place_on_record_is_counted() {
    let rows: Vec<_> = (0..6)
        .map(|n| if n % 2 == 0 { ("shop", &[][..], 1, Some(1)) } else { ("mail", &[][..], 1, Some(1)) })
        .collect();
    let (mut problems, incidents) = (Problems::default(), outages(&rows));
    for number in 1..=u64::try_from(PROBLEMS_MAX).unwrap() {
        let about =
            About { name: id(&format!("s{number}")), ..About::of(incidents.get(Number(1)).unwrap())[0].clone() };
        let change = ProblemChange::Opened { id: Uid(1), about, title: String::new(), by: None };
        apply(&mut problems, &[ProblemEvent { number: ProblemNumber(number), place: 1, at: at(1), change }]);
    }
    let rule = Recurrence { raise: true, times: 3, within_ms: 30 * 86_400_000 };
    let draw = || Ok::<_, Infallible>(Uid(7));
    let found = recurring(&problems, incidents.all(), &rule, at(2), draw).unwrap();
    assert_eq!(found, Found { events: Vec::new(), waiting: 2 });
}

#[test]
fn what_comes_later_is_linked_until_it_is_closed_and_then_a_new_one_begins() {
    let rows = |many: i64| (1..=many).map(|day| ("shop", &[][..], day, Some(1))).collect::<Vec<_>>();
    let mut problems = Problems::default();
    assert_eq!(look(&mut problems, &outages(&rows(3)), 3).len(), 2);
    assert_eq!(look(&mut problems, &outages(&rows(4)), 4), ["PRB-1 1 of its incidents found: INC-4"]);
    let close = ProblemChange::Closed { by: BY, text: None };
    let place = problems.get(ProblemNumber(1)).unwrap().events + 1;
    apply(&mut problems, &[ProblemEvent { number: ProblemNumber(1), place, at: at(4), change: close }]);
    assert!(look(&mut problems, &outages(&rows(6)), 6).is_empty(), "four belong to the closed one");
    let opened = look(&mut problems, &outages(&rows(7)), 7);
    assert_eq!(opened[1], "PRB-2 3 of its incidents found: INC-5, INC-6, INC-7");
}

#[test]
fn a_problem_takes_no_more_incidents_than_it_has_room_for() {
    let many = super::super::model::INCIDENTS_MAX + 5;
    let rows: Vec<_> = (0..many).map(|_| ("shop", &[][..], 1, Some(1))).collect();
    let (mut problems, incidents) = (Problems::default(), outages(&rows));
    look(&mut problems, &incidents, 2);
    let problem = problems.about(&About::of(incidents.get(Number(1)).unwrap())[0]).unwrap();
    assert_eq!((problem.incidents.len(), problem.room()), (super::super::model::INCIDENTS_MAX, 0));
    assert!(look(&mut problems, &incidents, 2).is_empty());
}

#[test]
fn a_workaround_is_known_of_whatever_is_about_the_same() {
    let incidents =
        outages(&[("shop", &["db"], 1, Some(1)), ("shop", &["db"], 2, Some(1)), ("shop", &["db"], 3, None)]);
    let mut problems = Problems::default();
    look(&mut problems, &incidents, 3);
    let new =
        outages(&[("x", &[], 0, None), ("x", &[], 0, None), ("x", &[], 0, None), ("shop", &["web", "db"], 4, None)]);
    let new = new.get(Number(4)).unwrap();
    assert_eq!(problems.known_error(new), None, "nobody knows anything yet");
    let (root_cause, workaround) = ("a leak".to_owned(), "restart it".to_owned());
    let change = ProblemChange::KnownError { by: BY, root_cause, workaround };
    apply(&mut problems, &[ProblemEvent { number: ProblemNumber(1), place: 3, at: at(4), change }]);
    let known = problems.known_error(new).unwrap();
    assert_eq!((known.problem.as_str(), known.workaround.as_str()), ("PRB-1", "restart it"));
    assert_eq!(problems.known_error(incidents.get(Number(1)).unwrap()), Some(known));
    let other = outages(&[("mail", &["db"], 4, None)]);
    assert_eq!(problems.about(&About::of(other.get(Number(1)).unwrap())[0]), None);
    assert_eq!(id("shop").as_str(), problems.get(ProblemNumber(1)).unwrap().about.name.as_str());
}
