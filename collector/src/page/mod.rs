//! The pages: the snapshot for people at `/`, the incidents, each service, host and incident on a page of its own, problems on one,
//! and the one to sign in on.
//!
//! It computes no figure: whatever is shown stands in the snapshot, cut to the decimals of its promise and never rounded
//! up. It loads nothing from elsewhere and works without a script: the script only fetches the page again and puts
//! its `main` in place of the old one. Style, script and icon are assets of their own, so that the content security
//! policy needs no exception. Nothing is said by colour alone: states have a word and a shape too.

mod acts;
pub mod agent;
mod agents;
mod alignment;
mod burn;
mod capacity;
#[cfg(test)]
pub(crate) mod fixture;
mod flowing;
mod frame;
pub mod history;
mod hosts;
pub mod incident;
mod incidents;
mod limits;
pub mod listed;
mod maintenance;
pub mod plot;
mod plotted;
mod probes;
pub mod problems;
mod response;
mod revisions;
mod service;
pub mod sign_in;
mod store;
mod strip;
mod target;
mod text;

use maud::{Markup, html};
use uphold_common::measure::figures::time_zone_data;
use uphold_common::observation::State;

use crate::snapshot::Snapshot;
pub use frame::Visitor;
use text::{Clock, counted};

/// What the page is served with as `Content-Security-Policy`.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
     img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What the page loads, by path: the content type and the content.
pub fn asset(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "/page.css" => ("text/css; charset=utf-8", include_str!("page.css")),
        "/page.js" => ("text/javascript; charset=utf-8", include_str!("page.js")),
        "/icon.svg" => ("image/svg+xml", include_str!("icon.svg")),
        _ => return None,
    })
}

/// The page.
pub fn render(snapshot: &Snapshot, visitor: &Visitor<'_>) -> String {
    let summary = summary(snapshot);
    let title = format!("{summary} – {}", snapshot.catalogue.organisation.name);
    frame::page(&title, "", true, visitor, &content(snapshot, &summary, visitor))
}

fn content(snapshot: &Snapshot, summary: &str, visitor: &Visitor<'_>) -> Markup {
    let clock = Clock { as_of: snapshot.as_of, zone: &snapshot.catalogue.organisation.time_zone };
    html! {
        main data-as-of-ms=(snapshot.as_of.as_ms()) {
            (header(snapshot, &clock, summary, visitor))
            (incidents::open(snapshot, &clock))
            section.services aria-label="Services" {
                @for service in snapshot.catalogue.services.values() {
                    (service::card(snapshot, service, &clock))
                }
                @if snapshot.catalogue.services.is_empty() {
                    p.empty { "The catalogue holds no services yet. Once it does, they are measured within seconds." }
                }
            }
            @if !snapshot.catalogue.services.is_empty() { (strip::legend()) }
            (hosts::section(snapshot, &clock))
            (maintenance::section(snapshot, &clock))
            (incidents::recent(snapshot, &clock))
            (agents::section(snapshot, &clock))
            (store::section(snapshot, &clock))
            (limits::section(snapshot))
            (footer(snapshot))
        }
    }
}

/// The whole in one sentence: `3 of 4 services up, 1 incident open`.
fn summary(snapshot: &Snapshot) -> String {
    let all = snapshot.catalogue.services.len();
    let services = match (all, in_state(snapshot, State::Up)) {
        (0, _) => "No services yet".to_owned(),
        (1, 1) => "The service is up".to_owned(),
        (all, up) if all == up => format!("All {all} services up"),
        (all, up) => format!("{up} of {} up", counted(all, "service", "services")),
    };
    match snapshot.open_incidents.len() {
        0 => format!("{services}, no incident open"),
        open => format!("{services}, {} open", counted(open, "incident", "incidents")),
    }
}

/// How many services of the catalogue are in `state`; one that the snapshot does not know is not measured.
fn in_state(snapshot: &Snapshot, state: State) -> usize {
    let state_of = |id| snapshot.services.get(id).map_or(State::Unmeasured, |service| service.state);
    snapshot.catalogue.services.keys().filter(|id| state_of(id) == state).count()
}

fn header(snapshot: &Snapshot, clock: &Clock<'_>, summary: &str, visitor: &Visitor<'_>) -> Markup {
    let others = [State::Down, State::Degraded, State::Unmeasured].map(|state| (state, in_state(snapshot, state)));
    html! {
        header.top {
            p.organisation { (snapshot.catalogue.organisation.name) }
            h1 { (summary) }
            @if snapshot.health.deriving > 0 {
                p.note { "Histories are still being read: " (snapshot.health.deriving) " services and targets are left out until theirs is complete." }
            }
            p.tally {
                @for (state, count) in others {
                    @if count > 0 {
                        span.tag.(state.as_str()) { (text::shape(state)) (count) " " (text::word(state)) }
                    }
                }
                @for (state, trouble) in store::troubles(&snapshot.health) {
                    span.tag.(state.as_str()) { (text::shape(state)) (trouble) }
                }
            }
            p.as-of { "As of " (clock.full()) }
            (frame::visitor_line("", visitor))
        }
    }
}

fn footer(snapshot: &Snapshot) -> Markup {
    let store = snapshot.store.to_string();
    html! {
        footer {
            p {
                "Catalogue version " (snapshot.catalogue_version)
                " · store " span title=(store) { (store.get(..8).unwrap_or(&store)) }
                " · time zone data " (time_zone_data())
                " · " a href="problems" { "Problems" }
                " · Uphold " (env!("CARGO_PKG_VERSION"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
