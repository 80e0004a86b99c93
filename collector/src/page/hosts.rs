//! The hosts of the catalogue: what is in use of what there is, and what flows.

use maud::{Markup, html};
use uphold_common::ids::Id;
use uphold_common::observation::{Reading, Resource, ResourceId, ResourceUnit};
use uphold_common::percent::Ratio;

use super::flowing;
use super::text::{Clock, bar, bytes_of, cores_of, share, thousandths_of};
use crate::snapshot::Snapshot;

pub(super) fn section(snapshot: &Snapshot, clock: &Clock<'_>) -> Markup {
    html! {
        @if !snapshot.catalogue.hosts.is_empty() {
            section.hosts {
                h2 { "Hosts" }
                div.grid { @for host in snapshot.catalogue.hosts.keys() { (card(snapshot, host, clock)) } }
            }
        }
    }
}

fn card(snapshot: &Snapshot, host: &Id, clock: &Clock<'_>) -> Markup {
    let readings: Vec<_> = snapshot.readings.iter().filter(|(id, _)| id.host == *host).collect();
    let volumes = snapshot.volumes.iter().filter(|(id, _)| id.host == *host);
    let volumes: Vec<_> = volumes.filter(|(id, volume)| !flowing::goes_without_saying(id, volume)).collect();
    let newest = readings.iter().map(|(_, reading)| reading.at).max();
    html! {
        article.card.host data-host=(host) {
            h3 { a href={ "hosts/" (host) } { (host) } @if let Some(at) = newest { span.ago { (clock.ago(at)) } } }
            @if readings.is_empty() { p.note { "Nothing was read here lately." } }
            @for (id, reading) in &readings { (resource(id, reading)) }
            @if !volumes.is_empty() {
                p.flows {
                    @for (id, volume) in &volumes {
                        span { (flowing::kind(id.flow)) " " (flowing::over(id.flow, volume)) span.of { (id.of) } }
                    }
                }
            }
        }
    }
}

fn resource(id: &ResourceId, reading: &Reading) -> Markup {
    let amount = match id.resource.unit() {
        ResourceUnit::Millicores => cores_of(reading.used, reading.limit),
        ResourceUnit::Bytes => bytes_of(reading.used, reading.limit),
        ResourceUnit::BytesPerSecond => format!("{}/s", bytes_of(reading.used, reading.limit)),
        ResourceUnit::TimePpm => format!("{} ms of a second", reading.used / 1_000),
        ResourceUnit::Count => format!("{} of {}", reading.used, reading.limit),
        ResourceUnit::Thousandths => thousandths_of(reading.used, reading.limit),
    };
    let whole = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    let (used, limit) = (whole(reading.used), whole(reading.limit));
    let percent = Ratio::new(used, limit).map(|ratio| ratio.percent(0));
    let name = name(id);
    html! {
        div.resource role="meter" aria-label=(name) aria-valuemin="0" aria-valuemax=(reading.limit)
            aria-valuenow=(reading.used) aria-valuetext=(amount) {
            p {
                span.label { (name) }
                span.value { (amount) @if let Some(percent) = percent { span.percent { (percent) " %" } } }
            }
            (bar("use", &share(used, limit)))
        }
    }
}

pub(super) fn name(id: &ResourceId) -> String {
    let kind = match id.resource {
        Resource::Cpu => "Processors",
        Resource::Memory => "Memory",
        Resource::Swap => "Swap",
        Resource::Filesystem | Resource::Measured => return id.of.clone(),
        Resource::FilesystemInodes => "Inodes of",
        Resource::OpenFiles => "Open files",
        Resource::Threads => "Threads",
        Resource::CpuPressure => "Pressure on processors,",
        Resource::MemoryPressure => "Pressure on memory,",
        Resource::IoPressure => "Pressure on input and output,",
        Resource::DiskBusy => "Disk",
        Resource::NetworkReceived => "In through",
        Resource::NetworkSent => "Out through",
    };
    if id.of.is_empty() { kind.to_owned() } else { format!("{kind} {}", id.of) }
}
