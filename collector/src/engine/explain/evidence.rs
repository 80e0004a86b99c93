//! The observations behind the stretches of an availability: what each vantage point that was as bad as the service saw, what
//! it saw last before that, and what first after it.
//!
//! **Bounds.** At most [`ROWS_MAX`] observations are read for an answer, a day of one vantage point at a time, and nobody
//! looks further for a neighbour than [`NEIGHBOUR_DAYS_MAX`] days. The stretches for which nothing is left to be read or listed
//! stand in the answer without what is behind them, or with a part of it, and say so.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::Probe;
use uphold_common::explain::ENTRIES_MAX;
use uphold_common::explain::behind::{Behind, Gathered, Piece, VantageBehind, Witness, probes_behind, state_of};
use uphold_common::explain::document::AvailabilityMade;
use uphold_common::explain::stretches::Stretch;
use uphold_common::ids::{Id, VantagePoint};
use uphold_common::measure::timeline::Timeline;
use uphold_common::observation::{Observation, State};
use uphold_common::time::{DAY_MS, Instant, Interval};

use super::super::Engine;
use super::super::sight::Seen;
use crate::retention::start_of;
use crate::store::StoreError;

/// Most observations that are read for an answer.
const ROWS_MAX: usize = 500_000;
/// How far before and after a piece its neighbours are looked for.
const NEIGHBOUR_DAYS_MAX: i64 = 400;
/// How far they are looked for at first, and then; after that it is day by day.
const NEAR_MS: [i64; 2] = [120_000, 3_600_000];

/// What is gathered for, and how much of it is left to be read and listed.
struct Gathering<'a> {
    service: &'a Id,
    seen: &'a Seen,
    span: Interval,
    as_of: Instant,
    /// What the vantage points that were asked for were over the span.
    vantage: BTreeMap<VantagePoint, Timeline>,
    rows: usize,
    entries: usize,
}

impl Gathering<'_> {
    const fn is_full(&self) -> bool {
        self.rows == 0 || self.entries == 0
    }

    fn listed(&mut self, entries: usize) {
        self.entries = self.entries.saturating_sub(entries);
    }
}

impl Engine {
    /// Puts behind each stretch what is behind it.
    pub(super) fn gather(
        &mut self,
        made: &mut AvailabilityMade,
        service: &Id,
        seen: &Seen,
        span: Interval,
        as_of: Instant,
    ) -> Result<(), StoreError> {
        let (vantage, rows, entries) = (BTreeMap::new(), ROWS_MAX, ENTRIES_MAX);
        let mut gathering = Gathering { service, seen, span, as_of, vantage, rows, entries };
        for stretch in made.stretches.iter_mut().filter(|stretch| stretch.needs_evidence()) {
            self.behind(&mut gathering, stretch)?;
            made.left_out.behind += u64::from(stretch.behind_left_out);
        }
        Ok(())
    }

    fn behind(&mut self, gathering: &mut Gathering<'_>, stretch: &mut Stretch) -> Result<(), StoreError> {
        let courses = Arc::clone(&self.in_force.courses);
        let (Some(course), Some(state)) = (courses.service(gathering.service), state_of(stretch.kind)) else {
            return Ok(());
        };
        for (part, piece) in course.within(stretch.interval()) {
            for (probe, was) in probes_behind(&piece.service, part, state, &gathering.seen.probes) {
                let mut behind = Behind::of(piece, probe, &was);
                for agent in &probe.agents {
                    if gathering.is_full() {
                        stretch.behind_left_out = true;
                        break;
                    }
                    let vantage = self.vantage_behind(gathering, probe, agent, part, state)?;
                    behind.vantage.push(vantage);
                }
                if behind.vantage.is_empty() {
                    break;
                }
                stretch.behind.push(behind);
            }
        }
        Ok(())
    }

