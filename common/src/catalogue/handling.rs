//! How incidents are handled: within which time, who is told when nobody does, which are major, and what makes a problem.
//! The catalogue's part about handling, as checked types.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::calendar::Calendar;
use super::cause::Cause;
use super::telling::Priority;
use crate::ids::Id;
use crate::time::DAY_MS;

const MINUTE_MS: i64 = 60_000;

/// How incidents are handled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handling {
    /// Within which time incidents of a priority are to be taken on and to be over.
    pub response: BTreeMap<Priority, ResponseTarget>,
    /// Who is told when nobody does; the first that fits an incident is taken.
    pub escalation: Vec<EscalationRule>,
    /// Which incidents are major ones; none where people alone say so.
    pub major: Option<MajorRule>,
    /// What makes a problem of incidents.
    pub recurrence: Recurrence,
}

/// Within which time incidents are to be taken on and to be over; at least one of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseTarget {
    /// Within which time somebody takes it on.
    pub respond_ms: Option<i64>,
    /// Within which time the trouble is over.
    pub restore_ms: Option<i64>,
    /// In which hours that time passes; none: always.
    pub calendar: Option<Arc<Calendar>>,
}

/// Whom to tell when nobody does what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationRule {
    /// Which incidents it is for.
    pub when: Condition,
    /// In which hours its time passes; none: always.
    pub calendar: Option<Arc<Calendar>>,
    /// Its steps, each later than the one before.
    pub steps: Vec<EscalationStep>,
}

/// Which incidents something is for: whatever is said has to fit, and an empty list says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Their priorities.
    pub priorities: Vec<Priority>,
    /// What opened them.
    pub causes: Vec<Cause>,
    /// The services that they are about.
    pub services: Vec<Id>,
    /// Customers, of which one is among theirs.
    pub customers: Vec<Id>,
}

/// One step of an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationStep {
    /// How long after it was opened.
    pub after_ms: i64,
    /// What makes it needless.
    pub unless: Unless,
    /// Who is told.
    pub to: Id,
}

/// What makes a step of an escalation needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unless {
    /// Somebody took it on; or it is over.
    Acknowledged,
    /// It is over.
    Resolved,
}

/// Which incidents are major ones, and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MajorRule {
    /// What makes it one: any of these.
    pub when: Vec<MajorCondition>,
    /// Who answers for it.
    pub owner: String,
    /// The receiver of the notice for the management.
    pub notice: Option<Id>,
    /// Within which time the management says that it has the notice.
    pub notice_within_ms: i64,
    /// How long after it is over its review is filed.
    pub review_within_ms: i64,
}

/// What makes an incident a major one: whatever is said has to hold, and something is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MajorCondition {
    /// Its priority is one of these; empty: any.
    pub priorities: Vec<Priority>,
    /// So many services at least fail because of it.
    pub services: Option<u32>,
    /// It concerns so many customers at least.
    pub customers: Option<u32>,
    /// It has lasted so long.
    pub after_ms: Option<i64>,
}

/// What makes a problem of incidents: so many of one cause, about one service and component, within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// Whether problems open by themselves.
    pub raise: bool,
    /// How many incidents.
    pub times: u32,
    /// Within which time they began.
    pub within_ms: i64,
}

impl Default for Recurrence {
    fn default() -> Self {
        Self { raise: true, times: 3, within_ms: 30 * DAY_MS }
    }
}

impl Handling {
    /// How long may be given to do something.
    pub const WITHIN_MS: RangeInclusive<i64> = 1_000..=90 * DAY_MS;
    /// Most rules of escalation, and most steps of one.
    pub const RULES_MAX: usize = 100;
    /// Most steps of one.
    pub const STEPS_MAX: usize = 20;
    /// Most ways in which an incident becomes a major one.
    pub const WAYS_MAX: usize = 10;
    /// Within which time the management says that it has a notice, unless something else is said.
    pub const NOTICE_WITHIN_MS: i64 = 30 * MINUTE_MS;
    /// How long after a major incident its review is filed, unless something else is said.
    pub const REVIEW_WITHIN_MS: i64 = 5 * DAY_MS;
    /// How many services or customers may be said to make an incident a major one.
    pub const MANY: RangeInclusive<u32> = 1..=100_000;
    /// How many incidents may be said to make a problem.
    pub const TIMES: RangeInclusive<u32> = 2..=1_000;
    /// Within which time.
    pub const RECURRENCE_MS: RangeInclusive<i64> = 60 * MINUTE_MS..=366 * DAY_MS;
}

impl Unless {
    /// As the catalogue writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}
