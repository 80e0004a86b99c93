//! The roles, and what each may.
//!
//! | | push | read | act | record | approve | administer |
//! |---|---|---|---|---|---|---|
//! | agent | as itself | its assignment, figures of the services it observes | | | | |
//! | viewer | | everything | | | | |
//! | operator | | everything | incidents | maintenance, dated records | | |
//! | approver | | everything | incidents | maintenance, dated records | exclusions, what was announced before | |
//! | administrator | | everything | incidents | maintenance, dated records | exclusions, what was announced before | tokens, the store |
//!
//! Nobody but an agent pushes with a token: observations are evidence, and evidence has one author.

use serde::{Deserialize, Serialize};
use uphold_common::ids::Id;

/// What a token is good for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Role {
    /// To push as one agent, and to be told what that agent observes.
    Agent {
        /// The agent.
        agent: Id,
    },
    /// To read everything.
    Viewer,
    /// And to deal with incidents, and to put maintenance on record.
    Operator,
    /// And to say what does not count.
    Approver,
    /// And to give and revoke tokens.
    Administrator,
}

/// What somebody may or may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To push observations.
    Push,
    /// To be told an agent's assignment.
    Assignment,
    /// To read the figures of a service.
    Figures,
    /// To read everything else that is shown.
    Read,
    /// To acknowledge incidents and to comment on them.
    Act,
    /// To put maintenance and dated records on record, and to revoke them.
    Record,
    /// To say what does not count: exclusions, and maintenance that was announced before it was recorded.
    Approve,
    /// To give and revoke tokens, to read who did what, and to have the store compacted.
    Administer,
}

impl Right {
    /// What it is a right to, as the end of «may not …».
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push observations",
            Self::Assignment => "read assignments",
            Self::Figures => "read figures",
            Self::Read => "read this",
            Self::Act => "act on incidents",
            Self::Record => "put this on record",
            Self::Approve => "approve this",
            Self::Administer => "administer the collector",
        }
    }
}

impl Role {
    /// The words for the roles, in order of their rights.
    pub const WORDS: [&'static str; 5] = ["agent", "viewer", "operator", "approver", "administrator"];

    /// The role of this word; only an agent's says which `agent`.
    pub fn of(word: &str, agent: Option<Id>) -> Option<Self> {
        Some(match (word, agent) {
            ("agent", Some(agent)) => Self::Agent { agent },
            ("viewer", None) => Self::Viewer,
            ("operator", None) => Self::Operator,
            ("approver", None) => Self::Approver,
            ("administrator", None) => Self::Administrator,
            _ => return None,
        })
    }

    /// Its word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Agent { .. } => "agent",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Administrator => "administrator",
        }
    }

    /// The agent that it is bound to, if it is.
    pub const fn agent(&self) -> Option<&Id> {
        match self {
            Self::Agent { agent } => Some(agent),
            _ => None,
        }
    }

    /// Whether it has a right. An agent's are bound to the agent, which whoever asks has to look at.
    pub const fn may(&self, right: Right) -> bool {
        match right {
            Right::Push => matches!(self, Self::Agent { .. }),
            Right::Assignment | Right::Figures => true,
            Right::Read => !matches!(self, Self::Agent { .. }),
            Right::Act | Right::Record => matches!(self, Self::Operator | Self::Approver | Self::Administrator),
            Right::Approve => matches!(self, Self::Approver | Self::Administrator),
            Right::Administer => matches!(self, Self::Administrator),
        }
    }
}
