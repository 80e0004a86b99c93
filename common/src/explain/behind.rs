//! What is behind a stretch that was down, not measured or degraded: the probes that were, what each of their vantage
//! points was, and the attempts that say so.
//!
//! A probe is behind a stretch if for some of it it was **as bad as the service or worse**, in the order up, degraded,
//! unmeasured, down: no expression is worse than all of its operands. The same holds of a vantage point's pieces, but for those
//! not measured of what was degraded by the default quorum, in which they have no say. A piece comes with the observations that began in it, the newest one before it and the first one after: of an outage these are the
//! failures and what ended it, of a silence the last that was heard before it and the first after.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalogue::course;
use crate::catalogue::model::{Probe, Service};
use crate::ids::{Id, ProbeId};
use crate::measure::figures::OWN;
use crate::measure::kinds::Kind;
use crate::measure::timeline::{Stretch, Timeline};
use crate::observation::{Cause, Observation, Outcome, State};
use crate::time::{Instant, Interval};

use super::{FIRST_MAX, LAST_MAX, PIECES_MAX};

/// An observation, as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Witness {
    /// When the attempt began.
    pub at_ms: Instant,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub cause: Cause,
    /// The answer's code; null when there was none.
    pub code: Option<u16>,
    /// How long it took; null when it does not say.
    pub duration_us: Option<u64>,
}

impl From<&Observation> for Witness {
    fn from(observation: &Observation) -> Self {
        let Observation { at, outcome, cause, code, total, .. } = *observation;
        Self { at_ms: at, outcome, cause, code: (code > 0).then_some(code), duration_us: total.get() }
    }
}

/// How long something was in each state; together it is the stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Held {
    /// Up.
    pub up: i64,
    /// Degraded.
    pub degraded: i64,
    /// Not measured.
    pub unmeasured: i64,
    /// Down.
    pub down: i64,
}

impl Held {
    fn of(timeline: &Timeline) -> Self {
        let mut held = Self::default();
        for stretch in timeline.stretches() {
            let of_state = match stretch.state {
                State::Up => &mut held.up,
                State::Degraded => &mut held.degraded,
                State::Unmeasured => &mut held.unmeasured,
                State::Down => &mut held.down,
            };
            *of_state += stretch.interval.len_ms();
        }
        held
    }

    /// All of them together.
    pub const fn total(&self) -> i64 {
        self.up + self.degraded + self.unmeasured + self.down
    }
}

/// A part of the stretch in which a vantage point was in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Piece {
    /// When it begins.
    pub start_ms: Instant,
    /// The first instant after it.
    pub end_ms: Instant,
    /// The state, after confirmation.
    pub state: State,
    /// The newest observation before it; null if there is none.
    pub before: Option<Witness>,
    /// The observations that began in it: the first and the last.
    pub observations: Vec<Witness>,
    /// How many between these are not listed; null: more than were counted, of which only the first are listed.
    pub left_out: Option<u64>,
    /// The first observation after it; null if there is none yet.
    pub after: Option<Witness>,
}

impl Piece {
    /// When it is.
    pub const fn interval(&self) -> Interval {
        Interval::new(self.start_ms, self.end_ms)
    }
}

/// What a vantage point was in the stretch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VantageBehind {
    /// The agent.
    pub agent: Id,
    /// How long in which state.
    pub held: Held,
    /// The pieces in which it was as bad as the service or worse.
    pub pieces: Vec<Piece>,
    /// How many more there are.
    pub pieces_left_out: u64,
}

/// A probe that was as bad as its service or worse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Behind {
    /// The probe.
    pub probe: ProbeId,
    /// The component that it looks at.
    pub component: Option<Id>,
    /// Who answers for that.
    pub party: String,
    /// How many vantage points must agree; null: half of those that see something.
    pub quorum: Option<u32>,
    /// How long it was in which state.
    pub held: Held,
    /// What its vantage points were, all that are assigned.
    pub vantage: Vec<VantageBehind>,
}

