//! The metrics page: a snapshot in the Prometheus text format, version 0.0.4.
//!
//! Each scrape builds a fresh registry from the snapshot, so a series is there exactly while what it speaks of is, and
//! a scrape shows the same figures as the page and the API at the same `as_of`. Nothing is counted here: values are
//! figures in base units, and labels come from the catalogue and the config only. This is the one file of the
//! collector that names the metrics library; what there is to say stands in [`names`].

mod alerts;
mod incidents;
pub mod names;
mod operation;
mod services;
mod store;

use std::collections::BTreeMap;

use prometheus::proto::{self, MetricFamily, MetricType};
use prometheus::{CounterVec, Encoder, GaugeVec, Opts, Registry, TextEncoder};
use uphold_common::percent::{Ratio, WideRatio};

use crate::histogram::Histogram;
use crate::snapshot::Snapshot;
use names::{Metric, Type};

/// What a scrape is answered with as `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why there is no metrics page.
#[derive(Debug, thiserror::Error)]
#[error("the metrics page cannot be written: {0}")]
pub struct MetricsError(String);

impl From<prometheus::Error> for MetricsError {
    fn from(error: prometheus::Error) -> Self {
        Self(error.to_string())
    }
}

/// The metrics page.
pub fn render(snapshot: &Snapshot) -> Result<String, MetricsError> {
    let mut sheet = Sheet::default();
    services::write(&mut sheet, snapshot)?;
    operation::write(&mut sheet, snapshot)?;
    incidents::write(&mut sheet, snapshot)?;
    store::write(&mut sheet, &snapshot.health)?;
    let mut families = sheet.registry.gather();
    families.extend(sheet.histograms);
    families.sort_by(|one, other| one.name().cmp(other.name()));
    let mut text = Vec::new();
    TextEncoder::new().encode(&families, &mut text)?;
    String::from_utf8(text).map_err(|error| MetricsError(error.to_string()))
}

/// The page while it is written: a family is registered with its first value.
#[derive(Default)]
struct Sheet {
    registry: Registry,
    families: BTreeMap<&'static str, Family>,
    /// Those that were counted elsewhere, which the library's own cannot take over.
    histograms: Vec<MetricFamily>,
}

enum Family {
    Gauge(GaugeVec),
    Counter(CounterVec),
}

impl Sheet {
    /// Writes one value; `labels` are in the order the metric names them.
    fn put(&mut self, metric: &Metric, labels: &[&str], value: f64) -> Result<(), MetricsError> {
        if !self.families.contains_key(metric.name) {
            let family = Family::register(&self.registry, metric)?;
            self.families.insert(metric.name, family);
        }
        match self.families.get(metric.name) {
            Some(Family::Gauge(family)) => family.get_metric_with_label_values(labels)?.set(value),
            Some(Family::Counter(family)) => family.get_metric_with_label_values(labels)?.inc_by(value.max(0.0)),
            None => {}
        }
        Ok(())
    }

    /// Writes a whole number.
    fn count(&mut self, metric: &Metric, labels: &[&str], value: u64) -> Result<(), MetricsError> {
        self.put(metric, labels, number(value))
    }

    /// Writes a length or an instant in seconds.
    fn seconds(&mut self, metric: &Metric, labels: &[&str], ms: i64) -> Result<(), MetricsError> {
        self.put(metric, labels, signed(ms) / 1_000.0)
    }

    /// Writes a histogram whose values are so many to the base unit.
    fn histogram(&mut self, metric: &Metric, histogram: &Histogram, to_unit: f64) {
        let bucket = |(bound, count): (u64, u64)| {
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(number(bound) / to_unit);
            bucket.set_cumulative_count(count);
            bucket
        };
        let mut whole = proto::Histogram::default();
        whole.set_bucket(histogram.cumulative().map(bucket).collect());
        whole.set_sample_count(histogram.count());
        whole.set_sample_sum(number(histogram.sum()) / to_unit);
        let mut value = proto::Metric::default();
        value.set_histogram(whole);
        let mut family = MetricFamily::default();
        family.set_name(metric.name.to_owned());
        family.set_help(metric.help.to_owned());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(vec![value]);
        self.histograms.push(family);
    }

    /// Writes a ratio of numbers that 64 bits may not hold, if there is one.
    fn wide_ratio(&mut self, metric: &Metric, labels: &[&str], ratio: Option<WideRatio>) -> Result<(), MetricsError> {
        match ratio {
            Some(ratio) => self.put(metric, labels, wide(ratio.numerator()) / wide(ratio.denominator())),
            None => Ok(()),
        }
    }

    /// Writes a ratio, if there is one.
    fn ratio(&mut self, metric: &Metric, labels: &[&str], ratio: Option<Ratio>) -> Result<(), MetricsError> {
        match ratio {
            Some(ratio) => self.put(metric, labels, signed(ratio.numerator()) / signed(ratio.denominator())),
            None => Ok(()),
        }
    }
}

impl Family {
    fn register(registry: &Registry, metric: &Metric) -> Result<Self, MetricsError> {
        let opts = Opts::new(metric.name, metric.help);
        Ok(match metric.kind {
            Type::Gauge => {
                let family = GaugeVec::new(opts, metric.labels)?;
                registry.register(Box::new(family.clone()))?;
                Self::Gauge(family)
            }
            Type::Counter => {
                let family = CounterVec::new(opts, metric.labels)?;
                registry.register(Box::new(family.clone()))?;
                Self::Counter(family)
            }
            Type::Histogram => return Err(MetricsError(format!("{} has no single value", metric.name))),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "the text format knows floats only; exact up to 2^53")]
const fn number(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "the text format knows floats only; exact up to 2^53")]
const fn signed(value: i64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "the text format knows floats only; exact up to 2^53")]
const fn wide(value: i128) -> f64 {
    value as f64
}

#[cfg(test)]
#[path = "metrics/tests.rs"]
mod tests;
