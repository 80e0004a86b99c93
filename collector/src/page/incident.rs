//! The page of one incident: what it is about, its times, everything that happened to it, and what people may do.

use std::fmt::Display;

use maud::{Markup, html};
use uphold_common::ids::Id;

use super::acts::forms;
use super::frame::{Visitor, page, visitor_line};
use super::incidents::{priority, shape, standing};
use super::text::{Clock, brief, counted, mark, seconds};
use crate::engine::command::History;
use crate::incident::act::text::address;
use crate::incident::list::{EventLine, IncidentHistory};
use crate::incident::model::{Acknowledged, Change, Incident, Link, LinkKind, Major, Number, Opening};
use crate::incident::response::Response;
use crate::snapshot::Snapshot;

/// Most names that a list on the page has; how many more there are is said.
const NAMES_MAX: usize = 50;

/// What was not done, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: String,
    /// What was written with it, which is not to be lost.
    pub wrote: Option<String>,
}

/// The page, as it is at `/incidents/INC-7`.
pub fn render(snapshot: &Snapshot, history: History, visitor: &Visitor<'_>) -> String {
    rendered(snapshot, history, visitor, "../", None)
}

/// The page as the answer to a form that was refused, which is one folder further down.
pub fn render_refused(snapshot: &Snapshot, history: History, visitor: &Visitor<'_>, refused: &Refused) -> String {
    rendered(snapshot, history, visitor, "../../", Some(refused))
}

fn rendered(
    snapshot: &Snapshot,
    history: History,
    visitor: &Visitor<'_>,
    root: &str,
    refused: Option<&Refused>,
) -> String {
    let clock = Clock { as_of: snapshot.as_of, zone: &snapshot.catalogue.organisation.time_zone };
    let IncidentHistory { incident, events, response, problem, known_error } = history.into();
    let body = html! {
        main.narrow {
            header.top {
                p.organisation {
                    a href=(root) { (snapshot.catalogue.organisation.name) }
                    " · " a href={ (root) "incidents" } { "Incidents" }
                }
                h1 { (incident.number) }
                (visitor_line(root, visitor))
            }
            @if let Some(refused) = refused { (not_done(refused)) }
            article.card.incident-page data-incident=(incident.number) {
                p.what { (mark(shape(&incident))) (priority(&incident)) strong { (incident.summary) } }
                p.stands {
                    span.tag { (capital(standing(&incident))) }
                    @if incident.major.is_some() { span.major { "major" } }
                }
                dl {
                    (about(&incident, snapshot, root))
                    (times(&incident, &clock))
                    @if let Some(response) = &response { (targets(response, &clock)) }
                    (around(&incident, root))
                    @if let Some(problem) = &problem {
                        (row("Problem", html! { a href={ (root) "problems#" (problem) } { (problem) } }))
                    }
                    @if let Some(known) = &known_error {
                        (row("Known error", known.root_cause.as_str()))
                        (row("What helps", known.workaround.as_str()))
                    }
                }
                @if let Some(major) = &incident.major { (of_major(major, &clock)) }
                (forms(&incident, root, visitor))
            }
            section.history {
                h2 { "What happened" }
                ol.card.rows { @for event in &events { (line(event, &clock)) } }
            }
            footer { p { a href=(root) { "All services" } " · as of " (clock.full()) } }
        }
    };
    page(&format!("{} – {}", incident.number, incident.summary), root, false, visitor, &body)
}

fn not_done(refused: &Refused) -> Markup {
    html! {
        div.card.not-done role="alert" {
            p.refusal { "Nothing was done: " (refused.why) "." }
            @if let Some(wrote) = &refused.wrote { p { "You wrote:" } blockquote { (wrote) } }
        }
    }
}

/// A name and what stands beside it.
fn row(name: &str, value: impl maud::Render) -> Markup {
    html! { dt { (name) } dd { (value) } }
}

/// What it is about, and whose it is.
fn about(incident: &Incident, snapshot: &Snapshot, root: &str) -> Markup {
    let name = |id| snapshot.catalogue.services.get(id).map_or_else(|| Id::as_str(id), |service| service.name.as_str());
    let folder = |id| if snapshot.catalogue.services.contains_key(id) { Some("services/") } else { None };
    html! {
        @if let Some(id) = incident.subject.service() {
            @match folder(id) {
                Some(folder) => (row("Service", html! { a href={ (root) (folder) (id) } { (name(id)) } })),
                None => (row("Service", id.as_str())),
            }
        }
        @if let Some(id) = incident.subject.agent() {
            (row("Agent", html! { a href={ (root) "agents/" (id) } { (id) } }))
        }
        @if let Some(target) = incident.subject.target() { (row("Target", target.to_string())) }
        (row("Cause", html! {
            (spaced(incident.subject.cause().as_str())) ", " (spaced(incident.category.as_str()))
        }))
        (row("Priority", html! {
            (incident.priority.0.as_str()) ": criticality " (incident.criticality.0.as_str())
            ", " (incident.urgency.0.as_str())
        }))
        @if let Some(owner) = &incident.owner { (row("Owner", owner)) }
        @if let Some(to) = &incident.assignee { (row("Assigned to", to)) }
        @if let Some(maintenance) = &incident.quiet {
            (row("Maintenance", html! { "it began in " (maintenance) ", so nobody was told" }))
        }
    }
}

