//! The hosts of the catalogue: what is in use of what there is, and what flows.

use maud::{Markup, html};
use uphold_common::ids::Id;
use uphold_common::observation::{Flow, Reading, Resource, ResourceId, Volume};
use uphold_common::percent::Ratio;

use super::text::{Clock, bar, bytes, bytes_of, cores_of, share};
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
    let volumes: Vec<_> = snapshot.volumes.iter().filter(|(id, _)| id.host == *host).collect();
    let newest = readings.iter().map(|(_, reading)| reading.at).max();
    html! {
        article.card.host data-host=(host) {
            h3 { a href={ "hosts/" (host) } { (host) } @if let Some(at) = newest { span.ago { (clock.ago(at)) } } }
            @if readings.is_empty() { p.note { "Nothing was read here lately." } }
            @for (id, reading) in &readings { (resource(id, reading)) }
            @if !volumes.is_empty() {
                p.flows {
                    @for (id, volume) in &volumes {
                        span { (direction(id.flow)) " " (rate(volume)) span.of { (id.of) } }
                    }
                }
            }
        }
    }
}

fn resource(id: &ResourceId, reading: &Reading) -> Markup {
    let amount = match id.resource {
        Resource::Cpu => cores_of(reading.used, reading.limit),
        Resource::Memory | Resource::Swap | Resource::Filesystem => bytes_of(reading.used, reading.limit),
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
        Resource::Filesystem => return id.of.clone(),
    };
    if id.of.is_empty() { kind.to_owned() } else { format!("{kind} {}", id.of) }
}

pub(super) const fn direction(flow: Flow) -> &'static str {
    match flow {
        Flow::NetworkReceived => "In",
        Flow::NetworkSent => "Out",
    }
}

/// The rate over the stretch that was read.
fn rate(volume: &Volume) -> String {
    let per_second = (u128::from(volume.amount) * 1_000).checked_div(u128::from(volume.over_ms)).unwrap_or(0);
    format!("{}/s", bytes(u64::try_from(per_second).unwrap_or(u64::MAX)))
}