    fn vantage_behind(
        &mut self,
        gathering: &mut Gathering<'_>,
        probe: &Probe,
        agent: &Id,
        stretch: Interval,
        state: State,
    ) -> Result<VantageBehind, StoreError> {
        let point = VantagePoint { probe: probe.id.clone(), agent: agent.clone() };
        if !gathering.vantage.contains_key(&point)
            && let Some(law) = Arc::clone(&self.in_force.courses).law(&probe.id)
        {
            let saw = self.timelines.vantage(self.store.as_mut(), &point, law, gathering.span, gathering.as_of)?;
            gathering.vantage.insert(point.clone(), saw);
        }
        let was = gathering.vantage.get(&point).map(|saw| saw.clip(stretch)).unwrap_or_default();
        let mut vantage = VantageBehind::of(agent, &was, state, probe.quorum);
        for piece in &mut vantage.pieces {
            self.witness(gathering, &point, piece)?;
        }
        let observations = vantage.pieces.iter().map(|piece| piece.observations.len() + 1).sum::<usize>();
        gathering.listed(observations + 1);
        Ok(vantage)
    }

    /// Puts into a piece what was observed in it, before it and after it.
    fn witness(
        &self,
        gathering: &mut Gathering<'_>,
        point: &VantagePoint,
        piece: &mut Piece,
    ) -> Result<(), StoreError> {
        let mut gathered = Gathered::default();
        let mut from = piece.start_ms;
        let end = piece.end_ms.min(gathering.as_of);
        while from < end {
            let part = Interval::new(from, midnight_after(from).min(end));
            let observations = self.store.observations(point, part)?;
            gathering.rows = gathering.rows.saturating_sub(observations.len());
            for observation in &observations {
                gathered.add(observation);
            }
            from = part.end;
            if gathering.rows == 0 && from < end {
                gathered.cut();
                break;
            }
        }
        gathered.put(piece);
        piece.before = self.newest_before(gathering, point, piece.start_ms)?;
        piece.after = self.first_from(gathering, point, piece.end_ms)?;
        Ok(())
    }

    /// The newest observation before `at`.
    fn newest_before(
        &self,
        gathering: &mut Gathering<'_>,
        point: &VantagePoint,
        at: Instant,
    ) -> Result<Option<Witness>, StoreError> {
        let Some(first) = self.store.stats().first_day.map(start_of) else { return Ok(None) };
        let first = first.max(at.minus_ms(NEIGHBOUR_DAYS_MAX * DAY_MS));
        let mut near = NEAR_MS.iter();
        let mut to = at;
        while first < to {
            let midnight = Instant::from_ms((to.as_ms() - 1).div_euclid(DAY_MS) * DAY_MS);
            let from = near.next().map_or(midnight, |ms| at.minus_ms(*ms)).max(first);
            if let Some(newest) = self.read(gathering, point, Interval::new(from, to))?.last() {
                return Ok(Some(newest.into()));
            }
            to = from;
        }
        Ok(None)
    }

    /// The first observation at or after `at`, and before the instant at which the figures are taken.
    fn first_from(
        &self,
        gathering: &mut Gathering<'_>,
        point: &VantagePoint,
        at: Instant,
    ) -> Result<Option<Witness>, StoreError> {
        let Some(last) = self.store.stats().last_day.map(|day| start_of(day.saturating_add(1))) else {
            return Ok(None);
        };
        let last = last.min(gathering.as_of).min(at.plus_ms(NEIGHBOUR_DAYS_MAX * DAY_MS));
        let mut near = NEAR_MS.iter();
        let mut from = at;
        while from < last {
            let to = near.next().map_or_else(|| midnight_after(from), |ms| at.plus_ms(*ms)).min(last);
            if let Some(first) = self.read(gathering, point, Interval::new(from, to))?.first() {
                return Ok(Some(first.into()));
            }
            from = to;
        }
        Ok(None)
    }

    fn read(
        &self,
        gathering: &mut Gathering<'_>,
        point: &VantagePoint,
        span: Interval,
    ) -> Result<Vec<Observation>, StoreError> {
        let observations = self.store.observations(point, span)?;
        gathering.rows = gathering.rows.saturating_sub(observations.len());
        Ok(observations)
    }
}

/// The midnight (UTC) after an instant.
fn midnight_after(at: Instant) -> Instant {
    Instant::from_ms((at.utc_day() + 1).saturating_mul(DAY_MS))
}
