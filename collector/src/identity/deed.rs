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
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local { uid: Some(uid) } => write!(f, "local user {uid}"),
            Self::Local { uid: None } => f.write_str("local user"),
            Self::Token { name, role } => write!(f, "{name} ({role})"),
            Self::Collector => f.write_str("the collector"),
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
