//! Who did what, when: one deed for each change to what the collector knows.
//!
//! ```text
//! Deed   key number (8 bytes, big endian)   value MessagePack of Deed
//! ```
//!
//! The number counts all deeds of a store, so they keep their order also when the clock is set back.

use std::fmt;

use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use utoipa::ToSchema;

use crate::incident::model::{Change, Link, Number};

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// Somebody on the collector's host, through the socket in the data directory or on the store itself.
    Local {
        /// The user's number in the system, where the system tells it.
        #[schema(format = "uint32")]
        uid: Option<u32>,
    },
    /// The holder of a token.
    Token {
        /// The token's name.
        name: Id,
        /// The word for its role.
        role: String,
    },
    /// The collector itself, as it starts.
    Collector,
    /// Somebody in another system, where a receiver made a ticket.
    Receiver {
        /// The receiver.
        receiver: Id,
        /// Who it was there, where it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { uid: Some(uid) } => write!(f, "local user {uid}"),
            Self::Local { uid: None } => f.write_str("local user"),
            Self::Token { name, role } => write!(f, "{name} ({role})"),
            Self::Collector => f.write_str("the collector"),
            Self::Receiver { receiver, name: Some(name) } => write!(f, "{name} ({receiver})"),
            Self::Receiver { receiver, name: None } => write!(f, "somebody at {receiver}"),
        }
    }
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Its number in the store, from 1.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
}

/// What can be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// A token was added.
    TokenAdded {
        /// Its name.
        token: Id,
        /// The word for its role.
        role: String,
        /// The agent it is bound to, if it is.
        agent: Option<Id>,
        /// When it ends by itself; none for never.
        expires_at: Option<Instant>,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Its name.
        token: Id,
    },
    /// A version of the catalogue was taken up.
    CatalogueTakenUp {
        /// The version.
        version: u64,
        /// The SHA-256 of its files.
        hash: String,
    },
    /// A version of the catalogue was taken up that measures the past differently.
    CatalogueRestated {
        /// The version.
        version: u64,
        /// The SHA-256 of its files.
        hash: String,
        /// From when on it holds.
        from: Instant,
        /// Who approved it.
        approver: String,
        /// Why.
        reason: String,
    },
    /// An incident was acknowledged.
    IncidentAcknowledged {
        /// Its number.
        incident: u64,
    },
    /// An incident was commented on.
    IncidentCommented {
        /// Its number.
        incident: u64,
    },
    /// An incident was given to somebody.
    IncidentAssigned {
        /// Its number.
        incident: u64,
        /// To whom.
        to: String,
    },
    /// An incident was resolved by hand.
    IncidentResolved {
        /// Its number.
        incident: u64,
    },
    /// An incident was closed.
    IncidentClosed {
        /// Its number.
        incident: u64,
    },
    /// An incident was opened again by hand.
    IncidentReopened {
        /// Its number.
        incident: u64,
    },
    /// An incident was connected with something.
    IncidentLinked {
        /// Its number.
        incident: u64,
        /// With what.
        link: Link,
    },
    /// What connected an incident with something was taken back.
    IncidentUnlinked {
        /// Its number.
        incident: u64,
        /// With what.
        link: Link,
    },
    /// An incident was declared a major one.
    IncidentMajor {
        /// Its number.
        incident: u64,
        /// Who answers for it.
        owner: String,
    },
    /// The management has the notice of a major incident.
    IncidentNoticeReceived {
        /// Its number.
        incident: u64,
    },
    /// The review of a major incident was filed.
    IncidentReviewed {
        /// Its number.
        incident: u64,
    },
    /// A problem was opened.
    ProblemOpened {
        /// Its number.
        problem: u64,
    },
    /// What lies behind a problem was said, and how to live with it.
    ProblemKnown {
        /// Its number.
        problem: u64,
    },
    /// What ends a problem was said.
    ProblemFixed {
        /// Its number.
        problem: u64,
    },
    /// A problem was closed.
    ProblemClosed {
        /// Its number.
        problem: u64,
    },
    /// A dead letter was sent again.
    LetterResent {
        /// To whom.
        receiver: Id,
        /// The id of its message.
        message: String,
    },
    /// A dead letter was let go.
    LetterDropped {
        /// To whom it was.
        receiver: Id,
        /// The id of its message.
        message: String,
    },
    /// A compaction of the store was begun.
    CompactionBegun,
    /// An import of observations was begun.
    ImportBegun {
        /// Out of what, in the words of whoever began it.
        source: String,
    },
    /// A governed record was added.
    RecordAdded {
        /// The word for its sort.
        sort: String,
        /// Its name.
        record: Id,
    },
    /// A governed record was revoked.
    RecordRevoked {
        /// The word for its sort.
        sort: String,
        /// Its name.
        record: Id,
    },
}

