//! What an hour comes to, as it is answered: of a probe, of a resource, of a flow.

use serde::Serialize;
use uphold_common::ids::{Id, PathId, VantagePoint};
use uphold_common::observation::{FlowId, ResourceId};
use uphold_common::time::{Instant, Interval};
use utoipa::ToSchema;

use crate::store::{CapacityHour, Hours, ProbeHour, StreamId, VolumeHour};

/// How long the attempts of an hour took that have a duration. Percentiles are nearest-rank and exact.
#[derive(Serialize, ToSchema)]
pub(super) struct HourDurations {
    count: u64,
    sum_us: u64,
    min_us: u64,
    p50_us: u64,
    p95_us: u64,
    max_us: u64,
}

/// What an hour comes to: the attempts by outcome, and how long they took.
#[derive(Serialize, ToSchema)]
pub(super) struct ProbeHourView {
    start_ms: Instant,
    up: u64,
    degraded: u64,
    down: u64,
    unknown: u64,
    durations: Option<HourDurations>,
}

/// The hours of a probe as one agent saw it that have attempts, in their order.
#[derive(Serialize, ToSchema)]
pub(super) struct ProbeHours {
    probe: PathId,
    agent: Id,
    from_ms: Instant,
    to_ms: Instant,
    hours: Vec<ProbeHourView>,
}

/// What an hour comes to: what was in use of how much, in thousandths of a core or in bytes, and the highest
/// utilisation in billionths.
#[derive(Serialize, ToSchema)]
pub(super) struct ResourceHourView {
    start_ms: Instant,
    readings: u64,
    used_min: u64,
    used_max: u64,
    used_last: u64,
    limit_last: u64,
    peak_ppb: u64,
}

/// The hours of a resource that have readings, in their order.
#[derive(Serialize, ToSchema)]
pub(super) struct ResourceHours {
    host: Id,
    #[schema(schema_with = super::document::resource)]
    resource: &'static str,
    of: String,
    from_ms: Instant,
    to_ms: Instant,
    hours: Vec<ResourceHourView>,
}

/// What an hour comes to: how many bytes flowed over how long, in how many stretches.
#[derive(Serialize, ToSchema)]
pub(super) struct FlowHourView {
    start_ms: Instant,
    volumes: u64,
    amount: u64,
    over_ms: u64,
}

/// The hours of a flow that have volumes, in their order.
#[derive(Serialize, ToSchema)]
pub(super) struct FlowHours {
    host: Id,
    #[schema(schema_with = super::document::flow)]
    flow: &'static str,
    of: String,
    from_ms: Instant,
    to_ms: Instant,
    hours: Vec<FlowHourView>,
}

/// The hours of whatever was asked for.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum HoursView {
    Probe(ProbeHours),
    Resource(ResourceHours),
    Flow(FlowHours),
}

impl HoursView {
    /// The hours of a stream as they are answered; what is not of its kind is nothing.
    pub(super) fn of(stream: StreamId, span: Interval, hours: &Hours) -> Self {
        let Interval { start: from_ms, end: to_ms } = span;
        match stream {
            StreamId::Probe(VantagePoint { probe, agent }) => {
                let hours = if let Hours::Probe(hours) = hours { probe_hours(hours) } else { Vec::new() };
                Self::Probe(ProbeHours { probe, agent, from_ms, to_ms, hours })
            }
            StreamId::Capacity(ResourceId { host, resource, of }) => {
                let hours = if let Hours::Capacity(hours) = hours { resource_hours(hours) } else { Vec::new() };
                Self::Resource(ResourceHours { host, resource: resource.as_str(), of, from_ms, to_ms, hours })
            }
            StreamId::Volume(FlowId { host, flow, of }) => {
                let hours = if let Hours::Volume(hours) = hours { flow_hours(hours) } else { Vec::new() };
                Self::Flow(FlowHours { host, flow: flow.as_str(), of, from_ms, to_ms, hours })
            }
        }
    }
}

fn probe_hours(hours: &[ProbeHour]) -> Vec<ProbeHourView> {
    let view = |hour: &ProbeHour| {
        let ProbeHour { start, up, degraded, down, unknown, durations } = *hour;
        let durations = durations.map(|of| HourDurations {
            count: of.count,
            sum_us: of.sum_us,
            min_us: of.min_us,
            p50_us: of.p50_us,
            p95_us: of.p95_us,
            max_us: of.max_us,
        });
        ProbeHourView { start_ms: start, up, degraded, down, unknown, durations }
    };
    hours.iter().map(view).collect()
}

fn resource_hours(hours: &[CapacityHour]) -> Vec<ResourceHourView> {
    let view = |hour: &CapacityHour| {
        let CapacityHour { start, readings, used_min, used_max, used_last, limit_last, peak_ppb } = *hour;
        ResourceHourView { start_ms: start, readings, used_min, used_max, used_last, limit_last, peak_ppb }
    };
    hours.iter().map(view).collect()
}

fn flow_hours(hours: &[VolumeHour]) -> Vec<FlowHourView> {
    let view = |hour: &VolumeHour| {
        let VolumeHour { start, volumes, amount, over_ms } = *hour;
        FlowHourView { start_ms: start, volumes, amount, over_ms }
    };
    hours.iter().map(view).collect()
}
