//! Incidents as a table for a terminal, from what the API answers.

use jiff::tz::TimeZone;
use serde::Deserialize;
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::Style;
use super::ink::{Ink, clean, in_line, join, length, padded};
use crate::incident::list::EventLine;
use crate::incident::model::{Acknowledged, Incident, Link, LinkKind, Resolution};
use crate::incident::response::{Outcome, Response};
use crate::problem::register::KnownErrorTold;

/// One incident with everything that happened to it, as it is answered.
#[derive(Clone, Debug, Deserialize)]
pub struct HistoryView {
    /// The incident.
    pub incident: Incident,
    /// What happened to it, in order.
    pub events: Vec<EventLine>,
    /// By when it is to be taken on and to be over, and whether it was; none where nothing is said of it.
    pub response: Option<Response>,
    /// The problem behind it, such as `PRB-2`.
    pub problem: Option<String>,
    /// What is known of that.
    pub known_error: Option<KnownErrorTold>,
}

/// Most names of a list.
const NAMES_MAX: usize = 20;

/// One incident with its history, in UTC.
pub fn render_one(history: &HistoryView, style: Style) -> String {
    let ink = Ink::new(style, None);
    let incident = &history.incident;
    let mut lines = vec![ink.bold(format!("{}  {}", incident.number, clean(&incident.summary)))];
    let mut rows = about(incident, &ink);
    rows.extend(times(incident, &ink));
    rows.extend(history.response.iter().flat_map(|response| targets(response, &ink)));
    rows.extend(history.problem.iter().map(|problem| ("problem", clean(problem))));
    if let Some(known) = &history.known_error {
        rows.extend([("known error", in_line(&known.root_cause)), ("what helps", in_line(&known.workaround))]);
    }
    rows.extend(around(incident));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    lines.extend(rows.iter().map(|(name, value)| format!("  {}  {value}", padded(name, width))));
    lines.push(String::new());
    for event in &history.events {
        lines.push(format!("{}  {}", ink.soft(&event.at_ms.to_string()), clean(&event.change.to_string())));
        lines.extend(event.change.said().into_iter().flat_map(str::lines).map(|line| format!("    {}", clean(line))));
    }
    join(&lines)
}

/// A name and what stands beside it.
type Row = (&'static str, String);

/// What it is about, and whose it is.
fn about(incident: &Incident, ink: &Ink<'_>) -> Vec<Row> {
    let what = if incident.subject.service().is_some() { "service" } else { "agent" };
    let state = if incident.is_open() { ink.bad(incident.state.as_str()) } else { incident.state.as_str().to_owned() };
    let (criticality, urgency) = (incident.criticality.0.as_str(), incident.urgency.0.as_str());
    let mut rows = vec![
        ("state", state),
        (what, incident.subject.name().to_string()),
        ("cause", format!("{}, {}", incident.subject.cause().as_str(), incident.category.as_str())),
        ("priority", format!("{}: criticality {criticality}, {urgency}", incident.priority.0.as_str())),
    ];
    rows.extend(incident.subject.target().map(|target| ("target", target.to_string())));
    rows.extend(incident.owner.as_ref().map(|owner| ("owner", clean(owner))));
    rows.extend(incident.assignee.as_ref().map(|to| ("assigned to", clean(to))));
    rows.extend(incident.quiet.as_ref().map(|id| ("maintenance", format!("it began in {id}, so nobody was told"))));
    rows
}

/// When what was so, as far as it is.
fn times(incident: &Incident, ink: &Ink<'_>) -> Vec<Row> {
    let after = |at: Instant| format!("{at}, after {}", length(at.since_ms(incident.started).max(0)));
    let mut rows =
        vec![("started", format!("{}, as measured", incident.started)), ("detected", after(incident.opened))];
    rows.push(match &incident.acknowledged {
        Some(by) => ("acknowledged", format!("{} by {}", after(by.at), clean(&by.by.to_string()))),
        None => ("acknowledged", "not yet".to_owned()),
    });
    match &incident.resolved {
        Some(resolved) => {
            let by = resolved.by.as_ref().map(|by| format!(": {}", clean(&by.to_string()))).unwrap_or_default();
            rows.push(("restored", after(resolved.ended)));
            rows.push(("resolved", format!("{}; {}{by}", resolved.decided_at, resolved.resolution.as_str())));
        }
        None => rows.push(("restored", ink.bad("not yet"))),
    }
    rows.extend(incident.closed.map(|closed| ("closed", closed.to_string())));
    rows.extend((incident.returns > 0).then(|| ("came back", format!("{} times", incident.returns))));
    rows
}

/// By when something is to be done, and whether it was.
fn targets(response: &Response, ink: &Ink<'_>) -> Vec<Row> {
    let said = |by: Instant, outcome: Outcome| {
        let outcome = match outcome {
            Outcome::Running => "running".to_owned(),
            Outcome::Met => ink.good("met"),
            Outcome::Missed => ink.bad("missed"),
        };
        format!("{by}: {outcome}")
    };
    let both = [
        ("respond by", response.respond_by.zip(response.respond)),
        ("restore by", response.restore_by.zip(response.restore)),
    ];
    both.into_iter().filter_map(|(name, due)| due.map(|(by, outcome)| (name, said(by, outcome)))).collect()
}

/// Whom it concerns, what it is connected with, and what makes it a major one.
fn around(incident: &Incident) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, all) in [
        ("customers", names(incident.customers.iter())),
        ("components", names(incident.components.iter())),
        ("affected", names(incident.affected.iter())),
    ] {
        rows.extend(all.map(|all| (name, all)));
    }
    let of_problem = incident.problem.map(|problem| problem.to_string());
    let own = |link: &&Link| link.kind != LinkKind::Problem || of_problem.as_ref() != Some(&link.to);
    rows.extend(incident.links.iter().filter(own).map(|link| (link.kind.as_str(), clean(&link.to))));
    for (receiver, ticket) in &incident.tickets {
        let url = ticket.url.as_ref().map(|url| format!(", {}", clean(url))).unwrap_or_default();
        rows.push(("ticket", format!("{} at {receiver}{url}", clean(&ticket.id))));
    }
    if let Some(major) = &incident.major {
        rows.push(("major", format!("since {}: {}", major.declared, clean(&major.because))));
        rows.push(("answers for it", clean(&major.owner)));
        let when = |known: &Option<Acknowledged>, none: &str| match known {
            Some(by) => format!("{} by {}", by.at, clean(&by.by.to_string())),
            None => none.to_owned(),
        };
        rows.push(("notice", when(&major.notice_received, "not received yet")));
        rows.push(("review", when(&major.reviewed, "not filed yet")));
    }
    rows
}

