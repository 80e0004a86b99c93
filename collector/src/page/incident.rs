//! The page of one incident: what it is about, everything that happened to it, and what people may do.

use maud::{Markup, html};

use super::frame::{Visitor, page, visitor_line};
use super::incidents::{priority, shape};
use super::text::{Clock, brief, mark};
use crate::engine::command::History;
use crate::incident::act::COMMENT_BYTES_MAX;
use crate::incident::list::EventLine;
use crate::incident::list::IncidentHistory;
use crate::incident::model::{Change, Incident};
use crate::snapshot::Snapshot;

/// From the path of an incident's page to `/`.
const ROOT: &str = "../";

/// The page.
pub fn render(snapshot: &Snapshot, history: History, visitor: &Visitor<'_>) -> String {
    let clock = Clock { as_of: snapshot.as_of, zone: &snapshot.catalogue.organisation.time_zone };
    let IncidentHistory { incident, events } = history.into();
    let id = incident.subject.service();
    let service = snapshot.catalogue.services.get(id).map_or(id.as_str(), |service| service.name.as_str());
    let body = html! {
        main.narrow {
            header.top {
                p.organisation { a href=(ROOT) { (snapshot.catalogue.organisation.name) } }
                h1 { (incident.number) }
                (visitor_line(ROOT, visitor))
            }
            article.card.incident-page data-incident=(incident.number) {
                p.what { (mark(shape(&incident))) (priority(&incident)) strong { (incident.summary) } }
                dl {
                    dt { "Service" } dd { (service) }
                    dt { "Began" } dd { (clock.moment(incident.started)) ", as measured" }
                    (end(&incident, &clock))
                    @if let Some(by) = &incident.acknowledged {
                        dt { "Taken on" } dd { (clock.moment(by.at)) " by " (by.by) }
                    }
                }
                (forms(&incident, visitor))
            }
            section.history {
                h2 { "What happened" }
                ol.card.rows { @for event in &events { (line(event, &clock)) } }
            }
            footer { p { a href=(ROOT) { "All services" } " · as of " (clock.full()) } }
        }
    };
    page(&format!("{} – {}", incident.number, incident.summary), ROOT, false, visitor, &body)
}

fn end(incident: &Incident, clock: &Clock<'_>) -> Markup {
    html! {
        @if let Some(resolved) = incident.resolved {
            dt { "Ended" }
            dd {
                (clock.moment(resolved.ended)) ", after "
                (brief(resolved.ended.since_ms(incident.started).max(0))) "; " (resolved.resolution.as_str())
            }
        } @else {
            dt { "Open for" } dd { (brief(clock.as_of.since_ms(incident.started).max(0))) }
        }
    }
}

fn line(event: &EventLine, clock: &Clock<'_>) -> Markup {
    let said = match &event.change {
        Change::Acknowledged { text, .. } => text.as_deref(),
        Change::Commented { text, .. } => Some(text.as_str()),
        Change::Opened { .. } | Change::Resolved { .. } | Change::Reopened | Change::Amended { .. } => None,
    };
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
            Change::Opened { priority, .. } => { "Opened, " (priority.0.as_str()) }
            Change::Resolved { resolution, .. } => { "Resolved: " (resolution.as_str()) }
            Change::Reopened => { "Opened again: what had looked like its end was none" }
            Change::Amended { resolution, .. } => {
                "Amended, since what is on record or was observed of the closed window changed its figures: "
                (resolution.as_str())
            }
            Change::Acknowledged { by, .. } => { "Taken on by " (by) }
            Change::Commented { by, .. } => { (by) " said" }
        }
    }
}

fn forms(incident: &Incident, visitor: &Visitor<'_>) -> Markup {
    let word = visitor.form_word.filter(|_| visitor.may_act);
    let number = incident.number;
    html! {
        @match word {
            Some(word) => {
                @if incident.is_open() && incident.acknowledged.is_none() {
                    form method="post" action={ (number) "/acknowledge" } {
                        input type="hidden" name="word" value=(word);
                        button type="submit" { "Take it on" }
                    }
                }
                form method="post" action={ (number) "/comments" } {
                    input type="hidden" name="word" value=(word);
                    label for="text" { "Comment" }
                    textarea #text name="text" rows="3" required maxlength=(COMMENT_BYTES_MAX) {}
                    button type="submit" { "Add the comment" }
                }
            }
            None if visitor.signed_in.is_none() => {
                p.note { a href={ (ROOT) "sign-in?next=/incidents/" (number) } { "Sign in" } " to take it on or to comment." }
            }
            None => { p.note { "Your role may not act on incidents." } }
        }
    }
}