/// The state of a service in a stretch of this kind; none where the state does not say the kind.
pub const fn state_of(kind: Kind) -> Option<State> {
    match kind {
        Kind::Up => Some(State::Up),
        Kind::Degraded => Some(State::Degraded),
        Kind::Unmeasured => Some(State::Unmeasured),
        Kind::Down => Some(State::Down),
        Kind::NotAgreed | Kind::Maintenance | Kind::Excluded => None,
    }
}

/// The probes that count for a service and were in `state` or worse for some of `stretch`, the longest of the worst first,
/// each with its timeline in it. A probe without one is unmeasured.
pub fn probes_behind<'a>(
    service: &'a Service,
    stretch: Interval,
    state: State,
    timelines: &BTreeMap<ProbeId, Timeline>,
) -> Vec<(&'a Probe, Timeline)> {
    const NOTHING: &Timeline = &Timeline::new();
    let was = |probe: &Probe| timelines.get(&probe.id).unwrap_or(NOTHING).clip(stretch);
    let leaves = service.structure.leaves.values().map(|probe| (probe.as_ref(), was(probe)));
    let mut behind: Vec<(&Probe, Timeline)> = leaves.filter(|(_, was)| is_as_bad(was, state)).collect();
    behind.sort_by_key(|(probe, was)| {
        let held = Held::of(was);
        (std::cmp::Reverse((held.down, held.unmeasured, held.degraded)), probe.id.clone())
    });
    behind
}

fn is_as_bad(timeline: &Timeline, state: State) -> bool {
    timeline.stretches().iter().any(|stretch| stretch.state >= state)
}

impl Behind {
    /// A probe of a service with what it was in a stretch, and nothing yet of its vantage points.
    pub fn of(piece: &course::Piece, probe: &Probe, was: &Timeline) -> Self {
        let answers = piece.responsible.get(&probe.id);
        Self {
            probe: probe.id.clone(),
            component: answers.and_then(|(component, _)| component.clone()),
            party: answers.map_or(OWN, |(_, party)| party).to_owned(),
            quorum: probe.quorum,
            held: Held::of(was),
            vantage: Vec::with_capacity(probe.agents.len()),
        }
    }
}

impl VantageBehind {
    /// What a vantage point was in a stretch in which the service was in `state`, without observations yet.
    pub fn of(agent: &Id, was: &Timeline, state: State, quorum: Option<u32>) -> Self {
        // Without a quorum, who sees nothing has no say in whether something is degraded.
        let has_a_say = |of: State| quorum.is_some() || state != State::Degraded || of != State::Unmeasured;
        let is_listed = |stretch: &&Stretch| stretch.state >= state && has_a_say(stretch.state);
        let bad = || was.stretches().iter().filter(is_listed);
        let piece = |stretch: &Stretch| Piece {
            start_ms: stretch.interval.start,
            end_ms: stretch.interval.end,
            state: stretch.state,
            before: None,
            observations: Vec::new(),
            left_out: Some(0),
            after: None,
        };
        Self {
            agent: agent.clone(),
            held: Held::of(was),
            pieces: bad().take(PIECES_MAX).map(piece).collect(),
            pieces_left_out: bad().count().saturating_sub(PIECES_MAX) as u64,
        }
    }
}

/// The first and the last of the observations that it is told of, in order.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    first: Vec<Witness>,
    last: Vec<Witness>,
    left_out: u64,
    is_cut: bool,
}

impl Gathered {
    /// Takes notice of one more, later than all before.
    pub fn add(&mut self, observation: &Observation) {
        if self.first.len() < FIRST_MAX {
            self.first.push(observation.into());
            return;
        }
        self.last.push(observation.into());
        if self.last.len() > LAST_MAX {
            self.last.remove(0);
            self.left_out += 1;
        }
    }

    /// Says that there are more, which nobody counts.
    pub const fn cut(&mut self) {
        self.is_cut = true;
    }

    /// Puts them into a piece.
    pub fn put(self, piece: &mut Piece) {
        piece.left_out = (!self.is_cut).then_some(self.left_out);
        piece.observations = self.first;
        if !self.is_cut {
            piece.observations.extend(self.last);
        }
    }
}
