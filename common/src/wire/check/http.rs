//! A request over HTTP, and what its answer must be.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A GET over HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpCheck {
    /// What is fetched: `http` or `https`.
    pub url: String,
    /// The codes that are expected; empty: 200 to 299.
    pub codes: Vec<u16>,
    /// A regular expression that the body must match.
    pub body_matches: Option<String>,
}
