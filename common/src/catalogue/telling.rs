//! How urgent incidents are, and who is told of them: the catalogue's part about incidents, as checked types.

use std::collections::BTreeMap;

use super::model::Criticality;
use crate::ids::Id;

/// How soon an incident wants to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// In its turn.
    Normal,
    /// Now.
    Urgent,
}

impl Urgency {
    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Urgent => "urgent",
        }
    }
}

/// The priority of an incident: `P1` to `P5`, `P1` first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// All of them, first things first.
    pub const ALL: [Self; 5] = [Self(1), Self(2), Self(3), Self(4), Self(5)];

    /// `P1` to `P5`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }

    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            1 => "P1",
            2 => "P2",
            3 => "P3",
            4 => "P4",
            _ => "P5",
        }
    }

    const fn new(number: u8) -> Self {
        Self(number)
    }
}

/// Criticality × urgency → priority: always the full matrix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priorities(pub BTreeMap<(Criticality, Urgency), Priority>);

impl Default for Priorities {
    /// | | urgent | normal |
    /// |---|---|---|
    /// | critical | P1 | P2 |
    /// | high | P1 | P2 |
    /// | medium | P2 | P3 |
    /// | low | P3 | P4 |
    fn default() -> Self {
        let rows = [
            (Criticality::Critical, 1, 2),
            (Criticality::High, 1, 2),
            (Criticality::Medium, 2, 3),
            (Criticality::Low, 3, 4),
        ];
        let cells = rows.into_iter().flat_map(|(criticality, urgent, normal)| {
            [
                ((criticality, Urgency::Urgent), Priority::new(urgent)),
                ((criticality, Urgency::Normal), Priority::new(normal)),
            ]
        });
        Self(cells.collect())
    }
}

impl Priorities {
    /// The priority of an incident of this urgency with a service of this criticality.
    pub fn of(&self, criticality: Criticality, urgency: Urgency) -> Priority {
        self.0.get(&(criticality, urgency)).copied().unwrap_or(Priority::new(1))
    }
}

/// Where incidents are told.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Its name.
    pub id: Id,
    /// How it is told.
    pub way: Way,
}

impl Receiver {
    /// Where its messages go, if it is told in messages.
    pub const fn webhook(&self) -> Option<&ReceiverUrl> {
        match &self.way {
            Way::Webhook(url) => Some(url),
            Way::Alertmanager(_) => None,
        }
    }

    /// The Alertmanager that it is, if it is one.
    pub const fn alertmanager(&self) -> Option<&Alertmanager> {
        match &self.way {
            Way::Webhook(_) => None,
            Way::Alertmanager(alertmanager) => Some(alertmanager),
        }
    }
}

/// How a receiver is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Of each change, by a message to a webhook.
    Webhook(ReceiverUrl),
    /// Of the whole state, again and again.
    Alertmanager(Alertmanager),
}

/// An Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alertmanager {
    /// Where it is found; the path of its API is appended.
    pub url: ReceiverUrl,
    /// How often it is told.
    pub every_ms: i64,
}

/// Where a receiver's URL comes from. It may be a secret, so it is never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum ReceiverUrl {
    /// Written in the catalogue.
    Url(String),
    /// The first line of a file, read by the collector.
    File(String),
}

impl std::fmt::Debug for ReceiverUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(_) => f.write_str("Url(…)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Which incidents are told to a receiver.
#[derive(Clone, Debug)]
pub struct Route {
    /// The receiver.
    pub to: Id,
    /// The priorities it is told of; empty: all.
    pub priorities: Vec<Priority>,
}
