//! Targets on response time: their figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::{Promise, Service};
use uphold_common::ids::{TargetId, VantagePoint};
use uphold_common::measure::agreed::{intersection, union};
use uphold_common::measure::response::{self, ResponseFigures};
use uphold_common::measure::target::settling_ms;
use uphold_common::time::{Instant, Interval};

use super::Engine;
use super::measure::{InWindow, Over};
use crate::attempts::{Asked, Counted};
use crate::store::StoreError;

impl Engine {
    /// Measures the targets of a service on response time, in order of their ids; without those that still have to be
    /// derived.
    pub(super) fn response_of(
        &mut self,
        service: &Service,
        as_of: Instant,
    ) -> Result<Vec<(TargetId, ResponseFigures)>, StoreError> {
        let mut measured = Vec::new();
        for one in self.in_windows(service, Over::now(as_of)) {
            let Some(asked) = self.asked(service, &one) else { continue };
            match self.attempts.measure(self.store.as_ref(), &asked, as_of)? {
                Some(figures) => measured.push((one.0.id.clone(), figures)),
                None => self.health.deriving += 1,
            }
        }
        Ok(measured)
    }

    /// The figures of a service's targets on response time, each in the window it is given.
    pub(super) fn response_figures(
        &mut self,
        service: &Service,
        targets: &[InWindow],
    ) -> Result<Vec<(TargetId, ResponseFigures)>, StoreError> {
        let mut all = Vec::new();
        for one in targets {
            let Some(asked) = self.asked(service, one) else { continue };
            let figures = self.attempts.figures(self.store.as_ref(), &asked)?;
            all.push((one.0.id.clone(), figures));
        }
        Ok(all)
    }

    /// What is asked about a target on response time; none about others. Of each vantage point count the observations at
    /// committed instants at which it was assigned.
    pub(super) fn asked<'a>(&mut self, service: &Service, (target, window): &'a InWindow) -> Option<Asked<'a>> {
        let Promise::Response(promise) = &target.promise else { return None };
        let committed = self.committed(service, target, window);
        let course = self.course(&service.id)?;
        let settled = window.is_settled(settling_ms(course, window));
        let of = response::Asked { promise, window: *window, settled, entry: committed.entry };
        let elapsed = window.elapsed();
        let committed: Arc<[Interval]> = committed.contractual.committed(elapsed).into();
        let pieces: Vec<_> = course.within(elapsed).collect();
        let mut points: BTreeMap<VantagePoint, Vec<Interval>> = BTreeMap::new();
        for (part, piece) in &pieces {
            let Some(probe) = piece.service.probes.get(&promise.probe) else { continue };
            for agent in &probe.agents {
                let point = VantagePoint { probe: probe.id.clone(), agent: agent.clone() };
                points.entry(point).or_default().push(*part);
            }
        }
        let whole = pieces.len();
        let counted = |(point, parts): (VantagePoint, Vec<Interval>)| {
            let all = parts.len() == whole;
            let committed = if all { Arc::clone(&committed) } else { intersection(&committed, &union(parts)).into() };
            Counted { point, committed }
        };
        Some(Asked { target: &target.id, of, points: points.into_iter().map(counted).collect() })
    }
}
