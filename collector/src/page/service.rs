//! One service: its state, what was promised of it, its last days, its probes.

use maud::{Markup, html};
use uphold_common::catalogue::model::Service;
use uphold_common::ids::{ProbeId, TargetId};
use uphold_common::measure::burn::AlertFigures;
use uphold_common::observation::State;

use super::text::{self, Clock, brief};
use super::{capacity, probes, response, strip, target};
use crate::snapshot::{ServiceSnapshot, Snapshot};

pub(super) fn card(snapshot: &Snapshot, service: &Service, clock: &Clock<'_>) -> Markup {
    let seen = snapshot.services.get(&service.id);
    let state = seen.map_or(State::Unmeasured, |seen| seen.state);
    html! {
        article.card.service id=(format!("service-{}", service.id)) data-service=(service.id) data-state=(state.as_str()) {
            header {
                h2 { a href={ "services/" (service.id) } { (service.name) } }
                @if let Some(outcome) = &service.outcome { p.outcome { (outcome) } }
                (now(snapshot, service, clock))
            }
            @if let Some(seen) = seen {
                @for (id, figures) in &seen.targets {
                    @if let Some(target) = snapshot.catalogue.targets.get(id) {
                        (target::block(&snapshot.catalogue, service, target, figures, alerts(seen, id)))
                    }
                }
                @for (id, figures) in &seen.response {
                    @if let Some(target) = snapshot.catalogue.targets.get(id) {
                        (response::block(&snapshot.catalogue, service, target, figures))
                    }
                }
                @for (id, figures) in &seen.capacity {
                    @if let Some(target) = snapshot.catalogue.targets.get(id) {
                        (capacity::block(&snapshot.catalogue, service, target, figures))
                    }
                }
                @if !promised(snapshot, service) { p.note { "Nothing was promised of this service." } }
                (strip::days(seen, service))
                (probes::list(service, seen, clock))
                (probes::built_on(snapshot, service))
            }
        }
    }
}

fn alerts<'a>(seen: &'a ServiceSnapshot, target: &TargetId) -> &'a [AlertFigures] {
    seen.alerts.get(target).map_or(&[], Vec::as_slice)
}

/// Whether anything was promised of a service; a target may still be missing because it is being derived.
fn promised(snapshot: &Snapshot, service: &Service) -> bool {
    snapshot.catalogue.targets.values().any(|target| target.service == service.id)
}

/// Whether any of the probes that are looked at for a service has an observation that still speaks.
fn observed(snapshot: &Snapshot, service: &Service) -> bool {
    let newest = |id: &ProbeId| Some(&snapshot.services.get(&id.parent)?.probes.get(&id.child)?.newest);
    service.looks_at().filter_map(|probe| newest(&probe.id)).any(|newest| !newest.is_empty())
}

pub(super) fn now(snapshot: &Snapshot, service: &Service, clock: &Clock<'_>) -> Markup {
    let seen = snapshot.services.get(&service.id);
    let state = seen.map_or(State::Unmeasured, |seen| seen.state);
    let known = seen.filter(|_| state != State::Unmeasured || observed(snapshot, service));
    html! {
        p.now.(state.as_str()) {
            (text::shape(state))
            strong { (text::word(state)) }
            @if let Some(seen) = known {
                span.since {
                    "for " (brief(clock.as_of.since_ms(seen.since).max(0))) ", since " (clock.moment(seen.since))
                }
            }
        }
        @if seen.is_none() {
            p.note { "Its history is still being read; its figures follow as soon as they are complete." }
        } @else if known.is_none() {
            p.note { "No observation yet; the first is expected within a few seconds." }
        }
    }
}
