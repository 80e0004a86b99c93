//! A problem as its events have made it, and the fold that leads from the events to it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uphold_common::time::Instant;
use utoipa::ToSchema;

pub use super::event::{About, CauseText, LinkedIncident, ProblemChange, ProblemEvent, ProblemNumber};
use crate::identity::deed::Actor;
use crate::incident::model::{Number, Uid};

/// Most incidents that are linked to one problem.
pub const INCIDENTS_MAX: usize = 1_000;

/// A problem as its events have made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProblemRecord)]
pub struct Problem {
    /// Its number, for people.
    pub number: ProblemNumber,
    /// Its id, which no other problem of any store has.
    pub id: Uid,
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// Its title, for people.
    pub title: String,
    /// Where it stands.
    pub state: ProblemState,
    /// When it was opened.
    pub opened: Instant,
    /// Who opened it; null where its incidents did.
    pub opened_by: Option<Actor>,
    /// Its incidents.
    pub incidents: Vec<LinkedIncident>,
    /// Incidents that somebody took out: they are not found to be its again.
    pub apart: BTreeSet<Number>,
    /// What lies behind it, once that is known.
    pub known_error: Option<KnownError>,
    /// What ends it, once something does.
    pub fix: Option<Fix>,
    /// When it was closed.
    pub closed: Option<Instant>,
    /// How many events it has.
    pub events: u32,
}

/// Where a problem stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemState {
    /// Nobody knows what lies behind it.
    Open,
    /// It is known, and how to live with it.
    KnownError,
    /// Something was changed that ends it.
    Fixed,
    /// Nothing more is to be done about it.
    Closed,
}

impl ProblemState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::KnownError, Self::Fixed, Self::Closed];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::KnownError => "known_error",
            Self::Fixed => "fixed",
            Self::Closed => "closed",
        }
    }
}

/// What lies behind a problem, and how to live with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KnownError {
    /// What lies behind it.
    pub root_cause: String,
    /// What helps until it is fixed.
    pub workaround: String,
    /// Who said so.
    pub by: Actor,
    /// When.
    pub at: Instant,
}

/// What ends a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fix {
    /// The change, such as `CHG-1042`.
    pub reference: String,
    /// From when on it works.
    pub at: Instant,
    /// Who said so.
    pub by: Actor,
}

impl Problem {
    /// The problem after `event`; none when the event cannot follow, which a sound history never has.
    pub fn after(before: Option<Self>, event: &ProblemEvent) -> Option<Self> {
        match (before, &event.change) {
            (None, ProblemChange::Opened { id, about, title, by }) if event.place == 1 => Some(Self {
                number: event.number,
                id: *id,
                about: about.clone(),
                title: title.clone(),
                state: ProblemState::Open,
                opened: event.at,
                opened_by: by.clone(),
                incidents: Vec::new(),
                apart: BTreeSet::new(),
                known_error: None,
                fix: None,
                closed: None,
                events: 1,
            }),
            (Some(before), change) if event.number == before.number && event.place == before.events + 1 => {
                let mut after = Self { events: event.place, ..before };
                after.take(change, event.at)?;
                after.state = after.standing();
                Some(after)
            }
            _ => None,
        }
    }

    /// Takes in what happened; none when it cannot have.
    fn take(&mut self, change: &ProblemChange, at: Instant) -> Option<()> {
        // What is no incident of it is taken out of one that is closed, too.
        if self.closed.is_some() && !matches!(change, ProblemChange::Unlinked { .. }) {
            return None;
        }
        match change {
            ProblemChange::Opened { .. } => return None,
            ProblemChange::Linked { incidents, .. } => {
                self.apart.retain(|apart| incidents.iter().all(|one| one.number != *apart));
                self.incidents.extend(incidents.iter().take(self.room()));
            }
            ProblemChange::Unlinked { incident, by } => {
                let place = self.incidents.iter().position(|one| one.number == *incident)?;
                self.incidents.remove(place);
                self.apart.extend(by.as_ref().map(|_| *incident));
            }
            // Whatever was thought to end it did not, if something else lies behind it now.
            ProblemChange::KnownError { by, root_cause, workaround } => {
                let (root_cause, workaround, by) = (root_cause.clone(), workaround.clone(), by.clone());
                self.known_error = Some(KnownError { root_cause, workaround, by, at });
                self.fix = None;
            }
            ProblemChange::Fixed { by, reference, fixed_at } => {
                self.fix = Some(Fix { reference: reference.clone(), at: *fixed_at, by: by.clone() });
            }
            ProblemChange::Closed { .. } => self.closed = Some(at),
        }
        Some(())
    }

    const fn standing(&self) -> ProblemState {
        match (&self.closed, &self.fix, &self.known_error) {
            (Some(_), _, _) => ProblemState::Closed,
            (None, Some(_), _) => ProblemState::Fixed,
            (None, None, Some(_)) => ProblemState::KnownError,
            (None, None, None) => ProblemState::Open,
        }
    }

    /// How many more incidents can be linked to it.
    pub const fn room(&self) -> usize {
        INCIDENTS_MAX.saturating_sub(self.incidents.len())
    }

    /// Whether an incident that is about the same is its: nobody has taken it out.
    pub fn takes(&self, incident: Number) -> bool {
        !self.apart.contains(&incident)
    }

    /// Whether something can still be done about it.
    pub const fn is_alive(&self) -> bool {
        self.closed.is_none()
    }
}
