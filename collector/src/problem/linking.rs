//! What links of incidents mean for problems: whoever links an incident with a problem of ours makes it the problem's, and
//! whoever takes that link back takes it out. Pure.
//!
//! A problem of another system has a name of its own and is nobody's to check. An incident belongs to one problem of ours at
//! most, whether it was found to or somebody said so.

use uphold_common::time::Instant;

use super::act::EVENTS_MAX;
use super::model::{LinkedIncident, Problem, ProblemChange, ProblemEvent, ProblemNumber};
use super::register::Problems;
use crate::incident::act::ActError;
use crate::incident::model::{Change, Event, Incident, Link, LinkKind};

/// The event that what was done to `incident` makes of a problem, if it makes one.
pub fn follows(problems: &Problems, incident: &Incident, done: &Event) -> Result<Option<ProblemEvent>, ActError> {
    let at = done.decided_at;
    match &done.change {
        Change::Linked { by, link } => {
            let Some(number) = ours(link) else { return Ok(None) };
            let problem = joined(problems, incident, number)?;
            let incidents = vec![LinkedIncident::from(incident)];
            Ok(Some(event(problem, at, ProblemChange::Linked { incidents, by: Some(by.clone()) })))
        }
        Change::Unlinked { by, link } => {
            let Some(number) = ours(link) else { return Ok(None) };
            match problems.of(incident.number).filter(|problem| problem.number == number) {
                Some(problem) => {
                    let change = ProblemChange::Unlinked { incident: incident.number, by: Some(by.clone()) };
                    Ok(Some(event(problem, at, change)))
                }
                // It was said before it meant anything, or the incident turned out never to have been.
                None if incident.links.contains(link) => Ok(None),
                None => {
                    let its = problems.of(incident.number).map(|problem| problem.number.to_string());
                    Err(ActError::not_linked(incident, link, its.as_deref()))
                }
            }
        }
        _ => Ok(None),
    }
}

/// The problem of ours that a link leads to.
fn ours(link: &Link) -> Option<ProblemNumber> {
    let text = Some(link.to.as_str()).filter(|to| link.kind == LinkKind::Problem && to.starts_with("PRB-"));
    text.and_then(ProblemNumber::parse)
}

/// The problem that an incident can be linked with.
fn joined<'p>(problems: &'p Problems, incident: &Incident, number: ProblemNumber) -> Result<&'p Problem, ActError> {
    let problem = problems.get(number).ok_or(ActError::NoProblem(number))?;
    match problems.of(incident.number) {
        Some(its) if its.number == number => {
            return Err(ActError::Linked { number: incident.number, to: number.to_string() });
        }
        Some(its) => return Err(ActError::Taken { number: incident.number, problem: its.number }),
        None => {}
    }
    if !problem.is_alive() {
        return Err(ActError::ProblemClosed(number));
    }
    if problem.room() == 0 || problem.events >= EVENTS_MAX {
        return Err(ActError::ProblemFull(number));
    }
    Ok(problem)
}

const fn event(problem: &Problem, at: Instant, change: ProblemChange) -> ProblemEvent {
    ProblemEvent { number: problem.number, place: problem.events + 1, at, change }
}

#[cfg(test)]
#[path = "linking_tests.rs"]
mod tests;
