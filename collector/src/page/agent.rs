//! The page of one agent: how it stands, and what it told of its own measuring.

use maud::{Markup, html};
use uphold_common::time::Instant;

use super::agents::{batches, remarks};
use super::frame::{Visitor, page, visitor_line};
use super::text::Clock;
use crate::quality::model::{FactList, FactTold};
use crate::quality::telling;
use crate::snapshot::{AgentSnapshot, Snapshot};

/// From the path of an agent's page to `/`.
const ROOT: &str = "../";

/// The page, with the newest of what the agent told.
pub fn render(snapshot: &Snapshot, list: &FactList, visitor: &Visitor<'_>) -> String {
    let clock = Clock { as_of: snapshot.as_of, zone: &snapshot.catalogue.organisation.time_zone };
    let body = html! {
        main.narrow {
            header.top {
                p.organisation { a href=(ROOT) { (snapshot.catalogue.organisation.name) } }
                h1 { (list.agent) }
                (visitor_line(ROOT, visitor))
            }
            article.card.agent-page data-agent=(list.agent) { (standing(snapshot.agents.get(&list.agent), &clock)) }
            section.history {
                h2 { "What it told of its measuring" }
                @if list.told.is_empty() { p.empty { "Nothing is on record." } }
                @else {
                    ol.card.rows {
                        @for told in &list.told {
                            @for fact in &told.facts { (line(fact, &clock.moment(told.told_at_ms), &clock)) }
                        }
                    }
                }
                @if list.next.is_some() { p.note { "There is more; the API and " code { "uphold-collector facts" } " list it." } }
            }
            footer { p { a href=(ROOT) { "All services" } " · as of " (clock.full()) } }
        }
    };
    page(&format!("{}, an agent", list.agent), ROOT, false, visitor, &body)
}

/// How it stands, since the collector started.
fn standing(agent: Option<&AgentSnapshot>, clock: &Clock<'_>) -> Markup {
    let heard = agent.and_then(|agent| Some((agent, agent.last_push?)));
    html! {
        dl {
            @if let Some((agent, at)) = heard {
                dt { "Last push" } dd { (clock.ago(at)) }
                dt { "Backlog" }
                dd { @if agent.backlog_batches == 0 { "none" } @else { (batches(agent.backlog_batches)) } }
                dt { "Clock" } dd { (offset(agent.clock_offset_ms)) }
                @if let Some(at) = agent.stopped_at { dt { "Ended" } dd { "as it was asked to, " (clock.ago(at)) } }
            } @else {
                dt { "Last push" } dd { "none since the collector started" }
            }
        }
        @if let Some(agent) = agent { @for remark in remarks(agent) { p.note { (remark) } } }
    }
}

/// How far its clock was off at the last push; what travelled in between is part of it.
fn offset(ms: i64) -> String {
    let off = ms.unsigned_abs();
    match ms {
        0 => "that of the collector".to_owned(),
        1.. => format!("{off} ms ahead of the collector's"),
        _ => format!("{off} ms behind the collector's"),
    }
}

fn line(fact: &FactTold, told: &Markup, clock: &Clock<'_>) -> Markup {
    let moment =
        |at: Instant| at.to_timestamp().to_zoned(clock.zone.clone()).strftime("%-d %b %Y, %H:%M:%S %Z").to_string();
    let says = fact.fact().map_or_else(|| fact.says.clone(), |known| telling::says(&known, &moment));
    html! {
        li data-fact=(fact.fact) {
            p.when { (told) @if fact.is_loss { ", a loss" } }
            p.what { (says) }
        }
    }
}

#[cfg(test)]
mod tests {
    use uphold_common::ids::Id;
    use uphold_common::wire::batch::Epoch;

    use super::*;
    use crate::page::fixture;
    use crate::quality::key::Key;
    use crate::quality::model::{Kept, Told, each};

    #[test]
    fn the_page_says_how_the_agent_stands_and_what_it_told() {
        let snapshot = fixture::snapshot();
        let (agent, of) = snapshot.agents.iter().find(|(_, agent)| agent.clock_offset_ms < 0).unwrap();
        let key = Key { agent: agent.clone(), closed_at: snapshot.as_of, epoch: Epoch([1; 16]), seq: 1 };
        let told = vec![Told::of(&key, &Kept::of(each(), snapshot.as_of))];
        let list = FactList { agent: agent.clone(), told, next: Some("00".to_owned()) };
        let shown = render(&snapshot, &list, &Visitor::default());
        assert_eq!(shown.matches("<li data-fact=").count(), each().len());
        assert_eq!(shown.matches(", a loss").count(), each().iter().filter(|fact| fact.is_loss()).count());
        for expected in [
            format!("{} ms behind the collector's", of.clock_offset_ms.unsigned_abs()),
            "its spool was full, and it lost 12 batches with 340 rows from 1 Jan 1970".to_owned(),
            "attempts skipped: 3".to_owned(),
            "There is more".to_owned(),
        ] {
            assert!(shown.contains(&expected), "{expected}: {shown}");
        }
        let stranger = FactList { agent: Id::new("gone").unwrap(), told: Vec::new(), next: None };
        let shown = render(&snapshot, &stranger, &Visitor::default());
        assert!(
            shown.contains("none since the collector started") && shown.contains("Nothing is on record."),
            "{shown}"
        );
        assert_eq!(offset(0), "that of the collector");
    }
}
