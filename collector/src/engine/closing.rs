//! Which closed windows are looked at: those that have settled and of which nothing was issued, and those that something
//! touched since.
//!
//! While agents of a service deliver a backlog nothing of it is issued, and nothing at all while an import is under way,
//! something is still being derived, or the disk is full. All that wait stand in one order, the oldest first; a tick looks at
//! a share of them, behind everything else. The windows of the last 35 days are looked at once after each start, whatever is
//! on record.
//!
//! A window has closed by what the rows say the time is as much as by the clock, as for retention: a clock that leaps ahead by
//! a year closes nothing. What was issued all the same before a window had come to its end, because the agents' clocks leapt
//! too, is looked at again once it has.

use uphold_common::catalogue::model::{Promise, Service, Target, WindowKind};
use uphold_common::ids::Id;
use uphold_common::measure::target::settling_ms;
use uphold_common::measure::window::Window;
use uphold_common::time::{Instant, Interval};

use super::issue::settled_at;
use super::revise::{Pending, Waiting};
use super::{Engine, EngineError};
use crate::retention::start_of;
use crate::revisions::closed::{Closed, closed};
use crate::revisions::key;

/// Most windows that wait; further ones are found once there are fewer.
const WAITING_MAX: usize = 20_000;
/// Of how many targets a tick finds out which windows have closed.
const TARGETS_AT_ONCE: usize = 64;

impl Engine {
    /// Looks at some of the closed windows that are due, and issues what has to be.
    pub(super) fn revise(&mut self, now: Instant) -> Result<(), EngineError> {
        let present = self.vouched(now);
        if let Some(present) = present.filter(|_| self.health.deriving == 0 && !self.imports(now) && !self.is_full(now))
        {
            if Some(present) < self.revising.looked_to {
                // The clock was set back: what is due is found anew.
                self.revising.begin_anew();
            }
            self.revising.looked_to = Some(present);
            self.find_closed(present);
            self.take_up_causes(present, now);
            let looked = self.look_at_closed(now)?;
            self.issue(looked, now)?;
            self.keep_causes()?;
        }
        self.health.revisions = self.revising.snapshot();
        Ok(())
    }

    /// How long after its end a window settles that holds `now`, or the one before it.
    fn settles_after_ms(&self, service: &Service, kind: WindowKind, now: Instant) -> i64 {
        let Some(course) = self.course(&service.id) else { return 0 };
        let newest = Window::holding(kind, &service.time_zone, now, now);
        let before = Window::holding(kind, &service.time_zone, newest.interval.start.minus_ms(1), now);
        settling_ms(course, &newest).max(settling_ms(course, &before))
    }

    /// Finds the windows that have settled and of which nothing was issued, or nothing since they were open, of some targets.
    fn find_closed(&mut self, now: Instant) {
        let catalogue = self.catalogue();
        let due = |target: &&Target| self.revising.next.get(&target.id).is_none_or(|next| *next <= now);
        let due: Vec<&Target> = catalogue.targets.values().filter(due).take(TARGETS_AT_ONCE).collect();
        for target in due {
            if self.revising.waiting.len() >= WAITING_MAX {
                return;
            }
            let (service, kind) = (catalogue.services.get(&target.service), key::number_of(target.window));
            let entry = self.entry(&target.service);
            let found = service.zip(kind).and_then(|(service, kind)| {
                let settling_ms = self.settles_after_ms(service, target.window, now);
                Some((kind, closed(target.window, &service.time_zone, entry, settling_ms, now)?))
            });
            let Some((kind, Closed { windows, next })) = found else {
                self.revising.next.insert(target.id.clone(), Instant::MAX);
                continue;
            };
            let settling_ms = service.map_or(0, |service| self.settles_after_ms(service, target.window, now));
            let known = self.revising.next.get(&target.id).copied();
            for window in windows {
                let was_open = known.is_some_and(|known| known <= window.end.plus_ms(settling_ms));
                let is_issued = self.revising.register.get(&target.id, kind, window.start).is_some();
                if (was_open || !is_issued) && self.is_kept(target, window, now) {
                    self.revising.waiting.insert(Waiting::of(&target.id, window));
                }
            }
            self.revising.next.insert(target.id.clone(), next);
        }
    }

    /// Has the windows looked at again that were touched, once what touched them has come to rest.
    fn take_up_causes(&mut self, present: Instant, now: Instant) {
        let catalogue = self.catalogue();
        self.revising.pending.values_mut().for_each(|pending| pending.goes_on(now));
        let ready = self.revising.pending.iter().filter(|(_, pending)| pending.is_ready(now));
        let ready: Vec<Id> = ready.map(|(service, _)| service.clone()).collect();
        for id in ready {
            if self.revising.waiting.len() >= WAITING_MAX {
                return;
            }
            let service = catalogue.services.get(&id);
            if service.is_some_and(|service| self.agents.holds(service, now)) {
                continue;
            }
            let Some(Pending { causes, .. }) = self.revising.pending.remove(&id) else { continue };
            self.revising.unkept.insert(id.clone());
            let mut again = self.revising.again.remove(&id).unwrap_or_default();
            for target in catalogue.targets.values().filter(|target| target.service == id) {
                let Some(kind) = key::number_of(target.window) else { continue };
                let issued = self.revising.register.windows(&target.id, kind);
                let closed = issued.filter(|window| self.has_settled(target, *window, present));
                let touched = closed.filter(|window| causes.touches(*window) && self.is_kept(target, *window, present));
                for window in touched.collect::<Vec<_>>() {
                    again.left.insert((target.id.clone(), window.start));
                    self.revising.waiting.insert(Waiting::of(&target.id, window));
                }
            }
            again.causes.join(causes);
            if !again.left.is_empty() {
                self.revising.again.insert(id, again);
            }
        }
    }

    /// Whether a window has settled; not one that was issued while a clock was ahead.
    fn has_settled(&self, target: &Target, window: Interval, present: Instant) -> bool {
        let service = self.in_force.catalogue.services.get(&target.service);
        let course = self.course(&target.service);
        service.zip(course).is_some_and(|(service, course)| settled_at(course, service, target, window) <= present)
    }

    /// Whether everything that a window is measured from is still there, and its revisions are still kept: states for
    /// availability, the rows themselves for all else. Others stand as they were issued last.
    fn is_kept(&self, target: &Target, window: Interval, now: Instant) -> bool {
        let retention = self.forgetting.retention;
        let measured = match target.promise {
            Promise::Availability(_) => window.start >= now.minus_ms(retention.states_ms),
            Promise::Capacity(_) | Promise::Response(_) => {
                self.store.raw_from().is_none_or(|day| start_of(day) <= window.start)
            }
        };
        measured && window.end >= now.minus_ms(retention.records_ms)
    }
}
