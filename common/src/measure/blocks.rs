//! How alerts and response times stand in the figures: the keys of the contract.
//!
//! Rates are exact ratios in lowest terms, or null where nothing counts; beside them they stand cut to two decimals.

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalogue::model::ResponseBound;

use super::availability::Verdict;
use super::burn::AlertFigures;
use super::response::ResponseFigures;

/// One alert of a target.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct AlertBlock {
    long_ms: i64,
    short_ms: i64,
    factor: String,
    urgent: bool,
    long_rate: Option<String>,
    long_rate_decimal: Option<String>,
    short_rate: Option<String>,
    short_rate_decimal: Option<String>,
    bad: u64,
    alerting: bool,
}

impl AlertBlock {
    pub(super) fn of(alert: &AlertFigures) -> Self {
        let rule = &alert.rule;
        Self {
            long_ms: rule.long_ms,
            short_ms: rule.short_ms,
            factor: rule.factor.to_string(),
            urgent: rule.urgent,
            long_rate: alert.long_rate.map(|rate| rate.to_string()),
            long_rate_decimal: alert.long_rate.map(|rate| rate.decimal(2)),
            short_rate: alert.short_rate.map(|rate| rate.to_string()),
            short_rate_decimal: alert.short_rate.map(|rate| rate.decimal(2)),
            bad: alert.bad,
            alerting: alert.alerting,
        }
    }
}

/// The response times of a window. Of a percentile and a share, the one that was not promised is null, and so are the
/// rank and its value without a percentile.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Response {
    probe: String,
    percentile: Option<String>,
    share: Option<String>,
    below_us: i64,
    n: u64,
    failed: u64,
    unknown: u64,
    no_duration: u64,
    within: u64,
    rank: Option<u64>,
    value_us: Option<u32>,
    verdict: Verdict,
}

impl Response {
    pub(super) fn of(figures: &ResponseFigures) -> Self {
        let (promise, tally) = (&figures.promise, &figures.tally);
        let (percentile, share) = match promise.bound {
            ResponseBound::Percentile(percentile) => {
                (Some(percentile.to_string().trim_end_matches('%').to_owned()), None)
            }
            ResponseBound::Share(share) => (None, Some(share.to_string())),
        };
        Self {
            probe: promise.probe.to_string(),
            percentile,
            share,
            below_us: promise.below_us,
            n: tally.n,
            failed: tally.failed,
            unknown: tally.unknown,
            no_duration: tally.no_duration,
            within: tally.within,
            rank: figures.rank,
            value_us: figures.value_us,
            verdict: figures.verdict,
        }
    }
}
