//! Incidents as a table for a terminal, from what the API answers.

use jiff::tz::TimeZone;
use serde::Deserialize;
use uphold_common::ids::Id;
use uphold_common::time::Instant;

use super::Style;
use super::ink::{Ink, clean, join, length, padded};
use crate::incident::model::{Change, Number, PriorityText, Resolution};

/// What the table reads of an incident. Keys that it does not know are passed over.
#[derive(Clone, Debug, Deserialize)]
pub struct IncidentView {
    /// Its number.
    pub number: Number,
    /// The service it is about.
    pub service: Id,
    /// Its priority.
    pub priority: PriorityText,
    /// What was seen.
    pub summary: String,
    /// When what it is about began.
    pub started: Instant,
    /// How it ended; none while it is open.
    pub resolved: Option<ResolvedView>,
}

/// How an incident ended.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct ResolvedView {
    /// When what it is about ended.
    pub ended: Instant,
    /// Why.
    pub resolution: Resolution,
}

/// One incident with everything that happened to it.
#[derive(Clone, Debug, Deserialize)]
pub struct HistoryView {
    /// The incident.
    pub incident: IncidentView,
    /// What happened to it, in order.
    pub events: Vec<EventView>,
}

/// One thing that happened to it.
#[derive(Clone, Debug, Deserialize)]
pub struct EventView {
    /// When.
    pub at_ms: Instant,
    /// What.
    #[serde(flatten)]
    pub change: Change,
}

/// One incident with its history, in UTC.
pub fn render_one(history: &HistoryView, style: Style) -> String {
    let ink = Ink::new(style, None);
    let incident = &history.incident;
    let mut lines = vec![ink.bold(format!("{}  {}", incident.number, clean(&incident.summary)))];
    lines.push(format!("  service   {}", incident.service));
    lines.push(format!("  priority  {}", incident.priority.0.as_str()));
    lines.push(format!("  began     {}", incident.started));
    match incident.resolved {
        Some(resolved) => lines.push(format!("  ended     {}, {}", resolved.ended, resolved.resolution.as_str())),
        None => lines.push(format!("  ended     {}", ink.bad("not yet"))),
    }
    lines.push(String::new());
    for event in &history.events {
        lines.push(format!("{}  {}", ink.soft(&event.at_ms.to_string()), clean(&event.change.to_string())));
        let said = match &event.change {
            Change::Acknowledged { text, .. } => text.as_deref(),
            Change::Commented { text, .. } => Some(text.as_str()),
            Change::Opened { .. } | Change::Resolved { .. } | Change::Reopened | Change::Amended { .. } => None,
        };
        lines.extend(said.into_iter().flat_map(str::lines).map(|line| format!("    {}", clean(line))));
    }
    join(&lines)
}

/// The titles of the columns before the summary.
const TITLES: [&str; 5] = ["NUMBER", "PRIORITY", "STATE", "SINCE", "DURATION"];
/// What is left of a summary in a narrow window.
const SUMMARY_MIN: usize = 24;

/// The incidents in the order given, as of `now`, their instants in `zone` or else in UTC.
pub fn render(incidents: &[IncidentView], now: Instant, zone: Option<&TimeZone>, style: Style) -> String {
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

fn row(incident: &IncidentView, now: Instant, ink: &Ink<'_>) -> [String; 5] {
    let end = incident.resolved.map_or(now, |resolved| resolved.ended);
    let state = match incident.resolved.map(|resolved| resolved.resolution) {
        None => "open",
        Some(Resolution::Recovered | Resolution::MetAgain | Resolution::BelowAgain) => "resolved",
        Some(Resolution::WindowClosed) => "closed",
        Some(Resolution::NotBreached) => "not breached",
        Some(Resolution::NeverWas) => "never was",
        Some(Resolution::Withdrawn) => "withdrawn",
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
