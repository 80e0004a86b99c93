//! One service: its state, what was promised of it, its last days, its probes.

use maud::{Markup, html};
use uphold_common::catalogue::model::Service;
use uphold_common::ids::TargetId;
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
                (now(state, seen, clock))
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

pub(super) fn now(state: State, seen: Option<&ServiceSnapshot>, clock: &Clock<'_>) -> Markup {
    let observed = |seen: &&ServiceSnapshot| seen.probes.values().any(|probe| !probe.newest.is_empty());
    let known = seen.filter(|seen| state != State::Unmeasured || observed(seen));
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
