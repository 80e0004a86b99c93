//! What the records in force come to: the intervals that a measurement takes, the services that are built on others, and
//! maintenance that is over while its service is still down.
//!
//! Whoever asks gives the records that are in force; a revoked one is as if it had never been, and is not given.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::Selection;
use super::exclusion::Exclusion;
use super::maintenance::Maintenance;
use crate::ids::{Id, TargetId};
use crate::measure::timeline::Timeline;
use crate::observation::State;
use crate::time::{Instant, Interval};

/// The maintenance of `service` that has an instant of `span`, each with when it was announced; by start, then end, then
/// announcement. The intervals are whole, not cut to `span`: whether maintenance was announced early enough is a matter
/// of its own start. They may overlap.
pub fn planned_of<'a>(
    in_force: impl IntoIterator<Item = &'a Maintenance>,
    service: &Id,
    span: Interval,
) -> Vec<(Interval, Instant)> {
    let mut planned = Vec::new();
    for maintenance in in_force.into_iter().filter(|maintenance| maintenance.services().holds(service)) {
        let within = touching(maintenance.occurrences(), span);
        planned.extend(within.map(|occurrence| (occurrence, maintenance.announced_at())));
    }
    planned.sort_unstable_by_key(|(interval, announced_at)| (interval.start, interval.end, *announced_at));
    planned
}

/// What is excluded of `target` of `service` within `span`; by start, then end. The intervals are whole, not cut to
/// `span`, and may overlap.
pub fn excluded_of<'a>(
    in_force: impl IntoIterator<Item = &'a Exclusion>,
    service: &Id,
    target: &TargetId,
    span: Interval,
) -> Vec<Interval> {
    let of_it = in_force.into_iter().filter(|exclusion| exclusion.is_of(service, target));
    let mut excluded: Vec<Interval> =
        of_it.map(|exclusion| exclusion.interval).filter(|interval| interval.overlaps(span)).collect();
    excluded.sort_unstable_by_key(|interval| (interval.start, interval.end));
    excluded
}

/// Those of ordered `intervals` that have an instant of `span`.
fn touching(intervals: &[Interval], span: Interval) -> impl Iterator<Item = Interval> {
    let first = intervals.partition_point(|interval| interval.end <= span.start);
    intervals.iter().skip(first).copied().take_while(move |interval| interval.start < span.end)
}

/// The services that are built on the named ones, directly or on one that is, without the named ones themselves. For each
/// service `operands` says which services it is built on.
pub fn dependants(named: &Selection<Id>, operands: &BTreeMap<Id, BTreeSet<Id>>) -> BTreeSet<Id> {
    let Selection::Named(named) = named else { return BTreeSet::new() };
    let mut reached = named.clone();
    loop {
        let known = reached.len();
        let built = operands.iter().filter(|(_, on)| !on.is_disjoint(&reached)).map(|(id, _)| id.clone());
        let built: Vec<Id> = built.collect();
        reached.extend(built);
        if reached.len() == known {
            return reached.difference(named).cloned().collect();
        }
    }
}

/// Maintenance that is over while its service is still down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overrun {
    /// The maintenance.
    pub maintenance: Id,
    /// The service.
    pub service: Id,
    /// When it should have been over.
    pub since: Instant,
}

/// The overruns at `now`, by maintenance and service: a service that was seen down at or after the end of its maintenance,
/// and neither up nor degraded since. A service that is in further maintenance is in none of these. `states` holds what
/// was seen of each service up to now; maintenance that was over before that begins is not looked at.
pub fn overruns<'a>(
    in_force: impl IntoIterator<Item = &'a Maintenance>,
    states: &BTreeMap<&Id, &Timeline>,
    now: Instant,
) -> Vec<Overrun> {
    let in_force: Vec<&Maintenance> = in_force.into_iter().collect();
    let running: Vec<&Selection<Id>> = in_force
        .iter()
        .filter(|one| one.next(now).is_some_and(|occurrence| occurrence.contains(now)))
        .map(|one| one.services())
        .collect();
    let mut found = Vec::new();
    for (service, seen) in states {
        let Some(from) = down_from(seen, now) else { continue };
        if running.iter().any(|services| services.holds(service)) {
            continue;
        }
        for maintenance in in_force.iter().filter(|one| one.services().holds(service)) {
            let over = maintenance.last_over(now).filter(|over| over.end >= from.start && over.end < from.end);
            found.extend(over.map(|over| Overrun {
                maintenance: maintenance.id().clone(),
                service: (*service).clone(),
                since: over.end,
            }));
        }
    }
    found.sort_unstable_by(|a, b| (&a.maintenance, &a.service).cmp(&(&b.maintenance, &b.service)));
    found
}

/// From when on a service was neither up nor degraded, and up to when it was last seen down within that: an end of
/// maintenance in between is overrun. None if it was not down since it was last seen up.
fn down_from(seen: &Timeline, now: Instant) -> Option<Interval> {
    let stretches = seen.stretches().iter().rev().filter(|stretch| stretch.interval.start < now);
    let mut last_down = None;
    let mut first = None;
    for stretch in stretches {
        if matches!(stretch.state, State::Up | State::Degraded) {
            return Some(Interval::new(stretch.interval.end, last_down?));
        }
        if stretch.state == State::Down && last_down.is_none() {
            last_down = Some(stretch.interval.end.min(now));
        }
        first = Some(stretch.interval.start);
    }
    Some(Interval::new(first?, last_down?))
}
