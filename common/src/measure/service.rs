//! Section 5 of the rules: a service's timeline out of those of its probes, and who lost the time.
//!
//! While a service is down, its loss is handed from each node of its expression that is down in equal parts to those
//! operands that are. With Q the least number of parts that serve all probes, these are laid out in order of their ids over
//! the numbers 0 to Q − 1, each with as many as it has parts: the millisecond *t* is charged to the one that has
//! `t mod Q`. So charges add up to the downtime exactly, in the whole and in every breakdown.

use std::collections::BTreeMap;

use crate::catalogue::formula::Formula;
use crate::ids::ProbeId;
use crate::observation::State;
use crate::time::{Instant, Interval};

use super::evaluation::Evaluation;
use super::timeline::{Timeline, changes};

/// What a probe is charged with of a loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The probe, which was down.
    pub probe: ProbeId,
    /// How many of the loss's equal parts; above 0.
    pub parts: i128,
}

/// A stretch in which a service was down, and who lost it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// When.
    pub interval: Interval,
    /// The probes that lost it, in order of their ids; never empty. All parts together are Q.
    pub shares: Vec<Share>,
}

/// What a service was, and who lost the time it was down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceTimeline {
    /// Its states.
    pub states: Timeline,
    /// Its downtime, cut where the shares change.
    pub losses: Vec<Loss>,
}

/// The timeline over `span` of a service with this formula, out of the timelines of its probes. A probe without one is
/// unmeasured.
pub fn service_timeline(formula: &Formula, probes: &BTreeMap<ProbeId, Timeline>, span: Interval) -> ServiceTimeline {
    const NOTHING: &Timeline = &Timeline::new();
    let timelines: Vec<&Timeline> = formula.leaves().iter().map(|leaf| probes.get(leaf).unwrap_or(NOTHING)).collect();
    let mut service = ServiceTimeline::default();
    let mut evaluation = Evaluation::new(formula);
    let (mut shares, mut outdated) = (Vec::new(), true);
    changes(&timelines, span, |interval, changed| {
        for (leaf, state) in changed {
            outdated |= evaluation.set(*leaf, *state);
        }
        let state = evaluation.state();
        service.states.push(interval, state);
        if state == State::Down {
            if std::mem::take(&mut outdated) {
                shares = named(formula, &evaluation.shares());
            }
            service.lose(interval, &shares);
        }
    });
    service
}

fn named(formula: &Formula, shares: &[(usize, u128)]) -> Vec<Share> {
    let share = |(leaf, parts): &(usize, u128)| {
        Some(Share { probe: formula.leaves().get(*leaf)?.clone(), parts: i128::try_from(*parts).ok()? })
    };
    shares.iter().filter_map(share).collect()
}

impl ServiceTimeline {
    fn lose(&mut self, interval: Interval, shares: &[Share]) {
        match self.losses.last_mut() {
            Some(last) if last.interval.end == interval.start && last.shares == shares => {
                last.interval.end = interval.end;
            }
            _ => self.losses.push(Loss { interval, shares: shares.to_vec() }),
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
            self.lose(loss.interval, &loss.shares);
        }
    }

    /// Puts `later`, which begins where this ends, after it.
    pub fn append(&mut self, later: Self) {
        for stretch in later.states.stretches() {
            self.states.push(stretch.interval, stretch.state);
        }
        for loss in later.losses {
            self.lose(loss.interval, &loss.shares);
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
    pub fn charge(&self, part: Interval, charges: &mut BTreeMap<ProbeId, i64>) {
        let first = self.losses.partition_point(|loss| loss.interval.end <= part.start);
        for loss in self.losses.iter().skip(first).take_while(|loss| loss.interval.start < part.end) {
            let lost = loss.interval.intersect(part);
            let all: i128 = loss.shares.iter().map(|share| share.parts).sum();
            let mut before = 0;
            for share in &loss.shares {
                let ms = below(lost, before + share.parts, all) - below(lost, before, all);
                before += share.parts;
                let ms = i64::try_from(ms).unwrap_or_default();
                match charges.get_mut(&share.probe) {
                    Some(sum) => *sum += ms,
                    None => drop(charges.insert(share.probe.clone(), ms)),
                }
            }
        }
    }
}

/// How many milliseconds *t* of `interval` have `t mod all < end`; `end` is at most `all`.
fn below(interval: Interval, end: i128, all: i128) -> i128 {
    let before = |at: Instant| {
        let at = i128::from(at.as_ms());
        at.div_euclid(all) * end + at.rem_euclid(all).min(end)
    };
    before(interval.end) - before(interval.start)
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
