//! A unit of systemd on the agent's own host.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The state of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemdCheck {
    /// The unit's full name.
    pub unit: String,
    /// The states that are expected; never empty.
    pub active: Vec<ActiveState>,
    /// The states in the words of the unit's kind; empty: any.
    pub sub: Vec<String>,
}

/// The states that units of every kind have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActiveState {
    /// It is there.
    Active,
    /// It is there and reads its configuration again.
    Reloading,
    /// It is there and is mounted anew.
    Refreshing,
    /// It is not there.
    Inactive,
    /// It ended with a failure.
    Failed,
    /// It is being started.
    Activating,
    /// It is being stopped.
    Deactivating,
    /// It is looked after.
    Maintenance,
}

impl ActiveState {
    /// All of them, as the catalogue and systemd write them.
    pub const ALL: [(&'static str, Self); 8] = [
        ("active", Self::Active),
        ("reloading", Self::Reloading),
        ("refreshing", Self::Refreshing),
        ("inactive", Self::Inactive),
        ("failed", Self::Failed),
        ("activating", Self::Activating),
        ("deactivating", Self::Deactivating),
        ("maintenance", Self::Maintenance),
    ];
    /// Those in which a unit does what it is for.
    pub const UP: [Self; 3] = [Self::Active, Self::Reloading, Self::Refreshing];

    /// As systemd writes it.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, state)| *state == self).map_or("", |(word, _)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_that_are_sent() {
        for (word, state) in ActiveState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), word);
            assert_eq!(state.as_str(), word);
        }
    }
}
