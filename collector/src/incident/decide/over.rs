//! What left the catalogue, and what nobody has to do anything about any more.

use std::collections::BTreeSet;

use uphold_common::catalogue::assign;
use uphold_common::catalogue::model::{Promise, Target, WindowKind};
use uphold_common::ids::{Id, TargetId};
use uphold_common::measure::window::Window;
use uphold_common::time::Instant;

use super::{Decider, Known};
use crate::incident::model::{Change, Incident, Resolution, Subject};

/// Most incidents that are closed at one tick because their time is over.
const CLOSED_AT_ONCE: usize = 100;

impl Decider<'_> {
    /// Resolves what is about something that the catalogue does not have any more, or has as something else. What people
    /// resolved before is over with it.
    pub(super) fn withdraw(&mut self) {
        let register = self.known.register;
        let is_of_agent = |incident: &Incident| incident.subject.agent().is_some();
        let asks = register.open().chain(register.lingering()).any(is_of_agent);
        let agents = if asks { assign::agents(self.known.catalogue) } else { BTreeSet::new() };
        let open: Vec<&Incident> = register.open().collect();
        for incident in open {
            if !self.stands(&incident.subject, &agents) {
                self.resolve(incident, self.as_of.max(incident.started), Resolution::Withdrawn);
            }
        }
        let lingering: Vec<&Incident> = register.lingering().collect();
        for incident in lingering {
            if !self.stands(&incident.subject, &agents) || self.is_past(&incident.subject) {
                self.follow(incident, &[Change::Cleared]);
            }
        }
    }

    /// Whether the catalogue still has what an incident is about, as what it was.
    fn stands(&self, subject: &Subject, agents: &BTreeSet<Id>) -> bool {
        let catalogue = self.known.catalogue;
        match subject {
            Subject::TargetBreached { service, target, window_start: None } => {
                let is_rolling = |target: &Target| matches!(target.window, WindowKind::Rolling { .. });
                self.promises(service, target, |target| is_of_availability(target) && is_rolling(target))
            }
            Subject::TargetBreached { service, target, window_start: Some(start) }
            | Subject::TargetUnreachable { service, target, window_start: start } => {
                self.has_window(service, target, *start, |_| true)
            }
            Subject::BudgetBurning { service, target } => self.promises(service, target, is_of_availability),
            Subject::CapacityAbove { service, target, threshold } => {
                self.promises(service, target, |target| match &target.promise {
                    Promise::Capacity(promise) => promise.thresholds.of(*threshold).is_some(),
                    Promise::Availability(_) | Promise::Response(_) => false,
                })
            }
            Subject::AgentSilent { agent } | Subject::ClockOff { agent } => agents.contains(agent),
            Subject::CertificateExpiring { service, probe } => {
                catalogue.services.get(service).is_some_and(|service| service.probes.contains_key(probe))
            }
            Subject::ServiceDown { service }
            | Subject::ServiceDegraded { service }
            | Subject::ServiceUnmeasured { service }
            | Subject::MaintenanceOverrun { service, .. } => catalogue.services.contains_key(service),
        }
    }

    /// Whether a target of a service is this: as the catalogue has it, or as it was promised for the window that is open,
    /// which is measured to its end.
    fn promises(&self, service: &Id, id: &TargetId, is: impl Fn(&Target) -> bool) -> bool {
        let Known { catalogue, courses, .. } = self.known;
        let (Some(now), Some(of)) = (catalogue.targets.get(id), catalogue.services.get(service)) else { return false };
        let is = |target: &Target| target.service == *service && is(target);
        let before = || courses.in_window(id, &of.time_zone, self.as_of, self.as_of);
        is(now) || before().is_some_and(|(target, _)| is(&target))
    }

    /// Whether a target has a window that begins at `start` and is this.
    fn has_window(&self, service: &Id, target: &TargetId, start: Instant, is: impl Fn(&Window) -> bool) -> bool {
        let Some(of) = self.known.catalogue.services.get(service) else { return false };
        self.promises(service, target, |target| {
            let window = Window::holding(target.window, &of.time_zone, start, self.as_of);
            let is_rolling = matches!(window.kind, WindowKind::Rolling { .. });
            is_of_availability(target) && !is_rolling && window.interval.start == start && is(&window)
        })
    }

    /// Whether an incident is about a window that is over.
    fn is_past(&self, subject: &Subject) -> bool {
        let Subject::TargetBreached { service, target, window_start: Some(start) } = subject else { return false };
        self.has_window(service, target, *start, |window| !window.is_open())
    }

    /// Closes what was resolved long ago; a major incident not before its review is filed.
    pub(super) fn close(&mut self) {
        let after_ms = self.known.catalogue.raising.close_after_ms;
        let is_due = |incident: &&Incident| {
            let resolved = incident.resolved.as_ref();
            let long_ago = resolved.is_some_and(|resolved| self.as_of.since_ms(resolved.decided_at) >= after_ms);
            long_ago && incident.closed.is_none() && !incident.wants_review() && !incident.lingers
        };
        let due: Vec<&Incident> = self.known.register.all().filter(is_due).take(CLOSED_AT_ONCE).collect();
        for incident in due {
            self.follow(incident, &[Change::Closed { by: None, text: None }]);
        }
    }
}

const fn is_of_availability(target: &Target) -> bool {
    matches!(target.promise, Promise::Availability(_))
}
