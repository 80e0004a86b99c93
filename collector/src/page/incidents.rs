//! The incidents: those that are open before everything else, those that are over near the end.

use maud::{Markup, html};
use uphold_common::catalogue::model::Threshold;

use super::text::{Clock, brief, mark};
use crate::incident::model::{Incident, Standing, Subject};
use crate::snapshot::Snapshot;

/// How many resolved incidents the page shows; the API has the others.
const RECENT: usize = 10;

pub(super) fn open(snapshot: &Snapshot, clock: &Clock<'_>) -> Markup {
    let mut open: Vec<&Incident> = snapshot.open_incidents.iter().collect();
    open.sort_by_key(|incident| (incident.priority, incident.started));
    html! {
        @if !open.is_empty() {
            section.incidents.open aria-label="Open incidents" {
                @for incident in open {
                    article.card.incident data-incident=(incident.number) {
                        (mark(shape(incident)))
                        p.what { (priority(incident)) strong { (incident.summary) } }
                        p.when {
                            a href={ "incidents/" (incident.number) } { (incident.number) } " · open for " (brief(clock.as_of.since_ms(incident.started).max(0)))
                            ", since " (clock.moment(incident.started))
                            @if let Some(by) = &incident.acknowledged { " · taken on by " (by.by) }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn recent(snapshot: &Snapshot, clock: &Clock<'_>) -> Markup {
    html! {
        @if !snapshot.recent_incidents.is_empty() {
            section.recent {
                h2 { "Recent incidents" }
                ul.card.rows {
                    @for incident in snapshot.recent_incidents.iter().take(RECENT) { (resolved(incident, clock)) }
                }
                p.note.pages { a href="incidents?state=all" { "All incidents" } }
            }
        }
    }
}

fn resolved(incident: &Incident, clock: &Clock<'_>) -> Markup {
    html! {
        li data-incident=(incident.number) {
            p.what { (priority(incident)) span { (incident.summary) } }
            @if let Some(end) = &incident.resolved {
                p.when {
                    a href={ "incidents/" (incident.number) } { (incident.number) } " · " (clock.moment(incident.started)) ", lasted "
                    (brief(end.ended.since_ms(incident.started).max(0))) "; " (end.resolution.as_str())
                }
            }
        }
    }
}

/// Where it stands, in a word.
pub(super) const fn standing(incident: &Incident) -> &'static str {
    match incident.state {
        Standing::Open => "open",
        Standing::Acknowledged => "taken on",
        Standing::Resolved => "resolved",
        Standing::Closed => "closed",
    }
}

pub(super) fn priority(incident: &Incident) -> Markup {
    html! { span.priority.(incident.priority.0.as_str()) { (incident.priority.0.as_str()) } }
}

pub(super) const fn shape(incident: &Incident) -> &'static str {
    match incident.subject {
        Subject::ServiceDown { .. } | Subject::MaintenanceOverrun { .. } => "down",
        Subject::ServiceDegraded { .. }
        | Subject::BudgetBurning { .. }
        | Subject::CertificateExpiring { .. }
        | Subject::CapacityAbove { threshold: Threshold::Warning, .. } => "degraded",
        Subject::TargetBreached { .. }
        | Subject::TargetUnreachable { .. }
        | Subject::CapacityAbove { threshold: Threshold::Critical, .. } => "breached",
        Subject::AgentSilent { .. } | Subject::ServiceUnmeasured { .. } | Subject::ClockOff { .. } => "unmeasured",
    }
}
