//! What one agent is to observe: derived from the catalogue, fetched with an `ETag`, kept on the agent's disk.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check::Check;
use crate::ids::{Id, ProbeId};

/// The header in which a collector says which store it has: agents that know several collectors hold them against it.
pub const STORE_HEADER: &str = "uphold-store";
/// The longest that a collector lets an agent wait for an assignment that is another, in seconds.
pub const WAIT_S_MAX: u64 = 25;

/// How often the capacity of a host is read.
pub const CAPACITY_INTERVAL_MS: i64 = 15_000;
/// How long a reading of capacity speaks: twice its interval, by section 12 of the rules.
pub const CAPACITY_REACH_MS: i64 = 2 * CAPACITY_INTERVAL_MS;

/// What one agent is to observe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Its probes, in order of their ids.
    pub probes: Vec<ProbeSpec>,
    /// The hosts whose capacity it reads: itself, under the names the catalogue gives it.
    pub hosts: Vec<Id>,
}

/// One probe as its agent runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProbeSpec {
    /// Its name.
    pub id: ProbeId,
    /// From the start of one attempt to the start of the next.
    pub interval_ms: i64,
    /// The one deadline of an attempt, over all of its phases.
    pub timeout_ms: i64,
    /// Above this an answer is degraded.
    pub slow_after_ms: Option<i64>,
    /// How failures are confirmed sooner than with the interval, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// What is asked of whom.
    pub check: Check,
}

/// How failures are confirmed sooner than with the interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// From the start of an attempt that failed to the start of the next.
    pub after_ms: i64,
    /// How many attempts in a row are made so, until one succeeds.
    pub attempts: u32,
}
