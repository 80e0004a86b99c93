//! What happens to a problem: the events that make it, and what it is about.

use std::fmt;

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::cause::Cause;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use utoipa::ToSchema;

use crate::identity::deed::Actor;
use crate::incident::model::{Incident, Number, Uid};

/// The number of a problem, counted from 1 in each store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ProblemNumber(pub u64);

impl ProblemNumber {
    /// Reads `PRB-7` or `7`, of at most 19 digits, which always fit.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("PRB-").unwrap_or(text);
        let plain = digits.len() <= 19 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for ProblemNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PRB-{}", self.0)
    }
}

/// The problem of something, or none, as it is given out: `PRB-7`.
pub mod behind {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::ProblemNumber;

    /// Writes it.
    pub fn serialize<S: Serializer>(number: &Option<ProblemNumber>, serializer: S) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => serializer.collect_str(number),
            None => serializer.serialize_none(),
        }
    }

    /// Reads it as it was written.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ProblemNumber>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let read = |text: String| ProblemNumber::parse(&text).ok_or_else(|| serde::de::Error::custom("a problem"));
        text.map(read).transpose()
    }
}

/// The word of a cause, as it is stored and given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CauseText(pub Cause);

impl Serialize for CauseText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for CauseText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Cause::parse(&text).map(Self).ok_or_else(|| serde::de::Error::custom("a cause of incidents"))
    }
}

/// What a problem is about: incidents of this kind are its.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// Why its incidents open.
    #[schema(value_type = String)]
    pub cause: CauseText,
    /// The service that they are about, or the agent.
    pub name: Id,
    /// The component whose probes failed; null where none did.
    pub component: Option<Id>,
}

impl About {
    /// What a problem behind an incident can be about: one of each of its components, or of none where it has none.
    pub fn of(incident: &Incident) -> Vec<Self> {
        let of = |component: Option<&Id>| Self {
            cause: CauseText(incident.subject.cause()),
            name: incident.subject.name().clone(),
            component: component.cloned(),
        };
        match incident.components.as_slice() {
            [] => vec![of(None)],
            components => components.iter().map(|component| of(Some(component))).collect(),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.cause.0.as_str(), self.name)?;
        self.component.as_ref().map_or(Ok(()), |component| write!(f, " by {component}"))
    }
}

/// One thing that happened to a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemEvent {
    /// The problem.
    pub number: ProblemNumber,
    /// Its place among the problem's events, from 1.
    pub place: u32,
    /// When it was decided or done.
    pub at: Instant,
    /// What happened.
    pub change: ProblemChange,
}

/// An incident of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct LinkedIncident {
    /// Its number.
    pub number: Number,
    /// When what it is about began, as measured.
    pub started: Instant,
}

impl From<&Incident> for LinkedIncident {
    fn from(incident: &Incident) -> Self {
        Self { number: incident.number, started: incident.started }
    }
}

/// What happened to a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum ProblemChange {
    /// It was opened.
    Opened {
        /// Its id, which no other has.
        id: Uid,
        /// What it is about.
        about: About,
        /// Its title, for people.
        title: String,
        /// Who opened it; null where its incidents did.
        by: Option<Actor>,
    },
    /// Incidents turned out to be its.
    Linked {
        /// The incidents.
        incidents: Vec<LinkedIncident>,
        /// Who said so; null where they were found.
        #[serde(default)]
        by: Option<Actor>,
    },
    /// An incident turned out not to be its.
    Unlinked {
        /// The incident.
        incident: Number,
        /// Who said so; null where it turned out that the incident never was.
        #[serde(default)]
        by: Option<Actor>,
    },
    /// Its root cause is known, and how to live with it.
    KnownError {
        /// Who says so.
        by: Actor,
        /// What lies behind it.
        root_cause: String,
        /// What helps until it is fixed.
        workaround: String,
    },
    /// Something was changed that ends it.
    Fixed {
        /// Who says so.
        by: Actor,
        /// The change, such as `CHG-1042`.
        reference: String,
        /// From when on it works.
        fixed_at: Instant,
    },
    /// Nothing more is to be done about it.
    Closed {
        /// Who closed it.
        by: Actor,
        /// What they said.
        text: Option<String>,
    },
}

impl fmt::Display for ProblemChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { about, by: Some(by), .. } => write!(f, "opened by {by}: {about}"),
            Self::Opened { about, by: None, .. } => write!(f, "opened, since it came again: {about}"),
            Self::Linked { incidents, by } => {
                let (many, more) = (incidents.len(), incidents.len().saturating_sub(3));
                let first: Vec<String> = incidents.iter().take(3).map(|one| one.number.to_string()).collect();
                let beyond = if more > 0 { format!(" and {more} more") } else { String::new() };
                let named = format!("{}{beyond}", first.join(", "));
                match by {
                    Some(by) => write!(f, "linked with {named} by {by}"),
                    None => write!(f, "{many} of its incidents found: {named}"),
                }
            }
            Self::Unlinked { incident, by: Some(by) } => write!(f, "{incident} taken out by {by}"),
            Self::Unlinked { incident, by: None } => write!(f, "{incident} taken out, for it never was"),
            Self::KnownError { by, root_cause, workaround } => {
                write!(f, "a known error, says {by}: {root_cause}; until it is fixed: {workaround}")
            }
            Self::Fixed { by, reference, fixed_at } => write!(f, "fixed by {reference} from {fixed_at} on, says {by}"),
            Self::Closed { by, text: Some(text) } => write!(f, "closed by {by}: {text}"),
            Self::Closed { by, text: None } => write!(f, "closed by {by}"),
        }
    }
}
