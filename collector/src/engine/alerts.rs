//! How fast the error budgets of a service's targets burn, and which of them alert.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::{AlertRule, AvailabilityPromise, Service, Target};
use uphold_common::ids::{TargetId, VantagePoint};
use uphold_common::measure::availability;
use uphold_common::measure::burn::{AlertFigures, Alerting};
use uphold_common::measure::committed::Committed;
use uphold_common::measure::kinds::Account;
use uphold_common::measure::window::Window;
use uphold_common::time::{Instant, Interval};

use super::Engine;
use super::sight::Seen;
use crate::store::StoreError;

/// The alerts of a service's targets.
pub(super) type Alerts = BTreeMap<TargetId, Vec<AlertFigures>>;

/// A target on availability, what it promises, and its window.
pub(super) type InWindow<'a> = (&'a Target, AvailabilityPromise, Window);

/// When a target alerts in a window.
fn rules((target, promise, window): InWindow<'_>) -> Vec<AlertRule> {
    target.consequences.rules(promise.share, window.interval.len_ms())
}

fn alerting<'a>(rules: &'a [AlertRule], service: &'a Service, (target, promise, window): InWindow<'_>) -> Alerting<'a> {
    let AvailabilityPromise { share, unmeasured, degraded, .. } = promise;
    let promise = availability::Promise { target: share, unmeasured, degraded };
    Alerting { rules, min_bad: target.consequences.min_bad, promise, window, zone: &service.time_zone }
}

/// From when on a service must be seen for the alerts of a target.
pub(super) fn looks_back_to(service: &Service, one: InWindow<'_>) -> Instant {
    let rules = rules(one);
    alerting(&rules, service, one).longest().map_or(one.2.elapsed().end, |span| span.start)
}

impl Engine {
    /// Keeps the failures at hand that the alerts of `targets` count.
    pub(super) fn watch_failures(&mut self, service: &Service, targets: &[InWindow<'_>]) -> Result<(), StoreError> {
        let span = |one: &InWindow<'_>| alerting(&rules(*one), service, *one).longest_short();
        let Some(from) = targets.iter().filter_map(span).map(|span| span.start).min() else { return Ok(()) };
        for point in points(service) {
            self.attempts.watch(self.store.as_ref(), &point, from)?;
        }
        Ok(())
    }

    /// The alerts of `targets`, out of what was seen of the service over at least their look-backs.
    pub(super) fn alerts(
        &mut self,
        service: &Service,
        targets: &[InWindow<'_>],
        seen: &Seen,
    ) -> Result<Alerts, StoreError> {
        let points: Vec<VantagePoint> = points(service).collect();
        let mut alerts = Alerts::new();
        for one in targets {
            let rules = rules(*one);
            let alerting = alerting(&rules, service, *one);
            let windows = alerting.windows().into_iter();
            let committed: Vec<(Window, Committed)> =
                windows.map(|window| (window, self.committed(service, one.0, &window))).collect();
            let account = |window: &Window, part: Interval| {
                let of_it = committed.iter().find(|(other, _)| other == window);
                let cover = of_it.map(|(_, committed)| Arc::clone(&committed.contractual)).unwrap_or_default();
                Account::over(part, &cover, &seen.service.states)
            };
            let bad = |committed: &[Interval]| {
                let of_point = |point| self.attempts.failures(self.store.as_ref(), point, committed);
                points.iter().map(of_point).sum::<Result<u64, StoreError>>()
            };
            alerts.insert(one.0.id.clone(), alerting.figures(account, bad)?);
        }
        Ok(alerts)
    }
}

/// All vantage points that are assigned to a service's probes, and to those of the services it is built on.
fn points(service: &Service) -> impl Iterator<Item = VantagePoint> {
    service.looks_at().flat_map(|probe| {
        probe.agents.iter().map(|agent| VantagePoint { probe: probe.id.clone(), agent: agent.clone() })
    })
}
