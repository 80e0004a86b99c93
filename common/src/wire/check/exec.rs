//! A plugin that the agent's host names.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ReadingSpec;
use crate::ids::Id;

/// A plugin in the words of Nagios: what it ends with is its verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecCheck {
    /// The command, as the configuration of the agent's host names it; what it runs stands there and nowhere else.
    pub command: Id,
    /// What is put into the places that the host's command has for it.
    pub arguments: Vec<String>,
    /// What is read of its performance data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<ReadingSpec>,
}
