//! Measuring the targets of a service in their windows.

use uphold_common::catalogue::model::{AvailabilityPromise, Promise, Service, Target};
use uphold_common::ids::{Id, TargetId};
use uphold_common::measure::committed::{Committed, Facts, Planned};
use uphold_common::measure::target::TargetFigures;
use uphold_common::measure::window::Window;
use uphold_common::time::{Instant, Interval};

use super::Engine;
use super::sight::Seen;

impl Engine {
    /// The service's entry into the catalogue.
    pub(super) fn entry(&self, service: &Id) -> Instant {
        self.in_force.entries.get(service).copied().unwrap_or(self.started)
    }

    /// The targets of a service on availability, in order of their ids, each with what it promises.
    pub(super) fn availability_of(&self, service: &Id) -> Vec<(Target, AvailabilityPromise)> {
        let of_it = self.targets_of.get(service).into_iter().flatten();
        let availability = |target: &Target| match target.promise {
            Promise::Availability(promise) => Some((target.clone(), promise)),
            Promise::Capacity(_) | Promise::Response(_) => None,
        };
        of_it.filter_map(availability).collect()
    }

    /// What is committed of a target's window, for each of the three figures.
    pub(super) fn committed(&mut self, service: &Service, target: &Target, window: &Window) -> Committed {
        let hours = target.agreed_in(service).map(|calendar| self.agreed.of(calendar, window.interval));
        let facts = self.facts_of(&service.id, &target.id, window.interval);
        Committed::of(window.interval, self.entry(&service.id), hours.as_deref(), target.maintenance, &facts)
    }

    /// What is on record about the time of a service, as far as one of its targets is concerned.
    fn facts_of(&self, service: &Id, target: &TargetId, span: Interval) -> Facts {
        let planned = |(interval, announced_at)| Planned { interval, announced_at };
        Facts {
            maintenance: self.planned_of(service, span).into_iter().map(planned).collect(),
            excluded: self.excluded_of(service, target, span),
        }
    }
}

/// The figures of a promise in `window`, out of what was seen of the service over at least the window's elapsed part.
pub(super) fn figures(
    promise: AvailabilityPromise,
    service: &Service,
    window: Window,
    committed: &Committed,
    seen: &Seen,
) -> TargetFigures {
    TargetFigures::measure(promise, service, window, committed, &seen.service)
}

/// The span that holds the elapsed parts of all `windows`, from the service's entry on.
pub(super) fn span_of(windows: &[Window], entry: Instant, as_of: Instant) -> Interval {
    let start = windows.iter().map(|window| window.interval.start).min().unwrap_or(as_of);
    Interval::new(start.max(entry).min(as_of), as_of)
}
