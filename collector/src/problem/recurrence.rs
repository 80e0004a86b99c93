//! Incidents that come again → problems. Pure.
//!
//! An incident counts unless it began in maintenance, never was, or was withdrawn with its service; it belongs to one problem
//! at most. What is about the same as a problem that is not closed is linked to it. Of the rest, so many of one kind within
//! the time of the rule open a problem with them, once: they belong to it from then on, also when it is closed. Only what turns out
//! never to have been is taken out again, as is what somebody takes out; that is not found a second time.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::catalogue::model::Recurrence;
use uphold_common::time::Instant;

use super::model::{About, LinkedIncident, Problem, ProblemChange, ProblemEvent, ProblemNumber};
use super::register::Problems;
use crate::incident::model::{Incident, Number, Resolution, Uid};

/// Most problems that are opened at once; the rest follows.
const AT_ONCE_MAX: u64 = 100;

/// What follows for problems.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// The events.
    pub events: Vec<ProblemEvent>,
    /// How many problems would open and find no place on record.
    pub waiting: u64,
}

/// Whether an incident turned out never to have been: it is no incident of any problem.
fn never_was(incident: &Incident) -> bool {
    incident.resolved.as_ref().is_some_and(|resolved| resolved.resolution == Resolution::NeverWas)
}

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
) -> Result<Found, E> {
    let mut news: BTreeMap<ProblemNumber, News> = BTreeMap::new();
    let mut groups: BTreeMap<About, Vec<&Incident>> = BTreeMap::new();
    let since = now.minus_ms(rule.within_ms);
    for incident in incidents {
        if let Some(problem) = problems.of(incident.number) {
            if never_was(incident) {
                news.entry(problem.number).or_default().gone.push(incident.number);
            }
            continue;
        }
        if !counts(incident) {
            continue;
        }
        let kinds = About::of(incident);
        let mut same = kinds.iter().filter_map(|about| problems.about(about));
        if let Some(problem) = same.find(|problem| problem.takes(incident.number)) {
            news.entry(problem.number).or_default().more.push(incident.into());
        } else if rule.raise && incident.started > since {
            // There is never a second problem about the same.
            for about in kinds.into_iter().filter(|about| problems.about(about).is_none()) {
                groups.entry(about).or_default().push(incident);
            }
        }
    }
    let known = news.into_iter().filter_map(|(number, news)| Some(news.events(problems.get(number)?, now)));
    let mut found = Found { events: known.flatten().collect(), waiting: 0 };
    let mut taken: BTreeSet<Number> = BTreeSet::new();
    let mut next = problems.next_number();
    for (about, mut incidents) in groups {
        incidents.retain(|incident| !taken.contains(&incident.number));
        if incidents.len() < rule.times as usize {
            continue;
        }
        let Some(number) = next else {
            found.waiting += 1;
            continue;
        };
        taken.extend(incidents.iter().map(|incident| incident.number));
        let title = about.to_string();
        let opened = ProblemChange::Opened { id: draw()?, about, title, by: None };
        let incidents = incidents.into_iter().take(super::model::INCIDENTS_MAX).map(LinkedIncident::from).collect();
        for (place, change) in (1..).zip([opened, ProblemChange::Linked { incidents, by: None }]) {
            found.events.push(ProblemEvent { number, place, at: now, change });
        }
        next = following(problems, number);
    }
    Ok(found)
}

/// The number after one that was just given.
fn following(problems: &Problems, number: ProblemNumber) -> Option<ProblemNumber> {
    let first = problems.next_number()?;
    let given = number.0 - first.0 + 1;
    let room = super::register::PROBLEMS_MAX.saturating_sub(problems.all().count());
    (given < AT_ONCE_MAX && usize::try_from(given).is_ok_and(|given| given < room))
        .then_some(ProblemNumber(number.0 + 1))
}

/// What follows for a problem that is known.
#[derive(Default)]
struct News {
    gone: Vec<Number>,
    more: Vec<LinkedIncident>,
}

impl News {
    /// As its events: first what is not its any more, then what is, as far as it has room for that.
    fn events(self, problem: &Problem, now: Instant) -> Vec<ProblemEvent> {
        let mut incidents = self.more;
        incidents.truncate(problem.room() + self.gone.len());
        let gone = self.gone.into_iter().map(|incident| ProblemChange::Unlinked { incident, by: None });
        let more = (!incidents.is_empty()).then_some(ProblemChange::Linked { incidents, by: None });
        let changes = (problem.events + 1..).zip(gone.chain(more));
        changes.map(|(place, change)| ProblemEvent { number: problem.number, place, at: now, change }).collect()
    }
}

#[cfg(test)]
#[path = "recurrence_tests.rs"]
mod tests;
