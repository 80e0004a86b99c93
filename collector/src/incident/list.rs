//! The list of incidents as the API and the command line give it.

use serde::Serialize;
use uphold_common::time::Instant;

use super::model::Incident;

/// The incidents as of an instant, newest first.
#[derive(Clone, Debug, Serialize)]
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
