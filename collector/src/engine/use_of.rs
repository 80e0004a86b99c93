//! Targets on capacity: their figures, and what their thresholds say.

use std::sync::Arc;

use uphold_common::catalogue::model::{CapacityPromise, Promise, Service, Target, Threshold};
use uphold_common::ids::TargetId;
use uphold_common::measure::capacity::{CapacityFigures, Utilisation};
use uphold_common::time::Instant;

use super::Engine;
use super::measure::{InWindow, Over};
use crate::capacity::Asked;
use crate::incident::decide::Watched;
use crate::incident::episode::Episode;
use crate::incident::model::Subject;
use crate::retention::start_of;
use crate::store::StoreError;

/// A target on capacity as it was measured at a tick.
pub(super) struct UseOf {
    pub(super) target: Arc<Target>,
    pub(super) figures: CapacityFigures,
    promise: CapacityPromise,
    held: bool,
    horizon: Instant,
    above: Vec<(Threshold, Vec<Episode>)>,
    newest: Option<Utilisation>,
}

impl UseOf {
    /// What its incidents are decided from.
    pub(super) fn watched(&self) -> Watched<'_> {
        Watched {
            target: &self.target,
            promise: &self.promise,
            held: self.held,
            horizon: self.horizon,
            above: self.above.clone(),
            newest: self.newest,
        }
    }
}

impl Engine {
    /// Measures the targets of a service on capacity, in order of their ids; without those that still have to be derived.
    pub(super) fn use_of(&mut self, service: &Service, as_of: Instant) -> Result<Vec<UseOf>, StoreError> {
        let entry = self.entry(&service.id);
        let mut measured = Vec::new();
        for (target, window) in self.in_windows(service, Over::now(as_of)) {
            let Promise::Capacity(promise) = &target.promise else { continue };
            let about = [Threshold::Warning, Threshold::Critical].map(|threshold| Subject::CapacityAbove {
                service: target.service.clone(),
                target: target.id.clone(),
                threshold,
            });
            // An incident that began before all readings that are kept was not undone by their being forgotten.
            let kept_from = self.store.raw_from().map_or(Instant::MIN, start_of);
            let horizon = self.horizon(&about, entry, as_of).max(kept_from).min(as_of);
            let committed = self.committed(service, &target, &window).contractual.committed(window.elapsed());
            let asked = Asked { target: &target.id, promise, entry, window, committed: &committed };
            let Some(found) = self.capacity.measure(self.store.as_ref(), &asked, horizon, as_of)? else {
                self.health.deriving += 1;
                continue;
            };
            let from = self.in_force.raises_from.get(&target.id).copied().unwrap_or(self.started);
            let above = found.holdings.iter().map(|one| (one.threshold(), one.episodes(from))).collect();
            let host = self.in_force.catalogue.hosts.get(&promise.resource.host);
            let held = host.is_none_or(|host| self.agents.holds_host(host, as_of));
            let (figures, newest, promise) = (found.figures, found.newest, promise.clone());
            measured.push(UseOf { target, figures, promise, held, horizon, above, newest });
        }
        Ok(measured)
    }

    /// The figures of a service's targets on capacity, each in the window it is given.
    pub(super) fn capacity_figures(
        &mut self,
        service: &Service,
        targets: &[InWindow],
    ) -> Result<Vec<(TargetId, CapacityFigures)>, StoreError> {
        let entry = self.entry(&service.id);
        let mut all = Vec::new();
        for (target, window) in targets {
            let Promise::Capacity(promise) = &target.promise else { continue };
            let committed = self.committed(service, target, window).contractual.committed(window.elapsed());
            let asked = Asked { target: &target.id, promise, entry, window: *window, committed: &committed };
            let figures = self.capacity.figures(self.store.as_ref(), &asked)?;
            all.push((target.id.clone(), figures));
        }
        Ok(all)
    }
}
