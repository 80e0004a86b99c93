//! Measuring a service: its probes' timelines over a span, and its targets in their windows.

use std::collections::BTreeMap;

use uphold_common::catalogue::model::{AvailabilityPromise, Promise, Service, Target, WindowKind};
use uphold_common::ids::{Id, VantagePoint};
use uphold_common::measure::kinds::Account;
use uphold_common::measure::probe::probe_timeline;
use uphold_common::measure::service::{ServiceTimeline, service_timeline};
use uphold_common::measure::target::{TargetFigures, vantage_rules};
use uphold_common::measure::timeline::Timeline;
use uphold_common::measure::window::{Window, local_days};
use uphold_common::time::{DAY_MS, Instant, Interval};

use super::Engine;
use crate::snapshot::{STRIP_DAYS, StripDay};
use crate::store::StoreError;

/// What was seen of a service over a span.
#[derive(Debug)]
pub(super) struct Seen {
    /// The timelines of all of its probes.
    pub probes: BTreeMap<Id, Timeline>,
    /// Its own.
    pub service: ServiceTimeline,
}

/// The finished days of each service's strip, kept until late data touches one.
pub(super) type Strips = BTreeMap<Id, BTreeMap<String, StripDay>>;

impl Engine {
    /// What was seen of `service` over `span` before `as_of`. `span` ends at `as_of` at the latest.
    pub(super) fn see(&mut self, service: &Service, span: Interval, as_of: Instant) -> Result<Seen, StoreError> {
        let mut probes = BTreeMap::new();
        for (id, probe) in &service.probes {
            let Some(rules) = vantage_rules(service, id) else { continue };
            let mut vantage = Vec::with_capacity(probe.agents.len());
            for agent in &probe.agents {
                let point = VantagePoint { probe: probe.id.clone(), agent: agent.clone() };
                vantage.push(self.timelines.vantage(self.store.as_mut(), &point, rules, span, as_of)?);
            }
            let vantage: Vec<&Timeline> = vantage.iter().collect();
            probes.insert(id.clone(), probe_timeline(&vantage, probe.quorum, span));
        }
        let needed = service.needs.iter().filter_map(|id| Some((id.clone(), probes.get(id)?.clone()))).collect();
        Ok(Seen { service: service_timeline(&needed, span), probes })
    }

    /// The service's entry into the catalogue.
    pub(super) fn entry(&self, service: &Id) -> Instant {
        self.in_force.entries.get(service).copied().unwrap_or(self.started)
    }

    /// The targets of a service on availability, in order of their ids, each with what it promises.
    pub(super) fn availability_of(&self, service: &Id) -> Vec<(Target, AvailabilityPromise)> {
        let of_it = self.in_force.catalogue.targets.values().filter(|target| target.service == *service);
        let availability = |target: &Target| match target.promise {
            Promise::Availability(promise) => Some((target.clone(), promise)),
            Promise::Capacity(_) => None,
        };
        of_it.filter_map(availability).collect()
    }

    /// The last days of a service, each measured for itself; the finished ones are kept.
    pub(super) fn strip(&mut self, service: &Service, as_of: Instant) -> Result<Vec<StripDay>, StoreError> {
        let entry = self.entry(&service.id);
        let days = i64::try_from(STRIP_DAYS).unwrap_or(i64::MAX);
        let start = as_of.minus_ms((days - 1).saturating_mul(DAY_MS));
        let first = Window::holding(WindowKind::Day, &service.time_zone, start, as_of).interval.start;
        let mut kept = self.strips.remove(&service.id).unwrap_or_default();
        let mut strip = Vec::with_capacity(STRIP_DAYS);
        let mut missing: Option<Interval> = None;
        for (date, part) in local_days(&service.time_zone, Interval::new(first.max(entry), as_of)) {
            let name = date.to_string();
            let known = kept.remove(&name);
            if known.is_none() {
                missing = Some(missing.map_or(part, |m: Interval| Interval::new(m.start, part.end)));
            }
            strip.push((name, part, known));
        }
        let seen = missing.map(|span| self.see(service, span, as_of)).transpose()?;
        let settled_to = as_of.minus_ms(context_ms(service));
        let mut days_kept = BTreeMap::new();
        let mut measured = Vec::with_capacity(strip.len());
        for (date, part, known) in strip {
            let day = known.unwrap_or_else(|| {
                let states = seen.as_ref().map(|seen| seen.service.states.clip(part)).unwrap_or_default();
                StripDay { date: date.clone(), kinds: Account::of(part, entry, &states).kinds }
            });
            if part.end <= settled_to {
                days_kept.insert(date, day.clone());
            }
            measured.push(day);
        }
        self.strips.insert(service.id.clone(), days_kept);
        Ok(measured)
    }
}

/// How long after an instant an observation may still decide its state, over the slowest of the service's probes.
fn context_ms(service: &Service) -> i64 {
    let of_probe = |id| vantage_rules(service, id).map(|rules| rules.context_ms());
    service.probes.keys().filter_map(of_probe).max().unwrap_or(0)
}

/// The figures of a promise in `window`, out of what was seen of the service over at least the window's elapsed part.
pub(super) fn figures(
    promise: AvailabilityPromise,
    service: &Service,
    entry: Instant,
    window: Window,
    seen: &Seen,
) -> TargetFigures {
    TargetFigures::measure(promise, service, entry, window, &seen.service)
}

/// The span that holds the elapsed parts of all `windows`, from the service's entry on.
pub(super) fn span_of(windows: &[Window], entry: Instant, as_of: Instant) -> Interval {
    let start = windows.iter().map(|window| window.interval.start).min().unwrap_or(as_of);
    Interval::new(start.max(entry).min(as_of), as_of)
}