/// When what was so, as far as it is.
fn times(incident: &Incident, clock: &Clock<'_>) -> Markup {
    let lasted = |until: uphold_common::time::Instant| brief(until.since_ms(incident.started).max(0));
    html! {
        (row("Began", html! { (clock.moment(incident.started)) ", as measured" }))
        (row("Detected", html! { (clock.moment(incident.opened)) ", after " (seconds(incident.opened.since_ms(incident.started).max(0))) }))
        @if let Some(Acknowledged { at, by }) = &incident.acknowledged {
            (row("Taken on", html! { (clock.moment(*at)) " by " (by) }))
        }
        @match &incident.resolved {
            Some(resolved) => {
                (row("Restored", html! { (clock.moment(resolved.ended)) ", after " (lasted(resolved.ended)) }))
                (row("Resolved", html! {
                    (clock.moment(resolved.decided_at)) "; " (resolved.resolution.as_str())
                    @if let Some(by) = &resolved.by { ": " (by) }
                }))
            }
            None => (row("Open for", lasted(clock.as_of))),
        }
        @if let Some(closed) = incident.closed { (row("Closed", clock.moment(closed))) }
        @if incident.returns > 0 {
            (row("Came back", counted(incident.returns.try_into().unwrap_or(usize::MAX), "time", "times")))
        }
    }
}

/// Whom it concerns, and what it is connected with.
fn around(incident: &Incident, root: &str) -> Markup {
    html! {
        @if !incident.customers.is_empty() { (row("Customers", names(incident.customers.iter()))) }
        @if !incident.components.is_empty() { (row("Components", names(incident.components.iter()))) }
        @if !incident.affected.is_empty() {
            (row("Affected", html! {
                details {
                    summary { (counted(incident.affected.len(), "further service", "further services")) }
                    p { (names(incident.affected.iter())) }
                }
            }))
        }
        @for link in incident.links.iter().filter(|link| !is_its_problem(incident, link)) {
            (row(&capital(link.kind.as_str()), html! {
                @if let Some(parent) = Number::parse(&link.to).filter(|_| link.kind == LinkKind::Parent) {
                    a href={ (root) "incidents/" (parent) } { (parent) }
                } @else { (leading(&link.to, &link.to)) }
            }))
        }
        @for (receiver, ticket) in &incident.tickets {
            (row("Ticket", html! {
                (leading(ticket.url.as_deref().unwrap_or_default(), &ticket.id)) " at " (receiver)
            }))
        }
    }
}

/// Whether a link leads to the problem behind an incident, which has a row of its own.
fn is_its_problem(incident: &Incident, link: &Link) -> bool {
    link.kind == LinkKind::Problem && incident.problem.is_some_and(|problem| problem.to_string() == link.to)
}

/// Text, as a link where it leads to a page of the web.
fn leading(to: &str, text: &str) -> Markup {
    html! {
        @if address(to).is_some() { a href=(to) rel="noreferrer noopener" { (text) } } @else { (text) }
    }
}

fn names<'a>(all: impl ExactSizeIterator<Item = &'a Id>) -> Markup {
    let more = all.len().saturating_sub(NAMES_MAX);
    let named: Vec<&str> = all.take(NAMES_MAX).map(Id::as_str).collect();
    html! { (named.join(", ")) @if more > 0 { ", and " (more) " more" } }
}

fn of_major(major: &Major, clock: &Clock<'_>) -> Markup {
    let when = |known: &Option<Acknowledged>, none: &str| {
        html! {
            @match known {
                Some(Acknowledged { at, by }) => { (clock.moment(*at)) " by " (by) }
                None => (none),
            }
        }
    };
    html! {
        section.of-major {
            h2 { "Major incident" }
            dl {
                (row("Because", &major.because))
                (row("Answers for it", &major.owner))
                (row("Declared", clock.moment(major.declared)))
                (row("Notice", when(&major.notice_received, "not received yet")))
                (row("Review", when(&major.reviewed, "not filed yet; it is not closed without one")))
            }
        }
    }
}

/// By when something is to be done, and whether it was.
fn targets(response: &Response, clock: &Clock<'_>) -> Markup {
    let both = [
        ("To be taken on by", response.respond_by, response.respond),
        ("To be over by", response.restore_by, response.restore),
    ];
    html! {
        @for (what, by, outcome) in both {
            @if let (Some(by), Some(outcome)) = (by, outcome) {
                dt { (what) } dd { (clock.moment(by)) ": " (outcome.as_str()) }
            }
        }
    }
}

fn line(event: &EventLine, clock: &Clock<'_>) -> Markup {
    let said = event.change.said();
    html! {
        li {
            p.when { (clock.moment(event.at_ms)) }
            p.what { (happened(&event.change)) }
            @if let Some(said) = said { blockquote { (said) } }
        }
    }
}

/// What happened, in a few words.
fn happened(change: &Change) -> Markup {
    html! {
        @match change {
            Change::Opened(Opening { priority, .. }) => { "Opened, " (priority.0.as_str()) }
            Change::Resolved { resolution, by: None, .. } => { "Resolved: " (resolution.as_str()) }
            Change::Reopened { by: None, returned: false, .. } => { "Opened again: what had looked like its end was none" }
            Change::Amended { resolution, .. } => {
                "Amended, since what is on record or was observed changed its figures: "
                (resolution.as_str())
            }
            Change::Acknowledged { by, .. } => { "Taken on by " (by) }
            Change::Commented { by, .. } => { (by) " said" }
            other => { (capital(other)) }
        }
    }
}

/// The text with a capital in front.
fn capital(text: impl Display) -> String {
    let text = text.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A word of the API as people read it.
fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

#[cfg(test)]
#[path = "incident_tests.rs"]
mod tests;
