//! All problems, in memory, rebuilt from their events at the start; and which incident belongs to which.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{About, Problem, ProblemEvent, ProblemNumber};
use crate::incident::model::{Incident, Number};

/// Most problems on record.
pub const PROBLEMS_MAX: usize = 2_000;

/// All problems.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    all: BTreeMap<ProblemNumber, Problem>,
    /// Those that are not closed, by what they are about.
    alive: BTreeMap<About, ProblemNumber>,
    /// To which problem each incident belongs.
    linked: BTreeMap<Number, ProblemNumber>,
}

/// What is known of an incident that came before: the workaround of its problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownErrorTold {
    /// The problem, such as `PRB-2`.
    pub problem: String,
    /// What lies behind it.
    pub root_cause: String,
    /// What helps.
    pub workaround: String,
}

/// An event that cannot follow those before it: the record is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {place} of {number} does not follow those before it")]
pub struct BadProblemEvent {
    number: ProblemNumber,
    place: u32,
}

impl Problems {
    /// Takes in one event.
    pub fn apply(&mut self, event: &ProblemEvent) -> Result<&Problem, BadProblemEvent> {
        let bad = BadProblemEvent { number: event.number, place: event.place };
        let after = Problem::after(self.all.get(&event.number).cloned(), event).ok_or(bad.clone())?;
        if after.is_alive() {
            self.alive.insert(after.about.clone(), after.number);
        } else if self.alive.get(&after.about) == Some(&after.number) {
            self.alive.remove(&after.about);
        }
        self.linked.extend(after.incidents.iter().map(|incident| (incident.number, after.number)));
        self.all.insert(event.number, after);
        self.all.get(&event.number).ok_or(bad)
    }

    /// The problem of this number.
    pub fn get(&self, number: ProblemNumber) -> Option<&Problem> {
        self.all.get(&number)
    }

    /// All of them, in order of their numbers.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Problem> {
        self.all.values()
    }

    /// The number the next problem gets; none when there are too many.
    pub fn next_number(&self) -> Option<ProblemNumber> {
        let last = self.all.last_key_value().map_or(0, |(number, _)| number.0);
        (self.all.len() < PROBLEMS_MAX).then_some(ProblemNumber(last + 1))
    }

    /// The problem that an incident was linked to.
    pub fn of(&self, incident: Number) -> Option<&Problem> {
        self.linked.get(&incident).and_then(|number| self.all.get(number))
    }

    /// The problem that is not closed and is about this.
    pub fn about(&self, about: &About) -> Option<&Problem> {
        self.alive.get(about).and_then(|number| self.all.get(number))
    }

    /// The problem behind an incident: the one that it was linked to, else one that is not closed and is about the same.
    pub fn behind(&self, incident: &Incident) -> Option<&Problem> {
        self.of(incident.number).or_else(|| About::of(incident).iter().find_map(|about| self.about(about)))
    }

    /// What is known of the problem behind an incident, as long as that is not closed.
    pub fn known_error(&self, incident: &Incident) -> Option<KnownErrorTold> {
        let problem = self.behind(incident).filter(|problem| problem.is_alive())?;
        let known = problem.known_error.as_ref()?;
        Some(KnownErrorTold {
            problem: problem.number.to_string(),
            root_cause: known.root_cause.clone(),
            workaround: known.workaround.clone(),
        })
    }
}
