//! Pages of problems while they change, and how they are counted.

use super::super::act::{ProblemAct, act};
use super::super::testing::{BY, apply, at, outages};
use super::*;
use crate::incident::model::{Number, Uid};

/// Five problems, each behind an outage of its own day; 2 is closed, 3 a known error, 4 fixed before its outage, 5 after.
fn problems() -> Problems {
    let services = ["a", "b", "c", "d", "e"];
    let rows: Vec<_> = (1_i64..).zip(services).map(|(day, service)| (service, &[][..], day, Some(1))).collect();
    let (incidents, mut problems) = (outages(&rows), Problems::default());
    let mut does = |what| {
        let events = act(&problems, &incidents, what, &BY, Uid(1), at(9)).unwrap();
        apply(&mut problems, &events);
    };
    for number in 1..=5 {
        does(ProblemAct::Open { title: format!("{number}"), incidents: vec![Number(number)] });
    }
    let known = |number| ProblemAct::KnownError { number, root_cause: "x".to_owned(), workaround: "y".to_owned() };
    does(known(ProblemNumber(2)));
    does(ProblemAct::Close { number: ProblemNumber(2), text: None });
    does(known(ProblemNumber(3)));
    for (number, day) in [(4, 3), (5, 6)] {
        does(ProblemAct::Fix { number: ProblemNumber(number), reference: "CHG-1".to_owned(), at: Some(at(day)) });
    }
    problems
}

fn numbers(list: &ProblemList) -> Vec<u64> {
    list.problems.iter().map(|view| view.problem.number.0).collect()
}

#[test]
fn pages_follow_one_another_also_when_a_problem_leaves_the_list_in_between() {
    let mut problems = problems();
    let query = ProblemsQuery { limit: 2, ..ProblemsQuery::default() };
    let first = ProblemList::of(&problems, &query, at(9));
    assert_eq!((numbers(&first), first.next), (vec![5, 4], Some(ProblemNumber(4))));
    problems.forget(ProblemNumber(2));
    assert!(problems.get(ProblemNumber(2)).is_none(), "it was closed");
    for kept in [ProblemNumber(1), ProblemNumber(5), ProblemNumber(9)] {
        assert!(problems.forget(kept).is_empty(), "{kept} is not closed, or there is none");
    }
    let rest = ProblemList::of(&problems, &ProblemsQuery { after: first.next, ..query.clone() }, at(9));
    assert_eq!((numbers(&rest), rest.next), (vec![3, 1], None));
    let fixed = ProblemsQuery { state: Some(ProblemState::Fixed), ..query };
    assert_eq!(numbers(&ProblemList::of(&problems, &fixed, at(9))), [5, 4]);
    assert_eq!(fixed.written(), "state=fixed&limit=2");
}

#[test]
fn problems_are_counted_by_where_they_stand_and_whether_they_came_back() {
    let held = ProblemsHeld::of(problems().all());
    let expected =
        ProblemsHeld { states: [1, 1, 2, 1], known_errors: 1, came_back: 1, since_fix: 1, ..ProblemsHeld::default() };
    assert_eq!((held, held.alive()), (expected, 4));
}
