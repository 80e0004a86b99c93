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

use std::sync::Arc;

use jiff::tz::TimeZone;
use uphold_common::catalogue::course::Courses;
use uphold_common::catalogue::model::{Catalogue, Promise, Service, Target, WindowKind};
use uphold_common::catalogue::promised::TargetCourse;
use uphold_common::ids::{Id, TargetId};
use uphold_common::measure::target::settling_ms;
use uphold_common::measure::window::Window;
use uphold_common::time::{Instant, Interval};

use super::issue::settled_at;
use super::revise::{Pending, Waiting};
use super::{Engine, EngineError};
use crate::retention::start_of;
use crate::revisions::cause::Causes;
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

    /// How long after its end a window settles that holds `at`, or the one before it.
    fn settles_after_ms(&self, service: &Service, kind: WindowKind, at: Instant) -> i64 {
        let Some(course) = self.course(&service.id) else { return 0 };
        let newest = Window::holding(kind, &service.time_zone, at, at);
        let before = Window::holding(kind, &service.time_zone, newest.interval.start.minus_ms(1), at);
        settling_ms(course, &newest).max(settling_ms(course, &before))
    }

    /// Finds the windows that have settled and of which nothing was issued, or nothing since they were open, of some targets:
    /// those of the catalogue, and those that were in it.
    fn find_closed(&mut self, present: Instant) {
        let courses = Arc::clone(&self.in_force.courses);
        let due = |id: &TargetId| self.revising.next.get(id).is_none_or(|next| *next <= present);
        let due: Vec<_> = courses.targets().filter(|(id, _)| due(id)).take(TARGETS_AT_ONCE).collect();
        for (id, course) in due {
            if self.revising.waiting.len() >= WAITING_MAX {
                return;
            }
            let next = self.find_closed_of(course, present).unwrap_or(Instant::MAX);
            self.revising.next.insert(id.clone(), next);
        }
    }

    /// The same of one target; when the next of its windows will have settled, if any will.
    fn find_closed_of(&mut self, course: &TargetCourse, present: Instant) -> Option<Instant> {
        let target = course.newest()?;
        let in_force = Arc::clone(&self.in_force.catalogue);
        let courses = Arc::clone(&self.in_force.courses);
        let service = service_ever(&in_force, &courses, &target.service)?;
        let (entry, known) = (self.entry(&service.id), self.revising.next.get(&target.id).copied());
        let mut next = Instant::MAX;
        let kinds = course.kinds();
        let followed = kinds.iter().skip(1).map(|(kind, _)| Some(*kind)).chain([None]);
        for ((kind, held), follows) in kinds.iter().copied().zip(followed) {
            let Some(number) = key::number_of(kind) else { continue };
            let settling_ms = self.settles_after_ms(service, kind, held.end.min(present));
            let end = goes_on_to(held.end, follows, &service.time_zone);
            let held = Interval::new(held.start.max(entry), end);
            let found = closed(kind, &service.time_zone, held, settling_ms, present);
            let Some(Closed { windows, next: of_kind }) = found else { continue };
            for window in windows {
                let was_open = known.is_some_and(|known| known <= window.end.plus_ms(settling_ms));
                let is_issued = self.revising.register.get(&target.id, number, window.start).is_some();
                if (was_open || !is_issued) && self.is_kept(target, window, present) {
                    self.revising.waiting.insert(Waiting::of(&target.id, number, window));
                }
            }
            next = of_kind.min(next);
        }
        Some(next)
    }

    /// Has the windows looked at again that were touched, once what touched them has come to rest.
    fn take_up_causes(&mut self, present: Instant, now: Instant) {
        self.revising.pending.values_mut().for_each(|pending| pending.goes_on(now));
        let ready = self.revising.pending.iter().filter(|(_, pending)| pending.is_ready(now));
        let ready: Vec<Id> = ready.map(|(service, _)| service.clone()).collect();
        let (in_force, courses) = (Arc::clone(&self.in_force.catalogue), Arc::clone(&self.in_force.courses));
        for id in ready {
            if self.revising.waiting.len() >= WAITING_MAX {
                return;
            }
            let service = service_ever(&in_force, &courses, &id);
            if service.is_some_and(|service| self.agents.holds(service, now)) {
                continue;
            }
            let Some(Pending { causes, .. }) = self.revising.pending.remove(&id) else { continue };
            self.revising.unkept.insert(id.clone());
            let mut again = self.revising.again.remove(&id).unwrap_or_default();
            if let Some(service) = service {
                again.left.extend(self.touched(service, &causes, present));
            }
            self.revising.waiting.extend(again.left.iter().cloned());
            again.causes.join(causes);
            if !again.left.is_empty() {
                self.revising.again.insert(id, again);
            }
        }
    }

    /// The windows of a service that were issued and touched by `causes`; not those that were issued while a clock was ahead,
    /// and are still to settle.
    fn touched(&self, service: &Service, causes: &Causes, present: Instant) -> Vec<Waiting> {
        let (Some(course), mut touched) = (self.course(&service.id), Vec::new()) else { return Vec::new() };
        for id in self.revising.register.targets(&service.id) {
            let Some(target) = self.in_force.courses.target_course(id).and_then(TargetCourse::newest) else { continue };
            for (number, window) in self.revising.register.windows(id) {
                let settled_at = key::kind_of(number).map(|kind| settled_at(course, service, kind, window));
                let has_settled = settled_at.is_some_and(|settled_at| settled_at <= present);
                if has_settled && causes.touches(window) && self.is_kept(target, window, present) {
                    touched.push(Waiting::of(id, number, window));
                }
            }
        }
        touched
    }

    /// Whether everything that a window is measured from is still there, and its revisions are still kept: states for
    /// availability, the rows themselves for all else, and all versions of the catalogue that were in force. Others stand as
    /// they were issued last.
    fn is_kept(&self, target: &Target, window: Interval, now: Instant) -> bool {
        let retention = self.forgetting.retention;
        let measured = match target.promise {
            Promise::Availability(_) => window.start >= now.minus_ms(retention.states_ms),
            Promise::Capacity(_) | Promise::Response(_) => {
                self.store.raw_from().is_none_or(|day| start_of(day) <= window.start)
            }
        };
        let is_read = self.course(&target.service).is_some_and(|course| course.is_read_within(window));
        measured && is_read && window.end >= now.minus_ms(retention.records_ms)
    }
}

/// To when windows of a kind follow one another where `follows` came instead at `from`: until the first of those begins.
fn goes_on_to(from: Instant, follows: Option<WindowKind>, zone: &TimeZone) -> Instant {
    let Some(follows) = follows.filter(|kind| key::number_of(*kind).is_some()) else { return from };
    let first = Window::holding(follows, zone, from, from).interval;
    if first.start == from { from } else { first.end }
}

/// A service of the catalogue, or as it was last in it.
pub(super) fn service_ever<'a>(in_force: &'a Catalogue, courses: &'a Courses, id: &Id) -> Option<&'a Service> {
    in_force.services.get(id).or_else(|| Some(&*courses.service(id)?.newest()?.service))
}
