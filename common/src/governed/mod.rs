//! Governed records: what people put on record beside what agents saw. Pure.
//!
//! | file | what it holds |
//! |---|---|
//! | [`maintenance`] | planned maintenance: services, time, when it was announced; once or recurring |
//! | [`recurrence`] | a rule of RFC 5545 and a time zone → the times at which it occurs |
//! | [`exclusion`] | time that was agreed not to count: class, reason, clause, approver |
//! | [`dated`] | everything else with a date: reviews, exercises, deployments, improvements, complaints |
//! | [`checks`] | how what was asked is read: every problem of it is collected and names its key |
//! | [`applied`] | what they come to: the intervals that a measurement takes, overruns, who is built on whom |
//!
//! A record is added or revoked, never edited, and its id is never used twice. Reading has two halves. [`Asked::read`]
//! makes a checked value of what was written and needs nothing else, so that the same record that is sent again can be
//! held against the one on record; [`Content::fits`] then holds a new one against the catalogue and the clock. Who recorded
//! it, when, and whether it was revoked since is kept around it by whoever keeps it.

pub mod applied;
pub mod checks;
pub mod dated;
pub mod exclusion;
pub mod maintenance;
pub mod recurrence;

use serde::{Deserialize, Serialize};

use crate::catalogue::model::Catalogue;
use crate::ids::Id;
use crate::time::{Instant, Interval};
pub use checks::{Selection, SelectionAsked, Unsound, When, selection_of};
use dated::{Dated, DatedAsked};
use exclusion::{Exclusion, ExclusionAsked};
use maintenance::{Maintenance, MaintenanceAsked};

/// The sorts of governed records. Each has ids of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// Planned maintenance.
    Maintenance,
    /// Exclusions.
    Exclusion,
    /// Everything else with a date.
    Dated,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Maintenance, Self::Exclusion, Self::Dated];

    /// The word for one of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::Exclusion => "exclusion",
            Self::Dated => "record",
        }
    }

    /// With what ids begin that are made for records without one.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance-",
            Self::Exclusion => "exclusion-",
            Self::Dated => "record-",
        }
    }
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Planned maintenance.
    Maintenance(Maintenance),
    /// An exclusion.
    Exclusion(Exclusion),
    /// Something else with a date.
    Dated(Dated),
}

/// What is held against a new record.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The catalogue in force.
    pub catalogue: &'a Catalogue,
    /// The present.
    pub now: Instant,
}

impl Content {
    /// Its sort.
    pub const fn sort(&self) -> Sort {
        match self {
            Self::Maintenance(_) => Sort::Maintenance,
            Self::Exclusion(_) => Sort::Exclusion,
            Self::Dated(_) => Sort::Dated,
        }
    }

    /// Its name.
    pub const fn id(&self) -> &Id {
        match self {
            Self::Maintenance(maintenance) => maintenance.id(),
            Self::Exclusion(exclusion) => &exclusion.id,
            Self::Dated(dated) => &dated.id,
        }
    }

    /// The services it is about.
    pub const fn services(&self) -> &Selection<Id> {
        match self {
            Self::Maintenance(maintenance) => maintenance.services(),
            Self::Exclusion(exclusion) => &exclusion.services,
            Self::Dated(dated) => &dated.services,
        }
    }

    /// From the first instant it speaks of to the last; a dated record speaks of one.
    pub fn span(&self) -> Interval {
        match self {
            Self::Maintenance(maintenance) => maintenance.span(),
            Self::Exclusion(exclusion) => exclusion.interval,
            Self::Dated(dated) => Interval::new(dated.at, dated.at.plus_ms(1)),
        }
    }

    /// The instants that it speaks of, in order.
    pub fn intervals(&self) -> Vec<Interval> {
        match self {
            Self::Maintenance(maintenance) => maintenance.occurrences().to_vec(),
            Self::Exclusion(_) | Self::Dated(_) => vec![self.span()],
        }
    }

    /// Whether it changes how time is measured.
    pub const fn is_measured(&self) -> bool {
        matches!(self, Self::Maintenance(_) | Self::Exclusion(_))
    }

    /// The maintenance, if it is one.
    pub const fn maintenance(&self) -> Option<&Maintenance> {
        match self {
            Self::Maintenance(maintenance) => Some(maintenance),
            _ => None,
        }
    }

    /// The exclusion, if it is one.
    pub const fn exclusion(&self) -> Option<&Exclusion> {
        match self {
            Self::Exclusion(exclusion) => Some(exclusion),
            _ => None,
        }
    }

    /// Holds a new record against the catalogue and the clock.
    pub fn fits(&self, facts: Facts<'_>) -> Result<(), Unsound> {
        match self {
            Self::Maintenance(maintenance) => maintenance.fits(facts),
            Self::Exclusion(exclusion) => exclusion.fits(facts),
            Self::Dated(dated) => dated.fits(facts),
        }
    }

    /// What stands where nothing was said: of a record that is sent again, what was taken the first time.
    pub fn defaults(&self) -> Defaults {
        match self {
            Self::Maintenance(maintenance) => Defaults {
                at: maintenance.announced_at(),
                time_zone: maintenance.recurrence().map(|recurrence| recurrence.time_zone().to_owned()),
            },
            Self::Exclusion(exclusion) => Defaults { at: exclusion.approved_at, time_zone: None },
            Self::Dated(dated) => Defaults { at: dated.at, time_zone: None },
        }
    }
}

/// What stands where nothing was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// When something was announced or approved, or has happened.
    pub at: Instant,
    /// In which time zone something recurs; none where the record that is sent again does not recur.
    pub time_zone: Option<String>,
}

/// A record that is asked for, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Planned maintenance.
    Maintenance(MaintenanceAsked),
    /// An exclusion.
    Exclusion(ExclusionAsked),
    /// Something else with a date.
    Dated(Box<DatedAsked>),
}

impl Asked {
    /// Its sort.
    pub const fn sort(&self) -> Sort {
        match self {
            Self::Maintenance(_) => Sort::Maintenance,
            Self::Exclusion(_) => Sort::Exclusion,
            Self::Dated(_) => Sort::Dated,
        }
    }

    /// The id it was given; none if one is to be made.
    pub fn id(&self) -> Result<Option<Id>, Unsound> {
        let id = match self {
            Self::Maintenance(asked) => &asked.id,
            Self::Exclusion(asked) => &asked.id,
            Self::Dated(asked) => &asked.id,
        };
        let read = |text: &String| Id::new(text).map_err(|why| Unsound::one("id", format!("expected {why}")));
        id.as_ref().map(read).transpose()
    }

    /// Makes a checked record of it, without looking at the catalogue or the clock.
    pub fn read(&self, id: Id, defaults: &Defaults) -> Result<Content, Unsound> {
        Ok(match self {
            Self::Maintenance(asked) => Content::Maintenance(asked.read(id, defaults)?),
            Self::Exclusion(asked) => Content::Exclusion(asked.read(id, defaults)?),
            Self::Dated(asked) => Content::Dated(asked.read(id, defaults)?),
        })
    }
}

#[cfg(test)]
#[path = "governed_tests.rs"]
mod tests;
