//! What a response time is made of: how many observations of which agent count, which of them lie at the rank, and which
//! were the slowest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::model::{ResponseBound, ResponsePromise};
use crate::ids::{Id, ProbeId};
use crate::measure::availability::Verdict;
use crate::measure::response::{ResponseFigures, Tally};
use crate::observation::Observation;

use super::behind::Witness;
use super::{AT_RANK_MAX, HIGHEST_MAX};

/// An observation with the agent that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// The agent.
    pub agent: Id,
    /// What it saw.
    pub observation: Witness,
}

/// Observations, counted as section 11 of the rules does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// Those that count.
    pub n: u64,
    /// Of them, those that took no longer than promised.
    pub within: u64,
    /// Those reported `down`.
    pub failed: u64,
    /// Those reported `unknown`.
    pub unknown: u64,
    /// Answers that do not say how long they took.
    pub no_duration: u64,
}

impl From<Tally> for Counted {
    fn from(tally: Tally) -> Self {
        let Tally { n, within, failed, unknown, no_duration } = tally;
        Self { n, within, failed, unknown, no_duration }
    }
}

/// What a response time is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResponseMade {
    /// The probe.
    pub probe: ProbeId,
    /// Which percentile was promised; null for a share.
    pub percentile: Option<String>,
    /// Which share was promised; null for a percentile.
    pub share: Option<String>,
    /// The longest that is quick enough.
    pub below_us: i64,
    /// The committed time so far: only what began in it counts.
    pub committed_ms: i64,
    /// What was counted in the figure.
    pub counted: Counted,
    /// The same by agent; together it is what was counted.
    pub by_agent: BTreeMap<Id, Counted>,
    /// Which observation the percentile is, from the quickest.
    pub rank: Option<u64>,
    /// How long it took.
    pub value_us: Option<u32>,
    /// How many that count were quicker than it.
    pub quicker: u64,
    /// Those that took exactly as long: the one of the rank is among them.
    pub at_rank: Vec<Attempt>,
    /// How many more took exactly as long.
    pub at_rank_left_out: u64,
    /// The slowest that count, the slowest first.
    pub slowest: Vec<Attempt>,
    /// Whether the promise was kept.
    pub verdict: Verdict,
    /// Whether the agents' observations add up to what was counted, and the rank lies among those named.
    pub adds_up: bool,
}

impl ResponseMade {
    /// What figures are made of, before an observation was looked at.
    pub fn of(figures: &ResponseFigures, probe: &ProbeId, committed_ms: i64) -> Self {
        let (percentile, share) = match figures.promise.bound {
            ResponseBound::Percentile(percentile) => (Some(percentile.to_string()), None),
            ResponseBound::Share(share) => (None, Some(share.to_string())),
        };
        Self {
            probe: probe.clone(),
            percentile,
            share,
            below_us: figures.promise.below_us,
            committed_ms,
            counted: figures.tally.into(),
            by_agent: BTreeMap::new(),
            rank: figures.rank,
            value_us: figures.value_us,
            quicker: 0,
            at_rank: Vec::new(),
            at_rank_left_out: 0,
            slowest: Vec::new(),
            verdict: figures.verdict,
            adds_up: false,
        }
    }

    /// Takes notice of what an agent observed in committed time: one observation after the other.
    pub fn look<'a>(
        &mut self,
        agent: &Id,
        promise: &ResponsePromise,
        observations: impl IntoIterator<Item = &'a Observation>,
    ) {
        let mut tally = Tally::default();
        for observation in observations {
            if let Some(us) = tally.count(observation.outcome, observation.total, promise) {
                self.take(agent, us, observation);
            }
        }
        let before = self.by_agent.entry(agent.clone()).or_default();
        let Counted { n, within, failed, unknown, no_duration } = *before;
        *before = tally.plus(Tally { n, within, failed, unknown, no_duration }).into();
    }

    fn take(&mut self, agent: &Id, us: u32, observation: &Observation) {
        let attempt = || Attempt { agent: agent.clone(), observation: observation.into() };
        match self.value_us {
            Some(value) if us == value && self.at_rank.len() < AT_RANK_MAX => self.at_rank.push(attempt()),
            Some(value) if us == value => self.at_rank_left_out += 1,
            Some(value) if us < value => self.quicker += 1,
            _ => {}
        }
        let us = u64::from(us);
        let place = self.slowest.partition_point(|slow| slow.observation.duration_us.is_some_and(|slow| slow >= us));
        if place < HIGHEST_MAX {
            self.slowest.insert(place, attempt());
            self.slowest.truncate(HIGHEST_MAX);
        }
    }

    /// Says whether it adds up, once everything was looked at.
    #[must_use]
    pub fn summed(mut self) -> Self {
        self.adds_up = self.is_sum();
        self
    }

    fn is_sum(&self) -> bool {
        let sum = |of: fn(&Counted) -> u64| self.by_agent.values().map(of).sum::<u64>();
        let counted = Counted {
            n: sum(|c| c.n),
            within: sum(|c| c.within),
            failed: sum(|c| c.failed),
            unknown: sum(|c| c.unknown),
            no_duration: sum(|c| c.no_duration),
        };
        let at_rank = self.at_rank.len() as u64 + self.at_rank_left_out;
        let is_among = |rank: u64| self.quicker < rank && rank <= self.quicker + at_rank;
        counted == self.counted && self.rank.is_none_or(is_among)
    }

    pub(super) fn broken(&self) -> Option<String> {
        let sound = self.adds_up && self.is_sum();
        (!sound).then(|| "the observations of the agents do not add up to what was counted".to_owned())
    }
}
