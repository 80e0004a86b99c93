//! The page of the incidents: those that are asked for, newest first, with links that narrow the list. No script is needed.

use maud::{Markup, html};
use uphold_common::catalogue::cause::Cause;
use uphold_common::catalogue::model::Priority;

use super::frame::{Visitor, page, visitor_line};
use super::incidents::{priority, shape, standing};
use super::text::{Clock, brief, counted, mark};
use crate::incident::list::{IncidentList, IncidentsQuery, Wanted};
use crate::incident::model::{Category, Incident};
use crate::snapshot::Snapshot;

/// The page of those that were `asked` for.
pub fn render(snapshot: &Snapshot, asked: &IncidentsQuery, list: &IncidentList, visitor: &Visitor<'_>) -> String {
    let clock = Clock { as_of: list.as_of_ms, zone: &snapshot.catalogue.organisation.time_zone };
    let body = html! {
        main data-as-of-ms=(list.as_of_ms.as_ms()) {
            header.top {
                p.organisation { a href="./" { (snapshot.catalogue.organisation.name) } }
                h1 { "Incidents" }
                p.as-of { "As of " (clock.full()) }
                (visitor_line("", visitor))
            }
            (filters(asked))
            section.listed aria-label="Incidents" {
                @if list.incidents.is_empty() { p.empty { "No incidents of these." } }
                @else {
                    ul.card.rows { @for incident in &list.incidents { (line(incident, asked, snapshot, &clock)) } }
                }
                (pages(asked, list))
            }
            footer { p { a href="./" { "All services" } } }
        }
    };
    page(&format!("Incidents – {}", snapshot.catalogue.organisation.name), "", true, visitor, &body)
}

/// Where a list is shown that is asked for otherwise, from its beginning.
fn to(asked: IncidentsQuery) -> String {
    format!("incidents?{}", IncidentsQuery { after: None, ..asked }.written())
}

/// A choice that narrows the list; the one that is taken is no link.
fn choice(text: &str, asked: &IncidentsQuery, other: IncidentsQuery) -> Markup {
    let taken = IncidentsQuery { after: asked.after, ..other.clone() } == *asked;
    html! {
        @if taken { strong aria-current="true" { (text) } } @else { a href=(to(other)) { (text) } }
    }
}

fn filters(asked: &IncidentsQuery) -> Markup {
    let with = |change: &dyn Fn(&mut IncidentsQuery)| {
        let mut other = asked.clone();
        change(&mut other);
        other
    };
    html! {
        nav.filters aria-label="Which incidents" {
            p {
                span.label { "State" }
                @for (word, state) in Wanted::WORDS { (choice(word, asked, with(&|other| other.state = state))) }
            }
            p {
                span.label { "Priority" }
                (choice("any", asked, with(&|other| other.priority = None)))
                @for one in Priority::ALL { (choice(one.as_str(), asked, with(&|other| other.priority = Some(one)))) }
            }
            details data-key="filters" open[asked.cause.is_some() || asked.category.is_some()] {
                summary { "Cause and kind" }
                p {
                    span.label { "Cause" }
                    (choice("any", asked, with(&|other| other.cause = None)))
                    @for one in Cause::ALL {
                        (choice(&spaced(one.as_str()), asked, with(&|other| other.cause = Some(one))))
                    }
                }
                p {
                    span.label { "Kind" }
                    (choice("any", asked, with(&|other| other.category = None)))
                    @for one in Category::ALL {
                        (choice(&spaced(one.as_str()), asked, with(&|other| other.category = Some(one))))
                    }
                }
                p {
                    span.label { "Only" }
                    (choice("major", asked, with(&|other| other.major = Some(true))))
                    (choice("in maintenance", asked, with(&|other| other.quiet = Some(true))))
                    (choice("told", asked, with(&|other| other.quiet = Some(false))))
                }
            }
            (taken(asked, &with))
        }
    }
}

/// What is asked for, with a change.
type Changed<'a> = &'a dyn Fn(&dyn Fn(&mut IncidentsQuery)) -> IncidentsQuery;

/// What narrows the list beside the choices, each with the way to take it off.
fn taken(asked: &IncidentsQuery, with: Changed<'_>) -> Markup {
    let yes_or_no = |wanted: bool| if wanted { "only" } else { "none" }.to_owned();
    let all = [
        ("service", asked.service.as_ref().map(ToString::to_string), with(&|other| other.service = None)),
        ("customer", asked.customer.as_ref().map(ToString::to_string), with(&|other| other.customer = None)),
        ("assigned to", asked.assignee.clone(), with(&|other| other.assignee = None)),
        ("problem", asked.problem.map(|number| number.to_string()), with(&|other| other.problem = None)),
        ("not over before", asked.since.map(|at| at.to_string()), with(&|other| other.since = None)),
        ("began before", asked.until.map(|at| at.to_string()), with(&|other| other.until = None)),
        ("major", asked.major.map(yes_or_no), with(&|other| other.major = None)),
        ("in maintenance", asked.quiet.map(yes_or_no), with(&|other| other.quiet = None)),
    ];
    html! {
        @if all.iter().any(|(_, said, _)| said.is_some()) {
            p {
                span.label { "Narrowed" }
                @for (what, said, without) in all {
                    @if let Some(said) = said {
                        span { (what) " " (said) " " a href=(to(without)) aria-label={ "without " (what) } { "×" } }
                    }
                }
            }
        }
    }
}

