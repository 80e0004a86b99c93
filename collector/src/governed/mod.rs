//! Governed records as they are kept: what people put on record, who did, and whether it was revoked since. Pure but for
//! reading the store.
//!
//! ```text
//! Maintenance, Exclusion, Dated   key the record's id   value MessagePack of Kept
//! ```
//!
//! A record is written twice at most: when it is added, and when it is revoked, which adds who revoked it, when and why
//! and changes nothing else of it. It is kept for ever, and its id is never used again. All of them are held in memory,
//! so they are bounded: in number, in bytes, and in how often recurring maintenance takes place.
//!
//! | file | what it holds |
//! |---|---|
//! | [`register`] | all records; what may be added to them, what revoked |
//! | [`list`] | those that are asked for |
//! | [`view`] | records as they are given out |
//! | [`feed`] | maintenance as an iCalendar |

pub mod feed;
pub mod list;
pub mod register;
pub mod view;

use serde::{Deserialize, Serialize};
use uphold_common::governed::{Content, Sort, Unsound};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use utoipa::ToSchema;

use crate::identity::deed::Actor;
use crate::store::RecordKind;

/// Most bytes of the reason for which a record is revoked.
pub const REASON_BYTES_MAX: usize = 2_000;

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What it says.
    pub content: Content,
    /// When it was added.
    pub recorded_at: Instant,
    /// By whom.
    pub recorded_by: Actor,
    /// Whether it was revoked since.
    pub revoked: Option<Revocation>,
}

/// That a record was revoked: it is as if it had never been, but stays on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revocation {
    /// When.
    pub at: Instant,
    /// By whom.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

impl Kept {
    /// Whether it counts.
    pub const fn is_in_force(&self) -> bool {
        self.revoked.is_none()
    }
}

/// Under which kind the store keeps a sort.
pub const fn kind_of(sort: Sort) -> RecordKind {
    match sort {
        Sort::Maintenance => RecordKind::Maintenance,
        Sort::Exclusion => RecordKind::Exclusion,
        Sort::Dated => RecordKind::Dated,
    }
}

/// Why a record is not added or revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GovernedError {
    /// It is not what it must be.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// Only an approver may put this on record.
    #[error("{0} may not say that it was announced before now; an approver or an administrator may")]
    NotApprover(Actor),
    /// Another record has the id, or had it.
    #[error("the id {id} was given before, to a {sort} {which}; an id is never given twice", sort = .sort.as_str())]
    IdTaken {
        /// The sort.
        sort: Sort,
        /// The id.
        id: Id,
        /// What is different about that one.
        which: &'static str,
    },
    /// There is none of this id.
    #[error("there is no {sort} {id}{hint}", sort = .sort.as_str())]
    NotThere {
        /// The sort.
        sort: Sort,
        /// The id.
        id: Id,
        /// The nearest that there is, as a phrase.
        hint: String,
    },
    /// It was revoked before.
    #[error("the {sort} {id} was revoked before, by {by} at {at}", sort = .sort.as_str())]
    AlreadyRevoked {
        /// The sort.
        sort: Sort,
        /// The id.
        id: Id,
        /// By whom.
        by: Box<Actor>,
        /// When.
        at: Instant,
    },
    /// There are too many.
    #[error("no more fit on record: {0}")]
    TooMany(String),
}
