//! What follows from incidents as time passes, decided at each tick beside what the figures decide.

use std::collections::BTreeMap;

use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::Engine;
use super::tick::Measured;
use crate::incident::decide::Decision;
use crate::incident::handle::handle;
use crate::incident::model::Incident;

impl Engine {
    /// Decides what follows, beside what was `decided` at the same tick. An incident about a service that is held, or not
    /// derived yet, waits until it is.
    pub(super) fn handle(
        &self,
        measured: &BTreeMap<Id, Measured>,
        decided: &[Decision],
        now: Instant,
    ) -> Vec<Decision> {
        let held = |incident: &Incident| {
            let service = incident.is_open().then(|| incident.subject.service()).flatten();
            service.is_some_and(|service| measured.get(service).is_none_or(|service| service.held))
        };
        handle(&self.register, &self.in_force.catalogue.handling, held, decided, now)
    }
}
