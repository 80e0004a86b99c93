//! The page of problems: what costs most, as a table with bars, and every problem with what is known of it.

use maud::{Markup, html};

use super::frame::{Visitor, page, visitor_line};
use super::text::{Clock, bar, brief, counted};
use crate::incident::model::Number;
use crate::problem::model::ProblemState;
use crate::problem::pareto::{By, Pareto, ParetoRow, Rank};
use crate::problem::view::{Effect, ProblemList, ProblemView};
use crate::snapshot::Snapshot;

/// Most incidents of one problem that it names, the newest first.
const INCIDENTS_SHOWN: usize = 10;

/// The page.
pub fn render(snapshot: &Snapshot, list: &ProblemList, found: &Pareto, visitor: &Visitor<'_>) -> String {
    let clock = Clock { as_of: snapshot.as_of, zone: &snapshot.catalogue.organisation.time_zone };
    let alive = usize::try_from(snapshot.problems_held.alive()).unwrap_or(usize::MAX);
    let body = html! {
        main {
            header.top {
                p.organisation { a href="." { (snapshot.catalogue.organisation.name) } }
                h1 { (counted(alive, "problem", "problems")) " not closed" }
                (visitor_line("", visitor))
            }
            (pareto(found, &clock))
            section.recent aria-label="Problems" {
                h2 { "Problems" }
                @if list.problems.is_empty() {
                    p.empty { "There is none. One opens by itself when incidents come again, or by " code { "uphold-collector problems open" } "." }
                } @else {
                    ul.card.rows { @for view in &list.problems { (problem(view, &clock)) } }
                }
                @if list.next.is_some() { p.note { "There are more; the API and " code { "uphold-collector problems" } " list them." } }
            }
            footer { p { a href="." { "All services" } " · as of " (clock.full()) } }
        }
    };
    page("Problems", "", false, visitor, &body)
}

fn pareto(found: &Pareto, clock: &Clock<'_>) -> Markup {
    let by = |by: By| match by {
        By::Service => "service",
        By::Cause => "cause",
        By::Component => "component",
    };
    html! {
        section.recent aria-label="What costs most" {
            h2 { "What costs most, by " (by(found.by)) }
            p.note {
                (counted(usize::try_from(found.incidents).unwrap_or(usize::MAX), "incident", "incidents"))
                " from " (clock.moment(found.from_ms)) " to " (clock.moment(found.to_ms)) " · by "
                @for (place, other) in By::ALL.into_iter().enumerate() {
                    @if place > 0 { ", " }
                    a href={ "problems?by=" (other.as_str()) } { (by(other)) }
                }
                " · first what " a href={ "problems?by=" (found.by.as_str()) "&rank=minutes" } { "took longest" } " or "
                a href={ "problems?by=" (found.by.as_str()) "&rank=count" } { "came most often" }
            }
            @if let Some(known) = found.known_from_ms.filter(|known| *known > found.from_ms) {
                p.note { "Incidents that were over before " (clock.moment(known)) " are no longer counted." }
            }
            @if found.rows.is_empty() { p.empty { "No incident lies in this time." } }
            @else {
                div.card {
                    table.pareto {
                        thead { tr {
                            th scope="col" { (by(found.by)) }
                            th scope="col" { "incidents" }
                            th scope="col" { "lasted" }
                            th scope="col" { @match found.rank { Rank::Minutes => "share of time", Rank::Count => "share of incidents" } }
                            th scope="col" { "with those above" }
                        } }
                        tbody { @for row in &found.rows { (line(row)) } }
                    }
                }
                @if found.further > 0 { p.note { "And " (found.further) " more." } }
            }
        }
    }
}

fn line(row: &ParetoRow) -> Markup {
    let percent = |permille: u32| format!("{}.{}%", permille / 10, permille % 10);
    let filled = format!("{}.{}", row.share_permille / 10, row.share_permille % 10);
    html! {
        tr {
            th scope="row" { (row.name.as_deref().unwrap_or("none")) (bar("use", &filled)) }
            td { (row.incidents) }
            td { (brief(row.duration_ms)) }
            td { (percent(row.share_permille)) }
            td { (percent(row.cumulative_permille)) }
        }
    }
}

fn problem(view: &ProblemView, clock: &Clock<'_>) -> Markup {
    let problem = &view.problem;
    let many = problem.incidents.len();
    let mut numbers: Vec<Number> = problem.incidents.iter().map(|incident| incident.number).collect();
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    html! {
        li id=(problem.number) data-problem=(problem.number) {
            p.what { strong { (problem.number) } " " span { (problem.title) } }
            p.when {
                (word(problem.state)) " · " (problem.about) " · since " (clock.moment(problem.opened)) " · "
                (counted(many, "incident", "incidents"))
                @for number in numbers.iter().take(INCIDENTS_SHOWN) {
                    " " a href={ "incidents/" (number) } { (number) }
                }
                @if many > INCIDENTS_SHOWN {
                    " and " a href={ "incidents?state=all&problem=" (problem.number) } { "earlier ones" }
                }
            }
            @if let Some(known) = &problem.known_error {
                p.when { "What lies behind it: " (known.root_cause) }
                p.when { "What helps: " (known.workaround) }
            }
            @if let Some(fix) = &problem.fix {
                p.when { "Fixed by " (fix.reference) " from " (clock.moment(fix.at)) " on" @if let Some(effect) = &view.effect { ": " (became(effect)) } }
            }
        }
    }
}

const fn word(state: ProblemState) -> &'static str {
    match state {
        ProblemState::Open => "Open",
        ProblemState::KnownError => "Known error",
        ProblemState::Fixed => "Fixed",
        ProblemState::Closed => "Closed",
    }
}

/// Whether a fix helped, in a few words.
fn became(effect: &Effect) -> String {
    let over = brief(effect.over_ms);
    if effect.came_back {
        return format!("it came back, {} in the {over} since, {} in as long before", effect.after, effect.before);
    }
    format!("it has not come back in the {over} since; {} in as long before", effect.before)
}

#[cfg(test)]
#[path = "problems_tests.rs"]
mod tests;
