//! Incidents that come again → problems. Pure.
//!
//! An incident counts unless it began in maintenance, never was, or was withdrawn with its service; it belongs to one problem
//! at most. What is about the same as a problem that is not closed is linked to it. Of the rest, so many of one kind within
//! the time of the rule open a problem with them, once: they belong to it from then on, also when it is closed.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::catalogue::model::Recurrence;
use uphold_common::time::Instant;

use super::model::{About, LinkedIncident, Problem, ProblemChange, ProblemEvent, ProblemNumber};
use super::register::Problems;
use crate::incident::model::{Incident, Number, Resolution, Uid};

/// Most problems that are opened at once; the rest follows.
const AT_ONCE_MAX: u64 = 100;

/// Whether an incident is one of those that problems are made of.
pub fn counts(incident: &Incident) -> bool {
    let resolution = incident.resolved.as_ref().map(|resolved| resolved.resolution);
    incident.quiet.is_none() && !matches!(resolution, Some(Resolution::NeverWas | Resolution::Withdrawn))
}

/// What follows for problems from the incidents that are known; `draw` makes ids.
pub fn recurring<'i, E>(
    problems: &Problems,
    incidents: impl Iterator<Item = &'i Incident>,
    rule: &Recurrence,
    now: Instant,
    mut draw: impl FnMut() -> Result<Uid, E>,
) -> Result<Vec<ProblemEvent>, E> {
    let mut more: BTreeMap<ProblemNumber, Vec<LinkedIncident>> = BTreeMap::new();
    let mut groups: BTreeMap<About, Vec<&Incident>> = BTreeMap::new();
    let since = now.minus_ms(rule.within_ms);
    for incident in incidents.filter(|incident| counts(incident) && problems.of(incident.number).is_none()) {
        let kinds = About::of(incident);
        if let Some(problem) = kinds.iter().find_map(|about| problems.about(about)) {
            more.entry(problem.number).or_default().push(incident.into());
        } else if rule.raise && incident.started > since {
            for about in kinds {
                groups.entry(about).or_default().push(incident);
            }
        }
    }
    let mut events: Vec<ProblemEvent> =
        more.into_iter().filter_map(|(number, incidents)| linked(problems.get(number)?, incidents, now)).collect();
    let mut taken: BTreeSet<Number> = BTreeSet::new();
    let mut next = problems.next_number();
    for (about, mut incidents) in groups {
        incidents.retain(|incident| !taken.contains(&incident.number));
        let Some(number) = next.filter(|_| incidents.len() >= rule.times as usize) else { continue };
        taken.extend(incidents.iter().map(|incident| incident.number));
        let title = about.to_string();
        let opened = ProblemChange::Opened { id: draw()?, about, title, by: None };
        let incidents = incidents.into_iter().take(super::model::INCIDENTS_MAX).map(LinkedIncident::from).collect();
        for (place, change) in (1..).zip([opened, ProblemChange::Linked { incidents }]) {
            events.push(ProblemEvent { number, place, at: now, change });
        }
        next = following(problems, number);
    }
    Ok(events)
}

/// The number after one that was just given.
fn following(problems: &Problems, number: ProblemNumber) -> Option<ProblemNumber> {
    let first = problems.next_number()?;
    let given = number.0 - first.0 + 1;
    let room = super::register::PROBLEMS_MAX.saturating_sub(problems.all().count());
    (given < AT_ONCE_MAX && usize::try_from(given).is_ok_and(|given| given < room))
        .then_some(ProblemNumber(number.0 + 1))
}

/// That incidents turned out to be a problem's, as far as it has room for them.
fn linked(problem: &Problem, mut incidents: Vec<LinkedIncident>, now: Instant) -> Option<ProblemEvent> {
    incidents.truncate(problem.room());
    if incidents.is_empty() {
        return None;
    }
    let (number, place) = (problem.number, problem.events + 1);
    Some(ProblemEvent { number, place, at: now, change: ProblemChange::Linked { incidents } })
}

#[cfg(test)]
#[path = "recurrence_tests.rs"]
mod tests;
