//! One target on availability in one window: the account of its time, the availability, the breaks, the budget, and
//! who lost what; three times, by what is taken out of the agreed service time.
//!
//! This is the only place where a target's figures come from. The page, the API, the report, the metrics and the
//! incident decider all read a [`TargetFigures`].

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::catalogue::course::ServiceCourse;
use crate::catalogue::model::{AvailabilityPromise, Catalogue, Probe, Service};
use crate::ids::{Id, ProbeId};
use crate::time::{Instant, Interval};

use super::availability::{Availability, Budget, Promise, Verdict};
use super::breaks::Breaks;
use super::committed::{Committed, Cover};
use super::kinds::{Account, Kind};
use super::service::ServiceTimeline;
use super::vantage::VantageRules;
use super::window::Window;

/// One target on availability in one window. What is asked of it without naming a figure is the contractual one's.
#[derive(Clone, Debug)]
pub struct TargetFigures {
    /// What was promised.
    pub promise: AvailabilityPromise,
    /// When.
    pub window: Window,
    /// Whether confirmation can still change it.
    pub settled: bool,
    /// The service's entry into the catalogue.
    pub entry: Instant,
    /// The figure that counts.
    pub contractual: Arc<Figure>,
    /// The figure had nothing been excluded.
    pub without_exclusions: Arc<Figure>,
    /// The figure over the whole agreed service time; those that are equal are one and the same.
    pub experienced: Arc<Figure>,
}

/// What was promised, held against one view of what was committed.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What every instant so far was.
    pub account: Account,
    /// The availability and its verdict.
    pub availability: Availability,
    /// The error budget.
    pub budget: Budget,
    /// The breaks.
    pub breaks: Breaks,
    /// The verdicts on break targets, by their names in the catalogue.
    pub break_verdicts: BTreeMap<&'static str, Verdict>,
    /// The downtime each probe is charged with; they add up to it.
    pub charges: Charges,
}

/// Downtime by probe, in milliseconds.
pub type Charges = BTreeMap<ProbeId, i64>;

impl Deref for TargetFigures {
    type Target = Figure;

    fn deref(&self) -> &Figure {
        &self.contractual
    }
}

impl Figure {
    fn of(
        promise: &AvailabilityPromise,
        service: &ServiceCourse,
        window: &Window,
        cover: &Cover,
        seen: &ServiceTimeline,
    ) -> Self {
        let elapsed = window.elapsed();
        let account = Account::over(elapsed, cover, &seen.states);
        let counted = Promise { target: promise.share, unmeasured: promise.unmeasured, degraded: promise.degraded };
        let availability = Availability::of(&account.kinds, counted);
        let future = Interval::new(elapsed.end, window.interval.end);
        let budget = availability.budget(counted, cover.committed_ms(future));
        let breaks = Breaks::of(&account);
        let break_verdicts = breaks.verdicts(&promise.breaks);
        let charges = charges_within(service, &account, seen, elapsed);
        Self { account, availability, budget, breaks, break_verdicts, charges }
    }
}

impl TargetFigures {
    /// Measures what was promised of `service` in `window`, of which it is said what was committed. The timeline covers
    /// the window's elapsed part.
    pub fn measure(
        promise: AvailabilityPromise,
        service: &ServiceCourse,
        window: Window,
        committed: &Committed,
        seen: &ServiceTimeline,
    ) -> Self {
        let figure = |cover| Arc::new(Figure::of(&promise, service, &window, cover, seen));
        let experienced = figure(&committed.experienced);
        let without_exclusions = if Arc::ptr_eq(&committed.without_exclusions, &committed.experienced) {
            Arc::clone(&experienced)
        } else {
            figure(&committed.without_exclusions)
        };
        let contractual = if Arc::ptr_eq(&committed.contractual, &committed.without_exclusions) {
            Arc::clone(&without_exclusions)
        } else {
            figure(&committed.contractual)
        };
        let settled = window.is_settled(settling_ms(service, &window));
        let entry = committed.entry;
        Self { promise, window, settled, entry, contractual, without_exclusions, experienced }
    }

    /// Whether there was anything to judge by.
    pub fn is_judged(&self) -> bool {
        self.availability.verdict != Verdict::NoData
    }

    /// Whether anything that was promised is broken: the availability, or a target on breaks.
    pub fn is_breached(&self) -> bool {
        self.availability.verdict == Verdict::Breached
            || self.break_verdicts.values().any(|verdict| *verdict == Verdict::Breached)
    }
}

/// What each probe that the service is made of is charged with inside `part`.
pub fn charges_within(service: &ServiceCourse, account: &Account, seen: &ServiceTimeline, part: Interval) -> Charges {
    let leaves = service.within(part).flat_map(|(_, piece)| piece.service.structure.leaves.keys());
    let mut charges: Charges = leaves.map(|probe| (probe.clone(), 0)).collect();
    for stretch in account.within(part).filter(|stretch| stretch.kind == Kind::Down) {
        seen.charge(stretch.interval.intersect(part), &mut charges);
    }
    charges
}

/// How a probe's observations become states.
pub const fn probe_rules(probe: &Probe) -> VantageRules {
    VantageRules { reach_ms: probe.stale_after_ms, fall: probe.fall, rise: probe.rise }
}

/// `(fall + rise) × reach` of the slowest of the probes that are looked at for the service when the window ends: how long
/// after that it settles.
pub fn settling_ms(service: &ServiceCourse, window: &Window) -> i64 {
    let of_probe = |rules: VantageRules| rules.reach_ms.saturating_mul(i64::from(rules.fall) + i64::from(rules.rise));
    let at_end = service.at(window.interval.end.minus_ms(1));
    let probes = at_end.into_iter().flat_map(|piece| piece.service.looks_at());
    probes.map(|probe| of_probe(probe_rules(probe))).max().unwrap_or(0)
}

/// The component and the party behind a probe, which may be another service's. A probe without a component has none;
/// without a party it is `own`.
pub fn responsible<'a>(catalogue: &'a Catalogue, service: &'a Service, probe: &ProbeId) -> (Option<&'a Id>, &'a str) {
    let component = service.probe(probe).and_then(|p| p.component.as_ref());
    let party = component.and_then(|id| catalogue.components.get(id)).map_or(super::figures::OWN, |c| c.party.as_str());
    (component, party)
}
