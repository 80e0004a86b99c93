//! Whose trouble it is. A service that fails only because another one does, or that is not seen only because agents are
//! silent, has no incident of its own: it is attached to theirs, however many such services there are.
//!
//! That holds as long as theirs is open. When it is over and the service still fails, it has a reason of its own, and an
//! incident.

use std::collections::BTreeSet;

use uphold_common::ids::Id;

use super::{Change, Decider, Incident, Number, Subject, Trouble};

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
        if known.is_none_or(|incident| !incident.affected.contains(service)) {
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
            None => incident.is_open(),
            Some(_) => incident.closed.is_none() && incident.interval().overlaps(trouble.episode.interval()),
        };
        self.known.register.about(&about).rev().find(explains).map(|incident| incident.number)
    }

    /// Tells the incidents whom they affect: at once for all that are attached now.
    pub(super) fn join(&mut self) {
        for (number, Joined { services, customers }) in std::mem::take(&mut self.joined) {
            let known = self.known.register.get(number).map_or(0, |incident| incident.events);
            let decided = self.of.get(&number).and_then(|at| self.decisions.get(*at));
            let place = decided.and_then(|decision| decision.events.last()).map_or(known, |event| event.place) + 1;
            let (services, customers) = (services.into_iter().collect(), customers.into_iter().collect());
            self.add(number, place, Change::Affected { services, customers });
        }
    }
}
