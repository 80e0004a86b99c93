//! What a body must say as JSON: a pointer (RFC 6901), and what must stand there.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place in a document, and what must stand there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonCondition {
    /// The place, such as `/queue/length`.
    pub pointer: String,
    /// What must stand there.
    pub is: JsonValue,
}

/// What must stand at a place of a document. Numbers are texts, so that nothing rounds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JsonValue {
    /// This text, number, `true`, `false` or `null`; numbers are compared by their value.
    Equals(String),
    /// Something else than that.
    NotEquals(String),
    /// A number that is not below this one.
    AtLeast(String),
    /// A number that is not above this one.
    AtMost(String),
    /// A number above this one.
    Above(String),
    /// A number below this one.
    Below(String),
    /// A text or number that this regular expression matches.
    Matches(String),
    /// Anything, or nothing.
    Exists(bool),
}
