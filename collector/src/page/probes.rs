//! The probes of a service with the newest result of each vantage point.

use maud::{Markup, html};
use uphold_common::catalogue::model::Service;
use uphold_common::observation::{Cause, Observation, Outcome};

use super::text::{self, Clock, took};
use crate::snapshot::{ProbeSnapshot, ServiceSnapshot};

pub(super) fn list(service: &Service, seen: &ServiceSnapshot, clock: &Clock<'_>) -> Markup {
    html! {
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
