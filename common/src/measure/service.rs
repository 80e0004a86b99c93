//! Section 5 of the rules, for services that need all of their probes: the service's timeline, and who lost the time.
//!
//! A service that needs all of its operands has the worst of their states. While it is down, the loss is handed in
//! equal parts to the probes that are down: with n of them, laid out in order of their ids over the numbers 0 to
//! n − 1, the millisecond *t* is charged to the one that has `t mod n`. So charges add up to the downtime exactly, in
//! the whole and in every breakdown.

use std::collections::BTreeMap;

use crate::ids::Id;
use crate::observation::State;
use crate::time::{Instant, Interval};

use super::timeline::{Timeline, side_by_side};

/// A stretch in which a service was down, and the probes that were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// When.
    pub interval: Interval,
    /// The probes that were down, in order of their ids; never empty.
    pub probes: Vec<Id>,
}

/// What a service was, and who lost the time it was down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceTimeline {
    /// Its states.
    pub states: Timeline,
    /// Its downtime, cut where the set of failing probes changes.
    pub losses: Vec<Loss>,
}

/// The timeline of a service over `span` that needs all of `probes`.
pub fn service_timeline(probes: &BTreeMap<Id, Timeline>, span: Interval) -> ServiceTimeline {
    service_timeline_of(&probes.iter().collect::<Vec<_>>(), span)
}

/// The timeline of a service over `span` that needs all of `probes`, which are in order of their ids.
pub fn service_timeline_of(probes: &[(&Id, &Timeline)], span: Interval) -> ServiceTimeline {
    let mut service = ServiceTimeline::default();
    let timelines: Vec<&Timeline> = probes.iter().map(|(_, timeline)| *timeline).collect();
    side_by_side(&timelines, span, |interval, states| {
        let worst = states.iter().max().copied().unwrap_or(State::Unmeasured);
        service.states.push(interval, worst);
        if worst == State::Down {
            let down = probes
                .iter()
                .zip(states)
                .filter(|(_, s)| **s == State::Down)
                .map(|((id, _), _)| (*id).clone())
                .collect();
            service.lose(interval, down);
        }
    });
    service
}

impl ServiceTimeline {
    fn lose(&mut self, interval: Interval, probes: Vec<Id>) {
        match self.losses.last_mut() {
            Some(last) if last.interval.end == interval.start && last.probes == probes => {
                last.interval.end = interval.end;
            }
            _ => self.losses.push(Loss { interval, probes }),
        }
    }

    /// Puts `later` in the place of everything from `at` on.
    pub fn replace_from(&mut self, at: Instant, later: Self) {
        self.states.replace_from(at, &later.states);
        self.losses.truncate(self.losses.partition_point(|loss| loss.interval.start < at));
        if let Some(last) = self.losses.last_mut() {
            last.interval.end = last.interval.end.min(at);
        }
        for loss in later.losses {
            self.lose(loss.interval, loss.probes);
        }
    }

    /// Lets go of what lies before `at`.
    pub fn forget_before(&mut self, at: Instant) {
        self.states.forget_before(at);
        self.losses.drain(..self.losses.partition_point(|loss| loss.interval.end <= at));
        if let Some(first) = self.losses.first_mut() {
            first.interval.start = first.interval.start.max(at);
        }
    }

    /// Adds to `charges` what each probe is charged with inside `part`.
    pub fn charge(&self, part: Interval, charges: &mut BTreeMap<Id, i64>) {
        let first = self.losses.partition_point(|loss| loss.interval.end <= part.start);
        for loss in self.losses.iter().skip(first).take_while(|loss| loss.interval.start < part.end) {
            let lost = loss.interval.intersect(part);
            for (place, probe) in loss.probes.iter().enumerate() {
                let share = congruent(lost, place, loss.probes.len());
                *charges.entry(probe.clone()).or_default() += share;
            }
        }
    }
}

/// How many milliseconds *t* of `interval` have `t mod count == place`.
fn congruent(interval: Interval, place: usize, count: usize) -> i64 {
    let (Ok(place), Ok(count)) = (i64::try_from(place), i64::try_from(count)) else { return 0 };
    let before = |at: Instant| (at.as_ms() - place + count - 1).div_euclid(count);
    before(interval.end) - before(interval.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: i64, end: i64) -> Interval {
        Interval::new(Instant::from_ms(start), Instant::from_ms(end))
    }

    #[test]
    fn charges_add_up_and_follow_the_clock() {
        let ids = ["a", "b", "c"].map(|id| Id::new(id).unwrap());
        let down = |from, to| {
            let mut timeline = Timeline::constant(span(-100, from), State::Up);
            timeline.push(span(from, to), State::Down);
            timeline.push(span(to, 100), State::Degraded);
            timeline
        };
        let probes: BTreeMap<_, _> = ids.iter().cloned().zip([down(-7, 20), down(0, 31), down(2, 5)]).collect();
        let service = service_timeline(&probes, span(-100, 100));
        for (start, end) in [(-100, 100), (-3, 4), (3, 3), (1, 29), (-50, 2)] {
            let mut charges = BTreeMap::new();
            service.charge(span(start, end), &mut charges);
            let mut counted: BTreeMap<Id, i64> = BTreeMap::new();
            for t in start..end {
                let lost: Vec<_> =
                    ids.iter().filter(|id| probes[*id].state_at(Instant::from_ms(t)) == State::Down).collect();
                if !lost.is_empty() {
                    let place = usize::try_from(t.rem_euclid(lost.len() as i64)).unwrap();
                    *counted.entry(lost[place].clone()).or_default() += 1;
                }
            }
            charges.retain(|_, ms| *ms != 0);
            assert_eq!(charges, counted, "{start} to {end}");
        }
    }

    #[test]
    fn a_service_that_goes_on_from_anywhere_is_the_same() {
        let ids = ["a", "b"].map(|id| Id::new(id).unwrap());
        let row = |letters: &str| {
            let mut timeline = Timeline::default();
            for (i, c) in letters.chars().enumerate() {
                let start = i64::try_from(i).unwrap() * 3;
                timeline.push(span(start, start + 3), if c == 'D' { State::Down } else { State::Up });
            }
            timeline
        };
        let probes: BTreeMap<_, _> = ids.into_iter().zip([row("uDDDuDuD"), row("uuDDuuDD")]).collect();
        let whole = service_timeline(&probes, span(0, 24));
        assert_eq!(whole.losses.len(), 5);
        for at in 0..=24 {
            let at = Instant::from_ms(at);
            let mut again = whole.clone();
            again.replace_from(at, service_timeline(&probes, Interval::new(at, whole.states.span().unwrap().end)));
            assert_eq!(again, whole, "{at}");
            again.forget_before(at);
            assert_eq!(again, service_timeline(&probes, Interval::new(at, Instant::from_ms(24))), "{at}");
        }
    }

    #[test]
    fn a_service_is_as_bad_as_its_worst_probe() {
        let probes: BTreeMap<_, _> = [("a", State::Degraded), ("b", State::Unmeasured)]
            .into_iter()
            .map(|(id, state)| (Id::new(id).unwrap(), Timeline::constant(span(0, 9), state)))
            .collect();
        assert_eq!(service_timeline(&probes, span(0, 9)).states, Timeline::constant(span(0, 9), State::Unmeasured));
    }
}
