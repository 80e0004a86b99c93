//! The agent's metrics: the one file that registers any.
//!
//! Labels come from the assignment (services, probes, hosts) and from this host's mounts, which the capacity reader
//! bounds in number. The series of what is no longer assigned or read are removed, so that nobody looks at a frozen
//! value. What is told of probes stands in `probes`, since there are many of them.

mod probes;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus::{CounterVec, Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};
use uphold_common::ids::ProbeId;
use uphold_common::observation::{FlowId, Observation, Reading, ResourceId, Volume};
use uphold_common::wire::builder::Row;

use crate::spool::{Level, Losses};

use probes::Probes;

/// What an agent asks of collectors again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// That they take a batch.
    Push,
    /// What it is to observe.
    Assignment,
}

/// The agent's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    probes: Probes,
    capacity_used: GaugeVec,
    capacity_limit: GaugeVec,
    flows: CounterVec,
    spool_bytes: IntGauge,
    spool_batches: IntGauge,
    acknowledged_seq: IntGauge,
    spool_writable: Gauge,
    dropped_batches: IntCounter,
    dropped_rows: IntCounter,
    corrupt_files: IntCounter,
    quarantined: IntCounter,
    pushes: IntCounterVec,
    refused: GaugeVec,
    replay_requests: IntCounter,
    replayed: IntCounter,
    kept_batches: IntGauge,
    kept_bytes: IntGauge,
    skipped: IntCounter,
    not_later: IntCounter,
    clock_steps: IntCounter,
    clock_offset: GaugeVec,
    clock_offset_error: GaugeVec,
    asked: IntCounterVec,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    resources: BTreeSet<ResourceId>,
    flows: BTreeSet<FlowId>,
    measured: BTreeSet<ResourceId>,
}

/// Why metrics could not be registered or written; nobody else names the library.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MetricsError(#[from] prometheus::Error);

/// Registers metrics one after the other, so that their names and help stand in one place.
struct Maker(Registry);

