//! Problems as they are given out: the list, and one with its history; and whether a problem came back after its fix.

use serde::{Deserialize, Serialize};
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::model::{Problem, ProblemChange, ProblemEvent, ProblemNumber, ProblemState};
use super::register::Problems;

/// Most problems of one page.
pub const LIST_MAX: usize = 1_000;
/// How many there are unless another number is asked for.
pub const LIST_DEFAULT: usize = 100;
/// A page ends early when it names so many incidents.
const INCIDENTS_OF_PAGE: usize = 20_000;

/// Which problems are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProblemsQuery {
    /// Those that stand so; wherever they stand, if nothing is said.
    pub state: Option<ProblemState>,
    /// Those after this one, which are older.
    pub after: Option<ProblemNumber>,
    /// At most so many.
    pub limit: usize,
}

impl Default for ProblemsQuery {
    fn default() -> Self {
        Self { state: None, after: None, limit: LIST_DEFAULT }
    }
}

impl ProblemsQuery {
    /// As a query says it.
    pub fn written(&self) -> String {
        let state = self.state.map(|state| format!("state={}&", state.as_str())).unwrap_or_default();
        let after = self.after.map(|after| format!("after={after}&")).unwrap_or_default();
        format!("{state}{after}limit={}", self.limit)
    }
}

/// The problems as of an instant, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProblemList {
    /// The instant.
    pub as_of_ms: Instant,
    /// The problems.
    pub problems: Vec<ProblemView>,
    /// The last of them, after which the next page begins, such as `PRB-2`; null when there is none.
    #[serde(with = "super::event::behind")]
    #[schema(value_type = Option<String>)]
    pub next: Option<ProblemNumber>,
}

impl ProblemList {
    /// Those of the register.
    pub fn of(problems: &Problems, query: &ProblemsQuery, as_of: Instant) -> Self {
        let found = problems.all().rev().filter(|problem| {
            query.state.is_none_or(|state| problem.state == state)
                && query.after.is_none_or(|after| problem.number < after)
        });
        let (mut shown, mut incidents, mut next) = (Vec::new(), 0_usize, None);
        for problem in found {
            if shown.len() >= query.limit || incidents >= INCIDENTS_OF_PAGE {
                next = shown.last().map(|last: &ProblemView| last.problem.number);
                break;
            }
            incidents = incidents.saturating_add(problem.incidents.len());
            shown.push(ProblemView::of(problem, as_of));
        }
        Self { as_of_ms: as_of, problems: shown, next }
    }
}

/// How many problems stand where, for those who watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProblemsHeld {
    /// How many stand in each state, in the order of [`ProblemState::ALL`].
    pub states: [u64; ProblemState::ALL.len()],
    /// How many that are not closed have a workaround.
    pub known_errors: u64,
    /// How many that are not closed came back after their fix.
    pub came_back: u64,
    /// How many incidents of those that are not closed began after their fix.
    pub since_fix: u64,
    /// How many would open and find no place on record.
    pub waiting: u64,
}

impl ProblemsHeld {
    /// How many are not closed.
    pub fn alive(&self) -> u64 {
        let states = self.states.iter().zip(ProblemState::ALL);
        states.filter(|(_, state)| *state != ProblemState::Closed).map(|(count, _)| count).sum()
    }

    /// Counts them.
    pub fn of<'p>(problems: impl Iterator<Item = &'p Problem>) -> Self {
        let mut held = Self::default();
        for problem in problems {
            for (count, state) in held.states.iter_mut().zip(ProblemState::ALL) {
                *count += u64::from(problem.state == state);
            }
            if problem.is_alive() {
                held.known_errors += u64::from(problem.known_error.is_some());
                let since = problem.fix.as_ref().map_or(0, |fix| began(problem, fix.at, Instant::MAX));
                held.came_back += u64::from(since > 0);
                held.since_fix = held.since_fix.saturating_add(since);
            }
        }
        held
    }
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
    let (before, after) = (began(problem, since, fixed), began(problem, fixed, Instant::MAX));
    Some(Effect { over_ms, before, after, came_back: after > 0 })
}

/// How many incidents of a problem began from an instant on, and before another.
fn began(problem: &Problem, from: Instant, to: Instant) -> u64 {
    let began = problem.incidents.iter().filter(|incident| incident.started >= from && incident.started < to);
    u64::try_from(began.count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
