//! The timeline of a vantage point that goes on as its observations arrive.
//!
//! What an observation speaks for depends on [`VantageLaw::neighbours`] observations on either side of it. So of the
//! observations that were taken in, only so many of the newest can still change when one is added, and only those before
//! them that decide these are needed for it: twice as many in all. Everything older stands in the timeline as it is.
//!
//! It is the same to the millisecond as [`vantage_timeline`](super::vantage::vantage_timeline) of all observations at once.

use crate::observation::Observation;
use crate::time::{Instant, Interval};

use super::law::VantageLaw;
use super::timeline::Timeline;
use super::vantage::{confirmed, speak};

/// A timeline from an instant on, to where its newest observation stops to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VantageTail {
    law: VantageLaw,
    from: Instant,
    timeline: Timeline,
    /// The newest observations: those that can still change, and as many before them.
    newest: Vec<Observation>,
}

impl VantageTail {
    /// A tail from `from` on without observations. What is taken in first must hold everything within
    /// [`VantageLaw::context_ms`] before `from`.
    pub const fn new(law: VantageLaw, from: Instant) -> Self {
        Self { law, from, timeline: Timeline::new(), newest: Vec::new() }
    }

    /// By which rules it is derived.
    pub const fn law(&self) -> &VantageLaw {
        &self.law
    }

    /// Where it begins.
    pub const fn from(&self) -> Instant {
        self.from
    }

    /// The newest observation that was taken in.
    pub fn newest(&self) -> Option<&Observation> {
        self.newest.last()
    }

    /// Takes in further observations, which are settled and in order, and later than all before; false, and nothing is
    /// taken in, if they are not later.
    pub fn extend(&mut self, further: &[Observation]) -> bool {
        let Some(first) = further.first() else { return true };
        if self.newest.last().is_some_and(|newest| first.at <= newest.at) {
            return false;
        }
        let stays = self.newest.len().saturating_sub(self.law.neighbours());
        self.newest.extend_from_slice(further);
        let states = confirmed(&self.newest, &self.law);
        if let (Some(changes), Some(states)) = (self.newest.get(stays..), states.get(stays..)) {
            let start = changes.first().map_or(first.at, |changes| changes.at).max(self.from);
            self.timeline.cut(start);
            speak(&mut self.timeline, changes, states, &self.law, Interval::new(start, Instant::MAX));
        }
        let keeps = self.law.neighbours().saturating_mul(2);
        self.newest.drain(..self.newest.len().saturating_sub(keeps));
        // The first time it was perhaps a whole day.
        self.newest.shrink_to(keeps.saturating_mul(2));
        true
    }

    /// The part inside `span`, unmeasured where nothing spoke. What lies before [`Self::from`] is not known here.
    pub fn clip(&self, span: Interval) -> Timeline {
        self.timeline.clip(span)
    }

    /// Begins at `from` instead, if that is later.
    pub fn forget_before(&mut self, from: Instant) {
        if from > self.from {
            self.timeline.forget_before(from);
            self.from = from;
        }
    }

    /// What it takes in memory, about.
    pub fn bytes(&self) -> usize {
        self.timeline.bytes() + size_of_val(self.newest.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::measure::law::Step;
    use crate::measure::vantage::{VantageRules, vantage_timeline};
    use crate::observation::{Cause, Micros, Outcome, Phases};

    fn observation((at_ms, outcome): (i64, Outcome)) -> Observation {
        let at = Instant::from_ms(at_ms);
        Observation { at, outcome, cause: Cause::None, code: 0, total: Micros::NONE, phases: Phases::default() }
    }

    /// Outcomes as they come: mostly neighbours of one another, some silences of every length.
    fn observed() -> impl Strategy<Value = Vec<Observation>> {
        let outcome = prop_oneof![
            4 => Just(Outcome::Up),
            4 => Just(Outcome::Down),
            1 => Just(Outcome::Degraded),
            1 => Just(Outcome::Unknown),
        ];
        let pause = prop_oneof![8 => 1_i64..40, 1 => 90_i64..110, 1 => 100_i64..2_000];
        prop::collection::vec((pause, outcome), 0..120).prop_map(|steps| {
            let mut at_ms = 0;
            let step = |(pause, outcome)| {
                at_ms += pause;
                observation((at_ms, outcome))
            };
            steps.into_iter().map(step).collect()
        })
    }

    fn law(mut steps: Vec<(i64, i64, u32, u32)>) -> VantageLaw {
        steps.sort_unstable();
        let step = |(from, reach_ms, fall, rise)| Step {
            from: Instant::from_ms(from),
            rules: VantageRules { reach_ms, fall, rise },
        };
        VantageLaw::of(steps.into_iter().map(step)).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]
        #[test]
        fn taken_in_bit_by_bit_it_is_the_timeline_of_all_at_once(
            all in observed(),
            sizes in prop::collection::vec(1_usize..9, 1..40),
            steps in prop::collection::vec((0_i64..3_000, 50_i64..150, 1_u32..6, 1_u32..6), 1..4),
            from in 0_i64..600,
            forgets in 0_usize..40,
        ) {
            let law = law(steps);
            let mut from = Instant::from_ms(from);
            let mut tail = VantageTail::new(law.clone(), from);
            let mut taken = 0;
            for (turn, size) in sizes.into_iter().cycle().enumerate() {
                let end = (taken + size).min(all.len());
                prop_assert!(tail.extend(&all[taken..end]));
                taken = end;
                if turn == forgets {
                    from = from.max(tail.newest().map_or(from, |newest| newest.at.minus_ms(50)));
                    tail.forget_before(from);
                }
                let until = all.get(taken).map_or(Instant::from_ms(100_000), |next| next.at);
                let span = Interval::new(from, until.max(from));
                prop_assert_eq!(tail.clip(span), vantage_timeline(&all[..taken], &law, span));
                if taken == all.len() {
                    break;
                }
            }
        }

        #[test]
        fn what_is_not_later_is_not_taken_in(all in observed(), late in 0_i64..4_000) {
            let mut tail = VantageTail::new(VantageRules { reach_ms: 100, fall: 2, rise: 1 }.into(), Instant::from_ms(0));
            tail.extend(&all);
            let before = tail.clone();
            let is_late = all.last().is_some_and(|newest| late <= newest.at.as_ms());
            prop_assert_eq!(tail.extend(&[observation((late, Outcome::Down))]), !is_late);
            prop_assert!(!is_late || tail == before);
        }
    }
}
