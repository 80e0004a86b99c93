//! Records: the small governed values that callers keep in the store, and ranges of their keys.

use std::ops::Bound;

/// The kinds of records. The numbers stand in keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordKind {
    /// Single values that callers keep.
    Meta = 0,
    /// Versions of the catalogue.
    Catalogue = 1,
    /// Incident changes.
    IncidentEvent = 2,
    /// What waits to be delivered to receivers.
    Outbox = 3,
    /// What could not be delivered.
    DeadLetter = 4,
    /// Derived: states as run-length stretches.
    Stretches = 5,
    /// When a service was first recorded.
    Service = 6,
    /// Tokens, the ended ones too.
    Token = 7,
    /// Who did what.
    Deed = 8,
    /// What each agent was ever assigned.
    Assigned = 9,
    /// When a target on capacity was first recorded, under each length its thresholds must hold.
    CapacityTarget = 10,
    /// Planned maintenance, the revoked too.
    Maintenance = 11,
    /// Exclusions, the revoked ones too.
    Exclusion = 12,
    /// Whatever else has a date and was put on record.
    Dated = 13,
    /// Revisions of closed windows, the old ones too.
    Revision = 14,
    /// Derived: what has touched closed windows that were not looked at again yet.
    Touched = 15,
    /// What agents told of their own measuring.
    AgentFact = 16,
    /// What receivers gave for incidents, by incident and receiver.
    Kept = 17,
    /// What happened to problems.
    ProblemEvent = 20,
}

impl RecordKind {
    /// The kind of a number, as it stands in the journal.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        let all = [
            Self::Meta,
            Self::Catalogue,
            Self::IncidentEvent,
            Self::Outbox,
            Self::DeadLetter,
            Self::Stretches,
            Self::Service,
            Self::Token,
            Self::Deed,
            Self::Assigned,
            Self::CapacityTarget,
            Self::Maintenance,
            Self::Exclusion,
            Self::Dated,
            Self::Revision,
            Self::Touched,
            Self::AgentFact,
            Self::Kept,
            Self::ProblemEvent,
        ];
        all.into_iter().find(|kind| *kind as u8 == code)
    }

    /// Whether records of the kind can be rebuilt from observations.
    pub const fn is_derived(self) -> bool {
        matches!(self, Self::Stretches | Self::Touched)
    }
}

/// A record's key and value.
pub type Record = (Vec<u8>, Vec<u8>);

/// A change to one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordChange {
    /// Its kind.
    pub kind: RecordKind,
    /// Its key, of at most [`RECORD_KEY_BYTES_MAX`](super::RECORD_KEY_BYTES_MAX) bytes.
    pub key: Vec<u8>,
    /// Its new value, of at most [`RECORD_BYTES_MAX`](super::RECORD_BYTES_MAX) bytes; none removes it.
    pub value: Option<Vec<u8>>,
}

/// A range of keys, and which end to begin at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The least key.
    pub start: Bound<Vec<u8>>,
    /// The greatest key.
    pub end: Bound<Vec<u8>>,
    /// Whether the greatest keys come first.
    pub newest_first: bool,
}

impl KeyRange {
    /// Every key.
    pub const fn all() -> Self {
        Self { start: Bound::Unbounded, end: Bound::Unbounded, newest_first: false }
    }

    /// The keys that begin with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        let mut after = prefix.to_vec();
        while let Some(last) = after.pop() {
            if let Some(next) = last.checked_add(1) {
                after.push(next);
                break;
            }
        }
        let end = if after.is_empty() { Bound::Unbounded } else { Bound::Excluded(after) };
        Self { start: Bound::Included(prefix.to_vec()), end, newest_first: false }
    }

    /// The same keys, beginning after `key`: how a long range is read in pages.
    #[must_use]
    pub fn after(mut self, key: Vec<u8>) -> Self {
        if self.newest_first {
            self.end = Bound::Excluded(key);
        } else {
            self.start = Bound::Excluded(key);
        }
        self
    }

    /// The same keys, the greatest first.
    #[must_use]
    pub const fn reversed(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Whether no key can lie in it.
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => {
                start >= end
            }
            _ => false,
        }
    }
}
