//! What is read of an answer, for targets on capacity.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::Id;
use crate::quantity::Quantity;

/// A number of an answer that is read as how much of something is in use, and of how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadingSpec {
    /// Which number: a label of a plugin's performance data, or a series of an exporter.
    pub from: String,
    /// Of which host it is. Only the agent that reads this host's capacity reads it.
    pub host: Id,
    /// What it is called.
    pub of: Id,
    /// How much there is: a number, a word of the plugin, or a series of the exporter.
    pub limit: String,
}

/// How much there is, of what a plugin says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginLimit {
    /// What it says there is.
    Max,
    /// From where on it is critical.
    Critical,
    /// From where on it warns.
    Warning,
    /// This number, in the base unit.
    Number(Quantity),
}

impl PluginLimit {
    /// Reads `max`, `crit`, `warn` or a number above zero.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "max" => Some(Self::Max),
            "crit" => Some(Self::Critical),
            "warn" => Some(Self::Warning),
            number => above_zero(number).map(Self::Number),
        }
    }
}

/// Reads a number that can be a limit.
pub fn above_zero(text: &str) -> Option<Quantity> {
    Quantity::parse(text).filter(|number| *number > Quantity::ZERO)
}
