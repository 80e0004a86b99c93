//! What an incident is connected with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an incident is connected with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// What it is to the incident.
    pub kind: LinkKind,
    /// Its name, such as `INC-3`, `PRB-2`, `CHG-1042`, or where it is found.
    pub to: String,
}

/// What something is to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// The incident that it is part of.
    Parent,
    /// The problem behind it.
    Problem,
    /// A change that caused it or ended it.
    Change,
    /// A ticket in another system.
    Ticket,
    /// What shows it.
    Evidence,
}

impl LinkKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Parent, Self::Problem, Self::Change, Self::Ticket, Self::Evidence];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parent => "parent",
            Self::Problem => "problem",
            Self::Change => "change",
            Self::Ticket => "ticket",
            Self::Evidence => "evidence",
        }
    }

    /// Reads it as it is written.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}
