//! How fast the error budgets of a service's targets burn, and which of them alert.

use std::collections::BTreeMap;
use std::sync::Arc;

use uphold_common::catalogue::model::{AlertRule, AvailabilityPromise, Probe, Service};
use uphold_common::ids::{Id, TargetId, VantagePoint};
use uphold_common::measure::agreed::within;
use uphold_common::measure::availability;
use uphold_common::measure::burn::{AlertFigures, Alerting, Burn};
use uphold_common::measure::committed::Committed;
use uphold_common::measure::kinds::Account;
use uphold_common::measure::timeline::Stretch;
use uphold_common::measure::window::Window;
use uphold_common::observation::State;
use uphold_common::time::{Instant, Interval};

use super::Engine;
use super::measure::{self, InWindow};
use super::sight::Seen;
use crate::store::StoreError;

/// The alerts of a service's targets.
pub(super) type Alerts = BTreeMap<TargetId, Vec<AlertFigures>>;

/// When a target alerts in a window; never if it promises something else than an availability.
fn rules((target, window): &InWindow) -> Vec<AlertRule> {
    let promised = measure::availability(target);
    promised.map(|promise| target.consequences.rules(promise.share, window.interval.len_ms())).unwrap_or_default()
}

fn alerting<'a>(rules: &'a [AlertRule], service: &'a Service, one: &'a InWindow) -> Option<Alerting<'a>> {
    let (target, window) = one;
    let AvailabilityPromise { share, unmeasured, degraded, .. } = *measure::availability(target)?;
    let promise = availability::Promise { target: share, unmeasured, degraded };
    Some(Alerting { rules, min_bad: target.consequences.min_bad, promise, window: *window, zone: &service.time_zone })
}

/// From when on a service must be seen for the alerts of a target.
pub(super) fn looks_back_to(service: &Service, one: &InWindow) -> Instant {
    let rules = rules(one);
    let longest = alerting(&rules, service, one).and_then(|alerting| alerting.longest());
    longest.map_or(one.1.elapsed().end, |span| span.start)
}

impl Engine {
    /// Keeps the failures at hand that the alerts of `targets` count.
    pub(super) fn watch_failures(&mut self, service: &Service, targets: &[InWindow]) -> Result<(), StoreError> {
        let span = |one: &InWindow| alerting(&rules(one), service, one)?.longest_short();
        let Some(from) = targets.iter().filter_map(span).map(|span| span.start).min() else { return Ok(()) };
        for (_, point) in self.points(&service.id, Interval::new(from, Instant::MAX)) {
            self.attempts.watch(self.store.as_ref(), &point, from)?;
        }
        Ok(())
    }

    /// The alerts of `targets`, out of what was seen of the service over at least their look-backs.
    pub(super) fn alerts(
        &mut self,
        service: &Service,
        targets: &[InWindow],
        seen: &Seen,
    ) -> Result<Alerts, StoreError> {
        let mut burns: Vec<(&InWindow, Vec<Burn>)> = Vec::new();
        let mut look_back: Option<Interval> = None;
        for one in targets {
            let rules = rules(one);
            let Some(alerting) = alerting(&rules, service, one) else { continue };
            if let Some(span) = alerting.longest_short() {
                let hull = look_back.unwrap_or(span);
                look_back = Some(Interval::new(hull.start.min(span.start), hull.end.max(span.end)));
            }
            burns.push((one, self.burns(service, one, &alerting, seen)));
        }
        let committed: Vec<Vec<Interval>> =
            burns.iter().flat_map(|(_, burns)| burns).map(|burn| burn.committed.clone()).collect();
        let as_of = targets.iter().map(|(_, window)| window.as_of).max();
        let points = match (look_back, as_of) {
            (Some(span), Some(as_of)) => self.failing(&service.id, span, as_of)?,
            _ => Vec::new(),
        };
        let mut bad = vec![0_u64; committed.len()];
        for (part, point) in &points {
            let assigned: Vec<Vec<Interval>> = committed.iter().map(|one| within(one, *part).collect()).collect();
            let failures = self.attempts.failures(self.store.as_ref(), point, &assigned)?;
            bad.iter_mut().zip(failures).for_each(|(bad, failures)| *bad += failures);
        }
        let mut bad = bad.into_iter();
        let mut judge = |burns: &[Burn]| burns.iter().zip(bad.by_ref()).map(|(burn, bad)| burn.judged(bad)).collect();
        Ok(burns.iter().map(|(one, burns)| (one.0.id.clone(), judge(burns))).collect())
    }

    /// How fast the budget of one target burns by each of its rules.
    fn burns(&mut self, service: &Service, one: &InWindow, alerting: &Alerting<'_>, seen: &Seen) -> Vec<Burn> {
        let windows = alerting.windows().into_iter();
        let committed: Vec<(Window, Committed)> = windows
            .map(|window| {
                let as_then = self.in_force.courses.target(&one.0.id, &window);
                let target = as_then.unwrap_or_else(|| Arc::clone(&one.0));
                (window, self.committed(service, &target, &window))
            })
            .collect();
        alerting.burns(|window, part| {
            let of_it = committed.iter().find(|(other, _)| other == window);
            let cover = of_it.map(|(_, committed)| Arc::clone(&committed.contractual)).unwrap_or_default();
            Account::over(part, &cover, &seen.service.states)
        })
    }

    /// Those of [`Self::points`] that can have seen a failure: an observation that was reported `down` is down, or degraded
    /// until it is confirmed, so where neither is there is none to be counted.
    fn failing(
        &mut self,
        service: &Id,
        span: Interval,
        as_of: Instant,
    ) -> Result<Vec<(Interval, VantagePoint)>, StoreError> {
        let courses = Arc::clone(&self.in_force.courses);
        let mut failing = Vec::new();
        for (part, point) in self.points(service, span) {
            let Some(law) = courses.law(&point.probe) else { continue };
            let saw = self.timelines.vantage(self.store.as_mut(), &point, law, part, as_of)?;
            let is_bad = |stretch: &Stretch| matches!(stretch.state, State::Down | State::Degraded);
            if saw.stretches().iter().any(is_bad) {
                failing.push((part, point));
            }
        }
        Ok(failing)
    }

    /// All vantage points that were assigned to a service's probes, and to those of the services it is built on, within a
    /// span; each with the part in which it was.
    fn points(&self, service: &Id, span: Interval) -> Vec<(Interval, VantagePoint)> {
        let pieces = self.course(service).into_iter().flat_map(|course| course.within(span));
        let probes = pieces.flat_map(|(part, piece)| piece.service.looks_at().map(move |probe| (part, probe)));
        let of_probe = |(part, probe): (Interval, &Arc<Probe>)| {
            let point = |agent: &Id| VantagePoint { probe: probe.id.clone(), agent: agent.clone() };
            probe.agents.iter().map(|agent| (part, point(agent))).collect::<Vec<_>>()
        };
        probes.flat_map(of_probe).collect()
    }
}
