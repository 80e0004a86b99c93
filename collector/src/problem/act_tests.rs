//! What people may do to a problem, and what became of it since its fix.

use super::super::model::{Problem, ProblemState};
use super::super::testing::{BY, apply, at, outages};
use super::super::view::ProblemView;
use super::*;

const ONE: ProblemNumber = ProblemNumber(1);

/// The shop, out on days 1, 3, 5 and 11.
fn incidents() -> Register {
    outages(&[
        ("shop", &["db"], 1, Some(1)),
        ("shop", &["db"], 3, Some(1)),
        ("shop", &["db"], 5, Some(1)),
        ("shop", &["db"], 11, Some(1)),
        ("mail", &["db"], 11, None),
    ])
}

fn done(problems: &mut Problems, what: ProblemAct, day: i64) -> Result<Problem, ProblemError> {
    let events = act(problems, &incidents(), what, &BY, Uid(1), at(day))?;
    apply(problems, &events);
    Ok(problems.get(events[0].number).unwrap().clone())
}

fn open(numbers: &[u64]) -> ProblemAct {
    ProblemAct::Open { title: " The database ".to_owned(), incidents: numbers.iter().copied().map(Number).collect() }
}

fn known() -> ProblemAct {
    ProblemAct::KnownError { number: ONE, root_cause: "a leak".to_owned(), workaround: "restart it".to_owned() }
}

fn fix(day: Option<i64>) -> ProblemAct {
    ProblemAct::Fix { number: ONE, reference: "CHG-1042".to_owned(), at: day.map(at) }
}

fn close() -> ProblemAct {
    ProblemAct::Close { number: ONE, text: Some("nothing came back".to_owned()) }
}

#[test]
fn a_problem_goes_from_open_to_closed_and_back_from_a_fix_that_was_none() {
    let mut problems = Problems::default();
    for (what, state) in [
        (open(&[1, 2, 1]), ProblemState::Open),
        (known(), ProblemState::KnownError),
        (fix(Some(6)), ProblemState::Fixed),
        (known(), ProblemState::KnownError),
        (fix(None), ProblemState::Fixed),
        (close(), ProblemState::Closed),
    ] {
        let problem = done(&mut problems, what.clone(), 12).unwrap();
        assert_eq!(problem.state, state, "{what:?}");
    }
    let problem = problems.get(ONE).unwrap();
    assert_eq!((problem.title.as_str(), problem.incidents.len(), problem.events), ("The database", 2, 7));
    assert_eq!(problem.fix.as_ref().unwrap().at, at(12));
    for what in [known(), fix(None), close()] {
        assert_eq!(done(&mut problems, what, 13), Err(ProblemError::Closed(ONE)));
    }
}

#[test]
fn what_is_said_twice_is_on_record_once() {
    let mut problems = Problems::default();
    done(&mut problems, open(&[1]), 12).unwrap();
    for (what, twice) in [(known(), Err(ProblemError::Said(ONE))), (fix(Some(6)), Err(ProblemError::Said(ONE)))] {
        done(&mut problems, what.clone(), 12).unwrap();
        assert_eq!(done(&mut problems, what, 13), twice);
    }
    assert!(done(&mut problems, fix(Some(7)), 13).is_ok(), "from another instant on");
    assert!(done(&mut problems, known(), 13).is_ok(), "the fix was none");
    assert_eq!(problems.get(ONE).unwrap().fix, None);
}

#[test]
fn what_cannot_be_done_is_refused() {
    let mut problems = Problems::default();
    done(&mut problems, open(&[1]), 12).unwrap();
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    let said = |workaround: &str| ProblemAct::KnownError {
        number: ONE,
        root_cause: "a leak".to_owned(),
        workaround: workaround.to_owned(),
    };
    for (what, why) in [
        (open(&[]), "a problem is opened with 1 to 100 incidents"),
        (open(&[9]), "there is no INC-9 among the incidents that are open or recent"),
        (open(&[1]), "INC-1 belongs to PRB-1"),
        (open(&[2]), "PRB-1 is about the same, service_down of shop by db"),
        (said(""), "a workaround has 1 to 4000 bytes, and no control characters but ends of lines and tabs"),
        (said(&long), "a workaround has 1 to 4000 bytes, and no control characters but ends of lines and tabs"),
        (fix(Some(13)), "a fix is said once it works: 1970-01-14T00:00:00Z is still to come"),
        (ProblemAct::Close { number: ProblemNumber(2), text: None }, "there is no problem PRB-2"),
    ] {
        assert_eq!(done(&mut problems, what.clone(), 12).unwrap_err().to_string(), why, "{what:?}");
    }
    assert!(done(&mut problems, open(&[5]), 12).is_ok(), "another service is another problem");
}

#[test]
fn a_fix_is_held_against_as_long_a_time_before_it() {
    let mut problems = Problems::default();
    done(&mut problems, open(&[1, 2, 3]), 12).unwrap();
    assert_eq!(ProblemView::of(problems.get(ONE).unwrap(), at(12)).effect, None, "nothing was fixed");
    done(&mut problems, fix(Some(6)), 12).unwrap();
    // Four days since: days 2 to 6 before it, with the outages of days 3 and 5.
    let effect = ProblemView::of(problems.get(ONE).unwrap(), at(10)).effect.unwrap();
    assert_eq!((effect.before, effect.after, effect.came_back), (2, 0, false));
    let incidents = vec![LinkedIncident { number: Number(4), started: at(11) }];
    let place = problems.get(ONE).unwrap().events + 1;
    let change = ProblemChange::Linked { incidents, by: None };
    apply(&mut problems, &[ProblemEvent { number: ONE, place, at: at(11), change }]);
    let effect = ProblemView::of(problems.get(ONE).unwrap(), at(12)).effect.unwrap();
    assert_eq!((effect.before, effect.after, effect.came_back), (3, 1, true));
}
