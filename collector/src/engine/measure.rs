//! Measuring the targets of a service in their windows: each by what was promised when the window began, each instant by
//! the version of the catalogue that was in force at it.

use std::sync::Arc;

use uphold_common::catalogue::model::{AvailabilityPromise, Promise, Service, Target, WindowKind};
use uphold_common::ids::{Id, TargetId};
use uphold_common::measure::agreed::union;
use uphold_common::measure::committed::{Committed, Facts, Planned};
use uphold_common::measure::target::TargetFigures;
use uphold_common::measure::window::Window;
use uphold_common::time::{Instant, Interval};

use super::Engine;
use super::sight::Seen;

/// A target as it holds for a window.
pub(super) type InWindow = (Arc<Target>, Window);

/// Over what a service's targets are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Over {
    /// Over which kind of window; none: each target's own.
    pub(super) kind: Option<WindowKind>,
    /// The windows that hold this instant.
    pub(super) at: Instant,
    /// What the present is taken to be.
    pub(super) as_of: Instant,
}

impl Over {
    /// The windows of the present.
    pub(super) const fn now(as_of: Instant) -> Self {
        Self { kind: None, at: as_of, as_of }
    }
}

impl Engine {
    /// The service's entry into the catalogue.
    pub(super) fn entry(&self, service: &Id) -> Instant {
        self.in_force.entries.get(service).copied().unwrap_or(self.started)
    }

    /// The targets of a service that are in the catalogue, in order of their ids, each in the window asked for.
    pub(super) fn in_windows(&self, service: &Service, over: Over) -> Vec<InWindow> {
        let present = &self.in_force.catalogue.targets;
        let mut targets = self.ever_in_windows(service, over);
        targets.retain(|(target, _)| present.contains_key(&target.id));
        targets
    }

    /// The same with those that left the catalogue after their window began.
    pub(super) fn ever_in_windows(&self, service: &Service, over: Over) -> Vec<InWindow> {
        let courses = &self.in_force.courses;
        let (zone, Over { kind, at, as_of }) = (&service.time_zone, over);
        let window = |own| Window::holding(kind.unwrap_or(own), zone, at, as_of);
        let in_window = |id: &TargetId| match kind {
            None => courses.in_window(id, zone, at, as_of),
            Some(kind) => courses.target(id, &window(kind)).map(|target| (target, window(kind))),
        };
        courses.targets_of(&service.id, window).filter_map(in_window).collect()
    }

    /// What is committed of a target's window, for each of the three figures.
    pub(super) fn committed(&mut self, service: &Service, target: &Target, window: &Window) -> Committed {
        let hours = match &target.calendar {
            Some(calendar) => Some(self.agreed.of(calendar, window.interval)),
            None => self.hours_of(&service.id, window.interval),
        };
        let facts = self.facts_of(&service.id, &target.id, window.interval);
        Committed::of(window.interval, self.entry(&service.id), hours.as_deref(), target.maintenance, &facts)
    }

    /// The agreed service time of a service by its own calendar, which may be another from an instant on; none: always.
    pub(super) fn hours_of(&mut self, service: &Id, span: Interval) -> Option<Arc<[Interval]>> {
        let courses = Arc::clone(&self.in_force.courses);
        let pieces: Vec<_> = courses.service(service)?.within(span).collect();
        if let [(_, only)] = pieces.as_slice() {
            return only.service.calendar.as_ref().map(|calendar| self.agreed.of(calendar, span));
        }
        if pieces.iter().all(|(_, piece)| piece.service.calendar.is_none()) {
            return None;
        }
        let mut hours = Vec::new();
        for (part, piece) in pieces {
            match &piece.service.calendar {
                Some(calendar) => hours.extend(self.agreed.of(calendar, part).iter().copied()),
                None => hours.push(part),
            }
        }
        Some(union(hours).into())
    }

    /// What is on record about the time of a service, as far as one of its targets is concerned.
    fn facts_of(&self, service: &Id, target: &TargetId, span: Interval) -> Facts {
        let planned = |(interval, announced_at)| Planned { interval, announced_at };
        Facts {
            maintenance: self.planned_of(service, span).into_iter().map(planned).collect(),
            excluded: self.excluded_of(service, target, span),
        }
    }

    /// The figures of a target on availability in a window, out of what was seen of the service over at least the window's
    /// elapsed part; none of a target that promises something else.
    pub(super) fn figures_of(&mut self, service: &Service, one: &InWindow, seen: &Seen) -> Option<TargetFigures> {
        let (target, window) = one;
        let promise = *availability(target)?;
        let committed = self.committed(service, target, window);
        let course = self.in_force.courses.service(&service.id)?;
        Some(TargetFigures::measure(promise, course, *window, &committed, &seen.service))
    }
}

/// What a target on availability promises.
pub(super) fn availability(target: &Target) -> Option<&AvailabilityPromise> {
    match &target.promise {
        Promise::Availability(promise) => Some(promise),
        Promise::Capacity(_) | Promise::Response(_) => None,
    }
}

/// The span that holds the elapsed parts of all `windows`, from the service's entry on.
pub(super) fn span_of(windows: &[Window], entry: Instant, as_of: Instant) -> Interval {
    let start = windows.iter().map(|window| window.interval.start).min().unwrap_or(as_of);
    Interval::new(start.max(entry).min(as_of), as_of)
}
