//! What attempts read beside their verdict: kept as readings of the host, and said once where nothing was read.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::observation::{Reading, ResourceId};
use uphold_common::time::Instant;
use uphold_common::wire::assignment::Assignment;
use uphold_common::wire::builder::Row;

use super::{Desk, Message, Recorder};
use crate::probe::measured::{Amount, Measured, resource};

/// Why readings are not made that should be.
pub(super) type Unread = BTreeMap<ResourceId, String>;

impl Recorder {
    /// Keeps what an attempt that began at `at` read beside its verdict.
    pub async fn measured(&self, at: Instant, measured: Vec<Measured>) {
        self.send(Message::Measured(at, measured)).await;
    }
}

impl Desk {
    /// Forgets what is no longer read.
    pub(super) fn assign_readings(&mut self, assignment: &Assignment) {
        let readings = assignment.probes.iter().flat_map(|spec| spec.check.readings()).map(resource);
        let readings: BTreeSet<ResourceId> = readings.filter(|id| self.hosts.contains(&id.host)).collect();
        self.metrics.forget_measured_unless(|id| readings.contains(id));
        self.unread.retain(|id, _| readings.contains(id));
    }

    /// Keeps what was read of the hosts that are this agent's; another agent reads the others.
    pub(super) fn measured(&mut self, at: Instant, measured: Vec<Measured>, now: Instant) {
        for Measured { id, read } in measured {
            if !self.hosts.contains(&id.host) {
                continue;
            }
            let told = read.as_ref().err();
            if self.unread.get(&id) != told {
                if let Some(why) = told {
                    tracing::warn!(host = %id.host, of = id.of, why, "a reading was not made");
                    self.unread.insert(id.clone(), why.clone());
                } else {
                    tracing::info!(host = %id.host, of = id.of, "a reading is made again");
                    self.unread.remove(&id);
                }
            }
            let reading = read.ok().map(|Amount { used, limit }| Reading { at, used, limit });
            self.metrics.measured(&id, reading.as_ref());
            if let Some(reading) = reading {
                self.add(Row::Capacity(id, reading), now);
            }
        }
    }
}
