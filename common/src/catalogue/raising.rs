//! Which causes open incidents, how soon and how urgently, and when incidents are over: the catalogue's part about
//! raising, as checked types.

use std::collections::BTreeMap;

use super::cause::Cause;
use super::telling::Urgency;
use crate::time::DAY_MS;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// What the catalogue says of one cause; what it does not say stays as it is by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CauseRule {
    /// Whether it opens incidents at all.
    pub raise: bool,
    /// How urgent they are; none: as urgent as the kind of trouble is by itself.
    pub urgency: Option<Urgency>,
    /// How long it must have lasted; none where the measurement alone says when it is so.
    pub after_ms: Option<i64>,
    /// How far a clock may be off; only of that cause.
    pub beyond_ms: Option<i64>,
}

/// When incidents open, and when they are over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raising {
    /// What is said of each cause: of all of them.
    pub causes: BTreeMap<Cause, CauseRule>,
    /// Trouble that comes back within this time of its end is the same incident.
    pub absorb_ms: i64,
    /// How long after it was resolved an incident is closed, if nobody closes it before.
    pub close_after_ms: i64,
}

impl CauseRule {
    /// What holds of a cause of which the catalogue says nothing.
    pub const fn default_of(cause: Cause) -> Self {
        let after_ms = match cause {
            Cause::ServiceDegraded => Some(15 * MINUTE_MS),
            Cause::AgentSilent => Some(MINUTE_MS),
            Cause::ServiceUnmeasured => Some(5 * MINUTE_MS),
            _ => None,
        };
        let beyond_ms = match cause {
            Cause::ClockOff => Some(5_000),
            _ => None,
        };
        Self { raise: true, urgency: None, after_ms, beyond_ms }
    }
}

impl Default for Raising {
    fn default() -> Self {
        let causes = Cause::ALL.into_iter().map(|cause| (cause, CauseRule::default_of(cause))).collect();
        Self { causes, absorb_ms: 10 * MINUTE_MS, close_after_ms: 7 * DAY_MS }
    }
}

impl Raising {
    /// The shortest and the longest time that a cause may have to last.
    pub const AFTER_MS: std::ops::RangeInclusive<i64> = 0..=DAY_MS;
    /// How far off a clock may be said to be.
    pub const BEYOND_MS: std::ops::RangeInclusive<i64> = 100..=HOUR_MS;
    /// Within which time trouble may be said to be the same incident.
    pub const ABSORB_MS: std::ops::RangeInclusive<i64> = 0..=DAY_MS;
    /// How long after it was resolved an incident may stay unclosed.
    pub const CLOSE_AFTER_MS: std::ops::RangeInclusive<i64> = 0..=366 * DAY_MS;

    /// What is said of a cause.
    pub fn of(&self, cause: Cause) -> CauseRule {
        self.causes.get(&cause).copied().unwrap_or(CauseRule::default_of(cause))
    }

    /// How long a cause must have lasted.
    pub fn after_ms(&self, cause: Cause) -> i64 {
        self.of(cause).after_ms.unwrap_or(0)
    }

    /// How urgent an incident is that would be so urgent by itself.
    pub fn urgency(&self, cause: Cause, by_itself: Urgency) -> Urgency {
        self.of(cause).urgency.unwrap_or(by_itself)
    }
}
