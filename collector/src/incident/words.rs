//! Words of the catalogue as they are stored with incidents and given out.

use serde::{Deserialize, Serialize};
use uphold_common::catalogue::model::{Criticality, Priority, Urgency};

/// A word of the catalogue as it is stored and given out.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $of:ty, $expected:literal, $all:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $of);

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let found = $all.into_iter().find(|one: &$of| one.as_str() == text);
                found.map(Self).ok_or_else(|| serde::de::Error::custom($expected))
            }
        }
    };
}

word!(
    /// A priority as it is written down.
    PriorityText, Priority, "a priority from P1 to P5", Priority::ALL
);
word!(
    /// A criticality as it is written down.
    CriticalityText, Criticality, "a criticality", Criticality::ALL
);
word!(
    /// An urgency as it is written down.
    UrgencyText, Urgency, "an urgency", [Urgency::Normal, Urgency::Urgent]
);
