//! What an exporter writes for Prometheus: named series, and what is expected of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ReadingSpec;

/// Fetches an exporter's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusCheck {
    /// Where the exporter answers.
    pub url: String,
    /// What must hold of each series that is meant.
    pub expect: Vec<SeriesBounds>,
    /// What is read of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<ReadingSpec>,
}

/// A series, and between which bounds its value lies; the bounds are numbers as they were written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesBounds {
    /// The name of a metric, and the labels that its series must have.
    pub series: String,
    /// The least that is as expected.
    pub at_least: Option<String>,
    /// The most that is as expected.
    pub at_most: Option<String>,
}
