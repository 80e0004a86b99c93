//! Whose trouble it is. A service that fails only because another one does, or that is not seen only because agents are
//! silent, has no incident of its own: it is attached to theirs, however many such services there are.
//!
//! That holds as long as theirs is open. When it is over and the service still fails, it has a reason of its own, and an
//! incident. What suffers from a service of which nothing was decided, for it is not derived yet, waits until that is.

use std::collections::BTreeSet;

use uphold_common::ids::Id;

use super::{Change, Decider, Incident, Number, Subject, Trouble};
use crate::incident::model::AFFECTED_MAX;

/// Services that are attached to an incident.
#[derive(Debug, Default)]
pub(super) struct Joined {
    services: BTreeSet<Id>,
    customers: BTreeSet<Id>,
}

impl Decider<'_> {
    /// Attaches trouble to the incident that it comes from, if there is one.
    pub(super) fn attach(&mut self, subject: &Subject, trouble: &Trouble) -> bool {
        let Some(service) = subject.service() else { return false };
        let Some(number) = trouble.roots.iter().find_map(|root| self.root(subject, root, trouble)) else {
            return false;
        };
        let known = self.known.register.get(number);
        let has_room = |one: &Incident| !one.affected.contains(service) && one.affected.len() < AFFECTED_MAX;
        if known.is_none_or(has_room) {
            let customers = self.known.catalogue.services.get(service).map(|service| &service.customers);
            let told = |customer: &&Id| known.is_none_or(|incident| !incident.customers.contains(*customer));
            let customers: Vec<Id> = customers.into_iter().flatten().filter(told).cloned().collect();
            let joined = self.joined.entry(number).or_default();
            joined.services.insert(service.clone());
            joined.customers.extend(customers);
        }
        true
    }

    /// The incident about a root that explains trouble: for what goes on one that is open, for what is over one of that time.
    fn root(&self, subject: &Subject, root: &Id, trouble: &Trouble) -> Option<Number> {
        let about = match subject {
            Subject::ServiceDown { .. } => Subject::ServiceDown { service: root.clone() },
            Subject::ServiceUnmeasured { .. } => Subject::AgentSilent { agent: root.clone() },
            _ => return None,
        };
        if let Some(number) = self.fresh.get(&about) {
            return Some(*number);
        }
        let explains = |incident: &&Incident| match trouble.episode.ended {
            _ if self.closes_now(incident) => false,
            None => incident.is_open(),
            Some(_) => {
                let is_known = || subject.service().is_some_and(|service| incident.affected.contains(service));
                // Who was attached before it was closed stays so.
                (incident.closed.is_none() || is_known()) && incident.interval().overlaps(trouble.episode.interval())
            }
        };
        self.known.register.about(&about).rev().find(explains).map(|incident| incident.number)
    }

    /// Whether an incident is closed in this very decision: nothing is attached to it any more.
    fn closes_now(&self, incident: &Incident) -> bool {
        let decided = self.of.get(&incident.number).and_then(|at| self.decisions.get(*at));
        let mut events = decided.into_iter().flat_map(|decision| &decision.events);
        events.any(|event| matches!(event.change, Change::Closed { .. }))
    }

    /// Whether trouble waits for what is decided about a service that it may come from.
    pub(super) fn waits(&self, subject: &Subject, trouble: &Trouble) -> bool {
        matches!(subject, Subject::ServiceDown { .. }) && trouble.roots.iter().any(|root| self.left_out.contains(root))
    }

    /// Tells the incidents whom they affect: at once for all that are attached now.
    pub(super) fn join(&mut self) {
        for (number, Joined { services, customers }) in std::mem::take(&mut self.joined) {
            let root = self.known.register.get(number);
            // What was decided since may have closed it: whatever would be attached is told by itself then.
            if root.is_some_and(|root| root.closed.is_some() || self.closes_now(root)) {
                continue;
            }
            let known = root.map_or(0, |root| root.events);
            let decided = self.of.get(&number).and_then(|at| self.decisions.get(*at));
            let place = decided.and_then(|decision| decision.events.last()).map_or(known, |event| event.place) + 1;
            let (services, customers) = (services.into_iter().collect(), customers.into_iter().collect());
            self.add(number, place, Change::Affected { services, customers });
        }
    }
}