/// The first names of a list, and how many more there are; none of an empty one.
fn names<'a>(all: impl ExactSizeIterator<Item = &'a Id>) -> Option<String> {
    let (count, more) = (all.len(), all.len().saturating_sub(NAMES_MAX));
    let named: Vec<&str> = all.take(NAMES_MAX).map(Id::as_str).collect();
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    (count > 0).then(|| named.join(", ") + &more)
}

/// The titles of the columns before the summary.
const TITLES: [&str; 5] = ["NUMBER", "PRIORITY", "STATE", "SINCE", "DURATION"];
/// What is left of a summary in a narrow window.
const SUMMARY_MIN: usize = 24;

/// The incidents in the order given, as of `now`, their instants in `zone` or else in UTC.
pub fn render(incidents: &[Incident], now: Instant, zone: Option<&TimeZone>, style: Style) -> String {
    if incidents.is_empty() {
        return "No incidents.\n".to_owned();
    }
    let ink = Ink::new(style, zone);
    let rows: Vec<[String; 5]> = incidents.iter().map(|incident| row(incident, now, &ink)).collect();
    let mut widths = TITLES.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let before: usize = widths.iter().map(|width| width + 2).sum();
    let room = ink.width.saturating_sub(before).max(SUMMARY_MIN);
    let titles: String = TITLES.iter().zip(widths).map(|(title, width)| padded(title, width + 2)).collect();
    let mut lines = vec![ink.soft(&format!("{titles}SUMMARY"))];
    for (row, incident) in rows.iter().zip(incidents) {
        let open = incident.resolved.is_none();
        let mut line = String::new();
        for (place, (cell, width)) in row.iter().zip(widths).enumerate() {
            let cell = padded(cell, width + 2);
            line.push_str(&if open && place == 2 { ink.bad(&cell) } else { cell });
        }
        let summary = cut(&clean(&incident.summary), room);
        lines.push(line + &if open { ink.bold(summary) } else { summary });
    }
    join(&lines)
}

fn row(incident: &Incident, now: Instant, ink: &Ink<'_>) -> [String; 5] {
    let end = incident.resolved.as_ref().map_or(now, |resolved| resolved.ended);
    let resolution = incident.resolved.as_ref().map(|resolved| resolved.resolution);
    let state = match (incident.state, resolution) {
        (_, Some(Resolution::NotBreached)) => "not breached",
        (_, Some(Resolution::NeverWas)) => "never was",
        (_, Some(Resolution::Withdrawn)) => "withdrawn",
        (state, _) => state.as_str(),
    };
    let lasted = length(end.since_ms(incident.started).max(0));
    let priority = incident.priority.0.as_str().to_owned();
    [incident.number.to_string(), priority, state.to_owned(), ink.moment(incident.started), lasted]
}

/// The text on at most `width` characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
