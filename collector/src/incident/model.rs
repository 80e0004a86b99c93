//! An incident, its events, and the fold that leads from the events to the incident.

use std::fmt;

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::model::{Priority, Threshold, Urgency};
use uphold_common::ids::{Id, TargetId};
use uphold_common::time::{Instant, Interval};
use utoipa::ToSchema;

use crate::identity::deed::Actor;

/// The number of an incident, counted from 1 in each store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Number(pub u64);

impl Number {
    /// Reads `INC-7` or `7`, of at most 19 digits, which always fit.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("INC-").unwrap_or(text);
        let plain = digits.len() <= 19 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(Self)).flatten()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{}", self.0)
    }
}

/// What an incident is about: with a subject of its kind there is never a second one open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Subject {
    /// A service is confirmed down.
    ServiceDown {
        /// The service.
        service: Id,
    },
    /// A target is breached in a window.
    TargetBreached {
        /// The service it is about.
        service: Id,
        /// The target.
        target: TargetId,
        /// The start of the window; none for a rolling window, which has no beginning of its own.
        window_start: Option<Instant>,
    },
    /// A resource is used at or above a threshold.
    CapacityAbove {
        /// The service it is about.
        service: Id,
        /// The target.
        target: TargetId,
        /// Which of its thresholds.
        threshold: Threshold,
    },
}

impl Subject {
    /// The service it is about.
    pub const fn service(&self) -> &Id {
        match self {
            Self::ServiceDown { service }
            | Self::TargetBreached { service, .. }
            | Self::CapacityAbove { service, .. } => service,
        }
    }

    /// How soon it wants to be looked at: an outage and a critical use now, a broken promise and a warning in their turn.
    pub const fn urgency(&self) -> Urgency {
        match self {
            Self::ServiceDown { .. } | Self::CapacityAbove { threshold: Threshold::Critical, .. } => Urgency::Urgent,
            Self::TargetBreached { .. } | Self::CapacityAbove { threshold: Threshold::Warning, .. } => Urgency::Normal,
        }
    }
}

/// Why an incident was resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The service was seen to work again.
    Recovered,
    /// The target is no longer breached.
    MetAgain,
    /// The use was seen below the threshold.
    BelowAgain,
    /// The window closed; the breach stands in its figures.
    WindowClosed,
    /// The window closed, and its target is not breached after all.
    NotBreached,
    /// Observations that arrived later show that it never was.
    NeverWas,
    /// The service or target is no longer in the catalogue.
    Withdrawn,
}

impl Resolution {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "the service works again",
            Self::MetAgain => "the target is met again",
            Self::BelowAgain => "it is below the threshold again",
            Self::WindowClosed => "the window closed; the breach stands in its figures",
            Self::NotBreached => "the window closed, and its target is not breached after all",
            Self::NeverWas => "observations that arrived later show that it never was",
            Self::Withdrawn => "it is no longer in the catalogue",
        }
    }
}

/// One thing that happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The incident.
    pub number: Number,
    /// Its place among the incident's events, from 1.
    pub place: u32,
    /// The instant of the figures that it was decided from.
    pub decided_at: Instant,
    /// What happened.
    pub change: Change,
}

