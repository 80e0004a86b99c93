//! What the report reads of the figures' document. Keys that it does not know are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;
use uphold_common::ids::{Id, TargetId};
use uphold_common::measure::availability::Verdict;
use uphold_common::measure::capacity::CapacityState;
use uphold_common::measure::kinds::Kinds;
use uphold_common::time::Instant;

/// The figures of one service.
#[derive(Clone, Debug, Deserialize)]
pub struct View {
    /// The version of the rules of measurement.
    pub rules_version: u32,
    /// The release of the time zone data.
    pub time_zone_data: String,
    /// The instant the figures were taken at.
    #[serde(rename = "as_of_ms")]
    pub as_of: Instant,
    /// The service.
    pub service: Id,
    /// The version of the catalogue.
    pub catalogue_version: u64,
    /// Its targets, each in one window.
    pub targets: BTreeMap<TargetId, TargetView>,
}

/// One target in one window.
#[derive(Clone, Debug, Deserialize)]
pub struct TargetView {
    /// When.
    pub window: WindowView,
    /// Its availability had nothing been excluded.
    pub without_exclusions: Option<BesideView>,
    /// Its availability over the whole agreed service time.
    pub experienced: Option<BesideView>,
    /// What was measured of it.
    #[serde(flatten)]
    pub measured: MeasuredView,
    /// How fast its error budget burns.
    #[serde(default)]
    pub alerts: Vec<AlertView>,
    /// What the window earned, in percent of the price.
    #[serde(default)]
    pub credit: Option<String>,
}

/// One alert of a target.
#[derive(Clone, Debug, Deserialize)]
pub struct AlertView {
    /// The long look-back.
    pub long_ms: i64,
    /// The short one.
    pub short_ms: i64,
    /// The burn rate at which it alerts.
    pub factor: String,
    /// The burn rate over the long look-back, printed.
    pub long_rate_decimal: Option<String>,
    /// That over the short one, printed.
    pub short_rate_decimal: Option<String>,
    /// Failed observations in the short look-back.
    pub bad: u64,
    /// Whether it alerts.
    pub alerting: bool,
}

/// A figure that stands beside the contractual one.
#[derive(Clone, Debug, Deserialize)]
pub struct BesideView {
    /// The availability, printed.
    #[serde(rename = "A_percent")]
    pub availability: Option<String>,
}

/// What was measured of a target, by the key that it stands under.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasuredView {
    /// Its availability: what counts by contract.
    Contractual(Box<BlockView>),
    /// The use of a resource.
    Capacity(CapacityView),
    /// A response time.
    Response(ResponseView),
}

/// How soon a probe was answered in a window.
#[derive(Clone, Debug, Deserialize)]
pub struct ResponseView {
    /// Which probe.
    pub probe: String,
    /// Which percentile was promised, if one was.
    pub percentile: Option<String>,
    /// Which share was promised, if one was.
    pub share: Option<String>,
    /// The longest that is quick enough.
    pub below_us: i64,
    /// How many observations count.
    pub n: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were not measured.
    pub unknown: u64,
    /// Those without a duration.
    pub no_duration: u64,
    /// How many were quick enough.
    pub within: u64,
    /// The percentile.
    pub value_us: Option<i64>,
    /// Whether the promise was kept.
    pub verdict: Verdict,
}

/// The use of a resource in a window.
#[derive(Clone, Debug, Deserialize)]
pub struct CapacityView {
    /// How many readings count.
    pub n: u64,
    /// Which percentile is held against the thresholds.
    pub percentile: String,
    /// The percentile, printed.
    pub percentile_percent: Option<String>,
    /// What it says.
    pub state: CapacityState,
    /// The warning, if there is one.
    pub warning_ppb: Option<i64>,
    /// The critical threshold, if there is one.
    pub critical_ppb: Option<i64>,
    /// The committed time.
    pub committed_ms: i64,
    /// The time at or above the warning.
    pub warning_ms: Option<i64>,
    /// The time at or above the critical threshold.
    pub critical_ms: Option<i64>,
    /// The time that was not measured.
    pub unmeasured_ms: i64,
}

/// A window.
#[derive(Clone, Debug, Deserialize)]
pub struct WindowView {
    /// Its kind, as the catalogue writes it.
    pub kind: String,
    /// Its start.
    #[serde(rename = "start_ms")]
    pub start: Instant,
    /// Its end.
    #[serde(rename = "end_ms")]
    pub end: Instant,
    /// Whether time may still change it.
    pub open: bool,
    /// Whether confirmation can still change it.
    pub settled: bool,
    /// How much of it lies before the service's entry into the catalogue.
    #[serde(default)]
    pub before_entry_ms: i64,
}

/// The account of a window.
#[derive(Clone, Debug, Deserialize)]
pub struct BlockView {
    /// What it was made of.
    pub kinds: Kinds,
    /// `C`: committed time.
    #[serde(rename = "C")]
    pub committed_ms: i64,
    /// `N`: what counts.
    #[serde(rename = "N")]
    pub counted_ms: i64,
    /// `L`: of it, lost.
    #[serde(rename = "L")]
    pub lost_ms: i64,
    /// The availability, printed.
    #[serde(rename = "A_percent")]
    pub availability: Option<String>,
    /// Its lower bound, printed.
    #[serde(rename = "A_min_percent")]
    pub availability_min: Option<String>,
    /// Its upper bound, printed.
    #[serde(rename = "A_max_percent")]
    pub availability_max: Option<String>,
    /// The measured share, printed.
    #[serde(rename = "coverage_percent")]
    pub coverage: Option<String>,
    /// The promise in parts per billion.
    pub target_ppb: Option<i64>,
    /// Whether it was kept.
    pub verdict: Verdict,
    /// Whether unmeasured time could have changed that.
    pub not_proven: bool,
    /// Start, end and committed length of each break.
    pub breaks: Vec<(Instant, Instant, i64)>,
    /// The longest of them.
    pub longest_break_ms: Option<i64>,
    /// The mean time to restore service.
    #[serde(rename = "MTRS_ms")]
    pub mtrs_ms: Option<i64>,
    /// The mean time between failures.
    #[serde(rename = "MTBF_ms")]
    pub mtbf_ms: Option<i64>,
    /// The mean time between service incidents.
    #[serde(rename = "MTBSI_ms")]
    pub mtbsi_ms: Option<i64>,
    /// The verdicts on targets on breaks.
    #[serde(default)]
    pub break_verdicts: BTreeMap<String, Verdict>,
    /// What may be lost in the whole window.
    pub budget_ms: i64,
    /// What is left of it.
    pub remaining_ms: i64,
    /// Downtime by probe.
    #[serde(default)]
    pub charges_ms: BTreeMap<String, i64>,
    /// Downtime by component.
    #[serde(default)]
    pub charges_by_component_ms: BTreeMap<String, i64>,
    /// Downtime by party.
    #[serde(default)]
    pub charges_by_party_ms: BTreeMap<String, i64>,
    /// The window day by day.
    #[serde(default)]
    pub days: Vec<DayView>,
}

/// One local day of a window.
#[derive(Clone, Debug, Deserialize)]
pub struct DayView {
    /// Its date.
    pub date: String,
    /// What it was made of.
    pub kinds: Kinds,
}
