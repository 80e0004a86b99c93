//! The timelines that figures were taken from, for whoever wants to see them: what each vantage point saw, what each probe
//! and the service came to.
//!
//! Each is a list of stretches `[start, end, state]` without holes, over the part of the windows that was measured: from
//! the service's entry, or the start of the earliest window if that is later, to the end of the latest or to `as_of`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use uphold_common::catalogue::model::Service;
use uphold_common::ids::{Id, ProbeId, VantagePoint};
use uphold_common::measure::figures::Figures;
use uphold_common::measure::timeline::Timeline;
use uphold_common::observation::State;
use uphold_common::time::{Instant, Interval};
use utoipa::ToSchema;

use super::Engine;
use super::sight::Seen;
use crate::store::StoreError;

/// Start, end, state.
type Told = Vec<(Instant, Instant, State)>;

/// The timelines of a service, with those of the probes of others that count for it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Timelines {
    /// By probe, then by agent: what each vantage point saw.
    #[schema(value_type = BTreeMap<ProbeId, BTreeMap<Id, Vec<(Instant, Instant, State)>>>)]
    vantage: BTreeMap<ProbeId, BTreeMap<Id, Told>>,
    /// By probe: what its vantage points came to.
    #[schema(value_type = BTreeMap<ProbeId, Vec<(Instant, Instant, State)>>)]
    probes: BTreeMap<ProbeId, Told>,
    /// What the probes came to.
    #[schema(value_type = BTreeMap<Id, Vec<(Instant, Instant, State)>>)]
    services: BTreeMap<Id, Told>,
}

/// Figures with the timelines they were taken from.
#[derive(Serialize)]
pub(super) struct WithTimelines<'a> {
    #[serde(flatten)]
    pub(super) figures: &'a Figures,
    #[serde(flatten)]
    pub(super) timelines: &'a Timelines,
}

impl Engine {
    /// The timelines of a service over `span`, of which this was `seen`.
    pub(super) fn timelines_of(
        &mut self,
        service: &Service,
        seen: &Seen,
        span: Interval,
        as_of: Instant,
    ) -> Result<Timelines, StoreError> {
        let mut vantage: BTreeMap<ProbeId, BTreeMap<Id, Told>> = BTreeMap::new();
        let courses = Arc::clone(&self.in_force.courses);
        let mut points = BTreeMap::new();
        for (part, piece) in courses.service(&service.id).into_iter().flat_map(|course| course.within(span)) {
            for probe in piece.service.looks_at() {
                for agent in &probe.agents {
                    let point = VantagePoint { probe: probe.id.clone(), agent: agent.clone() };
                    points.entry(point).or_insert_with(Vec::new).push(part);
                }
            }
        }
        for (point, parts) in points {
            let Some(law) = courses.law(&point.probe) else { continue };
            let mut saw = Timeline::constant(Interval::new(span.start, span.start), State::Unmeasured);
            // It is no vantage point where nobody had assigned it.
            for part in parts {
                let seen = self.timelines.vantage(self.store.as_mut(), &point, law, part, as_of)?;
                seen.stretches().iter().for_each(|stretch| saw.push(stretch.interval, stretch.state));
            }
            vantage.entry(point.probe).or_default().insert(point.agent, told(&saw, span));
        }
        let probes = seen.probes.iter().map(|(id, timeline)| (id.clone(), told(timeline, span)));
        let services = BTreeMap::from([(service.id.clone(), told(&seen.service.states, span))]);
        Ok(Timelines { vantage, probes: probes.collect(), services })
    }
}

fn told(timeline: &Timeline, span: Interval) -> Told {
    let clipped = timeline.clip(span);
    clipped.stretches().iter().map(|stretch| (stretch.interval.start, stretch.interval.end, stretch.state)).collect()
}