fn line(incident: &Incident, asked: &IncidentsQuery, snapshot: &Snapshot, clock: &Clock<'_>) -> Markup {
    let service = incident.subject.service();
    let name = |id| snapshot.catalogue.services.get(id).map_or("", |service| service.name.as_str());
    let of_service = |id: &uphold_common::ids::Id| {
        to(IncidentsQuery { service: Some(id.clone()), state: Wanted::All, ..asked.clone() })
    };
    let end = incident.resolved.as_ref().map_or(clock.as_of, |resolved| resolved.ended);
    html! {
        li.line data-incident=(incident.number) {
            (mark(shape(incident)))
            p.what {
                (priority(incident))
                a href={ "incidents/" (incident.number) } { (incident.summary) }
                @if incident.major.is_some() { " " span.major { "major" } }
            }
            p.when {
                (incident.number) " · " (standing(incident))
                " · " (clock.moment(incident.started))
                @if incident.is_open() { ", for " } @else { ", lasted " }
                (brief(end.since_ms(incident.started).max(0)))
                @if let Some(id) = service { " · " a href=(of_service(id)) { (name(id)) } }
                @if !incident.affected.is_empty() {
                    " · " (counted(incident.affected.len(), "service", "services")) " affected"
                }
                @if let Some(to) = &incident.assignee { " · with " (to) }
                @else if let Some(by) = &incident.acknowledged { " · taken on by " (by.by) }
            }
        }
    }
}

fn pages(asked: &IncidentsQuery, list: &IncidentList) -> Markup {
    html! {
        @if asked.after.is_some() || list.next.is_some() {
            p.pages {
                @if asked.after.is_some() { a href=(to(asked.clone())) { "Newest" } }
                @if let Some(next) = list.next {
                    a rel="next" href={ "incidents?" (asked.clone().after(next).written()) } { "Older" }
                }
            }
        }
    }
}

/// A word of the API as people read it.
fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::Id;

    use super::*;
    use crate::page::fixture;

    #[test]
    fn the_page_lists_what_was_asked_for_and_links_to_the_rest() {
        let snapshot = fixture::snapshot();
        let incidents = || snapshot.open_incidents.iter().rev().chain(&snapshot.recent_incidents).cloned();
        let list = IncidentList { as_of_ms: snapshot.as_of, incidents: incidents().collect(), next: None };
        let asked = IncidentsQuery { state: Wanted::All, ..IncidentsQuery::default() };
        let shown = render(&snapshot, &asked, &list, &Visitor::default());
        for incident in incidents() {
            let link = format!("href=\"incidents/{}\"", incident.number);
            assert!(shown.contains(&link), "{link} is not in: {shown}");
        }
        assert!(shown.contains("<strong aria-current=\"true\">all</strong>"), "{shown}");
        assert!(shown.contains("incidents?state=all&amp;service=mail&amp;limit=100"), "{shown}");
        assert!(!shown.contains("Older") && !shown.contains("Narrowed"), "{shown}");
    }

    #[test]
    fn what_narrows_the_list_can_be_taken_off_and_pages_follow() {
        let snapshot = fixture::snapshot();
        let first = snapshot.open_incidents[0].clone();
        let list = IncidentList { as_of_ms: snapshot.as_of, next: Some(first.number), incidents: vec![first] };
        let asked = IncidentsQuery {
            service: Some(Id::new("mail").unwrap()),
            after: Some(crate::incident::model::Number(9)),
            ..IncidentsQuery::default()
        };
        let shown = render(&snapshot, &asked, &list, &Visitor::default());
        for expected in [
            "service mail <a href=\"incidents?state=open&amp;limit=100\" aria-label=\"without service\">×</a>",
            "rel=\"next\" href=\"incidents?state=open&amp;service=mail&amp;after=INC-6&amp;limit=100\">Older",
            "<a href=\"incidents?state=open&amp;service=mail&amp;limit=100\">Newest</a>",
        ] {
            assert!(shown.contains(expected), "{expected} is not in: {shown}");
        }
        let nothing = IncidentList { incidents: Vec::new(), next: None, ..list };
        assert!(render(&snapshot, &asked, &nothing, &Visitor::default()).contains("No incidents of these."));
    }
}
