//! What left the catalogue, and what nobody has to do anything about any more.

use uphold_common::ids::Id;

use super::Decider;
use crate::incident::model::{Change, Incident, Resolution, Subject};

/// Most incidents that are closed at one tick because their time is over.
const CLOSED_AT_ONCE: usize = 100;

impl Decider<'_> {
    /// Resolves what is about something that the catalogue does not have any more.
    pub(super) fn withdraw(&mut self) {
        let catalogue = self.known.catalogue;
        let is_agent = |agent: &Id| {
            catalogue
                .services
                .values()
                .flat_map(|service| service.probes.values())
                .any(|probe| probe.agents.contains(agent))
                || catalogue.hosts.values().any(|host| host.agent == *agent)
        };
        let open: Vec<&Incident> = self.known.register.open().collect();
        for incident in open {
            let known = match &incident.subject {
                Subject::TargetBreached { target, .. }
                | Subject::TargetUnreachable { target, .. }
                | Subject::BudgetBurning { target, .. }
                | Subject::CapacityAbove { target, .. } => catalogue.targets.contains_key(target),
                Subject::AgentSilent { agent } | Subject::ClockOff { agent } => is_agent(agent),
                Subject::CertificateExpiring { service, probe } => {
                    catalogue.services.get(service).is_some_and(|service| service.probes.contains_key(probe))
                }
                Subject::ServiceDown { service }
                | Subject::ServiceDegraded { service }
                | Subject::ServiceUnmeasured { service }
                | Subject::MaintenanceOverrun { service, .. } => catalogue.services.contains_key(service),
            };
            if !known {
                self.resolve(incident, self.as_of.max(incident.started), Resolution::Withdrawn);
            }
        }
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
