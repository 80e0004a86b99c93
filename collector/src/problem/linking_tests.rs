//! Links by hand: what they mean for problems, and what is refused.

use super::super::act::{ProblemAct, act as to_problem};
use super::super::testing::{BY, apply, at, outages};
use super::*;
use crate::incident::act::text::link;
use crate::incident::act::{Act, act};
use crate::incident::model::{Number, Uid};
use crate::incident::register::Register;

/// What is known: the shop, out three times, and mail.
struct Known {
    incidents: Register,
    problems: Problems,
}

impl Known {
    /// With a problem behind the first incident, and one behind mail.
    fn new() -> Self {
        let incidents = outages(&[("shop", &["db"], 1, Some(1)), ("shop", &["db"], 2, None), ("mail", &[], 3, None)]);
        let mut known = Self { incidents, problems: Problems::default() };
        for (title, incident) in [("The database", 1), ("Mail", 3)] {
            let open = ProblemAct::Open { title: title.to_owned(), incidents: vec![Number(incident)] };
            let events = to_problem(&known.problems, &known.incidents, open, &BY, Uid(1), at(4)).unwrap();
            apply(&mut known.problems, &events);
        }
        known
    }

    fn does(&mut self, incident: u64, what: Act) -> Result<Option<String>, String> {
        let done = act(&self.incidents, Number(incident), what, &BY, at(5)).map_err(|why| why.to_string())?;
        let followed = follows(&self.problems, self.incidents.get(done.number).unwrap(), &done);
        let followed = followed.map_err(|why| why.to_string())?;
        self.incidents.apply(&done).unwrap();
        apply(&mut self.problems, followed.as_slice());
        Ok(followed.map(|event| format!("{} {}", event.number, event.change)))
    }

    fn link(&mut self, incident: u64, to: &str) -> Result<Option<String>, String> {
        self.does(incident, Act::Link(link(LinkKind::Problem, to).unwrap()))
    }

    fn unlink(&mut self, incident: u64, to: &str) -> Result<Option<String>, String> {
        self.does(incident, Act::Unlink(link(LinkKind::Problem, to).unwrap()))
    }
}

#[test]
fn a_link_makes_an_incident_the_problem_s_and_taking_it_back_takes_it_out() {
    let mut known = Known::new();
    let two = |known: &Known| known.problems.of(Number(2)).map(|problem| problem.number.0);
    let linked = known.link(2, "prb-02").unwrap().unwrap();
    assert_eq!((linked.as_str(), two(&known)), ("PRB-2 linked with INC-2 by local user 7", Some(2)));
    assert_eq!(known.incidents.get(Number(2)).unwrap().links[0].to, "PRB-2", "however it was written");
    assert_eq!(known.unlink(2, "2").unwrap().unwrap(), "PRB-2 INC-2 taken out by local user 7");
    assert_eq!((two(&known), known.incidents.get(Number(2)).unwrap().links.len()), (None, 0));
    assert!(!known.problems.get(ProblemNumber(2)).unwrap().takes(Number(2)), "it is not found to be its again");
    assert!(known.link(2, "PRB-2").unwrap().is_some(), "unless somebody says so");
    assert!(known.problems.get(ProblemNumber(2)).unwrap().takes(Number(2)));
}

#[test]
fn what_was_found_to_be_a_problem_s_is_taken_out_without_a_link_and_is_about_it_no_more() {
    let mut known = Known::new();
    let about = |known: &Known, number| known.problems.behind(known.incidents.get(Number(number)).unwrap()).is_some();
    assert!(about(&known, 1) && about(&known, 2), "both are about the same");
    assert!(known.unlink(1, "PRB-1").unwrap().is_some());
    assert!(!about(&known, 1) && about(&known, 2));
    let close = ProblemAct::Close { number: ProblemNumber(2), text: None };
    let events = to_problem(&known.problems, &known.incidents, close, &BY, Uid(1), at(5)).unwrap();
    apply(&mut known.problems, &events);
    assert!(known.unlink(3, "PRB-2").unwrap().is_some(), "also of one that is closed");
    let refused = known.link(3, "PRB-2").unwrap_err();
    assert_eq!(refused, "PRB-2 is closed, and takes no more incidents");
}

#[test]
fn links_that_cannot_be_are_refused_with_what_is_near() {
    let mut known = Known::new();
    for (incident, to, why) in [
        (2, "PRB-9", "there is no problem PRB-9"),
        (2, "0", "there is no problem PRB-0"),
        (1, "PRB-1", "INC-1 is linked with PRB-1 like that already"),
        (1, "PRB-2", "INC-1 belongs to PRB-1; that link has to be taken back first"),
    ] {
        assert_eq!(known.link(incident, to), Err(why.to_owned()), "{to}");
    }
    for (incident, to, why) in [
        (2, "PRB-1", "INC-2 is not linked with the problem PRB-1"),
        (1, "PRB-11", "INC-1 is not linked with the problem PRB-11 (did you mean \"PRB-1\"?)"),
        (1, "desk 4711", "INC-1 is not linked with the problem desk 4711"),
    ] {
        assert_eq!(known.unlink(incident, to), Err(why.to_owned()), "{to}");
    }
    assert_eq!(known.link(1, "desk 4711"), Ok(None), "a problem of another system is only a name");
    assert_eq!(known.unlink(1, "desk 4711"), Ok(None));
    let change = |to: &str| link(LinkKind::Change, to).unwrap();
    assert_eq!(known.does(1, Act::Link(change("CHG-1042"))), Ok(None));
    let refused = known.does(1, Act::Unlink(change("CHG-1024"))).unwrap_err();
    assert_eq!(refused, "INC-1 is not linked with the change CHG-1024 (did you mean \"CHG-1042\"?)");
    assert_eq!(known.does(1, Act::Unlink(change("CHG-1042"))), Ok(None));
}
