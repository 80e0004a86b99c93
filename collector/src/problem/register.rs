//! All problems, in memory, rebuilt from their events at the start; and which incident belongs to which.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::model::{About, Problem, ProblemChange, ProblemEvent, ProblemNumber};
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

impl KnownErrorTold {
    /// What is known of a problem; none once it is closed.
    pub fn of(problem: &Problem) -> Option<Self> {
        let known = problem.known_error.as_ref().filter(|_| problem.is_alive())?;
        Some(Self {
            problem: problem.number.to_string(),
            root_cause: known.root_cause.clone(),
            workaround: known.workaround.clone(),
        })
    }
}

/// The problem behind an incident, for whoever is told of the incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The problem.
    pub problem: ProblemNumber,
    /// What is known of it.
    pub known_error: Option<KnownErrorTold>,
}

impl From<&Problem> for Behind {
    fn from(problem: &Problem) -> Self {
        Self { problem: problem.number, known_error: KnownErrorTold::of(problem) }
    }
}

impl Problems {
    /// Takes in one event.
    pub fn apply(&mut self, event: &ProblemEvent) -> Result<&Problem, BadProblemEvent> {
        let bad = BadProblemEvent { number: event.number, place: event.place };
        // One that cannot go on is damaged, and so is the store: whatever was held of it is of no use.
        let after = Problem::after(self.all.remove(&event.number), event).ok_or(bad.clone())?;
        if after.is_alive() {
            self.alive.insert(after.about.clone(), after.number);
        } else if self.alive.get(&after.about) == Some(&after.number) {
            self.alive.remove(&after.about);
        }
        match &event.change {
            // As many as it had room for stand last.
            ProblemChange::Linked { incidents, .. } => {
                let new = after.incidents.iter().rev().take(incidents.len());
                self.linked.extend(new.map(|incident| (incident.number, after.number)));
            }
            ProblemChange::Unlinked { incident, .. } => {
                self.linked.remove(incident);
            }
            _ => {}
        }
        self.all.insert(event.number, after);
        self.all.get(&event.number).ok_or(bad)
    }

    /// Notes anew which incident belongs to which problem, once all events were read: they are read problem by problem, and an
    /// incident may have gone from a later one to an earlier.
    pub fn relink(&mut self) {
        let of = |problem: &Problem| {
            let number = problem.number;
            problem.incidents.iter().map(move |one| (one.number, number)).collect::<Vec<_>>()
        };
        self.linked = self.all.values().flat_map(of).collect();
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

    /// The problem behind an incident: the one that it was linked to, else one that is not closed and is about the same, of
    /// which nobody took it out.
    pub fn behind(&self, incident: &Incident) -> Option<&Problem> {
        let same = || {
            let kinds = About::of(incident);
            kinds.iter().filter_map(|about| self.about(about)).find(|problem| problem.takes(incident.number))
        };
        self.of(incident.number).or_else(same)
    }

    /// What is known of the problem behind an incident, as long as that is not closed.
    pub fn known_error(&self, incident: &Incident) -> Option<KnownErrorTold> {
        KnownErrorTold::of(self.behind(incident)?)
    }

    /// Forgets a problem that is closed; the newest stays, since its number says which comes next. Its incidents.
    pub fn forget(&mut self, number: ProblemNumber) -> Vec<Number> {
        let newest = self.all.last_key_value().is_none_or(|(newest, _)| *newest == number);
        if newest || self.all.get(&number).is_none_or(Problem::is_alive) {
            return Vec::new();
        }
        let gone = self.all.remove(&number).map(|gone| gone.incidents).unwrap_or_default();
        for incident in &gone {
            self.linked.remove(&incident.number);
        }
        gone.into_iter().map(|incident| incident.number).collect()
    }

    /// Those that were closed before this and can be forgotten, in order of their numbers.
    pub fn closed_before(&self, before: Instant) -> impl Iterator<Item = ProblemNumber> {
        let newest = self.all.last_key_value().map(|(number, _)| *number);
        let closed = self.all.values().filter(move |problem| problem.closed.is_some_and(|closed| closed < before));
        closed.map(|problem| problem.number).filter(move |number| Some(*number) != newest)
    }
}
