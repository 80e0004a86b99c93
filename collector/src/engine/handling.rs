//! What follows from incidents as time passes, decided at each tick beside what the figures decide.

use std::collections::BTreeMap;

use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::Engine;
use super::tick::Measured;
use crate::incident::decide::Decision;
use crate::incident::handle::handle;
use crate::incident::model::{Incident, Subject};

impl Engine {
    /// Decides what follows, beside what was `decided` at the same tick. An incident about a service that is held, or not
    /// derived yet, waits until it is; one about an agent, while the agent has not been heard since a start just now.
    pub(super) fn handle(
        &self,
        measured: &BTreeMap<Id, Measured>,
        decided: &[Decision],
        now: Instant,
    ) -> Vec<Decision> {
        let held = |incident: &Incident| {
            let subject = Some(&incident.subject).filter(|_| incident.is_open());
            let service = subject.and_then(Subject::service);
            let agent = subject.and_then(Subject::agent);
            service.is_some_and(|service| measured.get(service).is_none_or(|service| service.held))
                || agent.is_some_and(|agent| self.agents.is_awaited(agent, now))
        };
        handle(&self.register, &self.in_force.catalogue.handling, held, decided, now)
    }
}
