//! Processes on the agent's own host.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many processes there are. At least one of name and command is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessCheck {
    /// The name of the executable.
    pub name: Option<String>,
    /// A regular expression that the command line must match.
    pub command: Option<String>,
    /// Whose they are: a name or a number; none: anybody's.
    pub user: Option<String>,
    /// How many there must be.
    pub at_least: u32,
    /// How many there may be; none: any number.
    pub at_most: Option<u32>,
}
