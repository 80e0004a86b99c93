//! Sections 3 and 9 of the rules: by which rules a vantage point's observations become states, through the versions of the
//! catalogue. An observation's reach, and a run's `fall` and `rise`, are those in force at the (first) observation.

use std::sync::Arc;

use crate::time::{Instant, Interval};

use super::vantage::VantageRules;

/// The rules of a probe through the versions of the catalogue; the first of them hold from the beginning of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VantageLaw(Arc<[Step]>);

/// Rules, and from when on they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// From when on.
    pub from: Instant,
    /// Which.
    pub rules: VantageRules,
}

impl From<VantageRules> for VantageLaw {
    fn from(rules: VantageRules) -> Self {
        Self(Arc::new([Step { from: Instant::MIN, rules }]))
    }
}

impl VantageLaw {
    /// These rules, each from its instant on; they come in order. None if there are none.
    pub fn of(steps: impl IntoIterator<Item = Step>) -> Option<Self> {
        let mut kept: Vec<Step> = Vec::new();
        for step in steps {
            let from = if kept.is_empty() { Instant::MIN } else { step.from };
            if kept.last().is_none_or(|last| last.rules != step.rules) {
                kept.push(Step { from, rules: step.rules });
            }
        }
        (!kept.is_empty()).then(|| Self(kept.into()))
    }

    /// All of them, in order.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Those in force at an instant.
    pub fn at(&self, at: Instant) -> VantageRules {
        const NONE: VantageRules = VantageRules { reach_ms: 0, fall: 0, rise: 0 };
        match &*self.0 {
            [only] => only.rules,
            steps => steps.get(self.place(at)).map_or(NONE, |step| step.rules),
        }
    }

    fn place(&self, at: Instant) -> usize {
        self.0.partition_point(|step| step.from <= at).saturating_sub(1)
    }

    /// How far from an instant an observation may lie and still decide its state, whatever the instant.
    pub fn context_ms(&self) -> i64 {
        context_ms(&self.0)
    }

    /// How many neighbours on either side decide what an observation speaks for. A run that goes on for longer is confirmed,
    /// or long enough, by whichever rules it began.
    pub(super) fn neighbours(&self) -> usize {
        let most = |of: fn(&VantageRules) -> u32| self.0.iter().map(|step| of(&step.rules)).max().unwrap_or(0);
        most(|rules| rules.fall) as usize + most(|rules| rules.rise) as usize
    }

    /// What of them can have a part in the states of `span`. What was derived by them stays right as long as this is the
    /// same, whatever came into force before or after.
    #[must_use]
    pub fn deciding(&self, span: Interval) -> Self {
        if self.0.len() == 1 {
            return self.clone();
        }
        let end = span.end.minus_ms(1).max(span.start);
        let (mut first, mut last) = (self.place(span.start), self.place(end));
        loop {
            let (before, after) = (first, last);
            for place in (0..first).rev() {
                let ends = self.0.get(place + 1).map_or(span.start, |next| next.from);
                if span.start.since_ms(ends) < self.context_of(place, last) {
                    first = place;
                }
            }
            for place in last + 1..self.0.len() {
                let begins = self.0.get(place).map_or(span.end, |step| step.from);
                if begins.since_ms(span.end) < self.context_of(first, place) {
                    last = place;
                }
            }
            if (before, after) == (first, last) {
                break;
            }
        }
        let steps = self.0.get(first..=last).unwrap_or_default();
        Self::of(steps.iter().copied()).unwrap_or_else(|| self.clone())
    }

    fn context_of(&self, first: usize, last: usize) -> i64 {
        context_ms(self.0.get(first..=last).unwrap_or_default())
    }
}

/// A run may begin by some rules and go on by others: the most neighbours any of them asks for, each as far from the next as
/// any of them lets one speak, and the reach of the farthest.
fn context_ms(steps: &[Step]) -> i64 {
    let most = |of: fn(&VantageRules) -> i64| steps.iter().map(|step| of(&step.rules)).max().unwrap_or(0);
    let neighbours = most(|rules| i64::from(rules.fall)) + most(|rules| i64::from(rules.rise));
    most(|rules| rules.reach_ms).saturating_mul(neighbours + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(reach_ms: i64, fall: u32) -> VantageRules {
        VantageRules { reach_ms, fall, rise: 1 }
    }

    fn law(steps: &[(i64, VantageRules)]) -> VantageLaw {
        VantageLaw::of(steps.iter().map(|(from, rules)| Step { from: Instant::from_ms(*from), rules: *rules })).unwrap()
    }

    #[test]
    fn the_rules_of_an_instant_are_those_in_force_at_it() {
        let law = law(&[(500, rules(10, 2)), (1_000, rules(20, 2)), (1_500, rules(20, 2)), (2_000, rules(10, 3))]);
        assert_eq!(law.steps().len(), 3, "what changes nothing is no step");
        for (at, reach, fall) in [(i64::MIN, 10, 2), (999, 10, 2), (1_000, 20, 2), (1_999, 20, 2), (2_000, 10, 3)] {
            assert_eq!(law.at(Instant::from_ms(at)), rules(reach, fall), "{at}");
        }
        assert_eq!(law.context_ms(), 20 * (3 + 1 + 1));
        assert!(VantageLaw::of([]).is_none());
    }

    #[test]
    fn what_came_into_force_far_away_has_no_part_in_a_span() {
        let law = law(&[(0, rules(1_000, 1)), (10_000, rules(10, 2)), (50_000, rules(10, 3))]);
        let span = |start, end| Interval::new(Instant::from_ms(start), Instant::from_ms(end));
        let steps =
            |start, end| law.deciding(span(start, end)).steps().iter().map(|step| step.rules).collect::<Vec<_>>();
        let (a, b, c) = (rules(1_000, 1), rules(10, 2), rules(10, 3));
        for (start, end, expected) in [
            (0, 6_000, vec![a]),
            (0, 6_001, vec![a, b]),
            (13_999, 20_000, vec![a, b]),
            (14_000, 20_000, vec![b]),
            (14_000, 49_950, vec![b]),
            // A run may begin by the first and have to be as long as the last says.
            (14_999, 49_951, vec![a, b, c]),
            (15_000, 49_951, vec![b, c]),
            (60_000, 70_000, vec![c]),
            (9_000, 70_000, vec![a, b, c]),
        ] {
            assert_eq!(steps(start, end), expected, "{start} to {end}");
        }
        let within = law.deciding(span(20_000, 60_000));
        assert_eq!(within.at(Instant::from_ms(0)), b, "the first of them holds from the beginning of time");
    }
}
