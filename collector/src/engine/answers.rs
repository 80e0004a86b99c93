//! Targets on response time: their figures.

use uphold_common::catalogue::model::{Promise, ResponsePromise, Service, Target};
use uphold_common::ids::{TargetId, VantagePoint};
use uphold_common::measure::committed::Committed;
use uphold_common::measure::response::{self, ResponseFigures};
use uphold_common::measure::target::settling_ms;
use uphold_common::measure::window::Window;
use uphold_common::time::Instant;

use super::Engine;
use crate::attempts::Asked;
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
        for (target, promise) in self.response_targets(service) {
            let window = Window::holding(target.window, &service.time_zone, as_of, as_of);
            let committed = self.committed(service, &target, &window);
            let asked = asked(service, &target, &promise, &committed, window);
            match self.attempts.measure(self.store.as_ref(), &asked, as_of)? {
                Some(figures) => measured.push((target.id.clone(), figures)),
                None => self.health.deriving += 1,
            }
        }
        Ok(measured)
    }

    /// The figures of a service's targets on response time, each in the window it is given.
    pub(super) fn response_figures(
        &mut self,
        service: &Service,
        window: impl Fn(&Target) -> Window,
    ) -> Result<Vec<(TargetId, ResponseFigures)>, StoreError> {
        let mut all = Vec::new();
        for (target, promise) in self.response_targets(service) {
            let window = window(&target);
            let committed = self.committed(service, &target, &window);
            let asked = asked(service, &target, &promise, &committed, window);
            let figures = self.attempts.figures(self.store.as_ref(), &asked)?;
            all.push((target.id.clone(), figures));
        }
        Ok(all)
    }

    /// The targets of a service on response time, in order of their ids, each with what it promises.
    fn response_targets(&self, service: &Service) -> Vec<(Target, ResponsePromise)> {
        let of_it = self.targets_of.get(&service.id).into_iter().flatten();
        let response = |target: &Target| match &target.promise {
            Promise::Response(promise) => Some((target.clone(), promise.clone())),
            Promise::Availability(_) | Promise::Capacity(_) => None,
        };
        of_it.filter_map(response).collect()
    }
}

/// What is asked of a target on response time in a window, of which this is committed.
pub(super) fn asked<'a>(
    service: &Service,
    target: &'a Target,
    promise: &'a ResponsePromise,
    committed: &Committed,
    window: Window,
) -> Asked<'a> {
    let entry = committed.entry;
    let of = response::Asked { promise, window, settled: window.is_settled(settling_ms(service)), entry };
    let probe = service.probes.get(&promise.probe);
    let point = |agent: &_| Some(VantagePoint { probe: probe?.id.clone(), agent: Clone::clone(agent) });
    let points = probe.into_iter().flat_map(|probe| &probe.agents).filter_map(point).collect();
    Asked { target: &target.id, of, points, committed: committed.contractual.committed(window.elapsed()) }
}
