//! Incidents as the API and the command line give them: the list, and one with its history.

use serde::Serialize;
use uphold_common::time::Instant;
use utoipa::ToSchema;

use super::model::{Change, Event, Incident};
use crate::engine::command::History;

/// The incidents as of an instant, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IncidentList {
    /// The instant.
    pub as_of_ms: Instant,
    /// The incidents.
    pub incidents: Vec<Incident>,
}

impl IncidentList {
    /// The open ones, and the `resolved` ones that are asked for.
    pub fn new<'a>(
        as_of: Instant,
        open: impl Iterator<Item = &'a Incident>,
        resolved: impl Iterator<Item = &'a Incident>,
    ) -> Self {
        let mut incidents: Vec<Incident> = open.chain(resolved).cloned().collect();
        incidents.sort_by_key(|incident| std::cmp::Reverse(incident.number));
        Self { as_of_ms: as_of, incidents }
    }
}

/// One incident with everything that happened to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IncidentHistory {
    /// The incident.
    pub incident: Incident,
    /// What happened to it, in order.
    pub events: Vec<EventLine>,
}

/// One thing that happened to it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventLine {
    /// Its place, from 1.
    pub place: u32,
    /// The instant of the figures that it was decided from; for what people did, when they did it.
    pub at_ms: Instant,
    /// What happened.
    #[serde(flatten)]
    pub change: Change,
}

impl From<History> for IncidentHistory {
    fn from(history: History) -> Self {
        let line = |event: Event| EventLine { place: event.place, at_ms: event.decided_at, change: event.change };
        Self { incident: history.incident, events: history.events.into_iter().map(line).collect() }
    }
}
