//! What happens to an incident: the events that make it, each decided once and never changed.

use std::fmt;

use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use utoipa::ToSchema;

pub use super::link::{Link, LinkKind};
use super::major::Reminder;
use super::number::{Number, Uid};
use super::subject::Subject;
use super::words::{CriticalityText, PriorityText, UrgencyText};
use crate::identity::deed::Actor;

/// One thing that happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The incident.
    pub number: Number,
    /// Its place among the incident's events, from 1.
    pub place: u32,
    /// The instant of the figures that it was decided from; for what people did, when they did it.
    pub decided_at: Instant,
    /// What happened.
    pub change: Change,
}

/// What an incident is opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Opening {
    /// Its id; none before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uid>,
    /// What it is about.
    pub subject: Subject,
    /// When what it is about began, as measured.
    pub started: Instant,
    /// Its priority, by criticality and urgency.
    pub priority: PriorityText,
    /// What was seen, for people.
    pub summary: String,
    /// How much a failure of what it is about weighs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<CriticalityText>,
    /// How soon it wants to be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<UrgencyText>,
    /// The customers of what it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customers: Vec<Id>,
    /// The components whose probes failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Id>,
    /// Who owns the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The maintenance in which it began: it is on record, and nobody is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Id>,
}

impl Opening {
    /// What is always said.
    pub fn new(subject: Subject, started: Instant, priority: PriorityText, summary: impl Into<String>) -> Self {
        Self {
            id: None,
            subject,
            started,
            priority,
            summary: summary.into(),
            criticality: None,
            urgency: None,
            customers: Vec::new(),
            components: Vec::new(),
            owner: None,
            quiet: None,
        }
    }
}

/// What happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Change {
    /// It was opened.
    Opened(Opening),
    /// It was resolved.
    Resolved {
        /// When what it is about ended, as measured; when they said so, if people did.
        ended: Instant,
        /// Why.
        resolution: Resolution,
        /// Who resolved it; none where the figures did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// It was opened again.
    Reopened {
        /// Who did; none where the figures did: what had looked like its end was none, or the trouble came back at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Whether it was over, and came back at once.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        returned: bool,
    },
    /// It is over and stays so, but ended otherwise than it was resolved: what became known since, or was put on record or
    /// revoked, changed the figures of its closed window, moved its end, or shows that there was no outage.
    Amended {
        /// When what it is about ended, as measured now.
        ended: Instant,
        /// Why.
        resolution: Resolution,
    },
    /// Nothing more is to be done about it; it is never opened again.
    Closed {
        /// Who closed it; none where its time was over.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
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
    /// It was given to somebody.
    Assigned {
        /// Who did.
        by: Actor,
        /// To whom.
        to: String,
    },
    /// It was connected with something else.
    Linked {
        /// Who did.
        by: Actor,
        /// With what.
        link: Link,
    },
    /// What connected it with something else was taken back; what was found to belong to a problem had no link of its own.
    Unlinked {
        /// Who did.
        by: Actor,
        /// What it is no longer connected with.
        link: Link,
    },
    /// Further services fail, or are not seen, because of what it is about: they have no incident of their own.
    Affected {
        /// The services that were not among them before.
        services: Vec<Id>,
        /// Their customers that were not among those before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        customers: Vec<Id>,
    },
    /// What somebody had resolved is over by the figures, too: when it comes again, that is another incident.
    Cleared,
    /// Nobody did in time what was to be done: the next step of its escalation was told.
    Escalated {
        /// Which step, from 1.
        step: u32,
        /// The receiver that was told.
        to: Id,
        /// Why, for people.
        because: String,
    },
    /// It is a major incident.
    Major {
        /// The rule that says so, for people.
        because: String,
        /// Who declared it; none where a rule did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
        /// Who answers for it.
        owner: String,
        /// The receiver of the notice for the management.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notice_to: Option<Id>,
    },
    /// Somebody was reminded of what follows from its being a major one.
    Reminded {
        /// Of what.
        of: Reminder,
        /// The receiver that was reminded; none: whoever is told of the incident.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Id>,
        /// Why, for people.
        because: String,
    },
    /// The management said that it has the notice.
    NoticeReceived {
        /// Who.
        by: Actor,
    },
    /// The review of a major incident was filed.
    Reviewed {
        /// Who.
        by: Actor,
        /// What it found.
        text: String,
    },
    /// Another system has a ticket of it.
    Ticket {
        /// The receiver that made it.
        receiver: Id,
        /// Its id there.
        id: String,
        /// Where people find it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
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
    /// The service, target or agent is no longer in the catalogue.
    Withdrawn,
    /// It holds no longer.
    OverAgain,
    /// The maintenance in which it began is over, and it goes on: another incident says so, of which people are told.
    Outlasted,
    /// Somebody said so.
    ByHand,
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
            Self::OverAgain => "it is over",
            Self::Outlasted => "its maintenance is over, and it goes on as another incident",
            Self::ByHand => "somebody resolved it",
        }
    }
}

