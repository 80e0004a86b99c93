//! Measuring the targets of a service in their windows.

use uphold_common::catalogue::model::{AvailabilityPromise, Promise, Service, Target};
use uphold_common::ids::Id;
use uphold_common::measure::kinds::Account;
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

/// What a part of one of a promise's windows was, out of what was seen of the service over at least that part.
pub(super) fn account(entry: Instant, part: Interval, seen: &Seen) -> Account {
    Account::of(part, entry, &seen.service.states)
}

/// The committed time of a target's window so far, in order.
pub(super) fn committed(entry: Instant, window: &Window) -> Vec<Interval> {
    let elapsed = window.elapsed();
    let committed = Interval::new(elapsed.start.max(entry), elapsed.end);
    if committed.is_empty() { Vec::new() } else { vec![committed] }
}

/// The span that holds the elapsed parts of all `windows`, from the service's entry on.
pub(super) fn span_of(windows: &[Window], entry: Instant, as_of: Instant) -> Interval {
    let start = windows.iter().map(|window| window.interval.start).min().unwrap_or(as_of);
    Interval::new(start.max(entry).min(as_of), as_of)
}