/// What happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Change {
    /// It was opened.
    Opened {
        /// What it is about.
        subject: Subject,
        /// When what it is about began, as measured.
        started: Instant,
        /// Its priority, by criticality and urgency.
        priority: PriorityText,
        /// What was seen, for people.
        summary: String,
    },
    /// It was resolved.
    Resolved {
        /// When what it is about ended, as measured.
        ended: Instant,
        /// Why.
        resolution: Resolution,
    },
    /// It was opened again, since what had looked like its end was none.
    Reopened,
    /// It is over and stays so, but ended otherwise than it was resolved: what became known since, or was put on record or
    /// revoked, changed the figures of its closed window.
    Amended {
        /// When what it is about ended, as measured now.
        ended: Instant,
        /// Why.
        resolution: Resolution,
    },
    /// Somebody took it on.
    Acknowledged {
        /// Who.
        by: Actor,
        /// What they said, if they did.
        text: Option<String>,
    },
    /// Somebody said something.
    Commented {
        /// Who.
        by: Actor,
        /// What.
        text: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { started, priority, summary, .. } => {
                write!(f, "opened at {}, from {started}: {summary}", priority.0.as_str())
            }
            Self::Resolved { ended, resolution } => write!(f, "resolved as of {ended}: {}", resolution.as_str()),
            Self::Reopened => f.write_str("reopened: what had looked like its end was none"),
            Self::Amended { ended, resolution } => {
                write!(
                    f,
                    "amended, since the figures of the closed window changed: as of {ended}, {}",
                    resolution.as_str()
                )
            }
            Self::Acknowledged { by, .. } => write!(f, "acknowledged by {by}"),
            Self::Commented { by, .. } => write!(f, "commented on by {by}"),
        }
    }
}

/// A priority as it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PriorityText(pub Priority);

impl Serialize for PriorityText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for PriorityText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Priority::parse(&text).map(Self).ok_or_else(|| serde::de::Error::custom("a priority from P1 to P5"))
    }
}

/// An incident as its events have made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Incident {
    /// Its number.
    pub number: Number,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// Its priority.
    pub priority: PriorityText,
    /// What was seen, for people.
    pub summary: String,
    /// When what it is about began, as measured.
    pub started: Instant,
    /// The instant of the figures that it was first decided from.
    pub opened: Instant,
    /// How it ended; none while it is open.
    pub resolved: Option<Resolved>,
    /// Who has taken it on, if somebody has.
    pub acknowledged: Option<Acknowledged>,
    /// How many events it has.
    pub events: u32,
}

/// Who has taken an incident on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Acknowledged {
    /// When.
    pub at: Instant,
    /// Who.
    pub by: Actor,
}

/// How an incident ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Resolved {
    /// When what it is about ended, as measured.
    pub ended: Instant,
    /// The instant of the figures that it was decided from.
    pub decided_at: Instant,
    /// Why.
    pub resolution: Resolution,
}

impl Incident {
    /// The incident after `event`; none when the event cannot follow, which a sound history never has.
    pub fn after(before: Option<Self>, event: &Event) -> Option<Self> {
        match (before, &event.change) {
            (None, Change::Opened { subject, started, priority, summary }) if event.place == 1 => Some(Self {
                number: event.number,
                subject: subject.clone(),
                priority: *priority,
                summary: summary.clone(),
                started: *started,
                opened: event.decided_at,
                resolved: None,
                acknowledged: None,
                events: 1,
            }),
            (Some(before), change) if event.number == before.number && event.place == before.events + 1 => {
                let mut after = Self { events: event.place, ..before };
                match (after.resolved, change) {
                    (None, Change::Resolved { ended, resolution })
                    | (Some(_), Change::Amended { ended, resolution }) => {
                        let (ended, decided_at, resolution) = (*ended, event.decided_at, *resolution);
                        after.resolved = Some(Resolved { ended, decided_at, resolution });
                    }
                    (Some(_), Change::Reopened) => after.resolved = None,
                    (None, Change::Acknowledged { by, .. }) if after.acknowledged.is_none() => {
                        after.acknowledged = Some(Acknowledged { at: event.decided_at, by: by.clone() });
                    }
                    (_, Change::Commented { .. }) => {}
                    _ => return None,
                }
                Some(after)
            }
            _ => None,
        }
    }

    /// Whether it is open.
    pub const fn is_open(&self) -> bool {
        self.resolved.is_none()
    }

    /// From its beginning to its end, or to the end of time while it is open.
    pub fn interval(&self) -> Interval {
        let end = self.resolved.map_or(Instant::MAX, |resolved| resolved.ended);
        Interval::new(self.started, end)
    }
}
