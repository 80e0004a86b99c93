//! Problems as they are given out: the list, and one with its history; and whether a problem came back after its fix.

use serde::{Deserialize, Serialize};
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::model::{Problem, ProblemChange, ProblemEvent};

/// The problems as of an instant, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemList {
    /// The instant.
    pub as_of_ms: Instant,
    /// The problems.
    pub problems: Vec<ProblemView>,
}

/// A problem, and what became of it since its fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemView {
    /// The problem.
    #[serde(flatten)]
    pub problem: Problem,
    /// Whether its fix helped; null while there is none.
    pub effect: Option<Effect>,
}

/// What became of a problem since its fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Effect {
    /// How long ago the fix was, and how long before it is looked at.
    pub over_ms: i64,
    /// How many of its incidents began in as long a time before the fix.
    pub before: u64,
    /// How many began since.
    pub after: u64,
    /// Whether it came back.
    pub came_back: bool,
}

/// One problem with everything that happened to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemHistory {
    /// The problem.
    pub problem: ProblemView,
    /// What happened to it, in order.
    pub events: Vec<ProblemLine>,
}

/// One thing that happened to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemLine {
    /// Its place, from 1.
    pub place: u32,
    /// When.
    pub at_ms: Instant,
    /// What happened.
    #[serde(flatten)]
    pub change: ProblemChange,
}

impl ProblemView {
    /// A problem as of `now`.
    pub fn of(problem: &Problem, now: Instant) -> Self {
        Self { effect: effect(problem, now), problem: problem.clone() }
    }
}

impl From<ProblemEvent> for ProblemLine {
    fn from(event: ProblemEvent) -> Self {
        Self { place: event.place, at_ms: event.at, change: event.change }
    }
}

/// Whether a problem's fix helped: its incidents since, against those in as long a time before.
fn effect(problem: &Problem, now: Instant) -> Option<Effect> {
    let fixed = problem.fix.as_ref()?.at;
    let until = problem.closed.unwrap_or(now);
    let over_ms = until.since_ms(fixed).max(0);
    let since = fixed.minus_ms(over_ms);
    let count = |from: Instant, to: Instant| {
        let began = problem.incidents.iter().filter(|incident| incident.started >= from && incident.started < to);
        u64::try_from(began.count()).unwrap_or(u64::MAX)
    };
    let (before, after) = (count(since, fixed), count(fixed, Instant::MAX));
    Some(Effect { over_ms, before, after, came_back: after > 0 })
}