impl Change {
    /// It ended by the figures.
    pub const fn over(ended: Instant, resolution: Resolution) -> Self {
        Self::Resolved { ended, resolution, by: None, text: None }
    }

    /// It was opened again by the figures.
    pub const fn again() -> Self {
        Self::Reopened { by: None, text: None, returned: false }
    }

    /// Who made it; none where the figures or a rule did.
    pub const fn by(&self) -> Option<&Actor> {
        match self {
            Self::Resolved { by, .. }
            | Self::Reopened { by, .. }
            | Self::Closed { by, .. }
            | Self::Major { by, .. } => by.as_ref(),
            Self::Acknowledged { by, .. }
            | Self::Commented { by, .. }
            | Self::Assigned { by, .. }
            | Self::Linked { by, .. }
            | Self::Unlinked { by, .. }
            | Self::NoticeReceived { by }
            | Self::Reviewed { by, .. } => Some(by),
            Self::Opened(_)
            | Self::Amended { .. }
            | Self::Affected { .. }
            | Self::Cleared
            | Self::Escalated { .. }
            | Self::Reminded { .. }
            | Self::Ticket { .. } => None,
        }
    }

    /// What somebody said with it.
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Resolved { text, .. }
            | Self::Reopened { text, .. }
            | Self::Closed { text, .. }
            | Self::Acknowledged { text, .. } => text.as_deref(),
            Self::Commented { text, .. } | Self::Reviewed { text, .. } => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(opening) => {
                let Opening { started, priority, summary, .. } = opening;
                write!(f, "opened at {}, from {started}: {summary}", priority.0.as_str())
            }
            Self::Resolved { ended, by: Some(by), .. } => write!(f, "resolved as of {ended} by {by}"),
            Self::Resolved { ended, resolution, by: None, .. } => {
                write!(f, "resolved as of {ended}: {}", resolution.as_str())
            }
            Self::Reopened { by: Some(by), .. } => write!(f, "reopened by {by}"),
            Self::Reopened { returned: true, .. } => f.write_str("reopened: it came back"),
            Self::Reopened { .. } => f.write_str("reopened: what had looked like its end was none"),
            Self::Amended { ended, resolution } => {
                let why = resolution.as_str();
                write!(f, "amended, since what is known of it changed: as of {ended}, {why}")
            }
            Self::Closed { by: Some(by), .. } => write!(f, "closed by {by}"),
            Self::Closed { by: None, .. } => f.write_str("closed"),
            Self::Acknowledged { by, .. } => write!(f, "acknowledged by {by}"),
            Self::Commented { by, .. } => write!(f, "commented on by {by}"),
            Self::Assigned { by, to } => write!(f, "assigned to {to} by {by}"),
            Self::Linked { by, link } => write!(f, "linked with the {} {} by {by}", link.kind.as_str(), link.to),
            Self::Unlinked { by, link } => write!(f, "unlinked from the {} {} by {by}", link.kind.as_str(), link.to),
            Self::Affected { services, .. } if services.len() == 1 => f.write_str("one further service is affected"),
            Self::Affected { services, .. } => write!(f, "{} further services are affected", services.len()),
            Self::Cleared => f.write_str("over by the figures, too"),
            Self::Escalated { step, to, because } => write!(f, "escalated to {to}, step {step}: {because}"),
            Self::Major { because, owner, .. } => write!(f, "a major incident, for which {owner} answers: {because}"),
            Self::Reminded { to: Some(to), because, .. } => write!(f, "{to} reminded: {because}"),
            Self::Reminded { to: None, because, .. } => write!(f, "reminded: {because}"),
            Self::NoticeReceived { by } => write!(f, "the notice was received by {by}"),
            Self::Reviewed { by, .. } => write!(f, "reviewed by {by}"),
            Self::Ticket { receiver, id, .. } => write!(f, "{receiver} has it as {id}"),
        }
    }
}
