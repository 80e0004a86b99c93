//! A job that reports in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A job that reports to the agent again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatCheck {
    /// How often it reports.
    pub every_ms: i64,
    /// How late it may be, and how long it may run once it said that it began.
    pub grace_ms: i64,
}
