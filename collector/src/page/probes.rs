//! The probes of a service with the newest result of each vantage point, and the services that it is built on.

use maud::{Markup, html};
use uphold_common::catalogue::model::Service;
use uphold_common::ids::Id;
use uphold_common::observation::{Cause, Observation, Outcome, State};

use super::text::{self, Clock, took};
use crate::snapshot::{ProbeSnapshot, ServiceSnapshot, Snapshot};

pub(super) fn list(service: &Service, seen: &ServiceSnapshot, clock: &Clock<'_>) -> Markup {
    html! {
        @if !seen.probes.is_empty() {
            ul.probes aria-label="Probes" {
                @for (id, probe) in &seen.probes {
                    li data-probe=(id) data-state=(probe.state.as_str()) {
                        p.name {
                            (text::shape(probe.state)) strong { (id) }
                            span.state { (text::word(probe.state)) }
                            @if let Some(component) = service.probes.get(id).and_then(|p| p.component.as_ref()) {
                                span.component { (component) }
                            }
                        }
                        (points(probe, clock))
                    }
                }
            }
        }
    }
}

/// The services that a service is built on, with what they are now.
pub(super) fn built_on(snapshot: &Snapshot, service: &Service) -> Markup {
    let below = service.built_on();
    let state = |id: &Id| snapshot.services.get(id).map_or(State::Unmeasured, |seen| seen.state);
    let name = |id: &Id| snapshot.catalogue.services.get(id).map_or(id.to_string(), |service| service.name.clone());
    html! {
        @if !below.is_empty() {
            ul.probes aria-label="Built on" {
                @for id in below {
                    li data-built-on=(id) data-state=(state(id).as_str()) {
                        p.name {
                            (text::shape(state(id))) strong { a href={ "services/" (id) } { (name(id)) } }
                            span.state { (text::word(state(id))) }
                        }
                    }
                }
            }
        }
    }
}

fn points(probe: &ProbeSnapshot, clock: &Clock<'_>) -> Markup {
    html! {
        @if probe.newest.is_empty() { p.note { "No observation yet." } }
        @for (point, observation) in &probe.newest {
            p.point {
                span.agent { (point.agent) }
                span.result.(class(observation.outcome)) { (result(observation)) }
                span.took { (took(observation.total).unwrap_or_default()) }
                span.ago { (clock.ago(observation.at)) }
            }
        }
    }
}

const fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unknown => "unmeasured",
        Outcome::Up | Outcome::Degraded | Outcome::Down => outcome.as_str(),
    }
}

/// `up`, `degraded: slow`, `down: unexpected code 503`.
fn result(observation: &Observation) -> String {
    let outcome = observation.outcome.as_str();
    match observation.cause {
        Cause::None => outcome.to_owned(),
        Cause::Code => format!("{outcome}: {} {}", Cause::Code.as_str(), observation.code),
        cause => format!("{outcome}: {}", cause.as_str()),
    }
}