impl Maker {
    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
        let metric = GaugeVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        let metric = Gauge::new(name, help)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn whole(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        let metric = IntGauge::new(name, help)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn amounts(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<CounterVec> {
        let metric = CounterVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        let metric = IntCounter::new(name, help)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

impl Metrics {
    /// Registers everything.
    pub fn new() -> Result<Self, MetricsError> {
        let m = Maker(Registry::new());
        let build = m.gauges("uphold_agent_build_info", "Always 1; the version stands in the label.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1.0);
        let capacity = ["host", "resource", "of"];
        let pushes = m.counters("uphold_agent_pushes_total", PUSHES, &["result"])?;
        for result in ["done", "retry", "hold", "quarantine", "new_epoch"] {
            // There from the start, so that a rate over the first failure is right.
            pushes.with_label_values(&[result]).inc_by(0);
        }
        let refused = m.gauges("uphold_agent_refused", REFUSED, &["request"])?;
        for asked in [Asked::Push, Asked::Assignment] {
            refused.with_label_values(&[asked.as_str()]).set(0.0);
        }
        Ok(Self {
            probes: Probes::default(),
            capacity_used: m.gauges("uphold_capacity_used", USED, &capacity)?,
            capacity_limit: m.gauges("uphold_capacity_limit", LIMIT, &capacity)?,
            flows: m.amounts("uphold_flow_total", FLOW, &["host", "flow", "of"])?,
            spool_bytes: m.whole("uphold_agent_spool_bytes", "What the waiting batches take on disk, in bytes.")?,
            spool_batches: m.whole("uphold_agent_spool_batches", "Batches that wait for a collector.")?,
            acknowledged_seq: m.whole("uphold_agent_acknowledged_seq", "The highest acknowledged seq; 0 for none.")?,
            spool_writable: m.gauge("uphold_agent_spool_writable", "Whether the last batch could be kept: 1 or 0.")?,
            dropped_batches: m.counter("uphold_agent_spool_dropped_batches_total", DROPPED)?,
            dropped_rows: m
                .counter("uphold_agent_spool_dropped_rows_total", "Rows in the batches that went unsent.")?,
            corrupt_files: m.counter("uphold_agent_spool_corrupt_files_total", "Spool files that were not sound.")?,
            quarantined: m.counter("uphold_agent_quarantined_batches_total", "Batches refused for good, put aside.")?,
            pushes,
            refused,
            replay_requests: m.counter("uphold_agent_replay_requests_total", REPLAY)?,
            replayed: m.counter("uphold_agent_replayed_batches_total", REPLAYED)?,
            kept_batches: m.whole("uphold_agent_kept_batches", KEPT)?,
            kept_bytes: m.whole("uphold_agent_kept_bytes", "What the kept batches take on disk, in bytes.")?,
            skipped: m.counter("uphold_agent_skipped_attempts_total", "Attempts that were due and not made.")?,
            not_later: m.counter("uphold_agent_not_later_rows_total", NOT_LATER)?,
            clock_steps: m.counter("uphold_agent_clock_steps_total", "Steps of the wall clock of over a second.")?,
            clock_offset: m.gauges("uphold_agent_clock_offset_seconds", OFFSET, &[])?,
            clock_offset_error: m.gauges("uphold_agent_clock_offset_error_seconds", OFFSET_ERROR, &[])?,
            asked: m.counters("uphold_agent_asked_probes_total", ASKED, &["result"])?,
            known: Mutex::default(),
            registry: m.0,
        })
    }

    /// An attempt was made.
    pub fn observed(&self, probe: &ProbeId, observation: &Observation) {
        self.probes.observed(probe, observation);
    }

    /// Removes the series of probes for which `assigned` is false.
    pub fn forget_unless(&self, assigned: impl Fn(&ProbeId) -> bool) {
        self.probes.forget_unless(assigned);
    }

    /// What was read of the host just now; the series of what was not read are removed.
    pub fn read(&self, rows: &[Row]) {
        let (mut resources, mut flows) = (BTreeSet::new(), BTreeSet::new());
        for row in rows {
            match row {
                Row::Capacity(id, reading) => {
                    self.in_use(id, reading);
                    resources.insert(id.clone());
                }
                Row::Volume(id, volume) => {
                    self.flowed(id, volume);
                    flows.insert(id.clone());
                }
                Row::Probe(..) => {}
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in known.resources.difference(&resources) {
            self.hide(gone);
        }
        for gone in known.flows.difference(&flows) {
            let _ = self.flows.remove_label_values(&[gone.host.as_str(), gone.flow.as_str(), gone.of.as_str()]);
        }
        (known.resources, known.flows) = (resources, flows);
    }

    fn in_use(&self, id: &ResourceId, reading: &Reading) {
        let labels = [id.host.as_str(), id.resource.as_str(), id.of.as_str()];
        let unit = f64::from(id.resource.unit().per_base());
        self.capacity_used.with_label_values(&labels).set(float(reading.used) / unit);
        self.capacity_limit.with_label_values(&labels).set(float(reading.limit) / unit);
    }

    fn flowed(&self, id: &FlowId, volume: &Volume) {
        let labels = [id.host.as_str(), id.flow.as_str(), id.of.as_str()];
        self.flows.with_label_values(&labels).inc_by(float(volume.amount) / f64::from(id.flow.unit().per_base()));
    }

    /// What an attempt just read beside its verdict; what it did not read is removed.
    pub fn measured(&self, id: &ResourceId, reading: Option<&Reading>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match reading {
            Some(reading) => {
                self.in_use(id, reading);
                known.measured.insert(id.clone());
            }
            None if known.measured.remove(id) => self.hide(id),
            None => {}
        }
    }

    /// Removes what attempts read of resources for which `assigned` is false.
    pub fn forget_measured_unless(&self, assigned: impl Fn(&ResourceId) -> bool) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.measured.retain(|id| {
            let keep = assigned(id);
            if !keep {
                self.hide(id);
            }
            keep
        });
    }

    fn hide(&self, id: &ResourceId) {
        let labels = [id.host.as_str(), id.resource.as_str(), id.of.as_str()];
        // Both are there or neither is.
        let _ = self.capacity_used.remove_label_values(&labels);
        let _ = self.capacity_limit.remove_label_values(&labels);
    }

    /// What the spool holds.
    pub fn spool(&self, level: Level, writable: bool) {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.spool_bytes.set(whole(level.disk_bytes));
        self.spool_batches.set(whole(level.batches));
        self.acknowledged_seq.set(whole(level.acknowledged_seq));
        self.kept_batches.set(whole(level.kept_batches));
        self.kept_bytes.set(whole(level.kept_disk_bytes));
        self.spool_writable.set(if writable { 1.0 } else { 0.0 });
    }

    /// What the spool lost.
    pub fn lost(&self, losses: &Losses) {
        self.dropped_batches.inc_by(losses.dropped_batches);
        self.dropped_rows.inc_by(losses.dropped_rows);
        self.corrupt_files.inc_by(losses.corrupt_files);
        self.quarantined.inc_by(losses.refused_batches);
    }

    /// A push ended; `result` is one of a few fixed words.
    pub fn pushed(&self, result: &'static str) {
        self.pushes.with_label_values(&[result]).inc();
    }

    /// Whether the last answer refused the agent itself.
    pub fn refused(&self, asked: Asked, refused: bool) {
        self.refused.with_label_values(&[asked.as_str()]).set(if refused { 1.0 } else { 0.0 });
    }

    /// A collector asked for a replay.
    pub fn replay_requested(&self) {
        self.replay_requests.inc();
    }

    /// A batch that was acknowledged before was sent again.
    pub fn replayed(&self) {
        self.replayed.inc();
    }

    /// Attempts were due and not made.
    pub fn skipped(&self, attempts: u64) {
        self.skipped.inc_by(attempts);
    }

    /// A row was not later than the last one of its stream.
    pub fn not_later(&self) {
        self.not_later.inc();
    }

    /// How many steps the clock made since the start.
    pub fn clock_steps(&self, total: u64) {
        self.clock_steps.inc_by(total.saturating_sub(self.clock_steps.get()));
    }

    /// How far this clock was ahead of the collector's, and how far from that the truth may lie.
    #[expect(clippy::cast_precision_loss, reason = "no clock is off by so much")]
    pub fn clock_offset(&self, ahead_ms: i64, within_ms: i64) {
        let none: [&str; 0] = [];
        self.clock_offset.with_label_values(&none).set(ahead_ms as f64 / 1e3);
        self.clock_offset_error.with_label_values(&none).set(within_ms as f64 / 1e3);
    }

    /// Somebody asked for a probe; `result` is one of a few fixed words.
    pub fn asked_to_probe(&self, result: &'static str) {
        self.asked.with_label_values(&[result]).inc();
    }

    /// Everything in the text format of Prometheus.
    pub fn text(&self) -> Result<String, MetricsError> {
        let mut text = String::new();
        TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text)?;
        self.probes.write(&mut text).map_err(|error| prometheus::Error::Msg(error.to_string()))?;
        Ok(text)
    }
}

impl Asked {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Assignment => "assignment",
        }
    }
}

const USED: &str =
    "What is in use of a resource, in its unit: cores, bytes, bytes a second, a share of the time or a count.";
const LIMIT: &str = "What there is of a resource, in the same unit.";
const FLOW: &str =
    "What flowed since the first reading, in the flow's unit: bytes, seconds of processor time and load, else a count.";
const DROPPED: &str = "Batches that went unsent because the spool or the disk was full.";
const PUSHES: &str = "Pushes, by their result: done, retry, hold, quarantine or new_epoch.";
const REFUSED: &str = "Whether the last answer refused the agent itself, for its token, name or address: 1 or 0.";
const REPLAY: &str = "Answers in which a collector asked for batches it no longer holds.";
const REPLAYED: &str = "Batches that were acknowledged before, sent again because a collector asked.";
const KEPT: &str = "Acknowledged batches that are kept to be sent again.";
const OFFSET: &str = "By how much this clock was ahead of the collector's at the last push.";
const OFFSET_ERROR: &str = "How far from that the truth may lie: half of what the push and its answer took.";
const ASKED: &str = "Requests for a probe, by their result: probed, wrong, refused or busy.";
const NOT_LATER: &str = "Rows that were not kept because they were not later than the last one of their stream.";

fn seconds(us: u64) -> f64 {
    float(us) / 1_000_000.0
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floats; no verdict is made from them")]
fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
