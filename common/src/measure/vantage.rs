//! Section 3 of the rules: from the observations of one vantage point to its timeline.
//!
//! An observation speaks from its instant to the next one, at most for the probe's *reach*; what none speaks for is
//! unmeasured. A failure counts as an outage once `fall` failures in a row confirm it, and then from its **first**
//! failed observation. A recovery of fewer than `rise` observations between two outages is none.
//!
//! Which rules these are says the [`VantageLaw`]. The state at an instant depends on observations at most
//! [`VantageLaw::context_ms`] away on either side, so a day can be derived from its own observations and a little around it,
//! and late data touches only what lies that close.

use crate::observation::{Observation, Outcome, State};
use crate::time::{Instant, Interval};

use super::law::VantageLaw;
use super::timeline::Timeline;

/// How a probe's observations become states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VantageRules {
    /// How long an observation speaks at most.
    pub reach_ms: i64,
    /// Failures in a row that confirm an outage.
    pub fall: u32,
    /// Successes in a row that end one.
    pub rise: u32,
}

/// One run: neighbouring observations that are all down or all not, with no unmeasured time between them.
struct Run {
    first: usize,
    end: usize,
    down: bool,
    /// Those in force at its first observation.
    rules: VantageRules,
    /// Whether the run before it ends where this one begins: no silence and no unknown in between.
    touches_before: bool,
}

impl Run {
    fn len(&self) -> usize {
        self.end - self.first
    }
}

/// The timeline of one vantage point over `span`.
///
/// `observations` are settled and in order, and hold everything within [`VantageLaw::context_ms`] of `span` that was
/// seen before the instant the figures are taken at.
pub fn vantage_timeline(observations: &[Observation], law: &VantageLaw, span: Interval) -> Timeline {
    let states = confirmed(observations, law);
    let mut timeline = Timeline::default();
    let covered_to = speak(&mut timeline, observations, &states, law, span);
    timeline.push(Interval::new(covered_to, span.end), State::Unmeasured);
    timeline
}

/// Adds what observations in these `states` speak for inside `span`, unmeasured in between, and gives where that ends.
pub(super) fn speak(
    timeline: &mut Timeline,
    observations: &[Observation],
    states: &[State],
    law: &VantageLaw,
    span: Interval,
) -> Instant {
    let mut covered_to = span.start;
    for (i, (observation, state)) in observations.iter().zip(states).enumerate() {
        let until = observation.at.plus_ms(law.at(observation.at).reach_ms);
        let until = observations.get(i + 1).map_or(until, |next| next.at.min(until));
        let part = Interval::new(observation.at, until).intersect(span);
        if !part.is_empty() {
            timeline.push(Interval::new(covered_to, part.start), State::Unmeasured);
            timeline.push(part, *state);
            covered_to = part.end;
        }
    }
    covered_to
}

/// The state each observation speaks for, after confirmation.
pub(super) fn confirmed(observations: &[Observation], law: &VantageLaw) -> Vec<State> {
    let mut states: Vec<State> = observations.iter().map(|o| reported(o.outcome)).collect();
    for run in runs(observations, &states, law) {
        if run.down && run.len() < run.rules.fall as usize {
            fill(&mut states, &run, State::Degraded);
        }
    }
    if law.steps().iter().any(|step| step.rules.rise > 1) {
        let anew = runs(observations, &states, law);
        for three in anew.windows(3) {
            if let [before, run, after] = three
                && !run.down
                && run.len() < run.rules.rise as usize
                && before.down
                && after.down
                && run.touches_before
                && after.touches_before
            {
                fill(&mut states, run, State::Down);
            }
        }
    }
    states
}

const fn reported(outcome: Outcome) -> State {
    match outcome {
        Outcome::Up => State::Up,
        Outcome::Degraded => State::Degraded,
        Outcome::Down => State::Down,
        Outcome::Unknown => State::Unmeasured,
    }
}

/// The runs, in order. An unknown observation belongs to none.
fn runs(observations: &[Observation], states: &[State], law: &VantageLaw) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (i, (observation, state)) in observations.iter().zip(states).enumerate() {
        if *state == State::Unmeasured {
            continue;
        }
        let down = *state == State::Down;
        let before = i.checked_sub(1).and_then(|b| observations.get(b));
        let heard = before.is_some_and(|b| b.at.plus_ms(law.at(b.at).reach_ms) >= observation.at);
        match runs.last_mut() {
            Some(run) if run.end == i && heard && run.down == down => run.end = i + 1,
            last => {
                let touches_before = heard && last.is_some_and(|run| run.end == i);
                runs.push(Run { first: i, end: i + 1, down, rules: law.at(observation.at), touches_before });
            }
        }
    }
    runs
}

fn fill(states: &mut [State], run: &Run, state: State) {
    if let Some(part) = states.get_mut(run.first..run.end) {
        part.fill(state);
    }
}

#[cfg(test)]
#[path = "vantage_tests.rs"]
mod tests;