impl Action {
    /// What somebody did who made a change to an incident; none of what people do not make.
    pub fn of_change(incident: Number, change: &Change) -> Option<Self> {
        let incident = incident.0;
        Some(match change {
            Change::Acknowledged { .. } => Self::IncidentAcknowledged { incident },
            Change::Commented { .. } => Self::IncidentCommented { incident },
            Change::Assigned { to, .. } => Self::IncidentAssigned { incident, to: to.clone() },
            Change::Resolved { .. } => Self::IncidentResolved { incident },
            Change::Closed { .. } => Self::IncidentClosed { incident },
            Change::Reopened { .. } => Self::IncidentReopened { incident },
            Change::Linked { link, .. } => Self::IncidentLinked { incident, link: link.clone() },
            Change::Unlinked { link, .. } => Self::IncidentUnlinked { incident, link: link.clone() },
            Change::Major { owner, .. } => Self::IncidentMajor { incident, owner: owner.clone() },
            Change::NoticeReceived { .. } => Self::IncidentNoticeReceived { incident },
            Change::Reviewed { .. } => Self::IncidentReviewed { incident },
            Change::Opened(_)
            | Change::Amended { .. }
            | Change::Affected { .. }
            | Change::Cleared
            | Change::Escalated { .. }
            | Change::Reminded { .. }
            | Change::Ticket { .. } => return None,
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TokenAdded { token, role, agent, expires_at } => {
                write!(f, "added the token {token}, {role}")?;
                if let Some(agent) = agent {
                    write!(f, " {agent}")?;
                }
                match expires_at {
                    Some(at) => write!(f, ", until {at}"),
                    None => f.write_str(", without an end"),
                }
            }
            Self::TokenRevoked { token } => write!(f, "revoked the token {token}"),
            Self::CatalogueTakenUp { version, hash } => {
                write!(f, "took up version {version} of the catalogue ({})", hash.get(..12).unwrap_or(hash))
            }
            Self::CatalogueRestated { version, hash, from, approver, reason } => {
                let hash = hash.get(..12).unwrap_or(hash);
                write!(
                    f,
                    "restated the catalogue from {from} on by version {version} ({hash}), approved by {approver}: {reason}"
                )
            }
            Self::IncidentAcknowledged { incident } => write!(f, "acknowledged INC-{incident}"),
            Self::IncidentCommented { incident } => write!(f, "commented on INC-{incident}"),
            Self::IncidentAssigned { incident, to } => write!(f, "assigned INC-{incident} to {to}"),
            Self::IncidentResolved { incident } => write!(f, "resolved INC-{incident}"),
            Self::IncidentClosed { incident } => write!(f, "closed INC-{incident}"),
            Self::IncidentReopened { incident } => write!(f, "reopened INC-{incident}"),
            Self::IncidentLinked { incident, link } => {
                write!(f, "linked INC-{incident} with the {} {}", link.kind.as_str(), link.to)
            }
            Self::IncidentUnlinked { incident, link } => {
                write!(f, "took back the link of INC-{incident} with the {} {}", link.kind.as_str(), link.to)
            }
            Self::IncidentMajor { incident, owner } => {
                write!(f, "declared INC-{incident} a major incident, for which {owner} answers")
            }
            Self::IncidentNoticeReceived { incident } => write!(f, "received the notice of INC-{incident}"),
            Self::IncidentReviewed { incident } => write!(f, "filed the review of INC-{incident}"),
            Self::ProblemOpened { problem } => write!(f, "opened PRB-{problem}"),
            Self::ProblemKnown { problem } => write!(f, "said what lies behind PRB-{problem}"),
            Self::ProblemFixed { problem } => write!(f, "said what ends PRB-{problem}"),
            Self::ProblemClosed { problem } => write!(f, "closed PRB-{problem}"),
            Self::LetterResent { receiver, message } => write!(f, "had {message} sent to {receiver} again"),
            Self::LetterDropped { receiver, message } => write!(f, "let {message} to {receiver} go"),
            Self::CompactionBegun => f.write_str("began a compaction of the store"),
            Self::ImportBegun { source } => write!(f, "began an import of {source}"),
            Self::RecordAdded { sort, record } => write!(f, "put the {sort} {record} on record"),
            Self::RecordRevoked { sort, record } => write!(f, "revoked the {sort} {record}"),
        }
    }
}

impl Deed {
    /// Its key in the store.
    pub fn key(&self) -> Vec<u8> {
        self.number.to_be_bytes().to_vec()
    }
}
